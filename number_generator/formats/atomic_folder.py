"""A folder that is whole or not there: filled under a temporary name, then moved into place."""

import contextlib
import ctypes
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from number_generator.errors import MissingExtraError, OutputError
from number_generator.formats.schema import COUNT_KEY, DESCRIPTION_FILE, LMDB_DESCRIPTION_KEY, PARQUET_KEY
from number_generator.system import temporaries
from number_generator.system.optional import import_optional
from number_generator.system.staging import TemporaryFolder
from number_generator.system.temporaries import make_folder, translate_errors

__all__ = ["AtomicFolder", "is_dataset_folder"]

_LABEL_FILES = ("gt.txt", "labels.json", "metadata.jsonl")
_SHARD = re.compile(r".+-\d{6,}\.tar", re.DOTALL)
_IMAGES = "images"
_IMAGE_FILE = re.compile(r"\d{9,}\.(png|gt\.txt)|labels\.csv")
_MOST_DESCRIPTION_BYTES = 2**26
_MOST_FOOTER_BYTES = 2**26


class AtomicFolder(TemporaryFolder):
    """A new folder under a temporary name beside its final name, locked while its writer lives, as `AtomicFile` is.

    Parameters
    ----------
    path : Path
        The final name.
    overwrite : bool
        Whether `commit` may replace a folder of that name: one that holds a dataset of this package and nothing else,
        or nothing at all. No other is ever replaced.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._overwrite = overwrite
        make_folder(path.parent)
        with translate_errors(path):
            _check_replaceable(path, overwrite=overwrite)
        self._is_finished = False
        # A symbolic link stays, and the folder that it leads to is written.
        super().__init__(Path(os.path.realpath(path)) if path.is_symlink() else path)

    def create(self, name: str) -> IO[bytes]:
        """Make a new file in the folder and open it for writing; whoever asks for it closes it."""
        path = self.temporary_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("x+b")

    def finish(self, *, holds_many: bool = False) -> None:
        """Flush all files to disk; nothing is written to them afterwards.

        Parameters
        ----------
        holds_many : bool
            Whether there are so many files that the whole file system is flushed in their place.
        """
        with translate_errors(self.path):
            if not (holds_many and _sync_file_system(self.temporary_path)):
                for folder, _, names in os.walk(self.temporary_path):
                    for name in names:
                        with Path(folder, name).open("r+b") as file:
                            temporaries.sync_in_parts(file)
                    temporaries.sync_folder(Path(folder))
        self._is_finished = True

    def commit(self) -> None:
        """Move the folder to its final name, finished first if it is not yet."""
        if not self._is_finished:
            self.finish()
        with translate_errors(self.path):
            if self._overwrite and self.path.is_dir():
                self._replace()
            else:
                self._move()
            temporaries.sync_folder(self.path.parent)

    def _move(self) -> None:
        try:
            self.temporary_path.rename(self.path)
        except OSError:
            if os.path.lexists(self.path):
                raise temporaries.already_exists(self.path) from None
            raise

    def _replace(self) -> None:
        """Let the folder change places with the earlier one, which is put back if that fails."""
        # Looked at again: it may have become another since.
        _check_replaceable(self.path, overwrite=True)
        earlier = temporaries.earlier_name(self.temporary_path)
        with _locked(self.path):
            self.path.rename(earlier)
            try:
                self.temporary_path.rename(self.path)
            except OSError:
                earlier.rename(self.path)
                raise
            earlier.rename(self.temporary_path)  # which `discard` removes


def is_dataset_folder(path: str | os.PathLike[str]) -> bool:
    """Tell whether a folder holds a dataset that this package wrote, and nothing else."""
    try:
        return _foreign(Path(path)) is None
    except OSError:
        return False


def _check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Raise what keeps a folder from being written at `path`."""
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
    reason = _foreign(path)
    if reason is not None and any(path.iterdir()):
        raise OutputError(f"{path} {reason}, and so is not replaced: give another name, or remove it yourself")


def _foreign(path: Path) -> str | None:
    """Say why a folder is not wholly a dataset of this package's; None if it is."""
    names = {entry.name for entry in path.iterdir()}
    if DESCRIPTION_FILE in names and _is_description(path / DESCRIPTION_FILE):
        shards = {name for name in names if _SHARD.fullmatch(name)}
        more = names - {DESCRIPTION_FILE} - (shards or {_IMAGES, *_LABEL_FILES})
        if not more and _IMAGES in names:
            more = _strange_images(path / _IMAGES)
    elif "data.mdb" in names and _is_lmdb(path):
        more = names - {"data.mdb", "lock.mdb"}
    elif "data" in names and _is_parquet(path / "data"):
        more = names - {"data"}
    else:
        return "is a folder that this package did not write"
    return f"holds {min(more)!r}, which this package did not write" if more else None


def _strange_images(folder: Path) -> set[str]:
    """Give a file or folder among the images that no writer names so, if there is one."""
    for group in folder.iterdir():
        if group.is_symlink() or not group.is_dir() or not group.name.isdecimal():
            return {f"{_IMAGES}/{group.name}"}
        with os.scandir(group) as entries:  # of a million names, a tenth of pathlib's time
            for entry in entries:
                if not _IMAGE_FILE.fullmatch(entry.name):
                    return {f"{_IMAGES}/{group.name}/{entry.name}"}
    return set()


def _is_description(path: Path) -> bool:
    try:
        if path.stat().st_size > _MOST_DESCRIPTION_BYTES:
            return False
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and {"shape", "fields"} <= found.keys()


def _is_lmdb(folder: Path) -> bool:
    try:
        lmdb = import_optional("lmdb", "lmdb", "the format lmdb")
    except MissingExtraError:
        return False
    try:
        with lmdb.open(os.fsencode(folder), readonly=True, create=False, lock=False) as env, env.begin() as transaction:
            return None not in (transaction.get(COUNT_KEY), transaction.get(LMDB_DESCRIPTION_KEY))
    except lmdb.Error:
        return False


def _is_parquet(folder: Path) -> bool:
    """Tell whether there are Parquet files alone, whose footers hold our key: it stands there as it is."""
    try:
        files = list(folder.iterdir())
        return bool(files) and all(PARQUET_KEY in _footer(path) for path in files)
    except OSError:
        return False


def _footer(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        length, signature = int.from_bytes(file.read(4), "little"), file.read()
        if signature != b"PAR1" or length > min(size, _MOST_FOOTER_BYTES):
            return b""
        file.seek(max(0, size - 8 - length))
        return file.read(length)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder, so that no other run takes it for one that was left behind."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        temporaries.lock(descriptor, wait=False)
        yield
    finally:
        os.close(descriptor)


def _sync_file_system(folder: Path) -> bool:
    """Flush the file system that a folder is on; False where that cannot be asked for."""
    if sys.platform != "linux":
        return False
    try:
        function = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return bool(function(descriptor) == 0)
    finally:
        os.close(descriptor)
