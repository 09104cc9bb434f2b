"""PNG and JPEG images as grey pixels, whose size is checked before they are decoded."""

from __future__ import annotations

import importlib
import io
from typing import Any

import numpy as np

from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError

MOST_BYTES = 64 << 20
"""The most bytes that the file of one image may have."""

_MOST_PIXELS = 1 << 26
_FORMATS = ("PNG", "JPEG")
# The others, of 16 bits a pixel or with decimals, have no value that is known to be white.
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"})
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = b"\0\0\0\x0dIHDR"
GREY_8_BIT = bytes((8, 0, 0, 0, 0))  # depth, colour type, compression, filters, no interlacing
END = b"\0\0\0\0IEND\xaeB`\x82"
_DATA_AT = 41  # after the signature, the header's 25 bytes, and length and name of the block of pixels

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def read_size(content: bytes, name: str) -> tuple[int, int]:
    """Return height and width of a PNG or JPEG image; only the header is read."""
    if len(content) >= _DATA_AT and content[:16] == SIGNATURE + _HEADER:
        return int.from_bytes(content[20:24], "big"), int.from_bytes(content[16:20], "big")
    with _open_image(content, name) as image:
        return image.height, image.width


def decode_image(content: bytes, name: str, out: Pixels) -> None:
    """Decode a PNG or JPEG file into `out`, shape (height, width), uint8: 255 is white.

    Colours become grey; transparency is ignored. MalformedError is raised if it cannot be decoded, or is of another
    size than `out`.
    """
    height, width = read_size(content, name)
    if (height, width) != out.shape:
        raise MalformedError(
            f"its image {name} is {width} x {height} px and the first is {out.shape[1]} x {out.shape[0]} px: all must "
            "be of one size; resize them"
        )
    if _decode_plain(content, out):
        return
    # One bit a pixel is the least before it is packed.
    if height * width > 8 * DEFLATE_EXPANSION * len(content):
        raise MalformedError(f"its image {name} claims {width} x {height} px, more than {len(content)} bytes can hold")
    with _open_image(content, name) as image:
        if image.mode not in _MODES:
            raise MalformedError(f"its image {name} has pixels of the kind {image.mode}: give 8-bit grey or colours")
        try:
            out[:] = np.asarray(image.convert("L"))
        except Exception as exc:  # there is no shorter list of what a hostile image can provoke in its decoder
            raise MalformedError(f"its image {name} cannot be decoded ({type(exc).__name__}: {exc})") from exc


def check_size(shape: tuple[int, int], name: str) -> None:
    """Reject a first image, to which all others are compared, that has no pixels or far too many."""
    height, width = shape
    if height < 1 or width < 1 or height * width > _MOST_PIXELS:
        raise MalformedError(f"its image {name} is {width} x {height} px: give images of 1 to {_MOST_PIXELS} px")


def _decode_plain(content: bytes, out: Pixels) -> bool:
    """Decode the plainest kind of PNG, in a tenth of Pillow's time; return whether it is one, and sound.

    It is 8-bit grey, not interlaced, in one block of pixels and nothing else, with no filter in any row, as this
    package writes it. Its checksum is that of the deflate stream.
    """
    if content[24:29] != GREY_8_BIT or content[37:_DATA_AT] != b"IDAT":
        return False
    end = _DATA_AT + int.from_bytes(content[33:37], "big")
    if content[end + 4 :] != END:
        return False
    height, width = out.shape
    deflate: Any = importlib.import_module("deflate")
    try:
        rows = deflate.zlib_decompress(content[_DATA_AT:end], height * (width + 1))
    except deflate.DeflateError:
        return False
    if len(rows) != height * (width + 1):
        return False
    pixels = np.frombuffer(rows, np.uint8).reshape(height, width + 1)
    if pixels[:, 0].any():
        return False
    out[:] = pixels[:, 1:]
    return True


def _open_image(content: bytes, name: str) -> Any:
    """Open an image of a known format; only its header is read."""
    from PIL import Image  # noqa: PLC0415 - Pillow loads when it is used

    try:
        return Image.open(io.BytesIO(content), formats=_FORMATS)
    except Exception as exc:
        raise MalformedError(f"its image {name} is not a PNG or JPEG image") from exc
