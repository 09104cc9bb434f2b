"""Where the items of a line stand, and where the line stands on its page."""

from typing import Any

import numpy as np

from number_generator._kernels import line_items, rng, shaping, streams, strokes
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import glyph_values, happens, line_value, line_value_2, unit
from number_generator._kernels.layout import draw_gap

_MARK_GAP = 0.1  # digit heights between an unlabelled mark and its neighbours
_SPACE_EXCESS = 0.4  # digit heights by which a space is wider than any other gap of its line
_CLEAR = 0.7  # of the pen's width, between a point and its neighbours
_NARROWEST = 0.35  # a line is not squeezed below this: it shrinks instead
_MOST_FILLING = 1.4  # stretch of a line that fills the page's width, and of its digits: more looks like no handwriting
_LEAST_FILLING = 0.5


@kernel
def _widen_spaces(items: Any, values: Any, count: int, unit_px: float) -> None:
    """Make each space between two characters visibly wider than all gaps of the line that have none."""
    widest = 0.0
    for k in range(1, count):
        if items[k, line_items.CODE] != strokes.SPACE and items[k - 1, line_items.CODE] != strokes.SPACE:
            widest = max(widest, values[np.int64(max(items[k - 1, line_items.SLOT], 0.0)), 0])
    for k in range(1, count - 1):
        if items[k, line_items.CODE] == strokes.SPACE:
            slot = np.int64(items[k, line_items.SLOT])
            least = widest + _SPACE_EXCESS * unit_px - values[slot - 1, 0] - values[slot, 0]
            items[k, line_items.HIGH] = max(items[k, line_items.HIGH], least)


@kernel
def place_items(
    seed: int, image: int, table: Any, spacing_range: Any, spaced: bool, length: int, glyphs: Any, scratch: Any,
    count: int,
) -> None:  # fmt: skip
    """Place the items one after the other: gaps lie between their extents before the line is slanted.

    If the line is `spaced`, so that gaps must not look like spaces, it has no wide ones.
    """
    facts, unit_px = glyphs[3], glyphs[4]
    has_spacing = spacing_range[0] <= spacing_range[1]
    items, points, values, words, _, _ = scratch
    gap = line_value(seed, image, table, streams.GAP)
    if has_spacing:
        rng.fill_words(np.uint64(seed), np.uint64(image), streams.SPACING, length, words)
        for k in range(length):
            values[k, 0] = np.float64(draw_gap(words[k], spacing_range))
    else:
        glyph_values(seed, image, table, streams.GAP_JITTER, length, words, values, 0)
        change = line_value(seed, image, table, streams.GAP_DRIFT) / max(length - 2.0, 1.0)
        for k in range(length):
            values[k, 0] = (gap + values[k, 0] + change * (k - 0.5 * (length - 2.0))) * unit_px
    share = table[streams.WIDE_GAP, 1]
    if share > 0.0 and not has_spacing and not spaced:
        glyph_values(seed, image, table, streams.WIDE_GAP_SIZE, length, words, values, 1)
        rng.fill_words(np.uint64(seed), np.uint64(image), streams.WIDE_GAP, length, words)
        for k in range(length):
            if unit(words[k]) < share:
                values[k, 0] += values[k, 1] * unit_px
    if spaced:
        _widen_spaces(items, values, count, unit_px)
    left, right = 0.0, 0.0
    for k in range(count):
        item = items[k]
        low, high = item[line_items.LOW], item[line_items.HIGH]
        if item[line_items.GLYPH] >= 0.0 or item[line_items.POINTS] > 0.0:
            low, high = line_items.extent(item, facts[max(np.int64(item[line_items.GLYPH]), 0)], points[k], 1.0, 0.0)
        if k > 0:
            before, slot = np.int64(items[k - 1, line_items.SLOT]), np.int64(item[line_items.SLOT])
            between = _MARK_GAP * unit_px if slot < 0 or before < 0 else values[before, 0]
            # Keep the order of the digits visible, however small the gap is.
            left = max(right + between, left + 0.3 * min(right - left, high - low) + 0.05 * unit_px)
        item[line_items.X] = left - low
        right = left + high - low
        item[line_items.LOW], item[line_items.HIGH] = left, right
    drift = line_value(seed, image, table, streams.DRIFT)
    if drift != 0.0 and right > 0.0:
        for k in range(count):
            t = (items[k, line_items.LOW] + items[k, line_items.HIGH]) / right - 1.0
            items[k, line_items.Y] -= drift * unit_px * (1.0 - t * t)


