"""What `python -m number_generator` runs: commands that look at datasets and styles."""

import argparse
import sys
from collections.abc import Callable

from number_generator import cli, entry
from number_generator._version import __version__
from number_generator.errors import SpecError
from number_generator.interruption import Interruption

__all__ = ["main"]

_USAGE = 2
_Work = Callable[[argparse.Namespace, Interruption], None]


def main(argv: list[str], interruption: Interruption) -> int:
    """Run the command that the first argument names; parameters and result are those of the functions of `cli`."""
    parser = argparse.ArgumentParser(
        prog="python -m number_generator", description="Look at styles and datasets.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"number_generator {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    _add_preview(commands)
    if not argv:
        parser.print_help(sys.stderr)
        return _USAGE
    if argv[0] in commands.choices:
        chosen: argparse.ArgumentParser = commands.choices[argv[0]]
        return cli._guarded(chosen, argv[1:], lambda options: options.work(options, interruption))
    parser.parse_args(argv)
    return parser.error("give a command first")


def _add_preview(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Draw a contact sheet, labelled images side by side, of a style or of a dataset."
    parser = commands.add_parser("preview", help="draw a contact sheet", description=text, allow_abbrev=False)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="clean, natural or document, a style file that ends in .toml, or a dataset file: pickle, HDF5, .npz, or "
        "MNIST's IDX images",
    )
    parser.add_argument(
        "sheet",
        metavar="SHEET.png",
        help="the file to write; its folder is made if missing, and an earlier file is replaced",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=60,
        metavar="N",
        help="number of images, up to 10,000; those of a dataset are spread evenly over it (default: %(default)s)",
    )
    parser.add_argument(
        "--width",
        type=int,
        default=128,
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
    cli._add_set_option(parser)
    parser.set_defaults(work=_preview)


def _preview(options: argparse.Namespace, interruption: Interruption) -> None:
    # Heavy modules load when they are used, as in `cli`.
    from number_generator.handwriting import with_settings  # noqa: PLC0415
    from number_generator.preview import MAX_COUNT, preview, style_of  # noqa: PLC0415
    from number_generator.sinks.png_file import checked_png_path, save_png  # noqa: PLC0415
    from number_generator.spec import MAX_WIDTH, check_integer, check_seed  # noqa: PLC0415

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
    cli._say(f'Contact sheet of {sheet.shape[1]} x {sheet.shape[0]} px drawn at "{options.sheet}"')


if __name__ == "__main__":
    interruption = Interruption()
    interruption.install()
    entry._open_closed_streams()
    sys.exit(main(sys.argv[1:], interruption))
