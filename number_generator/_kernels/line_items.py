"""The items of a line: its digits, its separators, and marks that no label holds.

An item is a row of numbers, and may have points of its own: a pen's polyline.
"""

from typing import Any

import numpy as np

from number_generator._kernels import fields, rng, streams, strokes
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import block, happens, line_value, unit
from number_generator._kernels.layout import pick_glyph

FEWEST_GROUPED, MOST_GROUPED = 4, 9
"""Digits that a line needs to be written in groups, and may have: longer numbers are no amounts."""
DETAIL = np.int64(1 << 20)  # blocks from here on hold what a feature draws besides its values

# Columns of an item
CODE, SLOT, GLYPH = 0, 1, 2
A, B, C, D = 3, 4, 5, 6  # G, row by row
REF_X, REF_Y = 7, 8
X, Y = 9, 10  # its place
GROWTH = 11  # added to the stroke width
PEN = 12  # width of its own strokes
POINTS = 13  # their number
BEND = 14  # amplitude of its warp
CUT = 15  # whether a loop is opened
LOW, HIGH = 16, 17  # its extent in x
COLUMNS = 18

FAINTEST = 0.9  # px: width of a stroke at least
LEAST_POINT = 1.0  # px: radius of a point's stroke at least, whose few px would be lost in noise
THINNEST = 0.35  # of its own width
FIELD_REACH = 7.5  # texels
MOST_GROWTH = 1.5  # of the reach on either side: the rest is for the edge

# Slots of marks that are not in the sequence: a mark's slot decides how it is drawn, whatever other marks there are.
_LEADING_SLOT, _TRAILING_SLOT, _INNER_SLOT = np.int64(-1), np.int64(-3), np.int64(-5)
_LEADING_MARKS, _TRAILING_MARKS = 7, 10  # kinds of end marks; only the trailing ones include dots and commas
_LONE_DOT = 7  # the one kind without dashes
# Signs that an unlabelled mark may look like; of the points, a few px high, each looks like the others.
_DASHES = np.int64(1) << strokes.DASH | np.int64(1) << strokes.EQUALS
_POINTS = (
    np.int64(1) << strokes.DOT
    | np.int64(1) << strokes.COMMA
    | np.int64(1) << strokes.COLON
    | np.int64(1) << strokes.APOSTROPHE
)


@kernel
def _append(items: Any, count: int, code: int, slot: int) -> int:
    """Append an item; a mark that is not in the sequence has a negative slot. Return the number of items."""
    items[count, CODE], items[count, SLOT] = code, slot
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
def is_point(item: Any) -> bool:
    """Tell whether an item is a point of the label: an unlabelled one may be small, or touch a digit."""
    return item[SLOT] >= 0.0 and (_POINTS >> np.int64(item[CODE])) & 1 != 0


@kernel
def is_plain(codes: Any) -> bool:
    """Tell whether a line has only digits, at least one."""
    for code in codes:
        if code >= 10:
            return False
    return codes.size > 0


@kernel
def may_hold_spaces(codes: Any, signs: int) -> bool:
    """Tell whether this line's label has a space, or another of the job may: a wide gap would look like one."""
    held = (signs >> strokes.SPACE) & 1 != 0
    for code in codes:
        held = held or code == strokes.SPACE
    return held


@kernel
def find_thousands_mark(seed: int, image: int, table: Any, codes: Any, signs: int) -> int:
    """Return the code of the unlabelled mark between a line's thousands, or 0 if it has none."""
    if not FEWEST_GROUPED <= codes.size <= MOST_GROUPED or codes[0] == 0 or signs & _POINTS:
        return np.int64(0)
    if not is_plain(codes) or not happens(seed, image, table, streams.INNER_MARKS):
        return np.int64(0)
    words = block(seed, image, streams.INNER_MARKS, DETAIL)
    return np.int64(strokes.DOT if unit(words[0]) < 0.65 else strokes.COMMA)


@kernel
def _choose_end_mark(word: int, kinds: int, signs: int) -> int:
    """Draw one of the first `kinds` kinds of end marks that look like none of `signs`, or -1 if all do."""
    kind = np.int64(rng.draw_below(word, kinds))
    if signs & _DASHES:
        return np.int64(_LONE_DOT if kinds > _LONE_DOT and not signs & _POINTS else -1)
    return kind - _LONE_DOT if kind >= _LONE_DOT and signs & _POINTS else kind


