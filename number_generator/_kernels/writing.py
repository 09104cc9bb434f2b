"""Styled lines: from number sequences to coverage maps of their ink.

An item is a digit or a mark of a line. Items are laid out in px of the digit dataset, with the baseline at y = 0 and x
to the right. The line's transformation L (rotation, slant, scale) then takes them to the page:
page = origin + L (place of the item) + L G (point of the glyph - its reference point), where G is the item's own
transformation and the reference point is the middle of the ink's lower edge. Extents are exact for any such
transformation, as the outline's support is tabulated (see `fields`), so a line can be cut tightly to its ink.
"""

from typing import Any

import numpy as np

from number_generator._kernels import fields, rng, simd, streams, strokes
from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import NIL, ROUNDER
from number_generator._kernels.draws import block, glyph_values, happens, line_value, line_value_2, unit
from number_generator._kernels.layout import draw_gap, pick_glyph

NO_SPACING = (0, -1)
"""A range without gaps: see `write_lines`."""

FEWEST_GROUPED = 4
"""Digits that a line needs to be written in groups."""


# Columns of an item
_CODE, _SLOT, _GLYPH = 0, 1, 2
_A, _B, _C, _D = 3, 4, 5, 6  # G, row by row
_REF_X, _REF_Y = 7, 8
_X, _Y = 9, 10  # its place
_GROWTH = 11  # added to the stroke width
_PEN = 12  # width of its own strokes
_POINTS = 13  # their number
_BEND = 14  # amplitude of its warp
_CUT = 15  # whether a loop is opened
_LOW, _HIGH = 16, 17  # its extent in x
_COLUMNS = 18

# Slots of marks that are not in the sequence: a mark's slot decides how it is drawn, whatever other marks there are.
_LEADING_SLOT, _TRAILING_SLOT, _INNER_SLOT = np.int64(-1), np.int64(-3), np.int64(-5)
DETAIL = np.int64(1 << 20)  # blocks from here on hold what a feature draws besides its values
_LEADING_MARKS, _TRAILING_MARKS = 7, 10  # kinds of end marks; only the trailing ones include dots and commas
_MARK_GAP = 0.1  # digit heights between an unlabelled mark and its neighbours
_NARROWEST = 0.35  # a line is not squeezed below this: it shrinks instead
_MOST_FILL = 2.0  # stretch or squeeze of a line that fills the page's width
_FAINTEST = 0.9  # px: width of a stroke at least
_THINNEST = 0.35  # of its own width
_THICKEST = 0.24  # digit heights
_BOWED = (0.0, 0.42, 1.0)  # how far down an upstroke's points are: it is slightly bowed
_MOST_STRETCH = 1.5  # of a digit whose ink is not as high as others'
_STRAIGHT = 1.9  # stroke widths: a narrower 1 is a plain stroke, without an upstroke or a foot
_FIXED = 65536.0
_FARTHEST = 1073741824.0  # fits in 32 bits
_FIELD_REACH = 7.5  # texels
_MOST_GROWTH = 1.5  # of the reach on either side: the rest is for the edge
_LANES = 16  # px sampled at once


@kernel
def _rotation(degrees: float) -> tuple[float, float]:
    """Return cosine and sine by their series, accurate to 1e-7 up to 60 degrees."""
    a = degrees * 0.017453292519943295
    q = a * a
    cosine = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0)))
    sine = a * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))))
    return cosine, sine


@kernel
def _support(fact: Any, a: float, b: float) -> tuple[float, float]:
    """Return the least and greatest a * x + b * y over a glyph's outline, interpolated outwards between table steps."""
    upright = abs(a) >= abs(b)
    main, other = (a, b) if upright else (b, a)
    if main == 0.0:
        return 0.0, 0.0
    at = (other / main + 1.0) / fields.SHEAR_STEP
    k = min(np.int64(at), fields.SHEARS - 2)
    part = at - k
    first = fields.SUPPORT + (0 if upright else 2 * fields.SHEARS) + k
    low = fact[first] + part * (fact[first + 1] - fact[first])
    first += fields.SHEARS
    high = fact[first] + part * (fact[first + 1] - fact[first])
    return (main * low, main * high) if main > 0.0 else (main * high, main * low)


