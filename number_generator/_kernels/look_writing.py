"""Measures of what is written on a page: ink, strokes, place, slant, and its course along the line."""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.look_columns import (
    BEND,
    BINS,
    BOTTOM,
    CONTRAST,
    CROSSINGS,
    EDGE,
    FEWEST_INK,
    GAP,
    GRAIN,
    HEIGHT,
    INK_DRIFT,
    LEFT,
    PITCH,
    RIGHT,
    ROTATION,
    SHARPNESS,
    SLANT,
    STROKE,
    TOP,
    TOUCHING,
    UNEVENNESS,
)
from number_generator._kernels.look_ground import find_quantile

_SHEARS, _SHEAR_STEP = 31, 0.07  # from -1.05 to 1.05
_WINDOWS = 12  # of a line, at most, in which its height is measured
_THIRDS = 4  # parts of a line whose ink is compared


@kernel
def measure_ink(
    residual: Any, ink: Any, near: Any, contrast: float, width: int, height: int, bins: Any, lines: Any, out: Any
) -> float:
    """Measure the ink's contrast, its change along the line, and its grain; return the contrast in levels."""
    whole, _ = _find_darkness(residual, ink, 0, width, width, height, bins)
    if whole > 0.0:
        contrast = whole
    out[CONTRAST] = min(contrast / 255.0, 1.0)
    left, right = width, 0
    for k in range(width * height):
        if ink[k]:
            left, right = min(left, k % width), max(right, k % width + 1)
    low, high = 1e9, 0.0
    for part in range(_THIRDS):
        first, after = left + part * (right - left) // _THIRDS, left + (part + 1) * (right - left) // _THIRDS
        level, count = _find_darkness(residual, ink, first, after, width, height, bins)
        if count >= FEWEST_INK:
            low, high = min(low, level), max(high, level)
    out[INK_DRIFT] = max(high - low, 0.0) / contrast if high > 0.0 else 0.0
    total, count = 0.0, 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            k = y * width + x
            if ink[k] and ink[k - 1] and ink[k + 1] and ink[k - width] and ink[k + width]:
                mean = 0.25 * (residual[k - 1] + residual[k + 1] + residual[k - width] + residual[k + width])
                total += abs(residual[k] - mean)
                count += 1
    out[GRAIN] = total / count / contrast if count else 0.0
    return contrast


@kernel
def _find_darkness(
    residual: Any, ink: Any, first: int, after: int, width: int, height: int, bins: Any
) -> tuple[float, int]:
    """Return how dark the ink in some columns is, in levels, and how many px of ink there are."""
    bins[:] = 0
    count = 0
    for y in range(height):
        for x in range(first, after):
            if ink[y * width + x]:
                bins[min(max(np.int64(4.0 * residual[y * width + x]), 0), BINS - 1)] += 1
                count += 1
    return (0.25 * find_quantile(bins, count, 0.8) if count else 0.0), count


@kernel
def measure_place(cover: Any, ink: Any, width: int, height: int, lines: Any, out: Any) -> bool:
    """Measure where the ink begins and ends, but for a hundredth of it on each side; tell whether it has a size."""
    columns, rows = lines[0], lines[1]
    columns[:width] = 0.0
    rows[:height] = 0.0
    total = 0.0
    for y in range(height):
        for x in range(width):
            amount = cover[y * width + x] if ink[y * width + x] else 0.0
            columns[x] += amount
            rows[y] += amount
            total += amount
    left, right = _find_ends(columns, width, total)
    top, foot = _find_ends(rows, height, total)
    if foot - top < 2.0 or right - left < 1.0:
        return False
    out[HEIGHT], out[TOP], out[BOTTOM] = (foot - top) / height, top / height, (height - foot) / height
    out[LEFT], out[RIGHT] = left / height, (width - right) / height
    return True


