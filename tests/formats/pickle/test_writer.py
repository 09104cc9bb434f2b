"""Datasets as pickles."""

import io
import pickle

import numpy as np
import pytest
import written
from written import METADATA, header_of, make_images, make_labels, names_in, write_arrays, write_dataset

from number_generator.errors import OutputError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.pickle.writer import PickleWriter
from number_generator.formats.schema import describe
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span


def test_a_pickle_is_the_dictionary_that_version_0_0_1_documented(tmp_path):
    images, labels = make_images(5), make_labels(5)

    with write_arrays(tmp_path / "set.pickle", images, labels, "pickle", length=2).open("rb") as file:
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
    path = write_arrays(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle")

    images = pickle.loads(path.read_bytes())["images"]
    images[:] = 7

    assert (images == 7).all()


def test_a_pickle_is_of_protocol_4_and_holds_nothing_after_its_end(tmp_path):
    content = write_arrays(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle").read_bytes()

    stream = io.BytesIO(content)
    pickle.load(stream)

    assert content[:2] == b"\x80\x04"
    assert stream.tell() == len(content)


def test_a_pickle_names_numpy_as_both_its_versions_do(tmp_path):
    content = write_arrays(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle").read_bytes()

    assert b"numpy.core.multiarray\n_reconstruct" in content
    assert b"numpy._core" not in content


@pytest.mark.parametrize("length", [0, 1, 255, 256, 70_000])
def test_a_pickle_holds_labels_of_any_length(tmp_path, length):
    labels = np.array([b"7" * length, b"8"])
    header = DatasetHeader((2, 6, 9), labels.dtype.itemsize, {})

    with PickleWriter(tmp_path / "set.pickle", header, overwrite=False) as writer:
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), labels)))
        writer.commit()

    assert pickle.loads((tmp_path / "set.pickle").read_bytes())["labels"] == ["7" * length, "8"]


def test_a_pickle_may_hold_any_metadata_that_python_can_pickle(tmp_path):
    metadata = {"nested": {"list": [1, None, "é"], "same": ("a", "a")}, "big": 2**70}

    path = write_arrays(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle", metadata=metadata)

    assert pickle.loads(path.read_bytes())["metadata"] == metadata


def test_a_pickle_waits_for_its_labels_in_no_visible_file(tmp_path):
    with PickleWriter(tmp_path / "set.pickle", header_of(2), overwrite=False) as writer:
        names = names_in(tmp_path)

    assert names == [writer.temporary_path.name]


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
        PickleWriter(path, header_of(2), overwrite=True) as writer,
    ):
        writer._file.file = _FailingFile(writer._file.file, room)
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        writer.commit()

    assert names_in(tmp_path) == ["set.pickle"]
    assert path.read_bytes() == b"earlier"


def test_labels_that_cannot_be_flushed_leave_nothing_either(tmp_path):
    with (
        pytest.raises(OutputError, match="No space left on device"),
        PickleWriter(tmp_path / "set.pickle", header_of(2), overwrite=True) as writer,
    ):
        writer._waiting["labels"] = _FailingFile(writer._waiting["labels"], 0)
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))

    assert names_in(tmp_path) == []


def test_a_failing_temporary_for_the_labels_leaves_nothing(tmp_path, monkeypatch):
    def fail(**_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("tempfile.TemporaryFile", fail)

    with pytest.raises(OutputError, match="Too many open files"):
        PickleWriter(tmp_path / "set.pickle", header_of(2), overwrite=False)

    assert names_in(tmp_path) == []


# --- ground truth


@pytest.mark.parametrize("length", [1, 7, None])
@pytest.mark.parametrize("count", [0, 1, 25])
def test_a_pickle_holds_ground_truth_as_a_fourth_entry(tmp_path, count, length):
    images, labels, expected = write_dataset(tmp_path / "set", "pickle", count, length=length)

    with (tmp_path / "set").open("rb") as file:
        found = pickle.load(file)

    assert list(found) == ["images", "labels", "metadata", "truth"]
    assert np.array_equal(found["images"], images)
    assert found["labels"] == labels
    assert found["metadata"]["truth_fields"] == describe(DatasetHeader((count, 6, 9), 4, {}, written.FIELDS))["fields"]
    assert list(found["truth"]) == list(expected)
    for name, values in expected.items():
        array = found["truth"][name]
        assert (array.dtype, array.dtype.isnative) == (values.dtype, True)
        np.testing.assert_array_equal(array, values, err_msg=name)


def test_a_pickle_of_ground_truth_is_read_again(tmp_path):
    images, labels, expected = write_dataset(tmp_path / "set", "pickle", 25)

    dataset = GenericDataset()
    dataset.load(tmp_path / "set")

    truth = dataset.get_truth()
    assert np.array_equal(dataset[:][0], images)
    assert dataset[:][1] == labels
    for name, values in expected.items():
        np.testing.assert_array_equal(truth[name], values, err_msg=name)


def test_without_ground_truth_a_pickle_has_three_entries(tmp_path):
    write_dataset(tmp_path / "set", "pickle", 3, truth=False)

    with (tmp_path / "set").open("rb") as file:
        found = pickle.load(file)

    assert list(found) == ["images", "labels", "metadata"]
    assert "truth_fields" not in found["metadata"]
