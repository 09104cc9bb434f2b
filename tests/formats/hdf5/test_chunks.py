"""Chunks that are inflated without HDF5: the same images and labels as HDF5 gives, or its errors."""

import gzip
import math
import os
import pickle
import random
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deflate
import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S

from number_generator.errors import DatasetError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.hdf5.chunks import ChunkReader
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.reader import load_arrays

COUNT, LENGTH = 50, 8
IMAGES = np.random.default_rng(1).integers(0, 256, (COUNT, 3, 4), dtype=np.uint8)
LABELS = np.array([f"{number}" for number in range(COUNT)], "S4")
GZIP = {"chunks": (LENGTH, 3, 4), "compression": "gzip"}


def write(path, images=IMAGES, labels=LABELS, *, libver=None, **options):
    """Write images as the options say, with labels in chunks of 8 under gzip."""
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset("images", data=images, **(options or GZIP))
        labels_options = {"chunks": (LENGTH,), "maxshape": (None,), "compression": "gzip"}
        file.create_dataset("labels", data=labels, **labels_options)
    return path


def replace_chunk(path, data, *, mask=0, name="images", number=1):
    """Put other bytes in the place of a chunk, the second one if nothing else is said."""
    with h5py.File(path, "r+") as file:
        dataset = file[name]
        offset = (number * dataset.chunks[0], *(0 for _ in dataset.shape[1:]))
        # HDF5 forgets to write the mask where the size stays what it was.
        dataset.id.write_direct_chunk(offset, data + b"another size")
        dataset.id.write_direct_chunk(offset, data, mask)
    return path


def is_read_here(reader, name="images"):
    """Tell whether all chunks of a dataset are inflated without HDF5's help."""
    chunks = reader._opened().image_chunks if name == "images" else reader._opened().label_chunks
    return chunks is not None and chunks.rows(0, len(reader), 1) is not None


