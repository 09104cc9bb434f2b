"""Ground truth of lines: boxes of `clean` glyphs, and the values that a style drew.

A draw depends on its seed, image, stream and slot alone. So the values are drawn again here, and the writing kernels
need not pass them on.
"""

from typing import Any

import numpy as np

from number_generator._kernels import line_items, rng
from number_generator._kernels.compile import entry_kernel
from number_generator._kernels.draws import block, glyph_values, happens, line_value, line_value_2, unit
from number_generator._kernels.layout import draw_gap
from number_generator._kernels.render import fitted_size

# What a column holds for a line
LINE_VALUE, LINE_SECOND, LINE_SHARE, INNER_MARKS, LEADING_MARKS, TRAILING_MARKS = range(6)
# And for a character
GLYPH_VALUE, GAP_VALUE, GAP_SHARE, TAIL_SHARE, LOOP_SHARE, FORM_SHARE, SPACING = range(10, 17)

_DIGITS = 10


@entry_kernel
def clean_boxes(
    offsets: Any, glyph_ids: Any, lefts: Any, natural: Any, glyph_column: Any, glyph_rows: Any, shape: Any,
    centred: bool, out: Any,
) -> None:  # fmt: skip
    """Write the box of pixels that each glyph of a layout touches: x0, y0, x1, y1, half-open; -1 without ink.

    Parameters
    ----------
    offsets, glyph_ids, lefts, natural, shape, centred
        As for `render_lines`.
    glyph_column, glyph_rows : ndarray
        See `GlyphAtlas`.
    out : ndarray, shape (glyph ids, 4), int16
    """
    digits, height, width, _ = shape
    for i in range(natural.size):
        line = natural[i]
        # Ratios of integers keep an edge that falls between two pixels exact.
        to, down = fitted_size(line, shape)
        of = max(line, np.int64(1))
        left = (width - to) // 2 if centred else np.int64(0)
        top = (height - down) // 2
        for at in range(offsets[i], offsets[i + 1]):
            glyph = glyph_ids[at]
            first, stop = glyph_rows[2 * glyph], glyph_rows[2 * glyph + 1]
            if first >= stop:
                out[at, 0], out[at, 1], out[at, 2], out[at, 3] = -1, -1, -1, -1
                continue
            begin = lefts[at]
            end = begin + glyph_column[glyph + 1] - glyph_column[glyph] - 1
            out[at, 0] = left + begin * to // of
            out[at, 1] = top + first * down // digits
            out[at, 2] = left + (end * to + of - 1) // of
            out[at, 3] = top + (stop * down + digits - 1) // digits


@entry_kernel
def line_parameters(
    seed: int, numbers: Any, table: Any, columns: Any, codes: Any, offsets: Any, signs: int, out: Any
) -> None:
    """Write what was drawn for each line.

    Parameters
    ----------
    seed, numbers, table, codes, offsets, signs
        As for `write_lines`.
    columns : ndarray, shape (P, 2), int64
        Stream and kind of each column: a value, the second value of a pair, whether the line belongs to a share of
        the lines, or whether it has unlabelled marks.
    out : ndarray, shape (n, P), float32
    """
    for i in range(out.shape[0]):
        image = numbers[i]
        line = codes[offsets[i] : offsets[i + 1]]
        leading, trailing = line_items.find_end_marks(seed, image, table, line, signs)
        for k in range(columns.shape[0]):
            stream, kind = columns[k, 0], columns[k, 1]
            value = 0.0
            if kind == LINE_VALUE:
                value = line_value(seed, image, table, stream)
            elif kind == LINE_SECOND:
                value = line_value_2(seed, image, table, stream)[1]
            elif kind == LINE_SHARE:
                value = 1.0 if happens(seed, image, table, stream) else 0.0
            elif kind == INNER_MARKS:
                value = 1.0 if line_items.find_thousands_mark(seed, image, table, line, signs) else 0.0
            else:
                value = 1.0 if (leading if kind == LEADING_MARKS else trailing) >= 0 else 0.0
            out[i, k] = value


@entry_kernel
def glyph_parameters(
    seed: int,
    numbers: Any,
    table: Any,
    columns: Any,
    spacing_range: Any,
    codes: Any,
    offsets: Any,
    signs: int,
    out: Any,
) -> None:
    """Write what was drawn for each character; NaN where a parameter does not apply to it.

    Parameters
    ----------
    seed, numbers, table, codes, offsets, signs
        As for `write_lines`.
    columns : ndarray, shape (G, 2), int64
        Stream and kind of each column: a value of the digit, a value of the gap after it, or whether it belongs to a
        share.
    spacing_range : (int, int)
        Smallest and largest gap in px of the digit dataset.
    out : ndarray, shape (codes, G), float32
    """
    longest = np.int64(0)
    for i in range(offsets.size - 1):
        longest = max(longest, offsets[i + 1] - offsets[i])
    words, values = np.empty(longest + 4, np.uint64), np.empty((longest, 1))
    none = np.float32(np.nan)
    for i in range(offsets.size - 1):
        image = numbers[i]
        first = offsets[i]
        count = offsets[i + 1] - first
        line = codes[first : offsets[i + 1]]
        spaced = line_items.may_hold_spaces(line, signs)
        grouped = line_items.find_thousands_mark(seed, image, table, line, signs)
        for k in range(columns.shape[0]):
            stream, kind = columns[k, 0], columns[k, 1]
            if kind in (GLYPH_VALUE, GAP_VALUE):
                glyph_values(seed, image, table, stream, count, words, values, 0)
            elif kind in (GAP_SHARE, SPACING):
                rng.fill_words(np.uint64(seed), image, stream, count, words)
            for at in range(count):
                code = codes[first + at]
                has_gap = at + 1 < count
                value = none
                if kind == GLYPH_VALUE:
                    value = np.float32(values[at, 0]) if code < _DIGITS else none
                elif kind == GAP_VALUE:
                    value = np.float32(values[at, 0]) if has_gap else none
                elif kind == GAP_SHARE:
                    # Marks between thousands have gaps of their own.
                    is_free = not spaced and not (grouped and (count - at - 1) % 3 == 0)
                    value = np.float32(is_free and unit(words[at]) < table[stream, 1]) if has_gap else none
                elif kind == SPACING:
                    value = np.float32(draw_gap(words[at], spacing_range)) if has_gap else none
                elif code in (0, 9) or (code == 8 and kind == TAIL_SHARE) or (code < _DIGITS and kind == FORM_SHARE):
                    word = block(seed, image, stream, line_items.DETAIL + at)[0]
                    value = np.float32(unit(word) < table[stream, 1])
                out[first + at, k] = value
