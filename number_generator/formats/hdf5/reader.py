"""HDF5 datasets: `images`, `labels` and the root group's attributes, read whole or in slices."""

from __future__ import annotations

import contextlib
import json
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.arrays import (
    RawDataset,
    build_dataset,
    check_images,
    check_size_array,
    count_channels,
    drop_grey_axis,
    join_sizes,
)
from number_generator.formats.budget import FREE_BYTES, Budget
from number_generator.formats.hdf5.chunks import RowReader, read_all
from number_generator.formats.hdf5.own_use import CountedReader
from number_generator.formats.hdf5.safety import (
    check_layout,
    check_stored,
    find_dataset,
    find_object,
    import_h5py,
    open_file,
)
from number_generator.formats.paths import MalformedError, check_path, reading
from number_generator.formats.schema import HEIGHTS, JSON_ATTRIBUTE, MOST_LABEL_BYTES, TRUTH_NAMES, WIDTHS, restore_pair
from number_generator.job.chunk import TruthField
from number_generator.job.spec import SOURCE_DIGITS

# A string of variable length may be stored once and named by many labels: read a few at a time.
_LABELS_PER_READ = 1024
_MOST_ATTRIBUTE_BYTES = 1 << 20
_MOST_TRUTH_AXES = 3


class Hdf5Reader(CountedReader["_Handles"]):
    """An HDF5 dataset of one file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import h5py, numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lines.h5"
    >>> with h5py.File(path, "w") as file:
    ...     file["images"], file["labels"] = np.zeros((2, 28, 100), np.uint8), [b"123", b"45"]
    >>> with Hdf5Reader(path) as reader:
    ...     print(reader.shape, reader.labels(0, 2))
    (2, 28, 100) ['123', '45']
    """

    valid = (
        "A valid HDF5 dataset holds `images` (uint8, shape (n, height, width) or (n, height, width, 3)), `labels` "
        "(n strings or integers) and optionally `widths` and `heights` (n integers), all in the root group"
    )

    is_padded = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(check_path(path))
        with self._lend() as handles:
            chunks, shape = handles.images.chunks, handles.images.shape
            self.is_ragged = bool(handles.size_rows)
        count, height, width = shape[:3]
        self.shape, self.channels = (count, height, width), count_channels(shape)
        self.chunk_length = chunks[0] if chunks else 1

    @property
    def metadata(self) -> dict[str, Any]:
        """The attributes of the root group as plain Python values; those of other types are left out."""
        with reading(self._path, self.valid), self._lend() as handles:
            return read_metadata(handles.file)

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the file has; their attributes say what the entries mean."""
        with reading(self._path, self.valid), self._lend() as handles:
            datasets = {name: _find_truth(handles.file, name, len(self)) for name in self.truth_names}
            return tuple(_describe_field(name, truth) for name, truth in datasets.items())

    @property
    def truth_names(self) -> tuple[str, ...]:
        """Their names."""
        with reading(self._path, self.valid), self._lend() as handles:
            return tuple(name for name in TRUTH_NAMES if handles.file.get(name, getlink=True) is not None)

    @property
    def label_type(self) -> tuple[int, bool] | None:
        """Bytes that each label takes in the file, and whether all are ASCII; None if it is not a fixed length."""
        with self._lend() as handles:
            dtype = handles.labels.dtype
        if dtype.kind != "S":
            return None
        return dtype.itemsize, import_h5py().check_string_dtype(dtype).encoding == "ascii"

    def _open(self) -> _Handles:
        path = check_path(self._path)
        with reading(path, self.valid):
            file = open_file(path)
            try:
                images, labels = find_dataset(file, "images"), find_dataset(file, "labels")
                check_images(images, "a dataset")
                check_layout(images)
                _check_labels(labels)
                if len(images) != len(labels):
                    raise MalformedError(f"it has {len(images)} images but {len(labels)} labels")
                sizes = {name: RowReader(dataset) for name, dataset in _find_sizes(file, len(images)).items()}
                size = path.stat().st_size
                return _Handles(file, images, labels, RowReader(images), RowReader(labels), sizes, size)
            except BaseException:
                file.close()
                raise

    def _leave_to_parent(self, handles: _Handles) -> None:
        # While the parent's file is open here, HDF5 would return it again, descriptor and all.
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            handles.close()

    def _read_images(self, handles: _Handles, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return drop_grey_axis(handles.image_rows.read(numbers))

    def _read_sizes(self, handles: _Handles, numbers: range) -> np.ndarray[Any, np.dtype[np.int32]]:
        rows = handles.size_rows
        for each in rows.values():
            handles.make_budget().charge(len(numbers) * each.dtype.itemsize)
        widths, heights = (rows[name].read(numbers) if name in rows else None for name in (WIDTHS, HEIGHTS))
        return join_sizes(widths, heights, (len(numbers), *self.shape[1:]), numbers)

    def _read_labels(self, handles: _Handles, numbers: range) -> list[str]:
        dtype, budget = handles.label_rows.dtype, handles.make_budget()
        budget.charge(len(numbers) * dtype.itemsize)
        if dtype.kind in "iu":
            return list(map(str, handles.label_rows.read(numbers).tolist()))
        if dtype.kind == "S":
            return list(map(_decode_label, handles.label_rows.read(numbers).tolist()))
        texts: list[str] = []
        for first in range(0, len(numbers), _LABELS_PER_READ):
            some = numbers[first : first + _LABELS_PER_READ]
            values = handles.label_rows.read(some).tolist()
            _check_length(max(map(len, values)))
            budget.charge(sum(map(len, values)))  # many may be the same in the file
            texts.extend(map(_decode_label, values))
        return texts

    def _read_truth(self, handles: _Handles, name: str, numbers: range) -> np.ndarray[Any, Any]:
        rows = handles.truth_rows.get(name)
        if rows is None:
            rows = handles.truth_rows[name] = RowReader(_find_truth(handles.file, name, len(self)))
        handles.make_budget().charge(len(numbers) * rows.row_bytes)
        values = rows.read(numbers)
        return values.astype(values.dtype.newbyteorder("="), copy=False)  # as `fields` says


def load(path: Path) -> RawDataset:
    """Read an HDF5 dataset into memory; raise what `load_arrays` raises."""
    with Hdf5Reader(path) as reader, reading(path, reader.valid), reader._lend() as handles:
        for dataset in (handles.images, handles.labels):
            check_stored(dataset)
        count = len(reader)
        raw = build_dataset(reader.images(0, count), reader.labels(0, count), reader.metadata)
        return replace(raw, sizes=reader.sizes(0, count)) if reader.is_ragged else raw


def read_metadata(file: Any) -> dict[str, Any]:
    """Return what the root group of an open file says, as plain Python values."""
    metadata: dict[str, Any] = {}
    for name in file.attrs:
        attribute = file.attrs.get_id(name)
        if math.prod(attribute.shape or ()) * attribute.dtype.itemsize > _MOST_ATTRIBUTE_BYTES:
            raise MalformedError(f"its attributes are larger than {_MOST_ATTRIBUTE_BYTES} bytes")
        is_text = import_h5py().check_string_dtype(attribute.dtype) is not None
        if attribute.shape is None:
            metadata[name] = None
        elif is_text or attribute.dtype.kind in "biuf":
            metadata[name] = _to_python(file.attrs[name])
    # What HDF5 cannot hold is written as one JSON text.
    with contextlib.suppress(KeyError, TypeError, ValueError):
        metadata.update(json.loads(metadata[JSON_ATTRIBUTE]))
        del metadata[JSON_ATTRIBUTE]
    metadata = restore_pair(metadata)
    source_digits = _read_source_digits(file)
    if source_digits is not None:
        metadata[SOURCE_DIGITS] = source_digits
    return metadata


@dataclass(frozen=True, slots=True)
class _Handles:
    """An open file, and what reads the rows of its datasets."""

    file: Any
    images: Any
    labels: Any
    image_rows: RowReader
    label_rows: RowReader
    size_rows: dict[str, RowReader]
    file_bytes: int
    truth_rows: dict[str, RowReader] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.image_rows)

    def make_budget(self) -> Budget:
        """Return what a read may take beside the pixels: what was never stored takes no place in the file."""
        return Budget(self.file_bytes, len(self.image_rows))

    def close(self) -> None:
        self.file.close()


def _check_labels(labels: Any) -> None:
    """Reject labels that are not one row of strings or integers."""
    is_text = import_h5py().check_string_dtype(labels.dtype) is not None
    is_integer = labels.dtype.kind in "iu" and not labels.dtype.metadata
    if labels.shape is None or len(labels.shape) != 1 or not (is_text or is_integer):
        raise MalformedError(
            f"its `labels` is a dataset of {labels.dtype} with shape {labels.shape}, not one row of strings or integers"
        )
    if labels.dtype.itemsize > MOST_LABEL_BYTES:
        raise MalformedError(f"its labels are {labels.dtype.itemsize} bytes long")
    check_layout(labels)


def _find_sizes(file: Any, count: int) -> dict[str, Any]:
    """Return the datasets of the images' widths and heights; none if there are none."""
    found = {name: find_dataset(file, name) for name in (WIDTHS, HEIGHTS) if file.get(name, getlink=True) is not None}
    for name, dataset in found.items():
        check_size_array(dataset, name, count)
        check_layout(dataset)
    return found


