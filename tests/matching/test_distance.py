"""The distance of two sets of images, and what chance does to it."""

import numpy as np
import pytest

from number_generator.matching.distance import COMPARED, Yardstick, average, find_floor, find_interval
from number_generator.scans.looks import LOOKS


def sample(count, seed, *, mean=0.0, deviation=1.0):
    return np.random.default_rng(seed).normal(mean, deviation, (count, len(LOOKS)))


def test_a_shift_is_as_far_as_it_is_and_bad_pictures_do_not_count():
    scans, shifted = sample(4000, 1), sample(4000, 2, mean=0.5)
    yardstick = Yardstick.of(scans, scans)

    assert average(yardstick.measure(shifted)) == pytest.approx(0.5, abs=0.03)
    assert average(yardstick.measure(sample(4000, 3))) < 0.05
    spoilt = scans.copy()
    spoilt[:80] = 1000.0
    spoilt[100:120] = np.nan
    assert average(Yardstick.of(spoilt, scans).measure(shifted)) == pytest.approx(0.5, abs=0.08)
    assert set(range(len(LOOKS))) - set(COMPARED) == {29, 30}


def test_fewer_scans_are_farther_apart_by_chance_and_less_sure():
    drawn = sample(2000, 4)
    found = {}
    for count in (6, 200):
        scans = sample(count, 5)
        yardstick = Yardstick.of(scans, drawn)
        low, high = find_interval(yardstick, scans, drawn, 1)
        found[count] = find_floor(scans, drawn, 1)[0], high - low

    assert found[6][0] > 3 * found[200][0]
    assert found[6][1] > 2 * found[200][1]
