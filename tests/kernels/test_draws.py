"""Draws of a style's parameters: their distributions, and what each depends on."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st

from number_generator import Handwriting, Normal, Uniform
from number_generator._kernels import draws
from number_generator.job.handwriting import parameters
from number_generator.rendering.styled import make_style_table

STREAM = np.int64(48)  # of the slant
LARGEST = 2**64 - 1
WORDS = st.integers(0, LARGEST)
NUMBERS = st.integers(0, 2**63 - 1)
DRAWN = [parameter for parameter in parameters() if parameter.scope != "choice"]


def table_of(slant):
    return make_style_table(Handwriting(slant=slant))


def drawn(slant, count=20_000, seed=5):
    table = table_of(slant)
    return np.array([draws.line_value(np.uint64(seed), np.uint64(image), table, STREAM) for image in range(count)])


def changed(parameter):
    return 0.5 if parameter.scope == "share" else (parameter.low, parameter.high)


# --- from words to values


@given(WORDS)
def test_a_unit_is_from_0_to_below_1(word):
    assert draws.unit(np.uint64(word)) == (word >> 11) / 2**53


def test_a_unit_never_reaches_1():
    assert draws.unit(np.uint64(0)) == 0
    assert draws.unit(np.uint64(LARGEST)) == 1 - 2**-53


@given(WORDS, st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted))
def test_a_uniform_draw_lies_between_its_ends(word, ends):
    value = draws.value(table_of(Uniform(*ends)), STREAM, np.uint64(word))

    assert ends[0] <= value <= ends[1]
    assert value == pytest.approx(ends[0] + (ends[1] - ends[0]) * (word / 2**64), abs=1e-12)


@given(WORDS)
def test_a_normal_draw_lies_between_its_cut_offs(word):
    assert -0.1 <= draws.value(table_of(Normal(0, 0.2, -0.1, 0.3)), STREAM, np.uint64(word)) <= 0.3


@given(WORDS)
def test_a_normal_draw_without_cut_offs_lies_within_its_bounds(word):
    low, high = Normal(0.1, 0.2).bounds()

    assert low <= draws.value(table_of(Normal(0.1, 0.2)), STREAM, np.uint64(word)) <= high


def test_a_normal_draw_is_a_sum_of_four():
    table = table_of(Normal(0.1, 0.2))
    reach = 0.2 * 12**0.5

    for word, expected in ((0, 0.1 - reach), (LARGEST, 0.1 + reach)):
        assert draws.value(table, STREAM, np.uint64(word)) == pytest.approx(expected, abs=1e-4)
    parts = [1, 20_000, 40_000, 65_535]
    total = (sum(parts) - 131_070) / (65_536 / 3**0.5)
    for order in (parts, parts[::-1]):
        word = sum(part << 16 * k for k, part in enumerate(order))
        assert draws.value(table, STREAM, np.uint64(word)) == pytest.approx(0.1 + 0.2 * total, abs=1e-12)


# --- distributions


def test_uniform_draws_fill_their_range_evenly():
    values = drawn((-0.2, 0.4))

    assert values.min() < -0.199
    assert values.max() > 0.399
    counts, _ = np.histogram(values, 20, (-0.2, 0.4))
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # 19 degrees of freedom: 1 in 1,000


def test_normal_draws_have_mean_deviation_and_a_bells_shape():
    values = drawn(Normal(0.1, 0.15))

    assert values.mean() == pytest.approx(0.1, abs=4 * 0.15 / 20_000**0.5)
    assert values.std() == pytest.approx(0.15, rel=0.02)
    within = [np.mean(np.abs(values - 0.1) < k * 0.15) for k in (1, 2, 3)]
    # Those of a sum of four uniform draws; a normal distribution has 0.683, 0.954 and 0.997.
    assert within == pytest.approx([0.669, 0.959, 0.999], abs=0.01)


def test_values_beyond_the_cut_offs_become_these():
    values = drawn(Normal(0, 0.2, -0.1, 0.15))

    assert values.min() == -0.1
    assert values.max() == 0.15
    assert np.mean(values == -0.1) == pytest.approx(0.31, abs=0.02)
    assert np.mean(values == 0.15) == pytest.approx(0.23, abs=0.02)


def test_a_constant_is_itself():
    assert set(drawn(0.3, 10)) == {0.3}
    assert draws.line_value_2(np.uint64(1), np.uint64(2), table_of(0.3), STREAM) == (0.3, 0.3)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9, 1.0])
def test_what_has_a_share_happens_as_often(share):
    table, stream = make_style_table(Handwriting(crossbar=share)), np.int64(81)

    happened = [draws.happens(np.uint64(3), np.uint64(image), table, stream) for image in range(20_000)]

    assert np.mean(happened) == pytest.approx(share, abs=4 * (share * (1 - share) / 20_000) ** 0.5)


# --- what a draw depends on


@settings(max_examples=30)
@given(WORDS, NUMBERS)
def test_a_draw_takes_the_first_words_of_its_parameters_stream(seed, image):
    first, second, *_ = reference.philox_words(seed, image, 48, 2)
    table = table_of((-0.5, 0.5))
    key = np.uint64(seed), np.uint64(image), table, STREAM

    assert draws.line_value(*key) == (first >> 11) / 2**53 - 0.5
    assert draws.line_value_2(*key) == ((first >> 11) / 2**53 - 0.5, (second >> 11) / 2**53 - 0.5)


@settings(max_examples=30)
@given(WORDS, NUMBERS, st.integers(0, 200), st.integers(0, 2**20 + 9))
def test_a_block_is_that_of_the_reference(seed, image, stream, number):
    words = draws.block(np.uint64(seed), np.uint64(image), np.int64(stream), np.int64(number))

    generator = np.random.Philox(counter=(number + (image << 64) - 1) % 2**256, key=seed + (stream << 64))
    assert list(words) == generator.random_raw(4).tolist()


@settings(max_examples=30)
@given(WORDS, NUMBERS, NUMBERS)
def test_a_draw_of_the_job_depends_on_the_seed_alone(seed, image, other):
    for slant in (Uniform(-1, 1, per_job=True), Normal(0, 0.2, per_job=True)):
        table = table_of(slant)

        values = {draws.line_value(np.uint64(seed), np.uint64(number), table, STREAM) for number in (image, other, 0)}

        assert len(values) == 1


def test_a_draw_of_the_job_has_a_stream_of_its_own():
    word = reference.philox_words(7, 0, 48 + 2**32, 1)[0]

    value = draws.line_value(np.uint64(7), np.uint64(99), table_of(Uniform(0, 1, per_job=True)), STREAM)

    assert value == (word >> 11) / 2**53
    assert value != draws.line_value(np.uint64(7), np.uint64(0), table_of(Uniform(0, 1)), STREAM)


def test_draws_of_the_job_differ_from_seed_to_seed():
    table = table_of(Uniform(0, 1, per_job=True))
    values = [draws.line_value(np.uint64(seed), np.uint64(5), table, STREAM) for seed in range(5000)]

    counts, _ = np.histogram(values, 10, (0, 1))
    assert ((counts - 500) ** 2 / 500).sum() < 27.9  # 9 degrees of freedom: 1 in 1,000


@pytest.mark.parametrize("parameter", DRAWN, ids=lambda parameter: parameter.name)
def test_changing_one_parameter_changes_no_others_draws(parameter):
    base = Handwriting(**{one.name: changed(one) for one in DRAWN})
    value = 0.9 if parameter.scope == "share" else Normal(0.5 * (parameter.low + parameter.high), 0,
                                                           parameter.low, parameter.high)  # fmt: skip
    tables = [make_style_table(base), make_style_table(base.replace(**{parameter.name: value}))]

    for other in DRAWN:
        for image in (0, 1, 2**40):
            key = np.uint64(11), np.uint64(image)
            of = draws.happens if other.scope == "share" else draws.line_value
            before, after = (of(*key, table, np.int64(other.stream)) for table in tables)

            assert other is parameter or before == after, other.name
    assert (tables[0][parameter.stream] != tables[1][parameter.stream]).any()


# --- the table


def test_a_table_holds_each_distribution_at_its_stream():
    style = Handwriting(slant=(-0.2, 0.4), rotation=Normal(1, 2, -3, 4), gap=Uniform(0, 1, per_job=True), crossbar=0.3)

    table = make_style_table(style)

    assert table.shape == (draws.TABLE_ROWS, draws.ROW_SIZE)
    assert table[48].tolist() == [draws.UNIFORM, 0, 0, -0.2, 0.4, 0]
    assert table[49].tolist() == [draws.NORMAL, 1, 2, -3, 4, 0]
    assert table[35].tolist() == [draws.UNIFORM, 0, 0, 0, 1, 1]
    assert table[81].tolist() == [draws.CONSTANT, 0.3, 0, 0.3, 0.3, 0]
    unused = sorted(set(range(draws.TABLE_ROWS)) - {parameter.stream for parameter in DRAWN})
    assert not table[unused].any()


@pytest.mark.parametrize("value", [Uniform(0.3, 0.3, per_job=True), Normal(0.3, 0), Normal(0.3, 0, per_job=True)])
def test_a_distribution_of_one_value_gives_it(value):
    assert set(drawn(value, 5)) == {0.3}
