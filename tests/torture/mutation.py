"""Mutations of files: all choices are the generator's, a seeded one or Hypothesis's."""

import re
import struct

from torture.layers import LAYERS

__all__ = ["mutated"]

_STEPS = (1, 1, 1, 2, 2, 4)  # a file that is changed much is rejected at once
_WITHIN_LAYER = 0.5  # share of the mutations of files with checksums that reach beyond these
_LONGEST_RUN = 64
_SIZES = (1, 2, 4, 8)
_NUMBERS = (
    *(0, 1, 2, 3, 7, 8, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 2**24, 2**28, 2**30 + 7),
    *(2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**36, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64 - 1),
)
_WRITTEN = re.compile(rb"\d+")
_WRITTEN_NUMBERS = (
    *(b"0", b"-1", b"1e999", b"-1e999", b"1.5", b"NaN", b"null", b"true", b'"7"', b"[]", b"{}", b"07"),
    *(b"2147483648", b"4294967296", b"9223372036854775808", b"1" * 40, b"9" * 5000, b"00000000000", b"77777777777"),
)
_TOKENS = (
    *(
        b"\0",
        b"\n",
        b"\r\n",
        b"\t",
        b",",
        b'"',
        b"'",
        b"\\",
        b"/",
        b"../",
        b"/etc/",
        b"[",
        b"]",
        b"{",
        b"}",
        b"(",
        b")",
    ),
    *(b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b'"\\ud800"', b"[" * 3000, b'{"a":' * 3000, b"\x80\x05", b".", b"("),
    *(b"\xff" * 8, b"\0" * 8, b"\xff" * 64, b"\0" * 64),
)


def mutated(content, others, random):
    """Return a file's content with some mutations, in one of its layers where it has several.

    Parameters
    ----------
    content : bytes
    others : sequence of bytes
        Other files, parts of which may be spliced in.
    random : random.Random
    """
    for layer in LAYERS:
        if layer.suits(content) and random.random() < _WITHIN_LAYER:
            return layer.changed(content, lambda inner: _steps(inner, others, random), random)
    return _steps(content, others, random)


def _steps(content, others, random):
    changed = bytearray(content)
    for _ in range(random.choice(_STEPS)):
        _MUTATIONS[random.randrange(len(_MUTATIONS))](changed, others, random)
    return bytes(changed)


def _place(content, random):
    """Return a place in a file; half of them lie near bytes that are not zero, as files are mostly padding."""
    size = len(content)
    place = random.randrange(size) if size else 0
    if size and random.random() < 0.5:
        for _ in range(8):
            if content[place]:
                break
            place = random.randrange(size)
    return place


def _run(content, random):
    """Return start and end of a part of a file, mostly a short one."""
    start = _place(content, random)
    if random.random() < 0.2:
        return start, random.randint(start, len(content))
    return start, min(len(content), start + random.randint(1, _LONGEST_RUN))


def _flip(content, others, random):
    if content:
        content[_place(content, random)] ^= 1 << random.randrange(8)


def _set(content, others, random):
    if content:
        content[_place(content, random)] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _set_number(content, others, random):
    """Write a number of one of the usual sizes and orders, such as a length may be."""
    size = random.choice(_SIZES)
    if len(content) < size:
        return
    place = min(_place(content, random), len(content) - size)
    order = random.choice(("little", "big"))
    value = int.from_bytes(content[place : place + size], order)
    way = random.randrange(4)
    if way == 0:
        value += random.choice((-1, 1, -8, 8, 512))
    elif way == 1:
        value *= random.choice((2, 16, 256))
    elif way == 2:
        value = len(content) + random.randint(-1, 1)
    else:
        value = random.choice(_NUMBERS)
    content[place : place + size] = (value % 2 ** (8 * size)).to_bytes(size, order)


def _set_written(content, others, random):
    """Write another number where digits are written, as in JSON, in headers of arrays and of tars."""
    found = list(_WRITTEN.finditer(content))
    if not found:
        return
    match = random.choice(found)
    content[match.start() : match.end()] = random.choice(_WRITTEN_NUMBERS)


def _set_double(content, others, random):
    if len(content) >= 8:
        place = min(_place(content, random), len(content) - 8)
        value = random.choice((float("nan"), float("inf"), -1.0, 1e300))
        content[place : place + 8] = struct.pack(random.choice("<>") + "d", value)


def _cut(content, others, random):
    del content[_place(content, random) :]


def _delete(content, others, random):
    start, end = _run(content, random)
    del content[start:end]


def _duplicate(content, others, random):
    start, end = _run(content, random)
    content[start:start] = content[start:end]


def _swap(content, others, random):
    start, end = _run(content, random)
    if end > start:
        place = random.randrange(len(content) - (end - start) + 1)
        part = content[start:end]
        content[start:end], content[place : place + end - start] = content[place : place + end - start], part


def _insert(content, others, random):
    place = _place(content, random)
    content[place:place] = random.choice(_TOKENS)


def _overwrite(content, others, random):
    place, token = _place(content, random), random.choice(_TOKENS)
    content[place : place + len(token)] = token


def _splice(content, others, random):
    """Put a part of another file, or all that follows a place in it, into this one."""
    other = random.choice(others)
    if random.random() < 0.5:
        start, end = _run(other, random)
        place = _place(content, random)
        content[place : place + end - start] = other[start:end]
    else:
        content[_place(content, random) :] = other[_place(other, random) :]


_MUTATIONS = (
    *(_flip, _flip, _set, _set, _set_number, _set_number, _set_number, _set_written, _set_written, _set_double),
    *(_cut, _delete, _duplicate, _swap, _insert, _overwrite, _splice),
)
