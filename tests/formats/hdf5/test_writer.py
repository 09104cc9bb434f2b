"""Datasets as HDF5 files, compressed or not."""

import itertools
import json
import shutil
import subprocess
import zlib

import h5py
import numpy as np
import pytest
from patience import PATIENCE_S
from written import METADATA, about, arrays_in, header_of, make_images, make_labels, names_in, write_arrays

from number_generator.errors import OutputError, SpecError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.hdf5.writer import Hdf5Writer
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
from number_generator.job.spec import Span

COMPRESSED = pytest.mark.parametrize("compression", ["gzip", "none"])
COUNTS = pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1300])


def test_hdf5_holds_images_and_labels_in_gzip_chunks(tmp_path):
    images, labels = make_images(100, 28, 100), make_labels(100)

    with h5py.File(write_arrays(tmp_path / "set.h5", images, labels, "hdf5")) as file:
        assert arrays_in(file) == ["images", "labels"]
        assert file["images"].shape == (100, 28, 100)
        assert file["images"].dtype == np.uint8
        assert file["images"].chunks == (32, 28, 100)
        assert file["images"].compression == "gzip"
        assert not file["images"].shuffle
        assert file["labels"].dtype == np.dtype("S11")
        assert h5py.check_string_dtype(file["labels"].dtype) == ("ascii", 11)
        assert file["labels"].compression == "gzip"
        assert file["labels"].chunks == (100,)
        assert np.array_equal(file["images"][:], images)
        assert file["labels"].asstr()[:].tolist() == [label.decode() for label in labels.tolist()]


@pytest.mark.parametrize(
    ("count", "height", "width", "rows"),
    [(1000, 28, 100, 32), (1000, 28, 50, 64), (5, 28, 100, 5), (3, 28, 65_535, 1), (9, 28, 1_600, 2), (1, 4, 1, 1)],
)
def test_a_chunk_of_hdf5_holds_about_the_same_bytes_whatever_the_width(tmp_path, count, height, width, rows):
    images, labels = make_images(count, height, width), make_labels(count)

    with h5py.File(write_arrays(tmp_path / "set.h5", images, labels, "hdf5")) as file:
        assert file["images"].chunks == (rows, height, width)
        assert file["labels"].chunks[0] % rows == 0 or file["labels"].chunks[0] == count
        assert np.array_equal(file["images"][:], images)


@pytest.mark.parametrize("count", [2047, 2048, 2049, 2048 + 33, 3 * 2048])
def test_a_partial_last_chunk_of_hdf5_is_read_as_it_was_written(tmp_path, count):
    images, labels = make_images(count, 28, 100), make_labels(count)

    with h5py.File(write_arrays(tmp_path / "set.h5", images, labels, "hdf5", length=1)) as file:
        assert np.array_equal(file["images"][:], images)
        assert np.array_equal(file["labels"][:], labels)


@pytest.mark.parametrize(("count", "height", "width"), [(5000, 28, 100), (5000, 28, 7), (40, 28, 9000), (3, 4, 4)])
def test_a_span_for_hdf5_is_a_whole_number_of_chunks(tmp_path, count, height, width):
    header = header_of(count, height, width)

    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False) as writer:
        rows, label_rows = (writer._datasets[name].chunks[0] for name in ("images", "labels"))

        assert writer.span_multiple == label_rows
        assert label_rows % rows == 0
        assert label_rows <= max(count, rows)


@COMPRESSED
def test_hdf5_may_start_at_any_image_number(tmp_path, compression):
    images, labels = make_images(1000, 28, 100), make_labels(1000)

    header = header_of(1000, 28, 100)
    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False, compression=compression) as writer:
        for start in (0, 512):
            rows = slice(start, start + 512)
            span = Span(10**12 + start, 10**12 + min(start + 512, 1000))
            writer.write(writer.encode(Chunk(span, images[rows], labels[rows])))
        writer.commit()

    with h5py.File(tmp_path / "set.h5") as file:
        assert np.array_equal(file["images"][:], images)
        assert np.array_equal(file["labels"][:], labels)