@kernel
def _extent(item: Any, fact: Any, points: Any, a: float, b: float) -> tuple[float, float]:
    """Return the extent of an item along a row (a, b) of a transformation after G, relative to its place."""
    across = a * item[_A] + b * item[_C]
    down = a * item[_B] + b * item[_D]
    low, high = 1e9, -1e9
    if item[_GLYPH] >= 0.0:
        low, high = _support(fact, across, down)
        base = across * item[_REF_X] + down * item[_REF_Y]
        margin = 0.5 * max(item[_GROWTH], 0.0) * np.sqrt(across * across + down * down)
        margin += item[_BEND] * (abs(across) + abs(down))
        low, high = low - base - margin, high - base + margin
    reach = 0.5 * item[_PEN] * np.sqrt(a * a + b * b)
    for k in range(np.int64(item[_POINTS])):
        at = across * points[k, 0] + down * points[k, 1]
        low, high = min(low, at - reach), max(high, at + reach)
    return (low, high) if low <= high else (0.0, 0.0)


@kernel
def _append(items: Any, count: int, code: int, slot: int) -> int:
    """Append an item; a mark that is not in the sequence has a negative slot. Return the number of items."""
    items[count, _CODE], items[count, _SLOT] = code, slot
    return count + 1


@kernel
def _append_end_marks(items: Any, count: int, kind: int, slot: int) -> int:
    """Append one or two marks at an end of a line, none of which looks like a digit. Return the number of items."""
    if kind == 6 or kind > 7:
        code = strokes.DASH if kind == 6 else (strokes.DOT if kind == 8 else strokes.COMMA)
        count = _append(items, count, code, slot - 1)
        kind = np.int64(0)
    code = strokes.DASH
    if kind == 4:
        code = strokes.DOUBLE_DASH
    elif kind == 5:
        code = strokes.WAVE
    elif kind == 7:
        code = strokes.DOT
    return _append(items, count, code, slot)


@kernel
def is_plain(codes: Any) -> bool:
    """Tell whether a line has only digits, at least one."""
    for code in codes:
        if code >= 10:
            return False
    return codes.size > 0


@kernel
def _list_items(seed: int, image: int, table: Any, codes: Any, items: Any) -> int:
    """Write code and slot of each item, including unlabelled marks, and return their number."""
    count = np.int64(0)
    length = codes.size
    plain = is_plain(codes)
    grouped = np.int64(0)
    if plain and length >= FEWEST_GROUPED and happens(seed, image, table, streams.INNER_MARKS):
        words = block(seed, image, streams.INNER_MARKS, DETAIL)
        grouped = np.int64(strokes.DOT if unit(words[0]) < 0.65 else strokes.COMMA)
    share = table[streams.END_MARKS, 1] if plain else 0.0
    words = block(seed, image, streams.END_MARKS, DETAIL) if share > 0.0 else (NIL, NIL, NIL, NIL)
    if unit(words[0]) < share:
        count = _append_end_marks(items, count, rng.draw_below(words[1], _LEADING_MARKS), _LEADING_SLOT)
    for k in range(length):
        if grouped and k > 0 and (length - k) % 3 == 0:
            count = _append(items, count, grouped, _INNER_SLOT - k)
        count = _append(items, count, np.int64(codes[k]), k)
    if unit(words[2]) < share:
        count = _append_end_marks(items, count, rng.draw_below(words[3], _TRAILING_MARKS), _TRAILING_SLOT)
    return count


@kernel
def _choose_glyphs(words: Any, writers: Any, class_start: Any, items: Any, count: int, shares: Any = None) -> int:
    """Choose a glyph for each digit, by the writer of the first one; return the first glyph, or -1 without digits."""
    members, start, glyph_group, groups = writers
    first = np.int64(-1)
    group = np.int64(0)
    for k in range(count):
        code = np.int64(items[k, _CODE])
        if code >= 10:
            items[k, _GLYPH] = -1.0
            continue
        word = words[np.int64(items[k, _SLOT])]
        lowest = class_start[code]
        number = class_start[code + 1] - lowest
        glyph = lowest + rng.draw_below(word, number)
        if shares is not None:
            glyph = pick_glyph(word, code, shares)
        if first < 0:
            first = glyph
            group = glyph_group[glyph]
        elif groups > 1:
            lowest = start[code * groups + group]
            number = start[code * groups + group + 1] - lowest
            if number > 0:  # a writer may lack a digit: then it is anyone's
                glyph = members[lowest + rng.draw_below(word, number)]
        items[k, _GLYPH] = glyph
    return first


