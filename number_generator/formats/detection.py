"""Detect the format of a dataset by the content of a file or the names in a folder; never by its own name."""

from __future__ import annotations

import os
from pathlib import Path

from number_generator.errors import DatasetError, DatasetReadError
from number_generator.formats.paths import check_dataset, reading
from number_generator.formats.registry import FORMATS, describe_datasets
from number_generator.system.checks import format_value

# A gzip header may carry a file name before the first compressed byte.
_HEAD_BYTES = 64 * 1024
_MOST_NAMES = 6  # in an error


def detect_format(path: str | os.PathLike[str]) -> str:
    """Return the format of a dataset, from the first bytes of a file or the files in a folder.

    It is the only name in `FORMATS` that fits; the rest of the content may still be invalid. Parameters and exceptions
    are those of `load_arrays`.
    """
    checked = check_dataset(path)
    with reading(checked, _describe_valid()):
        if checked.is_dir():
            return _detect_in_folder(checked)
        with checked.open("rb") as file:
            # A file of the system itself has no size, and reading it may wait for ever.
            head = file.read(_HEAD_BYTES) if os.fstat(file.fileno()).st_size else b""
        return _detect_by_head(head, checked)


def list_source_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files that a dataset is read from: an IDX file and its labels, or an index and its shards.

    For a folder of images, this is their label file. Parameters and exceptions are those of `load_arrays`.
    """
    checked = check_dataset(path)
    row = FORMATS[detect_format(checked)]
    with reading(checked, _describe_valid()):
        return row.list_source_files(checked)


def _describe_valid() -> str:
    return (
        f"A dataset is {describe_datasets()}; pickles, HDF5 and NPZ files hold `images` (uint8, shape (n, height, "
        "width)) and `labels` (n strings or integers)"
    )


def _detect_in_folder(folder: Path) -> str:
    """Return the format of the dataset that a folder holds."""
    # Later rows go first: an LMDB may lie beside label files, and Parquet beside tar files.
    rows = list(reversed(FORMATS.values()))
    for row in rows:  # before listing a folder of a million images
        if any((folder / name).is_file() for name in row.folder_files):
            return row.name
    names = {entry.name for entry in folder.iterdir()}
    for row in rows:
        if row.matches_names is not None and row.matches_names(folder, names):
            return row.name
    found = ", ".join(map(format_value, sorted(names)[:_MOST_NAMES])) or "nothing"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    raise DatasetReadError(
        f"{folder}: this is a folder that holds no dataset (it has {found}{more}). {_describe_valid()}"
    )


def _detect_by_head(head: bytes, path: Path) -> str:
    """Return the format that the first bytes of a file belong to."""
    if not head:
        raise DatasetError(f"{path}: the file is empty. {_describe_valid()}")
    # A signature at the very start goes first: one further in may be content of another format.
    signatures = [(at, signature, row.name) for row in FORMATS.values() for at, signature in row.signatures]
    for at, signature, name in sorted(signatures):
        if head.startswith(signature, at):
            return name
    for row in FORMATS.values():
        if row.matches_head is not None and row.matches_head(head):
            return row.name
    if any(path.name in row.folder_files for row in FORMATS.values()):
        raise DatasetError(f"{path}: this file is a part of a dataset that is a folder: give {path.parent}")
    raise DatasetError(f"{path}: its first bytes, {head[:8]!r}, belong to no known format. {_describe_valid()}")
