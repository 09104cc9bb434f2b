"""Ink sampled from a distance field, lane by lane, against plain Python."""

import numba
import numpy as np
import pytest
from lanes import CANARY, MARGIN, assert_written, guarded, unaligned, wrapped

from number_generator._kernels import simd


@pytest.fixture(scope="module", params=[16, 8], ids=["gathered", "by lane"])
def lanes(request):
    return request.param


@pytest.fixture(scope="module")
def sample_field(lanes):
    def sample(texels, stride, x, y, shift, most, line, count, out):
        field, across, down = simd.address(texels), simd.address(x), simd.address(y)
        simd.sample_field(field, stride, across, down, shift, most, line, count, simd.address(out))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simd, "_gathers_well", lambda: lanes == 16)
        yield numba.njit(sample)  # which compiles at its first call


@pytest.fixture
def random():
    return np.random.default_rng(1)


def sampled(texels, stride, x, y, shift, most, line, before):
    """Sample a field for each lane in float32, and join the ink to what is there."""
    slope, bias = map(np.float32, line)
    joined = []
    for across, down, there in zip(x.tolist(), y.tolist(), before.tolist(), strict=True):
        u = min(max(wrapped(across + shift[0]), 0), most[0])
        v = min(max(wrapped(down + shift[1]), 0), most[1])
        rows = []
        for row in (v >> 16, (v >> 16) + 1):
            left, right = texels[row * stride + (u >> 16) :][:2].tolist()
            rows.append(256 * left + (right - left) * (u >> 8 & 255))
        texel = 256 * rows[0] + (rows[1] - rows[0]) * (v >> 8 & 255)
        ink = np.float32(texel) * slope + bias
        joined.append(max(int(min(max(ink, np.float32(0)), np.float32(255))), there))
    return joined


PLACES = [-(2**30), -65_537, -65_536, -1, 0, 1, 255, 256, 257, 32_768, 65_535, 65_536, 65_537, 2**30]


@pytest.mark.parametrize("count", [*range(-1, 18), 1000])
@pytest.mark.parametrize(("across", "down"), [(2, 2), (3, 7), (50, 31), (300, 5)])
def test_sample_field_joins_interpolated_ink(sample_field, lanes, random, across, down, count):
    texels = random.integers(0, 256, across * down, np.uint8)
    texels[:4] = 255, 0, 0, 255
    # Three bytes after the last texel are read: they must not matter.
    field = np.concatenate([texels, [255, 0, 255]]).astype(np.uint8)
    most = (across - 1) * 65_536 - 1, (down - 1) * 65_536 - 1
    for slope, bias in [(255 / 2**24, 0.5), (255 / 2**21, -900.25), (-255 / 2**22, 600), (0, 77.9), (1e-9, 300)]:
        for _ in range(3):
            x = random.integers(-30_000, most[0] + 30_000, lanes).astype(np.int32)
            y = random.integers(-30_000, most[1] + 30_000, lanes).astype(np.int32)
            x[random.permutation(lanes)[:5]] = random.choice(PLACES, 5)
            y[random.permutation(lanes)[:5]] = random.choice(PLACES, 5)
            x[3], y[3] = most
            shift = tuple(random.integers(-70_000, 70_000, 2).tolist())
            before = random.choice([0, 0, 100, 255], lanes).astype(np.uint8)
            room, out = guarded(lanes)
            out[:] = before
            line = np.float32(slope), np.float32(bias)

            sample_field(unaligned(field), across, unaligned(x), unaligned(y), shift, most, line, count, out)

            expected = sampled(field, across, x, y, shift, most, line, before)
            used = max(0, min(count, lanes))
            assert_written(room, expected[:used] + before[used:].tolist())


def test_sample_field_gives_texels_at_their_places_and_the_mean_halfway(sample_field, lanes):
    # The oracle itself, by hand.
    texels = np.array([0, 100, 40, 200, 0, 0, 0], np.uint8)
    x = np.array([0, 65_535, 0, 32_768] * (lanes // 4), np.int32)
    y = np.array([0, 0, 65_535, 32_768] * (lanes // 4), np.int32)
    room, out = guarded(lanes)
    out[:] = 0
    line = np.float32(1 / 65_536), np.float32(0.5)

    sample_field(texels, 2, x, y, (0, 0), (65_535, 65_535), line, lanes, out)

    assert out.tolist() == [0, 100, 40, 85] * (lanes // 4)
    assert sampled(texels, 2, x, y, (0, 0), (65_535, 65_535), line, np.zeros(lanes, np.uint8)) == [0, 100, 40, 85] * (
        lanes // 4
    )
    assert room[MARGIN - 1] == room[MARGIN + lanes] == CANARY


def test_sample_field_wraps_places_as_int32_does(sample_field, lanes):
    texels = np.array([0, 100, 40, 200, 0, 0, 0], np.uint8)
    x, y = np.full(lanes, 2**31 - 1, np.int32), np.zeros(lanes, np.int32)
    room, out = guarded(lanes)
    out[:] = 0

    sample_field(texels, 2, x, y, (1, 0), (65_535, 65_535), (np.float32(1 / 65_536), np.float32(0.5)), lanes, out)

    assert_written(room, [0] * lanes)