@kernel
def _add_forms(
    seed: int, image: int, table: Any, forms: Any, unit_px: float, item: Any, fact: Any, points: Any
) -> None:
    """Add an upstroke, a crossbar or a tail to a digit, or open its loop."""
    has_upstroke, has_crossbar = forms
    code, slot = np.int64(item[_CODE]), np.int64(item[_SLOT])
    x, y = item[_REF_X], item[_REF_Y]
    pen = fact[fields.STROKE]
    n = np.int64(0)
    if code == 1 and has_upstroke and fact[fields.ACROSS] < _STRAIGHT * fact[fields.STROKE]:
        words = block(seed, image, streams.UPSTROKE, DETAIL)  # all 1s of a line begin alike
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
        words = block(seed, image, streams.CROSSBAR, DETAIL)
        half = (0.16 + 0.12 * unit(words[0])) * unit_px
        rise = (0.12 * unit(words[1]) - 0.03) * unit_px
        middle_x, middle_y = fact[fields.MIDDLE_X] - x, fact[fields.MIDDLE_Y] - y
        n = strokes.add_point(points, n, middle_x - half, middle_y + rise, True)
        n = strokes.add_point(points, n, middle_x + half, middle_y - rise, False)
    elif code in (0, 8, 9):
        share = table[streams.TAIL, 1]
        if share > 0.0:
            words = block(seed, image, streams.TAIL, DETAIL + slot)
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
            item[_CUT] = 1.0 if unit(block(seed, image, streams.OPEN_LOOP, DETAIL + slot)[0]) < share else 0.0
    item[_POINTS] = n
    item[_PEN] = 0.85 * max(pen + item[_GROWTH], _THINNEST * pen)


@kernel
def _shape_items(
    seed: int, image: int, table: Any, length: int, glyphs: Any, scratch: Any, count: int, first: int
) -> None:
    """Compute each item's own transformation, stroke width and strokes."""
    _, _, _, facts, padding, density, unit_px, usual_pen = glyphs
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
    for k in range(count):
        item = items[k]
        code, slot, glyph = np.int64(item[_CODE]), np.int64(item[_SLOT]), np.int64(item[_GLYPH])
        item[_POINTS], item[_CUT], item[_BEND], item[_GROWTH], item[_Y] = 0.0, 0.0, 0.0, 0.0, 0.0
        if glyph < 0:
            word = block(seed, image, streams.MARK_SHAPE, -1 - slot if slot < 0 else DETAIL + slot)
            item[_A], item[_B], item[_C], item[_D] = unit_px, 0.0, 0.0, unit_px
            item[_REF_X], item[_REF_Y] = 0.0, 0.0
            item[_PEN] = max(pen + thickness * unit_px, _THINNEST * pen) * (1.15 if code == strokes.DOT else 0.95)
            item[_POINTS] = strokes.write_mark_points(code, word, points[k])
            item[_LOW], item[_HIGH] = 0.0, strokes.mark_width(code, word) * unit_px
            continue
        fact = facts[glyph]
        own_pen = fact[fields.STROKE]
        # Make a wide digit as high as others: digit datasets fit the longer side of each into one box.
        stretch = unit_px / max(fact[fields.Y1] - fact[fields.Y0], 0.1 * unit_px)
        size = values[slot, 0] * min(max(stretch, 1.0), _MOST_STRETCH)
        wide = size * values[slot, 1]
        lean = values[slot, 3] - alike * (fact[fields.SLANT] - slant)
        cosine, sine = _rotation(values[slot, 4])
        # The slant first, then the rotation: (x - lean * y, y), y downwards
        item[_A], item[_B] = cosine * wide, (sine - cosine * lean) * size
        item[_C], item[_D] = -sine * wide, (cosine + sine * lean) * size
        item[_REF_X] = 0.5 * (fact[fields.X0] + fact[fields.X1])
        item[_REF_Y] = fact[fields.Y1]
        item[_Y] = -values[slot, 2] * unit_px
        growth = (thickness + values[slot, 5]) * unit_px + alike * (pen / size - own_pen)
        thickest = max(_THICKEST * unit_px, own_pen)
        thickest = min(thickest, own_pen + _MOST_GROWTH * min(_FIELD_REACH / density, padding - 0.25))
        item[_GROWTH] = min(max(growth, (_THINNEST - 1.0) * own_pen), thickest - own_pen)
        item[_BEND] = values[slot, 6] * unit_px
        if own_pen > 0.0:  # nothing is added to a digit without ink
            _add_forms(seed, image, table, forms, unit_px, item, fact, points[k])


