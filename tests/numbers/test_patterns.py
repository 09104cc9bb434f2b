"""Numbers drawn from expressions and from named patterns."""

import datetime
import doctest
import itertools
import json
import pickle
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import philox_words
from scipy.stats import chisquare

from number_generator.digits.resolve import default_digits
from number_generator.errors import SpecError
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers import patterns
from number_generator.numbers.named_patterns import NAMED
from number_generator.numbers.patterns import Pattern, parse_pattern_option
from number_generator.numbers.sequences import pack_sequences
from number_generator.rendering.engine import make_chunk

PATTERN_STREAM = 5
DAYS = [datetime.date(1900, 1, 1) + datetime.timedelta(days) for days in range(73_049)]
DATE_FORMATS = {"dmy": "{d}{s}{m}{s}{y}", "mdy": "{m}{s}{d}{s}{y}", "ymd": "{y}{s}{m}{s}{d}"}


def all_of(pattern):
    """Return every string of a small pattern, by drawing until all have come."""
    found = set()
    for seed in itertools.count():
        found.update(pattern.draw(20 * pattern.count, seed=seed))
        if len(found) >= pattern.count:
            return found
    return None


def has_right_check_digit(text):
    """Tell by the rule as it is taught: double every second digit from the right, and add the digits of each."""
    digits = [int(character) for character in reversed(text) if character.isdigit()]
    doubled = [sum(map(int, str(2 * digit))) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def test_every_string_has_the_same_chance():
    drawn = Counter(Pattern(r"[1-3]{1,2}|\(0-[12]\)").draw(70_000, seed=1))

    assert set(drawn) == {*"123", *map("".join, itertools.product("123", repeat=2)), "(0-1)", "(0-2)"}
    assert chisquare(list(drawn.values())).pvalue > 1e-4


def test_every_length_can_have_the_same_chance():
    drawn = Counter(Pattern(r"[1-3]{1,2}|\(0-[12]\)", "equal").draw(60_000, seed=1))

    by_length = Counter()
    for text, times in drawn.items():
        by_length[len(text)] += times
    assert chisquare([by_length[length] for length in (1, 2, 5)]).pvalue > 1e-4
    for length, strings in [(1, 3), (2, 9), (5, 2)]:
        assert chisquare([times for text, times in drawn.items() if len(text) == length]).pvalue > 1e-4
        assert sum(len(text) == length for text in drawn) == strings


def test_a_string_is_the_one_whose_rank_the_random_fraction_names():
    pattern = Pattern(r"\d{30}")

    for image, text in enumerate(pattern.draw(50, seed=9, start=10**15), 10**15):
        fraction = 0
        for word in philox_words(9, image, PATTERN_STREAM, 4)[1:]:
            fraction = fraction << 64 | word
        assert int(text) == fraction * 10**30 >> 192


@pytest.mark.parametrize("lengths", ["proportional", "equal"])
@pytest.mark.parametrize(
    ("regex", "count"),
    [(r"0[1-9]\d{8,9}", 99 * 10**8), (r"\d{1,40}", (10**41 - 10) // 9), ("", 1), (r"1?", 2), (r"\d{300}", 10**300)],
)
def test_strings_are_counted_exactly(regex, lengths, count):
    assert Pattern(regex, lengths).count == count


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 2**64 - 1))
def test_a_part_of_a_span_is_that_part_of_the_whole(first, second, seed):
    start, stop = sorted((first, second))
    pattern = Pattern.named("amount")

    part = pattern.sequences(seed, Span(2**50 + start, 2**50 + stop))

    whole = pattern.draw(200, seed=seed, start=2**50)
    packed = pack_sequences(whole[start:stop])
    np.testing.assert_array_equal(part.codes, packed.codes)
    np.testing.assert_array_equal(part.offsets, packed.offsets)


def test_many_long_numbers_are_drawn_in_parts():
    pattern = Pattern("0{9000}|1")

    drawn = pattern.draw(4000, seed=1, start=7)

    assert drawn[3990:] == pattern.draw(10, seed=1, start=3997)


def test_an_image_shows_the_number_drawn_for_it():
    pattern = Pattern(r"\d{3,5}")
    digits = default_digits()
    job = Job(pattern, RenderSpec((0, 2), 80), 28, 4, Span(3, 9))

    chunk = make_chunk(job, digits.atlas, job.span)

    assert [label.decode() for label in chunk.labels] == pattern.draw(6, seed=4, start=3)


def test_a_source_of_numbers_says_how_long_they_get():
    pattern = Pattern(r"\d{2,5}-\d")

    assert pattern.longest == 7
    assert pattern.digits_before(10) >= len("".join(pattern.draw(10, seed=1)))


def test_patterns_are_values():
    pattern = Pattern.named("card")
    copy = pickle.loads(pickle.dumps(pattern))

    assert copy == pattern
    assert hash(copy) == hash(pattern)
    assert copy.draw(5, seed=1) == pattern.draw(5, seed=1)
    assert len(pickle.dumps(Pattern(r"\d{2000}"))) < 1000
    assert Pattern("1{1,2}") != Pattern("1{1,2}", "equal")
    assert Pattern("1{1,2}") != Pattern("11?")
    assert repr(Pattern("1")) == "Pattern(regex='1', lengths='proportional', name=None)"


@pytest.mark.parametrize("text", [r"\d{3}-\d{4}", "date-ymd", "integer:3-8", ""])
def test_what_a_pattern_says_of_itself_makes_it_again(text):
    pattern = parse_pattern_option(text)

    described = json.loads(json.dumps(pattern.describe()))

    assert parse_pattern_option(described["pattern"], described["lengths"]) == pattern


@pytest.mark.parametrize("name", NAMED)
def test_a_named_pattern_draws_what_its_expression_matches(name):
    pattern = Pattern.named(name)

    drawn = pattern.draw(300, seed=2)

    assert all(re.fullmatch(NAMED[name].regex, text) for text in drawn)
    assert len(set(drawn)) > (60 if name.startswith("percent") else 200)
    assert all(has_right_check_digit(text) for text in drawn) == name.startswith("card")
    assert pattern.lengths == NAMED[name].lengths


def test_times_prices_and_percentages_are_those_that_people_write():
    shares = {
        "time": (r"\d\d?:\d[05]", 0.57, 0.63),  # half, and a fifth of the others by chance
        "time-12": (r"\d\d?:\d[05]", 0.57, 0.63),
        "price-usd": (r"\$(?:\d|[\d,]+(?:0|\.(?:00|50|[49]9|95)))", 0.5, 0.66),
        "price-eur-after": (r"(?:\d|[\d.]+(?:0|,(?:00|50|[49]9|95))) €", 0.5, 0.66),
        "price-jpy": (r"¥(?:\d|[\d,]+0)", 0.5, 0.68),
        "percent": (r"\d+%", 0.52, 0.58),
    }

    for name, (usual, least, most) in shares.items():
        drawn = Pattern.named(name).draw(4000, seed=1)
        assert least < sum(re.fullmatch(usual, text) is not None for text in drawn) / len(drawn) < most, name
    assert {text[0] for text in Pattern.named("price").draw(500, seed=1)} >= set("$£€¥123456789")


def test_wildcards_stand_for_what_they_always_stood_for():
    for regex in (r".", r"[^1]", r"\D|\d", r"\W|1", r"[^a-z]"):
        assert set(Pattern(regex).alphabet) <= set("0123456789-.,/()+ "), regex
    assert all_of(Pattern(r"[$*#]|\$\*|(?=')[€':]{1,2}")) == {"$", "*", "#", "$*", "'", "'€", "':", "''"}


@pytest.mark.parametrize(("name", "shortest", "longest"), [("round", 1, 8), ("round:3-7", 3, 7), ("round:5", 5, 5)])
def test_half_of_the_round_numbers_end_in_zeros_as_prices_do(name, shortest, longest):
    pattern = Pattern.named(name)

    drawn = pattern.draw(20_000, seed=1)

    lengths = Counter(map(len, drawn))
    assert sorted(lengths) == list(range(shortest, longest + 1))
    # Some integers end in a zero by chance; those of one digit are hardly ever 0.
    ended = sum(text.endswith("0") for text in drawn if len(text) > 1) / sum(len(text) > 1 for text in drawn)
    assert 0.52 < ended < 0.58
    if shortest > 1:
        assert max(lengths.values()) < 1.1 * min(lengths.values())
    few = [text for text in drawn if len(text) >= 5 and len(text.rstrip("0")) <= 3]
    assert len(few) / sum(len(text) >= 5 for text in drawn) == pytest.approx(0.5, abs=0.03)


def test_round_numbers_are_the_integers_of_their_lengths():
    assert Pattern.named("round:2-3").count == Pattern.named("integer:2-3").count == 990
    assert all_of(Pattern.named("round:2")) == {str(number) for number in range(10, 100)}
    assert set(Pattern.named("round:1").draw(300, seed=1)) == set("0123456789")
    assert pickle.loads(pickle.dumps(Pattern.named("round:3-7"))).draw(5, seed=1) == Pattern.named("round:3-7").draw(
        5, seed=1
    )


@pytest.mark.parametrize("name", [name for name in NAMED if name not in ("integer", "digits") and "date" not in name])
def test_the_example_in_a_description_is_of_the_pattern(name):
    last = re.findall(r"[$€£¥]?\d(?:[\d.,+ -]*\d|:\d)*(?: ?[%€])?", NAMED[name].description)

    if last:
        assert re.fullmatch(NAMED[name].regex, last[-1].strip()), last


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        pytest.param(order, kind, marks=() if order == "dmy" else pytest.mark.slow)
        for order, kind in itertools.product(DATE_FORMATS, ["", "-unpadded", "-short", "-digits"])
    ],
)
def test_dates_are_the_days_of_the_calendar(order, kind):
    days = [day for day in DAYS if day.year >= 2000] if kind == "-short" else DAYS
    width = 1 if kind == "-unpadded" else 2
    separators = [""] if kind == "-digits" else ["/", ".", "-"]
    written = [
        DATE_FORMATS[order].format(
            d=f"{day.day:0{width}}",
            m=f"{day.month:0{width}}",
            y=f"{day.year % 100:02}" if kind == "-short" else day.year,
            s=separators[0],
        )
        for day in days
    ]
    lines = "\n".join([*written, ""])
    expected = {lines.replace("/", separator) for separator in separators}
    pattern = Pattern.named(f"date-{order}{kind}")
    matches = re.compile(f"(?:(?:{pattern.regex})\n)*").fullmatch

    # Each is a string of the pattern, and it has no more.
    assert pattern.count == len(set(written)) * len(separators)
    assert all(map(matches, expected))
    assert {re.sub("[.-]", "/", text) for text in pattern.draw(2000, seed=1)} <= set(written)


