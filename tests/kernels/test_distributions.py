"""Every distribution, by chi-square.

The draws are of fixed seeds, so a test passes always or never; a right distribution fails one with a chance of
PASSES. That a test would catch a wrong distribution is tested as well, with a p-value below CAUGHT.
"""

import numpy as np
import pytest
from scipy import stats

from number_generator._kernels import layout, rng, streams
from number_generator.digits.resolve import default_digits
from number_generator.job.spec import Span
from number_generator.numbers.phone import PhoneNumbers
from number_generator.numbers.sequences import pack_sequences

PASSES = 1e-4
CAUGHT = 1e-9
IMAGES = 100_000
SEED = 20_240_229


def p_uniform(values, count):
    """P-value of the values being uniform on 0 to count - 1; none may lie outside."""
    values = np.asarray(values)
    assert values.min() >= 0
    assert values.max() < count
    return stats.chisquare(np.bincount(values, minlength=count)).pvalue


def p_independent(first, second):
    """P-value of two columns of small integers being independent."""
    first, second = first - first.min(), second - second.min()
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    return stats.chi2_contingency(table).pvalue


@pytest.fixture(scope="module")
def phone_numbers():
    """Lengths, shape (n,), and digits, shape (n, 11), where the last may be -1."""
    sequences = PhoneNumbers().sequences(SEED, Span(0, IMAGES))
    lengths = np.diff(sequences.offsets)
    digits = np.full((IMAGES, 11), -1)
    digits[np.arange(11) < lengths[:, None]] = sequences.codes
    return lengths, digits


def lay_out(sequences, spacing_range, seed=SEED, start=0):
    """Return the number of each digit's glyph in its class, and the gap after it; shapes (digits,), (digits,)."""
    atlas = default_digits().atlas
    packed = pack_sequences(sequences)
    glyph_ids, lefts = np.empty((2, len(packed.codes)), np.int64)
    natural = np.empty(len(packed), np.int64)
    layout.lay_out(
        np.uint64(seed),
        np.arange(start, start + len(packed), dtype=np.uint64),
        packed.codes,
        packed.offsets,
        atlas.class_start,
        atlas.glyph_column,
        spacing_range,
        glyph_ids,
        lefts,
        natural,
    )
    rights = lefts + (np.diff(atlas.glyph_column) - 1)[glyph_ids]
    gaps = np.append(lefts[1:], 0) - rights
    return glyph_ids - atlas.class_start[packed.codes], gaps


@pytest.fixture(scope="module")
def laid_out():
    """Glyphs, shape (n, 4), and gaps, shape (n, 3), of the same four digits with gaps from 5 to 10 px."""
    glyphs, gaps = lay_out(np.full((IMAGES, 4), 7), (5, 10))
    return glyphs.reshape(-1, 4), gaps.reshape(-1, 4)[:, :3]


def test_lengths_10_and_11_are_equally_likely(phone_numbers):
    lengths, _ = phone_numbers

    assert p_uniform(lengths - 10, 2) > PASSES


def test_the_first_digit_is_0(phone_numbers):
    _, digits = phone_numbers

    assert (digits[:, 0] == 0).all()


def test_the_second_digit_is_uniform_from_1_to_9(phone_numbers):
    _, digits = phone_numbers

    assert p_uniform(digits[:, 1] - 1, 9) > PASSES


@pytest.mark.parametrize("slot", range(2, 11))
def test_other_digits_are_uniform_from_0_to_9(phone_numbers, slot):
    lengths, digits = phone_numbers

    assert p_uniform(digits[slot < lengths, slot], 10) > PASSES


@pytest.mark.parametrize("slot", range(1, 10))
def test_neighbouring_digits_are_independent(phone_numbers, slot):
    lengths, digits = phone_numbers
    both = slot + 1 < lengths

    assert p_independent(digits[both, slot], digits[both, slot + 1]) > PASSES


@pytest.mark.parametrize("slot", range(1, 10))
def test_the_digits_of_neighbouring_images_are_independent(phone_numbers, slot):
    _, digits = phone_numbers

    assert p_independent(digits[:-1, slot], digits[1:, slot]) > PASSES


@pytest.mark.parametrize("slot", [1, 2, 5, 9])
def test_digits_are_independent_of_the_length(phone_numbers, slot):
    lengths, digits = phone_numbers

    assert p_independent(lengths - 10, digits[:, slot]) > PASSES


def test_the_lengths_of_neighbouring_images_are_independent(phone_numbers):
    lengths, _ = phone_numbers

    assert p_independent(lengths[:-1] - 10, lengths[1:] - 10) > PASSES


@pytest.mark.parametrize("other", [0, SEED + 1, SEED ^ 2**63, 2**64 - 1])
def test_the_numbers_of_another_seed_are_independent(phone_numbers, other):
    lengths, digits = phone_numbers
    sequences = PhoneNumbers().sequences(other, Span(0, IMAGES))

    assert p_independent(lengths - 10, np.diff(sequences.offsets) - 10) > PASSES
    assert p_independent(digits[:, 9], sequences.codes[sequences.offsets[:-1] + 9]) > PASSES


