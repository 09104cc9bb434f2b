"""The paper behind handwriting, the ink on it, and the traces of the scanner, of one page after the other.

A page is first float32, flat, height * width grey levels from 0 (black) to 255 (white): `draw_paper` fills it,
`ink_page` puts the ink on it, `scan_page` turns it into bytes. `ink_plain` does the work of all three on white paper.

Each feature draws from the streams of its own parameters: slot 0 is the value, or whether the line has the feature;
from block 1 on follow the details. A feature that is off draws nothing and leaves the page as it is.

Pixels must not depend on the processor: nothing but + - * /, square roots and rounding, which IEEE 754 defines to the
bit. So there is a `_wave` in place of a sine, and `_decay` in place of an exponential function. Inner loops run over
the columns of a row in float32, and indices are unsigned: others are looked at for being negative, and LLVM makes no
vector code of that.
"""

from functools import partial
from typing import Any

import numpy as np

from number_generator._kernels.compile import kernel
from number_generator._kernels.draws import CONSTANT, block, happens, line_value, unit
from number_generator._kernels.simd import address

__all__ = ["draw_paper", "ink_page", "ink_plain", "make_page", "make_scratch", "needs_page", "scan_page"]

# Streams, as `handwriting` declares them; literals would be types to numba, and kernels be compiled for each of them.
INK = np.int64(112)
INK_DRIFT = np.int64(113)
INK_TEXTURE = np.int64(114)
PAPER = np.int64(128)
GRADIENT = np.int64(129)
TEXTURE = np.int64(130)
WAVES = np.int64(131)
WAVE_STRENGTH = np.int64(132)
FIBRES = np.int64(133)
FIBRE_STRENGTH = np.int64(134)
RULED = np.int64(135)
BOXED = np.int64(136)
RULE_STRENGTH = np.int64(137)
PADDING = np.int64(138)
SPECKLE = np.int64(144)
BLUR = np.int64(145)
NOISE = np.int64(146)
JPEG = np.int64(147)
JPEG_QUALITY = np.int64(148)
AUTO_LEVELS = np.int64(149)
INVERT = np.int64(150)

_NIL = np.uint64(0)
_ONE = np.uint64(1)
_TWO = np.uint64(2)
_THREE = np.uint64(3)
_FOUR = np.uint64(4)
_FIVE = np.uint64(5)
_LOW_16 = np.uint64(0xFFFF)
_P0 = np.uint64(0)  # the four 16-bit parts of a word
_P1 = np.uint64(16)
_P2 = np.uint64(32)
_P3 = np.uint64(48)
_F0 = np.float32(0.0)
_HALF = np.float32(0.5)
_F1 = np.float32(1.0)
_F8 = np.float32(8.0)
_F16 = np.float32(16.0)
_WHITE = np.float32(255.0)
_SHARE = np.float32(1.0 / 255.0)
# Added and taken away again, it rounds a float32 below 2**22 to an integer, half to even: no instruction set lacks it.
_ROUNDER = np.float32(12582912.0)

_TABLES = 6  # of columns
_LEAD = np.uint64(16)  # values before a page, of which two are read
_CHUNK = np.uint64(64)  # columns that go through JPEG at once
_SIDE = np.uint64(8)  # px of a block of JPEG
_AREA = 1000.0  # px, of which `speckle` counts the spots
_FIBRE_AREA = 3584.0  # px that 5 to 25 fibres lie on
_SD_OF_THREE = 127.998  # of the sum of three uniform bytes
_MEAN_OF_THREE = np.float32(382.5)
_MEAN_OF_FOUR = np.float32(510.0)
_GRAIN = np.float32(0.3 / 147.8)  # brings the sum of four bytes to a standard deviation of 0.3

# ITU-T T.81, table K.1: the quantisation of luminance.
_LUMINANCE = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.int64,
).ravel()
# What the cosine transform of Arai, Agui and Nakajima leaves to the quantisation: cos(k pi / 16) * sqrt(2), and 1.
_COSINES = np.array(
    [1.0, 1.387039845322148, 1.306562964876377, 1.175875602419359, 1.0, 0.785694958387102, 0.541196100146197,
     0.275899379282943],
)  # fmt: skip
_COS_2 = np.float32(0.382683432365090)  # of the transform: cos(6 pi / 16) and so on
_COS_4 = np.float32(0.707106781186548)
_COS_6 = np.float32(0.541196100146197)
_COS_8 = np.float32(1.306562964876377)
_SQRT_2 = np.float32(1.414213562373095)
_UP_2 = np.float32(1.847759065022573)
_UP_4 = np.float32(1.082392200292394)
_UP_6 = np.float32(2.613125929752753)
_MIDDLE = np.float32(128.0)


