"""`python -m number_generator inspect`: its arguments."""

import argparse

_VERIFIED = 256


def add_inspect(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = (
        "Show what a dataset is, how it was made, and what its labels and pages are like: counts, lengths, digits, "
        "spacing and ink, measured on a sample, and what seems wrong."
    )
    parser = commands.add_parser(
        "inspect", help="show what a dataset is and how it was made", description=text, allow_abbrev=False
    )
    parser.add_argument("source", metavar="FILE", help="a dataset of any format that `convert` reads")
    parser.add_argument(
        "--html",
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
        const=_VERIFIED,
        metavar="N",
        help=f"make N images again with the recorded command ({_VERIFIED} if N is left out), and compare them with "
        "those of the dataset; this reads files that the command names, such as digits (default: make none)",
    )
    parser.add_argument("--json", action="store_true", help="write everything to stdout as one JSON object")
    parser.set_defaults(work="number_generator.commands.work.inspect:report_dataset")


def _parse_count(text: str) -> int:
    """Parse the number of `--verify`, or explain that it has taken FILE for the number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number: give FILE before --verify") from None