@kernel
def _place_items(
    seed: int, image: int, table: Any, spacing_range: Any, length: int, glyphs: Any, scratch: Any, count: int
) -> None:
    """Place the items one after the other: gaps lie between their extents before the line is slanted."""
    facts, unit_px = glyphs[3], glyphs[6]
    has_spacing = spacing_range[0] <= spacing_range[1]
    items, points, values, words, _, _ = scratch
    gap = line_value(seed, image, table, streams.GAP)
    if has_spacing:
        rng.fill_words(np.uint64(seed), np.uint64(image), streams.SPACING, length, words)
        for k in range(length):
            values[k, 0] = np.float64(draw_gap(words[k], spacing_range))
    else:
        glyph_values(seed, image, table, streams.GAP_JITTER, length, words, values, 0)
        for k in range(length):
            values[k, 0] = (gap + values[k, 0]) * unit_px
    share = table[streams.WIDE_GAP, 1]
    if share > 0.0 and not has_spacing:
        glyph_values(seed, image, table, streams.WIDE_GAP_SIZE, length, words, values, 1)
        rng.fill_words(np.uint64(seed), np.uint64(image), streams.WIDE_GAP, length, words)
        for k in range(length):
            if unit(words[k]) < share:
                values[k, 0] += values[k, 1] * unit_px
    left, right = 0.0, 0.0
    for k in range(count):
        item = items[k]
        low, high = item[_LOW], item[_HIGH]
        if item[_GLYPH] >= 0.0 or item[_POINTS] > 0.0:
            low, high = _extent(item, facts[max(np.int64(item[_GLYPH]), 0)], points[k], 1.0, 0.0)
        if k > 0:
            before, slot = np.int64(items[k - 1, _SLOT]), np.int64(item[_SLOT])
            between = _MARK_GAP * unit_px if slot < 0 or before < 0 else values[before, 0]
            # Keep the order of the digits visible, however small the gap is.
            left = max(right + between, left + 0.3 * min(right - left, high - low) + 0.05 * unit_px)
        item[_X] = left - low
        right = left + high - low
        item[_LOW], item[_HIGH] = left, right
    drift = line_value(seed, image, table, streams.DRIFT)
    if drift != 0.0 and right > 0.0:
        for k in range(count):
            t = (items[k, _LOW] + items[k, _HIGH]) / right - 1.0
            items[k, _Y] -= drift * unit_px * (1.0 - t * t)


@kernel
def _fit_line(
    seed: int, image: int, table: Any, shape: Any, fit: Any, softness: float, glyphs: Any, scratch: Any, count: int
) -> tuple[float, float, float, float, float, float]:
    """Return the line's transformation (a, b, c, d) and its origin on the page, so that all ink lies on the page."""
    facts, unit_px = glyphs[3], glyphs[6]
    items, points = scratch[0], scratch[1]
    height, width = shape
    tight, stretch = fit
    cosine, sine = _rotation(line_value(seed, image, table, streams.ROTATION))
    slant = line_value(seed, image, table, streams.SLANT)
    a, b, c, d = cosine, sine - slant * cosine, -sine, cosine + slant * sine
    left, right, top, bottom = 1e9, -1e9, 1e9, -1e9
    for k in range(count):
        item = items[k]
        fact = facts[max(np.int64(item[_GLYPH]), 0)]
        low, high = _extent(item, fact, points[k], a, b)
        x = a * item[_X] + b * item[_Y]
        left, right = min(left, x + low), max(right, x + high)
        low, high = _extent(item, fact, points[k], c, d)
        y = c * item[_X] + d * item[_Y]
        top, bottom = min(top, y + low), max(bottom, y + high)
    if left > right:
        left, right, top, bottom = 0.0, 1.0, -unit_px, 0.0
    wide, high = max(right - left, 0.05 * unit_px), max(bottom - top, 0.05 * unit_px)

    edge = min(0.5 * softness, 0.2 * height, 0.2 * width)
    room_x, room_y = width - 2.0 * edge, height - 2.0 * edge
    margin_left, margin_right = line_value_2(seed, image, table, streams.MARGIN)
    margin_left, margin_right = margin_left * height, margin_right * height
    margins = margin_left + margin_right
    if margins > 0.5 * room_x:  # leave at least half of the page for the writing
        margin_left, margin_right = margin_left * 0.5 * room_x / margins, margin_right * 0.5 * room_x / margins
    room_x -= margin_left + margin_right

    squeeze = line_value(seed, image, table, streams.SQUEEZE)
    if tight:
        # Do not enlarge a line of flat marks to the page's height.
        scale_y = line_value(seed, image, table, streams.HEIGHT) * room_y / max(high, 0.8 * unit_px)
        scale_x = scale_y * squeeze
        if happens(seed, image, table, streams.FILL):
            scale_x = min(max(room_x / wide, scale_x / _MOST_FILL), scale_x * _MOST_FILL)
        scale_x = min(scale_x, room_x / wide)
        scale_y = min(scale_y, scale_x / _NARROWEST)
    else:
        scale_y = line_value(seed, image, table, streams.SIZE)
        scale_x = scale_y * squeeze
        if high * scale_y > room_y:
            scale_x *= room_y / (high * scale_y)
            scale_y = room_y / high
        if wide * scale_x > room_x:
            if not stretch:
                scale_y *= room_x / (wide * scale_x)
            scale_x = room_x / wide
    free_x, free_y = room_x - wide * scale_x, room_y - high * scale_y
    position = line_value(seed, image, table, streams.POSITION)
    vertical = line_value(seed, image, table, streams.VERTICAL_POSITION)
    origin_x = edge + margin_left + position * free_x - scale_x * left
    origin_y = edge + vertical * free_y - scale_y * top
    return scale_x * a, scale_x * b, scale_y * c, scale_y * d, origin_x, origin_y


