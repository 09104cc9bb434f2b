"""Each vector operation, lane by lane, against plain Python: small kernels around them are compiled here.

What an operation may write stands among bytes of 77, which are compared as well: nothing else may change. Addresses
are odd wherever that is possible, as nothing has to be aligned.
"""

import itertools

import numba
import numpy as np
import pytest
from lanes import CANARY, assert_written, guarded, unaligned, wrapped
from llvmlite import ir
from numba.extending import intrinsic

from number_generator._kernels import simd
from number_generator._kernels.simd import LOW_BITS, PRECISION_BITS

INT16 = [-(2**15), -(2**15) + 1, -256, -1, 0, 1, 255, 2**15 - 1]
INT32 = [-(2**31), -(2**31) + 1, -(2**30), -(2**22), -1, 0, 1, 2**21, 2**22, 255 << 22, (256 << 22) - 1, 256 << 22]
INT32 += [2**30, 2**31 - 1]
LANES = [8, 16, pytest.param(32, marks=pytest.mark.slow)]  # each takes its time to compile


def weighed(total):
    """Return the pixel of a weighted sum: rounded, a half up."""
    return stored(total + 2 ** (PRECISION_BITS - 1), 0, 0)


def stored(low, high, invert):
    total = wrapped(low + (high << LOW_BITS))
    return min(max(total >> PRECISION_BITS, 0), 255) ^ invert


def int16_bytes(values):
    return np.array(values, np.int16).tobytes()


# The package never needs lanes as they are: they start as zeros and end as pixels.


@intrinsic
def fetch(typingctx, like, source):
    """Emit: lanes, as many as of `like`, from int32 in memory."""

    def codegen(context, builder, signature, args):
        return builder.load(builder.inttoptr(args[1], args[0].type.as_pointer()), align=1)

    return like(like, numba.int64), codegen


@intrinsic
def dump(typingctx, lanes, out):
    """Emit: the lanes as int32 in memory."""

    def codegen(context, builder, signature, args):
        builder.store(args[0], builder.inttoptr(args[1], ir.PointerType(args[0].type)), align=1)
        return context.get_dummy_value()

    return numba.none(lanes, numba.int64), codegen


def with_lanes(operation):
    """Compile a function of lanes and more for each number of lanes: `operation[16](more)`."""
    # No C code calls these, and no Python the inner one: the wrappers for them take half of the time.
    inner = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)(operation)

    def compiled(zeros):
        @numba.njit(no_cfunc_wrapper=True)
        def run(*arguments):
            return inner(zeros(), *arguments)

        return run

    return {8: compiled(simd.zeros_8), 16: compiled(simd.zeros_16), 32: compiled(simd.zeros_32)}


@numba.njit
def address(array):
    return simd.address(array)


@numba.njit
def addresses_of_two(size):
    """Make two arrays, the second while the first is kept."""
    first = np.empty(size, np.uint8)
    at = simd.address(first)
    second = np.empty(size, np.uint8)
    after = simd.address(second)
    simd.keep(second)
    simd.keep(first)
    return at, after


@numba.njit
def load_int32(array):
    return simd.load_int32(simd.address(array))


@numba.njit
def load_int64(array):
    return simd.load_int64(simd.address(array))


@with_lanes
def zeros(like, out):
    dump(like, simd.address(out))


@with_lanes
def halves(like, out):
    dump(simd.halves(like), simd.address(out))


@with_lanes
def multiply_pairs(like, sums, pairs, weights, out):
    lanes = fetch(like, simd.address(sums))
    dump(simd.multiply_pairs(lanes, simd.address(pairs), simd.address(weights)), simd.address(out))


