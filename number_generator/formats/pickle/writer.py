"""The pickle of version 0.0.1, `{"images": ..., "labels": ..., "metadata": ...}`, streamed with flat memory.

Ground truth, where it is asked for, is a fourth entry, `truth`: a dictionary of arrays.
Protocol 4, and the names that NumPy has kept for old pickles: `pickle.load` reads it under NumPy 1.26 and 2.
The opcodes are those of the `pickle` module; what surrounds the image bytes is written by hand so that the bytes
need never be in memory as a whole.
"""

import math
import pickle
import shutil
import struct
from dataclasses import replace
from typing import IO, Any

import numpy as np

from number_generator.formats.base_writer import Encoded, FileWriter
from number_generator.formats.schema import describe, pad
from number_generator.job.chunk import Chunk
from number_generator.system.temporaries import open_unnamed_file

__all__ = ["PickleWriter"]

_PROTOCOL = 4
_TUPLES = (pickle.EMPTY_TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)


class PickleWriter(FileWriter):
    """Write a dataset as one pickle.

    The images come first in the file, so all else waits in unnamed temporary files beside it.
    """

    def encode(self, chunk: Chunk) -> Encoded:
        """Pickle a chunk's labels, and pad its ground truth."""
        truth = {field.name: pad(chunk.truth[field.name], field) for field in self._header.fields}
        return {"images": chunk.images, "labels": list(map(_text, chunk.labels.tolist())), **truth}

    def write(self, encoded: Encoded) -> None:
        """Append a chunk."""
        with self._translate_errors():
            self._file.file.write(encoded["images"].data)
            self._labels.write(b"".join(encoded["labels"]))
            for name, file in self._truth.items():
                file.write(encoded[name].tobytes())
            self._file.write_back()

    def _begin(self) -> None:
        self._file.file.write(pickle.PROTO + struct.pack("<B", _PROTOCOL) + pickle.EMPTY_DICT + pickle.MARK)
        self._file.file.write(_text(b"images") + _array_head(np.dtype(np.uint8), self._header.shape))
        self._labels, *truth = (
            self._open.enter_context(open_unnamed_file(self._file.path.parent))
            for _ in range(1 + len(self._header.fields))
        )
        self._truth = dict(zip((field.name for field in self._header.fields), truth, strict=True))

    def _end(self) -> None:
        file = self._file.file
        file.write(_ARRAY_TAIL)
        file.write(_text(b"labels") + pickle.EMPTY_LIST + pickle.MARK)
        self._copy(self._labels)
        file.write(pickle.APPENDS)
        metadata = self._header.metadata
        if self._truth:
            # Of the fields alone: a pickle holds metadata that JSON cannot.
            described = describe(replace(self._header, metadata={}))
            metadata = {**metadata, "truth_fields": described["fields"]}
        # Protocol 3 has no frames, and its memo starts at 0, which nothing before it has used.
        file.write(_text(b"metadata") + pickle.dumps(metadata, protocol=3)[2:-1])
        if self._truth:
            file.write(_text(b"truth") + pickle.EMPTY_DICT + pickle.MARK)
            for field in self._header.fields:
                shape = (self._header.shape[0], *field.shape)
                file.write(_text(field.name.encode("ascii")) + _array_head(np.dtype(field.dtype), shape))
                self._copy(self._truth[field.name])
                file.write(_ARRAY_TAIL)
            file.write(pickle.SETITEMS)
        file.write(pickle.SETITEMS + pickle.STOP)

    def _copy(self, waiting: IO[bytes]) -> None:
        """Append what has waited."""
        waiting.seek(0)
        shutil.copyfileobj(waiting, self._file.file, 2**20)


def _text(text: bytes) -> bytes:
    """Pickle a text given in UTF-8."""
    if len(text) < 256:
        return pickle.SHORT_BINUNICODE + struct.pack("<B", len(text)) + text
    return pickle.BINUNICODE + struct.pack("<I", len(text)) + text


def _array_head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Pickle all that stands before an array's bytes: its constructor and state, as NumPy writes them."""
    constructor = (
        pickle.GLOBAL
        + b"numpy.core.multiarray\n_reconstruct\n"
        + (pickle.GLOBAL + b"numpy\nndarray\n")
        + (pickle.BININT1 + b"\0" + pickle.TUPLE1)
        + (pickle.SHORT_BINBYTES + b"\1b" + pickle.TUPLE3)
        + pickle.REDUCE
    )
    sizes = b"".join(map(_integer, shape)) + _TUPLES[len(shape)]
    bytes_held = struct.pack("<Q", math.prod(shape) * dtype.itemsize)
    state = (pickle.MARK + _integer(1)) + sizes + _dtype(dtype) + pickle.NEWFALSE + (pickle.BINBYTES8 + bytes_held)
    return constructor + state


_ARRAY_TAIL = pickle.TUPLE + pickle.BUILD
"""What stands after an array's bytes."""


def _dtype(dtype: np.dtype[Any]) -> bytes:
    """Pickle an array's type."""
    name = dtype.str[1:].encode("ascii")
    made = (
        pickle.GLOBAL
        + b"numpy\ndtype\n"
        + (_text(name) + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3 + pickle.REDUCE)
    )
    if dtype.itemsize == 1:
        return made
    # Version 3 of its state: the order of bytes, and nothing else.
    order = _text(dtype.str[:1].encode("ascii"))
    nothing = pickle.NONE * 3 + (pickle.BININT + struct.pack("<i", -1)) * 2 + pickle.BININT1 + b"\0"
    return made + pickle.MARK + pickle.BININT1 + b"\3" + order + nothing + pickle.TUPLE + pickle.BUILD


def _integer(value: int) -> bytes:
    """Pickle a whole number from 0 up to 2**63 - 1."""
    return pickle.LONG1 + b"\x08" + struct.pack("<q", value)
