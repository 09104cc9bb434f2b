import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import reference
from hypothesis import example, given
from hypothesis import strategies as st

from number_generator import DigitImageDataset, generate_batch, taps
from number_generator._kernels import render
from number_generator._kernels import taps as kernels
from number_generator.taps import SharedTaps

SEQUENCES = ["0123456789", "55", "", "1" * 30, "902" * 7, "7"]


def lanczos(x):
    def sinc(x):
        return 1.0 if x == 0.0 else math.sin(x * math.pi) / (x * math.pi)

    return sinc(x) * sinc(x / 3) if -3.0 <= x < 3.0 else 0.0


def pillow_weights(source, target):
    """First source position and weights of each output position: Pillow's precompute and normalize_coeffs_8bpc."""
    scale = source / target
    filter_scale = max(scale, 1.0)
    support = 3.0 * filter_scale
    result = []
    for position in range(target):
        center = (position + 0.5) * scale
        first = max(int(center - support + 0.5), 0)
        count = min(int(center + support + 0.5), source) - first
        weights = [lanczos((k + first - center + 0.5) * (1.0 / filter_scale)) for k in range(count)]
        total = 0.0
        for weight in weights:  # not sum(), which compensates for rounding from Python 3.12 on
            total += weight
        if total != 0.0:
            weights = [weight / total for weight in weights]
        result.append((first, [int((-0.5 if weight < 0 else 0.5) + weight * (1 << 22)) for weight in weights]))
    return result


def unpacked(values, position, source, target):
    stride = kernels.tap_stride(source, target)
    result = []
    for i in range(target):
        first, count = values[position + 2 * i : position + 2 * i + 2].tolist()
        row = position + 2 * target + i * stride
        assert count <= stride
        result.append((first, values[row : row + count].tolist()))
    return result


@given(st.integers(1, 3000).flatmap(lambda source: st.tuples(st.just(source), st.integers(1, min(source, 400)))))
@example((1, 1))
@example((28, 1))
@example((28, 27))
@example((3000, 1))
@example((65536, 3))
@example((101, 100))
def test_weights_are_those_of_pillow(sizes):
    source, target = sizes
    size = kernels.packed_size(source, target)
    values = np.full(5 + size + 5, -7, np.int32)

    kernels.pack_taps(source, target, 5, values)

    assert unpacked(values, 5, source, target) == pillow_weights(source, target)
    assert (values[:5] == -7).all()
    assert (values[5 + size :] == -7).all()


@given(st.integers(1, 3000), st.integers(1, 400))
def test_weights_of_an_output_position_sum_to_one(source, target):
    source = max(source, target)
    values = np.empty(kernels.packed_size(source, target), np.int32)

    kernels.pack_taps(source, target, 0, values)

    for _, weights in unpacked(values, 0, source, target):
        assert abs(sum(weights) - 2**22) <= len(weights) / 2 + 1


@given(st.integers(4, 300), st.integers(1, 2000), st.integers(1, 100_000))
def test_the_height_is_rounded_as_python_rounds(height, width, more):
    natural = width + more

    assert render.contained_height(height, natural, width) == max(1, round(height * (width / natural)))


@pytest.mark.parametrize(("natural", "height"), [(560, 2), (400, 4), (2800, 1)])
def test_a_height_halfway_between_two_goes_to_the_even_one(natural, height):
    # 14 px * 100 / 560 = 2.5; 14 * 100 / 400 = 3.5; 14 * 100 / 2800 = 0.5, and a line has at least one row.
    assert render.contained_height(14, natural, 100) == height


def test_the_pool_holds_the_weights_of_wide_lines_alone():
    columns, column_starts, rows, row_starts = SharedTaps(28, 100, stretch=False).prepare(
        np.array([0, 50, 100, 295, 700])
    )

    assert np.flatnonzero(column_starts >= 0).tolist() == [295, 700]
    assert np.flatnonzero(row_starts >= 0).tolist() == [4, 9]
    assert unpacked(columns, column_starts[295], 295, 100) == pillow_weights(295, 100)
    assert unpacked(columns, column_starts[700], 700, 100) == pillow_weights(700, 100)
    assert unpacked(rows, row_starts[9], 28, 9) == pillow_weights(28, 9)


