"""Temporary files and folders: their names, locks, flushing to disk, and the removal of those that dead runs have left.

A temporary lies beside what it will become and is locked while its writer lives, so that a later run to the same path
can tell one in use from one that a killed process left.
"""

import contextlib
import hashlib
import mmap
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

from number_generator.errors import OutputError, OutputExistsError

if sys.platform != "win32":
    import fcntl

NOTHING_LEFT = "; nothing was left behind"
"""The end of an error message about a dataset that could not be written."""
WRITE_BACK_BYTES = 8 * 2**20
"""How much of a file is written before the system is asked to bring it to the disk."""

_ENDING = ".partial"
_EARLIER = ".earlier"
_GOING = f".going{_ENDING}"
_SYNC_BYTES = 32 * 2**20
# Follow no link, and wait for no named pipe.
_UNTRUSTED = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@contextlib.contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn errors of the system into an OutputError that names the file."""
    try:
        yield
    except OutputError:
        raise
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise OutputError(f"cannot write {path}: {reason}{NOTHING_LEFT}") from exc


_Temporary = TypeVar("_Temporary", bound="Temporary")


class Temporary:
    """What lies under a temporary name beside `path`, and becomes it or is discarded: a context manager."""

    path: Path
    temporary_path: Path
    is_placed = False
    """Whether it has become `path`."""

    def discard(self) -> bool:
        """Remove it in any state, and return whether it is gone; what has become `path` stays."""
        raise NotImplementedError

    def __enter__(self: _Temporary) -> _Temporary:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Discard it, and let an error of ours say so if it is not gone."""
        if self.discard():
            return
        if error is None and self.is_placed:
            raise OutputError(f"{self.path} is complete, but {self.temporary_path} is left: remove it yourself")
        if isinstance(error, OutputError):
            reason = str(error).removesuffix(NOTHING_LEFT)
            raise type(error)(f"{reason}; {self.temporary_path.name} is left and could not be removed") from error


def make_folder(folder: Path) -> None:
    """Make a folder and missing parents; a temporary folder belongs to another run, and must exist."""
    if folder.name.startswith(".") and folder.name.endswith(_ENDING):
        # Not made even if it goes right after this: nobody would remove it.
        if not folder.is_dir():
            raise OutputError(f"{folder} is gone: the run that it belonged to has ended")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as exc:
        raise OutputError(f"{folder} is a file: give a folder, or another name") from exc
    except OSError as exc:
        raise OutputError(f"cannot make the folder {folder}: {exc.strerror or exc}") from exc


def already_exists(path: Path) -> OutputExistsError:
    """Return the error for a path that may not be replaced."""
    return OutputExistsError(f"{path} exists already: allow overwriting (--overwrite) or give another name")


def temporary_name(path: Path) -> Path:
    """Return a new temporary name for what will be `path`."""
    return path.with_name(f"{_make_prefix(path)}{secrets.token_hex(4)}{_ENDING}")


def earlier_name(temporary: Path) -> Path:
    """Return the name under which the file that a temporary replaces waits in the meantime."""
    return temporary.with_name(temporary.name.removesuffix(_ENDING) + _EARLIER)


def lock(file: "IO[bytes] | int", *, wait: bool) -> bool:
    """Lock a file or folder while it is open; return False if another process holds it or there are no locks."""
    if sys.platform == "win32":
        return True  # open files cannot be removed there: that is lock enough
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def open_descriptor(path: Path) -> Iterator[int]:
    """Open a file or folder to lock or to flush it; on Windows a folder is an OSError."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_untrusted(path: Path, flags: int) -> int:
    """Open what lies at a name that others may have used: a link is an OSError, and a named pipe blocks nobody."""
    return os.open(path, flags | _UNTRUSTED, 0o666)


def find_stranger(status: os.stat_result, folder: Path) -> str | None:
    """Say why an open file or folder is none that this user has made in `folder`, as in "belongs to ..."; else None.

    The owner of the folder could replace it anyway; on file systems without owners, all files have the same one.
    """
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return "is not a regular file"
    if hasattr(os, "geteuid") and status.st_uid not in (os.geteuid(), folder.stat().st_uid):
        return "belongs to another user"
    return None


def is_held(file: IO[bytes]) -> bool:
    """Lock a file while it is open; return whether another process holds it, False if there are no locks."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a parallel file system that is mounted without locks
        return False
    return False


