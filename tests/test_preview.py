"""`preview`: contact sheets of styles and datasets."""

import doctest
import inspect
import pickle
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from noise import noise
from PIL import Image
from written import names_in

import number_generator
from number_generator import GenericDataset, Handwriting, contact_sheets, generate_batch, preview
from number_generator.errors import DatasetError, DatasetNotFoundError, OutputError, SpecError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.rendering.sheet import contact_sheet

module = import_module("number_generator.preview")


@pytest.fixture(params=["h5", "pickle"])
def dataset_file(request, tmp_path):
    """A file of 100 images, each of one grey that tells its number, labelled with it."""
    images = np.empty((100, 8, 30), np.uint8)
    images[:] = np.arange(100, dtype=np.uint8)[:, None, None]
    path = tmp_path / f"dataset.{request.param}"
    GenericDataset(images, [str(number) for number in range(100)]).save(path)
    return path


@pytest.fixture
def shown(monkeypatch):
    """What `contact_sheet` was called with last: a list of images and labels."""
    seen = []

    def spy(images, labels):
        seen[:] = [images, list(labels)]
        return contact_sheet(images, labels)

    monkeypatch.setattr(contact_sheets, "contact_sheet", spy)
    return seen


# --- preview of a style


@pytest.mark.parametrize("style", ["clean", "natural", "document"])
def test_a_style_is_shown_as_generate_batch_draws_it(shown, style):
    preview(style, count=12, width=90, seed=5)

    images, labels = shown
    gaps = (5, 10) if style == "clean" else None
    assert np.array_equal(images, generate_batch(labels, gaps, 90, style=style, seed=5))


def test_the_sheet_is_the_one_of_those_images(shown):
    sheet = preview("clean", count=5)

    assert np.array_equal(sheet, contact_sheet(*shown))


def test_the_drawn_numbers_have_two_to_seven_digits(shown):
    preview("clean", count=300, seed=1)

    labels = shown[1]
    assert {len(label) for label in labels} == {2, 3, 4, 5, 6, 7}
    assert set("".join(labels)) == set("0123456789")
    assert len(set(labels)) > 200


def test_the_seed_makes_the_sheet():
    first = preview("clean", count=20, seed=2**64 - 1)

    assert np.array_equal(first, preview("clean", count=20, seed=2**64 - 1))
    assert not np.array_equal(first, preview("clean", count=20, seed=3))


def test_fewer_images_are_the_first_of_more(shown):
    preview("clean", count=20, seed=4)
    images, labels = shown

    preview("clean", count=7, seed=4)

    assert shown[1] == labels[:7]
    assert np.array_equal(shown[0], images[:7])


@pytest.mark.parametrize(
    ("sequences", "labels"),
    [
        (["12", ""], ["12", "", "12", "", "12"]),
        ([[1, 2], [3]], ["12", "3", "12", "3", "12"]),
        (np.array([[0, 7], [4, 2]]), ["07", "42", "07", "42", "07"]),
        (["1", "2", "3", "4", "5", "6"], ["1", "2", "3", "4", "5"]),
    ],
)
def test_given_sequences_are_written_over_and_over(shown, sequences, labels):
    preview("clean", count=5, sequences=sequences)

    assert shown[1] == labels
    assert np.array_equal(shown[0], generate_batch(labels, (5, 10), 128, seed=0))


@pytest.mark.parametrize("style", ["clean", "natural"])
def test_given_sequences_may_have_separators(shown, style):
    preview(style, count=2, sequences=["+1 (2)"])

    assert shown[1] == ["+1 (2)"] * 2


def test_spacing_and_digits_are_those_given(shown, digits_file):
    preview("clean", count=4, spacing_range=(0, 1), digits=digits_file, width=40)

    images, labels = shown
    assert np.array_equal(images, generate_batch(labels, (0, 1), 40, seed=0, digits=digits_file))


def test_a_style_may_be_a_file_or_a_handwriting(tmp_path):
    path = tmp_path / "Leaning.TOML"
    path.write_text('base = "natural"\nslant = [0.4, 0.5]\n')

    sheets = [
        preview(source, count=4) for source in (path, str(path), Handwriting.named("natural").replace(slant=(0.4, 0.5)))
    ]

    assert np.array_equal(sheets[0], sheets[1])
    assert np.array_equal(sheets[0], sheets[2])
    assert not np.array_equal(sheets[0], preview("natural", count=4))


# --- preview of a dataset


def test_the_images_are_spread_evenly_over_the_dataset(shown, dataset_file):
    preview(dataset_file, count=12)

    images, labels = shown
    numbers = [int(label) for label in labels]
    assert (numbers[0], numbers[-1]) == (0, 99)
    assert set(np.diff(numbers)) == {9}
    assert (images == np.array(numbers)[:, None, None]).all()


@pytest.mark.parametrize("count", [1, 2, 7, 60, 99])
def test_spread_images_are_all_different_and_far_apart(shown, dataset_file, count):
    preview(dataset_file, count=count)

    steps = np.diff([int(label) for label in shown[1]])
    assert len(shown[1]) == count
    assert count == 1 or steps.max() - steps.min() <= 1
    assert steps.min(initial=1) >= 1


