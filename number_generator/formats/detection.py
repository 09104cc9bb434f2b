"""Which format a dataset is of, told by the content of a file and by what lies in a folder."""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path
from typing import Literal

from number_generator.errors import DatasetError, DatasetNotFoundError, DatasetReadError
from number_generator.formats.hdf5 import reader as hdf5
from number_generator.formats.hdf5.index_reader import is_index, shard_paths
from number_generator.formats.idx import reader as idx
from number_generator.formats.lmdb import btree as lmdb_tree
from number_generator.formats.lmdb import reader as lmdb_folder
from number_generator.formats.npz import reader as npz
from number_generator.formats.parquet import reader as parquet_files
from number_generator.formats.paths import check_dataset, reading
from number_generator.formats.pickle import reader as pickles
from number_generator.formats.png import reader as png_folder
from number_generator.formats.schema import DESCRIPTION_FILE
from number_generator.formats.webdataset import reader as shards

__all__ = ["Format", "detect_format", "list_source_files"]

Format = Literal["pickle", "hdf5", "npz", "idx", "png", "lmdb", "webdataset", "parquet"]

_VALID = (
    "A dataset is a pickle, an HDF5 file, an NPZ archive or a pair of IDX files, "
    "with `images` (uint8, shape (n, height, width)) and `labels` (n strings or integers); or a Parquet file, a tar of "
    "WebDataset, or a folder: of an LMDB, of Parquet files, of tars of WebDataset, or of PNG images with gt.txt, "
    "metadata.jsonl, labels.csv or labels.json"
)
# A gzip header may carry a file name before the first compressed byte.
_HEAD_BYTES = 64 * 1024
_TAR_SIGNATURE, _TAR_SIGNATURE_AT = b"ustar", 257


def detect_format(path: str | os.PathLike[str]) -> Format:
    """Tell the format of a dataset by the first bytes of a file, or by the files of a folder.

    Parameters and exceptions are those of `load_arrays`.

    Returns
    -------
    {"pickle", "hdf5", "npz", "idx", "png", "lmdb", "webdataset", "parquet"}
        The one format that the content can be; the rest of it may still be invalid.
    """
    checked = check_dataset(path)
    with reading(checked, _VALID):
        if checked.is_dir():
            return _format_of_folder(checked)
        with checked.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        return _format_of(head, checked)


def list_source_files(path: str | os.PathLike[str]) -> list[Path]:
    """Give the files that a dataset is read from: the labels of an IDX file lie beside it, shards below their index.

    Of a folder of images it is the file of their labels. Parameters and exceptions are those of `load_arrays`.
    """
    checked = check_dataset(path)
    file_format = detect_format(checked)
    if file_format == "idx":
        with contextlib.suppress(DatasetNotFoundError):  # loading says what is wrong
            return [checked, *idx.label_files(checked)]
    if file_format == "hdf5" and is_index(checked):
        return [checked, *shard_paths(checked)]
    if not checked.is_dir():
        return [checked]
    with reading(checked, _VALID):
        if file_format == "lmdb":
            return [checked / lmdb_folder.DATA_FILE]
        if file_format == "parquet":
            return parquet_files.data_files(checked)
        labels = png_folder.find_label_file(checked)
        found = shards.shard_files(checked) if file_format == "webdataset" else [] if labels is None else [labels]
        description = checked / DESCRIPTION_FILE
        return [*found, description] if description.is_file() else found


def _format_of_folder(folder: Path) -> Format:
    """Return the format of the dataset that a folder holds."""
    if (folder / lmdb_folder.DATA_FILE).exists():
        return "lmdb"
    if png_folder.find_label_file(folder) is not None:  # before a look at a million images
        return "png"
    names = {entry.name for entry in folder.iterdir()}
    data = folder / "data"
    if data.is_dir():
        names |= {entry.name for entry in data.iterdir() if entry.name.endswith(".parquet")}
    if any(name.endswith(".parquet") for name in names):
        return "parquet"
    if any(name.endswith(".tar") for name in names):
        return "webdataset"
    raise DatasetReadError(f"{folder}: this is a folder that holds no dataset. {_VALID}")


def _format_of(head: bytes, path: Path) -> Format:  # noqa: PLR0911 - one for each format
    """Return the format that the first bytes of a file belong to."""
    if not head:
        raise DatasetError(f"{path}: the file is empty. {_VALID}")
    if head.startswith(hdf5.SIGNATURE):
        return "hdf5"
    if head.startswith(npz.SIGNATURES):
        return "npz"
    if head.startswith(parquet_files.PARQUET_SIGNATURE):
        return "parquet"
    if head.startswith(lmdb_tree.SIGNATURE, lmdb_tree.SIGNATURE_AT):
        return "lmdb"
    if head.startswith(_TAR_SIGNATURE, _TAR_SIGNATURE_AT):
        return "webdataset"
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
