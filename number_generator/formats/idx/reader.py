"""MNIST's IDX files: images, and the labels that lie beside them, plain or QMNIST's extended ones; gzipped or not."""

from __future__ import annotations

import gzip
import math
import mmap
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from number_generator.errors import PartMissingError
from number_generator.formats.arrays import RawDataset, build_dataset
from number_generator.formats.idx import (
    EXTENDED_MAGIC,
    GZIP_SIGNATURE,
    IMAGES_MAGIC,
    KINDS,
    LABELS_MAGIC,
    is_any_idx,
    is_idx,
)
from number_generator.formats.paths import (
    DEFLATE_EXPANSION,
    MalformedError,
    check_path,
    fill_buffer,
    reading,
)

_VALID = (
    "A valid IDX pair is a file such as train-images-idx3-ubyte, beside train-labels-idx1-ubyte, "
    "both as published for MNIST, gzipped or not"
)
_VALID_EXTENDED = (
    "Valid extended labels are a file such as qmnist-train-labels-idx2-int, as published for QMNIST, gzipped or not: "
    "8 big-endian 32-bit integers for each image, of which the first is its digit and the third its writer"
)
_TYPES: dict[int, np.dtype[Any]] = {0x08: np.dtype(np.uint8), 0x0C: np.dtype(">i4")}
_COLUMNS, _DIGIT, _WRITER = 8, 0, 2
_IMAGES_NAME = re.compile(r"(?P<before>.*)images(?P<mark>[-.])idx3(?P<after>-ubyte)(?:\.gz)?", re.DOTALL)
# QMNIST traces the digits of MNIST itself too: its training digits are those of MNIST in the same order, and MNIST's
# 10,000 test digits are the first of its 60,000.
_QMNIST_NAME = {"train-": "qmnist-train-", "t10k-": "qmnist-test-"}
_MNIST_TEST = "t10k-"
# EMNIST publishes its images with rows and columns swapped.
_TRANSPOSED = re.compile(r"emnist-.*-images[-.]idx3-ubyte(?:\.gz)?", re.DOTALL | re.IGNORECASE)
_MOST_NAME_BYTES = 1024
_HAS_EXTRA, _HAS_NAME = 4, 8  # flags of a gzip header


def load(path: Path) -> RawDataset:
    """Read IDX files, given the one of the images; raise what `load_arrays` raises.

    Extended labels beside the images give the writer ids, and the labels where there are no plain ones. EMNIST's images
    are turned upright, and `turned` in the metadata says so. They are known by the name of the file, or the name that
    gzip has kept of it.
    """
    with reading(path, _VALID):
        images = _read(path, IMAGES_MAGIC)
    return _with_labels(path, images)


def load_mapped(path: Path) -> tuple[RawDataset, mmap.mmap | None]:
    """Read IDX files whose images stay in the file, unless it is gzipped, and the mapping that they look into."""
    with reading(path, _VALID), path.open("rb") as file:
        if file.read(2) == GZIP_SIGNATURE:
            return load(path), None
        file.seek(0)
        dtype, shape, data_bytes = _read_header(file, IMAGES_MAGIC, path.stat().st_size)
        start = file.tell()
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if len(content) < start + data_bytes:
            raise MalformedError(f"it claims {data_bytes} bytes of shape {shape} but ends after {len(content) - start}")
        if len(content) > start + data_bytes:
            raise MalformedError(f"it goes on after the {data_bytes} bytes of shape {shape}")
        images: np.ndarray[Any, Any] = np.ndarray(
            shape, dtype, content if data_bytes else b"", start * bool(data_bytes)
        )
    return _with_labels(path, images, mapped=True), content


def _with_labels(path: Path, images: np.ndarray[Any, Any], *, mapped: bool = False) -> RawDataset:
    """Return images with their labels, and the writers if there are any, from the files beside them."""
    plain, extended = _find_labels(path)
    labels = writer_ids = None
    if plain is not None:
        with reading(check_path(plain), _VALID):
            labels = _read(plain, LABELS_MAGIC)
    if extended is not None:
        with reading(check_path(extended), _VALID_EXTENDED):
            rows = _extended_rows(_read(extended, EXTENDED_MAGIC), len(images), path)
            _check_agreement(labels, rows[:, _DIGIT], plain)
        labels = rows[:, _DIGIT].astype(np.int64) if labels is None else labels
        writer_ids = rows[:, _WRITER].astype(np.int64)
    with reading(path, _VALID):
        is_turned = _is_transposed(path)
        if is_turned:
            images = images.transpose(0, 2, 1)
        return build_dataset(
            images, labels, {"turned": True} if is_turned else None, writer_ids=writer_ids, mapped=mapped
        )


def _is_transposed(path: Path) -> bool:
    """Tell whether a file is EMNIST's."""
    names = (path.name, _read_packed_name(path))
    return any(_TRANSPOSED.fullmatch(name) is not None for name in names)


