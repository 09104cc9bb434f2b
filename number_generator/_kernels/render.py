"""From layouts to finished pixels: placing glyphs, the two resampling passes, inversion.

Only rows that hold ink are processed, in blocks of 32 rows, or 24 in the last block if that is enough. Blocks are in
column order: a column of a block is contiguous, as the vector operations need it. A line goes through

    canvas (pairs of columns, 32 rows)  --horizontal pass-->  band (width, 32 rows)  --transposition-->  sheet

for each block. The page's rows come from the sheet (pairs of rows, columns), by the vertical pass or unchanged. A line
that fits skips the canvas: its columns are copied into the band. Canvas, band and sheet are passed by address (see
`simd`).
"""

from typing import Any

import numpy as np

from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.taps import ENTRY_SIZE, PAIR_SIZE, pack_taps, packed_size
from number_generator._kernels.vectors import (
    address,
    clear,
    copy,
    fill,
    halves,
    interleave,
    keep,
    load_int32,
    load_int64,
    merge,
    multiply_pairs,
    split_pairs,
    store,
    transpose_pairs,
    zeros_8,
    zeros_16,
    zeros_32,
)

_BLOCK = 32  # rows
_HEAD = 16  # rows that every block has; its tail is 8 or 16 more
_SHORT = 24  # rows of a block with the smaller tail
_COLUMN = 4 * _BLOCK  # bytes of a pair of columns on the canvas
_TAIL = 4 * _HEAD  # where the tail begins in a pair of columns
_LANES = 16  # columns of the sheet processed at once
_LINE = 64  # bytes of a cache line
_ZERO = np.int64(0)  # numba gives a literal 0 its own type, and would compile functions again for it
_PLAIN = np.uint8(0)
_INVERT = np.uint8(255)


@entry_kernel
def contained_height(height: int, natural: int, width: int) -> int:
    """Return the height that a line wider than `width` is shrunk to, in float64 and rounded half to even."""
    return max(np.int64(1), np.int64(np.rint(height * (width / natural))))


@kernel
def fitted_size(line: int, shape: Any) -> tuple[int, int]:
    """Return the width and the height, in px, that a line of the height of the digits is resized to.

    `shape` is that of `render_lines`. On a page of the digits' height, only a line that is too wide changes.
    """
    digits, height, width, stretch = shape
    across = np.int64(line) if height == digits else max(np.int64(1), np.int64(np.rint(line * (height / digits))))
    if across <= width:
        return across, np.int64(height)
    if stretch:
        return np.int64(width), np.int64(height)
    return np.int64(width), min(np.int64(height), contained_height(digits, line, width))


@entry_kernel
def fit_lines(natural: Any, shape: Any, out: Any) -> None:
    """Write the width and the height that each line is resized to, (n, 2)."""
    for i in range(natural.size):
        out[i, 0], out[i, 1] = fitted_size(natural[i], shape)


@kernel
def _place_on_canvas(
    pixels: int, column_size: int, glyph_column: int, ids: int, lefts: int, count: int, line: int, canvas: int,
    tail: Any,
) -> None:  # fmt: skip
    """Draw a block of one line, and the blank columns between glyphs and after them."""
    drawn = np.int64(0)
    for k in range(count):
        glyph = glyph_column + 8 * load_int64(ids + 8 * k)
        column = load_int64(glyph)
        left = load_int64(lefts + 8 * k)
        right = left + load_int64(glyph + 8) - column - 1
        first = left >> 1
        at = canvas + drawn * _COLUMN
        for _ in range(drawn, first):
            clear(zeros_16(), at)
            clear(tail, at + _TAIL)
            at += _COLUMN
        # A glyph has a blank column on either side in the atlas, so its pairs can begin before it or at it.
        source = pixels + (column - (left & 1)) * column_size
        at = canvas + first * _COLUMN
        if first < drawn:  # the glyph before ends in this pair
            merge(zeros_16(), source, source + column_size, at)
            merge(tail, source + _HEAD, source + column_size + _HEAD, at + _TAIL)
            first += 1
            at += _COLUMN
            source += 2 * column_size
        drawn = (right + 1) >> 1
        for _ in range(first, drawn):
            interleave(zeros_16(), source, source + column_size, at)
            interleave(tail, source + _HEAD, source + column_size + _HEAD, at + _TAIL)
            at += _COLUMN
            source += 2 * column_size
    at = canvas + drawn * _COLUMN
    for _ in range(drawn, (line + 1) >> 1):  # only after a glyph that is drawn alone
        clear(zeros_16(), at)
        clear(tail, at + _TAIL)
        at += _COLUMN


