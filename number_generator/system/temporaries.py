"""What is not whole yet: its names, its locks, the removal of what dead runs have left, and the flush to disk.

A temporary lies beside what it will become and is locked while its writer lives, so that a later run to the same
place can tell one that is in use from one that a killed process left.
"""

import contextlib
import hashlib
import mmap
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from number_generator.errors import OutputError, OutputExistsError

if sys.platform != "win32":
    import fcntl

__all__ = [
    "NOTHING_LEFT",
    "already_exists",
    "earlier_name",
    "is_held",
    "lock",
    "make_folder",
    "open_unnamed_file",
    "remove_folder",
    "remove_stale",
    "resumable_error",
    "sync_folder",
    "sync_in_parts",
    "temporary_name",
    "translate_errors",
]

NOTHING_LEFT = "; nothing was left behind"
"""What an error of a dataset that is written ends with."""

_ENDING = ".partial"
_EARLIER = ".earlier"
_GOING = f".going{_ENDING}"
_SYNC_BYTES = 32 * 2**20


@contextlib.contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors into OutputError that names the file."""
    try:
        yield
    except OutputError:
        raise
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise OutputError(f"cannot write {path}: {reason}{NOTHING_LEFT}") from exc


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, unless they are there; a temporary one, which has its owner, must be."""
    if folder.name.startswith(".") and folder.name.endswith(_ENDING) and not folder.is_dir():
        raise OutputError(f"{folder} has gone: the run that it belonged to has ended")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as exc:
        raise OutputError(f"{folder} is a file: give a folder, or another name") from exc
    except OSError as exc:
        raise OutputError(f"cannot make the folder {folder}: {exc.strerror or exc}") from exc


def already_exists(path: Path) -> OutputExistsError:
    """Give the error that `path` may not be replaced."""
    return OutputExistsError(f"{path} exists already: allow overwriting (--overwrite) or give another name")


def temporary_name(path: Path) -> Path:
    """Give a temporary name for what will be `path`."""
    return path.with_name(f"{_prefix(path)}{secrets.token_hex(4)}{_ENDING}")


def earlier_name(temporary: Path) -> Path:
    """Give the name under which what a temporary replaces waits meanwhile."""
    return temporary.with_name(temporary.name.removesuffix(_ENDING) + _EARLIER)


def lock(file: "IO[bytes] | int", *, wait: bool) -> bool:
    """Lock a file or folder for as long as it is open; False if another process holds it or locks are not to be had."""
    if sys.platform == "win32":
        return True  # there, a file that is open cannot be removed: that is lock enough
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def is_held(file: IO[bytes]) -> bool:
    """Lock a file for as long as it is open, and tell whether another process holds it; not where no locks are had."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a parallel file system that is mounted without them
        return False
    return False


def remove_stale(path: Path) -> None:
    """Remove the temporaries of `path` that no living process holds, and put back what one had moved aside."""
    # To the letter: those of `set` must not be taken for those of `set.2`, which may be the last copy of it.
    name = re.compile(re.escape(_prefix(path)) + r"[0-9a-f]{8}(\.partial(\.going\.partial)?|\.earlier)")
    with contextlib.suppress(OSError):
        for entry in list(path.parent.iterdir()):
            if name.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove(entry, path)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that it holds, as far as that is possible."""
    # Whoever else writes to it finds it no longer, and puts nothing into what is being emptied.
    with contextlib.suppress(OSError):
        folder = folder.replace(folder.with_name(f"{folder.name}{_GOING}"))
    shutil.rmtree(folder, ignore_errors=True)


def open_unnamed_file(folder: Path) -> IO[bytes]:
    """Open a file without a name, for what must wait until something else is written."""
    return tempfile.TemporaryFile(dir=folder)


def resumable_error(error: OutputError, left: str) -> OutputError:
    """Give the error of a run that is gone on with, for one that says that nothing was left behind."""
    reason = str(error).removesuffix(NOTHING_LEFT)
    return OutputError(f"{reason}; {left}: put that right, and the same command goes on from there")


def sync_in_parts(file: IO[bytes]) -> None:
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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; not every system can."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _prefix(path: Path) -> str:
    """Give what the names of all temporaries of `path` begin with; a long name must not grow over the limit."""
    name = path.name if len(os.fsencode(path.name)) <= 200 else hashlib.sha256(os.fsencode(path.name)).hexdigest()
    return f".{name}."


def _remove(entry: Path, path: Path) -> None:
    """Remove one temporary of `path`, or put it back, unless its writer lives."""
    if sys.platform == "win32":
        if entry.is_dir() and entry.name.endswith(_ENDING):
            entry = entry.replace(temporary_name(path))  # fails while a file in it is open anywhere, before one is lost
        _put_back_or_remove(entry, path)  # so does this for a file
        return
    descriptor = os.open(entry, os.O_RDONLY)
    try:
        if lock(descriptor, wait=False):
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
