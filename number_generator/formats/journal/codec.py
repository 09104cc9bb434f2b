"""Plain values as bytes and back: what a journal's entries hold, in which nothing is ever run.

First the length of a JSON text, then the text, which tells the structure, then the bytes and arrays that it names, in
its order. Large arrays are deflated.
"""

import json
import math
import struct
from typing import Any

import deflate
import numpy as np
from isal import igzip_lib

__all__ = ["pack", "unpack"]

_HEAD = struct.Struct("<I")
_LEVEL = 1
_SMALL_BYTES = 1024  # deflating so few bytes saves nothing
_KINDS = "uifSU"
_MOST_EXPANSION = 1032  # of deflate


def pack(value: Any) -> list[Any]:
    """Give buffers that hold a value: None, numbers, texts, bytes, arrays, and lists, tuples and dicts of them."""
    buffers: list[Any] = []
    text = json.dumps(_tree(value, buffers), separators=(",", ":")).encode("ascii")
    return [_HEAD.pack(len(text)), text, *buffers]


def unpack(content: bytes) -> Any:
    """Give the value that `pack` has given the buffers of, joined; ValueError if there is no such value."""
    try:
        (length,) = _HEAD.unpack_from(content)
        start = _HEAD.size + length
        tree = json.loads(content[_HEAD.size : start])
        rest = memoryview(content)[start:]
        value, used = _value(tree, rest, 0)
    except (struct.error, AttributeError, KeyError, TypeError, RecursionError, OverflowError) as exc:
        raise ValueError(f"there is no value in it ({exc})") from exc
    if used != len(rest):
        raise ValueError(f"it holds {len(rest)} bytes beside its text, which names {used}")
    return value


def _tree(value: Any, buffers: list[Any]) -> Any:
    """Describe a value; its bytes go to `buffers`."""
    if isinstance(value, bytes):
        buffers.append(value)
        return {"bytes": len(value)}
    if isinstance(value, np.ndarray):
        data: Any = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        described = {"array": value.dtype.str, "shape": value.shape}
        if data.nbytes > _SMALL_BYTES:
            data = _deflated(data)
            described["deflated"] = len(data)
        buffers.append(data)
        return described
    if isinstance(value, list) and value and all(type(each) is bytes for each in value):
        buffers.append(b"".join(value))
        return {"pieces": [len(each) for each in value]}
    if isinstance(value, (list, tuple)) and not (isinstance(value, list) and all(type(each) is str for each in value)):
        return {"list" if isinstance(value, list) else "tuple": [_tree(each, buffers) for each in value]}
    if isinstance(value, dict):
        return {"dict": {name: _tree(each, buffers) for name, each in value.items()}}
    return {"is": value}


def _value(tree: Any, rest: memoryview, used: int) -> tuple[Any, int]:
    """Give what a description stands for, and how many bytes of the rest are used up then."""
    (kind, about), *more = tree.items()
    if kind == "is":
        return about, used
    if kind == "bytes":
        return bytes(_cut(rest, used, about)), used + about
    if kind == "pieces":
        pieces = []
        for length in about:
            pieces.append(bytes(_cut(rest, used, length)))
            used += length
        return pieces, used
    if kind == "array":
        return _array(about, dict(more), rest, used)
    if kind == "dict":
        found = {}
        for name, each in about.items():
            found[name], used = _value(each, rest, used)
        return found, used
    values = []
    for each in about:
        value, used = _value(each, rest, used)
        values.append(value)
    return (values if kind == "list" else tuple(values)), used


def _array(name: str, about: dict[str, Any], rest: memoryview, used: int) -> tuple[Any, int]:
    """Give an array, and how many bytes of the rest are used up then."""
    dtype, shape = np.dtype(name), tuple(about["shape"])
    if dtype.kind not in _KINDS or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError(f"it names an array of {name} with shape {shape}")
    size = math.prod(shape) * dtype.itemsize
    if "deflated" not in about:
        return np.frombuffer(_cut(rest, used, size), dtype).reshape(shape), used + size
    stored = about["deflated"]
    content = _inflated(bytes(_cut(rest, used, stored)), size)
    return np.frombuffer(content, dtype).reshape(shape), used + stored


def _cut(rest: memoryview, used: int, length: Any) -> memoryview:
    """Give so many bytes, which must be there."""
    if type(length) is not int or not 0 <= length <= len(rest) - used:
        raise ValueError(f"it names {length!r} bytes and holds {len(rest) - used}")
    return rest[used : used + length]


def _deflated(data: Any) -> bytes:
    packed_bytes: bytes = igzip_lib.compress(data, _LEVEL, igzip_lib.COMP_ZLIB)
    return packed_bytes


def _inflated(data: bytes, size: int) -> bytearray:
    """Inflate to so many bytes exactly: a length that lies must not take memory."""
    if size > len(data) * _MOST_EXPANSION:
        raise ValueError(f"{len(data)} deflated bytes cannot hold {size}")
    try:
        content: bytearray = deflate.zlib_decompress(data, size)
    except deflate.DeflateError as exc:
        raise ValueError(f"{len(data)} deflated bytes do not hold {size}") from exc
    if len(content) != size:
        raise ValueError(f"{len(data)} deflated bytes hold {len(content)}, not {size}")
    return content
