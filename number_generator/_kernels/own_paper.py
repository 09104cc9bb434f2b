"""Pages of the user's own paper: cut from pictures that are in memory at several scales.

A picture that is smaller than the page is continued by its mirror image, again and again, so that no seam shows. Places
in it therefore count from 0 to below twice its length: in the second half they go backwards, which flips a cut too.
"""

from typing import Any

import numpy as np

from number_generator._kernels import inking, paper, scan, streams
from number_generator._kernels import vectors as simd
from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import CACHE_LINE, F0, F1, NIL, ONE, TWO
from number_generator._kernels.draws import block, happens, line_value, unit
from number_generator._kernels.page import round_page, to_byte

SCALES = 7
SLACK = 16  # bytes
STEP = 0.7071067811865476  # from one scale to the next
_EDGE = 0.8408964152537145  # the square root of it: the middle between two
NO_CUT = (NIL, ONE, ONE, NIL, NIL)
_SHARE = np.float32(1.0 / 255.0)


@entry_kernel
def own_pages(
    seed: int, numbers: Any, table: Any, scale: Any, widths: Any, scratch: Any, page: Any, cover: Any, lines: Any,
    pointed: Any, own: Any, is_plain: bool, pages: Any,
) -> None:  # fmt: skip
    """Turn each line's ink into its page, in place, of a style that has own paper: as `ink_pages` and `scan_pages` do.

    Parameters
    ----------
    seed, numbers, table, scale, widths, scratch, page, cover, lines, pointed, pages
        As for `styled.ink_pages` and `styled.scan_pages`.
    own : tuple
        See `draw_own_paper`.
    is_plain : bool
        Whether there is nothing but paper and ink.
    """
    height, px = scale
    out = pages.reshape(-1)
    next_cut = NO_CUT
    if pages.shape[0] > 0:
        next_cut = choose_cut(seed, numbers[0], table, (height, widths[0]), own)
    for i in range(pages.shape[0]):
        image, shape, offset = numbers[i], (height, widths[i], px), i * pages.shape[1]
        cut, follower = next_cut, min(i + 1, pages.shape[0] - 1)
        next_cut = choose_cut(seed, numbers[follower], table, (height, widths[follower]), own)
        following = find_run(next_cut, widths[follower], own[0])
        is_on_picture = is_own(seed, image, table, own[1])
        if is_plain:
            ink = pages[i]
            for k in range(height * widths[i]):
                cover[k] = ink[k]
            if is_on_picture:
                ink_own_paper(seed, image, table, shape, own, cut, following, cover, out, offset, scratch)
            else:
                fetch_run(following, height)
                inking.ink_plain(seed, image, table, shape, cover, out, offset, scratch)
        else:
            fetch_run(following, height)
            box = (lines[i, 0], lines[i, 1], lines[i, 2], lines[i, 3])
            if is_on_picture:
                draw_own_paper(seed, image, table, shape, box, lines[i, 4], own, cut, page, scratch)
            else:
                paper.draw_paper(seed, image, table, shape, box, lines[i, 4], page, scratch)
            inking.ink_page(seed, image, table, shape, box, pages[i], page, scratch)
            scan.scan_page(seed, image, table, shape, scan.find_clear(box, pointed[i]), page, out, offset, scratch)
    simd.keep(own[0])


@kernel
def is_own(seed: int, image: int, table: Any, places: Any) -> bool:
    """Tell whether a line is on a picture: if there are any, and it is one of the share that is."""
    return places.shape[0] > 0 and happens(seed, image, table, streams.OWN_PAPER)


@kernel
def draw_own_paper(
    seed: int, image: int, table: Any, shape: Any, ink_box: Any, baseline: float, own: Any, cut: Any, page: Any,
    scratch: Any,
) -> None:  # fmt: skip
    """Fill a page with a cut from a picture, as `paper.draw_paper` fills it with paper.

    Parameters
    ----------
    seed, image, table, shape, ink_box, baseline, page, scratch
        See `paper.draw_paper`.
    own : (texels, places, shaded)
        The levels of all pictures, flat uint8, with `SLACK` bytes before and after them; where each is at each scale,
        shape (n, SCALES, 3), int64: the number of its first texel, its height and its width; and whether the style's
        own paper shades it.
    cut : tuple
        From `choose_cut`.
    """
    texels, _, shaded = own
    _, _, _, _, _, levels, _ = scratch
    size = np.uint64(shape[0]), np.uint64(shape[1])
    copy_cut(cut, size, texels, levels)
    darkest = 0.0
    if shaded:
        darkest = paper.draw_blank(seed, image, table, shape, page, scratch)
        for i in range(size[0] * size[1]):
            page[i] *= np.float32(levels[i]) * _SHARE
    else:
        for i in range(size[0] * size[1]):
            page[i] = np.float32(levels[i])
    paper.print_lines(seed, image, table, shape, ink_box, baseline, darkest, page, scratch)


@kernel
def ink_own_paper(
    seed: int, image: int, table: Any, shape: Any, own: Any, cut: Any, following: Any, cover: Any, out: Any,
    offset: int, scratch: Any,
) -> None:  # fmt: skip
    """Draw ink on a picture, exactly as `draw_own_paper`, `ink_page` and `scan_page` would if there is nothing else.

    The parameters are those of `draw_own_paper` and `inking.ink_plain`; `following` is the next cut, from `find_run`.
    """
    texels, _, _ = own
    _, columns, second, grains, _, levels, _ = scratch
    size = np.uint64(shape[0]), np.uint64(shape[1])
    height, width = size
    full = np.float32(line_value(seed, image, table, streams.INK) * 255.0)
    box = inking.find_ink(size, cover)
    stride = inking.prepare_ink(seed, image, table, shape[2], size, box, scratch)  # it takes `levels` for its draws
    copy_cut(cut, size, texels, levels)
    if stride > NIL:
        fetch_run(following, shape[0])
        for i in range(height * width):
            second[i] = np.float32(levels[i])
        inking.ink_grainy(full, stride, width, box, cover, second, columns, grains)
        round_page(F1, F0, height * width, second, out, np.uint64(offset))
    else:
        _ink_smooth(full, size, following, cover, levels, columns, out, np.uint64(offset))


