"""A file that is complete or absent: written under a temporary name, then moved into place."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from number_generator.errors import OutputError
from number_generator.system import temporaries
from number_generator.system.renaming import rename_new
from number_generator.system.signals import Interruption
from number_generator.system.temporaries import Temporary, make_folder, translate_errors

_WRITE_BACK_BYTES = temporaries.WRITE_BACK_BYTES


class AtomicFile(Temporary):
    """A new file under a temporary name in the folder of its final name.

    The temporary file is locked while its writer lives, so that a later run to the same path can tell one in use from
    one that a killed process left, and removes the latter.

    Parameters
    ----------
    path : Path
        The final name.
    overwrite : bool
        Whether `commit` may replace a file of that name.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        make_folder(path.parent)
        self.path = follow_link(path)
        # First, as it may put back what was moved aside, which must be found now and not once all is written.
        temporaries.remove_stale(self.path)
        resolve_target(path)
        if not overwrite and os.path.lexists(path):
            raise temporaries.already_exists(path)
        self._handed_over = 0
        self._is_finished = False
        self.file: IO[bytes]
        while not self._open():
            pass

    def finish(self) -> None:
        """Flush the file to disk; write nothing to it afterwards."""
        with translate_errors(self.path):
            self.file.flush()
            temporaries.sync_in_parts(self.file)
        self._is_finished = True

    def commit(self) -> None:
        """Finish the file if that is not done, and move it to its final name."""
        if not self._is_finished:
            self.finish()
        with translate_errors(self.path):
            if sys.platform == "win32":
                self.file.close()  # an open file cannot be renamed there
            move_into_place(self.temporary_path, self.path, overwrite=self._overwrite)
            self.is_placed = True
            self.file.close()
            temporaries.sync_folder(self.path.parent)

    def write_back(self, end: int | None = None) -> None:
        """Let the system start to write the file to disk, so that `commit` has little left to wait for.

        Call it after each write. It does nothing on systems without such a request. Data already on disk may leave the
        page cache.

        Parameters
        ----------
        end : int, optional
            Number of bytes that are final; None means all of them.
        """
        size = os.fstat(self.file.fileno()).st_size if end is None else end
        if size - self._handed_over >= _WRITE_BACK_BYTES:
            temporaries.start_write_back(self.file, self._handed_over, size)
            self._handed_over = size

    def discard(self) -> bool:
        """Remove the temporary file in any state, and return whether it is gone; do nothing else after `commit`."""
        place: Path | None = self.temporary_path
        if not (self.is_placed or self.file.closed):
            place = temporaries.locate(self.file.fileno(), self.temporary_path)
        # Closing flushes, which fails again on a full disk.
        with contextlib.suppress(OSError):
            self.file.close()
        if place is None:
            return False
        with contextlib.suppress(OSError):
            place.unlink()
        return not os.path.lexists(place)

    def _open(self) -> bool:
        """Make and lock the temporary file; return False if another run removed it as stale before it was locked."""
        # "x" instead of tempfile: the final file gets the permissions that the user's umask gives any new file.
        self.temporary_path = temporaries.temporary_name(self.path)
        with translate_errors(self.path):
            self.file = self.temporary_path.open("x+b")
        temporaries.lock(self.file, wait=True)
        if os.path.lexists(self.temporary_path):
            return True
        self.file.close()
        return False


@contextlib.contextmanager
def open_atomic(path: Path, interruption: Interruption, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Yield a new file that is moved into place in the end; an error or an interruption leaves nothing of it."""
    with interruption:
        file = AtomicFile(path, overwrite=overwrite)
        interruption.temporaries.append(file.temporary_path)
    with file:
        with translate_errors(path):
            yield file.file
        file.commit()


def follow_link(path: Path) -> Path:
    """Return where a symbolic link leads, which stays while that is written; any other path as it is."""
    with translate_errors(path):
        return Path(os.path.realpath(path)) if path.is_symlink() else path


def resolve_target(path: Path) -> Path:
    """Return where a file is written to, through a symbolic link if there is one.

    Raises
    ------
    OutputError
        If there is something else than a regular file, such as a folder, a device or a named pipe.
    """
    with translate_errors(path):
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            return follow_link(path)
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder: give another file name")
    if not stat.S_ISREG(mode):
        raise OutputError(
            f"{path} {'leads to' if path.is_symlink() else 'is'} a device, a named pipe or the like: only regular "
            "files are replaced; give another file name"
        )
    return follow_link(path)


def move_into_place(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Move a file to its final name, over an earlier one only if `overwrite` is true.

    Raises
    ------
    OutputExistsError
        If the final name exists and `overwrite` is false.
    OutputError
        If something else than a regular file has that name.
    OSError
        If it cannot be moved.
    """
    if overwrite:
        temporary.replace(resolve_target(path))  # again: something else may have come there since
        return
    try:
        if rename_new(temporary, path):
            return
        # Unlike Python's rename, a hard link never replaces a file that another run has made in the meantime.
        os.link(temporary, path)
    except FileExistsError as exc:
        raise temporaries.already_exists(path) from exc
    except OSError:
        if os.path.lexists(path):
            raise temporaries.already_exists(path) from None
        temporary.replace(path)
    else:
        # The file is in place, whatever comes of this: `discard` tries again, and tells.
        with contextlib.suppress(OSError):
            temporary.unlink()
