"""The folders that datasets are written to: whole or not there, in every format, with flat memory."""

import errno
import io
import os
import re
import shutil
import stat
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from small_dataset import FOLDER_FORMATS, need
from written import ALL_LABELS, FIELDS, METADATA, make_content, pixels, read, read_webdataset, write, write_dataset

from number_generator.errors import DatasetError, MissingExtraError, OutputError, OutputExistsError, SpecError
from number_generator.formats import schema
from number_generator.formats.lmdb import writer as lmdb_folder
from number_generator.formats.parquet.writer import ParquetWriter
from number_generator.formats.schema import describe, parse_truth_rows
from number_generator.formats.webdataset.writer import WebDatasetWriter
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span
from number_generator.system.atomic_folder import AtomicFolder


@pytest.fixture(params=FOLDER_FORMATS)
def file_format(request):
    """Each format that is a folder, where what it needs is installed."""
    need(request.param)
    return request.param


def header_of(count, height=6, width=9, fields=()):
    return DatasetHeader((count, height, width), 4, METADATA, fields)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def tree(folder):
    """Give all files of a folder with their bytes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- every format


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("mask", "file_mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_the_permissions_follow_the_umask(tmp_path, file_format, mask, file_mode):
    earlier = os.umask(mask)
    try:
        write_dataset(tmp_path / "set", file_format, 2)
    finally:
        os.umask(earlier)

    for path in [tmp_path / "set", *(tmp_path / "set").rglob("*")]:
        expected = 0o777 & ~mask if path.is_dir() else file_mode
        assert stat.S_IMODE(path.stat().st_mode) == expected, path


@pytest.mark.parametrize("count", [0, 1, 2, 25])
@pytest.mark.parametrize("length", [1, 7, None])
def test_what_was_written_is_read_again(tmp_path, file_format, count, length):
    images, labels, truth = write_dataset(tmp_path / "set", file_format, count, length=length, first=2**56)

    found = read(tmp_path / "set", file_format)

    assert found.labels == labels
    assert np.array_equal(np.array([pixels(image) for image in found.images]).reshape(images.shape), images)
    arrays = parse_truth_rows(found.truth, FIELDS)
    assert {name: array.shape for name, array in arrays.items()} == {name: truth[name].shape for name in truth}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, truth[name], err_msg=name)
    assert found.description == describe(header_of(count, fields=FIELDS))


def test_without_ground_truth_there_is_none(tmp_path, file_format):
    _, labels, _ = write_dataset(tmp_path / "set", file_format, 5, truth=False)

    found = read(tmp_path / "set", file_format)

    assert (found.labels, found.truth, found.description["fields"]) == (labels, [], {})


def test_the_same_job_gives_the_same_bytes_whatever_its_spans(tmp_path, file_format):
    for name, length in (("a", 1), ("b", 2), ("c", None)):
        more = {"labels": ALL_LABELS} if file_format == "png" else {}
        write_dataset(tmp_path / name, file_format, 30, length=length, **more)

    assert tree(tmp_path / "a") == tree(tmp_path / "b") == tree(tmp_path / "c")


def test_a_finished_folder_is_whole_before_it_is_in_place(tmp_path, file_format):
    images, labels, _ = make_content(5)
    with open_writer(file_format, tmp_path / "set", header_of(5), overwrite=False) as writer:
        writer.write(writer.encode(Chunk(Span(0, 5), images, labels)))
        writer.finish()
        assert names_in(tmp_path) == [writer.temporary_path.name]
        found = read(writer.temporary_path, file_format)
        writer.commit()

    assert len(found.images) == 5
    assert names_in(tmp_path) == ["set"]


def test_leaving_a_writer_without_commit_leaves_nothing(tmp_path, file_format):
    images, labels, _ = make_content(5)

    with open_writer(file_format, tmp_path / "set", header_of(5), overwrite=False) as writer:
        writer.write(writer.encode(Chunk(Span(0, 5), images, labels)))
        assert names_in(tmp_path) == [writer.temporary_path.name]

    assert names_in(tmp_path) == []


def test_an_error_in_the_middle_leaves_nothing_and_the_earlier_dataset_untouched(tmp_path, file_format):
    write_dataset(tmp_path / "set", file_format, 4)
    earlier = tree(tmp_path / "set")
    images, labels, _ = make_content(5)

    with (
        pytest.raises(ZeroDivisionError),
        open_writer(file_format, tmp_path / "set", header_of(5), overwrite=True) as writer,
    ):
        writer.write(writer.encode(Chunk(Span(0, 5), images, labels)))
        raise ZeroDivisionError

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == earlier


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("room", [0, 100, 20_000])
def test_a_limit_on_file_sizes_is_one_error_and_leaves_nothing(tmp_path, file_format, room):
    import resource  # noqa: PLC0415 - Windows has none

    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    # LMDB takes a write that was cut short for one of these, as the limit leaves some room or none.
    reason = (
        "File too large" if file_format != "lmdb" else "(File too large|No space left on device|Input/output error)"
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, earlier[1]))
    try:
        with pytest.raises(OutputError, match=rf"cannot write .*set: {reason}; nothing was left behind"):
            write_dataset(tmp_path / "set", file_format, 30, size=(150, 150))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)

    assert names_in(tmp_path) == []


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path, file_format, monkeypatch):
    if file_format == "lmdb":
        pytest.skip("LMDB writes by itself")
    write_dataset(tmp_path / "set", file_format, 3)
    earlier = tree(tmp_path / "set")
    create, store = AtomicFolder.create, os.write

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class FullFile(io.FileIO):
        write = refuse

    monkeypatch.setattr(AtomicFolder, "create", lambda self, name: FullFile(create(self, name).name, "r+"))
    monkeypatch.setattr(os, "write", refuse)
    with (
        pytest.raises(OutputError, match=r"cannot write .*set: .*No space left on device"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # the files that ours take the place of
        write_dataset(tmp_path / "set", file_format, 30, overwrite=True)
    monkeypatch.setattr(os, "write", store)

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == earlier


def test_memory_stays_flat_while_a_dataset_is_written(tmp_path, file_format):
    count, chunks = 199, 6  # of parquet, a chunk is a group of rows
    images, labels, _ = make_content(count, 140, 300)

    with open_writer(file_format, tmp_path / "set", header_of(chunks * count, 140, 300), overwrite=False) as writer:
        assert count % writer.span_multiple == 0
        tracemalloc.start()
        try:
            for number in range(chunks):
                writer.write(writer.encode(Chunk(Span(number * count, (number + 1) * count), images, labels)))
            writer.commit()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert sum(path.stat().st_size for path in (tmp_path / "set").rglob("*")) > chunks * images.nbytes
    assert peak < 5 * images.nbytes


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are texts there")
def test_a_name_that_is_no_text_can_be_written_and_replaced(tmp_path, file_format):
    path = tmp_path / os.fsdecode(b"caf\xe9")

    write_dataset(path, file_format, 2)
    images, _, _ = write_dataset(path, file_format, 3, overwrite=True)

    assert names_in(tmp_path) == [path.name]
    path.rename(tmp_path / "set")
    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", file_format).images], images)


def test_a_second_run_to_the_same_place_needs_leave_to_overwrite(tmp_path, file_format):
    write_dataset(tmp_path / "set", file_format, 4)

    with pytest.raises(OutputExistsError):
        write_dataset(tmp_path / "set", file_format, 5)
    _, labels, _ = write_dataset(tmp_path / "set", file_format, 5, overwrite=True)

    assert read(tmp_path / "set", file_format).labels == labels
    assert names_in(tmp_path) == ["set"]


def test_metadata_that_json_cannot_hold_is_told_before_anything_is_written(tmp_path, file_format):
    header = DatasetHeader((1, 6, 9), 4, {"odd": b"bytes"})

    with pytest.raises(SpecError, match="metadata 'odd' is b'bytes', which JSON cannot hold"):
        open_writer(file_format, tmp_path / "set", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize(("file_format", "package"), [("lmdb", "lmdb"), ("parquet", "pyarrow")])
def test_a_package_that_is_missing_is_named_with_its_extra(tmp_path, monkeypatch, file_format, package):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(
        MissingExtraError, match=rf"the format {file_format} needs .*'number-generator\[{file_format}\]'"
    ):
        write_dataset(tmp_path / "set", file_format, 1)

    assert names_in(tmp_path) == []


def test_more_images_than_a_folder_holds_get_more_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "IMAGES_A_FOLDER", 3)

    images, labels, _ = write_dataset(tmp_path / "set", "png", 8, length=2, labels=("csv", "jsonl"))

    assert {name: len(names_in(tmp_path / "set" / "images" / name)) for name in names_in(tmp_path / "set/images")} == {
        "0000": 3,  # numbers 1 and 2, and labels.csv
        "0001": 4,
        "0002": 4,
    }
    lines = (tmp_path / "set/images/0001/labels.csv").read_text().splitlines()
    assert lines == ["filename,words", *(f"{k:09d}.png,{labels[k - 1]}" for k in (3, 4, 5))]
    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", "png").images], images)


@pytest.mark.parametrize(("count", "shards"), [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
@pytest.mark.parametrize("length", [1, 2, 5, None])
def test_more_images_than_a_shard_holds_get_more_shards(tmp_path, count, shards, length):
    images, labels, _ = make_content(count)

    with WebDatasetWriter(tmp_path / "set", header_of(count), overwrite=False, part="val", shard_images=3) as writer:
        write(writer, images, labels, length=length)

    assert names_in(tmp_path / "set") == ["dataset.json", *(f"val-{number:06d}.tar" for number in range(shards))]
    assert read_webdataset(tmp_path / "set").labels == [label.decode() for label in labels.tolist()]
    for path in (tmp_path / "set").glob("*.tar"):
        assert path.stat().st_size % 10_240 == 0


@pytest.mark.parametrize(
    ("count", "rows"), [(0, [0]), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5]), (30, [10, 10, 10])]
)
def test_images_are_spread_evenly_over_parquet_files(tmp_path, count, rows):
    parquet = pytest.importorskip("pyarrow.parquet")
    images, labels, _ = make_content(count)

    with ParquetWriter(tmp_path / "set", header_of(count), overwrite=False, part="a-b", file_images=10) as writer:
        write(writer, images, labels, length=1)

    names = [f"a_b-{number:05d}-of-{len(rows):05d}.parquet" for number in range(len(rows))]
    assert names_in(tmp_path / "set") == ["data"]
    assert names_in(tmp_path / "set" / "data") == names
    assert [parquet.read_metadata(tmp_path / "set" / "data" / name).num_rows for name in names] == rows


def test_parquet_files_hold_groups_of_rows_of_bounded_size(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    images, labels, _ = make_content(23, 200, 5000)

    with ParquetWriter(tmp_path / "set", header_of(23, 200, 5000), overwrite=False) as writer:
        assert writer.span_multiple == 8
        write(writer, images, labels, length=2)

    metadata = parquet.read_metadata(tmp_path / "set" / "data" / "train-00000-of-00001.parquet")
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [8, 8, 7]


# --- LMDB's map


@pytest.mark.parametrize("size", [(6, 9), (28, 100), (40, 80)])
def test_an_lmdb_is_hardly_larger_than_what_it_holds(tmp_path, size):
    lmdb = pytest.importorskip("lmdb")
    write_dataset(tmp_path / "set", "lmdb", 2000, truth=False, size=size)

    with lmdb.open(str(tmp_path / "set"), readonly=True, lock=False) as env, env.begin() as transaction:
        pairs = list(transaction.cursor())
    file_bytes = (tmp_path / "set" / "data.mdb").stat().st_size
    # A value of more than half a page takes whole pages, which is LMDB's way.
    held = sum(len(key) + (len(value) if len(value) < 2000 else -(-len(value) // 4096) * 4096) for key, value in pairs)
    assert file_bytes < 1.25 * held + 2**18


def test_the_map_of_an_lmdb_grows_with_its_data(tmp_path, monkeypatch):
    lmdb = pytest.importorskip("lmdb")
    monkeypatch.setattr(lmdb_folder, "_GROWTH_BYTES", 2**18)
    monkeypatch.setattr(lmdb_folder, "_TRANSACTION_BYTES", 2**17)

    images, _, _ = write_dataset(tmp_path / "set", "lmdb", 300, size=(100, 100))

    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", "lmdb").images], images)
    with lmdb.open(str(tmp_path / "set"), map_size=1, readonly=True, lock=False) as env:
        size = (tmp_path / "set" / "data.mdb").stat().st_size
        assert size <= env.info()["map_size"] < size + 3 * 2**20


@pytest.mark.parametrize(("free", "reason"), [(0, "No space left on device"), (2**40, "Input/output error")])
def test_a_page_of_an_lmdb_that_was_written_in_part_is_told_as_a_full_disk(tmp_path, monkeypatch, free, reason):
    lmdb = pytest.importorskip("lmdb")
    monkeypatch.setattr(lmdb_folder.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - free, free))

    with (
        pytest.raises(OutputError, match=f"cannot write .*set: {reason}; nothing was left behind"),
        open_writer("lmdb", tmp_path / "set", header_of(1), overwrite=False) as writer,
        writer._translated(),
    ):
        raise lmdb.DiskError("mdb_txn_commit: Input/output error")


def test_an_image_larger_than_a_transaction_is_written(tmp_path, monkeypatch):
    pytest.importorskip("lmdb")
    monkeypatch.setattr(lmdb_folder, "_TRANSACTION_BYTES", 1000)

    images, _, _ = write_dataset(tmp_path / "set", "lmdb", 5, size=(200, 300))

    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", "lmdb").images], images)


# --- label files


@pytest.mark.parametrize("label", [b"1\t2", b"1\n", b"\r1"])
def test_a_label_that_breaks_the_lines_of_label_files_is_refused(tmp_path, label):
    images = np.zeros((1, 6, 9), np.uint8)

    with (
        pytest.raises(DatasetError, match=r"a label holds a tab or a line break, which separate labels in gt\.txt"),
        open_writer("png", tmp_path / "set", header_of(1), overwrite=False) as writer,
    ):
        writer.encode(Chunk(Span(0, 1), images, np.array([label])))

    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("file_format", "fields", "labels", "message"),
    [
        ("png", (), ("xml",), "labels is 'xml', which holds 'xml': give some of json, csv, tesseract, jsonl"),
        ("lmdb", (), ("json",), "labels is json and the format is lmdb: only png writes label files"),
        ("hdf5", (), ("json",), "labels is json and the format is hdf5: only png writes label files"),
        (
            "png",
            FIELDS,
            ("json",),
            "the format is png, which holds it only in the label file jsonl: add jsonl to labels",
        ),
    ],
)
def test_label_files_that_do_not_fit_are_refused(tmp_path, file_format, fields, labels, message):
    with pytest.raises(SpecError, match=re.escape(message)):
        open_writer(file_format, tmp_path / "set", header_of(1, fields=fields), overwrite=False, labels=labels)

    assert names_in(tmp_path) == []
