"""The files of a folder of PNG images: which tell the labels, and which no writer of ours makes."""

import os
import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from number_generator.formats.png.reader import find_label_file
from number_generator.formats.schema import DESCRIPTION_FILE, is_described

_IMAGES = "images"
_OURS = {DESCRIPTION_FILE, _IMAGES, "gt.txt", "labels.json", "metadata.jsonl"}
_IMAGE_FILE = re.compile(r"\d{9,}\.(png|gt\.txt)|labels\.csv")


def list_source_files(path: Path) -> list[Path]:
    """List the file of the labels, and that of the description."""
    labels = find_label_file(path)
    return [file for file in (labels, path / DESCRIPTION_FILE) if file is not None and file.is_file()]


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package."""
    # A description beside tar files is that of WebDataset.
    if DESCRIPTION_FILE not in names or any(name.endswith(".tar") for name in names) or not is_described(folder):
        return None
    strangers = names - _OURS
    return strangers or (_find_strange_images(folder / _IMAGES) if _IMAGES in names else strangers)


def _find_strange_images(folder: Path) -> set[str]:
    """Return a file or folder among the images that no writer names so, if there is one."""
    for group in folder.iterdir():
        if group.is_symlink() or not group.is_dir() or not group.name.isdecimal():
            return {f"{_IMAGES}/{group.name}"}
        with os.scandir(group) as entries:  # of a million names, a tenth of pathlib's time
            for entry in entries:
                if not _IMAGE_FILE.fullmatch(entry.name):
                    return {f"{_IMAGES}/{group.name}/{entry.name}"}
    return set()
