"""The files that datasets are written to: whole or not there, in both formats, with flat memory."""

import io
import json
import mmap
import os
import pickle
import shutil
import stat
import subprocess
import sys
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from number_generator.datasets import GenericDataset
from number_generator.errors import OutputError, OutputExistsError, SpecError
from number_generator.sinks import atomic, format_of, open_sink
from number_generator.sinks.atomic import AtomicFile
from number_generator.sinks.hdf5_file import Hdf5Sink
from number_generator.sinks.pickle_file import PickleSink
from number_generator.spec import Chunk, DatasetHeader, Span

METADATA = {"creation_timestamp": 1.5, "spacing_range": (5, 10), "image_width": 9, "seed": 2**64 - 1, "fit": "contain"}
FORMATS = pytest.mark.parametrize("file_format", ["pickle", "hdf5"])


def make_images(count, height=6, width=9, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), np.uint8)


def make_labels(count):
    return np.array([f"{number * 7919:0{10 + number % 2}d}" for number in range(count)] or [b""], "S11")[:count]


def write(path, images, labels, file_format, *, overwrite=False, length=None, metadata=METADATA):
    """Write images and labels span by span, as a run does."""
    header = DatasetHeader(images.shape, labels.dtype.itemsize, metadata)
    with open_sink(file_format, path, header, overwrite=overwrite) as sink:
        for span in Span(0, len(images)).split((length or max(1, len(images))) * sink.span_multiple):
            chunk = Chunk(span, images[span.start : span.stop], labels[span.start : span.stop])
            sink.write(sink.encode(chunk))
        sink.commit()
    return path


def header_of(count, height=6, width=9):
    return DatasetHeader((count, height, width), 11, METADATA)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


# --- a file that is whole or not there


def test_a_committed_file_has_its_final_name_alone(tmp_path):
    path = tmp_path / "deep" / "folder" / "file.bin"

    file = AtomicFile(path, overwrite=False)
    file.file.write(b"content")
    before = names_in(path.parent)
    file.commit()
    file.discard()

    assert before == [file.temporary_path.name]
    assert before[0].startswith(".file.bin.")
    assert names_in(path.parent) == ["file.bin"]
    assert path.read_bytes() == b"content"


def test_a_discarded_file_leaves_nothing_and_the_earlier_one_untouched(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"earlier")

    file = AtomicFile(path, overwrite=True)
    file.file.write(b"new")
    file.discard()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"earlier"


def test_a_committed_file_replaces_the_earlier_one_where_that_is_allowed(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"earlier")

    file = AtomicFile(path, overwrite=True)
    file.file.write(b"new")
    file.commit()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_an_earlier_file_is_an_error_where_it_may_not_be_replaced(tmp_path, kind):
    path = tmp_path / "file.bin"
    path.write_bytes(b"earlier") if kind == "file" else path.symlink_to("nowhere")

    with pytest.raises(OutputExistsError, match=r"file\.bin exists already: allow overwriting \(--overwrite\)"):
        AtomicFile(path, overwrite=False)

    assert names_in(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_that_appears_while_ours_is_written_is_not_replaced(tmp_path, monkeypatch, links):
    path = tmp_path / "file.bin"
    file = AtomicFile(path, overwrite=False)
    file.file.write(b"ours")
    path.write_bytes(b"theirs")
    if not links:
        monkeypatch.setattr(os, "link", _no_hard_links)

    with pytest.raises(OutputExistsError, match="exists already"):
        file.commit()
    file.discard()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"theirs"


def _no_hard_links(*_):
    raise PermissionError(1, "Operation not permitted")


def test_a_file_system_without_hard_links_is_written_to_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", _no_hard_links)
    file = AtomicFile(tmp_path / "file.bin", overwrite=False)
    file.file.write(b"content")

    file.commit()

    assert names_in(tmp_path) == ["file.bin"]
    assert (tmp_path / "file.bin").read_bytes() == b"content"


def test_a_temporary_that_nobody_holds_is_removed(tmp_path):
    stale = tmp_path / ".file.bin.0123abcd.partial"
    others = [tmp_path / ".other.bin.0123abcd.partial", tmp_path / ".file.bin.0123abcd", tmp_path / "file.bin.partial"]
    for path in (stale, *others):
        path.touch()

    AtomicFile(tmp_path / "file.bin", overwrite=False).discard()

    assert names_in(tmp_path) == sorted(path.name for path in others)


def test_a_temporary_that_is_being_written_is_not_removed(tmp_path):
    path = tmp_path / "file.bin"
    first = AtomicFile(path, overwrite=True)
    first.file.write(b"first")

    second = AtomicFile(path, overwrite=True)
    second.file.write(b"second")
    second.commit()
    first.commit()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"first"


def test_a_temporary_taken_for_a_stale_one_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    from number_generator.sinks import atomic  # noqa: PLC0415 - patched here alone

    lock, taken = atomic._lock, []

    def lock_too_late(file, *, wait):
        if not taken:
            taken.append(file.name)
            os.unlink(file.name)  # noqa: PTH108 - as another run does
        return lock(file, wait=wait)

    monkeypatch.setattr(atomic, "_lock", lock_too_late)
    file = AtomicFile(tmp_path / "file.bin", overwrite=False)
    file.file.write(b"content")
    file.commit()

    assert os.fspath(file.temporary_path) not in taken
    assert (tmp_path / "file.bin").read_bytes() == b"content"


def test_a_folder_of_the_final_name_is_an_error(tmp_path):
    (tmp_path / "file.bin").mkdir()

    with pytest.raises(OutputError, match=r"file\.bin is a folder: give another file name"):
        AtomicFile(tmp_path / "file.bin", overwrite=True)


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="file is a file: give a folder, or another name"):
        AtomicFile(tmp_path / "file" / "x.bin", overwrite=True)
    with pytest.raises(OutputError, match=r"cannot make the folder .*: Not a directory"):
        AtomicFile(tmp_path / "file" / "folder" / "x.bin", overwrite=True)


