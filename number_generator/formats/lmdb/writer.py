"""LMDB as scene text recognition uses it: `image-%09d` and `label-%09d` from 1 on, and `num-samples`.

`truth-%09d` holds ground truth as JSON, `metadata` the description of the dataset.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.errors import OutputError
from number_generator.formats.base_writer import Encoded, FolderWriter
from number_generator.formats.image_encoding import encode_chunk
from number_generator.formats.lmdb import DATA_FILE
from number_generator.formats.lmdb.btree import SIGNATURE, SIGNATURE_AT, LmdbTree
from number_generator.formats.paths import reading
from number_generator.formats.schema import (
    COUNT_KEY,
    LMDB_DESCRIPTION_KEY,
    describe,
    dump_json,
    format_truth_rows,
    image_key,
    label_key,
    truth_key,
)
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.system.optional import import_optional
from number_generator.system.temporaries import NOTHING_LEFT, open_unnamed_file

# Limits of a transaction, whatever the chunks: the same job gives the same bytes, with flat memory.
_TRANSACTION_BYTES = 4 * 2**20
_TRANSACTION_ENTRIES = 4096
_SPARE_BYTES = 2**20  # for the pages above the entries, and those that a transaction frees
_GROWTH_BYTES = 16 * 2**20  # what the map grows by; readers map no more either
_BLOCK_BYTES = 2**20


class LmdbWriter(FolderWriter):
    """Write a dataset as a folder with an LMDB.

    LMDB fills its pages completely only if keys come in order. Images come first, so labels and ground truth wait in
    unnamed temporary files beside it.
    """

    def __init__(self, path: Path, header: DatasetHeader, **options: Any) -> None:
        self._lmdb = import_optional("lmdb", "lmdb", "the format lmdb")
        self._transaction: Any = None
        self._held_bytes = self._held_entries = 0
        self._number = 0
        self._label_dtype = header.label_dtype
        super().__init__(path, header, **options)

    def encode(self, chunk: Chunk) -> Encoded:
        """Encode a chunk's images, and write its ground truth as lines of JSON."""
        rows = format_truth_rows(chunk.truth, chunk.labels) if self._header.fields else []
        labels = chunk.labels.astype(self._label_dtype, copy=False)
        return {"images": encode_chunk(chunk), "labels": labels, "truth": [dump_json(row) + b"\n" for row in rows]}

    def write(self, encoded: Encoded) -> None:
        """Store a chunk's images; the rest waits."""
        with self._translate_errors():
            for image in encoded["images"]:
                self._put(image_key(self._number), image)
                self._number += 1
            self._labels.write(encoded["labels"].tobytes())
            self._truth.write(b"".join(encoded["truth"]))

    def _begin(self) -> None:
        self._description = dump_json(describe(self._header))
        # We hold a lock on the temporary folder already, and `finish` flushes it before it counts.
        self._environment = self._lmdb.open(
            os.fsencode(self.temporary_path),
            map_size=_GROWTH_BYTES,
            mode=0o666,  # less the umask, as any new file: LMDB's own mode lets nobody else write
            lock=False,
            sync=False,
            metasync=False,
        )
        self._open.callback(self._environment.close)
        self._open.callback(self._abort)
        self._labels = self._open.enter_context(open_unnamed_file(self._folder.path.parent))
        self._truth = self._open.enter_context(open_unnamed_file(self._folder.path.parent))

    def _end(self) -> None:
        self._labels.seek(0)
        rows = _BLOCK_BYTES // self._label_dtype.itemsize + 1
        number = 0
        while block := self._labels.read(rows * self._label_dtype.itemsize):
            for label in np.frombuffer(block, self._label_dtype).tolist():
                self._put(label_key(number), label)
                number += 1
        self._put(LMDB_DESCRIPTION_KEY, self._description)
        self._put(COUNT_KEY, str(self._number).encode("ascii"))
        self._truth.seek(0)
        for number, line in enumerate(self._truth):
            self._put(truth_key(number), line.rstrip())
        self._commit()

    def _put(self, key: bytes, value: bytes) -> None:
        """Append an entry, whose key must be larger than all before it."""
        size = len(key) + len(value)
        is_full = self._held_bytes + size > _TRANSACTION_BYTES or self._held_entries == _TRANSACTION_ENTRIES
        if is_full and self._held_entries:
            self._commit()
        if self._transaction is None:
            self._grow(max(size, _TRANSACTION_BYTES))
            self._transaction = self._environment.begin(write=True)
        self._transaction.put(key, value, append=True)
        self._held_bytes += size
        self._held_entries += 1

    def _grow(self, size: int) -> None:
        """Make the map large enough for entries of `size` bytes, which take up to three times as much in pages."""
        info = self._environment.info()
        least = (info["last_pgno"] + 1) * self._environment.stat()["psize"] + 3 * size + _SPARE_BYTES
        if info["map_size"] < least:
            self._environment.set_mapsize(-(-least // _GROWTH_BYTES) * _GROWTH_BYTES)

    def _commit(self) -> None:
        if self._transaction is not None:
            self._transaction.commit()
        self._transaction, self._held_bytes, self._held_entries = None, 0, 0

    def _abort(self) -> None:
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn LMDB's errors into OutputError as well."""
        with super()._translate_errors():
            try:
                yield
            except self._lmdb.Error as exc:
                reason = str(exc).rpartition(": ")[2]
                # LMDB reports a page that was written in part as a failure of the disk.
                if shutil.disk_usage(self._folder.path.parent).free < _TRANSACTION_BYTES:
                    reason = os.strerror(errno.ENOSPC)
                raise OutputError(f"cannot write {self._folder.path}: {reason}{NOTHING_LEFT}") from exc


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package."""
    path = folder / DATA_FILE
    if DATA_FILE not in names or not path.is_file():
        return None
    # LMDB's own library would end the process where the file is cut short.
    with reading(path, "Only a dataset that can be read is replaced"):
        with path.open("rb") as file:
            if not file.read(SIGNATURE_AT + len(SIGNATURE)).endswith(SIGNATURE):
                return None
        with contextlib.closing(LmdbTree(path)) as tree:
            is_ours = None not in (tree.get(COUNT_KEY), tree.get(LMDB_DESCRIPTION_KEY))
    return names - {DATA_FILE, "lock.mdb"} if is_ours else None
