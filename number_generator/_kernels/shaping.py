"""The shape of each item of a line: its own transformation, its stroke width, and strokes that are added to it."""

from typing import Any

import numpy as np

from number_generator._kernels import fields, line_items, proportions, signs, streams, strokes
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import block, glyph_values, happens, line_value, unit

_THICKEST = 0.24  # digit heights
_BOWED = (0.0, 0.42, 1.0)  # how far down an upstroke's points are: it is slightly bowed
_MOST_STRETCH = 1.5  # of a digit whose ink is not as high as others'
_STRAIGHT = 1.9  # stroke widths: a narrower 1 is a plain stroke, without an upstroke or a foot


@kernel
def rotation(degrees: float) -> tuple[float, float]:
    """Return cosine and sine by their series, accurate to 1e-7 up to 60 degrees."""
    a = degrees * 0.017453292519943295
    q = a * a
    cosine = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0)))
    sine = a * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))))
    return cosine, sine


@kernel
def _add_forms(
    seed: int, image: int, table: Any, forms: Any, unit_px: float, item: Any, fact: Any, points: Any
) -> None:
    """Add an upstroke, a crossbar or a tail to a digit, or open its loop."""
    has_upstroke, has_crossbar = forms
    code, slot = np.int64(item[line_items.CODE]), np.int64(item[line_items.SLOT])
    x, y = item[line_items.REF_X], item[line_items.REF_Y]
    pen = fact[fields.STROKE]
    n = np.int64(0)
    if code == 1 and has_upstroke and fact[fields.ACROSS] < _STRAIGHT * fact[fields.STROKE]:
        words = block(seed, image, streams.UPSTROKE, line_items.DETAIL)  # all 1s of a line begin alike
        away = (0.18 + 0.2 * unit(words[0])) * unit_px
        down = (0.75 + 0.6 * unit(words[1])) * away  # a flat one would make it a 7
        top = fact[fields.TOP_X] - x
        n = strokes.add_point(points, n, top, fact[fields.Y0] + 0.5 * pen - y, True)
        # Away from the stem, which leans to that side in a slanted 1
        stem = (fact[fields.BOTTOM_X] - fact[fields.TOP_X]) / max(fact[fields.Y1] - fact[fields.Y0], pen)
        for k in range(1, 3):
            x_k = top + 0.5 * k * (down * stem - away)
            n = strokes.add_point(points, n, x_k, fact[fields.Y0] + 0.5 * pen + _BOWED[k] * down - y, False)
    elif code == 7 and has_crossbar:
        words = block(seed, image, streams.CROSSBAR, line_items.DETAIL)
        half = (0.16 + 0.12 * unit(words[0])) * unit_px
        rise = (0.12 * unit(words[1]) - 0.03) * unit_px
        middle_x, middle_y = fact[fields.MIDDLE_X] - x, fact[fields.MIDDLE_Y] - y
        n = strokes.add_point(points, n, middle_x - half, middle_y + rise, True)
        n = strokes.add_point(points, n, middle_x + half, middle_y - rise, False)
    elif code in (0, 8, 9):
        share = table[streams.TAIL, 1]
        if share > 0.0:
            words = block(seed, image, streams.TAIL, line_items.DETAIL + slot)
            if unit(words[0]) < share:
                length = (0.14 + 0.2 * unit(words[1])) * unit_px
                swing = (unit(words[2]) - 0.5) * unit_px
                if code == 9:  # a hook at the foot
                    foot = fact[fields.BOTTOM_X] - x
                    n = strokes.add_point(points, n, foot, -0.45 * pen, True)
                    n = strokes.add_point(points, n, foot - 0.5 * length, -0.4 * pen + 0.05 * swing, False)
                    n = strokes.add_point(points, n, foot - length, -0.5 * pen - 0.5 * length, False)
                else:  # from the top to the right
                    head = fact[fields.TOP_X] - x
                    top = fact[fields.Y0] + 0.5 * pen - y
                    n = strokes.add_point(points, n, head, top, True)
                    n = strokes.add_point(points, n, head + 0.5 * length, top + 0.1 * length, False)
                    n = strokes.add_point(points, n, head + length, top + 0.15 * swing - 0.1 * length, False)
    if code in (0, 9):
        share = table[streams.OPEN_LOOP, 1]
        if share > 0.0:
            item[line_items.CUT] = (
                1.0 if unit(block(seed, image, streams.OPEN_LOOP, line_items.DETAIL + slot)[0]) < share else 0.0
            )
    item[line_items.POINTS] = n