def check_every_slice(path, *, is_fast=None):
    """Compare slices and single images with what HDF5 gives."""
    with h5py.File(path) as file, Hdf5Reader(path) as reader:
        images, labels = file["images"][:], [_text(label) for label in file["labels"][:].tolist()]
        count = len(images)
        if is_fast is not None:
            assert is_read_here(reader) == is_fast
        for start in {0, 1, 7, 8, 9, count // 2, count - 1, count} & set(range(count + 1)):
            for stop in {start, start + 1, start + 8, start + 17, count} & set(range(start, count + 1)):
                for step in (1, 2, 3, 7, 8, 9, 100, 10**9):
                    found = reader.images(start, stop, step)
                    assert found.shape == images[start:stop:step].shape
                    assert found.dtype == np.uint8
                    np.testing.assert_array_equal(found, images[start:stop:step])
                    assert reader.labels(start, stop, step) == labels[start:stop:step]
        for number in range(count):
            np.testing.assert_array_equal(reader.image(number), images[number])


def _text(label):
    return label.decode() if isinstance(label, bytes) else str(label)


# --- slices

BOUNDS = st.one_of(st.none(), st.integers(-250, 250))
STEPS = st.one_of(st.none(), st.integers(1, 100), st.integers(-100, -1))
SLICES = st.builds(slice, BOUNDS, BOUNDS, STEPS)


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


# --- streams of other writers


def packed(content, level=6, bits=15, strategy=zlib.Z_DEFAULT_STRATEGY, flush=None):
    """Deflate in pieces, with a flush after each."""
    deflater = zlib.compressobj(level, zlib.DEFLATED, bits, 9, strategy)
    pieces = []
    for first in range(0, len(content), 37):
        pieces.append(deflater.compress(content[first : first + 37]))
        if flush is not None:
            pieces.append(deflater.flush(flush))
            pieces.append(deflater.flush(flush))
    return b"".join([*pieces, deflater.flush()])


@pytest.mark.parametrize("level", range(10))
@pytest.mark.parametrize("bits", [9, 12, 15])
@pytest.mark.parametrize("flush", [None, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED])
def test_every_kind_of_deflate_is_inflated(tmp_path, level, bits, flush, strategy):
    images = np.where(np.arange(COUNT * 12).reshape(COUNT, 3, 4) % 7 < 4, 255, IMAGES).astype(np.uint8)
    path = write(tmp_path / "a.h5", images)
    content = images[LENGTH : 2 * LENGTH].tobytes()

    replace_chunk(path, packed(content, level, bits, strategy, flush))

    with Hdf5Reader(path) as reader:
        assert is_read_here(reader)
        np.testing.assert_array_equal(reader.images(0, COUNT), images)


@pytest.mark.parametrize("error", [zlib.error, MemoryError, OSError, ValueError])
def test_what_is_not_inflated_here_is_read_by_hdf5(tmp_path, monkeypatch, error):
    def refuse(data, size):
        raise error

    monkeypatch.setattr(deflate, "zlib_decompress", refuse)

    check_every_slice(write(tmp_path / "a.h5"), is_fast=False)


def test_a_large_chunk_is_inflated(tmp_path):
    images = np.random.default_rng(3).integers(0, 4, (2000, 40, 50), dtype=np.uint8)
    labels = np.full(2000, b"7")
    path = write(tmp_path / "a.h5", images, labels, chunks=(1500, 40, 50), compression="gzip")

    with Hdf5Reader(path) as reader:
        assert is_read_here(reader)
        np.testing.assert_array_equal(reader.images(0, 2000), images)


def test_a_chunk_that_is_stored_as_it_was_is_read(tmp_path):
    path = write(tmp_path / "a.h5")
    replace_chunk(path, IMAGES[LENGTH : 2 * LENGTH].tobytes(), mask=1)
    replace_chunk(path, LABELS[2 * LENGTH : 3 * LENGTH].tobytes(), mask=1, name="labels", number=2)
    last = IMAGES[6 * LENGTH :].tobytes().ljust(LENGTH * 12, b"\xaa")
    replace_chunk(path, last, mask=1, number=6)

    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == [label.decode() for label in LABELS.tolist()]
    check_every_slice(path, is_fast=True)


@pytest.mark.parametrize("mask", [1, 3, 0x80000001, 2, 0xFFFFFFFE])
@pytest.mark.parametrize("kind", ["rows", "stream"])
def test_the_first_bit_of_a_mask_says_whether_a_chunk_is_deflated(tmp_path, mask, kind):
    # Bytes that can be read either way: a whole stream of a chunk, filled up to the size of one.
    either = zlib.compress(bytes(LENGTH * 12)).ljust(LENGTH * 12, b"\x55")
    path = write(tmp_path / "a.h5")
    replace_chunk(path, either if kind == "stream" else IMAGES[:LENGTH].tobytes(), mask=mask)

    check_as_hdf5(path)
    if kind == "stream":
        with h5py.File(path) as file, Hdf5Reader(path) as reader:
            expected = either if mask & 1 else bytes(LENGTH * 12)
            assert file["images"][LENGTH : 2 * LENGTH].tobytes() == expected
            assert reader.images(LENGTH, 2 * LENGTH).tobytes() == expected


# --- labels


def write_fixed_labels(path, padding, rows, *, character_set=h5py.h5t.CSET_ASCII):
    """Write labels of four bytes with a kind of padding, byte by byte as they are given."""
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=IMAGES[: len(rows)], **GZIP)
        kind = h5py.h5t.C_S1.copy()
        kind.set_size(4)
        kind.set_strpad(padding)
        kind.set_cset(character_set)
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((LENGTH,))
        settings.set_deflate(4)
        space = h5py.h5s.create_simple((len(rows),))
        labels = h5py.h5d.create(file.id, b"labels", kind, space, settings)
        for first in range(0, len(rows), LENGTH):
            block = b"".join(rows[first : first + LENGTH]).ljust(4 * LENGTH, b"\0")
            labels.write_direct_chunk((first,), zlib.compress(block))
    return path


ROWS = [b"1234", b"12\0\0", b"\0\0\0\0", b"12\0x", b"12  ", b"1   ", b"    ", b" 1  ", b"1 \0 ", b"0007"] * 5


@pytest.mark.parametrize(
    ("padding", "is_fast"),
    [(h5py.h5t.STR_NULLPAD, True), (h5py.h5t.STR_NULLTERM, False), (h5py.h5t.STR_SPACEPAD, False)],
    ids=["null-padded", "null-terminated", "space-padded"],
)
def test_labels_of_any_padding_are_what_hdf5_gives(tmp_path, padding, is_fast):
    path = write_fixed_labels(tmp_path / "a.h5", padding, ROWS)

    with h5py.File(path) as file, Hdf5Reader(path) as reader:
        expected = [label.decode() for label in file["labels"][:].tolist()]
        assert ChunkReader.suits(file["labels"]) == is_fast
        assert reader.labels(0, len(ROWS)) == expected
    check_every_slice(path)
    assert load_arrays(path).labels == expected


