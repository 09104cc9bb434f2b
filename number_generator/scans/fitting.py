"""Line images of any size, fitted to the page of a reader: the same way for training, for reading and for measuring."""

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from number_generator.errors import SpecError
from number_generator.job.spec import MAX_WIDTH
from number_generator.scans.pictures import Grey, to_grey
from number_generator.system.checks import check_integer, format_value
from number_generator.system.threads import check_workers, ordered_map

Ink = Literal["auto", "dark", "bright"]
LineFit = Literal["squeeze", "contain"]
Background = Literal["white", "paper"]

CONTRAST = (1.0, 50.0)
"""The percentiles that become black and white: in a line, ink is one pixel in ten or twenty, and half is paper."""
_LEAST_RANGE = 32  # grey levels: a page without ink must not become one of noise
_MOST_SIDE = 1 << 15  # px, of a line before it is scaled: Pillow's filters take memory for each


@dataclass(frozen=True, slots=True)
class FitSpec:
    """How lines are fitted: the arguments of `fit_line` of these names, checked."""

    height: int
    width: int | None
    ink: Ink = "auto"
    contrast: tuple[float, float] | None = CONTRAST
    fit: LineFit = "squeeze"
    background: Background = "white"

    def __post_init__(self) -> None:
        object.__setattr__(self, "height", check_integer("height", self.height, 4, MAX_WIDTH))
        if self.width is not None:
            object.__setattr__(self, "width", check_integer("width", self.width, 1, MAX_WIDTH))
        for name, values in (("ink", Ink), ("fit", LineFit), ("background", Background)):
            value, known = getattr(self, name), get_args(values)
            if not isinstance(value, str) or value not in known:
                raise SpecError(f"{name} is {format_value(value)}: give one of {', '.join(map(repr, known))}")
        if self.contrast is not None:
            object.__setattr__(self, "contrast", _check_contrast(self.contrast))


def fit_line(
    image: Any,
    height: int = 28,
    width: int | None = 128,
    *,
    ink: Ink = "auto",
    contrast: tuple[float, float] | None = CONTRAST,
    fit: LineFit = "squeeze",
    background: Background = "white",
) -> Grey:
    """Fit an image of one line to a reader's page, as dark ink on bright paper.

    ==========  ========================================================================================================
    step        what is done, in this order
    ==========  ========================================================================================================
    grey        colours become grey (ITU-R BT.601), what is transparent becomes white, files are turned as EXIF says
    ink         bright ink is inverted; "auto": it is bright if the 99th percentile of the levels is farther from the
                median than the 1st is, as most of a line is paper
    contrast    levels are stretched so that the two percentiles become 0 and 255, and clipped; they count as at least
                32 levels apart, so that blank paper stays paper
    size        scaled to the page's height in its own proportions (Lanczos); if that is too wide, "squeeze" narrows it
                to the page's width, and "contain" shrinks it in both directions
    page        put in the middle; what is left of the page is white, or the median level of the line
    ==========  ========================================================================================================

    Parameters
    ----------
    image : array_like, PIL.Image.Image or path_like
        A line of any size. An array has shape (height, width), or a last axis of 1 to 4 channels: grey, grey and
        opacity, RGB, RGBA; uint8, uint16, bool, or floats from 0 to 1.
    height, width : int
        Size of the page in px. A width of None leaves each line its own.
    ink : {"auto", "dark", "bright"}
    contrast : (float, float) or None
        Percentiles of the levels; None leaves them as they are.
    fit : {"squeeze", "contain"}
    background : {"white", "paper"}

    Returns
    -------
    ndarray, shape (height, width), uint8
        255 is paper, 0 is full ink.

    Raises
    ------
    SpecError
        If an argument breaks a rule, or the image has no pixels.
    DatasetReadError, DatasetError
        If a file cannot be read, or is no image.

    Examples
    --------
    >>> import numpy as np
    >>> from number_generator import fit_line
    >>> scan = np.full((60, 150), 200, np.uint8)
    >>> scan[10:50, 70:75] = 90
    >>> page = fit_line(scan, height=28, width=100)
    >>> page.shape, int(page.min()), int(page[0, 0])
    ((28, 100), 0, 255)
    """
    return _fit(to_grey(image), FitSpec(height, width, ink, contrast, fit, background))


