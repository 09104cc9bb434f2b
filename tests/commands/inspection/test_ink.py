"""Ink on pages: what is paper, what is ink, and where it stands."""

import doctest

import numpy as np
import pytest

from number_generator import generate_batch
from number_generator.commands.inspection import ink
from number_generator.commands.inspection.ink import PageInk, measure_ink


def page(*strokes, paper=255, dark=0, height=12, width=40):
    """A page with upright strokes, each (x0, x1) of columns, from row 3 to 8."""
    image = np.full((1, height, width), paper, np.uint8)
    for x0, x1 in strokes:
        image[0, 3:9, x0:x1] = dark
    return image


def test_the_example_runs():
    assert doctest.testmod(ink).failed == 0


def test_ink_is_found_with_its_box_and_gaps():
    found = measure_ink(page((4, 6), (9, 12), (20, 22)))

    assert found.paper.tolist() == [255]
    assert found.box.tolist() == [[4, 3, 22, 9]]
    assert found.gaps.tolist() == [3, 8]
    assert found.share.tolist() == [6 * 7 / (12 * 40)]
    assert found.depth.tolist() == [255]
    assert not found.is_light[0]


def test_ink_may_be_light_on_dark():
    dark = measure_ink(page((4, 6), (9, 12), paper=230, dark=20))
    light = measure_ink(255 - page((4, 6), (9, 12), paper=230, dark=20))

    assert light.is_light.tolist() == [True]
    assert light.paper.tolist() == [25]
    for name in ("box", "gaps", "share", "depth", "is_blank"):
        np.testing.assert_array_equal(getattr(light, name), getattr(dark, name))


@pytest.mark.parametrize("grey", [0, 7, 128, 255])
def test_a_page_of_one_grey_is_blank(grey):
    found = measure_ink(np.full((2, 5, 6), grey, np.uint8))

    assert found.is_blank.all()
    assert not found.is_light.any()
    assert found.box.tolist() == [[0, 0, 0, 0]] * 2
    assert found.depth.tolist() == [0, 0]
    assert len(found.gaps) == 0


def test_noise_alone_is_no_ink():
    noise = np.random.default_rng(0).normal(180, 8, (50, 28, 100)).clip(0, 255).astype(np.uint8)

    assert measure_ink(noise).is_blank.mean() > 0.9
    assert measure_ink(noise).noise == pytest.approx(np.full(50, 8), abs=2)


def test_ink_on_noisy_paper_is_found():
    pages = np.random.default_rng(0).normal(180, 8, (50, 28, 100)).clip(0, 255).astype(np.uint8)
    pages[:, 8:20, 40:48] = 60

    found = measure_ink(pages)

    assert not found.is_blank.any()
    assert (found.box == [40, 8, 48, 20]).all(axis=1).mean() > 0.9


def test_gaps_do_not_reach_from_one_page_to_the_next():
    found = measure_ink(np.concatenate([page((0, 3)), page((10, 12), (15, 17)), page()]))

    assert found.gaps.tolist() == [3]
    assert found.is_blank.tolist() == [False, False, True]


@pytest.mark.parametrize("style", ["clean", "natural"])
def test_lines_on_plain_paper_are_told_from_blank_pages(style):
    labels = ["", "7", "0312345678", "1"] * 10

    found = measure_ink(generate_batch(labels, (5, 10), 100, style=style, seed=1))

    assert found.is_blank.tolist() == [not label for label in labels]


def test_a_page_does_not_depend_on_those_beside_it():
    pages = generate_batch(["12", "", "345"], (5, 10), 60, style="document", seed=3)

    alone = PageInk.join([measure_ink(one[None]) for one in pages])

    together = measure_ink(pages)
    for name in ("paper", "noise", "box", "gaps", "share", "depth", "is_blank", "is_light"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name))


@pytest.mark.parametrize("shape", [(0, 4, 5), (1, 1, 1), (3, 1, 7), (2, 9, 1)])
def test_pages_of_any_size_are_measured(shape):
    found = measure_ink(np.zeros(shape, np.uint8))

    assert len(found.paper) == shape[0]
    assert found.box.shape == (shape[0], 4)
