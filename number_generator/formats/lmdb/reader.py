"""LMDB as used in text recognition: `image-%09d`, `label-%09d` and `num-samples`; read without LMDB's own library."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from number_generator.formats.encoded_reader import IMAGE, LABEL, TRUTH, EncodedReader
from number_generator.formats.lmdb import DATA_FILE
from number_generator.formats.lmdb.btree import LmdbTree
from number_generator.formats.paths import MalformedError, check_path
from number_generator.formats.schema import (
    COUNT_KEY,
    LMDB_DESCRIPTION_KEY,
    TEXT,
    Description,
    image_key,
    is_plain_text,
    label_key,
    read_description,
    truth_key,
)
from number_generator.system.checks import format_value

_KEYS = {IMAGE: image_key, LABEL: label_key, TRUTH: truth_key}
_COUNT = re.compile(rb"\s*(\d{1,18})\s*")


class LmdbReader(EncodedReader[LmdbTree]):
    """An LMDB, given the folder of its `data.mdb`, or the file."""

    valid = (
        "A valid LMDB holds `num-samples`, and for each image, from 1 on, `image-%09d` (a PNG or JPEG image) and "
        "`label-%09d` (text), as PARSeq, deep-text-recognition-benchmark and PaddleOCR read them"
    )

    def _open(self) -> LmdbTree:
        path = self._path / DATA_FILE if self._path.is_dir() else self._path
        return LmdbTree(check_path(path))

    def _count_images(self, handles: LmdbTree) -> int:
        value = handles.get(COUNT_KEY)
        if value is None:
            raise MalformedError("it has no `num-samples`")
        match = _COUNT.fullmatch(value)
        if match is None:
            raise MalformedError(f"its `num-samples` is {format_value(value)}, not a number")
        count = int(match[1])
        # An image and a label each.
        if 2 * count > len(handles):
            raise MalformedError(f"it claims {count} images and has {len(handles)} entries")
        return count

    def _count_bytes(self, handles: LmdbTree) -> int:
        return handles.byte_count

    def _describe(self, handles: LmdbTree) -> Description:
        text = handles.get(LMDB_DESCRIPTION_KEY)
        if text is not None:
            # Other programs may have something else under this name.
            with contextlib.suppress(MalformedError, UnicodeDecodeError):
                if is_plain_text(text.decode()):
                    return Description(metadata={TEXT: text.decode()})
                described = read_description(text, "metadata")
                if described.shape is not None:
                    return described
        return Description()

    def _read_encoded(self, handles: LmdbTree, kind: int, numbers: range) -> Iterator[tuple[str, bytes]]:
        # Neighbours lie side by side and are not looked up one by one.
        items: Iterator[tuple[bytes, bytes]] = iter(())
        for number in numbers:
            key = _KEYS[kind](number)
            found = next(items, None)
            if found is None or found[0] != key:
                items = handles.items(key)
                found = next(items, None)
            if found is None or found[0] != key:
                raise MalformedError(f"it has no `{key.decode()}`")
            yield key.decode(), found[1]
