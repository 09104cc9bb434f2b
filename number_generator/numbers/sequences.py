"""Sequences of digits and signs: the alphabet, sequences packed into arrays, and their labels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.errors import SpecError
from number_generator.job.spec import MAX_IMAGE_NUMBER, MAX_LENGTH, NumberSource, Sequences, Span
from number_generator.system.checks import check_integer, check_ordered, check_seed, format_value

PLAIN = "0123456789-.,/()+ "
"""Digits and separators: what wildcards of patterns stand for, and what phone numbers are written with."""

ALPHABET = PLAIN + ":$€£¥%#*='"
"""The characters of sequences: code k is character k. The first ten are digits, the others signs."""

WRITTEN = f"digits from 0 to 9 and the signs {' '.join(ALPHABET[10:].replace(' ', ''))} and space"
"""The same in words, for messages."""

_JOINT = "\n"
_DRAWN_BYTES = 2**24  # of characters and offsets at a time
# Characters that may be in a text become one byte each: Latin-1 has all but one, which takes the place of a control.
_LATIN = "latin-1"
_EURO, _STAND_IN = "€", "\x80"
_AS_LATIN = str.maketrans({_STAND_IN: "?", _EURO: _STAND_IN})
_LETTERS = np.frombuffer(ALPHABET.translate(_AS_LATIN).encode(_LATIN), np.uint8)
_DIGITS = _LETTERS[:10]
_NO_CODE = 255
_CODES = np.full(256, _NO_CODE, np.uint8)
_CODES[_LETTERS] = np.arange(len(_LETTERS))
# The bytes of each character in UTF-8, and how many they are.
_UTF8 = np.array([list(character.encode().ljust(4, b"\0")) for character in ALPHABET], np.uint8)
_UTF8_SIZES = np.array([len(character.encode()) for character in ALPHABET])


@dataclass(frozen=True, slots=True, eq=False)
class FixedNumbers:
    """Given sequences: image number `first + k` shows sequence k of `packed`.

    They may be a part of more, so `alphabet` is what was given with them.
    """

    packed: Sequences
    first: int = 0
    alphabet: str | None = None
    longest: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "longest", self.packed.longest)

    def digits_before(self, number: int) -> int:
        """Count the digits of all images before image `number`."""
        offsets = self.packed.offsets
        return int(offsets[min(number - self.first, len(offsets) - 1)])

    def sequences(self, seed: int, span: Span) -> Sequences:
        """Return the sequences of the images in `span`, whatever the seed."""
        offsets = self.packed.offsets[span.start - self.first : span.stop - self.first + 1]
        return Sequences(self.packed.codes[offsets[0] : offsets[-1]], offsets - offsets[0])

    def describe(self) -> dict[str, Any]:
        """Return an entry for a file's metadata: the numbers were given."""
        return {"numbers": "given"} | ({} if self.alphabet is None else {"alphabet": self.alphabet})


