"""Digits from a folder of images for each class, `0/` to `9/`, made square and centred like those of MNIST."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.digits.conventions import MAX_VALUE, STORED_WITH, Conventions, explain_misfit
from number_generator.errors import DatasetError, DatasetNotFoundError, DatasetReadError
from number_generator.formats.arrays import RawDataset
from number_generator.formats.detection import detect_format
from number_generator.formats.image_decoding import Picture, decode_picture
from number_generator.formats.image_headers import DamagedImageError, read_header
from number_generator.formats.paths import DEFLATE_EXPANSION, MalformedError, describe_kind
from number_generator.formats.reader import load_arrays
from number_generator.job.spec import MIN_HEIGHT
from number_generator.system.checks import check_integer
from number_generator.system.home import expand_home

Grey = npt.NDArray[np.float32]

MAX_SIZE = 512
"""The largest height and width of digits, in px."""

_VALID = "A folder of digits holds folders named 0 to 9, each with one or more PNG or JPEG images of that digit"
_ENDINGS = (".png", ".jpg", ".jpeg")
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # Windows puts these beside images
_MOST_PIXELS = 50_000_000
_MOST_BYTES = 8 * _MOST_PIXELS
_MNIST_BOX = 20 / 28  # MNIST fits the ink into 20 x 20 px of 28 x 28
_WORKING_PX = 512  # larger images are reduced first, which removes noise but nothing of a digit that becomes 20 px high
_LEAST_CONTRAST = 0.1  # between ink and paper; that of black and white is 1
_NOISE = 4.5  # median absolute deviations of the paper's grey: three standard deviations
_SHADE = 0.03  # of black and white: less does not count as a shadow
_FITS = 4  # of the shadow, each without the outliers of the last one
_EDGE = 0.25  # of full ink: fainter ink does not widen the box
_CLEAR_VOTE = 0.8  # of the images that decide for those whose border is unclear
_CLEAR_BORDER = 0.9  # of a border that tells its own image's ink where the vote is not clear
_SMALL_RANGES = (1, 15, 16)  # that look all black; darkness of any other kind is told by contrast
_MOST_GAIN = 4.0  # thin strokes are faint once they are scaled down


@dataclass(frozen=True, slots=True)
class _Page:
    """An image as its ink is found: without shadow, and with the grey that divides ink from paper.

    `is_dark` tells whether its own border says that the ink is dark, and `agreement` how much of the border does, up to
    1. The border of a digit that is cut tightly to its ink is mostly ink where the digit fills its box, as a 1 does.
    """

    grey: Grey
    threshold: float
    is_dark: bool
    agreement: float
    most: float  # the brightest grey of the image itself


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The images of a folder, each drawn by itself; where `is_done` is false, that has shown no ink."""

    images: npt.NDArray[np.uint8]
    is_dark: npt.NDArray[np.bool_]
    agreement: npt.NDArray[np.float64]
    is_done: npt.NDArray[np.bool_]
    most: float  # the brightest grey of all


def load_folder(
    path: str | os.PathLike[str], *, size: int = 28, ink: str = "auto", value_range: int | None = None
) -> RawDataset:
    """Read folders named 0 to 9 in a folder: digits by class, then file name, with bright ink.

    They hold PNG or JPEG images of any size: grey, colour, with transparency or a palette, of 8 or 16 bits. `size` is
    the height and width of the digits in px; `ink` and `value_range`, of 8 bits, are those of `Conventions`. Where the
    border of an image does not tell its ink, the other images of the folder decide. The metadata have `stored_with`,
    unless ink is bright and the range that of the images.

    Raises
    ------
    SpecError
        If size, ink or value_range breaks a rule.
    DatasetNotFoundError, DatasetReadError
        If the folder does not exist, has no folder for any digit, or cannot be read, or an image cannot be read.
    DatasetError
        If a class or its images are missing, a file is not an image, or an image has no ink, or it is not clear which
        of its greys is ink.
    """
    check_integer("size", size, MIN_HEIGHT, MAX_SIZE)
    Conventions(ink, value_range)
    found = list(list_folder_files(path))
    files, labels = [file for _, file in found], np.array([digit for digit, _ in found], np.int64)
    scale = MAX_VALUE / (value_range or MAX_VALUE)
    drawn = _draw_by_themselves(files, size, ink, scale)
    if value_range is not None and drawn.most <= 0.5 and not drawn.is_done.any():
        raise DatasetError(explain_misfit(round(drawn.most * value_range), value_range))
    is_dark = drawn.is_dark if ink != "auto" else _vote(drawn.is_dark, drawn.agreement, files)
    is_right = drawn.is_done & (is_dark == drawn.is_dark)
    highest = round(drawn.most * MAX_VALUE)
    if value_range is None and highest in _SMALL_RANGES:
        value_range, scale = highest, MAX_VALUE / highest
        is_right[:] = False
    # Images are read again rather than kept: a folder may hold more than fits in memory.
    for number in np.flatnonzero(~is_right).tolist():
        page = _prepare(_read_scaled(files[number], scale))
        drawn.images[number] = _draw_digit(page, size, bool(is_dark[number]), str(files[number]))
    changes = _describe_ink(is_dark)
    changes += [f"values from 0 to {value_range}"] if value_range not in (None, MAX_VALUE) else []
    return RawDataset(drawn.images, labels, {STORED_WITH: ", ".join(changes)} if changes else {})


