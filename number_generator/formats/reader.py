"""The protocol of readers, and functions that open a dataset of any format."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from number_generator.formats.arrays import RawDataset, decode_texts
from number_generator.formats.detection import detect_format
from number_generator.formats.memory_reader import MemoryReader
from number_generator.formats.mmap_reader import MappedReader
from number_generator.formats.paths import check_path
from number_generator.formats.registry import FORMATS
from number_generator.job.chunk import TruthField


class Reader(Protocol):
    """A dataset that is read in slices; it can be pickled and survives a fork. See `SlicedReader`."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number, height and width of the images."""
        ...

    @property
    def chunk_length(self) -> int:
        """Number of images stored, and so read, together; 1 if each can be read alone."""
        ...

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the dataset, as plain Python values."""
        ...

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the dataset has."""
        ...

    @property
    def truth_names(self) -> tuple[str, ...]:
        """The names of these arrays."""
        ...

    def __len__(self) -> int: ...

    def image(self, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return a copy of one image, shape (height, width)."""
        ...

    def images(self, start: int, stop: int, step: int = 1) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return a copy of every `step`-th image of a half-open range, shape (k, height, width)."""
        ...

    def labels(self, start: int, stop: int, step: int = 1) -> list[str]:
        """Return the labels of the images of a range; integers become strings."""
        ...

    def truth(self, name: str, start: int, stop: int, step: int = 1) -> np.ndarray[Any, Any]:
        """Return one array of ground truth, for the images of a range."""
        ...

    def close(self) -> None:
        """Close open files; a second call does nothing."""
        ...

    def __enter__(self) -> Reader: ...

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


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
        If the content is not a valid dataset.

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
        return RawDataset(reader.images(0, count), reader.labels(0, count), reader.metadata)