def _read_packed_name(path: Path) -> str:
    """Return the name that a gzipped file had when it was packed; an empty name if it has none."""
    with path.open("rb") as file:
        head = file.read(12 + _MOST_NAME_BYTES)
    if not head.startswith(GZIP_SIGNATURE) or len(head) < 12 or not head[3] & _HAS_NAME:
        return ""
    start = 12 + int.from_bytes(head[10:12], "little") if head[3] & _HAS_EXTRA else 10
    name, end, _ = head[start:].partition(b"\0")
    return name.decode("latin-1") if end else ""


def label_files(path: Path) -> list[Path]:
    """Return the labels files that lie beside an images file; raise PartMissingError if there is none."""
    return [file for file in _find_labels(path) if file is not None]


def _find_labels(path: Path) -> tuple[Path | None, Path | None]:
    """Return the plain and the extended labels of an images file; raise PartMissingError if there are none."""
    match = _IMAGES_NAME.fullmatch(path.name)
    if match is None:
        raise PartMissingError(
            f"{path}: the labels of an IDX file lie in a second file, which is found by name: rename the pair. {_VALID}"
        )
    marks = [match["mark"], "." if match["mark"] == "-" else "-"]
    endings = [".gz", ""] if path.name.endswith(".gz") else ["", ".gz"]
    before = match["before"]
    plain = [f"{before}labels{mark}idx1{match['after']}{ending}" for mark in marks for ending in endings]
    extended = [
        f"{start}labels{mark}idx2-int{ending}"
        for start in (before, _QMNIST_NAME.get(before))
        if start is not None
        for mark in marks
        for ending in endings
    ]
    found = _find_first(path.parent, plain), _find_first(path.parent, extended)
    if found == (None, None):
        raise PartMissingError(
            f"{path}: its labels file is not beside it; looked for {', '.join(plain + extended)}. {_VALID}"
        )
    return found


def _find_first(folder: Path, names: list[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)


def _extended_rows(rows: np.ndarray[Any, Any], count: int, images_path: Path) -> np.ndarray[Any, Any]:
    """Return the rows of the images, one for each."""
    if rows.shape[1] != _COLUMNS:
        raise MalformedError(f"its shape is {rows.shape}, not (n, {_COLUMNS})")
    may_have_more = images_path.name.startswith(_MNIST_TEST)
    if len(rows) != count and not (may_have_more and len(rows) > count):
        raise MalformedError(
            f"it has {len(rows)} rows, but {images_path.name} beside it {count} images: they do not belong together, "
            "so move one of them elsewhere"
        )
    return rows[:count]


def _check_agreement(labels: np.ndarray[Any, Any] | None, digits: np.ndarray[Any, Any], plain: Path | None) -> None:
    """Reject extended labels of other digits than the plain labels; `build_dataset` compares their numbers."""
    if labels is None or plain is None or len(labels) != len(digits):
        return
    differing = np.flatnonzero(labels != digits)
    if differing.size:
        first = differing[0]
        raise MalformedError(
            f"it says {digits[first]} of image {first} where {plain.name} says {labels[first]} (they differ in "
            f"{differing.size} of {len(digits)}): they do not belong together, so move one of them elsewhere"
        )


def _read(path: Path, magic: bytes) -> np.ndarray[Any, Any]:
    """Read one IDX file, after checking that it is large enough to hold what it claims."""
    with path.open("rb") as file:
        most_bytes = path.stat().st_size
        is_gzipped = file.read(2) == GZIP_SIGNATURE
        file.seek(0)
        if not is_gzipped:
            return _read_content(file, magic, most_bytes)
        with gzip.GzipFile(fileobj=file) as unpacked:
            return _read_content(cast("BinaryIO", unpacked), magic, most_bytes * DEFLATE_EXPANSION)


def _read_content(file: BinaryIO, magic: bytes, most_bytes: int) -> np.ndarray[Any, Any]:
    """Read header and data, and check that nothing follows."""
    dtype, shape, data_bytes = _read_header(file, magic, most_bytes)
    data = np.empty(shape, dtype)
    filled = fill_buffer(file, data.reshape(-1).view(np.uint8).data)
    if filled < data_bytes:
        raise MalformedError(f"it claims {data_bytes} bytes of shape {shape} but ends after {filled}")
    if file.read(1):
        raise MalformedError(f"it goes on after the {data_bytes} bytes of shape {shape}")
    return data


def _read_header(file: BinaryIO, magic: bytes, most_bytes: int) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Read the header, and return the type, shape and size of the data that must follow."""
    found = file.read(4)
    if found != magic:
        if magic == IMAGES_MAGIC and is_idx(found):
            raise MalformedError("this is the labels file; give the images file, its labels are found beside it")
        if magic == IMAGES_MAGIC and is_any_idx(found):
            raise MalformedError(
                f"it is an IDX file of {KINDS[found[2]]} in {found[3]} dimensions, not of uint8 in 3; convert it"
            )
        raise MalformedError(f"it starts with {found!r} where {magic!r} is expected")
    dtype, dimensions = _TYPES[magic[2]], magic[3]
    shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
    data_bytes = math.prod(shape) * dtype.itemsize
    if data_bytes > most_bytes:
        raise MalformedError(f"it claims shape {shape}, more than the file can hold")
    return dtype, shape, data_bytes
