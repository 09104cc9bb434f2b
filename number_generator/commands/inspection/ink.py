"""Ink on pages: which grey is paper, which pixels are ink, and where they are.

The paper of a page is its median grey, and its contrast is how far the darkest or the lightest pixels are from that,
whichever is more: ink is dark on light paper, or light on dark. A pixel is ink if it differs from the paper by more
than a quarter of the contrast, or, on noisy paper, by more than four times the noise (at most 0.6 of the contrast).

Where the contrast is small, or no more than the noise explains, `strokes` compares each pixel with the ground around
it: ink may be a small part of the page, or paper may vary as much as ink does. The page is then inked, blank or
unclear. Whatever else stands out from the paper, such as ruled lines, counts as ink.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.commands.inspection.strokes import find_strokes

BATCH_BYTES = 2 << 20
"""How many bytes of images to measure at once for the best speed."""

_CONTRAST_SHARE, _NOISE_FACTOR, _NOISY_SHARE = 0.25, 4.0, 0.6
_LEAST_LEVELS, _LEAST_SIGMAS = 16, 3.0  # of a page's contrast: fitted to pages of the style document and their boxes
_VISIBLE_LEVELS = 8  # of any pixel from the paper: a page without such pixels is blank
_SIGMAS_A_MAD, _SIGMAS_A_TENTH = 1.4826, 3.95  # of a normal distribution; a tenth of it, beside the median
_LUMA = np.array((19595, 38470, 7471), np.int32)  # of red, green and blue, of 2**16: ITU-R 601, as Pillow has it
_EXTREME_SHARE, _EXTREME_PIXELS = 0.005, 4  # a few specks do not make the contrast

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PageInk:
    """Measurements of n pages, shape (n,) unless stated otherwise."""

    paper: Integers  # grey of the paper, 0 to 255
    noise: Floats  # by how many levels it varies: the standard deviation, estimated from the median distance
    is_light: Booleans  # whether ink is lighter than the paper
    is_blank: Booleans  # whether there is certainly no ink
    is_unclear: Booleans  # whether it cannot be told if there is ink; none is measured
    share: Floats  # of the page's pixels that are ink, 0 to 1
    depth: Floats  # by how many levels ink differs from the paper, on average; 0 without ink
    box: Integers  # of the ink, shape (n, 4): x0, y0, x1, y1 in px, half-open; zeros without ink
    gaps: Integers  # flat: widths in px of the blank columns between inked ones, on all pages together

    @classmethod
    def join(cls, parts: list[PageInk]) -> PageInk:
        """Concatenate the measurements of several batches of pages."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def measure_ink(images: npt.NDArray[np.uint8]) -> PageInk:
    """Measure images of shape (n, height, width), at most BATCH_BYTES: this takes many times that much memory.

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
    cumulated = _count_levels(images).cumsum(axis=1)
    pixels = height * width
    paper = _find_levels(cumulated, (pixels + 1) // 2)
    extreme = max(_EXTREME_PIXELS, int(pixels * _EXTREME_SHARE))
    darker = paper - _find_levels(cumulated, min(extreme, pixels))
    lighter = _find_levels(cumulated, max(1, pixels + 1 - extreme)) - paper
    is_light = lighter > darker
    contrast = np.maximum(lighter, darker)
    spread = _measure_spread(images, paper)
    noise = _SIGMAS_A_MAD * np.where(spread > 0, spread + 0.5, 0.0)  # levels are whole numbers
    margin = np.maximum(_CONTRAST_SHARE * contrast, np.minimum(_NOISE_FACTOR * noise, _NOISY_SHARE * contrast))
    is_weak = contrast < np.maximum(_LEAST_LEVELS, _LEAST_SIGMAS * _measure_clipped_noise(cumulated, paper, noise))
    farthest = np.maximum(paper - _find_levels(cumulated, 1), _find_levels(cumulated, pixels) - paper)
    doubtful = np.flatnonzero(is_weak & (farthest >= _VISIBLE_LEVELS))
    strokes = find_strokes(images[doubtful])
    is_light[doubtful] = strokes.is_light

    # Ink is below `paper - margin` or above `paper + margin`. Comparing bytes is much faster than comparing integers.
    turned = np.where(is_light, 255 - paper, paper)
    limits = np.clip(np.ceil(turned - margin), 0, 255).astype(np.uint8)
    flips = np.where(is_light, 255, 0).astype(np.uint8)
    levels = images ^ flips[:, None, None]
    ink = levels < limits[:, None, None]
    ink[is_weak] = False
    ink[doubtful] = strokes.ink
    inked = np.count_nonzero(ink, axis=(1, 2))
    sums = (levels * ink).sum(axis=(1, 2), dtype=np.int64)
    depth = np.where(inked > 0, turned - sums / np.maximum(inked, 1), 0.0)
    depth[doubtful] = strokes.depth
    is_unclear = np.zeros(len(images), np.bool_)
    is_unclear[doubtful] = strokes.is_unclear
    columns, rows = ink.any(axis=1), ink.any(axis=2)
    x0, x1 = _find_extent(columns)
    y0, y1 = _find_extent(rows)
    return PageInk(
        paper,
        noise,
        is_light & (inked > 0),
        (inked == 0) & ~is_unclear,
        is_unclear,
        inked / pixels,
        depth,
        np.stack((x0, y0, x1, y1), axis=1),
        _measure_gaps(columns),
    )


def to_grey(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return images of shape (n, height, width), which may have a last axis of red, green and blue, in grey."""
    if images.ndim == 3:
        return images
    return ((images @ _LUMA + (1 << 15)) >> 16).astype(np.uint8)


