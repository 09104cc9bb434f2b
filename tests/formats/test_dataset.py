"""Datasets of any images: in memory, loaded, and read from files as they are asked for."""

import multiprocessing
import pickle
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import assert_same, load

from number_generator import DigitImageDataset, GenericDataset
from number_generator.errors import (
    DatasetError,
    DatasetIndexError,
    DatasetNotFoundError,
    DatasetReadError,
    OutputError,
    SpecError,
)
from number_generator.formats import dataset as datasets

COUNT = 130  # several HDF5 chunks, the last one not full
HEIGHT, WIDTH = 28, 100
FORMATS = ["pickle", "h5"]


@pytest.fixture(scope="module")
def examples():
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (COUNT, HEIGHT, WIDTH), np.uint8)
    return images, ["" if number == 3 else str(number) * 3 for number in range(COUNT)]


@pytest.fixture(scope="module")
def files(examples, tmp_path_factory):
    """The examples as a file of each format."""
    folder = tmp_path_factory.mktemp("datasets")
    for ending in FORMATS:
        GenericDataset(*examples, {"spacing_range": (5, 10), "image_width": WIDTH}).save(folder / f"lines.{ending}")
    return {ending: folder / f"lines.{ending}" for ending in FORMATS}


@pytest.fixture(params=["memory", *FORMATS])
def dataset(request, examples, files):
    """The examples as a dataset in memory, loaded from a pickle, and lazily read from HDF5."""
    if request.param == "memory":
        return GenericDataset(*examples, {"spacing_range": (5, 10), "image_width": WIDTH})
    return load(GenericDataset, files[request.param])


@pytest.fixture
def numbered(make_digits):
    """Three synthetic digits a class, 8 px high: images and integer labels."""
    return make_digits(8)


# Datasets of any images


def test_an_example_is_an_image_and_its_label(dataset, examples):
    images, labels = examples

    for number in (0, 1, 3, 64, COUNT - 1):
        image, label = dataset[number]
        np.testing.assert_array_equal(image, images[number])
        assert type(label) is str
        assert label == labels[number]


def test_negative_numbers_count_from_the_end(dataset, examples):
    images, labels = examples

    for number in (-1, -2, -COUNT):
        image, label = dataset[number]
        np.testing.assert_array_equal(image, images[number])
        assert label == labels[number]


def test_numbers_may_be_numpy_integers(dataset, examples):
    image, label = dataset[np.uint8(5)]

    np.testing.assert_array_equal(image, examples[0][5])
    assert label == examples[1][5]


@pytest.mark.parametrize("number", [COUNT, -COUNT - 1, 10**30, -(10**30)])
def test_a_number_out_of_range_is_refused(dataset, number):
    with pytest.raises(DatasetIndexError, match=f"there is no image {number}: the dataset has 130; .* -130 to 129"):
        dataset[number]
    with pytest.raises(IndexError):
        dataset[number]


@pytest.mark.parametrize("index", [1.0, "1", None, True, (0, 1), b"1", np.array(1.5)])
def test_an_index_that_is_no_integer_is_refused(dataset, index):
    with pytest.raises(DatasetIndexError, match="there is no image"):
        dataset[index]


def test_a_tuple_is_told_of_lists(dataset):
    with pytest.raises(DatasetIndexError, match=r"there is no image \(0, 2\): .*as in dataset\[\[0, 2\]\]"):
        dataset[0, 2]


@pytest.mark.parametrize(
    "index",
    [[0, 2], [129, 0, 5, 5, -1], [], range(3, 90, 7), np.array([4, 3], np.uint8), np.arange(COUNT) % 3 == 1],
    ids=["two", "any order", "none", "range", "array", "truth values"],
)
def test_a_list_chooses_images(dataset, examples, index):
    images, labels = dataset[index]

    numbers = np.arange(COUNT)[np.array(index, int) if isinstance(index, list) else np.array(index)]
    np.testing.assert_array_equal(images, examples[0][numbers])
    assert images.shape == (len(numbers), HEIGHT, WIDTH)
    assert labels == [examples[1][number] for number in numbers]
    images[:] = 7  # a copy
    np.testing.assert_array_equal(dataset[5][0], examples[0][5])


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([0, COUNT], "there is no image 130: the dataset has 130; give integers from -130 to 129"),
        ([-131], "there is no image -131"),
        ([True, False], "there are 2 truth values for 130 images: give one for each"),
        ([0.5], r"the list of images has shape \(1,\) and type float64: give integers"),
        (["1"], "give integers, or a truth value for each image"),
        ([[0, 1]], r"has shape \(1, 2\)"),
    ],
)
def test_a_list_that_chooses_no_images_is_refused(dataset, index, message):
    with pytest.raises(DatasetIndexError, match=message):
        dataset[index]


