"""NumPy's types and arrays as a pickle describes them: recorded and checked, never unpickled by NumPy."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import numpy as np

from number_generator.formats.paths import MalformedError

# Numbers of the sizes that every machine has, and strings of a fixed length.
_CODE = re.compile(r"[|<>=]?(b1|[iu][1248]|f[248]|[SU]\d{1,9})")
_MOST_DIMENSIONS = 8

Buffer = bytes | memoryview


class PickledType:
    """A NumPy dtype that a pickle describes, in NumPy's two steps: a code, then a state."""

    __slots__ = ("dtype",)

    def __init__(self, code: object) -> None:
        match = _CODE.fullmatch(code) if isinstance(code, str) else None
        if match is None:
            raise MalformedError("it holds an array or scalar that is not of numbers or fixed-length strings")
        self.dtype: np.dtype[Any] = np.dtype(match[0])

    def set_state(self, state: object) -> None:
        """Take over the byte order, all that the code leaves open."""
        if type(state) is not tuple or len(state) not in (8, 9) or state[0] not in (3, 4):
            raise MalformedError("it holds an array type with a state that NumPy does not write")
        _, byte_order, subarray, names, fields, item_bytes, _, _, *more = state
        if (subarray, names, fields) != (None, None, None) or more not in ([], [None], [{}]):
            raise MalformedError("it holds an array of structures")
        if byte_order not in ("<", ">", "|", "=") or item_bytes not in (-1, self.dtype.itemsize):
            raise MalformedError("it holds an array type whose state contradicts its code")
        self.dtype = self.dtype.newbyteorder(byte_order)


class PickledArray:
    """A NumPy array that a pickle describes; its data stay in the file until they are copied."""

    __slots__ = ("_axes", "_data", "_order", "dtype", "shape")

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = (0,)
        self.dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._data: Buffer = b""
        self._order: Literal["C", "F"] = "C"
        self._axes: tuple[int, ...] | None = None

    def __repr__(self) -> str:
        return f"<array of {self.dtype} with shape {self.shape}>"

    @property
    def byte_count(self) -> int:
        """Size of the data."""
        return len(self._data)

    def set_state(self, state: object) -> None:
        """Take over the state that an array writes under protocols 2 to 4."""
        if type(state) is not tuple or len(state) != 5 or state[0] != 1:
            raise MalformedError("it holds an array with a state that NumPy does not write")
        _, shape, dtype, is_fortran, data = state
        self.fill(data, dtype, shape, "F" if is_fortran else "C")

    def fill(self, data: object, dtype: object, shape: object, order: object, axes: object = None) -> None:
        """Take over data, type and shape, if they agree."""
        if not isinstance(dtype, PickledType):
            raise MalformedError("it holds an array without a type")
        if not isinstance(data, (bytes, memoryview)):
            raise MalformedError("it holds an array of Python objects")
        if type(shape) is int:
            shape = (shape,)
        if type(shape) is not tuple or len(shape) > _MOST_DIMENSIONS or not all(map(_is_size, shape)):
            raise MalformedError("it holds an array whose shape is not a tuple of sizes")
        needed = math.prod(shape) * dtype.dtype.itemsize
        if needed != len(data) or dtype.dtype.itemsize == 0:
            raise MalformedError(f"it holds an array of shape {shape}, which needs {needed} bytes, but has {len(data)}")
        if order == "K" and type(axes) is tuple and all(map(_is_size, axes)):
            if sorted(axes) != list(range(len(shape))):
                raise MalformedError("it holds an array whose axes are not a permutation")
            self._axes = axes
            order = "C"
        if order not in ("C", "F"):
            raise MalformedError("it holds an array in an unknown order")
        self._data, self.dtype, self.shape, self._order = data, dtype.dtype, shape, order

    def view(self) -> np.ndarray[Any, Any]:
        """Return the array as it lies in the file; do not write to it."""
        array: np.ndarray[Any, Any] = np.ndarray(self.shape, self.dtype, self._data, order=self._order)
        return array if self._axes is None else array.transpose(self._axes)

    def copy(self) -> np.ndarray[Any, Any]:
        """Return a C-contiguous copy in the machine's own byte order."""
        return self.view().astype(self.dtype.newbyteorder("="), order="C", copy=True)


def make_scalar(dtype: object, data: object) -> Any:
    """Return the Python value of a NumPy scalar that a pickle describes."""
    if not isinstance(dtype, PickledType) or not isinstance(data, (bytes, memoryview)):
        raise MalformedError("it holds a scalar without a type or a value")
    if len(data) != dtype.dtype.itemsize:
        raise MalformedError(f"it holds a scalar of {dtype.dtype} with {len(data)} bytes")
    return np.ndarray((), dtype.dtype, data).item()


def _is_size(value: object) -> bool:
    """Tell whether a value can be the length of an axis."""
    return type(value) is int and 0 <= value < 2**62
