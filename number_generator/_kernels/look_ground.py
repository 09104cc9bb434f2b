"""Ink told from the paper around it: which pixels of a page are ink, and how bright the paper is beneath them."""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.look_columns import BINS, SIGMAS_A_MAD

_PAPER_SHARE = 0.65  # of the levels around a column that are darker than its paper: ink takes a quarter, say


@kernel
def find_quantile(bins: Any, count: int, share: float) -> float:
    """Return the place in the bins below which a share of what is counted in them lies."""
    needed, total = share * count, 0.0
    for k in range(len(bins)):
        if bins[k] > 0 and total + bins[k] >= needed:
            return k + (needed - total) / bins[k]
        total += bins[k]
    return np.float64(len(bins))


@kernel
def smooth_page(pages: Any, start: int, width: int, height: int, spare: Any, smooth: Any) -> None:
    """Write the page smoothed by 1, 2, 1 in both directions; edge pixels repeat beyond it."""
    for y in range(height):
        for x in range(width):
            at = start + y * width
            left, right = pages[at + max(x - 1, 0)], pages[at + min(x + 1, width - 1)]
            spare[y * width + x] = 0.25 * (np.float32(left) + np.float32(right)) + 0.5 * np.float32(pages[at + x])
    for y in range(height):
        above, below = max(y - 1, 0) * width, min(y + 1, height - 1) * width
        for x in range(width):
            smooth[y * width + x] = 0.25 * (spare[above + x] + spare[below + x]) + 0.5 * spare[y * width + x]


@kernel
def mark_ink(residual: Any, limit: float, width: int, height: int, spare: Any, ink: Any) -> int:
    """Mark what is darker than a limit and has three neighbours that are too; return how many px are."""
    for k in range(width * height):
        spare[k] = residual[k] > limit
    count = 0
    for y in range(height):
        for x in range(width):
            ink[y * width + x] = 0
            if spare[y * width + x]:
                around = 0
                for v in range(max(0, y - 1), min(height, y + 2)):
                    for u in range(max(0, x - 1), min(width, x + 2)):
                        around += spare[v * width + u]
                ink[y * width + x] = around > 3
                count += around > 3
    return count


@kernel
def grow(ink: Any, spare: Any, width: int, height: int, near: Any) -> None:
    """Mark what is within two px of ink, along a row and then a column."""
    for y in range(height):
        row = y * width
        for x in range(width):
            spare[row + x] = ink[row + x]
        for x in range(1, width):
            spare[row + x] |= ink[row + x - 1]
            spare[row + x - 1] |= ink[row + x]
        for x in range(2, width):
            spare[row + x] |= ink[row + x - 2]
            spare[row + x - 2] |= ink[row + x]
    for y in range(height):
        row = y * width
        for x in range(width):
            near[row + x] = spare[row + x]
        for v in range(max(0, y - 2), min(height, y + 3)):
            for x in range(width):
                near[row + x] |= spare[v * width + x]


@kernel
def find_columns(pages: Any, start: int, width: int, height: int, bins: Any, paper: Any) -> None:
    """Write the level of the paper around each column: a high percentile of what is within a page's height of it."""
    bins[:256] = 0
    bins[256:] = 0
    left, right = 0, 0
    count = 0
    for x in range(width):
        while right < min(width, x + height + 1):
            for y in range(height):
                bins[pages[start + y * width + right]] += 1
            right += 1
            count += height
        while left < x - height:
            for y in range(height):
                bins[pages[start + y * width + left]] -= 1
            left += 1
            count -= height
        paper[x] = find_quantile(bins, count, _PAPER_SHARE) - 0.5 if x % 4 == 0 else paper[x - 1]


@kernel
def find_fall(pages: Any, start: int, width: int, height: int, bins: Any, rows: Any) -> float:
    """Return by how many levels a row the paper darkens downwards: from the first third's middle row to the last's."""
    third = height // 3
    middles = (0.0, 0.0)
    for part in range(2):
        first = 0 if part == 0 else height - third
        for y in range(first, first + third):
            bins[:] = 0
            for x in range(width):
                bins[pages[start + y * width + x]] += 1
            rows[y - first] = find_quantile(bins, width, _PAPER_SHARE)
        for k in range(1, third):  # in order
            value, j = rows[k], k
            while j > 0 and rows[j - 1] > value:
                rows[j] = rows[j - 1]
                j -= 1
            rows[j] = value
        middles = (rows[third // 2], middles[1]) if part == 0 else (middles[0], rows[third // 2])
    return (middles[0] - middles[1]) / (height - third)


@kernel
def find_contrast(residual: Any, width: int, height: int, bins: Any) -> tuple[float, float]:
    """Return the ink's contrast, the upper quartile of what is darker than half of it, and the noise, in levels."""
    size = width * height
    bins[:] = 0
    for k in range(size):
        bins[min(max(np.int64(2.0 * residual[k] + 512.0), 0), BINS - 1)] += 1
    contrast = max(0.5 * (find_quantile(bins, size, 0.985) - 512.0), 1.0)
    limit = 0.45 * contrast
    for _ in range(4):
        first = min(max(np.int64(2.0 * limit + 512.0), 0), BINS - 1)
        dark = 0
        for k in range(first, BINS):
            dark += bins[k]
        if dark < 4:
            break
        contrast = 0.5 * (find_quantile(bins, size, 1.0 - 0.25 * dark / size) - 512.0)
        limit = 0.45 * contrast
    bins[:] = 0
    count = 0
    for y in range(height):
        for x in range(width - 3):
            a, b = residual[y * width + x], residual[y * width + x + 3]
            if a < limit and b < limit:
                bins[min(np.int64(4.0 * abs(a - b)), BINS - 1)] += 1
                count += 1
    noise = 0.25 * find_quantile(bins, count, 0.5) if count else 0.0
    return max(contrast, 1.0), SIGMAS_A_MAD * noise / np.sqrt(2.0)


@kernel
def find_ground(
    pages: Any, start: int, near: Any, width: int, height: int, sums: Any, columns: Any, fall: float, ground: Any
) -> None:
    """Write the mean of the paper around each pixel, in a window as wide as the page is high and half as high."""
    stride = width + 1
    sums[:, :stride] = 0.0
    for y in range(height):
        level, count = 0.0, 0.0
        sums[0, (y + 1) * stride] = sums[1, (y + 1) * stride] = 0.0
        for x in range(width):
            k = y * width + x
            if not near[k]:
                level += pages[start + k]
                count += 1.0
            sums[0, (y + 1) * stride + x + 1] = sums[0, y * stride + x + 1] + level
            sums[1, (y + 1) * stride + x + 1] = sums[1, y * stride + x + 1] + count
    fewest = 0.05 * height * height
    for y in range(height):
        top, foot = max(0, y - height // 4) * stride, min(height, y + height // 4 + 1) * stride
        for x in range(width):
            left, right = max(0, x - height // 2), min(width, x + height // 2 + 1)
            count = sums[1, foot + right] - sums[1, foot + left] - sums[1, top + right] + sums[1, top + left]
            level = sums[0, foot + right] - sums[0, foot + left] - sums[0, top + right] + sums[0, top + left]
            share = min(count / fewest, 1.0)
            usual = columns[x] - fall * (y - 0.5 * height)
            ground[y * width + x] = usual * (1.0 - share) + (level / count * share if count > 0.0 else 0.0)