@kernel
def _find_ends(amounts: Any, count: int, total: float) -> tuple[float, float]:
    """Return between which places all but a hundredth of the ink on each side lies."""
    part, seen = 0.01 * total, 0.0
    first = 0.0
    for k in range(count):
        if seen + amounts[k] > part:
            first = k + (part - seen) / amounts[k]
            break
        seen += amounts[k]
    after, seen = np.float64(count), 0.0
    for k in range(count - 1, -1, -1):
        if seen + amounts[k] > part:
            after = k + 1.0 - (part - seen) / amounts[k]
            break
        seen += amounts[k]
    return first, after


@kernel
def measure_strokes(cover: Any, ink: Any, near: Any, width: int, height: int, bins: Any, out: Any) -> None:
    """Measure how wide strokes are against the ink's height, and how soft and steep their edges are."""
    bins[:] = 0
    area, outline, soft, count = 0.0, 0.0, 0, 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            k = y * width + x
            if not near[k]:
                continue
            across, down = 0.5 * (cover[k + 1] - cover[k - 1]), 0.5 * (cover[k + width] - cover[k - width])
            slope = np.sqrt(across * across + down * down)
            outline += slope
            area += cover[k]
            soft += 0.2 < cover[k] < 0.8
            bins[min(np.int64(1000.0 * slope), BINS - 1)] += 1
            count += 1
    outline = max(outline, 1.0)
    out[STROKE] = 2.0 * area / outline / height / out[HEIGHT]
    out[EDGE] = soft / outline
    out[SHARPNESS] = 0.001 * find_quantile(bins, count, 0.95)


