"""The two commands: arguments in, exit status out. The one module that prints.

Nothing heavy is imported at the top: `--help` answers at once, and a wrong argument is told before numba loads.
"""

import argparse
import contextlib
import dataclasses
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from number_generator._version import __version__
from number_generator.errors import NumberGeneratorError, OutputError, SpecError
from number_generator.interruption import Interruption
from number_generator.options import Numbers, add_number_options, add_truth_options, numbers_of, split_of, truth_of
from number_generator.outputs import Output, add_output_options, output_of

__all__ = ["dataset_parser", "generate_numbers_sequence", "generate_phone_numbers", "image_parser"]

_FAILED = 1
_USAGE = 2
_LONGEST_FILE_NAME = 255
_SHEET_IMAGES = 60
_NUM_IMAGES = 1000
_SPLIT_BITS = 56  # a split has up to 100 parts, and image numbers end at 2**63
_LIST = "list"  # what --pattern takes to name the patterns
_MIN_SPACING, _MAX_SPACING = 5, 10


def generate_numbers_sequence(argv: list[str], interruption: Interruption) -> int:
    """Draw one number sequence into a PNG file.

    Parameters
    ----------
    argv : list of str
        The arguments, without the name of the command.
    interruption : Interruption
        Told of the file while it is unfinished.

    Returns
    -------
    int
        The exit status.
    """
    return _guarded(image_parser(), argv, lambda options: _make_image(options, interruption))


def generate_phone_numbers(argv: list[str], interruption: Interruption) -> int:
    """Make a dataset of images of phone numbers; parameters and result are those of `generate_numbers_sequence`."""
    return _guarded(dataset_parser(), argv, lambda options: _make_dataset(options, interruption))


def image_parser() -> argparse.ArgumentParser:
    """Give the arguments of `generate-numbers-sequence`."""
    parser = _parser(
        "generate-numbers-sequence", "Draw a number in real handwritten digits and save it as a PNG image."
    )
    parser.add_argument(
        "--sequence",
        required=True,
        metavar="DIGITS",
        help="the digits to write, such as 12345678, and the separators - . , / ( ) + and space; one that begins "
        "with - is given as in --sequence=-5,3",
    )
    _add_drawing_options(parser)
    parser.add_argument(
        "--output-path",
        default="./",
        metavar="DIR|FILE.png",
        help="folder for DIGITS.png, or the file itself where it ends in .png; made if missing, and an "
        "earlier image is replaced (default: %(default)s)",
    )
    _add_source_options(parser)
    return parser


def dataset_parser() -> argparse.ArgumentParser:
    """Give the arguments of `generate-phone-numbers`."""
    parser = _parser(
        "generate-phone-numbers",
        "Make a labelled dataset of images of numbers, written in real handwritten digits: phone numbers, or any that "
        "the options below describe. By default they are like Japanese phone numbers: a 0, a digit from 1 to 9, then "
        "any digits, 10 or 11 in all with equal chance.",
    )
    parser.add_argument(
        "--num-images",
        type=int,
        metavar="N",
        help=f"number of images (default: {_NUM_IMAGES}; with --sequences, one for each of them)",
    )
    _add_drawing_options(parser)
    add_output_options(parser)
    parser.add_argument(
        "--fit",
        choices=("contain", "stretch"),
        default="contain",
        help="how a line that is too wide meets the width: shrunk on both axes, or on the width alone "
        "(default: %(default)s)",
    )
    _add_source_options(parser)
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of threads; the images do not depend on it (default: one a core)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier dataset of the same name")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")
    add_number_options(parser)
    add_truth_options(parser)
    return parser


