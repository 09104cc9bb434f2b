"""A folder under a temporary name in which files wait until all of them can be moved into place."""

import os
import sys
from pathlib import Path

from number_generator.system import temporaries
from number_generator.system.atomic_file import move_into_place
from number_generator.system.temporaries import Temporary, make_folder, translate_errors


class TemporaryFolder(Temporary):
    """A new folder under a temporary name beside `path`, locked while its writer lives.

    Parameters
    ----------
    path : Path
        What the folder becomes, or what it is made for. Temporaries of this path that dead runs have left are removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        temporaries.remove_stale(path)
        self._lock: int | None = None
        while not self._make():
            pass

    def discard(self) -> bool:
        """Remove the folder in any state, and return whether it is gone; do nothing if it has been moved into place."""
        place: Path | None = self.temporary_path
        if self._lock is not None:
            if not self.is_placed:
                place = temporaries.locate(self._lock, self.temporary_path)
            os.close(self._lock)
            self._lock = None
        return place is not None and temporaries.remove_folder(place)

    def _make(self) -> bool:
        """Make and lock the folder; return False if another run removed it as stale before it was locked."""
        self.temporary_path = temporaries.temporary_name(self.path)
        with translate_errors(self.path):
            self.temporary_path.mkdir()
            if sys.platform == "win32":
                return True  # folders cannot be opened there, but open files in it act as a lock
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
    """The folder where the files of a run wait.

    Parameters
    ----------
    path : Path
        The main file; all files go into its folder.
    """

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        super().__init__(path)

    def place(self, name: str, path: Path, *, overwrite: bool) -> None:
        """Move a file, which must be flushed to disk, to its final name.

        Raises
        ------
        OutputExistsError
            If the final name exists and `overwrite` is false.
        OutputError
            If it cannot be moved.
        """
        with translate_errors(path):
            move_into_place(self.temporary_path / name, path, overwrite=overwrite)
            temporaries.sync_folder(path.parent)
