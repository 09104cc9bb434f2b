"""The pickle of version 0.0.1, `{"images": ..., "labels": ..., "metadata": ...}`, streamed with flat memory.

Ground truth, if there is any, is a fourth entry, `truth`: a dictionary of arrays. Sizes of the images, if they differ,
are arrays beside them.
It uses protocol 4, and the names that NumPy has kept for old pickles: `pickle.load` reads it under NumPy 1.26 and 2.
The opcodes around the image bytes are written one by one, so that the images never need to be in memory all at once.
"""

import math
import pickle
import shutil
import struct
from dataclasses import replace
from typing import Any

import numpy as np

from number_generator.formats.base_writer import Encoded, FileWriter
from number_generator.formats.schema import describe
from number_generator.job.chunk import Chunk

_PROTOCOL = 4
_COPY_BYTES = 2**20
_TUPLES = (pickle.EMPTY_TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)


class PickleWriter(FileWriter):
    """Write a dataset as one pickle.

    The images come first in the file, so everything else waits in unnamed temporary files beside it.
    """

    def encode(self, chunk: Chunk) -> Encoded:
        """Pickle a chunk's labels, and pad its ground truth."""
        labels = [_pickle_text(label) for label in chunk.labels.tolist()]
        return {"images": self._pad_images(chunk), "labels": labels, **self._pad_beside(chunk)}

    def write(self, encoded: Encoded) -> None:
        """Append a chunk's images; the rest waits."""
        with self._translate_errors():
            self._file.file.write(encoded["images"].data)
            for name, file in self._waiting.items():
                file.write(b"".join(encoded[name]) if name == "labels" else encoded[name].tobytes())
            self._note_heights(encoded)
            self._file.write_back()

    def _begin(self) -> None:
        self._file.file.write(pickle.PROTO + struct.pack("<B", _PROTOCOL) + pickle.EMPTY_DICT + pickle.MARK)
        self._file.file.write(
            _pickle_text(b"images") + _pickle_array_head(np.dtype(np.uint8), self._header.array_shape)
        )
        self._waiting = self._open_waiting_files()

    def _end(self) -> None:
        file, fields = self._file.file, self._header.fields
        file.write(_ARRAY_TAIL)
        file.write(_pickle_text(b"labels") + pickle.EMPTY_LIST + pickle.MARK)
        self._append_waiting("labels")
        file.write(pickle.APPENDS)
        for name in self._list_sizes():
            self._append_array(name, np.dtype(np.int32), ())
        metadata = self._header.metadata
        if fields:
            # The metadata itself stays as it is: a pickle can hold values that JSON cannot.
            described = describe(replace(self._header, metadata={}))
            metadata = {**metadata, "truth_fields": described["fields"]}
        # Protocol 3 has no frames, and its memo starts at 0, which nothing before it has used.
        file.write(_pickle_text(b"metadata") + pickle.dumps(metadata, protocol=3)[2:-1])
        if fields:
            file.write(_pickle_text(b"truth") + pickle.EMPTY_DICT + pickle.MARK)
            for field in fields:
                self._append_array(field.name, np.dtype(field.dtype), field.shape)
            file.write(pickle.SETITEMS)
        file.write(pickle.SETITEMS + pickle.STOP)

    def _append_array(self, name: str, dtype: np.dtype[Any], entry: tuple[int, ...]) -> None:
        """Append the entry of a dictionary, an array that waits, with an entry of this shape for each image."""
        head = _pickle_array_head(dtype, (self._header.shape[0], *entry))
        self._file.file.write(_pickle_text(name.encode("ascii")) + head)
        self._append_waiting(name)
        self._file.file.write(_ARRAY_TAIL)

    def _append_waiting(self, name: str) -> None:
        self._waiting[name].seek(0)
        shutil.copyfileobj(self._waiting[name], self._file.file, _COPY_BYTES)


def _pickle_text(text: bytes) -> bytes:
    """Pickle UTF-8 bytes as a text."""
    if len(text) < 256:
        return pickle.SHORT_BINUNICODE + struct.pack("<B", len(text)) + text
    return pickle.BINUNICODE + struct.pack("<I", len(text)) + text


def _pickle_array_head(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Pickle what precedes an array's bytes: its constructor and state, as NumPy writes them."""
    constructor = (
        pickle.GLOBAL
        + b"numpy.core.multiarray\n_reconstruct\n"
        + (pickle.GLOBAL + b"numpy\nndarray\n")
        + (pickle.BININT1 + b"\0" + pickle.TUPLE1)
        + (pickle.SHORT_BINBYTES + b"\1b" + pickle.TUPLE3)
        + pickle.REDUCE
    )
    sizes = b"".join(map(_pickle_integer, shape))
    sizes = sizes + _TUPLES[len(shape)] if len(shape) < len(_TUPLES) else pickle.MARK + sizes + pickle.TUPLE
    bytes_held = struct.pack("<Q", math.prod(shape) * dtype.itemsize)
    state = pickle.MARK + _pickle_integer(1) + sizes + _pickle_dtype(dtype) + pickle.NEWFALSE
    return constructor + state + pickle.BINBYTES8 + bytes_held


_ARRAY_TAIL = pickle.TUPLE + pickle.BUILD
"""What follows an array's bytes."""


def _pickle_dtype(dtype: np.dtype[Any]) -> bytes:
    """Pickle an array's type."""
    name = dtype.str[1:].encode("ascii")
    made = (
        pickle.GLOBAL
        + b"numpy\ndtype\n"
        + (_pickle_text(name) + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3 + pickle.REDUCE)
    )
    if dtype.itemsize == 1:
        return made
    # Version 3 of its state: the byte order, and nothing else.
    order = _pickle_text(dtype.str[:1].encode("ascii"))
    nothing = pickle.NONE * 3 + (pickle.BININT + struct.pack("<i", -1)) * 2 + pickle.BININT1 + b"\0"
    return made + pickle.MARK + pickle.BININT1 + b"\3" + order + nothing + pickle.TUPLE + pickle.BUILD


def _pickle_integer(value: int) -> bytes:
    """Pickle an integer from 0 to 2**63 - 1."""
    return pickle.LONG1 + b"\x08" + struct.pack("<q", value)
