import math
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import reference
from hypothesis import example, given
from hypothesis import strategies as st

from number_generator import DigitImageDataset, generate_batch
from number_generator._kernels import render
from number_generator._kernels import taps as kernels
from number_generator.rendering import resampling_weights
from number_generator.rendering.resampling_weights import SharedTaps

SEQUENCES = ["0123456789", "55", "", "1" * 30, "902" * 7, "7"]


def lanczos(x):
    def sinc(x):
        return 1.0 if x == 0.0 else math.sin(x * math.pi) / (x * math.pi)

    return sinc(x) * sinc(x / 3) if -3.0 <= x < 3.0 else 0.0


def pillow_weights(source, target):
    """First source position and weights of each output position: Pillow's precompute and normalize_coeffs_8bpc."""
    scale = source / target
    filter_scale = max(scale, 1.0)
    result = []
    for position in range(target):
        center, first, count = window(source, target, position)
        weights = [lanczos((k + first - center + 0.5) * (1.0 / filter_scale)) for k in range(count)]
        total = 0.0
        for weight in weights:  # not sum(), which compensates for rounding from Python 3.12 on
            total += weight
        if total != 0.0:
            weights = [weight / total for weight in weights]
        result.append((first, [int((-0.5 if weight < 0 else 0.5) + weight * (1 << 22)) for weight in weights]))
    return result


def window(source, target, position):
    """Centre of an output position, its first source position and number of weights, as in Pillow."""
    scale = source / target
    support = 3.0 * max(scale, 1.0)
    center = (position + 0.5) * scale
    first = max(int(center - support + 0.5), 0)
    return center, first, min(int(center + support + 0.5), source) - first


def unpacked(values, position, source, target, odd):
    """First source position and weights of each output position, out of weights that are packed by pairs."""
    result = []
    at = position + 3 * target
    for i in range(target):
        entry = position + 3 * i
        pair, pairs, offset = values[entry : entry + 3].tolist()
        # One position's weights after the other's: the horizontal pass relies on it.
        assert entry + offset / 4 == at
        positions = range(2 * pair - odd, 2 * (pair + pairs) - odd)
        halves = values[at : at + 2 * pairs].view(np.uint32).reshape(-1, 2, 1) >> np.array([0, 16], np.uint32)
        low, rest = (halves[:, part].reshape(-1).astype(np.uint16).view(np.int16).tolist() for part in (0, 1))
        assert all(part >= 0 for part in low)
        weights = [rest[k] * 2**15 + low[k] for k in range(2 * pairs)]
        # A pair takes what stands beside the window, and beside the source, by nothing.
        _, first, count = window(source, target, i)
        assert pair == (first + odd) // 2
        assert positions.stop in (first + count, first + count + 1)
        inside = [first <= k < first + count for k in positions]
        assert not any(weight for weight, within in zip(weights, inside, strict=True) if not within)
        result.append((first, [weight for weight, within in zip(weights, inside, strict=True) if within]))
        at += 2 * pairs
    return result


@given(
    st.integers(1, 3000).flatmap(lambda source: st.tuples(st.just(source), st.integers(1, min(source, 400)))),
    st.integers(0, 1),
)
@example((1, 1), 0)
@example((1, 1), 1)
@example((28, 1), 0)
@example((28, 1), 1)
@example((28, 27), 0)
@example((28, 27), 1)
@example((3000, 1), 0)
@example((3000, 1), 1)
@example((65536, 3), 0)
@example((65536, 3), 1)
@example((101, 100), 0)
@example((101, 100), 1)
def test_weights_are_those_of_pillow(sizes, odd):
    source, target = sizes
    size = kernels.packed_size(source, target)
    values = np.full(5 + size + 5, -7, np.int32)

    kernels.pack_taps(source, target, odd, 5, values)

    assert unpacked(values, 5, source, target, odd) == pillow_weights(source, target)
    assert (values[:5] == -7).all()
    assert (values[5 + size :] == -7).all()


