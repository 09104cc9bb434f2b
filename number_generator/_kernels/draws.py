"""Draws of a style's parameters: each has its own stream (see `streams`).

A table has one row per stream: (kind, a, b, low, high, job). Kind 0 is the constant a, kind 1 uniform from low to high,
kind 2 normal with mean a and standard deviation b, cut off at low and high. If `job` is set, the whole job
has one value: it is drawn at image number 0 in its own stream, and so depends on the seed alone.
"""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import LOW_16, NIL
from number_generator._kernels.rng import fill_words, philox

CONSTANT = 0
UNIFORM = 1
NORMAL = 2
ROW_SIZE = 6
TABLE_ROWS = 160

_JOB_STREAM = np.uint64(1 << 32)  # added to a stream's number for a value of the whole job
_SD_OF_FOUR = 65536.0 * 0.5773502691896258  # of the sum of four uniform 16-bit draws: 65536 / sqrt(3)


@kernel
def unit(word: int) -> float:
    """Turn a uniform 64-bit word into a float64 from 0 to below 1."""
    return np.float64(np.int64(word >> np.uint64(11))) * 1.1102230246251565e-16


@kernel
def _bell(word: int) -> float:
    """Turn a word into a bell-shaped draw with mean 0 and standard deviation 1: a sum of four uniform draws."""
    total = np.int64(word & LOW_16) + np.int64((word >> np.uint64(16)) & LOW_16)
    total += np.int64((word >> np.uint64(32)) & LOW_16) + np.int64(word >> np.uint64(48))
    return (np.float64(total) - 131070.0) / _SD_OF_FOUR


@kernel
def value(table: Any, stream: int, word: int) -> float:
    """Return a parameter's value for a word."""
    kind = table[stream, 0]
    if kind == CONSTANT:
        return table[stream, 1]
    low, high = table[stream, 3], table[stream, 4]
    if kind == UNIFORM:
        return low + (high - low) * unit(word)
    return min(max(table[stream, 1] + table[stream, 2] * _bell(word), low), high)


@kernel
def block(seed: int, image: int, stream: int, number: int) -> tuple[int, int, int, int]:
    """Return the four words of slots 4 * `number` to 4 * `number` + 3 of a stream, all uint64."""
    return philox(np.uint64(number), np.uint64(image), NIL, NIL, np.uint64(seed), np.uint64(stream))


@kernel
def _value_block(seed: int, image: int, table: Any, stream: int) -> tuple[int, int, int, int]:
    is_job = table[stream, 5] != 0.0
    number = NIL if is_job else np.uint64(image)
    return block(seed, number, np.uint64(stream) + (_JOB_STREAM if is_job else NIL), NIL)


@kernel
def line_value(seed: int, image: int, table: Any, stream: int) -> float:
    """Draw a parameter for a line: slot 0 of its stream."""
    if table[stream, 0] == CONSTANT:
        return table[stream, 1]
    return value(table, stream, _value_block(seed, image, table, stream)[0])


@kernel
def line_value_2(seed: int, image: int, table: Any, stream: int) -> tuple[float, float]:
    """Draw a parameter twice for a line: slots 0 and 1 of its stream."""
    if table[stream, 0] == CONSTANT:
        return table[stream, 1], table[stream, 1]
    words = _value_block(seed, image, table, stream)
    return value(table, stream, words[0]), value(table, stream, words[1])


@kernel
def happens(seed: int, image: int, table: Any, stream: int) -> bool:
    """Tell whether this line belongs to a share of the lines: slot 0 of the share's stream."""
    share = table[stream, 1]
    if share <= 0.0:
        return False
    return share >= 1.0 or unit(_value_block(seed, image, table, stream)[0]) < share


@kernel
def glyph_values(
    seed: int, image: int, table: Any, stream: int, count: int, words: Any, values: Any, column: int
) -> None:
    """Write a parameter's value for each slot of a line into a column of `values`; `words` is scratch."""
    if table[stream, 0] == CONSTANT or table[stream, 5] != 0.0:
        same = line_value(seed, image, table, stream)
        for k in range(count):
            values[k, column] = same
        return
    fill_words(np.uint64(seed), np.uint64(image), stream, count, words)
    for k in range(count):
        values[k, column] = value(table, stream, words[k])
