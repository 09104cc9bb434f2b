"""Real lines among drawn images: how many, where, which, and the same however a job is divided."""

from collections import Counter

import numpy as np
import pytest

from number_generator.errors import SpecError
from number_generator.job.spec import Span
from number_generator.scans.mixing import check_share, choose_lines, make_deck

DECK = np.arange(50)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.125, 0.3, 1 / 3, 1.0])
def test_the_share_is_exact_in_every_block_and_each_line_comes_equally_often(share):
    rows, lines = choose_lines(7, Span(0, 64_000), share, DECK)
    assert abs(len(rows) - 64_000 * share) <= 1
    assert (np.diff(rows) > 0).all()
    blocks = np.bincount(rows // 64, minlength=1000)
    assert np.ptp(blocks) <= 1
    turns = np.bincount(lines, minlength=50)
    assert np.ptp(turns) <= 1
    assert len(set(lines[50:100].tolist())) == len(lines[50:100])


def test_places_and_orders_vary_and_depend_on_the_seed():
    rows, lines = choose_lines(7, Span(0, 64_000), 0.125, DECK)
    places = np.bincount(rows % 64, minlength=64)
    assert places.min() > 0.6 * places.mean()
    assert lines[:50].tolist() != lines[50:100].tolist()
    others = choose_lines(8, Span(0, 64_000), 0.125, DECK)
    assert not np.array_equal(rows, others[0])
    assert not np.array_equal(lines, others[1])


@pytest.mark.parametrize("start", [0, 5, 2**62 + 31])
def test_a_span_holds_what_its_parts_hold(start):
    span = Span(start, start + 500)
    rows, lines = choose_lines(3, span, 0.3, DECK)
    found = [choose_lines(3, part, 0.3, DECK) for part in span.split(37)]
    offsets = [part.start - start for part in span.split(37)]
    assert np.array_equal(rows, np.concatenate([part[0] + at for part, at in zip(found, offsets, strict=True)]))
    assert np.array_equal(lines, np.concatenate([part[1] for part in found]))
    assert [len(part) for part in choose_lines(3, Span(9, 9), 0.3, DECK)] == [0, 0]


def test_rare_lengths_or_digits_come_more_often_if_asked_for():
    labels = ["12"] * 40 + ["345"] * 10 + ["6789"]
    assert make_deck(labels).tolist() == list(range(51))
    by_length = Counter(len(labels[line]) for line in make_deck(labels, "length"))
    assert by_length == {2: 40, 3: 40, 4: 8}
    by_digit = Counter(labels[line] for line in make_deck(labels, "digits"))
    assert by_digit == {"12": 40, "345": 40, "6789": 8}
    assert make_deck(["", ""], "digits").tolist() == [0, 1]
    with pytest.raises(SpecError, match="real_balance is 'size'"):
        make_deck(labels, "size")


def test_a_share_is_a_number_from_0_to_1():
    assert check_share(0.125) == 0.125
    assert check_share(1) == 1.0
    for wrong in (-0.1, 1.5, "0.5", None, True, float("nan")):
        with pytest.raises(SpecError, match="real_share is"):
            check_share(wrong)
