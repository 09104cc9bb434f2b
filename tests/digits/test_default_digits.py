"""The default digits: the packaged ones, those of an environment variable, or those of a file that is set."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from number_generator import DigitImageDataset, generate_batch, set_default_dataset_filepath
from number_generator.digits import resolve as digit_datasets
from number_generator.digits.resolve import default_digits, load_digits, packaged_digits
from number_generator.errors import DatasetError, DatasetNotFoundError, SpecError


def two_files(make_digit_dataset, tmp_path):
    for size in (12, 16):
        make_digit_dataset(size).save(tmp_path / f"{size}.pickle")
    return tmp_path / "12.pickle", tmp_path / "16.pickle"


def default_height():
    return generate_batch(["1"], (0, 0), 20, seed=1).shape[1]


def test_the_default_digits_are_the_packaged_ones():
    assert default_height() == 28
    assert default_digits() is default_digits()


def test_no_speck_lies_beside_a_packaged_digit():
    ink = packaged_digits().images.reshape(-1, 28, 28) > 0
    # Pixels of one image that touch, at corners too, are a piece of ink.
    pieces, count = ndimage.label(ink, np.pad(np.ones((1, 3, 3)), ((1, 1), (0, 0), (0, 0))))

    sizes = np.bincount(pieces.ravel())[1:]

    assert count < 5050  # a few digits have a broken stroke
    assert sizes.min() > 20


def test_the_environment_variable_names_the_default_digits(monkeypatch, digits_file):
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", str(digits_file))

    assert default_height() == 12


def test_the_environment_variable_is_read_when_digits_are_needed(monkeypatch, make_digit_dataset, tmp_path):
    for path, height in zip(two_files(make_digit_dataset, tmp_path), (12, 16), strict=True):
        monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", str(path))
        assert default_height() == height
    monkeypatch.delenv("NG_DEFAULT_DIGIT_DATASET")
    assert default_height() == 28


def test_an_empty_environment_variable_is_none(monkeypatch):
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", "")

    assert default_height() == 28


def test_a_set_file_goes_before_the_environment_variable(monkeypatch, make_digit_dataset, tmp_path):
    small, large = two_files(make_digit_dataset, tmp_path)
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", str(small))

    returned = set_default_dataset_filepath(large)

    assert default_height() == 16
    assert default_digits().sha256 == returned.sha256
    assert returned.get_example_shape() == (16, 16)


@pytest.mark.parametrize("form", [str, Path, os.fspath])
def test_a_set_file_is_found_from_another_folder(monkeypatch, digits_file, tmp_path, form):
    monkeypatch.chdir(digits_file.parent)
    set_default_dataset_filepath(form(digits_file.name))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert default_height() == 12


def test_a_file_that_cannot_be_used_leaves_the_default(monkeypatch, digits_file, tmp_path):
    set_default_dataset_filepath(digits_file)
    (tmp_path / "broken.pickle").write_bytes(b"nonsense")

    with pytest.raises(DatasetError, match=r"broken\.pickle"):
        set_default_dataset_filepath(tmp_path / "broken.pickle")
    with pytest.raises(DatasetNotFoundError, match=r"none\.pickle"):
        set_default_dataset_filepath(tmp_path / "none.pickle")
    with pytest.raises(SpecError):
        set_default_dataset_filepath(5)

    assert default_height() == 12


def test_an_environment_variable_that_names_no_file_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", str(tmp_path / "none.pickle"))

    with pytest.raises(DatasetNotFoundError, match=r"none\.pickle"):
        default_height()


def test_a_changed_file_is_read_again(make_digit_dataset, digits_file):
    set_default_dataset_filepath(digits_file)
    assert default_height() == 12

    make_digit_dataset(16).save(digits_file)

    assert default_height() == 16


def test_an_unchanged_file_is_read_once(digits_file):
    assert digit_datasets.load_digits(digits_file) is digit_datasets.load_digits(str(digits_file))


def test_other_digits_loaded_into_a_returned_dataset_do_not_change_the_default(make_digit_dataset, tmp_path):
    small, large = two_files(make_digit_dataset, tmp_path)
    returned = set_default_dataset_filepath(large)

    returned.load(small)

    assert default_height() == 16
    assert generate_batch(["7"], (5, 10), 40, digits=large).shape == (1, 16, 40)


def test_new_labels_of_an_idx_pair_are_noticed(make_digits, tmp_path):
    images, labels = make_digits(12)
    path, second = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes() + images.tobytes())
    head = b"\0\0\x08\x01" + np.array(len(labels), ">u4").tobytes()
    second.write_bytes(head + labels.astype(np.uint8).tobytes())
    before = digit_datasets.load_digits(path).sha256

    second.write_bytes(head + (9 - labels).astype(np.uint8).tobytes())
    os.utime(second, ns=(1, 1))

    assert digit_datasets.load_digits(path).sha256 != before


@pytest.mark.parametrize("number", [2, 5, 20])
def test_each_of_any_number_of_sources_is_read_once(number, make_digit_dataset, monkeypatch, tmp_path):
    for source in range(number):
        make_digit_dataset(12, seed=source).save(tmp_path / f"{source}.npz")
    digits = {str(tmp_path / f"{source}.npz"): 1 + source for source in range(number)}
    read, load = [], DigitImageDataset.load
    monkeypatch.setattr(DigitImageDataset, "load", lambda self, path: read.append(path) or load(self, path))

    batches = [generate_batch(["0123"], (0, 2), 60, digits=digits, seed=1) for _ in range(3)]

    assert sorted(read) == sorted(digits)
    assert (batches[0] == batches[2]).all()
    assert load_digits(digits) is load_digits(digits)


def test_a_source_of_a_mixture_that_changes_is_noticed(make_digit_dataset, tmp_path):
    paths = [str(tmp_path / f"{source}.npz") for source in range(6)]
    for source, path in enumerate(paths):
        make_digit_dataset(12, seed=source).save(path)
    before = load_digits(dict.fromkeys(paths, 1.0))

    make_digit_dataset(12, seed=99).save(paths[3])

    after = load_digits(dict.fromkeys(paths, 1.0))
    np.testing.assert_array_equal(after.images[:90], before.images[:90])
    assert (after.images[90:120] != before.images[90:120]).any()
