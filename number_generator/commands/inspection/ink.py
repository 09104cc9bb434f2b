"""Ink on pages, measured: which grey is paper, which pixels are ink, and where they stand.

The paper of a page is its median grey, and the page's contrast how far its darkest or its lightest pixels reach from
that: so ink is dark on light paper, or light on dark. A pixel is ink if it reaches further than a quarter of the
contrast; where paper is noisy, than four times the noise, which need not be more than 0.6 of the contrast. A page whose
contrast is small, or no more than noise makes, is blank. What else stands out from paper, such as ruled lines, is ink.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["BATCH_BYTES", "PageInk", "measure_ink"]

BATCH_BYTES = 2 << 20
"""How many bytes of images are best measured at once."""

_CONTRAST_SHARE, _NOISE_FACTOR, _NOISY_SHARE = 0.25, 4.0, 0.6
_LEAST_LEVELS, _LEAST_SIGMAS = 16, 2.8  # of a page's contrast: chosen on pages of the style document, with their boxes
_NEVER = 256.0
_SIGMAS_A_MAD = 1.4826  # of a normal distribution
_EXTREME_SHARE, _EXTREME_PIXELS = 0.005, 4  # a few specks do not make the contrast

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PageInk:
    """What was measured of n pages, one entry each unless it says otherwise.

    Attributes
    ----------
    paper : ndarray of int
        Grey of the paper, 0 to 255.
    noise : ndarray of float
        By how many levels paper differs from that: the standard deviation, reckoned from the median.
    is_light : ndarray of bool
        Whether ink is lighter than the paper.
    is_blank : ndarray of bool
        Whether there is no ink.
    share : ndarray of float
        Part of the page's pixels that is ink, 0 to 1.
    depth : ndarray of float
        By how many levels ink differs from the paper, on average; 0 on a blank page.
    box : ndarray, shape (n, 4), int
        Of the ink: x0, y0, x1, y1 in px, half-open; zeros on a blank page.
    gaps : ndarray, flat int
        Widths in px of the blank columns between inked ones, of all pages.
    """

    paper: Integers
    noise: Floats
    is_light: Booleans
    is_blank: Booleans
    share: Floats
    depth: Floats
    box: Integers
    gaps: Integers

    @classmethod
    def joined(cls, parts: list[PageInk]) -> PageInk:
        """Put what was measured of several batches of pages together."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def measure_ink(images: npt.NDArray[np.uint8]) -> PageInk:
    """Measure pages.

    Parameters
    ----------
    images : ndarray, shape (n, height, width), uint8
        No more of them than BATCH_BYTES at once: what is worked with takes many times as much.

    Examples
    --------
    >>> import numpy as np
    >>> page = np.full((1, 6, 20), 250, np.uint8)
    >>> page[0, 1:5, 3:5] = page[0, 1:5, 9:11] = 10
    >>> found = measure_ink(page)
    >>> found.paper.tolist(), found.box.tolist(), found.gaps.tolist()
    ([250], [[3, 1, 11, 5]], [4])
    """
    _, height, width = images.shape
    cumulated = _histograms(images).cumsum(axis=1)
    pixels = height * width
    paper = _levels_at(cumulated, (pixels + 1) // 2)
    extreme = max(_EXTREME_PIXELS, int(pixels * _EXTREME_SHARE))
    darker = paper - _levels_at(cumulated, min(extreme, pixels))
    lighter = _levels_at(cumulated, max(1, pixels + 1 - extreme)) - paper
    is_light = lighter > darker
    contrast = np.maximum(lighter, darker)
    spread = _spread(images, paper)
    noise = _SIGMAS_A_MAD * np.where(spread > 0, spread + 0.5, 0.0)  # levels are whole numbers
    margin = np.maximum(_CONTRAST_SHARE * contrast, np.minimum(_NOISE_FACTOR * noise, _NOISY_SHARE * contrast))
    margin[contrast < np.maximum(_LEAST_LEVELS, _LEAST_SIGMAS * noise)] = _NEVER

    # Ink below `paper - margin`, or above `paper + margin`: compared as bytes, which is much faster than as integers.
    turned = np.where(is_light, 255 - paper, paper)
    limits = np.clip(np.ceil(turned - margin), 0, 255).astype(np.uint8)
    flips = np.where(is_light, 255, 0).astype(np.uint8)
    levels = images ^ flips[:, None, None]
    ink = levels < limits[:, None, None]
    inked = np.count_nonzero(ink, axis=(1, 2))
    sums = (levels * ink).sum(axis=(1, 2), dtype=np.int64)
    depth = np.where(inked > 0, turned - sums / np.maximum(inked, 1), 0.0)
    columns, rows = ink.any(axis=1), ink.any(axis=2)
    x0, x1 = _extent(columns)
    y0, y1 = _extent(rows)
    return PageInk(
        paper,
        noise,
        is_light & (inked > 0),
        inked == 0,
        inked / pixels,
        depth,
        np.stack((x0, y0, x1, y1), axis=1),
        _gaps(columns),
    )


def _histograms(images: npt.NDArray[np.uint8]) -> Integers:
    """Count the pixels of each grey on each page, shape (n, 256)."""
    count = len(images)
    keys = images.reshape(count, images.shape[1] * images.shape[2]) + (np.arange(count, dtype=np.int64)[:, None] << 8)
    return np.bincount(keys.reshape(-1), minlength=count << 8).reshape(count, 256)


def _levels_at(cumulated: Integers, rank: int) -> Integers:
    """Give the grey of the pixel of a rank, counted from 1 and the darkest, on each page."""
    return (cumulated < rank).sum(axis=1)


def _spread(images: npt.NDArray[np.uint8], paper: Integers) -> Integers:
    """Give the median distance of each page's pixels from its paper."""
    grey = paper.astype(np.uint8)[:, None, None]
    distances = np.maximum(images, grey) - np.minimum(images, grey)
    return _levels_at(_histograms(distances).cumsum(axis=1), (images.shape[1] * images.shape[2] + 1) // 2)


def _extent(inked: Booleans) -> tuple[Integers, Integers]:
    """Give the first inked column or row of each page, and the one after the last; zeros where there is none."""
    some = inked.any(axis=1)
    first = np.where(some, inked.argmax(axis=1), 0)
    after = np.where(some, inked.shape[1] - inked[:, ::-1].argmax(axis=1), 0)
    return first, after


def _gaps(columns: Booleans) -> Integers:
    """Give the widths of blank columns between inked ones."""
    bounded = np.zeros((len(columns), columns.shape[1] + 2), np.int8)
    bounded[:, 1:-1] = columns
    steps: npt.NDArray[Any] = np.diff(bounded, axis=1)
    row, begins = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    # Strokes come in order, so what follows the end of one is the beginning of the next, on the same page.
    return (begins[1:] - ends[:-1])[row[1:] == row[:-1]]