@kernel
def _place_on_band(
    pixels: int, column_size: int, glyph_column: int, ids: int, lefts: int, count: int, line: int, band: int
) -> None:
    """Draw a block of one line that fits, followed by 16 blank columns."""
    end = np.int64(0)
    for k in range(count):
        glyph = glyph_column + 8 * load_int64(ids + 8 * k)
        column = load_int64(glyph)
        left = load_int64(lefts + 8 * k)
        width = load_int64(glyph + 8) - column - 1
        fill(_PLAIN, band + end * _BLOCK, (left - end) * _BLOCK)
        source = pixels + column * column_size
        if column_size == _BLOCK:
            copy(source, band + left * _BLOCK, width * _BLOCK)
        else:
            for x in range(width):
                copy(source + x * column_size, band + (left + x) * _BLOCK, _BLOCK)
        end = left + width
    fill(_PLAIN, band + end * _BLOCK, (line - end + _LANES) * _BLOCK)


@kernel
def _horizontal_pass(canvas: int, width: int, taps: int, band: int, tail: Any) -> None:
    """Resample the columns of a block: canvas (natural width) to band (width)."""
    weights = taps + ENTRY_SIZE * width
    for _ in range(width):
        at = canvas + load_int32(taps) * _COLUMN
        low, high = halves(zeros_16()), zeros_16()
        tail_low, tail_high = halves(tail), tail
        for _ in range(load_int32(taps + 4)):
            low = multiply_pairs(low, at, weights)
            high = multiply_pairs(high, at, weights + 4)
            tail_low = multiply_pairs(tail_low, at + _TAIL, weights)
            tail_high = multiply_pairs(tail_high, at + _TAIL, weights + 4)
            at += _COLUMN
            weights += PAIR_SIZE
        store(low, high, _PLAIN, band)
        store(tail_low, tail_high, _PLAIN, band + _HEAD)
        taps += ENTRY_SIZE
        band += _BLOCK


