"""The heaps in which HDF5 keeps strings of variable length, and what refers to them, checked before HDF5 reads them.

HDF5 2.0 walks a damaged heap for ever: where a wrong size leads it to an empty stretch, it takes
steps of length zero. A single flipped bit is enough. And it takes the memory that a reference claims, up to 4 GiB.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.paths import MalformedError, describe_value

_SIGNATURE = b"GCOL\x01\0\0\0"
_HEADER_BYTES = 16
_OBJECT_HEADER = struct.Struct("<HHIQ")  # number, references, reserved, size of the data
_REFERENCE = np.dtype([("length", "<u4"), ("heap", "<u8"), ("number", "<u4")])
_DEFLATE, _SHUFFLE, _LZF = 1, 2, 32000  # the numbers of HDF5's filters, and of h5py's own
# What stands before the name of an attribute: version, flags, and the sizes of name, type and shape; by its version,
# how many bytes that takes, and to a multiple of how many bytes each of the three is padded.
_ATTRIBUTE_HEADER = struct.Struct("<BBHHH")
_ATTRIBUTE_VERSIONS = {1: (8, 8), 2: (8, 1), 3: (9, 1)}
# Where the superblock tells how many bytes an offset and a length take, by its version.
_SIZES_AT = {0: 13, 1: 13, 2: 9, 3: 9}


def check_heaps(path: Path, reach_bytes: int | None = None) -> None:
    """Refuse a file with a damaged heap.

    It takes a pass over the whole file, or over its first and last `reach_bytes`.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        sizes_at = _SIZES_AT[content[8]]
        if content[sizes_at : sizes_at + 2] != b"\x08\x08":
            raise MalformedError("it has strings of variable length in a file of unusual offsets")
        for start, stop in _parts(len(content), reach_bytes):
            at = content.find(_SIGNATURE, start, stop)
            while at >= 0:
                _check_heap(content, at)
                at = content.find(_SIGNATURE, at + 1, stop)


def check_attributes(path: Path, counts: Mapping[str, int], reach_bytes: int) -> None:
    """Refuse a file with an attribute that claims a longer string than the whole file is.

    HDF5 allocates and clears what a reference claims, up to 4 GiB, before it looks at the string. It does not tell
    where the references are: attributes are looked for by their names.

    Parameters
    ----------
    path : Path
    counts : mapping of str to int
        The names of attributes of strings of variable length, and how many strings each has.
    reach_bytes : int
        They are looked for in so many bytes at the beginning of the file and at its end.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for text, count in counts.items():
            name = text.encode("utf-8", "surrogateescape") + b"\0"
            for start, stop in _parts(len(content), reach_bytes):
                at = content.find(name, start, stop)
                while at >= 0:
                    if _longest_claimed(content, at, name, count) > len(content):
                        raise MalformedError(f"its attribute {describe_value(text)} claims to be longer than the file")
                    at = content.find(name, at + 1, stop)


def longest_string(path: Path, offset: int, numbers: range) -> int:
    """Return the longest length that the references to some strings claim.

    HDF5 allocates what a reference claims, up to 4 GiB, before it looks at the string.
    """
    count = numbers[-1] - numbers[0] + 1
    references = np.fromfile(path, _REFERENCE, count, offset=offset + numbers[0] * _REFERENCE.itemsize)
    return int(references["length"].max(initial=0))


def longest_string_in_chunks(path: Path, dataset: Any) -> int:
    """Return the same of all strings of a dataset that lie in chunks; 0 where these are packed in an unknown way.

    They are read from the file itself: of chunks that are not packed, HDF5 hands out as many bytes as the file claims,
    whatever room there is for them. All are read: where their places are damaged, HDF5 takes others than it tells.
    """
    settings = dataset.id.get_create_plist()
    filters = [settings.get_filter(i) for i in range(settings.get_nfilters())]
    if not {kind for kind, *_ in filters} <= {_DEFLATE, _SHUFFLE, _LZF}:
        return 0
    (rows,) = dataset.chunks
    needed = rows * _REFERENCE.itemsize
    places: list[tuple[int, int, int]] = []
    dataset.id.chunk_iter(lambda chunk: places.append((chunk.byte_offset, chunk.size, chunk.filter_mask)))
    longest = 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for start, size, skipped in places:
            # What cannot be unpacked is HDF5's to tell.
            with contextlib.suppress(ValueError, IndexError, zlib.error):
                data: bytes | bytearray = content[start : start + (size if filters else needed)]
                for place in reversed(range(len(filters))):
                    if not skipped >> place & 1:
                        kind, _, values, _ = filters[place]
                        data = _unshuffled(data, *values[:1]) if kind == _SHUFFLE else _UNPACKING[kind](data, needed)
                if len(data) < needed:  # HDF5 would read past the end
                    raise MalformedError("it has a chunk that holds fewer bytes than its labels take")
                references = np.frombuffer(data, _REFERENCE, rows)
                longest = max(longest, int(references["length"].max(initial=0)))
    return longest


def _inflated(data: bytes | bytearray, most_bytes: int) -> bytes:
    """Undo HDF5's gzip."""
    return zlib.decompressobj().decompress(data, most_bytes)