@pytest.mark.parametrize("padding", [h5py.h5t.STR_NULLPAD, h5py.h5t.STR_NULLTERM], ids=["padded", "terminated"])
def test_labels_in_utf_8_are_what_hdf5_gives(tmp_path, padding):
    rows = ["é7".encode().ljust(4, b"\0"), "八".encode() + b"\0", b"123\0", b"\0" * 4] * 5
    path = write_fixed_labels(tmp_path / "a.h5", padding, rows, character_set=h5py.h5t.CSET_UTF8)

    with Hdf5Reader(path) as reader:
        assert reader.labels(0, 20) == ["é7", "八", "123", ""] * 5
    check_every_slice(path)


def test_labels_that_are_no_text_are_refused_on_either_way(tmp_path):
    for padding in (h5py.h5t.STR_NULLPAD, h5py.h5t.STR_NULLTERM):
        path = write_fixed_labels(tmp_path / "a.h5", padding, [b"\xff\xfe12"] * 20)

        with Hdf5Reader(path) as reader, pytest.raises(DatasetError, match="UnicodeDecodeError"):
            reader.labels(3, 4)


@pytest.mark.parametrize(
    "labels",
    [
        [f"{number}" for number in range(COUNT)],
        np.array([f"{number}" for number in range(COUNT)], h5py.string_dtype("ascii")),
        np.arange(COUNT),
        np.arange(COUNT, dtype=np.uint8),
        np.arange(COUNT, dtype=">i2"),
    ],
    ids=["variable", "variable ascii", "int64", "uint8", "big-endian"],
)
def test_labels_of_other_types_in_chunks_are_read_by_hdf5(tmp_path, labels):
    path = write(tmp_path / "a.h5", labels=labels)

    expected = [f"{number}" for number in range(COUNT)]
    with Hdf5Reader(path) as reader:
        assert reader.labels(0, COUNT) == expected
        assert reader.labels(5, 33, 9) == expected[5:33:9]
        assert [reader.labels(number, number + 1)[0] for number in range(COUNT)] == expected
    assert load_arrays(path).labels == expected


def test_lists_as_labels_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=IMAGES, **GZIP)
        file.create_dataset("labels", (COUNT,), h5py.vlen_dtype(np.uint8), chunks=(LENGTH,), compression="gzip")

    with pytest.raises(DatasetError, match="not one row"):
        Hdf5Reader(tmp_path / "a.h5")


# --- datasets that only HDF5 can read


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": None},
        {"chunks": (LENGTH, 3, 4)},
        {"chunks": (LENGTH, 3, 4), "compression": "lzf"},
        {"chunks": (LENGTH, 3, 4), "shuffle": True},
        {"chunks": (LENGTH, 3, 4), "fletcher32": True},
        {"chunks": (LENGTH, 3, 4), "compression": "gzip", "shuffle": True},
        {"chunks": (LENGTH, 3, 4), "compression": "gzip", "fletcher32": True},
        {"chunks": (LENGTH, 3, 4), "compression": "lzf", "shuffle": True, "fletcher32": True},
        {"chunks": (LENGTH, 2, 4), "compression": "gzip"},
        {"chunks": (LENGTH, 3, 1), "compression": "gzip"},
        {"chunks": (LENGTH, 1, 1), "compression": "gzip"},
        {"chunks": (LENGTH, 6, 4), "compression": "gzip", "maxshape": (None, None, 4)},
        {"chunks": (LENGTH, 3, 9), "compression": "gzip", "maxshape": (None, 3, None)},
    ],
    ids=lambda options: " ".join(f"{name}={value}" for name, value in options.items()),
)
def test_images_that_are_stored_otherwise_are_read_by_hdf5(tmp_path, options):
    path = write(tmp_path / "a.h5", **options)

    with h5py.File(path) as file:
        assert not ChunkReader.suits(file["images"])
        np.testing.assert_array_equal(file["images"][:], IMAGES)
    check_every_slice(path, is_fast=False)
    np.testing.assert_array_equal(load_arrays(path).images, IMAGES)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("kind", ["native", "big-endian"])
