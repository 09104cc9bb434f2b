"""Digits from a folder of images for each class, `0/` to `9/`, made square and centred like those of MNIST."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.errors import DatasetError, DatasetNotFoundError, DatasetReadError, SpecError
from number_generator.formats.arrays import RawDataset
from number_generator.formats.detection import detect_format
from number_generator.formats.paths import DEFLATE_EXPANSION
from number_generator.job.spec import MIN_HEIGHT
from number_generator.system.checks import check_integer, format_value

Grey = npt.NDArray[np.float32]

INKS = ("auto", "dark", "bright")
"""How to tell ink from paper: by the border of each image, or as dark on a bright ground, or bright on a dark one."""

MAX_SIZE = 512
"""The largest height and width of digits, in px."""

_VALID = "A folder of digits holds folders named 0 to 9, each with one or more PNG or JPEG images of that digit"
_ENDINGS = (".png", ".jpg", ".jpeg")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # Windows puts these beside images
_MOST_PIXELS = 50_000_000
_MNIST_BOX = 20 / 28  # MNIST fits the ink into 20 x 20 px of 28 x 28
_WORKING_PX = 512  # larger images are reduced first, which removes noise but nothing of a digit that becomes 20 px high
_LEAST_CONTRAST = 0.1  # between ink and paper; that of black and white is 1
_NOISE = 4.5  # median absolute deviations of the paper's grey: three standard deviations
_SHADE = 0.03  # of black and white: less does not count as a shadow
_FITS = 4  # of the shadow, each without the outliers of the last one
_EDGE = 0.25  # of full ink: fainter ink does not widen the box
_MOST_GAIN = 4.0  # thin strokes are faint once they are scaled down


def load_folder(path: str | os.PathLike[str], *, size: int = 28, ink: str = "auto") -> RawDataset:
    """Read folders named 0 to 9 in a folder: digits by class, then file name, with bright ink.

    They hold PNG or JPEG images of any size: grey, colour, with transparency or a palette, of 8 or 16 bits. `size` is
    the height and width of the digits in px, `ink` one of `INKS`.

    Raises
    ------
    SpecError
        If size or ink breaks a rule.
    DatasetNotFoundError, DatasetReadError
        If the folder does not exist, has no folder for any digit, or cannot be read, or an image cannot be read.
    DatasetError
        If a class or its images are missing, a file is not an image, or an image has no ink.
    """
    check_integer("size", size, MIN_HEIGHT, MAX_SIZE)
    if not isinstance(ink, str) or ink not in INKS:
        raise SpecError(f"ink is {format_value(ink)}: give {', '.join(map(repr, INKS[:-1]))} or {INKS[-1]!r}")
    files = list(list_folder_files(path))
    images = np.empty((len(files), size, size), np.uint8)
    for number, (_, file) in enumerate(files):
        images[number] = normalise_digit(_read_grey(file), size, ink, str(file))
    return RawDataset(images, np.array([digit for digit, _ in files], np.int64))


def is_folder_of_images(path: Any) -> bool:
    """Tell whether a path is a folder but not a dataset; other folders are taken for folders of images."""
    if not isinstance(path, (str, os.PathLike)) or not os.path.isdir(path):  # noqa: PTH112 - no error for odd names
        return False
    if any((Path(path) / str(digit)).is_dir() for digit in range(10)):
        return True
    try:
        detect_format(path)
    except (DatasetError, DatasetReadError):
        return True
    return False


def list_folder_files(path: str | os.PathLike[str]) -> Iterator[tuple[int, Path]]:
    """Yield digit and file of each image in a folder, by digit, then name; errors are those of `load_folder`."""
    folder = Path(path)
    if not folder.is_dir():
        raise DatasetNotFoundError(f"{folder}: there is no such folder. {_VALID}")
    missing = [str(digit) for digit in range(10) if not (folder / str(digit)).is_dir()]
    if len(missing) == 10:
        raise DatasetReadError(f"{folder}: this folder does not hold digits; give a dataset file. {_VALID}")
    if missing:
        raise DatasetError(f"{folder}: this folder lacks {', '.join(missing)}. {_VALID}")
    for digit in range(10):
        count = 0
        for file in _list_entries(folder / str(digit)):
            if file.name.startswith(".") or file.name.lower() in _SYSTEM_FILES:
                continue
            if not file.name.lower().endswith(_ENDINGS) or not file.is_file():
                raise DatasetError(
                    f"{file}: its name does not end in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}: convert it, or "
                    f"move it elsewhere. {_VALID}"
                )
            count += 1
            yield digit, file
        if not count:
            raise DatasetError(f"{folder / str(digit)}: there is no image in this folder. {_VALID}")


def normalise_digit(grey: Grey, size: int, ink: str, name: str) -> npt.NDArray[np.uint8]:
    """Turn an image into a digit of MNIST's form: ink in a box of 20 / 28 of the size, centred by its mass.

    `grey` has shape (height, width), from 0 for black to 1 for white. The digit has shape (size, size), with ink up to
    255 on background 0. `name` is that of the file, for errors.
    """
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    marks = _extract_ink(_reduce(grey), ink, name)
    rows, columns = np.flatnonzero((marks >= _EDGE).any(axis=1)), np.flatnonzero((marks >= _EDGE).any(axis=0))
    cut = marks[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = max(1, round(_MNIST_BOX * size))
    scale = box / max(cut.shape)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    if (height, width) != cut.shape:
        cut = np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC))
    digit = np.clip(cut, 0, 1)
    digit = np.rint(np.minimum(digit * min(_MOST_GAIN, 1 / max(float(digit.max()), 1e-6)), 1) * 255).astype(np.uint8)
    page = np.zeros((size, size), np.uint8)
    top, left = _find_corner(digit, size)
    page[top : top + height, left : left + width] = digit
    return page


def _find_corner(digit: npt.NDArray[np.uint8], size: int) -> tuple[int, int]:
    """Return where a digit goes to have its centre of mass in the middle, as far as it stays on the page."""
    weight = max(1, int(digit.sum(dtype=np.int64)))
    corner = []
    for axis in (0, 1):
        along = digit.sum(axis=1 - axis, dtype=np.int64)
        centre = float((along * (np.arange(len(along)) + 0.5)).sum()) / weight
        corner.append(min(max(round(size / 2 - centre), 0), size - len(along)))
    return corner[0], corner[1]


def _extract_ink(grey: Grey, ink: str, name: str) -> Grey:
    """Return the ink, 0 to 1: what differs from the paper by more than its noise, in the direction of the ink."""
    grey = _remove_shadow(grey)
    threshold = _find_threshold(grey)
    is_dark = float(np.median(grey[_find_border(grey)])) > threshold if ink == "auto" else ink == "dark"
    marks, threshold = (1 - grey, 1 - threshold) if is_dark else (grey, threshold)
    is_mark = marks > threshold
    if not is_mark.any() or is_mark.all():
        raise DatasetError(f"{name}: nothing is written on this image, it is all one grey: take it out")
    paper = float(np.median(marks[~is_mark]))
    noise = _NOISE * float(np.median(np.abs(marks[~is_mark] - paper)))
    full = float(np.percentile(marks[is_mark], 90))
    if full - paper < _LEAST_CONTRAST:
        raise DatasetError(
            f"{name}: nothing is written on this image, its ink and paper differ by {full - paper:.0%} of black and "
            f"white, less than {_LEAST_CONTRAST:.0%}: take it out"
        )
    lowest = min(paper + noise, paper + 0.5 * (full - paper))
    return np.clip((marks - lowest) / (full - lowest), 0, 1).astype(np.float32)


def _remove_shadow(grey: Grey) -> Grey:
    """Remove a shadow that grows linearly across the image, as far as the border shows it."""
    row, column = _find_border(grey)
    values = grey[row, column].astype(np.float64)
    places = np.stack((np.ones(len(values)), row, column), axis=1)
    plane = np.array([np.median(values), 0.0, 0.0])
    for _ in range(_FITS):
        away = np.abs(values - places @ plane)
        is_paper = away <= max(3 * float(np.median(away)), _SHADE)  # ink may touch the border
        plane = np.linalg.lstsq(places[is_paper], values[is_paper], rcond=None)[0]
    rows, columns = np.ogrid[: grey.shape[0], : grey.shape[1]]
    shade = plane[1] * (rows - (grey.shape[0] - 1) / 2) + plane[2] * (columns - (grey.shape[1] - 1) / 2)
    # A smaller one may be a rounding error, or a border with some ink: leave the image unchanged.
    return grey if float(np.abs(shade).max()) < _SHADE else np.clip(grey - shade, 0, 1).astype(np.float32)


def _find_border(grey: Grey) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return rows and columns of the pixels at the border."""
    is_border = np.ones(grey.shape, np.bool_)
    is_border[1:-1, 1:-1] = False
    row, column = np.nonzero(is_border)
    return row, column


