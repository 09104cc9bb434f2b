"""Real lines, varied anew for each image: from their ink as it was scanned to ink on a page.

A line is moved, scaled, slanted, turned and smoothly deformed in one step, by sampling it at each px of the page, and
its strokes are made wider or narrower on the page. Paper, noise and the rest follow as for drawn lines (see `styled`).
"""

from typing import Any

import numpy as np

from number_generator._kernels import streams
from number_generator._kernels import vectors as simd
from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import NIL, ONE
from number_generator._kernels.drawing import FIXED, LANES, draw_wave_shape, tabulate
from number_generator._kernels.draws import block, line_value, line_value_2

FRAME = 2
"""Texels without ink around a line: sampling reads up to two beside a point that is not on it."""
_TURN = 0.017453292519943295  # of a degree, in radians
_ROOM = 0.5  # px: to each border
_AS_IT_IS = np.float32(1.0 / FIXED), np.float32(0.5)  # ink at a texel's value
_MORE_WARP = 1.5  # a squeezed line is bent farther in one direction


def make_scratch(height: int, width: int) -> Any:
    """Make scratch memory for pages of a height, up to a width: tables of columns and of rows, and two pages."""
    return (
        np.empty((2, width + LANES), np.int32),
        np.empty((2, height + LANES), np.int32),
        np.empty(height * width, np.uint8),
        np.empty(height * width, np.uint8),
    )


@entry_kernel
def vary_lines(
    seed: int, numbers: Any, table: Any, held: Any, density: float, lines: Any, height: int, widths: Any, scratch: Any,
    pages: Any, told: Any,
) -> None:  # fmt: skip
    """Draw the ink of real lines on pages, each varied as the image of its number.

    Parameters
    ----------
    seed : uint64
    numbers : ndarray, shape (n,), uint64
    table : ndarray, shape (TABLE_ROWS, ROW_SIZE), float64
        How much lines are varied, as `draws` reads it.
    held : (ndarray, ndarray, ndarray, ndarray)
        The lines, as `LineSet` holds them: `texels`, `starts`, `sizes`, `inks`. Three bytes more are read.
    density : float
        Texels per px of the page, for a line that is not scaled.
    lines : ndarray, shape (n,), int64
        Which of them each image is.
    height : int
        Of the pages, in px.
    widths : ndarray, shape (n,), int64
    scratch : tuple
        See `make_scratch`.
    pages : ndarray, shape (n * values + `LANES`,), uint8
        Receives the ink, 0 to 255: each page's `height * widths[i]` bytes are the first of its values. The last ones of
        all are spare.
    told : ndarray, shape (n, LINE_COLUMNS), float64
        Receives the box of the ink on each page in px, and the height of its lower edge again, as `write_lines` tells
        the baseline.
    """
    texels, starts, sizes, inks = held
    values = (pages.size - LANES) // max(numbers.size, 1)
    for i in range(numbers.size):  # in order: a page's last lanes may reach into the next one, which is drawn later
        k = lines[i]
        _vary_line(
            seed, numbers[i], table, texels[starts[k] :], (sizes[k, 0], sizes[k, 1]), inks[k], density,
            (height, widths[i]), scratch, pages[i * values :], told[i],
        )  # fmt: skip


@kernel
def _vary_line(
    seed: int, image: int, table: Any, texels: Any, size: Any, ink: Any, density: float, shape: Any, scratch: Any,
    page: Any, box: Any,
) -> None:  # fmt: skip
    """Draw the ink of a real line on a page."""
    height, width = shape
    columns, rows, second, third = scratch
    middle_x, middle_y = 0.5 * (ink[0] + ink[2]), 0.5 * (ink[1] + ink[3])
    a, b, c, d = _draw_transformation(seed, image, table, density)
    # The box of the ink's box on the page, to which a texel adds half of its neighbours: the ink may be smaller.
    across, down = ink[2] - ink[0] + 1.0, ink[3] - ink[1] + 1.0
    half_x = 0.5 * (abs(a) * across + abs(b) * down)
    half_y = 0.5 * (abs(c) * across + abs(d) * down)
    warp = line_value(seed, image, table, streams.REAL_WARP) * height
    growth = line_value(seed, image, table, streams.REAL_THICKNESS) * height
    more = _ROOM + _MORE_WARP * warp + np.ceil(0.5 * max(growth, 0.0))
    fit = min(1.0, (0.5 * width - more) / max(half_x, 1e-6), (0.5 * height - more) / max(half_y, 1e-6))
    fit = max(fit, 0.05)
    a, b, c, d, half_x, half_y = a * fit, b * fit, c * fit, d * fit, half_x * fit + more, half_y * fit + more
    shift_x, shift_y = line_value_2(seed, image, table, streams.REAL_SHIFT)
    # Lines stand where they stood on their page, apart from the shift, and never beyond a border.
    x = 0.5 * width + (middle_x - 0.5 * size[1]) / density + shift_x * height
    y = 0.5 * height + (middle_y - 0.5 * size[0]) / density + shift_y * height
    x = min(max(x, half_x), max(width - half_x, half_x))
    y = min(max(y, half_y), max(height - half_y, half_y))
    box[0], box[1], box[2], box[3] = x - half_x + _ROOM, y - half_y + _ROOM, x + half_x - _ROOM, y + half_y - _ROOM
    box[4] = box[3]

    determinant = a * d - b * c
    ia, ib, ic, id_ = d / determinant, -b / determinant, -c / determinant, a / determinant
    begin_x, begin_y = 0.5 - x, 0.5 - y
    bend = warp / np.sqrt(abs(determinant))
    f0, f1, f2, f3, p0, p1, p2, p3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    if bend > 0.0:
        w0, w1, w2, w3 = block(seed, image, streams.REAL_WARP, ONE)
        f0, p0 = draw_wave_shape(w0, 1.0 / height)
        f1, p1 = draw_wave_shape(w1, 1.0 / height)
        f2, p2 = draw_wave_shape(w2, 1.0 / height)
        f3, p3 = draw_wave_shape(w3, 1.0 / height)
    tabulate(columns[0], width, middle_x - 0.5 + ia * begin_x, ia, 0.45 * bend, p0, f0)
    tabulate(columns[1], width, middle_y - 0.5 + ic * begin_x, ic, 0.55 * bend, p1, f1)
    tabulate(rows[0], height, ib * begin_y, ib, 0.55 * bend, p2, f2)
    tabulate(rows[1], height, id_ * begin_y, id_, 0.45 * bend, p3, f3)
    _sample(texels, size, columns, rows, shape, page)
    if growth != 0.0:
        _change_strokes(growth, shape, page, second, third)


