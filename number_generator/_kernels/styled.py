"""Styled pages from the ink of their lines: ink on white, or on paper and through a scan.

These are separate from the kernel that writes lines: numba compiles a kernel again into each of its callers, and a
style without paper need not wait for that.
"""

from typing import Any

from number_generator._kernels import inking, paper, scan, streams
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
def spread_pages(widths: Any, size: Any, blank: int, pages: Any) -> None:
    """Give the rows of each page, which is `widths[i]` px wide, the width of the widest, in place.

    Parameters
    ----------
    widths : ndarray, shape (n,), int64
    size : (int, int)
        Height of the pages and width of the widest, in px.
    blank : uint8
        What stands at the right of a page.
    pages : ndarray, shape (n, height * width), uint8
    """
    height, width = size
    for i in range(pages.shape[0]):
        page, own = pages[i], widths[i]
        if own == width:
            continue
        for y in range(height - 1, -1, -1):  # backwards, as rows move away from the first
            for x in range(own - 1, -1, -1):
                page[y * width + x] = page[y * own + x]
            for x in range(own, width):
                page[y * width + x] = blank


@entry_kernel
def ink_pages(
    seed: int, numbers: Any, table: Any, scale: Any, widths: Any, scratch: Any, cover: Any, pages: Any
) -> None:
    """Turn each line's ink, from 0 to 255, into its page, in place.

    Parameters
    ----------
    seed, numbers, table, widths
        As for `write_lines`.
    scale : (int, float)
        The height of a page in px, and how many px of it are one px of the style.
    scratch : tuple
        See `page.make_scratch`.
    cover : ndarray, shape (height * width,), uint8
        Scratch memory: a loop that reads and writes the same memory does not become vector code.
    pages : ndarray, shape (n, values), uint8
        Each holds its `height * width` bytes first.
    """
    height, px = scale
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        ink = pages[i]
        width = widths[i]
        for k in range(height * width):
            cover[k] = ink[k]
        inking.ink_plain(seed, numbers[i], table, (height, width, px), cover, out, i * pages.shape[1], scratch)


@entry_kernel
def scan_pages(
    seed: int, numbers: Any, table: Any, scale: Any, widths: Any, scratch: Any, page: Any, lines: Any, pointed: Any,
    pages: Any,
) -> None:  # fmt: skip
    """Turn each line's ink into a scanned page of paper, in place.

    Parameters
    ----------
    seed, numbers, table, scale, widths, scratch, pages
        As for `ink_pages`.
    page : ndarray, shape (height * width,), float32
        Scratch memory, from `make_aligned`.
    lines : ndarray, shape (n, LINE_COLUMNS), float64
        As `write_lines` gives them.
    pointed : ndarray, shape (n,), bool
        Whether its label can hold points, such as dots and commas, so that no speck may read as one.
    """
    height, px = scale
    out = pages.reshape(-1)
    for i in range(pages.shape[0]):
        image, shape = numbers[i], (height, widths[i], px)
        box = (lines[i, 0], lines[i, 1], lines[i, 2], lines[i, 3])
        paper.draw_paper(seed, image, table, shape, box, lines[i, 4], page, scratch)
        inking.ink_page(seed, image, table, shape, box, pages[i], page, scratch)
        clear = scan.find_clear(box, pointed[i])
        scan.scan_page(seed, image, table, shape, clear, page, out, i * pages.shape[1], scratch)