@kernel
def make_scratch(height: int, width: int) -> Any:
    """Make the memory that the other kernels work in, for pages of one size and one thread.

    Returns
    -------
    steps : ndarray, float32
        0, 1, 2 and so on: the numbers of columns and rows.
    columns : ndarray, float32
        Tables of one value a column, each of `_stride(width)`.
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
    words = np.zeros((height * width + 2 * height + 2 * width + 1024) // 8, np.uint64)
    tiles = _aligned(3 * 8 * 64)
    return steps, columns, second, grains, words, words.view(np.uint8), tiles


@kernel
def make_page(height: int, width: int) -> Any:
    """Make the memory of a page, flat float32: a vector that lies across two cache lines takes twice as long."""
    return _aligned(height * width)


@kernel
def needs_page(table: Any) -> bool:
    """Tell whether a style has paper that is not plain white, or traces of a scanner: else `ink_plain` draws it."""
    if table[PAPER, 0] != CONSTANT or table[PAPER, 1] != 1.0:
        return True
    for stream in (GRADIENT, TEXTURE, WAVES, FIBRES, RULED, BOXED, PADDING, SPECKLE, BLUR, NOISE, JPEG, AUTO_LEVELS):
        if table[stream, 0] != CONSTANT or table[stream, 1] > 0.0:
            return True
    return table[INVERT, 1] > 0.0


@kernel
def draw_paper(
    seed: int, image: int, table: Any, shape: Any, ink_box: Any, baseline: float, page: Any, scratch: Any
) -> None:
    """Fill a page with paper.

    Parameters
    ----------
    seed, image : uint64
    table : ndarray, shape (TABLE_ROWS, ROW_SIZE), float64
        The style, as `draws` reads it.
    shape : (height, width)
        Of the page, in px: at least 4 and 1.
    ink_box : (left, top, right, bottom)
        Where the ink will be, in px; a pixel is 1 wide, and the first one begins at 0.
    baseline : float
        What the digits stand on, in px from the top.
    page : ndarray, flat float32
    scratch : tuple
        See `make_scratch`.
    """
    steps, columns, _, _, _, _, _ = scratch
    size = np.uint64(shape[0]), np.uint64(shape[1])
    height, width = size
    level = line_value(seed, image, table, PAPER) * 255.0
    gradient = line_value(seed, image, table, GRADIENT) * 255.0
    texture = line_value(seed, image, table, TEXTURE) * 255.0
    if gradient <= 0.0 and texture <= 0.0:
        _fill(np.float32(level), height * width, page)
    else:
        _draw_ground(seed, image, np.float32(level), gradient, texture, size, page, steps, columns)
    darkest = level - gradient - texture
    if happens(seed, image, table, WAVES):
        strength = line_value(seed, image, table, WAVE_STRENGTH) * 255.0
        _draw_waves(seed, image, strength, size, page, steps, columns)
        darkest -= 2.0 * strength
    if happens(seed, image, table, FIBRES):
        strength = line_value(seed, image, table, FIBRE_STRENGTH) * 255.0
        _draw_fibres(seed, image, strength, size, page)
        darkest = -1.0  # or too bright
    ruled = happens(seed, image, table, RULED)
    boxed = happens(seed, image, table, BOXED)
    if ruled or boxed:
        strength = line_value(seed, image, table, RULE_STRENGTH) * 255.0
        if ruled:
            _draw_rules(seed, image, strength, size, ink_box, baseline, page, steps, columns)
        if boxed:
            _draw_box(seed, image, strength, size, ink_box, page, steps, columns)
        darkest = -1.0
    if darkest < 0.0:
        _clip(height * width, page)


@kernel
def ink_page(seed: int, image: int, table: Any, shape: Any, ink_box: Any, cover: Any, page: Any, scratch: Any) -> None:
    """Put ink on a page of paper; where the line is to have padding, the paper beyond its margins goes first.

    Parameters
    ----------
    seed, image, table, shape, ink_box, page, scratch
        See `draw_paper`.
    cover : ndarray, flat uint8
        The share of each pixel that is under the ink: 0 is none, 255 is all of it.
    """
    _, columns, _, grains, _, _, _ = scratch
    size = np.uint64(shape[0]), np.uint64(shape[1])
    if happens(seed, image, table, PADDING):
        _pad(seed, image, size, ink_box, page)
    full = np.float32(line_value(seed, image, table, INK) * 255.0)
    if _prepare_ink(seed, image, table, size, scratch):
        _ink_grainy(full, size, cover, page, columns, grains)
    else:
        _ink_smooth(full, size, cover, page, columns)


@kernel
def ink_plain(seed: int, image: int, table: Any, shape: Any, cover: Any, out: Any, offset: int, scratch: Any) -> None:
    """Draw ink on white paper that nothing happened to, as `draw_paper`, `ink_page` and `scan_page` would.

    Parameters
    ----------
    seed, image, table, shape, cover, scratch
        See `draw_paper` and `ink_page`.
    out : ndarray, flat uint8
        The page goes to `offset` and after.
    """
    _, columns, second, grains, _, _, _ = scratch
    size = np.uint64(shape[0]), np.uint64(shape[1])
    height, width = size
    full = np.float32(line_value(seed, image, table, INK) * 255.0)
    if _prepare_ink(seed, image, table, size, scratch):
        _fill(_WHITE, height * width, second)
        _ink_grainy(full, size, cover, second, columns, grains)
        _round(_F1, _F0, height * width, second, out, np.uint64(offset))
    else:
        _ink_white(full, size, cover, columns, out, np.uint64(offset))


@kernel
def scan_page(seed: int, image: int, table: Any, shape: Any, page: Any, out: Any, offset: int, scratch: Any) -> None:
    """Turn a page into the bytes that a scanner gives: spots, blur, noise, compression, contrast, in this order.

    Parameters
    ----------
    seed, image, table, shape, scratch
        See `draw_paper`.
    page : ndarray, flat float32
        Is overwritten.
    out : ndarray, flat uint8
        The bytes go to `offset` and after.
    """
    _, columns, second, _, words, levels, tiles = scratch
    size = np.uint64(shape[0]), np.uint64(shape[1])
    height, width = size
    speckle = line_value(seed, image, table, SPECKLE)
    if speckle > 0.0:
        _draw_specks(seed, image, speckle, size, page)
    blur = line_value(seed, image, table, BLUR)
    if blur > 0.1:  # below, a neighbour has less than the 10**21st part
        _blur(blur, size, page, second)
    noise = line_value(seed, image, table, NOISE)
    if noise > 0.0:
        _add_noise(seed, image, noise * 255.0, size, page, words, levels)
    if happens(seed, image, table, JPEG):
        _compress(line_value(seed, image, table, JPEG_QUALITY), size, page, tiles)
    gain = _F1
    shift = _F0
    if happens(seed, image, table, AUTO_LEVELS):
        gain, shift = _stretch(seed, image, size, page, columns)
    if happens(seed, image, table, INVERT):
        gain = -gain
        shift = _WHITE - shift
    _round(gain, shift, height * width, page, out, np.uint64(offset))


# Small things


@kernel
def _fraction(word: int, shift: int) -> float:
    """Turn the 16 bits of a word from bit `shift` on into a float64 from 0 to below 1."""
    return np.float64(np.int64((word >> shift) & _LOW_16)) / 65536.0


@kernel
def _rough_wave(turns: float) -> float:
    """Give a wave of parabolas, near to the sine of an angle in turns (float32)."""
    part = turns - ((turns + _ROUNDER) - _ROUNDER)
    return part * (_F8 - _F16 * abs(part))


@kernel
def _wave(turns: float) -> float:
    """Give the sine of an angle in turns (float32), to a thousandth: parabolas of parabolas."""
    rough = _rough_wave(turns)
    return rough * (np.float32(0.775) + np.float32(0.225) * abs(rough))


@kernel
def _decay(amount: float) -> float:
    """Give nearly e to the power of -`amount`, in float64, for amounts from 0 to 64."""
    small = -amount / 1024.0
    value = 1.0 + small * (1.0 + small * (0.5 + small * (1.0 / 6.0 + small / 24.0)))
    for _ in range(10):
        value = value * value
    return value


@kernel
def _stride(width: int) -> int:
    """Give the distance between two tables of columns, whole cache lines."""
    return (width + np.uint64(127)) >> _FOUR << _FOUR


@kernel
def _aligned(size: int) -> Any:
    """Make a float32 array of zeros that begins with a cache line."""
    memory = np.zeros(size + 16, np.float32)
    first = (-address(memory) & 63) >> 2
    return memory[first : first + size]


@kernel
def _whole(value: float, size: int) -> int:
    """Cut a coordinate down to an integer from 0 to `size`, uint64."""
    return np.uint64(np.int64(min(max(np.floor(value), 0.0), np.float64(np.int64(size)))))


@kernel
def _within(value: float, size: int) -> float:
    """Move a coordinate to at least half a pixel inside the page."""
    return min(max(value, 0.5), np.float64(np.int64(size)) - 0.5)


@kernel
def _fill(level: float, count: int, page: Any) -> None:
    for i in range(count):
        page[i] = level


@kernel
def _clip(count: int, page: Any) -> None:
    for i in range(count):
        level = page[i]
        level = level if level > _F0 else _F0
        page[i] = level if level < _WHITE else _WHITE


@kernel
def _round(gain: float, shift: float, count: int, page: Any, out: Any, offset: int) -> None:
    """Write `gain` * page + `shift` as bytes."""
    for i in range(count):
        level = page[i] * gain + shift
        level = level if level > _F0 else _F0
        level = level if level < _WHITE else _WHITE
        out[offset + i] = np.uint8(np.int32(level + _HALF))


@kernel
def _fill_blocks(seed: int, image: int, stream: int, first: int, count: int, words: Any) -> None:
    """Write the words of at least `count` bytes, from block `first` of a stream on."""
    for number in range((count + np.uint64(31)) >> _FIVE):
        a, b, c, d = block(seed, image, stream, first + number)
        at = _FOUR * number
        words[at] = a
        words[at + _ONE] = b
        words[at + _TWO] = c
        words[at + _THREE] = d


# Paper


@kernel
def _draw_ground(
    seed: int, image: int, level: float, gradient: float, texture: float, size: Any, page: Any, steps: Any, columns: Any
) -> None:
    """Fill the page with `level`, less up to `gradient` towards one side, less up to `texture` in smooth blotches.

    The page is a quadratic B-spline of curves along a row, `tall` px apart, three of which are held in a ring. A curve
    is two waves of its own; the spline leaves a slope as it is.
    """
    height, width = size
    along = np.float32(0.0)
    down = 0.0
    begin = 0.0
    if gradient > 0.0:
        a, _, _, _ = block(seed, image, GRADIENT, _ONE)
        turn = np.float32(unit(a))
        to_right = np.float64(_wave(turn + np.float32(0.25)))
        to_bottom = np.float64(_wave(turn))
        # From corner to corner it is `gradient`, whatever the direction.
        scale = gradient / (abs(to_right) + abs(to_bottom))
        along = np.float32(scale * to_right / np.float64(np.int64(width)))
        down = scale * to_bottom / np.float64(np.int64(height))
        begin = scale * (max(-to_right, 0.0) + max(-to_bottom, 0.0))
    tall = np.uint64(16)
    phase = _NIL
    if texture > 0.0:
        a, _, _, _ = block(seed, image, TEXTURE, _ONE)
        tall = _FOUR + np.uint64(np.int64(8.0 * _fraction(a, _P0)))
        phase = np.uint64(np.int64(16.0 * _fraction(a, _P1))) % tall  # the spline has no fixed place on the page
    amount = np.float32(0.5 * texture)
    height_of_cell = np.float64(np.int64(tall))  # blotches are about as wide as high
    stride = _stride(width)
    drawn = _NIL
    for y in range(height):
        cell = (y + phase) // tall
        while drawn < cell + _THREE:
            target = drawn % _THREE * stride
            middle = height_of_cell * (np.float64(np.int64(drawn)) - 0.5) - np.float64(np.int64(phase))
            base = np.float32(begin + down * middle)
            if texture > 0.0:
                a, b, _, _ = block(seed, image, TEXTURE, _TWO + drawn)
                each = np.float32(1.0 / (height_of_cell * (4.0 + 6.0 * _fraction(a, _P0))))
                each_fine = np.float32(1.0 / (height_of_cell * (2.0 + 2.0 * _fraction(a, _P1))))
                share = np.float32(0.3 + 0.4 * _fraction(a, _P2))
                coarse = amount * share
                fine = amount - coarse
                base += amount
                at = np.float32(_fraction(b, _P0))
                at_fine = np.float32(_fraction(b, _P1))
                for x in range(width):
                    wave = coarse * _rough_wave(at + each * steps[x])
                    wave += fine * _rough_wave(at_fine + each_fine * steps[x])
                    columns[target + x] = base + along * steps[x] + wave
            else:
                for x in range(width):
                    columns[target + x] = base + along * steps[x]
            drawn += _ONE
        share = np.float32(np.float64(np.int64(y + phase - cell * tall)) / height_of_cell)
        w0 = _HALF * (_F1 - share) * (_F1 - share)
        w1 = _HALF + share - share * share
        w2 = _HALF * share * share
        row_0 = cell % _THREE * stride
        row_1 = (cell + _ONE) % _THREE * stride
        row_2 = (cell + _TWO) % _THREE * stride
        start = y * width
        for x in range(width):
            page[start + x] = level - (w0 * columns[row_0 + x] + w1 * columns[row_1 + x] + w2 * columns[row_2 + x])


@kernel
def _draw_waves(seed: int, image: int, strength: float, size: Any, page: Any, steps: Any, columns: Any) -> None:
    """Draw one to three families of fine wavy lines, the second sometimes the mirror image of the first.

    A family's phase, in turns, is the sum of a value a column and a value a row, both of which bend: lines move up and
    down along a row, and left and right along a column.
    """
    height, width = size
    a, _, _, _ = block(seed, image, WAVES, _ONE)
    kind = _fraction(a, _P0)
    families = 1 if kind < 0.35 else 2 if kind < 0.8 else 3
    mirrored = _fraction(a, _P1) < 0.6
    thin = _fraction(a, _P2) < 0.5
    # Where families meet they add up, and soft ones meet everywhere.
    root = np.float32(np.sqrt(strength / ((0.7 if thin else 0.5) + (0.3 if thin else 0.5) * families)))
    for family in range(families):
        copied = mirrored and family == 1
        # A family is drawn from a block of its own; a mirror image from that of the first.
        a, b, c, _ = block(seed, image, WAVES, _TWO if copied else _TWO + np.uint64(family))
        share = _fraction(a, _P0) * _fraction(a, _P0)
        period = 5.0 + 11.0 * share if thin else 3.0 + 17.0 * share
        # A line's darkness falls off as a parabola, within 1.2 to 1.8 px, or all the way to the next.
        fall = root * np.float32(period / (1.2 + 0.6 * _fraction(c, _P0)) if thin else 1.7)
        turn = np.float32(0.5 * _fraction(a, _P1))
        turn = -turn if copied else turn
        length = 16.0 + 64.0 * _fraction(a, _P2)
        tall = 16.0 + 48.0 * _fraction(b, _P0)
        across = np.float32(1.0 / period) * _wave(turn + np.float32(0.25))
        down = np.float32(1.0 / period) * _wave(turn)
        lift = down * np.float32(length * (0.02 + 0.12 * _fraction(a, _P3)))
        push = across * np.float32(tall * (0.02 + 0.12 * _fraction(b, _P1)))
        each = np.float32(1.0 / length)
        each_row = np.float32(1.0 / tall)
        begin = np.float32(_fraction(b, _P3) + (0.5 if copied else 0.0))
        begin_row = np.float32(_fraction(c, _P1))
        shift = np.float32(_fraction(b, _P2))
        for x in range(width):
            columns[x] = across * steps[x] + lift * _wave(each * steps[x] + begin)
        for y in range(height):
            base = shift + down * steps[y] + push * _wave(each_row * steps[y] + begin_row)
            start = y * width
            for x in range(width):
                phase = base + columns[x]
                line = root - fall * abs(phase - ((phase + _ROUNDER) - _ROUNDER))
                line = line if line > _F0 else _F0
                page[start + x] -= line * line


@kernel
def _draw_fibres(seed: int, image: int, strength: float, size: Any, page: Any) -> None:
    """Draw short curved fibres, most of them darker than the paper, the others brighter."""
    height, width = size
    a, _, _, _ = block(seed, image, FIBRES, _ONE)
    area = np.float64(np.int64(height)) * np.float64(np.int64(width))
    count = 1 + np.int64((5.0 + 20.0 * unit(a)) * area / _FIBRE_AREA)
    for fibre in range(count):
        b, c, d, _ = block(seed, image, FIBRES, _TWO + np.uint64(fibre))
        x = unit(b) * np.float64(np.int64(width))
        y = unit(c) * np.float64(np.int64(height))
        turn = _fraction(d, _P0)
        along = 0.6 * np.float64(_wave(np.float32(turn + 0.25)))
        down = 0.6 * np.float64(_wave(np.float32(turn)))
        bend = 0.12 * (_fraction(d, _P1) - 0.5)
        length = 7 + np.int64(21.0 * _fraction(d, _P2))  # steps of 0.6 px
        kind = _fraction(d, _P3)
        amount = strength * (0.5 + 0.5 * kind) * (1.0 if kind < 0.7 else -0.8) * 0.6
        for _ in range(length):
            _add_dot(x - 0.5, y - 0.5, amount, size, page)
            x += along
            y += down
            along, down = along - bend * down, down + bend * along


@kernel
def _add_dot(x: float, y: float, amount: float, size: Any, page: Any) -> None:
    """Darken the four pixels around a place by `amount`, shared out among them."""
    height, width = size
    left = np.int64(np.floor(x))
    top = np.int64(np.floor(y))
    share_x = x - np.floor(x)
    share_y = y - np.floor(y)
    for row in range(2):
        for column in range(2):
            at_y = top + row
            at_x = left + column
            if 0 <= at_y < np.int64(height) and 0 <= at_x < np.int64(width):
                weight = (share_x if column == 1 else 1.0 - share_x) * (share_y if row == 1 else 1.0 - share_y)
                page[np.uint64(at_y) * width + np.uint64(at_x)] -= np.float32(amount * weight)


@kernel
def _draw_rules(
    seed: int,
    image: int,
    strength: float,
    size: Any,
    ink_box: Any,
    baseline: float,
    page: Any,
    steps: Any,
    columns: Any,
) -> None:
    """Draw a line near the baseline, and sometimes one above the digits as well."""
    height, width = size
    a, b, c, _ = block(seed, image, RULED, _ONE)
    tall = max(ink_box[3] - ink_box[1], 4.0)
    slope = 0.03 * (_fraction(a, _P0) - 0.5)
    thickness = 0.5 + 1.5 * _fraction(a, _P1) * _fraction(a, _P1)
    middle = 0.5 * (ink_box[0] + ink_box[2])
    level = _within(baseline + tall * (-0.04 + 0.2 * _fraction(a, _P2)), height)
    kind = _fraction(a, _P3)
    period, share = 1.0, 1.0
    if kind >= 0.75:
        period, share = 2.5 + 3.5 * _fraction(b, _P0), 0.45
    elif kind >= 0.55:
        period, share = 6.0 + 14.0 * _fraction(b, _P0), 0.5 + 0.3 * _fraction(b, _P1)
    _dash(period, share, _fraction(b, _P2), width, steps, columns)
    _draw_row(level - slope * middle, slope, thickness, strength, size, page, steps, columns)
    if _fraction(b, _P3) < 0.35:
        above = level - tall * (0.85 + 0.5 * _fraction(c, _P0))
        _draw_row(above - slope * middle, slope, thickness, strength, size, page, steps, columns)


@kernel
def _dash(period: float, share: float, shift: float, width: int, steps: Any, columns: Any) -> None:
    """Write the first table of columns: 1 on a dash, 0 between two; with `share` 1 there is nothing between."""
    each = np.float32(1.0 / period)
    begin = np.float32(shift)
    length = np.float32(period)
    half = np.float32(0.5 * share * period + 0.5)
    for x in range(width):
        turns = each * steps[x] + begin
        value = half - length * abs(turns - ((turns + _ROUNDER) - _ROUNDER))
        value = value if value > _F0 else _F0
        columns[x] = value if value < _F1 else _F1


@kernel
def _draw_row(
    level: float, slope: float, thickness: float, strength: float, size: Any, page: Any, steps: Any, columns: Any
) -> None:
    """Draw a line from left to right, where the first table of columns has it; at column 0 it is at row `level`."""
    height, width = size
    end = level + slope * np.float64(np.int64(width))
    first = _whole(min(level, end) - 0.5 * thickness - 1.0, height)
    last = _whole(max(level, end) + 0.5 * thickness + 2.0, height)
    reach = np.float32(0.5 * thickness + 0.5)
    most = np.float32(min(thickness, 1.0))
    rise = np.float32(slope)
    dark = np.float32(strength)
    for y in range(first, last):
        above = np.float32(level - np.float64(np.int64(y)) - 0.5)
        start = y * width
        for x in range(width):
            value = reach - abs(above + rise * steps[x])
            value = value if value > _F0 else _F0
            value = value if value < most else most
            page[start + x] -= dark * value * columns[x]


@kernel
def _draw_column(
    place: float, slope: float, thickness: float, strength: float, top: float, bottom: float, size: Any, page: Any
) -> None:
    """Draw a line from row `top` to row `bottom`; at row 0 it is at column `place`."""
    height, width = size
    most = min(thickness, 1.0)
    for y in range(_whole(top, height), _whole(bottom + 0.5, height)):
        middle = place + slope * (np.float64(np.int64(y)) + 0.5)
        first = _whole(middle - 0.5 * thickness - 0.5, width)
        last = _whole(middle + 0.5 * thickness + 1.5, width)
        for x in range(first, last):
            value = 0.5 * thickness + 0.5 - abs(np.float64(np.int64(x)) + 0.5 - middle)
            page[y * width + x] -= np.float32(strength * min(max(value, 0.0), most))


@kernel
def _draw_box(
    seed: int, image: int, strength: float, size: Any, ink_box: Any, page: Any, steps: Any, columns: Any
) -> None:
    """Draw one to four sides of a box around the ink, and now and then what divides it for single digits."""
    height, width = size
    a, b, c, d = block(seed, image, BOXED, _ONE)
    left, top, right, bottom = ink_box
    tall = max(bottom - top, 4.0)
    sides = 1 + np.int64(15.0 * _fraction(a, _P0))
    slope = 0.02 * (_fraction(a, _P1) - 0.5)
    thickness = 0.7 + 1.5 * _fraction(a, _P2)
    rows = np.float64(np.int64(height))
    cols = np.float64(np.int64(width))
    if _fraction(a, _P3) < 0.25:  # cut out along the box
        top, bottom = 1.5 * _fraction(b, _P0), rows - 1.5 * _fraction(b, _P1)
        left, right = 1.5 * _fraction(b, _P2), cols - 1.5 * _fraction(b, _P3)
    else:
        top -= tall * (-0.06 + 0.3 * _fraction(b, _P0))
        bottom += tall * (-0.04 + 0.3 * _fraction(b, _P1))
        left -= tall * (0.02 + 0.5 * _fraction(b, _P2))
        right += tall * (0.02 + 0.5 * _fraction(b, _P3))
    # A side that the page does not reach is moved to its edge: the box is to be seen.
    top, bottom = _within(top, height), _within(bottom, height)
    left, right = _within(left, width), _within(right, width)
    has_left, has_right = sides & 4 != 0, sides & 8 != 0
    begin = np.float32(left if has_left else -1.0)
    end = np.float32(right if has_right else cols + 1.0)
    for x in range(width):
        value = min(steps[x] + _F1 - begin, end - steps[x])
        value = value if value > _F0 else _F0
        columns[x] = value if value < _F1 else _F1
    middle = slope * 0.5 * (left + right)
    if sides & 1 != 0:
        _draw_row(top - middle, slope, thickness, strength, size, page, steps, columns)
    if sides & 2 != 0:
        _draw_row(bottom - middle, slope, thickness, strength, size, page, steps, columns)
    # From line to line, since where two meet they would be darker.
    above = top + 0.5 * thickness if sides & 1 != 0 else 0.0
    below = bottom - 0.5 * thickness if sides & 2 != 0 else rows
    lean = -slope * 0.5 * (top + bottom)
    if has_left:
        _draw_column(left - lean, -slope, thickness, strength, above, below, size, page)
    if has_right:
        _draw_column(right - lean, -slope, thickness, strength, above, below, size, page)
    if _fraction(c, _P0) < 0.3:
        step = max(tall * (0.5 + 0.6 * _fraction(c, _P1)), 3.0)
        # Mostly short ones, and the others faint: they could be read as ones.
        whole = _fraction(c, _P2) < 0.25
        above = above if whole else below - tall * (0.12 + 0.3 * _fraction(c, _P3))
        amount = 0.6 * strength if whole else strength
        place = left + step * (0.7 + 0.6 * _fraction(d, _P0))
        while place < right - 0.4 * step:
            _draw_column(place - lean, -slope, 0.8 * thickness, amount, above, below, size, page)
            place += step


@kernel
def _pad(seed: int, image: int, size: Any, ink_box: Any, page: Any) -> None:
    """Make the page flat beyond the margins: white, or about as bright as the paper is."""
    height, width = size
    a, b, _, _ = block(seed, image, PADDING, _ONE)
    rows = np.float64(np.int64(height))
    first = _whole(ink_box[0] - 0.3 * rows * _fraction(a, _P0), width)
    last = _whole(ink_box[2] + 0.3 * rows * _fraction(a, _P1) + 1.0, width)
    level = _WHITE
    if _fraction(a, _P2) < 0.4:
        # The mean of 61 pixels is enough, and a prime number meets no period of the paper's.
        total = 0.0
        for i in range(61):
            total += np.float64(page[height * width * np.uint64(i) // np.uint64(61)])
        level = np.float32(min(total / 61.0 * (0.92 + 0.12 * unit(b)), 255.0))
    for y in range(height):
        start = y * width
        for x in range(first):
            page[start + x] = level
        for x in range(last, width):
            page[start + x] = level


# Ink


@kernel
def _prepare_ink(seed: int, image: int, table: Any, size: Any, scratch: Any) -> bool:
    """Write the ink's strength a column to the first table, and the share that its grain takes; tell whether it does.

    A grain is the mean of four bytes, two beside each other and two of the row below. A row begins a quarter of its
    length after the one above: each serves four rows, at places so far apart that no eye sees it, and a quarter of the
    draws suffice.
    """
    height, width = size
    steps, columns, _, grains, words, levels, _ = scratch
    drift = line_value(seed, image, table, INK_DRIFT)
    if drift > 0.0:
        _draw_drift(seed, image, drift, size, steps, columns)
    else:
        _fill(_F1, width, columns)
    grain = np.float32(line_value(seed, image, table, INK_TEXTURE))
    if grain > 0.0:
        stride = _grain_stride(width)
        count = height * stride + width
        _fill_blocks(seed, image, INK_TEXTURE, _ONE, count + stride + _ONE, words)
        for i in range(count):
            # Whole numbers, so that any order of the sum gives the same.
            total = np.float32(levels[i]) + np.float32(levels[i + _ONE])
            total += np.float32(levels[i + stride]) + np.float32(levels[i + stride + _ONE])
            missing = _HALF + (total - _MEAN_OF_FOUR) * _GRAIN
            missing = missing if missing > _F0 else _F0
            grains[i] = grain * (missing if missing < _F1 else _F1)
    return grain > _F0


@kernel
def _grain_stride(width: int) -> int:
    return width // _FOUR + _ONE


@kernel
def _draw_drift(seed: int, image: int, drift: float, size: Any, steps: Any, columns: Any) -> None:
    """Write a strength of 1 - `drift` to 1 a column: two slow waves."""
    height, width = size
    a, b, _, _ = block(seed, image, INK_DRIFT, _ONE)
    tall = np.float64(np.int64(height))
    each = np.float32(1.0 / (tall * (2.0 + 6.0 * _fraction(a, _P0))))
    each_fast = np.float32(1.0 / (tall * (0.8 + 2.0 * _fraction(a, _P1))))
    begin = np.float32(_fraction(b, _P0))
    begin_fast = np.float32(_fraction(b, _P1))
    share = np.float32(0.45 * _fraction(a, _P2))
    rest = _F1 - share
    half = np.float32(0.5 * drift)
    most = _F1 - half
    for x in range(width):
        slow = _wave(each * steps[x] + begin)
        fast = _wave(each_fast * steps[x] + begin_fast)
        columns[x] = most - half * (rest * slow + share * fast)


@kernel
def _ink_smooth(full: float, size: Any, cover: Any, page: Any, columns: Any) -> None:
    """Darken the page by the ink's `full` strength, or to black where the paper is darker than that.

    Not by a cut at 0: that would let the soft edges of strokes on dark paper grow into the stroke.
    """
    height, width = size
    for y in range(height):
        start = y * width
        for x in range(width):
            level = page[start + x]
            depth = level if level < full else full
            page[start + x] = level - np.float32(cover[start + x]) * columns[x] * (depth * _SHARE)


@kernel
def _ink_white(full: float, size: Any, cover: Any, columns: Any, out: Any, offset: int) -> None:
    """Do as `_ink_smooth` on a white page, and round."""
    height, width = size
    depth = full * _SHARE
    for y in range(height):
        start = y * width
        target = offset + start
        for x in range(width):
            level = _WHITE - np.float32(cover[start + x]) * columns[x] * depth
            out[target + x] = np.uint8(np.int32(level + _HALF))


@kernel
def _ink_grainy(full: float, size: Any, cover: Any, page: Any, columns: Any, grains: Any) -> None:
    """Do as `_ink_smooth`, with the grain's share of the ink missing, and half as much again where the ink is thin."""
    height, width = size
    stride = _grain_stride(width)
    for y in range(height):
        start = y * width
        first = y * stride
        for x in range(width):
            ink = np.float32(cover[start + x])
            left = _F1 - grains[first + x] * (_F1 + _HALF - _HALF * ink * _SHARE)
            left = left if left > _F0 else _F0
            level = page[start + x]
            depth = level if level < full else full
            page[start + x] = level - ink * columns[x] * left * (depth * _SHARE)


