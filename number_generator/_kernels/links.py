"""Links: strokes from one digit to the next, where a hand does not lift the pen."""

from typing import Any

import numpy as np

from number_generator._kernels import fields, line_items, streams, strokes
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import block, happens, unit

_ZEROS, _OTHERS = 0.92, 0.35  # share of the links that are drawn in a linked line, between zeros and elsewhere
_LONGEST = 1.5  # digit heights: a wider gap is crossed with the pen lifted; from top to top it is a digit and a gap
_STEEPEST = 0.45  # digit heights: a steeper link looks like a stem
_STEPS = 6


@kernel
def link_digits(seed: int, image: int, table: Any, glyphs: Any, scratch: Any, count: int) -> None:
    """Add links to the strokes of digits that have their places; each belongs to the digit that it leaves.

    A link is a cubic Bezier curve that leaves along the stroke it continues, sags or rises, and arrives level.
    """
    if not happens(seed, image, table, streams.LINKS):
        return
    facts, unit_px = glyphs[3], glyphs[4]
    items, points = scratch[0], scratch[1]
    for k in range(count - 1):
        item, after = items[k], items[k + 1]
        glyph, next_glyph = np.int64(item[line_items.GLYPH]), np.int64(after[line_items.GLYPH])
        if glyph < 0 or next_glyph < 0 or item[line_items.CUT] != 0.0:
            continue
        fact, next_fact = facts[glyph], facts[next_glyph]
        if fact[fields.CAN_LEAVE] == 0.0 or next_fact[fields.CAN_ARRIVE] == 0.0:
            continue
        code, next_code = np.int64(item[line_items.CODE]), np.int64(after[line_items.CODE])
        words = block(seed, image, streams.LINKS, line_items.DETAIL + np.int64(item[line_items.SLOT]))
        if unit(words[0]) >= (_ZEROS if code == 0 and next_code == 0 else _OTHERS):
            continue
        from_x = fact[fields.LEAVE_X] - item[line_items.REF_X]
        from_y = fact[fields.LEAVE_Y] - item[line_items.REF_Y]
        to_x = next_fact[fields.ARRIVE_X] - after[line_items.REF_X]
        to_y = next_fact[fields.ARRIVE_Y] - after[line_items.REF_Y]
        # From the next item's own place to this one's, and back through its transformation
        a, b, c, d = item[line_items.A], item[line_items.B], item[line_items.C], item[line_items.D]
        x = after[line_items.A] * to_x + after[line_items.B] * to_y + after[line_items.X] - item[line_items.X]
        y = after[line_items.C] * to_x + after[line_items.D] * to_y + after[line_items.Y] - item[line_items.Y]
        across, down = x - (a * from_x + b * from_y), y - (c * from_x + d * from_y)
        determinant = a * d - b * c
        far = np.sqrt(across * across + down * down)
        if abs(determinant) < 1e-9 or far > _LONGEST * unit_px or across < -0.1 * unit_px:
            continue
        if abs(down) > _STEEPEST * unit_px and not (next_code == 0 and code in (2, 4)):
            continue
        to_x, to_y = (d * x - b * y) / determinant, (a * y - c * x) / determinant
        reach = (0.3 + 0.25 * unit(words[1])) * (far + 0.1 * unit_px) / np.sqrt(abs(determinant))
        sag = (0.5 * unit(words[2]) - 0.15) * reach
        first_x, first_y = from_x + reach, from_y + reach * fact[fields.LEAVE_SLOPE] + sag
        last_x, last_y = to_x - reach, to_y + sag
        n = np.int64(item[line_items.POINTS])
        for step in range(_STEPS + 1):
            t = step / _STEPS
            s = 1.0 - t
            p, q, r, w = s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t
            at_x = p * from_x + q * first_x + r * last_x + w * to_x
            at_y = p * from_y + q * first_y + r * last_y + w * to_y
            n = strokes.add_point(points[k], n, at_x, at_y, step == 0)
        item[line_items.POINTS] = n
