"""What holds of the readers of all formats."""

import multiprocessing
import os
import pickle
import shutil

import numpy as np
import pytest
from small_dataset import COUNT, FORMATS, IMAGES, LABELS, METADATA, TRUTH, assert_whole, write

from number_generator import GenericDataset
from number_generator.errors import DatasetError, DatasetIndexError, DatasetNotFoundError, DatasetReadError, SpecError
from number_generator.formats.detection import detect_format, list_source_files
from number_generator.formats.reader import load_arrays, open_reader

LAZY = [name for name in FORMATS if name not in ("pickle", "npz")]
FOLDERS = ["png", "lmdb", "webdataset", "parquet"]


@pytest.fixture(params=FORMATS)
def file_format(request):
    return request.param


@pytest.fixture
def path(tmp_path, file_format):
    return write(tmp_path / "lines", file_format)


def test_a_reader_gives_what_was_written(path):
    with open_reader(path) as reader:
        assert_whole(reader)


def test_the_format_is_told_by_content(path, file_format):
    assert detect_format(path) == file_format


@pytest.mark.parametrize("bounds", [(0, 0), (2, 5), (1, 7, 2), (0, 7, 6), (7, 7)])
def test_any_slice_can_be_read(path, bounds):
    with open_reader(path) as reader:
        part = slice(*bounds)

        np.testing.assert_array_equal(reader.images(*bounds), IMAGES[part])
        assert reader.labels(*bounds) == LABELS[part]
        for name, array in TRUTH.items():
            np.testing.assert_array_equal(reader.truth(name, *bounds), array[part])


def test_single_images_are_read_in_any_order(path):
    with open_reader(path) as reader:
        for number in (6, 0, 3, 3, 5):
            np.testing.assert_array_equal(reader.image(number), IMAGES[number])


def test_an_image_is_the_callers_own(path):
    with open_reader(path) as reader:
        reader.image(2)[:] = 7

        np.testing.assert_array_equal(reader.image(2), IMAGES[2])


@pytest.mark.parametrize("number", [-1, COUNT])
def test_a_number_that_is_not_there_is_refused(path, number):
    with open_reader(path) as reader, pytest.raises(DatasetIndexError, match=f"no image {number}: it has 7"):
        reader.image(number)


def test_a_range_that_is_none_is_refused(path):
    with open_reader(path) as reader:
        with pytest.raises(DatasetIndexError, match="no range 0 to 8"):
            reader.labels(0, 8)
        with pytest.raises(SpecError, match="step is 0"):
            reader.images(0, 2, 0)
        with pytest.raises(SpecError, match="must be an integer"):
            reader.truth("boxes", 0, 1.5)


def test_a_closed_reader_says_so(path):
    reader = open_reader(path)
    reader.close()
    reader.close()

    with pytest.raises(SpecError, match="closed"):
        reader.image(0)


def test_a_reader_can_be_pickled_beside_the_first_one(path):
    with open_reader(path) as reader:
        reader.image(0)
        with pickle.loads(pickle.dumps(reader)) as copy:
            assert_whole(copy)
            assert repr(copy) == repr(reader)
        np.testing.assert_array_equal(reader.image(6), IMAGES[6])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_reader_survives_a_fork(path):
    with open_reader(path) as reader:
        before = reader.image(5).tolist()
        child = multiprocessing.get_context("fork").Process(target=_exit_well, args=(reader, before))

        child.start()
        child.join()

        assert child.exitcode == 0
        assert reader.image(5).tolist() == before


def _exit_well(reader, expected):
    os._exit(0 if reader.image(5).tolist() == expected and reader.labels(3, 4) == ["456"] else 3)


@pytest.mark.parametrize("file_format", LAZY, indirect=True)
def test_a_dataset_that_changed_meanwhile_is_refused(path, file_format):
    with open_reader(path) as reader:
        pickled = pickle.dumps(reader)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    write(path, file_format, count=3)

    with pickle.loads(pickled) as copy, pytest.raises(DatasetError):
        copy.image(0)


def test_an_empty_dataset_has_a_shape(tmp_path, file_format):
    with open_reader(write(tmp_path / "none", file_format, count=0)) as reader:
        assert reader.shape == (0, 5, 6)
        assert reader.images(0, 0).shape == (0, 5, 6)
        assert reader.labels(0, 0) == []
        assert reader.truth("boxes", 0, 0).shape == (0, 3, 4)
        assert reader.metadata == METADATA


def test_a_dataset_without_ground_truth_has_none(tmp_path, file_format):
    with open_reader(write(tmp_path / "plain", file_format, fields=())) as reader:
        assert reader.truth_names == ()
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)


