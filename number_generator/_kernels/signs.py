"""Skeletons of signs: currencies, percent and others. As hands differ, each has several, and every drawing is new."""

from typing import Any

import numpy as np

from number_generator._kernels import strokes
from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.draws import unit

_FIRST, _LAST = strokes.COLON, strokes.APOSTROPHE

# A skeleton is a tuple of strokes, and a stroke of points (x, y) in digit heights: y points down from the baseline. Two
# points make a straight stroke, more a curve through them.
_S = (
    (0.47, -0.77), (0.33, -0.88), (0.14, -0.84), (0.06, -0.66), (0.24, -0.49),
    (0.45, -0.35), (0.46, -0.14), (0.27, -0.02), (0.03, -0.12),
)  # fmt: skip
_ANGULAR_S = ((0.48, -0.84), (0.14, -0.83), (0.10, -0.53), (0.38, -0.48), (0.45, -0.2), (0.26, -0.02), (0.02, -0.08))
_C = (
    (0.58, -0.8), (0.44, -0.94), (0.26, -0.84), (0.14, -0.58), (0.14, -0.36), (0.25, -0.1), (0.42, -0.01), (0.58, -0.12)
)  # fmt: skip
_WIDE_C = ((0.62, -0.74), (0.46, -0.84), (0.26, -0.74), (0.16, -0.47), (0.26, -0.14), (0.44, -0.03), (0.62, -0.14))
_EPSILON = (
    (0.5, -0.84), (0.32, -0.93), (0.14, -0.78), (0.22, -0.57), (0.12, -0.36), (0.14, -0.1), (0.34, -0.01), (0.52, -0.12)
)  # fmt: skip
_POUND = ((0.54, -0.72), (0.45, -0.92), (0.28, -0.88), (0.22, -0.66), (0.25, -0.36), (0.2, -0.12), (0.04, -0.01))
_POUND_FOOT = (*_POUND[:-1], (0.06, -0.02), (0.08, -0.1), (0.3, -0.02), (0.46, 0.02), (0.58, -0.1))


def _circle(x: float, y: float, wide: float, high: float) -> tuple[tuple[float, float], ...]:
    """Return the points of a loop that begins at its top and runs to the left."""
    ring = ((0.0, -1.0), (-0.7, -0.7), (-1.0, 0.0), (-0.7, 0.7), (0.0, 1.0), (0.7, 0.7), (1.0, 0.0), (0.7, -0.7))
    return tuple((x + wide * across, y + high * down) for across, down in (*ring, ring[0]))