@kernel
def _draw_transformation(seed: int, image: int, table: Any, density: float) -> tuple[float, float, float, float]:
    """Draw what takes a line's texels to px of the page, as a matrix: slant, then squeeze and scale, then rotation."""
    scale = line_value(seed, image, table, streams.REAL_SCALE) / density
    squeeze = line_value(seed, image, table, streams.REAL_SQUEEZE)
    slant = line_value(seed, image, table, streams.REAL_SLANT)
    turn = -line_value(seed, image, table, streams.REAL_ROTATION) * _TURN  # y grows downwards
    # Up to a few degrees these series are exact to 1e-6, and the same on every machine.
    cosine, sine = 1.0 - 0.5 * turn * turn, turn - turn * turn * turn / 6.0
    a, b = scale * squeeze, -scale * slant * squeeze
    return cosine * a, cosine * b - sine * scale, sine * a, sine * b + cosine * scale


@kernel
def _sample(texels: Any, size: Any, columns: Any, rows: Any, shape: Any, page: Any) -> None:
    """Sample a line at the px of a page, bilinearly: tables of columns and rows add up to places of 16 bits fraction.

    Places beyond the line are on its frame, which has no ink.
    """
    height, width = shape
    stride = np.int64(size[1])
    most = (stride - 1) * 65536 - 1, (np.int64(size[0]) - 1) * 65536 - 1
    for k in range(np.uint64(height) * np.uint64(width)):
        page[k] = 0
    out, line = simd.address(page), simd.address(texels)
    u_table, v_table = simd.address(columns), simd.address(columns[1])
    for i in range(np.uint64(height)):
        shift = np.int64(rows[0, i]), np.int64(rows[1, i])
        for j in range(0, width, simd.field_lanes()):
            simd.sample_field(
                line, stride, u_table + 4 * j, v_table + 4 * j, shift, most, _AS_IT_IS, width - j, out + i * width + j
            )
    simd.keep(page)
    simd.keep(texels)
    simd.keep(columns)


@kernel
def _change_strokes(growth: float, shape: Any, page: Any, second: Any, third: Any) -> None:
    """Widen strokes by `growth` px, or narrow them: each pass takes a share of the way to the strongest ink nearby."""
    half = 0.5 * abs(growth)  # of it is on either side
    passes = np.int64(np.ceil(half))
    share = np.int64(256.0 * half / passes + 0.5)
    for _ in range(passes):
        _spread(growth > 0.0, share, shape, page, second, third)


@kernel
def _spread(is_wider: bool, share: int, shape: Any, page: Any, second: Any, third: Any) -> None:
    """Go a share of the way, in 256ths, to the strongest or faintest ink of each px and the eight around it."""
    height, width = np.uint64(shape[0]), np.uint64(shape[1])
    count = height * width
    for k in range(count):
        second[k] = page[k] if is_wider else np.uint8(255 - page[k])
    for i in range(height):
        start = i * width
        third[start] = max(second[start], second[start + ONE]) if width > ONE else second[start]
        for k in range(start + ONE, start + width - ONE):
            third[k] = max(second[k - ONE], second[k], second[k + ONE])
        if width > ONE:
            third[start + width - ONE] = max(second[start + width - ONE - ONE], second[start + width - ONE])
    for i in range(height):
        above = (i - ONE if i > NIL else i) * width
        below = (i + ONE if i + ONE < height else i) * width
        for j in range(width):
            k = i * width + j
            most = max(third[above + j], third[k], third[below + j])
            value = np.int64(second[k])
            value += ((np.int64(most) - value) * share + 128) >> 8
            page[k] = np.uint8(value if is_wider else 255 - value)
