"""Targets for CTC: labels as integers, in the forms that the losses of all frameworks take."""

from collections.abc import Mapping, Sequence, Set
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from number_generator.errors import SpecError
from number_generator.job.labels import decode_labels
from number_generator.system.checks import check_integer, format_value

Blank = Literal["first", "last"]
Integers = npt.NDArray[np.int32]

_NO_CLASS = -1


class Targets(NamedTuple):
    """Labels as classes.

    Attributes
    ----------
    padded : ndarray, shape (n, length), int32
        One label per row, padded with the blank's class.
    lengths : ndarray, shape (n,), int32
        The number of classes of each label.
    flat : ndarray, shape (total,), int32
        The classes of all labels, one after the other.
    blank : int
        The blank's class.
    classes : int
        The number of classes that a reader's output must have, with the blank.
    """

    padded: Integers
    lengths: Integers
    flat: Integers
    blank: int
    classes: int


def encode_labels(
    labels: Sequence[str] | Sequence[bytes] | npt.NDArray[Any],
    alphabet: str = "0123456789",
    blank: Blank = "first",
    *,
    length: int | None = None,
    output_length: int | None = None,
) -> Targets:
    """Turn labels into targets for connectionist temporal classification (CTC; Graves et al., ICML 2006).

    Parameters
    ----------
    labels : sequence of str or of bytes in UTF-8, or ndarray of them, shape (n,)
        As `stream`, `generate_chunk` and datasets return them.
    alphabet : str
        The characters of labels, in the order of the classes. With written signs give the `alphabet` of the labels'
        number source, or `number_generator.numbers.ALPHABET`, all that can be written.
    blank : {"first", "last"}
        Whether the blank is class 0 and the alphabet starts at 1, or it follows the alphabet, which starts at 0.
    length : int, optional
        Length of a row of `padded`, for frameworks that compile for fixed shapes; None means that of the longest
        label here.
    output_length : int, optional
        The number of steps of the reader's output. Labels that do not fit, which would make the loss infinite, are
        then an error. See `needed_output_length`.

    Returns
    -------
    Targets
        A CTC loss takes `padded` and `lengths`, or `flat` and `lengths`.

    Raises
    ------
    SpecError
        If a label has a character outside the alphabet, is longer than `length`, or does not fit the reader's output.

    Examples
    --------
    >>> from number_generator import encode_labels
    >>> targets = encode_labels(["907", "4"])
    >>> targets.padded.tolist(), targets.lengths.tolist(), targets.flat.tolist()
    ([[10, 1, 8], [5, 0, 0]], [3, 1], [10, 1, 8, 5])
    """
    classes = _number_classes(alphabet, blank)
    empty = 0 if blank == "first" else len(alphabet)
    texts = _check_labels(labels)
    points = _read_code_points(texts)
    found = classes[np.minimum(points, len(classes) - 1)]
    is_padding = points == 0  # NumPy pads shorter strings with NUL
    is_wrong = (found == _NO_CLASS) & ~is_padding
    is_wrong[:, :-1] |= is_padding[:, :-1] & ~is_padding[:, 1:]  # a NUL within a label
    wrong = np.argwhere(is_wrong)
    if len(wrong):
        row, column = wrong[0]
        raise SpecError(
            f"{_describe_label(texts, row)}, which holds {chr(points[row, column])!r}: the alphabet is {alphabet!r}; "
            "give one that has it, or labels without it (label='digits')"
        )
    lengths = (~is_padding).sum(axis=1).astype(np.int32)
    if output_length is not None:
        _check_output(texts, points, check_integer("output_length", output_length, 1))
    columns = points.shape[1] if length is None else check_integer("length", length, 0)
    if columns < points.shape[1]:
        row = int(lengths.argmax())
        raise SpecError(
            f"{_describe_label(texts, row)}, of {lengths[row]} characters, and length is {columns}: give a larger one"
        )
    padded = np.full((len(points), columns), empty, np.int32)
    np.copyto(padded[:, : points.shape[1]], found, where=~is_padding)
    return Targets(padded, lengths, found[~is_padding], empty, len(alphabet) + 1)