def test_the_longest_possible_name_can_be_written(tmp_path):
    path = tmp_path / ("é" * 125 + ".data")

    file = AtomicFile(path, overwrite=False)
    file.file.write(b"content")
    file.commit()

    assert len(os.fsencode(path.name)) == 255
    assert names_in(tmp_path) == [path.name]


def test_a_name_too_long_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*: File name too long; nothing was left behind"):
        AtomicFile(tmp_path / ("x" * 256), overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@FORMATS
def test_the_permissions_follow_the_umask(tmp_path, mask, mode, file_format):
    earlier = os.umask(mask)
    try:
        path = write(tmp_path / "set", make_images(3), make_labels(3), file_format)
    finally:
        os.umask(earlier)

    assert stat.S_IMODE(path.stat().st_mode) == mode


# --- both formats


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.pickle", "pickle"), ("a.h5", "hdf5"), ("a.HDF5", "hdf5"), ("a.pkl", None), ("h5", None), (".h5", "hdf5")],
)
def test_the_ending_of_a_name_tells_the_format(tmp_path, name, expected):
    assert format_of(tmp_path / name) == expected


@FORMATS
@pytest.mark.parametrize("count", [1, 2, 7, 100])
@pytest.mark.parametrize("length", [1, 3, None])
def test_what_was_written_is_read_again(tmp_path, file_format, count, length):
    images, labels = make_images(count), make_labels(count)

    path = write(tmp_path / "set", images, labels, file_format, length=length)
    dataset = GenericDataset()
    dataset.load(path)

    read_images, read_labels = dataset.get_data()
    assert np.array_equal(read_images, images)
    assert read_labels == [label.decode() for label in labels.tolist()]
    assert tuple(dataset.get_metadata()["spacing_range"]) == (5, 10)


@FORMATS
def test_an_empty_dataset_is_written_and_read_again(tmp_path, file_format):
    path = tmp_path / ("set.pickle" if file_format == "pickle" else "set.h5")

    GenericDataset(np.empty((0, 28, 100), np.uint8), []).save(path)
    dataset = GenericDataset()
    dataset.load(path)

    assert dataset.get_data()[0].shape == (0, 28, 100)
    assert dataset.get_data()[1] == []


@FORMATS
def test_leaving_a_sink_without_commit_leaves_nothing(tmp_path, file_format):
    with open_sink(file_format, tmp_path / "set", header_of(4), overwrite=False) as sink:
        sink.write(sink.encode(Chunk(Span(0, 4), make_images(4), make_labels(4))))

        assert names_in(tmp_path) == [sink.temporary_path.name]

    assert names_in(tmp_path) == []