@kernel
def _ink_smooth(
    full: float, size: Any, following: Any, cover: Any, levels: Any, columns: Any, out: Any, offset: int
) -> None:
    """Do the same as `inking.ink_page` without grain, on a page of bytes, and round."""
    height, width = size
    at, step, length = following
    for y in range(height):
        # Row by row: all at once would wait for memory, which takes only so many requests.
        _fetch_row(at, length)
        at += step
        start = y * width
        target = offset + start
        for x in range(width):
            level = np.float32(levels[start + x])
            depth = level if level < full else full
            level -= np.float32(cover[start + x]) * columns[x] * (depth * _SHARE)
            out[target + x] = to_byte(level)


@kernel
def choose_cut(seed: int, image: int, table: Any, shape: Any, own: Any) -> tuple[int, int, int, int, int]:
    """Draw a picture, its scale, and a place in it, if there are pictures.

    Return the number of the picture's first texel, its height and width, and the cut's top and left, all uint64.
    """
    _, places, _ = own
    if places.shape[0] == 0:
        return NO_CUT
    a, b, c, d = block(seed, image, streams.OWN_PAPER, ONE)
    picture = np.int64(unit(a) * np.float64(places.shape[0]))
    value = line_value(seed, image, table, streams.OWN_PAPER_SCALE)
    scale = 0
    edge = _EDGE
    while value < edge and scale < SCALES - 1:
        scale += 1
        edge *= STEP
    height, width = np.uint64(shape[0]), np.uint64(shape[1])
    while scale > 0 and (np.uint64(places[picture, scale, 1]) < height or np.uint64(places[picture, scale, 2]) < width):
        scale -= 1
    rows, columns = np.uint64(places[picture, scale, 1]), np.uint64(places[picture, scale, 2])
    top = _choose_place(b, rows, height, d & ONE != NIL)
    left = _choose_place(c, columns, width, d & TWO != NIL)
    return np.uint64(places[picture, scale, 0]), rows, columns, top, left


@kernel
def _choose_place(word: int, length: int, part: int, flipped: bool) -> int:
    """Draw the first place of a cut: anywhere, as long as no mirror image is needed."""
    if length < part:
        return np.uint64(unit(word) * np.float64(TWO * length))
    place = np.uint64(unit(word) * np.float64(length - part + ONE))
    return TWO * length - part - place if flipped else place


@kernel
def copy_cut(cut: Any, size: Any, texels: Any, out: Any) -> None:
    """Copy the texels of a cut, 16 at a time: up to 15 bytes after the page are written, and read beside the cut."""
    first, rows, columns, row, left = cut
    height, width = size
    source, target, wide = simd.address(texels) + np.int64(first), simd.address(out), np.int64(width)
    is_forward = left + width <= columns
    is_single = is_forward or (left >= columns and left + width <= TWO * columns)
    start = np.int64(left if is_forward else TWO * columns - ONE - left)
    for _ in range(height):
        line = source + np.int64((row if row < rows else TWO * rows - ONE - row) * columns)
        if not is_single:
            _copy_runs(line, np.int64(left), np.int64(columns), wide, target)
        elif is_forward:
            for k in range(0, wide, 16):
                simd.copy_16(line + start + k, target + k)
        else:
            for k in range(0, wide, 16):
                simd.copy_16_backwards(line + start - k, target + k)
        target += wide
        row = NIL if row + ONE == TWO * rows else row + ONE
    simd.keep(texels)
    simd.keep(out)


@kernel
def _copy_runs(line: int, place: int, columns: int, width: int, target: int) -> None:
    """Copy a row that is longer than the picture's: forwards and backwards in turn, each over the last one's excess."""
    end = target + width
    while target < end:
        run = min((columns if place < columns else 2 * columns) - place, end - target)
        for k in range(0, run, 16):
            if place < columns:
                simd.copy_16(line + place + k, target + k)
            else:
                simd.copy_16_backwards(line + 2 * columns - 1 - place - k, target + k)
        target += run
        place = 0 if place + run == 2 * columns else place + run


@kernel
def find_run(cut: Any, page_width: int, texels: Any) -> tuple[int, int, int]:
    """Find the memory of a cut, to fetch it before its turn: pictures lie far out, and lines would wait for them.

    Return the address of its first row, the bytes to the next one, and the length of a row.
    """
    first, rows, columns, top, left = cut
    width, length = np.uint64(page_width), np.int64(min(np.uint64(page_width), columns))
    start = left if left < columns else max(TWO * columns, left + width) - left - width
    at = simd.address(texels) + np.int64(first + (top if top < rows else TWO * rows - ONE - top) * columns + start)
    return at, np.int64(columns) if top < rows else -np.int64(columns), length


@kernel
def fetch_run(run: Any, height: int) -> None:
    """Have all rows of a cut brought near, given as `find_run` returns it."""
    at, step, length = run
    for _ in range(height):
        _fetch_row(at, length)
        at += step


@kernel
def _fetch_row(at: int, length: int) -> None:
    for k in range(0, length + CACHE_LINE, CACHE_LINE):
        simd.prefetch(at + k)
