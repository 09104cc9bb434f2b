"""HDF5: `/images`, `/labels` and attributes, in chunks that are compressed in the worker threads, or as they are.

Ground truth lies beside them, a dataset for each of its arrays, whose attributes tell what its entries mean.

The chunks are standard deflate under HDF5's own gzip filter, so every HDF5 reader opens the file with no plug-in.
igzip (`isal`) compresses them some eight times as fast as HDF5 would, and outside the lock that h5py holds.
Without compression the images lie in one piece, so that any of them can be read, or mapped into memory, alone.
"""

import contextlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from isal import igzip_lib

from number_generator.errors import OutputError, SpecError
from number_generator.records import padded
from number_generator.sinks.atomic import AtomicFile
from number_generator.sinks.temporaries import translated
from number_generator.spec import JSON_ATTRIBUTE, SOURCE_DIGITS, Chunk, DatasetHeader

__all__ = ["Hdf5Sink"]

# A chunk is the unit of reading. Measured with 28 x 100 images (read through h5py, one core): 32 images a chunk
# give 131,000 images/s in slices and 4,700 single random images/s; 16 give 81,000 and 6,900; 64, 135,000 and
# 2,600; 1,024, 135,000 and 155. Other sizes take as many images as fit in the same bytes.
_CHUNK_BYTES = 32 * 28 * 100
# Measured with 28 x 100 images, one core. igzip's level 1: 4.1 us and 764 bytes an image; level 0: 3.6 us and 921
# bytes; level 3: 10 us and 769 bytes; zlib's level 4: 32 us and 769 bytes. A window of 1 KiB takes as long as the
# usual one of 32 KiB and 745 bytes: ink repeats itself in the next rows or not at all, and shorter distances take
# fewer bits. It is as good or better for widths from 64 to 800 px.
_LEVEL = 1
_WINDOW_BITS = 10
# One label is read with its whole block: 512 labels of phone numbers are 5.6 kB.
_LABELS_PER_CHUNK = 512
# A block of ground truth: small enough to be read for one image.
_FIELD_BYTES = 256 * 2**10
# Spans are made of whole blocks of labels, with their images in memory: large pages take smaller blocks.
_LABEL_BLOCK_BYTES = 8 * 2**20


@dataclass(frozen=True, slots=True)
class _Encoded:
    """A chunk ready to be stored: by dataset, its blocks, each with the number of its first row."""

    start: int
    length: int
    blocks: dict[str, list[tuple[int, Any]]]


