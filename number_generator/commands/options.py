"""The options of `generate-phone-numbers` that tell what to write, what to record of it, and how to divide it.

What they mean is in `option_values`.
"""

import argparse

__all__ = [
    "NUM_IMAGES",
    "SPACING_RANGE",
    "add_number_options",
    "add_scale_options",
    "add_set_option",
    "add_truth_options",
]

NUM_IMAGES = 1000
"""How many images are made unless it is said."""
SPACING_RANGE = (5, 10)
"""Smallest and largest gap in px of the style `clean`, unless they are given."""


def add_set_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that changes parameters of a style."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="change a parameter of the style, as in slant=-0.2:0.4 or crossbar=1; may be given again",
    )


def add_number_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell which numbers to write."""
    group = parser.add_argument_group("what to write (default: numbers like Japanese phone numbers)")
    group.add_argument(
        "--pattern",
        metavar="NAME|REGEX",
        help="numbers that a regular expression matches, each with the same chance, as in '[1-9]\\d{0,2}(,\\d{3})?'; "
        "or those of a name, such as date, amount, card or integer:3-8: `--pattern list` names them all",
    )
    group.add_argument(
        "--lengths",
        choices=("proportional", "equal"),
        help="with --pattern: whether longer numbers are more frequent because there are more of them, or every "
        "length has the same chance (default: proportional; amounts and integers: equal)",
    )
    group.add_argument(
        "--country",
        metavar="CODES",
        help="phone numbers of a country, fixed-line and mobile, such as JP; of several, as in JP,US,DE; or of all",
    )
    group.add_argument(
        "--dashes",
        action="store_true",
        help="group the digits of phone numbers: 03-1234-5678, or as the country writes them, (555) 123-4567",
    )
    group.add_argument(
        "--sequences", metavar="FILE", help="your own numbers: a text file with one a line, or a CSV file with --column"
    )
    group.add_argument(
        "--column",
        metavar="NAME|N",
        help="with --sequences: the column of a CSV file, its name in the first row, or its number from 1 on where no "
        "row holds names",
    )
    group.add_argument(
        "--order",
        choices=("given", "drawn"),
        help="with --sequences: one after the other, and over again, or each drawn with equal chance (default: given)",
    )


def add_truth_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell what is recorded of each image, and how images and digits are divided."""
    group = parser.add_argument_group("labels and splits")
    group.add_argument(
        "--label",
        choices=("written", "digits"),
        default="written",
        help="whether labels hold separators as they are written, or digits alone (default: %(default)s)",
    )
    group.add_argument(
        "--truth",
        metavar="LIST",
        help="ground truth to store with each image: boxes (of each character), glyphs (source digits and writer) and "
        "parameters (all that was drawn), as in boxes,glyphs; png has a place for it in --labels jsonl",
    )
    group.add_argument(
        "--split",
        metavar="NAME=SHARE,...",
        help="write a file or folder for each part, as in train=0.8,val=0.1,test=0.1; no source digit is in two of "
        "them",
    )


def add_scale_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of jobs that take long, or more than one machine."""
    group = parser.add_argument_group("large jobs")
    group.add_argument(
        "--resume",
        action="store_true",
        help="keep what is done in a journal beside the dataset until it is whole: whatever interrupts the run, the "
        "same command goes on from there; a dataset that is whole already is left as it is",
    )
    group.add_argument(
        "--shards",
        type=int,
        metavar="K",
        help="write K HDF5 files, ...-00000-of-0000K.h5 and so on, and an index that opens as one dataset",
    )
    group.add_argument(
        "--shard",
        metavar="I/K",
        help="write one of K shards alone, numbered from 0, as one task of many on different machines does; needs "
        "--seed, and `python -m number_generator index` joins them",
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS|FILE|local",
        help="have the shards made by a Dask cluster: the address of its scheduler, as in tcp://10.0.0.1:8786, the "
        "file that its --scheduler-file names, or local, for --workers processes of this machine; all workers must see "
        "the folder of --output-path (--shards: one for each thread or million images, unless it is given)",
    )
