"""The ink of an item: a digit sampled from its distance field, and strokes."""

from typing import Any

import numpy as np

from number_generator._kernels import fields, line_items, streams, strokes
from number_generator._kernels import vectors as simd
from number_generator._kernels.compile import kernel
from number_generator._kernels.constants import CACHE_LINE, ROUNDER
from number_generator._kernels.draws import block, unit

LANES = 16
"""Px sampled at once, at the most."""
FIXED = 65536.0
_FARTHEST = 1073741824.0  # fits in 32 bits


@kernel
def draw_wave_shape(word: int, period: float) -> tuple[float, float]:
    """Return a wave's frequency, 0.5 to 1 turns per digit height, in turns per px of the page, and its phase."""
    low = np.float64(np.int64(word & np.uint64(0xFFFFFFFF))) / 4294967296.0
    return (0.5 + 0.5 * low) * period, unit(word)


@kernel
def tabulate(out: Any, size: int, begin: float, step: float, bend: float, start: float, rate: float) -> None:
    """Write begin + step * i + bend * sine(start + rate * i), with 16 bits of fraction, for each i.

    In float32 and without a call, so that the loop is vector code. The sine, of an angle in turns, is accurate to 1e-3
    and the same on every machine, unlike those of libraries. Points far outside a field stay outside.
    """
    begin_32, step_32 = np.float32(begin * FIXED), np.float32(step * FIXED)
    far = np.float32(_FARTHEST)
    row = out[:size]
    if bend == 0.0:
        for i in range(row.size):
            row[i] = np.int32(min(max(begin_32 + step_32 * np.float32(i), -far), far))
        return
    bend_32, start_32, rate_32 = np.float32(bend * FIXED), np.float32(start - np.floor(start)), np.float32(rate)
    eight, sixteen = np.float32(8), np.float32(16)
    most, rest = np.float32(0.775), np.float32(0.225)
    for i in range(row.size):
        turns = start_32 + rate_32 * np.float32(i)
        turns -= (turns + ROUNDER) - ROUNDER  # minus the nearest integer
        rough = turns * (eight - sixteen * abs(turns))
        wave = bend_32 * rough * (most + rest * abs(rough))
        row[i] = np.int32(min(max(begin_32 + step_32 * np.float32(i) + wave, -far), far))


@kernel
def _tabulate_ranges(rows: Any, size: int, low: float, high: float, step: float, count: int, out: Any) -> None:
    """Write the first column of each row whose point lies from `low` to `high`, and the one after the last."""
    first, stop, shifts = out[0, :size], out[1, :size], rows[:size]
    last = np.float32(count)
    none = np.float32(0)
    if abs(step) < 1e-3:
        for i in range(first.size):
            first[i] = 0
            stop[i] = count
        return
    if step < 0.0:
        low, high = high, low
    per = np.float32(1.0 / step)
    offset_low, offset_high = np.float32(low / step), np.float32(high / step + 2.0)
    scale = np.float32(1.0 / FIXED)
    for i in range(first.size):
        shift = np.float32(shifts[i]) * scale * per
        first[i] = np.int32(min(max(offset_low - shift, none), last))
        stop[i] = np.int32(min(max(offset_high - shift, none), last))