# Scan


@kernel
def _draw_specks(seed: int, image: int, rate: float, size: Any, page: Any) -> None:
    """Draw `rate` dark and bright spots for each 1,000 px, one more or less to come to it on average."""
    height, width = size
    a, _, _, _ = block(seed, image, SPECKLE, _ONE)
    mean = rate * np.float64(np.int64(height)) * np.float64(np.int64(width)) / _AREA
    for speck in range(np.int64(mean + unit(a))):
        b, c, d, _ = block(seed, image, SPECKLE, _TWO + np.uint64(speck))
        middle_x = unit(b) * np.float64(np.int64(width))
        middle_y = unit(c) * np.float64(np.int64(height))
        radius = 0.4 + 0.9 * _fraction(d, _P0)
        level = 255.0 * (0.35 * _fraction(d, _P1) if _fraction(d, _P2) < 0.6 else 0.85 + 0.15 * _fraction(d, _P1))
        opaque = 0.4 + 0.6 * _fraction(d, _P3)
        for y in range(_whole(middle_y - radius - 0.5, height), _whole(middle_y + radius + 1.5, height)):
            for x in range(_whole(middle_x - radius - 0.5, width), _whole(middle_x + radius + 1.5, width)):
                away_x = np.float64(np.int64(x)) + 0.5 - middle_x
                away_y = np.float64(np.int64(y)) + 0.5 - middle_y
                share = min(max(radius + 0.5 - np.sqrt(away_x * away_x + away_y * away_y), 0.0), 1.0) * opaque
                at = y * width + x
                page[at] += np.float32(share) * (np.float32(level) - page[at])


