"""NPZ archives: `images`, `labels`, ground truth and more; objects are never unpickled."""

from __future__ import annotations

import math
import mmap
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.arrays import RawDataset, build_dataset
from number_generator.formats.budget import Budget
from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError, fill_buffer, reading
from number_generator.formats.schema import (
    HEIGHTS,
    TEXT,
    WIDTHS,
    Description,
    is_plain_text,
    parse_description,
    parse_json,
)
from number_generator.system.checks import format_value

_VALID = (
    "A valid NPZ dataset holds `images` (uint8, shape (n, height, width) or (n, height, width, 3)), `labels` (n "
    "integers or fixed-length strings) and optionally `metadata` (a string, usually of JSON), `widths` and `heights` "
    "of the images, `writer_ids` and `cluster_ids` (n integers); or `x_train` and `y_train`, as Keras names them"
)

_OWN_NAMES = "images", "labels"
_KERAS_NAMES = ("x_train", "y_train"), ("x_test", "y_test")
_NPY_SIGNATURE = b"\x93NUMPY"
_MOST_HEADER_BYTES = 10_000
# Of the header before a member's data: its size, and the offset of the lengths of the name and of what follows it.
_MEMBER_HEADER_BYTES, _LENGTHS_AT = 30, 26
# NumPy evaluates the header as Python; these patterns read all that a dataset needs.
_DESCR = re.compile(r"""['"]descr['"]\s*:\s*['"]([<>|=]?[biufSU]\d{1,9})['"]""")
_FORTRAN = re.compile(r"""['"]fortran_order['"]\s*:\s*(True|False)""")
_SHAPE = re.compile(r"""['"]shape['"]\s*:\s*\(([\d\s,]*)\)""")


def load(path: Path) -> RawDataset:
    """Read an NPZ dataset into memory; raise what `load_arrays` raises."""
    with reading(path, _VALID), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        return _read_dataset(archive, path.stat().st_size, None)


def load_mapped(path: Path) -> tuple[RawDataset, mmap.mmap]:
    """Read an NPZ dataset whose images and truth stay in the file, and the mapping that they look into."""
    with reading(path, _VALID), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _read_dataset(archive, len(content), content), content


def _read_dataset(archive: zipfile.ZipFile, archive_bytes: int, content: mmap.mmap | None) -> RawDataset:
    """Read an archive; images and ground truth look into its content if it is given."""
    names = _find_names(archive)
    images = _read_array(archive, names[0], archive_bytes, content)
    # Deflate makes a thousand bytes of one: pixels may ask for that, and nothing else.
    budget = Budget(archive_bytes, len(images) if images.ndim else 0)
    labels = _read_array(archive, names[1], archive_bytes, budget=budget)
    if names != _OWN_NAMES and labels.shape[1:] == (1,):
        labels = labels[:, 0]  # a column, as in Keras's colour images
    more = {
        key: _read_array(archive, key, archive_bytes, budget=budget)
        for key in ("metadata", "writer_ids", "cluster_ids", WIDTHS, HEIGHTS)
        if f"{key}.npy" in archive.namelist()
    }
    described = _parse_metadata(more.pop("metadata")) if "metadata" in more else Description()
    if described.is_ragged and WIDTHS not in more:
        raise MalformedError(f"its images differ in size, and it has no `{WIDTHS}`")
    truth = {field.name: _read_array(archive, field.name, archive_bytes, content, budget) for field in described.fields}
    return build_dataset(
        images, labels, described.metadata, **more, truth=truth, fields=described.fields, mapped=content is not None
    )


def _find_names(archive: zipfile.ZipFile) -> tuple[str, str]:
    """Return the names of images and labels: our own, or Keras's for those to train with, or else to test with."""
    members = frozenset(archive.namelist())
    found = (names for names in (_OWN_NAMES, *_KERAS_NAMES) if f"{names[0]}.npy" in members)
    return next(found, _OWN_NAMES)


