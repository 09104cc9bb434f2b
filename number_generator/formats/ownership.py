"""Which folders a new dataset may replace: those that hold a dataset of this package and nothing else."""

import os
from pathlib import Path

from number_generator.errors import DatasetError, DatasetReadError
from number_generator.formats.registry import FORMATS


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
    return "is a folder that this package did not write"


def is_dataset_folder(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds a dataset that this package wrote, and nothing else."""
    try:
        return find_obstacle(Path(path)) is None
    except OSError:
        return False
