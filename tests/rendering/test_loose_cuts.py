"""Cells that are cut loosely, and ink of neighbouring rows and cells at the border of the page."""

import numpy as np
import pytest
from styled_lines import TIGHT, columns_of, draw, ink_of, rows_of

from number_generator import Handwriting, generate_chunk

TEXTS = ["8062", "17", "30544"] * 20


@pytest.mark.parametrize("height", [0.4, 0.6, 0.8])
def test_the_ink_of_a_loosely_cut_line_has_its_own_height(height):
    images = draw(TEXTS, TIGHT.replace(loose=1, loose_height=height), 300)

    heights = [stop - first for first, stop in map(rows_of, images)]
    assert np.abs(np.array(heights) - 27 * height).max() <= 1.5


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("margin", [0.2, 0.8])
def test_a_loosely_cut_line_has_its_own_margins(margin, position):
    style = TIGHT.replace(loose=1, loose_height=0.6, loose_margin=margin, position=position, margin=0)

    left, right = np.array([columns_of(image) for image in draw(TEXTS, style, 300)]).T

    free = [left, 300 - right]
    assert np.abs(free[position] - 28 * margin).max() <= 1.5
    assert (free[1 - position] >= 28 * margin - 1).all()


def test_lines_are_cut_loosely_for_their_share():
    images = draw(TEXTS * 10, TIGHT.replace(loose=0.3, loose_height=0.5), 300)

    is_low = np.array([np.ptp(rows_of(image)) < 20 for image in images])
    assert is_low.mean() == pytest.approx(0.3, abs=0.06)


def test_only_a_tight_crop_is_cut_loosely():
    style = TIGHT.replace(crop="cell")

    plain, loose = draw(TEXTS, style, 100), draw(TEXTS, style.replace(loose=1, loose_height=0.3), 100)

    np.testing.assert_array_equal(plain, loose)


INTRUDED = TIGHT.replace(height=0.5, vertical_position=0.5, position=0.5, intrusion=1, softness=1)


def intruders_of(texts, style, width=200):
    """Return the ink that is drawn beside the lines' own, and the lines' own."""
    ours, more = (draw(texts, style.replace(intrusion=share), width) for share in (0, 1))
    return ink_of(more) - ink_of(ours), ours


@pytest.mark.parametrize("letterforms", [0, 1])
@pytest.mark.parametrize("reach", [0.1, 0.2])
def test_ink_of_neighbours_reaches_as_far_in_as_the_style_says(reach, letterforms):
    more, _ = intruders_of(TEXTS, INTRUDED.replace(intrusion_reach=reach, letterforms=letterforms))

    assert more.min() > -0.01  # nothing of the line is lost
    assert (more.sum(axis=(1, 2)) > 0.5).mean() > 0.9
    rows = 28 * reach + 1.5  # and the soft edge of its ink
    columns = 28 * reach / 2 + 1.5
    y, x = np.mgrid[:28, :200] + 0.5
    is_near = (y < rows) | (y > 28 - rows) | (x < columns) | (x > 200 - columns)
    assert not more[:, ~is_near].any()
    inside = more[:, :, 30:170].max(axis=0)
    assert (inside[: int(28 * reach) - 1] > 0.5).any()


def test_neighbours_are_seen_on_every_side():
    more, _ = intruders_of(["8062"] * 100, INTRUDED.replace(intrusion_reach=0.2))

    sides = [more[:, :4, 10:-10], more[:, -4:, 10:-10], more[:, 7:-7, :2], more[:, 7:-7, -2:]]
    for side in sides:
        assert 0.04 < (side.sum(axis=(1, 2)) > 0.3).mean() < 0.8


def test_neighbours_are_in_no_box_mask_or_label():
    truths = []
    for share in (0, 1):
        style = INTRUDED.replace(intrusion=share, intrusion_reach=0.2)
        chunk = generate_chunk(TEXTS, None, 200, truth=["boxes", "masks", "glyphs"], style=style, seed=1)
        truths.append({**chunk.truth, "labels": chunk.labels})

    for name, expected in truths[0].items():
        np.testing.assert_array_equal(truths[1][name], expected, err_msg=name)


def test_lines_without_digits_have_no_neighbours():
    more, _ = intruders_of(["", "-", " ", "+-"], INTRUDED)

    assert not more.any()


def test_a_share_of_the_lines_has_neighbours():
    style = INTRUDED.replace(intrusion_reach=0.2)

    ours, some = (draw(TEXTS * 10, style.replace(intrusion=share), 100) for share in (0, 0.25))

    assert (ours != some).any(axis=(1, 2)).mean() == pytest.approx(0.25, abs=0.06)


@pytest.mark.parametrize("width", [1, 7, 40])
def test_neighbours_of_narrow_pages_do_no_harm(width):
    document = Handwriting.named("document").replace(intrusion=1, intrusion_reach=0.3, loose=1)

    images = draw(TEXTS, document, width)

    assert images.shape == (60, 28, width)
