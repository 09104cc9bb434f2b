"""PNG and JPEG images as pixels, as a viewer shows them; their size is checked before they are decoded.

They become grey, but for those of datasets of this package that are in colour.

This is the one way in which pictures are read: from label files, tar files, databases and folders of digits.
"""

from __future__ import annotations

import importlib
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from number_generator.formats.image_headers import (
    COLOUR_8_BIT,
    DATA_AT,
    GREY_8_BIT,
    SIGNATURE,
    DamagedImageError,
    ImageHeader,
    is_plain_png,
    plain_data_end,
    read_header,
)
from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError

MOST_BYTES = 64 << 20
"""The most bytes that the file of one image may have."""

_MOST_PIXELS = 1 << 26
# Of all scans of an image: a decoder takes a second or two. A progressive JPEG usually has about ten, and a few bytes
# make another.
_MOST_SCANNED_PIXELS = 1 << 30
_FORMATS = ("PNG", "JPEG")
_DEPTHS = (8, 10, 12, 14)  # the bits that 16 may hold
_DEEP_GREY = b"\x10\0"  # depth and colour type of a PNG
_NEAR = 1 / 8  # of the range: so close to its end, or to its beginning, is a level that belongs there
_LEAST_INK = 0.01  # of all pixels, where ink is bright: fewer may be stray light
_LEAST_COLOUR = 64  # of 8 bits; below, 16-bit colours may be of 14 bits or fewer, of which Pillow leaves little
_FAINT = 8  # grey levels: no ink differs from its paper by less

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image in grey, upright, and how opaque it is.

    Attributes
    ----------
    levels : ndarray, shape (height, width), uint8 or uint16
        0 is black.
    white : int
        The level of white: 255 for 8 bits.
    opacity : ndarray, shape (height, width), uint8, or None
        255 is opaque; None means that all is.
    """

    levels: np.ndarray[Any, Any]
    white: int
    opacity: Pixels | None


def read_size(content: bytes, name: str) -> tuple[int, int]:
    """Return height and width of a PNG or JPEG image as a viewer shows it; only the header is read."""
    if is_plain_png(content) or is_plain_png(content, COLOUR_8_BIT):
        return int.from_bytes(content[20:24], "big"), int.from_bytes(content[16:20], "big")
    return read_header(content, name).size


def is_deep_grey(content: bytes) -> bool:
    """Tell whether a file is a PNG in grey of 16 bits, which may hold fewer."""
    return content.startswith(SIGNATURE) and content[24:26] == _DEEP_GREY


def find_bits(content: bytes, name: str) -> int:
    """Return how many bits the grey of an image has; MalformedError if that cannot be told."""
    height, width = read_size(content, name)
    check_size((height, width), name)
    _check_expansion(content, height, width, name)
    return decode_picture(read_header(content, name), name).white.bit_length()


def decode_image(content: bytes, name: str, out: Pixels, *, bits: int | None = None) -> None:
    """Decode a PNG or JPEG file into `out`, shape (height, width) or, in colour, (height, width, 3), uint8.

    255 is white. Images are turned as their EXIF data say, colours become grey where `out` has none, and what is
    transparent becomes white. Grey of 16 bits holds `bits`, or what the image itself shows. MalformedError is raised if
    one cannot be decoded, is of another size than `out`, has more bits, or is nothing but white on a transparent
    ground.
    """
    height, width = read_size(content, name)
    if (height, width) != out.shape[:2]:
        raise MalformedError(
            f"its image {name} is {width} x {height} px, not {out.shape[1]} x {out.shape[0]} px as its description, or "
            "its header before, says"
        )
    is_grey = out.ndim == 2
    if is_plain_png(content, GREY_8_BIT if is_grey else COLOUR_8_BIT) and _decode_plain(content, out):
        return
    _check_expansion(content, height, width, name)
    header = read_header(content, name)
    out[:] = (
        _lay_on_white(decode_picture(header, name, bits=bits), name)
        if is_grey
        else _decode_described_colours(header, name)
    )


def decode_picture(header: ImageHeader, name: str, *, bits: int | None = None) -> Picture:
    """Decode an image whose size has been checked, or raise MalformedError.

    Grey of 16 bits holds `bits`; without them, the image must show that it has all 16, or that it has the full range of
    8, 10, 12 or 14: cameras and scanners store 10 and 12 bits so.
    """
    levels, white, opacity = _to_grey(_load_stored(header, name), header, name, bits)
    return Picture(_turn(levels, header), white, None if opacity is None else _turn(opacity, header))


def decode_colours(header: ImageHeader, name: str) -> Pixels:
    """Decode an image whose size has been checked; return shape (height, width, 3), uint8: red, green and blue.

    What is transparent becomes white, and grey is the same in all three. MalformedError is raised as by
    `decode_picture`.
    """
    image = _load_stored(header, name)
    if image.mode.startswith("I"):
        levels, white, opacity = _to_grey(image, header, name, None)
        grey = _lay_on_white(Picture(levels, white, opacity), name)
        return _turn(np.broadcast_to(grey[..., None], (*grey.shape, 3)), header)
    return _turn(to_colours(image, header.depth), header)


def to_colours(image: Any, depth: int = 8) -> Pixels:
    """Return a Pillow image of 8 bits or fewer in red, green and blue, on white where it is transparent.

    `depth` is that of the file's channels, which the transparent colour of a PNG is given in.
    """
    key = image.info.get("transparency")
    if key is None and image.mode not in ("LA", "PA", "RGBA", "La", "RGBa"):
        return np.asarray(image.convert("RGB"))
    if key is not None and image.mode != "P":  # a palette's key is a number of it
        image.info["transparency"] = _fit_key(key, depth)
    pixels = np.asarray(image.convert("RGBA")).astype(np.uint16)
    opacity = pixels[..., 3:]
    return ((pixels[..., :3] * opacity + (255 - opacity) * 255 + 127) // 255).astype(np.uint8)


def _decode_described_colours(header: ImageHeader, name: str) -> Pixels:
    """Decode an image that is in colour as its dataset says."""
    if is_deep_grey(header.content):
        raise MalformedError(f"its image {name} is in grey of 16 bits, and its description says colour")
    return decode_colours(header, name)


def _load_stored(header: ImageHeader, name: str) -> Any:
    """Return an image of Pillow's, as it is stored, or raise MalformedError."""
    from PIL import Image  # noqa: PLC0415 - Pillow loads when it is used

    if math.prod(header.stored_size) * header.scans > _MOST_SCANNED_PIXELS:
        raise MalformedError(f"its image {name} has {header.scans} scans of {math.prod(header.size)} px: save it again")
    try:
        with Image.open(io.BytesIO(header.content), formats=_FORMATS) as image:
            if (image.height, image.width) != header.stored_size:
                raise DamagedImageError(f"its image {name} is of two sizes: save it again")
            image.load()
    except DamagedImageError:
        raise
    except Exception as exc:  # there is no shorter list of what a hostile image can provoke in its decoder
        raise DamagedImageError(f"its image {name} cannot be decoded ({type(exc).__name__}: {exc})") from exc
    return image


