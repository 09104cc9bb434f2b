"""How line images look: paper, ink, scan and writing, measured alike on real and on drawn pages.

A pixel's residual is how much darker it is than the ground around it, the mean of the paper there; ink is what is
darker by a large part of the ink's contrast. Everything is measured on dark ink on bright paper, on pages of one
height H; what is measured in px is relative to H or to the height of the ink, and strengths are relative to the
ink's contrast, so that a page stretched in contrast measures alike.
"""

from typing import Any

import numpy as np

from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.look_columns import ASPECT, BINS, BLOCKS, BOX, FEWEST_INK, RULE
from number_generator._kernels.look_ground import (
    find_columns,
    find_contrast,
    find_fall,
    find_ground,
    grow,
    mark_ink,
    smooth_page,
)
from number_generator._kernels.look_paper import drop_rules, find_box, find_rules, measure_blocks, measure_paper
from number_generator._kernels.look_writing import measure_ink, measure_place, measure_strokes, measure_writing

_INK_SHARE = 0.42  # of the contrast: darker is ink
_NOISES = 3.2
_LEAST_CONTRAST = 10.0  # levels: on a page with less there is nothing to measure


def make_scratch(height: int, width: int) -> Any:
    """Make scratch memory for pages of a height, and of a width at most."""
    size = height * width
    return (
        np.empty((3, size), np.float32),
        np.empty((3, size), np.uint8),
        np.empty((2, (height + 1) * (width + 1)), np.float64),
        np.empty(BINS, np.int64),
        np.empty((4, 3 * height + width), np.float64),
        np.empty(size, np.int32),
    )


@entry_kernel
def measure_looks(pages: Any, starts: Any, widths: Any, height: int, scratch: Any, out: Any) -> None:
    """Measure pages.

    Parameters
    ----------
    pages : ndarray, flat uint8
        The pages one after another, row by row.
    starts, widths : ndarray, shape (n,), int64
        Where each page begins, and its width in px.
    height : int
        Of all pages, in px.
    scratch : tuple
        See `make_scratch`; its contents do not matter.
    out : ndarray, shape (n, len(LOOKS)), float64
        Receives the measures; all but those of the paper are NaN on a page without ink.
    """
    for number in range(len(starts)):
        out[number, :] = np.nan
        _measure_page(pages, starts[number], widths[number], height, scratch, out[number])


@kernel
def _measure_page(pages: Any, start: int, width: int, height: int, scratch: Any, out: Any) -> None:
    levels, masks, sums, bins, lines, places = scratch
    residual, ground, cover = levels[0], levels[1], levels[2]
    ink, near, spare = masks[0], masks[1], masks[2]
    size = height * width
    smooth = cover  # until the ink is found
    smooth_page(pages, start, width, height, ground, smooth)
    find_columns(pages, start, width, height, bins, lines[0])
    fall = find_fall(pages, start, width, height, bins, lines[1])
    for y in range(height):
        for x in range(width):
            residual[y * width + x] = lines[0, x] - fall * (y - 0.5 * height) - smooth[y * width + x]
    contrast, noise = find_contrast(residual, width, height, bins)
    mark_ink(residual, max(0.35 * contrast, 2.5 * noise), width, height, spare, ink)
    grow(ink, spare, width, height, near)
    find_ground(pages, start, near, width, height, sums, lines[0], fall, ground)
    for k in range(size):
        residual[k] = ground[k] - smooth[k]
    contrast, noise = find_contrast(residual, width, height, bins)
    count = mark_ink(residual, max(_INK_SHARE * contrast, _NOISES * noise), width, height, spare, ink)
    for k in range(size):
        residual[k] = ground[k] - pages[start + k]
    has_ink = contrast >= max(_LEAST_CONTRAST, _NOISES * noise) and count >= FEWEST_INK
    if not has_ink:
        ink[:size] = 0
        contrast = max(contrast, _LEAST_CONTRAST)
    out[RULE] = find_rules(residual, contrast, width, height, lines[1])
    out[BOX] = find_box(residual, contrast, width, height)
    grow(ink, spare, width, height, near)
    measure_paper(pages, start, ground, near, contrast, width, height, bins, out)
    out[BLOCKS] = measure_blocks(pages, start, width, height, lines[0])
    out[ASPECT] = width / height
    if not has_ink:
        return
    drop_rules(ink, lines[1], width, height, spare)
    grow(ink, spare, width, height, near)
    contrast = measure_ink(residual, ink, near, contrast, width, height, bins, lines, out)
    for k in range(size):
        cover[k] = min(max(residual[k] / contrast, 0.0), 1.0) if near[k] else 0.0
    if measure_place(cover, ink, width, height, lines, out):
        measure_strokes(cover, ink, near, width, height, bins, out)
        measure_writing(ink, width, height, lines, places, out)
