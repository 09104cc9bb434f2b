"""A file that is whole or not there: written under a temporary name, then moved into place."""

import contextlib
import hashlib
import mmap
import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from number_generator.errors import OutputError, OutputExistsError

if sys.platform != "win32":
    import fcntl

__all__ = ["AtomicFile", "make_folder", "translated"]

_ENDING = ".partial"
_SYNC_BYTES = 32 * 2**20
_WRITE_BACK_BYTES = 8 * 2**20


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the system's errors into OutputError that names the file."""
    try:
        yield
    except OutputError:
        raise
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise OutputError(f"cannot write {path}: {reason}; nothing was left behind") from exc


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, unless they are there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as exc:
        raise OutputError(f"{folder} is a file: give a folder, or another name") from exc
    except OSError as exc:
        raise OutputError(f"cannot make the folder {folder}: {exc.strerror or exc}") from exc


class AtomicFile:
    """A new file under a temporary name in the folder of its final name.

    The temporary is locked while its writer lives, so that a later run to the same place can tell one that is
    in use from one that a killed process left, and removes the latter.

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
        with translated(path):
            if path.is_dir():
                raise OutputError(f"{path} is a folder: give another file name")
        if not overwrite and os.path.lexists(path):
            raise _exists(path)
        # A symbolic link stays, and the file that it leads to is written.
        self.path = Path(os.path.realpath(path)) if path.is_symlink() else path
        _remove_stale(self.path)
        self._handed_over = 0
        self.file: IO[bytes]
        while not self._open():
            pass

    def commit(self) -> None:
        """Flush the file to disk and move it to its final name."""
        with translated(self.path):
            self.file.flush()
            _sync_in_parts(self.file)
            if sys.platform == "win32":
                self.file.close()  # an open file cannot be renamed there
            self._move()
            self.file.close()
            _sync_folder(self.path.parent)

    def write_back(self, end: int | None = None) -> None:
        """Let the system start to write to disk what the file holds, so that `commit` finds little left to wait for.

        To be called after each write; on systems that know no such request nothing happens. What is on disk already
        may leave the memory.

        Parameters
        ----------
        end : int, optional
            How many bytes of the file are written; None means all of them.
        """
        if not hasattr(os, "posix_fadvise"):
            return
        size = os.fstat(self.file.fileno()).st_size if end is None else end
        if size - self._handed_over >= _WRITE_BACK_BYTES:
            # What is not on disk yet cannot be dropped from memory: it is queued for writing instead.
            with contextlib.suppress(OSError):
                length = size - self._handed_over
                os.posix_fadvise(self.file.fileno(), self._handed_over, length, os.POSIX_FADV_DONTNEED)
            self._handed_over = size

    def discard(self) -> None:
        """Remove the temporary file, whatever state it is in; nothing is done after `commit`."""
        # Closing flushes, which fails again on a full disk.
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.temporary_path.unlink()

    def _open(self) -> bool:
        """Make and lock the temporary; False if another run took it for a stale one before it was locked."""
        # "x" and not tempfile: the final file gets the permissions that the user's umask gives any new file.
        self.temporary_path = self.path.with_name(f"{_prefix(self.path)}{secrets.token_hex(4)}{_ENDING}")
        with translated(self.path):
            self.file = self.temporary_path.open("x+b")
        _lock(self.file, wait=True)
        if os.path.lexists(self.temporary_path):
            return True
        self.file.close()
        return False

    def _move(self) -> None:
        if self._overwrite:
            self.temporary_path.replace(self.path)
            return
        try:
            # Unlike a rename, a hard link never replaces a file that another run has made meanwhile.
            os.link(self.temporary_path, self.path)
        except FileExistsError as exc:
            raise _exists(self.path) from exc
        except OSError:
            if os.path.lexists(self.path):
                raise _exists(self.path) from None
            self.temporary_path.replace(self.path)
        else:
            self.temporary_path.unlink()


def _prefix(path: Path) -> str:
    """Give what the names of all temporaries of `path` begin with; a long name must not grow over the limit."""
    name = path.name if len(os.fsencode(path.name)) <= 200 else hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return f".{name}."


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(f"{path} exists already: allow overwriting (--overwrite) or give another name")


def _lock(file: IO[bytes], *, wait: bool) -> bool:
    """Lock a file for as long as it is open; False if another process holds it or locks are not to be had."""
    if sys.platform == "win32":
        return True  # there, a file that is open cannot be removed: that is lock enough
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _remove_stale(path: Path) -> None:
    """Remove the temporaries of `path` that no living process holds."""
    prefix = _prefix(path)
    with contextlib.suppress(OSError):
        for entry in list(path.parent.iterdir()):
            if entry.name.startswith(prefix) and entry.name.endswith(_ENDING):
                with contextlib.suppress(OSError):
                    if sys.platform == "win32":
                        entry.unlink()  # fails while it is open anywhere
                        continue
                    with entry.open("rb") as file:
                        if _lock(file, wait=False):
                            entry.unlink()


def _sync_in_parts(file: IO[bytes]) -> None:
    """Flush a file to disk; no single call takes long, so that Ctrl-C is answered on a slow disk as well."""
    size = os.fstat(file.fileno()).st_size
    for start in range(0, size, _SYNC_BYTES):
        # Flushing a mapping is the one way in the standard library to flush a range.
        try:
            mapping = mmap.mmap(file.fileno(), min(_SYNC_BYTES, size - start), offset=start)
        except (OSError, ValueError):
            break  # a file system without shared mappings
        with mapping:
            mapping.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make the new name durable; not every system can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