_SKELETONS = {
    strokes.COLON: (
        (((0.03, -0.49), (0.05, -0.47)), ((0.02, -0.07), (0.04, -0.05))),
        (((0.02, -0.56), (0.05, -0.55)), ((0.02, -0.14), (0.05, -0.13))),
        (((0.05, -0.52), (0.04, -0.45)), ((0.03, -0.11), (0.02, -0.04))),
    ),
    strokes.DOLLAR: (
        (_S, ((0.28, -1.04), (0.24, 0.13))),
        (_S, ((0.22, -1.02), (0.19, 0.12)), ((0.36, -1.03), (0.33, 0.11))),
        (_S, ((0.28, -1.04), (0.275, -0.86)), ((0.255, -0.04), (0.25, 0.14))),
        (_ANGULAR_S, ((0.31, -1.02), (0.24, 0.12))),
    ),
    strokes.EURO: (
        (_C, ((0.0, -0.58), (0.46, -0.6)), ((0.0, -0.36), (0.4, -0.38))),
        (_WIDE_C, ((0.02, -0.56), (0.5, -0.57)), ((0.0, -0.34), (0.46, -0.35))),
        (_C, ((0.0, -0.56), (0.48, -0.6), (0.46, -0.58), (0.03, -0.37), (0.06, -0.36), (0.44, -0.38))),
        (_WIDE_C, ((0.0, -0.46), (0.46, -0.48))),
        (_EPSILON, ((0.0, -0.59), (0.4, -0.6)), ((0.0, -0.39), (0.38, -0.4))),
    ),
    strokes.POUND: (
        (_POUND_FOOT, ((0.04, -0.44), (0.44, -0.47))),
        (_POUND, ((0.03, -0.01), (0.56, -0.02)), ((0.05, -0.46), (0.44, -0.48))),
        (_POUND, ((0.03, 0.0), (0.2, -0.05), (0.38, 0.02), (0.56, -0.06)), ((0.03, -0.4), (0.46, -0.43))),
        (_POUND_FOOT, ((0.05, -0.55), (0.44, -0.57)), ((0.04, -0.36), (0.42, -0.38))),
    ),
    strokes.YEN: (
        (
            ((0.02, -0.93), (0.29, -0.5)), ((0.58, -0.94), (0.29, -0.5)), ((0.29, -0.5), (0.28, 0.0)),
            ((0.06, -0.42), (0.52, -0.44)), ((0.06, -0.2), (0.52, -0.22)),
        ),
        (
            ((0.02, -0.92), (0.31, -0.46)), ((0.6, -0.95), (0.31, -0.46), (0.2, 0.02)),
            ((0.06, -0.42), (0.52, -0.45)), ((0.03, -0.21), (0.48, -0.23)),
        ),
        (
            ((0.02, -0.9), (0.1, -0.66), (0.3, -0.52)), ((0.6, -0.93), (0.5, -0.66), (0.3, -0.5)),
            ((0.3, -0.51), (0.29, 0.0)), ((0.08, -0.3), (0.52, -0.32)),
        ),
    ),
    strokes.PERCENT: (
        (_circle(0.16, -0.76, 0.16, 0.18), ((0.68, -0.98), (0.1, 0.04)), _circle(0.62, -0.18, 0.16, 0.18)),
        (_circle(0.15, -0.72, 0.14, 0.16), ((0.6, -0.9), (0.16, 0.02)), _circle(0.6, -0.16, 0.15, 0.16)),
        # The upper loop leads into the slash, as hands write it in one go.
        (
            (*_circle(0.17, -0.74, 0.16, 0.17), (0.36, -0.86), (0.7, -0.96)), ((0.7, -0.96), (0.12, 0.04)),
            _circle(0.63, -0.18, 0.16, 0.17),
        ),
    ),
    strokes.HASH: (
        (
            ((0.26, -0.94), (0.14, 0.02)), ((0.54, -0.94), (0.42, 0.02)),
            ((0.02, -0.64), (0.68, -0.66)), ((0.0, -0.28), (0.65, -0.3)),
        ),
        (
            ((0.2, -0.92), (0.18, 0.0)), ((0.48, -0.92), (0.46, 0.02)),
            ((0.0, -0.6), (0.66, -0.68)), ((0.0, -0.24), (0.66, -0.32)),
        ),
        (
            ((0.3, -0.82), (0.14, -0.04)), ((0.56, -0.8), (0.4, -0.02)),
            ((0.04, -0.58), (0.68, -0.58)), ((0.0, -0.28), (0.64, -0.28)),
        ),
    ),
    strokes.STAR: (
        (((0.25, -0.94), (0.25, -0.42)), ((0.04, -0.8), (0.46, -0.55)), ((0.46, -0.82), (0.04, -0.54))),
        (((0.26, -0.74), (0.24, -0.2)), ((0.03, -0.6), (0.47, -0.34)), ((0.46, -0.62), (0.03, -0.33))),
        (((0.05, -0.86), (0.42, -0.46)), ((0.44, -0.86), (0.06, -0.46)), ((0.0, -0.66), (0.5, -0.67))),
        (
            ((0.26, -0.98), (0.26, -0.7)), ((0.0, -0.76), (0.26, -0.7)), ((0.52, -0.76), (0.26, -0.7)),
            ((0.1, -0.46), (0.26, -0.7)), ((0.43, -0.46), (0.26, -0.7)),
        ),
    ),
    strokes.EQUALS: (
        (((0.0, -0.56), (0.48, -0.57)), ((0.01, -0.3), (0.48, -0.31))),
        (((0.0, -0.52), (0.26, -0.55), (0.54, -0.54)), ((0.0, -0.27), (0.28, -0.28), (0.53, -0.3))),
        (((0.0, -0.5), (0.42, -0.53)), ((0.02, -0.28), (0.44, -0.31))),
    ),
    strokes.APOSTROPHE: (
        (((0.06, -1.02), (0.03, -0.78)),),
        (((0.12, -1.02), (0.02, -0.8)),),
        (((0.07, -1.0), (0.09, -0.9), (0.0, -0.78)),),
    ),
}  # fmt: skip

