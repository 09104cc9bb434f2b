"""Chunks that hold fewer bytes than their shape: refused in every way of reading, as HDF5 reads past their end."""

import zlib

import h5py
import numpy as np
import pytest
from chunked import COUNT, IMAGES, LABELS, LENGTH, write

from number_generator.errors import DatasetError
from number_generator.formats.hdf5.filters import CHECKSUM, DEFLATE, LZF, SHUFFLE, unpack_chunk
from number_generator.formats.hdf5.index_reader import read_index
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.paths import MalformedError
from number_generator.formats.reader import load_arrays

LZF_OF_THREE = b"\x02abc"
SHORT = {"gzip": zlib.compress(b"abc"), "lzf": LZF_OF_THREE, "shuffle": b"abc"}
INTEGERS = np.arange(COUNT, dtype=">i8") * 7
BOXES = np.arange(COUNT * 8, dtype=np.int32).reshape(COUNT, 2, 4)


def shorten(path, name, data, *, mask=0, row=LENGTH):
    """Put a few bytes in the place of the chunk that begins with a row."""
    with h5py.File(path, "r+") as file:
        dataset = file[name]
        offset = (row, *(0 for _ in dataset.shape[1:]))
        dataset.id.write_direct_chunk(offset, data + b"another size")
        dataset.id.write_direct_chunk(offset, data, mask)
    return path


def write_with(path, name, data, **options):
    """Write a dataset, one array of which is stored as the options say."""
    write(path)
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        file.create_dataset(name, data=data, chunks=(LENGTH, *data.shape[1:]), **options)
    return path


KINDS = {
    "gzip": {"compression": "gzip"},
    "lzf": {"compression": "lzf"},
    "shuffle": {"shuffle": True},
}
ARRAYS = {
    "images": IMAGES,
    "integers": INTEGERS,
    "texts": LABELS,
    "strings": np.array([str(number) for number in range(COUNT)], h5py.string_dtype()),
    "boxes": BOXES,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("is_masked", [False, True])
def test_a_short_chunk_is_refused_whatever_it_holds(tmp_path, array, kind, is_masked):
    name = "labels" if array in ("integers", "texts", "strings") else array
    path = write_with(tmp_path / "a.h5", name, ARRAYS[array], **KINDS[kind])
    shorten(path, name, b"abc" if is_masked else SHORT[kind], mask=int(is_masked))

    with Hdf5Reader(path) as reader:
        reads = {"images": reader.images, "labels": reader.labels, "boxes": lambda *rows: reader.truth("boxes", *rows)}
        for rows in ((LENGTH, LENGTH + 1), (0, COUNT), (0, COUNT, 11), (2 * LENGTH - 1, COUNT)):
            with pytest.raises(DatasetError, match=r"a\.h5: it has a chunk"):
                reads[name](*rows)
        if array != "strings":  # their lengths are checked before any is read
            assert len(reads[name](0, LENGTH)) == len(reads[name](2 * LENGTH, COUNT)) - COUNT + 3 * LENGTH


def test_a_short_chunk_of_a_file_is_refused_when_all_is_loaded(tmp_path):
    path = write_with(tmp_path / "a.h5", "labels", INTEGERS, compression="lzf")
    shorten(path, "labels", LZF_OF_THREE)

    with pytest.raises(DatasetError, match="fewer bytes"):
        load_arrays(path)


def test_a_short_chunk_of_cut_rows_is_refused(tmp_path):
    path = write(tmp_path / "a.h5", chunks=(LENGTH, 2, 2), compression="gzip")
    with h5py.File(path, "r+") as file:
        images = file["images"].id
        images.write_direct_chunk((LENGTH, 2, 2), b"another size")
        images.write_direct_chunk((LENGTH, 2, 2), zlib.compress(b"abc"))

    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, LENGTH), IMAGES[:LENGTH])
        for _ in range(2):
            with pytest.raises(DatasetError, match="fewer bytes"):
                reader.image(LENGTH + 3)