@with_lanes
def multiply_many_pairs(like, sums, pairs, size, weights, out):
    lanes = fetch(like, simd.address(sums))
    for k in range(weights.size // 4):
        lanes = simd.multiply_pairs(lanes, simd.address(pairs) + size * k, simd.address(weights) + 4 * k)
    dump(lanes, simd.address(out))


@with_lanes
def store(like, low, high, invert, out):
    simd.store(fetch(like, simd.address(low)), fetch(like, simd.address(high)), invert, simd.address(out))


@with_lanes
def weigh(like, pixels, weights, out):
    """Add up pixels by weights and store the sums, in the way of a resampling pass."""
    low, high = simd.halves(like), like
    for k in range(weights.size // 8):
        at = simd.address(pixels) + k * (pixels.size // (weights.size // 8))
        low = simd.multiply_pairs(low, at, simd.address(weights) + 8 * k)
        high = simd.multiply_pairs(high, at, simd.address(weights) + 8 * k + 4)
    simd.store(low, high, np.uint8(0), simd.address(out))


@with_lanes
def interleave(like, first, second, out):
    simd.interleave(like, simd.address(first), simd.address(second), simd.address(out))


@with_lanes
def merge(like, first, second, out):
    simd.merge(like, simd.address(first), simd.address(second), simd.address(out))


@with_lanes
def clear(like, out):
    simd.clear(like, simd.address(out))


@with_lanes
def transpose_pairs(like, source, size, out, stride):
    simd.transpose_pairs(like, simd.address(source), size, simd.address(out), stride)


@numba.njit
def split_pairs(pairs, side, invert, out):
    simd.split_pairs(simd.address(pairs), side, invert, simd.address(out))


@numba.njit
def transpose_floats(source, out):
    simd.transpose_floats(simd.address(source), simd.address(out))


@numba.njit
def compare_floats(a, b, least, most):
    of_a, of_b = simd.load_floats(simd.address(a)), simd.load_floats(simd.address(b))
    simd.store_floats(simd.lesser(of_a, of_b), simd.address(least))
    simd.store_floats(simd.greater(of_a, of_b), simd.address(most))


@numba.njit
def copy(source, out, count):
    simd.copy(simd.address(source), simd.address(out), count)


@numba.njit
def copy_16(source, out):
    simd.prefetch(simd.address(source) - 1000)
    simd.copy_16(simd.address(source), simd.address(out))


@numba.njit
def copy_16_backwards(source, out):
    simd.copy_16_backwards(simd.address(source), simd.address(out))


@numba.njit
def fill(value, out, count):
    simd.fill(value, simd.address(out), count)


@numba.njit
def multiply_wide(a, b):
    return simd.multiply_wide(a, b)


@pytest.fixture
def random():
    return np.random.default_rng(1)


@pytest.fixture
def noise(random):
    return random.integers(0, 256, 4096, np.uint8)


# Addresses


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.int64, np.float64])
def test_an_address_is_that_of_the_first_element(kind):
    array = np.zeros((6, 8), kind)

    assert address(array) == array.ctypes.data
    assert address(array[2]) == array.ctypes.data + 2 * 8 * array.itemsize
    assert address(array[3, 5:]) == array.ctypes.data + (3 * 8 + 5) * array.itemsize
    assert address(array[::2, 1:]) == array.ctypes.data + array.itemsize
    assert address(array[1:1]) == array[1:1].ctypes.data


@pytest.mark.parametrize("size", [1, 64, 1000, 2**20])
def test_an_array_that_is_kept_is_not_freed_before(size):
    # An allocator gives memory that was freed to the next who asks for as much.
    for _ in range(10):
        first, second = addresses_of_two(size)

        assert abs(first - second) >= size


# Loading


@pytest.mark.parametrize("value", INT32)
def test_load_int32_gives_an_int32_with_its_sign(value):
    around = unaligned(np.array([-1, value, 0x5A5A5A5A], np.int32))

    assert load_int32(around[4:]) == value


@pytest.mark.parametrize("value", [*INT32, -(2**63), -(2**63) + 1, 2**32 - 1, 2**32, 2**63 - 1, 0x0123456789ABCDEF])
def test_load_int64_gives_an_int64(value):
    around = unaligned(np.array([-1, value, 0x5A5A5A5A5A5A5A5A], np.int64))

    assert load_int64(around[8:]) == value


def test_loading_takes_any_address(noise):
    for start in range(70):
        assert load_int32(noise[start:]) == int.from_bytes(noise[start : start + 4].tobytes(), "little", signed=True)
        assert load_int64(noise[start:]) == int.from_bytes(noise[start : start + 8].tobytes(), "little", signed=True)


# Sums


@pytest.mark.parametrize("count", LANES)
def test_zeros_are_that_many_lanes_of_0(count):
    room, out = guarded(4 * count)

    zeros[count](out)

    assert_written(room, [0] * 4 * count)


@pytest.mark.parametrize("count", LANES)
def test_halves_are_that_many_lanes_of_half_a_pixel_level(count):
    room, out = guarded(4 * count)

    halves[count](out)

    assert_written(room, np.full(count, 2**21, np.int32).tobytes())


@pytest.mark.parametrize("count", LANES)
def test_multiply_pairs_multiplies_the_extremes_of_int16_in_every_lane(count):
    # Every pair of extremes as weights with every pair of them in every lane. -32768 * -32768 twice gives 2**31.
    extremes = list(itertools.product(INT16, repeat=2))
    sums = np.zeros(count, np.int32)
    seen = set()

    for low, high in extremes:
        weights = unaligned(np.array([low, high], np.int16))
        for shift in range(len(extremes)):
            pairs = [extremes[(shift + lane) % len(extremes)] for lane in range(count)]
            room, out = guarded(4 * count)
            multiply_pairs[count](sums, unaligned(np.array(pairs, np.int16)), weights, out)

            expected = [wrapped(first * low + second * high) for first, second in pairs]
            assert_written(room, np.array(expected, np.int32).tobytes())
            seen.update(expected)

    assert {-(2**31), -(2**31) + 2**16, 2**31 - 2**16} <= seen


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize("pair", [(-(2**15), -(2**15)), (2**15 - 1, -(2**15)), (255, 0), (0, 255), (255, 255), (0, 0)])
@pytest.mark.parametrize("weights", [(-(2**15), -(2**15)), (2**15 - 1, 2**15 - 1), (-1, 1), (1, 0), (0, 0)])
def test_multiply_pairs_adds_to_the_sums_and_wraps_as_int32_does(count, pair, weights):
    sums = list(itertools.islice(itertools.cycle(INT32), 3 * count))
    for start in range(0, 3 * count, count):
        part = sums[start : start + count]
        room, out = guarded(4 * count)

        multiply_pairs[count](
            unaligned(np.array(part, np.int32)),
            unaligned(np.array([pair] * count, np.int16)),
            unaligned(np.array(weights, np.int16)),
            out,
        )

        product = pair[0] * weights[0] + pair[1] * weights[1]
        assert_written(room, np.array([wrapped(total + product) for total in part], np.int32).tobytes())


@pytest.mark.parametrize("count", LANES)
def test_multiply_pairs_keeps_its_lanes_apart_over_many_terms(random, count):
    for _ in range(30):
        sums = random.integers(-(2**31), 2**31, count).astype(np.int32)
        pairs = random.integers(-(2**15), 2**15, (40, count, 2)).astype(np.int16)
        weights = random.integers(-(2**15), 2**15, (40, 2)).astype(np.int16)
        room, out = guarded(4 * count)

        multiply_many_pairs[count](sums, unaligned(pairs), 4 * count, unaligned(weights), out)

        expected = []
        for lane in range(count):
            total = int(sums[lane])
            for pair, (low, high) in zip(pairs[:, lane].tolist(), weights.tolist(), strict=True):
                total += pair[0] * low + pair[1] * high
            expected.append(wrapped(total))
        assert_written(room, np.array(expected, np.int32).tobytes())


# From sums to pixels


def totals_and_high_parts():
    """Return low and high parts around every bound: of rounding and of clipping, and where their total wraps."""
    totals = [*INT32, 2**31 - 1 - 2**21, 2**31 - 2**21]
    for pixel in [-512, -511, -2, -1, 0, 1, 2, 3, 127, 128, 129, 254, 255, 256, 257, 258, 510, 511]:
        totals += [(pixel << 22) - 2**21 + more for more in (-1, 0, 1)]
        totals += [(pixel << 22) + more for more in (-1, 0, 1)]
    # Those from 2**16 on lose bits to the left.
    highs = [0, 1, -1, 127, -128, 2**15, 2**16 - 1, 2**16, -(2**16), -(2**16) - 1, 2**17, 2**31 - 1, -(2**31)]
    return [(wrapped(total - (high << LOW_BITS)), high) for total in totals for high in highs]


@pytest.mark.parametrize("invert", [0, 255])
@pytest.mark.parametrize("count", LANES)
def test_store_shifts_clips_and_inverts_every_lane(random, count, invert):
    parts = totals_and_high_parts()
    for _ in range(4):
        # Another order each time, so that each lane meets other values, and neighbours that differ.
        chosen = [parts[k] for k in random.permutation(len(parts))]
        chosen += chosen[: -len(chosen) % count]
        for start in range(0, len(chosen), count):
            low, high = zip(*chosen[start : start + count], strict=True)
            room, out = guarded(count)

            store[count](np.array(low, np.int32), np.array(high, np.int32), np.uint8(invert), out)

            assert_written(room, [stored(*part, invert) for part in chosen[start : start + count]])


def test_a_sum_is_cut_to_whole_levels_and_beyond_a_byte_clipped():
    # The oracle itself, by hand.
    assert [stored(total, 0, 0) for total in (2**22 - 1, 2**22, 2**23 - 1, 2**23)] == [0, 1, 1, 2]
    assert [stored(total, 0, 0) for total in (-1, -(2**22), -(2**31))] == [0, 0, 0]
    assert [stored((255 << 22) + more, 0, 0) for more in (-1, 0, 2**22, 2**24)] == [254, 255, 255, 255]
    assert [stored(2**31 - 1, 0, 0), stored(-(2**31), 0, 0)] == [255, 0]
    assert stored(0, 128, 0) == 1
    assert stored(-(2**22), 256, 0) == stored(2**22, 2**17, 0) == 1
    assert [stored(200 << 22, 0, 255), stored(-1, 0, 255)] == [55, 255]


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize("weight", [-(2**30), -(2**22), -(2**15) - 1, -1, 0, 1, 2**15, 2**21, 2**22, 2**23, 2**30 - 1])
def test_the_two_parts_of_a_weight_give_its_product_with_every_pixel(count, weight):
    # As first and as second of a pair, whose other weight is 3000001.
    for side, start in itertools.product((0, 1), range(0, 256, count)):
        pixels = range(start, start + count)
        pairs = [(pixel, 255 - pixel) if side == 0 else (255 - pixel, pixel) for pixel in pixels]
        both = (weight, 3000001) if side == 0 else (3000001, weight)
        split = [part % 2**LOW_BITS for part in both] + [part >> LOW_BITS for part in both]
        room, out = guarded(count)

        weigh[count](unaligned(np.array(pairs, np.int16)), unaligned(np.array(split, np.int16)), out)

        assert_written(room, [weighed(pixel * weight + (255 - pixel) * 3000001) for pixel in pixels])


@pytest.mark.parametrize("count", LANES)
def test_a_weighted_sum_of_many_pixels_is_that_of_whole_weights(random, count):
    # More than 257 pixels of 255 by large low parts, whose sum wraps; that of the weights is about 1 << 22.
    terms = 300
    low = random.integers(2**LOW_BITS - 100, 2**LOW_BITS, (terms, 2))
    rest = random.integers(-2, 1, (terms, 2))
    rest[7] += 64
    pixels = random.choice([0, 7, 250, 255], (terms, count, 2), p=[0.1, 0.1, 0.1, 0.7]).astype(np.int16)
    pixels[:, 0] = 255
    room, out = guarded(count)
    assert 255 * low.sum() > 2**32

    weigh[count](unaligned(pixels), unaligned(np.stack([low, rest], axis=1).astype(np.int16)), out)

    weights = (low + (rest << LOW_BITS)).reshape(-1)
    totals = [int((pixels[:, lane].reshape(-1) * weights).sum()) for lane in range(count)]
    assert_written(room, [weighed(total) for total in totals])
    assert len(set(totals)) == count


# Pairs


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize(("first", "second"), [(0, 32), (1, 33), (50, 17), (1000, 999), (7, 7)])
def test_interleave_puts_two_columns_side_by_side(noise, count, first, second):
    noise[[first, second + 1]] = 255, 128  # no sign
    room, out = guarded(4 * count)

    interleave[count](noise[first:], noise[second:], out)

    expected = []
    for lane in range(count):
        expected += [noise[first + lane], noise[second + lane]]
    assert_written(room, int16_bytes(expected))


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize(("first", "second"), [(0, 32), (1, 33), (50, 17), (1000, 999), (7, 7)])
def test_merge_adds_two_columns_to_the_pairs_there(noise, random, count, first, second):
    noise[[first, second + 1]] = 255, 128
    before = random.integers(-(2**15), 2**15, 2 * count).tolist()
    before[0] = 0
    room, out = guarded(4 * count)
    out[:] = unaligned(np.array(before, np.int16))

    merge[count](noise[first:], noise[second:], out)

    expected = []
    for lane in range(count):
        expected += [before[2 * lane] | int(noise[first + lane]), before[2 * lane + 1] | int(noise[second + lane])]
    assert_written(room, int16_bytes(expected))


@pytest.mark.parametrize("count", LANES)
def test_clear_makes_pairs_of_0(count):
    room, out = guarded(4 * count)

    clear[count](out)

    assert_written(room, [0] * 4 * count)


@pytest.mark.parametrize("count", [8, 16])
@pytest.mark.parametrize(
    ("start", "size", "stride"), [(0, 32, 64), (16, 32, 128), (3, 17, 67), (1, 100, 1000), (5, 16, 64)]
)
def test_transpose_pairs_turns_columns_into_rows_of_pairs(noise, count, start, size, stride):
    # With 8 lanes these are the first 4 pairs of rows, and what the others would take stays as it is.
    noise[[start, start + 15 * size + 7]] = 128, 255
    room, out = guarded(8 * stride)
    expected = np.full(8 * stride, CANARY, np.uint8)
    for column in range(16):
        for row in range(count):
            at = stride * (row // 2) + 4 * column + 2 * (row % 2)
            expected[at : at + 2] = noise[start + size * column + row], 0

    transpose_pairs[count](noise[start:], size, out, stride)

    assert_written(room, expected.tolist())


@pytest.mark.parametrize("invert", [0, 255])
@pytest.mark.parametrize("side", [0, 1])
def test_split_pairs_takes_one_side_of_16_pairs(random, side, invert):
    for _ in range(20):
        pairs = random.integers(-(2**15), 2**15, (16, 2)).astype(np.int16)
        pairs[random.integers(0, 16, 4), side] = [0, 255, -1, 128]
        room, out = guarded(16)

        split_pairs(unaligned(pairs), side, np.uint8(invert), out)

        assert_written(room, [int(pair[side]) % 256 ^ invert for pair in pairs])


@pytest.mark.parametrize("invert", [0, 255])
def test_pairs_of_rows_split_into_the_rows_that_were_transposed(noise, invert):
    pairs = np.zeros(8 * 64, np.uint8)
    transpose_pairs[16](noise, 32, pairs, 64)

    for row in range(16):
        room, out = guarded(16)
        split_pairs(pairs[64 * (row // 2) :], row % 2, np.uint8(invert), out)

        assert_written(room, [int(noise[32 * column + row]) ^ invert for column in range(16)])


# Bytes


@pytest.mark.parametrize("count", [0, 1, 15, 16, 31, 32, 33, 1000])
@pytest.mark.parametrize("start", [0, 1, 31, 32])
def test_copy_copies_that_many_bytes_and_no_other(noise, start, count):
    room, out = guarded(count)

    copy(noise[start:], out, count)

    assert_written(room, noise[start : start + count].tolist())


def test_transpose_floats_makes_columns_of_rows(random):
    rows = random.random((8, 8), np.float32)
    room, out = guarded(rows.nbytes)

    transpose_floats(unaligned(rows), out)

    assert_written(room, rows.T.tobytes())


def test_the_lesser_and_the_greater_of_each_float_are_told_apart(random):
    a, b = random.normal(0, 100, (2, 16)).astype(np.float32)
    a[:4], b[:4] = (255, 0, -3, 1e30), (255, 1, -4, -1e30)
    least_room, least = guarded(64)
    most_room, most = guarded(64)

    compare_floats(unaligned(a), unaligned(b), least, most)

    assert_written(least_room, np.minimum(a, b).tobytes())
    assert_written(most_room, np.maximum(a, b).tobytes())


@pytest.mark.parametrize("count", [0, 1, 15, 16, 31, 32, 33, 1000])
@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_fill_fills_that_many_bytes_and_no_other(value, count):
    room, out = guarded(count)

    fill(np.uint8(value), out, count)

    assert_written(room, [value] * count)


def test_copies_of_16_bytes_write_them_in_either_order_and_a_prefetch_nothing(noise):
    for start in (0, 1, 31):
        for one, at, step in ((copy_16, start, 1), (copy_16_backwards, start + 15, -1)):
            room, out = guarded(16)
            one(noise[at:], out)
            assert_written(room, noise[start : start + 16][::step].tolist())


def test_multiply_wide_gives_both_halves_of_the_product():
    words = [0, 1, 2, 3, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1]
    words += np.random.default_rng(3).integers(0, 2**64, 50, np.uint64).tolist()

    for a in words:
        for b in words:
            assert multiply_wide(np.uint64(a), np.uint64(b)) == (a * b >> 64, a * b % 2**64), (a, b)
