"""Line images of any kind as grey levels: arrays, Pillow's images and files, as a viewer shows them."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.errors import DatasetError, DatasetReadError, SpecError
from number_generator.formats.image_decoding import MOST_BYTES, decode_page
from number_generator.formats.paths import MalformedError
from number_generator.system.bounded_reading import read_bounded
from number_generator.system.checks import format_value
from number_generator.system.home import expand_home

Grey = npt.NDArray[np.uint8]
"""Grey levels of an image, shape (height, width): 0 is black, 255 is white."""

_LUMA = np.array([19595, 38470, 7471], np.int64)  # ITU-R BT.601 in 65536ths, as Pillow's conversion has it
_DECODED = (b"\x89PNG", b"\xff\xd8")


def to_grey(image: Any, name: str = "the image") -> Grey:
    """Return an image in grey, upright, and on white where it is transparent.

    Parameters
    ----------
    image : array_like, PIL.Image.Image or path_like
        An array has shape (height, width), or a last axis more: 1 channel is grey, 2 are grey and opacity, 3 red, green
        and blue, 4 these and opacity. Its values are integers of 8 or 16 bits without sign, whose highest is white, or
        bool or floats from 0 to 1. A file may have any format that Pillow reads.
    name : str
        What errors call it, unless it is a path.

    Raises
    ------
    SpecError
        If it is none of these, or has no pixels.
    DatasetReadError, DatasetError
        If a file cannot be read, or is no image.
    """
    if isinstance(image, (str, os.PathLike)):
        return _load(Path(expand_home(image)))
    if hasattr(image, "getexif") and hasattr(image, "mode"):
        return _convert_pillow(image, name)
    return _convert_array(image, name)


def _load(path: Path) -> Grey:
    """Return an image file in grey."""
    try:
        content = read_bounded(path, MOST_BYTES, f"the image {path}")
    except OSError as exc:
        raise DatasetReadError(f"{path}: the image cannot be read: {exc.strerror or exc}") from exc
    try:
        if content.startswith(_DECODED):
            return decode_page(content, path.name)
    except MalformedError as exc:
        raise DatasetError(f"{path}: {exc}") from exc
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    try:
        with Image.open(io.BytesIO(content)) as picture:
            return _convert_pillow(picture, str(path))
    except SpecError:
        raise
    except Exception as exc:  # there is no shorter list of what Pillow's decoders raise
        reason = " ".join(str(exc).split())[:200]
        raise DatasetError(f"{path}: this is no image that Pillow reads ({type(exc).__name__}: {reason})") from exc


def _convert_pillow(image: Any, name: str) -> Grey:
    """Return one of Pillow's images in grey; it is turned as its EXIF data say."""
    from PIL import ImageOps  # noqa: PLC0415 - loads when it is used

    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        return _convert_array(np.asarray(upright).astype(np.uint16), name)
    if upright.mode == "F":
        raise SpecError(f"{name} has floating-point pixels, whose white is not known: convert it to grey of 8 bits")
    if "transparency" in upright.info or upright.mode in ("LA", "La", "PA", "RGBA", "RGBa"):
        return _convert_array(np.asarray(upright.convert("RGBA")), name)
    return _convert_array(np.asarray(upright.convert("L")), name)


def _convert_array(image: Any, name: str) -> Grey:
    """Return an array in grey."""
    try:
        array = np.asarray(image)
    except ValueError:  # such as an image with its label
        raise SpecError(f"{name} is {format_value(image)}, and no array: give an image, an array or a path") from None
    if array.ndim == 3 and array.shape[2] in (1, 2, 3, 4):
        channels = array.shape[2]
    elif array.ndim == 2:
        channels, array = 1, array[:, :, None]
    else:
        raise SpecError(
            f"{name} has shape {array.shape}: give (height, width), or (height, width, channels) with 1 to 4 of them"
        )
    if 0 in array.shape:
        raise SpecError(f"{name} is {array.shape[1]} x {array.shape[0]} px: give an image with pixels")
    levels = _scale(array, name)
    ink = levels[..., 0] if channels < 3 else ((levels[..., :3] @ _LUMA + 32768) >> 16).astype(np.uint8)
    if channels in (1, 3):
        return np.ascontiguousarray(ink)
    opacity = levels[..., -1].astype(np.int64)
    return (255 - ((255 - ink.astype(np.int64)) * opacity + 127) // 255).astype(np.uint8)


def _scale(array: npt.NDArray[Any], name: str) -> Grey:
    """Return an array's values as 0 to 255."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.newbyteorder("=") == np.uint16:
        return ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    if array.dtype.kind == "f":
        if np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1:
            return np.rint(array * 255).astype(np.uint8)
        least, most = format_value(float(array.min())), format_value(float(array.max()))
        raise SpecError(f"{name} has floats from {least} to {most}: give values from 0 (black) to 1 (white)")
    raise SpecError(f"{name} is an array of {array.dtype}: give uint8, uint16, bool, or floats from 0 to 1")