@kernel
def clear_points(items: Any, count: int, line: Any, softness: float) -> bool:
    """Move items apart where a point of the label, such as a dot, would touch its neighbours; tell whether any moved.

    `line` is the transformation that the line would have on the page. The clear distance is most of the pen's width,
    and at least what the soft edges of two strokes cover there.
    """
    across = max(abs(line[0]), 1e-6)
    shift = 0.0
    for k in range(count):
        item = items[k]
        if k > 0 and (line_items.is_point(item) or line_items.is_point(items[k - 1])):
            pen = item[line_items.PEN] if line_items.is_point(item) else items[k - 1, line_items.PEN]
            growth = max(line_items.LEAST_POINT - 0.5 * pen * across, 0.0)
            least = max(_CLEAR * pen, (0.8 + 0.5 * softness + growth) / across)
            shift += max(least - (item[line_items.LOW] + shift - items[k - 1, line_items.HIGH]), 0.0)
        item[line_items.X] += shift
        item[line_items.LOW] += shift
        item[line_items.HIGH] += shift
    return shift > 0.0


@kernel
def fit_line(
    seed: int, image: int, table: Any, shape: Any, fit: Any, softness: float, glyphs: Any, scratch: Any, count: int
) -> Any:
    """Choose the line's place, so that all ink lies on the page; `shape` and `fit` are those of `write_lines`.

    Returns
    -------
    line : (a, b, c, d, x, y)
        Its transformation and its origin on the page.
    box : (x0, y0, x1, y1)
        Of its ink, in px of the page; zeros if it has none.
    width : int
        Of the page, in px.
    """
    facts, unit_px = glyphs[3], glyphs[4]
    items, points = scratch[0], scratch[1]
    height, width = shape
    tight, stretch, grows, enlargement = fit
    cosine, sine = shaping.rotation(line_value(seed, image, table, streams.ROTATION))
    slant = line_value(seed, image, table, streams.SLANT)
    a, b, c, d = cosine, sine - slant * cosine, -sine, cosine + slant * sine
    left, right, top, bottom = 1e9, -1e9, 1e9, -1e9
    for k in range(count):
        item = items[k]
        fact = facts[max(np.int64(item[line_items.GLYPH]), 0)]
        low, high = line_items.extent(item, fact, points[k], a, b)
        x = a * item[line_items.X] + b * item[line_items.Y]
        left, right = min(left, x + low), max(right, x + high)
        low, high = line_items.extent(item, fact, points[k], c, d)
        y = c * item[line_items.X] + d * item[line_items.Y]
        top, bottom = min(top, y + low), max(bottom, y + high)
    has_ink = left <= right
    if not has_ink:
        left, right, top, bottom = 0.0, 1.0, -unit_px, 0.0
    wide, high = max(right - left, 0.05 * unit_px), max(bottom - top, 0.05 * unit_px)

    edge = min(0.5 * softness, 0.2 * height, 0.2 * width)
    room_x, room_y = width - 2.0 * edge, height - 2.0 * edge
    is_loose = tight and happens(seed, image, table, streams.LOOSE)
    margin_left, margin_right = line_value_2(seed, image, table, streams.LOOSE_MARGIN if is_loose else streams.MARGIN)
    margin_left, margin_right = margin_left * height, margin_right * height
    margins = margin_left + margin_right
    if margins > 0.5 * room_x:  # leave at least half of the page for the writing
        margin_left, margin_right = margin_left * 0.5 * room_x / margins, margin_right * 0.5 * room_x / margins
    room_x -= margin_left + margin_right

    squeeze = line_value(seed, image, table, streams.SQUEEZE)
    if tight:
        # Do not enlarge a line of flat marks to the page's height.
        tall = line_value(seed, image, table, streams.LOOSE_HEIGHT if is_loose else streams.HEIGHT)
        scale_y = tall * room_y / max(high, 0.8 * unit_px)
        scale_x = scale_y * squeeze
        if not grows and happens(seed, image, table, streams.FILL):
            widest = min(scale_x * _MOST_FILLING, max(scale_y * _MOST_FILLING, scale_x))
            scale_x = min(max(room_x / wide, scale_x * _LEAST_FILLING), widest)
        scale_x = min(scale_x, room_x / wide)
        scale_y = min(scale_y, scale_x / _NARROWEST)
    else:
        scale_y = line_value(seed, image, table, streams.SIZE) * enlargement
        scale_x = scale_y * squeeze
        if high * scale_y > room_y:
            scale_x *= room_y / (high * scale_y)
            scale_y = room_y / high
        if wide * scale_x > room_x:
            if not stretch:
                scale_y *= room_x / (wide * scale_x)
            scale_x = room_x / wide
    free_x, free_y = room_x - wide * scale_x, room_y - high * scale_y
    if grows:
        spare = min(max(np.floor(free_x), 0.0), width - 1.0)
        free_x -= spare
        width -= np.int64(spare)
    position = line_value(seed, image, table, streams.POSITION)
    vertical = line_value(seed, image, table, streams.VERTICAL_POSITION)
    origin_x = edge + margin_left + position * free_x - scale_x * left
    origin_y = edge + vertical * free_y - scale_y * top
    line = (scale_x * a, scale_x * b, scale_y * c, scale_y * d, origin_x, origin_y)
    box = (
        origin_x + scale_x * left, origin_y + scale_y * top, origin_x + scale_x * right, origin_y + scale_y * bottom
    )  # fmt: skip
    return line, box if has_ink else (0.0, 0.0, 0.0, 0.0), width
