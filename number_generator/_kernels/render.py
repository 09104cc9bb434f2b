"""From layouts to finished pixels: placing glyphs, the two resampling passes, inversion.

Work is done on blocks of 32 image rows in column order: one column of a block is 32 contiguous bytes, which is
what the vector operations take. A line goes through

    canvas (natural width, 32)  --horizontal pass-->  band (width, 32)  --transpose-->  rows (32, row stride)

for each block, then through the vertical pass, which runs along rows. A line that fits skips the passes.
"""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.simd import (
    PRECISION_BITS,
    ROWS,
    copy,
    copy_block,
    fill,
    multiply_add,
    splat,
    store,
    transpose,
)
from number_generator._kernels.taps import pack_taps, packed_size, tap_stride

__all__ = ["contained_height", "render_lines"]

_HALF = np.int32(1 << (PRECISION_BITS - 1))
_PLAIN = np.uint8(0)
_INVERT = np.uint8(255)
_TILE = 16


@kernel
def contained_height(height: int, natural: int, width: int) -> int:
    """Give the height that a line wider than `width` is shrunk to: float64, half to even, in this order."""
    return max(np.int64(1), np.int64(np.rint(height * (width / natural))))


@kernel
def _place_line(pixels: Any, block_start: int, glyph_column: Any, ids: Any, lefts: Any, canvas: Any) -> None:
    """Draw one line's glyphs and the blank columns between them into the canvas, from column 0 on."""
    end = np.int64(0)
    for k in range(ids.size):
        column = glyph_column[ids[k]]
        width = glyph_column[ids[k] + 1] - column
        left = lefts[k]
        if left > end:
            fill(_PLAIN, canvas, end * ROWS, (left - end) * ROWS)
        copy(pixels, block_start + column * ROWS, canvas, left * ROWS, width * ROWS)
        end = left + width


@kernel
def _horizontal_pass(canvas: Any, width: int, taps: Any, position: int, stride: int, band: Any) -> None:
    """Resample the columns of a block: canvas (natural width, 32) to band (width, 32)."""
    row = position + 2 * width
    for i in range(width):
        source = np.int64(taps[position + 2 * i]) * ROWS
        sums = splat(_HALF)
        for k in range(np.int64(taps[position + 2 * i + 1])):
            sums = multiply_add(sums, canvas, source + k * ROWS, taps[row + k])
        store(sums, _PLAIN, band, i * ROWS)
        row += stride


@kernel
def _vertical_pass(rows: Any, row_stride: int, target: int, taps: Any, position: int, stride: int, out: Any) -> None:
    """Resample rows, each `row_stride` bytes, to `target` inverted rows of the same stride."""
    row = position + 2 * target
    for i in range(target):
        first = np.int64(taps[position + 2 * i])
        count = np.int64(taps[position + 2 * i + 1])
        for x in range(0, row_stride, ROWS):
            source = first * row_stride + x
            sums = splat(_HALF)
            for k in range(count):
                sums = multiply_add(sums, rows, source + k * row_stride, taps[row + k])
            store(sums, _INVERT, out, i * row_stride + x)
        row += stride


@kernel
def _invert_rows(rows: Any, size: int, out: Any) -> None:
    """Invert `size` bytes, a multiple of 32."""
    for x in range(0, size, ROWS):
        copy_block(rows, x, _INVERT, out, x)


@kernel
def _shared_position(starts: Any, key: int) -> int:
    """Give where a resize's weights begin in the shared pool, or -1."""
    return starts[key] if key < starts.size else np.int64(-1)


@kernel
def _scratch_sizes(natural: Any, shape: Any, shared: Any) -> tuple[int, int, int]:
    """Give the widest canvas, and the most weights that must be packed here, by columns and by rows."""
    height, width, stretch = shape
    _, column_starts, _, row_starts = shared
    widest = np.int64(width)
    columns = np.int64(1)
    rows = np.int64(1)
    for i in range(natural.size):
        line = natural[i]
        widest = max(widest, line)
        if line > width and _shared_position(column_starts, line) < 0:
            columns = max(columns, packed_size(line, width))
        target = contained_height(height, line, width) if line > width and not stretch else np.int64(height)
        if target < height and _shared_position(row_starts, target) < 0:
            rows = max(rows, packed_size(height, target))
    return widest, columns, rows