def needed_output_length(labels: Sequence[str] | Sequence[bytes] | npt.NDArray[Any]) -> Integers:
    """Return the fewest steps that a CTC reader's output needs for each label.

    These are its characters, and a blank between equal neighbours: "100" needs four.

    Parameters
    ----------
    labels
        As for `encode_labels`.

    Returns
    -------
    ndarray, shape (n,), int32

    Examples
    --------
    >>> from number_generator.training.ctc import needed_output_length
    >>> needed_output_length(["100", "42", ""]).tolist()
    [4, 2, 0]
    """
    return _count_steps(_read_code_points(_check_labels(labels)))


def _count_steps(points: npt.NDArray[np.uint32]) -> Integers:
    repeats = (points[:, 1:] == points[:, :-1]) & (points[:, 1:] != 0)
    return ((points != 0).sum(axis=1) + repeats.sum(axis=1)).astype(np.int32)


def _check_output(texts: npt.NDArray[Any], points: npt.NDArray[np.uint32], output_length: int) -> None:
    needed = _count_steps(points)
    if needed.max(initial=0) > output_length:
        row = int(needed.argmax())
        raise SpecError(
            f"{_describe_label(texts, row)}, which needs {needed[row]} steps (its characters, and a blank between "
            f"equal neighbours), and the reader's output has {output_length}: give wider images, a reader that shrinks "
            "the width less, or shorter numbers"
        )


def _number_classes(alphabet: Any, blank: Any) -> Integers:
    """Return the class of each code point; the last entry is for all others."""
    if not isinstance(alphabet, str) or not alphabet or "\0" in alphabet or len(set(alphabet)) < len(alphabet):
        raise SpecError(f"alphabet is {format_value(alphabet)}: give the characters of the labels, each once")
    if not isinstance(blank, str) or blank not in ("first", "last"):
        raise SpecError(f"blank is {format_value(blank)}: give 'first' or 'last'")
    points = [ord(character) for character in alphabet]
    classes = np.full(max(points) + 2, _NO_CLASS, np.int32)
    classes[points] = np.arange(len(points), dtype=np.int32) + (1 if blank == "first" else 0)
    return classes


def _check_labels(labels: Any) -> npt.NDArray[Any]:
    """Return labels as an array of text, shape (n,)."""
    if isinstance(labels, (str, bytes)):
        raise SpecError(f"labels is the single text {format_value(labels)}: give a list of them")
    try:
        if isinstance(labels, (Mapping, Set)):  # which have no order of their own, or hold more than labels
            raise TypeError
        array = np.asarray(labels if isinstance(labels, np.ndarray) else list(labels))
    except (TypeError, ValueError):
        array = np.empty((), object)
    if array.ndim == 1 and not len(array):
        return np.empty(0, np.str_)
    if array.ndim == 1 and array.dtype == object and any(_are_all(array, kind) for kind in (str, bytes)):
        array = np.array(array.tolist())  # what pandas gives
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise SpecError(f"labels is {format_value(labels)}: give a list of texts")
    if array.dtype.kind == "U":
        return array
    try:
        return decode_labels(array)
    except UnicodeDecodeError as exc:
        raise SpecError(f"labels hold {format_value(exc.object)}, which is not UTF-8: give texts") from None


def _are_all(values: npt.NDArray[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def _read_code_points(array: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    """Return the code points of labels, shape (n, longest), padded with 0."""
    if not len(array):
        return np.zeros((0, 0), np.uint32)
    array = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    points = array.view(np.uint32).reshape(len(array), -1)
    longest = int(np.flatnonzero(points.any(axis=0)).max(initial=-1)) + 1
    return points[:, :longest]


def _describe_label(texts: npt.NDArray[Any], row: int) -> str:
    return f"label {row} is {format_value(str(texts[row]))}"