def _parser(name: str, description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=name, description=description, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _add_drawing_options(parser: argparse.ArgumentParser) -> None:
    gaps = {"--min-spacing": ("smallest", _MIN_SPACING), "--max-spacing": ("largest", _MAX_SPACING)}
    for flag, (which, default) in gaps.items():
        parser.add_argument(
            flag,
            type=int,
            metavar="PX",
            help=f"{which} gap between neighbouring digits, in px (default: {default}; a --style has gaps of its own, "
            "and takes negative ones)",
        )
    parser.add_argument(
        "--image-width", type=int, default=100, metavar="PX", help="width of each image, in px (default: %(default)s)"
    )
    parser.add_argument(
        "--style",
        default="clean",
        metavar="NAME|FILE.toml",
        help="how numbers are written: clean is the digits as they are, natural varies the writing, document adds "
        "paper and scan; or a file of parameters (default: %(default)s)",
    )
    _add_set_option(parser)
    parser.add_argument(
        "--preview",
        metavar="SHEET.png",
        help="draw a labelled contact sheet of what would be made, and make nothing else",
    )


def _add_set_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="change a parameter of the style, as in slant=-0.2:0.4 or crossbar=1; may be given again",
    )


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digits",
        metavar="NAME|FILE|DIR",
        help="digits to compose from: mnist, qmnist or emnist-digits, downloaded once; a file, pickle, HDF5, .npz or "
        "MNIST's IDX images; a folder of images for each digit, 0 to 9; or several with weights, as in "
        "mnist=0.7,./mine=0.3. An empty name means the packaged ones (default: those that NG_DEFAULT_DIGIT_DATASET "
        "names, else the packaged MNIST digits)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="whole number from 0 to 2**64 - 1; the same seed gives the same images (default: drawn afresh)",
    )


def _guarded(parser: argparse.ArgumentParser, argv: list[str], work: Callable[[argparse.Namespace], None]) -> int:
    """Parse, work, and turn errors into an exit status and one line on stderr."""
    options = parser.parse_args(argv)
    try:
        work(options)
        sys.stdout.flush()
    except SpecError as exc:
        parser.print_usage(sys.stderr)
        print(f"{parser.prog}: error: {exc}", file=sys.stderr)
        return _USAGE
    except NumberGeneratorError as exc:
        print(f"{parser.prog}: error: {exc}", file=sys.stderr)
        return _FAILED
    except OSError as exc:
        # Errors of files are ours by now, so this is stdout: whoever read it has gone, or its disk is full.
        # Nothing more can be said there, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"{parser.prog}: error: cannot write to standard output: {exc.strerror}", file=sys.stderr)
        return _FAILED
    except MemoryError:
        print(f"{parser.prog}: error: out of memory: give fewer --workers or a smaller job", file=sys.stderr)
        return _FAILED
    return 0


def _say(text: str, *, to: TextIO | None = None) -> None:
    try:
        print(text, flush=True, file=to)
    except UnicodeEncodeError:  # a file name that the terminal's encoding does not have
        print(text.encode("ascii", "backslashreplace").decode("ascii"), flush=True, file=to)


def _say_title(title: str, rule: int) -> None:
    _say(f"{'-' * rule}\n{title}\n{'-' * rule}")


def _target(output_path: str, name: str, endings: tuple[str, ...]) -> str:
    """Give the file to write: `output_path` itself if it ends as such a file does, else `name` in that folder."""
    # Unlike Path.is_dir, this answers no where the system refuses to say, such as for too long a name.
    if output_path.lower().endswith(endings) and not os.path.isdir(output_path):  # noqa: PTH112
        return output_path
    return os.path.join(output_path, name)  # noqa: PTH118 - keeps the "./" that the commands have always shown