@kernel
def shape_items(
    seed: int, image: int, table: Any, length: int, glyphs: Any, scratch: Any, count: int, first: int, dataset: int
) -> None:
    """Compute each item's own transformation, stroke width and strokes; glyphs from `dataset` on are letterforms."""
    _, _, _, facts, unit_px, usual_pen = glyphs
    items, points, values, words, _, _ = scratch
    column = np.int64(0)
    for stream in (
        streams.SIZE_JITTER, streams.ASPECT, streams.BASELINE_JITTER, streams.SLANT_JITTER, streams.ROTATION_JITTER,
        streams.THICKNESS_JITTER, streams.WARP,
    ):  # fmt: skip
        glyph_values(seed, image, table, stream, length, words, values, column)
        column += 1
    thickness = line_value(seed, image, table, streams.THICKNESS)
    alike = line_value(seed, image, table, streams.CONSISTENCY)
    pen = facts[first, fields.STROKE] if first >= 0 else usual_pen
    slant = facts[first, fields.SLANT] if first >= 0 else 0.0
    forms = (happens(seed, image, table, streams.UPSTROKE), happens(seed, image, table, streams.CROSSBAR))
    own = proportions.draw_proportions(seed, image, table)
    zeros = np.int64(0)
    for k in range(count):
        item = items[k]
        code, slot = np.int64(item[line_items.CODE]), np.int64(item[line_items.SLOT])
        glyph = np.int64(item[line_items.GLYPH])
        for unset in (line_items.POINTS, line_items.CUT, line_items.BEND, line_items.GROWTH, line_items.Y):
            item[unset] = 0.0
        if glyph < 0:
            word = block(seed, image, streams.MARK_SHAPE, -1 - slot if slot < 0 else line_items.DETAIL + slot)
            item[line_items.A], item[line_items.B], item[line_items.C], item[line_items.D] = unit_px, 0.0, 0.0, unit_px
            item[line_items.REF_X], item[line_items.REF_Y] = 0.0, 0.0
            bold = signs.PEN_SHARES[code]
            if line_items.is_point(item):  # it must be seen
                bold += 0.1 if code in (strokes.DOT, strokes.COLON) else 0.15
            item[line_items.PEN] = max(pen + thickness * unit_px, line_items.THINNEST * pen) * bold
            item[line_items.POINTS] = signs.write_points(code, word, points[k])
            item[line_items.LOW], item[line_items.HIGH] = 0.0, strokes.mark_width(code, word) * unit_px
            continue
        fact = facts[glyph]
        own_pen = fact[fields.STROKE]
        is_letterform = glyph >= dataset
        # Make a wide digit as high as others: digit datasets fit the longer side of each into one box.
        stretch = 1.0 if is_letterform else unit_px / max(fact[fields.Y1] - fact[fields.Y0], 0.1 * unit_px)
        zeros = zeros + 1 if code == 0 else np.int64(0)
        high, across, rise, tilt = proportions.size_digit(seed, image, own, code, slot, length, zeros)
        size = values[slot, 0] * min(max(stretch, 1.0), _MOST_STRETCH) * high
        wide = size * values[slot, 1] * across
        lean = values[slot, 3] + tilt - alike * (fact[fields.SLANT] - slant)
        cosine, sine = rotation(values[slot, 4])
        # The slant first, then the rotation: (x - lean * y, y), y downwards
        item[line_items.A], item[line_items.B] = cosine * wide, (sine - cosine * lean) * size
        item[line_items.C], item[line_items.D] = -sine * wide, (cosine + sine * lean) * size
        item[line_items.REF_X] = 0.5 * (fact[fields.X0] + fact[fields.X1])
        item[line_items.REF_Y] = fact[fields.BASELINE]
        item[line_items.Y] = -(values[slot, 2] + rise) * unit_px
        growth = (thickness + values[slot, 5]) * unit_px + alike * (pen / size - own_pen)
        thickest = max(_THICKEST * unit_px, own_pen)
        thickest = min(thickest, own_pen + line_items.MOST_GROWTH * line_items.field_reach(fact))
        item[line_items.GROWTH] = min(max(growth, (line_items.THINNEST - 1.0) * own_pen), thickest - own_pen)
        item[line_items.BEND] = values[slot, 6] * unit_px
        item[line_items.PEN] = 0.85 * max(own_pen + item[line_items.GROWTH], line_items.THINNEST * own_pen)
        if own_pen > 0.0 and not is_letterform:  # nothing is added to a digit without ink
            _add_forms(seed, image, table, forms, unit_px, item, fact, points[k])
