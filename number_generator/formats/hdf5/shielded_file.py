"""A file as HDF5 sees it: one whose writes never fail.

HDF5 does not survive a failed write. h5py swallows the error where a dataset is closed as it is dropped, and the file
then ends well without what was lost; or HDF5 keeps what it could not flush, and crashes as the process ends. So the
first error is kept here for the writer to raise, and what comes after it goes to memory alone: HDF5 reads it back, and
closes as if nothing were.
"""

import io
import os
from typing import IO, Any


class ShieldedFile:
    """A file for h5py, whose writers ask `check` after each call of h5py.

    Parameters
    ----------
    file : file
        Open for reading and writing. Nothing else moves its position.

    Attributes
    ----------
    error : BaseException or None
        The first error. Ctrl-C counts as well: it can arrive in the middle of a call of HDF5's.
    """

    def __init__(self, file: IO[bytes]) -> None:
        raw: Any = getattr(file, "raw", file)  # unbuffered: an error belongs to the write that met it
        self._raw = raw
        self._position = 0
        self._size = os.fstat(raw.fileno()).st_size
        self._lost: list[tuple[int, bytes]] = []  # what could not be written, in order, by offset
        self.error: BaseException | None = None

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self.error is not None:
            raise self.error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset from the beginning or the end."""
        self._position = offset + (self._size if whence == os.SEEK_END else 0)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Refuse: h5py takes nothing without this method for a file, and calls `readinto`."""
        raise io.UnsupportedOperation("read")

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; there are zeros after the end of the file, as HDF5's own driver has it."""
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))
        self._raw.seek(self._position)
        done = 0
        while done < len(view) and (count := self._raw.readinto(view[done:])):
            done += count
        for offset, content in self._lost:
            start, stop = max(offset, self._position), min(offset + len(content), self._position + len(view))
            if start < stop:
                view[start - self._position : stop - self._position] = content[start - offset : stop - offset]
        self._position += len(view)
        return len(view)

    def write(self, buffer: Any) -> int:
        """Write a buffer, or keep it in memory after an error."""
        view = memoryview(buffer)
        if self.error is None:
            try:
                self._write_all(view)
            except BaseException as exc:
                self.error = exc
        if self.error is not None:
            self._lost.append((self._position, bytes(view)))
        self._position += len(view)
        self._size = max(self._size, self._position)
        return len(view)

    def truncate(self, size: int) -> int:
        """Give the file another size."""
        if self.error is None:
            try:
                self._raw.truncate(size)
            except BaseException as exc:
                self.error = exc
        self._size = size
        return size

    def flush(self) -> None:
        """Do nothing: no write is held back."""

    def _write_all(self, view: memoryview) -> None:
        self._raw.seek(self._position)
        done = self._raw.write(view)
        while done < len(view):
            done += self._raw.write(view[done:])
