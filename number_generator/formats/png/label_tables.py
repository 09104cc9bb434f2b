"""Label files: an image and its label on each line, or all of them in one JSON object."""

from __future__ import annotations

import csv
import mmap
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from number_generator.formats.columns import FILE_NAMES, LABEL_NAMES, choose_column, find_label
from number_generator.formats.encoded_reader import decode_label, parse_json_object
from number_generator.formats.image_files import with_slashes
from number_generator.formats.paths import MalformedError, map_own_file, read_own_file, release_pages
from number_generator.formats.schema import parse_json

_BLOCK_BYTES = 4 << 20
_MOST_LINE_BYTES = 64 << 20
_MOST_JSON_BYTES = 1 << 30
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_EASYOCR_HEADER = "filename,words"
_LINE_FEED, _RETURN, _SPACE = b"\n\r "
_NAME_AND_LABEL = re.compile(r"(?P<path>.+?\.(?:png|jpe?g))(?:(?P<comma>,) ?| +)(?P<label>.*)", re.IGNORECASE)

_Places = np.ndarray[Any, np.dtype[np.int64]]


class LineFile:
    """The lines of a file that are not blank, found once and read as they are needed."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._content = map_own_file(path.parent, path.name)
        self._ends, self._kept = _find_lines(self._content)
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self._ends if self._kept is None else self._kept)

    def line(self, number: int) -> bytes:
        """Return a line, from 0 on, without its end."""
        at = self._find(number)
        start = int(self._ends[at - 1]) + 1 if at else 0
        end = int(self._ends[at])
        if end - start > _MOST_LINE_BYTES:
            raise MalformedError(f"{self.name_line(number)} takes {end - start} bytes")
        line = self._content[start:end].rstrip(b"\r")
        if isinstance(self._content, mmap.mmap):
            self._held_bytes = release_pages(self._content, self._held_bytes + len(line))
        return line if at else line.removeprefix(_BYTE_ORDER_MARK)

    def text(self, number: int) -> str:
        """Return a line as text."""
        return decode_label(self.line(number), f"{self.name_line(number)}")

    def name_line(self, number: int) -> str:
        """Return the name of a line for errors; blank lines count as well, as in an editor."""
        return f"line {self._find(number) + 1} of its {self._name}"

    def close(self) -> None:
        """Close the file."""
        if isinstance(self._content, mmap.mmap):
            self._content.close()

    def _find(self, number: int) -> int:
        return number if self._kept is None else int(self._kept[number])


class _Lines:
    """A table with an image on each line.

    Parameters
    ----------
    lines : LineFile
    parse : callable
        Return path and label of a line, or raise MalformedError, TypeError or ValueError.
    first : int
        Lines before that of the first image.
    """

    folder = ""
    """What the paths are relative to; itself relative to the folder of the dataset."""

    def __init__(self, lines: LineFile, parse: Callable[[str], tuple[str, str]], first: int = 0) -> None:
        self._lines = lines
        self._parse = parse
        self._first = first

    def __len__(self) -> int:
        return len(self._lines) - self._first

    def close(self) -> None:
        self._lines.close()

    def path(self, number: int) -> str:
        """Return the path of an image, with slashes."""
        return self._entry(number)[0]

    def label(self, number: int) -> str:
        """Return the label of an image."""
        return self._entry(number)[1]

    def _entry(self, number: int) -> tuple[str, str]:
        line = self._first + number
        text = self._lines.text(line)
        try:
            path, label = self._parse(text)
        except (MalformedError, TypeError, ValueError) as exc:
            reason = f" ({exc})" if str(exc) else ""
            raise MalformedError(
                f"{self._lines.name_line(line)} is {text[:80]!r}, not an image and its label{reason}"
            ) from exc
        return with_slashes(path), label


class _Object:
    """A table that is one JSON object of paths and labels, as docTR reads it: it is held in memory."""

    def __init__(self, path: Path) -> None:
        text = read_own_file(path.parent, path.name, f"its {path.name}", _MOST_JSON_BYTES)
        found = parse_json(text, f"its {path.name}")
        if not isinstance(found, dict) or not all(isinstance(label, str) for label in found.values()):
            raise MalformedError(f"its {path.name} is not an object of names and labels")
        self.folder = "images" if (path.parent / "images").is_dir() else ""
        self._paths, self._labels = list(found), list(found.values())

    def __len__(self) -> int:
        return len(self._paths)

    def path(self, number: int) -> str:
        """Return the path of an image, with slashes."""
        return with_slashes(self._paths[number])

    def label(self, number: int) -> str:
        """Return the label of an image."""
        return self._labels[number]

    def close(self) -> None:
        """Nothing is open."""


class LabelTable(Protocol):
    """Paths of images and their labels."""

    folder: str

    def __len__(self) -> int: ...

    def path(self, number: int) -> str:
        """Return the path of an image, with slashes."""

    def label(self, number: int) -> str:
        """Return the label of an image."""

    def close(self) -> None:
        """Close what is open."""


def open_lines(path: Path) -> LabelTable:
    """Open a file with the path of an image and its label on each line; a tab, a space or a comma divides them."""
    return _Lines(LineFile(path), _parse_line)


def open_objects(path: Path) -> LabelTable:
    """Open a file with a JSON object on each line."""
    return _Lines(LineFile(path), _parse_json_line)


def open_object(path: Path) -> LabelTable:
    """Open a file that is one JSON object of paths and labels."""
    return _Object(path)


def open_columns(path: Path) -> LabelTable:
    """Open a file of columns with commas between them, whose first line names the columns."""
    lines = LineFile(path)
    header = lines.text(0) if len(lines) else ""
    if header == _EASYOCR_HEADER:
        return _Lines(lines, _parse_comma_line, 1)
    try:
        names = _split_columns(header) if header else []
        at = names.index(choose_column("paths", FILE_NAMES, [name for name in names if name in FILE_NAMES], names))
        others = [name for number, name in enumerate(names) if number != at]
        label_at = names.index(choose_column("labels", LABEL_NAMES, others, names))
    except (MalformedError, ValueError) as exc:
        raise MalformedError(f"the first line of its {path.name} is {header[:80]!r}: {exc}") from exc

    def parse(line: str) -> tuple[str, str]:
        values = _split_columns(line)
        if len(values) != len(names):
            raise ValueError(f"it has {len(values)} columns, and the first line {len(names)}")
        return values[at], values[label_at]

    return _Lines(lines, parse, 1)


def _parse_line(line: str) -> tuple[str, str]:
    path, tab, label = line.partition("\t")
    if tab:
        if "\t" in label:
            raise ValueError("it has a second tab: no label holds one")
        return path, label
    match = _NAME_AND_LABEL.fullmatch(line)
    if match is None:
        raise ValueError
    label = match["label"]
    if match["comma"] and len(label) > 1 and label[0] == label[-1] == '"':
        # As the challenges of ICDAR write them.
        label = label[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return match["path"], label


def _parse_comma_line(line: str) -> tuple[str, str]:
    # EasyOCR takes all after the first comma for the label.
    path, comma, label = line.partition(",")
    if not comma:
        raise ValueError
    return path, label


def _parse_json_line(line: str) -> tuple[str, str]:
    found = parse_json_object(line.encode(), "a line")
    name = choose_column("paths", FILE_NAMES, [name for name in FILE_NAMES if name in found], list(found))
    path = found[name]
    if not isinstance(path, str):
        raise TypeError
    return path, find_label(found, name)


def _split_columns(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as exc:
        raise ValueError(str(exc)) from exc


def _find_lines(content: mmap.mmap | bytes) -> tuple[_Places, _Places | None]:
    """Return where the lines end, and which of them are not blank; None if none is. The last may lack its end."""
    size, held_bytes = len(content), 0
    ends, marks, seen = [], [], 0  # of each line, how many signs come before its end
    for start in range(0, size, _BLOCK_BYTES):
        block = content[start : start + _BLOCK_BYTES]
        signs = np.frombuffer(block, np.uint8)
        is_end = signs == _LINE_FEED
        if b"\r" in block:
            # A carriage return ends a line as well, but for one before another end: Windows and old Macs write them.
            following = np.append(signs[1:], np.uint8(content[start + len(block)] if start + len(block) < size else 0))
            is_end |= (signs == _RETURN) & (following != _LINE_FEED) & (following != _RETURN)
        places = np.flatnonzero(is_end)
        is_sign = signs > _SPACE
        if not start and block.startswith(_BYTE_ORDER_MARK):
            is_sign[: len(_BYTE_ORDER_MARK)] = False
        counts = np.cumsum(is_sign, dtype=np.int32)
        ends.append(places + start)
        marks.append(counts[places].astype(np.int64) + seen)
        seen += int(counts[-1])
        if isinstance(content, mmap.mmap):
            held_bytes = release_pages(content, held_bytes + len(block))
    if size and content[size - 1] not in (_LINE_FEED, _RETURN):
        ends.append(np.array([size]))
        marks.append(np.array([seen]))
    if not ends:
        return np.empty(0, np.int64), None
    is_kept = np.diff(np.concatenate(marks), prepend=0) > 0
    found = np.concatenate(ends).astype(np.int64)
    return found, None if is_kept.all() else np.flatnonzero(is_kept)
