"""The files of a folder of Parquet files: which no writer of ours makes."""

import os
from collections.abc import Set as AbstractSet
from pathlib import Path

from number_generator.formats.schema import PARQUET_KEY

_DATA = "data"
_MOST_FOOTER_BYTES = 2**26


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package."""
    return names - {_DATA} if _DATA in names and _are_ours(folder / _DATA) else None


def _are_ours(folder: Path) -> bool:
    """Tell whether there are Parquet files alone, whose footers hold our key: it stands there as it is."""
    try:
        files = list(folder.iterdir())
        return bool(files) and all(PARQUET_KEY in _read_footer(path) for path in files)
    except OSError:
        return False


def _read_footer(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        length, signature = int.from_bytes(file.read(4), "little"), file.read()
        if signature != b"PAR1" or length > min(size, _MOST_FOOTER_BYTES):
            return b""
        file.seek(max(0, size - 8 - length))
        return file.read(length)
