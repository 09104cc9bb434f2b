"""The IDX files of MNIST."""

import contextlib
import zlib
from pathlib import Path

from number_generator.errors import DatasetNotFoundError
from number_generator.formats.file_format import FileFormat, Lazy
from number_generator.formats.paths import MalformedError

GZIP_SIGNATURE = b"\x1f\x8b"
IMAGES_MAGIC = b"\0\0\x08\x03"
LABELS_MAGIC = b"\0\0\x08\x01"
EXTENDED_MAGIC = b"\0\0\x0c\x02"
"""Of QMNIST's labels."""
KINDS = {0x08: "uint8", 0x09: "int8", 0x0B: "int16", 0x0C: "int32", 0x0D: "float32", 0x0E: "float64"}
"""The types of numbers that IDX knows, by the third byte of a file."""
_MOST_DIMENSIONS = 4

_find_label_files = Lazy("number_generator.formats.idx.reader:label_files")


def is_idx(head: bytes) -> bool:
    """Tell whether a file that starts with these bytes is an IDX file of images or labels."""
    return head.startswith((IMAGES_MAGIC, LABELS_MAGIC, EXTENDED_MAGIC))


def is_any_idx(head: bytes) -> bool:
    """Tell whether a file that starts with these bytes is an IDX file of anything; the reader says what it must be."""
    return len(head) >= 4 and head[:2] == b"\0\0" and head[2] in KINDS and 1 <= head[3] <= _MOST_DIMENSIONS


def _matches_head(head: bytes) -> bool:
    if not head.startswith(GZIP_SIGNATURE):
        return is_any_idx(head)
    if is_any_idx(zlib.decompressobj(wbits=31).decompress(head, 4)):
        return True
    raise MalformedError("only IDX files may be gzipped: unpack the file")


def _list_source_files(path: Path) -> list[Path]:
    with contextlib.suppress(DatasetNotFoundError):  # loading says what is wrong
        return [path, *_find_label_files(path)]
    return [path]


FORMAT = FileFormat(
    name="idx",
    title="IDX files",
    file_phrase="a pair of MNIST's IDX files",
    matches_head=_matches_head,
    list_source_files=_list_source_files,
    load_arrays=Lazy("number_generator.formats.idx.reader:load"),
    load_mapped=Lazy("number_generator.formats.idx.reader:load_mapped"),
)
