import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from number_generator._kernels import rng, streams

WORD = st.integers(0, 2**64 - 1)
LARGEST = 2**64 - 1

# Random123's kat_vectors, philox4x64 with 10 rounds: zeros, ones, digits of pi.
KNOWN_ANSWERS = [
    (
        (0, 0, 0, 0),
        (0, 0),
        (0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B),
    ),
    (
        (LARGEST,) * 4,
        (LARGEST,) * 2,
        (0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0),
    ),
    (
        (0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
        (0x452821E638D01377, 0xBE5466CF34E90C6C),
        (0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6),
    ),
]


def philox(counter, key):
    return rng.philox(*map(np.uint64, (*counter, *key)))


def fill_words(seed, image, stream, count):
    words = np.zeros(-(-count // 4) * 4, np.uint64)
    rng.fill_words(np.uint64(seed), np.uint64(image), stream, count, words)
    return words[:count].tolist()


def bounded(word, count):
    return rng.draw_below(np.uint64(word), np.int64(count))


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, words):
    assert philox(counter, key) == words


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_philox_equals_that_of_numpy(counter, key):
    # NumPy increments the counter before the first block.
    before = (sum(word << 64 * place for place, word in enumerate(counter)) - 1) % 2**256
    expected = np.random.Philox(counter=before, key=key[0] + (key[1] << 64)).random_raw(4)

    assert philox(counter, key) == tuple(expected.tolist())


@given(WORD, WORD, st.sampled_from([streams.LENGTH, streams.DIGIT, streams.GLYPH, streams.SPACING]), st.integers(0, 30))
def test_words_are_those_of_the_definition(seed, image, stream, count):
    assert fill_words(seed, image, stream, count) == reference.philox_words(seed, image, stream, count)


def test_no_words_may_be_asked_for():
    # A line of no digits has -1 gaps.
    words = np.full(4, 7, np.uint64)

    rng.fill_words(np.uint64(1), np.uint64(1), streams.SPACING, -1, words)

    assert words.tolist() == [7] * 4


@given(WORD, WORD, st.integers(1, 20), st.integers(1, 20))
def test_a_word_does_not_depend_on_how_many_are_drawn(seed, image, few, more):
    shared = min(few, more)

    assert fill_words(seed, image, streams.GLYPH, few)[:shared] == fill_words(seed, image, streams.GLYPH, more)[:shared]


def test_seeds_images_streams_and_slots_share_no_word():
    # Including pairs that differ only in the top bit, and (seed, image) swapped.
    numbers = [0, 1, 2, 3, 2**32, 2**63 - 1, 2**63, 2**64 - 1]
    words = [
        word
        for seed in numbers
        for image in numbers
        for stream in (1, 2, 3, 4)
        for word in fill_words(seed, image, stream, 12)
    ]

    assert len(set(words)) == len(words) == 8 * 8 * 4 * 12


@given(WORD, st.integers(1, 2**40))
def test_a_bounded_draw_is_the_upper_half_of_the_product(word, count):
    assert bounded(word, count) == reference.bounded(word, count) < count


@pytest.mark.parametrize("count", [1, 2, 6, 10, 500, 65536])
def test_a_bounded_draw_reaches_both_ends(count):
    assert bounded(0, count) == 0
    assert bounded(2**64 - 1, count) == count - 1


@pytest.mark.parametrize("count", [2, 6, 10, 500])
def test_a_bounded_draw_steps_exactly_at_equal_parts_of_the_range(count):
    for value in range(1, count):
        first = -(-(value << 64) // count)
        assert (bounded(first - 1, count), bounded(first, count)) == (value - 1, value)
