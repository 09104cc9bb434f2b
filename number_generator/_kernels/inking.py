"""The ink of a line on its page: `ink_page` puts it on paper, and `scan` continues from there.

`ink_plain` makes the bytes of ink on white paper in one step. Features draw as those of `paper` do.
"""

from typing import Any

import numpy as np

from number_generator._kernels import paper, streams
from number_generator._kernels import vectors as simd
from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import F0, F1, FOUR, HALF, NIL, ONE, TWO, WHITE
from number_generator._kernels.draws import block, happens, line_value
from number_generator._kernels.page import clamp, fill, fill_blocks, fraction, table_stride, to_byte, wave

_BYTE_255 = np.uint8(255)
_SHARE = np.float32(1.0 / 255.0)
_MEAN_OF_FOUR = np.float32(510.0)
_GRAIN = np.float32(0.3 / 147.8)  # scales the sum of four bytes to a standard deviation of 0.3


@kernel
def ink_page(seed: int, image: int, table: Any, shape: Any, ink_box: Any, cover: Any, page: Any, scratch: Any) -> None:
    """Put ink on a page of paper, after removing the paper beyond the margins of a line with padding.

    Parameters
    ----------
    seed, image, table, shape, ink_box, page, scratch
        See `paper.draw_paper`.
    cover : ndarray, flat uint8
        How much of each pixel the ink covers: 0 is none, 255 is all of it.
    """
    ink_channel(seed, image, table, shape, ink_box, 1.0, cover, page, scratch)


@kernel
def ink_channel(
    seed: int, image: int, table: Any, shape: Any, ink_box: Any, share: float, cover: Any, page: Any, scratch: Any
) -> None:
    """Put ink on one channel of a page in colour, as `ink_page` does, with a share of the ink's strength, or all."""
    _, columns, _, grains, _, _, _ = scratch
    size, px = (np.uint64(shape[0]), np.uint64(shape[1])), shape[2]
    if happens(seed, image, table, streams.PADDING):
        paper.pad(seed, image, size, ink_box, page)
    full = np.float32(min(line_value(seed, image, table, streams.INK) * share, 1.0) * 255.0)
    box = find_ink(size, cover)
    stride = prepare_ink(seed, image, table, px, size, box, scratch)
    if stride > NIL:
        ink_grainy(full, stride, size[1], box, cover, page, columns, grains)
    else:
        _ink_smooth(full, size[1], box, cover, page, columns)


@kernel
def ink_plain(seed: int, image: int, table: Any, shape: Any, cover: Any, out: Any, offset: int, scratch: Any) -> None:
    """Draw ink on plain white paper, exactly as `paper.draw_paper`, `ink_page` and `scan_page` would.

    Parameters
    ----------
    seed, image, table, shape, cover, scratch
        See `paper.draw_paper` and `ink_page`.
    out : ndarray, flat uint8
        Receives the page from `offset` on.
    """
    _, columns, _, grains, _, _, _ = scratch
    size, px = (np.uint64(shape[0]), np.uint64(shape[1])), shape[2]
    start = np.uint64(offset)
    full = np.float32(line_value(seed, image, table, streams.INK) * 255.0)
    box = find_ink(size, cover)
    stride = prepare_ink(seed, image, table, px, size, box, scratch)
    for i in range(size[0] * size[1]):
        out[start + i] = _BYTE_255
    if stride > NIL:
        _ink_white_grainy(full, stride, size[1], box, cover, columns, grains, out, start)
    else:
        _ink_white(full, size[1], box, cover, columns, out, start)


