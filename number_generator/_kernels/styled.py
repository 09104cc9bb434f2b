"""Styled pages from the ink of their lines: ink on white, or on paper and through a scan.

These are separate from the kernel that writes lines: numba compiles a kernel again into each of its callers, and a
style without paper need not wait for that.
"""

from typing import Any

import numpy as np

from number_generator._kernels import own_paper, paper, scan, streams
from number_generator._kernels.compile import entry_kernel
from number_generator._kernels.draws import CONSTANT

# A style without paper has none of these.
_FEATURES = [
    streams.GRADIENT, streams.TEXTURE, streams.WAVES, streams.FIBRES, streams.RULED, streams.BOXED, streams.PADDING,
    streams.SPECKLE, streams.BLUR, streams.NOISE, streams.JPEG, streams.AUTO_LEVELS, streams.INVERT,
]  # fmt: skip


def needs_paper(table: Any) -> bool:
    """Tell whether a style needs more than `ink_pages`: paper that is drawn and not white, or traces of a scanner."""
    if table[streams.PAPER, 0] != CONSTANT or table[streams.PAPER, 1] != 1.0:
        return True
    return bool(((table[_FEATURES, 0] != CONSTANT) | (table[_FEATURES, 1] > 0.0)).any())


@entry_kernel
def ink_pages(seed: int, start: int, table: Any, shape: Any, scratch: Any, cover: Any, own: Any, pages: Any) -> None:
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
    own : tuple
        The user's own paper, which may be no pictures: see `own_paper.draw_own_paper`.
    pages : ndarray, shape (n, height * width), uint8
    """
    height, width = shape
    out = pages.reshape(-1)
    next_cut = own_paper.choose_cut(seed, np.uint64(start), table, shape, own)
    for i in range(pages.shape[0]):
        ink = pages[i]
        for k in range(ink.size):
            cover[k] = ink[k]
        image = np.uint64(start) + np.uint64(i)
        cut, next_cut = next_cut, own_paper.choose_cut(seed, image + np.uint64(1), table, shape, own)
        own_paper.fetch_cut(next_cut, shape, own[0])
        if own_paper.is_own(seed, image, table, own[1]):
            own_paper.ink_own_paper(seed, image, table, shape, own, cut, cover, out, i * height * width, scratch)
        else:
            paper.ink_plain(seed, image, table, shape, cover, out, i * height * width, scratch)


@entry_kernel
def scan_pages(
    seed: int, start: int, table: Any, shape: Any, scratch: Any, page: Any, boxes: Any, pointed: Any, own: Any,
    pages: Any,
) -> None:  # fmt: skip
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
        Whether its label can hold dots or commas, so that no speck may read as one.
    own : tuple
        As for `ink_pages`.
    """
    height, width = shape
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        image = np.uint64(start) + np.uint64(i)
        box = (boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3])
        if own_paper.is_own(seed, image, table, own[1]):
            cut = own_paper.choose_cut(seed, image, table, shape, own)
            own_paper.draw_own_paper(seed, image, table, shape, box, boxes[i, 4], own, cut, page, scratch)
        else:
            paper.draw_paper(seed, image, table, shape, box, boxes[i, 4], page, scratch)
        paper.ink_page(seed, image, table, shape, box, pages[i], page, scratch)
        clear = scan.find_clear(box, pointed[i])
        scan.scan_page(seed, image, table, shape, clear, page, out, i * height * width, scratch)
