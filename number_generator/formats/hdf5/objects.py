"""Opening an HDF5 file and what lies in it: nothing that leads elsewhere, and no virtual dataset.

HDF5 crashes on opening a virtual dataset whose list of sources is damaged, so none may be opened to see what it is: its
header is looked at here first. The HDF5 File Format Specification, version 3.0, tells its form in section IV.A.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from number_generator.errors import DatasetReadError
from number_generator.formats.paths import MalformedError

__all__ = ["import_h5py", "is_virtual", "open_file", "own_object", "stored_dataset"]

_LAYOUT, _CONTINUATION = 8, 16  # the types of two messages
_VIRTUAL = 3  # the class of a layout
_NEW_HEADER, _NEW_BLOCK = b"OHDR", b"OCHK"
_CHECKSUM_BYTES = 4
_MOST_BLOCKS, _MOST_BLOCK_BYTES = 256, 1 << 20


def import_h5py() -> Any:
    """Return h5py, which takes a while to import, when it is first needed."""
    return importlib.import_module("h5py")


def open_file(path: Path) -> Any:
    """Open the file, without a lock where the file system has none."""
    try:
        return import_h5py().File(path, "r")
    except BlockingIOError as exc:
        raise DatasetReadError(f"{path}: another program is writing to this file; wait until it is done") from exc
    except OSError:
        return import_h5py().File(path, "r", locking=False)


def own_object(file: Any, name: str) -> Any:
    """Return what lies in the file itself under a name; None for nothing, and for a link, which may lead elsewhere."""
    if not isinstance(file.get(name, getlink=True), import_h5py().HardLink):
        return None
    if is_virtual(Path(file.filename), file.id.links.get_info(name.encode()).u, file.userblock_size):
        raise MalformedError(f"the data of its `{name}` lie in other files; copy them into one")
    return file[name]


def stored_dataset(file: Any, name: str) -> Any:
    """Return a dataset whose data lie in the file itself, or raise MalformedError."""
    link = file.get(name, getlink=True)
    if link is None:
        raise MalformedError(f"it has no `{name}`")
    found = own_object(file, name)
    dataset = link if found is None else found
    if not isinstance(dataset, import_h5py().Dataset):
        raise MalformedError(f"its `{name}` is a {type(dataset).__name__}, not a dataset")
    if dataset.external:
        raise MalformedError(f"the data of its `{name}` lie in other files; copy them into one")
    return dataset


def is_virtual(path: Path, address: int, base: int) -> bool:
    """Tell whether an object is a virtual dataset, or raise MalformedError if its header is none.

    Parameters
    ----------
    path : Path
        The file.
    address : int
        Of the object's header, relative to `base`.
    base : int
        Where HDF5's part of the file begins.
    """
    with path.open("rb") as file:
        for kind, data in _messages(file, address, base):
            # Before version 3 there were no virtual datasets.
            if kind == _LAYOUT and len(data) >= 2 and data[0] >= 3 and data[1] == _VIRTUAL:
                return True
    return False


def _messages(file: BinaryIO, address: int, base: int) -> Iterator[tuple[int, bytes]]:
    """Give type and data of each message of a header."""
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
            raise MalformedError("it has a header of an object that is out of all proportion")
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
        raise MalformedError("it has a header of an object beyond its end") from None
    return file.read(size)