@kernel
def _draw_wave_shape(word: int, period: float) -> tuple[float, float]:
    """Return a wave's frequency, 0.5 to 1 turns per digit height, in turns per px of the page, and its phase."""
    low = np.float64(np.int64(word & np.uint64(0xFFFFFFFF))) / 4294967296.0
    return (0.5 + 0.5 * low) * period, unit(word)


@kernel
def _tabulate(out: Any, size: int, begin: float, step: float, bend: float, start: float, rate: float) -> None:
    """Write begin + step * i + bend * sine(start + rate * i), with 16 bits of fraction, for each i.

    In float32 and without a call, so that the loop is vector code. The sine, of an angle in turns, is accurate to 1e-3
    and the same on every machine, unlike those of libraries. Points far outside a field stay outside.
    """
    begin_32, step_32 = np.float32(begin * _FIXED), np.float32(step * _FIXED)
    far = np.float32(_FARTHEST)
    row = out[:size]
    if bend == 0.0:
        for i in range(row.size):
            row[i] = np.int32(min(max(begin_32 + step_32 * np.float32(i), -far), far))
        return
    bend_32, start_32, rate_32 = np.float32(bend * _FIXED), np.float32(start - np.floor(start)), np.float32(rate)
    eight, sixteen = np.float32(8), np.float32(16)
    most, rest = np.float32(0.775), np.float32(0.225)
    for i in range(row.size):
        turns = start_32 + rate_32 * np.float32(i)
        turns -= (turns + ROUNDER) - ROUNDER  # minus the nearest integer
        rough = turns * (eight - sixteen * abs(turns))
        wave = bend_32 * rough * (most + rest * abs(rough))
        row[i] = np.int32(min(max(begin_32 + step_32 * np.float32(i) + wave, -far), far))


@kernel
def _tabulate_ranges(rows: Any, size: int, low: float, high: float, step: float, count: int, out: Any) -> None:
    """Write the first column of each row whose point lies from `low` to `high`, and the one after the last."""
    first, stop, shifts = out[0, :size], out[1, :size], rows[:size]
    last = np.float32(count)
    none = np.float32(0)
    if abs(step) < 1e-3:
        first[:] = 0
        stop[:] = count
        return
    if step < 0.0:
        low, high = high, low
    per = np.float32(1.0 / step)
    offset_low, offset_high = np.float32(low / step), np.float32(high / step + 2.0)
    scale = np.float32(1.0 / _FIXED)
    for i in range(first.size):
        shift = np.float32(shifts[i]) * scale * per
        first[i] = np.int32(min(max(offset_low - shift, none), last))
        stop[i] = np.int32(min(max(offset_high - shift, none), last))


