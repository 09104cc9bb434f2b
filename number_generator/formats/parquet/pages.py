"""The pages of a column of a Parquet file, found without Arrow, which believes what they claim.

A page's header is a structure of Thrift's compact protocol: fields of a number, a kind and a value, up to a zero.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from typing import Any

from number_generator.formats.paths import MalformedError

DICTIONARIES = frozenset({2, 8})
"""The encodings of pages whose values refer to a dictionary."""
INCREMENTAL = 7
"""The encoding of texts each of which begins as the one before it does."""

_UNPACKED, _PACKED = 2, 3  # fields of a header: sizes of the page
_VALUES, _ENCODING = 1, 2  # fields of what follows in it, in a structure for each kind of page
_KINDS = {5: _ENCODING, 8: 4}  # those of pages of values, and which field tells the encoding
_DICTIONARY = 7
_TRUE, _FALSE, _BYTE, _INTEGERS, _DOUBLE, _BYTES, _STRUCTURE = 1, 2, 3, (4, 5, 6), 7, 8, 12
_DEEPEST = 8


@dataclass
class Pages:
    """What the pages of a column claim together."""

    unpacked_bytes: int = 0
    values: int = 0
    encodings: set[int] = field(default_factory=set)


def read_pages(content: mmap.mmap, start: int, size: int) -> Pages:
    """Read the headers of all pages of a column, or raise MalformedError or IndexError."""
    if start < 0 or size < 0:
        raise MalformedError("it has a column that begins before the file")
    found = Pages()
    at, end = start, min(start + size, len(content))
    while at < end:
        header, at = _read_structure(content, at, _DEEPEST)
        packed, unpacked = header.get(_PACKED, -1), header.get(_UNPACKED, -1)
        about: dict[int, Any] = next((header[kind] for kind in (*_KINDS, _DICTIONARY) if kind in header), {})
        values = about.get(_VALUES, 0)
        if not all(type(number) is int and number >= 0 for number in (packed, unpacked, values)):
            raise MalformedError("it has a page of a size below zero")
        at += packed
        found.unpacked_bytes += unpacked
        found.values += values
        found.encodings |= {header[kind].get(place) for kind, place in _KINDS.items() if kind in header}
    return found


def _read_structure(content: mmap.mmap, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Return the fields of a structure that are integers or structures, and where it ends."""
    if not depth:
        raise MalformedError("it has a page whose header is nested too deep")
    fields: dict[int, Any] = {}
    number = 0
    while head := content[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _read_integer(content, at)
        fields[number], at = _read_value(content, at, head & 15, depth)
    return fields, at + 1


def _read_value(content: mmap.mmap, at: int, kind: int, depth: int) -> tuple[Any, int]:
    """Return an integer or structure, or None for a value of another kind, and where it ends."""
    if kind in (_TRUE, _FALSE):  # the kind is the value
        return None, at
    if kind == _BYTE:
        return None, at + 1
    if kind in _INTEGERS:
        return _read_integer(content, at)
    if kind == _DOUBLE:
        return None, at + 8
    if kind == _BYTES:
        length, at = _read_unsigned(content, at)
        return None, at + length
    if kind == _STRUCTURE:
        return _read_structure(content, at, depth - 1)
    raise MalformedError("it has a page whose header is damaged")  # no header has lists


def _read_integer(content: mmap.mmap, at: int) -> tuple[int, int]:
    value, at = _read_unsigned(content, at)
    return value >> 1 ^ -(value & 1), at


def _read_unsigned(content: mmap.mmap, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise MalformedError("it has a page whose header is damaged")
