"""Rules for arguments of all kinds, and how an error message shows a value."""

import operator
import reprlib
import secrets
from collections.abc import Iterable, Mapping, Set
from typing import Any

from number_generator.errors import SpecError

MAX_SEED = 2**64 - 1
_LONGEST_SHOWN = 80


class _Repr(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        return repr(x)  # raises ValueError for thousands of digits in every version of Python


# More than a message shows, and little of what a hostile file may hold, such as lists that hold one list many times.
_REPR = _Repr()
_REPR.maxlevel = 3
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = _REPR.maxset = _REPR.maxfrozenset = 30
_REPR.maxstring = _REPR.maxlong = _REPR.maxother = 1000
# Booleans of Python and of NumPy 1 and 2, by name so that NumPy need not be loaded
_BOOLEANS = ("bool", "bool_")


def check_integer(name: str, value: Any, minimum: int, maximum: int | None = None) -> int:
    """Return `value` as an int, or raise SpecError if it is not an integer from `minimum` to `maximum`."""
    rule = f"{minimum} or more" if maximum is None else f"from {minimum} to {maximum}"
    try:
        if type(value).__name__ in _BOOLEANS:
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise SpecError(f"{name} is {value!r}: give an integer, {rule}") from None
    if number < minimum or (maximum is not None and number > maximum):
        raise SpecError(f"{name} is {number}: give an integer, {rule}")
    return number


def check_boolean(name: str, value: Any) -> bool:
    """Return `value` as a bool, or raise SpecError if it is neither True nor False, of Python or of NumPy."""
    if type(value).__name__ not in _BOOLEANS:
        raise SpecError(f"{name} is {format_value(value)}: give True or False")
    return bool(value)


def check_ordered(name: str, values: Any) -> None:
    """Raise SpecError for what has no order of its own, or is a table: a set, a mapping, a data frame."""
    if isinstance(values, (Set, Mapping)):
        raise SpecError(f"{name} is {format_value(values)}, whose order is not part of it: give a list")
    if getattr(values, "ndim", 1) == 2 and hasattr(values, "columns"):
        raise SpecError(f"{name} is a table with columns {format_value(list(values.columns))}: give one of them")


def check_seed(seed: Any, name: str = "seed") -> int:
    """Return `seed` as an int from 0 to 2**64 - 1; None draws fresh entropy from the operating system."""
    return secrets.randbits(64) if seed is None else check_integer(name, seed, 0, MAX_SEED)


def format_value(value: Any) -> str:
    """Return a value as a message shows it: on one short line, however large it is."""
    try:
        text = _REPR.repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, endless nesting
        return f"a huge {type(value).__name__}"
    text = " ".join(line.strip() for line in text.split("\n"))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a question whether a name like a given one is meant, as in "did you mean 'seed'? "; or an empty text."""
    from difflib import get_close_matches  # noqa: PLC0415 - only for an error

    near = get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def format_bytes(byte_count: int) -> str:
    """Return a number of bytes in the unit that suits it."""
    size = float(byte_count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"