@kernel
def draw_glyph(
    seed: int, image: int, item: Any, glyphs: Any, following: Any, line: Any, softness: float, shape: Any, scratch: Any,
    cover: Any,
) -> None:  # fmt: skip
    """Sample a glyph's field at each px of the page that its ink may reach, and join the ink by maximum.

    `following` are the first address of the next glyph's field and the one after it: memory takes only so many requests
    at once, so some of it is fetched with each row.
    """
    texels, offsets, sizes, facts, unit_px, _ = glyphs
    height, width = shape
    la, lb, lc, ld, origin_x, origin_y = line
    tables, spare = scratch[4], scratch[5]
    glyph = np.int64(item[line_items.GLYPH])
    across, down = sizes[glyph, 0], sizes[glyph, 1]
    if across == 0:
        return
    fact = facts[glyph]
    padding, density = fact[fields.PADDING], fact[fields.DENSITY]
    ma, mb = la * item[line_items.A] + lb * item[line_items.C], la * item[line_items.B] + lb * item[line_items.D]
    mc, md = lc * item[line_items.A] + ld * item[line_items.C], lc * item[line_items.B] + ld * item[line_items.D]
    determinant = ma * md - mb * mc
    scale = np.sqrt(abs(determinant))  # px of the page per px of the digit dataset
    if scale < 1e-6:
        return
    ia, ib, ic, id_ = md / determinant, -mb / determinant, -mc / determinant, ma / determinant
    x = origin_x + la * item[line_items.X] + lb * item[line_items.Y]
    y = origin_y + lc * item[line_items.X] + ld * item[line_items.Y]

    own_pen = fact[fields.STROKE]
    growth = max(item[line_items.GROWTH], line_items.FAINTEST / scale - own_pen)
    # A field holds distances up to `far` px: a line that is shrunk a lot must not need more.
    far = line_items.field_reach(fact)
    growth = min(growth, line_items.MOST_GROWTH * far)
    softness = min(softness, 2.0 * scale * (far - 0.5 * growth))
    bend = item[line_items.BEND]
    reach = 0.5 * max(growth, 0.0) + bend + 0.5 * softness / scale + 0.25

    low, high = line_items.support(fact, ma, mb)
    base = ma * item[line_items.REF_X] + mb * item[line_items.REF_Y]
    size = np.sqrt(ma * ma + mb * mb) * reach
    left = max(0, np.int64(np.floor(x + low - base - size)))
    right = min(width, np.int64(np.ceil(x + high - base + size)))
    low, high = line_items.support(fact, mc, md)
    base = mc * item[line_items.REF_X] + md * item[line_items.REF_Y]
    size = np.sqrt(mc * mc + md * md) * reach
    top = max(0, np.int64(np.floor(y + low - base - size)))
    bottom = min(height, np.int64(np.ceil(y + high - base + size)))
    if left >= right or top >= bottom:
        return

    # The warp is two waves for each coordinate of the field, one along the page's x and one along its y.
    wide_bend, high_bend = 0.55 * bend * density, 0.45 * bend * density
    period = 1.0 / (scale * unit_px)
    f0, f1, f2, f3, p0, p1, p2, p3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if bend > 0.0:
        slot = np.int64(item[line_items.SLOT])
        w0, w1, w2, w3 = block(seed, image, streams.WARP, line_items.DETAIL + slot)
        f0, p0 = draw_wave_shape(w0, period)
        f1, p1 = draw_wave_shape(w1, period)
        f2, p2 = draw_wave_shape(w2, period)
        f3, p3 = draw_wave_shape(w3, period)
    begin_x, begin_y = left + 0.5 - x, top + 0.5 - y
    begin_u = (item[line_items.REF_X] + padding + ia * begin_x) * density - 0.5
    begin_v = (item[line_items.REF_Y] + padding + ic * begin_x) * density - 0.5
    count, lines = right - left, bottom - top
    u_columns, v_columns, u_rows, v_rows, ranges = tables
    tabulate(u_columns, count, begin_u, ia * density, high_bend, begin_x * f0 + p0, f0)
    tabulate(v_columns, count, begin_v, ic * density, wide_bend, begin_x * f1 + p1, f1)
    tabulate(u_rows, lines, ib * begin_y * density, ib * density, wide_bend, begin_y * f2 + p2, f2)
    tabulate(v_rows, lines, id_ * begin_y * density, id_ * density, high_bend, begin_y * f3 + p3, f3)
    # The reach includes the columns' wave.
    first_u = (fact[fields.X0] - reach + padding) * density - 0.5 - begin_u
    last_u = (fact[fields.X1] + reach + padding) * density - 0.5 - begin_u
    _tabulate_ranges(u_rows, lines, first_u, last_u, ia * density, count, ranges)

    most = ((across - 1) * 65536 - 1, (down - 1) * 65536 - 1)
    # Ink from 0 to 255 at a texel's value t (16 bits of fraction): slope * t + bias
    slope = np.float32(255.0 * scale / (softness * fields.FIELD_SCALE * density * FIXED))
    bias = np.float32(
        0.5 + 255.0 * (0.5 + (0.5 * growth * scale) / softness - 128.0 * scale / (softness * 16.0 * density))
    )
    has_cut = item[line_items.CUT] != 0.0
    # Open a loop before the digit joins the others, so that their ink is not erased.
    sheet = spare if has_cut else cover
    if has_cut:
        for py in range(top, bottom):
            for at in range(py * width + left, py * width + right):
                spare[at] = 0
    target = simd.address(sheet) + top * width + left
    u_table, v_table = simd.address(u_columns), simd.address(v_columns)
    field = simd.address(texels) + offsets[glyph]
    fetched, stop = following
    each = (stop - fetched) // lines + 1
    for i in range(np.uint64(lines)):
        for at in range(fetched, min(fetched + each, stop), CACHE_LINE):
            simd.prefetch(at)
        fetched += each
        shift = (np.int64(u_rows[i]), np.int64(v_rows[i]))
        to = np.int64(ranges[1, i])
        for px in range(np.int64(ranges[0, i]), to, simd.field_lanes()):
            simd.sample_field(
                field, across, u_table + 4 * px, v_table + 4 * px, shift, most, (slope, bias), to - px, target + px
            )
        target += width
    simd.keep(sheet)
    simd.keep(texels)
    simd.keep(u_columns)
    simd.keep(v_columns)

    if has_cut:
        right_of_top = 0.0 if np.int64(item[line_items.CODE]) == 0 else 0.16 * unit_px
        to_x = fact[fields.TOP_X] + right_of_top - item[line_items.REF_X]
        to_y = fact[fields.Y0] + 0.4 * own_pen - item[line_items.REF_Y]
        radius = (0.6 * (own_pen + growth) + 0.04 * unit_px) * scale
        strokes.erase_dot(x + ma * to_x + mb * to_y, y + mc * to_x + md * to_y, radius, softness, shape, spare)
        for py in range(top, bottom):
            for at in range(py * width + left, py * width + right):
                cover[at] = max(cover[at], spare[at])


