"""Pages whose truth is known: no readable one is called blank, and blank ones are called so or left open."""

import doctest

import numpy as np
import pytest

from number_generator import generate_batch
from number_generator.commands.inspection import strokes
from number_generator.commands.inspection.ink import measure_ink
from number_generator.commands.inspection.strokes import find_strokes
from number_generator.job.handwriting import checked_style, with_settings

COUNT = 120
SETTINGS = {
    "as it is": [],
    "inverted": ["invert=1"],
    "noisy": ["noise=0.05:0.1"],
    "ruled": ["ruled=1"],
    "boxed": ["boxed=1"],
    "textured": ["waves=1", "wave_strength=0.2:0.3"],
    "padded": ["padding=1"],
    "compressed": ["jpeg=1", "jpeg_quality=15:30"],
    "faint": ["ink=0.3:0.45", "noise=0.02:0.05"],
}


def draw(labels, width, settings, seed):
    style = with_settings(checked_style("document"), settings)
    return generate_batch(labels, None, width, style=style, seed=seed)


def noise(mean, deviation, count=100):
    drawn = np.random.default_rng(7).normal(mean, deviation, (count, 28, 100))
    return drawn.clip(0, 255).astype(np.uint8)


def test_the_example_runs():
    assert doctest.testmod(strokes).failed == 0


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_no_readable_page_is_called_blank(settings):
    numbers = np.random.default_rng(3).integers(10**8, 10**10, COUNT)

    found = measure_ink(draw([f"0{number}" for number in numbers], 100, settings, seed=1))

    assert not found.is_blank.any()
    assert found.is_unclear.mean() < 0.15


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_paper_is_seldom_taken_for_ink_where_nothing_else_is_on_it(settings):
    found = measure_ink(draw([""] * COUNT, 100, settings, seed=2))

    assert (found.is_blank | found.is_unclear).mean() > (0.05 if {"ruled=1", "boxed=1"} & {*settings} else 0.2)


@pytest.mark.parametrize("deviation", [0, 1, 4, 16, 30])
@pytest.mark.parametrize("mean", [90, 128, 170])
def test_noise_alone_is_blank(mean, deviation):
    assert measure_ink(noise(mean, deviation)).is_blank.mean() > 0.97


@pytest.mark.parametrize("deviation", [8, 16, 30])
@pytest.mark.parametrize("mean", [5, 250])
def test_noise_that_black_or_white_cuts_off_is_blank(mean, deviation):
    assert measure_ink(noise(mean, deviation)).is_blank.mean() > 0.9


@pytest.mark.parametrize("style", ["clean", "natural"])
@pytest.mark.parametrize("is_inverted", [False, True])
def test_one_digit_on_a_wide_page_is_ink(style, is_inverted):
    gaps = (5, 10) if style == "clean" else None
    pages = generate_batch([str(k % 10) for k in range(50)] + [""] * 10, gaps, 1000, style=style, seed=4)

    found = measure_ink(255 - pages if is_inverted else pages)

    assert found.is_blank.tolist() == [False] * 50 + [True] * 10
    assert not found.is_unclear.any()
    assert found.is_light[:50].tolist() == [is_inverted] * 50
    inked = pages[:50] < 200
    np.testing.assert_allclose(found.box[:50, 0], inked.any(axis=1).argmax(axis=1), atol=2)


def test_a_line_on_noisy_paper_has_its_box():
    pages = noise(150, 24)
    pages[:, 8:20, 40:43] -= np.minimum(pages[:, 8:20, 40:43], 110)
    pages[:, 8:20, 50:60] -= np.minimum(pages[:, 8:20, 50:60], 110)

    found = find_strokes(pages)

    assert not found.is_light.any()
    assert (found.is_written | found.is_unclear).all()
    assert measure_ink(pages).is_blank.sum() == 0


def test_faint_writing_is_left_open():
    pages = 255 - generate_batch(["123", "4567"], (5, 10), 100, seed=1) // 22  # at most 11 levels

    found = measure_ink(255 - pages)

    assert found.is_unclear.all()
    assert found.share.tolist() == [0, 0]
    assert found.box.tolist() == [[0, 0, 0, 0]] * 2


@pytest.mark.parametrize("shape", [(0, 4, 5), (3, 1, 1), (2, 1, 7), (2, 9, 1), (1, 2, 2), (1, 300, 400)])
def test_pages_of_any_size_have_strokes_or_none(shape):
    found = find_strokes(np.full(shape, 200, np.uint8))

    assert found.ink.shape == shape
    assert not found.is_written.any()
    assert not found.is_unclear.any()
