"""Distance fields of glyphs, which styled writing is sampled from.

A field gives, for points on a grid over a glyph, the distance to the outline of its ink: positive inside. Any affine
or elastic deformation samples it smoothly, at any size, and adding a constant makes strokes thicker or thinner (Green,
"Improved Alpha-Tested Magnification for Vector Textures and Special Effects", SIGGRAPH 2007). The outline is where
the ink passes half its full strength, after faint strokes are brought to full strength. Marching squares trace it on
the digit's pixels, at twice their density if digits are small.
"""

from typing import Any

import numpy as np

from number_generator._kernels.compile import entry_kernel, kernel
from number_generator._kernels.constants import F0, F1, HALF, WHITE

FIELD_SCALE = 16.0  # steps of a texel's value per texel of distance; 128 is the outline
_REACH = 8  # texels: larger distances do not matter
_FAINT = np.float32(90.0)  # ink fainter than this everywhere nearby is not brought to full strength
_SMALLEST = 100  # px of a glyph's box: in a smaller one a small piece may be the whole glyph
_NEAR = 2  # px: how far to search for the strongest ink
_FAR = np.float32(1e9)
_TRACE = np.float32(0.2)  # of full strength: fainter ink does not connect pieces
_SPECK = np.float32(4.5)  # px of full ink: smaller pieces are dirt

# Measurements of each glyph, in px of the digit dataset from the upper left corner of its ink's box
X0, Y0, X1, Y1 = 0, 1, 2, 3  # extent of the outline
STROKE, SLANT = 4, 5  # width of the strokes; px to the right per px upwards
TOP_X, BOTTOM_X = 6, 7  # where the ink's highest and lowest points are
MIDDLE_X, MIDDLE_Y = 8, 9  # middle of the rightmost stroke at half height
ACROSS = 10  # width across the slant
DENSITY, PADDING = 11, 12  # of its field: texels per px, and blank px around the ink's box
BASELINE = 13  # y of the line that it stands on
LEAVE_X, LEAVE_Y = 14, 15  # where the pen leaves it for the next digit
LEAVE_SLOPE = 16  # and in which direction: px down per px to the right
ARRIVE_X, ARRIVE_Y = 17, 18  # where the pen arrives from the digit before it
CAN_LEAVE, CAN_ARRIVE = 19, 20  # 1 where a pen does so
REACHES = 21  # x and y of the rightmost point in each third of the height, then of the leftmost in the first third
SUPPORT = 29  # least and greatest x + s * y, then y + s * x, for each shear s
SHEARS = 9  # shears -1, -0.75, ... 1
SHEAR_STEP = 0.25
FACTS = SUPPORT + 4 * SHEARS


@kernel
def _strengthen(pixels: Any, column_size: int, column: int, top: int, width: int, height: int, ink: Any) -> None:
    """Write a glyph's ink from 0 to 1, with two blank px around it; faint strokes become as strong as others."""
    ink[: height + 4, : width + 4] = 0
    for y in range(height):
        for x in range(width):
            strongest = _FAINT
            for v in range(max(0, y - _NEAR), min(height, y + _NEAR + 1)):
                for u in range(max(0, x - _NEAR), min(width, x + _NEAR + 1)):
                    strongest = max(strongest, np.float32(pixels[(column + u) * column_size + top + v]))
            ink[y + 2, x + 2] = np.float32(pixels[(column + x) * column_size + top + y]) / strongest


@kernel
def _drop_specks(ink: Any, width: int, height: int, seen: Any, stack: Any) -> None:
    """Erase pieces of ink that are too small to be part of a digit: dirt on the scan."""
    seen[:height, :width] = False
    for y in range(height):
        for x in range(width):
            if seen[y, x] or ink[y, x] <= _TRACE:
                continue
            begin, end = 0, 1
            stack[0] = y * width + x
            seen[y, x] = True
            total = np.float32(0)
            while begin < end:  # the stack keeps all connected pixels
                v, u = divmod(stack[begin], width)
                begin += 1
                total += ink[v, u]
                for q in range(max(0, v - 1), min(height, v + 2)):
                    for p in range(max(0, u - 1), min(width, u + 2)):
                        if not seen[q, p] and ink[q, p] > _TRACE:
                            seen[q, p] = True
                            stack[end] = q * width + p
                            end += 1
            if total < _SPECK:
                for k in range(end):
                    v, u = divmod(stack[k], width)
                    ink[v, u] = 0