@kernel
def _transpose_band(band: int, columns: int, sheet: int, stride: int, tail: Any) -> None:
    """Turn the columns of a block into rows of the sheet."""
    for _ in range(0, columns, _LANES):
        transpose_pairs(zeros_16(), band, _BLOCK, sheet, stride)
        transpose_pairs(tail, band + _HEAD, _BLOCK, sheet + _HEAD // 2 * stride, stride)
        band += _LANES * _BLOCK
        sheet += 4 * _LANES


@kernel
def _vertical_lanes(sheet: int, stride: int, pairs: int, weights: int, out: int, zeros: Any) -> None:
    """Resample as many columns of a row as there are lanes."""
    low, high = halves(zeros), zeros
    for _ in range(pairs):
        low = multiply_pairs(low, sheet, weights)
        high = multiply_pairs(high, sheet, weights + 4)
        sheet += stride
        weights += PAIR_SIZE
    store(low, high, _INVERT, out)


@kernel
def _vertical_row(sheet: int, stride: int, pairs: int, weights: int, width: int, out: int) -> None:
    """Resample one row of the page from `pairs` pairs of rows of the sheet."""
    x = np.int64(0)
    while x < width - _LANES:
        _vertical_lanes(sheet + 4 * x, stride, pairs, weights, out + x, zeros_32())
        x += 2 * _LANES
    if x < width:
        _vertical_lanes(sheet + 4 * x, stride, pairs, weights, out + x, zeros_16())


@kernel
def _vertical_pass(
    sheet: int, stride: int, top: int, bottom: int, target: int, columns: int, width: int, taps: int, out: int,
    stop: int, spare: int,
) -> None:  # fmt: skip
    """Resample the sheet, which holds rows `top` to `bottom`, to `target` inverted rows of the page at address `out`.

    Rows are written in whole vectors, by way of `spare` where these would pass the page's end.
    """
    begin = (top + 1) >> 1
    end = begin + ((bottom - top + 1) >> 1)
    for _ in range(target):
        pair = load_int32(taps)
        first = max(pair, begin)
        count = min(pair + load_int32(taps + 4), end) - first
        if count <= 0:
            fill(_INVERT, out, columns)
        else:
            weights = taps + load_int32(taps + 8) + PAIR_SIZE * (first - pair)
            row = out if out + stride // 4 <= stop else spare
            _vertical_row(sheet + (first - begin) * stride, stride, count, weights, columns, row)
            if row == spare:
                copy(spare, out, columns)
        taps += ENTRY_SIZE
        out += width


@kernel
def _write_rows(
    sheet: int, stride: int, top: int, bottom: int, columns: int, width: int, out: int, stop: int, spare: int
) -> None:
    """Write rows `top` to `bottom` of the sheet, inverted but not resampled, onto a white page at address `out`."""
    for y in range(bottom - top):
        at = out + (top + y) * width
        row = at if at + columns + _LANES <= stop else spare
        for x in range(0, columns, _LANES):
            split_pairs(sheet + (y >> 1) * stride + 4 * x, y & 1, _INVERT, row + x)
        if row == spare:
            copy(spare, at, columns)


@kernel
def _find_ink_rows(ids: int, count: int, glyph_rows: int, height: int) -> tuple[int, int]:
    """Return the first row with ink of any glyph and the one after the last; (height, 0) if there is none."""
    top = np.int64(height)
    bottom = np.int64(0)
    for k in range(count):
        rows = glyph_rows + 16 * load_int64(ids + 8 * k)
        top = min(top, load_int64(rows))
        bottom = max(bottom, load_int64(rows + 8))
    return top, bottom


@kernel
def _fill_sheet(
    glyphs: Any, ids: int, lefts: int, count: int, rows: Any, line: int, width: int, taps: int, scratch: Any
) -> None:
    """Draw the rows of a line that hold ink, at the width that it is resized to."""
    pixels, column_size, glyph_column = glyphs
    top, bottom = rows
    canvas, band, sheet, stride = scratch
    for row in range(top, bottom, _BLOCK):
        source = pixels + row
        part = sheet + ((row - top) >> 1) * stride
        if line == width:
            _place_on_band(source, column_size, glyph_column, ids, lefts, count, line, band)
            _transpose_band(band, line, part, stride, zeros_16())
        elif bottom - row <= _SHORT:
            _place_on_canvas(source, column_size, glyph_column, ids, lefts, count, line, canvas, zeros_8())
            _horizontal_pass(canvas, width, taps, band, zeros_8())
            _transpose_band(band, width, part, stride, zeros_8())
        else:
            _place_on_canvas(source, column_size, glyph_column, ids, lefts, count, line, canvas, zeros_16())
            _horizontal_pass(canvas, width, taps, band, zeros_16())
            _transpose_band(band, width, part, stride, zeros_16())


@kernel
def _find_shared(starts: Any, key: int) -> int:
    """Return where a resize's weights begin in the shared pool, or -1."""
    return starts[key] if key < starts.size else np.int64(-1)


@kernel
def _find_taps(pool: Any, starts: Any, key: int, source: int, target: int, odd: int, scratch: Any) -> int:
    """Return the address of a resize's weights, which are shared or packed here."""
    position = _find_shared(starts, key)
    if position >= 0:
        return address(pool) + 4 * position
    pack_taps(source, target, odd, _ZERO, scratch)
    return address(scratch)


@kernel
def _measure_scratch(natural: Any, shape: Any, column_starts: Any, row_starts: Any) -> tuple[int, int, int]:
    """Return the widest line, and the most weights that must be packed here, for columns and for rows."""
    digits, _, width, _ = shape
    widest = np.int64(width)
    columns = np.int64(1)
    rows = np.int64(1)
    for i in range(natural.size):
        line = natural[i]
        widest = max(widest, line)
        across, down = fitted_size(line, shape)
        if across != line and _find_shared(column_starts, line) < 0:
            columns = max(columns, packed_size(line, across))
        # A line may need either parity, and a full pool may hold only one.
        if down != digits and min(_find_shared(row_starts, 2 * down), _find_shared(row_starts, 2 * down + 1)) < 0:
            rows = max(rows, packed_size(digits, down))
    return widest, columns, rows


@kernel
def _make_scratch(size: int) -> Any:
    """Make scratch memory of `size` zero bytes from its aligned address on."""
    return np.zeros(size + _LINE, np.uint8)


@kernel
def _align_address(array: Any) -> int:
    """Return the first address in an array that starts a cache line: vectors that span two lines load slower."""
    return (address(array) + _LINE - 1) // _LINE * _LINE


@entry_kernel
def render_lines(
    atlas: Any, offsets: Any, glyph_ids: Any, lefts: Any, natural: Any, shape: Any, centred: bool, shared: Any, out: Any
) -> None:
    """Render each line of a layout into its page of `out`.

    Parameters
    ----------
    atlas : (pixels, column_size, glyph_column, glyph_rows)
        See `GlyphAtlas`.
    offsets, glyph_ids, lefts, natural : ndarray
        The layout. Glyphs do not overlap, and a line may be wider than its glyphs.
    shape : (digits, height, width, stretch)
        Heights of the digits and of a page, and its width, in px; `stretch` keeps the height of lines that are too
        wide.
    centred : bool
        Whether a line stands in the middle of its page's width, or at the left.
    shared : (column_taps, column_starts, row_taps, row_starts)
        Packed weights by natural width, and by height and parity, each with positions in its pool or -1.
    out : ndarray, flat uint8
        The pages, one after the other.
    """
    pixels, column_size, glyph_column, glyph_rows = atlas
    digits, height, width, _ = shape
    column_pool, column_starts, row_pool, row_starts = shared
    page = height * width
    padded = (width + _LANES - 1) // _LANES * _LANES
    stride = 4 * padded

    widest, column_values, row_values = _measure_scratch(natural, shape, column_starts, row_starts)
    column_scratch = np.empty(column_values, np.int32)
    row_scratch = np.empty(row_values, np.int32)
    canvas = _make_scratch((widest // 2 + 2) * _COLUMN)
    # Columns beyond the width stay blank, so that whole vectors can be read.
    band = _make_scratch((padded + _LANES) * _BLOCK)
    sheet = _make_scratch((digits + _BLOCK) // 2 * stride)
    spare = _make_scratch(padded)
    glyphs = (address(pixels), column_size, address(glyph_column))
    scratch = (_align_address(canvas), _align_address(band), _align_address(sheet), stride)

    for image in range(natural.size):
        line = natural[image]
        start = address(out) + image * page
        stop = start + page
        count = offsets[image + 1] - offsets[image]
        ids = address(glyph_ids) + 8 * offsets[image]
        top, bottom = _find_ink_rows(ids, count, address(glyph_rows), digits)
        if top >= bottom:
            fill(_INVERT, start, page)
            continue
        taps = _ZERO
        across, down = fitted_size(line, shape)
        if across != line:
            taps = _find_taps(column_pool, column_starts, line, line, across, _ZERO, column_scratch)
            if across < width:  # 16 columns after the line are read as well
                fill(_PLAIN, scratch[1] + across * _BLOCK, _LANES * _BLOCK)
        edges = address(lefts) + 8 * offsets[image]
        _fill_sheet(glyphs, ids, edges, count, (top, bottom), line, across, taps, scratch)

        # Whole vectors are written, so the pixels after the line are blank before and after it is.
        first = start + (height - down) // 2 * width
        if across < width or down == digits:
            fill(_INVERT, start, page)
        else:
            fill(_INVERT, start, first - start)
            end = first + down * width
            fill(_INVERT, end, stop - end)
        first += (width - across) // 2 if centred else _ZERO
        if down == digits:
            _write_rows(scratch[2], stride, top, bottom, across, width, first, stop, _align_address(spare))
        else:
            odd = top & 1
            taps = _find_taps(row_pool, row_starts, 2 * down + odd, digits, down, odd, row_scratch)
            _vertical_pass(
                scratch[2], stride, top, bottom, down, across, width, taps, first, stop, _align_address(spare)
            )

    for array in (canvas, band, sheet, spare):
        keep(array)
    keep(column_scratch)
    keep(row_scratch)
