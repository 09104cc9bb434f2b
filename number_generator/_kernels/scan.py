"""The traces that a scanner leaves on a page: spots, blur, noise, JPEG compression, contrast.

Features draw as those of `paper` do.
"""

from functools import partial
from typing import Any

import numpy as np

from number_generator._kernels import streams
from number_generator._kernels import vectors as simd
from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import F0, F1, FOUR, LOW_16, NIL, ONE, ROUNDER, THREE, TWO, WHITE
from number_generator._kernels.draws import block, happens, line_value, unit
from number_generator._kernels.page import clamp, fill, fill_blocks, fraction, round_page, whole

_VECTOR = 16  # pixels
_LEAD = np.uint64(32)  # values before a page, as many as the farthest neighbour is away
_CHUNK = np.uint64(64)  # columns that JPEG takes at once
_SIDE = np.uint64(8)  # px of a JPEG block
_TILES = np.uint64(512)  # values of a chunk
_SIXTEEN = np.uint64(16)
_AREA = 1000.0  # px: the unit that `speckle` counts spots in
_SEVERAL = 3.2  # the variance of five passes of the blur; 1.5 px, a style's most, need four
_LEAST_SPECK = 0.4  # px: radius
_DARK_SPECKS = 0.6  # share of the spots
NOWHERE = (0.0, 0.0, 0.0, 0.0)
_SD_OF_THREE = 127.998  # of the sum of three uniform bytes
_MEAN_OF_THREE = np.float32(382.5)
_MIDDLE = np.float32(128.0)

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
# Scales that the transform of Arai, Agui and Nakajima leaves to the quantisation: 1, then cos(k pi / 16) * sqrt(2).
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


@kernel
def scan_page(
    seed: int, image: int, table: Any, shape: Any, clear: Any, page: Any, out: Any, offset: int, scratch: Any
) -> None:
    """Turn a page into a scanner's bytes: spots, blur, noise, compression and contrast, in this order.

    Parameters
    ----------
    seed, image, table, shape, scratch
        See `draw_paper`.
    clear : (left, top, right, bottom)
        Where no spot may read as a dot, in px from the page's upper left corner; `NOWHERE` for none.
    page : ndarray, flat float32
        Overwritten.
    out : ndarray, flat uint8
        Receives the bytes from `offset` on.
    """
    size = np.uint64(shape[0]), np.uint64(shape[1])
    degrade_page(seed, image, table, shape, clear, page, scratch)
    gain, shift = find_contrast(seed, image, table, size, page, scratch)
    round_page(gain, shift, size[0] * size[1], page, out, np.uint64(offset))


@kernel
def find_clear(box: Any, is_pointed: bool) -> tuple[float, float, float, float]:
    """Return where no spot may read as a dot, from the box of a line's ink and whether its label can hold any."""
    if not is_pointed:
        return NOWHERE
    tall = box[3] - box[1]
    # A dot stands in the lower half of its line, and before or after it.
    return box[0] - 0.7 * tall, box[1] + 0.4 * tall, box[2] + 0.7 * tall, box[3] + 0.3 * tall


@kernel
def degrade_page(seed: int, image: int, table: Any, shape: Any, clear: Any, page: Any, scratch: Any) -> None:
    """Add all but contrast: spots, blur, noise and compression."""
    size, px = (np.uint64(shape[0]), np.uint64(shape[1])), shape[2]
    _, _, second, _, words, levels, tiles = scratch
    speckle = line_value(seed, image, table, streams.SPECKLE)
    if speckle > 0.0:
        _draw_specks(seed, image, speckle, px, size, clear, page)
    blur = line_value(seed, image, table, streams.BLUR) * px
    if blur > 0.1:  # below, a neighbour's weight is less than 1e-21
        _blur(blur, size, page, second)
    noise = line_value(seed, image, table, streams.NOISE)
    if noise > 0.0:
        _add_noise(seed, image, noise * 255.0, size, page, words, levels)
    if happens(seed, image, table, streams.JPEG):
        _compress(line_value(seed, image, table, streams.JPEG_QUALITY), size, page, tiles)


