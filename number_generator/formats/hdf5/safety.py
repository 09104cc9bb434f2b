"""What is checked in an HDF5 file before HDF5 reads it, and how the file is opened.

HDF5 trusts what it reads:

- It crashes on opening a virtual dataset whose list of sources is damaged, so none may be opened to see what it is:
  its header is read here first. Section IV.A of the HDF5 File Format Specification, version 3.0, describes it.
- It walks a damaged heap of strings for ever: where a wrong size leads it to an empty stretch, it takes steps of length
  zero. A single flipped bit is enough.
- It reads past the end of a chunk that is shorter than it should be.
- It allocates and clears the memory that a reference to a string claims, up to 4 GiB, before it looks at the string.
  Nothing in its interface shows these lengths, nor limits them, so they are read from the file itself.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import itertools
import math
import mmap
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from number_generator.errors import DatasetReadError
from number_generator.formats.hdf5.own_use import OWN_USE
from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError, map_file
from number_generator.system.checks import format_value

DEFLATE = 1
"""The number of HDF5's gzip filter."""
FREE_BYTES = 64 << 20
"""What a chunk may take in any file, however small: HDF5 unpacks a whole chunk to read one image."""

# The other filters that do not expand without end: shuffle, checksum, and h5py's own LZF.
_SHUFFLE, _CHECKSUM, _LZF = 2, 3, 32000
_KNOWN_FILTERS = frozenset({DEFLATE, _SHUFFLE, _CHECKSUM, _LZF})
_CHECKSUM_BYTES = 4

# In what HDF5 says of a file whose writer, such as one in the mode SWMR, has not closed it.
_MARKED_AS_OPEN = "h5clear"

# Headers of objects: the types of two messages, the class of a layout, and how new headers and their blocks begin.
_LAYOUT, _CONTINUATION = 8, 16
_VIRTUAL = 3
_NEW_HEADER, _NEW_BLOCK = b"OHDR", b"OCHK"
_MOST_NAMES = 5  # in an error
_MOST_BLOCKS, _MOST_BLOCK_BYTES = 256, 1 << 20

# Heaps of strings, and what refers to their objects.
_HEAP = b"GCOL\x01\0\0\0"
_HEAP_HEADER_BYTES = 16
_OBJECT_HEADER = struct.Struct("<HHIQ")  # number, references, reserved, size of the data
_REFERENCE = np.dtype([("length", "<u4"), ("heap", "<u8"), ("number", "<u4")])
# What precedes the name of an attribute: version, flags, and the sizes of name, type and shape. For each version, how
# many bytes that takes, and to a multiple of how many bytes each of the three is padded.
_ATTRIBUTE_HEADER = struct.Struct("<BBHHH")
_ATTRIBUTE_VERSIONS = {1: (8, 8), 2: (8, 1), 3: (9, 1)}
# Where the superblock says how many bytes an offset and a length take, by its version.
_SIZES_AT = {0: 13, 1: 13, 2: 9, 3: 9}


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


def list_filters(dataset: Any) -> list[tuple[int, tuple[int, ...]]]:
    """Return the filters that a dataset's chunks are packed with, in their order: number and settings."""
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(i) for i in range(properties.get_nfilters())]
    return [(number, values) for number, _, values, _ in filters]


def check_layout(dataset: Any) -> None:
    """Reject data in chunks that are out of proportion, packed in unknown ways, or shorter than their checksum."""
    name = dataset.name.strip("/")
    filters = [number for number, _ in list_filters(dataset)]
    for number in filters:
        if number not in _KNOWN_FILTERS:
            raise MalformedError(f"its `{name}` is packed with HDF5 filter {number}; use gzip or none")
    if _CHECKSUM in filters[:-1]:  # of what is packed afterwards, whose length cannot be seen here
        raise MalformedError(f"its `{name}` has checksums beneath its compression; give them the last place, or none")
    if _CHECKSUM in filters and dataset.id.chunk_iter(lambda chunk: True if chunk.size < _CHECKSUM_BYTES else None):
        raise MalformedError(f"its `{name}` has a chunk that is shorter than its checksum")
    chunk_bytes = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
    file_bytes = Path(dataset.file.filename).stat().st_size
    if chunk_bytes > max(FREE_BYTES, DEFLATE_EXPANSION * file_bytes):
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
            # Before version 3 there were no virtual datasets.
            if kind == _LAYOUT and len(data) >= 2 and data[0] >= 3 and data[1] == _VIRTUAL:
                return True
    return False


def check_heaps(path: Path, reach_bytes: int | None = None) -> None:
    """Reject a file with a damaged heap, in the whole of it or in its first and last `reach_bytes`."""
    with map_file(path) as content:
        sizes_at = _SIZES_AT[content[8]]
        if content[sizes_at : sizes_at + 2] != b"\x08\x08":
            raise MalformedError("it has strings of variable length in a file of unusual offsets")
        for at in _find_all(content, _HEAP, reach_bytes):
            _check_heap(content, at)


def check_attributes(path: Path, counts: Mapping[str, int], reach_bytes: int) -> None:
    """Reject a file with an attribute that claims a longer string than the whole file is.

    `counts` says how many strings of variable length each attribute has. HDF5 does not say where the references are:
    attributes are looked for by their names, in the first and last `reach_bytes` of the file.
    """
    with map_file(path) as content:
        for text, count in counts.items():
            name = text.encode("utf-8", "surrogateescape") + b"\0"
            for at in _find_all(content, name, reach_bytes):
                if _find_longest_claim(content, at, name, count) > len(content):
                    raise MalformedError(f"its attribute {format_value(text)} claims to be longer than the file")


