"""Datasets of digits: images with labels from 0 to 9."""

import pickle

import numpy as np
import pytest
from loaded import assert_same, load

from number_generator import DigitImageDataset, GenericDataset, generate_batch
from number_generator.digits.resolve import default_digits
from number_generator.errors import DatasetError, SpecError


@pytest.fixture
def numbered(make_digits):
    """Three synthetic digits a class, 8 px high: images and integer labels."""
    return make_digits(8)


@pytest.mark.parametrize(
    "form",
    [
        lambda labels: labels,
        lambda labels: labels.astype(np.uint8),
        lambda labels: labels.tolist(),
        lambda labels: list(map(str, labels)),
        lambda labels: np.array(list(map(str, labels))),
        lambda labels: tuple(map(np.int8, labels)),
    ],
)
def test_labels_of_digits_may_be_integers_or_texts(numbered, form):
    images, labels = numbered

    digits = DigitImageDataset(images, form(labels))

    assert digits.get_data()[1] == list(map(str, labels))
    assert digits.sha256 == DigitImageDataset(images, labels).sha256
    np.testing.assert_array_equal(digits.get_digit_examples(4), images[labels == 4])


def test_digits_without_metadata_have_none(numbered, tmp_path):
    assert DigitImageDataset(*numbered).get_metadata() == {}
    path = tmp_path / "digits.pickle"
    path.write_bytes(pickle.dumps({"images": numbered[0], "labels": numbered[1].tolist()}, protocol=4))
    assert load(DigitImageDataset, path).get_metadata() == {}


@pytest.mark.parametrize("digit", range(10))
def test_all_images_of_a_digit_are_given(digits, digit):
    images, labels = digits

    np.testing.assert_array_equal(default_digits().get_digit_examples(digit), images[labels == digit])


@pytest.mark.parametrize("digit", [-1, 10, "1", 1.0, None, True])
def test_what_is_no_digit_is_refused(numbered, digit):
    digits = DigitImageDataset(*numbered)

    with pytest.raises(SpecError, match="digit is"):
        digits.get_digit_examples(digit)
    with pytest.raises(SpecError, match="digit is"):
        digits.random_sample_digit(digit)


def test_a_random_digit_is_one_of_its_images(numbered):
    images, labels = numbered
    digits = DigitImageDataset(images, labels)

    for digit in range(10):
        drawn = {digits.random_sample_digit(digit, seed=seed).tobytes() for seed in range(50)}

        assert drawn == {image.tobytes() for image in images[labels == digit]}
        assert digits.random_sample_digit(digit).tobytes() in drawn


def test_a_random_digit_is_repeated_by_its_seed(digits):
    first, again, other = (default_digits().random_sample_digit(3, seed=seed) for seed in (7, 7, 8))

    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_random_digit_is_the_callers_own(numbered):
    digits = DigitImageDataset(*numbered)
    before = digits.get_digit_examples(3)

    digits.random_sample_digit(3, seed=1)[:] = 77

    np.testing.assert_array_equal(digits.get_digit_examples(3), before)


def test_the_shape_of_digits_is_width_and_height(make_digit_dataset):
    assert default_digits().get_example_shape() == (28, 28)
    assert make_digit_dataset(33).get_example_shape() == (33, 33)
    assert DigitImageDataset().get_example_shape() == (0, 0)


def test_the_default_digits_are_500_of_each(digits):
    images, labels = digits

    assert images.shape == (5000, 28, 28)
    assert np.bincount(labels).tolist() == [500] * 10


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda images, labels: (images[:, :, :-1], labels), r"the digits are 7 x 8 px: give square images"),
        (lambda images, labels: (images[:, :3, :3], labels), "the digits are 3 x 3 px: .* at least 4 x 4 px"),
        (lambda images, labels: (images.astype(np.float32), labels), "type float32"),
        (lambda images, labels: (images.astype(np.int8), labels), "type int8"),
        (lambda images, labels: (images > 0, labels), "type bool"),
        (lambda images, labels: (images[0], labels), r"shape \(8, 8\)"),
        (lambda images, labels: (images[..., None], labels), r"shape \(30, 8, 8, 1\)"),
        (lambda images, labels: (images[:-1], labels), "there are 29 images and 30 labels"),
        (lambda images, labels: (images, labels[:-1]), "there are 30 images and 29 labels"),
        (lambda images, labels: (images, None), "there are 30 images and 0 labels"),
        (lambda images, labels: (None, labels), "there are 0 images and 30 labels"),
        (lambda images, labels: (images, [10, *labels[1:]]), "label 0 is '10': give digits from 0 to 9"),
        (lambda images, labels: (images, [*labels[1:], -1]), "label 29 is '-1'"),
        (lambda images, labels: (images, ["", *labels[1:]]), "label 0 is ''"),
        (lambda images, labels: (images, ["x", *labels[1:]]), "label 0 is 'x'"),
        (lambda images, labels: (images, ["٣", *labels[1:]]), "label 0 is '٣'"),
        (lambda images, labels: (images, labels.astype(float)), "a label is"),
        (lambda images, labels: (images[labels != 3], labels[labels != 3]), "there is no image of 3:"),
        (lambda images, labels: (images[labels < 8], labels[labels < 8]), "there is no image of 8, 9: .* each digit"),
    ],
)
def test_what_is_no_digit_dataset_is_refused(numbered, tmp_path, changed, message):
    images, labels = changed(*numbered)

    with pytest.raises(DatasetError, match=message):
        DigitImageDataset(images, labels)