def test_images_of_either_byte_order_are_read(tmp_path, kind, shuffle):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file["images"]
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk(GZIP["chunks"])
        if shuffle:
            settings.set_shuffle()
        settings.set_deflate(1)
        space = h5py.h5s.create_simple(IMAGES.shape)
        number = h5py.h5t.STD_U8BE if kind == "big-endian" else h5py.h5t.NATIVE_UINT8
        h5py.h5d.create(file.id, b"images", number, space, settings).write(h5py.h5s.ALL, h5py.h5s.ALL, IMAGES)

    check_every_slice(path)


@pytest.mark.parametrize("bits", range(1, 8))
def test_images_of_fewer_bits_are_what_hdf5_gives(tmp_path, bits):
    path = write(tmp_path / "a.h5")
    kind = h5py.h5t.STD_U8LE.copy()
    kind.set_precision(bits)
    kind.set_offset(8 - bits)
    with h5py.File(path, "r+") as file:
        del file["images"]
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk(GZIP["chunks"])
        settings.set_deflate(1)
        images = h5py.h5d.create(file.id, b"images", kind, h5py.h5s.create_simple(IMAGES.shape), settings)
        for first in range(0, COUNT, LENGTH):
            block = IMAGES[first : first + LENGTH].tobytes().ljust(12 * LENGTH, b"\0")
            images.write_direct_chunk((first, 0, 0), zlib.compress(block))
        assert not np.array_equal(file["images"][:], IMAGES)

    check_every_slice(path, is_fast=False)


@pytest.mark.parametrize("fill", [0, 7, 255])
@pytest.mark.parametrize("there", [(), (0,), (1, 2), (0, 6), (5,)])
def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path, fill, there):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (COUNT, 3, 4), np.uint8, fillvalue=fill, **GZIP)
        labels = file.create_dataset("labels", (COUNT,), "S4", fillvalue=b"none", chunks=(8,), compression="gzip")
        for number in there:
            rows = slice(number * LENGTH, (number + 1) * LENGTH)
            images[rows], labels[rows] = IMAGES[rows], LABELS[rows]
    expected = np.full_like(IMAGES, fill)
    texts = ["none"] * COUNT
    for number in there:
        rows = slice(number * LENGTH, (number + 1) * LENGTH)
        expected[rows], texts[rows] = IMAGES[rows], [label.decode() for label in LABELS[rows].tolist()]

    check_every_slice(path, is_fast=False)
    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), expected)
        assert reader.labels(0, COUNT) == texts
        for number in there:
            assert reader._opened().image_chunks.rows(number * LENGTH, number * LENGTH + 2, 1) is not None


# --- damage


def check_as_hdf5(path):
    """Check that what is read is refused, or is what HDF5 gives.

    Where HDF5 gives an error, it may be what was written: igzip takes a stream whose header claims too large a window,
    and the checksum at its end is right.
    """
    with h5py.File(path) as file, Hdf5Reader(path) as reader:
        for start in range(0, COUNT, LENGTH):
            stop = min(start + LENGTH, COUNT)
            for number, read in ((stop, reader.images), (start + 1, lambda *range_: reader.image(range_[0])[None])):
                check_rows_as_hdf5(file["images"], IMAGES, slice(start, number), read)
            check_rows_as_hdf5(file["labels"], LABELS, slice(start, stop), reader.labels)


def check_rows_as_hdf5(dataset, written, rows, read):
    try:
        expected = dataset[rows]
    except OSError:
        expected = written[rows]
    try:
        found = read(rows.start, rows.stop)
    except DatasetError:
        return
    if isinstance(found, list):
        assert found == [label.decode() for label in expected.tolist()]
    else:
        assert (found.shape, found.dtype) == (expected.shape, np.uint8)
        np.testing.assert_array_equal(found, expected)


def chunk_place(path, name):
    """Where the second chunk of a dataset lies in its file."""
    with h5py.File(path) as file:
        info = file[name].id.get_chunk_info(1)
    assert info.chunk_offset[0] == LENGTH
    return range(info.byte_offset, info.byte_offset + info.size)


