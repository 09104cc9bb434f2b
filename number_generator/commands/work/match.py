"""A style matched to scans: the style, the report, and the paper of the scans."""

import argparse
from pathlib import Path

from number_generator.commands.inspection.html import save_page
from number_generator.commands.inspection.match_page import format_match_page
from number_generator.commands.runs.plan import load_chosen_digits
from number_generator.commands.terminal import report, show_progress, tell
from number_generator.errors import DatasetError, OutputExistsError, SpecError
from number_generator.formats.conversion import check_target
from number_generator.formats.image_encoding import encode_png
from number_generator.job.handwriting import checked_style
from number_generator.matching.kept_paper import keep_paper
from number_generator.matching.match import IMAGES, Match, check_minutes, match_style
from number_generator.matching.style_file import describe_distance, format_style_file, list_doubts
from number_generator.rendering.compilation import compile_kernels, compile_measures
from number_generator.rendering.own_paper import MOST_PICTURES
from number_generator.scans.unlabelled import iterate_scans, read_scans
from number_generator.system.atomic_file import open_atomic
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.checks import check_integer, check_seed
from number_generator.system.optional import import_optional
from number_generator.system.signals import Interruption
from number_generator.system.threads import check_workers

_PICTURE = "paper-{:04d}.png"


def match_scans(options: argparse.Namespace, interruption: Interruption) -> None:
    """Match a style, and write what was asked for: the style last."""
    style_path, report_path = _check_paths(options)
    paper = None if options.keep_paper is None else check_target(options.keep_paper, "--keep-paper")
    evaluations = check_integer("--evaluations", options.evaluations, 1)
    minutes = None if options.minutes is None else check_minutes(options.minutes, "--minutes")
    seed, workers = check_seed(options.seed, "--seed"), check_workers(options.workers, "--workers")
    base = checked_style(options.style)
    import_optional("cmaes", "match", "match")
    scans = read_scans(options.source)
    compile_kernels(base, tell, in_processes=True)
    compile_measures(tell)
    digits = load_chosen_digits(options)
    with show_progress(evaluations * IMAGES, quiet=options.quiet) as bar:
        match = match_style(
            scans,
            style=base,
            evaluations=evaluations,
            minutes=minutes,
            seed=seed,
            digits=digits,
            workers=workers,
            advance=lambda count: bar.update(count * IMAGES),
        )
    kept = 0 if paper is None else _write_paper(options, paper, seed, interruption)
    save_page(format_match_page(match), report_path, interruption)
    with open_atomic(style_path, interruption, overwrite=options.overwrite) as file:
        file.write(format_style_file(match).encode())
    _tell_result(options, match, report_path)
    if paper is not None:
        report(f'{kept} pictures of paper written to "{options.keep_paper}": give it to --paper')


def _check_paths(options: argparse.Namespace) -> tuple[Path, Path]:
    """Return the paths of the style and of the report, which are not there yet or may be replaced."""
    style = check_target(options.output, "--output")
    if style.suffix.lower() != ".toml":
        raise SpecError(f"--output is {options.output!r}: give a file name that ends in .toml")
    page = style.with_suffix(".html") if options.report is None else check_target(options.report, "--report")
    if page.suffix.lower() not in (".html", ".htm"):
        raise SpecError(f"--report is {options.report!r}: give a file name that ends in .html")
    for path in (style, page):
        if path.exists() and not options.overwrite:
            raise OutputExistsError(f"{path} exists: give another name, or --overwrite to replace it")
    return style, page


def _write_paper(options: argparse.Namespace, folder: Path, seed: int, interruption: Interruption) -> int:
    """Write the paper of scans into a folder, which is whole or absent; return how many pictures there are."""
    with interruption:
        target = AtomicFolder(folder, overwrite=options.overwrite, find_obstacle=_find_other)
        interruption.temporaries.append(target.temporary_path)
    count = 0
    with target:
        for page in keep_paper(iterate_scans(options.source, MOST_PICTURES), seed):
            count += 1
            with target.create(_PICTURE.format(count)) as file:
                file.write(encode_png(page[None])[0])
        if not count:
            raise DatasetError(f"{options.source}: no scan has enough blank paper: leave --keep-paper out")
        target.finish()
        target.commit()
    return count


def _find_other(folder: Path) -> str | None:
    """Say what a folder holds that is no picture of paper as written here."""
    strange = [path.name for path in sorted(folder.iterdir()) if not (path.match("paper-????.png") and path.is_file())]
    return f"holds {strange[0]!r}" if strange else None


def _tell_result(options: argparse.Namespace, match: Match, page: Path) -> None:
    scans = f"{len(match.scanned.pages):,} scans"
    report(f'Style that looks like {scans} written to "{options.output}", and the report to "{page}"')
    report(
        f"{len(match.changes)} parameters changed, {len(match.untold)} not told by the scans; {match.images:,} images"
    )
    report(describe_distance(match))
    for doubt in list_doubts(match):
        report(f"Note: {doubt}")
