"""Arrays and lists of bytes, by name, as the payload of a journal's record and back; reading one never runs anything.

First comes the length of a JSON text, then the text, which describes each entry, then their bytes in the same order.
Large arrays are deflated: images that the format itself does not compress would take 3.6 times the space.
"""

import io
import json
import math
import struct
from collections.abc import Mapping
from typing import Any

import deflate
import numpy as np
import numpy.typing as npt
from isal import igzip_lib

from number_generator.formats.paths import DEFLATE_EXPANSION

_HEAD = struct.Struct("<I")
_LEVEL = 1
_SMALL_BYTES = 1024  # deflating arrays up to this size saves nothing
_KINDS = "uifSU"


def pack(values: Mapping[str, Any]) -> list[Any]:
    """Return buffers that hold arrays and lists of bytes, as `Writer.encode` returns them."""
    described: dict[str, Any] = {}
    buffers: list[Any] = []
    for name, value in values.items():
        if isinstance(value, list):
            described[name] = [len(each) for each in value]
            buffers.append(b"".join(value))
        else:
            data: Any = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
            if data.nbytes > _SMALL_BYTES:
                data = igzip_lib.compress(data, _LEVEL, igzip_lib.COMP_ZLIB)
            described[name] = {"dtype": value.dtype.str, "shape": value.shape, "stored": len(data)}
            buffers.append(data)
    text = json.dumps(described, separators=(",", ":")).encode("ascii")
    return [_HEAD.pack(len(text)), text, *buffers]


def unpack(content: bytes) -> dict[str, Any]:
    """Return what `pack` was given, from its buffers joined.

    Raises
    ------
    ValueError
        If `pack` does not write such content.
    """
    file = io.BytesIO(content)
    try:
        (length,) = _HEAD.unpack(file.read(_HEAD.size))
        described = json.loads(_read(file, length))
        values = {name: _read_value(file, about) for name, about in described.items()}
    except (struct.error, AttributeError, KeyError, TypeError, RecursionError, OverflowError) as exc:
        raise ValueError(f"it cannot be read ({exc})") from exc
    if file.read(1):
        raise ValueError("it holds bytes that its text does not describe")
    return values


def _read_value(file: io.BytesIO, about: Any) -> list[bytes] | npt.NDArray[Any]:
    if isinstance(about, list):
        return [_read(file, length) for length in about]
    dtype, shape = np.dtype(about["dtype"]), tuple(about["shape"])
    if dtype.kind not in _KINDS or any(type(size) is not int or size < 0 for size in shape):
        raise ValueError(f"it describes an array of {dtype} with shape {shape}")
    size = math.prod(shape) * dtype.itemsize
    data = _read(file, about["stored"])
    return np.frombuffer(_inflate(data, size) if size > _SMALL_BYTES else data, dtype).reshape(shape)


def _read(file: io.BytesIO, length: Any) -> bytes:
    """Read exactly this many bytes."""
    if type(length) is not int or length < 0:
        raise ValueError(f"it describes {length!r} bytes")
    data = file.read(length)
    if len(data) < length:
        raise ValueError(f"it describes {length} bytes where {len(data)} are left")
    return data


def _inflate(data: bytes, size: int) -> bytearray:
    """Inflate to exactly this size: a false one must not take memory."""
    if size > len(data) * DEFLATE_EXPANSION:
        raise ValueError(f"{len(data)} deflated bytes cannot hold {size}")
    try:
        content: bytearray = deflate.zlib_decompress(data, size)
    except deflate.DeflateError as exc:
        raise ValueError(f"{len(data)} deflated bytes do not hold {size}") from exc
    if len(content) != size:
        raise ValueError(f"{len(data)} deflated bytes hold {len(content)}, not {size}")
    return content
