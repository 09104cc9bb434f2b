"""Finite languages as automata, and the draws from them."""

import itertools
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import bounded, philox_words
from scipy.stats import chisquare

from number_generator._kernels.automata import scale_fraction
from number_generator.job.spec import Span
from number_generator.numbers.automata import Automaton, LanguageError, Sampler
from number_generator.numbers.sequences import ALPHABET

STREAM = 77


def automaton_of(*languages):
    """Return an automaton with one start for each set of texts: their trie."""
    edges, tags, starts = [], [], []
    for texts in languages:
        starts.append(len(edges))
        edges.append({})
        tags.append(-1)
        for text in texts:
            state = starts[-1]
            for character in text:
                code = ALPHABET.index(character)
                if code not in edges[state]:
                    edges[state][code] = len(edges)
                    edges.append({})
                    tags.append(-1)
                state = edges[state][code]
            tags[state] = 0
    return Automaton.build([list(arcs.items()) for arcs in edges], tags, starts)


def chain_of(*widths, ends=()):
    """Return the automaton of strings whose character k is one of the first `widths[k]`; they may end before `ends`."""
    edges = [[(code, k + 1) for code in range(width)] for k, width in enumerate(widths)]
    tags = [0 if k in (*ends, len(widths)) else -1 for k in range(len(widths) + 1)]
    return Automaton.build([*edges, []], tags, [0])


def strings_of(automaton, start):
    """List the strings of a start in the order of their ranks."""
    found = [""] if automaton.tags[start] >= 0 else []
    for code, target in automaton.edges[start]:
        found += [ALPHABET[code] + rest for rest in strings_of(automaton, target)]
    return found


def texts_of(sequences):
    """Return sequences as strings."""
    ends = sequences.offsets.tolist()
    return ["".join(ALPHABET[code] for code in sequences.codes[a:b]) for a, b in itertools.pairwise(ends)]