@kernel
def _draw_glyph(
    seed: int, image: int, item: Any, glyphs: Any, line: Any, softness: float, shape: Any, scratch: Any, cover: Any
) -> None:
    """Sample a glyph's field at each px of the page that its ink may reach, and join the ink by maximum."""
    texels, offsets, sizes, facts, padding, density, unit_px, _ = glyphs
    height, width = shape
    la, lb, lc, ld, origin_x, origin_y = line
    tables, spare = scratch[4], scratch[5]
    glyph = np.int64(item[_GLYPH])
    across, down = sizes[glyph, 0], sizes[glyph, 1]
    if across == 0:
        return
    fact = facts[glyph]
    ma, mb = la * item[_A] + lb * item[_C], la * item[_B] + lb * item[_D]
    mc, md = lc * item[_A] + ld * item[_C], lc * item[_B] + ld * item[_D]
    determinant = ma * md - mb * mc
    scale = np.sqrt(abs(determinant))  # px of the page per px of the digit dataset
    if scale < 1e-6:
        return
    ia, ib, ic, id_ = md / determinant, -mb / determinant, -mc / determinant, ma / determinant
    x = origin_x + la * item[_X] + lb * item[_Y]
    y = origin_y + lc * item[_X] + ld * item[_Y]

    own_pen = fact[fields.STROKE]
    growth = max(item[_GROWTH], _FAINTEST / scale - own_pen)
    # A field holds distances up to `far` px: a line that is shrunk a lot must not need more.
    far = min(_FIELD_REACH / density, padding - 0.25)
    growth = min(growth, _MOST_GROWTH * far)
    softness = min(softness, 2.0 * scale * (far - 0.5 * growth))
    bend = item[_BEND]
    reach = 0.5 * max(growth, 0.0) + bend + 0.5 * softness / scale + 0.25

    low, high = _support(fact, ma, mb)
    base = ma * item[_REF_X] + mb * item[_REF_Y]
    size = np.sqrt(ma * ma + mb * mb) * reach
    left = max(0, np.int64(np.floor(x + low - base - size)))
    right = min(width, np.int64(np.ceil(x + high - base + size)))
    low, high = _support(fact, mc, md)
    base = mc * item[_REF_X] + md * item[_REF_Y]
    size = np.sqrt(mc * mc + md * md) * reach
    top = max(0, np.int64(np.floor(y + low - base - size)))
    bottom = min(height, np.int64(np.ceil(y + high - base + size)))
    if left >= right or top >= bottom:
        return

    # The warp is two waves for each coordinate of the field, one along the page's x and one along its y.
    wide_bend, high_bend = 0.55 * bend * density, 0.45 * bend * density
    period = 1.0 / (scale * unit_px)
    f0, f1, f2, f3, p0, p1, p2, p3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if bend > 0.0:
        slot = np.int64(item[_SLOT])
        w0, w1, w2, w3 = block(seed, image, streams.WARP, DETAIL + slot)
        f0, p0 = _draw_wave_shape(w0, period)
        f1, p1 = _draw_wave_shape(w1, period)
        f2, p2 = _draw_wave_shape(w2, period)
        f3, p3 = _draw_wave_shape(w3, period)
    begin_x, begin_y = left + 0.5 - x, top + 0.5 - y
    begin_u = (item[_REF_X] + padding + ia * begin_x) * density - 0.5
    begin_v = (item[_REF_Y] + padding + ic * begin_x) * density - 0.5
    count, lines = right - left, bottom - top
    u_columns, v_columns, u_rows, v_rows, ranges = tables
    _tabulate(u_columns, count, begin_u, ia * density, high_bend, begin_x * f0 + p0, f0)
    _tabulate(v_columns, count, begin_v, ic * density, wide_bend, begin_x * f1 + p1, f1)
    _tabulate(u_rows, lines, ib * begin_y * density, ib * density, wide_bend, begin_y * f2 + p2, f2)
    _tabulate(v_rows, lines, id_ * begin_y * density, id_ * density, high_bend, begin_y * f3 + p3, f3)
    # The reach includes the columns' wave.
    first_u = (fact[fields.X0] - reach + padding) * density - 0.5 - begin_u
    last_u = (fact[fields.X1] + reach + padding) * density - 0.5 - begin_u
    _tabulate_ranges(u_rows, lines, first_u, last_u, ia * density, count, ranges)

    most = ((across - 1) * 65536 - 1, (down - 1) * 65536 - 1)
    # Ink from 0 to 255 at a texel's value t (16 bits of fraction): slope * t + bias
    slope = np.float32(255.0 * scale / (softness * fields.FIELD_SCALE * density * _FIXED))
    bias = np.float32(
        0.5 + 255.0 * (0.5 + (0.5 * growth * scale) / softness - 128.0 * scale / (softness * 16.0 * density))
    )
    has_cut = item[_CUT] != 0.0
    # Open a loop before the digit joins the others, so that their ink is not erased.
    sheet = spare if has_cut else cover
    if has_cut:
        for py in range(top, bottom):
            for at in range(py * width + left, py * width + right):
                spare[at] = 0
    target = simd.address(sheet) + top * width + left
    u_table, v_table = simd.address(u_columns), simd.address(v_columns)
    field = simd.address(texels) + offsets[glyph]
    for i in range(np.uint64(lines)):
        shift = (np.int64(u_rows[i]), np.int64(v_rows[i]))
        to = np.int64(ranges[1, i])
        for px in range(np.int64(ranges[0, i]), to, _LANES):
            simd.sample_field(
                field, across, u_table + 4 * px, v_table + 4 * px, shift, most, (slope, bias), to - px, target + px
            )
        target += width
    simd.keep(sheet)
    simd.keep(texels)
    simd.keep(u_columns)
    simd.keep(v_columns)

    if has_cut:
        right_of_top = 0.0 if np.int64(item[_CODE]) == 0 else 0.16 * unit_px
        to_x = fact[fields.TOP_X] + right_of_top - item[_REF_X]
        to_y = fact[fields.Y0] + 0.4 * own_pen - item[_REF_Y]
        radius = (0.6 * (own_pen + growth) + 0.04 * unit_px) * scale
        strokes.erase_dot(x + ma * to_x + mb * to_y, y + mc * to_x + md * to_y, radius, softness, shape, spare)
        for py in range(top, bottom):
            for at in range(py * width + left, py * width + right):
                cover[at] = max(cover[at], spare[at])