def _draw_by_themselves(files: Sequence[Path], size: int, ink: str, scale: float) -> _Drawn:
    """Draw each image as its own border says, or the ink that is given."""
    count = len(files)
    is_dark, is_done = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    agreement = np.zeros(count)
    images, most = np.empty((count, size, size), np.uint8), 0.0
    for number, file in enumerate(files):
        page = _prepare(_read_scaled(file, scale))
        is_dark[number] = page.is_dark if ink == "auto" else ink == "dark"
        agreement[number], most = page.agreement, max(most, page.most)
        with contextlib.suppress(DatasetError):  # the vote, or another range, may show its ink
            images[number] = _draw_digit(page, size, bool(is_dark[number]), str(file))
            is_done[number] = True
    return _Drawn(images, is_dark, agreement, is_done, most)


def _vote(
    is_dark: npt.NDArray[np.bool_], agreement: npt.NDArray[np.float64], files: Sequence[Path]
) -> npt.NDArray[np.bool_]:
    """Return whether the ink of each image is dark: as its border says if that is clear, else as the others are.

    Where the others are of both kinds, a border that nearly all agrees is clear enough.
    """
    is_sure = agreement == 1
    voters = is_dark[is_sure] if is_sure.any() else is_dark
    dark = float(voters.mean())
    if max(dark, 1 - dark) >= _CLEAR_VOTE:
        return np.where(is_sure, is_dark, dark > 0.5)
    unclear = np.flatnonzero(agreement < _CLEAR_BORDER)
    if unclear.size:
        others = f" (nor that of {unclear.size - 1} more)" if unclear.size > 1 else ""
        raise DatasetError(
            f"{files[unclear[0]]}: its border does not tell ink from paper{others}, and of {len(voters)} images that "
            f"could tell, {voters.sum()} are dark on light and {(~voters).sum()} bright on dark: put the two kinds "
            "into two folders, and build one file of each with `python -m number_generator digits build --ink dark`, "
            "or `--ink bright`; or take the unclear images out"
        )
    return is_dark


def _describe_ink(is_dark: npt.NDArray[np.bool_]) -> list[str]:
    if not is_dark.any():
        return []
    of_which = "" if is_dark.all() else f" in {is_dark.sum()} of {len(is_dark)} images"
    return [f"dark ink on a light ground{of_which}"]


def read_digits(path: str | os.PathLike[str], **folder_options: Any) -> RawDataset:
    """Read digits from a file, or from a folder of images with the options of `load_folder`."""
    return load_folder(path, **folder_options) if is_folder_of_images(path) else load_arrays(path)


def is_folder_of_images(path: Any) -> bool:
    """Tell whether a path is a folder but not a dataset; other folders are taken for folders of images."""
    path = expand_home(path)
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
    folder = Path(expand_home(path))
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
            if not file.name.lower().endswith(_ENDINGS):
                raise DatasetError(
                    f"{file}: its name does not end in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}: convert it, or "
                    f"move it elsewhere. {_VALID}"
                )
            if not file.is_file():
                raise DatasetError(f"{file}: this is {describe_kind(file)}: take it out. {_VALID}")
            count += 1
            yield digit, file
        if not count:
            raise DatasetError(f"{folder / str(digit)}: there is no image in this folder. {_VALID}")


def normalise_digit(grey: Grey, size: int, ink: str, name: str) -> npt.NDArray[np.uint8]:
    """Turn an image into a digit of MNIST's form: ink in a box of 20 / 28 of the size, centred by its mass.

    `grey` has shape (height, width), from 0 for black to 1 for white. The digit has shape (size, size), with ink up to
    255 on background 0. `name` is that of the file, for errors.
    """
    page = _prepare(grey)
    return _draw_digit(page, size, page.is_dark if ink == "auto" else ink == "dark", name)