def test_an_empty_dataset_has_none_of_a_list():
    assert GenericDataset()[[]][1] == []
    with pytest.raises(DatasetIndexError, match="there is no image 0: the dataset has 0; it is empty"):
        GenericDataset()[[0]]


@pytest.mark.parametrize("as_path", [str, Path])
@pytest.mark.parametrize("ending", FORMATS)
def test_a_path_is_loaded(files, examples, ending, as_path):
    dataset = GenericDataset(as_path(files[ending]))

    np.testing.assert_array_equal(dataset[3][0], examples[0][3])
    assert dataset.get_metadata()["image_width"] == WIDTH
    assert len(dataset) == COUNT


def test_a_path_of_digits_is_loaded_with_writers(tmp_path, numbered):
    images, labels = numbered
    np.savez(tmp_path / "digits.npz", images=images, labels=labels, writer_ids=np.arange(len(images)) // 4)

    digits = DigitImageDataset(tmp_path / "digits.npz")

    np.testing.assert_array_equal(digits.images, images)
    assert digits.writer_ids.tolist() == (np.arange(len(images)) // 4).tolist()


@pytest.mark.parametrize("kind", [GenericDataset, DigitImageDataset])
def test_a_path_comes_alone(files, kind):
    with pytest.raises(SpecError, match=r"images is the path '.*lines\.h5', and labels are given: leave them out"):
        kind(str(files["h5"]), ["1"])
    with pytest.raises(DatasetNotFoundError, match=r"no\.h5: there is no such file"):
        kind("no.h5")


INDICES = st.none() | st.integers(-COUNT - 5, COUNT + 5)


@given(INDICES, INDICES, st.none() | st.integers(-40, 40).filter(bool))
def test_slices_are_those_of_a_list(examples, files, start, stop, step):
    images, labels = examples
    part = slice(start, stop, step)

    for dataset in (GenericDataset(images, labels), load(GenericDataset, files["h5"])):
        got_images, got_labels = dataset[part]

        np.testing.assert_array_equal(got_images, images[part])
        assert got_labels == labels[part]


def test_iteration_gives_every_example_in_order(dataset, examples):
    count = 0

    for number, (image, label) in enumerate(dataset):
        np.testing.assert_array_equal(image, examples[0][number])
        assert label == examples[1][number]
        count += 1

    assert count == COUNT


def test_iteration_in_parts_gives_the_same(monkeypatch, dataset, examples):
    monkeypatch.setattr(datasets, "_ITERATION_BYTES", 7 * HEIGHT * WIDTH)

    images, labels = zip(*dataset, strict=True)

    np.testing.assert_array_equal(images, examples[0])
    assert list(labels) == examples[1]


def test_two_iterations_do_not_disturb_each_other(dataset, examples):
    first, second = iter(dataset), iter(dataset)
    next(first)

    assert [next(first)[1], next(second)[1], next(first)[1]] == [examples[1][number] for number in (1, 0, 2)]


def test_given_images_are_the_callers_own(dataset, examples):
    for image in (dataset[5][0], dataset[5:6][0][0], next(iter(dataset[5:]))[0], list(dataset)[5][0]):
        image[:] = 0

    np.testing.assert_array_equal(dataset[5][0], examples[0][5])
    assert dataset[5][0].flags.writeable


def test_the_metadata_is_given(dataset):
    assert dataset.get_metadata() == {"spacing_range": (5, 10), "image_width": WIDTH}


def test_all_data_are_given(dataset, examples):
    assert_same(dataset, *examples)
    assert_same(dataset, *examples)  # a lazily opened file is in memory now


def test_examples_are_added_at_the_end(dataset, examples):
    images, labels = examples

    dataset.add_examples(images[:2], ["new", 5])

    assert_same(dataset, np.concatenate([images, images[:2]]), [*labels, "new", "5"])
    assert dataset[-1][1] == "5"


def test_adding_nothing_changes_nothing(dataset, examples):
    dataset.add_examples([], [])

    assert_same(dataset, *examples)


def test_examples_are_added_to_an_empty_dataset(examples):
    dataset = GenericDataset()

    dataset.add_examples(*examples)

    assert_same(dataset, *examples)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((1, 28, 100, 3), np.uint8), ["1"], "the new images are in colour and those of the dataset in grey"),
        (np.zeros((1, 28, 100), np.uint8), [], "there are 1 images and 0 labels"),
        (np.zeros((0, 28, 100), np.uint8), ["1"], "there are 0 images and 1 labels"),
        (np.zeros((1, 28, 100)), ["1"], r"shape \(1, 28, 100\) and type float64"),
        (np.zeros((28, 100), np.uint8), ["1"], r"shape \(28, 100\)"),
        ([np.zeros((2, 2), np.uint8), np.zeros((2, 3))], ["1", "2"], r"image 1 has shape \(2, 3\) and type float64"),
        ([np.zeros((2, 2), np.uint8), np.zeros((2, 3, 3), np.uint8)], ["1", "2"], "or all of shape"),
        ([[[1, 2], [3]]], ["1"], "image 0 is a list"),
        (np.zeros((1, 28, 100), np.uint8), [1.5], "a label is 1.5: give texts or whole numbers"),
        (np.zeros((1, 28, 100), np.uint8), [True], "a label is True"),
        (np.zeros((1, 28, 100), np.uint8), [None], "a label is None"),
    ],
)
def test_examples_that_do_not_fit_are_refused_and_nothing_is_added(dataset, examples, images, labels, message):
    with pytest.raises(DatasetError, match=message):
        dataset.add_examples(images, labels)

    assert_same(dataset, *examples)


