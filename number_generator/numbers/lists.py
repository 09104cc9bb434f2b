"""Numbers from the user's own list, in order or drawn."""

import hashlib
import io
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from number_generator._kernels import streams
from number_generator.errors import SpecError
from number_generator.job.spec import MAX_LENGTH, Sequences, Span
from number_generator.numbers.csv_columns import parse_delimiter, read_column
from number_generator.numbers.sequences import ALPHABET, WRITTEN, list_characters, pack_sequences
from number_generator.system.bounded_reading import read_bounded
from number_generator.system.checks import format_value
from number_generator.system.home import expand_home

Order = Literal["given", "drawn"]
ORDERS: tuple[Order, ...] = ("given", "drawn")

_WRITTEN = re.compile(f"[{re.escape(ALPHABET)}]*")

MAX_BYTES = 2**29
"""The most that a file of numbers may hold: some 40 million phone numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class ListedNumbers:
    """Listed sequences: over and over in the given order, or drawn for each image with equal chance.

    In the given order, image number `first` shows the first sequence. `about` says where they are from, as JSON-like
    values. `alphabet` has the characters of all of them.
    """

    packed: Sequences
    order: Order = "given"
    first: int = 0
    about: dict[str, Any] = field(default_factory=dict)
    alphabet: str = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.order, str) or self.order not in ORDERS:
            raise SpecError(f"order is {format_value(self.order)}: give one of {', '.join(map(repr, ORDERS))}")
        if not len(self.packed):
            raise SpecError("the list of numbers is empty: give at least one")
        object.__setattr__(self, "alphabet", list_characters(self.packed.codes))

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        column: str | None = None,
        delimiter: str | None = None,
        order: Order = "given",
    ) -> "ListedNumbers":
        """Read numbers from a text file, one per line, or from a column of a CSV file.

        Blank lines and spaces around numbers are ignored. The text is UTF-8. A column is given by its name in the first
        row, or by its number, counted from 1, if there are no names. The delimiter is `delimiter`, one character or its
        name, or else found: a comma, a semicolon, a tab or a bar, or what a first line such as `sep=;` names.
        SpecError, which names the line, if the file cannot be read, has no such column, has an entry that is not a
        number, or gives different numbers with different delimiters.
        """
        path = Path(expand_home(path))
        content = _read_content(path)
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise SpecError(f"the numbers {path} are not UTF-8, from byte {exc.start} on: save them as UTF-8") from exc
        if column is None:
            # Line by line, as a large file may hold nothing but line ends.
            lines = enumerate(io.StringIO(text, newline="\n"), 1)
            kept = [(entry, place) for place, line in lines if (entry := line.strip())]
        else:
            given = None if delimiter is None else parse_delimiter(delimiter)
            kept = read_column(path, text, column, given, _is_number)
        if not kept:
            raise SpecError(f"the numbers {path} are empty: give one number per line")
        try:
            packed = pack_sequences([entry for entry, _ in kept])
        except SpecError:
            _reject_entry(path, kept, column)
            raise
        # Bytes of the name that are not UTF-8 are escaped.
        name = os.fsencode(path.absolute()).decode("utf-8", "backslashreplace")
        about = {"sequences": name, "sha256": hashlib.sha256(content).hexdigest()}
        if column is not None:
            about["column"] = column
            if delimiter is not None:
                about["delimiter"] = delimiter
        return cls(packed, order, about=about)

    @property
    def longest(self) -> int:
        """The most characters of a sequence."""
        return self.packed.longest

    def digits_before(self, number: int) -> int:
        """Return an upper bound of the characters of all images before image `number`."""
        if self.order == "drawn":
            return number * self.longest
        rounds, rest = divmod(number - self.first, len(self.packed))
        return rounds * int(self.packed.offsets[-1]) + int(self.packed.offsets[rest])

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Return the sequences of the images in `span`."""
        from number_generator._kernels import layout  # noqa: PLC0415 - compiled code loads when it is used

        count = len(self.packed)
        if self.order == "given":
            first = (span.start - self.first) % count  # image numbers may be too large to add in an array
            chosen = (np.arange(len(span), dtype=np.int64) + first) % count
        else:
            chosen = np.empty(len(span), np.int64)
            layout.draw_listed(np.uint64(seed), np.uint64(span.start), np.int64(streams.LIST), count, chosen)
        offsets = np.zeros(len(span) + 1, np.int64)
        np.cumsum(np.diff(self.packed.offsets)[chosen], out=offsets[1:])
        codes = np.empty(offsets[-1], np.uint8)
        layout.gather(self.packed.codes, self.packed.offsets, chosen, offsets, codes)
        return Sequences(codes, offsets)

    def describe(self) -> dict[str, Any]:
        """Return what makes the same numbers again, for a file's metadata."""
        return {"numbers": "listed", **self.about, "order": self.order}


def _read_content(path: Path) -> bytes:
    """Return the content of a file, or raise SpecError."""
    try:
        return read_bounded(path, MAX_BYTES, f"the numbers {path}")
    except SpecError:
        raise
    except (OSError, ValueError) as exc:  # ValueError: a NUL in the name
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise SpecError(f"the numbers {path} cannot be read: {reason}; give a text file") from exc


def _is_number(entry: str) -> bool:
    """Tell whether an entry can be written."""
    return _WRITTEN.fullmatch(entry) is not None


def _reject_entry(path: Path, kept: list[tuple[str, int]], column: str | None) -> None:
    """Raise SpecError for the first entry that is not a number."""
    hint = "name a column of a CSV file with --column"
    if column is not None:
        hint = "if the first row holds names, give one of them as --column"
    for entry, line in kept:
        written = _WRITTEN.match(entry)
        end = written.end() if written else 0
        if end < len(entry):
            raise SpecError(f"{path}, line {line}: {format_value(entry)} holds {entry[end]!r}: give {WRITTEN}; {hint}")
        if len(entry) > MAX_LENGTH:
            raise SpecError(
                f"{path}, line {line}: {format_value(entry)} has {len(entry)} characters: at most {MAX_LENGTH} are "
                "possible; split it"
            )