@kernel
def _draw_strokes(item: Any, points: Any, line: Any, softness: float, shape: Any, cover: Any) -> None:
    """Draw an item's own strokes."""
    la, lb, lc, ld, origin_x, origin_y = line
    ma, mb = la * item[_A] + lb * item[_C], la * item[_B] + lb * item[_D]
    mc, md = lc * item[_A] + ld * item[_C], lc * item[_B] + ld * item[_D]
    x = origin_x + la * item[_X] + lb * item[_Y]
    y = origin_y + lc * item[_X] + ld * item[_Y]
    # The smaller scale of a squeezed or stretched line: no stroke grows beyond its extent.
    scale = min(np.sqrt(la * la + lb * lb), np.sqrt(lc * lc + ld * ld))
    radius = 0.5 * max(item[_PEN] * scale, _FAINTEST)
    last_x, last_y = 0.0, 0.0
    for k in range(np.int64(item[_POINTS])):
        at_x = x + ma * points[k, 0] + mb * points[k, 1]
        at_y = y + mc * points[k, 0] + md * points[k, 1]
        if points[k, 2] == 0.0:
            strokes.draw_stroke(last_x, last_y, at_x, at_y, radius, softness, shape, cover)
        last_x, last_y = at_x, at_y


@kernel
def _make_scratch(longest: int, height: int, width: int) -> Any:
    """Make scratch memory for lines of up to `longest` digits and separators, on pages of one size."""
    most = longest + longest // 3 + 6
    items = np.zeros((most, _COLUMNS))
    points = np.zeros((most, strokes.MOST_POINTS, 3))
    values = np.zeros((longest + 1, 8))
    words = np.empty(longest + 4, np.uint64)
    u_columns, v_columns = np.zeros(width + _LANES, np.int32), np.zeros(width + _LANES, np.int32)
    u_rows, v_rows, ranges = np.zeros(height, np.int32), np.zeros(height, np.int32), np.zeros((2, height), np.int32)
    spare = np.zeros(height * width + _LANES, np.uint8)
    return items, points, values, words, (u_columns, v_columns, u_rows, v_rows, ranges), spare


@kernel
def _write_box(line: Any, glyphs: Any, items: Any, points: Any, count: int, box: Any) -> None:
    """Write the box of a line's ink, and the y of its baseline in the middle."""
    a, b, c, d, origin_x, origin_y = line
    facts = glyphs[3]
    left, right, top, bottom = 1e9, -1e9, 1e9, -1e9
    for k in range(count):
        item = items[k]
        fact = facts[max(np.int64(item[_GLYPH]), 0)]
        low, high = _extent(item, fact, points[k], a, b)
        x = origin_x + a * item[_X] + b * item[_Y]
        left, right = min(left, x + low), max(right, x + high)
        low, high = _extent(item, fact, points[k], c, d)
        y = origin_y + c * item[_X] + d * item[_Y]
        top, bottom = min(top, y + low), max(bottom, y + high)
    if left > right:
        left, right, top, bottom = 0.0, 0.0, 0.0, 0.0
    box[0], box[1], box[2], box[3] = left, top, right, bottom
    box[4] = origin_y + (0.5 * c * (items[0, _X] + items[count - 1, _X]) if count else 0.0)


