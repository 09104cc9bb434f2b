"""`number-generator`, or `python -m number_generator`: all commands, and the arguments of most."""

import argparse
import sys

from number_generator._version import __version__
from number_generator.commands.generate import add_generate
from number_generator.commands.match import add_match
from number_generator.commands.options import add_color_option, add_paper_option, add_set_option
from number_generator.commands.output import add_storage_options
from number_generator.commands.studio import add_studio
from number_generator.commands.terminal import USAGE, ArgumentParser, run_guarded
from number_generator.exports.kinds import KINDS
from number_generator.formats.registry import FORMATS, describe_datasets, join_words, list_endings, list_written
from number_generator.job.defaults import (
    HIGHEST_PAGE,
    LOWEST_PAGE,
    PACKAGE_PROGRAM,
    SHEET_IMAGES,
    SHEET_WIDTH,
    VERIFIED_IMAGES,
)
from number_generator.system.checks import suggest
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from number_generator.commands.generate import Commands

MODULE = "python -m number_generator"
"""How the commands are called where they are not installed, and what documents of earlier versions call them."""


def main(argv: list[str], interruption: Interruption, *, isolates: bool = False, program: str = MODULE) -> int:
    """Run the command that the first argument names, and return the exit status.

    `isolates` is as in `run_guarded`, and `program` is what help and errors call the whole.
    """
    parser, commands = make_command_parser(program)
    if not argv:
        parser.print_help(sys.stderr)
        return USAGE
    if argv[0] in commands.choices:
        chosen: argparse.ArgumentParser = commands.choices[argv[0]]
        return run_guarded(chosen, argv[1:], interruption, isolates=isolates)
    if not argv[0].startswith("-"):
        guess = suggest(argv[0], commands.choices)
        parser.error(f"there is no command {argv[0]!r}: {guess}".rstrip(": "))
    parser.parse_args(argv)
    return parser.error("give a command first")


