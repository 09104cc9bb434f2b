"""The names that a pickle may mention, and what each one makes: there is no way to any other code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from number_generator.formats.paths import MalformedError, describe_value
from number_generator.formats.pickle.values import Buffer, PickledArray, PickledType, scalar_value

# What containers may take, for an account of the memory that a pickle asks for.
CONTAINER_BYTES = 64
SET_BYTES = 216
# Longer bytes stay in the file until an array is made of them.
LONG_BYTES = 4096
# Large integers can be chosen so that all have one hash, which makes a dict slow.
_MOST_KEY_BITS = 31

Charge = Callable[[int], None]


class Maker:
    """What a name in a pickle stands for: a function that is given an account of memory and arguments."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[Charge, tuple[Any, ...]], Any]) -> None:
        self.make = make


def named(module: object, name: object) -> Maker:
    """Return what a name stands for, from the one table of names."""
    if isinstance(module, str) and isinstance(name, str):
        maker = _MAKERS.get((module, name))
        if maker is not None:
            return maker
        name = f"{module}.{name}"
    raise MalformedError(
        f"the pickle names {describe_value(name)}, which no dataset needs and which is not run or imported; "
        "do not load it with anything else"
    )


def checked_key(value: Any) -> Any:
    """Return a value that may be a key of a dict or a member of a set."""
    kind = type(value)
    # A tuple could be nested so deep that hashing it overflows the stack.
    if kind in (str, bytes, bool) or value is None:
        return value
    if kind is int and value.bit_length() <= _MOST_KEY_BITS:
        return value
    raise MalformedError(f"the pickle has a key or a member of a set {describe_value(value)}: strings are expected")


def _make_nothing(charge: Charge, arguments: tuple[Any, ...]) -> NoReturn:
    raise MalformedError("the pickle makes an array in a way that NumPy does not")


def _make_type(charge: Charge, arguments: tuple[Any, ...]) -> PickledType:
    # The two flags after the code ask for alignment and a copy.
    if not 1 <= len(arguments) <= 3:
        raise MalformedError("the pickle makes an array type in a way that NumPy does not")
    return PickledType(arguments[0])


def _make_empty_array(charge: Charge, arguments: tuple[Any, ...]) -> PickledArray:
    if len(arguments) != 3 or arguments[0] is not _ARRAY or arguments[1] != (0,):
        return _make_nothing(charge, arguments)
    return PickledArray()


def _make_array(charge: Charge, arguments: tuple[Any, ...]) -> PickledArray:
    if len(arguments) not in (4, 5):
        return _make_nothing(charge, arguments)
    array = PickledArray()
    array.fill(*arguments)
    return array


def _make_scalar(charge: Charge, arguments: tuple[Any, ...]) -> Any:
    if len(arguments) != 2:
        raise MalformedError("the pickle makes a scalar in a way that NumPy does not")
    dtype, data = arguments
    if isinstance(data, (str, bytes, memoryview)):
        charge(len(data))
    return scalar_value(dtype, data)


def _make_encoded(charge: Charge, arguments: tuple[Any, ...]) -> bytes:
    """Make bytes of the text that protocols 0 to 2 write for them."""
    text, encoding = arguments
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise MalformedError("the pickle encodes text in a way that pickles do not need")
    charge(len(text))
    return text.encode("latin-1")


def _make_bytes(charge: Charge, arguments: tuple[Any, ...]) -> Buffer:
    """Make bytes, for `bytes` and `bytearray`: of nothing, of bytes, or of text and an encoding."""
    if not arguments:
        return b""
    if len(arguments) == 1 and isinstance(arguments[0], (bytes, memoryview)):
        return arguments[0]
    return _make_encoded(charge, arguments)


def _make_complex(charge: Charge, arguments: tuple[Any, ...]) -> complex:
    if len(arguments) != 2 or not all(type(part) is float for part in arguments):
        raise MalformedError("the pickle makes a complex number of something else than two floats")
    return complex(*arguments)


def _make_dict(charge: Charge, arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """Make a dict, for OrderedDict: of nothing, or of the list of pairs that Python 2 wrote."""
    pairs = _only_list(charge, arguments)
    return {checked_key(key): value for key, value in pairs}


def _make_set(charge: Charge, arguments: tuple[Any, ...]) -> set[Any]:
    return set(map(checked_key, _only_list(charge, arguments)))


def _make_frozen_set(charge: Charge, arguments: tuple[Any, ...]) -> frozenset[Any]:
    return frozenset(_make_set(charge, arguments))


def _only_list(charge: Charge, arguments: tuple[Any, ...]) -> list[Any]:
    """Return the one argument, a list, after accounting for the copy that will be made of it."""
    if not arguments:
        return []
    (items,) = arguments
    if type(items) is not list:
        raise MalformedError("the pickle makes a container of something else than a list")
    charge(SET_BYTES + len(items) * CONTAINER_BYTES)
    return items


_ARRAY = Maker(_make_nothing)
_NUMPY_MAKERS = {
    ("multiarray", "_reconstruct"): Maker(_make_empty_array),
    ("multiarray", "scalar"): Maker(_make_scalar),
    ("numeric", "_frombuffer"): Maker(_make_array),
}
_BUILTIN_MAKERS = {
    "bytes": Maker(_make_bytes),
    "bytearray": Maker(_make_bytes),
    "complex": Maker(_make_complex),
    "set": Maker(_make_set),
    "frozenset": Maker(_make_frozen_set),
}
_MAKERS = {
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): Maker(_make_type),
    ("_codecs", "encode"): Maker(_make_encoded),
    ("collections", "OrderedDict"): Maker(_make_dict),
    # NumPy 1 and NumPy 2.
    **{(f"numpy.core.{module}", name): maker for (module, name), maker in _NUMPY_MAKERS.items()},
    **{(f"numpy._core.{module}", name): maker for (module, name), maker in _NUMPY_MAKERS.items()},
    # Python 3 and Python 2, whose names protocols 0 to 2 keep.
    **{("builtins", name): maker for name, maker in _BUILTIN_MAKERS.items()},
    **{("__builtin__", name): maker for name, maker in _BUILTIN_MAKERS.items()},
}
