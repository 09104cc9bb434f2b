"""Memory of large batches: used again when nothing refers to it, and never before."""

import numpy as np
import pytest

from number_generator import generate_batch
from number_generator.system import buffers


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    monkeypatch.setattr(buffers, "_SMALLEST", 1000)
    monkeypatch.setattr(buffers, "_LARGEST", 100_000)
    buffers._spare.clear()


def place(array):
    return array.__array_interface__["data"][0]


def test_the_memory_of_a_dropped_batch_is_given_to_the_next():
    first = buffers.uninitialised_bytes(50_000)
    at = place(first)
    del first

    second = buffers.uninitialised_bytes(40_000)

    assert place(second) == at
    assert second.shape == (40_000,)
    assert second.flags.writeable


@pytest.mark.parametrize(
    "view",
    [
        lambda array: array.reshape(50, 1000),
        lambda array: array[10:20],
        lambda array: array.reshape(50, 10, 100)[3].T[5:],
        memoryview,
        lambda array: np.asarray(memoryview(array))[3:],
    ],
    ids=["reshaped", "slice", "slices of slices", "memoryview", "through a memoryview"],
)
def test_memory_that_something_still_refers_to_is_left_alone(view):
    array = buffers.uninitialised_bytes(50_000)
    array[:] = 7
    kept = view(array)
    del array

    other = buffers.uninitialised_bytes(50_000)
    other[:] = 9

    assert (np.asarray(kept) == 7).all()


def test_two_batches_that_live_at_once_have_memory_of_their_own():
    first, second = buffers.uninitialised_bytes(50_000), buffers.uninitialised_bytes(50_000)

    assert abs(place(first) - place(second)) >= 50_000


@pytest.mark.parametrize("size", [1000, 100_001])
def test_small_and_very_large_blocks_are_not_kept(size):
    array = buffers.uninitialised_bytes(size)
    del array

    assert not buffers._spare


def test_a_block_is_not_kept_for_something_much_smaller():
    array = buffers.uninitialised_bytes(90_000)
    del array

    small = buffers.uninitialised_bytes(2000)

    assert not buffers._spare
    assert small.shape == (2000,)


def test_a_batch_in_used_memory_is_as_one_in_new_memory():
    numbers = [f"{k:03}" for k in range(30)]
    wanted = generate_batch(numbers, (0, 5), 40, seed=1).copy()
    other = generate_batch(["888"] * 30, (0, 5), 40, seed=2)
    del other

    again = generate_batch(numbers, (0, 5), 40, seed=1)

    assert np.array_equal(again, wanted)