def test_dates_mix_all_orders():
    drawn = Pattern.named("date").draw(20_000, seed=1)

    for order, kind in itertools.product(DATE_FORMATS, ["", "-unpadded", "-short"]):
        share = sum(bool(re.fullmatch(NAMED[f"date-{order}{kind}"].regex, text)) for text in drawn) / len(drawn)
        assert share > 0.05, (order, kind)


def test_integers_have_no_leading_zeros_and_digits_may():
    assert all_of(Pattern.named("integer:1-2")) == {str(number) for number in range(100)}
    assert all_of(Pattern.named("integer:3")) == {str(number) for number in range(100, 1000)}
    assert all_of(Pattern.named("digits:1-2")) == {str(n) for n in range(10)} | {f"{n:02}" for n in range(100)}
    assert Pattern.named("digits:6").count == 10**6


def test_amounts_are_all_there_are():
    plain = Pattern.named("amount-plain")

    assert plain.count == Pattern.named("amount").count == 10**11
    for text in Pattern.named("amount").draw(2000, seed=1):
        assert f"{float(text.replace(',', '')):,.2f}" == text
    for text in Pattern.named("amount-eu").draw(2000, seed=1):
        assert re.fullmatch(r"\d{1,3}(\.\d{3})*,\d\d", text)


