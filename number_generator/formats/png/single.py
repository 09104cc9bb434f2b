"""Single images as PNG files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.errors import SpecError
from number_generator.system.atomic_file import open_atomic
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption


def check_png_path(path: Any, name: str = "path") -> Path:
    """Return `path` as a Path, or raise SpecError if it is not a file name that ends in `.png`."""
    try:
        os.fsencode(path)
        checked = Path(expand_home(path))
    except (TypeError, UnicodeEncodeError):
        raise SpecError(f"{name} is {path!r}: give a file name that ends in .png") from None
    # Any other ending is probably a slip, which would replace a dataset with an image.
    if not checked.name.lower().endswith(".png") or "\0" in str(checked):
        raise SpecError(f"{name} is {os.fspath(path)!r}: give a file name that ends in .png")
    return checked


def save_png(image: npt.NDArray[np.uint8], path: Path, interruption: Interruption | None = None) -> None:
    """Write a PNG file atomically, and replace an earlier one.

    Parameters
    ----------
    image : ndarray, shape (height, width), uint8
        255 is white.
    path : Path
        Its folder is created if necessary.
    interruption : Interruption, optional
        Removes the file while it is unfinished.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from PIL import Image  # noqa: PLC0415 - Pillow loads only when it is used

    with open_atomic(path, interruption or Interruption(), overwrite=True) as file:
        Image.fromarray(image).save(file, "PNG")