def fit_lines(
    images: Iterable[Any],
    height: int = 28,
    width: int = 128,
    *,
    ink: Ink = "auto",
    contrast: tuple[float, float] | None = CONTRAST,
    fit: LineFit = "squeeze",
    background: Background = "white",
    workers: int | None = None,
) -> Grey:
    """Fit images of lines to the pages of one batch.

    Parameters
    ----------
    images : iterable
        Each as for `fit_line`: their sizes and kinds may differ.
    height, width, ink, contrast, fit, background
        As for `fit_line`.
    workers : int, optional
        Number of threads; None means one per core.

    Returns
    -------
    ndarray, shape (N, height, width), uint8
        255 is paper, 0 is full ink.

    Raises
    ------
    SpecError, DatasetReadError, DatasetError
        As by `fit_line`; the error names the image by its number, or a file by its path.

    Examples
    --------
    >>> import numpy as np
    >>> from number_generator import fit_lines
    >>> fit_lines([np.full((40, 90), 255, np.uint8), np.zeros((20, 300, 3), np.uint8)]).shape
    (2, 28, 128)
    """
    if isinstance(images, (str, bytes, os.PathLike)) or not isinstance(images, Iterable):
        raise SpecError(f"images is {format_value(images)}: give a list of images")
    spec = FitSpec(height, check_integer("width", width, 1, MAX_WIDTH), ink, contrast, fit, background)
    numbered = enumerate(images)
    pages = list(ordered_map(partial(_fit_numbered, spec=spec), numbered, check_workers(workers)))
    return np.stack(pages) if pages else np.empty((0, spec.height, width), np.uint8)


def scale_line(grey: Grey, spec: FitSpec) -> Grey:
    """Return a line in grey as it stands on its page, without the page around it: no higher and no wider than that."""
    if spec.ink == "bright" or (spec.ink == "auto" and is_bright_ink(grey)):
        grey = 255 - grey
    if spec.contrast is not None:
        grey = _stretch(grey, spec.contrast)
    return _resize(grey, *_find_size(grey.shape, spec))


def fit_grey(lines: Sequence[Grey], spec: FitSpec) -> list[Grey]:
    """Fit lines in grey, each at its own size, in this thread."""
    return [_fit(line, spec) for line in lines]


def is_bright_ink(grey: Grey) -> bool:
    """Tell whether ink is brighter than paper: most of a line is paper, so it lies on the longer side of the median."""
    darkest, paper, brightest = _find_levels(grey, (1.0, 50.0, 99.0))
    return brightest - paper > paper - darkest


def _fit_numbered(numbered: tuple[int, Any], spec: FitSpec) -> Grey:
    number, image = numbered
    return _fit(to_grey(image, f"image {number}"), spec)


def _fit(grey: Grey, spec: FitSpec) -> Grey:
    """Fit a line in grey to its page."""
    line = scale_line(grey, spec)
    rows, columns = line.shape
    width = columns if spec.width is None else spec.width
    paper = 255 if spec.background == "white" else round(float(np.median(line)))
    page = np.full((spec.height, width), paper, np.uint8)
    top, left = (spec.height - rows) // 2, (width - columns) // 2
    page[top : top + rows, left : left + columns] = line
    return page


def _find_size(shape: tuple[int, ...], spec: FitSpec) -> tuple[int, int]:
    """Return height and width of a line on its page."""
    height, width = shape
    columns = max(1, round(width * spec.height / height))
    most = MAX_WIDTH if spec.width is None else spec.width
    if columns <= most:
        return spec.height, columns
    if spec.fit == "squeeze":
        return spec.height, most
    return max(1, round(height * most / width)), most


def _stretch(grey: Grey, contrast: tuple[float, float]) -> Grey:
    """Return a line whose levels reach from black to white."""
    dark, bright = _find_levels(grey, contrast)
    dark = min(dark, bright - _LEAST_RANGE)
    levels = np.arange(256) - dark
    table = np.clip(np.rint(levels * (255 / (bright - dark))), 0, 255).astype(np.uint8)
    return table[grey]


def _find_levels(grey: Grey, percentiles: tuple[float, ...]) -> list[float]:
    """Return percentiles of the levels, as NumPy interpolates them, from a count of each level."""
    ranks = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    found = []
    for percentile in percentiles:
        place = (grey.size - 1) * percentile / 100
        low, high = np.searchsorted(ranks, [math.floor(place), math.ceil(place)], side="right").tolist()
        found.append(low + (high - low) * (place - math.floor(place)))
    return found


def _resize(grey: Grey, rows: int, columns: int) -> Grey:
    if grey.shape == (rows, columns):
        return grey
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    if max(grey.shape) > _MOST_SIDE:
        raise SpecError(f"a line is {grey.shape[1]} x {grey.shape[0]} px: at most {_MOST_SIDE} px a side can be fitted")
    return np.asarray(Image.fromarray(grey).resize((columns, rows), Image.Resampling.LANCZOS))


def _check_contrast(contrast: Any) -> tuple[float, float]:
    """Return the two percentiles, or raise SpecError."""
    try:
        low, high = map(float, contrast)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not 0 <= low < high <= 100:
        raise SpecError(
            f"contrast is {format_value(contrast)}: give two percentiles from 0 to 100, the smaller one first, such as "
            "(1, 50), or None"
        )
    return low, high
