"""A journal: an append-only file of the finished part of a dataset, from which an interrupted run goes on.

An HDF5 file that was not closed cannot be read, nor can most others. So what `Writer.encode` returns for each span is
appended here as well, and the next run writes it to the dataset again: nothing is drawn or compressed twice.

The file is a sequence of records, each a head of 40 bytes and a payload. The head holds mark, kind, number of the first
image, number of images, length and CRC-32 of the payload, and the CRC-32 of these. The first record describes the
dataset in JSON; all others hold consecutive images. What a crash leaves at the end (a torn record, old bytes, zeros)
fails a checksum and is cut off, so only complete records count.
"""

import contextlib
import json
import os
import stat
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from isal import isal_zlib

from number_generator.errors import OutputError
from number_generator.system import temporaries
from number_generator.system.signals import Interruption

ENDING = ".journal"
"""What the name of a journal adds to that of its dataset."""

_HEAD = struct.Struct("<4sIQQQII")
_CHECKED = _HEAD.size - 4  # bytes of the head that its checksum covers
_NAME = b"NGJ"
_MARK = _NAME + b"2"  # with the version of this format
_ABOUT, _IMAGES = 0, 1
_MOST_ABOUT_BYTES = 2**26
# What a power failure may cost. For 1,000,000 images, syncing every 16 MiB or every 256 MiB makes no difference.
_SYNC_BYTES = 64 * 2**20
_WRITE_BACK_BYTES = temporaries.WRITE_BACK_BYTES