@pytest.mark.parametrize("name", ["images", "labels"])
@pytest.mark.parametrize("bit", [0, 1, 3, 7])
@pytest.mark.parametrize("kind", ["noise", "pattern"])
def test_a_flipped_bit_anywhere_in_a_chunk_is_noticed(tmp_path, name, bit, kind):
    images = IMAGES if kind == "noise" else np.tile(np.array([0, 0, 9, 255], np.uint8), (COUNT, 3, 1))
    path = write(tmp_path / "a.h5", images)
    content, places = path.read_bytes(), chunk_place(path, name)

    refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        with Hdf5Reader(path) as reader:
            read = reader.images if name == "images" else reader.labels
            before = read(0, LENGTH)
            try:
                found = read(LENGTH, 2 * LENGTH)
            except DatasetError as exc:
                assert str(path) in str(exc)
                refused += 1
            else:
                right = images if name == "images" else [label.decode() for label in LABELS.tolist()]
                assert np.array_equal(found, right[LENGTH : 2 * LENGTH])
            after = read(0, LENGTH)
        assert np.array_equal(before, after)

    # A bit of the header that tells no more than the level may be any.
    assert refused >= len(places) - 2


STREAM = zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes())
WITH_DICTIONARY = zlib.compressobj(zdict=IMAGES.tobytes())
DAMAGED = {
    "wrong checksum": STREAM[:-1] + bytes([STREAM[-1] ^ 1]),
    "checksum of nothing": STREAM[:-4] + b"\0\0\0\1",
    "no checksum": STREAM[:-4],
    "no stream": STREAM[:2],
    "one byte": STREAM[:1],
    "raw deflate": STREAM[2:-4],
    "gzip": gzip.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()),
    "dictionary": WITH_DICTIONARY.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()) + WITH_DICTIONARY.flush(),
    "zeros": bytes(200),
    "ones": b"\xff" * 200,
    "text": b"nothing of a stream" * 9,
    "reserved block": b"\x78\x9c\x07" + bytes(20),
}
ODD = {
    "a window too large": b"\x88\x1c" + STREAM[2:],
    "rubbish after it": STREAM + b"rubbish",
    "another stream after it": STREAM + STREAM,
    "one byte more": zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes() + b"x"),
    "twice as long": zlib.compress(IMAGES[LENGTH : 3 * LENGTH].tobytes()),
    "a million bytes": zlib.compress(bytes(10**6)),
}
SHORTER = {
    "one byte less": zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()[:-1]),
    "half": zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()[:48]),
    "one byte": zlib.compress(b"x"),
    "nothing": zlib.compress(b""),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_stream_that_is_none_is_refused(tmp_path, name):
    path = replace_chunk(write(tmp_path / "a.h5"), DAMAGED[name])

    check_as_hdf5(path)
    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, LENGTH), IMAGES[:LENGTH])
        for read in (reader.images, reader.images, lambda start, _: reader.image(start)):
            with pytest.raises(DatasetError, match=r"a\.h5: "):
                read(LENGTH, 2 * LENGTH)
        with pytest.raises(DatasetError, match=r"a\.h5: "):
            reader.images(0, COUNT)
        np.testing.assert_array_equal(reader.images(2 * LENGTH, COUNT), IMAGES[2 * LENGTH :])
    with pytest.raises(DatasetError, match=r"a\.h5: "):
        load_arrays(path)


def test_a_stream_cut_anywhere_is_refused(tmp_path):
    path = write(tmp_path / "a.h5")

    for size in range(1, len(STREAM)):
        replace_chunk(path, STREAM[:size])
        with Hdf5Reader(path) as reader, pytest.raises(DatasetError, match=r"a\.h5: "):
            reader.images(LENGTH, 2 * LENGTH)


@pytest.mark.parametrize("name", ODD)
def test_a_stream_of_more_than_a_chunk_or_a_window_is_refused_or_read_right(tmp_path, name):
    path = replace_chunk(write(tmp_path / "a.h5"), ODD[name])

    check_as_hdf5(path)


@pytest.mark.parametrize("name", SHORTER)
def test_a_stream_of_less_than_a_chunk_is_refused(tmp_path, name):
    # HDF5 gives what lies in memory behind it.
    path = replace_chunk(write(tmp_path / "a.h5"), SHORTER[name])

    with Hdf5Reader(path) as reader:
        for number in (LENGTH, 2 * LENGTH - 1):
            with pytest.raises(DatasetError):
                reader.image(number)
    with pytest.raises(DatasetError):
        load_arrays(path)


@pytest.mark.parametrize("size", [1, 95])
def test_a_chunk_that_is_stored_as_it_was_but_cut_is_refused(tmp_path, size):
    path = replace_chunk(write(tmp_path / "a.h5"), IMAGES[LENGTH : 2 * LENGTH].tobytes()[:size], mask=1)

    with Hdf5Reader(path) as reader, pytest.raises(DatasetError):
        reader.image(2 * LENGTH - 1)