@kernel
def _fit_columns(
    canvas: Any, line: int, width: int, taps: Any, position: int, band: Any, rows: Any, first: int
) -> None:
    """Bring a block from its natural width to the page's, centred or resampled, and turn it into rows."""
    if line <= width:
        pad = (width - line) // 2
        fill(_PLAIN, band, 0, pad * ROWS)
        copy(canvas, 0, band, pad * ROWS, line * ROWS)
        fill(_PLAIN, band, (pad + line) * ROWS, (width - pad - line) * ROWS)
    else:
        _horizontal_pass(canvas, width, taps, position, tap_stride(line, width), band)
    row_stride = band.size // ROWS
    for x in range(0, row_stride, _TILE):
        for y in range(0, ROWS, _TILE):
            transpose(band, x * ROWS + y, rows, first + y * row_stride + x, row_stride)


@kernel
def _write_page(fitted: Any, row_stride: int, target: int, shape: Any, out: Any, at: int) -> None:
    """Write `target` rows, centred between white ones, to the page that begins at `out[at]`."""
    height, width, _ = shape
    top = (height - target) // 2
    fill(_INVERT, out, at, top * width)
    for y in range(target):
        copy(fitted, y * row_stride, out, at + (top + y) * width, width)
    fill(_INVERT, out, at + (top + target) * width, (height - top - target) * width)


@kernel
def render_lines(
    atlas: Any, offsets: Any, glyph_ids: Any, lefts: Any, natural: Any, shape: Any, shared: Any, out: Any
) -> None:
    """Render each line of a layout into its page of `out`.

    Parameters
    ----------
    atlas : (pixels, glyph_column)
        Pixels as blocks of (column, 32 rows), flat uint8; the first column of each glyph, and the total.
    offsets, glyph_ids, lefts, natural : ndarray
        The layout.
    shape : (height, width, stretch)
        Of a page, in px; `stretch` keeps the height of a line that is too wide.
    shared : (column_taps, column_starts, row_taps, row_starts)
        Packed weights by natural width and by height, and where each begins in its pool, or -1.
    out : ndarray, flat uint8
        The pages, one after the other.
    """
    pixels, glyph_column = atlas
    height, width, stretch = shape
    column_pool, column_starts, row_pool, row_starts = shared
    blocks = (height + ROWS - 1) // ROWS
    row_stride = (width + ROWS - 1) // ROWS * ROWS
    block_size = glyph_column[-1] * ROWS

    widest, column_values, row_values = _scratch_sizes(natural, shape, shared)
    column_scratch = np.empty(column_values, np.int32)
    row_scratch = np.empty(row_values, np.int32)
    canvas = np.empty(widest * ROWS, np.uint8)
    band = np.zeros(row_stride * ROWS, np.uint8)
    rows = np.empty(blocks * ROWS * row_stride, np.uint8)
    fitted = np.empty(blocks * ROWS * row_stride, np.uint8)

    for i in range(natural.size):
        line = natural[i]
        at = i * height * width
        if line == 0:
            fill(_INVERT, out, at, height * width)
            continue

        taps = column_pool
        position = np.int64(0)
        if line > width:
            position = _shared_position(column_starts, line)
            if position < 0:
                pack_taps(line, width, 0, column_scratch)
                taps = column_scratch
                position = np.int64(0)
        ids = glyph_ids[offsets[i] : offsets[i + 1]]
        edges = lefts[offsets[i] : offsets[i + 1]]
        for block in range(blocks):
            _place_line(pixels, block * block_size, glyph_column, ids, edges, canvas)
            _fit_columns(canvas, line, width, taps, position, band, rows, block * ROWS * row_stride)

        target = contained_height(height, line, width) if line > width and not stretch else np.int64(height)
        if target == height:
            _invert_rows(rows, height * row_stride, fitted)
        else:
            taps = row_pool
            position = _shared_position(row_starts, target)
            if position < 0:
                pack_taps(height, target, 0, row_scratch)
                taps = row_scratch
                position = np.int64(0)
            _vertical_pass(rows, row_stride, target, taps, position, tap_stride(height, target), fitted)
        _write_page(fitted, row_stride, target, shape, out, at)
