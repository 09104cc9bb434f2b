"""How digits of one line differ in height, and how a line's writing changes from its beginning to its end."""

from typing import Any

import numpy as np

from number_generator._kernels import streams
from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import block, happens, line_value, unit
from number_generator._kernels.line_items import DETAIL

# The height of each digit against the median of its line, in scans of real numbers: the middle of the 5th and the 95th
# percentile, and half of the range between them. Zeros have parameters of their own.
_MIDDLE = (1.0, 1.19, 1.13, 1.08, 1.3, 1.07, 1.05, 1.13, 1.04, 1.17)
_SPREAD = (0.1, 0.36, 0.3, 0.25, 0.35, 0.28, 0.2, 0.23, 0.19, 0.24)
_OF_LINE, _OF_DIGIT = 0.75, 0.35  # of the spread: a hand's habit, and its variation
_DESCENDS = (0.0, 0.15, 0.15, 0.3, 0.7, 0.3, 0.0, 0.7, 0.1, 0.8)  # most of what a digit is higher lies below the line
# Old-style figures: their heights, and how far they hang below the line
_OLD_HEIGHT = (0.68, 0.68, 0.68, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
_OLD_DROP = (0.0, 0.0, 0.0, 0.32, 0.3, 0.32, 0.0, 0.32, 0.0, 0.32)
_LEAST, _MOST = 0.45, 2.0


@kernel
def draw_proportions(seed: int, image: int, table: Any) -> Any:
    """Draw what a line's digits have in common: values for `size_digit`."""
    start, end = 0.0, 0.0
    if happens(seed, image, table, streams.LARGE_START):
        start = 0.12 + 0.3 * unit(block(seed, image, streams.LARGE_START, DETAIL)[0])
    if happens(seed, image, table, streams.SQUEEZED_END):
        end = 0.12 + 0.18 * unit(block(seed, image, streams.SQUEEZED_END, DETAIL)[0])
    return (
        line_value(seed, image, table, streams.PROPORTIONS),
        line_value(seed, image, table, streams.ZERO_SIZE),
        line_value(seed, image, table, streams.ZERO_RISE),
        line_value(seed, image, table, streams.ZERO_SHRINK),
        happens(seed, image, table, streams.OLD_STYLE),
        line_value(seed, image, table, streams.SIZE_DRIFT),
        line_value(seed, image, table, streams.SLANT_DRIFT),
        start,
        end,
    )


@kernel
def size_digit(
    seed: int, image: int, line: Any, code: int, slot: int, length: int, zeros: int
) -> tuple[float, float, float, float]:
    """Return a digit's factors for height and width, its rise above the baseline in digit heights, and its extra slant.

    `line` is that of `draw_proportions`, and `zeros` how many zeros there are up to this one, without a break.
    """
    unevenness, zero_size, zero_rise, zero_shrink, is_old, size_drift, slant_drift, start, end = line
    place = slot / (length - 1.0) - 0.5 if length > 1 else 0.0
    high, across, rise = 1.0 + size_drift * place, 1.0, 0.0
    if unevenness != 0.0:
        habit = block(seed, image, streams.PROPORTIONS, DETAIL + code)
        word = block(seed, image, streams.PROPORTIONS, 2 * DETAIL + slot)[0]
        spread = _SPREAD[code] * (_OF_LINE * (2.0 * unit(habit[0]) - 1.0) + _OF_DIGIT * (2.0 * unit(word) - 1.0))
        factor = max(1.0 + unevenness * (_MIDDLE[code] - 1.0 + spread), _LEAST)
        rise = -max(factor - 1.0, 0.0) * _DESCENDS[code] * unit(habit[1])
        high *= factor
        across /= np.sqrt(factor)  # a digit is higher rather than larger
    if zeros > 0:
        factor = zero_size
        for _ in range(1, min(zeros, 8)):
            factor *= zero_shrink
        factor = max(factor, _LEAST)
        rise += zero_rise * max(1.0 - factor * high, 0.0)
        high *= factor
    if is_old:
        high *= _OLD_HEIGHT[code]
        rise = -_OLD_DROP[code]
    if slot == 0:
        high *= 1.0 + start
    if end > 0.0 and slot == length - 1 and length > 1 and zeros < 2:
        high *= 1.0 - 0.5 * end
        across *= 1.0 - end
    return min(max(high, _LEAST), _MOST), across, rise, slant_drift * place