def _without_lzf(data: bytes | bytearray, most_bytes: int) -> bytearray:
    """Undo h5py's LZF: runs of bytes as they are, and copies of what came up to 8 KiB before."""
    out, at = bytearray(), 0
    while at < len(data) and len(out) < most_bytes:
        control = data[at]
        at += 1
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[at]
            at += 1
        start = len(out) - ((control & 31) << 8) - data[at] - 1
        at += 1
        if start < 0:
            raise ValueError("it copies from before its beginning")
        for place in range(start, start + length + 2):  # which may reach into what it is making
            out.append(out[place])
    return out


def _unshuffled(data: bytes | bytearray, size: int = 1) -> bytes:
    """Undo HDF5's shuffle of entries of a size; without one, as for these strings, it does nothing."""
    return np.frombuffer(data, np.uint8).reshape(size, -1).T.tobytes()


_UNPACKING: dict[int, Callable[[bytes | bytearray, int], bytes | bytearray]] = {_DEFLATE: _inflated, _LZF: _without_lzf}


def _parts(size: int, reach_bytes: int | None) -> tuple[tuple[int, int], ...]:
    """Return the parts of a file that are looked through: all of it, or its beginning and its end."""
    reach = size if reach_bytes is None else min(reach_bytes, size)
    return (0, reach), (max(reach, size - reach), size)


def _longest_claimed(content: mmap.mmap, at: int, name: bytes, count: int) -> int:
    """Return the longest length that the strings of an attribute claim, if it is one whose name stands here; else 0."""
    for version, (header_bytes, multiple) in _ATTRIBUTE_VERSIONS.items():
        if at < header_bytes:
            continue
        found, _, *sizes = _ATTRIBUTE_HEADER.unpack_from(content, at - header_bytes)
        if found == version and sizes[0] == len(name):
            place = at + sum(-(-size // multiple) * multiple for size in sizes)
            if place + count * _REFERENCE.itemsize <= len(content):
                references = np.frombuffer(content[place : place + count * _REFERENCE.itemsize], _REFERENCE)
                return int(references["length"].max(initial=0))
    return 0


def _check_heap(content: mmap.mmap, start: int) -> None:
    """Walk over the objects of one heap as HDF5 does."""
    (heap_bytes,) = struct.unpack_from("<Q", content, start + len(_SIGNATURE))
    end = start + heap_bytes
    if end > len(content):
        raise MalformedError("its strings of variable length are cut short")
    at = start + _HEADER_BYTES
    while at + _OBJECT_HEADER.size <= end:
        number, _, _, data_bytes = _OBJECT_HEADER.unpack_from(content, at)
        # The object with number 0 is the free space; its size counts its header.
        step = _OBJECT_HEADER.size + (data_bytes + 7) // 8 * 8 if number else data_bytes
        if step < _OBJECT_HEADER.size or step > end - at:
            raise MalformedError("its strings of variable length are damaged")
        at += step