@pytest.mark.parametrize("count", [100, 1000])
def test_a_dataset_of_fewer_images_is_shown_whole(shown, dataset_file, count):
    preview(str(dataset_file), count=count)

    assert shown[1] == [str(number) for number in range(100)]


def test_a_dataset_may_be_an_object(shown):
    images = noise(10)

    preview(GenericDataset(images, [str(number) for number in range(10)]), count=4)

    assert shown[1] == ["0", "3", "6", "9"]
    assert np.array_equal(shown[0], images[::3])


def test_a_large_file_is_not_read_whole(monkeypatch, tmp_path):
    path = tmp_path / "large.h5"
    GenericDataset(noise(5000), ["1"] * 5000).save(path)
    read = []
    monkeypatch.setattr(
        Hdf5Reader,
        "images",
        lambda self, start, stop, step=1, original=Hdf5Reader.images: (
            read.append(stop - start) or original(self, start, stop, step)
        ),
    )

    preview(path, count=20)

    assert read == [1] * 20


def test_a_file_named_like_a_style_needs_its_folder(shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    GenericDataset(noise(3), ["1", "2", "3"]).save("natural")

    preview("./natural")

    assert shown[1] == ["1", "2", "3"]


# --- errors and files


@pytest.mark.parametrize(
    ("source", "keywords", "error", "message"),
    [
        ("clean", {"count": 0}, SpecError, "count is 0: give an integer, from 1 to 10000"),
        ("clean", {"count": 10_001}, SpecError, "count is 10001"),
        ("clean", {"count": "5"}, SpecError, "count is '5'"),
        ("clean", {"width": 0}, SpecError, "width is 0"),
        ("clean", {"seed": -1}, SpecError, "seed is -1"),
        ("clean", {"seed": None}, SpecError, "seed is None: give an integer"),
        ("clean", {"sequences": []}, SpecError, "sequences is empty"),
        ("clean", {"sequences": "123"}, SpecError, "single text"),
        (
            "clean",
            {"sequences": ["1-2", "1a"]},
            SpecError,
            "which holds 'a': give digits from 0 to 9 and the signs",
        ),
        ("clean", {"spacing_range": (3, 1)}, SpecError, r"spacing_range is \(3, 1\)"),
        ("clean", {"path": "sheet.jpg"}, SpecError, "path is 'sheet.jpg': give a file name that ends in .png"),
        ("clean", {"path": "a\0.png"}, SpecError, r"path is 'a\\x00.png'"),
        ("clean", {"path": 5}, SpecError, "path is 5: give a file name"),
        ("naturel", {}, DatasetNotFoundError, "source is 'naturel', which is neither a style nor a file: give 'clean'"),
        (Path("no.h5"), {}, DatasetNotFoundError, "source is 'no.h5', which is neither"),
        ("no.toml", {}, SpecError, "the style no.toml cannot be read"),
        (5, {}, SpecError, "source is a int: give the name of a style"),
        (GenericDataset(), {}, DatasetError, "the dataset holds no images"),
        (GenericDataset(noise(1), ["1"]), {"sequences": ["1"]}, SpecError, "sequences is given and the source is a da"),
        (GenericDataset(noise(1), ["1"]), {"digits": "d.h5"}, SpecError, "digits is given"),
        (GenericDataset(noise(1), ["1"]), {"spacing_range": (1, 2)}, SpecError, "spacing_range is given"),
    ],
)
def test_what_cannot_be_shown_is_told(tmp_path, monkeypatch, source, keywords, error, message):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(error, match=message):
        preview(source, **{"path": "sheet.png", **keywords})

    assert names_in(tmp_path) == []


def test_a_file_that_is_no_dataset_is_told(tmp_path):
    path = tmp_path / "text"
    path.write_text("neither")

    with pytest.raises(DatasetError, match="belong to no known format"):
        preview(path)


def test_missing_labels_of_a_file_that_is_there_are_what_is_told(tmp_path):
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 7]))

    with pytest.raises(DatasetNotFoundError, match="label"):
        preview(path)


def test_the_file_holds_the_sheet(tmp_path):
    path = tmp_path / "new" / "Sheet.PNG"

    sheet = preview("clean", path, count=6)

    with Image.open(path) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        assert np.array_equal(np.asarray(image), sheet)
    assert names_in(path.parent) == ["Sheet.PNG"]


def test_an_earlier_sheet_is_replaced(tmp_path):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"earlier")

    preview("clean", path, count=2)

    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stop"])
def test_a_failed_write_leaves_the_earlier_sheet(tmp_path, monkeypatch, failure):
    path = tmp_path / "sheet.png"
    path.write_bytes(b"earlier")

    def save(self, file, file_format):
        file.write(b"half")
        raise failure

    monkeypatch.setattr(Image.Image, "save", save)

    with pytest.raises((OutputError, KeyboardInterrupt)):
        preview("clean", path, count=2)

    assert path.read_bytes() == b"earlier"
    assert names_in(tmp_path) == ["sheet.png"]


# --- the public name


def test_the_public_name_is_the_function_whatever_is_loaded():
    import_module("number_generator.preview")

    assert inspect.isfunction(number_generator.preview)
    assert pickle.loads(pickle.dumps(number_generator.preview)) is preview


def test_the_examples_run():
    result = doctest.testmod(module, raise_on_error=False)

    assert result.attempted > 0
    assert result.failed == 0
