"""A column of a CSV file whose delimiter is found from all of its lines, or given."""

import contextlib
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from number_generator.errors import SpecError
from number_generator.system.checks import format_value

DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
"""The delimiters that are looked for, by what `--delimiter` may call them."""

Entries = list[tuple[str, int]]
"""The entries of a column, each with the number of its line."""

_TAB = "\t"
# Numbers hold some of these: -5 would be two entries, and 12.50 as well.
_NO_DELIMITER = re.compile(r'[0-9-.+()" \r\n\0]')
# Excel and LibreOffice read the delimiter from such a first line, and do not show it.
_DECLARATION = re.compile(r'"?sep=(?P<delimiter>[^\r\n])"?[ \t]*(?:\r?\n|$)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of a CSV file as a delimiter divides them, without blank ones; all have as many columns."""

    rows: Sequence[Sequence[str]]
    lines: Sequence[int]  # the number of each row's last line

    @property
    def columns(self) -> int:
        return len(self.rows[0]) if self.rows else 0


class _MisfitError(Exception):
    """Why a table cannot be read with a delimiter, or has no such column: what follows "the numbers FILE"."""

    def __init__(self, reason: str, table: _Table) -> None:
        super().__init__(reason)
        self.table = table  # as far as it could be read


def parse_delimiter(delimiter: str) -> str:
    """Return the delimiter that a text means: itself, or what a name of it stands for."""
    meant = DELIMITER_NAMES.get(delimiter.lower(), _TAB if delimiter == r"\t" else delimiter)
    if len(meant) != 1 or _NO_DELIMITER.match(meant):
        raise SpecError(
            f"the delimiter is {format_value(delimiter)}: give {', '.join(DELIMITER_NAMES)}, or one character that is "
            "no digit, sign, point, bracket, quote or space"
        )
    return meant


def read_column(path: Path, text: str, column: str, delimiter: str | None, is_number: Callable[[str], bool]) -> Entries:
    """Return the entries of a column that are not empty.

    The delimiter is the given one, or that of a first line such as `sep=;`, or found: it divides all rows into as many
    columns, two or more, has the column, and leaves only numbers in it. If several do, and not with the same result, a
    tab is taken, as no text holds tabs, and anything else is rejected. SpecError names the line that cannot be read.
    """
    declared = _DECLARATION.match(text)
    skipped = 0
    if declared is not None:
        text, skipped = text[declared.end() :], 1
        delimiter = _parse_declared(path, declared["delimiter"]) if delimiter is None else delimiter
    if delimiter is None:
        return _find_entries(path, text, column, is_number)
    try:
        return _choose_entries(_divide(text, delimiter, skipped), column)
    except _MisfitError as exc:
        raise SpecError(f"the numbers {path}{exc}") from exc


def _parse_declared(path: Path, delimiter: str) -> str:
    try:
        return parse_delimiter(delimiter)
    except SpecError as exc:
        raise SpecError(f"the numbers {path}, line 1: {exc}") from exc


def _find_entries(path: Path, text: str, column: str, is_number: Callable[[str], bool]) -> Entries:
    """Return the entries that the only fitting delimiter gives."""
    tables: dict[str, _Table] = {}
    misfits: dict[str, _MisfitError] = {}
    for delimiter in DELIMITER_NAMES.values():
        try:
            tables[delimiter] = _divide(text, delimiter)
        except _MisfitError as exc:  # noqa: PERF203 - four delimiters
            misfits[delimiter] = exc
    divided = {delimiter: table for delimiter, table in tables.items() if table.columns > 1}
    likely = [delimiter for delimiter, exc in misfits.items() if _is_likely(exc.table, text, column, delimiter)]
    if likely or (misfits and not divided):  # a line is wrong, or it is a single column with delimiters in it
        misfit = misfits[max(likely or misfits, key=text.count)]
        hint = ", or name the delimiter with --delimiter" if _can_divide(text, column, is_number) else ""
        raise SpecError(f"the numbers {path}{misfit}{hint}") from misfit
    answers: dict[str, Entries] = {}
    for delimiter, table in (divided or tables).items():
        try:
            answers[delimiter] = _choose_entries(table, column)
        except _MisfitError as exc:  # noqa: PERF203 - four delimiters
            misfits[delimiter] = exc
    if not answers:
        # That of a delimiter which divides the file says more than that of one which does not fit.
        told = [misfits[delimiter] for delimiter in divided if delimiter in misfits] or list(misfits.values())
        raise SpecError(f"the numbers {path}{told[0]}")
    fitting = {found: entries for found, entries in answers.items() if all(is_number(entry) for entry, _ in entries)}
    if _TAB in fitting:
        return fitting[_TAB]
    _reject_ambiguity(path, fitting)
    return next(iter((fitting or answers).values()))


def _is_likely(table: _Table, text: str, column: str, delimiter: str) -> bool:
    """Tell whether a delimiter seems to be the right one, although a line does not fit."""
    lines = [line for line in text.split("\n") if line.strip()]
    if table.columns < 2 or sum(delimiter in line for line in lines) * 2 < len(lines):
        return False
    try:
        _choose_entries(_Table(table.rows[:1], table.lines[:1]), column)
    except _MisfitError:
        return False
    return True


def _can_divide(text: str, column: str, is_number: Callable[[str], bool]) -> bool:
    """Tell whether some delimiter, if it were named, would divide all lines and leave only numbers below a name."""
    marks = {mark for mark in text.lstrip().partition("\n")[0] if not mark.isalnum() and not _NO_DELIMITER.match(mark)}
    for delimiter in marks.union(DELIMITER_NAMES.values()):
        with contextlib.suppress(_MisfitError):
            entries = _choose_entries(_divide(text, delimiter), column)
            if all(is_number(entry) for entry, _ in entries[1:]):
                return True
    return False


def _reject_ambiguity(path: Path, answers: dict[str, Entries]) -> None:
    """Raise SpecError if two delimiters give different entries."""
    (delimiter, entries), *others = answers.items() or [("", [])]
    for other, found in others:
        here, there = ({line: entry for entry, line in answer} for answer in (entries, found))
        for line in sorted({*here, *there}):
            if here.get(line) != there.get(line):
                raise SpecError(
                    f"the numbers {path}, line {line}: the entry is {format_value(here.get(line, ''))} if "
                    f"{delimiter!r} divides the columns, {format_value(there.get(line, ''))} if {other!r} does, and "
                    f"all lines fit both: name the right one with --delimiter"
                )


def _divide(text: str, delimiter: str, skipped: int = 0) -> _Table:
    """Divide a text, of which `skipped` lines were read before, into rows of as many columns."""
    source: list[str] = []  # the lines of a row

    def take_lines() -> Iterator[str]:
        # A quote that is open at the end takes in the blank line.
        for line in io.StringIO(f"{text}\n\n", newline=""):
            source.append(line)
            yield line

    options: dict[str, Any] = {"delimiter": delimiter, "skipinitialspace": True}
    reader = csv.reader(take_lines(), **options)
    rows: list[list[str]] = []
    lines: list[int] = []
    try:
        for row in reader:
            if len(source) > 1:
                _check_quotes(source, reader.line_num + skipped, options, _Table(rows, lines))
            source.clear()
            if not any(map(str.strip, row)):
                continue
            if rows and len(row) != len(rows[0]):
                raise _MisfitError(
                    f", line {reader.line_num + skipped} has {len(row)} columns, but the first row has "
                    f"{len(rows[0])}: complete the line, or put entries that contain {delimiter!r} in double quotes",
                    _Table(rows, lines),
                )
            rows.append(row)
            lines.append(reader.line_num + skipped)
    except csv.Error as exc:
        raise _MisfitError(f", line {reader.line_num + skipped}: {exc}; fix the line", _Table(rows, lines)) from exc
    return _Table(rows, lines)


def _check_quotes(source: Sequence[str], last: int, options: dict[str, Any], table: _Table) -> None:
    """Raise _MisfitError if a row goes over several lines only because a quote in it is not closed.

    Text after a closing quote, as in `"Smith" J`, is allowed in other rows: here the closing quote may be the next
    opening one, and what lies between them would be swallowed.
    """
    try:
        list(csv.reader(source, strict=True, **options))
    except csv.Error as exc:
        first = last - len(source) + 1
        raise _MisfitError(
            f", line {first}: a quote is not closed, or text follows the closing one of an entry of several lines "
            f"({exc}); fix the line",
            table,
        ) from exc


def _choose_entries(table: _Table, column: str) -> Entries:
    """Return the entries of the column with a name or a number."""
    if not table.rows:
        return []
    names = [name.strip() for name in table.rows[0]]
    # Try a number first: if the first row holds numbers itself, they are not names.
    if re.fullmatch("[0-9]{1,9}", column) and 1 <= int(column) <= len(names):
        index, begin = int(column) - 1, 0
    elif column in names:
        index, begin = names.index(column), 1
    else:
        raise _MisfitError(
            f" have no column {format_value(column)}: the first row holds {', '.join(map(repr, names[:10]))}; give one "
            f"of these, or a number from 1 to {len(names)}",
            table,
        )
    entries = ((row[index].strip(), line) for row, line in zip(table.rows[begin:], table.lines[begin:], strict=True))
    return [(entry, line) for entry, line in entries if entry]
