"""Measures of a page's paper: gradient, noise, texture, rules, boxes, and what a scan leaves on it."""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.look_columns import BINS, EVEN, GRADIENT, NOISE, PAPER, SIGMAS_A_MAD, SPECKS, TEXTURE
from number_generator._kernels.look_ground import find_quantile

_RUN = 1.2  # heights of the page: a longer horizontal run is a rule
_RULED = 0.28  # of the ink's contrast: a row as dark, on average, is a rule


@kernel
def find_rules(residual: Any, contrast: float, width: int, height: int, rows: Any) -> float:
    """Write how dark each row is beside those three px away, on average and against the ink; return the most."""
    best = 0.0
    for y in range(height):
        total = 0.0
        for x in range(width):
            above, below = residual[max(0, y - 3) * width + x], residual[min(height - 1, y + 3) * width + x]
            total += min(max(residual[y * width + x] - max(above, below, 0.0), 0.0), contrast)
        rows[y] = total / (width * contrast)
        best = max(best, rows[y])
    return best


@kernel
def find_box(residual: Any, contrast: float, width: int, height: int) -> float:
    """Return how dark the darkest thin column of the page is on average, against the ink."""
    best = 0.0
    for x in range(width):
        total = 0.0
        for y in range(height):
            left, right = residual[y * width + max(0, x - 3)], residual[y * width + min(width - 1, x + 3)]
            total += min(max(residual[y * width + x] - max(left, right, 0.0), 0.0), contrast)
        best = max(best, total)
    return best / (height * contrast)


@kernel
def drop_rules(ink: Any, rows: Any, width: int, height: int, spare: Any) -> None:
    """Take rules out of the ink, dark rows and long thin runs, but for strokes that cross them."""
    for at in range(width * height):
        spare[at] = ink[at]
    longest = np.int64(_RUN * height)
    for y in range(height):
        dark = 0.0
        for v in range(max(0, y - 2), min(height, y + 3)):
            dark = max(dark, rows[v])
        first = 0
        for x in range(width + 1):
            if x < width and spare[y * width + x]:
                continue
            if dark > _RULED or x - first > longest:
                _drop_run(spare, y, first, x, width, height, ink)
            first = x + 1


@kernel
def _drop_run(spare: Any, y: int, first: int, after: int, width: int, height: int, ink: Any) -> None:
    """Take a run out of the ink, but for what has ink four px above or below."""
    for x in range(first, after):
        above = y >= 4 and spare[max(0, y - 4) * width + x]
        below = y + 4 < height and spare[min(height - 1, y + 4) * width + x]
        if not (above or below):
            ink[y * width + x] = 0


@kernel
def measure_paper(
    pages: Any, start: int, ground: Any, near: Any, contrast: float, width: int, height: int, bins: Any, out: Any
) -> None:
    """Measure the paper where no ink is near."""
    size = width * height
    bins[:] = 0
    low, high = 1e9, -1e9
    for y in range(2):
        for x in range(4):
            total, count = 0.0, 0
            for v in range(y * height // 2, (y + 1) * height // 2):
                for u in range(x * width // 4, (x + 1) * width // 4):
                    total += ground[v * width + u]
                    count += 1
            if count:
                low, high = min(low, total / count), max(high, total / count)
    for k in range(size):
        bins[min(max(np.int64(4.0 * ground[k]), 0), BINS - 1)] += 1
    out[PAPER] = min(find_quantile(bins, size, 0.5) / (4.0 * 255.0), 1.0)
    out[GRADIENT] = max(high - low, 0.0) / 255.0
    out[NOISE], out[EVEN], out[SPECKS] = _measure_noise(pages, start, near, contrast, width, height, bins)
    for k in range(3):
        out[TEXTURE + k] = _measure_lag(pages, start, ground, near, 2 << k, width, height) / contrast


@kernel
def _measure_noise(
    pages: Any, start: int, near: Any, contrast: float, width: int, height: int, bins: Any
) -> tuple[float, float, float]:
    """Return the noise against the contrast, the share of even paper, and the share of specks."""
    bins[:] = 0
    count, even = 0, 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            k = y * width + x
            if near[k]:
                continue
            at = start + k
            around = np.int64(pages[at - 1]) + pages[at + 1] + pages[at - width] + pages[at + width]
            away = abs(4 * np.int64(pages[at]) - around)
            bins[min(away, BINS - 1)] += 1
            even += away <= 1
            count += 1
    if count < 16:
        return 0.0, 1.0, 0.0
    noise = max(find_quantile(bins, count, 0.5) - 0.5, 0.0)
    limit = np.int64(5.0 * noise + 0.6 * contrast)
    specks = 0
    for k in range(min(limit, BINS), BINS):
        specks += bins[k]
    return SIGMAS_A_MAD * noise / np.sqrt(20.0) / contrast, even / count, specks / count


@kernel
def _measure_lag(pages: Any, start: int, ground: Any, near: Any, lag: int, width: int, height: int) -> float:
    """Return by how many levels the paper differs from itself so many px on, on average, but for its ground."""
    total, count = 0.0, 0
    for y in range(height):
        for x in range(width - lag):
            k = y * width + x
            if not near[k] and not near[k + lag]:
                a, b = pages[start + k] - ground[k], pages[start + k + lag] - ground[k + lag]
                total += min(abs(a - b), 64.0)
                count += 1
    return total / count if count > 16 else 0.0


@kernel
def measure_blocks(pages: Any, start: int, width: int, height: int, steps: Any) -> float:
    """Return how much more neighbouring columns differ at every eighth than elsewhere: 0 without blocks."""
    if width < 32:
        return 0.0
    total = 0.0
    for x in range(1, width):
        change = 0.0
        for y in range(height):
            at = start + y * width + x
            change += min(abs(np.float64(pages[at]) - pages[at - 1]), 24.0)
        steps[x] = change / height
        total += steps[x]
    mean = total / (width - 1)
    best = 0.0
    for phase in range(8):
        more, count = 0.0, 0
        for x in range(2, width - 1):
            if x % 8 == phase:
                more += steps[x] - 0.5 * (steps[x - 1] + steps[x + 1])
                count += 1
        if count:
            best = max(best, more / count)
    return best / (mean + 0.5)