@pytest.mark.parametrize(("name", "lengths"), [("amount", 9), ("integer", 8), ("postcode-us", 2)])
def test_short_numbers_are_as_frequent_as_long_ones_where_these_are_many_more(name, lengths):
    drawn = Counter(map(len, Pattern.named(name).draw(20_000, seed=1)))

    assert len(drawn) == lengths
    assert chisquare(list(drawn.values())).pvalue > 1e-4


def test_check_digits_leave_all_other_digits_free():
    # 1 of 10 last digits is right, whatever stands before it.
    for name in ["card", "card-grouped", "card-visa", "card-amex"]:
        assert Pattern.named(name).count * 10 == Pattern(NAMED[name].regex).count

    assert Pattern.named("card-visa").count == 10**14
    drawn = Pattern.named("card-visa").draw(50_000, seed=1)
    assert chisquare(np.bincount([int(text[7]) for text in drawn])).pvalue > 1e-4
    assert chisquare(np.bincount([int(text[-1]) for text in drawn])).pvalue > 1e-4


def test_known_card_numbers_are_of_their_patterns():
    # Numbers that payment services publish for tests.
    for name, number in [
        ("card-visa", "4111111111111111"),
        ("card-mastercard", "5555555555554444"),
        ("card-mastercard", "2223003122003222"),
        ("card-amex", "378282246310005"),
        ("card-discover", "6011111111111117"),
        ("card-jcb", "3530111333300000"),
    ]:
        assert has_right_check_digit(number)
        assert re.fullmatch(NAMED[name].regex, number)
        assert re.fullmatch(NAMED["card"].regex, number)