def test_a_chunk_that_is_stored_as_it_was_with_more_behind_it_is_refused_or_what_hdf5_gives(tmp_path):
    path = replace_chunk(write(tmp_path / "a.h5"), IMAGES[LENGTH : 2 * LENGTH].tobytes() + b"more", mask=1)

    check_as_hdf5(path)


@pytest.mark.parametrize(
    "stream",
    [zlib.compress(b"12\0\0"), zlib.compress(LABELS[8:16].tobytes())[:-1], b"\0"],
    ids=["one label", "cut", "no stream"],
)
def test_damaged_labels_are_refused(tmp_path, stream):
    path = replace_chunk(write(tmp_path / "a.h5"), stream, name="labels")

    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, 8) == [label.decode() for label in LABELS[:8].tolist()]
        with pytest.raises(DatasetError):
            reader.labels(9, 10)
    with pytest.raises(DatasetError):
        load_arrays(path)


@given(data=st.data())
def test_any_bytes_in_place_of_a_stream_do_no_harm(tmp_path_factory, data):
    path = write(tmp_path_factory.mktemp("bytes") / "a.h5")
    start = data.draw(st.integers(0, len(STREAM)))
    stop = data.draw(st.integers(start, len(STREAM)))
    stream = STREAM[:start] + data.draw(st.binary(max_size=20)) + STREAM[stop:]

    check_as_hdf5(replace_chunk(path, stream or b"\0"))


def run_python(code, *arguments):
    """Run a script in a process of its own, which may crash."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


_READ_LARGE = """
import sys
from number_generator.errors import DatasetError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.reader import load_arrays

for path in sys.argv[1:]:
    with Hdf5Reader(path) as reader:
        for read in (lambda: reader.images(0, len(reader)), lambda: reader.image(7), lambda: load_arrays(path)):
            try:
                read()
            except DatasetError:
                print("refused", flush=True)
            else:
                print("read", flush=True)
"""


def test_a_large_chunk_of_a_few_bytes_is_refused_and_crashes_nothing(tmp_path):
    paths = []
    for name, data, mask in (("stream", zlib.compress(b"few bytes"), 0), ("rows", b"few bytes", 1)):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            file.create_dataset("images", (20_000, 28, 100), np.uint8, chunks=(20_000, 28, 100), compression="gzip")
            file.create_dataset("labels", data=np.full(20_000, b"1"))
        # Padding, so that the file could hold what it claims.
        path.write_bytes(path.read_bytes() + bytes(100_000))
        paths.append(replace_chunk(path, data, mask=mask, number=0))

    done = run_python(_READ_LARGE, *paths)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["refused"] * 6


def bomb(mebibytes):
    """A valid stream of zeros."""
    deflater = zlib.compressobj(9, wbits=-15)
    piece = deflater.compress(bytes(2**20)) + deflater.flush(zlib.Z_FULL_FLUSH)
    size = mebibytes * 2**20
    # The checksum of zeros is 1 in its lower half, and their number in its upper one.
    return b"\x78\x9c" + piece * mebibytes + b"\x03\0" + struct.pack(">I", size % 65521 << 16 | 1)


def test_a_bomb_is_a_valid_stream():
    assert zlib.decompress(bomb(3)) == bytes(3 * 2**20)


_READ_BOMBS = """
import pathlib, sys
from number_generator.errors import DatasetError
from number_generator.formats.hdf5.reader import Hdf5Reader

def memory(name):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) // 1024

def read_all(path):
    with Hdf5Reader(path) as reader:
        for read in (lambda: reader.images(8, 16), lambda: reader.image(9), lambda: reader.labels(8, 16)):
            try:
                found = read()
            except DatasetError as exc:
                assert "fit in memory" not in str(exc)
            else:
                assert len(found) in (3, 8)

read_all(sys.argv[1])
before = memory("VmRSS")
for path in sys.argv[2:]:
    read_all(path)
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc tells how much memory was used")
@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_stream_without_end_takes_little_memory(tmp_path, name):
    good = write(tmp_path / "good.h5")
    bad = replace_chunk(write(tmp_path / "bad.h5"), bomb(1024), name=name)

    done = run_python(_READ_BOMBS, good, bad)

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 100  # MiB


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
            kept = reader._opened().image_chunks._last[1]
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
        os._exit(status or 5 * (reader._handles[0] != os.getpid()))
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
        for _ in range(300):
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