@kernel
def find_contrast(seed: int, image: int, table: Any, size: Any, page: Any, scratch: Any) -> tuple[float, float]:
    """Return the factor and the shift that a page's levels are to be given, for contrast and inversion."""
    gain = F1
    shift = F0
    if happens(seed, image, table, streams.AUTO_LEVELS):
        gain, shift = _stretch(seed, image, size, page, scratch[1])
    if happens(seed, image, table, streams.INVERT):
        gain = -gain
        shift = WHITE - shift
    return gain, shift


@kernel
def _draw_specks(seed: int, image: int, rate: float, px: float, size: Any, clear: Any, page: Any) -> None:
    """Draw dark and bright spots, on average `rate` per 1,000 px of a style; dark ones are small and faint in `clear`.

    Such a px is `px` px of the page.
    """
    height, width = size
    a, _, _, _ = block(seed, image, streams.SPECKLE, ONE)
    edge = max(px, 1.0)
    mean = rate * np.float64(height) * np.float64(width) / (_AREA * px * px)
    for speck in range(np.int64(mean + unit(a))):
        b, c, d, _ = block(seed, image, streams.SPECKLE, TWO + np.uint64(speck))
        middle_x = unit(b) * np.float64(width)
        middle_y = unit(c) * np.float64(height)
        radius = (_LEAST_SPECK + 0.9 * fraction(d, 0)) * px
        level = 255.0 * (0.35 * fraction(d, 1) if fraction(d, 2) < _DARK_SPECKS else 0.85 + 0.15 * fraction(d, 1))
        opaque = 0.4 + 0.6 * fraction(d, 3)
        is_inside = clear[0] < middle_x < clear[2] and clear[1] < middle_y < clear[3]
        if is_inside and fraction(d, 2) < _DARK_SPECKS:
            radius, opaque = _LEAST_SPECK * px, 0.35 * opaque
        reach = radius + 0.5 * edge
        for y in range(whole(middle_y - reach, height), whole(middle_y + reach + 1.0, height)):
            for x in range(whole(middle_x - reach, width), whole(middle_x + reach + 1.0, width)):
                away_x = np.float64(x) + 0.5 - middle_x
                away_y = np.float64(y) + 0.5 - middle_y
                away = np.sqrt(away_x * away_x + away_y * away_y)
                share = min(max((reach - away) / edge, 0.0), 1.0) * opaque
                at = y * width + x
                page[at] += np.float32(share) * (np.float32(level) - page[at])


