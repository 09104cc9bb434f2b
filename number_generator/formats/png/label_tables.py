"""Label files: an image and its label on each line, or all of them in one JSON object."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.encoded_reader import decode_label, parse_json_object
from number_generator.formats.paths import MalformedError, map_own_file, read_own_file, release_pages
from number_generator.formats.schema import parse_json

_BLOCK_BYTES = 16 << 20
_MOST_LINE_BYTES = 64 << 20
_MOST_JSON_BYTES = 1 << 30
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CSV_HEADER = "filename,words"
_LINE_FEED, _RETURN = b"\n\r"


class LineFile:
    """The lines of a file, found once and read as they are needed."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._content = map_own_file(path.parent, path.name)
        self._ends = _find_line_ends(self._content)
        self._held_bytes = 0

    def __len__(self) -> int:
        return len(self._ends)

    def line(self, number: int) -> bytes:
        """Return a line, from 0 on, without its end."""
        start = int(self._ends[number - 1]) + 1 if number else 0
        end = int(self._ends[number])
        if end - start > _MOST_LINE_BYTES:
            raise MalformedError(f"line {number + 1} of its {self._name} takes {end - start} bytes")
        line = self._content[start:end].rstrip(b"\r")
        if isinstance(self._content, mmap.mmap):
            self._held_bytes = release_pages(self._content, self._held_bytes + len(line))
        return line if number else line.removeprefix(_BYTE_ORDER_MARK)

    def close(self) -> None:
        """Close the file."""
        if isinstance(self._content, mmap.mmap):
            self._content.close()


class _Lines:
    """A table with an image on each line.

    Parameters
    ----------
    path : Path
    parse : callable
        Return path and label of a line, or raise MalformedError, TypeError or ValueError.
    header : str
        The first line, if it is not an image.
    """

    folder = ""
    """What the paths are relative to; itself relative to the folder of the dataset."""

    def __init__(self, path: Path, parse: Callable[[str], tuple[str, str]], header: str = "") -> None:
        self._lines = LineFile(path)
        self._parse = parse
        self._name = path.name
        self._first = 1 if header else 0
        if header and (not len(self._lines) or self._read_text(0) != header):
            raise MalformedError(f"the first line of its {path.name} is not {header!r}")

    def __len__(self) -> int:
        return len(self._lines) - self._first

    def close(self) -> None:
        self._lines.close()

    def entry(self, number: int) -> tuple[str, str]:
        """Return the path of an image, as the table gives it, and its label."""
        text = self._read_text(self._first + number)
        try:
            path, label = self._parse(text)
        except (MalformedError, TypeError, ValueError) as exc:
            reason = f" ({exc})" if str(exc) else ""
            raise MalformedError(
                f"line {self._first + number + 1} of its {self._name} is {text[:80]!r}, not an image and its "
                f"label{reason}"
            ) from exc
        return with_slashes(path), label

    def _read_text(self, number: int) -> str:
        return decode_label(self._lines.line(number), f"line {number + 1} of {self._name}")


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

    def entry(self, number: int) -> tuple[str, str]:
        """Return the path of an image and its label."""
        return with_slashes(self._paths[number]), self._labels[number]

    def close(self) -> None:
        """Nothing is open."""


LabelTable = _Lines | _Object
"""Paths of images and their labels."""


def with_slashes(path: str) -> str:
    """Return a path of any system with slashes; Windows writes backslashes."""
    return path.replace("\\", "/")


def _parse_tab_line(line: str) -> tuple[str, str]:
    path, tab, label = line.partition("\t")
    if not tab:
        raise ValueError
    if "\t" in label:
        raise ValueError("it has a second tab: no label holds one")
    return path, label


def _parse_comma_line(line: str) -> tuple[str, str]:
    # EasyOCR takes all after the first comma for the label.
    path, comma, label = line.partition(",")
    if not comma:
        raise ValueError
    return path, label


def _parse_json_line(line: str) -> tuple[str, str]:
    found = parse_json_object(line.encode(), "a line")
    path, label = found.get("file_name"), found.get("text")
    if not isinstance(path, str) or not isinstance(label, str):
        raise TypeError
    return path, label


LABEL_FILES: dict[str, Callable[[Path], LabelTable]] = {
    "gt.txt": lambda path: _Lines(path, _parse_tab_line),
    "metadata.jsonl": lambda path: _Lines(path, _parse_json_line),
    "labels.csv": lambda path: _Lines(path, _parse_comma_line, _CSV_HEADER),
    "labels.json": _Object,
}
"""How each kind of label file is opened; if a folder has several, the first here counts."""


def _find_line_ends(content: mmap.mmap | bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return where the lines end; the last one may lack its end, and empty lines after it do not count."""
    size, held_bytes = len(content), 0
    found = []
    for start in range(0, size, _BLOCK_BYTES):
        block = content[start : start + _BLOCK_BYTES]
        signs = np.frombuffer(block, np.uint8)
        is_end = signs == _LINE_FEED
        if b"\r" in block:
            # A carriage return ends a line as well, but for one before another end: Windows and old Macs write them.
            following = np.append(signs[1:], np.uint8(content[start + len(block)] if start + len(block) < size else 0))
            is_end |= (signs == _RETURN) & (following != _LINE_FEED) & (following != _RETURN)
        found.append(np.flatnonzero(is_end) + start)
        if isinstance(content, mmap.mmap):
            held_bytes = release_pages(content, held_bytes + len(block))
    if size and content[size - 1] not in (_LINE_FEED, _RETURN):
        found.append(np.array([size]))
    ends = np.concatenate(found).astype(np.int64) if found else np.empty(0, np.int64)
    last = len(ends)
    while last and not content[(int(ends[last - 2]) + 1 if last > 1 else 0) : int(ends[last - 1])].strip():
        last -= 1
    return ends[:last]