def _find_threshold(grey: Grey) -> float:
    """Return the grey that divides an image into two classes with the least variance within them (Otsu, 1979)."""
    counts, edges = np.histogram(grey, 256, (0.0, 1.0))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    between = np.nan_to_num(between)
    # The middle of all best ones: there may be no grey at all between ink and paper.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(edges[1:][best].mean())


def _reduce(grey: Grey) -> Grey:
    """Return an image that is not much larger than it needs to be."""
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    factor = max(grey.shape) // _WORKING_PX
    return grey if factor < 2 else np.asarray(Image.fromarray(grey).reduce(factor))


# --- files


def _list_entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir(), key=lambda file: file.name)
    except OSError as exc:
        raise DatasetReadError(f"{folder}: the folder cannot be read: {exc.strerror or exc}") from exc


def _read_grey(file: Path) -> Grey:
    """Read an image as it is shown: rotated as its camera says, and on paper where it is transparent."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - loads when it is used

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(file, formats=("PNG", "JPEG"))
        with opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise DatasetError(
                    f"{file}: it is {opened.width} x {opened.height} px, more than {_MOST_PIXELS // 10**6} million: "
                    "cut the digit out, or scale it down"
                )
            # A pixel takes at least one bit before compression.
            if opened.width * opened.height > 8 * DEFLATE_EXPANSION * file.stat().st_size:
                raise DatasetError(
                    f"{file}: it claims {opened.width} x {opened.height} px, more than its bytes can hold: save it "
                    "again, or take it out"
                )
            return _to_grey(ImageOps.exif_transpose(opened))
    except DatasetError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise DatasetError(
            f"{file}: it has more than {_MOST_PIXELS // 10**6} million pixels: cut the digit out, or scale it down"
        ) from exc
    except PermissionError as exc:
        raise DatasetReadError(f"{file}: the file cannot be read: {exc.strerror}") from exc
    # A damaged image can provoke any exception in its decoder: no shorter list is complete.
    except Exception as exc:
        text = " ".join(str(exc).split())[:200]
        raise DatasetError(
            f"{file}: this is not a complete PNG or JPEG image ({type(exc).__name__}: {text}): save it again, "
            "or take it out"
        ) from exc


def _to_grey(image: Any) -> Grey:
    """Return the grey of an image of any mode, 0 to 1."""
    if image.mode.startswith("I"):  # 16 bits
        return (np.asarray(image).astype(np.float32) / 65535).clip(0, 1)
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        pixels = np.asarray(image.convert("RGBA").convert("LA"), np.float32) / 255
        grey, opacity = pixels[..., 0], pixels[..., 1]
        # Put dark ink on white paper, bright ink on black.
        paper = 1.0 if float((grey * opacity).sum()) < 0.5 * float(opacity.sum()) else 0.0
        return (grey * opacity + paper * (1 - opacity)).astype(np.float32)
    return np.asarray(image.convert("L"), np.float32) / np.float32(255)