@COMPRESSED
def test_attributes_of_hdf5_have_the_types_of_the_metadata(tmp_path, compression):
    metadata = {**METADATA, "job": json.dumps({"a": [1, 2]}), "render_version": 1, "nested": {"a": [None]}}

    images, labels = make_images(2), make_labels(2)
    path = write_arrays(tmp_path / "set.h5", images, labels, "hdf5", metadata=metadata, compression=compression)
    with h5py.File(path) as file:
        found = dict(file.attrs)

    assert set(found) == {*metadata, "metadata_json"} - {"nested"}
    assert found["creation_timestamp"] == 1.5
    assert found["spacing_range"].tolist() == [5, 10]
    assert found["spacing_range"].dtype.kind == "i"
    assert (found["seed"], found["seed"].dtype) == (2**64 - 1, np.uint64)
    assert found["image_width"] == 9
    assert found["fit"] == "contain"
    assert json.loads(found["job"]) == {"a": [1, 2]}
    assert json.loads(found["metadata_json"]) == {"nested": {"a": [None]}}


@pytest.mark.parametrize(
    "value",
    ["text", 3, True, 2.5, 2**64, -(2**63), [2**63, -1], [1.5, 2], [], ["a", 1], {"a": None}, None, 2.0, "\u3007"],
)
def test_metadata_comes_back_from_hdf5_as_it_was(tmp_path, value):
    path = write_arrays(
        tmp_path / "set.h5", make_images(2), make_labels(2), "hdf5", metadata={"value": value, "fit": "contain"}
    )

    dataset = GenericDataset()
    dataset.load(path)

    assert dataset.get_metadata() == {"value": value, "fit": "contain"}


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", {"a": object()}])
def test_metadata_that_hdf5_cannot_hold_is_an_error_and_leaves_nothing(tmp_path, value):
    header = DatasetHeader((2, 6, 9), 11, {"odd": value})

    with pytest.raises(SpecError, match=r"metadata 'odd' is .*, which HDF5 cannot hold"):
        Hdf5Writer(tmp_path / "set.h5", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("value", ["\0", "\udcff", np.datetime64("2020")], ids=["NUL", "surrogate", "date"])
def test_metadata_that_h5py_refuses_is_an_error_of_ours_and_leaves_nothing(tmp_path, value):
    header = DatasetHeader((2, 6, 9), 11, {"odd": value})

    with pytest.raises(SpecError, match="which HDF5 cannot hold"):
        Hdf5Writer(tmp_path / "set.h5", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="h5dump is not installed")
@COMPRESSED
def test_h5dump_reads_the_file_with_no_plug_in(tmp_path, compression):
    images, labels = make_images(40, 28, 100), make_labels(40)
    path = write_arrays(tmp_path / "set.h5", images, labels, "hdf5", compression=compression)

    binary = tmp_path / "images.bin"
    subprocess.run(
        ["h5dump", "-d", "/images", "-b", "LE", "-o", binary, path], check=True, capture_output=True, timeout=PATIENCE_S
    )
    text = subprocess.run(
        ["h5dump", "-d", "/labels", path], check=True, capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert binary.read_bytes() == images.tobytes()
    assert labels[39].decode() in text.stdout
    assert "H5T_CSET_ASCII" in text.stdout


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="h5ls is not installed")
def test_h5ls_lists_the_file(tmp_path):
    path = write_arrays(tmp_path / "set.h5", make_images(40, 28, 100), make_labels(40), "hdf5")

    listing = subprocess.run(
        ["h5ls", "-v", path], check=True, capture_output=True, text=True, timeout=PATIENCE_S
    ).stdout

    assert "{40/40, 28/28, 100/100}" in listing
    assert "deflate" in listing


@pytest.mark.parametrize("width", [100, 1000, 20_000, 65_535])
def test_a_span_for_hdf5_is_bounded_in_bytes(tmp_path, width):
    header = header_of(10**6, 28, width)

    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False) as writer:
        assert writer.span_multiple * 28 * width <= 8 * 2**20


# --- compressed or not


