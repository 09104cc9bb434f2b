"""The filters that chunks of HDF5 are packed with: which a dataset has, and how a chunk is unpacked without HDF5."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

DEFLATE = 1
"""The number of HDF5's gzip filter."""
SHUFFLE, CHECKSUM, LZF = 2, 3, 32000
"""The other filters that do not expand without end: LZF is h5py's own."""
CHECKSUM_BYTES = 4

Filters = list[tuple[int, tuple[int, ...]]]


def list_filters(dataset: Any) -> Filters:
    """Return the filters that a dataset's chunks are packed with, in their order: number and settings."""
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    return [(number, values) for number, _, values, _ in filters]


def unpack_chunk(data: bytes, filters: Filters, skipped: int, most_bytes: int) -> bytes | bytearray:
    """Undo what the filters did to a chunk, but for those of the mask `skipped`; stop one byte after `most_bytes`.

    ValueError, IndexError or `zlib.error` if it cannot be unpacked: HDF5 fails then too.
    """
    found: bytes | bytearray = data
    for place in reversed(range(len(filters))):
        if not skipped >> place & 1:
            found = _unpack(found, *filters[place], most_bytes)
    return found


def _unpack(data: bytes | bytearray, number: int, values: tuple[int, ...], most_bytes: int) -> bytes | bytearray:
    """Undo what a filter with its settings did to a chunk."""
    if number == DEFLATE:
        return _inflate(data, most_bytes)
    if number == LZF:
        return _unpack_lzf(data, most_bytes)
    if number == CHECKSUM:
        if len(data) < CHECKSUM_BYTES:
            raise ValueError("it is shorter than its checksum")
        return data[:-CHECKSUM_BYTES]
    # Shuffled entries of a size; without one, as for strings of variable length, HDF5 leaves them as they are.
    size = max(1, values[0] if values else 1)
    whole = len(data) // size * size
    return np.frombuffer(data[:whole], np.uint8).reshape(size, -1).T.tobytes() + data[whole:]


def _inflate(data: bytes | bytearray, most_bytes: int) -> bytes:
    inflater = zlib.decompressobj()
    content = inflater.decompress(data, most_bytes + 1)
    if not inflater.eof and len(content) <= most_bytes:
        raise ValueError("the stream ends too early")
    return content


def _unpack_lzf(data: bytes | bytearray, most_bytes: int) -> bytearray:
    """Undo h5py's LZF: runs of bytes as they are, and copies of what came up to 8 KiB before."""
    out, at, end = bytearray(), 0, len(data)
    while at < end and len(out) <= most_bytes:
        control = data[at]
        at += 1
        if control < 32:
            if at + control >= end:
                raise ValueError("it is cut short")
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = (control >> 5) + 2
        if length == 9:
            length += data[at]
            at += 1
        start = len(out) - ((control & 31) << 8) - data[at] - 1
        at += 1
        if start < 0:
            raise ValueError("it copies from before its beginning")
        copied = out[start : start + length]
        # It may reach into what it is making: then it repeats itself.
        out += copied if len(copied) == length else (copied * (length // len(copied) + 1))[:length]
    return out
