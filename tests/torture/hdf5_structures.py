"""The structures of an HDF5 file: a pointer, length, count or kind in one changes, and its checksum is repaired.

Sections II to IV of the HDF5 File Format Specification, version 3.0, describe them. Addresses and lengths take 8 bytes
in all files that h5py writes. Most structures begin with a signature, by which they are found; headers of objects in
the old format have none, and are found by what refers to them.
"""

import functools
import struct
from typing import NamedTuple

__all__ = ["Structure", "compute_checksum", "find_structures", "mutated_structure"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_NOWHERE = 2**64 - 1
_BITS = 2**32 - 1
_NUMBERS = (0, 1, 2, 3, 7, 255, 0x7FFF, 0xFFFF, 2**20, 2**24 + 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63)
_LONGEST = 1300  # of what a checksum is looked for in
_STEPS = (1, 1, 1, 2)
_OLD_HEAD = 8  # bytes before each message in a header of the old format

# What follows the signatures: the widths of the fields. Those of "data" are as long as something else says.
_FIELDS = {
    # the old format
    b"TREE": (1, 1, 2, 8, 8, *(8,) * 12),  # kind, level, entries, siblings, keys and children
    b"HEAP": (1, 3, 8, 8, 8),  # sizes and addresses of a local heap
    b"SNOD": (1, 1, 2, *(8, 8, 4, 4, 8, 8) * 8),  # entries of a group: name, header, and what is cached
    b"GCOL": (1, 3, 8, *(2, 2, 4, 8, 8) * 6),  # a global heap: strings of variable length, each with its size
    # the new one
    b"FRHP": (1, 2, 2, 1, 4, *(8,) * 12, 2, 8, 8, 2, 2, 8, 2),  # a fractal heap
    b"FHDB": (1, 8, 4, 4, *(1, 2, 4, 8) * 4),  # and its blocks, of links or attributes
    b"FHIB": (1, 8, 4, *(8,) * 8),
    b"FSHD": (1, 1, *(8,) * 4, 2, 2, 2, 2, 8, 8, 8, 8),  # its free space
    b"FSSE": (1, 8, 2, 4, 8),
    b"BTHD": (1, 1, 4, 2, 2, 1, 1, 8, 2, 8),  # a tree of version 2
    b"BTLF": (1, 1, *(4, 8, 8, 8) * 8),
    b"BTIN": (1, 1, *(8, 8, 8) * 8),
    b"FAHD": (1, 1, 1, 1, 8, 8),  # an index of chunks: a fixed array
    b"FADB": (1, 1, 8, *(8, 4, 4) * 8),
    b"EAHD": (1, 1, 1, 1, 1, 1, 1, 1, *(8,) * 7),  # or an extensible one
    b"EAIB": (1, 1, 8, *(8, 4, 4) * 8),
    b"EASB": (1, 1, 8, 4, *(8,) * 6),
    b"EADB": (1, 1, 8, 4, *(8, 4, 4) * 8),
}
_WITHOUT_CHECKSUM = (b"TREE", b"HEAP", b"SNOD", b"GCOL")

_DATASPACE, _LINK_INFO, _DATATYPE, _OLD_FILL, _FILL, _LINK, _LAYOUT, _GROUP_INFO = 1, 2, 3, 4, 5, 6, 8, 10
_FILTERS, _ATTRIBUTE, _CONTINUATION, _SYMBOLS, _ATTRIBUTE_INFO = 11, 12, 16, 17, 21
# The widths of the fields of messages, in the versions that h5py writes; a second row is of a newer version.
_MESSAGES = {
    _DATASPACE: {1: (1, 1, 1, 5, *(8,) * 6), 2: (1, 1, 1, 1, *(8,) * 6)},
    _LINK_INFO: {0: (1, 1, 8, 8, 8)},
    _DATATYPE: {},  # class and version in one byte: bits, size and properties
    _OLD_FILL: {0: (4, 8)},
    _FILL: {2: (1, 1, 1, 1, 4, 8), 3: (1, 1, 4, 8)},
    _LINK: {1: (1, 1, 1, 1, 1, 8)},
    _LAYOUT: {3: (1, 1, 1, 8, *(4,) * 4), 4: (1,) * 10},  # the newer one ends with an address
    _GROUP_INFO: {0: (1, 1, 2, 2, 2, 2)},
    _FILTERS: {1: (1, 1, 6, *(2, 2, 2, 2, 8, 4, 4) * 2), 2: (1, 1, *(2, 2, 2, 4) * 2)},
    _ATTRIBUTE: {1: (1, 1, 2, 2, 2), 3: (1, 1, 2, 2, 2, 1)},
    _CONTINUATION: {},
    _SYMBOLS: {},
    _ATTRIBUTE_INFO: {0: (1, 1, 8, 8)},
}
_OF_DATATYPE = (1, 1, 1, 1, 4, 2, 2, 1, 1, 1, 1, 4)


class Structure(NamedTuple):
    """A structure in a file.

    Attributes
    ----------
    kind : str
        Its signature, "superblock", "header", or "message" with its number.
    fields : tuple of (int, int)
        Where each number lies in the file, and how many bytes it takes.
    covered : tuple of (int, int) or None
        From where to where its checksum counts; None without one.
    checksum : int
        Where that lies: after what it covers, or within it, where zeros count then.
    """

    kind: str
    fields: tuple
    covered: tuple | None = None
    checksum: int = 0


def mutated_structure(content, others, random):
    """Return a file with some numbers of its structures changed, whose checksums are right; as `mutated` otherwise."""
    structures = find_structures(content)
    changed = bytearray(content)
    for _ in range(random.choice(_STEPS)):
        # As often of each kind: most structures of a file are messages.
        kind = random.choice(sorted({structure.kind for structure in structures}))
        structure = random.choice([structure for structure in structures if structure.kind == kind])
        at, size = random.choice(structure.fields)
        value = int.from_bytes(changed[at : at + size], "little")
        new = _change_number(value, size, len(content), structures, random)
        changed[at : at + size] = (new % 2 ** (8 * size)).to_bytes(size, "little")
        _repair(changed, structure)
    return bytes(changed)


@functools.cache
def find_structures(content):
    """Return the structures of a valid file, those that lie in others as well."""
    found = list(_find_superblock(content))
    headers = set()
    if content[8] < 2:
        headers.add(struct.unpack_from("<Q", content, 64 + 4 * (content[8] == 1))[0])
    continued = []
    for signature, widths in _FIELDS.items():
        for at in _find_all(content, signature):
            fields = _lay_out(content, at + 4, widths)
            structure = _cover(content, signature.decode(), at, fields)
            if structure is not None:
                found.append(structure)
            if signature == b"SNOD":
                count = int.from_bytes(content[at + 6 : at + 8], "little")
                headers |= {struct.unpack_from("<Q", content, at + 16 + 40 * number)[0] for number in range(count)}
    for at in sorted(headers):
        found += _find_old_header(content, at)
    for at in _find_all(content, b"OHDR"):
        found += _find_new_header(content, at, continued)
    for at, size, head in continued:
        found += _find_messages(content, at + 4, at + size - 4, head, ((at, at + size - 4), at + size - 4))
    return tuple(structure for structure in found if structure.fields)


def compute_checksum(data):
    """Return Bob Jenkins's hash of bytes, lookup3's `hashlittle` from 0, which HDF5 calls a checksum."""
    length = len(data)
    words = struct.unpack(f"<{-(-length // 12) * 3}I", bytes(data).ljust(-(-length // 12) * 12, b"\0"))
    a = b = c = 0xDEADBEEF + length & _BITS
    for number in range(0, len(words), 3):
        a, b, c = (value + word & _BITS for value, word in zip((a, b, c), words[number : number + 3], strict=True))
        if number + 3 < len(words):
            for turn in (4, 6, 8, 16, 19, 4):
                a, b, c = b, c + b & _BITS, (a - c & _BITS) ^ _rotate(c, turn)
    for turn in (14, 11, 25, 16, 4, 14, 24):
        a, b, c = b, (c ^ b) - _rotate(b, turn) & _BITS, a
    return b


def _rotate(value, turn):
    return (value << turn | value >> 32 - turn) & _BITS


def _change_number(value, size, end, structures, random):
    """Return another number for a field: near its own, one of the usual ones, or an address of the file."""
    way = random.randrange(4)
    if way == 0:
        return value + random.choice((-8, -1, 1, 8, 512))
    if way == 1:
        return value * random.choice((2, 16, 256))
    if way == 2 or size < 4:
        return random.choice(_NUMBERS)
    starts = [structure.covered[0] if structure.covered else structure.fields[0][0] for structure in structures]
    return random.choice((random.choice(starts), random.randrange(end), end, end - 1, _NOWHERE))


def _repair(content, structure):
    """Make a checksum right again."""
    if structure.covered is None:
        return
    start, stop = structure.covered
    if structure.checksum < stop:
        content[structure.checksum : structure.checksum + 4] = bytes(4)
    checksum = compute_checksum(content[start:stop])
    content[structure.checksum : structure.checksum + 4] = struct.pack("<I", checksum)


def _find_superblock(content):
    assert content.startswith(_SIGNATURE)
    if content[8] >= 2:
        fields = _lay_out(content, 8, (1, 1, 1, 1, 8, 8, 8, 8))
        yield Structure("superblock", fields, (0, 44), 44)
    else:
        of_version_1 = (2, 2) if content[8] == 1 else ()
        widths = (1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 4, *of_version_1, *(8,) * 6, 4, 4, 8, 8)
        yield Structure("superblock", _lay_out(content, 8, widths))


def _find_old_header(content, at):
    """Yield a header without a signature, and the messages in it and in its further blocks."""
    yield Structure("header", _lay_out(content, at, (1, 1, 2, 4, 4)))
    blocks = [(at + 16, int.from_bytes(content[at + 8 : at + 12], "little"))]
    for start, size in blocks:
        for message in _find_messages(content, start, start + size, _OLD_HEAD, None):
            if message.kind == f"message {_CONTINUATION}":
                blocks.append(tuple(int.from_bytes(content[at : at + 8], "little") for at, _ in message.fields[-2:]))
            yield message


def _find_new_header(content, at, continued):
    """Yield a header with a signature, and its messages; its further blocks go to a list, with what they need."""
    flags = content[at + 5]
    first = at + 6 + 16 * bool(flags & 0x20) + 4 * bool(flags & 0x10)
    width = 1 << (flags & 3)
    start = first + width
    stop = start + int.from_bytes(content[first:start], "little")
    check = (at, stop), stop
    yield Structure("header", ((at + 4, 1), (at + 5, 1), (first, width)), *check)
    head = 4 + 2 * bool(flags & 4)
    for message in _find_messages(content, start, stop, head, check):
        if message.kind == f"message {_CONTINUATION}":
            block = [int.from_bytes(content[at : at + 8], "little") for at, _ in message.fields[-2:]]
            continued.append((*block, head))
        yield message


def _find_messages(content, at, stop, head, check):
    """Yield the messages of a block of a header."""
    while at + head <= stop:
        if head == _OLD_HEAD:
            kind, size = struct.unpack_from("<HH", content, at)
            own = ((at, 2), (at + 2, 2), (at + 4, 1))
        else:
            kind, size = content[at], int.from_bytes(content[at + 1 : at + 3], "little")
            own = ((at, 1), (at + 1, 2), (at + 3, 1))
        data = at + head
        if kind in _MESSAGES and size:
            widths = _MESSAGES[kind].get(content[data], (8, 8) if kind in (_CONTINUATION, _SYMBOLS) else _OF_DATATYPE)
            inside = tuple(field for field in _lay_out(content, data, widths) if sum(field) <= data + size)
            if kind == _LAYOUT and head < _OLD_HEAD:
                inside += ((data + size - 8, 8),)
            yield Structure(f"message {kind}", own + inside, *(check or ()))
        at = data + size


def _cover(content, kind, start, fields):
    """Return a structure with the place of its checksum; None if that cannot be found."""
    if kind.encode() in _WITHOUT_CHECKSUM:
        return Structure(kind, fields)
    if kind == "FHDB":
        return _cover_block(content, start, fields)
    for stop in range(start + 8, min(start + _LONGEST, len(content) - 3)):
        stored = struct.unpack_from("<I", content, stop)[0]
        if stored and stored == compute_checksum(content[start:stop]):
            return Structure(kind, tuple(field for field in fields if sum(field) <= stop), (start, stop), stop)
    return None


def _cover_block(content, start, fields):
    """Return a block of a fractal heap, whose checksum lies within; its size is among those that such heaps have."""
    for at in range(start + 13, start + 22):
        stored = content[at : at + 4]
        for size in (512, 1024, 2048, 4096):
            block = bytearray(content[start : start + size])
            block[at - start : at - start + 4] = bytes(4)
            if struct.pack("<I", compute_checksum(block)) == stored:
                inside = tuple(field for field in fields if sum(field) <= at or field[0] >= at + 4)
                return Structure("FHDB", inside, (start, start + size), at)
    return None


def _lay_out(content, at, widths):
    """Return the places of fields of some widths, one after the other, that lie in the file."""
    fields = []
    for width in widths:
        if at + width <= len(content):
            fields.append((at, width))
        at += width
    return tuple(fields)


def _find_all(content, signature):
    at = content.find(signature)
    while at >= 0:
        yield at
        at = content.find(signature, at + 1)
