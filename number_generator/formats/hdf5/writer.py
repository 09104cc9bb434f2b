"""HDF5: `/images`, `/labels` and attributes, in chunks compressed by the worker threads, or uncompressed.

Each array of ground truth is a dataset beside them, whose attributes say what its entries mean. If the images differ in
size, `/widths` is beside them, and `/heights` if they differ in height: only the last image tells that.

The chunks are standard deflate under HDF5's own gzip filter, so every HDF5 reader opens the file without a plug-in.
igzip (`isal`) compresses them about eight times as fast as HDF5 would, and outside the lock that h5py holds.
Without compression the images are contiguous, so that any of them can be read, or mapped into memory, alone.
"""

import math
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from isal import igzip_lib

from number_generator.formats.base_writer import Encoded
from number_generator.formats.hdf5.atomic import AtomicHdf5, make_label_type
from number_generator.formats.schema import HEIGHTS, WIDTHS
from number_generator.job.chunk import Chunk, DatasetHeader

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
# A block of ground truth, small enough to be read for one image.
_FIELD_BYTES = 256 * 2**10
_HEIGHTS_AT_ONCE = 2**20
# Spans are whole blocks of labels, with their images in memory: large pages need smaller blocks.
_LABEL_BLOCK_BYTES = 8 * 2**20


class Hdf5Writer(AtomicHdf5):
    """Write a dataset as one HDF5 file, with memory bounded by the chunks in flight."""

    def __init__(self, path: Path, header: DatasetHeader, *, overwrite: bool, compression: str = "gzip") -> None:
        count = header.shape[0]
        self._compress = compression == "gzip" and count > 0  # HDF5 cannot divide an empty dataset into chunks
        self._row = 0  # of the next chunk
        self._rows: dict[str, int] = {}  # of a block of each dataset
        self._datasets: dict[str, Any] = {}
        self._heights: IO[bytes] | None = None
        self._page_bytes = math.prod(header.array_shape[1:])
        self._image_rows = max(1, min(_CHUNK_BYTES // self._page_bytes, max(1, count)))
        # Whole numbers of image blocks make a block of labels, and whole numbers of those make a span.
        blocks = min(_LABELS_PER_CHUNK // self._image_rows, _LABEL_BLOCK_BYTES // (self._image_rows * self._page_bytes))
        self._label_rows = min(max(1, blocks) * self._image_rows, max(1, count))
        super().__init__(path, header, overwrite=overwrite)

    @property
    def span_multiple(self) -> int:
        """Images in a block of labels, a whole number of image blocks."""
        return self._label_rows

    def encode(self, chunk: Chunk) -> Encoded:
        """Compress each array of a chunk block by block, or leave it as it is; heights wait in any case."""
        arrays = {"images": self._pad_images(chunk), "labels": chunk.labels.astype(self._label_dtype, copy=False)}
        arrays |= self._pad_beside(chunk)
        if not self._compress:
            return arrays
        blocks = {name: _compress_blocks(arrays[name], self._rows[name]) for name in self._datasets}
        return {**arrays, **blocks}

    def write(self, encoded: Encoded) -> None:
        """Store a chunk's blocks or arrays as they are."""
        with self._translate_errors():
            if self._heights is not None:
                self._heights.write(encoded[HEIGHTS].tobytes())
                self._note_heights(encoded)
            if self._compress:
                # In an order that does not depend on the spans: a job gives the same bytes with any workers.
                for number in range(len(encoded["labels"])):
                    for name in self._datasets:
                        self._write_blocks(name, encoded[name], number * self._label_rows)
                self._row += len(encoded["labels"]) * self._label_rows
                self._file.write_back()
            elif len(encoded["images"]):
                stop = self._row + len(encoded["images"])
                for name, dataset in self._datasets.items():
                    # HDF5 does not turn ASCII, for which it takes NumPy's bytes, into UTF-8.
                    is_label = name == "labels"
                    dataset[self._row : stop] = encoded[name].view(self._label_dtype) if is_label else encoded[name]
                self._row = stop
                # The space of all images is allocated with the first, so the length of the file says nothing.
                self._file.write_back(self._datasets["images"].id.get_offset() + stop * self._page_bytes)

    def _write_blocks(self, name: str, blocks: list[bytes], start: int) -> None:
        """Store the blocks of a dataset that belong to the block of labels from row `start` of a chunk on."""
        dataset, rows = self._datasets[name], self._rows[name]
        rest = (0,) * (len(dataset.shape) - 1)
        first = start // rows
        stop = -(-(start + self._label_rows) // rows)  # the only block of labels of a small dataset may end anywhere
        for number, block in enumerate(blocks[first:stop], first):
            dataset.id.write_direct_chunk((self._row + number * rows, *rest), block)

    def _begin(self) -> None:
        super()._begin()
        header = self._header
        self._write_metadata()
        count = header.shape[0]
        self._label_dtype = make_label_type(header)
        self._create_dataset("images", header.array_shape, np.uint8, self._image_rows)
        self._create_dataset("labels", (count,), self._label_dtype, self._label_rows)
        if header.is_ragged:
            self._create_dataset(WIDTHS, (count,), np.int32, self._label_rows)
            self._heights = self._open_waiting_file()
        for field in header.fields:
            # Whole blocks of a field make a block of labels as well.
            row_bytes = math.prod(field.shape) * np.dtype(field.dtype).itemsize
            most = max(1, min(self._label_rows, _FIELD_BYTES // row_bytes))
            rows = next(rows for rows in range(most, 0, -1) if self._label_rows % rows == 0)
            dataset = self._create_dataset(field.name, (count, *field.shape), np.dtype(field.dtype), rows)
            for name, value in field.about.items():
                dataset.attrs[name] = value

    def _end(self) -> None:
        if self._heights is not None and self._differ_in_height:
            dataset = self._create_dataset(HEIGHTS, self._header.shape[:1], np.int32, self._label_rows)
            self._heights.seek(0)
            for start in range(0, len(dataset), _HEIGHTS_AT_ONCE):
                heights = np.frombuffer(self._heights.read(_HEIGHTS_AT_ONCE * dataset.dtype.itemsize), np.int32)
                dataset[start : start + len(heights)] = heights
        super()._end()

    def _create_dataset(self, name: str, shape: tuple[int, ...], dtype: Any, rows: int) -> Any:
        options: dict[str, Any] = {}
        if self._compress:
            options = {"chunks": (rows, *shape[1:]), "compression": "gzip", "compression_opts": _LEVEL}
        self._rows[name] = rows
        self._datasets[name] = self._h5.create_dataset(name, shape, dtype, **options)
        return self._datasets[name]


def _compress_blocks(array: npt.NDArray[Any], rows: int) -> list[bytes]:
    """Compress blocks of rows; HDF5 wants the last one padded to full size."""
    blocks = []
    for first in range(0, len(array), rows):
        block = array[first : first + rows]
        if len(block) < rows:
            padding = np.zeros((rows - len(block), *array.shape[1:]), array.dtype)
            block = np.concatenate([block, padding])
        data = np.ascontiguousarray(block).view(np.uint8)
        blocks.append(igzip_lib.compress(data, _LEVEL, igzip_lib.COMP_ZLIB, igzip_lib.MEM_LEVEL_DEFAULT, _WINDOW_BITS))
    return blocks
