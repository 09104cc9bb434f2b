"""Digit datasets and written datasets from any file, safely: nothing in a file is ever run."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from number_generator.errors import DatasetError, DatasetNotFoundError
from number_generator.loading import hdf5, idx, npz, pickles
from number_generator.loading.files import checked_path, reading
from number_generator.loading.hdf5 import Hdf5Reader
from number_generator.loading.raw import RawDataset

__all__ = ["Format", "Hdf5Reader", "RawDataset", "detect_format", "load_arrays", "source_files"]

Format = Literal["pickle", "hdf5", "npz", "idx"]

_LOADERS: dict[Format, Callable[[Path], RawDataset]] = {
    "pickle": pickles.load,
    "hdf5": hdf5.load,
    "npz": npz.load,
    "idx": idx.load,
}
_VALID = (
    "A dataset is a pickle, an HDF5 file, an NPZ archive or a pair of IDX files, "
    "with `images` (uint8, shape (n, height, width)) and `labels` (n strings or integers)"
)
# A gzip header may carry a file name before the first compressed byte.
_HEAD_BYTES = 64 * 1024


def load_arrays(path: str | os.PathLike[str]) -> RawDataset:
    """Read a dataset of any format wholly into memory.

    The format is told by the file's content, never by its name. Nothing in the file is run,
    and what is allocated is bounded by the size of the file.

    Parameters
    ----------
    path : str or path-like
        A pickle, an HDF5 file, an NPZ archive, or the images file of an IDX pair.

    Returns
    -------
    RawDataset
        Images, labels and metadata as the file has them.

    Raises
    ------
    SpecError
        If `path` is not a path.
    DatasetNotFoundError
        If there is no such file.
    DatasetReadError
        If the file cannot be read, or is a folder.
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
    checked = checked_path(path)
    return _LOADERS[detect_format(checked)](checked)


def detect_format(path: str | os.PathLike[str]) -> Format:
    """Tell the format of a dataset file by its first bytes.

    Parameters and exceptions are those of `load_arrays`.

    Returns
    -------
    {"pickle", "hdf5", "npz", "idx"}
        The one format that the content can be; the rest of the file may still be invalid.
    """
    checked = checked_path(path)
    with reading(checked, _VALID):
        with checked.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        return _format_of(head, checked)


def source_files(path: str | os.PathLike[str]) -> list[Path]:
    """Give the files that a dataset is read from: the labels of an IDX file lie beside it.

    Parameters and exceptions are those of `load_arrays`.
    """
    checked = checked_path(path)
    if detect_format(checked) == "idx":
        with contextlib.suppress(DatasetNotFoundError):  # loading says what is wrong
            return [checked, *idx.label_files(checked)]
    return [checked]


def _format_of(head: bytes, path: Path) -> Format:
    """Return the format that the first bytes of a file belong to."""
    if not head:
        raise DatasetError(f"{path}: the file is empty. {_VALID}")
    if head.startswith(hdf5.SIGNATURE):
        return "hdf5"
    if head.startswith(npz.SIGNATURES):
        return "npz"
    if head.startswith(idx.GZIP_SIGNATURE):
        inner = zlib.decompressobj(wbits=31).decompress(head, 4)
        if idx.is_idx(inner):
            return "idx"
        raise DatasetError(f"{path}: gzip is expected around IDX files alone; unpack the file. {_VALID}")
    if idx.is_idx(head):
        return "idx"
    if pickles.is_pickle(head):
        return "pickle"
    raise DatasetError(f"{path}: its first bytes, {head[:8]!r}, belong to no known format. {_VALID}")
