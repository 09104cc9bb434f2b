"""Sets of digit strings, against Python's own matching and sets."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from national_numbers import holds, texts_up_to

from number_generator.errors import SpecError
from number_generator.numbers.digit_sets import DigitSets, list_ways

CLASSES = st.sampled_from(["0", "1", "2", "[01]", "[1-2]", r"\d"])
EXPRESSIONS = st.recursive(
    CLASSES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        inner.map(lambda part: f"({part})"),
        st.tuples(inner, st.sampled_from(["?", "{2}", "{0,2}", "{1,2}"])).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
    ),
    max_leaves=6,
)
AHEAD = st.tuples(st.sampled_from(["(?=", "(?!"]), EXPRESSIONS, EXPRESSIONS).map(lambda parts: "{}{}){}".format(*parts))
TEXTS = texts_up_to(5, "012")


@given(EXPRESSIONS | AHEAD)
def test_a_set_holds_what_its_expression_matches(pattern):
    languages = DigitSets()

    whole, beginning = languages.match_whole(pattern), languages.match_beginning(pattern)

    expression = re.compile(pattern)
    for text in TEXTS:
        assert (holds(languages, whole, text) is not None) == (expression.fullmatch(text) is not None), text
        assert (holds(languages, beginning, text) is not None) == (expression.match(text) is not None), text


@given(st.lists(st.sets(st.sampled_from(texts_up_to(3, "01"))), min_size=2, max_size=2), st.booleans())
def test_sets_join_meet_and_subtract_like_sets(pair, with_everything):
    languages = DigitSets()
    states = []
    for tag, texts in enumerate(pair):
        state = languages.NOTHING
        for text in sorted(texts):
            state = languages.join(
                state, languages.retag(languages.match_places([-1 - int(digit) for digit in text]), tag)
            )
        states.append(state)
    first, second = states
    all_texts = texts_up_to(4, "01")
    one, other = pair
    if with_everything:
        second, other = languages.match_everything(1), set(all_texts)

    results = languages.join(first, second), languages.meet(first, second), languages.subtract(first, second)

    for text in all_texts:
        tags = [holds(languages, state, text) for state in results]
        own = 0 if text in one else None
        assert tags == [
            1 if own is None and text in other else own,
            own if text in other else None,
            None if text in other else own,
        ]
    assert languages.join(languages.subtract(first, second), languages.meet(first, second)) == first
    assert languages.list_lengths(first) == sorted(set(map(len, one)))


@given(EXPRESSIONS, st.booleans())
def test_ways_to_match_come_in_the_order_that_python_tries_them(pattern, is_anchored):
    ending = f"(?:{pattern})$|{pattern}" if is_anchored else pattern
    expression = re.compile(ending)

    ways = list_ways(ending)

    for text in TEXTS:
        taken = next(
            (
                way
                for way in ways
                if len(way.sets) <= len(text)
                and all(int(character) in digits for character, digits in zip(text, way.sets, strict=False))
                and (not way.is_anchored or len(way.sets) == len(text))
            ),
            None,
        )
        match = expression.match(text)
        assert (taken is None) == (match is None), text
        if match:
            spans = [match.span(number + 1) for number in range(expression.groups)]
            assert len(taken.sets) == match.end(), text
            assert [span or (-1, -1) for span in taken.groups] == spans, text


def test_a_set_seen_through_places_drops_and_adds_digits():
    languages = DigitSets()
    language = languages.match_whole("12(3|4)5?")

    seen = languages.select_seen(language, (0, -1 - 2, 2), 4)

    found = [text for text in texts_up_to(4, "1234") if holds(languages, seen, text) is not None]
    assert found == [f"1{b}{c}{d}" for b in "1234" for c in "34" for d in "1234"]


@pytest.mark.parametrize("pattern", ["1+", "a", r"\s", "1*?", "[^1]", "."])
def test_a_pattern_of_an_unknown_kind_is_one_clear_error(pattern):
    with pytest.raises(SpecError, match=r"the metadata of phonenumbers has the pattern .*: install another version"):
        DigitSets().match_whole(pattern)


@pytest.mark.parametrize("pattern", ["0(?!1)", "0??", "0+", "^0"])
def test_a_prefix_that_looks_ahead_or_repeats_in_another_way_is_rejected(pattern):
    with pytest.raises(SpecError, match=r"has an unsupported part \((ahead|repeat|anchor)\): install"):
        list_ways(pattern)
