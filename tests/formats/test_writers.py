"""What holds for the writers of all formats: what they take, what is read again, and that memory stays flat."""

import os
import re
import stat
import sys
import tracemalloc
from contextlib import ExitStack

import numpy as np
import pytest
from small_dataset import FILES, need
from write_back import note_requests
from written import (
    ALL_LABELS,
    FIELDS,
    METADATA,
    header_of,
    make_content,
    make_images,
    make_labels,
    names_in,
    pixels,
    read,
    tree,
    write_arrays,
    write_dataset,
)

from number_generator.errors import MissingExtraError, OutputExistsError, SpecError
from number_generator.formats import registry
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.schema import describe, parse_truth_rows
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span
from number_generator.system import atomic_file

# --- what is asked for


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.pickle", "pickle"), ("a.h5", "hdf5"), ("a.HDF5", "hdf5"), ("a.pkl", None), ("h5", None), (".h5", "hdf5")],
)
def test_the_ending_of_a_name_tells_the_format(tmp_path, name, expected):
    assert registry.find_format(tmp_path / name) == expected


@pytest.mark.parametrize(("file_format", "is_compressed"), [("hdf5", True), ("pickle", False)], ids=["hdf5", "pickle"])
def test_hdf5_is_compressed_and_a_pickle_is_not_where_nothing_is_said(tmp_path, file_format, is_compressed):
    images, labels = np.zeros((100, 28, 100), np.uint8), make_labels(100)

    silent = write_arrays(tmp_path / "silent", images, labels, file_format)
    told = write_arrays(
        tmp_path / "told", images, labels, file_format, compression=registry.FORMATS[file_format].compressions[0]
    )

    assert silent.read_bytes() == told.read_bytes()
    assert (silent.stat().st_size < images.nbytes) == is_compressed


