"""Rows of chunks that are inflated without HDF5: any slice, inflated once, the caller's own, in any process."""

import math
import os
import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import deflate
import h5py
import numpy as np
import pytest
from chunked import (
    COUNT,
    GZIP,
    IMAGES,
    LABELS,
    LENGTH,
    check_every_slice,
    is_read_here,
    replace_chunk,
    run_python,
    write,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from number_generator.errors import DatasetError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.hdf5.reader import Hdf5Reader

# --- slices

BOUNDS = st.one_of(st.none(), st.integers(-250, 250))
STEPS = st.one_of(st.none(), st.integers(1, 100), st.integers(-100, -1))
SLICES = st.builds(slice, BOUNDS, BOUNDS, STEPS)


@settings(max_examples=20)
@given(
    length=st.integers(1, 70),
    count=st.integers(0, 200),
    libver=st.sampled_from(["earliest", "latest"]),
    slices=st.lists(SLICES, min_size=1, max_size=20),
)
def test_any_slice_is_what_hdf5_gives(tmp_path_factory, length, count, libver, slices):
    path = tmp_path_factory.mktemp("slices") / "a.h5"
    images = np.random.default_rng(count).integers(0, 256, (count, 2, 5), dtype=np.uint8)
    labels = np.array([f"{number:03d}" for number in range(count)], "S3")
    write(path, images, labels, libver=libver, chunks=(length, 2, 5), maxshape=(None, 2, 5), compression="gzip")

    dataset = GenericDataset()
    dataset.load(path)
    with h5py.File(path) as file:
        stored = file["images"][:]

    assert dataset._reader.chunk_length == length
    assert is_read_here(dataset._reader)
    assert is_read_here(dataset._reader, "labels")
    for index in slices:
        found_images, found_labels = dataset[index]
        assert found_images.shape == stored[index].shape
        np.testing.assert_array_equal(found_images, stored[index])
        assert found_labels == [label.decode() for label in labels[index].tolist()]
    for number in range(-count, count):
        image, label = dataset[number]
        np.testing.assert_array_equal(image, stored[number])
        assert label == labels[number].decode()


@given(
    count=st.integers(1, 60),
    length=st.integers(1, 70),
    numbers=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(1, 80)), min_size=1, max_size=20),
)
def test_slices_in_any_order_are_what_hdf5_gives(tmp_path_factory, count, length, numbers):
    path = tmp_path_factory.mktemp("order") / "a.h5"
    write(path, IMAGES[:count], LABELS[:count], chunks=(length, 3, 4), maxshape=(None, 3, 4), compression="gzip")
    count = min(count, COUNT)

    with Hdf5Reader(path) as reader:
        for one, other, step in numbers:
            start, stop = sorted((min(one, count), min(other, count)))
            np.testing.assert_array_equal(reader.images(start, stop, step), IMAGES[start:stop:step])
            assert reader.labels(start, stop, step) == [label.decode() for label in LABELS[start:stop:step].tolist()]


@pytest.mark.parametrize("libver", ["earliest", "v110", "latest"])
@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (LENGTH, 3, 4)},
        {"chunks": (COUNT, 3, 4)},
        {"chunks": (1, 3, 4)},
        {"chunks": (LENGTH, 3, 4), "maxshape": (None, 3, 4)},
        {"chunks": (64, 3, 4), "maxshape": (None, 3, 4)},
        {"chunks": (LENGTH, 3, 4), "maxshape": (None, None, None)},
        {"chunks": (LENGTH, 3, 4), "maxshape": (90, 30, 4)},
    ],
    ids=["fixed", "one chunk", "one row", "growing", "larger than all", "growing each way", "bounded"],
)
def test_every_index_of_chunks_is_understood(tmp_path, libver, options):
    path = write(tmp_path / "a.h5", libver=libver, compression="gzip", **options)

    check_every_slice(path, is_fast=True)


def test_a_file_with_something_before_it_is_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file.create_dataset("images", data=IMAGES, **GZIP)
        file.create_dataset("labels", data=LABELS)
    path = tmp_path / "a.h5"

    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(5, 29, 3), IMAGES[5:29:3])


