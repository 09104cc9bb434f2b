"""Styled lines: from number sequences to coverage maps of their ink.

An item is a digit or a mark of a line. Items are laid out in px of the digit dataset, with the baseline at y = 0 and x
to the right. The line's transformation L (rotation, slant, scale) then takes them to the page:
page = origin + L (place of the item) + L G (point of the glyph - its reference point), where G is the item's own
transformation and the reference point is the middle of the ink's lower edge. Extents are exact for any such
transformation, as the outline's support is tabulated (see `fields`), so a line can be cut tightly to its ink.
"""

from typing import Any

import numpy as np

from number_generator._kernels import drawing, intrusion, line_items, links, placing, rng, shaping, streams, strokes
from number_generator._kernels import vectors as simd
from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import CACHE_LINE
from number_generator._kernels.draws import line_value

NO_SPACING = (0, -1)
"""A range without gaps: see `write_lines`."""
LINE_COLUMNS = 7
"""Numbers that writing tells of each line."""
_SHARP = 1.0  # px: width of an edge that is as sharp as pixels are


def make_scratch(longest: int, height: int, width: int) -> Any:
    """Make scratch memory for lines of up to `longest` digits and signs, on pages of one size.

    It is made outside the kernels, as numba takes a second to compile that.
    """
    most = longest + longest // 3 + 6 + intrusion.MOST
    items = np.zeros((most, line_items.COLUMNS))
    points = np.zeros((most, strokes.MOST_POINTS, 3))
    values = np.zeros((longest + 1, 8))
    words = np.empty(longest + 4, np.uint64)
    u_columns, v_columns = np.zeros(width + drawing.LANES, np.int32), np.zeros(width + drawing.LANES, np.int32)
    u_rows, v_rows, ranges = np.zeros(height, np.int32), np.zeros(height, np.int32), np.zeros((2, height), np.int32)
    return items, points, values, words, (u_columns, v_columns, u_rows, v_rows, ranges), _make_sheet(height, width)


def make_sheets(height: int, width: int) -> Any:
    """Make the ink of a line, that of an item alone, and its columns that have ink.

    The first is not the page itself: 16 bytes are written at once, and those after it may belong to another thread.
    """
    return _make_sheet(height, width), _make_sheet(height, width), np.zeros(width, np.uint8)


def _make_sheet(height: int, width: int) -> Any:
    return np.zeros(height * width + drawing.LANES, np.uint8)


@kernel
def _join(shape: Any, sheets: Any) -> tuple[int, int, int, int]:
    """Join an item's ink to the line's by maximum, erase it, and return the box of its pixels, -1 if it has none."""
    height, width = shape
    cover, alone, columns = sheets
    for x in range(width):
        columns[x] = 0
    top, bottom = np.int64(-1), np.int64(-1)
    for y in range(height):
        row, line = alone[y * width : (y + 1) * width], cover[y * width : (y + 1) * width]
        most = np.uint8(0)
        for x in range(row.size):
            most = max(most, row[x])
        if most == 0:
            continue
        top = y if top < 0 else top
        bottom = y + 1
        for x in range(row.size):
            line[x] = max(line[x], row[x])
            columns[x] = max(columns[x], row[x])
        for x in range(row.size):
            row[x] = 0
    left, right = np.int64(-1), np.int64(-1)
    for x in range(width):
        if columns[x]:
            left = x if left < 0 else left
            right = x + 1
    return left, top, right, bottom


@kernel
def _find_field(glyphs: Any, items: Any, k: int, count: int) -> tuple[int, int]:
    """Return the address of the field of item k, and the one after it; the same twice if it has none."""
    texels, offsets, sizes, _, _, _ = glyphs
    glyph = np.int64(items[k, line_items.GLYPH]) if k < count else np.int64(-1)
    if glyph < 0:
        return np.int64(0), np.int64(0)
    start = simd.address(texels) + offsets[glyph]
    return start, start + sizes[glyph, 0] * sizes[glyph, 1]


@kernel
def _fetch_glyphs(glyphs: Any, items: Any, count: int) -> None:
    """Have what is measured of a line's glyphs, and the field of the first one, brought near before their turn.

    Those of all digits lie far out in memory. The other fields are fetched while the glyph before them is drawn.
    """
    facts = glyphs[3]
    row = 8 * facts.shape[1]
    for k in range(count):
        start = simd.address(facts) + np.int64(items[k, line_items.GLYPH]) * row
        for at in range(start, start + row, CACHE_LINE):  # of a mark, the address of nothing
            simd.prefetch(at)
    start, stop = _find_field(glyphs, items, 0, count)
    for at in range(start, stop, CACHE_LINE):
        simd.prefetch(at)
    simd.keep(facts)


