"""Which folders a new dataset may replace, those that hold one of this package and nothing else; none is added to."""

import os
from pathlib import Path

from number_generator.errors import DatasetError, DatasetReadError, OutputError, SpecError
from number_generator.formats.registry import FORMATS

_OTHERS = "is a folder that this package did not write"


def find_obstacle(folder: Path) -> str | None:
    """Say why a folder is not a dataset of this package and nothing else; None if it is."""
    names = {entry.name for entry in folder.iterdir()}
    for row in FORMATS.values():
        if row.find_strangers is None:
            continue
        try:
            strangers = row.find_strangers(folder, names)
        except (DatasetError, DatasetReadError) as exc:
            return f"holds a dataset that cannot be read ({exc})"
        if strangers is not None:
            return f"holds {min(strangers)!r}, which this package did not write" if strangers else None
    return _OTHERS


def holds_dataset(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds a dataset of this package, even if it is damaged or files of others are in it.

    A path of this folder then means the dataset and no place for another one, which would be lost among its files.
    """
    try:
        return find_obstacle(Path(path)) != _OTHERS
    except OSError:
        return False


def check_folder(folder: str | os.PathLike[str]) -> None:
    """Raise OutputError if a folder holds a dataset: no other one is written into it."""
    if holds_dataset(folder):
        raise OutputError(
            f"{os.fspath(folder)} holds a dataset, and nothing else is written into its folder: give another place"
        )


def check_option_folder(folder: str, option: str) -> None:
    """Raise SpecError if an option names the folder of a dataset as the place for something else."""
    if holds_dataset(folder):
        raise SpecError(
            f"{option} is {folder!r}, which holds a dataset, and nothing else is written into its folder: give another "
            "place"
        )