def test_a_dataset_that_was_resized_is_read_as_it_is_now(tmp_path):
    path = write(tmp_path / "a.h5", maxshape=(None, 3, 4), **GZIP)
    for count in (45, 20, 70):
        with h5py.File(path, "r+") as file:
            file["images"].resize(count, 0)
            file["labels"].resize(count, 0)

        check_every_slice(path)


def test_what_the_package_writes_is_read_without_hdf5(tmp_path):
    images = np.random.default_rng(2).integers(0, 256, (1100, 28, 100), dtype=np.uint8)
    labels = [f"0{number}" for number in range(1100)]
    GenericDataset(images, labels).save(tmp_path / "a.h5")

    with Hdf5Reader(tmp_path / "a.h5") as reader:
        assert is_read_here(reader, "images")
        assert is_read_here(reader, "labels")
        np.testing.assert_array_equal(reader.images(0, 1100), images)
        assert reader.labels(0, 1100) == labels
    check_every_slice(tmp_path / "a.h5")


# --- what is inflated


@pytest.fixture
def inflated(monkeypatch):
    """A list that grows by one for each chunk that is inflated."""
    calls = []
    make = deflate.zlib_decompress

    def count(*arguments, **keywords):
        calls.append(arguments)
        return make(*arguments, **keywords)

    monkeypatch.setattr(deflate, "zlib_decompress", count)
    return calls


def test_images_read_one_after_the_other_inflate_each_chunk_once(tmp_path, inflated):
    with Hdf5Reader(write(tmp_path / "a.h5")) as reader:
        for number in range(COUNT):
            np.testing.assert_array_equal(reader.image(number), IMAGES[number])
        images = len(inflated)
        for number in range(COUNT):
            assert reader.labels(number, number + 1) == [LABELS[number].decode()]

    assert images == math.ceil(COUNT / LENGTH)
    assert len(inflated) - images == math.ceil(COUNT / LENGTH)


def test_examples_read_one_after_the_other_inflate_each_chunk_once(tmp_path, inflated):
    write(tmp_path / "a.h5")
    dataset = GenericDataset()
    dataset.load(tmp_path / "a.h5")

    for number in [*range(COUNT), *reversed(range(COUNT))]:
        assert dataset[number][1] == LABELS[number].decode()

    # The last chunk is still there on the way back, and nothing else.
    assert len(inflated) == 2 * (2 * math.ceil(COUNT / LENGTH) - 1)


@pytest.mark.parametrize(
    ("start", "stop", "step", "expected"),
    [(0, COUNT, 1, 7), (0, COUNT, 24, 3), (7, 9, 1, 2), (8, 16, 1, 1), (9, 9, 1, 0), (49, 50, 1, 1), (0, 50, 16, 4)],
)
def test_a_slice_inflates_the_chunks_that_it_needs(tmp_path, inflated, start, stop, step, expected):
    with Hdf5Reader(write(tmp_path / "a.h5")) as reader:
        reader.images(start, stop, step)

    assert len(inflated) == expected


# --- whose arrays they are


def test_images_are_the_callers_own(tmp_path):
    with Hdf5Reader(write(tmp_path / "a.h5")) as reader:
        reads = [
            lambda: reader.image(3),
            lambda: reader.images(0, LENGTH),
            lambda: reader.images(0, COUNT),
            lambda: reader.images(1, 2),
            lambda: reader.images(0, COUNT, 3),
            lambda: reader.images(48, 50),
            lambda: reader.image(49),
        ]
        for read in reads:
            first = read()
            expected = first.copy()
            with reader._lend() as handles:
                kept = handles.image_rows.fast._last[1]
            assert first.flags.writeable
            assert first.flags.c_contiguous
            assert not np.shares_memory(first, kept)
            first[:] ^= 0xFF
            second = read()
            assert not np.shares_memory(first, second)
            np.testing.assert_array_equal(second, expected)
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)