@kernel
def draw_strokes(item: Any, points: Any, line: Any, softness: float, shape: Any, cover: Any) -> None:
    """Draw an item's own strokes."""
    la, lb, lc, ld, origin_x, origin_y = line
    ma, mb = la * item[line_items.A] + lb * item[line_items.C], la * item[line_items.B] + lb * item[line_items.D]
    mc, md = lc * item[line_items.A] + ld * item[line_items.C], lc * item[line_items.B] + ld * item[line_items.D]
    x = origin_x + la * item[line_items.X] + lb * item[line_items.Y]
    y = origin_y + lc * item[line_items.X] + ld * item[line_items.Y]
    # The smaller scale of a squeezed or stretched line: no stroke grows beyond its extent.
    scale = min(np.sqrt(la * la + lb * lb), np.sqrt(lc * lc + ld * ld))
    radius = 0.5 * max(item[line_items.PEN] * scale, line_items.FAINTEST)
    if line_items.is_point(item):
        radius = max(radius, line_items.LEAST_POINT, 0.5 * softness)
    last_x, last_y = 0.0, 0.0
    for k in range(np.int64(item[line_items.POINTS])):
        at_x = x + ma * points[k, 0] + mb * points[k, 1]
        at_y = y + mc * points[k, 0] + md * points[k, 1]
        if points[k, 2] == 0.0:
            strokes.draw_stroke(last_x, last_y, at_x, at_y, radius, softness, shape, cover)
        last_x, last_y = at_x, at_y
