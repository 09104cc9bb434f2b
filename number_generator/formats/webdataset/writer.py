"""WebDataset: tar files ("shards"), usually of 10,000 images: `key.png`, `key.txt` and `key.json` for each.

`dataset.json` beside them holds the description of the dataset.
"""

import re
from collections.abc import Set as AbstractSet
from itertools import repeat
from pathlib import Path
from typing import IO, Any

from number_generator.formats.base_writer import Encoded, FolderWriter
from number_generator.formats.dividing import divide_evenly
from number_generator.formats.image_encoding import encode_chunk
from number_generator.formats.schema import (
    DESCRIPTION_FILE,
    describe,
    dump_json,
    format_truth_rows,
    is_described,
    sample_key,
)
from number_generator.formats.webdataset import BLOCK_BYTES
from number_generator.job.chunk import Chunk, DatasetHeader

_SHARD = re.compile(r".+-\d{6,}\.tar", re.DOTALL)
_RECORD_BYTES = 10_240
# A member's header without name, size and checksum. It has no owner and dates from 1 January 1970: the same job gives
# the same bytes. `tarfile` takes 25 us to write the same header, three times an image.
_OWNER = b"0000644\0" + b"0000000\0" * 2
_AFTER_SIZE = b"00000000000\0"
_AFTER_CHECKSUM = (b"0" + bytes(100) + b"ustar\00000").ljust(BLOCK_BYTES - 156, b"\0")
_REST_CHECKSUM = sum(_OWNER + _AFTER_SIZE + b" " * 8 + _AFTER_CHECKSUM)


class WebDatasetWriter(FolderWriter):
    """Write a dataset as a folder of shards, whose names begin with `part`.

    There are as many as `shards` says, which differ by one image at most, or else each but the last has `shard_images`.
    """

    def __init__(
        self,
        path: Path,
        header: DatasetHeader,
        *,
        part: str = "train",
        shards: int | None = None,
        shard_images: int = 10_000,
        **options: Any,
    ) -> None:
        self._part = part
        count = header.shape[0]
        self._lengths = repeat(shard_images) if shards is None else iter(divide_evenly(count, shards))
        self._number = self._shard_end = 0
        self._shards = 0
        self._shard: IO[bytes]
        super().__init__(path, header, **options)

    def encode(self, chunk: Chunk) -> Encoded:
        """Encode a chunk's images, and write labels and ground truth as JSON, divided where the image's number goes."""
        labels = chunk.labels.tolist()
        before = [b'{"text":%s,"number":' % dump_json(label.decode()) for label in labels]
        rows = format_truth_rows(chunk.truth, chunk.labels) if chunk.truth else []
        after = [b"," + dump_json(row)[1:] for row in rows] or [b"}"] * len(labels)
        return {"images": encode_chunk(chunk), "labels": labels, "before": before, "after": after}

    def write(self, encoded: Encoded) -> None:
        """Append a chunk, to several shards if it does not fit into one."""
        with self._translate_errors():
            members: list[bytes] = []
            columns = (encoded[name] for name in ("images", "labels", "before", "after"))
            for image, label, before, after in zip(*columns, strict=True):
                if self._number == self._shard_end:
                    self._append(members)
                    self._start_shard()
                key = sample_key(self._number).encode("ascii")
                members += _make_member(key + b".png", image)
                members += _make_member(key + b".txt", label)
                members += _make_member(key + b".json", before + b"%d" % self._number + after)
                self._number += 1
            self._append(members)

    def _begin(self) -> None:
        with self._folder.create(DESCRIPTION_FILE) as file:
            file.write(dump_json(describe(self._header)) + b"\n")
        self._start_shard()

    def _end(self) -> None:
        # Two empty blocks end a tar file, which is padded to whole records.
        size = self._shard.tell() + 2 * BLOCK_BYTES
        self._shard.write(bytes(2 * BLOCK_BYTES + -size % _RECORD_BYTES))

    def _start_shard(self) -> None:
        """End a shard and start the next; the first one is written even if there are no images."""
        if self._shards:
            self._end()
            self._shard.close()
        self._shard = self._open.enter_context(self._folder.create(f"{self._part}-{self._shards:06d}.tar"))
        self._shards += 1
        self._shard_end += next(self._lengths)

    def _append(self, members: list[bytes]) -> None:
        self._shard.write(b"".join(members))
        members.clear()


def _make_member(name: bytes, content: bytes) -> tuple[bytes, bytes, bytes]:
    """Return header, content and padding of one file of a tar."""
    size = b"%011o\0" % len(content)
    checksum = b"%06o\0 " % (_REST_CHECKSUM + sum(name) + sum(size))
    header = b"".join((name.ljust(100, b"\0"), _OWNER, size, _AFTER_SIZE, checksum, _AFTER_CHECKSUM))
    return header, content, bytes(-len(content) % BLOCK_BYTES)


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package."""
    shards = {name for name in names if _SHARD.fullmatch(name)}
    if not shards or DESCRIPTION_FILE not in names or not is_described(folder):
        return None
    return names - shards - {DESCRIPTION_FILE}