@kernel
def find_ink(size: Any, cover: Any) -> tuple[int, int, int, int]:
    """Return a box around all pixels that have ink: left, top, right, bottom, half-open; all 0 if there are none.

    Its columns are whole vectors, of 16, as a loop over the rest of a row would take longer.
    """
    height, width = np.int64(size[0]), np.int64(size[1])
    first = simd.address(cover)
    top, bottom = np.int64(0), height
    left, right = np.int64(0), width
    if width >= 16:
        while top < bottom and not _has_ink(first + top * width, 8, width >> 3, width - 8):
            top += 1
        while bottom > top and not _has_ink(first + (bottom - 1) * width, 8, width >> 3, width - 8):
            bottom -= 1
        start, rows = first + top * width, bottom - top
        while left < right and not _has_ink_beside(start + min(left, width - 16), width, rows):
            left += 16
        if left < right and not _has_ink_beside(start + width - 16, width, rows):
            right = width >> 4 << 4
            while not _has_ink_beside(start + right - 16, width, rows):
                right -= 16
    simd.keep(cover)
    if top == bottom:
        return NIL, NIL, NIL, NIL
    return np.uint64(left), np.uint64(top), np.uint64(right), np.uint64(bottom)


@kernel
def _has_ink(start: int, step: int, count: int, last: int) -> bool:
    """Tell whether any of `count` groups of 8 bytes has ink, from address `start` on, or the one `last` bytes later."""
    some = simd.load_int64(start + last)
    for _ in range(count):
        some |= simd.load_int64(start)
        start += step
    return some != 0


@kernel
def _has_ink_beside(start: int, width: int, rows: int) -> bool:
    """Tell whether any of 16 columns, from address `start` on, has ink."""
    return _has_ink(start, width, rows, 0) or _has_ink(start + 8, width, rows, 0)


@kernel
def prepare_ink(seed: int, image: int, table: Any, px: float, size: Any, box: Any, scratch: Any) -> int:
    """Write the ink's strength per column to the first table, and the share that its grain removes, if it has any.

    A grain is the mean of four bytes, two side by side and two of the row below. A row begins a quarter of its length
    after the one above, so each byte serves four rows, too far apart to be noticed, and a quarter of the draws
    suffice. A grain that is larger than a pixel of the page is spread over several of them; others are made where there
    is ink, in the `box`, alone. Return how many values one row of the grain begins after the row above, 0 if the ink
    has no grain.
    """
    height, width = size
    steps, columns, _, grains, words, levels, _ = scratch
    drift = line_value(seed, image, table, streams.INK_DRIFT)
    if drift > 0.0:
        _draw_drift(seed, image, drift, size, steps, columns)
    else:
        fill(F1, width, columns)
    grain = np.float32(line_value(seed, image, table, streams.INK_TEXTURE))
    if grain <= F0:
        return NIL
    left, top, right, bottom = box
    first, stride = NIL, width // FOUR + ONE
    begin, stop = top * stride + left, max(bottom, ONE) * stride - stride + right
    across = width
    if px > 1.0:
        first, across = height * width, np.uint64(width / px) + TWO
        stride = across // FOUR + ONE
        begin, stop = NIL, (np.uint64(np.float64(height) / px) + TWO) * stride + across
    fill_blocks(seed, image, streams.INK_TEXTURE, ONE, begin, stop + stride + ONE, words)
    for i in range(begin, stop):
        total = np.int32(levels[i]) + np.int32(levels[i + ONE])
        total += np.int32(levels[i + stride]) + np.int32(levels[i + stride + ONE])
        missing = HALF + (np.float32(total) - _MEAN_OF_FOUR) * _GRAIN
        grains[first + i] = grain * clamp(missing, F0, F1)
    if px <= 1.0:
        return stride
    _spread_grains(first, stride, across, px, size, steps, columns, grains)
    return width


@kernel
def _spread_grains(
    first: int, stride: int, across: int, px: float, size: Any, steps: Any, columns: Any, grains: Any
) -> None:
    """Write the grain of each pixel, interpolated between values that are `px` px apart and begin at `first`."""
    height, width = size
    blended = table_stride(width)  # the second table of columns
    each = np.float32(1.0 / px)
    for y in range(height):
        row = np.uint64(np.float64(y) / px)
        lower = np.float32(np.float64(y) / px - np.float64(row))
        at = first + row * stride
        for x in range(across):
            columns[blended + x] = grains[at + x] + lower * (grains[at + stride + x] - grains[at + x])
        start = y * width
        for x in range(width):
            place = each * steps[x]
            left = np.uint64(np.int64(place))
            value = columns[blended + left]
            grains[start + x] = value + (place - np.float32(np.int64(place))) * (columns[blended + left + ONE] - value)


