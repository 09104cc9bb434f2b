"""`python -m number_generator convert`: its arguments."""

import argparse

from number_generator.commands.output import add_storage_options
from number_generator.formats.registry import FORMATS, describe_datasets, join_words, list_endings, list_written


def add_convert(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = "Write a dataset in another format, with its metadata and ground truth; the images stay the same."
    parser = commands.add_parser(
        "convert", help="write a dataset in another format", description=text, allow_abbrev=False
    )
    parser.add_argument("source", metavar="SRC", help=f"a dataset: {describe_datasets()}")
    parser.add_argument(
        "target",
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
        help=f"for {join_words(named, 'and')}: the part of a split to name the files after (default: that of SRC, else "
        "train)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="number of threads (default: one per core)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing dataset of the same name")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar (default: on a terminal, on stderr)")
    parser.set_defaults(work="number_generator.commands.work.convert:convert_dataset")