def test_labels_become_texts(examples):
    images = examples[0][:4]

    for labels in (
        ["1", "22", "", "x"],
        np.array(["1", "22", "", "x"]),
        [b"1", b"22", b"", b"x"],
        [1, 22, np.str_(""), "x"],
    ):
        given = GenericDataset(images, labels).get_data()[1]
        assert given[1:] == ["22", "", "x"]
        assert set(map(type, given)) == {str}
    assert GenericDataset(images, np.array([0, 1, 22, 3], np.uint8)).get_data()[1] == ["0", "1", "22", "3"]


def test_an_empty_dataset_has_no_examples():
    dataset = GenericDataset()

    assert len(dataset) == 0
    assert list(dataset) == []
    assert dataset.get_metadata() == {}
    assert dataset[:][1] == []
    with pytest.raises(DatasetIndexError, match="the dataset is empty"):
        dataset[0]


# Files

TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
METADATA = st.dictionaries(
    st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=8).filter(
        lambda name: name != "job"
    ),
    st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS | st.booleans(),
    max_size=4,
)


@st.composite
def contents(draw):
    shape = (draw(st.integers(0, 40)), draw(st.integers(1, 40)), draw(st.integers(1, 120)))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = draw(st.lists(TEXTS, min_size=shape[0], max_size=shape[0]))
    return random.integers(0, 256, shape, np.uint8), labels, draw(METADATA)


@pytest.mark.parametrize("ending", [*FORMATS, "hdf5", "pkl", "H5"])
@settings(max_examples=15)
@given(content=contents())
def test_a_saved_dataset_loads_the_same(tmp_path_factory, ending, content):
    images, labels, metadata = content
    path = tmp_path_factory.getbasetemp() / f"any.{ending}"

    GenericDataset(images, labels, metadata).save(path)
    loaded = load(GenericDataset, path)

    assert loaded.get_metadata() == metadata
    assert_same(loaded, images, labels)
    assert loaded.get_data()[0].shape == images.shape