def make_command_parser(program: str = MODULE) -> "tuple[ArgumentParser, Commands]":
    """Return the parser of `number-generator`, and the action that holds the parsers of its commands."""
    parser = ArgumentParser(
        prog=program,
        description="Make images of handwritten numbers, show styles and datasets, match a style to scans, convert and "
        "export datasets, and build digits.",
    )
    parser.add_argument("--version", action="version", version=f"number_generator {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    add_generate(commands)
    _add_preview(commands)
    add_studio(commands)
    _add_inspect(commands)
    _add_convert(commands)
    _add_export(commands)
    _add_fit(commands)
    add_match(commands)
    _add_index(commands)
    _add_digits(commands)
    _add_warm(commands)
    return parser, commands


def _add_preview(commands: "Commands") -> None:
    text = "Draw a contact sheet, labelled images side by side, of a style or a dataset."
    parser = commands.add_parser(
        "preview",
        help="draw a contact sheet",
        description=text,
        examples=_list_examples(
            "preview document sheet.png",
            "preview mine.toml sheet.png --set slant=0.3 --width 200",
            "preview phones.h5 sheet.png --count 100",
        ),
    )
    parser.add_argument(
        "source",
        type=expand_home,
        metavar="SOURCE",
        help="clean, natural or document, a style file that ends in .toml, or a dataset of any format that `convert` "
        "reads",
    )
    parser.add_argument(
        "sheet",
        type=expand_home,
        metavar="SHEET.png",
        help="the file to write; its folder is created if missing, and an earlier file is replaced",
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
        help="for a style: width of each image, in px (default: %(default)s)",
    )
    parser.add_argument(
        "--height",
        type=int,
        metavar="PX",
        help=f"for a style: height of each image, in px, {LOWEST_PAGE} to {HIGHEST_PAGE} (default: that of the digits)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="for a style: integer from 0 to 2**64 - 1; the same seed gives the same sheet (default: %(default)s)",
    )
    add_set_option(parser)
    add_paper_option(parser)
    add_color_option(parser)
    parser.set_defaults(work="number_generator.commands.work.preview:draw_preview", reads="source")


def _add_convert(commands: "Commands") -> None:
    text = "Write a dataset in another format, with its metadata and ground truth; the images stay the same."
    parser = commands.add_parser(
        "convert",
        help="write a dataset in another format",
        description=text,
        examples=_list_examples(
            "convert phones.h5 phones.lmdb",
            "convert phones.h5 folder --format png --labels jsonl",
            "convert scans phones.npz",
        ),
    )
    parser.add_argument(
        "source",
        nargs="+",
        type=expand_home,
        metavar="SRC",
        help=f"a dataset: {describe_datasets()}; with --format parquet also several, which become the parts of a split "
        "in one folder",
    )
    parser.add_argument(
        "target",
        type=expand_home,
        metavar="DST",
        help=f"the file or folder to write; the ending {join_words(list_endings())} chooses the format",
    )
    parser.add_argument(
        "--format", metavar="NAME", help=f"{join_words(list_written())} (default: chosen by the ending of DST)"
    )
    add_storage_options(parser)
    named = [row.name for row in FORMATS.values() if row.takes_part]
    parser.add_argument(
        "--part",
        metavar="NAME",
        help=f"for {join_words(named, 'and')}: the part of a split to name the files after, or of several SRC the part "
        "of each, as in train,val (default: that of SRC, else train)",
    )
    parser.add_argument(
        "--shards", type=int, metavar="K", help=f"for {join_words(named, 'and')}: the number of files in the folder"
    )
    _add_writing_options(parser, "an existing dataset")
    parser.set_defaults(work="number_generator.commands.work.convert:convert_dataset", reads="source")


def _add_digits(commands: "Commands") -> None:
    text = "List the digit datasets that have a name, download them, or build one file from any digits."
    parser = commands.add_parser(
        "digits",
        help="list, download and build digit datasets",
        description=text,
        examples=_list_examples("digits list", "digits fetch mnist", "digits build mnist mine.npz"),
    )
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)

    listed = actions.add_parser("list", help="list the digits that have a name, and whether they are downloaded")
    listed.set_defaults(work="number_generator.commands.work.digits:list_sources")

    fetched = actions.add_parser("fetch", help="download digits that have a name")
    fetched.add_argument(
        "names", nargs="+", metavar="NAME", help="mnist, qmnist, emnist-digits; `digits list` lists all names"
    )
    fetched.set_defaults(work="number_generator.commands.work.digits:fetch_sources")
    _add_build(actions)


def _add_build(actions: "Commands") -> None:
    built = actions.add_parser(
        "build",
        help="make a digit dataset file",
        description="Make one digit dataset file, with style clusters, from any digits.",
        examples=_list_examples(
            "digits build mnist mine.npz",
            "digits build my-digits mine.npz --size 40",
            "digits build mnist ./mine both.npz --weights 0.7,0.3",
        ),
    )
    built.add_argument(
        "sources",
        nargs="+",
        type=expand_home,
        metavar="SRC",
        help="a name such as mnist, a digit dataset file, or a folder with a folder of PNG or JPEG images for each "
        "digit, named 0 to 9",
    )
    built.add_argument(
        "output",
        type=expand_home,
        metavar="DST",
        help="the file to write: .npz, or .h5 or .pickle, which hold no clusters and no writers; its folder is created "
        "if missing",
    )
    built.add_argument(
        "--weights",
        metavar="LIST",
        help="how often each source is drawn, as in 0.7,0.3 (default: all images are equally likely)",
    )
    built.add_argument(
        "--size",
        type=int,
        metavar="PX",
        help="height and width of the digits (default: those of the source; 28 for a folder)",
    )
    _add_conventions(built)
    built.add_argument(
        "--clusters",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="find style clusters, for lines that look written by one hand; needs the extra `cluster` unless the "
        "sources have clusters (default: yes)",
    )
    built.add_argument("--overwrite", action="store_true", help="replace an existing file of that name")
    built.set_defaults(work="number_generator.commands.work.digits:build_digits", reads="sources")


