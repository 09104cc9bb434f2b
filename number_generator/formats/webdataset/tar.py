"""The files in a tar file, found by its headers alone: ustar, GNU's long names, and pax.

Python's `tarfile` follows a header before it is checked. One of a negative size leads it in a circle, and a pax header
of nothing but digits takes it hours.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator

from number_generator.formats.paths import MalformedError
from number_generator.formats.webdataset import BLOCK_BYTES
from number_generator.system.checks import format_value

_NO_HEADER = bytes(BLOCK_BYTES)
_SIZE, _CHECKSUM, _KIND, _PREFIX = slice(124, 136), slice(148, 156), slice(156, 157), slice(345, 500)
_FILES = (b"0", b"\0", b"7")
_SPARSE, _SPARSE_GOES_ON = b"S", 482  # and where its header says that a block of it follows, which may say so itself
_BLOCK_GOES_ON = 504
_LONG_NAME, _LONG_LINK = b"L", b"K"
_PAX, _PAX_OF_ALL = (b"x", b"X"), b"g"
_WITHOUT_CONTENT = (b"1", b"2", b"3", b"4", b"5", b"6")  # links, devices, folders, pipes, whatever size they claim
_GNU_ONLY = (_SPARSE, _LONG_NAME, _LONG_LINK)  # which keep something else where others have the prefix
_KEYS, _SPARSE_KEYS, _IS_SPARSE = (b"path", b"size"), b"GNU.sparse.", "sparse"  # of pax headers
_MOST_HEADER_BYTES = 1 << 20  # of a name or a pax header


def find_files(content: mmap.mmap, name: str) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and size of the files in a tar file called `name`, but not of links, folders and sparse files.

    Raises
    ------
    MalformedError
        If a header is damaged, or the file is cut short.
    """
    at, of_all, of_next = 0, dict[str, str](), dict[str, str]()
    while (header := content[at : at + BLOCK_BYTES]) != _NO_HEADER:
        if len(header) < BLOCK_BYTES:
            raise MalformedError(f"{name} is cut short: the empty blocks that end a tar file are missing")
        start, kind = at + BLOCK_BYTES, header[_KIND]
        size = _parse_size(header, name)
        said = of_all | of_next
        if kind not in (*_PAX, _PAX_OF_ALL, _LONG_NAME, _LONG_LINK) and "size" in said:
            size = _parse_decimal(said["size"], name)
        path = said.get("path") or _parse_path(header)
        if kind == _SPARSE:
            start = _skip_sparse_blocks(content, start, header)
        stored = 0 if kind in _WITHOUT_CONTENT else size
        if start + stored > len(content):
            raise MalformedError(f"{name} is cut short in {format_value(path)}")
        at = start - (-stored // BLOCK_BYTES) * BLOCK_BYTES
        if kind in _PAX:
            of_next |= _parse_pax(_read_header(content, start, size, name), name)
        elif kind == _PAX_OF_ALL:
            of_all |= _parse_pax(_read_header(content, start, size, name), name)
        elif kind == _LONG_NAME:
            of_next["path"] = _decode(_read_header(content, start, size, name).partition(b"\0")[0])
        elif kind != _LONG_LINK:
            of_next = {}
            if kind in _FILES and not (kind == b"\0" and path.endswith("/")) and _IS_SPARSE not in said:
                yield path, start, size


def _parse_size(header: bytes, name: str) -> int:
    """Return the size that a header gives, after its checksum has been checked."""
    expected = _parse_number(header[_CHECKSUM], name)
    # The checksum counts as eight spaces in itself.
    others = header[: _CHECKSUM.start] + b" " * 8 + header[_CHECKSUM.stop :]
    found = sum(others)
    # Some old programs count signed bytes.
    if found != expected and found - 256 * sum(byte > 127 for byte in others) != expected:
        raise MalformedError(f"{name} has a header whose checksum is wrong: it is damaged or cut short")
    return _parse_number(header[_SIZE], name)


def _parse_number(field: bytes, name: str) -> int:
    """Return a number of a header: octal digits, or if the first bit is set, big-endian bytes; never negative."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ") or b"0"
    if field[0] > 0x80 or digits.strip(b"01234567"):
        raise MalformedError(f"{name} has a header with the number {format_value(field)}: it is damaged")
    return int(digits, 8)


def _parse_decimal(text: str, name: str) -> int:
    """Return a size as a pax header gives it."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise MalformedError(f"{name} has a pax header with the size {format_value(text)}: it is damaged")
    return int(text)


def _parse_path(header: bytes) -> str:
    """Return the name that a header itself gives."""
    path = _decode(header[:100].partition(b"\0")[0])
    prefix = _decode(header[_PREFIX].partition(b"\0")[0])
    return f"{prefix}/{path}" if prefix and header[_KIND] not in _GNU_ONLY else path


def _parse_pax(content: bytes, name: str) -> dict[str, str]:
    """Return what a pax header says: records of "LENGTH KEY=VALUE" and a newline."""
    said: dict[str, str] = {}
    at = 0
    while at < len(content) and content[at]:  # what fills the last block up
        digits = content[at : at + 20].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        record = content[at + len(digits) + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not equals or not record.endswith(b"\n") or at + length > len(content):
            raise MalformedError(f"{name} has a pax header that is damaged")
        if key in _KEYS:  # all others would be carried on from header to header
            said[key.decode()] = _decode(value[:-1])
        elif key.startswith(_SPARSE_KEYS):
            said[_IS_SPARSE] = ""
        at += length
    return said


def _read_header(content: mmap.mmap, start: int, size: int, name: str) -> bytes:
    if size > _MOST_HEADER_BYTES:
        raise MalformedError(f"{name} has a name or a pax header of {size} bytes")
    return content[start : start + size]


def _skip_sparse_blocks(content: mmap.mmap, at: int, header: bytes) -> int:
    """Return the offset after the blocks that go on with the header of a sparse file in GNU's old format."""
    goes_on = header[_SPARSE_GOES_ON]
    while goes_on and at + BLOCK_BYTES <= len(content):
        goes_on = content[at + _BLOCK_GOES_ON]
        at += BLOCK_BYTES
    return at


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
