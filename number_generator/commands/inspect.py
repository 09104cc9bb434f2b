"""`python -m number_generator inspect`: its arguments."""

import argparse

__all__ = ["add_inspect"]

_VERIFIED = 256


def add_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = (
        "Say what a dataset is, how it was made, and what its labels and pages are like: counts, lengths, digits, "
        "spacing and ink, measured on a sample, and what seems wrong."
    )
    parser = commands.add_parser(
        "inspect", help="say what a dataset is and how it was made", description=text, allow_abbrev=False
    )
    parser.add_argument("source", metavar="FILE", help="a dataset of any format that `convert` reads")
    parser.add_argument(
        "--html",
        metavar="REPORT.html",
        help="write it as one page as well, with a sample sheet and plots; an earlier file is replaced",
    )
    parser.add_argument(
        "--sample",
        type=int,
        metavar="N",
        help="number of images to measure, spread evenly over the dataset (default: 10000, or fewer that are large)",
    )
    parser.add_argument(
        "--verify",
        nargs="?",
        type=_parse_count,
        const=_VERIFIED,
        metavar="N",
        help=f"make N images again with the recorded command ({_VERIFIED}, if no number is given), and compare them "
        "with those of the dataset; it reads what the command names, such as a file of digits (default: make none)",
    )
    parser.add_argument("--json", action="store_true", help="write it to stdout as one JSON object")
    parser.set_defaults(work="number_generator.commands.work.inspect:report_dataset")


def _parse_count(text: str) -> int:
    """Read the number of `--verify`, which would take a file name that follows it."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number: give FILE before --verify") from None