@COUNTS
@pytest.mark.parametrize("length", [1, None], ids=["many writes", "one write"])
def test_hdf5_holds_the_same_images_and_labels_compressed_or_not(tmp_path, count, length):
    images, labels = make_images(count, 28, 100), make_labels(count)

    for compression in ("gzip", "none"):
        path = write_arrays(tmp_path / compression, images, labels, "hdf5", length=length, compression=compression)
        dataset = GenericDataset()
        dataset.load(path)

        with h5py.File(path) as file:
            assert arrays_in(file) == ["images", "labels"]
            assert (file["images"].shape, file["images"].dtype) == ((count, 28, 100), np.uint8)
            assert h5py.check_string_dtype(file["labels"].dtype) == ("ascii", 11)
            assert np.array_equal(file["images"][:], images)
            assert np.array_equal(file["labels"][:], labels)
        assert np.array_equal(dataset.get_data()[0], images)
        assert dataset.get_data()[1] == [label.decode() for label in labels.tolist()]


@COUNTS
def test_without_compression_images_and_labels_each_lie_in_one_piece(tmp_path, count):
    images, labels = make_images(count, 28, 100), make_labels(count)

    path = write_arrays(tmp_path / "set.h5", images, labels, "hdf5", length=1, compression="none")

    content = path.read_bytes()
    with h5py.File(path) as file:
        for dataset, written in ((file["images"], images), (file["labels"], labels)):
            offset = dataset.id.get_offset()
            assert (dataset.chunks, dataset.compression, dataset.shuffle) == (None, None, False)
            assert dataset.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS
            assert not dataset.external
            if count:
                assert content[offset : offset + written.nbytes] == written.tobytes()
            else:
                assert dataset.size == 0
    assert len(content) < images.nbytes + labels.nbytes + 10_000


def inflate_with_declared_window(packed):
    """Inflate as a reader does that keeps no more of the past than the stream's own first byte says."""
    inflater = zlib.decompressobj(wbits=(packed[0] >> 4) + 8)
    pieces, left = [], packed
    while not inflater.eof:
        # A piece at a time: within one piece, a copy from too far back would go unnoticed.
        pieces.append(inflater.decompress(left, 64))
        left = inflater.unconsumed_tail
        assert pieces[-1] or left or inflater.eof
    assert inflater.unused_data == b""
    return b"".join(pieces)


def drawn(kind, count, height, width):
    """Images whose content repeats itself at different distances, or not at all."""
    size = count * height * width
    if kind == "white":
        return np.full((count, height, width), 255, np.uint8)
    if kind == "noise":
        return make_images(count, height, width)
    period = np.random.default_rng(kind).integers(0, 256, kind, np.uint8)
    return np.resize(period, size).reshape(count, height, width)


@pytest.mark.parametrize(
    ("count", "kind"),
    [
        *itertools.product([0, 1, 511, 512, 513], ["white", "noise", 3, 1000, 1024, 1025, 2800, 30_000]),
        *((1300, kind) for kind in ("white", "noise", 1025)),
    ],
)
def test_every_chunk_is_a_plain_zlib_stream_of_its_rows(tmp_path, count, kind):
    images, labels = drawn(kind, count, 28, 100), make_labels(count)

    path = write_arrays(tmp_path / "set.h5", images, labels, "hdf5", compression="gzip")

    with h5py.File(path) as file:
        for dataset, rows in ((file["images"], images), (file["labels"], labels)):
            assert (dataset.chunks is None) == (count == 0)
            length = dataset.chunks[0] if count else 1
            for first in range(0, count, length):
                mask, packed = dataset.id.read_direct_chunk((first, *(0 for _ in rows.shape[1:])))
                unpacked = zlib.decompress(packed)
                some = rows[first : first + length].tobytes()
                assert mask == 0
                assert unpacked == some.ljust(length * rows[:1].nbytes, b"\0")
                assert inflate_with_declared_window(packed) == unpacked
        assert np.array_equal(file["images"][:], images)  # HDF5's own inflate
        assert np.array_equal(file["labels"][:], labels)


@pytest.mark.parametrize("width", [1, 64, 800, 20_000])
def test_chunks_of_any_width_are_inflated_by_hdf5(tmp_path, width):
    images, labels = drawn(width + 1, 40, 28, width), make_labels(40)

    path = write_arrays(tmp_path / "set.h5", images, labels, "hdf5", compression="gzip")

    with h5py.File(path) as file:
        assert np.array_equal(file["images"][:], images)