def test_a_short_chunk_after_one_that_is_missing_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (COUNT, 3, 4), np.uint8, chunks=(LENGTH, 3, 4), compression="gzip")
        images.id.write_direct_chunk((LENGTH, 0, 0), zlib.compress(b"abc"))
        file["labels"] = LABELS

    with Hdf5Reader(path) as reader:
        assert not reader.images(0, LENGTH).any()
        with pytest.raises(DatasetError, match="fewer bytes"):
            reader.images(0, 2 * LENGTH)


def test_short_lists_of_shards_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("shard_files", data=np.array([b"0.h5", b"1.h5"]), chunks=(2,), compression="gzip")
        counts = file.create_dataset("shard_images", data=np.array([1, 2]), chunks=(2,), compression="gzip")
        counts.id.write_direct_chunk((0,), zlib.compress(b"abc"))

    with pytest.raises(MalformedError, match="fewer bytes"):
        read_index(path)


def test_chunks_that_are_packed_twice_are_refused(tmp_path):
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        del file["images"]
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk((LENGTH, 3, 4))
        settings.set_deflate(1)
        settings.set_deflate(1)
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(IMAGES.shape), settings)

    with pytest.raises(DatasetError, match="packed more than once"):
        Hdf5Reader(path)


def test_images_cut_into_countless_chunks_are_refused(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (1, 1000, 1000), np.uint8, chunks=(1, 1, 1))
        file["labels"] = [b"1"]

    with pytest.raises(DatasetError, match="has 1000000 chunks for each image"):
        Hdf5Reader(path)


# --- the filters themselves


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"compression": "lzf"},
        {"shuffle": True},
        {"compression": "lzf", "shuffle": True},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["noise", "pattern", "nothing"])
def test_a_chunk_is_unpacked_as_hdf5_does(tmp_path, options, kind):
    values = np.random.default_rng(3).integers(0, 2**40, (64, 30))
    values = {"noise": values, "pattern": np.tile(values[:1] % 300, (64, 1)), "nothing": values * 0}[kind]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("a", data=values, chunks=values.shape, **options)
        properties = dataset.id.get_create_plist()
        filters = [properties.get_filter(place)[::2] for place in range(properties.get_nfilters())]
        skipped, packed = dataset.id.read_direct_chunk((0, 0))

    assert unpack_chunk(packed, filters, skipped, values.nbytes) == values.tobytes()


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (zlib.compress(bytes(99))[:-5], DEFLATE),
        (b"\x05abc", LZF),  # a run that is cut short
        (b"\x20", LZF),  # a copy without its place
        (b"\xe0\x05", LZF),  # a long one
        (b"\x00a\x20\x09", LZF),  # of what is not there
        (b"abc", CHECKSUM),
    ],
)
def test_a_chunk_that_is_none_cannot_be_unpacked(data, number):
    with pytest.raises((ValueError, IndexError, zlib.error)):
        unpack_chunk(data, [(number, ())], 0, 1000)


@pytest.mark.parametrize(
    ("data", "number"), [(zlib.compress(bytes(10**6)), DEFLATE), (b"\0a" + b"\xe0\xff\0" * 99, LZF)]
)
def test_unpacking_stops_where_a_chunk_should_end(data, number):
    assert 100 < len(unpack_chunk(data, [(number, ())], 0, 100)) < 500


def test_entries_that_are_cut_stay_in_their_place():
    assert unpack_chunk(b"abcdefg", [(SHUFFLE, (2,))], 0, 7) == b"adbecfg"


def test_chunks_at_an_edge_that_are_packed_in_another_way_are_refused(tmp_path):
    path = write(tmp_path / "a.h5", libver="latest")
    content = bytearray(path.read_bytes())
    # Class, flags, dimensions with that of the type, bytes of a length, and the shape of a chunk.
    place = content.index(b"\x02\x00\x04\x01\x08\x03\x04\x01")
    content[place + 1] = 1
    path.write_bytes(content)

    with pytest.raises(DatasetError, match="chunks at an edge that are packed in another way"):
        Hdf5Reader(path)
