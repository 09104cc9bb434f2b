"""The page that `paper` draws and `scan` turns into bytes: its memory, and what both need.

A page is flat float32, height * width grey levels from 0 (black) to 255 (white), until `round_page` makes it bytes.

Pixels must not depend on the processor: nothing but + - * /, square roots and rounding, which IEEE 754 defines to the
bit. Inner loops run over the columns of a row in float32, and indices are unsigned: numba checks signed ones for
being negative, which keeps LLVM from making vector code.
"""

from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import FIVE, FOUR, HALF, LOW_16, ONE, ROUNDER, THREE, TWO
from number_generator._kernels.draws import block

_TABLES = 6  # of columns
_NONE, _FULL = np.int32(0), np.int32(255)
_F8, _F16 = np.float32(8.0), np.float32(16.0)


def make_scratch(height: int, width: int) -> Any:
    """Make scratch memory for the kernels, for pages of one size and one thread.

    All but `steps` is uninitialised. It is made outside the kernels, as numba takes a second to compile that.

    Returns
    -------
    steps : ndarray, float32
        0, 1, 2 and so on: column and row numbers.
    columns : ndarray, float32
        Tables of one value per column, `table_stride(width)` values apart.
    second : ndarray, float32
        A second page.
    grains : ndarray, float32
        The ink's grain: for a quarter of the page, or for all of it and then that which it is interpolated from.
    words, levels : ndarray, uint64 and uint8
        Random words, and the same memory as bytes.
    tiles : ndarray, float32
        A strip of blocks for JPEG, and two tables for its quantisation.
    """
    stride = (width + 127) // 16 * 16
    steps = make_aligned(max(height, width) + 64)
    steps[:] = np.arange(steps.size)
    columns = make_aligned(_TABLES * stride)
    second = make_aligned(height * width + 64)
    grains = make_aligned(height * width + (height + 2) * (width // 4 + 2) + width + 2)
    words = np.empty((height * width + 2 * height + 2 * width + 1024) // 8, np.uint64)
    tiles = make_aligned(3 * 8 * 64)
    return steps, columns, second, grains, words, words.view(np.uint8), tiles


def make_aligned(size: int) -> Any:
    """Make a float32 array that starts at a cache line: a vector that spans two lines takes twice as long."""
    memory = np.empty(size + 16, np.float32)
    first = (-memory.ctypes.data & 63) >> 2
    return memory[first : first + size]


@kernel
def clamp(value: float, low: float, high: float) -> float:
    """Clip a float32 to a range; `min` and `max` would also check for NaN."""
    value = value if value > low else low
    return value if value < high else high


@kernel
def to_byte(level: float) -> int:
    """Round a level (float32) to a byte, and clip it: as an integer, since vectors of those are packed with a clip."""
    value = np.int32(level + HALF)
    value = value if value > _NONE else _NONE
    return np.uint8(value if value < _FULL else _FULL)


@kernel
def fraction(word: int, part: int) -> float:
    """Turn 16 bits of a word into a float64 from 0 to below 1; part 0 is the lowest of four."""
    return np.float64(np.int64((word >> np.uint64(16 * part)) & LOW_16)) / 65536.0


@kernel
def whole(value: float, size: int) -> int:
    """Round a coordinate down to an integer from 0 to `size`, uint64."""
    return np.uint64(min(max(np.floor(value), 0.0), np.float64(size)))


@kernel
def table_stride(width: int) -> int:
    """Return the distance between two tables of columns, in values: whole cache lines."""
    return (width + np.uint64(127)) >> FOUR << FOUR


@kernel
def wave(turns: float) -> float:
    """Return the sine of an angle in turns (float32), accurate to 0.001: parabolas of parabolas."""
    rough = rough_wave(turns)
    return rough * (np.float32(0.775) + np.float32(0.225) * abs(rough))


@kernel
def rough_wave(turns: float) -> float:
    """Return a wave of parabolas, close to the sine of an angle in turns (float32)."""
    part = turns - ((turns + ROUNDER) - ROUNDER)
    return part * (_F8 - _F16 * abs(part))


@kernel
def round_page(gain: float, shift: float, count: int, page: Any, out: Any, offset: int) -> None:
    """Write `gain` * page + `shift` as bytes."""
    for i in range(count):
        out[offset + i] = to_byte(page[i] * gain + shift)


@kernel
def fill(level: float, count: int, page: Any) -> None:
    """Write `level` (float32) to the first `count` values."""
    for i in range(count):
        page[i] = level


@kernel
def fill_blocks(seed: int, image: int, stream: int, first: int, begin: int, stop: int, words: Any) -> None:
    """Write at least the bytes from `begin` to `stop` of those that begin with block `first` of a stream."""
    for number in range(begin >> FIVE, (stop + np.uint64(31)) >> FIVE):
        a, b, c, d = block(seed, image, stream, first + number)
        at = FOUR * number
        words[at] = a
        words[at + ONE] = b
        words[at + TWO] = c
        words[at + THREE] = d