@kernel
def _join(alone: Any, shape: Any, cover: Any, columns: Any, box: Any) -> None:
    """Join an item's ink to the line's by maximum, erase it, and write the box of its pixels, -1 if it has none."""
    height, width = shape
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
    box[0], box[1], box[2], box[3] = left, top, right, bottom


@kernel
def write_lines(
    seed: int, start: int, table: Any, codes: Any, offsets: Any, spacing_range: Any, fit: Any, glyphs: Any, choice: Any,
    shape: Any, longest: int, pages: Any, line_boxes: Any, glyph_ids: Any, boxes: Any, masks: Any,
) -> None:  # fmt: skip
    """Draw the ink of each line.

    Parameters
    ----------
    seed, start : int
        `start` is the first line's image number.
    table : ndarray
        The style: see `draws`.
    codes, offsets : ndarray
        The sequences: digits 0 to 9, and separators.
    spacing_range : (int, int)
        Smallest and largest gap in px of the digit dataset; `NO_SPACING` leaves the gaps to the style.
    fit : (bool, bool)
        Whether the page is cut tightly to the ink, and whether a line that is too wide keeps its height.
    glyphs : (texels, offsets, sizes, facts, padding, density, digit height, stroke)
        See `GlyphFields`.
    choice : (class_start, members, start, glyph_group, groups, shares)
        See `GlyphAtlas` and `Writers`.
    shape : (int, int)
        Height and width of a page.
    longest : int
        Characters in the longest sequence, at least 1.
    pages : ndarray, shape (n, height * width), uint8
        Receives the ink, 0 to 255.
    line_boxes : ndarray, shape (n, 5), float64
        Receives the box of the ink (x0, y0, x1, y1) and the y of the baseline in the middle, in px of the page.
    glyph_ids : ndarray, shape (codes,), int64
        Receives the glyph of each digit, -1 for separators.
    boxes : ndarray, shape (codes, 4), int16
        Receives the box of pixels that the ink of each touches: x0, y0, x1, y1, half-open; -1 without ink. Empty if
        not wanted.
    masks : ndarray, shape (codes, height * width), uint8
        Receives the ink of each alone. Empty if not wanted.
    """
    height, width = shape
    scratch = _make_scratch(longest, height, width)
    # Not the page itself: 16 bytes are written at once, and those after it may belong to another thread.
    cover = np.zeros(height * width + _LANES, np.uint8)
    items, points, _, words, _, _ = scratch
    class_start, members, starts, glyph_group, groups, shares = choice
    is_split = boxes.shape[0] > 0 or masks.shape[0] > 0
    alone = np.zeros(height * width + _LANES, np.uint8)
    columns, box = np.zeros(width, np.uint8), np.zeros(4, np.int16)
    # All in one kernel: numba compiles a kernel again into each of its callers.
    for i in range(pages.shape[0]):
        image = np.uint64(start) + np.uint64(i)
        line_codes = codes[offsets[i] : offsets[i + 1]]
        length = line_codes.size
        cover[:] = 0
        count = _list_items(seed, image, table, line_codes, items)
        rng.fill_words(np.uint64(seed), image, streams.GLYPH, length, words)
        first = _choose_glyphs(words, (members, starts, glyph_group, groups), class_start, items, count, shares)
        _shape_items(seed, image, table, length, glyphs, scratch, count, first)
        _place_items(seed, image, table, spacing_range, length, glyphs, scratch, count)
        softness = line_value(seed, image, table, streams.SOFTNESS)
        line = _fit_line(seed, image, table, shape, fit, softness, glyphs, scratch, count)
        for k in range(count):
            slot = np.int64(items[k, _SLOT])
            if slot >= 0:
                glyph_ids[offsets[i] + slot] = np.int64(items[k, _GLYPH])
            sheet = alone if is_split else cover
            if items[k, _GLYPH] >= 0.0:
                _draw_glyph(seed, image, items[k], glyphs, line, softness, shape, scratch, sheet)
            if items[k, _POINTS] > 0.0:
                _draw_strokes(items[k], points[k], line, softness, shape, sheet)
            if is_split:
                if slot >= 0 and masks.shape[0] > 0:
                    mask = masks[offsets[i] + slot]
                    for at in range(mask.size):
                        mask[at] = alone[at]
                _join(alone, shape, cover, columns, box)
                if slot >= 0 and boxes.shape[0] > 0:
                    for side in range(4):
                        boxes[offsets[i] + slot, side] = box[side]
        _write_box(line, glyphs, items, points, count, line_boxes[i])
        page = pages[i]
        for k in range(page.size):  # numba takes two seconds to compile an array assignment
            page[k] = cover[k]