@pytest.mark.parametrize("file_format", LAZY, indirect=True)
def test_ground_truth_that_is_not_there_is_refused(tmp_path, file_format):
    with (
        open_reader(write(tmp_path / "plain", file_format, fields=())) as reader,
        pytest.raises(DatasetError, match="it has no `boxes`"),
    ):
        reader.truth("boxes", 0, 1)


def test_a_dataset_of_any_format_loads_whole(path):
    raw = load_arrays(path)

    np.testing.assert_array_equal(raw.images, IMAGES)
    assert [label.decode() if isinstance(label, bytes) else label for label in raw.labels] == LABELS
    assert raw.metadata == METADATA


def test_the_files_of_a_dataset_are_named(path):
    files = list_source_files(path)

    assert files
    assert all(file.is_file() for file in files)


def test_generic_datasets_read_every_format(path):
    dataset = GenericDataset()

    dataset.load(path)

    assert len(dataset) == COUNT
    assert dataset.get_metadata() == METADATA
    image, label = dataset[-2]
    np.testing.assert_array_equal(image, IMAGES[-2])
    assert label == LABELS[-2]
    np.testing.assert_array_equal(dataset[::-2][0], IMAGES[::-2])
    for name, array in dataset.get_truth(slice(None, None, -1)).items():
        np.testing.assert_array_equal(array, TRUTH[name][::-1])
    assert set(dataset.get_truth()) == set(TRUTH)
    np.testing.assert_array_equal(dataset.get_data()[0], IMAGES)


@pytest.mark.parametrize("ending", [".pickle", ".h5", ".npz", ".lmdb"])
def test_generic_datasets_save_what_they_have_read(tmp_path, path, ending):
    if ending == ".lmdb":
        pytest.importorskip("lmdb")
    dataset = GenericDataset()
    dataset.load(path)

    dataset.save(tmp_path / f"saved{ending}")

    with open_reader(tmp_path / f"saved{ending}") as reader:
        assert_whole(reader)


def test_generic_datasets_save_an_empty_dataset_that_they_have_opened(tmp_path, file_format):
    dataset = GenericDataset()
    dataset.load(write(tmp_path / "none", file_format, count=0))

    dataset.save(tmp_path / "saved.npz")

    with open_reader(tmp_path / "saved.npz") as reader:
        assert reader.shape == (0, 5, 6)


def test_appended_examples_leave_no_ground_truth(path):
    dataset = GenericDataset()
    dataset.load(path)

    dataset.add_examples(IMAGES[:1], ["5"])

    assert dataset.get_truth() == {}
    assert dataset[-1][1] == "5"


@pytest.mark.parametrize("name", ["missing", "lines/missing"])
def test_what_is_missing_is_named(tmp_path, name):
    with pytest.raises(DatasetNotFoundError, match="missing: there is no such file"):
        open_reader(tmp_path / name)


def test_a_folder_without_a_dataset_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(DatasetReadError, match="a folder that holds no dataset"):
        open_reader(tmp_path)


def test_a_file_of_a_folder_is_a_dataset_too(tmp_path):
    for name, file in (("lmdb", "data.mdb"), ("webdataset", "train-000000.tar"), ("parquet", "data")):
        folder = write(tmp_path / name, name)
        path = folder / file
        path = next(path.iterdir()) if path.is_dir() else path

        with open_reader(path) as reader:
            assert detect_format(path) == name
            np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)


@pytest.mark.parametrize("file_format", FOLDERS, indirect=True)
@pytest.mark.parametrize("cut", [0, 1, 100, 4000])
def test_a_file_that_is_cut_short_is_refused_and_crashes_nothing(tmp_path, file_format, cut):
    folder = write(tmp_path / "lines", file_format)
    [damaged] = [file for file in list_source_files(folder) if file.name != "dataset.json"]
    content = damaged.read_bytes()
    damaged.write_bytes(content[: min(cut, len(content) // 2)])

    with pytest.raises((DatasetError, DatasetReadError)), open_reader(folder) as reader:
        reader.images(0, COUNT)
        reader.labels(0, COUNT)


@pytest.mark.parametrize("file_format", FOLDERS, indirect=True)
@pytest.mark.parametrize("seed", range(12))
def test_damaged_bytes_give_errors_of_the_package_or_the_content(tmp_path, file_format, seed):
    folder = write(tmp_path / "lines", file_format)
    [damaged] = [file for file in list_source_files(folder) if file.name != "dataset.json"]
    content = bytearray(damaged.read_bytes())
    random = np.random.default_rng(seed)
    for place in random.integers(0, len(content), 40):
        content[place] = random.integers(0, 256)
    damaged.write_bytes(content)

    try:
        with open_reader(folder) as reader:
            reader.images(0, len(reader))
            reader.labels(0, len(reader))
            reader.truth("boxes", 0, len(reader))
    except (DatasetError, DatasetReadError) as exc:
        assert str(folder) in str(exc)
