"""Strokes of a pen: separators, marks, and additions to digits. They are polylines of round strokes, not a typeface."""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import F0, F1, HALF
from number_generator._kernels.draws import unit

# Codes of separators and signs, their indices in `numbers.ALPHABET`, and two more for unlabelled marks
DASH, DOT, COMMA, SLASH, OPEN, CLOSE, PLUS, SPACE = map(np.int64, range(10, 18))
COLON, DOLLAR, EURO, POUND, YEN, PERCENT, HASH, STAR, EQUALS, APOSTROPHE = map(np.int64, range(18, 28))
DOUBLE_DASH, WAVE = map(np.int64, range(28, 30))
MOST_POINTS = 60

_FULL = np.float32(255)


@kernel
def add_point(points: Any, count: int, x: float, y: float, begins: bool) -> int:
    """Append a point of a polyline; `begins` lifts the pen before it. Return the new number of points."""
    points[count, 0], points[count, 1], points[count, 2] = x, y, 1.0 if begins else 0.0
    return count + 1


@kernel
def write_mark_points(code: int, words: Any, points: Any) -> int:
    """Write the polyline of a separator or mark, and return its number of points.

    Units are digit heights; y points down from the baseline, and x begins near 0. `words` are four random words: no two
    drawings are alike.
    """
    a, b = unit(words[0]) - 0.5, unit(words[1]) - 0.5
    c, d = unit(words[2]) - 0.5, unit(words[3]) - 0.5
    n = 0
    if code in (DASH, DOUBLE_DASH):
        length = 0.42 + 0.24 * a
        y = -0.45 + 0.2 * b
        n = add_point(points, n, 0.0, y + 0.04 * c, True)
        n = add_point(points, n, 0.5 * length, y + 0.05 * d, False)
        n = add_point(points, n, length, y - 0.08 * c, False)
        if code == DOUBLE_DASH:
            below = 0.24 + 0.1 * d
            n = add_point(points, n, 0.1 * c, y + below, True)
            n = add_point(points, n, length * (1.0 + 0.3 * d), y + below - 0.08 * a, False)
    elif code == DOT:
        n = add_point(points, n, 0.0, -0.05 + 0.06 * a, True)
        n = add_point(points, n, 0.04 * b, -0.03 + 0.06 * a + 0.03 * c, False)
    elif code == COMMA:
        n = add_point(points, n, 0.08 + 0.04 * a, -0.07 + 0.05 * b, True)
        n = add_point(points, n, 0.07 + 0.04 * a, 0.03 + 0.05 * b, False)
        n = add_point(points, n, 0.0, 0.17 + 0.1 * c, False)
    elif code == SLASH:
        n = add_point(points, n, 0.42 + 0.16 * a, -1.02 + 0.12 * b, True)
        n = add_point(points, n, 0.22 + 0.08 * a + 0.04 * d, -0.45, False)
        n = add_point(points, n, 0.0, 0.1 + 0.12 * c, False)
    elif code in (OPEN, CLOSE):
        depth = 0.24 + 0.1 * a
        top, bottom = -1.06 + 0.12 * b, 0.14 + 0.12 * c
        for k in range(7):
            t = k / 6.0
            bend = 4.0 * t * (1.0 - t)
            x = depth * (1.0 - bend) if code == OPEN else depth * bend
            n = add_point(points, n, x + 0.05 * d * t, top + (bottom - top) * t, k == 0)
    elif code == PLUS:
        width = 0.46 + 0.16 * a
        y = -0.43 + 0.12 * b
        n = add_point(points, n, 0.0, y + 0.03 * c, True)
        n = add_point(points, n, width, y - 0.05 * c, False)
        n = add_point(points, n, 0.5 * width + 0.05 * d, y - 0.25, True)
        n = add_point(points, n, 0.5 * width - 0.03 * d, y + 0.25, False)
    elif code == WAVE:
        length = 0.8 + 0.4 * a
        high = 0.09 + 0.08 * b
        for k in range(9):  # up and down, twice
            swing = (k & 1) * (1.0 if (k & 2) == 0 else -1.0)
            n = add_point(points, n, length * k / 8.0, -0.42 + 0.2 * c - high * swing, k == 0)
    return n


@kernel
def mark_width(code: int, words: Any) -> float:
    """Return the width of a separator that has no ink, in digit heights."""
    return 0.35 + 0.35 * unit(words[0]) if code == SPACE else 0.0


@kernel
def draw_stroke(
    x0: float, y0: float, x1: float, y1: float, radius: float, softness: float, shape: Any, cover: Any
) -> None:
    """Draw a round stroke from one point of the page to another, joining ink by maximum."""
    height, width = shape
    reach = radius + 0.5 * softness
    left = max(0, np.int64(np.floor(min(x0, x1) - reach)))
    right = min(width, np.int64(np.ceil(max(x0, x1) + reach)))
    top = max(0, np.int64(np.floor(min(y0, y1) - reach)))
    bottom = min(height, np.int64(np.ceil(max(y0, y1) + reach)))
    dx, dy = np.float32(x1 - x0), np.float32(y1 - y0)
    length = dx * dx + dy * dy
    scale = F1 / length if length > F0 else F0
    slope = np.float32(1.0 / softness)
    inner = np.float32(radius)
    begin = np.float32(left + 0.5 - x0)
    for y in range(top, bottom):
        row = cover[y * width + left : y * width + max(left, right)]
        py = np.float32(y + 0.5 - y0)
        for x in range(row.size):
            px = begin + np.float32(x)
            along = min(max((px * dx + py * dy) * scale, F0), F1)
            ex = px - along * dx
            ey = py - along * dy
            ink = HALF + (inner - np.sqrt(ex * ex + ey * ey)) * slope
            row[x] = max(row[x], np.uint8(min(max(ink, F0), F1) * _FULL + HALF))


@kernel
def erase_dot(x: float, y: float, radius: float, softness: float, shape: Any, cover: Any) -> None:
    """Erase the ink in a disc of the page."""
    height, width = shape
    reach = radius + 0.5 * softness
    for py in range(max(0, np.int64(np.floor(y - reach))), min(height, np.int64(np.ceil(y + reach)))):
        for px in range(max(0, np.int64(np.floor(x - reach))), min(width, np.int64(np.ceil(x + reach)))):
            dx, dy = px + 0.5 - x, py + 0.5 - y
            kept = (np.sqrt(dx * dx + dy * dy) - radius) / softness + 0.5
            at = py * width + px
            cover[at] = np.uint8(cover[at] * min(max(kept, 0.0), 1.0))
