"""Styled pages from the ink of their lines: ink on white, or on paper and through a scan.

These are separate from the kernel that writes lines: numba compiles a kernel again into each of its callers, and a
style without paper need not wait for that.
"""

from typing import Any

import numpy as np

from number_generator._kernels import paper, scan, streams
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import CONSTANT
from number_generator._kernels.page import make_aligned, make_scratch

# A style without paper has none of these.
_FEATURES = tuple(
    np.int64(stream)  # numba would give each plain integer of a tuple its own type
    for stream in (
        streams.GRADIENT, streams.TEXTURE, streams.WAVES, streams.FIBRES, streams.RULED, streams.BOXED,
        streams.PADDING, streams.SPECKLE, streams.BLUR, streams.NOISE, streams.JPEG, streams.AUTO_LEVELS,
        streams.INVERT,
    )
)  # fmt: skip


@kernel
def needs_paper(table: Any) -> bool:
    """Tell whether a style needs more than `ink_pages`: paper that is not plain white, or traces of a scanner."""
    needs = table[streams.PAPER, 0] != CONSTANT or table[streams.PAPER, 1] != 1.0
    for stream in _FEATURES:
        needs = needs or table[stream, 0] != CONSTANT or table[stream, 1] > 0.0
    return needs


@kernel
def ink_pages(seed: int, start: int, table: Any, shape: Any, pages: Any) -> None:
    """Turn each line's ink, from 0 to 255, into its page, in place.

    Parameters
    ----------
    seed, start, table
        As for `write_lines`.
    shape : (int, int)
        Height and width of a page.
    pages : ndarray, shape (n, height * width), uint8
    """
    height, width = shape
    scratch = make_scratch(height, width)
    # A loop that reads and writes the same memory does not become vector code.
    cover = np.empty(height * width, np.uint8)
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        ink = pages[i]
        for k in range(ink.size):
            cover[k] = ink[k]
        image = np.uint64(start) + np.uint64(i)
        paper.ink_plain(seed, image, table, shape, cover, out, i * height * width, scratch)


@kernel
def scan_pages(seed: int, start: int, table: Any, shape: Any, boxes: Any, pointed: Any, pages: Any) -> None:
    """Turn each line's ink into a scanned page of paper, in place.

    Parameters
    ----------
    seed, start, table, shape, pages
        As for `ink_pages`.
    boxes : ndarray, shape (n, 5), float64
        The box of each line's ink (x0, y0, x1, y1) and the height of its baseline, in px of the page.
    pointed : ndarray, shape (n,), bool
        Whether its label can hold dots or commas, so that no speck may read as one.
    """
    height, width = shape
    scratch = make_scratch(height, width)
    page = make_aligned(height * width)
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        image = np.uint64(start) + np.uint64(i)
        box = (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
        paper.draw_paper(seed, image, table, shape, box, boxes[i, 4], page, scratch)
        paper.ink_page(seed, image, table, shape, box, pages[i], page, scratch)
        clear = scan.NOWHERE
        if pointed[i]:
            tall = box[3] - box[1]
            # A dot stands in the lower half of its line, and before or after it.
            clear = (box[0] - 0.7 * tall, box[1] + 0.4 * tall, box[2] + 0.7 * tall, box[3] + 0.3 * tall)
        scan.scan_page(seed, image, table, shape, clear, page, out, i * height * width, scratch)