def _find_truth(file: Any, name: str, count: int) -> Any:
    """Return a dataset of ground truth; reject one that is not of numbers, or not an entry for each image."""
    truth = find_dataset(file, name)
    if truth.shape is None or not 1 <= len(truth.shape) <= _MOST_TRUTH_AXES or truth.dtype.kind not in "iuf":
        raise MalformedError(f"its `{name}` is a dataset of {truth.dtype} with shape {truth.shape}, not of numbers")
    if len(truth) != count:
        raise MalformedError(f"it has {count} images but {len(truth)} entries in `{name}`")
    check_layout(truth)
    if math.prod(truth.shape[1:]) * truth.dtype.itemsize > FREE_BYTES:
        raise MalformedError(f"its `{name}` has {truth.shape[1:]} entries for each image")
    return truth


def _describe_field(name: str, truth: Any) -> TruthField:
    """Return what an array of ground truth holds."""
    about = {key: _to_python(truth.attrs[key]) for key in truth.attrs if _is_short(truth.attrs.get_id(key))}
    fill = math.nan if truth.dtype.kind == "f" else -1
    return TruthField(name, truth.shape[1:], truth.dtype.name, fill, about)


def _is_short(attribute: Any) -> bool:
    """Tell whether an attribute is a short text or number."""
    is_text = import_h5py().check_string_dtype(attribute.dtype) is not None
    return attribute.shape == () and (is_text or attribute.dtype.kind in "biuf")