def test_images_without_compression_can_be_mapped_into_memory(tmp_path):
    images, labels = make_images(600, 28, 100), make_labels(600)
    path = write_arrays(tmp_path / "set.h5", images, labels, "hdf5", compression="none")

    with h5py.File(path) as file:
        offset = file["images"].id.get_offset()
    mapped = np.memmap(path, np.uint8, "r", offset, images.shape)

    assert np.array_equal(mapped, images)


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="h5ls is not installed")
def test_h5ls_lists_a_file_without_compression(tmp_path):
    path = write_arrays(tmp_path / "set.h5", make_images(40, 28, 100), make_labels(40), "hdf5", compression="none")

    listing = subprocess.run(
        ["h5ls", "-v", path], check=True, capture_output=True, text=True, timeout=PATIENCE_S
    ).stdout

    assert "{40/40, 28/28, 100/100}" in listing
    assert "deflate" not in listing
    assert "Chunks" not in listing
    assert "112000 logical bytes, 112000 allocated bytes" in listing


# --- writes that fail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            OSError("unable to write (file write failed: errno = 28, error message = 'No space left on device')"),
            "No space left on device",
        ),
        (RuntimeError("Can't decrement id ref count (errno = 27, error message = 'File too large')"), "File too large"),
        (ValueError("Not a dataset id"), "Not a dataset id"),
    ],
)
@COMPRESSED
def test_a_failing_write_of_hdf5_is_one_error_and_leaves_nothing(tmp_path, error, reason, compression):
    class FailingDataset:
        shape = (2, 6, 9)
        id = property(lambda _: (_ for _ in ()).throw(error))

        def __setitem__(self, rows, block):
            raise error

    with (
        pytest.raises(OutputError, match=rf"cannot write .*set\.h5: {reason}; nothing was left behind"),
        Hdf5Writer(tmp_path / "set.h5", header_of(2), overwrite=False, compression=compression) as writer,
    ):
        writer._datasets["images"] = FailingDataset()
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))

    assert names_in(tmp_path) == []


@COMPRESSED
def test_an_hdf5_file_that_cannot_be_closed_leaves_nothing(tmp_path, compression):
    class FailingFile:
        def __init__(self, file):
            self.close = file.close

        def __contains__(self, name):
            return False

        def flush(self):
            raise RuntimeError("Unable to flush file")

    with (
        pytest.raises(OutputError, match="Unable to flush file"),
        Hdf5Writer(tmp_path / "set.h5", header_of(2), overwrite=False, compression=compression) as writer,
    ):
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        writer._h5 = FailingFile(writer._h5)
        writer.commit()

    assert names_in(tmp_path) == []


# --- ground truth

FIELDS = (
    TruthField("boxes", (5, 4), "int16", -1, {"columns": "x0,y0,x1,y1", "unit": "px"}),
    TruthField("writers", (), "int64", -1, {}),
    TruthField("values", (5, 2), "float32", np.nan, {"columns": "a,b"}),
)


def make_truth(count, length, seed=0):
    """Ground truth of so many images, whose longest label has `length` characters."""
    random = np.random.default_rng([seed, count, length])
    return {
        "boxes": random.integers(-1, 2**15, (count, length, 4)).astype(np.int16),
        "writers": random.integers(-1, 2**63 - 1, count, np.int64),
        "values": random.random((count, length, 2), np.float32),
    }


def write_truth(path, count, spans, compression, *, height=6, width=9, first=0):
    """Write images with ground truth, whose labels differ in length from span to span; give what was written."""
    images, labels = make_images(count, height, width), make_labels(count)
    header = DatasetHeader(images.shape, labels.dtype.itemsize, METADATA, FIELDS)
    expected = {
        "boxes": np.full((count, 5, 4), -1, np.int16),
        "writers": np.full(count, -1, np.int64),
        "values": np.full((count, 5, 2), np.nan, np.float32),
    }
    with open_writer("hdf5", path, header, overwrite=False, compression=compression) as writer:
        for number, span in enumerate(Span(0, count).split(writer.span_multiple * spans)):
            length = 5 - number % 3
            truth = make_truth(len(span), length, seed=number)
            rows = slice(span.start, span.stop)
            for name, values in truth.items():
                expected[name][(rows, *map(slice, values.shape[1:]))] = values
            chunk = Chunk(Span(first + span.start, first + span.stop), images[rows], labels[rows], truth)
            writer.write(writer.encode(chunk))
        writer.commit()
    return {"images": images, "labels": labels, **expected}