@kernel
def measure_writing(ink: Any, width: int, height: int, lines: Any, places: Any, out: Any) -> None:
    """Measure slant, runs along the line, and how its middle goes."""
    tall = out[HEIGHT] * height
    slant = _find_slant(ink, width, height, lines[0], places)
    out[SLANT] = slant
    columns = lines[0]
    pieces, blank, first, after = _count_pieces(ink, slant, width, height, columns)
    out[GAP] = blank / max(pieces - 1, 1) / tall
    top, foot = np.int64(out[TOP] * height), np.int64(np.ceil((1.0 - out[BOTTOM]) * height))
    crossings, rows = 0, 0
    for y in range(top + (foot - top) // 5, foot - (foot - top) // 5):
        for x in range(width):
            crossings += ink[y * width + x] and (x == 0 or not ink[y * width + x - 1])
        rows += 1
    out[CROSSINGS] = crossings / max(rows, 1)
    strokes = max(out[CROSSINGS], 0.5)
    out[PITCH] = (after - first) / tall / strokes
    out[TOUCHING] = pieces / strokes
    _measure_course(ink, slant, first, after, tall, width, height, lines, out)


@kernel
def _find_slant(ink: Any, width: int, height: int, columns: Any, places: Any) -> float:
    """Return the shear, in px to the right per px upwards, along which ink is densest."""
    count = 0
    for k in range(width * height):
        if ink[k]:
            places[count] = k
            count += 1
    best, at, before, after, last = -1.0, 0, 0.0, 0.0, 0.0
    for number in range(_SHEARS):
        shear = (number - _SHEARS // 2) * _SHEAR_STEP
        columns[: width + 2 * height] = 0.0
        for k in range(count):
            y = places[k] // width
            shift = places[k] - y * width + shear * (y - 0.5 * height) + height
            place = np.int64(shift)
            columns[place] += 1.0 - (shift - place)
            columns[place + 1] += shift - place
        score = 0.0
        for k in range(1, width + 2 * height - 1):
            # Three together, as ink that falls between two columns would count less
            three = columns[k - 1] + columns[k] + columns[k + 1]
            score += three * three
        if number == at + 1:
            after = score
        if score > best:
            best, at, before, after = score, number, last, score
        last = score
    curve = before - 2.0 * best + after
    part = 0.5 * (before - after) / curve if curve < 0.0 and 0 < at < _SHEARS - 1 else 0.0
    return (at + min(max(part, -0.5), 0.5) - _SHEARS // 2) * _SHEAR_STEP


@kernel
def _count_pieces(ink: Any, slant: float, width: int, height: int, columns: Any) -> tuple[int, float, float, float]:
    """Return into how many pieces the upright line falls, the blank between them, and where it begins and ends."""
    columns[: width + 2 * height] = 0.0
    for y in range(height):
        shift = np.int64(slant * (y - 0.5 * height) + height + 0.5)
        for x in range(width):
            if ink[y * width + x]:
                columns[x + shift] += 1.0
    pieces, blank, waiting = 0, 0.0, 0.0
    first, after = -1.0, 0.0
    is_inked = False
    for k in range(width + 2 * height):
        if columns[k] > 1.0:
            if first < 0.0:
                first = np.float64(k)
            if not is_inked:
                pieces += 1
                blank += waiting
            is_inked, waiting, after = True, 0.0, k + 1.0
        else:
            is_inked = False
            if first >= 0.0:
                waiting += 1.0
    return max(pieces, 1), blank, max(first, 0.0), max(after, 1.0)


@kernel
def _measure_course(
    ink: Any, slant: float, first: float, after: float, tall: float, width: int, height: int, lines: Any, out: Any
) -> None:
    """Fit a parabola to the middle of the ink in windows along the line: its slope, its bend, and what is left."""
    windows = min(max(np.int64((after - first) / (0.6 * tall)), 1), _WINDOWS)
    total, moment, tops, feet = lines[0], lines[1], lines[2], lines[3]
    total[:windows] = 0.0
    tops[:windows] = height
    feet[:windows] = 0.0
    for y in range(height):
        shift = slant * (y - 0.5 * height) + height
        for x in range(width):
            if ink[y * width + x]:
                w = min(max(np.int64((x + shift - first) / (after - first) * windows), 0), windows - 1)
                total[w] += 1.0
                tops[w] = min(tops[w], y)
                feet[w] = max(feet[w], y + 1.0)
    for w in range(windows):
        moment[w] = 0.5 * (tops[w] + feet[w])
    # Least squares in 1, u and u * u - 1 / 3, for u from -1 to 1
    a00 = a01 = a02 = a11 = a12 = a22 = b0 = b1 = b2 = 0.0
    used = 0
    for w in range(windows):
        if total[w] < 4.0:
            continue
        u = (2.0 * w + 1.0) / windows - 1.0
        q = u * u - 1.0 / 3.0
        a00 += 1.0
        a01 += u
        a02 += q
        a11 += u * u
        a12 += u * q
        a22 += q * q
        b0 += moment[w]
        b1 += moment[w] * u
        b2 += moment[w] * q
        used += 1
    out[ROTATION] = out[BEND] = out[UNEVENNESS] = 0.0
    if used < 4:
        return
    a11 += 0.05 * used
    a22 += 0.02 * used
    det = a00 * (a11 * a22 - a12 * a12) - a01 * (a01 * a22 - a12 * a02) + a02 * (a01 * a12 - a11 * a02)
    c0 = (b0 * (a11 * a22 - a12 * a12) - a01 * (b1 * a22 - a12 * b2) + a02 * (b1 * a12 - a11 * b2)) / det
    c1 = (a00 * (b1 * a22 - b2 * a12) - b0 * (a01 * a22 - a12 * a02) + a02 * (a01 * b2 - b1 * a02)) / det
    c2 = (a00 * (a11 * b2 - a12 * b1) - a01 * (a01 * b2 - b1 * a02) + b0 * (a01 * a12 - a11 * a02)) / det
    rest = 0.0
    for w in range(windows):
        if total[w] >= 4.0:
            u = (2.0 * w + 1.0) / windows - 1.0
            away = moment[w] - c0 - c1 * u - c2 * (u * u - 1.0 / 3.0)
            rest += away * away
    out[ROTATION] = -2.0 * c1 / (after - first) * 57.29577951308232
    out[BEND] = c2 / tall
    out[UNEVENNESS] = np.sqrt(rest / used) / tall