@pytest.mark.parametrize("ending", FORMATS)
def test_a_loaded_dataset_saves_in_the_other_format(files, examples, tmp_path, ending):
    loaded = load(GenericDataset, files[ending])

    for other in FORMATS:
        loaded.save(tmp_path / f"again.{other}")

        again = load(GenericDataset, tmp_path / f"again.{other}")
        assert again.get_metadata() == {"spacing_range": (5, 10), "image_width": WIDTH}
        assert_same(again, *examples)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_dataset_is_saved_over_the_file_it_was_loaded_from(files, examples, tmp_path, ending):
    path = tmp_path / f"lines.{ending}"
    shutil.copy(files[ending], path)
    loaded = load(GenericDataset, path)

    loaded.save(path)

    assert_same(load(GenericDataset, path), *examples)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_dataset_of_many_parts_is_saved_whole(monkeypatch, examples, tmp_path, ending):
    monkeypatch.setattr(datasets, "_ITERATION_BYTES", 1)
    images = np.random.default_rng(2).integers(0, 256, (5000, 4, 5), np.uint8)
    labels = [str(number) for number in range(5000)]

    GenericDataset(images, labels).save(tmp_path / f"many.{ending}")

    assert_same(load(GenericDataset, tmp_path / f"many.{ending}"), images, labels)


def test_other_metadata_may_be_saved(examples, tmp_path):
    dataset = GenericDataset(*examples, {"old": 1})

    dataset.save(tmp_path / "lines.pickle", {"new": 2})

    assert load(GenericDataset, tmp_path / "lines.pickle").get_metadata() == {"new": 2}
    assert dataset.get_metadata() == {"old": 1}


def test_a_pickle_is_that_of_version_0_0_1(files, examples):
    content = pickle.loads(files["pickle"].read_bytes())

    assert list(content) == ["images", "labels", "metadata"]
    np.testing.assert_array_equal(content["images"], examples[0])
    assert content["labels"] == examples[1]


def test_the_format_is_told_by_the_content(files, examples, tmp_path):
    for ending, path in files.items():
        for name in ("lines.h5", "lines.pickle", "lines.npz", "lines"):
            renamed = tmp_path / f"{ending}-{name}"
            shutil.copy(path, renamed)

            assert_same(load(GenericDataset, renamed), *examples)


def damage_chunk(path, number):
    """Overwrite the HDF5 chunk that image `number` lies in."""
    with h5py.File(path) as file:
        chunk = file["images"].id.get_chunk_info_by_coord(
            (number // file["images"].chunks[0] * file["images"].chunks[0], 0, 0)
        )
    with path.open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * chunk.size)


def test_opening_an_hdf5_file_reads_no_images(files, examples, tmp_path):
    path = tmp_path / "lines.h5"
    shutil.copy(files["h5"], path)
    damage_chunk(path, 0)

    dataset = load(GenericDataset, path)

    assert len(dataset) == COUNT
    assert dataset.get_metadata()["image_width"] == WIDTH
    assert dataset[COUNT - 1][1] == examples[1][-1]
    np.testing.assert_array_equal(dataset[COUNT - 1][0], examples[0][-1])
    with pytest.raises((DatasetError, DatasetReadError), match=r"lines\.h5"):
        dataset[0]


