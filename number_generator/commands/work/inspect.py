"""What a dataset is: in the terminal, as a page, or as JSON."""

import argparse
import dataclasses
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from number_generator.commands.config import write_config
from number_generator.commands.generate import make_dataset_parser
from number_generator.commands.inspection.html import format_page, save_page
from number_generator.commands.inspection.inspect import inspect_dataset
from number_generator.commands.inspection.text import format_lines
from number_generator.commands.recorded import parsed_command, split_recorded
from number_generator.commands.terminal import say, tell
from number_generator.errors import DatasetError, SpecError, make_printable
from number_generator.formats.reader import Reader, open_reader
from number_generator.system.checks import check_integer
from number_generator.system.signals import Interruption

if TYPE_CHECKING:
    from number_generator.commands.inspection.verification import Verification

_BLOCK = "\N{FULL BLOCK}"


def report_dataset(options: argparse.Namespace, interruption: Interruption) -> None:
    """Inspect the dataset, and verify it if that is asked for."""
    page = None if options.html is None else _parse_page(options.html)
    sample = None if options.sample is None else check_integer("--sample", options.sample, 1)
    count = None if options.verify is None else check_integer("--verify", options.verify, 1)
    with open_reader(options.source, mapped=True) as reader:
        if options.looks:
            from number_generator.rendering.compilation import compile_measures  # noqa: PLC0415 - loads kernels

            compile_measures(tell)
        found = inspect_dataset(reader, options.source, sample=sample, looks=options.looks)
        verification = None if count is None else _verify(reader, count)
        if options.write_config is not None:
            _write_recorded(reader, options)
        if page is not None:
            save_page(format_page(found, reader, verification), page, interruption)
    if options.json:
        report: dict[str, Any] = dataclasses.asdict(found)
        if verification is not None:
            report["verification"] = {**dataclasses.asdict(verification), "is_verified": verification.is_verified}
        say(json.dumps(report, indent=2, allow_nan=False))
    else:
        for line in format_lines(found, bar=_choose_bar(), verification=verification):
            say(line)
    if not options.json:
        if page is not None:
            say(f'\nPage written to "{options.html}"')
        if options.write_config is not None:
            say(f'\nOptions written to "{options.write_config}"')
    _check_verified(options.source, verification)


def _write_recorded(reader: Reader, options: argparse.Namespace) -> None:
    """Write the recorded command as a file of options."""
    words = split_recorded(reader.metadata.get("command"))
    if not words:
        raise DatasetError(f"{options.source} records no command of this package: leave --write-config out")
    parser = make_dataset_parser()
    write_config(parsed_command(shlex.join(words)), parser, options.write_config)


def _parse_page(name: str) -> Path:
    # Any other ending is more likely a slip, which would replace a dataset by a page.
    if not name.lower().endswith((".html", ".htm")) or "\0" in name:
        raise SpecError(f"--html is {name!r}: give a file name that ends in .html")
    return Path(name)


def _verify(reader: Reader, count: int) -> "Verification":
    from number_generator.commands.inspection.verification import list_files_to_read, verify  # noqa: PLC0415 - compiled

    # The author of the dataset chose these files, so the user is told of them before they are read.
    for option in list_files_to_read(reader.metadata):
        say(f"--verify reads what the recorded command names: {make_printable(option)}", to=sys.stderr)
    return verify(reader, count)


def _check_verified(source: str, verification: "Verification | None") -> None:
    """Raise DatasetError if a dataset was to be verified, and is not what its recorded command makes."""
    if verification is None or verification.is_verified:
        return
    if verification.reason is not None:
        raise DatasetError(f"{source} could not be verified")
    raise DatasetError(
        f"{source}: {len(verification.different)} of {verification.compared} images differ from those that its "
        "recorded command makes"
    )


def _choose_bar() -> str:
    """Return the character that bars are drawn with: a block, if the terminal has one."""
    try:
        _BLOCK.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "#"
    return _BLOCK
