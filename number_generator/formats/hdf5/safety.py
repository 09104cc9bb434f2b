"""What is checked in an HDF5 file before HDF5 reads it, and how the file is opened.

HDF5 trusts what it reads, and nothing outside of it can make it safe: that is left to the process that isolates a file.
Here is what is cheap to look at:

- Whether the data lie in the file itself. It crashes on opening a virtual dataset whose list of sources is damaged, so
  none may be opened to see what it is: its header is read here first. Section IV.A of the HDF5 File Format
  Specification, version 3.0, describes it.
- How chunks are packed, and what the dataset claims to hold. It reads past the end of a chunk that is shorter than it
  should be: `chunks` unpacks each before HDF5 does.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from number_generator.errors import DatasetReadError
from number_generator.formats.budget import FREE_BYTES
from number_generator.formats.hdf5.filters import (
    CHECKSUM,
    CHECKSUM_BYTES,
    DEFLATE,
    LZF,
    SHUFFLE,
    list_filters,
)
from number_generator.formats.hdf5.own_use import OWN_USE
from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError
from number_generator.system.checks import format_value

_KNOWN_FILTERS = frozenset({DEFLATE, SHUFFLE, CHECKSUM, LZF})
_MOST_PIECES = 1 << 12  # of an image, each in a chunk of its own

# In what HDF5 says of a file whose writer, such as one in the mode SWMR, has not closed it.
_MARKED_AS_OPEN = "h5clear"

# Headers of objects: the types of two messages, the class of a layout, and how new headers and their blocks begin.
_LAYOUT, _CONTINUATION = 8, 16
_CHUNKED, _VIRTUAL = 2, 3
_BARE_EDGES = 1  # a flag: chunks that reach over the edge are not packed, which h5py does not show
_NEW_HEADER, _NEW_BLOCK = b"OHDR", b"OCHK"
_MOST_NAMES = 5  # in an error
_MOST_BLOCKS, _MOST_BLOCK_BYTES = 256, 1 << 20


@functools.cache
def import_h5py() -> Any:
    """Return h5py, which takes a while to import, when it is first needed."""
    h5py = importlib.import_module("h5py")
    atexit.register(OWN_USE.end)  # before what h5py itself has registered
    return h5py


def open_file(path: Path) -> Any:
    """Open the file, without a lock where the file system has none."""
    try:
        return import_h5py().File(path, "r")
    except BlockingIOError as exc:
        raise DatasetReadError(f"{path}: another program is writing to this file; wait until it is done") from exc
    except OSError as exc:
        if _MARKED_AS_OPEN in str(exc):
            raise DatasetReadError(
                f"{path}: this file is being written, or the program that wrote it was killed: wait until it is done; "
                "if none is running, `h5clear -s` with the file's name removes the mark"
            ) from exc
        return import_h5py().File(path, "r", locking=False)


def find_object(file: Any, name: str) -> Any:
    """Return what lies in the file itself under a name; None for nothing, and for a link, which may lead elsewhere."""
    if not isinstance(file.get(name, getlink=True), import_h5py().HardLink):
        return None
    if is_virtual(Path(file.filename), file.id.links.get_info(name.encode()).u, file.userblock_size):
        raise MalformedError(f"the data of its `{name}` lie in other files; copy them into one")
    return file[name]


def find_dataset(file: Any, name: str) -> Any:
    """Return a dataset whose data lie in the file itself, or raise MalformedError."""
    link = file.get(name, getlink=True)
    if link is None:
        names = ", ".join(map(format_value, itertools.islice(file, _MOST_NAMES)))
        raise MalformedError(f"it has no `{name}` (it has {names or 'nothing'})")
    found = find_object(file, name)
    dataset = link if found is None else found
    if not isinstance(dataset, import_h5py().Dataset):
        raise MalformedError(f"its `{name}` is a {type(dataset).__name__}, not a dataset")
    if dataset.external:
        raise MalformedError(f"the data of its `{name}` lie in other files; copy them into one")
    return dataset


def check_layout(dataset: Any) -> None:
    """Reject data in chunks that are out of proportion, packed in unknown ways, or shorter than their checksum."""
    name = dataset.name.strip("/")
    filters = [number for number, _ in list_filters(dataset)]
    for number in filters:
        if number not in _KNOWN_FILTERS:
            raise MalformedError(f"its `{name}` is packed with HDF5 filter {number}; use gzip or none")
    if sum(number in (DEFLATE, LZF) for number in filters) > 1 or len(set(filters)) < len(filters):
        raise MalformedError(f"its `{name}` is packed more than once; use gzip once, or none")
    if CHECKSUM in filters[:-1]:  # of what is packed afterwards, whose length cannot be seen here
        raise MalformedError(f"its `{name}` has checksums beneath its compression; give them the last place, or none")
    if CHECKSUM in filters and dataset.id.chunk_iter(lambda chunk: True if chunk.size < CHECKSUM_BYTES else None):
        raise MalformedError(f"its `{name}` has a chunk that is shorter than its checksum")
    chunk_bytes = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
    file_bytes = Path(dataset.file.filename).stat().st_size
    cut = zip(dataset.shape[1:], (dataset.chunks or ())[1:], strict=False)  # not at all without chunks
    pieces = math.prod(-(-size // length) for size, length in cut)
    if pieces > _MOST_PIECES:
        raise MalformedError(f"its `{name}` has {pieces} chunks for each image; use larger ones")
    most_bytes = max(FREE_BYTES, DEFLATE_EXPANSION * file_bytes)
    if dataset.nbytes > most_bytes:
        raise MalformedError(f"its `{name}` claims {dataset.nbytes} bytes, more than the file can hold")
    if chunk_bytes > most_bytes:  # HDF5 unpacks a whole chunk to read one image
        raise MalformedError(f"its `{name}` has chunks of {chunk_bytes} bytes, more than the file can hold")


def check_stored(dataset: Any) -> None:
    """Reject what `check_layout` rejects, and a dataset that claims more than its bytes in the file can hold."""
    check_layout(dataset)
    stored_bytes = dataset.id.get_storage_size()
    if dataset.nbytes > stored_bytes * DEFLATE_EXPANSION:
        name = dataset.name.strip("/")
        raise MalformedError(f"its `{name}` claims {dataset.nbytes} bytes but only {stored_bytes} are stored")


def is_virtual(path: Path, address: int, base: int) -> bool:
    """Tell whether an object is a virtual dataset, or raise MalformedError if its header is not valid.

    The header's address is relative to `base`, where HDF5's part of the file begins.
    """
    with path.open("rb") as file:
        for kind, data in _read_messages(file, address, base):
            # Before version 3 there were no virtual datasets, and before version 4 no flags.
            if kind == _LAYOUT and len(data) >= 2 and data[0] >= 3 and data[1] == _VIRTUAL:
                return True
            if kind == _LAYOUT and len(data) >= 3 and data[0] >= 4 and data[1] == _CHUNKED and data[2] & _BARE_EDGES:
                raise MalformedError("it has chunks at an edge that are packed in another way; write it again")
    return False


def _read_messages(file: BinaryIO, address: int, base: int) -> Iterator[tuple[int, bytes]]:
    """Yield type and data of each message of an object's header."""
    start = _read(file, base + address, 16)
    is_new = start.startswith(_NEW_HEADER)
    if is_new:
        flags = start[5]
        at = 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
        width = 1 << (flags & 3)
        size = int.from_bytes(_read(file, base + address + at, width), "little")
        head_bytes = 4 + 2 * bool(flags & 4)
        blocks = [(address + at + width, size)]
    else:
        head_bytes = 8
        blocks = [(address + 16, int.from_bytes(start[8:12], "little"))]
    for number, (block, size) in enumerate(blocks):
        if number >= _MOST_BLOCKS or size > _MOST_BLOCK_BYTES:
            raise MalformedError("it has an object whose header is far too large")
        content = _read(file, base + block, size)
        if is_new and number:
            content = content.removeprefix(_NEW_BLOCK)[:-CHECKSUM_BYTES]
        at = 0
        while at + head_bytes <= len(content):
            kind = content[at] if is_new else int.from_bytes(content[at : at + 2], "little")
            length = int.from_bytes(content[at + 1 : at + 3] if is_new else content[at + 2 : at + 4], "little")
            data = content[at + head_bytes : at + head_bytes + length]
            at += head_bytes + length
            if kind == _CONTINUATION:
                half = len(data) // 2  # address and length take as many bytes in all files that h5py writes
                blocks.append((int.from_bytes(data[:half], "little"), int.from_bytes(data[half:], "little")))
            yield kind, data


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    """Read what lies at an offset; less where the file ends."""
    try:
        file.seek(at)
    except (OverflowError, ValueError):
        raise MalformedError("it has an object whose header lies beyond its end") from None
    return file.read(size)
