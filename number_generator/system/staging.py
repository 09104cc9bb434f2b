"""A folder under a temporary name, in which files wait until all of them can go into place."""

import os
import sys
from pathlib import Path

from number_generator.system import temporaries
from number_generator.system.atomic_file import move_into_place
from number_generator.system.temporaries import make_folder, translate_errors

__all__ = ["Staging", "TemporaryFolder"]


class TemporaryFolder:
    """A new folder under a temporary name beside `path`, locked while its writer lives.

    Parameters
    ----------
    path : Path
        What the folder becomes, or what it is made for; the temporaries that dead runs have left of it are removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        temporaries.remove_stale(path)
        self._lock: int | None = None
        while not self._make():
            pass

    def discard(self) -> None:
        """Remove the folder, whatever state it is in; nothing is done where it has another name by now."""
        temporaries.remove_folder(self.temporary_path)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make(self) -> bool:
        """Make and lock the folder; False if another run took it for a stale one before it was locked."""
        self.temporary_path = temporaries.temporary_name(self.path)
        with translate_errors(self.path):
            self.temporary_path.mkdir()
            if sys.platform == "win32":
                return True  # a folder cannot be opened there: the files that are open in it are lock enough
            try:
                self._lock = os.open(self.temporary_path, os.O_RDONLY)
            except FileNotFoundError:
                return False
        temporaries.lock(self._lock, wait=True)
        if self.temporary_path.is_dir():
            return True
        os.close(self._lock)
        return False


class Staging(TemporaryFolder):
    """Where the files of a run wait.

    Parameters
    ----------
    path : Path
        The main one of the files; they all go into its folder.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        super().__init__(path)

    def place(self, name: str, path: Path, *, overwrite: bool) -> None:
        """Move a file, which is on disk, to its final name.

        Raises
        ------
        OutputExistsError
            If there is a file of that name and `overwrite` is false.
        OutputError
            If it cannot be moved.
        """
        with translate_errors(path):
            move_into_place(self.temporary_path / name, path, overwrite=overwrite)
            temporaries.sync_folder(path.parent)
