"""MNIST's IDX pairs: an images file, and the labels file that lies beside it; either may be gzipped."""

from __future__ import annotations

import gzip
import math
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from number_generator.errors import DatasetNotFoundError
from number_generator.loading.files import (
    DEFLATE_EXPANSION,
    MalformedError,
    checked_path,
    file_size,
    reading,
)
from number_generator.loading.raw import RawDataset, build_dataset

GZIP_SIGNATURE = b"\x1f\x8b"

_VALID = (
    "A valid IDX pair is a file such as train-images-idx3-ubyte, beside train-labels-idx1-ubyte, "
    "both as published for MNIST, gzipped or not"
)
_IMAGES_MAGIC = b"\0\0\x08\x03"
_LABELS_MAGIC = b"\0\0\x08\x01"
_READ_BYTES = 1 << 20
_IMAGES_NAME = re.compile(r"(?P<before>.*)images(?P<mark>[-.])idx3(?P<after>-ubyte)(?:\.gz)?", re.DOTALL)


def is_idx(head: bytes) -> bool:
    """Tell whether a file that starts with these bytes is an IDX file of images or labels."""
    return head.startswith((_IMAGES_MAGIC, _LABELS_MAGIC))


def load(path: Path) -> RawDataset:
    """Read an IDX pair, given its images file; raise what `load_arrays` raises."""
    with reading(path, _VALID):
        images = _read(path, _IMAGES_MAGIC)
    second = checked_path(labels_path(path))
    with reading(second, _VALID):
        labels = _read(second, _LABELS_MAGIC)
    with reading(path, _VALID):
        return build_dataset(images, labels, None)


def labels_path(path: Path) -> Path:
    """Return the labels file that lies beside an images file; raise DatasetNotFoundError if there is none."""
    match = _IMAGES_NAME.fullmatch(path.name)
    if match is None:
        raise DatasetNotFoundError(
            f"{path}: the labels of an IDX file lie in a second file, which is found by name: rename the pair. {_VALID}"
        )
    marks = [match["mark"], "." if match["mark"] == "-" else "-"]
    stems = [f"{match['before']}labels{mark}idx1{match['after']}" for mark in marks]
    endings = [".gz", ""] if path.name.endswith(".gz") else ["", ".gz"]
    names = [stem + ending for stem in stems for ending in endings]
    for name in names:
        if (path.parent / name).exists():
            return path.parent / name
    raise DatasetNotFoundError(f"{path}: its labels file is not beside it; looked for {', '.join(names)}. {_VALID}")


def _read(path: Path, magic: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read one IDX file of bytes, after checking that it is large enough to hold what it claims."""
    with path.open("rb") as file:
        most_bytes = file_size(file)
        is_gzipped = file.read(2) == GZIP_SIGNATURE
        file.seek(0)
        if not is_gzipped:
            return _read_content(file, magic, most_bytes)
        with gzip.GzipFile(fileobj=file) as unpacked:
            return _read_content(cast("BinaryIO", unpacked), magic, most_bytes * DEFLATE_EXPANSION)


def _read_content(file: BinaryIO, magic: bytes, most_bytes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Read header and bytes, and make sure that nothing follows."""
    found = file.read(4)
    if found != magic:
        if (found, magic) == (_LABELS_MAGIC, _IMAGES_MAGIC):
            raise MalformedError("this is the labels file; give the images file, its labels are found beside it")
        raise MalformedError(f"it starts with {found!r} where {magic!r} is expected")
    dimensions = magic[3]
    shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
    data_bytes = math.prod(shape)
    if data_bytes > most_bytes:
        raise MalformedError(f"it claims shape {shape}, more than the file can hold")
    data = np.empty(shape, np.uint8)
    view = data.reshape(-1).data
    filled = 0
    while filled < data_bytes:
        count = file.readinto(view[filled : filled + _READ_BYTES])  # type: ignore[attr-defined]
        if not count:
            raise MalformedError(f"it claims {data_bytes} bytes of shape {shape} but ends after {filled}")
        filled += count
    if file.read(1):
        raise MalformedError(f"it goes on after the {data_bytes} bytes of shape {shape}")
    return data