def first_example(dataset):
    """Run in another process."""
    image, label = dataset[0]
    return image, label, len(dataset)


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_lazily_opened_dataset_works_in_another_process(files, examples, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    dataset = load(GenericDataset, files["h5"])
    dataset[1]

    with multiprocessing.get_context(method).Pool(1) as pool:
        image, label, count = pool.apply(first_example, (dataset,))

    np.testing.assert_array_equal(image, examples[0][0])
    assert (label, count) == (examples[1][0], COUNT)
    assert dataset[1][1] == examples[1][1]


def test_a_dataset_survives_pickling(dataset, examples):
    again = pickle.loads(pickle.dumps(dataset))

    assert again.get_metadata() == dataset.get_metadata()
    assert_same(again, *examples)


@pytest.mark.parametrize("kind", [GenericDataset, DigitImageDataset])
def test_a_file_that_is_not_there_is_reported(tmp_path, kind):
    with pytest.raises(DatasetNotFoundError, match=r"none\.h5"):
        kind().load(tmp_path / "none.h5")


@pytest.mark.parametrize("kind", [GenericDataset, DigitImageDataset])
def test_a_folder_is_no_dataset(tmp_path, kind):
    with pytest.raises(DatasetReadError):
        kind().load(tmp_path)


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x89HDF\r\n\x1a\n", b"\x80\x04.", b"PK\x03\x04"])
def test_a_failed_load_leaves_the_earlier_content(files, examples, numbered, tmp_path, ending, content):
    broken = tmp_path / "broken"
    broken.write_bytes(content)
    lines = load(GenericDataset, files[ending])
    digits = DigitImageDataset(*numbered, {"kept": 1})

    for dataset in (lines, digits):
        with pytest.raises((DatasetError, DatasetReadError), match="broken"):
            dataset.load(broken)

    assert lines.get_metadata()["image_width"] == WIDTH
    assert_same(lines, *examples)
    assert digits.get_metadata() == {"kept": 1}
    assert_same(digits, numbered[0], map(str, numbered[1]))


def test_a_later_load_replaces_an_earlier_one(files, examples, digits_file):
    dataset = load(GenericDataset, digits_file)
    for path in (files["h5"], files["pickle"], files["h5"]):
        dataset.load(path)

        assert len(dataset) == COUNT
        assert dataset[4][1] == examples[1][4]
        assert dataset.get_metadata()["image_width"] == WIDTH


@pytest.mark.parametrize("ending", FORMATS)
def test_a_label_with_nul_is_not_saved(tmp_path, ending):
    dataset = GenericDataset(np.zeros((2, 2, 3), np.uint8), ["7", "7\0"])

    with pytest.raises(DatasetError, match=r"the label '7\\x00' cannot be written"):
        dataset.save(tmp_path / f"lines.{ending}")


@pytest.mark.parametrize(
    "ending", ["jpg", "JPEG", "png", "gif", "tif", "bmp", "zip", "tar", "gz", "csv", "txt", "html"]
)
def test_a_dataset_is_not_saved_under_the_name_of_another_kind_of_file(tmp_path, ending):
    dataset = GenericDataset(np.zeros((1, 2, 3), np.uint8), ["7"])

    with pytest.raises(SpecError, match=rf"lines\.{ending}', but a pickle is written and not what \.{ending.lower()}"):
        dataset.save(tmp_path / f"lines.{ending}")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["lines", "lines.pkl", "lines.p", "lines.dat", "lines.npy", "v1.2", "jpg"])
def test_any_other_name_gives_a_pickle_as_in_version_0_0_1(tmp_path, name):
    GenericDataset(np.zeros((1, 2, 3), np.uint8), ["7"]).save(tmp_path / name)

    assert pickle.loads((tmp_path / name).read_bytes())["labels"] == ["7"]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_dataset_that_never_had_images_is_not_saved(tmp_path, ending):
    with pytest.raises(DatasetError, match="the images are 0 x 0 px: add images"):
        GenericDataset().save(tmp_path / f"lines.{ending}")

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_reported(examples, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(OutputError):
        GenericDataset(*examples).save(tmp_path / "file" / "lines.pickle")


def test_a_lazy_dataset_finds_its_file_from_another_folder(examples, tmp_path, monkeypatch):
    GenericDataset(*examples).save(tmp_path / "lines.h5")
    monkeypatch.chdir(tmp_path)
    dataset = GenericDataset()
    dataset.load("lines.h5")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    sent = pickle.loads(pickle.dumps(dataset))

    assert sent[0][1] == dataset[0][1]


@pytest.mark.parametrize("value", [Path("x"), lambda: 0, "\ud800", {"a": {"b": object()}}])
def test_metadata_that_could_not_be_read_back_is_not_saved(examples, tmp_path, value):
    with pytest.raises(SpecError, match=r"metadata 'odd' is .*, which cannot be saved: give numbers, texts"):
        GenericDataset(*examples).save(tmp_path / "lines.pickle", {"odd": value})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [5, None, "a\0.pickle", "\ud800.pickle"])
def test_a_dataset_is_saved_to_a_file_name_only(examples, name):
    with pytest.raises(SpecError, match="the output path is"):
        GenericDataset(*examples).save(name)


@pytest.mark.parametrize("labels", [5, np.array(5)])
def test_labels_that_are_no_list_are_refused(labels):
    with pytest.raises(DatasetError, match="give a list with one label for each image"):
        GenericDataset(np.zeros((1, 4, 4), np.uint8), labels)


@pytest.mark.parametrize("metadata", [5, "text", [("a", 1)]])
def test_metadata_that_is_no_dict_is_refused(metadata):
    with pytest.raises(SpecError, match=r"metadata is .*: give a dict"):
        GenericDataset(metadata=metadata)
