"""The paper behind handwriting, one page at a time: `draw_paper` fills a page, and `inking` continues from there.

Each feature draws from the streams of its parameters: slot 0 is the value, or whether the line has the feature, and
the details begin at block 1. A feature that is off draws nothing and leaves the page unchanged.
"""

from typing import Any

import numpy as np

from number_generator._kernels import streams
from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import F0, F1, HALF, NIL, ONE, ROUNDER, THREE, TWO, WHITE
from number_generator._kernels.draws import block, happens, line_value, unit
from number_generator._kernels.page import clamp, fill, fraction, rough_wave, table_stride, wave, whole

_FIBRE_AREA = 3584.0  # px per 5 to 25 fibres
_FINEST_WAVE = 2.5  # px of the page, also for dashes: finer ones would be lost between pixels
_SHORTEST_DASH = 2.5


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
    shape : (height, width, px)
        Of the page, in px: at least 4 and 1; and how many px of it are one px of the style, which drawn things are
        measured in.
    ink_box : (left, top, right, bottom)
        Where the ink will be, in px from the page's upper left corner.
    baseline : float
        The line that the digits stand on, in px from the top.
    page : ndarray, flat float32
    scratch : tuple
        See `make_scratch`.
    """
    darkest = draw_blank(seed, image, table, shape, page, scratch)
    print_lines(seed, image, table, shape, ink_box, baseline, darkest, page, scratch)


@kernel
def draw_blank(seed: int, image: int, table: Any, shape: Any, page: Any, scratch: Any) -> float:
    """Fill a page with paper that nothing is printed on; return a level that none of its pixels is below.

    That is less than 0 if pixels may have left the range of levels. The parameters are those of `draw_paper`.
    """
    steps, columns, _, _, _, _, _ = scratch
    size, px = (np.uint64(shape[0]), np.uint64(shape[1])), shape[2]
    height, width = size
    level = line_value(seed, image, table, streams.PAPER) * 255.0
    gradient = line_value(seed, image, table, streams.GRADIENT) * 255.0
    texture = line_value(seed, image, table, streams.TEXTURE) * 255.0
    if gradient <= 0.0 and texture <= 0.0:
        fill(np.float32(level), height * width, page)
    else:
        _draw_ground(seed, image, np.float32(level), gradient, texture, px, size, page, steps, columns)
    darkest = level - gradient - texture
    if happens(seed, image, table, streams.WAVES):
        strength = line_value(seed, image, table, streams.WAVE_STRENGTH) * 255.0
        _draw_waves(seed, image, strength, px, size, page, steps, columns)
        darkest -= 2.0 * strength
    if happens(seed, image, table, streams.FIBRES):
        strength = line_value(seed, image, table, streams.FIBRE_STRENGTH) * 255.0
        _draw_fibres(seed, image, strength, px, size, page)
        darkest = -1.0  # or too bright
    return darkest


@kernel
def print_lines(
    seed: int, image: int, table: Any, shape: Any, ink_box: Any, baseline: float, darkest: float, page: Any,
    scratch: Any,
) -> None:  # fmt: skip
    """Draw the rules and boxes of a line on its paper, and clip its levels; `darkest` is that of `draw_blank`."""
    steps, columns, _, _, _, _, _ = scratch
    size, px = (np.uint64(shape[0]), np.uint64(shape[1])), shape[2]
    height, width = size
    ruled = happens(seed, image, table, streams.RULED)
    boxed = happens(seed, image, table, streams.BOXED)
    if ruled or boxed:
        strength = line_value(seed, image, table, streams.RULE_STRENGTH) * 255.0
        if ruled:
            _draw_rules(seed, image, strength, px, size, ink_box, baseline, page, steps, columns)
        if boxed:
            _draw_box(seed, image, strength, px, size, ink_box, page, steps, columns)
        darkest = -1.0
    if darkest < 0.0:
        clip(height * width, page)


@kernel
def clip(count: int, page: Any) -> None:
    for i in range(count):
        page[i] = clamp(page[i], F0, WHITE)


@kernel
def _draw_ground(
    seed: int, image: int, level: float, gradient: float, texture: float, px: float, size: Any, page: Any, steps: Any,
    columns: Any,
) -> None:  # fmt: skip
    """Fill the page with `level`, minus up to `gradient` towards one side and up to `texture` in smooth blotches.

    The page is a quadratic B-spline of curves along a row, `tall` px apart; a ring buffer holds three of them. Each
    curve is the sum of two waves. The spline preserves a slope.
    """
    height, width = size
    along = np.float32(0.0)
    down = 0.0
    begin = 0.0
    if gradient > 0.0:
        a, _, _, _ = block(seed, image, streams.GRADIENT, ONE)
        turn = np.float32(unit(a))
        to_right = np.float64(wave(turn + np.float32(0.25)))
        to_bottom = np.float64(wave(turn))
        # It adds up to `gradient` from corner to corner in any direction.
        scale = gradient / (abs(to_right) + abs(to_bottom))
        along = np.float32(scale * to_right / np.float64(width))
        down = scale * to_bottom / np.float64(height)
        begin = scale * (max(-to_right, 0.0) + max(-to_bottom, 0.0))
    tall = np.uint64(16)
    phase = NIL
    if texture > 0.0:
        a, _, _, _ = block(seed, image, streams.TEXTURE, ONE)
        tall = np.uint64(px * (4.0 + 8.0 * fraction(a, 0)))
        phase = np.uint64(px * 16.0 * fraction(a, 1)) % tall  # so that the spline starts anywhere
    amount = np.float32(0.5 * texture)
    height_of_cell = np.float64(tall)  # blotches are about as wide as they are high
    stride = table_stride(width)
    drawn = NIL
    for y in range(height):
        cell = (y + phase) // tall
        while drawn < cell + THREE:
            target = drawn % THREE * stride
            middle = height_of_cell * (np.float64(drawn) - 0.5) - np.float64(phase)
            base = np.float32(begin + down * middle)
            if texture > 0.0:
                a, b, _, _ = block(seed, image, streams.TEXTURE, TWO + drawn)
                each = np.float32(1.0 / (height_of_cell * (4.0 + 6.0 * fraction(a, 0))))
                each_fine = np.float32(1.0 / (height_of_cell * (2.0 + 2.0 * fraction(a, 1))))
                share = np.float32(0.3 + 0.4 * fraction(a, 2))
                coarse = amount * share
                fine = amount - coarse
                base += amount
                at = np.float32(fraction(b, 0))
                at_fine = np.float32(fraction(b, 1))
                for x in range(width):
                    blotch = coarse * rough_wave(at + each * steps[x])
                    blotch += fine * rough_wave(at_fine + each_fine * steps[x])
                    columns[target + x] = base + along * steps[x] + blotch
            else:
                for x in range(width):
                    columns[target + x] = base + along * steps[x]
            drawn += ONE
        share = np.float32(np.float64(y + phase - cell * tall) / height_of_cell)
        w0 = HALF * (F1 - share) * (F1 - share)
        w1 = HALF + share - share * share
        w2 = HALF * share * share
        row_0 = cell % THREE * stride
        row_1 = (cell + ONE) % THREE * stride
        row_2 = (cell + TWO) % THREE * stride
        start = y * width
        for x in range(width):
            page[start + x] = level - (w0 * columns[row_0 + x] + w1 * columns[row_1 + x] + w2 * columns[row_2 + x])


@kernel
def _draw_waves(
    seed: int, image: int, strength: float, px: float, size: Any, page: Any, steps: Any, columns: Any
) -> None:
    """Draw one to three families of fine wavy lines; the second is sometimes the mirror image of the first.

    A family's phase, in turns, is the sum of a value per column and a value per row. Both bend: lines move up and down
    along a row, and left and right along a column.
    """
    height, width = size
    a, _, _, _ = block(seed, image, streams.WAVES, ONE)
    kind = fraction(a, 0)
    families = 1 if kind < 0.35 else 2 if kind < 0.8 else 3
    mirrored = fraction(a, 1) < 0.6
    thin = fraction(a, 2) < 0.5
    # Families add up where they meet, and soft ones meet everywhere.
    root = np.float32(np.sqrt(strength / ((0.7 if thin else 0.5) + (0.3 if thin else 0.5) * families)))
    for family in range(families):
        copied = mirrored and family == 1
        # Each family has its own block; a mirror image uses that of the first.
        a, b, c, _ = block(seed, image, streams.WAVES, TWO if copied else TWO + np.uint64(family))
        share = fraction(a, 0) * fraction(a, 0)
        period = 5.0 + 11.0 * share if thin else 3.0 + 17.0 * share
        # A line's darkness falls off as a parabola, within 1.2 to 1.8 px or all the way to the next line.
        fall = root * np.float32(period / (1.2 + 0.6 * fraction(c, 0)) if thin else 1.7)
        turn = np.float32(0.5 * fraction(a, 1))
        turn = -turn if copied else turn
        period = max(period * px, _FINEST_WAVE)
        length = px * (16.0 + 64.0 * fraction(a, 2))
        tall = px * (16.0 + 48.0 * fraction(b, 0))
        across = np.float32(1.0 / period) * wave(turn + np.float32(0.25))
        down = np.float32(1.0 / period) * wave(turn)
        lift = down * np.float32(length * (0.02 + 0.12 * fraction(a, 3)))
        push = across * np.float32(tall * (0.02 + 0.12 * fraction(b, 1)))
        each = np.float32(1.0 / length)
        each_row = np.float32(1.0 / tall)
        begin = np.float32(fraction(b, 3) + (0.5 if copied else 0.0))
        begin_row = np.float32(fraction(c, 1))
        shift = np.float32(fraction(b, 2))
        for x in range(width):
            columns[x] = across * steps[x] + lift * wave(each * steps[x] + begin)
        for y in range(height):
            base = shift + down * steps[y] + push * wave(each_row * steps[y] + begin_row)
            start = y * width
            for x in range(width):
                phase = base + columns[x]
                line = root - fall * abs(phase - ((phase + ROUNDER) - ROUNDER))
                line = line if line > F0 else F0
                page[start + x] -= line * line


@kernel
def _draw_fibres(seed: int, image: int, strength: float, px: float, size: Any, page: Any) -> None:
    """Draw short curved fibres, most of them darker than the paper and the others brighter."""
    height, width = size
    a, _, _, _ = block(seed, image, streams.FIBRES, ONE)
    area = np.float64(height * width)
    count = 1 + np.int64((5.0 + 20.0 * unit(a)) * area / (_FIBRE_AREA * px * px))
    for fibre in range(count):
        b, c, d, _ = block(seed, image, streams.FIBRES, TWO + np.uint64(fibre))
        x = unit(b) * np.float64(width)
        y = unit(c) * np.float64(height)
        turn = fraction(d, 0)
        along = 0.6 * px * np.float64(wave(np.float32(turn + 0.25)))
        down = 0.6 * px * np.float64(wave(np.float32(turn)))
        bend = 0.12 * (fraction(d, 1) - 0.5)
        length = 7 + np.int64(21.0 * fraction(d, 2))  # steps of 0.6 px of the style
        kind = fraction(d, 3)
        amount = strength * (0.5 + 0.5 * kind) * (1.0 if kind < 0.7 else -0.8) * 0.6
        for _ in range(length):
            _add_dot(x - 0.5, y - 0.5, max(px, 1.0), amount, size, page)
            x += along
            y += down
            along, down = along - bend * down, down + bend * along


@kernel
def _add_dot(x: float, y: float, radius: float, amount: float, size: Any, page: Any) -> None:
    """Darken the pixels within `radius` of a point on either axis, by `amount` there and less away from it.

    Within 1 px the four pixels around the point divide the amount by bilinear weights.
    """
    height, width = size
    left, top = np.floor(x), np.floor(y)
    if radius == 1.0 and min(left, top) >= 0.0 and left < np.float64(width) - 1.0 and top < np.float64(height) - 1.0:
        at = np.uint64(np.int64(top)) * width + np.uint64(np.int64(left))
        near, far = 1.0 - (x - left), 1.0 - (left + 1.0 - x)
        upper, lower = 1.0 - (y - top), 1.0 - (top + 1.0 - y)
        page[at] -= np.float32(amount * (near * upper))
        page[at + ONE] -= np.float32(amount * (far * upper))
        page[at + width] -= np.float32(amount * (near * lower))
        page[at + width + ONE] -= np.float32(amount * (far * lower))
        return
    for at_y in range(whole(y - radius + 1.0, height), whole(y + radius + 1.0, height)):
        share = 1.0 - abs(np.float64(at_y) - y) / radius
        for at_x in range(whole(x - radius + 1.0, width), whole(x + radius + 1.0, width)):
            weight = (1.0 - abs(np.float64(at_x) - x) / radius) * share
            page[at_y * width + at_x] -= np.float32(amount * weight)


@kernel
def _draw_rules(
    seed: int, image: int, strength: float, px: float, size: Any, ink_box: Any, baseline: float, page: Any, steps: Any,
    columns: Any,
) -> None:  # fmt: skip
    """Draw a rule near the baseline, and sometimes another above the digits."""
    height, width = size
    a, b, c, _ = block(seed, image, streams.RULED, ONE)
    tall = max(ink_box[3] - ink_box[1], 4.0)
    slope = 0.03 * (fraction(a, 0) - 0.5)
    thickness = px * (0.5 + 1.5 * fraction(a, 1) * fraction(a, 1))
    middle = 0.5 * (ink_box[0] + ink_box[2])
    level = _move_inside(baseline + tall * (-0.04 + 0.2 * fraction(a, 2)), height)
    kind = fraction(a, 3)
    period, share = 1.0, 1.0
    if kind >= 0.75:
        period, share = max(px * (2.5 + 3.5 * fraction(b, 0)), _SHORTEST_DASH), 0.45
    elif kind >= 0.55:
        period, share = px * (6.0 + 14.0 * fraction(b, 0)), 0.5 + 0.3 * fraction(b, 1)
    _write_dashes(period, share, fraction(b, 2), width, steps, columns)
    _draw_row(level - slope * middle, slope, thickness, strength, size, page, steps, columns)
    if fraction(b, 3) < 0.35:
        above = level - tall * (0.85 + 0.5 * fraction(c, 0))
        _draw_row(above - slope * middle, slope, thickness, strength, size, page, steps, columns)


@kernel
def _write_dashes(period: float, share: float, shift: float, width: int, steps: Any, columns: Any) -> None:
    """Write the first table of columns: 1 on a dash and 0 between dashes; with `share` 1 there are no gaps."""
    each = np.float32(1.0 / period)
    begin = np.float32(shift)
    length = np.float32(period)
    half = np.float32(0.5 * share * period + 0.5)
    for x in range(width):
        turns = each * steps[x] + begin
        value = half - length * abs(turns - ((turns + ROUNDER) - ROUNDER))
        columns[x] = clamp(value, F0, F1)


@kernel
def _draw_row(
    level: float, slope: float, thickness: float, strength: float, size: Any, page: Any, steps: Any, columns: Any
) -> None:
    """Draw a line from left to right, masked by the first table of columns; at column 0 it is at row `level`."""
    height, width = size
    end = level + slope * np.float64(width)
    first = whole(min(level, end) - 0.5 * thickness - 1.0, height)
    last = whole(max(level, end) + 0.5 * thickness + 2.0, height)
    reach = np.float32(0.5 * thickness + 0.5)
    most = np.float32(min(thickness, 1.0))
    rise = np.float32(slope)
    dark = np.float32(strength)
    for y in range(first, last):
        above = np.float32(level - np.float64(y) - 0.5)
        start = y * width
        for x in range(width):
            value = clamp(reach - abs(above + rise * steps[x]), F0, most)
            page[start + x] -= dark * value * columns[x]


@kernel
def _draw_column(
    place: float, slope: float, thickness: float, strength: float, top: float, bottom: float, size: Any, page: Any
) -> None:
    """Draw a line from row `top` to row `bottom`; at row 0 it is at column `place`."""
    height, width = size
    most = min(thickness, 1.0)
    for y in range(whole(top, height), whole(bottom + 0.5, height)):
        middle = place + slope * (np.float64(y) + 0.5)
        first = whole(middle - 0.5 * thickness - 0.5, width)
        last = whole(middle + 0.5 * thickness + 1.5, width)
        for x in range(first, last):
            value = 0.5 * thickness + 0.5 - abs(np.float64(x) + 0.5 - middle)
            page[y * width + x] -= np.float32(strength * min(max(value, 0.0), most))


@kernel
def _draw_box(
    seed: int, image: int, strength: float, px: float, size: Any, ink_box: Any, page: Any, steps: Any, columns: Any
) -> None:
    """Draw one to four sides of a box around the ink, and sometimes dividers between single digits."""
    height, width = size
    a, b, c, d = block(seed, image, streams.BOXED, ONE)
    left, top, right, bottom = ink_box
    tall = max(bottom - top, 4.0)
    sides = 1 + np.int64(15.0 * fraction(a, 0))
    slope = 0.02 * (fraction(a, 1) - 0.5)
    thickness = px * (0.7 + 1.5 * fraction(a, 2))
    rows = np.float64(height)
    cols = np.float64(width)
    if fraction(a, 3) < 0.25:  # the page is cut out along the box
        top, bottom = 1.5 * px * fraction(b, 0), rows - 1.5 * px * fraction(b, 1)
        left, right = 1.5 * px * fraction(b, 2), cols - 1.5 * px * fraction(b, 3)
    else:
        top -= tall * (-0.06 + 0.3 * fraction(b, 0))
        bottom += tall * (-0.04 + 0.3 * fraction(b, 1))
        left -= tall * (0.02 + 0.5 * fraction(b, 2))
        right += tall * (0.02 + 0.5 * fraction(b, 3))
    # Move a side beyond the page to its edge, so that the box is visible.
    top, bottom = _move_inside(top, height), _move_inside(bottom, height)
    left, right = _move_inside(left, width), _move_inside(right, width)
    has_left, has_right = sides & 4 != 0, sides & 8 != 0
    begin = np.float32(left if has_left else -1.0)
    end = np.float32(right if has_right else cols + 1.0)
    for x in range(width):
        value = min(steps[x] + F1 - begin, end - steps[x])
        columns[x] = clamp(value, F0, F1)
    middle = slope * 0.5 * (left + right)
    if sides & 1 != 0:
        _draw_row(top - middle, slope, thickness, strength, size, page, steps, columns)
    if sides & 2 != 0:
        _draw_row(bottom - middle, slope, thickness, strength, size, page, steps, columns)
    # Columns end at the rows' lines: they would be darker where two overlap.
    above = top + 0.5 * thickness if sides & 1 != 0 else 0.0
    below = bottom - 0.5 * thickness if sides & 2 != 0 else rows
    lean = -slope * 0.5 * (top + bottom)
    if has_left:
        _draw_column(left - lean, -slope, thickness, strength, above, below, size, page)
    if has_right:
        _draw_column(right - lean, -slope, thickness, strength, above, below, size, page)
    if fraction(c, 0) < 0.3:
        step = max(tall * (0.5 + 0.6 * fraction(c, 1)), 3.0)
        # Most are short and the others faint, so that they do not look like ones.
        whole = fraction(c, 2) < 0.25
        above = above if whole else below - tall * (0.12 + 0.3 * fraction(c, 3))
        amount = 0.6 * strength if whole else strength
        place = left + step * (0.7 + 0.6 * fraction(d, 0))
        while place < right - 0.4 * step:
            _draw_column(place - lean, -slope, 0.8 * thickness, amount, above, below, size, page)
            place += step


@kernel
def _move_inside(value: float, size: int) -> float:
    """Move a coordinate to at least half a pixel inside the page."""
    return min(max(value, 0.5), np.float64(size) - 0.5)


@kernel
def pad(seed: int, image: int, size: Any, ink_box: Any, page: Any) -> None:
    """Make the page flat beyond the margins: mostly about as bright as the paper, else white."""
    height, width = size
    a, b, _, _ = block(seed, image, streams.PADDING, ONE)
    rows = np.float64(height)
    first = whole(ink_box[0] - 0.3 * rows * fraction(a, 0), width)
    last = whole(ink_box[2] + 0.3 * rows * fraction(a, 1) + 1.0, width)
    level = WHITE
    if fraction(a, 2) < 0.75:
        # The mean of 61 pixels is enough, and a prime number avoids the paper's periods.
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