@kernel
def _blur(deviation: float, size: Any, page: Any, second: Any) -> None:
    """Blur the page by a Gaussian of that standard deviation, in px; edges go on as they are.

    Two neighbours on either side are looked at, which is enough up to 0.8 px; more is done in several times, as the
    squares of standard deviations add up, and comes out up to 2 % narrower. A pass takes many rows at once, since to begin a loop takes as long as a
    row; what the horizontal one gets wrong at the ends of rows is made good afterwards.
    """
    height, width = size
    times = 1 + np.int64(deviation * deviation / 0.6401)
    ratio = _decay(min(0.5 * times / (deviation * deviation), 64.0))
    far = ratio * ratio * ratio * ratio
    total = 1.0 + 2.0 * (ratio + far)
    w0 = np.float32(1.0 / total)
    w1 = np.float32(ratio / total)
    w2 = np.float32(far / total)
    last = height - _ONE
    for _ in range(times):
        for y in (_NIL, _ONE, _TWO, height - _TWO, last):
            # Rows from 2 to the last but two have all their neighbours: one loop does them.
            count = max(height - _FOUR, _ONE) * width if y == _TWO else width
            above = (y - _TWO if y > _ONE else _NIL) * width
            near_above = (y - _ONE if y > _NIL else _NIL) * width
            near_below = min(y + _ONE, last) * width
            below = min(y + _TWO, last) * width
            row = y * width
            for i in range(count):
                near = w0 * page[row + i] + w1 * (page[near_above + i] + page[near_below + i])
                second[_LEAD + row + i] = near + w2 * (page[above + i] + page[below + i])
        for i in range(height * width):
            near = w0 * second[_LEAD + i] + w1 * (second[_LEAD - _ONE + i] + second[_LEAD + _ONE + i])
            page[i] = near + w2 * (second[_LEAD - _TWO + i] + second[_LEAD + _TWO + i])
        right = width - _ONE
        for y in range(height):
            row = y * width
            at = row + _LEAD
            for end in range(min(width, _FOUR)):
                x = end if end < _TWO else width + end - min(width, _FOUR)
                near_left = second[at + (x - _ONE if x > _NIL else _NIL)]
                left = second[at + (x - _TWO if x > _ONE else _NIL)]
                near = w0 * second[at + x] + w1 * (near_left + second[at + min(x + _ONE, right)])
                page[row + x] = near + w2 * (left + second[at + min(x + _TWO, right)])