@pytest.mark.parametrize(
    ("file_format", "compression", "known"),
    [
        ("pickle", "gzip", "'none': choose format hdf5 and a name that ends in .h5, or leave"),
        ("pickle", "lzf", "'none': leave"),
        ("hdf5", "lzf", "'gzip' or 'none': leave"),
        ("hdf5", "", "'gzip' or 'none': leave"),
        ("hdf5", "GZIP", "'gzip' or 'none': leave"),
        ("hdf5", True, "'gzip' or 'none': leave"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_compression_that_the_format_does_not_know_is_refused(tmp_path, file_format, compression, known, overwrite):
    (tmp_path / "set").write_bytes(b"earlier")
    words = f"compression is {compression} and the format is {file_format}, which takes only {known} compression out"

    with pytest.raises(SpecError, match=words):
        open_writer(file_format, tmp_path / "set", header_of(2), overwrite=overwrite, compression=compression)
    with pytest.raises(SpecError, match=words):
        open_writer(file_format, tmp_path / "new" / "set", header_of(2), overwrite=overwrite, compression=compression)

    assert names_in(tmp_path) == ["set"]
    assert (tmp_path / "set").read_bytes() == b"earlier"


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


@pytest.mark.parametrize(("file_format", "package"), [("lmdb", "lmdb"), ("parquet", "pyarrow")])
def test_a_package_that_is_missing_is_named_with_its_extra(tmp_path, monkeypatch, file_format, package):
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtraError, match=rf"the format {file_format} needs .*'\.\[{file_format}\]'"):
        write_dataset(tmp_path / "set", file_format, 1)

    assert names_in(tmp_path) == []


# --- every format


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_permissions_follow_the_umask(tmp_path, mask, storage):
    earlier = os.umask(mask)
    try:
        path = write_arrays(tmp_path / "set", make_images(3), make_labels(3), **storage)
    finally:
        os.umask(earlier)

    for each in [path, *path.rglob("*")]:
        expected = (0o777 if each.is_dir() else 0o666) & ~mask
        assert stat.S_IMODE(each.stat().st_mode) == expected, each


def test_the_same_job_gives_the_same_bytes_whatever_its_spans(tmp_path, storage):
    more = {"labels": ALL_LABELS} if storage["file_format"] == "png" else {}
    for name, length in (("a", 1), ("b", 2), ("c", None)):
        write_dataset(tmp_path / name, count=30, length=length, **storage, **more)

    assert tree(tmp_path / "a") == tree(tmp_path / "b") == tree(tmp_path / "c")


@pytest.mark.parametrize("file_format", ["npz", "png", "lmdb", "webdataset", "parquet"])
def test_metadata_that_json_cannot_hold_is_told_before_anything_is_written(tmp_path, file_format):
    need(file_format)
    header = DatasetHeader((1, 6, 9), 4, {"odd": b"bytes"})

    with pytest.raises(SpecError, match="metadata 'odd' is b'bytes', which JSON cannot hold"):
        open_writer(file_format, tmp_path / "set", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["set.pickle", "set.h5", "set.npz"])
def test_an_empty_dataset_is_written_and_read_again(tmp_path, name):
    GenericDataset(np.empty((0, 28, 100), np.uint8), []).save(tmp_path / name)
    dataset = GenericDataset()
    dataset.load(tmp_path / name)

    assert dataset.get_data()[0].shape == (0, 28, 100)
    assert dataset.get_data()[1] == []


# --- files


@FILES
@pytest.mark.parametrize("count", [1, 2, 7, 100])
@pytest.mark.parametrize("length", [1, 3, None])
def test_what_was_written_to_a_file_is_read_again(tmp_path, file_format, compression, count, length):
    images, labels = make_images(count), make_labels(count)

    path = write_arrays(tmp_path / "set", images, labels, file_format, length=length, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    read_images, read_labels = dataset.get_data()
    assert np.array_equal(read_images, images)
    assert read_labels == [label.decode() for label in labels.tolist()]
    assert tuple(dataset.get_metadata()["spacing_range"]) == (5, 10)


@FILES
def test_more_bytes_than_a_file_can_hold_are_refused(tmp_path, file_format, compression):
    with pytest.raises(SpecError, match=r"no file can hold more than 2\*\*63 - 1 bytes; give fewer images"):
        open_writer(file_format, tmp_path / "set", header_of(2**62), overwrite=False, compression=compression)

    assert names_in(tmp_path) == []


@FILES
def test_memory_stays_flat_while_a_file_is_written(tmp_path, file_format, compression):
    images, labels = make_images(2048, 28, 100), make_labels(2048)
    chunks, data_bytes = 6, 6 * images.nbytes

    header = DatasetHeader((chunks * 2048, 28, 100), 11, METADATA)
    with open_writer(file_format, tmp_path / "set", header, overwrite=False, compression=compression) as writer:
        tracemalloc.start()
        try:
            for number in range(chunks):
                writer.write(writer.encode(Chunk(Span(number * 2048, (number + 1) * 2048), images, labels)))
            writer.commit()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (tmp_path / "set").stat().st_size > 0.9 * data_bytes
    assert peak < 2 * images.nbytes


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_files_that_are_written_at_the_same_time_are_committed_in_any_order(tmp_path, order):
    storages = [("pickle", "none"), ("hdf5", "gzip"), ("hdf5", "none")]
    images, labels = make_images(1000, 28, 100), make_labels(1000)
    header = DatasetHeader(images.shape, 11, METADATA)

    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                open_writer(file_format, tmp_path / f"{number}", header, overwrite=False, compression=compression)
            )
            for number, (file_format, compression) in enumerate(storages)
        ]
        for start in (0, 512):
            rows = slice(start, start + 512)
            chunk = Chunk(Span(start, min(start + 512, 1000)), images[rows], labels[rows])
            for writer, encoded in [(writer, writer.encode(chunk)) for writer in writers]:
                writer.write(encoded)
        for number in order:
            writers[number].commit()

    assert names_in(tmp_path) == ["0", "1", "2"]
    for number in range(3):
        dataset = GenericDataset()
        dataset.load(tmp_path / f"{number}")
        assert np.array_equal(dataset.get_data()[0], images)
        assert dataset.get_data()[1] == [label.decode() for label in labels.tolist()]


@FILES
def test_a_symbolic_link_stays_and_its_file_is_written(tmp_path, file_format, compression):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "set", tmp_path / "link"
    target.write_bytes(b"earlier")
    link.symlink_to(target)

    write_arrays(link, make_images(2), make_labels(2), file_format, overwrite=True, compression=compression)

    assert link.is_symlink()
    assert target.stat().st_size > len(b"earlier")
    assert sorted(path.name for path in target.parent.iterdir()) == ["set"]


@pytest.mark.parametrize(("file_format", "compression"), [("pickle", None), ("hdf5", "gzip"), ("hdf5", "none")])
def test_a_chunk_without_images_may_come_first(tmp_path, file_format, compression):
    images, labels = make_images(3), make_labels(3)

    with open_writer(file_format, tmp_path / "set", header_of(3), overwrite=False, compression=compression) as writer:
        for span in (Span(0, 0), Span(0, 3)):
            part = slice(span.start, span.stop)
            writer.write(writer.encode(Chunk(span, images[part], np.array(labels[part], np.bytes_).astype("S11"))))
        writer.commit()

    dataset = GenericDataset()
    dataset.load(tmp_path / "set")
    np.testing.assert_array_equal(dataset[:][0], images)


# --- early writing to disk


@FILES
@pytest.mark.parametrize("limit", [1, 50_000, 300_000, 2**40])
def test_a_writer_hands_over_what_it_has_written(tmp_path, monkeypatch, file_format, compression, limit):
    asked = note_requests(monkeypatch)
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", limit)
    images, labels = make_images(1100, 28, 100), make_labels(1100)

    path = write_arrays(tmp_path / "set", images, labels, file_format, length=1, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    asked.check(least=limit)
    assert bool(asked.ranges) == (limit < 2**40)
    assert np.array_equal(dataset.get_data()[0], images)


@FILES
def test_each_large_write_is_handed_over_at_once(tmp_path, monkeypatch, file_format, compression):
    asked = note_requests(monkeypatch)
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 2**18)
    images, labels = make_images(512, 28, 25), make_labels(512)
    # More labels than HDF5 keeps back in a buffer of its own.
    header = header_of(24 * 512, 28, 25)

    handed_over = []
    with open_writer(file_format, tmp_path / "set", header, overwrite=False, compression=compression) as writer:
        for number in range(24):
            writer.write(writer.encode(Chunk(Span(number * 512, (number + 1) * 512), images, labels)))
            handed_over.append(asked.ranges[-1][1] if asked.ranges else 0)
        writer.commit()

    # Noise cannot be compressed, so that each write is larger than what is worth a request.
    asked.check(least=2**18)
    assert len(asked.ranges) == 24
    assert np.allclose(np.diff(handed_over), images.nbytes, rtol=0.1)


@FILES
@pytest.mark.parametrize("number", [22, 29, 38], ids=["EINVAL", "ESPIPE", "ENOSYS"])
def test_a_system_that_refuses_the_request_is_written_to_as_well(
    tmp_path, monkeypatch, file_format, compression, number
):
    asked = note_requests(monkeypatch, OSError(number, "refused"))
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 50_000)
    images, labels = make_images(1100, 28, 100), make_labels(1100)

    path = write_arrays(tmp_path / "set", images, labels, file_format, length=1, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    asked.check(least=50_000)
    assert asked.ranges
    assert np.array_equal(dataset.get_data()[0], images)
    assert names_in(tmp_path) == ["set"]


@FILES
def test_a_system_without_the_request_is_written_to_as_well(tmp_path, monkeypatch, file_format, compression):
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    monkeypatch.delattr(os, "POSIX_FADV_DONTNEED", raising=False)
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 1)
    images, labels = make_images(1100, 28, 100), make_labels(1100)

    path = write_arrays(tmp_path / "set", images, labels, file_format, length=1, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    assert np.array_equal(dataset.get_data()[0], images)
    assert dataset.get_data()[1] == [label.decode() for label in labels.tolist()]


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system knows no such request")
@FILES
def test_the_true_request_changes_nothing_in_the_file(tmp_path, monkeypatch, file_format, compression):
    images, labels = make_images(1100, 28, 100), make_labels(1100)
    expected = write_arrays(
        tmp_path / "late", images, labels, file_format, length=1, compression=compression
    ).read_bytes()
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 1)

    path = write_arrays(tmp_path / "early", images, labels, file_format, length=1, compression=compression)

    assert path.read_bytes() == expected