def find_longest_string(path: Path, offset: int, numbers: range) -> int:
    """Return the longest length that the references to some strings claim, of a dataset in one piece."""
    count = numbers[-1] - numbers[0] + 1
    references = np.fromfile(path, _REFERENCE, count, offset=offset + numbers[0] * _REFERENCE.itemsize)
    return int(references["length"].max(initial=0))


def find_longest_string_in_chunks(path: Path, dataset: Any) -> int:
    """Return the longest length that the references to the strings of a dataset in chunks claim.

    The chunks are read from the file itself: HDF5 hands out as many bytes of an unpacked chunk as the file claims,
    whatever room there is for them. All are read: where their places are damaged, HDF5 reads others than it reports.
    """
    filters = list_filters(dataset)
    (rows,) = dataset.chunks
    needed = rows * _REFERENCE.itemsize
    places: list[tuple[int, int, int]] = []
    dataset.id.chunk_iter(lambda chunk: places.append((chunk.byte_offset, chunk.size, chunk.filter_mask)))
    longest = 0
    with map_file(path) as content:
        for start, size, skipped in places:
            # HDF5 says what is wrong with a chunk that cannot be unpacked.
            with contextlib.suppress(ValueError, IndexError, zlib.error):
                data: bytes | bytearray = content[start : start + (size if filters else needed)]
                for place in reversed(range(len(filters))):
                    if not skipped >> place & 1:
                        data = _unpack(data, *filters[place], needed)
                if len(data) < needed:
                    raise MalformedError("it has a chunk that holds fewer bytes than its labels take")
                references = np.frombuffer(data, _REFERENCE, rows)
                longest = max(longest, int(references["length"].max(initial=0)))
    return longest


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
            content = content.removeprefix(_NEW_BLOCK)[:-_CHECKSUM_BYTES]
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


def _find_all(content: mmap.mmap, wanted: bytes, reach_bytes: int | None) -> Iterator[int]:
    """Yield the offsets of some bytes in a file, or in its first and last `reach_bytes`."""
    size = len(content)
    reach = size if reach_bytes is None else min(reach_bytes, size)
    for start, stop in ((0, reach), (max(reach, size - reach), size)):
        at = content.find(wanted, start, stop)
        while at >= 0:
            yield at
            at = content.find(wanted, at + 1, stop)


def _find_longest_claim(content: mmap.mmap, at: int, name: bytes, count: int) -> int:
    """Return the longest length that the strings of an attribute claim; 0 if the name is not of an attribute."""
    for version, (header_bytes, multiple) in _ATTRIBUTE_VERSIONS.items():
        if at < header_bytes:
            continue
        found, _, *sizes = _ATTRIBUTE_HEADER.unpack_from(content, at - header_bytes)
        if found == version and sizes[0] == len(name):
            place = at + sum(-(-size // multiple) * multiple for size in sizes)
            if place + count * _REFERENCE.itemsize <= len(content):
                references = np.frombuffer(content[place : place + count * _REFERENCE.itemsize], _REFERENCE)
                return int(references["length"].max(initial=0))
    return 0


def _check_heap(content: mmap.mmap, start: int) -> None:
    """Walk over the objects of one heap as HDF5 does."""
    (heap_bytes,) = struct.unpack_from("<Q", content, start + len(_HEAP))
    end = start + heap_bytes
    if end > len(content):
        raise MalformedError("its strings of variable length are cut short")
    at = start + _HEAP_HEADER_BYTES
    while at + _OBJECT_HEADER.size <= end:
        number, _, _, data_bytes = _OBJECT_HEADER.unpack_from(content, at)
        # The object with number 0 is the free space; its size counts its header.
        step = _OBJECT_HEADER.size + (data_bytes + 7) // 8 * 8 if number else data_bytes
        if step < _OBJECT_HEADER.size or step > end - at:
            raise MalformedError("its strings of variable length are damaged")
        at += step


def _unpack(data: bytes | bytearray, filter_number: int, values: tuple[int, ...], most_bytes: int) -> bytes | bytearray:
    """Undo what a filter with its settings did to a chunk."""
    if filter_number == DEFLATE:
        return zlib.decompressobj().decompress(data, most_bytes)
    if filter_number == _LZF:
        return _unpack_lzf(data, most_bytes)
    if filter_number == _CHECKSUM:
        return data[:-_CHECKSUM_BYTES]
    # Shuffled entries of a size; without one, as for these strings, HDF5 leaves them as they are.
    return np.frombuffer(data, np.uint8).reshape(values[0] if values else 1, -1).T.tobytes()


def _unpack_lzf(data: bytes | bytearray, most_bytes: int) -> bytearray:
    """Undo h5py's LZF: runs of bytes as they are, and copies of what came up to 8 KiB before."""
    out, at = bytearray(), 0
    while at < len(data) and len(out) < most_bytes:
        control = data[at]
        at += 1
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[at]
            at += 1
        start = len(out) - ((control & 31) << 8) - data[at] - 1
        at += 1
        if start < 0:
            raise ValueError("it copies from before its beginning")
        for place in range(start, start + length + 2):  # which may reach into what it is making
            out.append(out[place])
    return out