def _checked_spec(options: argparse.Namespace, fit: Any = "contain") -> Any:
    """Give the RenderSpec that the options describe, or raise SpecError that names the option."""
    from number_generator.handwriting import checked_style, with_settings  # noqa: PLC0415
    from number_generator.spec import (  # noqa: PLC0415
        MAX_SPACING,
        MAX_WIDTH,
        MIN_STYLED_SPACING,
        RenderSpec,
        check_integer,
    )

    style = with_settings(checked_style(options.style), options.settings)
    width = check_integer("--image-width", options.image_width, 1, MAX_WIDTH)
    if not style.is_clean and options.min_spacing is None and options.max_spacing is None:
        return RenderSpec(None, width, fit, style)
    lowest = 0 if style.is_clean else MIN_STYLED_SPACING
    smallest = _MIN_SPACING if options.min_spacing is None else options.min_spacing
    largest = _MAX_SPACING if options.max_spacing is None else options.max_spacing
    smallest = check_integer("--min-spacing", smallest, lowest, MAX_SPACING)
    largest = check_integer("--max-spacing", largest, lowest, MAX_SPACING)
    if smallest > largest:
        raise SpecError(
            f"--min-spacing is {smallest} and --max-spacing is {largest}: the minimum exceeds the maximum; "
            "give both, the smaller one first"
        )
    return RenderSpec((smallest, largest), width, fit, style)


def _chosen_digits(options: argparse.Namespace) -> Any:
    """Give the digit dataset that `--digits` names."""
    from number_generator.digit_datasets import default_digits, load_digits, packaged_digits  # noqa: PLC0415

    if options.digits is None:
        return default_digits()
    return load_digits(options.digits) if options.digits else packaged_digits()


def _make_image(options: argparse.Namespace, interruption: Interruption) -> None:
    begun = time.perf_counter()
    sequence = options.sequence
    target = _target(options.output_path, f"{sequence}.png", (".png",))
    spec = _checked_spec(options)
    _check_sequence(sequence)
    named = target == options.output_path or options.preview is not None
    if not named and "/" in sequence:
        raise SpecError(f"--sequence is {sequence!r}, which makes no file name: give one with --output-path FILE.png")
    if not sequence and not named:
        raise SpecError("--sequence is empty, which makes no file name: give one with --output-path FILE.png")
    if len(Path(target).name) > _LONGEST_FILE_NAME and not named:
        raise SpecError(
            f"--sequence has {len(sequence)} digits, too many for a file name: give one with --output-path FILE.png"
        )
    from number_generator.spec import check_seed  # noqa: PLC0415

    seed = check_seed(options.seed, "--seed")
    if options.preview is not None:
        from number_generator.numbers import FixedNumbers, pack_sequences  # noqa: PLC0415

        packed = pack_sequences([sequence] * _SHEET_IMAGES)
        _make_sheet(options, interruption, FixedNumbers(packed), spec, seed, _SHEET_IMAGES)
        return
    _say_title("Digits sequence generator", 27)
    _say(f'Synthesizing image for digits sequence "{sequence}" ...')

    from number_generator.core import generate_batch  # noqa: PLC0415
    from number_generator.sinks.png_file import save_png  # noqa: PLC0415

    image = generate_batch(
        [sequence],
        spec.spacing_range,
        spec.width,
        style=spec.style,
        seed=seed,
        digits=_chosen_digits(options),
        workers=1,
    )[0]
    save_png(image, Path(target), interruption)
    _say(
        f'Image of dimensions {image.shape[1]} x {image.shape[0]} generated successfully at "{target}", '
        f"process took {time.perf_counter() - begun:.1f} seconds..."
    )


def _check_sequence(sequence: str) -> None:
    from number_generator.numbers import ALPHABET  # noqa: PLC0415

    if not set(sequence) <= set(ALPHABET):
        raise SpecError(
            f"--sequence is {sequence!r}: give digits from 0 to 9 and the separators - . , / ( ) + and space"
        )


