"""The two console commands: their arguments, and the functions that run them.

The modules in this folder parse and import nothing heavy, so that `--help` answers at once; those in `work` do the
work.
"""

import argparse

from number_generator.commands.config import add_config_options
from number_generator.commands.options import (
    add_color_option,
    add_number_options,
    add_paper_option,
    add_real_options,
    add_scale_options,
    add_set_option,
    add_truth_options,
)
from number_generator.commands.output import add_output_options
from number_generator.commands.terminal import ArgumentParser, make_parser, run_guarded
from number_generator.job.defaults import (
    HIGHEST_PAGE,
    IMAGE_WIDTH,
    LOWEST_PAGE,
    NUM_IMAGES,
    PACKAGE_PROGRAM,
    PROGRAM,
    SPACING_RANGE,
)
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption

TYPE_CHECKING = False
if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[ArgumentParser]


_DATASET_TEXT = (
    "Make a labelled dataset of images of numbers in real handwritten digits: phone numbers, or whatever the options "
    "below describe. By default they look like Japanese phone numbers: a 0, a digit from 1 to 9, then any digits, 10 "
    "or 11 in all with equal chance."
)
_IMAGE_TEXT = "Draw a number in real handwritten digits and save it as a PNG image."


def generate_numbers_sequence(argv: list[str], interruption: Interruption) -> int:
    """Draw one number sequence into a PNG file, and return the exit status; `argv` is without the command's name."""
    return run_guarded(make_image_parser(), argv, interruption)


def generate_phone_numbers(argv: list[str], interruption: Interruption) -> int:
    """Make a dataset of images of phone numbers, and return the exit status."""
    return run_guarded(make_dataset_parser(), argv, interruption)


def make_image_parser() -> argparse.ArgumentParser:
    """Return the parser of `generate-numbers-sequence`."""
    name = "generate-numbers-sequence"
    parser = make_parser(name, _IMAGE_TEXT, _list_image_examples(name))
    _add_image_options(parser)
    return parser


def make_dataset_parser() -> argparse.ArgumentParser:
    """Return the parser of `generate-phone-numbers`."""
    parser = make_parser(PROGRAM, _DATASET_TEXT, _list_dataset_examples(PROGRAM))
    _add_dataset_options(parser)
    return parser


def add_generate(commands: "Commands") -> None:
    """Add both commands to those of `number-generator`, as `generate` and `image`."""
    name = f"{PACKAGE_PROGRAM} generate"
    examples = _list_dataset_examples(name)
    parser = commands.add_parser("generate", help="make a dataset", description=_DATASET_TEXT, examples=examples)
    _add_dataset_options(parser)
    examples = _list_image_examples(f"{PACKAGE_PROGRAM} image")
    parser = commands.add_parser("image", help="draw one number", description=_IMAGE_TEXT, examples=examples)
    _add_image_options(parser)


def _list_dataset_examples(program: str) -> list[str]:
    return [
        f"{program} --num-images 20000 --style document --image-width 160 --output-path phones.h5",
        f"{program} --pattern amount --style document --truth boxes --format lmdb --output-path amounts",
        f"{program} --sequences mine.csv --column total --split train=0.9,val=0.1 --seed 1",
    ]


def _list_image_examples(program: str) -> list[str]:
    return [
        f"{program} --sequence 0123456789",
        f"{program} --sequence 12.50 --style document --image-width 80 --output-path price.png",
        f"{program} --sequence 2024-12-31 --style natural --preview sheet.png",
    ]


def _add_image_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sequence",
        required=True,
        metavar="DIGITS",
        help="what to write: digits, as in 12345678, and the signs - . , / ( ) + : $ € £ ¥ %% # * = ' and space",
    )
    _add_drawing_options(parser)
    parser.add_argument(
        "--output-path",
        default="./",
        type=expand_home,
        metavar="DIR|FILE.png",
        help="folder for DIGITS.png, or the file itself if the name ends in .png; created if missing, and an "
        "earlier image is replaced (default: %(default)s)",
    )
    _add_source_options(parser)
    parser.set_defaults(work="number_generator.commands.work.image:make_image")


def _add_dataset_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--num-images",
        type=int,
        metavar="N",
        help=f"number of images (default: {NUM_IMAGES}; with --sequences, one for each sequence)",
    )
    _add_drawing_options(parser)
    add_output_options(parser)
    parser.add_argument(
        "--fit",
        choices=("contain", "stretch"),
        default="contain",
        help="how a line that is too wide is fitted to the width: shrunk on both axes, or only in width "
        "(default: %(default)s)",
    )
    _add_source_options(parser)
    parser.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of threads; the images do not depend on it (default: one per core)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing dataset of the same name")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")
    add_number_options(parser)
    add_truth_options(parser)
    add_real_options(parser)
    add_scale_options(parser)
    add_config_options(parser)
    parser.add_argument(
        "--list-parameters",
        action="store_true",
        help="only list the parameters of handwriting that --set takes, with their values in the style; with --real "
        "also those of --real-set",
    )
    parser.set_defaults(work="number_generator.commands.work.dataset:make_dataset")


def _add_drawing_options(parser: argparse.ArgumentParser) -> None:
    gaps = {"--min-spacing": ("smallest", SPACING_RANGE[0]), "--max-spacing": ("largest", SPACING_RANGE[1])}
    for flag, (which, default) in gaps.items():
        parser.add_argument(
            flag,
            type=int,
            metavar="PX",
            help=f"{which} gap between neighbouring digits, in px (default: {default}; styles other than clean have "
            "gaps of their own, and allow negative ones)",
        )
    parser.add_argument(
        "--image-width",
        type=parse_width,
        default=IMAGE_WIDTH,
        metavar="PX|auto[:MAX]",
        help="width of each image: auto makes each as wide as its line, auto:512 at most 512 px wide, to which longer "
        "lines are fitted, and a number makes all as wide, in px (default: %(default)s)",
    )
    parser.add_argument(
        "--image-height",
        type=int,
        metavar="PX",
        help=f"height of each image, in px, {LOWEST_PAGE} to {HIGHEST_PAGE}; styles other than clean are drawn at that "
        "height, as sharp as it allows, and clean is resized to it (default: that of the digits, 28 for the packaged "
        "ones)",
    )
    parser.add_argument(
        "--style",
        default="clean",
        type=expand_home,
        metavar="NAME|FILE.toml",
        help="how numbers are written: clean is the digits as they are, natural varies the writing, document adds "
        "paper and scan; or a file of parameters (default: %(default)s)",
    )
    add_set_option(parser)
    add_paper_option(parser)
    add_color_option(parser)
    parser.add_argument(
        "--preview",
        type=expand_home,
        metavar="SHEET.png",
        help="only draw a labelled contact sheet of what would be made",
    )


def parse_width(text: str) -> int | str:
    """Return a width in px, or what is to be checked as a text."""
    try:
        return int(text)
    except ValueError:
        return text


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digits",
        type=expand_home,
        metavar="NAME|FILE|DIR",
        help="digits to compose from: mnist, qmnist or emnist-digits, downloaded once; a file (pickle, HDF5, .npz or "
        "MNIST's IDX images); a folder with a folder of images for each digit, 0 to 9; or several with weights, as in "
        "mnist=0.7,./mine=0.3. An empty name means the packaged digits (default: those that NG_DEFAULT_DIGIT_DATASET "
        "names, else the packaged MNIST digits)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="integer from 0 to 2**64 - 1; the same seed gives the same images (default: a new random seed)",
    )