def _add_conventions(built: argparse.ArgumentParser) -> None:
    """Add the options that say how digits are stored."""
    built.add_argument(
        "--ink",
        choices=("auto", "dark", "bright"),
        default="auto",
        help="for files and folders: whether digits are dark on light or bright on dark; auto finds out from all "
        "images, and refuses what is not clear (default: %(default)s)",
    )
    built.add_argument(
        "--range",
        type=int,
        metavar="N",
        help="for files and folders: the largest value that a pixel can have, 1 to 255 (default: found out from all "
        "images: 1, 15, 16 or 255)",
    )
    built.add_argument(
        "--orientation",
        choices=("auto", "upright", "transposed"),
        default="auto",
        help="for files and folders: whether rows and columns are swapped, as in EMNIST; auto refuses digits that look "
        "so, and upright says that they are right (default: %(default)s)",
    )


def _add_export(commands: "Commands") -> None:
    text = (
        "Write datasets that hold boxes (--truth boxes) as PNG images with the annotations that detectors and layout "
        "tools read: a box for each character, and its text."
    )
    parser = commands.add_parser(
        "export",
        help="write boxes for detectors",
        description=text,
        examples=_list_examples(
            "export lines.h5 detect --format yolo",
            "export lines-train.h5 lines-val.h5 coco --format coco",
            "export lines.h5 pages --format page",
        ),
    )
    parser.add_argument(
        "sources",
        nargs="+",
        type=expand_home,
        metavar="SRC",
        help="a dataset of any format that `convert` reads, or one for each part of a split",
    )
    parser.add_argument("target", type=expand_home, metavar="DST", help="the folder to write")
    kinds = "; ".join(f"{name}: {kind.title}" for name, kind in KINDS.items())
    parser.add_argument("--format", required=True, choices=tuple(KINDS), help=kinds)
    _add_writing_options(parser, "an earlier export")
    parser.set_defaults(work="number_generator.commands.work.export:export_datasets", reads="sources")


def _add_fit(commands: "Commands") -> None:
    text = (
        "Write a dataset of line images, of any size, as dark ink on pages of one size: as a reader that is trained on "
        "drawn images needs real lines, for training, reading and measuring alike. Labels are kept."
    )
    parser = commands.add_parser(
        "fit",
        help="fit line images to a page",
        description=text,
        examples=_list_examples(
            "fit scans --output lines.h5",
            "fit scans --output lines --format png --image-height 32 --image-width 320",
            "fit scans --output lines.lmdb --image-width auto --contrast none",
        ),
    )
    parser.add_argument(
        "source", type=expand_home, metavar="LINES", help="a labelled dataset of any format that `convert` reads"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=expand_home,
        metavar="DATASET",
        help=f"the file or folder to write; the ending {join_words(list_endings())} chooses the format",
    )
    parser.add_argument(
        "--format", metavar="NAME", help=f"{join_words(list_written())} (default: chosen by the ending of DATASET)"
    )
    parser.add_argument(
        "--image-height", type=int, default=28, metavar="PX", help="height of the pages (default: %(default)s)"
    )
    parser.add_argument(
        "--image-width",
        default="128",
        metavar="PX|auto",
        help="width of the pages; auto: each as wide as its line (default: %(default)s)",
    )
    parser.add_argument(
        "--ink",
        choices=("auto", "dark", "bright"),
        default="auto",
        help="whether ink is darker than paper; auto finds out from each line (default: %(default)s)",
    )
    parser.add_argument(
        "--contrast",
        default="1,50",
        metavar="LOW,HIGH|none",
        help="the percentiles of the levels that become black and white (default: %(default)s)",
    )
    parser.add_argument(
        "--fit",
        choices=("squeeze", "contain"),
        default="squeeze",
        help="how a line that is too wide is fitted: only in width, or in both directions (default: %(default)s)",
    )
    parser.add_argument(
        "--background",
        choices=("white", "paper"),
        default="white",
        help="what is left of the page: white, or the tone of the line's paper (default: %(default)s)",
    )
    add_storage_options(parser)
    _add_writing_options(parser, "an existing dataset")
    parser.set_defaults(work="number_generator.commands.work.fit:fit_dataset", reads="source")