@kernel
def _densify(ink: Any, width: int, height: int, rows: Any, dense: Any) -> None:
    """Double the resolution by Catmull-Rom interpolation: both new samples of a px lie a quarter px from its middle."""
    a, b = np.float32(-0.0703125), np.float32(0.8671875)
    c, d = np.float32(0.2265625), np.float32(-0.0234375)
    for y in range(height):
        for x in range(width):
            far_left, left = ink[y, max(0, x - 2)], ink[y, max(0, x - 1)]
            right, far_right = ink[y, min(width - 1, x + 1)], ink[y, min(width - 1, x + 2)]
            here = ink[y, x]
            rows[y, 2 * x] = d * far_left + c * left + b * here + a * right
            rows[y, 2 * x + 1] = a * left + b * here + c * right + d * far_right
    for y in range(height):
        far_up, up = max(0, y - 2), max(0, y - 1)
        down, far_down = min(height - 1, y + 1), min(height - 1, y + 2)
        for x in range(2 * width):
            dense[2 * y, x] = d * rows[far_up, x] + c * rows[up, x] + b * rows[y, x] + a * rows[down, x]
            dense[2 * y + 1, x] = a * rows[up, x] + b * rows[y, x] + c * rows[down, x] + d * rows[far_down, x]


@kernel
def _find_crossing(first: float, second: float) -> float:
    """Return where between two samples, from 0 to 1, the edge is."""
    return (HALF - first) / (second - first)


@kernel
def _trace(ink: Any, width: int, height: int, segments: Any) -> int:
    """Write the outline's segments (x0, y0, x1, y1), in samples, by marching squares, and return their number."""
    count = 0
    points = np.empty((4, 2), np.float32)
    for y in range(height - 1):
        for x in range(width - 1):
            a, b, c, d = ink[y, x], ink[y, x + 1], ink[y + 1, x], ink[y + 1, x + 1]
            inside = (a > HALF) + (b > HALF) + (c > HALF) + (d > HALF)
            if inside in (0, 4):
                continue
            found = 0
            if (a > HALF) != (b > HALF):  # around the cell: top, right, bottom, left
                points[found, 0], points[found, 1] = np.float32(x) + _find_crossing(a, b), np.float32(y)
                found += 1
            if (b > HALF) != (d > HALF):
                points[found, 0], points[found, 1] = np.float32(x + 1), np.float32(y) + _find_crossing(b, d)
                found += 1
            if (c > HALF) != (d > HALF):
                points[found, 0], points[found, 1] = np.float32(x) + _find_crossing(c, d), np.float32(y + 1)
                found += 1
            if (a > HALF) != (c > HALF):
                points[found, 0], points[found, 1] = np.float32(x), np.float32(y) + _find_crossing(a, c)
                found += 1
            for k in range(0, found, 2):
                # At a saddle, join each point to its neighbour so that the two pieces of ink stay separate.
                other = (k + 1) % found if (a > HALF) != (found == 4) else (k + found - 1) % found
                if count < segments.shape[0]:
                    segments[count, 0], segments[count, 1] = points[k, 0], points[k, 1]
                    segments[count, 2], segments[count, 3] = points[other, 0], points[other, 1]
                    count += 1
    return count


@kernel
def spread(segments: Any, count: int, width: int, height: int, reach: int, squares: Any) -> None:
    """Write each texel's squared distance to the nearest segment, in texels, up to the reach."""
    squares[:height, :width] = _FAR
    for k in range(count):
        ax, ay, bx, by = segments[k, 0], segments[k, 1], segments[k, 2], segments[k, 3]
        dx, dy = bx - ax, by - ay
        length = dx * dx + dy * dy
        scale = F1 / length if length > F0 else F0
        left = max(0, np.int64(min(ax, bx)) - reach)
        right = min(width, np.int64(max(ax, bx)) + reach + 2)
        for y in range(max(0, np.int64(min(ay, by)) - reach), min(height, np.int64(max(ay, by)) + reach + 2)):
            row = squares[y, left:right]
            py = np.float32(y) - ay
            begin = np.float32(left) - ax
            for x in range(row.size):
                px = begin + np.float32(x)
                along = min(max((px * dx + py * dy) * scale, F0), F1)
                ex = px - along * dx
                ey = py - along * dy
                row[x] = min(row[x], ex * ex + ey * ey)