def test_stretched_lines_need_no_row_weights():
    _, _, _, row_starts = SharedTaps(28, 100, stretch=True).prepare(np.array([295]))

    assert (row_starts < 0).all()


def test_weights_are_computed_once(monkeypatch):
    shared = SharedTaps(28, 100, stretch=False)
    shared.prepare(np.array([295, 300, 295]))
    monkeypatch.setattr(taps.kernels, "pack_taps", None)  # calling it would fail

    shared.prepare(np.array([300, 295]))


def test_growing_keeps_the_arrays_that_were_handed_out_valid():
    shared = SharedTaps(28, 100, stretch=False)
    columns, column_starts, rows, row_starts = shared.prepare(np.array([295]))
    before = unpacked(columns, column_starts[295], 295, 100), unpacked(rows, row_starts[9], 28, 9)

    grown = shared.prepare(np.arange(101, 3000, 7))

    assert grown[0].size > columns.size
    assert grown[1].size > column_starts.size
    assert (unpacked(columns, column_starts[295], 295, 100), unpacked(rows, row_starts[9], 28, 9)) == before
    assert unpacked(grown[0], grown[1][295], 295, 100) == before[0]


def test_the_pool_is_bounded_in_memory(monkeypatch):
    monkeypatch.setattr(taps, "_POOL_VALUES", 200_000)
    monkeypatch.setattr(taps, "_MAX_KEYS", 5000)
    shared = SharedTaps(28, 100, stretch=False)

    columns, column_starts, _, _ = shared.prepare(np.arange(101, 20_000, 3))

    assert columns.size <= 200_000
    assert column_starts.size <= 2 * 5000
    kept = np.flatnonzero(column_starts >= 0)
    assert len(kept) > 10
    assert unpacked(columns, column_starts[kept[-1]], int(kept[-1]), 100) == pillow_weights(int(kept[-1]), 100)


@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize(("pool_values", "max_keys"), [(0, 2**20), (8 * 2**20, 0), (3000, 2**20), (8 * 2**20, 200)])
def test_lines_whose_weights_the_pool_lacks_have_the_same_pixels(monkeypatch, make_digits, fit, pool_values, max_keys):
    monkeypatch.setattr(taps, "_POOL_VALUES", pool_values)
    monkeypatch.setattr(taps, "_MAX_KEYS", max_keys)
    monkeypatch.setattr("number_generator.engine.shared_taps", SharedTaps)
    images, labels = make_digits(28)
    digits = DigitImageDataset(images, labels)

    batch = generate_batch(SEQUENCES, (0, 20), 40, seed=3, digits=digits, fit=fit)

    for number, sequence in enumerate(SEQUENCES):
        expected = reference.draw_image(
            sequence, number, images=images, labels=labels, seed=3, spacing_range=(0, 20), width=40, fit=fit
        )
        np.testing.assert_array_equal(batch[number], expected, err_msg=f"image {number}")


def test_threads_may_share_a_pool(monkeypatch, make_digits):
    digits = DigitImageDataset(*make_digits(28))
    sequences = ["1234567890"] * 64
    alone = [generate_batch(sequences, (0, 300), 30, seed=seed, digits=digits, workers=1) for seed in range(16)]
    shared = SharedTaps(28, 30, stretch=False)  # empty: the threads fill it all at once
    monkeypatch.setattr("number_generator.engine.shared_taps", lambda height, width, *, stretch: shared)

    def draw(seed):
        return generate_batch(sequences, (0, 300), 30, seed=seed, digits=digits, workers=2)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(draw, range(16)))

    np.testing.assert_array_equal(together, alone)


def test_callers_share_one_pool_for_a_page_size():
    assert taps.shared_taps(28, 100, stretch=False) is taps.shared_taps(28, 100, stretch=False)
    assert taps.shared_taps(28, 100, stretch=False) is not taps.shared_taps(28, 100, stretch=True)
