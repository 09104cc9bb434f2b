"""The heaps in which HDF5 keeps strings of variable length, checked before HDF5 reads them.

HDF5 2.0 walks a damaged heap for ever: where a wrong size leads it to an empty stretch, it takes
steps of length zero. A single flipped bit is enough.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

import numpy as np

from number_generator.loading.files import MalformedError

_SIGNATURE = b"GCOL\x01\0\0\0"
_HEADER_BYTES = 16
_OBJECT_HEADER = struct.Struct("<HHIQ")  # number, references, reserved, size of the data
_REFERENCE = np.dtype([("length", "<u4"), ("heap", "<u8"), ("number", "<u4")])
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
        size = len(content)
        reach = size if reach_bytes is None else min(reach_bytes, size)
        for start, stop in ((0, reach), (max(reach, size - reach), size)):
            at = content.find(_SIGNATURE, start, stop)
            while at >= 0:
                _check_heap(content, at)
                at = content.find(_SIGNATURE, at + 1, stop)


def longest_string(path: Path, offset: int, numbers: range) -> int:
    """Return the longest length that the references to some strings claim.

    HDF5 allocates what a reference claims, up to 4 GiB, before it looks at the string.
    """
    count = numbers[-1] - numbers[0] + 1
    references = np.fromfile(path, _REFERENCE, count, offset=offset + numbers[0] * _REFERENCE.itemsize)
    return int(references["length"].max(initial=0))


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