def _count_levels(images: npt.NDArray[np.uint8]) -> Integers:
    """Count the pixels of each grey on each page, shape (n, 256)."""
    count = len(images)
    keys = images.reshape(count, images.shape[1] * images.shape[2]) + (np.arange(count, dtype=np.int64)[:, None] << 8)
    return np.bincount(keys.reshape(-1), minlength=count << 8).reshape(count, 256)


def _find_levels(cumulated: Integers, rank: int) -> Integers:
    """Return the grey of the pixel with a rank, counted from 1 for the darkest, on each page."""
    return (cumulated < rank).sum(axis=1)


def _measure_spread(images: npt.NDArray[np.uint8], paper: Integers) -> Integers:
    """Return the median distance of each page's pixels from its paper."""
    grey = paper.astype(np.uint8)[:, None, None]
    distances = np.maximum(images, grey) - np.minimum(images, grey)
    return _find_levels(_count_levels(distances).cumsum(axis=1), (images.shape[1] * images.shape[2] + 1) // 2)


def _measure_clipped_noise(cumulated: Integers, paper: Integers, noise: Floats) -> Floats:
    """Return the noise, but that of the wider side where black or white cut the other one short."""
    tenth = int(cumulated[0, -1]) // 10 if len(cumulated) else 0
    # So near the median, and not at a quarter, as ink may be as much as that.
    wider = np.maximum(paper - _find_levels(cumulated, 4 * tenth), _find_levels(cumulated, 6 * tenth) - paper)
    is_clipped = (noise > 0) & (np.minimum(paper, 255 - paper) < 2 * noise)
    return np.where(is_clipped, np.maximum(noise, _SIGMAS_A_TENTH * wider), noise)


def _find_extent(inked: Booleans) -> tuple[Integers, Integers]:
    """Return the first inked column or row of each page and the one after the last; zeros if there is none."""
    some = inked.any(axis=1)
    first = np.where(some, inked.argmax(axis=1), 0)
    after = np.where(some, inked.shape[1] - inked[:, ::-1].argmax(axis=1), 0)
    return first, after


def _measure_gaps(columns: Booleans) -> Integers:
    """Return the widths of the blank columns between inked ones."""
    bounded = np.zeros((len(columns), columns.shape[1] + 2), np.int8)
    bounded[:, 1:-1] = columns
    steps: npt.NDArray[Any] = np.diff(bounded, axis=1)
    row, begins = np.nonzero(steps == 1)
    _, ends = np.nonzero(steps == -1)
    # Strokes are in order: the end of one is followed by the beginning of the next, if both are on the same page.
    return (begins[1:] - ends[:-1])[row[1:] == row[:-1]]
