"""Real lines on pages: as they are without variation, else varied, and never cut."""

import numpy as np
import pytest

from number_generator._kernels import draws, real_lines, streams
from number_generator._kernels.drawing import LANES
from number_generator._kernels.writing import LINE_COLUMNS

HEIGHT, WIDTH = 28, 90
SPARE = np.full(3, 99, np.uint8)  # read, and of no effect


def make_line(height=HEIGHT, width=60, density=1):
    """Return the ink of a line with a frame, its size and the box of its ink: two bars and a stroke between them."""
    ink = np.zeros((height * density, width * density), np.uint8)
    ink[4 * density : 24 * density, 10 * density : 13 * density] = 255
    ink[4 * density : 24 * density, 45 * density : 48 * density] = 200
    ink[13 * density : 15 * density, 13 * density : 45 * density] = 120
    framed = np.pad(ink, real_lines.FRAME)
    rows, columns = np.flatnonzero(framed.any(axis=1)), np.flatnonzero(framed.any(axis=0))
    box = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
    return framed, box


def make_table(**values):
    table = np.zeros((draws.TABLE_ROWS, draws.ROW_SIZE))
    table[[streams.REAL_SCALE, streams.REAL_SQUEEZE], 1] = 1.0
    for name, value in values.items():
        row = getattr(streams, f"REAL_{name.upper()}")
        low, high = value if isinstance(value, tuple) else (value, value)
        table[row] = draws.CONSTANT if low == high else draws.UNIFORM, low, 0, low, high, 0
    return table


def vary(image=0, line=None, density=1, shape=(HEIGHT, WIDTH), **values):
    """Return the page and the box of a varied line."""
    framed, ink = line or make_line(density=density)
    # Another line stands before it, and another page is drawn before its own.
    texels = np.concatenate((np.full(50, 255, np.uint8), framed.reshape(-1), SPARE))
    held = texels, np.array([0, 50]), np.array([(5, 10), framed.shape]), np.array([(2.0, 2.0, 8.0, 3.0), ink])
    numbers, widths = np.array([77, image], np.uint64), np.array([shape[1] - 1, shape[1]])
    pages, told = np.full(2 * shape[0] * shape[1] + LANES, 77, np.uint8), np.empty((2, LINE_COLUMNS))
    real_lines.vary_lines(
        np.uint64(3), numbers, make_table(**values), held, float(density), np.array([0, 1]), shape[0], widths,
        real_lines.make_scratch(*shape), pages, told,
    )  # fmt: skip
    return pages[:-LANES].reshape(2, *shape)[1].astype(np.int64), told[1, :5]


def place(framed):
    """Return a line's ink in the middle of a page."""
    line = framed[real_lines.FRAME : -real_lines.FRAME, real_lines.FRAME : -real_lines.FRAME]
    page = np.zeros((HEIGHT, WIDTH), np.uint8)
    left = (WIDTH - line.shape[1]) // 2
    page[:, left : left + line.shape[1]] = line
    return page


def test_without_variation_a_line_stands_where_it_stood():
    page, box = vary()
    assert np.array_equal(page, place(make_line()[0]))
    assert np.allclose(box, [24.5, 3.5, 63.5, 24.5, 24.5])
    dense, _ = vary(density=2)
    assert np.abs(dense - page).max() <= 1


def test_each_variation_does_what_its_name_says():
    plain, _ = vary()
    middle = lambda page, axis: (page.sum(axis=1 - axis) * np.arange(page.shape[axis])).sum() / page.sum()  # noqa: E731
    moved, _ = vary(shift=0.1)  # 2.8 px both ways
    assert middle(moved, 1) - middle(plain, 1) == pytest.approx(2.8, abs=0.05)
    assert middle(moved, 0) - middle(plain, 0) == pytest.approx(2.8, abs=0.05)
    small, _ = vary(scale=0.5)
    assert small.sum() == pytest.approx(plain.sum() / 4, rel=0.02)
    narrow, _ = vary(squeeze=0.5)
    assert narrow.sum() == pytest.approx(plain.sum() / 2, rel=0.02)
    assert np.flatnonzero(narrow.any(axis=1)).tolist() == np.flatnonzero(plain.any(axis=1)).tolist()
    slanted, _ = vary(slant=0.3)
    assert middle(slanted[4:8], 1) - middle(slanted[20:24], 1) == pytest.approx(16 * 0.3, abs=0.4)
    turned, _ = vary(rotation=5.0)  # counter-clockwise: the right end goes up
    assert middle(turned[:, 60:], 0) - middle(turned[:, :30], 0) == pytest.approx(-35 * np.sin(np.radians(5)), abs=0.7)
    wide, thin = vary(thickness=1.2 / HEIGHT)[0], vary(thickness=-1.2 / HEIGHT)[0]
    assert wide[10].sum() - plain[10].sum() == pytest.approx(1.2 * 455, rel=0.02)
    assert plain[10].sum() - thin[10].sum() == pytest.approx(1.2 * 455, rel=0.02)
    bent, _ = vary(warp=0.05)
    assert np.abs(bent - plain).max() > 100
    assert bent.sum() == pytest.approx(plain.sum(), rel=0.1)


def test_strokes_grow_as_the_strongest_ink_around_does():
    page = vary(thickness=2 / HEIGHT)[0]  # a px on either side
    plain = vary(scale=1)[0]
    around = np.pad(plain, 1, mode="edge")
    most = np.max([around[y : y + HEIGHT, x : x + WIDTH] for y in range(3) for x in range(3)], axis=0)
    assert np.array_equal(page, most)
    page = vary(thickness=-2 / HEIGHT)[0]
    least = np.min([around[y : y + HEIGHT, x : x + WIDTH] for y in range(3) for x in range(3)], axis=0)
    assert np.array_equal(page, least)


def test_no_variation_cuts_a_line_at_a_border():
    values = {"shift": (-1.0, 1.0), "scale": (0.5, 2.0), "squeeze": (0.5, 2.0), "slant": (-0.5, 0.5),
              "rotation": (-10.0, 10.0), "warp": (0.0, 0.05), "thickness": (-0.03, 0.05)}  # fmt: skip
    for image in range(200):
        page, box = vary(image, **values)
        assert not page[[0, -1]].any()
        assert not page[:, [0, -1]].any()
        rows, columns = np.flatnonzero(page.any(axis=1)), np.flatnonzero(page.any(axis=0))
        assert box[0] <= columns[0] + 1
        assert columns[-1] <= box[2]
        assert box[1] <= rows[0] + 1
        assert rows[-1] <= box[3]


def test_an_image_is_drawn_the_same_whatever_was_drawn_before():
    values = {"shift": (-0.1, 0.1), "warp": (0.0, 0.05), "thickness": (-0.03, 0.05)}
    first = [vary(image, **values)[0] for image in range(5)]
    again = [vary(image, **values)[0] for image in reversed(range(5))][::-1]
    assert np.array_equal(first, again)
    assert len({page.tobytes() for page in first}) == 5
