"""Proportions: how high the digits of a line are, and how a line changes from its beginning to its end."""

import numpy as np
import pytest
from styled_lines import PLAIN, draw, lay_out, pieces, rows_of

from number_generator._kernels import line_items, proportions
from number_generator.rendering.styled import make_style_table

HIGH, ACROSS, RISE, TILT = range(4)


def sizes_of(text, images=1, **changes):
    """Return the factors of each digit of a text, shape (images, digits, 4): height, width, rise and slant."""
    table = make_style_table(PLAIN.replace(**changes))
    sizes = np.empty((images, len(text), 4))
    for image in range(images):
        key = np.uint64(1), np.uint64(image)
        line, zeros = proportions.draw_proportions(*key, table), 0
        for slot, digit in enumerate(map(int, text)):
            zeros = zeros + 1 if digit == 0 else 0
            sizes[image, slot] = proportions.size_digit(*key, line, digit, slot, len(text), zeros)
    return sizes


def test_without_a_parameter_all_digits_are_alike():
    assert (sizes_of("0123456789", 20) == [1, 1, 0, 0]).all()


@pytest.mark.parametrize("digit", range(1, 10))
def test_heights_are_those_of_real_numbers(digit):
    heights = sizes_of(str(digit), 2000, proportions=1)[:, 0, HIGH]

    low, middle, high = np.percentile(heights, [5, 50, 95])
    table_middle, table_spread = proportions._MIDDLE[digit], proportions._SPREAD[digit]
    assert middle == pytest.approx(table_middle, abs=0.03)
    assert middle - low == pytest.approx(0.75 * table_spread, rel=0.2)
    assert high - middle == pytest.approx(0.75 * table_spread, rel=0.2)


def test_a_hand_has_its_habits():
    heights = sizes_of("4444", 500, proportions=1)[:, :, HIGH]

    within, between = heights.std(axis=1).mean(), heights.mean(axis=1).std()
    assert 0 < within < 0.6 * between


def test_high_digits_reach_below_the_line_more_often_than_they_are_low():
    sizes = sizes_of("0123456789", 300, proportions=1)

    assert (sizes[:, :, RISE] <= 0).all()
    assert (sizes[:, :, RISE] >= -np.maximum(sizes[:, :, HIGH] - 1, 0) - 1e-9).all()
    assert (sizes[:, [0, 6], RISE] == 0).all()  # they stand on the line
    assert (sizes[:, [4, 7, 9], RISE] < -0.02).mean() > 0.4
    np.testing.assert_allclose(sizes[:, :, ACROSS] ** 2 * sizes[:, :, HIGH], 1)  # higher rather than larger


def test_zeros_have_their_own_size():
    [sizes] = sizes_of("8008", zero_size=0.6)

    np.testing.assert_allclose(sizes[:, HIGH], [1, 0.6, 0.6, 1])
    np.testing.assert_allclose(sizes[:, [RISE, TILT]], 0)


@pytest.mark.parametrize("rise", [0, 0.4, 1])
def test_small_zeros_are_raised(rise):
    [sizes] = sizes_of("80", zero_size=0.6, zero_rise=rise)

    assert sizes[0, RISE] == 0
    assert sizes[1, RISE] == pytest.approx(0.4 * rise)


def test_large_zeros_stand_on_the_line():
    [sizes] = sizes_of("80", zero_size=1.2, zero_rise=1)

    assert (sizes[:, RISE] == 0).all()


def test_each_zero_of_a_run_is_smaller_than_the_one_before():
    [sizes] = sizes_of("0800080", zero_size=0.9, zero_shrink=0.9)

    np.testing.assert_allclose(sizes[:, HIGH], [0.9, 1, 0.9, 0.81, 0.729, 1, 0.9])


def test_a_long_run_of_zeros_does_not_vanish():
    [sizes] = sizes_of("0" * 30, zero_size=0.5, zero_shrink=0.7)

    assert sizes[:, HIGH].min() >= 0.35


def test_old_style_figures_are_small_or_hang_below_the_line():
    [sizes] = sizes_of("0123456789", old_style=1)

    is_small, hangs = np.isin(np.arange(10), [0, 1, 2]), np.isin(np.arange(10), [3, 4, 5, 7, 9])
    assert (sizes[is_small, HIGH] < 0.8).all()
    assert (sizes[~is_small, HIGH] == 1).all()
    assert (sizes[hangs, RISE] < -0.25).all()
    assert (sizes[~hangs, RISE] == 0).all()


@pytest.mark.parametrize("drift", [-0.4, 0.4])
def test_a_drift_is_the_difference_of_the_last_digit_to_the_first(drift):
    [sizes] = sizes_of("88888", size_drift=drift)
    [slants] = sizes_of("88888", slant_drift=drift)

    assert sizes[-1, HIGH] - sizes[0, HIGH] == pytest.approx(drift)
    assert sizes[2, HIGH] == pytest.approx(1)
    assert slants[-1, TILT] - slants[0, TILT] == pytest.approx(drift)
    assert slants[2, TILT] == pytest.approx(0)
    assert (sizes_of("8", size_drift=drift, slant_drift=drift) == [1, 1, 0, 0]).all()


@pytest.mark.parametrize("drift", [-0.4, 0.4])
def test_gaps_grow_or_shrink_along_the_line(drift):
    style = PLAIN.replace(gap=0.5, gap_drift=drift)
    line = lay_out("88888", style)

    gaps = (line.items[1:, line_items.LOW] - line.items[:-1, line_items.HIGH]) / line.glyphs[4]
    np.testing.assert_allclose(gaps, 0.5 + drift * np.array([-1 / 2, -1 / 6, 1 / 6, 1 / 2]), atol=1e-9)


def test_a_large_start_is_larger():
    sizes = sizes_of("888", 50, large_start=1)

    assert (sizes[:, 0, HIGH] > 1.1).all()
    assert (sizes[:, 0, HIGH] < 1.45).all()
    assert (sizes[:, 1:, HIGH] == 1).all()


def test_a_squeezed_end_is_narrower():
    sizes = sizes_of("888", 50, squeezed_end=1)

    assert (sizes[:, -1, ACROSS] < 0.9).all()
    assert (sizes[:, -1, HIGH] < 1).all()
    assert (sizes[:, -1, HIGH] > sizes[:, -1, ACROSS]).all()
    assert (sizes[:, :-1] == [1, 1, 0, 0]).all()
    assert (sizes_of("8", 5, squeezed_end=1) == [1, 1, 0, 0]).all()


@pytest.mark.parametrize("name", ["large_start", "squeezed_end", "old_style"])
def test_a_share_of_the_lines_has_each_of_them(name):
    sizes = sizes_of("022", 800, **{name: 0.3})

    assert (sizes != [1, 1, 0, 0]).any(axis=(1, 2)).mean() == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("rise", [0, 1])
def test_zeros_are_seen_where_they_are_raised_to(rise):
    style = PLAIN.replace(gap=0.6, size=0.9, zero_size=0.6, zero_rise=rise)

    for image in draw(["8008"] * 20, style, 160):
        rows = np.array([rows_of(piece) for piece in pieces(image)])
        heights = rows[:, 1] - rows[:, 0]
        assert heights[1:3] / heights[[0, 3]] == pytest.approx([0.6, 0.6], abs=0.13)
        level = 0 if rise else 1  # their tops, or their feet
        assert np.ptp(rows[:, level]) <= 2