_PEN_SHARES = {
    strokes.COLON: 1.15,
    strokes.DOLLAR: 0.85,
    strokes.EURO: 0.85,
    strokes.POUND: 0.88,
    strokes.YEN: 0.85,
    strokes.PERCENT: 0.75,
    strokes.HASH: 0.8,
    strokes.STAR: 0.8,
    strokes.DOT: 1.15,
}
PEN_SHARES = np.array([_PEN_SHARES.get(code, 0.95) for code in range(strokes.WAVE + 1)])
"""By code: the width of a mark's strokes, in those of the digits. Signs of many strokes would close up with more."""

# The same as arrays: x, y and whether the pen is lifted before, of all points; where each skeleton begins among them,
# and where each sign begins among the skeletons.
_DRAWN = [skeleton for code in range(_FIRST, _LAST + 1) for skeleton in _SKELETONS[code]]
_POINTS = np.array(
    [(x, y, float(k == 0)) for skeleton in _DRAWN for stroke in skeleton for k, (x, y) in enumerate(stroke)]
)
_SKELETON_START = np.cumsum([0, *(sum(map(len, skeleton)) for skeleton in _DRAWN)])
_SIGN_START = np.cumsum([0, *(len(_SKELETONS[code]) for code in range(_FIRST, _LAST + 1))])

_STEPS = 3  # strokes from one point of a curve to the next
_WIDTH, _HEIGHT, _LEAN, _LIFT = 0.3, 0.16, 0.24, 0.1  # how much drawings differ: all of one, from the least to the most
_STROKE, _POINT = 0.06, 0.036  # and where its strokes are, and their points


@kernel
def _vary(words: Any, number: int) -> float:
    """Return a number from -0.5 to 0.5, another one for each `number`: four words are too few."""
    mixed = (words[1] ^ words[2]) + np.uint64(number + 1) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return unit(mixed ^ (mixed >> np.uint64(31))) - 0.5


@kernel
def _place_point(row: int, stroke: int, words: Any) -> tuple[float, float]:
    """Return where a drawing has a point of its skeleton."""
    x = _POINTS[row, 0] + _STROKE * _vary(words, 4 + 2 * stroke) + _POINT * _vary(words, 100 + 2 * row)
    y = _POINTS[row, 1] + _STROKE * _vary(words, 5 + 2 * stroke) + _POINT * _vary(words, 101 + 2 * row)
    y *= 1.0 + _HEIGHT * _vary(words, 1)
    return (1.0 + _WIDTH * _vary(words, 0)) * x - _LEAN * _vary(words, 2) * y, y + _LIFT * _vary(words, 3)


@kernel
def _bend(before: float, start: float, end: float, after: float, t: float) -> float:
    """Return a coordinate of the curve from `start` to `end`: a Catmull-Rom spline."""
    first, second = end - before, 2.0 * before - 5.0 * start + 4.0 * end - after
    return start + 0.5 * t * (first + t * (second + t * (3.0 * (start - end) + after - before)))


@kernel
def _write_sign(code: int, words: Any, points: Any) -> int:
    sign = code - _FIRST
    lowest = _SIGN_START[sign]
    skeleton = lowest + np.int64(unit(words[0]) * (_SIGN_START[sign + 1] - lowest))
    n, stroke = np.int64(0), np.int64(-1)
    stop = _SKELETON_START[skeleton + 1]
    for row in range(_SKELETON_START[skeleton], stop):
        begins = _POINTS[row, 2] != 0.0
        stroke += begins
        x, y = _place_point(row, stroke, words)
        if begins:
            n = strokes.add_point(points, n, x, y, True)
            continue
        start_x, start_y = _place_point(row - 1, stroke, words)
        is_first = _POINTS[row - 1, 2] != 0.0
        is_last = row + 1 == stop or _POINTS[row + 1, 2] != 0.0
        if not (is_first and is_last):
            before_x, before_y = _place_point(row - (1 if is_first else 2), stroke, words)
            after_x, after_y = _place_point(row + (0 if is_last else 1), stroke, words)
            for step in range(1, _STEPS):
                t = step / _STEPS
                at_x, at_y = _bend(before_x, start_x, x, after_x, t), _bend(before_y, start_y, y, after_y, t)
                n = strokes.add_point(points, n, at_x, at_y, False)
        n = strokes.add_point(points, n, x, y, False)
    return n


@entry_kernel
def write_points(code: int, words: Any, points: Any) -> int:
    """Write the polyline of a sign, separator or mark, and return its number of points: see `write_mark_points`."""
    if _FIRST <= code <= _LAST:
        return _write_sign(code, words, points)
    return strokes.write_mark_points(code, words, points)