@pytest.mark.parametrize("odd", [0, 1])
def test_weights_are_packed_in_the_bytes_that_the_kernels_read(odd):
    # 3 px to 2: weights of about 0.654, 0.418 and -0.072, and the same from the other side.
    values = np.full(kernels.packed_size(3, 2), -7, np.int32)
    [(_, first), (_, second)] = pillow_weights(3, 2)
    assert second == first[::-1]
    assert min(first) < 0

    kernels.pack_taps(3, 2, odd, 0, values)

    content = values.tobytes()
    for entry, weights in ((0, first), (kernels.ENTRY_SIZE, second)):
        pair, pairs, offset = struct.unpack_from("<3i", content, entry)
        padded = [0] * odd + weights + [0] * (1 - odd)
        assert (pair, pairs) == (0, 2)
        for k in range(pairs):
            low_and_rest = struct.unpack_from("<4h", content, entry + offset + kernels.PAIR_SIZE * k)
            one, other = padded[2 * k : 2 * k + 2]
            assert low_and_rest == (one % 2**15, other % 2**15, one // 2**15, other // 2**15)


def test_packing_stays_within_its_arrays():
    # Compiled code does not look for indices beyond an array's end; plain Python does. Supports of whole pixels take
    # the most weights.
    sizes = [(3, 1), (7, 7), (28, 28), (28, 27), (28, 14), (30, 10), (100, 40), (100, 99), (64, 48), (333, 7)]
    for source, target in sizes:
        for odd in (0, 1):
            values = np.full(kernels.packed_size(source, target), -7, np.int32)

            kernels.pack_taps.py_func(source, target, odd, 0, values)

            assert unpacked(values, 0, source, target, odd) == pillow_weights(source, target)


@given(st.integers(1, 3000), st.integers(1, 400), st.integers(0, 1))
def test_weights_of_an_output_position_sum_to_one(source, target, odd):
    source = max(source, target)
    values = np.empty(kernels.packed_size(source, target), np.int32)

    kernels.pack_taps(source, target, odd, 0, values)

    for _, weights in unpacked(values, 0, source, target, odd):
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
    columns, column_starts, rows, row_starts = SharedTaps((28, 28, 100, False)).prepare(
        np.array([0, 50, 100, 295, 700])
    )

    assert np.flatnonzero(column_starts >= 0).tolist() == [295, 700]
    # Rows of height 4 and 9, for lines whose first row with ink is even and for those where it is odd.
    assert np.flatnonzero(row_starts >= 0).tolist() == [2 * 4, 2 * 4 + 1, 2 * 9, 2 * 9 + 1]
    assert unpacked(columns, column_starts[295], 295, 100, 0) == pillow_weights(295, 100)
    assert unpacked(columns, column_starts[700], 700, 100, 0) == pillow_weights(700, 100)
    for odd in (0, 1):
        assert unpacked(rows, row_starts[2 * 4 + odd], 28, 4, odd) == pillow_weights(28, 4)
        assert unpacked(rows, row_starts[2 * 9 + odd], 28, 9, odd) == pillow_weights(28, 9)


def test_stretched_lines_need_no_row_weights():
    _, _, _, row_starts = SharedTaps((28, 28, 100, True)).prepare(np.array([295]))

    assert (row_starts < 0).all()


def test_weights_are_computed_once(monkeypatch):
    shared = SharedTaps((28, 28, 100, False))
    shared.prepare(np.array([295, 300, 295]))
    monkeypatch.setattr(resampling_weights.kernels, "pack_taps", None)  # calling it would fail

    shared.prepare(np.array([300, 295]))


def test_growing_keeps_the_arrays_that_were_handed_out_valid():
    def weights_of_295(columns, column_starts, rows, row_starts):
        by_row = [unpacked(rows, row_starts[2 * 9 + odd], 28, 9, odd) for odd in (0, 1)]
        return unpacked(columns, column_starts[295], 295, 100, 0), *by_row

    shared = SharedTaps((28, 28, 100, False))
    handed_out = shared.prepare(np.array([295]))
    before = weights_of_295(*handed_out)

    grown = shared.prepare(np.arange(101, 3000, 7))

    assert before == (pillow_weights(295, 100), pillow_weights(28, 9), pillow_weights(28, 9))
    assert grown[0].size > handed_out[0].size
    assert grown[1].size > handed_out[1].size
    assert weights_of_295(*handed_out) == before
    assert weights_of_295(*grown) == before


def test_growing_keeps_rows_that_were_handed_out_valid():
    # Of digits 2000 px high: 1800 resizes, and heights beyond the 512 that there is room for at first.
    shared = SharedTaps((2000, 2000, 3000, False))
    handed_out = shared.prepare(np.array([6000]))
    assert unpacked(handed_out[2], handed_out[3][2 * 1000 + 1], 2000, 1000, 1) == pillow_weights(2000, 1000)

    grown = shared.prepare(np.arange(3100, 9000, 100))

    assert grown[2].size > handed_out[2].size
    for _, _, rows, row_starts in (handed_out, grown):
        for odd in (0, 1):
            assert unpacked(rows, row_starts[2 * 1000 + odd], 2000, 1000, odd) == pillow_weights(2000, 1000)


def test_the_pool_is_bounded_in_memory(monkeypatch):
    monkeypatch.setattr(resampling_weights, "_POOL_VALUES", 200_000)
    monkeypatch.setattr(resampling_weights, "_MAX_KEYS", 5000)
    shared = SharedTaps((28, 28, 100, False))

    columns, column_starts, _, _ = shared.prepare(np.arange(101, 20_000, 3))

    assert columns.size <= 200_000
    assert column_starts.size <= 2 * 5000
    kept = np.flatnonzero(column_starts >= 0)
    assert len(kept) > 10
    assert unpacked(columns, column_starts[kept[-1]], int(kept[-1]), 100, 0) == pillow_weights(int(kept[-1]), 100)


@pytest.mark.parametrize("max_keys", [2**20, 25, 24, 13, 0])
def test_there_is_room_to_pack_whatever_the_pool_lacks(monkeypatch, max_keys):
    # The kernel packs into memory that it asks for beforehand, and compiled code would write past its end.
    monkeypatch.setattr(resampling_weights, "_MAX_KEYS", max_keys)
    lines = np.arange(41, 1200)
    for pool_values in range(0, 6000, 150):
        monkeypatch.setattr(resampling_weights, "_POOL_VALUES", pool_values)
        _, column_starts, _, row_starts = SharedTaps((28, 28, 40, False)).prepare(lines)
        for line in lines[:: 1 + pool_values % 37].tolist():
            target = render.contained_height(28, line, 40)
            _, columns, rows = render._measure_scratch(np.array([line]), (28, 28, 40, False), column_starts, row_starts)

            if render._find_shared(column_starts, line) < 0:
                assert columns >= kernels.packed_size(line, 40)
            if target < 28 and min(render._find_shared(row_starts, 2 * target + odd) for odd in (0, 1)) < 0:
                assert rows >= kernels.packed_size(28, target), f"{line} px in a pool of {pool_values}"


@pytest.mark.parametrize("blank_rows", [0, 1])
@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize(("pool_values", "max_keys"), [(0, 2**20), (8 * 2**20, 0), (3000, 2**20), (8 * 2**20, 200)])
def test_lines_whose_weights_the_pool_lacks_have_the_same_pixels(
    monkeypatch, make_digits, fit, pool_values, max_keys, blank_rows
):
    monkeypatch.setattr(resampling_weights, "_POOL_VALUES", pool_values)
    monkeypatch.setattr(resampling_weights, "_MAX_KEYS", max_keys)
    monkeypatch.setattr("number_generator.rendering.engine.find_shared_taps", SharedTaps)
    images, labels = make_digits(28)
    images[:, :blank_rows] = 0  # the first row with ink decides how rows are paired
    digits = DigitImageDataset(images, labels)

    batch = generate_batch(SEQUENCES, (0, 20), 40, seed=3, digits=digits, fit=fit)

    for number, sequence in enumerate(SEQUENCES):
        expected = reference.draw_image(
            sequence, number, images=images, labels=labels, seed=3, spacing_range=(0, 20), width=40, fit=fit
        )
        np.testing.assert_array_equal(batch[number], expected, err_msg=f"image {number}")


def test_threads_may_share_a_pool(monkeypatch, make_digits):
    images, labels = make_digits(28)
    lower = images.copy()
    lower[:, 0] = 0
    both = DigitImageDataset(images, labels), DigitImageDataset(lower, labels)  # even and odd first rows
    sequences = ["1234567890"] * 64
    alone = [generate_batch(sequences, (0, 300), 30, seed=seed, digits=both[seed % 2], workers=1) for seed in range(16)]
    shared = SharedTaps((28, 28, 30, False))  # empty: the threads fill it all at once
    monkeypatch.setattr("number_generator.rendering.engine.find_shared_taps", lambda _: shared)

    def draw(seed):
        return generate_batch(sequences, (0, 300), 30, seed=seed, digits=both[seed % 2], workers=2)

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(draw, range(16)))

    np.testing.assert_array_equal(together, alone)


def test_callers_share_one_pool_for_a_page_size():
    find = resampling_weights.find_shared_taps

    assert find((28, 28, 100, False)) is find((28, 28, 100, False))
    assert find((28, 28, 100, False)) is not find((28, 28, 100, True))
