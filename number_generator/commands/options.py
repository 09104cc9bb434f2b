"""The options of `generate-phone-numbers` for what to write, what to record about it, and how to divide it.

`option_values` says what they mean.
"""

import argparse

from number_generator.job.defaults import REAL_SHARE
from number_generator.system.home import expand_home


def add_set_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that changes parameters of a style."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="change a parameter of the style, as in slant=-0.2:0.4 or crossbar=1; may be repeated",
    )


def add_paper_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for the user's own paper."""
    parser.add_argument(
        "--paper",
        type=expand_home,
        metavar="DIR",
        help="your own paper: a folder of pictures of it (PNG, JPEG, TIFF, BMP or WebP), which pages are cut from at "
        "random; --set own_paper=0.5 puts half of the lines on it, --set own_paper_scale=0.25:1 says at which scales",
    )


def add_color_option(parser: argparse.ArgumentParser) -> None:
    """Add the option for images in colour."""
    parser.add_argument(
        "--color",
        action="store_true",
        help="images in colour: black, blue and red ink, tinted paper, rules in colour, and your own paper as it is "
        "(default: grey)",
    )


def add_number_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for which numbers to write."""
    group = parser.add_argument_group("what to write (default: numbers like Japanese phone numbers)")
    group.add_argument(
        "--pattern",
        metavar="NAME|REGEX",
        help="numbers that match a regular expression, all equally likely, as in '[1-9]\\d{0,2}(,\\d{3})?'; or those "
        "of a named pattern, such as date, amount, card or integer:3-8: `--pattern list` lists all names",
    )
    group.add_argument(
        "--lengths",
        choices=("proportional", "equal"),
        help="with --pattern: whether longer numbers are more frequent because there are more of them, or all "
        "lengths are equally likely (default: proportional; for amounts and integers: equal)",
    )
    group.add_argument(
        "--country",
        metavar="CODES",
        help="fixed-line and mobile phone numbers of a country, as in JP; of several, as in JP,US,DE; or of all",
    )
    group.add_argument(
        "--dashes",
        action="store_true",
        help="group the digits of phone numbers: 03-1234-5678, or as the country does, (555) 123-4567",
    )
    group.add_argument(
        "--sequences",
        type=expand_home,
        metavar="FILE",
        help="your own numbers: a text file with one number per line, or a CSV file with --column",
    )
    group.add_argument(
        "--column",
        metavar="NAME|N",
        help="with --sequences: the column of a CSV file: its name in the first row, or, if there is no row of names, "
        "its number, counted from 1",
    )
    group.add_argument(
        "--delimiter",
        metavar="CHARACTER",
        help="with --column: what divides columns: a character, or comma, semicolon, tab or bar (default: whichever "
        "of these divides all lines alike, or what a first line such as sep=; names)",
    )
    group.add_argument(
        "--order",
        choices=("given", "drawn"),
        help="with --sequences: in order and then again from the start, or drawn with equal chance (default: given)",
    )


def add_truth_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for what is recorded about each image, and how images and digits are divided."""
    group = parser.add_argument_group("labels and splits")
    group.add_argument(
        "--label",
        choices=("written", "digits"),
        default="written",
        help="whether labels hold signs as they are written, or only digits (default: %(default)s)",
    )
    group.add_argument(
        "--truth",
        metavar="LIST",
        help="ground truth to store with each image: boxes (of each character), glyphs (source digits and writer) "
        "and parameters (all random values), as in boxes,glyphs; png stores it only with --labels jsonl",
    )
    group.add_argument(
        "--split",
        metavar="NAME=SHARE,...",
        help="write a file or folder for each part, as in train=0.8,val=0.1,test=0.1; no two parts share a source "
        "digit",
    )


def add_real_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for real lines that go along."""
    group = parser.add_argument_group("your own labelled lines among the images")
    group.add_argument(
        "--real",
        type=expand_home,
        metavar="LINES",
        help="a dataset of line images with labels, of any format that `convert` reads, the images of any size: a "
        "share of the images are such lines, fitted to the page and varied anew each time; with --split in the first "
        "part alone",
    )
    group.add_argument(
        "--real-share",
        type=float,
        metavar="SHARE",
        help=f"share of the images that are real lines (default: {REAL_SHARE})",
    )
    group.add_argument(
        "--real-set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change how lines are varied, as in slant=-0.1:0.1 or jpeg=0; may be repeated",
    )
    group.add_argument(
        "--real-balance",
        choices=("lines", "length", "digits"),
        help="what comes equally often: each line, or as far as that goes each length of a label, or each digit "
        "(default: lines)",
    )
    group.add_argument(
        "--real-holdout",
        type=float,
        metavar="SHARE",
        help="leave out this share of the lines, the same ones each time, and write them as a dataset of their own, "
        "...-held-out, to read once a reader is trained (default: 0)",
    )


def add_scale_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for jobs that take long, or several machines."""
    group = parser.add_argument_group("large jobs")
    group.add_argument(
        "--resume",
        action="store_true",
        help="keep finished images in a journal beside the dataset until it is complete: if the run is interrupted, "
        "the same command resumes it; a complete dataset is left as it is",
    )
    group.add_argument(
        "--shards",
        type=int,
        metavar="K",
        help="write K HDF5 files, ...-00000-of-0000K.h5 and so on, and an index that opens them as one dataset; or "
        "divide the folder of webdataset or parquet into K files",
    )
    group.add_argument(
        "--shard",
        metavar="I/K",
        help="write only shard I of K, counted from 0, as one of many tasks on different machines; needs --seed, and "
        "`python -m number_generator index` joins the shards",
    )
    group.add_argument(
        "--scheduler",
        type=expand_home,
        metavar="ADDRESS|FILE|local",
        help="make the shards on a Dask cluster: the address of its scheduler, as in tcp://10.0.0.1:8786, the file "
        "that its --scheduler-file names, or local, for --workers processes on this machine; all workers must see the "
        "folder of --output-path (without --shards: one shard per thread, of at most a million images)",
    )