@pytest.mark.parametrize(("smallest", "largest"), [(0, 1), (5, 10), (0, 300), (7, 7), (65_530, 65_535)])
def test_gaps_are_uniform_with_both_ends_included(smallest, largest):
    _, gaps = lay_out(np.zeros((IMAGES, 2), int), (smallest, largest))
    gaps = gaps[::2]

    assert gaps.min() == smallest
    assert gaps.max() == largest
    assert smallest == largest or p_uniform(gaps - smallest, largest - smallest + 1) > PASSES


@pytest.mark.parametrize("slot", range(3))
def test_the_gaps_of_every_slot_are_uniform(laid_out, slot):
    _, gaps = laid_out

    assert p_uniform(gaps[:, slot] - 5, 6) > PASSES


@pytest.mark.parametrize("digit", range(10))
def test_every_glyph_of_a_class_is_equally_likely(digits, digit):
    count = int((digits[1] == digit).sum())
    glyphs, _ = lay_out(np.full((IMAGES, 2), digit), (0, 0))

    assert p_uniform(glyphs[::2], count) > PASSES
    assert p_uniform(glyphs[1::2], count) > PASSES


@pytest.mark.parametrize("slot", range(3))
def test_the_glyphs_of_neighbouring_slots_are_independent(laid_out, slot):
    glyphs, _ = laid_out

    # 25 parts of the 500 glyphs, by position and by remainder.
    assert p_independent(glyphs[:, slot] // 20, glyphs[:, slot + 1] // 20) > PASSES
    assert p_independent(glyphs[:, slot] % 25, glyphs[:, slot + 1] % 25) > PASSES


@pytest.mark.parametrize("slot", range(4))
def test_the_glyphs_of_neighbouring_images_are_independent(laid_out, slot):
    glyphs, _ = laid_out

    assert p_independent(glyphs[:-1, slot] // 20, glyphs[1:, slot] // 20) > PASSES


@pytest.mark.parametrize("slot", range(2))
def test_the_gaps_of_neighbouring_slots_are_independent(laid_out, slot):
    _, gaps = laid_out

    assert p_independent(gaps[:, slot], gaps[:, slot + 1]) > PASSES


@pytest.mark.parametrize("slot", range(3))
def test_glyphs_and_gaps_are_independent(laid_out, slot):
    glyphs, gaps = laid_out

    assert p_independent(glyphs[:, slot] // 20, gaps[:, slot]) > PASSES
    assert p_independent(glyphs[:, slot + 1] // 20, gaps[:, slot]) > PASSES


def test_glyphs_are_independent_of_drawn_digits(laid_out, phone_numbers):
    glyphs, _ = laid_out
    _, digits = phone_numbers

    for slot in range(1, 4):
        assert p_independent(glyphs[:, slot] // 20, digits[:, slot]) > PASSES


def test_two_digits_of_a_line_may_be_the_same_glyph_and_seldom_are(laid_out):
    glyphs, _ = laid_out

    same = int((glyphs[:, 0] == glyphs[:, 1]).sum())

    assert stats.binomtest(same, IMAGES, 1 / 500).pvalue > PASSES


def test_the_bits_of_words_are_fair():
    words = np.empty(4 * IMAGES, np.uint64)
    rng.fill_words(np.uint64(SEED), np.uint64(0), streams.GLYPH, words.size, words)

    bits = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=0)

    deviations = (bits - words.size / 2) ** 2 / (words.size / 4)
    assert stats.chi2.sf(deviations.sum(), 64) > PASSES


@pytest.mark.parametrize("count", [2, 6, 9, 10, 301, 500])
def test_a_value_drawn_a_little_too_often_would_be_caught(count):
    values = np.random.default_rng(1).integers(0, count, IMAGES)

    values[: IMAGES // 50] = 0

    assert p_uniform(values, count) < CAUGHT


def test_an_end_that_is_left_out_would_be_caught():
    values = np.random.default_rng(1).integers(0, 300, IMAGES)

    assert p_uniform(values, 300) > PASSES
    assert p_uniform(values, 301) < CAUGHT


def test_the_bias_of_a_narrow_remainder_would_be_caught():
    # A byte's remainder by 10 gives 0 to 5 more often: 26 of 256 against 25.
    values = np.random.default_rng(1).integers(0, 256, IMAGES * 10) % 10

    assert p_uniform(values, 10) < CAUGHT


def test_a_word_used_twice_would_be_caught():
    random = np.random.default_rng(1)
    first, second = random.integers(0, 10, (2, IMAGES))
    assert p_independent(first, second) > PASSES

    second[: IMAGES // 20] = first[: IMAGES // 20]

    assert p_independent(first, second) < CAUGHT
