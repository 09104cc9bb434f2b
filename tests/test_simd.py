"""Each vector operation, lane by lane, against plain Python: small kernels around them are compiled here."""

import numba
import numpy as np
import pytest

from number_generator._kernels import simd
from number_generator._kernels.simd import PRECISION_BITS, ROWS

INT32 = [-(2**31), -(2**31) + 1, -(2**30), -(2**22), -1, 0, 1, 2**21, 2**22, 255 << 22, (256 << 22) - 1, 256 << 22]
INT32 += [2**30, 2**31 - 1]


def wrapped(value):
    """Bring an integer into int32's range, as its arithmetic does."""
    return (value + 2**31) % 2**32 - 2**31


def stored(total, invert):
    return min(max(total >> PRECISION_BITS, 0), 255) ^ invert


@numba.njit
def store_splat(value, invert, out, offset):
    simd.store(simd.splat(value), invert, out, offset)


@numba.njit
def store_products(start, pixels, offsets, weights, invert, out):
    sums = simd.splat(start)
    for k in range(weights.size):
        sums = simd.multiply_add(sums, pixels, offsets[k], weights[k])
    simd.store(sums, invert, out, 0)


@numba.njit
def copy_block(source, start, invert, out, offset):
    simd.copy_block(source, start, invert, out, offset)


@numba.njit
def copy(source, start, out, offset, count):
    simd.copy(source, start, out, offset, count)


@numba.njit
def fill(value, out, offset, count):
    simd.fill(value, out, offset, count)


@numba.njit
def transpose(source, start, out, offset, stride):
    simd.transpose(source, start, out, offset, stride)


@numba.njit
def mulhi(a, b):
    return simd.mulhi(a, b)


@pytest.fixture
def noise():
    return np.random.default_rng(1).integers(0, 256, 4096, np.uint8)


@pytest.mark.parametrize("invert", [0, 255])
@pytest.mark.parametrize("value", INT32)
def test_splat_and_store_shift_clip_and_invert_every_lane(value, invert):
    out = np.full(3 * ROWS, 77, np.uint8)

    store_splat(np.int32(value), np.uint8(invert), out, 5)

    assert out[5 : 5 + ROWS].tolist() == [stored(value, invert)] * ROWS
    assert (out[:5] == 77).all()
    assert (out[5 + ROWS :] == 77).all()


@pytest.mark.parametrize("invert", [0, 255])
@pytest.mark.parametrize("start", [0, 1 << (PRECISION_BITS - 1), -(2**31), 2**31 - 1])
@pytest.mark.parametrize("weight", INT32)
def test_multiply_add_is_int32_arithmetic_in_every_lane(weight, start, invert):
    # 256 pixels in eight blocks: every value of a pixel meets every weight.
    pixels = np.arange(256, dtype=np.uint8)
    out = np.zeros(ROWS, np.uint8)

    for offset in range(0, 256, ROWS):
        store_products(np.int32(start), pixels, np.array([offset]), np.array([weight], np.int32), np.uint8(invert), out)

        values = range(offset, offset + ROWS)
        assert out.tolist() == [stored(wrapped(start + pixel * weight), invert) for pixel in values]


def test_multiply_add_keeps_its_lanes_apart_over_many_terms(noise):
    random = np.random.default_rng(2)
    out = np.zeros(ROWS, np.uint8)

    for _ in range(100):
        weights = random.integers(-(2**21), 2**21, 40).astype(np.int32)
        offsets = random.integers(0, noise.size - ROWS + 1, 40)
        store_products(np.int32(2**21), noise, offsets, weights, np.uint8(0), out)

        for lane in range(ROWS):
            products = (int(noise[at + lane]) * int(weight) for at, weight in zip(offsets, weights, strict=True))
            assert out[lane] == stored(wrapped(2**21 + sum(products)), 0), lane


@pytest.mark.parametrize("invert", [0, 255])
@pytest.mark.parametrize(("start", "offset"), [(0, 0), (1, 3), (4096 - ROWS, 64 - ROWS)])
def test_copy_block_copies_and_inverts_32_bytes_and_no_other(noise, start, offset, invert):
    out = np.full(64, 77, np.uint8)
    expected = out.copy()
    expected[offset : offset + ROWS] = noise[start : start + ROWS] ^ invert

    copy_block(noise, start, np.uint8(invert), out, offset)

    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 31, 32, 33, 1000])
@pytest.mark.parametrize(("start", "offset"), [(0, 0), (1, 7), (31, 32)])
def test_copy_copies_that_many_bytes_and_no_other(noise, start, offset, count):
    out = np.full(1100, 77, np.uint8)
    expected = out.copy()
    expected[offset : offset + count] = noise[start : start + count]

    copy(noise, start, out, offset, count)

    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("count", [0, 1, 15, 16, 31, 32, 33, 1000])
@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_fill_fills_that_many_bytes_and_no_other(value, count):
    out = np.full(1100, 77, np.uint8)
    expected = out.copy()
    expected[9 : 9 + count] = value

    fill(np.uint8(value), out, 9, count)

    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(("start", "offset", "stride"), [(0, 0, 16), (16, 0, 32), (512 + 16, 35, 96), (3, 1, 17)])
def test_transpose_turns_a_tile_from_column_order_to_row_order(noise, start, offset, stride):
    out = np.full(2000, 77, np.uint8)
    expected = out.copy()
    for column in range(16):
        for row in range(16):
            expected[offset + stride * row + column] = noise[start + ROWS * column + row]

    transpose(noise, start, out, offset, stride)

    np.testing.assert_array_equal(out, expected)


def test_mulhi_is_the_upper_half_of_the_product():
    words = [0, 1, 2, 3, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1]
    words += np.random.default_rng(3).integers(0, 2**64, 50, np.uint64).tolist()

    for a in words:
        for b in words:
            assert mulhi(np.uint64(a), np.uint64(b)) == a * b >> 64, (a, b)