class DrawnNumbers:
    """What sources of drawn numbers have in common."""

    __slots__ = ()

    def digits_before(self: NumberSource, number: int) -> int:
        """Return an upper bound of the characters of all images before image `number`."""
        return number * self.longest

    def draw(self: NumberSource, count: int, *, seed: int | None = None, start: int = 0) -> list[str]:
        """Draw numbers as strings, without images.

        Parameters
        ----------
        count : int
            How many, 0 or more.
        seed : int, optional
            From 0 to 2**64 - 1. None takes fresh entropy.
        start : int, default 0
            The image number of the first: number `start + k` is the same whatever the other arguments.

        Returns
        -------
        list of str

        Raises
        ------
        SpecError
            If an argument is out of range.
        """
        count = check_integer("count", count, 0)
        start = check_integer("start", start, 0, MAX_IMAGE_NUMBER)
        key = check_seed(seed)
        check_integer("start + count", start + count, 0, MAX_IMAGE_NUMBER)
        strings: list[str] = []
        for span in Span(start, start + count).split(max(1, _DRAWN_BYTES // (self.longest + 8))):
            drawn = self.sequences(key, span)
            text = _LETTERS[drawn.codes].tobytes().decode(_LATIN).replace(_STAND_IN, _EURO)
            strings += [text[first:end] for first, end in pairwise(drawn.offsets.tolist())]
        return strings


def pack_sequences(sequences: Any) -> Sequences:
    """Check strings, sequences of int, or an integer ndarray of shape (N, L), and pack them.

    They hold digits 0 to 9, and in strings the signs of `ALPHABET` too; at most 10,000 per sequence. An empty
    sequence is a blank page. SpecError for anything else.
    """
    if isinstance(sequences, (str, bytes)):
        raise SpecError(
            f"sequences is the single text {format_value(sequences)}: give a list of them, [{format_value(sequences)}]"
        )
    if isinstance(sequences, np.ndarray) and sequences.dtype.kind not in "USO":
        return _pack_array(sequences)
    check_ordered("sequences", sequences)
    try:
        items = list(sequences)
    except TypeError:
        raise SpecError(
            f"sequences is {format_value(sequences)}: give a list of strings, a list of lists of digits, "
            "or an integer array of shape (N, L)"
        ) from None
    try:
        text = _JOINT.join(items)
    except TypeError:  # not only strings
        packed = _pack_digits(items)
    else:
        packed = _pack_strings(items, text)
    if packed.longest > MAX_LENGTH:
        index = int(np.argmax(np.diff(packed.offsets)))
        raise SpecError(f"sequence {index} has {packed.longest} digits: at most {MAX_LENGTH} are possible; split it")
    return packed


def list_characters(codes: npt.NDArray[np.uint8]) -> str:
    """Return the characters that occur among codes, each once, in the order of `ALPHABET`."""
    return "".join(ALPHABET[code] for code in np.flatnonzero(np.bincount(codes)))


def check_alphabet(alphabet: Any, packed: Sequences) -> str | None:
    """Return the characters of `alphabet` in the order of `ALPHABET`, or None for None.

    SpecError if it has others, or lacks one that a sequence holds.
    """
    if alphabet is None:
        return None
    if not isinstance(alphabet, str):
        raise SpecError(f"alphabet is {format_value(alphabet)}: give some of the {WRITTEN}, as a string")
    unknown = [character for character in alphabet if character not in ALPHABET]
    if unknown:
        raise SpecError(f"alphabet is {format_value(alphabet)}, which holds {unknown[0]!r}: give some of the {WRITTEN}")
    missing = [character for character in list_characters(packed.codes) if character not in alphabet]
    if missing:
        raise SpecError(
            f"alphabet is {format_value(alphabet)} and a sequence holds {missing[0]!r}: give all characters of all "
            "sequences, also of those that come in other parts"
        )
    return "".join(character for character in ALPHABET if character in alphabet)


def format_labels(sequences: Sequences, length: int, *, digits_only: bool = False) -> npt.NDArray[np.bytes_]:
    """Return the numbers as an array of shape (n,) of UTF-8 bytes, padded with NUL.

    They take `length` bytes, and more only where characters beyond ASCII need them. `digits_only` leaves the signs out.
    """
    from number_generator._kernels import layout  # noqa: PLC0415 - compiled code loads when it is used

    if not digits_only and sequences.codes.max(initial=0) >= len(PLAIN):
        sizes = _UTF8_SIZES[sequences.codes]
        if sizes.max() > 1:
            return _format_beyond_ascii(sequences, sizes, length)
    text = np.empty((len(sequences), max(1, length)), np.uint8)
    layout.write_labels(sequences.codes, sequences.offsets, _DIGITS if digits_only else _LETTERS, text)
    return text.reshape(-1).view(f"S{max(1, length)}")


def count_label_bytes(alphabet: str | None, longest: int) -> int | None:
    """Return an upper bound of the bytes of a label of `longest` characters, or None if all are ASCII."""
    widest = max((len(character.encode()) for character in (ALPHABET if alphabet is None else alphabet)), default=1)
    return widest * longest if widest > 1 else None


def _format_beyond_ascii(sequences: Sequences, sizes: npt.NDArray[np.integer], length: int) -> npt.NDArray[np.bytes_]:
    """Return labels of characters that take these numbers of bytes."""
    ends = np.concatenate(([0], np.cumsum(sizes)))[sequences.offsets]
    lengths = np.diff(ends)
    longest = max(1, length, int(lengths.max(initial=0)))
    text = np.zeros((len(sequences), longest), np.uint8)
    text[np.arange(longest) < lengths[:, np.newaxis]] = _UTF8[sequences.codes][np.arange(4) < sizes[:, np.newaxis]]
    return text.reshape(-1).view(f"S{longest}")


def _encode(text: str) -> bytes:
    """Return a byte for each character; one that is not in the alphabet is found later, in its place."""
    return text.encode("ascii") if text.isascii() else text.translate(_AS_LATIN).encode(_LATIN, "replace")


def _pack_strings(items: Sequence[str], text: str) -> Sequences:
    """Pack strings, given one by one and joined: it is faster to find the joints than to measure each string."""
    joined = np.frombuffer(_encode(text), np.uint8)
    is_content = joined != ord(_JOINT)
    joints = np.flatnonzero(~is_content)
    offsets = np.zeros(len(items) + 1, np.int64)
    if len(joints) == max(0, len(items) - 1):
        offsets[1:-1] = joints - np.arange(len(joints))
        offsets[-1] = len(joined) - len(joints)
        codes = joined[is_content] - np.uint8(ord("0"))
    else:  # some string contains the joint
        np.cumsum([len(item) for item in items], out=offsets[1:])
        codes = np.frombuffer(_encode("".join(items)), np.uint8) - np.uint8(ord("0"))
    if (codes > 9).any():
        codes = _CODES[codes + np.uint8(ord("0"))]
        _check_codes(codes, offsets, items)
    return Sequences(codes, offsets)


def _pack_digits(items: Sequence[Any]) -> Sequences:
    parts = []
    for index, item in enumerate(items):
        if isinstance(item, str):
            parts.append(_pack_strings([item], item).codes)
            continue
        try:
            part = item if isinstance(item, np.ndarray) else _read_digits(item)
        except (TypeError, ValueError):
            part = np.empty((1, 1), object)
        if part.ndim != 1 or (part.size and part.dtype.kind not in "iu"):
            raise SpecError(
                f"sequence {index} is {format_value(item)}: give a string of digits or a list of integers from 0 to 9"
            )
        wrong = part[(part < 0) | (part > 9)] if part.size else part
        if wrong.size:
            raise SpecError(f"sequence {index} holds {wrong[0]}: give digits from 0 to 9")
        parts.append(part.astype(np.uint8))
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return Sequences(np.concatenate(parts), offsets)


def _read_digits(item: Iterable[Any]) -> npt.NDArray[Any]:
    """Return a sequence's digits as an array. Raise TypeError for what only NumPy would take for digits."""
    values = list(item)
    if isinstance(item, (bytes, bytearray, memoryview)) or not {bool, np.bool_}.isdisjoint(map(type, values)):
        raise TypeError
    return np.asarray(values)


def _pack_array(array: npt.NDArray[Any]) -> Sequences:
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise SpecError(
            f"sequences is an array of shape {array.shape} and type {array.dtype}: "
            "give an integer array of shape (N, L), or a list of sequences of different lengths"
        )
    if array.shape[1] > MAX_LENGTH:
        raise SpecError(f"sequences have {array.shape[1]} digits: at most {MAX_LENGTH} are possible; split them")
    wrong = np.argwhere((array < 0) | (array > 9))
    if len(wrong):
        row, column = wrong[0]
        raise SpecError(f"sequence {row} holds {array[row, column]}: give digits from 0 to 9")
    return Sequences(
        # A copy: to numba, a read-only array is another type, for which it would compile everything again.
        np.array(array, np.uint8).reshape(-1),
        np.arange(len(array) + 1, dtype=np.int64) * array.shape[1],
    )


def _check_codes(codes: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], items: Sequence[str]) -> None:
    wrong = codes == _NO_CODE
    if not wrong.any():
        return
    at = int(np.argmax(wrong))
    index = int(np.searchsorted(offsets, at, side="right")) - 1
    character = items[index][at - int(offsets[index])]
    raise SpecError(f"sequence {index} is {format_value(items[index])}, which holds {character!r}: give {WRITTEN}")