def _add_index(commands: "Commands") -> None:
    text = (
        "Write the index of shards that --shard has made: a small HDF5 file that opens as the whole dataset. Shards of "
        "different jobs are rejected."
    )
    parser = commands.add_parser(
        "index",
        help="join shards into one dataset",
        description=text,
        examples=_list_examples(
            "index set-*-of-00016.h5",
            "index set-*-of-00016.h5 --overwrite",
            "index shards/set-*.h5 --output-path all.h5",
        ),
    )
    parser.add_argument(
        "shards",
        nargs="+",
        type=expand_home,
        metavar="SHARD",
        help="all shards of the job, in any order, as in `set-*-of-*.h5`; the index refers to them and holds no images",
    )
    parser.add_argument(
        "--output-path",
        type=expand_home,
        metavar="FILE.h5",
        help="the index; the shards must be in its folder or below (default: X.h5 for shards X-00000-of-00004.h5 and "
        "so on)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file of that name")
    parser.set_defaults(work="number_generator.commands.work.index:write_index", reads="shards")


def _add_inspect(commands: "Commands") -> None:
    text = (
        "Show what a dataset is, how it was made, and what its labels and pages are like: counts, lengths, digits, "
        "spacing and ink, measured on a sample, and what seems wrong."
    )
    parser = commands.add_parser(
        "inspect",
        help="show what a dataset is and how it was made",
        description=text,
        examples=_list_examples(
            "inspect phones.h5", "inspect phones.h5 --html report.html", "inspect phones.h5 --verify 1000"
        ),
    )
    parser.add_argument("source", type=expand_home, metavar="FILE", help="a dataset of any format that `convert` reads")
    parser.add_argument(
        "--html",
        type=expand_home,
        metavar="REPORT.html",
        help="also write a page with a sample sheet and plots; an earlier file is replaced",
    )
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="number of images to measure, spread evenly over the dataset (default: 10000, or fewer if they are large)",
    )
    parser.add_argument(
        "--verify",
        nargs="?",
        type=_parse_count,
        const=VERIFIED_IMAGES,
        metavar="N",
        help=f"make N images again with the recorded command ({VERIFIED_IMAGES} if N is left out), and compare them "
        "with those of the dataset; this reads files that the command names, such as digits (default: make none)",
    )
    parser.add_argument(
        "--looks",
        action="store_true",
        help="also measure how pages look, as `match` does: paper, ink, slant, noise, blur and more",
    )
    parser.add_argument("--json", action="store_true", help="write everything to stdout as one JSON object")
    parser.add_argument(
        "--write-config",
        type=expand_home,
        metavar="JOB.toml",
        help="also write the recorded command as a file of options that --config takes; an earlier file is replaced",
    )
    parser.set_defaults(work="number_generator.commands.work.inspect:report_dataset", reads="source")


def _add_warm(commands: "Commands") -> None:
    text = (
        "Compile all kernels that a run needs, and say where they are kept: for images of containers, clusters and "
        "continuous integration, where the first run would otherwise wait for half a minute."
    )
    parser = commands.add_parser(
        "warm",
        help="compile the kernels",
        description=text,
        examples=_list_examples("warm", "warm --style document", "warm --style natural --style clean"),
    )
    parser.add_argument(
        "--style",
        action="append",
        choices=("clean", "natural", "document"),
        help="a style to compile for, once or more; a style of your own needs what document does (default: all)",
    )
    parser.set_defaults(work="number_generator.commands.work.warm:warm_kernels")


def _add_writing_options(parser: argparse.ArgumentParser, replaced: str) -> None:
    """Add what all commands take that write images."""
    parser.add_argument("--workers", type=int, metavar="N", help="number of threads (default: one per core)")
    parser.add_argument("--overwrite", action="store_true", help=f"replace {replaced} of the same name")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")


def _list_examples(*arguments: str) -> list[str]:
    return [f"{PACKAGE_PROGRAM} {each}" for each in arguments]


def _parse_count(text: str) -> int:
    """Parse the number of `--verify`, or explain that it has taken FILE for the number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number: give FILE before --verify") from None