@pytest.mark.parametrize("ending", ["pickle", "h5"])
def test_a_file_that_is_no_digit_dataset_is_refused_by_its_name(numbered, tmp_path, ending):
    digits = DigitImageDataset(*numbered)
    GenericDataset(np.zeros((2, 28, 100), np.uint8), ["1", "2"]).save(tmp_path / f"lines.{ending}")

    with pytest.raises(DatasetError, match=r"lines\..*: the digits are 100 x 28 px"):
        digits.load(tmp_path / f"lines.{ending}")

    assert_same(digits, numbered[0], map(str, numbered[1]))


def test_digits_are_added(numbered):
    images, labels = numbered
    digits = DigitImageDataset(images, labels)
    before = digits.sha256
    generate_batch(["4"], (0, 0), 8, digits=digits)

    digits.add_examples(images[:1] * 0 + 200, [4])

    assert len(digits) == 31
    assert digits.sha256 != before
    assert (digits.get_digit_examples(4)[-1] == 200).all()
    drawn = generate_batch(["4"] * 200, (0, 0), 8, digits=digits, seed=1)
    assert (drawn == 55).all(axis=(1, 2)).any()


@pytest.mark.parametrize(("label", "size"), [("x", 8), (10, 8), (1, 9)])
def test_digits_that_do_not_fit_are_not_added(numbered, label, size):
    digits = DigitImageDataset(*numbered)

    with pytest.raises(DatasetError):
        digits.add_examples(np.zeros((1, size, size), np.uint8), [label])

    assert_same(digits, numbered[0], map(str, numbered[1]))


def test_digits_have_the_same_sha256_through_every_format(numbered, tmp_path):
    images, labels = numbered
    digits = DigitImageDataset(images, labels)
    for ending in ("pickle", "h5"):
        digits.save(tmp_path / f"digits.{ending}")
    np.savez(tmp_path / "digits.npz", images=images, labels=labels)
    (tmp_path / "x-images-idx3-ubyte").write_bytes(
        b"\0\0\x08\x03" + np.array(images.shape, ">u4").tobytes() + images.tobytes()
    )
    (tmp_path / "x-labels-idx1-ubyte").write_bytes(
        b"\0\0\x08\x01" + np.array(labels.shape, ">u4").tobytes() + labels.astype(np.uint8).tobytes()
    )

    for name in ("digits.pickle", "digits.h5", "digits.npz", "x-images-idx3-ubyte"):
        assert load(DigitImageDataset, tmp_path / name).sha256 == digits.sha256, name
    assert DigitImageDataset(np.asfortranarray(images), labels).sha256 == digits.sha256


def test_other_digits_have_another_sha256(numbered):
    images, labels = numbered
    sums = {DigitImageDataset(images, labels).sha256, DigitImageDataset(255 - images, labels).sha256}
    sums.add(DigitImageDataset(images, (labels + 1) % 10).sha256)
    sums.add(DigitImageDataset(np.pad(images, ((0, 0), (0, 1), (0, 1))), labels).sha256)

    assert len(sums) == 4


def test_digits_survive_pickling_with_and_without_an_atlas(numbered):
    digits = DigitImageDataset(*numbered)
    before = pickle.loads(pickle.dumps(digits))
    drawn = generate_batch(["123"], (0, 5), 50, digits=digits, seed=1)
    after = pickle.loads(pickle.dumps(digits))

    for again in (before, after):
        assert again.sha256 == digits.sha256
        np.testing.assert_array_equal(generate_batch(["123"], (0, 5), 50, digits=again, seed=1), drawn)


def test_digits_are_a_copy_that_nobody_can_write_to(make_digits):
    images, labels = make_digits(12)
    dataset = DigitImageDataset(images, labels)
    digest = DigitImageDataset(images.copy(), labels).sha256

    images[:] = 0

    assert dataset.sha256 == digest
    with pytest.raises(ValueError, match="read-only"):
        dataset.get_data()[0][0] = 0