@kernel
def _measure(segments: Any, count: int, density: float, origin: float, fact: Any) -> float:
    """Write the outline's extents, and return its length in px of the digit dataset."""
    for s in range(SHEARS):
        for k in range(0, 4, 2):
            fact[SUPPORT + k * SHEARS + s] = 1e9
            fact[SUPPORT + (k + 1) * SHEARS + s] = -1e9
    length = 0.0
    top, bottom = 1e9, -1e9
    for k in range(count):
        x = (np.float64(segments[k, 0]) + 0.5) / density - origin
        y = (np.float64(segments[k, 1]) + 0.5) / density - origin
        dx = np.float64(segments[k, 2] - segments[k, 0])
        dy = np.float64(segments[k, 3] - segments[k, 1])
        length += np.sqrt(dx * dx + dy * dy) / density
        for s in range(SHEARS):
            shear = SHEAR_STEP * (s - SHEARS // 2)
            along = x + shear * y
            fact[SUPPORT + s] = min(fact[SUPPORT + s], along)
            fact[SUPPORT + SHEARS + s] = max(fact[SUPPORT + SHEARS + s], along)
            along = y + shear * x
            fact[SUPPORT + 2 * SHEARS + s] = min(fact[SUPPORT + 2 * SHEARS + s], along)
            fact[SUPPORT + 3 * SHEARS + s] = max(fact[SUPPORT + 3 * SHEARS + s], along)
        if y < top:
            top = y
            fact[TOP_X] = x
        if y > bottom:
            bottom = y
            fact[BOTTOM_X] = x
    middle = SHEARS // 2
    fact[X0], fact[X1] = fact[SUPPORT + middle], fact[SUPPORT + SHEARS + middle]
    fact[Y0], fact[Y1] = fact[SUPPORT + 2 * SHEARS + middle], fact[SUPPORT + 3 * SHEARS + middle]
    return length


@kernel
def _weigh(
    ink: Any,
    samples: Any,
    shape: Any,
    density: float,
    origin: float,
    length: float,
    segments: Any,
    count: int,
    fact: Any,
) -> None:
    """Measure stroke width, slant, width across the slant, and the rightmost stroke at half height."""
    height, width = shape
    area, sum_x, sum_y, sum_xy, sum_yy = 0.0, 0.0, 0.0, 0.0, 0.0
    for y in range(height):
        for x in range(width):
            # Grey edges count in part, so that widths are not rounded to whole px.
            part = np.float64(min(ink[y, x], F1))
            area += part
            sum_x += part * x
            sum_y += part * y
            sum_xy += part * x * y
            sum_yy += part * y * y
    fact[STROKE] = 2.0 * area / length
    spread = sum_yy - sum_y * sum_y / area
    slant = -(sum_xy - sum_x * sum_y / area) / spread if spread > 0.0 else 0.0
    fact[SLANT] = slant
    left, right, leftmost = 1e9, -1e9, 1e9
    third = max(fact[Y1] - fact[Y0], 1e-3) / 3.0
    for k in range(3):  # a third without ink has its left middle
        fact[REACHES + 2 * k], fact[REACHES + 2 * k + 1] = fact[X0], fact[Y0] + (k + 0.5) * third
    for k in range(count):
        x, y = np.float64(segments[k, 0]), np.float64(segments[k, 1])
        along = (x + slant * y) / density
        left, right = min(left, along), max(right, along)
        x, y = (x + 0.5) / density - origin, (y + 0.5) / density - origin
        part = REACHES + 2 * min(np.int64((y - fact[Y0]) / third), 2)
        if x > fact[part]:
            fact[part], fact[part + 1] = x, y
        if part == REACHES and x < leftmost:
            leftmost = x
            fact[REACHES + 6], fact[REACHES + 7] = x, y
    fact[ACROSS] = right - left

    fact[MIDDLE_Y] = 0.5 * (fact[Y0] + fact[Y1])
    down, across = np.int64(density) * height, np.int64(density) * width
    row = min(max(np.int64((fact[MIDDLE_Y] + origin) * density), 0), down - 1)
    last = across - 1
    while last > 0 and samples[row, last] <= HALF:
        last -= 1
    first = last
    while first > 0 and samples[row, first - 1] > HALF:
        first -= 1
    fact[MIDDLE_X] = (0.5 * (first + last) + 0.5) / density - origin


@entry_kernel
def measure_fields(atlas: Any, padding: int, density: int, offsets: Any, sizes: Any, texels: Any, facts: Any) -> None:
    """Compute the field of each glyph, and measure the glyph.

    Parameters
    ----------
    atlas : (pixels, column_size, glyph_column, glyph_rows)
        See `GlyphAtlas`.
    padding : int
        Blank px around the ink's box.
    density : int
        Texels per px, 1 or 2.
    offsets : ndarray, shape (glyphs,), int64
        Where each field begins in `texels`.
    sizes : ndarray, shape (glyphs, 2), int64
        Width and height of each field in texels; 0 for a glyph without ink.
    texels : ndarray, uint8
        Receives the fields, row by row: 128 + 16 times the distance in texels, clipped to 0 to 255. Texel (i, j) is at
        ((i + 0.5) / density - padding, (j + 0.5) / density - padding) px from the corner of the ink's box.
    facts : ndarray, shape (glyphs, FACTS), float64
        Receives the measurements.
    """
    pixels, column_size, glyph_column, glyph_rows = atlas
    widest, highest = np.int64(1), np.int64(1)
    for g in range(offsets.size):
        widest, highest = max(widest, sizes[g, 0]), max(highest, sizes[g, 1])
    ink = np.empty((highest + 4, widest + 4), np.float32)
    rows = np.empty((highest + 4, widest + 4), np.float32)
    dense = np.empty((highest + 8, widest + 8), np.float32)
    squares = np.empty((highest, widest), np.float32)
    seen = np.empty((highest + 4, widest + 4), np.bool_)
    stack = np.empty((highest + 4) * (widest + 4), np.int64)
    segments = np.empty((4 * highest * widest + 4, 4), np.float32)
    shift = (padding - 2) * density  # from samples, which have two blank px around them, to texels
    for g in range(offsets.size):
        if sizes[g, 0] == 0:
            continue
        width = glyph_column[g + 1] - glyph_column[g] - 1
        top = glyph_rows[2 * g]
        height = glyph_rows[2 * g + 1] - top
        _strengthen(pixels, column_size, glyph_column[g], top, width, height, ink)
        if height * width > _SMALLEST:
            _drop_specks(ink, width + 4, height + 4, seen, stack)
        samples = ink
        if density == 2:
            _densify(ink, width + 4, height + 4, rows, dense)
            samples = dense
        across, down = (width + 4) * density, (height + 4) * density
        count = _trace(samples, across, down, segments)
        length = _measure(segments, count, np.float64(density), 2.0, facts[g])
        if count > 0:
            shape = (height + 4, width + 4)
            _weigh(ink, samples, shape, np.float64(density), 2.0, length, segments, count, facts[g])
        else:  # too faint, or only specks: no ink
            facts[g] = 0.0
        for k in range(count):
            for j in range(4):
                segments[k, j] += np.float32(shift)
        field_width, field_height = sizes[g, 0], sizes[g, 1]
        spread(segments, count, field_width, field_height, _REACH, squares)
        for y in range(field_height):
            at = offsets[g] + y * field_width
            for x in range(field_width):
                distance = np.sqrt(squares[y, x]) * np.float32(FIELD_SCALE)
                u, v = x - shift, y - shift
                is_inside = 0 <= u < across and 0 <= v < down and samples[v, u] > HALF
                texel = np.float32(128.5) + (distance if is_inside else -distance)
                texels[at + x] = np.uint8(min(max(texel, F0), WHITE))
