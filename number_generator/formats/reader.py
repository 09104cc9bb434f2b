"""Functions that open a dataset of any format, and the type of its reader."""

from __future__ import annotations

import os
from typing import Any

from number_generator.errors import DatasetError
from number_generator.formats.arrays import RawDataset, decode_texts
from number_generator.formats.base_reader import SlicedReader
from number_generator.formats.detection import detect_format
from number_generator.formats.memory_reader import MemoryReader
from number_generator.formats.mmap_reader import MappedReader
from number_generator.formats.paths import check_path
from number_generator.formats.registry import FORMATS

Reader = SlicedReader[Any]
"""A dataset of any format that is read in slices."""


def open_reader(path: str | os.PathLike[str], *, mapped: bool = False) -> Reader:
    """Open a dataset of any format; its content tells the format.

    Pickles, NPZ archives and IDX files are read into memory. From all others, images are read when they are needed.

    Parameters
    ----------
    path : str or path-like
        As for `load_arrays`.
    mapped : bool
        Whether to map these three into memory instead, where the file holds raw images: see `mmap_reader`. The
        checksum of the images in an NPZ archive is then not verified.

    Raises
    ------
    MissingExtraError
        If a Parquet file needs pyarrow, which is not installed.
    SpecError, DatasetNotFoundError, DatasetReadError, DatasetError
        As in `load_arrays`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lines.npz"
    >>> np.savez(path, images=np.zeros((2, 28, 100), np.uint8), labels=["123", "45"])
    >>> with open_reader(path) as reader:
    ...     print(reader.shape, reader.labels(0, 2))
    (2, 28, 100) ['123', '45']
    """
    row = FORMATS[detect_format(path)]
    if row.open_reader is not None:
        reader: Reader = row.open_reader(path)
        return reader
    checked = check_path(path)
    if mapped and row.load_mapped is not None:
        return MappedReader(checked, row.load_mapped)
    assert row.load_arrays is not None  # noqa: S101 - formats without a reader are read as a whole
    raw = row.load_arrays(checked)
    return MemoryReader(raw, decode_texts(raw.labels, checked), checked)


def load_arrays(path: str | os.PathLike[str]) -> RawDataset:
    """Read a whole dataset of any format into memory.

    The content tells the format, never the name. Nothing in a file is executed, and memory is bounded by the size of
    the file, or of the images that a folder names.

    Parameters
    ----------
    path : str or path-like
        A pickle, an HDF5 file, an NPZ archive, the images file of an IDX pair, a Parquet file, a tar of WebDataset,
        or a folder of an LMDB, of such files, or of images with a label file.

    Returns
    -------
    RawDataset
        Images, labels and metadata as they are in the file.

    Raises
    ------
    SpecError
        If `path` is not a path.
    DatasetNotFoundError
        If the file does not exist.
    DatasetReadError
        If the file cannot be read, or is a folder without a dataset.
    DatasetError
        If the content is not a valid dataset, or its images differ in size or are in colour.

    Examples
    --------
    >>> import pickle, tempfile, pathlib
    >>> import numpy as np
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "digits.pkl"
    >>> content = {"images": np.zeros((2, 28, 28), np.uint8), "labels": ["3", "7"]}
    >>> _ = path.write_bytes(pickle.dumps(content))
    >>> load_arrays(path).images.shape
    (2, 28, 28)
    """
    row = FORMATS[detect_format(path)]
    if row.load_arrays is not None:
        raw: RawDataset = row.load_arrays(check_path(path))
        return raw
    with open_reader(path) as reader:
        count = len(reader)
        if reader.is_ragged or reader.channels != 1:
            raise DatasetError(
                f"{os.fspath(path)}: its images differ in size, or are in colour: make them grey and of one size"
            )
        return RawDataset(reader.images(0, count), reader.labels(0, count), reader.metadata)
