"""What `python -m number_generator` runs: commands that look at styles and datasets, convert and build."""

import argparse
import sys
from collections.abc import Callable

from number_generator._version import __version__
from number_generator.commands.digits import add_digits
from number_generator.commands.index import add_index
from number_generator.commands.inspect import add_inspect
from number_generator.commands.options import add_set_option
from number_generator.commands.output import add_storage_options
from number_generator.commands.terminal import USAGE, run_guarded, say, show_progress
from number_generator.errors import SpecError
from number_generator.formats.registry import FORMATS, describe_datasets, join_words, list_endings, list_written
from number_generator.job.defaults import SHEET_IMAGES, SHEET_WIDTH
from number_generator.system.signals import Interruption

__all__ = ["main", "make_command_parser"]

_Work = Callable[[argparse.Namespace, Interruption], None]


def main(argv: list[str], interruption: Interruption) -> int:
    """Run the command that the first argument names; parameters and result are those of the functions of `generate`."""
    parser, commands = make_command_parser()
    if not argv:
        parser.print_help(sys.stderr)
        return USAGE
    if argv[0] in commands.choices:
        chosen: argparse.ArgumentParser = commands.choices[argv[0]]
        return run_guarded(chosen, argv[1:], lambda options: options.work(options, interruption))
    parser.parse_args(argv)
    return parser.error("give a command first")


def make_command_parser() -> "tuple[argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]]":
    """Give the arguments of `python -m number_generator`, and its commands with theirs."""
    parser = argparse.ArgumentParser(
        prog="python -m number_generator",
        description="Look at styles and datasets, convert datasets and build digits.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"number_generator {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    _add_preview(commands)
    _add_convert(commands)
    add_digits(commands)
    add_index(commands)
    add_inspect(commands)
    return parser, commands


def _add_preview(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Draw a contact sheet, labelled images side by side, of a style or of a dataset."
    parser = commands.add_parser("preview", help="draw a contact sheet", description=text, allow_abbrev=False)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="clean, natural or document, a style file that ends in .toml, or a dataset of any format that `convert` "
        "reads",
    )
    parser.add_argument(
        "sheet",
        metavar="SHEET.png",
        help="the file to write; its folder is made if missing, and an earlier file is replaced",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=SHEET_IMAGES,
        metavar="N",
        help="number of images, up to 10,000; those of a dataset are spread evenly over it (default: %(default)s)",
    )
    parser.add_argument(
        "--width",
        type=int,
        default=SHEET_WIDTH,
        metavar="PX",
        help="of a style: width of each image, in px (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="of a style: whole number from 0 to 2**64 - 1; the same seed gives the same sheet (default: %(default)s)",
    )
    add_set_option(parser)
    parser.set_defaults(work=_preview)


def _add_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Write a dataset in another format, with its metadata and its ground truth; the images stay as they are."
    parser = commands.add_parser(
        "convert", help="write a dataset in another format", description=text, allow_abbrev=False
    )
    parser.add_argument(
        "source",
        metavar="SRC",
        help=f"a dataset: {describe_datasets()}",
    )
    parser.add_argument(
        "target",
        metavar="DST",
        help=f"the file or folder to write; an ending {join_words(list_endings())} chooses the format",
    )
    parser.add_argument(
        "--format",
        metavar="NAME",
        help=f"{join_words(list_written())} (default: what the ending of DST stands for)",
    )
    add_storage_options(parser)
    named = [row.name for row in FORMATS.values() if row.takes_part]
    parser.add_argument(
        "--part",
        metavar="NAME",
        help=f"what {join_words(named, 'and')} name their files after (default: the part of a split that SRC is, else "
        "train)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="number of threads (default: one a core)")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier dataset of the same name")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")
    parser.set_defaults(work=_convert)


def _convert(options: argparse.Namespace, interruption: Interruption) -> None:
    from number_generator.formats.conversion import check_target, choose_format, format_losses, write_dataset  # noqa: PLC0415
    from number_generator.formats.reader import open_reader  # noqa: PLC0415
    from number_generator.system.threads import check_workers  # noqa: PLC0415

    target = check_target(options.target)
    file_format = choose_format(target, options.format)
    workers = check_workers(options.workers, "--workers")
    with open_reader(options.source) as reader, show_progress(len(reader), quiet=options.quiet) as bar:
        lost = write_dataset(
            reader,
            target,
            file_format,
            labels=tuple(kind.strip() for kind in options.labels.split(",")) if options.labels else (),
            compression=options.compression,
            overwrite=options.overwrite,
            part=options.part,
            workers=workers,
            interruption=interruption,
            advance=bar.update,
        )
        count = len(reader)
    if lost:
        say(format_losses(file_format, lost), to=sys.stderr)
    say(f'Dataset with {count} images written as {file_format} at "{options.target}"')


def _preview(options: argparse.Namespace, interruption: Interruption) -> None:
    # Heavy modules load when they are used, as in `generate`.
    from number_generator.formats.png.single import checked_png_path, save_png  # noqa: PLC0415
    from number_generator.job.handwriting import with_settings  # noqa: PLC0415
    from number_generator.job.spec import MAX_WIDTH  # noqa: PLC0415
    from number_generator.preview import MAX_COUNT, preview, style_of  # noqa: PLC0415
    from number_generator.system.checks import check_integer, check_seed  # noqa: PLC0415

    path = checked_png_path(options.sheet, "SHEET.png")
    count = check_integer("--count", options.count, 1, MAX_COUNT)
    width = check_integer("--width", options.width, 1, MAX_WIDTH)
    seed = check_seed(options.seed, "--seed")
    style = style_of(options.source)
    if style is None and options.settings:
        raise SpecError(
            f"--set is {options.settings[0]!r} and SOURCE is a dataset, which has no style: leave --set out"
        )
    source = options.source if style is None else with_settings(style, options.settings)
    sheet = preview(source, count=count, width=width, seed=seed)
    # Not by `preview`, which knows nothing of signals.
    save_png(sheet, path, interruption)
    say(f'Contact sheet of {sheet.shape[1]} x {sheet.shape[0]} px drawn at "{options.sheet}"')
