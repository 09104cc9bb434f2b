"""The pickle of version 0.0.1, `{"images": ..., "labels": ..., "metadata": ...}`, streamed with flat memory.

Protocol 4, and the names that NumPy has kept for old pickles: `pickle.load` reads it under NumPy 1.26 and 2.
The opcodes are those of the `pickle` module; what surrounds the image bytes is written by hand so that the bytes
need never be in memory as a whole.
"""

import contextlib
import pickle
import shutil
import struct
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt

from number_generator.sinks.atomic import AtomicFile, translated
from number_generator.spec import Chunk, DatasetHeader

__all__ = ["PickleSink"]

_PROTOCOL = 4


class PickleSink:
    """Write a dataset as one pickle.

    The images come first in the file, so the labels wait in an unnamed temporary file beside it.
    """

    span_multiple = 1

    def __init__(self, path: Path, header: DatasetHeader, *, overwrite: bool) -> None:
        self._header = header
        self._file = AtomicFile(path, overwrite=overwrite)
        try:
            with translated(path):
                self._file.file.write(_head(header.shape))
                self._labels: IO[bytes] = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed in __exit__
        except BaseException:
            self._file.discard()
            raise

    @property
    def temporary_path(self) -> Path:
        """The file that is being written."""
        return self._file.temporary_path

    def encode(self, chunk: Chunk) -> tuple[npt.NDArray[np.uint8], bytes]:
        """Pickle a chunk's labels; the images are written as they are."""
        return chunk.images, b"".join(map(_text, chunk.labels.tolist()))

    def write(self, encoded: tuple[npt.NDArray[np.uint8], bytes]) -> None:
        """Append a chunk."""
        images, labels = encoded
        with translated(self._file.path):
            self._file.file.write(images.data)
            self._labels.write(labels)
            self._file.write_back()

    def commit(self) -> None:
        """Append the labels and the metadata, and move the file to its final name."""
        with translated(self._file.path):
            file = self._file.file
            file.write(pickle.TUPLE + pickle.BUILD)
            file.write(_text(b"labels") + pickle.EMPTY_LIST + pickle.MARK)
            self._labels.seek(0)
            shutil.copyfileobj(self._labels, file, 2**20)
            file.write(pickle.APPENDS)
            # Protocol 3 has no frames, and its memo starts at 0, which nothing before it has used.
            metadata = pickle.dumps(self._header.metadata, protocol=3)[2:-1]
            file.write(_text(b"metadata") + metadata + pickle.SETITEMS + pickle.STOP)
        self._file.commit()

    def __enter__(self) -> "PickleSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing flushes, which fails again on a full disk.
        with contextlib.suppress(OSError):
            self._labels.close()
        self._file.discard()


def _text(text: bytes) -> bytes:
    """Pickle a text given in UTF-8."""
    if len(text) < 256:
        return pickle.SHORT_BINUNICODE + struct.pack("<B", len(text)) + text
    return pickle.BINUNICODE + struct.pack("<I", len(text)) + text


def _head(shape: tuple[int, int, int]) -> bytes:
    """Pickle all that stands before the image bytes: the array's constructor and state, as NumPy writes them."""
    constructor = (
        pickle.GLOBAL
        + b"numpy.core.multiarray\n_reconstruct\n"
        + (pickle.GLOBAL + b"numpy\nndarray\n")
        + (pickle.BININT1 + b"\0" + pickle.TUPLE1)
        + (pickle.SHORT_BINBYTES + b"\1b" + pickle.TUPLE3)
        + pickle.REDUCE
    )
    dtype = (
        pickle.GLOBAL
        + b"numpy\ndtype\n"
        + (_text(b"u1") + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3 + pickle.REDUCE)
    )
    count, height, width = (_integer(size) for size in shape)
    size = struct.pack("<Q", shape[0] * shape[1] * shape[2])
    return (
        pickle.PROTO
        + struct.pack("<B", _PROTOCOL)
        + (pickle.EMPTY_DICT + pickle.MARK)
        + _text(b"images")
        + constructor
        + (pickle.MARK + _integer(1))
        + (count + height + width + pickle.TUPLE3)
        + dtype
        + pickle.NEWFALSE
        + (pickle.BINBYTES8 + size)
    )


def _integer(value: int) -> bytes:
    """Pickle a whole number from 0 up to 2**63 - 1."""
    return pickle.LONG1 + b"\x08" + struct.pack("<q", value)