@kernel
def _draw_drift(seed: int, image: int, drift: float, size: Any, steps: Any, columns: Any) -> None:
    """Write a strength from 1 - `drift` to 1 for each column: two slow waves."""
    height, width = size
    a, b, _, _ = block(seed, image, streams.INK_DRIFT, ONE)
    tall = np.float64(height)
    each = np.float32(1.0 / (tall * (2.0 + 6.0 * fraction(a, 0))))
    each_fast = np.float32(1.0 / (tall * (0.8 + 2.0 * fraction(a, 1))))
    begin = np.float32(fraction(b, 0))
    begin_fast = np.float32(fraction(b, 1))
    share = np.float32(0.45 * fraction(a, 2))
    rest = F1 - share
    half = np.float32(0.5 * drift)
    most = F1 - half
    for x in range(width):
        slow = wave(each * steps[x] + begin)
        fast = wave(each_fast * steps[x] + begin_fast)
        columns[x] = most - half * (rest * slow + share * fast)


@kernel
def _ink_smooth(full: float, width: int, box: Any, cover: Any, page: Any, columns: Any) -> None:
    """Darken the page by the ink's `full` strength, or to black where the paper is darker than that.

    Clipping at 0 instead would make the soft edges of strokes on dark paper too dark.
    """
    left, top, right, bottom = box
    for y in range(top, bottom):
        start = y * width
        for x in range(left, right):
            level = page[start + x]
            depth = level if level < full else full
            page[start + x] = level - np.float32(cover[start + x]) * columns[x] * (depth * _SHARE)


@kernel
def _ink_white(full: float, width: int, box: Any, cover: Any, columns: Any, out: Any, offset: int) -> None:
    """Do the same as `_ink_smooth` on a white page, and round."""
    left, top, right, bottom = box
    depth = full * _SHARE
    for y in range(top, bottom):
        start = y * width
        target = offset + start
        for x in range(left, right):
            level = WHITE - np.float32(cover[start + x]) * columns[x] * depth
            out[target + x] = to_byte(level)


@kernel
def ink_grainy(
    full: float, stride: int, width: int, box: Any, cover: Any, page: Any, columns: Any, grains: Any
) -> None:
    """Do the same as `_ink_smooth`, without the grain's share of the ink, or 1.5 times that where the ink is thin."""
    left, top, right, bottom = box
    for y in range(top, bottom):
        start = y * width
        first = y * stride
        for x in range(left, right):
            ink = np.float32(cover[start + x])
            level = page[start + x]
            depth = level if level < full else full
            page[start + x] = level - ink * columns[x] * _keep_share(ink, grains[first + x]) * (depth * _SHARE)


@kernel
def _ink_white_grainy(
    full: float, stride: int, width: int, box: Any, cover: Any, columns: Any, grains: Any, out: Any, offset: int
) -> None:
    """Do the same as `ink_grainy` on a white page, and round."""
    left, top, right, bottom = box
    depth = full * _SHARE
    for y in range(top, bottom):
        start = y * width
        target = offset + start
        first = y * stride
        for x in range(left, right):
            ink = np.float32(cover[start + x])
            level = WHITE - ink * columns[x] * _keep_share(ink, grains[first + x]) * depth
            out[target + x] = to_byte(level)


@kernel
def _keep_share(ink: float, grain: float) -> float:
    """Return the share of the ink that its grain leaves."""
    share = F1 - grain * (F1 + HALF - HALF * ink * _SHARE)
    return share if share > F0 else F0
