"""What `python -m number_generator inspect` runs: what a dataset is, in the terminal, as a page, or as JSON."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from number_generator.commands.terminal import say
from number_generator.errors import DatasetError, SpecError
from number_generator.system.signals import Interruption

if TYPE_CHECKING:
    from number_generator.commands.inspection.verification import Verification
    from number_generator.formats.reader import Reader

__all__ = ["add_inspect"]

_BLOCK = "\N{FULL BLOCK}"
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
        type=_verified,
        const=_VERIFIED,
        metavar="N",
        help=f"make N images again with the recorded command ({_VERIFIED}, if no number is given), and compare them "
        "with those of the dataset; it reads what the command names, such as a file of digits (default: make none)",
    )
    parser.add_argument("--json", action="store_true", help="write it to stdout as one JSON object")
    parser.set_defaults(work=_inspect)


def _verified(text: str) -> int:
    """Read the number of `--verify`, which would take a file name that follows it."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number: give FILE before --verify") from None


def _inspect(options: argparse.Namespace, interruption: Interruption) -> None:
    from number_generator.commands.inspection.inspect import inspect_dataset  # noqa: PLC0415 - as in `generate`, and so below
    from number_generator.formats.reader import open_reader  # noqa: PLC0415
    from number_generator.system.checks import check_integer  # noqa: PLC0415

    page = None if options.html is None else _checked_page(options.html)
    sample = None if options.sample is None else check_integer("--sample", options.sample, 1)
    verified = None if options.verify is None else check_integer("--verify", options.verify, 1)
    with open_reader(options.source, mapped=True) as reader:
        found = inspect_dataset(reader, options.source, sample=sample)
        verification = None if verified is None else _verify(reader, verified)
        if page is not None:
            from number_generator.commands.inspection.html import format_page, save_page  # noqa: PLC0415

            save_page(format_page(found, reader, verification), page, interruption)
    if options.json:
        told: dict[str, Any] = dataclasses.asdict(found)
        if verification is not None:
            told["verification"] = {**dataclasses.asdict(verification), "is_verified": verification.is_verified}
        say(json.dumps(told, indent=2, allow_nan=False))
    else:
        from number_generator.commands.inspection.text import format_lines  # noqa: PLC0415

        for line in format_lines(found, bar=_bar(), verification=verification):
            say(line)
    if page is not None and not options.json:
        say(f'\nPage written to "{options.html}"')
    _refuse_unverified(options.source, verification)


def _checked_page(name: str) -> Path:
    # Any other ending is more likely a slip, which would replace a dataset by a page.
    if not name.lower().endswith((".html", ".htm")) or "\0" in name:
        raise SpecError(f"--html is {name!r}: give a file name that ends in .html")
    return Path(name)


def _verify(reader: "Reader", count: int) -> "Verification":
    from number_generator.commands.inspection.verification import list_files_to_read, verify  # noqa: PLC0415

    # Whoever wrote the dataset chose them, so they are told before they are read.
    for named in list_files_to_read(reader.metadata):
        from number_generator.commands.inspection.text import make_printable  # noqa: PLC0415

        say(f"--verify reads what the recorded command names: {make_printable(named)}", to=sys.stderr)
    return verify(reader, count)


def _refuse_unverified(source: str, verification: "Verification | None") -> None:
    """Raise DatasetError if a dataset was to be verified and is not what its job makes."""
    if verification is None or verification.is_verified:
        return
    if verification.reason is not None:
        raise DatasetError(f"{source} could not be verified")
    raise DatasetError(
        f"{source}: {len(verification.different)} of {verification.compared} images differ from those that its "
        "recorded command makes"
    )


def _bar() -> str:
    """Give the character for bars: a block, where the terminal has one."""
    try:
        _BLOCK.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return _BLOCK
