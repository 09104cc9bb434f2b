"""The names that a pickle may mention, and what each one makes: no other code can be reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from number_generator.formats.paths import MalformedError
from number_generator.formats.pickle.values import Buffer, PickledArray, PickledType, make_scalar
from number_generator.system.checks import format_value

Maker = Callable[..., Any]


def find_maker(module: object, name: object) -> Maker:
    """Return the function that a name stands for, from the one table of names."""
    if isinstance(module, str) and isinstance(name, str):
        maker = _MAKERS.get((module, name))
        if maker is not None:
            return maker
        if module in _BUILTINS and name in ("set", "frozenset", "complex"):
            raise MalformedError(f"the pickle holds a {name}, which is not read: save lists and floats instead")
        name = f"{module}.{name}"
    raise MalformedError(
        f"the pickle names {format_value(name)}, which no dataset needs and which is not run or imported; "
        "do not load it with anything else"
    )


def _make_nothing(*arguments: Any) -> Any:
    raise MalformedError("the pickle makes an array in a way that NumPy does not")


def _make_type(code: object, *flags: object) -> PickledType:
    return PickledType(code)


def _make_empty_array(kind: object, shape: object, code: object) -> PickledArray:
    return PickledArray() if kind is _make_nothing else _make_nothing()


def _make_array(data: object, dtype: object, shape: object, order: object, axes: object = None) -> PickledArray:
    array = PickledArray()
    array.fill(data, dtype, shape, order, axes)
    return array


def _make_encoded(text: object, encoding: object) -> bytes:
    """Make bytes of the text that protocol 2 writes for them."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise MalformedError("the pickle encodes text in a way that pickles do not need")
    return text.encode("latin-1")


def _make_bytes(*arguments: Any) -> Buffer:
    """Make bytes, for `bytes` and `bytearray`: of nothing, of bytes, or of text and an encoding."""
    if not arguments:
        return b""
    if len(arguments) == 1 and isinstance(arguments[0], (bytes, memoryview)):
        return arguments[0]
    return _make_encoded(*arguments)


def _make_dict() -> dict[Any, Any]:
    """Make a dict for OrderedDict; its entries follow."""
    return {}


# Protocol 2 keeps Python 2's name of the module.
_BUILTINS = ("builtins", "__builtin__")
_MAKERS: dict[tuple[str, str], Maker] = {
    ("numpy", "ndarray"): _make_nothing,
    ("numpy", "dtype"): _make_type,
    ("_codecs", "encode"): _make_encoded,
    ("collections", "OrderedDict"): _make_dict,
    **{(module, name): _make_bytes for module in _BUILTINS for name in ("bytes", "bytearray")},
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and NumPy 2
    _MAKERS[f"{_core}.multiarray", "_reconstruct"] = _make_empty_array
    _MAKERS[f"{_core}.multiarray", "scalar"] = make_scalar
    _MAKERS[f"{_core}.numeric", "_frombuffer"] = _make_array