@kernel
def find_end_marks(seed: int, image: int, table: Any, codes: Any, signs: int) -> tuple[int, int]:
    """Return the kinds of the unlabelled marks before and after a line, -1 for none."""
    share = table[streams.END_MARKS, 1] if is_plain(codes) else 0.0
    leading, trailing = np.int64(-1), np.int64(-1)
    if share > 0.0:
        words = block(seed, image, streams.END_MARKS, DETAIL)
        if unit(words[0]) < share:
            leading = _choose_end_mark(words[1], _LEADING_MARKS, signs)
        if unit(words[2]) < share:
            trailing = _choose_end_mark(words[3], _TRAILING_MARKS, signs)
    return leading, trailing


@kernel
def list_items(seed: int, image: int, table: Any, codes: Any, signs: int, items: Any) -> int:
    """Write code and slot of each item, including unlabelled marks, and return their number.

    `signs` has a bit for each code that a label of the job can hold: such a sign is never drawn unlabelled.
    """
    count = np.int64(0)
    length = codes.size
    grouped = find_thousands_mark(seed, image, table, codes, signs)
    leading, trailing = find_end_marks(seed, image, table, codes, signs)
    if leading >= 0:
        count = _append_end_marks(items, count, leading, _LEADING_SLOT)
    for k in range(length):
        if grouped and k > 0 and (length - k) % 3 == 0:
            count = _append(items, count, grouped, _INNER_SLOT - k)
        count = _append(items, count, np.int64(codes[k]), k)
    if trailing >= 0:
        count = _append_end_marks(items, count, trailing, _TRAILING_SLOT)
    return count


@kernel
def choose_glyphs(words: Any, writers: Any, class_start: Any, items: Any, count: int, shares: Any = None) -> int:
    """Choose a glyph for each digit, by the writer of the first one; return the first glyph, or -1 without digits."""
    members, start, glyph_group, groups = writers
    first = np.int64(-1)
    group = np.int64(0)
    for k in range(count):
        code = np.int64(items[k, CODE])
        if code >= 10:
            items[k, GLYPH] = -1.0
            continue
        word = words[np.int64(items[k, SLOT])]
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
        items[k, GLYPH] = glyph
    return first


@kernel
def choose_letterforms(seed: int, image: int, table: Any, letterforms: Any, items: Any, count: int) -> None:
    """Draw some classes of digits by letterforms, in some of the lines: all of one region, and of one hand each."""
    first, hands, regions, start, ids, stops = letterforms
    if not happens(seed, image, table, streams.LETTERFORMS):
        return
    region = rng.draw_below(block(seed, image, streams.LETTERFORMS, DETAIL)[0], regions)
    mix = line_value(seed, image, table, streams.LETTERFORM_MIX)
    constancy = table[streams.LETTERFORM_CONSTANCY, 1]
    for k in range(count):
        code, slot = np.int64(items[k, CODE]), np.int64(items[k, SLOT])
        if code >= 10:
            continue
        chance, form, hand, _ = block(seed, image, streams.LETTERFORM_MIX, DETAIL + code)
        cell = region * 10 + code
        begin, end = start[cell], start[cell + 1]
        if unit(chance) >= mix or begin == end:
            continue
        wavers, other_form, other_hand, _ = block(seed, image, streams.LETTERFORM_CONSTANCY, DETAIL + slot)
        if unit(wavers) >= constancy:
            form, hand = other_form, other_hand
        at = rng.draw_below(form, stops[end - 1])
        while at >= stops[begin]:
            begin += 1
        items[k, GLYPH] = first + ids[begin] * hands + rng.draw_below(hand, hands)


@kernel
def field_reach(fact: Any) -> float:
    """Return how far from its outline a glyph's field tells distances, in px of the digit dataset."""
    density = fact[fields.DENSITY]
    return min(FIELD_REACH / density, fact[fields.PADDING] - min(0.25, 0.5 / density))


@kernel
def support(fact: Any, a: float, b: float) -> tuple[float, float]:
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
def extent(item: Any, fact: Any, points: Any, a: float, b: float) -> tuple[float, float]:
    """Return the extent of an item along a row (a, b) of a transformation after G, relative to its place."""
    across = a * item[A] + b * item[C]
    down = a * item[B] + b * item[D]
    low, high = 1e9, -1e9
    if item[GLYPH] >= 0.0:
        low, high = support(fact, across, down)
        base = across * item[REF_X] + down * item[REF_Y]
        margin = 0.5 * max(item[GROWTH], 0.0) * np.sqrt(across * across + down * down)
        margin += item[BEND] * (abs(across) + abs(down))
        low, high = low - base - margin, high - base + margin
    reach = 0.5 * item[PEN] * np.sqrt(a * a + b * b)
    for k in range(np.int64(item[POINTS])):
        at = across * points[k, 0] + down * points[k, 1]
        low, high = min(low, at - reach), max(high, at + reach)
    return (low, high) if low <= high else (0.0, 0.0)