@kernel
def _blur(deviation: float, size: Any, page: Any, second: Any) -> None:
    """Blur the page by a Gaussian with a standard deviation in px; edge pixels repeat beyond the page.

    Each pass uses two neighbours on either side, which is enough up to 0.8 px. More takes several passes, as variances
    add up, and comes out up to 3 % too narrow. If that would take more than five, as on high pages, the neighbours of
    each pass are twice as far away as those of the one before. A pass takes many rows in one loop, since starting a
    loop costs as much as a row; errors of the horizontal pass at the ends of rows are fixed afterwards.
    """
    height, width = size
    last = height - ONE
    variance = deviation * deviation  # in squared steps
    passes = 1 + np.int64(variance / 0.6401)
    done = np.int64(0)
    step = ONE
    while done < passes:
        widens = variance > _SEVERAL
        ratio = _decay(min(0.5 / 0.64 if widens else 0.5 * passes / variance, 64.0))
        far = ratio * ratio * ratio * ratio
        total = 1.0 + 2.0 * (ratio + far)
        w0 = np.float32(1.0 / total)
        w1 = np.float32(ratio / total)
        w2 = np.float32(far / total)
        far_step = step + step
        y = NIL
        while y < height:
            # One loop does all rows that have two neighbours above and below.
            rows = height - TWO * far_step if y == far_step and height > TWO * far_step else ONE
            above = (y - far_step if y >= far_step else NIL) * width
            near_above = (y - step if y >= step else NIL) * width
            near_below = min(y + step, last) * width
            below = min(y + far_step, last) * width
            row = y * width
            for i in range(rows * width):
                near = w0 * page[row + i] + w1 * (page[near_above + i] + page[near_below + i])
                second[_LEAD + row + i] = near + w2 * (page[above + i] + page[below + i])
            y += rows
        left, far_left = _LEAD - step, _LEAD - far_step
        right, far_right = _LEAD + step, _LEAD + far_step
        for i in range(height * width):
            near = w0 * second[_LEAD + i] + w1 * (second[left + i] + second[right + i])
            page[i] = near + w2 * (second[far_left + i] + second[far_right + i])
        end = width - ONE
        wrong = min(width, TWO * far_step)
        for y in range(height):
            row = y * width
            at = row + _LEAD
            if step == ONE and width >= FOUR:
                _blur_ends((w0, w1, w2), second, at, at + end, page, row)
                continue
            for number in range(wrong):
                x = number if number < far_step else width + number - wrong
                near = second[at + (x - step if x >= step else NIL)] + second[at + min(x + step, end)]
                outer = second[at + (x - far_step if x >= far_step else NIL)] + second[at + min(x + far_step, end)]
                page[row + x] = w0 * second[at + x] + w1 * near + w2 * outer
        if widens:
            variance = 0.25 * (variance - 0.64)
            passes = 1 + np.int64(variance / 0.6401)
            step = far_step
        else:
            done += 1


@kernel
def _blur_ends(weights: Any, second: Any, first: int, last: int, page: Any, row: int) -> None:
    """Blur the first two pixels of a row and the last two as `_blur` does; `first` and `last` are their places."""
    w0, w1, w2 = weights
    a, b, c, d = second[first], second[first + ONE], second[first + TWO], second[first + THREE]
    page[row] = w0 * a + w1 * (a + b) + w2 * (a + c)
    page[row + ONE] = w0 * b + w1 * (a + c) + w2 * (a + d)
    a, b, c, d = second[last], second[last - ONE], second[last - TWO], second[last - THREE]
    row += last - first
    page[row - ONE] = w0 * b + w1 * (c + a) + w2 * (d + a)
    page[row] = w0 * a + w1 * (b + a) + w2 * (c + a)


@kernel
def _decay(amount: float) -> float:
    """Return approximately exp(-`amount`) in float64, for amounts from 0 to 64."""
    small = -amount / 1024.0
    value = 1.0 + small * (1.0 + small * (0.5 + small * (1.0 / 6.0 + small / 24.0)))
    for _ in range(10):
        value = value * value
    return value


@kernel
def _add_noise(seed: int, image: int, deviation: float, size: Any, page: Any, words: Any, levels: Any) -> None:
    """Add noise with a standard deviation: the sum of three bytes for each pixel.

    In half of the lines two of the bytes are adjacent, so that neighbouring pixels are alike, as a scanner's are.
    Drawing three bytes for each pixel would take longer than everything else. So each row reads from three random
    places of a pool, a little more than an eighth of the page: pixels share bytes only by chance, without a pattern.
    """
    height, width = size
    a, _, _, _ = block(seed, image, streams.NOISE, ONE)
    alike = a >> np.uint64(63) != NIL
    places = height * width // _SIDE + np.uint64(256)
    fill_blocks(seed, image, streams.NOISE, TWO, NIL, places + width + ONE, words)
    scale = np.float32(deviation / _SD_OF_THREE)
    for y in range(height):
        # The pool's own words choose the places.
        word = words[y % (places >> THREE)]
        start = y * width
        first = (word & LOW_16) * places >> _SIXTEEN
        second = first + ONE if alike else (word >> _SIXTEEN & LOW_16) * places >> _SIXTEEN
        third = (word >> np.uint64(32) & LOW_16) * places >> _SIXTEEN
        for x in range(width):
            total = np.int32(levels[first + x]) + np.int32(levels[second + x]) + np.int32(levels[third + x])
            page[start + x] += scale * (np.float32(total) - _MEAN_OF_THREE)


