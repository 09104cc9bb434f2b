"""Files of a few kilobytes that ask for gigabytes: refused before the memory is taken."""

import io
import json
import re
import struct
import tracemalloc

import h5py
import numpy as np
import pytest
from PIL import Image

from number_generator.errors import DatasetError
from number_generator.formats import budget, encoded_reader, image_decoding
from number_generator.formats.budget import FREE_BYTES, FREE_IMAGES, Budget, check_claim
from number_generator.formats.image_decoding import decode_page
from number_generator.formats.image_headers import read_header
from number_generator.formats.paths import MalformedError
from number_generator.formats.reader import load_arrays, open_reader
from number_generator.formats.schema import image_key, label_key

TOO_MUCH = "far more memory than its size explains"


def png(height=2, width=3):
    buffer = io.BytesIO()
    Image.new("L", (width, height), 255).save(buffer, "PNG")
    return buffer.getvalue()


def measure_peak(work):
    """Return the most memory that Python and NumPy held meanwhile, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# --- the budget itself


def test_what_may_be_made_grows_with_the_file_and_its_images():
    Budget(0).charge(FREE_BYTES)
    Budget(1000, 10).charge(FREE_BYTES + 16 * 1000 + 1024 * 10)
    for given, most in ((Budget(0), 0), (Budget(1000, 10**9), 16 * 1000 + 1024 * 1000)):
        given.charge(FREE_BYTES)
        given.charge(most)
        with pytest.raises(MalformedError, match=TOO_MUCH):
            given.charge(1)


@pytest.mark.parametrize("shape", [(FREE_IMAGES + 11, 1, 1), (10, 10**5, 10**5)])
def test_a_shape_that_no_file_of_this_size_holds_is_refused(shape):
    check_claim(10, (10, 2000, 3000))

    with pytest.raises(MalformedError, match="more than 10 bytes can hold"):
        check_claim(10, shape)


# --- Parquet


def write_parquet(path, count=10, *, text="7", truth=None, **options):
    pyarrow = pytest.importorskip("pyarrow")
    columns = {"image": [{"bytes": png(), "path": None}] * count, "text": [text] * count}
    if truth is not None:
        columns["boxes"] = [truth] * count
    table = pyarrow.table(columns)
    if truth is not None:
        fields = {"boxes": {"shape": [len(truth)], "dtype": "int64", "fill": -1, "about": {}}}
        described = {"shape": [count, 2, 3], "metadata": {}, "truth": fields}
        table = table.replace_schema_metadata({"number_generator": json.dumps(described)})
    pytest.importorskip("pyarrow.parquet").write_table(table, path, **options)
    return path


@pytest.mark.parametrize("options", [{}, {"compression": "zstd"}], ids=str)
def test_texts_of_a_dictionary_stay_in_one_place(tmp_path, options):
    path = write_parquet(tmp_path / "a.parquet", 1200, text="7" * 60_000, **options)
    assert path.stat().st_size < 20_000
    pyarrow = pytest.importorskip("pyarrow")

    with open_reader(path) as reader:
        before = pyarrow.total_allocated_bytes()
        assert reader.labels(7, 8) == ["7" * 60_000]
        assert pyarrow.total_allocated_bytes() - before < 10 << 20
        with pytest.raises(DatasetError, match=TOO_MUCH):
            reader.labels(0, 1200)


def test_values_that_are_repeated_without_end_are_refused(tmp_path):
    pytest.importorskip("pyarrow")
    path = write_parquet(tmp_path / "a.parquet", 2, truth=[7] * 3_000_000)
    assert path.stat().st_size < 100_000

    with open_reader(path) as reader:
        assert reader.labels(0, 2) == ["7", "7"]
        handles = reader._lend().content
        with pytest.raises(MalformedError, match=TOO_MUCH):
            list(handles.read_rows(("boxes",), range(1)))


def test_texts_that_grow_out_of_one_another_are_refused(tmp_path):
    pytest.importorskip("pyarrow")
    options = {"use_dictionary": False, "column_encoding": {"text": "DELTA_BYTE_ARRAY"}}
    path = write_parquet(tmp_path / "a.parquet", 3000, text="7" * 60_000, **options)

    with open_reader(path) as reader, pytest.raises(DatasetError, match="texts that each begin as the one before"):
        reader.labels(0, 1)


def test_a_page_that_claims_gigabytes_is_refused(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = write_parquet(tmp_path / "a.parquet", compression="none", use_dictionary=False, write_statistics=False)
    metadata = parquet.read_metadata(path).row_group(0)
    (text,) = [c for c in map(metadata.column, range(metadata.num_columns)) if c.path_in_schema == "text"]
    content = bytearray(path.read_bytes())
    # The field of a header after the kind of the page: how many bytes it has once it is unpacked.
    at = text.data_page_offset + 2
    assert content[at] == 0x15
    length = next(n for n in range(1, 6) if content[at + n] < 128)
    # As many more bytes as the number takes are taken from the field after it, so that no other place changes.
    claimed = (2**31 - 1) << 1
    encoded = bytes([claimed >> shift & 127 | 128 for shift in (0, 7, 14, 21)] + [claimed >> 28])
    content[at + 1 : at + 1 + length] = encoded
    path.write_bytes(content)

    with open_reader(path) as reader, pytest.raises(DatasetError):
        reader.labels(0, 1)


# --- LMDB


def write_lmdb(folder, values):
    lmdb = pytest.importorskip("lmdb")
    with lmdb.open(str(folder), map_size=1 << 26) as environment, environment.begin(write=True) as transaction:
        for key, value in values.items():
            transaction.put(key, value)
    return folder / "data.mdb"


def test_labels_that_lie_in_one_another_are_refused(tmp_path):
    count, size = 3000, 60_000
    values = {image_key(n): png() for n in range(count)} | {label_key(n): b"7" * 8 for n in range(count)}
    path = write_lmdb(tmp_path, values | {b"num-samples": b"%d" % count, b"text": b"x" * size})
    content = bytearray(path.read_bytes())
    page = (content.index(b"x" * size) - 16) // 4096
    for found in re.finditer(rb"label-\d{9}7{8}", bytes(content)):
        struct.pack_into("<HHH", content, found.start() - 8, size, 0, 1)
        struct.pack_into("<Q", content, found.end() - 8, page)
    path.write_bytes(content)

    with open_reader(tmp_path) as reader:
        assert reader.labels(0, 1) == ["x" * size]
        with pytest.raises(DatasetError, match=TOO_MUCH):
            reader.labels(0, count)


def test_an_image_of_a_few_bytes_that_all_entries_would_share_is_refused(tmp_path, monkeypatch):
    values = {image_key(n): png() for n in range(9)} | {label_key(n): b"7" for n in range(9)}
    write_lmdb(tmp_path, values | {b"num-samples": b"9"})
    monkeypatch.setattr(encoded_reader, "read_size", lambda *_: (2**13, 2**13))
    monkeypatch.setattr(encoded_reader, "decode_image", lambda *_, **__: None)

    with open_reader(tmp_path) as reader:
        for read in (reader.images, reader.cut_images):
            with pytest.raises(DatasetError, match="its images, put together, have"):
                read(0, 9)


def test_small_images_beside_a_large_one_are_not_padded_beyond_what_the_file_explains(tmp_path):
    large = io.BytesIO()
    Image.new("L", (4000, 4000), 255).save(large, "PNG")
    values = {image_key(n): png() for n in range(99)} | {label_key(n): b"7" for n in range(99)}
    write_lmdb(tmp_path, values | {b"num-samples": b"99", image_key(50): large.getvalue()})

    with open_reader(tmp_path) as reader:
        assert measure_peak(lambda: [len(image) for image in reader.iterate_images(2**22)]) < 4 * 4000**2
        assert [run.stop - run.start for run in reader.split(0, 99, 2**22)] == [50, 1, 48]
        with pytest.raises(DatasetError, match="its images, put together, have 1584000000 pixels"):
            reader.images(0, 99)


# --- HDF5


def test_strings_that_are_stored_once_are_not_made_for_all_labels(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((2000, 2, 3), np.uint8)
        labels = file.create_dataset("labels", data=["7" * 60_000] + ["7"] * 1999, dtype=h5py.string_dtype())
        offset = labels.id.get_offset()
    content = bytearray(path.read_bytes())
    content[offset : offset + 16 * 2000] = content[offset : offset + 16] * 2000
    path.write_bytes(content)

    with open_reader(path) as reader:
        assert reader.labels(1999, 2000) == ["7" * 60_000]
        with pytest.raises(DatasetError, match=TOO_MUCH):
            reader.labels(0, 2000)


def test_labels_and_truth_that_were_never_stored_are_not_made(tmp_path):
    path, count = tmp_path / "a.h5", 20_000
    with h5py.File(path, "w") as file:
        file.create_dataset("images", (count, 2, 3), np.uint8, chunks=(1000, 2, 3), compression="gzip")
        file.create_dataset("labels", (count,), "S5000", chunks=(100,), compression="gzip")
        file.create_dataset("parameters", (count, 2000), np.float32, chunks=(100, 2000), compression="gzip")
        file["padding"] = np.random.default_rng(1).integers(0, 256, 200_000, dtype=np.uint8)

    with open_reader(path) as reader:
        assert reader.labels(0, 1) == [""]
        for read in (reader.labels, lambda *rows: reader.truth("parameters", *rows)):
            with pytest.raises(DatasetError, match=TOO_MUCH):
                read(0, count)


# --- pickles and NPZ


def test_numbering_an_object_takes_few_bytes(tmp_path):
    count = 50_000
    path = tmp_path / "a.pickle"
    path.write_bytes(b"\x80\x04" + b"K\x01\x94" * count + b".")

    def read():
        with pytest.raises(DatasetError, match="not a dict"):
            load_arrays(path)

    assert measure_peak(read) < 30 * count


@pytest.mark.parametrize("number", [10**6, 2**32 - 1])
def test_a_number_far_beyond_the_objects_is_refused(tmp_path, number):
    path = tmp_path / "a.pickle"
    path.write_bytes(b"\x80\x03Nr" + struct.pack("<I", number) + b".")

    with pytest.raises(DatasetError, match="numbers far more objects"):
        load_arrays(path)


@pytest.mark.parametrize("name", ["labels", "writer_ids", "metadata"])
def test_arrays_of_an_archive_that_unpack_to_more_than_it_explains_are_refused(tmp_path, name, monkeypatch):
    monkeypatch.setattr(budget, "FREE_BYTES", 0)
    arrays = {"images": np.zeros((4, 2, 3), np.uint8), "labels": np.zeros(4, "S1"), "writer_ids": np.zeros(4, int)}
    large = np.zeros((), "S100000") if name == "metadata" else np.zeros(4, "S25000")
    np.savez_compressed(tmp_path / "a.npz", **arrays | {name: large})

    with pytest.raises(DatasetError, match=TOO_MUCH):
        load_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images_of_an_archive_are_in_memory_once(tmp_path, save):
    images = np.zeros((1000, 50, 200), np.uint8)
    save(tmp_path / "a.npz", images=images, labels=np.arange(1000))

    assert measure_peak(lambda: load_arrays(tmp_path / "a.npz")) < 1.5 * images.nbytes


# --- JPEG


def progressive(height=64, width=64):
    """A progressive image, divided before its last scan and before its end."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last], content[last:-2], content[-2:]


def test_a_progressive_image_is_read():
    content = b"".join(progressive())

    assert 3 <= read_header(content, "a").scans <= 12
    assert decode_page(content, "a").shape == (64, 64)


def test_an_image_of_countless_scans_is_refused(monkeypatch):
    start, scan, end = progressive(4096, 4096)
    scan = scan[:40]  # a decoder goes over all pixels again, whatever the data are

    with pytest.raises(MalformedError, match=r"has \d{4} scans of 16777216 px"):
        decode_page(start + scan * 1000 + end, "a")
    monkeypatch.setattr(image_decoding, "_MOST_SCANNED_PIXELS", 64 * 64 * 3)
    with pytest.raises(MalformedError, match="save it again"):
        decode_page(b"".join(progressive()), "a")
