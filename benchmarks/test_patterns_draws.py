"""Draws of numbers from regular expressions and named patterns, and how long their tables take."""

import pytest
from workload import phone_job

from number_generator.job.spec import Span
from number_generator.numbers.automata import Sampler
from number_generator.numbers.patterns import Pattern, parse_pattern_option
from number_generator.numbers.phone import PhoneNumbers
from number_generator.numbers.regex import parse_language
from number_generator.numbers.sequences import ALPHABET

_COUNT = 100_000
_LONGEST = 1000


@pytest.mark.benchmark(group="patterns")
@pytest.mark.parametrize(
    "text", [r"0[1-9]\d{8,9}", "date", "date-ymd", "amount", "card-grouped", r"\d{30}", r"\d{38}", r"\d{100}"]
)
def test_numbers_of_a_pattern(rate, text):
    pattern = parse_pattern_option(text)
    count = _COUNT // 5 if pattern.longest > 38 else _COUNT  # of big integers, which take their time
    phones, span = PhoneNumbers(), phone_job(count).span
    drawn = rate(
        pattern.sequences,
        1,
        Span(0, count),
        unit="number",
        count=count,
        size=len(pattern.sequences(1, Span(0, count)).codes),
        against={"PhoneNumbers": (lambda: phones.sequences(1, span), count)},
    )
    assert len(drawn) == count
    assert drawn.longest == pattern.longest


@pytest.mark.benchmark(group="patterns")
def test_numbers_of_many_starts_written_by_templates(rate):
    # As phone numbers of many countries: each start has a language of its own, and strings are written in groups.
    languages = [parse_language(rf"0[1-9]{{2}}{digit}\d{{6,7}}") for digit in range(10)]
    edges, tags, starts = [], [], []
    for language in languages:
        shift = len(edges)
        edges += [[(code, shift + target) for code, target in arcs] for arcs in language.edges]
        tags += language.tags
        starts.append(shift + language.starts[0])
    dash = -1 - ALPHABET.index("-")
    sampler = Sampler(
        type(languages[0]).build(edges, tags, starts), [(0, 1, 2, dash, *range(3, 6), dash, *range(6, 10))]
    )
    drawn = rate(sampler.draw, 1, Span(0, _COUNT), 77, unit="number", count=_COUNT, size=12 * _COUNT)
    assert drawn.longest == 12


@pytest.mark.benchmark(group="patterns")
def test_long_numbers(rate):
    pattern = Pattern(rf"\d{{{_LONGEST}}}")
    count = 200
    drawn = rate(pattern.sequences, 1, Span(0, count), unit="digit", count=count * _LONGEST, size=count * _LONGEST)
    assert drawn.longest == _LONGEST


@pytest.mark.benchmark(group="tables of patterns")
@pytest.mark.parametrize("regex", [r"0[1-9]\d{8,9}", r"\d{1000}"])
def test_tables(rate, regex):
    sampler = rate(lambda: Sampler(parse_language(regex)), unit="pattern", count=1)
    assert sampler.counts[0] > 10**9