@kernel
def _stretch(seed: int, image: int, size: Any, page: Any, columns: Any) -> tuple[float, float]:
    """Return the gain and shift that bring the darkest level to about 0 and the brightest to 255.

    A level counts if two pixels, one above the other, reach it: a single pixel may be noise, and ink is wider.
    """
    row = np.int64(size[1])
    count = np.int64(size[0]) * row - row
    low, high = WHITE, F0
    if count < _VECTOR:
        for i in range(np.uint64(count)):
            above, below = page[i], page[i + size[1]]
            low, high = min(low, max(above, below)), max(high, min(above, below))
    else:
        fill(low, _SIXTEEN, columns)
        at = simd.address(columns)
        lows = simd.load_floats(at)
        fill(high, _SIXTEEN, columns)
        highs = simd.load_floats(at)
        for first in range(0, count, _VECTOR):
            # The last vector ends with the last pixel; taking some twice changes nothing.
            at = simd.address(page) + 4 * min(first, count - _VECTOR)
            above, below = simd.load_floats(at), simd.load_floats(at + 4 * row)
            lows = simd.lesser(lows, simd.greater(above, below))
            highs = simd.greater(highs, simd.lesser(above, below))
        at = simd.address(columns)
        simd.store_floats(lows, at)
        simd.store_floats(highs, at + 4 * _VECTOR)
        for i in range(_SIXTEEN):
            low, high = min(low, columns[i]), max(high, columns[i + _SIXTEEN])
        simd.keep(page)
        simd.keep(columns)
    a, _, _, _ = block(seed, image, streams.AUTO_LEVELS, ONE)
    target = np.float32(12.0 * unit(a) * unit(a))
    # Do not turn an empty page into pure noise.
    gain = (WHITE - target) / max(high - low, np.float32(40.0))
    return gain, WHITE - gain * high


# JPEG


@kernel
def _compress(quality: float, size: Any, page: Any, tiles: Any) -> None:
    """Compress the page as JPEG does: quantise the cosine transform of each 8 x 8 block.

    Eight adjacent blocks are transformed at once. Pixel (x, y) of block b is at 64 * y + 8 * x + b of `tiles`, so that
    neighbouring values form a vector in the transforms of columns and of rows.
    """
    height, width = size
    _prepare_quantisation(quality, tiles)
    _round_levels(F0, -_MIDDLE, height * width, page)
    for top in range(NIL, height, _SIDE):
        for left in range(NIL, width, _CHUNK):
            _load_tiles(top, left, size, page, tiles)
            for i in range(_CHUNK):
                _put(_transform(_take(tiles, i, _CHUNK)), tiles, i, _CHUNK)
            for y in range(_SIDE):
                row = y * _CHUNK
                steps = _TILES + row
                for number in range(_SIDE):
                    values = _quantise(_transform(_take(tiles, row + number, _SIDE)), tiles, steps + number)
                    _put(_transform_back(values), tiles, row + number, _SIDE)
            for i in range(_CHUNK):
                _put(_transform_back(_take(tiles, i, _CHUNK)), tiles, i, _CHUNK)
            _store_tiles(top, left, size, page, tiles)
    _round_levels(_MIDDLE, F0, height * width, page)