@entry_kernel
def write_lines(
    seed: int, numbers: Any, table: Any, codes: Any, offsets: Any, signs: int, spacing_range: Any, fit: Any,
    glyphs: Any, choice: Any, letterforms: Any, shape: Any, scratch: Any, sheets: Any, pages: Any, widths: Any,
    lines: Any, glyph_ids: Any, boxes: Any, masks: Any,
) -> None:  # fmt: skip
    """Draw the ink of each line, or, if pages have no room for any, only measure it.

    Parameters
    ----------
    seed : uint64
    numbers : ndarray, shape (n,), uint64
        Each line's image number.
    table : ndarray
        The style: see `draws`.
    codes, offsets : ndarray
        The sequences: digits 0 to 9, and signs.
    signs : int64
        The signs that labels of the job can hold, bit k for code k: none is drawn unlabelled.
    spacing_range : (int, int)
        Smallest and largest gap in px of the digit dataset; `NO_SPACING` leaves the gaps to the style.
    fit : (bool, bool, bool, float)
        Whether the page is cut tightly to the ink, whether a line that is too wide keeps its height, whether a page is
        only as wide as its line needs, and how much larger than in the digit dataset uncut writing is.
    glyphs : (texels, offsets, sizes, facts, digit height, stroke)
        See `GlyphFields`.
    choice : (class_start, members, start, glyph_group, groups, shares)
        See `GlyphAtlas` and `Writers`.
    letterforms : (first, hands, regions, start, ids, stops)
        See `digits.letterforms`.
    shape : (int, int, float)
        Height and greatest width of a page, and how many px of it are one px of the style.
    scratch, sheets
        See `make_scratch` and `make_sheets`.
    pages : ndarray, shape (n, values), uint8
        Receives the ink, 0 to 255: of each page its `height * width` values first. Without values, nothing is drawn.
    widths : ndarray, shape (n,), int64
        Receives the width of each page.
    lines : ndarray, shape (n, LINE_COLUMNS), float64
        Receives the box of the ink (x0, y0, x1, y1) and the y of the baseline in the middle, in px of the page, and how
        many px of the page are one px of the digit dataset in x and in y.
    glyph_ids : ndarray, shape (codes,), int64
        Receives the glyph of each digit, -1 for signs.
    boxes : ndarray, shape (codes, 4), int16
        Receives the box of pixels that the ink of each touches: x0, y0, x1, y1, half-open; -1 without ink. Empty if
        not wanted.
    masks : ndarray, shape (codes, values), uint8
        Receives the ink of each alone, as `pages` does that of all. Empty if not wanted.
    """
    height, limit, px = shape
    cover, alone, _ = sheets
    items, points, _, words, _, _ = scratch
    class_start, members, starts, glyph_group, groups, shares = choice
    is_split = boxes.shape[0] > 0 or masks.shape[0] > 0
    # All in one kernel: numba compiles a kernel again into each of its callers.
    for i in range(pages.shape[0]):
        image = numbers[i]
        line_codes = codes[offsets[i] : offsets[i + 1]]
        length = line_codes.size
        count = line_items.list_items(seed, image, table, line_codes, signs, items)
        rng.fill_words(np.uint64(seed), image, streams.GLYPH, length, words)
        first = line_items.choose_glyphs(
            words, (members, starts, glyph_group, groups), class_start, items, count, shares
        )
        line_items.choose_letterforms(seed, image, table, letterforms, items, count)
        _fetch_glyphs(glyphs, items, count)
        shaping.shape_items(seed, image, table, length, glyphs, scratch, count, first, letterforms[0])
        spaced = line_items.may_hold_spaces(line_codes, signs)
        placing.place_items(seed, image, table, spacing_range, spaced, length, glyphs, scratch, count)
        links.link_digits(seed, image, table, glyphs, scratch, count)
        softness = line_value(seed, image, table, streams.SOFTNESS)
        if softness > _SHARP:  # what is as sharp as pixels are stays so on a higher page
            softness = _SHARP + (softness - _SHARP) * px
        line, line_box, width = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), limit
        for fitted in range(2):  # a loop, as a kernel is compiled for each call
            line, line_box, width = placing.fit_line(
                seed, image, table, (height, limit), fit, softness, glyphs, scratch, count
            )
            if fitted == 1 or not placing.clear_points(items, count, line, softness):
                break
        widths[i] = width
        for side in range(4):
            lines[i, side] = line_box[side]
        bend = 0.5 * line[2] * (items[0, line_items.X] + items[count - 1, line_items.X]) if count else 0.0
        lines[i, 4] = line[5] + bend
        lines[i, 5], lines[i, 6] = abs(line[0]), abs(line[3])
        if pages.shape[1] == 0:
            continue
        size, values = (height, width), height * width
        for at in range(values):
            cover[at] = 0
        drawn = intrusion.add_neighbours(seed, image, table, glyphs, scratch, count, line, size)
        for k in range(drawn):
            slot = np.int64(items[k, line_items.SLOT])
            if slot >= 0:
                glyph_ids[offsets[i] + slot] = np.int64(items[k, line_items.GLYPH])
            sheet = alone if is_split else cover
            if items[k, line_items.GLYPH] >= 0.0:
                following = _find_field(glyphs, items, k + 1, drawn)
                drawing.draw_glyph(seed, image, items[k], glyphs, following, line, softness, size, scratch, sheet)
            if items[k, line_items.POINTS] > 0.0:
                drawing.draw_strokes(items[k], points[k], line, softness, size, sheet)
            if is_split:
                if slot >= 0 and masks.shape[0] > 0:
                    mask = masks[offsets[i] + slot]
                    for at in range(values):
                        mask[at] = alone[at]
                box = _join(size, sheets)
                if slot >= 0 and boxes.shape[0] > 0:
                    for side in range(4):
                        boxes[offsets[i] + slot, side] = box[side]
        page = pages[i]
        for at in range(values):  # numba takes two seconds to compile an array assignment
            page[at] = cover[at]
