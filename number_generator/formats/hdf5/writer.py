"""HDF5: `/images`, `/labels` and attributes, in chunks that are compressed in the worker threads, or as they are.

Ground truth lies beside them, a dataset for each of its arrays, whose attributes tell what its entries mean.

The chunks are standard deflate under HDF5's own gzip filter, so every HDF5 reader opens the file with no plug-in.
igzip (`isal`) compresses them some eight times as fast as HDF5 would, and outside the lock that h5py holds.
Without compression the images lie in one piece, so that any of them can be read, or mapped into memory, alone.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from isal import igzip_lib

from number_generator.formats.hdf5.atomic import AtomicHdf5, label_type, write_metadata
from number_generator.formats.schema import pad
from number_generator.job.chunk import Chunk, DatasetHeader

__all__ = ["Hdf5Writer"]

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


class Hdf5Writer(AtomicHdf5):
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
        super().__init__(path, header, overwrite=overwrite)

    @property
    def span_multiple(self) -> int:
        """Images in a block of labels, a whole number of image blocks."""
        return self._label_rows

    def encode(self, chunk: Chunk) -> _Encoded:
        """Compress a chunk block by block, or take it as it is."""
        arrays = {"images": chunk.images, "labels": chunk.labels.astype(self._label_dtype, copy=False)}
        arrays |= {name: pad(chunk.truth[name], field) for name, field in self._fields.items()}
        blocks = {
            name: _compressed(array, self._rows[name]) if self._compress else [(0, array)]
            for name, array in arrays.items()
        }
        return _Encoded(chunk.span.start, len(chunk.span), blocks)

    def pack(self, encoded: _Encoded) -> dict[str, Any]:
        """Give an encoded chunk as plain values."""
        return {"start": encoded.start, "length": encoded.length, "blocks": encoded.blocks}

    def unpack(self, plain: dict[str, Any]) -> _Encoded:
        """Give an encoded chunk again."""
        return _Encoded(**plain)

    def write(self, encoded: _Encoded) -> None:
        """Store a chunk's blocks as they are."""
        if self._start is None:
            self._start = encoded.start
        first = encoded.start - self._start
        with self._translate_errors():
            if self._compress:
                # In an order that does not follow from the spans: a job gives the same bytes with any workers.
                for start in range(0, encoded.length, self._label_rows):
                    for name, blocks in encoded.blocks.items():
                        self._write_blocks(name, first, blocks, start)
                self._file.write_back()
                return
            if not encoded.length:
                return
            stop = first + encoded.length
            for name, [(_, array)] in encoded.blocks.items():
                self._datasets[name][first:stop] = array
            # All images have their place from the first of them on, so the file is as long as it will be.
            self._file.write_back(self._datasets["images"].id.get_offset() + stop * self._page_bytes)

    def _write_blocks(self, name: str, first: int, blocks: list[tuple[int, Any]], start: int) -> None:
        """Store a dataset's share of the block of labels that begins with row `start` of a chunk."""
        dataset, rows = self._datasets[name], self._rows[name]
        rest = (0,) * (len(dataset.shape) - 1)
        stop = -(-(start + self._label_rows) // rows)  # a small dataset's one block of labels ends anywhere
        for row, block in blocks[start // rows : stop]:
            dataset.id.write_direct_chunk((first + row, *rest), block)

    def _begin(self) -> None:
        super()._begin()
        header = self._header
        write_metadata(self._h5, header.metadata)
        count, height, width = header.shape
        text = label_type(header.label_length)
        self._label_dtype = np.dtype(f"S{text.itemsize}")
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
