"""Chunks of every kind that HDF5 can hold: inflated without it or read by it, the same images and labels."""

import os
import zlib

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
    check_as_hdf5,
    check_every_slice,
    is_read_here,
    replace_chunk,
    write,
)

from number_generator.errors import DatasetError
from number_generator.formats.hdf5.chunks import ChunkReader
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.reader import load_arrays

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


@pytest.mark.parametrize("flush", [None, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH])
@pytest.mark.parametrize("strategy", [zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED])
def test_every_kind_of_deflate_is_inflated(tmp_path, flush, strategy):
    images = np.where(np.arange(COUNT * 12).reshape(COUNT, 3, 4) % 7 < 4, 255, IMAGES).astype(np.uint8)
    content = images[LENGTH : 2 * LENGTH].tobytes()
    path = write(tmp_path / "a.h5", images)

    for level in range(10):
        for bits in (9, 12, 15):
            replace_chunk(path, packed(content, level, bits, strategy, flush))

            with Hdf5Reader(path) as reader:
                assert is_read_here(reader)
                assert np.array_equal(reader.images(0, COUNT), images), (level, bits)


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


ROWS = [b"1234", b"12\0\0", b"\0\0\0\0", b"12  ", b"1   ", b"    ", b" 1  ", b"0007"] * 5


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


def test_a_null_in_a_label_ends_it_where_hdf5_says_so_and_is_refused_elsewhere(tmp_path):
    rows = [b"12\0x", b"0007"] * LENGTH

    with Hdf5Reader(write_fixed_labels(tmp_path / "a.h5", h5py.h5t.STR_NULLTERM, rows)) as reader:
        assert reader.labels(0, 2) == ["12", "0007"]
    with (
        Hdf5Reader(write_fixed_labels(tmp_path / "b.h5", h5py.h5t.STR_NULLPAD, rows)) as reader,
        pytest.raises(DatasetError, match=r"image 2 is '12\\x00x', which holds the control character"),
    ):
        reader.labels(1, 3)


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

        with Hdf5Reader(path) as reader, pytest.raises(DatasetError, match="not text in UTF-8"):
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


# --- datasets in one piece


@pytest.mark.parametrize("user_block", [0, 1024])
@pytest.mark.parametrize("labels", [LABELS, np.arange(COUNT, dtype=">i4")], ids=["texts", "numbers"])
def test_what_lies_in_one_piece_is_read_from_there(tmp_path, labels, user_block):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", userblock_size=user_block) as file:
        file["images"], file["labels"] = IMAGES, labels

    check_every_slice(path, is_fast=True)
    with Hdf5Reader(path) as reader:
        assert is_read_here(reader, "labels")


def test_what_was_never_written_in_one_piece_holds_the_fill_value(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["labels"] = LABELS
        file.create_dataset("images", IMAGES.shape, np.uint8, fillvalue=7)

    check_every_slice(path, is_fast=False)


def test_nothing_is_read_from_beyond_the_end_of_a_file_that_was_cut_meanwhile(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["labels"], file["images"] = LABELS, IMAGES
        images = file["images"].id.get_offset()

    with Hdf5Reader(path) as reader:
        os.truncate(path, images + 2 * IMAGES[0].size)
        np.testing.assert_array_equal(reader.images(0, 2), IMAGES[:2])
        with pytest.raises(DatasetError, match="it ends before its images or labels do"):
            reader.images(1, 3)


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


@pytest.mark.parametrize(
    ("fill", "there"), [(7, ()), (0, (0,)), (0, (1, 2)), (7, (1, 2)), (255, (1, 2)), (7, (0, 6)), (255, (5,))]
)
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
        with reader._lend() as handles:
            for number in there:
                assert handles.image_rows.fast.rows(number * LENGTH, number * LENGTH + 2, 1) is not None
