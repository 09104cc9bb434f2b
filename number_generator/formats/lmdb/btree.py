"""The entries of an LMDB file, read without LMDB's own library, which crashes on a damaged file.

The file is a B+ tree of pages. Two pages at its start describe it; the one of the later transaction counts.
A page of the tree holds places of entries in the order of their keys. The entries of a branch lead to other pages,
those of a leaf to values, which lie there or, if they are large, in pages of their own. All integers are little-endian.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from pathlib import Path

from number_generator.errors import DatasetError
from number_generator.formats.paths import MalformedError, map_file, release_pages

SIGNATURE = (0xBEEFC0DE).to_bytes(4, "little")
SIGNATURE_AT = 16
"""Its offset in a file."""

_HEADER_BYTES = 16  # of a page: its number, something unused, its kind, and where its free space begins and ends
_META = struct.Struct("<4sI16xI4xQ")  # what it is, version; and of the table of free pages, the size of a page
_TABLE = struct.Struct("<4xHHQQQQQ")  # kind, depth, three counts of pages, count of entries, page of the root
_TABLE_AT = 24 + 48  # of the entries, after the table of free pages
_TRANSACTION_AT = 24 + 2 * 48 + 8
_ENTRY = struct.Struct("<HHHH")  # two halves of a size or page; flags, or more of the page; length of the key
_LONG = struct.Struct("<Q")
_VERSION = 1
_BRANCH, _LEAF, _OVERFLOW = 0x01, 0x02, 0x04
_LARGE = 0x01  # of an entry: its value lies elsewhere; the other flags are of tables in tables
_NO_PAGE = 2**64 - 1
_DEEPEST = 32  # LMDB's own limit
_PAGE_BYTES = frozenset(2**power for power in range(9, 17))


class LmdbTree:
    """The entries of the main table of an LMDB file, as they were when it was opened.

    No lock is taken, and a program may write to the file: LMDB reuses a page only after the transaction that freed it,
    so what was read is right as long as no transaction has been added. Afterwards, DatasetError is raised.

    All methods raise MalformedError if the file is not an LMDB of a 64-bit machine, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = map_file(path)
        self._held_bytes = 0
        self._transaction, self._page_bytes, at = self._find_newest_meta()
        kind, _, _, _, _, self._count, self._root = _TABLE.unpack_from(self._content, at + _TABLE_AT)
        if kind:
            raise MalformedError("its keys are not in the order of texts")
        # An entry takes at least its place and its head.
        if self._count > len(self._content) // 10:
            raise MalformedError(f"it claims {self._count} entries, more than the file can hold")

    def __len__(self) -> int:
        return self._count

    @property
    def byte_count(self) -> int:
        """Size of the file, in which values may overlap."""
        return len(self._content)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        found = next(self.items(key), None)
        return found[1] if found is not None and found[0] == key else None

    def items(self, first: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield keys and values in the order of the keys, from the first one that is not less than `first`."""
        if self._root == _NO_PAGE:
            return
        try:
            for item in self._walk(self._root, first, _DEEPEST):
                self._check_unchanged()
                yield item
        except Exception:
            self._check_unchanged()
            raise

    def close(self) -> None:
        """Close the file."""
        self._content.close()

    def _walk(self, number: int, first: bytes, depth: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield what a page of the tree holds."""
        if not depth:
            raise MalformedError("its tree is deeper than LMDB makes it")
        start, kind, places = self._read_page(number)
        if kind == _LEAF:
            for place in places[bisect_left(places, first, key=lambda place: self._read_key(start, place)) :]:
                yield self._read_key(start, place), self._read_value(start, place)
        elif kind == _BRANCH:
            # The first key of a branch counts as smaller than all others, whatever it holds.
            begin = bisect_right(places, first, lo=1, key=lambda place: self._read_key(start, place)) - 1
            for place in places[begin:]:
                low, high, top, _ = self._read_entry(start, place)
                yield from self._walk(low | high << 16 | top << 32, first, depth - 1)
                first = b""  # the later ones are read from their beginning: a hostile tree has countless paths
        else:
            raise MalformedError(f"its page {number} is of the kind {kind:#x}")

    def _check_unchanged(self) -> None:
        """Raise DatasetError if another program has added a transaction."""
        for at in (_HEADER_BYTES, self._page_bytes + _HEADER_BYTES):
            if _LONG.unpack_from(self._content, at + _TRANSACTION_AT)[0] > self._transaction:
                raise DatasetError(f"{self._path}: another program has changed it since it was opened; open it again")

    def _find_newest_meta(self) -> tuple[int, int, int]:
        """Return the last transaction, the size of a page, and where the description that counts is."""
        found: list[tuple[int, int, int]] = []
        at, size = _HEADER_BYTES, len(self._content)
        for _ in range(2):
            if at + _TRANSACTION_AT + 8 > size:
                break
            signature, version, page_bytes, _ = _META.unpack_from(self._content, at)
            if signature != SIGNATURE:
                break
            if version != _VERSION or page_bytes not in _PAGE_BYTES:
                raise MalformedError(f"it is an LMDB of version {version} with pages of {page_bytes} bytes")
            (transaction,) = _LONG.unpack_from(self._content, at + _TRANSACTION_AT)
            found.append((transaction, page_bytes, at))
            at = page_bytes + _HEADER_BYTES
        if not found:
            raise MalformedError("it is not an LMDB of a 64-bit machine")
        return max(found)

    def _read_page(self, number: int) -> tuple[int, int, tuple[int, ...]]:
        """Return start, kind and places of entries of a page."""
        start = number * self._page_bytes
        if start + self._page_bytes > len(self._content):
            raise MalformedError(f"its page {number} is missing: the file is cut short or damaged")
        kind, lower = struct.unpack_from("<HH", self._content, start + 10)
        count = (lower - _HEADER_BYTES) // 2
        if kind & _OVERFLOW or not 0 < count < self._page_bytes // 2:
            raise MalformedError(f"its page {number} is damaged")
        return start, kind, struct.unpack_from(f"<{count}H", self._content, start + _HEADER_BYTES)

    def _read_entry(self, start: int, place: int) -> tuple[int, int, int, int]:
        """Return the head of an entry of a page."""
        low, high, flags, key_bytes = _ENTRY.unpack_from(self._content, start + place)
        if place + _ENTRY.size + key_bytes > self._page_bytes:
            raise MalformedError("an entry of its tree leaves the page")
        return low, high, flags, key_bytes

    def _read_key(self, start: int, place: int) -> bytes:
        at = start + place + _ENTRY.size
        return self._content[at : at + self._read_entry(start, place)[3]]

    def _read_value(self, start: int, place: int) -> bytes:
        low, high, flags, key_bytes = self._read_entry(start, place)
        length = low | high << 16
        at = start + place + _ENTRY.size + key_bytes
        end = start + self._page_bytes
        if flags == _LARGE:
            (number,) = _LONG.unpack_from(self._content, at)
            at = number * self._page_bytes + _HEADER_BYTES
            end = len(self._content)
        elif flags:
            raise MalformedError("it holds several values for a key, or tables")
        if at + length > end:
            raise MalformedError(f"the value of {self._read_key(start, place)!r} is cut short")
        self._held_bytes = release_pages(self._content, self._held_bytes + length)
        return self._content[at : at + length]