def _make_sheet(
    options: argparse.Namespace, interruption: Interruption, numbers: Any, spec: Any, seed: int, count: int
) -> None:
    """Draw the contact sheet that `--preview` asks for."""
    from number_generator.engine import make_chunk  # noqa: PLC0415
    from number_generator.preview import contact_sheet  # noqa: PLC0415
    from number_generator.sinks.png_file import checked_png_path, save_png  # noqa: PLC0415
    from number_generator.spec import Job, Span  # noqa: PLC0415
    from number_generator.writers import atlas_for  # noqa: PLC0415

    path = checked_png_path(options.preview, "--preview")
    atlas = atlas_for(_chosen_digits(options), spec.style)
    # One image is what the other command makes: it has no labels and no ground truth.
    label: Any = getattr(options, "label", "written")
    truth = tuple(kind for kind in truth_of(options) if kind == "boxes") if hasattr(options, "truth") else ()
    job = Job(numbers, spec, atlas.height, seed, Span(0, count), label, truth)
    chunk = make_chunk(job, atlas, job.span)
    labels = [label.decode("ascii") for label in chunk.labels]
    sheet = contact_sheet(chunk.images, labels, boxes=chunk.truth.get("boxes"))
    save_png(sheet, path, interruption)
    _say(f'Contact sheet of {count} images drawn at "{options.preview}" (seed {seed}); no dataset was made')


class _Part(NamedTuple):
    """One file or folder of a run: a whole dataset, or a part of one that is split."""

    name: str
    target: str
    job: Any
    atlas: Any
    header: Any


def _make_dataset(options: argparse.Namespace, interruption: Interruption) -> None:
    begun = time.perf_counter()
    if options.pattern == _LIST:
        _say_patterns()
        return
    from number_generator.parallel import check_workers  # noqa: PLC0415
    from number_generator.run import run_job  # noqa: PLC0415
    from number_generator.sinks import open_sink  # noqa: PLC0415
    from number_generator.spec import check_integer, check_seed  # noqa: PLC0415

    spec = _checked_spec(options, options.fit)
    numbers = numbers_of(options)
    usual = _NUM_IMAGES if numbers.count is None else numbers.count
    count = usual if options.num_images is None else check_integer("--num-images", options.num_images, 1)
    workers = check_workers(options.workers, "--workers")
    seed = check_seed(options.seed, "--seed")
    if options.preview is not None:
        split_of(options)  # of no use here, and a mistake in it is told
        _make_sheet(options, interruption, numbers.source, spec, seed, min(count, _SHEET_IMAGES))
        return
    what = "phonenumbers" if numbers.are_phone else "numbers"
    output = output_of(options, f"{what}-handwritten-dataset-{count}")
    parts = _parts(options, numbers, spec, count, seed, output)
    with contextlib.ExitStack() as stack:
        sinks = []
        for part in parts:
            with interruption:
                sink = open_sink(
                    output.file_format,
                    Path(part.target),
                    part.header,
                    overwrite=options.overwrite,
                    compression=output.compression,
                    labels=output.labels,
                    part=part.name or "train",
                )
                interruption.temporaries.append(sink.temporary_path)
            sinks.append(stack.enter_context(sink))
        _say_title("Phone numbers dataset generator" if numbers.are_phone else "Numbers dataset generator", 33)
        like = "phone numbers like database" if numbers.are_phone else "numbers dataset"
        _say(f"Creating {like} with {count} examples, this might take a few moments ...")
        with _progress(count, quiet=options.quiet) as bar:
            for part, sink in zip(parts, sinks, strict=True):
                run_job(part.job, part.atlas, sink, workers=workers, advance=bar.update)
        _commit(parts, sinks, interruption, overwrite=options.overwrite)
    images = "telephone like images" if numbers.are_phone else "images of numbers"
    for part in parts:
        _say(
            f'Dataset with {len(part.job.span)} {images} generated successfully at "{part.target}", '
            f"process took {time.perf_counter() - begun:.1f} seconds..."
        )


def _commit(parts: list[_Part], sinks: list[Any], interruption: Interruption, *, overwrite: bool) -> None:
    """Move all files of a run into place, or none: but for one that has replaced an earlier one."""
    for sink in sinks:
        sink.finish()
    moved: list[Path] = []
    try:
        with interruption:  # all are on disk, so this is soon done
            for part, sink in zip(parts, sinks, strict=True):
                sink.commit()
                moved.append(Path(part.target))
    except OutputError as exc:
        if not overwrite:
            for path in moved:
                _remove(path)
        elif moved:
            raise OutputError(f"{exc}; in place already: {', '.join(map(str, moved))}") from exc
        raise


