"""The parameters that are searched: as numbers, and back."""

import numpy as np
import pytest

from number_generator.job.distributions import Normal, Uniform
from number_generator.job.handwriting import STYLES
from number_generator.matching.searched import (
    BY_NAME,
    LENGTH,
    SEARCHED,
    apply_guess,
    from_vector,
    read_guess,
    to_vector,
)

NAMES = tuple(each.name for each in SEARCHED)


def test_a_style_becomes_numbers_and_comes_back():
    style = STYLES["document"]
    guess = read_guess(style)

    vector = to_vector(guess, NAMES)
    again = apply_guess(style, from_vector(vector, NAMES), NAMES)

    assert ((vector >= 0) & (vector <= 1)).all()
    for name in NAMES:
        if name != LENGTH:
            before, after = BY_NAME[name].read(getattr(style, name)), BY_NAME[name].read(getattr(again, name))
            assert np.allclose(before, after, atol=0.02 * BY_NAME[name].width), name


def test_values_stay_within_their_limits():
    assert BY_NAME["height"].describe(0.95, 0.2) == Uniform(0.604, 1.0)
    assert BY_NAME["slant"].describe(0.7, 0.2) == Normal(0.7, 0.2, 0.2, 0.8)
    assert BY_NAME["jpeg"].describe(1.4, 0.0) == 1.0
    low, high = BY_NAME["noise"].describe(0.1, 0.0).bounds()
    assert pytest.approx(0.5 * (low + high), abs=0.001) == 0.1
    assert high > low