def test_lengths_can_be_chosen_for_a_name():
    assert Pattern.named("amount", "proportional").lengths == "proportional"
    assert parse_pattern_option("card", "equal").lengths == "equal"
    assert parse_pattern_option("1{1,2}").lengths == "proportional"
    assert parse_pattern_option("1{1,2}", "equal").lengths == "equal"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Pattern("(12"),
            r"^pattern '\(12' is not a valid regular expression: missing \).* at position 0; fix it",
        ),
        (lambda: Pattern(r"\d+"), r"matches infinitely many numbers: give a limit"),
        (
            lambda: Pattern("[0-9a-f]"),
            r"pattern '\[0-9a-f\]' holds 'a' at position 4: numbers hold digits from 0 to 9 and",
        ),
        (lambda: Pattern("(?!1)1"), "matches no number at all"),
        (lambda: Pattern(r"(\d{1000}){1000}"), "is too large"),
        (lambda: Pattern(r"\d{1,2000}", "equal"), "too large to draw with equal lengths: give fewer lengths"),
        (lambda: Pattern(12), "^pattern is 12: give a regular expression as a string$"),
        (lambda: Pattern(None), "^pattern is None"),
        (lambda: Pattern("1", "same"), "^lengths is 'same': give one of 'proportional', 'equal'$"),
        (lambda: Pattern("1", None), "^lengths is None"),
        (lambda: Pattern("1", ["equal"]), "^lengths is "),
        (lambda: Pattern("1", name="date"), "pattern 'date' has another expression"),
        (lambda: Pattern("1" * 100 + "("), "^pattern '1{76}\\.\\.\\. is not a valid regular expression"),
        (
            lambda: Pattern.named("dates"),
            r"'dates' is not a named pattern \(closest: date, .*: give one of date, date-",
        ),
        (lambda: Pattern.named("xyz"), "'xyz' is not a named pattern: give one of date"),
        (lambda: Pattern.named(3), "^pattern is 3"),
        (lambda: Pattern.named("date:3"), "'date:3': date takes no lengths; give 'date' alone"),
        (lambda: Pattern.named("integer:"), "has '' for lengths: give one or two from 1 to 10000"),
        (lambda: Pattern.named("integer:0-3"), "has '0-3' for lengths"),
        (lambda: Pattern.named("digits:8-3"), "has '8-3' for lengths: .* as in digits:6 or digits:3-8"),
        (lambda: Pattern.named("digits:10001"), "has '10001' for lengths"),
        (lambda: Pattern.named("digits:-3"), "has '-3' for lengths"),
        (lambda: Pattern.named("date", "long"), "^lengths is 'long'"),
        (lambda: parse_pattern_option("postcode"), r"\(closest: postcode-"),
        (lambda: parse_pattern_option("Date"), r"\(closest: date"),
        (lambda: parse_pattern_option("abc[0-9]"), r"pattern 'abc\[0-9\]' holds 'a' at position 0"),
        (lambda: parse_pattern_option(7), "^pattern is 7"),
        (lambda: Pattern("1").draw(-1), "^count is -1"),
        (lambda: Pattern("1").draw(1, start=-1), "^start is -1"),
        (lambda: Pattern("1").draw(1, seed=2**64), "^seed is "),
        (lambda: Pattern("1").draw(2, start=2**63 - 2), r"^start \+ count is "),
    ],
)
def test_bad_input_gets_one_clear_error(make, message):
    with pytest.raises(SpecError, match=message) as caught:
        make()

    assert "\n" not in str(caught.value)


def test_a_seed_that_is_not_given_is_drawn():
    pattern = Pattern(r"\d{30}")

    assert pattern.draw(1) != pattern.draw(1)
    assert pattern.draw(0) == []


def test_the_examples_in_the_documentation_are_right():
    result = doctest.testmod(patterns, raise_on_error=False)

    assert result.attempted
    assert not result.failed