@kernel
def _prepare_quantisation(quality: float, tiles: Any) -> None:
    """Write 512 factors in the order of the tiles, and the 512 factors that undo them."""
    number = np.int64(quality + 0.5)
    percent = 5000 // number if number < 50 else 200 - 2 * number  # as libjpeg does
    for i in range(np.uint64(64)):
        step = np.float64(min(max((_LUMINANCE[i] * percent + 50) // 100, 1), 255))
        scale = step * _COSINES[i >> THREE] * _COSINES[i & np.uint64(7)]
        for number in range(_SIDE):
            at = _TILES + _SIDE * i + number
            tiles[at] = np.float32(0.125 / scale)
            tiles[at + _TILES] = np.float32(0.125 * scale)


@kernel
def _round_levels(before: float, after: float, count: int, page: Any) -> None:
    """Add `before`, clip and round to integer levels, and add `after`."""
    for i in range(count):
        page[i] = ((clamp(page[i] + before, F0, WHITE) + ROUNDER) - ROUNDER) + after


@kernel
def _load_tiles(top: int, left: int, size: Any, page: Any, tiles: Any) -> None:
    """Load 8 rows of 64 px; edge pixels repeat beyond the page."""
    height, width = size
    for y in range(_SIDE):
        row = min(top + y, height - ONE) * width
        target = y * _CHUNK
        if left + _CHUNK <= width:
            simd.transpose_floats(_find(page, row + left), _find(tiles, target))
            continue
        for number in range(_SIDE):
            first = left + number * _SIDE
            if first + _SIDE <= width:
                for x in range(_SIDE):
                    tiles[target + _SIDE * x + number] = page[row + first + x]
            else:
                for x in range(_SIDE):
                    tiles[target + _SIDE * x + number] = page[row + min(first + x, width - ONE)]
    simd.keep(page)
    simd.keep(tiles)


@kernel
def _store_tiles(top: int, left: int, size: Any, page: Any, tiles: Any) -> None:
    """Store the part of the tiles that lies on the page."""
    height, width = size
    for y in range(min(_SIDE, height - top)):
        row = (top + y) * width
        source = y * _CHUNK
        if left + _CHUNK <= width:
            simd.transpose_floats(_find(tiles, source), _find(page, row + left))
            continue
        for number in range(_SIDE):
            first = left + number * _SIDE
            if first + _SIDE <= width:
                for x in range(_SIDE):
                    page[row + first + x] = tiles[source + _SIDE * x + number]
            else:
                for x in range(width - min(first, width)):
                    page[row + first + x] = tiles[source + _SIDE * x + number]
    simd.keep(page)
    simd.keep(tiles)


@kernel
def _find(values: Any, at: int) -> int:
    """Return the address of a float32."""
    return simd.address(values) + 4 * np.int64(at)


@kernel
def _take(tiles: Any, at: int, step: int) -> tuple[float, ...]:
    """Return 8 values, `step` apart."""
    a, b, c, d = tiles[at], tiles[at + step], tiles[at + TWO * step], tiles[at + THREE * step]
    at += FOUR * step
    return a, b, c, d, tiles[at], tiles[at + step], tiles[at + TWO * step], tiles[at + THREE * step]


@kernel
def _put(values: tuple[float, ...], tiles: Any, at: int, step: int) -> None:
    """Write 8 values, `step` apart."""
    for value in values:
        tiles[at] = value
        at += step


@kernel
def _quantise(values: tuple[float, ...], tiles: Any, at: int) -> tuple[float, ...]:
    """Round 8 coefficients of a row to multiples of the quantisation steps."""
    a, b, c, d, e, f, g, h = values
    to_a, to_b, to_c, to_d, to_e, to_f, to_g, to_h = _take(tiles, at, _SIDE)
    a, b, c, d = a * to_a + ROUNDER, b * to_b + ROUNDER, c * to_c + ROUNDER, d * to_d + ROUNDER
    e, f, g, h = e * to_e + ROUNDER, f * to_f + ROUNDER, g * to_g + ROUNDER, h * to_h + ROUNDER
    a, b, c, d, e, f, g, h = (
        a - ROUNDER, b - ROUNDER, c - ROUNDER, d - ROUNDER,
        e - ROUNDER, f - ROUNDER, g - ROUNDER, h - ROUNDER,
    )  # fmt: skip
    to_a, to_b, to_c, to_d, to_e, to_f, to_g, to_h = _take(tiles, at + _TILES, _SIDE)
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
