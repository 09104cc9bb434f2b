"""A folder that is complete or absent: filled under a temporary name, then moved into place."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from number_generator.errors import OutputError
from number_generator.system import temporaries
from number_generator.system.atomic_file import follow_link
from number_generator.system.renaming import exchange, rename_new
from number_generator.system.staging import TemporaryFolder
from number_generator.system.temporaries import make_folder, translate_errors

FindObstacle = Callable[[Path], str | None]
"""Says why a folder may not be replaced, as in "holds 'thesis.txt'"; None if it may."""


class AtomicFolder(TemporaryFolder):
    """A new folder under a temporary name beside its final name, locked while its writer lives, as `AtomicFile` is.

    Parameters
    ----------
    path : Path
        The final name.
    overwrite : bool
        Whether `commit` may replace a folder of that name, if it is empty or `find_obstacle` returns None.
    find_obstacle : callable, optional
        Without it, only an empty folder is replaced.
    """

    def __init__(self, path: Path, *, overwrite: bool, find_obstacle: FindObstacle | None = None) -> None:
        self._overwrite = overwrite
        self._find_obstacle = find_obstacle
        self._is_finished = False
        make_folder(path.parent)
        target = follow_link(path)
        # First, as it may put back what was moved aside, which must be found now and not once all is written.
        temporaries.remove_stale(target)
        with translate_errors(path):
            _check_replaceable(path, find_obstacle, overwrite=overwrite)
        super().__init__(target)

    def create(self, name: str) -> IO[bytes]:
        """Create a file in the folder, or in one folder of it, and open it for writing; the caller closes it."""
        path = self.temporary_path / name
        if path.parent != self.temporary_path:  # which must not come back once it has been discarded
            path.parent.mkdir(exist_ok=True)
        return path.open("x+b")

    def finish(self, *, holds_many: bool = False) -> None:
        """Flush all files to disk, or their whole file system if there are many; write nothing to them afterwards."""
        with translate_errors(self.path):
            if not (holds_many and _sync_file_system(self.temporary_path)):
                for folder, _, names in os.walk(self.temporary_path):
                    for name in names:
                        with Path(folder, name).open("r+b") as file:
                            temporaries.sync_in_parts(file)
                    temporaries.sync_folder(Path(folder))
        self._is_finished = True

    def commit(self) -> None:
        """Move the folder to its final name, after finishing it if necessary."""
        if not self._is_finished:
            self.finish()
        with translate_errors(self.path):
            if self._overwrite and self.path.is_dir():
                self._replace()
            else:
                self._move()
            self.is_placed = True
            temporaries.sync_folder(self.path.parent)

    def _move(self) -> None:
        try:
            if not rename_new(self.temporary_path, self.path):
                self.temporary_path.rename(self.path)
        except OSError:
            if os.path.lexists(self.path):
                raise temporaries.already_exists(self.path) from None
            raise

    def _replace(self) -> None:
        """Exchange the folder with the earlier one, which `discard` then removes."""
        # Check again: another run may have put something else there since.
        _check_replaceable(self.path, self._find_obstacle, overwrite=True)
        if not exchange(self.temporary_path, self.path):
            self._replace_in_steps()

    def _replace_in_steps(self) -> None:
        """Do so by renaming: for a moment nothing has the final name, and the earlier folder is put back on failure."""
        earlier = temporaries.earlier_name(self.temporary_path)
        with _lock(self.path):
            self.path.rename(earlier)
            try:
                self.temporary_path.rename(self.path)
            except OSError:
                earlier.rename(self.path)
                raise
            with contextlib.suppress(OSError):
                earlier = earlier.rename(self.temporary_path)
            self.temporary_path = earlier


def _check_replaceable(path: Path, find_obstacle: FindObstacle | None, *, overwrite: bool) -> None:
    """Raise OutputError if a folder may not be written at `path`."""
    if path.name in ("", os.pardir):
        raise OutputError(f"{path} is a folder without a name of its own: give the name of the folder to write")
    try:
        path.lstat()
    except FileNotFoundError:
        return
    if not overwrite:
        raise temporaries.already_exists(path)
    if not path.is_dir():
        if path.is_symlink() and not path.exists():
            return
        raise OutputError(f"{path} is a file: give another name for the folder of a dataset")
    if any(path.iterdir()):
        reason = "is not empty" if find_obstacle is None else find_obstacle(path)
        if reason is not None:
            raise OutputError(f"{path} {reason}, and so is not replaced: give another name, or remove it yourself")


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Lock a folder, so that no other run mistakes it for one that was left behind."""
    if sys.platform == "win32":
        yield
        return
    with temporaries.open_descriptor(folder) as descriptor:
        temporaries.lock(descriptor, wait=False)
        yield


def _sync_file_system(folder: Path) -> bool:
    """Flush the file system that a folder is on; return False where the system cannot."""
    if sys.platform != "linux":
        return False
    try:
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    with temporaries.open_descriptor(folder) as descriptor:
        return bool(function(descriptor) == 0)