@COMPRESSED
@COUNTS
def test_fields_are_stored_beside_the_images(tmp_path, count, compression):
    expected = write_truth(tmp_path / "set.h5", count, 2, compression, first=10**15)

    with h5py.File(tmp_path / "set.h5") as file:
        assert arrays_in(file) == sorted(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(file[name][()], values, err_msg=name)
        for field in FIELDS:
            assert file[field.name].dtype == field.dtype
            assert about(file[field.name]) == field.about


@COMPRESSED
def test_a_dataset_with_fields_is_read_like_any_other(tmp_path, compression):
    expected = write_truth(tmp_path / "set.h5", 700, 1, compression)

    dataset = GenericDataset()
    dataset.load(tmp_path / "set.h5")
    images, labels = dataset[:]

    assert np.array_equal(images, expected["images"])
    assert labels == [label.decode() for label in expected["labels"].tolist()]
    truth = dataset.get_truth()
    assert list(truth) == ["boxes", "writers"]  # others are not known
    for name, values in truth.items():
        np.testing.assert_array_equal(values, expected[name])


@pytest.mark.parametrize(
    ("count", "height", "width"), [(5000, 28, 100), (5000, 28, 7), (40, 28, 9000), (3, 4, 4), (700, 200, 65_535)]
)
@pytest.mark.parametrize("length", [1, 11, 700, 10_000])
def test_blocks_of_fields_are_bounded_and_make_whole_blocks_of_labels(tmp_path, count, height, width, length):
    fields = (TruthField("boxes", (length, 4), "int16", -1, {}), TruthField("writers", (), "int64", -1, {}))
    header = DatasetHeader((count, height, width), length, METADATA, fields)

    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False) as writer:
        rows = {name: dataset.chunks[0] for name, dataset in writer._datasets.items()}
        assert all(dataset.compression == "gzip" for dataset in writer._datasets.values())
        assert all(dataset.chunks[1:] == dataset.shape[1:] for dataset in writer._datasets.values())

    assert rows["writers"] == rows["labels"]
    assert rows["boxes"] == 1 or rows["boxes"] * length * 8 <= 2**18
    assert rows["labels"] % rows["boxes"] == 0


@pytest.mark.parametrize("value", [5, [[1, 2]], [1.5, 2.5], "abc", None, [2**70]])
def test_other_metadata_named_source_digits_comes_back_as_it_is(tmp_path, value):
    dataset = GenericDataset(np.zeros((1, 4, 4), np.uint8), ["1"], {"source_digits": value})

    dataset.save(tmp_path / "set.h5")
    dataset.load(tmp_path / "set.h5")

    assert dataset.get_metadata()["source_digits"] == value


def test_fields_without_compression_lie_in_one_piece(tmp_path):
    write_truth(tmp_path / "set.h5", 700, 1, "none")

    with h5py.File(tmp_path / "set.h5") as file:
        assert all(dataset.chunks is None for dataset in file.values())
        mapped = np.memmap(tmp_path / "set.h5", np.int16, "r", file["boxes"].id.get_offset(), file["boxes"].shape)
        np.testing.assert_array_equal(mapped, file["boxes"][()])


@COMPRESSED
def test_numbers_of_source_digits_are_a_dataset(tmp_path, compression):
    numbers = list(range(0, 60_000, 3))  # more than an attribute holds
    metadata = {**METADATA, "source_digits": numbers}

    path = write_arrays(
        tmp_path / "set", make_images(3), make_labels(3), "hdf5", metadata=metadata, compression=compression
    )

    dataset = GenericDataset()
    dataset.load(path)
    with h5py.File(path) as file:
        assert file["source_digits"].dtype == np.int64
        assert file["source_digits"][()].tolist() == numbers
    assert dataset.get_metadata()["source_digits"] == numbers