def _read_source_digits(file: Any) -> list[int] | None:
    """Return the numbers of the digits that a part of a split was made from; None if there are none."""
    if not isinstance(find_object(file, SOURCE_DIGITS), import_h5py().Dataset):
        return None
    numbers = find_dataset(file, SOURCE_DIGITS)
    if numbers.shape is None or len(numbers.shape) != 1 or numbers.dtype.kind not in "iu":
        return None  # another program's
    check_stored(numbers)
    if numbers.nbytes > FREE_BYTES:
        raise MalformedError(f"its `{SOURCE_DIGITS}` takes {numbers.nbytes} bytes")
    values: list[int] = read_all(numbers).tolist()
    return values


def _decode_label(label: bytes) -> str:
    """Return a label as text, or raise MalformedError."""
    try:
        return label.decode()
    except UnicodeDecodeError:
        raise MalformedError(f"it has the label {label[:20]!r}, which is not text in UTF-8") from None


def _check_length(label_bytes: int) -> None:
    """Reject a label that is far too long."""
    if label_bytes > MOST_LABEL_BYTES:
        raise MalformedError(f"it has a label of {label_bytes} bytes")


def _to_python(value: Any) -> Any:
    """Return an attribute's value as a Python value: strings as text, arrays as lists."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, bytes):
        return value.decode(errors="replace")  # another program's may be in another encoding
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "surrogateescape").decode(errors="replace")  # where h5py could not decode it
    if isinstance(value, list):
        return [_to_python(entry) for entry in value]
    return value