class Hdf5Sink:
    """Write a dataset as one HDF5 file, with memory bounded by the chunks in flight."""

    def __init__(self, path: Path, header: DatasetHeader, *, overwrite: bool, compress: bool = True) -> None:
        count, height, width = header.shape
        self._compress = compress and count > 0  # nothing cannot be cut into chunks
        self._start: int | None = None
        self._fields = {field.name: field for field in header.fields}
        self._rows: dict[str, int] = {}  # by dataset, those of a block
        self._datasets: dict[str, Any] = {}
        self._page_bytes = height * width
        self._image_rows = max(1, min(_CHUNK_BYTES // (height * width), max(1, count)))
        # Whole numbers of image blocks make a block of labels, and whole numbers of those make a span.
        blocks = min(_LABELS_PER_CHUNK // self._image_rows, _LABEL_BLOCK_BYTES // (self._image_rows * height * width))
        self._label_rows = min(max(1, blocks) * self._image_rows, max(1, count))
        self._file = AtomicFile(path, overwrite=overwrite)
        self._h5: Any = None
        try:
            with self._translated():
                self._create(header)
        except BaseException:
            self._discard()
            raise

    @property
    def span_multiple(self) -> int:
        """Images in a block of labels, a whole number of image blocks."""
        return self._label_rows

    @property
    def temporary_path(self) -> Path:
        """The file that is being written."""
        return self._file.temporary_path

    def encode(self, chunk: Chunk) -> _Encoded:
        """Compress a chunk block by block, or take it as it is."""
        arrays = {"images": chunk.images, "labels": chunk.labels.astype(self._label_dtype, copy=False)}
        arrays |= {name: padded(chunk.truth[name], field) for name, field in self._fields.items()}
        blocks = {
            name: _compressed(array, self._rows[name]) if self._compress else [(0, array)]
            for name, array in arrays.items()
        }
        return _Encoded(chunk.span.start, len(chunk.span), blocks)

    def write(self, encoded: _Encoded) -> None:
        """Store a chunk's blocks as they are."""
        if self._start is None:
            self._start = encoded.start
        first = encoded.start - self._start
        with self._translated():
            if self._compress:
                for name, blocks in encoded.blocks.items():
                    dataset = self._datasets[name]
                    rest = (0,) * (len(dataset.shape) - 1)
                    for row, block in blocks:
                        dataset.id.write_direct_chunk((first + row, *rest), block)
                self._file.write_back()
                return
            if not encoded.length:
                return
            stop = first + encoded.length
            for name, [(_, array)] in encoded.blocks.items():
                self._datasets[name][first:stop] = array
            # All images have their place from the first of them on, so the file is as long as it will be.
            self._file.write_back(self._datasets["images"].id.get_offset() + stop * self._page_bytes)

    def finish(self) -> None:
        """Close the HDF5 file and flush it to disk."""
        if self._h5 is not None:
            with self._translated():
                self._h5.close()
            self._h5 = None
        self._file.finish()

    def commit(self) -> None:
        """Move the file to its final name, finished first if it is not yet."""
        if self._h5 is not None:
            self.finish()
        self._file.commit()

    def __enter__(self) -> "Hdf5Sink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def _create(self, header: DatasetHeader) -> None:
        # The temporary is locked already, by us: HDF5's own lock would meet ours.
        self._h5 = h5py.File(self._file.temporary_path, "w", locking=False)
        as_json = {}
        for name, value in header.metadata.items():
            with _naming(name, value):
                if name == SOURCE_DIGITS and _are_integers(value):
                    self._h5.create_dataset(name, data=np.asarray(value, np.int64))
                elif _is_native(value):
                    self._h5.attrs[name] = value
                else:
                    json.dumps(value)
                    as_json[name] = value
        if as_json:
            with _naming(JSON_ATTRIBUTE, as_json):
                self._h5.attrs[JSON_ATTRIBUTE] = json.dumps(as_json)
        count, height, width = header.shape
        self._label_dtype = np.dtype(f"S{max(1, header.label_length)}")
        text = h5py.string_dtype("ascii", self._label_dtype.itemsize)
        self._create_dataset("images", (count, height, width), np.uint8, self._image_rows)
        self._create_dataset("labels", (count,), text, self._label_rows)
        for field in header.fields:
            # Whole blocks of a field make a block of labels, too.
            row_bytes = math.prod(field.shape) * np.dtype(field.dtype).itemsize
            most = max(1, min(self._label_rows, _FIELD_BYTES // row_bytes))
            rows = next(rows for rows in range(most, 0, -1) if self._label_rows % rows == 0)
            dataset = self._create_dataset(field.name, (count, *field.shape), np.dtype(field.dtype), rows)
            for name, value in field.about.items():
                dataset.attrs[name] = value

    def _create_dataset(self, name: str, shape: tuple[int, ...], dtype: Any, rows: int) -> Any:
        options: dict[str, Any] = {}
        if self._compress:
            options = {"chunks": (rows, *shape[1:]), "compression": "gzip", "compression_opts": _LEVEL}
        self._rows[name] = rows
        self._datasets[name] = self._h5.create_dataset(name, shape, dtype, **options)
        return self._datasets[name]

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn HDF5's errors into OutputError; after a failed write it raises RuntimeError as well."""
        with translated(self._file.path):
            try:
                yield
            except SpecError:
                raise
            except (OSError, RuntimeError, ValueError) as exc:
                found = re.search(r"error message = '([^']+)'", str(exc))
                reason = found.group(1) if found else str(exc)
                raise OutputError(f"cannot write {self._file.path}: {reason}; nothing was left behind") from exc

    def _discard(self) -> None:
        if self._h5 is not None:
            # Emptying the file gives back the space that closing it needs: HDF5 crashes at exit where it could not
            # write its last words. Closing may fail all the same, and must not keep the file from being removed.
            with contextlib.suppress(OSError):
                self._file.file.truncate(0)
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                self._h5.close()
        self._file.discard()


@contextlib.contextmanager
def _naming(name: str, value: Any) -> Iterator[None]:
    """Turn what h5py and JSON say of a metadata value into SpecError that names it."""
    try:
        yield
    except (TypeError, ValueError) as exc:
        raise SpecError(
            f"metadata {name!r} is {value!r}, which HDF5 cannot hold: give numbers, texts, or what JSON can hold"
        ) from exc


def _is_native(value: Any) -> bool:
    """Tell whether HDF5 holds a metadata value as it is: a text, a number, or a few numbers."""
    if isinstance(value, (str, float, np.generic)) or (isinstance(value, int) and -(2**63) <= value < 2**64):
        return True
    return isinstance(value, (tuple, list)) and len(value) > 0 and all(map(_is_plain_number, value))


def _are_integers(value: Any) -> bool:
    """Tell whether a value is a list of numbers that 64 bits hold."""
    return isinstance(value, list) and all(type(item) is int and -(2**63) <= item < 2**63 for item in value)


def _is_plain_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63)


def _compressed(rows: npt.NDArray[Any], length: int) -> list[tuple[int, bytes]]:
    """Compress blocks of `length` rows; HDF5 wants the last one padded to full size."""
    blocks = []
    for first in range(0, len(rows), length):
        block = rows[first : first + length]
        if len(block) < length:
            padding = np.zeros((length - len(block), *rows.shape[1:]), rows.dtype)
            block = np.concatenate([block, padding])
        data = np.ascontiguousarray(block).view(np.uint8)
        packed = igzip_lib.compress(data, _LEVEL, igzip_lib.COMP_ZLIB, igzip_lib.MEM_LEVEL_DEFAULT, _WINDOW_BITS)
        blocks.append((first, packed))
    return blocks