def _remove(path: Path) -> None:
    """Take a file or folder away again, as far as that is possible."""
    import shutil  # noqa: PLC0415 - see the module's first lines

    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _parts(
    options: argparse.Namespace,
    numbers: Numbers,
    spec: Any,
    count: int,
    seed: int,
    output: Output,
) -> list[_Part]:
    """Give the files or folders to make: one, or one for each part of a split."""
    from number_generator.digit_datasets import default_digits_path, recorded_digits  # noqa: PLC0415
    from number_generator.listed import ListedNumbers  # noqa: PLC0415
    from number_generator.metadata import dataset_metadata  # noqa: PLC0415
    from number_generator.spec import SOURCE_DIGITS, DatasetHeader, Job, Span  # noqa: PLC0415
    from number_generator.splits import divide  # noqa: PLC0415
    from number_generator.truth import fields_of  # noqa: PLC0415
    from number_generator.writers import atlas_for, known_clusters, writers_of  # noqa: PLC0415

    truth = truth_of(options)
    split = split_of(options)
    digits_path = default_digits_path() if options.digits is None else recorded_digits(options.digits)
    whole = _chosen_digits(options)
    groups = None if spec.style.is_clean else writers_of(whole, spec.style.writer)
    # Clusters that are computed are those of all digits: the same in all parts.
    clusters = groups.ids if groups is not None and groups.is_computed else known_clusters(whole)
    numbers_of_part = {} if split is None else divide(whole, split)
    divided = {name: whole.subset(of, cluster_ids=clusters) for name, of in numbers_of_part.items()} or {"": whole}
    counts = {"": count} if split is None else split.counts(count)
    parts: list[_Part] = []
    for number, (name, digits) in enumerate(divided.items()):
        # The parts' image numbers lie far apart: a larger job begins with the same images.
        first = number << _SPLIT_BITS
        span = Span(first, first + counts[name])
        source = numbers.source
        if isinstance(source, ListedNumbers):
            source = dataclasses.replace(source, first=first - sum(len(part.job.span) for part in parts))
        atlas = atlas_for(digits, spec.style)
        job = Job(source, spec, atlas.height, seed, span, options.label, truth)
        of_part = None if groups is None else writers_of(digits, groups.kind)
        metadata = dataset_metadata(
            job,
            whole.sha256,
            digits_path,
            output.file_format,
            output.compression,
            labels=output.labels,
            total=count,
            words=numbers.words,
            split=None if split is None else (name, str(split)),
            writers=None if of_part is None else (of_part.kind, of_part.sha256),
        )
        if groups is not None and groups.is_computed:  # k-means is not the same to the bit on every machine
            # One character each, unless several sources of digits have clusters of their own.
            metadata["style_clusters"] = ("" if groups.groups <= 10 else ",").join(map(str, groups.ids.tolist()))
        length = source.longest
        if split is not None:
            metadata[SOURCE_DIGITS] = digits.source_numbers.tolist()
        header = DatasetHeader(job.shape, length, metadata, fields_of(job, length))
        parts.append(_Part(name, output.target if split is None else output.of_part(name), job, atlas, header))
    return parts


def _say_patterns() -> None:
    from number_generator.patterns import NAMED  # noqa: PLC0415

    width = max(map(len, NAMED))
    for name, pattern in NAMED.items():
        _say(f"{name:{width}}  {pattern.description}")


def _progress(count: int, *, quiet: bool) -> Any:
    """Give a progress bar on stderr with images/s and the time left; silent where stderr is no terminal."""
    from tqdm import tqdm  # noqa: PLC0415 - see the module's first lines

    tqdm.monitor_interval = 0  # its monitor thread only matters for bars that stand still
    return tqdm(total=count, unit=" images", unit_scale=True, dynamic_ncols=True, disable=True if quiet else None)
