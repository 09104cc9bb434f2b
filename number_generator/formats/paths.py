"""The border to the file system: which paths are accepted, and one clear error for all that goes wrong."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from number_generator.errors import (
    DatasetError,
    DatasetNotFoundError,
    DatasetReadError,
    NumberGeneratorError,
    SpecError,
)
from number_generator.system.checks import format_value
from number_generator.system.home import expand_home

DEFLATE_EXPANSION = 1032
"""The most that deflate can expand its input: one bit pair stands for 258 bytes."""

HELD_BYTES = 32 << 20
"""How much of a mapped file may stay in memory once it was read."""
_PIECE_BYTES = 1 << 20
# Do not follow a link, nor wait for a pipe.
_OWN_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class MalformedError(Exception):
    """What is wrong with a file's content; `reading` turns it into a DatasetError that names the file."""


def check_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` as a Path if it names a regular file, and say what is wrong with it otherwise."""
    checked = check_dataset(path)
    if checked.is_dir():
        raise DatasetReadError(f"{checked}: this is a folder; give the path of a dataset file")
    return checked


def check_dataset(path: str | os.PathLike[str]) -> Path:
    """Return `path` as a Path if it names a regular file or a folder, and say what is wrong with it otherwise."""
    try:
        text = os.fspath(expand_home(path))
    except TypeError:
        text = None
    if not isinstance(text, str):
        raise SpecError(f"path is {format_value(path)}: it must be a string or a path object that names a file")
    if not text:  # pathlib takes it for the current folder
        raise SpecError("path is '': give the name of a file or folder; that of the current one is '.'")
    if "\0" in text:
        raise SpecError(f"path is {format_value(text)}: a file name cannot hold a null character")
    checked = Path(text)
    try:
        mode = checked.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as exc:
        if checked.is_symlink():
            raise DatasetNotFoundError(f"{checked}: this is {describe_kind(checked)}; mend the link") from exc
        raise DatasetNotFoundError(
            f"{checked}: there is no such file; check the name and the current folder ({_current_folder()})"
        ) from exc
    except (OSError, ValueError) as exc:
        if getattr(exc, "errno", None) == errno.ELOOP and checked.is_symlink():
            raise DatasetReadError(f"{checked}: this is {describe_kind(checked)}; mend the link") from exc
        raise DatasetReadError(f"{checked}: the file cannot be read: {exc}") from exc
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        # Opening a named pipe would wait for ever, and a device has no end.
        raise DatasetReadError(f"{checked}: this is not a regular file; copy the dataset to one first")
    return checked


def describe_kind(path: str | os.PathLike[str]) -> str:
    """Return what is there under a name that is not a regular file, as a phrase."""
    try:
        mode = Path(path).stat().st_mode
    except OSError as exc:
        try:
            link = f"a link to {format_value(os.readlink(path))}"  # noqa: PTH115 - as it is written
        except OSError:
            return "nothing that can be read"
        if exc.errno == errno.ELOOP:
            return f"{link}, which leads back to itself"
        is_absent = exc.errno in (errno.ENOENT, errno.ENOTDIR)
        return f"{link}, which {'is not there' if is_absent else f'cannot be read: {exc.strerror}'}"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a pipe" if stat.S_ISFIFO(mode) else "not a regular file"


@contextlib.contextmanager
def open_own_file(folder: Path, name: str, what: str, most_bytes: int | None = None) -> Iterator[tuple[int, int]]:
    """Open a file that a folder of a dataset holds, and yield its descriptor and its size.

    A link is followed within the folder alone: whoever made the dataset could let it lead to any file of whoever reads
    it. `what` names the file in errors, as in "its gt.txt".

    Raises
    ------
    MalformedError
        If it cannot be read, is not a regular file, or takes more than `most_bytes`.
    """
    path = os.path.join(folder, name)  # noqa: PTH118 - a tenth of pathlib's time
    try:
        descriptor = os.open(path, _OWN_FILE)
    except OSError as exc:
        if not os.path.islink(path):  # noqa: PTH114 - likewise
            raise MalformedError(f"{what} cannot be read: {exc.strerror}") from exc
        descriptor = _open_link(folder, path, what)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise MalformedError(f"{what} is {describe_kind(path)}, not a regular file")
        if most_bytes is not None and found.st_size > most_bytes:
            raise MalformedError(f"{what} takes {found.st_size} bytes, more than {most_bytes}")
        yield descriptor, found.st_size
    finally:
        os.close(descriptor)


def _open_link(folder: Path, path: str, what: str) -> int:
    """Open what a link leads to, which must lie in the folder."""
    if not is_within(path, folder):
        raise MalformedError(f"{what} is a link that leads out of the folder: put the file itself there")
    try:
        return os.open(os.path.realpath(path), _OWN_FILE)
    except OSError as exc:
        raise MalformedError(f"{what} cannot be read: it is {describe_kind(path)}") from exc


def is_within(path: str | os.PathLike[str], folder: Path) -> bool:
    """Tell whether a path lies in a folder once all links are followed."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def read_own_file(folder: Path, name: str, what: str, most_bytes: int) -> bytes:
    """Return the content of a file that a folder of a dataset holds; see `open_own_file`."""
    with open_own_file(folder, name, what, most_bytes) as (descriptor, size):
        return os.read(descriptor, size)


def map_own_file(folder: Path, name: str) -> mmap.mmap | bytes:
    """Return the content of a file that a folder of a dataset holds, which may be removed meanwhile."""
    with open_own_file(folder, name, f"its {name}") as (descriptor, size):
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) if size else b""


def map_file(path: Path) -> mmap.mmap:
    """Return the content of a file, which may be removed meanwhile; an empty one is an error."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def release_pages(content: mmap.mmap, read_bytes: int) -> int:
    """Release what was read of a mapped file if it is much; return how many bytes are held afterwards.

    Until then its pages count as the process's own: reading a large file would take as much memory.
    """
    if read_bytes <= HELD_BYTES:
        return read_bytes
    if hasattr(mmap, "MADV_DONTNEED"):
        content.madvise(mmap.MADV_DONTNEED)
    return 0


def fill_buffer(file: Any, buffer: memoryview) -> int:
    """Fill a buffer from a file, in pieces that a decoder can hold; return how many bytes there were."""
    filled = 0
    while filled < len(buffer):
        count: int = file.readinto(buffer[filled : filled + _PIECE_BYTES])
        if not count:
            break
        filled += count
    return filled


def reading(path: Path, valid: str) -> AbstractContextManager[None]:
    """Turn every failure inside the block into one of the package's errors; `valid` says what a valid file is."""
    return _Reading(path, valid)


class _Reading:
    """The context of `reading`: no generator, which takes five times as long, as each read has one."""

    __slots__ = ("_path", "_valid")

    def __init__(self, path: Path, valid: str) -> None:
        self._path = path
        self._valid = valid

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, exc: BaseException | None, traceback: object) -> None:
        # A hostile file can provoke any exception of any decoder: there is no shorter list than this.
        if isinstance(exc, Exception) and not isinstance(exc, NumberGeneratorError):
            raise self._translate(exc) from exc

    def _translate(self, exc: Exception) -> NumberGeneratorError:
        path, valid = self._path, self._valid
        if isinstance(exc, MalformedError):
            return DatasetError(f"{path}: {exc}. {valid}")
        if isinstance(exc, MemoryError):
            return DatasetError(f"{path}: its content does not fit in memory. {valid}")
        if not isinstance(exc, OSError):
            return DatasetError(f"{path}: its content is damaged or cut short ({_one_line(exc)}). {valid}")
        # h5py and gzip report damaged content as an OSError without a number, and zipfile seeks wherever
        # a damaged archive says.
        if exc.errno in (None, errno.EINVAL):
            return DatasetError(f"{path}: its content is damaged ({_one_line(exc)}). {valid}")
        return DatasetReadError(f"{path}: the file cannot be read: {exc.strerror or _one_line(exc)}")


def _one_line(exc: BaseException) -> str:
    """Return the type and the first words of an exception."""
    text = " ".join(str(exc).split())
    return f"{type(exc).__name__}: {text[:200]}" if text else type(exc).__name__


def _current_folder() -> str:
    """Return the current folder, which may have been removed."""
    try:
        return str(Path.cwd())
    except OSError:
        return "removed"
