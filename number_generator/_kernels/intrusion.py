"""Ink of neighbouring rows and cells that reaches in at the borders of a page, as where forms are cut loosely."""

from typing import Any

import numpy as np

from number_generator._kernels import line_items, rng, streams
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import block, happens, line_value, unit

MOST = 8
"""Digits that a line's neighbours show at most: three above, three below, and one on either side."""

_ROW = 3
_SLOT = np.int64(-20_000)  # beyond those of all marks
_BESIDE = 0.5  # of the reach: a digit that is cut at the side is soon read as a part of the line


@kernel
def add_neighbours(
    seed: int, image: int, table: Any, glyphs: Any, scratch: Any, count: int, line: Any, shape: Any
) -> int:
    """Append parts of the line's own digits, so placed that they reach over the borders; return the number of items.

    They are in no label, box or mask.
    """
    if count == 0 or not happens(seed, image, table, streams.INTRUSION):
        return count
    facts = glyphs[3]
    items, points = scratch[0], scratch[1]
    height, width = shape
    la, lb, lc, ld, origin_x, origin_y = line
    reach = line_value(seed, image, table, streams.INTRUSION_REACH) * height
    determinant = la * ld - lb * lc
    if abs(determinant) < 1e-12:
        return count
    sides = block(seed, image, streams.INTRUSION, line_items.DETAIL)
    which = rng.draw_below(sides[0], 5)  # above, below, both, left, right
    drawn = count
    for k in range(MOST):
        words = block(seed, image, streams.INTRUSION, line_items.DETAIL + 1 + k)
        is_above, is_below = k < _ROW, _ROW <= k < 2 * _ROW
        if (is_above and which not in (0, 2)) or (is_below and which not in (1, 2)):
            continue
        if (k == 2 * _ROW and which != 3) or (k == 2 * _ROW + 1 and which != 4):
            continue
        source = items[rng.draw_below(words[0], count)]
        if source[line_items.GLYPH] < 0.0:
            continue
        item = items[drawn]
        for column in range(line_items.COLUMNS):
            item[column] = source[column]
        item[line_items.SLOT] = _SLOT - k
        item[line_items.POINTS], item[line_items.CUT] = 0.0, 0.0
        fact = facts[np.int64(item[line_items.GLYPH])]
        left, right = line_items.extent(item, fact, points[drawn], la, lb)
        top, bottom = line_items.extent(item, fact, points[drawn], lc, ld)
        depth = reach * (0.4 + 0.6 * unit(words[1]))
        if k < 2 * _ROW:
            x = width * (k % _ROW + unit(words[2])) / _ROW
            y = depth - bottom if is_above else height - depth - top
        else:
            depth *= _BESIDE
            x = depth - right if k == 2 * _ROW else width - depth - left
            y = height * (0.2 + 0.2 * unit(words[2]) + (0.5 if unit(words[3]) < 0.5 else 0.0)) - 0.5 * (top + bottom)
        x, y = x - origin_x, y - origin_y
        item[line_items.X] = (ld * x - lb * y) / determinant
        item[line_items.Y] = (la * y - lc * x) / determinant
        drawn += 1
    return drawn