def _parse_metadata(array: np.ndarray[Any, Any]) -> Description:
    """Return what the JSON text in an array says."""
    if array.ndim != 0 or array.dtype.kind not in "SU":
        raise MalformedError(f"its `metadata` is an array of {array.dtype} with shape {array.shape}, not a string")
    value = array.item()
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    if is_plain_text(text):
        return Description(metadata={TEXT: text})
    return parse_description(parse_json(text, "its `metadata`"))


def _read_array(
    archive: zipfile.ZipFile,
    key: str,
    archive_bytes: int,
    content: mmap.mmap | None = None,
    budget: Budget | None = None,
) -> np.ndarray[Any, Any]:
    """Read one member, after checking that the archive is large enough to hold what it claims, and asking a budget.

    One that is not compressed becomes a view into the archive's content if that is given.
    """
    try:
        info = archive.getinfo(f"{key}.npy")
    except KeyError:
        names = ", ".join(format_value(name.removesuffix(".npy")) for name in archive.namelist()[:5])
        raise MalformedError(f"it has no `{key}` (it has {names or 'nothing'})") from None
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MalformedError(f"its `{key}` is compressed in a way that NumPy does not use")
    expansion = DEFLATE_EXPANSION if info.compress_type == zipfile.ZIP_DEFLATED else 1
    if info.compress_size > archive_bytes or info.file_size > info.compress_size * expansion:
        raise MalformedError(f"its `{key}` claims {info.file_size} bytes, more than the file can hold")
    with archive.open(info) as member:
        dtype, shape, order, header_bytes = _read_header(member, key)
        data_bytes = math.prod(shape) * dtype.itemsize
        if header_bytes + data_bytes != info.file_size:
            raise MalformedError(
                f"its `{key}` claims shape {shape} of {dtype}, {data_bytes} bytes, "
                f"but has {info.file_size - header_bytes}"
            )
        if content is not None and info.compress_type == zipfile.ZIP_STORED and data_bytes:
            start = _find_data(info, content) + header_bytes
            if start + data_bytes > len(content):
                raise MalformedError(f"its `{key}` is cut short")
            return np.ndarray(shape, dtype, content, start, order=order)
        if budget is not None:
            budget.charge(data_bytes)
        # Its memory is its own, or it would be copied later.
        array: np.ndarray[Any, Any] = np.empty(shape, dtype, order=order)
        if data_bytes and fill_buffer(member, array.reshape(-1, order=order).view(np.uint8).data) < data_bytes:
            raise MalformedError("it is cut short")
        # Reading to the end makes zipfile compare the checksum.
        if member.read(1):
            raise MalformedError(f"its `{key}` is longer than it claims")
    return array


def _find_data(info: zipfile.ZipInfo, content: mmap.mmap) -> int:
    """Return where a member's data begin: after its own header, which `zipfile` has checked."""
    name_bytes, extra_bytes = struct.unpack_from("<HH", content, info.header_offset + _LENGTHS_AT)
    return int(info.header_offset + _MEMBER_HEADER_BYTES + name_bytes + extra_bytes)


def _read_header(member: Any, key: str) -> tuple[np.dtype[Any], tuple[int, ...], Any, int]:
    """Return dtype, shape, order and length of the header of an NPY file."""
    start = member.read(8)
    if start[:6] != _NPY_SIGNATURE or len(start) != 8 or start[6] not in (1, 2, 3):
        raise MalformedError(f"its `{key}` is not an NPY file of version 1, 2 or 3")
    length_bytes = 2 if start[6] == 1 else 4
    text_bytes = int.from_bytes(member.read(length_bytes), "little")
    if text_bytes > _MOST_HEADER_BYTES:
        raise MalformedError(f"its `{key}` has a header of {text_bytes} bytes")
    text = member.read(text_bytes).decode("latin-1")
    descr, fortran, shape = _DESCR.search(text), _FORTRAN.search(text), _SHAPE.search(text)
    if descr is None or fortran is None or shape is None:
        raise MalformedError(
            f"its `{key}` is not a plain array of numbers or fixed-length strings "
            "(arrays of Python objects are not loaded: they could run code)"
        )
    order = "F" if fortran[1] == "True" else "C"
    sizes = tuple(int(size) for size in shape[1].split(",") if size.strip())
    return np.dtype(descr[1]), sizes, order, 8 + length_bytes + text_bytes