@kernel
def _add_noise(seed: int, image: int, deviation: float, size: Any, page: Any, words: Any, levels: Any) -> None:
    """Add noise of that standard deviation: a pixel's is the sum of three bytes.

    In half of the lines two of them stand beside each other, so that neighbours are alike, as a scanner's are. To draw
    three bytes for each pixel would take longer than all the rest. So each row takes its own from three places of a
    pool of an eighth of the page and a little more: it is chance if pixels share them, and no pattern repeats.
    """
    height, width = size
    a, _, _, _ = block(seed, image, NOISE, _ONE)
    alike = a >> np.uint64(63) != _NIL
    places = height * width // _SIDE + np.uint64(256)
    _fill_blocks(seed, image, NOISE, _TWO, places + width + _ONE, words)
    scale = np.float32(deviation / _SD_OF_THREE)
    for y in range(height):
        # The pool's words tell the places as well as any.
        word = words[y % (places >> _THREE)]
        start = y * width
        first = ((word & _LOW_16) * places) >> _P1
        second = first + _ONE if alike else (((word >> _P1) & _LOW_16) * places) >> _P1
        third = (((word >> _P2) & _LOW_16) * places) >> _P1
        for x in range(width):
            # Whole numbers, so that any order of the sum gives the same.
            total = np.float32(levels[first + x]) + np.float32(levels[second + x]) + np.float32(levels[third + x])
            page[start + x] += scale * (total - _MEAN_OF_THREE)


