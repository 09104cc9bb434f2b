"""A page between paper and scan: its memory, and what drawing it and scanning it have in common.

A page is flat float32, height * width grey levels from 0 (black) to 255 (white), until `round_page` makes bytes of it.

Pixels must not depend on the processor: nothing but + - * /, square roots and rounding, which IEEE 754 defines to the
bit. Inner loops run over the columns of a row in float32, and indices are unsigned: others are looked at for being
negative, and LLVM makes no vector code of that.
"""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import F0, FOUR, HALF, LOW_16, ONE, THREE, TWO, WHITE
from number_generator._kernels.draws import block
from number_generator._kernels.simd import address

__all__ = ["clamp", "fill_blocks", "fraction", "make_page", "make_scratch", "round_page", "table_stride", "whole"]

_TABLES = 6  # of columns


@kernel
def make_scratch(height: int, width: int) -> Any:
    """Make the memory that the other kernels work in, for pages of one size and one thread.

    But for `steps`, it may hold anything at first.

    Returns
    -------
    steps : ndarray, float32
        0, 1, 2 and so on: the numbers of columns and rows.
    columns : ndarray, float32
        Tables of one value a column, each of `table_stride(width)`.
    second : ndarray, float32
        Another page.
    grains : ndarray, float32
        The ink's grain, of a quarter of the page.
    words, levels : ndarray, uint64 and uint8
        Random words, and the same memory as bytes.
    tiles : ndarray, float32
        A strip of blocks, for JPEG, and two tables for its quantisation.
    """
    stride = (width + 127) // 16 * 16
    steps = _aligned(max(height, width) + 64)
    for i in range(steps.size):
        steps[i] = i
    columns = _aligned(_TABLES * stride)
    second = _aligned(height * width + 64)
    grains = _aligned(height * (width // 4 + 1) + width)
    words = np.empty((height * width + 2 * height + 2 * width + 1024) // 8, np.uint64)
    tiles = _aligned(3 * 8 * 64)
    return steps, columns, second, grains, words, words.view(np.uint8), tiles


@kernel
def make_page(height: int, width: int) -> Any:
    """Make the memory of a page, flat float32: a vector that lies across two cache lines takes twice as long."""
    return _aligned(height * width)


@kernel
def clamp(value: float, low: float, high: float) -> float:
    """Bring a float32 between two others; `min` and `max` would look for NaN."""
    value = value if value > low else low
    return value if value < high else high


@kernel
def fraction(word: int, part: int) -> float:
    """Turn 16 bits of a word into a float64 from 0 to below 1; part 0 is the lowest of four."""
    return np.float64(np.int64((word >> np.uint64(16 * part)) & LOW_16)) / 65536.0


@kernel
def whole(value: float, size: int) -> int:
    """Cut a coordinate down to an integer from 0 to `size`, uint64."""
    return np.uint64(min(max(np.floor(value), 0.0), np.float64(size)))


@kernel
def table_stride(width: int) -> int:
    """Give the distance between two tables of columns, whole cache lines."""
    return (width + np.uint64(127)) >> FOUR << FOUR


@kernel
def round_page(gain: float, shift: float, count: int, page: Any, out: Any, offset: int) -> None:
    """Write `gain` * page + `shift` as bytes."""
    for i in range(count):
        out[offset + i] = np.uint8(np.int32(clamp(page[i] * gain + shift, F0, WHITE) + HALF))


@kernel
def fill_blocks(seed: int, image: int, stream: int, first: int, count: int, words: Any) -> None:
    """Write the words of at least `count` bytes, from block `first` of a stream on."""
    for number in range((count + np.uint64(31)) >> np.uint64(5)):
        a, b, c, d = block(seed, image, stream, first + number)
        at = FOUR * number
        words[at] = a
        words[at + ONE] = b
        words[at + TWO] = c
        words[at + THREE] = d


@kernel
def _aligned(size: int) -> Any:
    """Make a float32 array that begins with a cache line."""
    memory = np.empty(size + 16, np.float32)
    first = (-address(memory) & 63) >> 2
    return memory[first : first + size]
