"""Image files that a dataset names by their paths: they are read from its folder alone."""

from __future__ import annotations

import contextlib
import stat
from pathlib import Path

from number_generator.formats.image_decoding import MOST_BYTES
from number_generator.formats.paths import MalformedError, is_within, read_own_file
from number_generator.formats.schema import leads_inside
from number_generator.system.checks import format_value

IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")
"""Endings of the files that are read as images, in lower case."""


class ImageFiles:
    """The image files in a folder, by paths with slashes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._checked = {""}  # folders that are known not to be links

    def read(self, path: str) -> bytes:
        """Read a file, or raise MalformedError if its path leads out of the folder."""
        self._check_folder(path)
        return read_own_file(self._folder, path, f"its image {format_value(path)}", MOST_BYTES)

    def _check_folder(self, path: str) -> None:
        """Reject a path that leaves the folder, by its parts or by a link."""
        if not leads_inside(path):
            raise MalformedError(
                f"it names the image {format_value(path)}: paths must lead to files in the folder itself"
            )
        parent = path.rpartition("/")[0]
        if parent in self._checked:
            return
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            place = self._folder / folder
            with contextlib.suppress(OSError):  # opening the file says what is wrong
                if stat.S_ISLNK(place.lstat().st_mode) and not is_within(place, self._folder):
                    raise MalformedError(
                        f"its folder {format_value(folder)} is a link that leads out of the folder: replace it by what "
                        "it leads to"
                    )
        self._checked.add(parent)


def with_slashes(path: str) -> str:
    """Return a path of any system with slashes; Windows writes backslashes."""
    return path.replace("\\", "/")