def decode_page(content: bytes, name: str) -> Pixels:
    """Decode a PNG or JPEG file of any size as `decode_image` does; return shape (height, width), uint8."""
    shape = read_size(content, name)
    check_size(shape, name)
    page = np.empty(shape, np.uint8)
    decode_image(content, name, page)
    return page


def check_size(shape: tuple[int, int], name: str) -> None:
    """Reject an image that has no pixels or far too many."""
    height, width = shape
    if height < 1 or width < 1 or height * width > _MOST_PIXELS:
        raise MalformedError(f"its image {name} is {width} x {height} px: give images of 1 to {_MOST_PIXELS} px")


def _decode_plain(content: bytes, out: Pixels) -> bool:
    """Decode the plainest kind of PNG, in a tenth of Pillow's time; return whether it is one, and sound.

    `is_plain_png` holds for it, and no row has a filter, as this package writes it. Its checksum is that of the deflate
    stream.
    """
    lines = out if out.ndim == 2 else out.reshape(len(out), -1)
    height, length = lines.shape
    deflate: Any = importlib.import_module("deflate")
    try:
        rows = deflate.zlib_decompress(content[DATA_AT : plain_data_end(content)], height * (length + 1))
    except deflate.DeflateError:
        return False
    if len(rows) != height * (length + 1):
        return False
    pixels = np.frombuffer(rows, np.uint8).reshape(height, length + 1)
    if pixels[:, 0].any():
        return False
    lines[:] = pixels[:, 1:]
    return True


def _check_expansion(content: bytes, height: int, width: int, name: str) -> None:
    # One bit a pixel is the least before it is packed.
    if height * width > 8 * DEFLATE_EXPANSION * len(content):
        raise MalformedError(f"its image {name} claims {width} x {height} px, more than {len(content)} bytes can hold")


