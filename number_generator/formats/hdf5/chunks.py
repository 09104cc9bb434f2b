"""Rows of an HDF5 dataset, none of which is in a chunk that HDF5 would read past the end of.

Those in one piece are read from the file itself, and chunks under the gzip filter alone are inflated here: libdeflate
takes less than half the time of HDF5's inflate. All other chunks are unpacked here before HDF5 reads them, as it
takes the length of what it unpacked for granted.
"""

from __future__ import annotations

import importlib
import itertools
import math
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.hdf5.filters import DEFLATE, list_filters, unpack_chunk
from number_generator.formats.paths import MalformedError

_DEFLATE_SKIPPED = 1  # the mask of a chunk that HDF5 stored as it was
_REFERENCE_BYTES = 16  # that lead to a string of variable length, in files whose offsets take 8
_MOST_REMEMBERED = 1 << 16
_WRONG_LENGTH = "it has a chunk that holds more or fewer bytes than its images or labels take"


class RowReader:
    """Read rows of a dataset, in the fastest way that there is; what can be checked at once is checked here.

    Attributes
    ----------
    dataset : h5py.Dataset
    dtype : numpy.dtype
    row_bytes : int
        What a row takes in memory.
    fast : ChunkReader, PieceReader or None
        What reads them without HDF5, if anything does.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.dtype: np.dtype[Any] = dataset.dtype
        self.row_bytes = math.prod(dataset.shape[1:]) * self.dtype.itemsize
        self._length = len(dataset)
        self.fast = next((kind(dataset) for kind in (ChunkReader, PieceReader) if kind.suits(dataset)), None)
        self._checker = None if dataset.chunks is None else _ChunkChecker(dataset)

    def __len__(self) -> int:
        return self._length

    def read(self, numbers: range) -> np.ndarray[Any, Any]:
        """Read the rows of a range within the dataset, or raise MalformedError."""
        rows = None if self.fast is None else self.fast.rows(numbers.start, numbers.stop, numbers.step)
        if rows is None:
            if self._checker is not None:
                self._checker.check(numbers)
            rows = self.dataset[numbers.start : numbers.stop : numbers.step]
        return rows


def read_all(dataset: Any) -> np.ndarray[Any, Any]:
    """Read all rows of a dataset."""
    return RowReader(dataset).read(range(len(dataset)))


class _ChunkChecker:
    """Unpack chunks, and reject those that are not exactly as long as their shape; sound ones are not read twice."""

    def __init__(self, dataset: Any) -> None:
        self._id = dataset.id
        self._shape: tuple[int, ...] = dataset.shape
        self._chunk_shape: tuple[int, ...] = dataset.chunks
        kind = dataset.id.get_type()
        is_reference = isinstance(kind, importlib.import_module("h5py.h5t").TypeStringID) and kind.is_variable_str()
        self._chunk_bytes = math.prod(dataset.chunks) * (_REFERENCE_BYTES if is_reference else kind.get_size())
        self._filters = list_filters(dataset)
        self._file_bytes = Path(dataset.file.filename).stat().st_size
        self._sound: set[tuple[int, ...]] = set()

    def check(self, numbers: range) -> None:
        """Raise MalformedError if a chunk that some rows lie in is not sound; one that is missing is."""
        for offset in self._list_offsets(numbers):
            if offset not in self._sound:
                self._check_chunk(offset)
                if len(self._sound) >= _MOST_REMEMBERED:
                    self._sound.clear()
                self._sound.add(offset)

    def _list_offsets(self, numbers: range) -> Iterator[tuple[int, ...]]:
        """Yield where the chunks of some rows begin."""
        length, *widths = self._chunk_shape
        if numbers.step >= length:
            firsts: Iterable[int] = (number // length * length for number in numbers)
        else:
            firsts = range(numbers.start // length * length, numbers.stop, length)
        beside = [range(0, size, width) for size, width in zip(self._shape[1:], widths, strict=True)]
        for first in firsts:
            yield from itertools.product((first,), *beside)

    def _check_chunk(self, offset: tuple[int, ...]) -> None:
        info = self._id.get_chunk_info_by_coord(offset)
        if info.byte_offset is None:
            return  # HDF5 fills in what is not stored
        if info.size > self._file_bytes:
            raise MalformedError("it has a chunk that is longer than the file")
        skipped, packed = self._id.read_direct_chunk(offset)
        try:
            data = unpack_chunk(packed, self._filters, skipped, self._chunk_bytes)
        except (ValueError, IndexError, zlib.error) as exc:
            raise MalformedError(f"it has a chunk that cannot be unpacked ({exc})") from exc
        if len(data) != self._chunk_bytes:
            raise MalformedError(_WRONG_LENGTH)


class ChunkReader:
    """Read rows of a dataset that `suits`, by its chunks of whole rows; the last chunk is kept, inflated."""

    def __init__(self, dataset: Any) -> None:
        self._id = dataset.id
        self._dtype = dataset.dtype
        self._chunk_shape: tuple[int, ...] = dataset.chunks
        self._chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
        # Rows are often read one after the other: the chunk of the last one is kept, and its number.
        self._last: tuple[int, np.ndarray[Any, Any]] | None = None
        self._deflate: Any = importlib.import_module("deflate")
        self._count = -(-dataset.shape[0] // dataset.chunks[0])
        self._is_whole: bool | None = None  # whether all chunks are stored, once that has been asked

    @staticmethod
    def suits(dataset: Any) -> bool:
        """Tell whether a dataset has chunks of whole rows under the gzip filter alone, of numbers or padded strings."""
        chunks = dataset.chunks
        if chunks is None or chunks[1:] != dataset.shape[1:]:
            return False
        if [number for number, _ in list_filters(dataset)] != [DEFLATE]:
            return False
        return _is_stored_plainly(dataset)

    def rows(self, start: int, stop: int, step: int) -> np.ndarray[Any, Any] | None:
        """Read every `step`-th row of a range within the dataset, as an array of the caller's own.

        None if a chunk is damaged or missing: HDF5 then fills in what is not stored. If one is sound but not as long as
        it should be, MalformedError is raised.
        """
        numbers = range(start, stop, step)
        rows = np.empty((len(numbers), *self._chunk_shape[1:]), self._dtype)
        length = self._chunk_shape[0]
        done = 0
        while done < len(numbers):
            number, first = divmod(numbers[done], length)
            chunk = self._read_chunk(number)
            if chunk is None:
                return None
            some = chunk[first : min(length, stop - number * length) : step]
            rows[done : done + len(some)] = some
            done += len(some)
        return rows

    def _read_chunk(self, number: int) -> np.ndarray[Any, Any] | None:
        """Read a chunk, or return None."""
        last = self._last
        if last is not None and last[0] == number:
            return last[1]
        try:
            offset = (number * self._chunk_shape[0], *(0 for _ in self._chunk_shape[1:]))
            if not self._is_stored(offset):
                return None
            skipped, data = self._id.read_direct_chunk(offset)
            if not skipped & _DEFLATE_SKIPPED:
                data = self._inflate(data)
        except (OSError, RuntimeError, ValueError, MemoryError, zlib.error):
            return None
        if len(data) != self._chunk_bytes:
            # HDF5 must not read it: it would read past the end of such a chunk, or inflate it whatever its size.
            raise MalformedError(_WRONG_LENGTH)
        chunk = np.frombuffer(data, self._dtype).reshape(self._chunk_shape)
        self._last = number, chunk
        return chunk

    def _is_stored(self, offset: tuple[int, ...]) -> bool:
        """Tell whether a chunk is stored: of one that is not, h5py asks for as many bytes as memory happens to say."""
        if self._is_whole is None:
            self._is_whole = self._id.get_num_chunks() == self._count
        return self._is_whole or self._id.get_chunk_info_by_coord(offset).byte_offset is not None

    def _inflate(self, data: bytes) -> bytes | bytearray:
        """Inflate the content of a chunk; stop one byte after the length that it should have."""
        try:
            content: bytearray = self._deflate.zlib_decompress(data, self._chunk_bytes)
        except self._deflate.DeflateError:
            # libdeflate fails in the same way on a damaged stream and on a sound one that is too long.
            inflater = zlib.decompressobj()
            longer = inflater.decompress(data, self._chunk_bytes + 1)
            if not inflater.eof and len(longer) <= self._chunk_bytes:
                raise zlib.error("the stream ends too early") from None
            return longer
        return content


class PieceReader:
    """Read rows of a dataset that `suits`, which lies in the file in one piece: h5py takes ten times as long for one.

    The descriptor is HDF5's, which has the file open as long as anything is read from it.
    """

    def __init__(self, dataset: Any) -> None:
        self._descriptor: int = dataset.file.id.get_vfd_handle()
        self._offset: int = dataset.id.get_offset()
        self._shape: tuple[int, ...] = dataset.shape[1:]
        self._dtype = dataset.dtype
        self._row_bytes = math.prod(self._shape) * self._dtype.itemsize

    @staticmethod
    def suits(dataset: Any) -> bool:
        """Tell whether a dataset of numbers or padded strings lies in one piece, in a file that HDF5 reads itself."""
        is_in_one = dataset.chunks is None and not dataset.external and dataset.id.get_offset() is not None
        return is_in_one and dataset.file.driver == "sec2" and hasattr(os, "preadv") and _is_stored_plainly(dataset)

    def rows(self, start: int, stop: int, step: int) -> np.ndarray[Any, Any] | None:
        """Read the rows of a range, as an array of the caller's own; None if they do not lie side by side."""
        if step != 1:
            return None
        rows = np.empty((stop - start, *self._shape), self._dtype)
        left = rows.view(np.uint8).reshape(-1).data
        at = self._offset + start * self._row_bytes
        while left:
            count = os.preadv(self._descriptor, [left], at)
            if not count:
                raise MalformedError("it ends before its images or labels do")
            left = left[count:]
            at += count
        return rows


def _is_stored_plainly(dataset: Any) -> bool:
    """Tell whether numbers or padded strings lie in the file as NumPy has them in memory."""
    kind = dataset.id.get_type()
    h5t = importlib.import_module("h5py.h5t")
    if isinstance(kind, h5t.TypeStringID):
        return not kind.is_variable_str() and bool(kind.get_strpad() == h5t.STR_NULLPAD)
    # Not if they take fewer bits than the type that NumPy has for them.
    return dataset.dtype.kind in "iuf" and bool(kind == h5t.py_create(dataset.dtype))
