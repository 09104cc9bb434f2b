"""The user's own paper: a folder of pictures, held as its path and a digest of all that is in it."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from number_generator.errors import SpecError
from number_generator.system.checks import format_value
from number_generator.system.home import expand_home

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
"""How the names of pictures end; other files of the folder do not count."""

_VALID = "give a folder that holds pictures of paper, such as blank parts of scans, with names that end in " + (
    ", ".join(ENDINGS[:-1]) + " or " + ENDINGS[-1]
)


@dataclass(frozen=True, slots=True)
class PaperImages:
    """A folder of pictures of paper; two with the same names and bytes are equal, wherever they are.

    Attributes
    ----------
    path : str
        The folder, from the root.
    sha256 : str
        Digest of the names of its pictures and their bytes.
    """

    path: str = field(compare=False)
    sha256: str

    def list_files(self) -> list[Path]:
        """Return the pictures by name; SpecError if there are none."""
        return list_pictures(self.path)


def find_paper_images(value: Any) -> PaperImages | None:
    """Return the pictures in a folder, given as its path, as `describe` gives it, or as None for no paper of one's own.

    Raises
    ------
    SpecError
        If it is no such value, there is no such folder, it holds no pictures or cannot be read, or these are not the
        pictures that the digest was made of.
    """
    if value is None or isinstance(value, PaperImages):
        return value
    if isinstance(value, Mapping) and value.keys() == {"path", "sha256"} and isinstance(value["path"], str):
        found = find_paper_images(value["path"])
        check_digest(value["path"], str(value["sha256"]), "" if found is None else found.sha256)
        return found
    path = expand_home(value)
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise SpecError(f"paper_images is {format_value(value)}: {_VALID}, or None")
    folder = os.path.abspath(os.fspath(path))  # noqa: PTH100 - a link stays as it is named
    try:
        states = tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in list_pictures(folder))
        return PaperImages(folder, _hash_folder(folder, states))
    except OSError as exc:
        raise SpecError(f"the paper images {folder} cannot be read: {exc.strerror or exc}; {_VALID}") from exc


def list_pictures(folder: str) -> list[Path]:
    """Return the pictures of a folder by name, or raise SpecError if it is none, or has none."""
    if "\0" in folder or not os.path.isdir(folder):  # noqa: PTH112 - no error for odd names
        raise SpecError(f"paper_images is {format_value(folder)}: there is no such folder; {_VALID}")
    found = [
        Path(entry.path)
        for entry in os.scandir(folder)
        if entry.name.lower().endswith(ENDINGS) and not entry.name.startswith(".") and entry.is_file()
    ]
    if not found:
        raise SpecError(f"paper_images is {format_value(folder)}: there are no pictures in this folder; {_VALID}")
    return sorted(found, key=lambda file: file.name)


def check_digest(path: str, expected: str, found: str) -> None:
    """Raise SpecError if the pictures of a folder are not those that are expected, by their digests."""
    if found != expected:
        raise SpecError(
            f"the paper images {path} are not those that were given: the SHA-256 of their names and bytes is {found} "
            f"and was {expected}; put the same pictures there, or begin anew with these"
        )


class FolderHash:
    """Computes the digest of a folder's pictures, given one by one in the order of `list_pictures`."""

    def __init__(self) -> None:
        self._hashed = hashlib.sha256()

    def add(self, file: Path) -> bytes:
        """Read a picture, count it in, and return its bytes."""
        content = file.read_bytes()
        name = os.fsencode(file.name)
        self._hashed.update(b"%d %d " % (len(name), len(content)) + name + hashlib.sha256(content).digest())
        return content

    def hexdigest(self) -> str:
        """Return the digest of what has been added."""
        return self._hashed.hexdigest()


@lru_cache(maxsize=16)
def _hash_folder(folder: str, states: tuple[tuple[str, int, int], ...]) -> str:
    """Hash the pictures of a folder: once, as long as their sizes and times stay what they are."""
    hashed = FolderHash()
    for name, _, _ in states:
        hashed.add(Path(folder) / name)
    return hashed.hexdigest()