@kernel
def _stretch(seed: int, image: int, size: Any, page: Any, columns: Any) -> tuple[float, float]:
    """Give the factor and the shift that bring the darkest level to about 0 and the brightest to 255.

    A level counts if two pixels, one above the other, reach it: a single one may be noise, ink is wider.
    """
    height, width = size
    stride = _stride(width)
    for x in range(width):
        columns[x] = _WHITE
        columns[stride + x] = _F0
    for y in range(height - _ONE):
        row = y * width
        below = row + width
        for x in range(width):
            a = page[row + x]
            b = page[below + x]
            low = columns[x]
            high = columns[stride + x]
            bright = a if a > b else b
            dark = b if a > b else a
            columns[x] = bright if bright < low else low
            columns[stride + x] = dark if dark > high else high
    low = columns[_NIL]
    high = columns[stride]
    for x in range(width):
        low = min(low, columns[x])
        high = max(high, columns[stride + x])
    a, _, _, _ = block(seed, image, AUTO_LEVELS, _ONE)
    target = np.float32(12.0 * unit(a) * unit(a))
    # An empty page is not to become one of noise alone.
    gain = (_WHITE - target) / max(high - low, np.float32(40.0))
    return gain, _WHITE - gain * high


@kernel
def _compress(quality: float, size: Any, page: Any, tiles: Any) -> None:
    """Do to the page what JPEG does: quantise the cosine transform of each 8 x 8 block.

    Eight blocks beside each other are done at once: pixel (x, y) of block b stands at 64 * y + 8 * x + b of `tiles`,
    so that neighbouring values are a vector for the transforms of columns and of rows alike.
    """
    height, width = size
    _prepare_quantisation(quality, tiles)
    _make_whole(_F0, -_MIDDLE, height * width, page)
    for top in range(_NIL, height, _SIDE):
        for left in range(_NIL, width, _CHUNK):
            _load_tiles(top, left, size, page, tiles)
            for i in range(_CHUNK):
                _put(_transform(_take(tiles, i, _CHUNK)), tiles, i, _CHUNK)
            for y in range(_SIDE):
                row = y * _CHUNK
                steps = np.uint64(512) + row
                for number in range(_SIDE):
                    values = _quantise(_transform(_take(tiles, row + number, _SIDE)), tiles, steps + number)
                    _put(_transform_back(values), tiles, row + number, _SIDE)
            for i in range(_CHUNK):
                _put(_transform_back(_take(tiles, i, _CHUNK)), tiles, i, _CHUNK)
            _store_tiles(top, left, size, page, tiles)
    _make_whole(_MIDDLE, _F0, height * width, page)