def remove_stale(path: Path) -> None:
    """Remove the temporaries of `path` that no living process holds, and put back what one has moved aside."""
    # Match exactly: temporaries of `set` are not those of `set.2`, which may be its last copy.
    prefix = _make_prefix(path)
    ending = re.compile(r"[0-9a-f]{8}(\.partial(\.going\.partial)?|\.earlier)")
    with contextlib.suppress(OSError):
        for name in os.listdir(path.parent):  # noqa: PTH208 - there may be many, and few are ours
            if name.startswith(prefix) and ending.fullmatch(name, len(prefix)):
                with contextlib.suppress(OSError):
                    _remove(path.with_name(name), path)


def remove_folder(folder: Path) -> bool:
    """Remove a folder and its content as far as possible, and return whether it is gone."""
    # Others that write to it no longer find it, and add nothing while it is emptied.
    with contextlib.suppress(OSError):
        folder = folder.replace(folder.with_name(f"{folder.name}{_GOING}"))
    shutil.rmtree(folder, ignore_errors=True)
    return not os.path.lexists(folder)


def locate(descriptor: int, path: Path) -> Path | None:
    """Return where an open temporary is, if not at `path` any more: folders above it may have been renamed.

    It is `path` if it was removed, and None if it is elsewhere.
    """
    about = os.fstat(descriptor)
    if about.st_nlink == 0:
        return path
    with contextlib.suppress(OSError):
        if os.path.samestat(about, path.lstat()):
            return path
    with contextlib.suppress(OSError):  # Linux alone tells
        there = Path(f"/proc/self/fd/{descriptor}").readlink()
        # One that was moved into place has another name.
        if there.name == path.name and os.path.samestat(about, there.lstat()):
            return there
    return None


def open_unnamed_file(folder: Path) -> IO[bytes]:
    """Open a file without a name, for data that must wait until others are written."""
    return tempfile.TemporaryFile(dir=folder)


def resumable_error(error: OutputError, left: str) -> OutputError:
    """Return the error of a run that can be resumed, for an error that says that nothing was left behind."""
    reason = str(error).removesuffix(NOTHING_LEFT)
    return OutputError(f"{reason}; {left}: fix this, and the same command continues from there")


def start_write_back(file: IO[bytes], start: int, stop: int) -> None:
    """Let the system start to write these bytes of a file to disk, if it can, so that a flush need not wait long."""
    # Data that are not on disk yet cannot be dropped from memory: they are queued for writing instead.
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):
            os.posix_fadvise(file.fileno(), start, stop - start, os.POSIX_FADV_DONTNEED)


def sync_in_parts(file: IO[bytes]) -> None:
    """Flush a file to disk in short calls, so that Ctrl-C works on a slow disk as well."""
    size = os.fstat(file.fileno()).st_size
    for start in range(0, size, _SYNC_BYTES):
        # The standard library can flush a range only through a mapping.
        try:
            mapping = mmap.mmap(file.fileno(), min(_SYNC_BYTES, size - start), offset=start)
        except (OSError, ValueError):
            break  # a file system without shared mappings
        with mapping:
            mapping.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk, if the system can."""
    with contextlib.suppress(OSError), open_descriptor(folder) as descriptor:
        os.fsync(descriptor)


def _make_prefix(path: Path) -> str:
    """Return the prefix of all temporaries of `path`; a long name must not exceed the limit."""
    name = path.name if len(os.fsencode(path.name)) <= 200 else hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return f".{name}."


def _remove(entry: Path, path: Path) -> None:
    """Remove one temporary of `path`, or put it back, unless its writer lives."""
    if sys.platform == "win32":
        if entry.is_dir() and entry.name.endswith(_ENDING):
            entry = entry.replace(temporary_name(path))  # fails while a file in it is open anywhere, before any is lost
        _put_back_or_remove(entry, path)  # so does this for a file
        return
    descriptor = open_untrusted(entry, os.O_RDONLY)
    try:
        is_ours = find_stranger(os.fstat(descriptor), entry.parent) is None
        if is_ours and lock(descriptor, wait=False):
            _put_back_or_remove(entry, path)
    finally:
        os.close(descriptor)


def _put_back_or_remove(entry: Path, path: Path) -> None:
    if entry.name.endswith(_EARLIER) and not os.path.lexists(path):
        entry.rename(path)  # its run was killed between the two renames
    elif entry.is_dir():
        shutil.rmtree(entry)
    else:
        entry.unlink()