# --- folders


@pytest.mark.parametrize("count", [0, 1, 2, 25])
@pytest.mark.parametrize("length", [1, 7, None])
def test_what_was_written_to_a_folder_is_read_again(tmp_path, folder_format, count, length):
    images, labels, truth = write_dataset(tmp_path / "set", folder_format, count, length=length, first=2**56)

    found = read(tmp_path / "set", folder_format)

    assert found.labels == labels
    assert np.array_equal(np.array([pixels(image) for image in found.images]).reshape(images.shape), images)
    arrays = parse_truth_rows(found.truth, FIELDS)
    assert {name: array.shape for name, array in arrays.items()} == {name: truth[name].shape for name in truth}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, truth[name], err_msg=name)
    assert found.description == describe(header_of(count, fields=FIELDS))


def test_without_ground_truth_there_is_none(tmp_path, folder_format):
    _, labels, _ = write_dataset(tmp_path / "set", folder_format, 5, truth=False)

    found = read(tmp_path / "set", folder_format)

    assert (found.labels, found.truth, found.description["fields"]) == (labels, [], {})


def test_a_finished_folder_is_whole_before_it_is_in_place(tmp_path, folder_format):
    images, labels, _ = make_content(5)
    with open_writer(folder_format, tmp_path / "set", header_of(5), overwrite=False) as writer:
        writer.write(writer.encode(Chunk(Span(0, 5), images, labels)))
        writer.finish()
        assert names_in(tmp_path) == [writer.temporary_path.name]
        found = read(writer.temporary_path, folder_format)
        writer.commit()

    assert len(found.images) == 5
    assert names_in(tmp_path) == ["set"]


@pytest.mark.slow
def test_memory_stays_flat_while_a_folder_is_written(tmp_path, folder_format):
    count, chunks = 199, 6  # of parquet, a chunk is a group of rows
    images, labels, _ = make_content(count, 140, 300)

    with open_writer(folder_format, tmp_path / "set", header_of(chunks * count, 140, 300), overwrite=False) as writer:
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
def test_a_name_that_is_no_text_can_be_written_and_replaced(tmp_path, folder_format):
    path = tmp_path / os.fsdecode(b"caf\xe9")

    write_dataset(path, folder_format, 2)
    images, _, _ = write_dataset(path, folder_format, 3, overwrite=True)

    assert names_in(tmp_path) == [path.name]
    path.rename(tmp_path / "set")
    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", folder_format).images], images)


def test_a_second_run_to_the_same_place_needs_leave_to_overwrite(tmp_path, folder_format):
    write_dataset(tmp_path / "set", folder_format, 4)

    with pytest.raises(OutputExistsError):
        write_dataset(tmp_path / "set", folder_format, 5)
    _, labels, _ = write_dataset(tmp_path / "set", folder_format, 5, overwrite=True)

    assert read(tmp_path / "set", folder_format).labels == labels
    assert names_in(tmp_path) == ["set"]