@kernel
def _prepare_quantisation(quality: float, tiles: Any) -> None:
    """Write what to multiply by, 512 values in the order of the tiles, and the 512 reciprocal ones that undo it."""
    number = np.int64(quality + 0.5)
    percent = 5000 // number if number < 50 else 200 - 2 * number  # as libjpeg reckons
    for i in range(np.uint64(64)):
        step = np.float64(min(max((_LUMINANCE[i] * percent + 50) // 100, 1), 255))
        scale = step * _COSINES[i >> _THREE] * _COSINES[i & np.uint64(7)]
        for number in range(_SIDE):
            at = np.uint64(512) + _SIDE * i + number
            tiles[at] = np.float32(0.125 / scale)
            tiles[at + np.uint64(512)] = np.float32(0.125 * scale)


@kernel
def _make_whole(before: float, after: float, count: int, page: Any) -> None:
    """Add `before`, clip and round to whole levels, and add `after`."""
    for i in range(count):
        level = page[i] + before
        level = level if level > _F0 else _F0
        level = level if level < _WHITE else _WHITE
        page[i] = ((level + _ROUNDER) - _ROUNDER) + after


@kernel
def _load_tiles(top: int, left: int, size: Any, page: Any, tiles: Any) -> None:
    """Take 8 rows of 64 px; beyond the page its edges go on."""
    height, width = size
    for y in range(_SIDE):
        row = min(top + y, height - _ONE) * width
        target = y * _CHUNK
        for number in range(_SIDE):
            first = left + number * _SIDE
            if first + _SIDE <= width:
                for x in range(_SIDE):
                    tiles[target + _SIDE * x + number] = page[row + first + x]
            else:
                for x in range(_SIDE):
                    tiles[target + _SIDE * x + number] = page[row + min(first + x, width - _ONE)]


@kernel
def _store_tiles(top: int, left: int, size: Any, page: Any, tiles: Any) -> None:
    """Put back what of the tiles lies on the page."""
    height, width = size
    for y in range(min(_SIDE, height - top)):
        row = (top + y) * width
        source = y * _CHUNK
        for number in range(_SIDE):
            first = left + number * _SIDE
            if first + _SIDE <= width:
                for x in range(_SIDE):
                    page[row + first + x] = tiles[source + _SIDE * x + number]
            else:
                for x in range(width - min(first, width)):
                    page[row + first + x] = tiles[source + _SIDE * x + number]


@kernel
def _take(tiles: Any, at: int, step: int) -> tuple[float, ...]:
    """Give 8 values, `step` apart."""
    a, b, c, d = tiles[at], tiles[at + step], tiles[at + _TWO * step], tiles[at + _THREE * step]
    at += _FOUR * step
    return a, b, c, d, tiles[at], tiles[at + step], tiles[at + _TWO * step], tiles[at + _THREE * step]


@kernel
def _put(values: tuple[float, ...], tiles: Any, at: int, step: int) -> None:
    """Write 8 values, `step` apart."""
    for value in values:
        tiles[at] = value
        at += step


@kernel
def _quantise(values: tuple[float, ...], tiles: Any, at: int) -> tuple[float, ...]:
    """Round 8 coefficients of a row to multiples of the quantisation's steps."""
    a, b, c, d, e, f, g, h = values
    to_a, to_b, to_c, to_d, to_e, to_f, to_g, to_h = _take(tiles, at, _SIDE)
    a, b, c, d = a * to_a + _ROUNDER, b * to_b + _ROUNDER, c * to_c + _ROUNDER, d * to_d + _ROUNDER
    e, f, g, h = e * to_e + _ROUNDER, f * to_f + _ROUNDER, g * to_g + _ROUNDER, h * to_h + _ROUNDER
    a, b, c, d, e, f, g, h = (
        a - _ROUNDER, b - _ROUNDER, c - _ROUNDER, d - _ROUNDER,
        e - _ROUNDER, f - _ROUNDER, g - _ROUNDER, h - _ROUNDER,
    )  # fmt: skip
    to_a, to_b, to_c, to_d, to_e, to_f, to_g, to_h = _take(tiles, at + np.uint64(512), _SIDE)
    return a * to_a, b * to_b, c * to_c, d * to_d, e * to_e, f * to_f, g * to_g, h * to_h


@partial(kernel, inline=True)
def _transform(values: tuple[float, ...]) -> tuple[float, ...]:
    """Transform 8 values: Arai, Agui and Nakajima (1988), as in libjpeg's `jfdctflt`."""
    v0, v1, v2, v3, v4, v5, v6, v7 = values
    s0, d0 = v0 + v7, v0 - v7
    s1, d1 = v1 + v6, v1 - v6
    s2, d2 = v2 + v5, v2 - v5
    s3, d3 = v3 + v4, v3 - v4
    e0, e3 = s0 + s3, s0 - s3
    e1, e2 = s1 + s2, s1 - s2
    z1 = (e2 + e3) * _COS_4
    o0, o1, o2 = d3 + d2, d2 + d1, d1 + d0
    z5 = (o0 - o2) * _COS_2
    z2 = o0 * _COS_6 + z5
    z4 = o2 * _COS_8 + z5
    z3 = o1 * _COS_4
    z11, z13 = d0 + z3, d0 - z3
    return e0 + e1, z11 + z4, e3 + z1, z13 - z2, e0 - e1, z13 + z2, e3 - z1, z11 - z4


@partial(kernel, inline=True)
def _transform_back(values: tuple[float, ...]) -> tuple[float, ...]:
    """Undo `_transform`, as in libjpeg's `jidctflt`."""
    v0, v1, v2, v3, v4, v5, v6, v7 = values
    s0, d0 = v0 + v4, v0 - v4
    s1 = v2 + v6
    d1 = (v2 - v6) * _SQRT_2 - s1
    e0, e3 = s0 + s1, s0 - s1
    e1, e2 = d0 + d1, d0 - d1
    z13, z10 = v5 + v3, v5 - v3
    z11, z12 = v1 + v7, v1 - v7
    o7 = z11 + z13
    z5 = (z10 + z12) * _UP_2
    o6 = z5 - z10 * _UP_6 - o7
    o5 = (z11 - z13) * _SQRT_2 - o6
    o4 = z5 - z12 * _UP_4 - o5
    return e0 + o7, e1 + o6, e2 + o5, e3 + o4, e3 - o4, e2 - o5, e1 - o6, e0 - o7
