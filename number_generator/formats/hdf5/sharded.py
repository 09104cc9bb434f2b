"""HDF5 shards, read as one dataset by their index: from the files themselves, never through HDF5's virtual datasets.

HDF5 silently reads a missing shard as zeros, and offers no chunks to read directly.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from number_generator.errors import NumberGeneratorError
from number_generator.formats.arrays import RawDataset
from number_generator.formats.hdf5.index_reader import VALID, is_index, read_index
from number_generator.formats.hdf5.own_use import CountedReader
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.hdf5.reader import load as load_file
from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError, check_path, reading
from number_generator.formats.schema import WIDTHS
from number_generator.job.chunk import TruthField
from number_generator.job.provenance import find_differences, read_recorded_job
from number_generator.system.checks import format_value

_VALID_SHARD = "Make this shard again by the command that the index records, or make the index again"
# An open file takes a descriptor, of which a process may have as few as 256, and a cache of HDF5's.
_MOST_OPEN = 64
# What lies in several shards is read into one array, this many bytes at a time, so that it is never in memory twice.
_PIECE_BYTES = 4 << 20


class ShardedHdf5Reader(CountedReader["_Shards"]):
    """A dataset of HDF5 shards, given their index; at most 64 files are open at once."""

    valid = VALID
    is_padded = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(check_path(path))
        with self._lend() as shards:
            self.shape = (len(shards), *shards.common.size)
            self.is_ragged, self.channels = shards.common.is_ragged, shards.common.channels
            self.chunk_length = shards.common.chunk_length
            self._fields = shards.common.fields

    @property
    def metadata(self) -> dict[str, Any]:
        """What the index says of the whole dataset, as plain Python values."""
        with self._lend() as shards:
            return copy.deepcopy(shards.index.metadata)

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the shards have."""
        return self._fields

    def _open(self) -> _Shards:
        with reading(self._path, VALID):
            return _Shards(check_path(self._path))

    def _leave_to_parent(self, handles: _Shards) -> None:
        # While the parent's files are open here, HDF5 would return them again, descriptors and all.
        handles.close()

    def _read_image(self, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        with self._lend() as shards:
            reader, row = shards.find(number)
            return reader.image(row)

    def _read_images(self, handles: _Shards, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        pieces = handles.divide(numbers)
        if len(pieces) == 1:
            [(shard, rows, _)] = pieces
            return handles.get_reader(shard).images(rows.start, rows.stop, rows.step)
        images = np.empty((len(numbers), *self.array_shape[1:]), np.uint8)
        for reader, rows, place in handles.read_pieces(pieces, images[:1].nbytes):
            images[place] = reader.images(rows.start, rows.stop, rows.step)
        return images

    def _read_sizes(self, handles: _Shards, numbers: range) -> np.ndarray[Any, np.dtype[np.int32]]:
        pieces = handles.divide(numbers)
        read = [handles.get_reader(shard).sizes(rows.start, rows.stop, rows.step) for shard, rows, _ in pieces]
        return np.concatenate([np.empty((0, 2), np.int32), *read])

    def _read_labels(self, handles: _Shards, numbers: range) -> list[str]:
        labels: list[str] = []
        for shard, rows, _ in handles.divide(numbers):
            labels += handles.get_reader(shard).labels(rows.start, rows.stop, rows.step)
        return labels

    def _read_truth(self, handles: _Shards, name: str, numbers: range) -> np.ndarray[Any, Any]:
        field = self._find_field(name)
        values = np.empty((len(numbers), *field.shape), field.dtype)
        for reader, rows, place in handles.read_pieces(handles.divide(numbers), values[:1].nbytes):
            values[place] = reader.truth(name, rows.start, rows.stop, rows.step)
        return values


def open_hdf5(path: str | os.PathLike[str]) -> Hdf5Reader | ShardedHdf5Reader:
    """Open an HDF5 dataset, of one file or of many."""
    return ShardedHdf5Reader(path) if is_index(check_path(path)) else Hdf5Reader(path)


def load(path: Path) -> RawDataset:
    """Read an HDF5 dataset, of one file or of many, into memory; raise what `load_arrays` raises."""
    if not is_index(path):
        return load_file(path)
    with ShardedHdf5Reader(path) as reader:
        count = len(reader)
        sizes = reader.sizes(0, count) if reader.is_ragged else None
        return RawDataset(reader.images(0, count), reader.labels(0, count), reader.metadata, sizes=sizes)


class _Common(NamedTuple):
    """What the images and the ground truth of all shards are, and the chunks of one of them."""

    size: tuple[int, int]  # height and width
    is_ragged: bool
    channels: int
    chunk_length: int
    fields: tuple[TruthField, ...]


class _Piece(NamedTuple):
    """Rows of one shard, and the place of the first of them in the result."""

    shard: int
    rows: range
    place: int


class _Shards:
    """The shards of an index, each of which is opened and checked when something in it is first needed."""

    def __init__(self, path: Path) -> None:
        self.index = read_index(path)
        sizes = self.index.sizes()
        self._starts = [0, *accumulate(self.index.counts)]
        self._lock = threading.Lock()
        self._open: OrderedDict[int, Hdf5Reader] = OrderedDict()
        self._checked: dict[int, tuple[int, int]] = {}
        # A shard without images is stored in another way.
        first = next((shard for shard, count in enumerate(self.index.counts) if count), 0)
        path = self.index.path(first)
        with Hdf5Reader(path) as reader:
            self.common = _find_common(reader)
            self._check(first, path, reader)
        # What is read is bounded by the size of the files.
        for name, count, size in zip(self.index.names, self.index.counts, sizes, strict=True):
            if count * math.prod(self.common.size) * self.common.channels > size * DEFLATE_EXPANSION:
                raise MalformedError(f"its shard {format_value(name)} takes {size} bytes, too few for {count} images")

    def __len__(self) -> int:
        return self._starts[-1]

    def find(self, number: int) -> tuple[Hdf5Reader, int]:
        """Return the reader of an image, and its number there."""
        shard = bisect_right(self._starts, number) - 1
        return self.get_reader(shard), number - self._starts[shard]

    def divide(self, numbers: range) -> list[_Piece]:
        """Divide a range of images into those of each shard."""
        pieces = []
        place = 0
        count = len(numbers)
        while place < count:
            number = numbers[place]
            shard = bisect_right(self._starts, number) - 1
            first = self._starts[shard]
            rows = range(number - first, min(numbers.stop, self._starts[shard + 1]) - first, numbers.step)
            pieces.append(_Piece(shard, rows, place))
            place += len(rows)
        return pieces

    def read_pieces(self, pieces: list[_Piece], row_bytes: int) -> Iterator[tuple[Hdf5Reader, range, slice]]:
        """Yield readers, rows to read from each, and their places, few enough to be read at once."""
        length = max(1, _PIECE_BYTES // max(1, row_bytes))
        for shard, rows, place in pieces:
            reader = self.get_reader(shard)
            for done in range(0, len(rows), length):
                some = rows[done : done + length]
                # A part of a range may end beyond it.
                bounded = range(some.start, min(some.stop, rows.stop), rows.step)
                yield reader, bounded, slice(place + done, place + done + len(some))

    def get_reader(self, shard: int) -> Hdf5Reader:
        """Return the reader of a shard."""
        with self._lock:
            reader = self._open.pop(shard, None)
            if reader is None:
                reader = self._open_shard(shard)
            self._open[shard] = reader
            if len(self._open) > _MOST_OPEN:
                # Not closed: another thread may be reading from it. Its file closes with the last reference to it.
                self._open.popitem(last=False)
            return reader

    def close(self) -> None:
        """Close all that is open."""
        while self._open:
            with contextlib.suppress(NumberGeneratorError):
                self._open.popitem()[1].close()

    def _open_shard(self, shard: int) -> Hdf5Reader:
        """Open a shard and check it."""
        with reading(self.index.file, VALID):
            path = self.index.path(shard)
            reader = Hdf5Reader(path)
            try:
                self._check(shard, path, reader)
            except BaseException:
                reader.close()
                raise
            return reader

    def _check(self, shard: int, path: Path, reader: Hdf5Reader) -> None:
        """Reject a file that is not the shard that the index names; one that has not changed is checked once."""
        with reading(path, _VALID_SHARD):
            found = path.stat()
            state = found.st_ino, found.st_mtime_ns
            if self._checked.get(shard) != state:
                self._check_content(shard, reader)
            self._checked[shard] = state

    def _check_content(self, shard: int, reader: Hdf5Reader) -> None:
        """Raise MalformedError if a file is not the shard that the index names."""
        index, metadata = self.index, reader.metadata
        name, recorded, place = index.file.name, metadata.get("shard"), f"{shard}/{len(index.names)}"
        if recorded != place:
            raise MalformedError(
                f"it is shard {format_value(recorded)}, but according to {name} it should be {place!r}"
            )
        changes = find_differences(index.metadata, metadata, ignoring={"shard"})
        if changes:
            raise MalformedError(f"its job is not that of {name}: {'; '.join(changes)}")
        start, start_of_whole = (read_recorded_job(of).get("start") for of in (metadata, index.metadata))
        if start_of_whole is not None and start != start_of_whole + self._starts[shard]:
            raise MalformedError(
                f"it begins with image {start}, but according to {name} it should begin with "
                f"{start_of_whole + self._starts[shard]}"
            )
        if len(reader) != index.counts[shard]:
            raise MalformedError(
                f"it has {len(reader)} images, but according to {name} it should have {index.counts[shard]}"
            )
        arrays, common = (_list_kinds(of) for of in (_find_common(reader), self.common))
        if arrays != common:
            raise MalformedError(f"its arrays are {arrays}, but those of the other shards are {common}")


def _find_common(reader: Hdf5Reader) -> _Common:
    return _Common(reader.shape[1:], reader.is_ragged, reader.channels, reader.chunk_length, reader.fields)


def _list_kinds(common: _Common) -> dict[str, Any]:
    """Return the shape and the type of an entry of each array, but for labels, which become texts."""
    kinds: dict[str, Any] = {"images": common.size if common.channels == 1 else (*common.size, common.channels)}
    if common.is_ragged:
        kinds[WIDTHS] = ()
    return kinds | {field.name: (*field.shape, field.dtype) for field in common.fields}
