"""Styled pages from the ink of their lines: ink on white, or on paper and through a scan.

Kernels of their own beside the one that writes lines: numba compiles a kernel again into each that calls it, and a
style without paper needs not wait for it.
"""

from typing import Any

import numpy as np

from number_generator._kernels import paper, scan, streams
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import CONSTANT
from number_generator._kernels.page import make_page, make_scratch

__all__ = ["ink_pages", "needs_paper", "scan_pages"]

# What a style without paper has none of.
_FEATURES = tuple(
    np.int64(stream)  # of plain integers, numba would make a type for each
    for stream in (
        streams.GRADIENT, streams.TEXTURE, streams.WAVES, streams.FIBRES, streams.RULED, streams.BOXED,
        streams.PADDING, streams.SPECKLE, streams.BLUR, streams.NOISE, streams.JPEG, streams.AUTO_LEVELS,
        streams.INVERT,
    )
)  # fmt: skip


@kernel
def needs_paper(table: Any) -> bool:
    """Tell whether a style has paper that is not plain white, or traces of a scanner: more than `ink_pages` draws."""
    needs = table[streams.PAPER, 0] != CONSTANT or table[streams.PAPER, 1] != 1.0
    for stream in _FEATURES:
        needs = needs or table[stream, 0] != CONSTANT or table[stream, 1] > 0.0
    return needs


@kernel
def ink_pages(seed: int, start: int, table: Any, shape: Any, pages: Any) -> None:
    """Turn each line's ink, from 0 to 255, into its page, in place.

    Parameters
    ----------
    seed, start : int
        `start` is the first line's image number.
    table : ndarray
        The style: see `draws`.
    shape : (int, int)
        Height and width of a page.
    pages : ndarray, shape (n, height * width), uint8
    """
    height, width = shape
    scratch = make_scratch(height, width)
    # Loops over memory that they both read and write are no vector code.
    cover = np.empty(height * width, np.uint8)
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        ink = pages[i]
        for k in range(ink.size):
            cover[k] = ink[k]
        image = np.uint64(start) + np.uint64(i)
        paper.ink_plain(seed, image, table, shape, cover, out, i * height * width, scratch)


@kernel
def scan_pages(seed: int, start: int, table: Any, shape: Any, boxes: Any, pages: Any) -> None:
    """Turn each line's ink into a page of paper that was scanned, in place.

    Parameters
    ----------
    seed, start, table, shape, pages
        As `ink_pages` takes them.
    boxes : ndarray, shape (n, 5), float64
        The box of each line's ink (x0, y0, x1, y1) and the height of its baseline, in px of the page.
    """
    height, width = shape
    scratch = make_scratch(height, width)
    page = make_page(height, width)
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        image = np.uint64(start) + np.uint64(i)
        box = (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
        paper.draw_paper(seed, image, table, shape, box, boxes[i, 4], page, scratch)
        paper.ink_page(seed, image, table, shape, box, pages[i], page, scratch)
        scan.scan_page(seed, image, table, shape, page, out, i * height * width, scratch)