@FORMATS
def test_an_error_in_the_middle_leaves_nothing_and_the_earlier_file_untouched(tmp_path, file_format):
    path = tmp_path / "set"
    path.write_bytes(b"earlier")

    with (
        pytest.raises(ZeroDivisionError),
        open_sink(file_format, path, header_of(4), overwrite=True) as sink,
    ):
        sink.write(sink.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        raise ZeroDivisionError

    assert names_in(tmp_path) == ["set"]
    assert path.read_bytes() == b"earlier"


@FORMATS
def test_more_bytes_than_a_file_can_hold_are_refused(tmp_path, file_format):
    with pytest.raises(SpecError, match=r"no file can hold more than 2\*\*63 - 1 bytes; give fewer images"):
        open_sink(file_format, tmp_path / "set", header_of(2**62), overwrite=False)

    assert names_in(tmp_path) == []


@FORMATS
def test_memory_stays_flat_while_a_dataset_is_written(tmp_path, file_format):
    images, labels = make_images(2048, 28, 100), make_labels(2048)
    chunks, data_bytes = 12, 12 * images.nbytes

    header = DatasetHeader((chunks * 2048, 28, 100), 11, METADATA)
    with open_sink(file_format, tmp_path / "set", header, overwrite=False) as sink:
        tracemalloc.start()
        try:
            for number in range(chunks):
                sink.write(sink.encode(Chunk(Span(number * 2048, (number + 1) * 2048), images, labels)))
            sink.commit()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (tmp_path / "set").stat().st_size > 0.9 * data_bytes
    assert peak < 2 * images.nbytes


# --- pickle


def test_a_pickle_is_the_dictionary_that_version_0_0_1_documented(tmp_path):
    images, labels = make_images(5), make_labels(5)

    with write(tmp_path / "set.pickle", images, labels, "pickle", length=2).open("rb") as file:
        content = pickle.load(file)

    assert list(content) == ["images", "labels", "metadata"]
    assert type(content["images"]) is np.ndarray
    assert content["images"].dtype == np.uint8
    assert np.array_equal(content["images"], images)
    assert content["images"].flags.c_contiguous
    assert type(content["labels"]) is list
    assert {type(label) for label in content["labels"]} == {str}
    assert content["labels"] == [label.decode() for label in labels.tolist()]
    assert content["metadata"] == METADATA
    assert type(content["metadata"]["spacing_range"]) is tuple


def test_the_array_of_a_pickle_can_be_changed(tmp_path):
    path = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle")

    images = pickle.loads(path.read_bytes())["images"]
    images[:] = 7

    assert (images == 7).all()


def test_a_pickle_is_of_protocol_4_and_holds_nothing_after_its_end(tmp_path):
    content = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle").read_bytes()

    stream = io.BytesIO(content)
    pickle.load(stream)

    assert content[:2] == b"\x80\x04"
    assert stream.tell() == len(content)


def test_a_pickle_names_numpy_as_both_its_versions_do(tmp_path):
    content = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle").read_bytes()

    assert b"numpy.core.multiarray\n_reconstruct" in content
    assert b"numpy._core" not in content


@pytest.mark.parametrize("length", [0, 1, 255, 256, 70_000])
def test_a_pickle_holds_labels_of_any_length(tmp_path, length):
    labels = np.array([b"7" * length, b"8"])
    header = DatasetHeader((2, 6, 9), labels.dtype.itemsize, {})

    with PickleSink(tmp_path / "set.pickle", header, overwrite=False) as sink:
        sink.write(sink.encode(Chunk(Span(0, 2), make_images(2), labels)))
        sink.commit()

    assert pickle.loads((tmp_path / "set.pickle").read_bytes())["labels"] == ["7" * length, "8"]


def test_a_pickle_may_hold_any_metadata_that_python_can_pickle(tmp_path):
    metadata = {"nested": {"list": [1, None, "é"], "same": ("a", "a")}, "big": 2**70}

    path = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle", metadata=metadata)

    assert pickle.loads(path.read_bytes())["metadata"] == metadata


def test_a_pickle_waits_for_its_labels_in_no_visible_file(tmp_path):
    with PickleSink(tmp_path / "set.pickle", header_of(2), overwrite=False) as sink:
        names = names_in(tmp_path)

    assert names == [sink.temporary_path.name]


# --- HDF5


def test_hdf5_holds_images_and_labels_in_gzip_chunks(tmp_path):
    images, labels = make_images(100, 28, 100), make_labels(100)

    with h5py.File(write(tmp_path / "set.h5", images, labels, "hdf5")) as file:
        assert sorted(file) == ["images", "labels"]
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

    with h5py.File(write(tmp_path / "set.h5", images, labels, "hdf5")) as file:
        assert file["images"].chunks == (rows, height, width)
        assert file["labels"].chunks[0] % rows == 0 or file["labels"].chunks[0] == count
        assert np.array_equal(file["images"][:], images)


@pytest.mark.parametrize("count", [2047, 2048, 2049, 2048 + 33, 3 * 2048])
def test_a_partial_last_chunk_of_hdf5_is_read_as_it_was_written(tmp_path, count):
    images, labels = make_images(count, 28, 100), make_labels(count)

    with h5py.File(write(tmp_path / "set.h5", images, labels, "hdf5", length=1)) as file:
        assert np.array_equal(file["images"][:], images)
        assert np.array_equal(file["labels"][:], labels)


@pytest.mark.parametrize(("count", "height", "width"), [(5000, 28, 100), (5000, 28, 7), (40, 28, 9000), (3, 4, 4)])
def test_a_span_for_hdf5_is_a_whole_number_of_chunks(tmp_path, count, height, width):
    header = header_of(count, height, width)

    with Hdf5Sink(tmp_path / "set.h5", header, overwrite=False) as sink:
        rows, label_rows = sink._images.chunks[0], sink._labels.chunks[0]

        assert sink.span_multiple == label_rows
        assert label_rows % rows == 0
        assert label_rows <= max(count, rows)


def test_hdf5_may_start_at_any_image_number(tmp_path):
    images, labels = make_images(4), make_labels(4)

    with Hdf5Sink(tmp_path / "set.h5", header_of(4), overwrite=False) as sink:
        sink.write(sink.encode(Chunk(Span(10**12, 10**12 + 4), images, labels)))
        sink.commit()

    with h5py.File(tmp_path / "set.h5") as file:
        assert np.array_equal(file["images"][:], images)


def test_attributes_of_hdf5_have_the_types_of_the_metadata(tmp_path):
    metadata = {**METADATA, "job": json.dumps({"a": [1, 2]}), "render_version": 1, "nested": {"a": [None]}}

    with h5py.File(write(tmp_path / "set.h5", make_images(2), make_labels(2), "hdf5", metadata=metadata)) as file:
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
    path = write(
        tmp_path / "set.h5", make_images(2), make_labels(2), "hdf5", metadata={"value": value, "fit": "contain"}
    )

    dataset = GenericDataset()
    dataset.load(path)

    assert dataset.get_metadata() == {"value": value, "fit": "contain"}


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", {"a": object()}])
def test_metadata_that_hdf5_cannot_hold_is_an_error_and_leaves_nothing(tmp_path, value):
    header = DatasetHeader((2, 6, 9), 11, {"odd": value})

    with pytest.raises(SpecError, match=r"metadata 'odd' is .*, which HDF5 cannot hold"):
        Hdf5Sink(tmp_path / "set.h5", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("value", ["\0", "\udcff", np.datetime64("2020")], ids=["NUL", "surrogate", "date"])
def test_metadata_that_h5py_refuses_is_an_error_of_ours_and_leaves_nothing(tmp_path, value):
    header = DatasetHeader((2, 6, 9), 11, {"odd": value})

    with pytest.raises(SpecError, match="which HDF5 cannot hold"):
        Hdf5Sink(tmp_path / "set.h5", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="h5dump is not installed")
def test_h5dump_reads_the_file_with_no_plug_in(tmp_path):
    images, labels = make_images(40, 28, 100), make_labels(40)
    path = write(tmp_path / "set.h5", images, labels, "hdf5")

    binary = tmp_path / "images.bin"
    subprocess.run(
        ["h5dump", "-d", "/images", "-b", "LE", "-o", binary, path], check=True, capture_output=True, timeout=60
    )
    text = subprocess.run(["h5dump", "-d", "/labels", path], check=True, capture_output=True, text=True, timeout=60)

    assert binary.read_bytes() == images.tobytes()
    assert labels[39].decode() in text.stdout
    assert "H5T_CSET_ASCII" in text.stdout


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="h5ls is not installed")
def test_h5ls_lists_the_file(tmp_path):
    path = write(tmp_path / "set.h5", make_images(40, 28, 100), make_labels(40), "hdf5")

    listing = subprocess.run(["h5ls", "-v", path], check=True, capture_output=True, text=True, timeout=60).stdout

    assert "{40/40, 28/28, 100/100}" in listing
    assert "deflate" in listing


# --- writes that fail


class _FailingFile:
    """A file on a disk that is full from a given number of bytes on."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, content):
        self._room -= memoryview(content).nbytes
        if self._room < 0:
            raise OSError(28, "No space left on device")
        return self._file.write(content)

    def close(self):
        self._file.close()
        raise OSError(28, "No space left on device")

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [100, 200, 0])
def test_a_failing_write_of_a_pickle_is_one_error_and_leaves_nothing(tmp_path, room):
    path = tmp_path / "set.pickle"
    path.write_bytes(b"earlier")

    with (
        pytest.raises(OutputError, match=r"cannot write .*set\.pickle: No space left on device; nothing was left"),
        PickleSink(path, header_of(2), overwrite=True) as sink,
    ):
        sink._file.file = _FailingFile(sink._file.file, room)
        sink.write(sink.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        sink.commit()

    assert names_in(tmp_path) == ["set.pickle"]
    assert path.read_bytes() == b"earlier"


def test_labels_that_cannot_be_flushed_leave_nothing_either(tmp_path):
    with (
        pytest.raises(OutputError, match="No space left on device"),
        PickleSink(tmp_path / "set.pickle", header_of(2), overwrite=True) as sink,
    ):
        sink._labels = _FailingFile(sink._labels, 0)
        sink.write(sink.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))

    assert names_in(tmp_path) == []


def test_a_failing_temporary_for_the_labels_leaves_nothing(tmp_path, monkeypatch):
    def fail(**_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("tempfile.TemporaryFile", fail)

    with pytest.raises(OutputError, match="Too many open files"):
        PickleSink(tmp_path / "set.pickle", header_of(2), overwrite=False)

    assert names_in(tmp_path) == []


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
def test_a_failing_write_of_hdf5_is_one_error_and_leaves_nothing(tmp_path, error, reason):
    class FailingDataset:
        id = property(lambda _: (_ for _ in ()).throw(error))

    with (
        pytest.raises(OutputError, match=rf"cannot write .*set\.h5: {reason}; nothing was left behind"),
        Hdf5Sink(tmp_path / "set.h5", header_of(2), overwrite=False) as sink,
    ):
        sink._images = FailingDataset()
        sink.write(sink.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))

    assert names_in(tmp_path) == []


def test_an_hdf5_file_that_cannot_be_closed_leaves_nothing(tmp_path):
    class FailingFile:
        def __init__(self, file):
            self.file = file

        def close(self):
            self.file.close()
            raise RuntimeError("Unable to flush file")

    with (
        pytest.raises(OutputError, match="Unable to flush file"),
        Hdf5Sink(tmp_path / "set.h5", header_of(2), overwrite=False) as sink,
    ):
        sink.write(sink.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        sink._h5 = FailingFile(sink._h5)
        sink.commit()

    assert names_in(tmp_path) == []


@FORMATS
@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_failing_commit_is_one_error_and_leaves_nothing(tmp_path, monkeypatch, file_format, owner, call):
    path = tmp_path / "set"
    path.write_bytes(b"earlier")

    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, fail)
        with pytest.raises(OutputError, match=r"cannot write .*set: Input/output error; nothing was left behind"):
            write(path, make_images(2), make_labels(2), file_format, overwrite=True)

    assert names_in(tmp_path) == ["set"]
    assert path.read_bytes() == b"earlier"


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes is needed")
@pytest.mark.parametrize("room", [1, 1_000, 100_000])
@FORMATS
def test_a_limit_on_file_sizes_is_one_error_and_leaves_nothing(tmp_path, file_format, room):
    import resource  # noqa: PLC0415 - Windows has none

    images, labels = make_images(200, 28, 100), make_labels(200)
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (room, earlier[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*set: File too large; nothing was left behind"):
            write(tmp_path / "set", images, labels, file_format)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)

    assert names_in(tmp_path) == []


def test_a_large_file_is_flushed_in_parts_and_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "_SYNC_BYTES", mmap.ALLOCATIONGRANULARITY)
    content = bytes(range(256)) * 1000
    file = AtomicFile(tmp_path / "big", overwrite=False)
    file.file.write(content)

    file.commit()

    assert (tmp_path / "big").read_bytes() == content


def test_a_large_file_is_flushed_whole_where_it_cannot_be_mapped(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise OSError("no such device")

    monkeypatch.setattr(atomic.mmap, "mmap", refuse)
    file = AtomicFile(tmp_path / "big", overwrite=False)
    file.file.write(b"content")

    file.commit()

    assert (tmp_path / "big").read_bytes() == b"content"


@pytest.mark.parametrize("width", [100, 1000, 20_000, 65_535])
def test_a_span_for_hdf5_is_bounded_in_bytes(tmp_path, width):
    header = header_of(10**6, 28, width)

    with Hdf5Sink(tmp_path / "set.h5", header, overwrite=False) as sink:
        assert sink.span_multiple * 28 * width <= 8 * 2**20


@FORMATS
def test_a_symbolic_link_stays_and_its_file_is_written(tmp_path, file_format):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "set", tmp_path / "link"
    target.write_bytes(b"earlier")
    link.symlink_to(target)

    write(link, make_images(2), make_labels(2), file_format, overwrite=True)

    assert link.is_symlink()
    assert target.stat().st_size > len(b"earlier")
    assert sorted(path.name for path in target.parent.iterdir()) == ["set"]
