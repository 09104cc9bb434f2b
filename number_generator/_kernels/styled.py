"""Styled pages from the ink of their lines: ink on white, or on paper and through a scan.

These are separate from the kernel that writes lines: numba compiles a kernel again into each of its callers, and a
style without paper need not wait for that.
"""

from typing import Any

import numpy as np

from number_generator._kernels import paper, scan, streams
from number_generator._kernels.compile import entry_kernel
from number_generator._kernels.draws import CONSTANT

# A style without paper has none of these.
_FEATURES = [
    streams.GRADIENT, streams.TEXTURE, streams.WAVES, streams.FIBRES, streams.RULED, streams.BOXED, streams.PADDING,
    streams.SPECKLE, streams.BLUR, streams.NOISE, streams.JPEG, streams.AUTO_LEVELS, streams.INVERT,
]  # fmt: skip


def needs_paper(table: Any) -> bool:
    """Tell whether a style needs more than `ink_pages`: paper that is not plain white, or traces of a scanner."""
    if table[streams.PAPER, 0] != CONSTANT or table[streams.PAPER, 1] != 1.0:
        return True
    return bool(((table[_FEATURES, 0] != CONSTANT) | (table[_FEATURES, 1] > 0.0)).any())


@entry_kernel
def ink_pages(seed: int, start: int, table: Any, shape: Any, scratch: Any, cover: Any, pages: Any) -> None:
    """Turn each line's ink, from 0 to 255, into its page, in place.

    Parameters
    ----------
    seed, start, table
        As for `write_lines`.
    shape : (int, int)
        Height and width of a page.
    scratch : tuple
        See `page.make_scratch`.
    cover : ndarray, shape (height * width,), uint8
        Scratch memory: a loop that reads and writes the same memory does not become vector code.
    pages : ndarray, shape (n, height * width), uint8
    """
    height, width = shape
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        ink = pages[i]
        for k in range(ink.size):
            cover[k] = ink[k]
        image = np.uint64(start) + np.uint64(i)
        paper.ink_plain(seed, image, table, shape, cover, out, i * height * width, scratch)


@entry_kernel
def scan_pages(
    seed: int, start: int, table: Any, shape: Any, scratch: Any, page: Any, boxes: Any, pointed: Any, pages: Any
) -> None:
    """Turn each line's ink into a scanned page of paper, in place.

    Parameters
    ----------
    seed, start, table, shape, scratch, pages
        As for `ink_pages`.
    page : ndarray, shape (height * width,), float32
        Scratch memory, from `make_aligned`.
    boxes : ndarray, shape (n, 5), float64
        The box of each line's ink (x0, y0, x1, y1) and the height of its baseline, in px of the page.
    pointed : ndarray, shape (n,), bool
        Whether its label can hold points, such as dots and commas, so that no speck may read as one.
    """
    height, width = shape
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