def _draw_digit(page: _Page, size: int, is_dark: bool, name: str) -> npt.NDArray[np.uint8]:
    """Draw the ink of a page as `normalise_digit` does."""
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    marks = _extract_ink(page, is_dark, name)
    rows, columns = np.flatnonzero((marks >= _EDGE).any(axis=1)), np.flatnonzero((marks >= _EDGE).any(axis=0))
    cut = marks[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    box = max(1, round(_MNIST_BOX * size))
    scale = box / max(cut.shape)
    height, width = (max(1, round(length * scale)) for length in cut.shape)
    if (height, width) != cut.shape:
        cut = np.asarray(Image.fromarray(cut).resize((width, height), Image.Resampling.BICUBIC))
    digit = np.clip(cut, 0, 1)
    digit = np.rint(np.minimum(digit * min(_MOST_GAIN, 1 / max(float(digit.max()), 1e-6)), 1) * 255).astype(np.uint8)
    drawn = np.zeros((size, size), np.uint8)
    top, left = _find_corner(digit, size)
    drawn[top : top + height, left : left + width] = digit
    return drawn


def _find_corner(digit: npt.NDArray[np.uint8], size: int) -> tuple[int, int]:
    """Return where a digit goes to have its centre of mass in the middle, as far as it stays on the page."""
    weight = max(1, int(digit.sum(dtype=np.int64)))
    corner = []
    for axis in (0, 1):
        along = digit.sum(axis=1 - axis, dtype=np.int64)
        centre = float((along * (np.arange(len(along)) + 0.5)).sum()) / weight
        corner.append(min(max(round(size / 2 - centre), 0), size - len(along)))
    return corner[0], corner[1]


def _prepare(grey: Grey) -> _Page:
    """Return an image as its ink is found."""
    most = float(grey.max())
    grey = _remove_shadow(_reduce(grey))
    threshold = _find_threshold(grey)
    border = grey[_find_border(grey)]
    is_dark = float(np.median(border)) > threshold
    return _Page(grey, threshold, is_dark, float(((border > threshold) == is_dark).mean()), most)


def _extract_ink(page: _Page, is_dark: bool, name: str) -> Grey:
    """Return the ink, 0 to 1: what differs from the paper by more than its noise, in the direction of the ink."""
    marks, threshold = (1 - page.grey, 1 - page.threshold) if is_dark else (page.grey, page.threshold)
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


def _read_scaled(file: Path, scale: float) -> Grey:
    """Read an image, and multiply its greys; more than white is white."""
    grey = _read_grey(file)
    return grey if scale == 1 else np.minimum(grey * np.float32(scale), np.float32(1))


def _read_grey(file: Path) -> Grey:
    """Read an image as it is shown: rotated as its camera says, and on paper where it is transparent."""
    try:
        size = file.stat().st_size
        # No image of so few pixels takes more.
        content = file.read_bytes() if size <= _MOST_BYTES else b""
    except OSError as exc:
        raise DatasetReadError(f"{file}: the file cannot be read: {exc.strerror or exc}") from exc
    try:
        header = read_header(content, file.name)
        height, width = header.size
        if width * height > _MOST_PIXELS:
            raise DatasetError(
                f"{file}: it is {width} x {height} px, more than {_MOST_PIXELS // 10**6} million: cut the digit out, "
                "or scale it down"
            )
        # A pixel takes at least one bit before compression.
        if width * height > 8 * DEFLATE_EXPANSION * size:
            raise DatasetError(
                f"{file}: it claims {width} x {height} px, more than its bytes can hold: save it again, or take it out"
            )
        return _lay_on_paper(decode_picture(header, file.name))
    except DamagedImageError as exc:
        text = " ".join(str(exc).split())[:200]
        raise DatasetError(
            f"{file}: this is not a complete PNG or JPEG image ({text}): save it again, or take it out"
        ) from exc
    except MalformedError as exc:
        raise DatasetError(f"{file}: {exc}") from exc


def _lay_on_paper(picture: Picture) -> Grey:
    """Return the grey of a picture, 0 to 1; where it is transparent, dark ink gets white paper, bright ink black."""
    grey = picture.levels.astype(np.float32) / np.float32(picture.white)
    if picture.opacity is None:
        return grey
    opacity = picture.opacity.astype(np.float32) / np.float32(255)
    paper = 1.0 if float((grey * opacity).sum()) < 0.5 * float(opacity.sum()) else 0.0
    return (grey * opacity + paper * (1 - opacity)).astype(np.float32)