def test_examples_of_a_dataset_are_the_callers_own(tmp_path):
    write(tmp_path / "a.h5")
    dataset = GenericDataset()
    dataset.load(tmp_path / "a.h5")

    for index in (5, -1, slice(0, 8), slice(None, None, -1), slice(3, 40, 4)):
        images, labels = dataset[index]
        images[:] = 0
        if isinstance(labels, list):
            labels[:] = ["changed"] * len(labels)
        again, labels_again = dataset[index]
        np.testing.assert_array_equal(again, IMAGES[index])
        assert np.array_equal(labels_again, LABELS[index].astype(str))


def test_an_image_keeps_no_more_memory_than_its_own(tmp_path):
    with Hdf5Reader(write(tmp_path / "a.h5")) as reader:
        image = reader.image(5)

    owner = image if image.base is None else image.base
    assert owner.nbytes == image.nbytes


# --- other processes and threads


def test_a_pickled_reader_holds_no_chunk_and_reads_on(tmp_path):
    path = write(tmp_path / "a.h5", np.repeat(IMAGES, 400, axis=2), chunks=(COUNT, 3, 1600), compression="gzip")
    with Hdf5Reader(path) as reader:
        before = reader.image(7)
        pickled = pickle.dumps(reader)
        assert np.array_equal(reader.image(8), np.repeat(IMAGES, 400, axis=2)[8])

    assert len(pickled) < 2_000
    with pickle.loads(pickled) as copy:
        np.testing.assert_array_equal(copy.image(7), before)
        assert is_read_here(copy)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_reader_of_chunks_survives_a_fork(tmp_path):
    path = write(tmp_path / "a.h5")
    code = """
import os, sys
import h5py
from number_generator.formats.hdf5.reader import Hdf5Reader

with h5py.File(sys.argv[1]) as file:
    images = file["images"][:]

def check(numbers):
    for number in numbers:
        if reader.image(number).tolist() != images[number].tolist():
            return 3
        if reader.labels(number, number + 1) != [str(number)]:
            return 4
    return 0

reader = Hdf5Reader(sys.argv[1])
before = check([5])
children = []
for first in range(4):
    child = os.fork()
    if child == 0:
        status = check([5, *range(first, 50, 3), *reversed(range(50))])
        os._exit(status or 5 * (list(reader._loans) != [os.getpid()]))
    children.append(child)
status = check([5, *reversed(range(50)), *range(50)])
print(before, status, [os.waitpid(child, 0)[1] for child in children], check(range(50)))
"""

    done = run_python(code, path)

    assert (done.returncode, done.stdout) == (0, "0 0 [0, 0, 0, 0] 0\n"), done.stderr


@pytest.mark.parametrize("damaged", [False, True], ids=["whole", "one chunk damaged"])
def test_eight_threads_at_once_read_the_right_images(tmp_path, damaged):
    images = np.random.default_rng(5).integers(0, 256, (600, 14, 20), dtype=np.uint8)
    labels = np.array([f"{number:05d}" for number in range(600)], "S5")
    path = write(tmp_path / "a.h5", images, labels, chunks=(16, 14, 20), compression="gzip")
    if damaged:
        replace_chunk(path, b"\0" * 50, number=30)
    is_bad = (np.arange(600) // 16 == 30) & damaged

    def read(seed):
        numbers = random.Random(seed)
        for _ in range(100):
            start = numbers.randrange(600)
            stop = numbers.randint(start, min(600, start + 40))
            step = numbers.randint(1, 20)
            try:
                found = reader.images(start, stop, step)
            except DatasetError:
                assert is_bad[start:stop:step].any()
            else:
                assert not is_bad[start:stop:step].any()
                np.testing.assert_array_equal(found, images[start:stop:step])
            assert reader.labels(start, stop, step) == [label.decode() for label in labels[start:stop:step].tolist()]
            if not is_bad[start]:
                np.testing.assert_array_equal(reader.image(start), images[start])
        return True

    with Hdf5Reader(path) as reader, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(read, range(8))) == [True] * 8