def drawn_slowly(automaton, seed, image, stream=STREAM):
    """Draw the string of one image with Python's integers."""
    counts = automaton.count_completions()
    first_word = philox_words(seed, image, stream, 1)[0]
    state = automaton.starts[bounded(first_word, len(automaton.starts))]
    limbs = -(-counts[state].bit_length() // 64)
    fraction = 0
    for word in philox_words(seed, image, stream, limbs + 2)[1:]:
        fraction = fraction << 64 | word
    rank = fraction * counts[state] >> 64 * (limbs + 1)
    text = ""
    while True:
        if automaton.tags[state] >= 0:
            if not rank:
                return text, automaton.tags[state]
            rank -= 1
        edges = iter(automaton.edges[state])
        code, target = next(edges)
        while rank >= counts[target]:
            rank -= counts[target]
            code, target = next(edges)
        text += ALPHABET[code]
        state = target


TEXTS = st.sets(st.text("01-", max_size=4), min_size=1, max_size=12)


@given(TEXTS)
def test_an_automaton_has_the_strings_that_it_was_built_from(texts):
    automaton = automaton_of(texts)

    strings = strings_of(automaton, automaton.starts[0])

    assert strings == sorted(texts, key=lambda text: [ALPHABET.index(character) for character in text])
    assert automaton.count_completions()[automaton.starts[0]] == len(texts)
    assert automaton.longest == max(map(len, texts))


@given(TEXTS, TEXTS)
def test_equal_states_become_one(texts, others):
    automaton = automaton_of(texts, others, texts)

    languages = [tuple(strings_of(automaton, state)) for state in range(len(automaton.edges))]

    assert len(set(languages)) == len(languages)
    assert automaton.starts[0] == automaton.starts[2]
    assert (automaton.starts[0] == automaton.starts[1]) == (texts == others)


def test_useless_states_are_dropped_even_in_a_cycle():
    edges = [[(1, 1), (2, 2)], [], [(3, 2)], [(4, 1), (4, 3)]]

    automaton = Automaton.build(edges, [-1, 0, -1, -1], [2, 0])

    assert automaton == Automaton((((), ((1, 0),))), (0, -1), (1,))


def test_tags_keep_states_apart():
    automaton = Automaton.build([[(0, 1), (1, 2), (2, 3)], [], [], []], [-1, 5, 6, 5], [0])

    assert automaton.edges == ((), (), ((0, 0), (1, 1), (2, 0)))
    assert automaton.tags == (5, 6, -1)


@pytest.mark.parametrize(
    ("edges", "tags", "message"),
    [
        ([[(1, 0)]], [0], "matches infinitely many numbers: give a limit"),
        ([[(1, 1)], [(2, 2)], [(3, 0), (4, 3)], []], [-1, -1, -1, 0], "matches infinitely many numbers"),
        ([[(1, 1)], []], [-1, -1], "matches no number at all"),
        ([[(1, 0)]], [-1], "matches no number at all"),
        (
            [*([(1, k + 1)] for k in range(10_001)), []],
            [-1] * 10_001 + [0],
            "numbers of 10001 characters: at most 10000",
        ),
    ],
)
def test_a_language_without_strings_or_without_end_is_refused(edges, tags, message):
    with pytest.raises(LanguageError, match=message):
        Automaton.build(edges, tags, [0])


@pytest.mark.slow
def test_tables_beyond_all_memory_are_refused():
    # Three kinds of strings of 10,000 characters out of 18, each with states of its own: 10 million limbs.
    edges, tags = [], []
    for tag in range(3):
        first = len(edges)
        edges += [[(code, first + k + 1) for code in range(18)] for k in range(10_000)] + [[]]
        tags += [-1] * 10_000 + [tag]
    automaton = Automaton.build(edges, tags, [0, 10_001, 20_002])

    with pytest.raises(LanguageError, match="too large to count"):
        Sampler(automaton)


@pytest.mark.parametrize(
    "automaton",
    [
        chain_of(10, 1, 3, ends=(0, 1, 2)),
        chain_of(*[10] * 19),  # one limb
        chain_of(*[16] * 16),  # 2**64: one bit more than that
        chain_of(*[10] * 30, ends=range(30)),
        chain_of(*[16] * 32),  # 2**128
        chain_of(*[10] * 40, ends=(0, 3, 39)),
        chain_of(*[18, 1] * 70, ends=range(0, 140, 2)),
        chain_of(*[10] * 700),
        automaton_of({"", "1", "12-3"}, {"5"}, {"5"}),
    ],
    ids=lambda automaton: f"{max(automaton.count_completions()).bit_length()} bits",
)
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_draws_are_those_of_exact_arithmetic(automaton, seed):
    span = Span(2**40, 2**40 + 50)

    drawn = Sampler(automaton).draw(seed, span, STREAM)

    assert texts_of(drawn) == [drawn_slowly(automaton, seed, image)[0] for image in range(span.start, span.stop)]
    assert drawn.codes.dtype == np.uint8
    assert drawn.offsets.dtype == np.int64


@given(TEXTS, TEXTS, st.integers(0, 2**64 - 1))
def test_draws_from_any_language_are_those_of_exact_arithmetic(texts, others, seed):
    automaton = automaton_of(texts, others)

    drawn = Sampler(automaton).draw(seed, Span(5, 15), STREAM)

    assert texts_of(drawn) == [drawn_slowly(automaton, seed, image)[0] for image in range(5, 15)]


# For each rank the smallest fraction that gives it, and its neighbours.
@pytest.mark.parametrize("count", [1, 2, 3, 10**19, 2**64 - 1, 2**64, 10**30, 2**128 - 1, 18**100])
def test_a_fraction_is_scaled_to_the_last_bit(count):
    limbs = -(-count.bit_length() // 64)
    scale = 2 ** (64 * (limbs + 1))
    counts = np.frombuffer(count.to_bytes(8 * limbs, "little"), "<u8").astype(np.uint64)
    ranks = {0, count // 3, count // 2, count - 1}

    for rank in ranks:
        smallest = -(-rank * scale // count)
        for fraction in {smallest, max(0, smallest - 1), (rank + 1) * scale // count - 1, scale - 1}:
            words = [0, *((fraction >> 64 * k) % 2**64 for k in range(limbs, -1, -1))]
            out = np.empty(limbs, np.uint64)
            scale_fraction(np.array(words, np.uint64), counts, 0, limbs, out)
            assert sum(int(limb) << 64 * k for k, limb in enumerate(out)) == fraction * count // scale


def test_every_string_has_the_same_chance():
    texts = {"", "0", "00", "01", "1-1", "123456"}

    drawn = Counter(texts_of(Sampler(automaton_of(texts)).draw(3, Span(0, 60_000), STREAM)))

    assert set(drawn) == texts
    assert chisquare(list(drawn.values())).pvalue > 1e-4


def test_every_start_has_the_same_chance_and_counts_as_often_as_it_is_named():
    automaton = automaton_of({"1"}, {f"{number}" for number in range(20, 90)}, {"1"})

    drawn = texts_of(Sampler(automaton).draw(3, Span(0, 60_000), STREAM))

    assert abs(np.mean([text == "1" for text in drawn]) - 2 / 3) < 0.01


def test_each_length_can_have_the_same_chance():
    texts = {"", "5", *(f"{number:03}" for number in range(1000))}
    automaton = automaton_of(texts).split_by_length()

    drawn = Counter(map(len, texts_of(Sampler(automaton).draw(3, Span(0, 30_000), STREAM))))

    assert [automaton.count_completions()[start] for start in automaton.starts] == [1, 1, 1000]
    assert chisquare([drawn[0], drawn[1], drawn[3]]).pvalue > 1e-4


@given(TEXTS)
def test_lengths_apart_have_the_strings_of_all_together(texts):
    automaton = automaton_of(texts).split_by_length()

    languages = [strings_of(automaton, start) for start in automaton.starts]

    assert [{len(text) for text in language} for language in languages] == [{n} for n in sorted(set(map(len, texts)))]
    assert sorted(itertools.chain(*languages)) == sorted(texts)


@pytest.mark.slow
def test_too_many_lengths_are_refused():
    with pytest.raises(LanguageError, match="too large to draw with equal lengths"):
        chain_of(*[10] * 1000, ends=range(1000)).split_by_length()


def test_templates_say_how_strings_are_written():
    # Tag 0 ends "1d", tag 1 "2d": (d) and 2-dd.
    edges = [[(1, 1), (2, 2)], [(code, 3) for code in range(10)], [(code, 4) for code in range(10)], [], []]
    automaton = Automaton.build(edges, [-1, -1, -1, 0, 1], [0])
    opening, closing, dash = (-1 - ALPHABET.index(character) for character in "()-")

    sampler = Sampler(automaton, [(opening, 1, closing), (0, dash, 1, 1)])

    written = texts_of(sampler.draw(8, Span(0, 500), STREAM))
    drawn = [drawn_slowly(automaton, 8, image) for image in range(500)]
    forms = [lambda text: f"({text[1]})", lambda text: f"{text[0]}-{text[1]}{text[1]}"]
    assert written == [forms[tag](text) for text, tag in drawn]
    assert sampler.longest == 4


def test_templates_may_be_shorter_than_what_is_drawn():
    sampler = Sampler(chain_of(*[10] * 30), [(29,)])

    assert texts_of(sampler.draw(1, Span(0, 40), STREAM)) == [
        drawn_slowly(chain_of(*[10] * 30), 1, image)[0][-1] for image in range(40)
    ]
    assert sampler.longest == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_a_part_of_a_span_is_that_part_of_the_whole(first, second):
    start, stop = sorted((first, second))
    sampler = Sampler(chain_of(*[10] * 45, ends=range(45)))

    part = texts_of(sampler.draw(9, Span(start, stop), STREAM))

    assert part == texts_of(sampler.draw(9, Span(0, 60), STREAM))[start:stop]


def test_streams_and_seeds_differ():
    sampler = Sampler(chain_of(*[10] * 15))
    draws = [texts_of(sampler.draw(seed, Span(0, 5), stream)) for seed, stream in [(1, 1), (1, 2), (2, 1)]]

    assert len({text for texts in draws for text in texts}) == 15


def test_threads_may_share_a_sampler():
    sampler = Sampler(chain_of(*[10] * 45))
    spans = list(Span(0, 2000).split(100))

    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(lambda span: texts_of(sampler.draw(4, span, STREAM)), spans)

    assert list(itertools.chain(*parts)) == texts_of(sampler.draw(4, Span(0, 2000), STREAM))


def test_the_longest_possible_strings_can_be_drawn():
    sampler = Sampler(chain_of(*[10] * 10_000))

    drawn = sampler.draw(1, Span(0, 2), STREAM)

    assert np.diff(drawn.offsets).tolist() == [10_000, 10_000]
    assert chisquare(np.bincount(drawn.codes, minlength=10)).pvalue > 1e-4