class Journal:
    """The journal of one dataset, created if it does not exist, and locked while its run lives.

    Raises
    ------
    OutputError
        If it cannot be written, another run uses it, or the file of that name is not a journal of this version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        temporaries.make_folder(path.parent)
        self._file: IO[bytes]
        while not self._open():
            pass
        try:
            with self._translate_errors():
                self._check_signature()
                self.about = _read_about(self._file)
        except BaseException:
            self._file.close()
            raise
        self._end = self._synced = self._handed_over = 0 if self.about is None else self._file.tell()
        self._is_kept = self.about is not None

    def _open(self) -> bool:
        """Open and lock the file; False if another run has removed it before it was locked."""
        with self._translate_errors():
            if self.path.is_symlink():
                raise OutputError(f"{self.path} is a link, and a journal is none: give another name, or remove it")
            descriptor = temporaries.open_untrusted(self.path, os.O_RDWR | os.O_CREAT)
        try:
            self._check_owner(os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        self._file = open(descriptor, "r+b", buffering=0)  # noqa: SIM115, PTH123 - closed by `close`
        if temporaries.is_held(self._file):
            self._file.close()
            raise OutputError(f"{self.path} is in use by another run: wait for that run, or stop it")
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), self.path.lstat()):
                return True
        self._file.close()
        return False

    def begin(self, about: dict[str, Any]) -> None:
        """Start the journal, and drop what it holds; `about` describes the dataset with JSON-like values."""
        payload = json.dumps(about).encode("ascii")
        with self._translate_errors(), Interruption.installed():
            if sys.platform == "win32":  # an open file cannot be replaced there
                self._file.seek(0)
                self._file.truncate(0)
                self._write_first(payload)
            else:
                self._replace(payload)
            temporaries.sync_folder(self.path.parent)
        self.about = json.loads(payload)

    def read_entries(self, first: int) -> Iterator[tuple[int, bytes]]:
        """Yield the number of images and the payload of each complete record, then cut off the rest of the file.

        `first` is the number of the first image of the first record.
        """
        with self._translate_errors():
            size = _measure(self._file)
            self._file.seek(self._end)
        while True:
            with self._translate_errors():
                record = _read_record(self._file, _IMAGES, size)
            if record is None or record[0] != first:
                break
            _, count, payload = record
            first += count
            self._end += _HEAD.size + len(payload)
            yield count, payload
        with self._translate_errors():
            self._file.truncate(self._end)
            self._file.seek(self._end)
        self._synced = self._handed_over = self._end

    def append(self, first: int, count: int, buffers: Sequence[Any], crc: int) -> None:
        """Append a record of `count` images from number `first` on; `crc` is that of the buffers."""
        with self._translate_errors():
            self._append(_IMAGES, first, count, buffers, crc)
            self._is_kept = True
            if self._end - self._handed_over >= _WRITE_BACK_BYTES:
                # Everything written from then on would be lost if the folder was removed: fail early.
                if not self.path.exists():
                    raise OutputError(f"cannot write {self.path}: it was removed during the run")
                temporaries.start_write_back(self._file, self._handed_over, self._end)
                self._handed_over = self._end
            if self._end - self._synced >= _SYNC_BYTES:
                self._sync()

    def remove(self) -> None:
        """Remove the journal, once the dataset is in place."""
        if sys.platform == "win32":
            self._file.close()  # Windows cannot remove an open file
        with contextlib.suppress(OSError):
            self.path.unlink()
        self._file.close()

    def close(self) -> None:
        """Close the journal; remove it if it is new and holds no image yet."""
        if not self._is_kept and not self._file.closed:
            self.remove()
        self._file.close()

    def _replace(self, payload: bytes) -> None:
        """Put a file with the first record into place once it is on disk: of a torn one nobody could tell what it is.

        The new file is locked before the earlier one is given up, so that the journal always belongs to this run.
        """
        temporaries.remove_stale(self.path)
        temporary = temporaries.temporary_name(self.path)
        earlier = self._file
        descriptor = temporaries.open_untrusted(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        self._file = open(descriptor, "r+b", buffering=0)  # noqa: SIM115, PTH123 - closed by `close`
        try:
            temporaries.lock(self._file, wait=True)
            self._write_first(payload)
            temporary.replace(self.path)
        except BaseException:
            self._file.close()
            self._file = earlier
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        earlier.close()

    def _write_first(self, payload: bytes) -> None:
        """Write the first record to an empty file, and flush it to disk."""
        self._end = self._synced = self._handed_over = 0
        self._append(_ABOUT, 0, 0, [payload], compute_checksum([payload]))
        self._sync()

    def _append(self, kind: int, first: int, count: int, buffers: Sequence[Any], crc: int) -> None:
        length = sum(memoryview(each).nbytes for each in buffers)
        head = _HEAD.pack(_MARK, kind, first, count, length, crc, 0)[:_CHECKED]
        content = memoryview(b"".join([head, struct.pack("<I", compute_checksum([head])), *buffers]))
        written = 0
        try:
            while written < len(content):
                written += self._file.write(content[written:]) or 0
        except OSError:
            # The next run would cut it off as well, but the space is needed now.
            with contextlib.suppress(OSError):
                self._file.truncate(self._end)
            raise
        self._end += len(content)

    def _check_owner(self, status: os.stat_result) -> None:
        """Reject what somebody else may have put there for us to write to."""
        with self._translate_errors():
            reason = temporaries.find_stranger(status, self.path.parent)
        if reason is None and status.st_nlink > 1 and stat.S_ISREG(status.st_mode):
            reason = "has other names as well (hard links)"
        if reason is not None:
            raise OutputError(f"{self.path} {reason}, so it is no journal of yours: give another name, or move it away")

    def _check_signature(self) -> None:
        """Reject a file that is not our journal; a crash may have left nothing of one but its first bytes, or zeros."""
        begun = self._file.read(len(_MARK))
        if begun.startswith(_NAME) and begun[len(_NAME) :].isdigit() and begun != _MARK:
            raise OutputError(
                f"{self.path} was begun by another version of this package: go on with that version, or remove the "
                "file to start over"
            )
        # The rest of a first write that was torn is zeros.
        if not _MARK.startswith(begun.rstrip(b"\0")):
            raise OutputError(f"{self.path} is not a journal of this package: give another name, or move it away")
        self._file.seek(0)

    def _sync(self) -> None:
        getattr(os, "fdatasync", os.fsync)(self._file.fileno())
        self._synced = self._end

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except OutputError:
            raise
        except OSError as exc:
            raise OutputError(f"cannot write {self.path}: {exc.strerror or exc}") from exc


def read_recorded(path: Path) -> dict[str, Any] | None:
    """Return what a journal records about its dataset; None if there is no readable journal."""
    try:
        descriptor = temporaries.open_untrusted(path, os.O_RDONLY)
        with open(descriptor, "rb", buffering=0) as file:  # noqa: PTH123 - of a descriptor
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return _read_about(file) if is_file else None
    except OSError:
        return None


def compute_checksum(buffers: Sequence[Any]) -> int:
    """Return the CRC-32 of buffers, joined."""
    crc = 0
    for each in buffers:
        crc = isal_zlib.crc32(each, crc)
    return crc


def _read_about(file: IO[bytes]) -> dict[str, Any] | None:
    """Read the first record; None if the journal is new, or a crash spoiled its beginning."""
    record = _read_record(file, _ABOUT, min(_measure(file), _HEAD.size + _MOST_ABOUT_BYTES))
    if record is None:
        return None
    try:
        about = json.loads(record[2])
    except (ValueError, RecursionError):
        return None
    return about if isinstance(about, dict) else None


def _read_record(file: IO[bytes], kind: int, size: int) -> tuple[int, int, bytes] | None:
    """Return first image, number of images and payload of a record of this kind within `size` bytes, or None."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    mark, found, first, count, length, crc, of_head = _HEAD.unpack(head)
    if mark != _MARK or found != kind or of_head != compute_checksum([head[:_CHECKED]]):
        return None
    if length > size - file.tell():
        return None
    payload = file.read(length)
    return (first, count, payload) if len(payload) == length and compute_checksum([payload]) == crc else None


def _measure(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_size