def _to_grey(
    image: Any, header: ImageHeader, name: str, bits: int | None
) -> tuple[np.ndarray[Any, Any], int, Pixels | None]:
    """Return levels, the level of white, and opacity of a Pillow image of any mode, as it is stored."""
    key = image.info.get("transparency")
    if image.mode.startswith("I"):
        levels = np.asarray(image).astype(np.uint16)
        is_clear = np.zeros(levels.shape, np.bool_) if key is None else levels == key
        highest = int(levels[~is_clear].max(initial=0))
        bits = _tell_bits(levels, is_clear, highest, name) if bits is None else bits
        if highest >> bits:
            raise MalformedError(
                f"the grey of its image {name} goes up to {highest}, and the first image has {bits} bits in 16: save "
                "all of them with 16 bits, or with 8"
            )
        white = (1 << bits) - 1
        return np.minimum(levels, white), white, None if key is None else np.where(is_clear, 0, 255).astype(np.uint8)
    if key is not None or image.mode in ("LA", "PA", "RGBA"):
        if key is not None and image.mode != "P":  # a palette's key is a number of it
            image.info["transparency"] = _fit_key(key, header.depth)
        pixels = np.asarray(image.convert("RGBA").convert("LA"))
        grey, opacity = pixels[..., 0], pixels[..., 1]
    else:
        grey, opacity = np.asarray(image.convert("L")), None
    # JPEG files are of 8 bits, or Pillow does not open them.
    if header.depth == 16 and int(grey.max(initial=0)) < _LEAST_COLOUR:
        raise MalformedError(
            f"its image {name} has colours of 16 bits that are all dark, or of fewer bits: save it as grey or 8 bits"
        )
    return grey, 255, opacity


def _tell_bits(levels: np.ndarray[Any, Any], is_clear: np.ndarray[Any, Any], highest: int, name: str) -> int:
    """Return how many bits an image of 16 has; MalformedError where it may be a dark one of 16, or one of fewer.

    It is one of fewer if its levels end where those of so many bits do, and its border is paper: as light as that, or
    black with bright ink on it.
    """
    is_black = is_clear.any() and highest < _FAINT  # ink, as it is however many bits there are
    if highest >> _DEPTHS[-1] or is_black:
        return 16
    bits = next((bits for bits in _DEPTHS if highest >> bits == 0 and highest >= (1 - _NEAR) * (1 << bits)), 0)
    if is_clear.any() and bits:  # what is transparent is paper
        return bits
    border = np.concatenate([levels[[0, -1]].ravel(), levels[:, [0, -1]].ravel()])
    paper, end = float(np.median(border)), 1 << bits
    is_light = paper >= (1 - _NEAR) * end
    is_inked = paper <= _NEAR * end and float((levels > end / 2).mean()) >= _LEAST_INK
    if bits and (is_light or is_inked):
        return bits
    raise MalformedError(
        f"the grey of its image {name} goes up to {highest} of 65535, which may be a dark image of 16 bits, or a "
        "lighter one of fewer: save it with levels up to 65535, or with 8 bits"
    )


def _fit_key(key: Any, depth: int) -> Any:
    """Return the colour of a PNG that is transparent, given in its own depth, in 8 bits, as Pillow holds the pixels."""
    if isinstance(key, tuple):
        return tuple(part >> (depth - 8) for part in key)
    return key * 255 // ((1 << depth) - 1)


def _turn(stored: np.ndarray[Any, Any], header: ImageHeader) -> np.ndarray[Any, Any]:
    """Return pixels as a viewer shows them."""
    orientation = header.orientation
    shown = stored.swapaxes(0, 1) if orientation > 4 else stored
    return shown[:: -1 if orientation in (3, 4, 7, 8) else 1, :: -1 if orientation in (2, 3, 6, 7) else 1]


def _lay_on_white(picture: Picture, name: str) -> np.ndarray[Any, Any]:
    """Return a picture on white paper, in 8 bits, or raise MalformedError if it cannot be seen there."""
    levels, opacity = picture.levels, picture.opacity
    if picture.white != 255:
        levels = np.rint(levels * (255 / picture.white)).astype(np.uint8)
    if opacity is None:
        return levels
    page = (255 - ((255 - levels.astype(np.int32)) * opacity + 127) // 255).astype(np.uint8)
    is_ground_clear = float(opacity.mean()) < 128
    if is_ground_clear and int(opacity.max()) >= 128 and int(page.min()) > 255 - _FAINT:
        raise MalformedError(
            f"its image {name} is white on a transparent ground, and so blank on white paper: give it a ground"
        )
    return page
