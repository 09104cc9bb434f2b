"""Parquet files as Hugging Face `datasets` writes them: `data/train-00000-of-00001.parquet`, decoded to PIL images.

Columns are `image` (a PNG's bytes and name), `text`, and one for each array of ground truth. The metadata of the files
holds the description of the dataset, beside the types that `datasets` reads.
"""

import json
import math
import os
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from number_generator.formats.base_writer import Encoded, FolderWriter
from number_generator.formats.dividing import divide_evenly
from number_generator.formats.image_encoding import encode_chunk
from number_generator.formats.parquet import CARD, DATA
from number_generator.formats.schema import CHARACTER_FIELDS, PARQUET_KEY, describe, dump_json, sample_key
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
from number_generator.job.labels import count_characters
from number_generator.system.optional import import_optional

# A group is read for one image, and is in memory while it is written: 1 MB of 28 x 100 images. Groups of images that
# differ in size end where their files have so many bytes, as one of them may be larger than all others together.
_GROUP_IMAGES = 1000
_GROUP_BYTES = 8 * 2**20
_MOST_FOOTER_BYTES = 2**26
_MOST_CARD_BYTES = 2**16


class ParquetWriter(FolderWriter):
    """Write a dataset as a folder of Parquet files.

    Their names begin with `part`, which becomes the name of the split: a hyphen, which `datasets` does not allow there,
    becomes an underscore. There are as many as `shards` says, which differ by one image at most. Otherwise a file holds
    `shard_images` at most, and they differ by one group of rows.
    """

    def __init__(
        self,
        path: Path,
        header: DatasetHeader,
        *,
        part: str = "train",
        shards: int | None = None,
        shard_images: int = 100_000,
        **options: Any,
    ) -> None:
        self._arrow = import_optional("pyarrow", "parquet", "the format parquet")
        self._compute = import_optional("pyarrow.compute", "parquet", "the format parquet")
        self._parquet = import_optional("pyarrow.parquet", "parquet", "the format parquet")
        count, image_bytes = header.shape[0], math.prod(header.array_shape[1:])
        largest = _GROUP_IMAGES if header.is_ragged else _GROUP_BYTES // image_bytes
        self._rows = max(1, min(_GROUP_IMAGES, largest, shard_images))
        # Groups may end anywhere if their images differ in size, or their file ends.
        self._is_free = header.is_ragged or shards is not None
        if shards is not None:
            self._images_of_file = divide_evenly(count, shards)
        else:
            groups = -(-count // self._rows)
            files = max(1, -(-groups // (shard_images // self._rows)))
            self._images_of_file = [groups_of * self._rows for groups_of in divide_evenly(groups, files)]
        self._part = part.replace("-", "_")
        self._number = self._images = 0  # in all, and in this file
        self._waiting: list[Any] = []  # rows of a group that is not full
        self._waiting_images = self._waiting_bytes = 0
        self._file = -1
        self._stream: IO[bytes] | None = None
        self._writer: Any = None
        super().__init__(path, header, **options)

    @property
    def span_multiple(self) -> int:
        """Images in a group of rows, if all groups have as many."""
        return 1 if self._is_free else self._rows

    def encode(self, chunk: Chunk) -> Encoded:
        """Encode a chunk's images, and write each group of rows as a stream of Arrow's own format."""
        arrow = self._arrow
        pages = encode_chunk(chunk)
        texts = [label.decode() for label in chunk.labels.tolist()]
        lengths = count_characters(chunk.labels)
        groups = []
        for first in range(0, len(pages), self._rows):
            part = slice(first, first + self._rows)
            columns = [arrow.array(pages[part], arrow.binary()), arrow.array(texts[part], arrow.string())]
            columns += [
                self._make_column(chunk.truth[field.name][part], field, lengths[part]) for field in self._header.fields
            ]
            batch = arrow.RecordBatch.from_arrays(columns, [str(number) for number in range(len(columns))])
            file = arrow.BufferOutputStream()
            with arrow.ipc.new_stream(file, batch.schema) as stream:
                stream.write_batch(batch)
            groups.append(file.getvalue().to_pybytes())
        return {"groups": groups}

    def write(self, encoded: Encoded) -> None:
        """Append a chunk, group by group."""
        for part in encoded["groups"]:
            batch = self._read_group(part)
            with self._translate_errors():
                first = 0
                for last, size in enumerate(self._compute.binary_length(batch.column(0)).to_pylist(), 1):
                    self._waiting_images += 1
                    self._waiting_bytes += size
                    if self._is_group_full():
                        self._waiting.append(batch.slice(first, last - first))
                        self._write_group()
                        first = last
                if first < batch.num_rows:
                    self._waiting.append(batch.slice(first))

    def _is_group_full(self) -> bool:
        """Tell whether a group, or its file, ends with the last row that waits."""
        if self._waiting_images == self._rows or self._number + self._waiting_images == self._header.shape[0]:
            return True
        if not self._is_free:
            return False
        left = self._images_of_file[self._file] - self._images or self._images_of_file[self._file + 1]
        return self._waiting_bytes >= _GROUP_BYTES or self._waiting_images == left

    def _write_group(self) -> None:
        """Write what waits as a group of rows."""
        arrow = self._arrow
        if self._images == self._images_of_file[self._file]:
            self._start_file()
        pages, *columns = arrow.Table.from_batches(self._waiting).combine_chunks().columns
        names = [f"{sample_key(self._number + row)}.png" for row in range(len(pages))]
        images = arrow.StructArray.from_arrays([pages.chunk(0), arrow.array(names, arrow.string())], ["bytes", "path"])
        table = arrow.Table.from_arrays([images, *columns], schema=self._schema)
        self._writer.write_table(table, row_group_size=self._rows)
        self._number += len(names)
        self._images += len(names)
        self._waiting, self._waiting_images, self._waiting_bytes = [], 0, 0

    def _read_group(self, group: bytes) -> Any:
        """Return the rows of a group that `encode` wrote."""
        with self._arrow.ipc.open_stream(group) as stream:
            batch = stream.read_next_batch()
        batch.validate(full=True)  # Arrow would crash with a false one from a journal
        return batch

    def _begin(self) -> None:
        arrow = self._arrow
        image = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
        columns = [("image", image), ("text", arrow.string())]
        features: dict[str, Any] = {"image": {"_type": "Image"}, "text": {"dtype": "string", "_type": "Value"}}
        for field in self._header.fields:
            kind = arrow.from_numpy_dtype(np.dtype(field.dtype))
            feature: dict[str, Any] = {"dtype": field.dtype, "_type": "Value"}
            for _ in field.shape:
                # Every version of `datasets` reads this name; versions before 4.0 do not know "List".
                kind, feature = arrow.list_(kind), {"feature": feature, "_type": "Sequence"}
            columns.append((field.name, kind))
            features[field.name] = feature
        metadata = {
            b"huggingface": json.dumps({"info": {"features": features}}).encode("ascii"),
            PARQUET_KEY: dump_json(describe(self._header)),
        }
        self._schema = arrow.schema(columns, metadata=metadata)
        self._open.callback(self._abandon)
        self._start_file()

    def _end(self) -> None:
        self._writer.close()
        self._abandon()

    def _start_file(self) -> None:
        """End a file and start the next; the first one is written even if there are no images."""
        if self._file >= 0:
            self._end()
        self._file += 1
        self._images = 0
        name = f"{DATA}/{self._part}-{self._file:05d}-of-{len(self._images_of_file):05d}.parquet"
        self._stream = self._folder.create(name)
        # PNG is compressed already, numbers need not repeat, and the smallest image is useless as a statistic.
        self._writer = self._parquet.ParquetWriter(
            self._stream, self._schema, compression="none", use_dictionary=False, write_statistics=False
        )

    def _abandon(self) -> None:
        """Close a file, whether it is complete or not."""
        if self._writer is not None:
            # Otherwise it ends its file when it is collected as garbage, which fails unseen on a full disk.
            self._writer.is_open = False
        if self._stream is not None:
            self._stream.close()

    def _make_column(self, values: npt.NDArray[Any], field: TruthField, lengths: npt.NDArray[np.int64]) -> Any:
        """Return an array of ground truth as a column of nested lists."""
        arrow = self._arrow
        sizes = list(values.shape[1:])
        offsets = []
        if field.name in CHARACTER_FIELDS:
            lengths = np.minimum(lengths, sizes.pop(0))
            offsets.append(np.concatenate(([0], np.cumsum(lengths))))
            values = values[np.arange(values.shape[1]) < lengths[:, np.newaxis]]
        rows = len(values)
        for size in sizes:
            offsets.append(np.arange(rows + 1) * size)
            rows *= size
        column = arrow.array(np.ascontiguousarray(values).reshape(-1))
        for each in reversed(offsets):
            column = arrow.ListArray.from_arrays(arrow.array(each, arrow.int32()), column)
        return column


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package."""
    if DATA not in names:
        return None
    try:
        files = list((folder / DATA).iterdir())
    except OSError:
        return None
    strangers = {f"{DATA}/{file.name}" for file in files if not _is_ours(file)}
    if len(strangers) == len(files):
        return None
    others = names - {DATA}
    if CARD in others and _is_our_card(folder / CARD):
        others -= {CARD}
    return others or strangers


def _is_our_card(path: Path) -> bool:
    """Tell whether a card is one that this package wrote."""
    try:
        with path.open("rb") as file:
            return b"number_generator" in file.read(_MOST_CARD_BYTES)
    except OSError:
        return False


def _is_ours(path: Path) -> bool:
    """Tell whether a file is a Parquet file whose footer holds our key: it stands there as it is."""
    try:
        return PARQUET_KEY in _read_footer(path)
    except OSError:
        return False


def _read_footer(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        length, signature = int.from_bytes(file.read(4), "little"), file.read()
        if signature != b"PAR1" or length > min(size, _MOST_FOOTER_BYTES):
            return b""
        file.seek(max(0, size - 8 - length))
        return file.read(length)
