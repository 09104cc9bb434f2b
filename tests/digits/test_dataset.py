"""What a digit dataset carries: ids of writers and clusters, and the numbers of its images through subsets."""

import pickle

import numpy as np
import pytest

from number_generator import DigitImageDataset
from number_generator.digits.splits import split_digits
from number_generator.digits.writers import find_writers
from number_generator.errors import DatasetError, SpecError


def labels_of(dataset):
    return np.array([int(label) for label in dataset.get_data()[1]])


# Images and ids


def test_images_are_read_only_and_classes_are_digits(make_digits):
    images, labels = make_digits(8)
    dataset = DigitImageDataset(images, labels)

    np.testing.assert_array_equal(dataset.images, images)
    np.testing.assert_array_equal(dataset.classes, labels)
    assert dataset.mixture is None
    with pytest.raises(ValueError, match="read-only"):
        dataset.images[0] = 1


def test_ids_are_a_copy_that_nobody_can_write_to(make_digits):
    ids = np.arange(30, dtype=np.uint16)
    dataset = DigitImageDataset(*make_digits(8), writer_ids=ids, cluster_ids=list(range(30)))

    ids[:] = 0

    for kept in (dataset.writer_ids, dataset.cluster_ids):
        np.testing.assert_array_equal(kept, np.arange(30))
        assert kept.dtype == np.int64
        with pytest.raises(ValueError, match="read-only"):
            kept[0] = 1


def test_digits_without_ids_have_none(make_digit_dataset):
    dataset = make_digit_dataset(8)

    assert dataset.writer_ids is None
    assert dataset.cluster_ids is None


def test_ids_do_not_change_the_sha256_of_digits(make_digits):
    images, labels = make_digits(8)

    dataset = DigitImageDataset(images, labels, writer_ids=np.arange(30), cluster_ids=np.arange(30))

    assert dataset.sha256 == DigitImageDataset(images, labels).sha256


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (np.arange(29), r"have shape \(29,\) and type int64: give one integer for each image, shape \(30,\)"),
        (np.zeros((30, 8), int), r"have shape \(30, 8\)"),
        (np.arange(30.0), "type float64"),
        (np.zeros(30, bool), "type bool"),
        (["7"] * 30, "type <U1"),
        ([[1], [1, 2]], "differ in length"),
        (5, r"shape \(\)"),
        (np.full(30, 2**63, np.uint64), r"go up to 9223372036854775808: give integers below 2\*\*63"),
    ],
)
@pytest.mark.parametrize("of", ["writer", "cluster"])
def test_what_are_no_ids_is_refused(make_digits, of, ids, words):
    with pytest.raises(DatasetError, match=f"the {of} ids {words}|the {of} ids .*{words}"):
        DigitImageDataset(*make_digits(8), **{f"{of}_ids": ids})


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_ids_and_groups_survive_pickling(with_writers, protocol):
    find_writers(with_writers, "dataset")

    again = pickle.loads(pickle.dumps(with_writers, protocol))

    np.testing.assert_array_equal(again.writer_ids, with_writers.writer_ids)
    assert find_writers(again, "dataset").sha256 == find_writers(with_writers, "dataset").sha256


def test_added_digits_leave_no_ids(with_writers):
    dataset = DigitImageDataset(*with_writers.get_data(), writer_ids=with_writers.writer_ids)

    dataset.add_examples(np.zeros((1, 8, 8), np.uint8), [4])

    assert dataset.writer_ids is None
    assert len(find_writers(dataset, "mixed").ids) == 91


def test_ids_are_read_from_an_npz_archive(make_digits, tmp_path):
    images, labels = make_digits(8)
    np.savez_compressed(
        tmp_path / "digits.npz", images=images, labels=labels, writer_ids=labels * 3, cluster_ids=labels % 2
    )
    dataset = DigitImageDataset()

    dataset.load(tmp_path / "digits.npz")

    np.testing.assert_array_equal(dataset.writer_ids, labels * 3)
    np.testing.assert_array_equal(dataset.cluster_ids, labels % 2)


def test_wrong_ids_in_an_npz_archive_are_refused_by_its_name(make_digits, tmp_path):
    images, labels = make_digits(8)
    np.savez(tmp_path / "digits.npz", images=images, labels=labels, writer_ids=labels[:-1])

    with pytest.raises(DatasetError, match=r"digits\.npz: the writer ids have shape \(29,\)"):
        DigitImageDataset().load(tmp_path / "digits.npz")


# Subsets


def test_source_numbers_go_back_through_subsets(make_digits):
    images, labels = make_digits(8, per_class=8)
    digits = DigitImageDataset(
        images, labels, {"from": "here"}, writer_ids=np.arange(80), cluster_ids=np.arange(80) % 3
    )
    order = np.random.default_rng(2).permutation(80)

    half = digits.subset(order[:60])
    quarter = half.subset(np.arange(40)[::-1])

    np.testing.assert_array_equal(digits.source_numbers, np.arange(80))
    np.testing.assert_array_equal(quarter.source_numbers, order[:40][::-1])
    np.testing.assert_array_equal(quarter.get_data()[0], images[order[:40][::-1]])
    np.testing.assert_array_equal(labels_of(quarter), labels[order[:40][::-1]])
    np.testing.assert_array_equal(quarter.writer_ids, quarter.source_numbers)
    np.testing.assert_array_equal(quarter.cluster_ids, quarter.source_numbers % 3)
    assert quarter.get_metadata() == {"from": "here"}
    for dataset in (digits, quarter):
        assert dataset.source_numbers.dtype == np.int64
        with pytest.raises(ValueError, match="read-only"):
            dataset.source_numbers[0] = 1


def test_a_subset_is_itself_divided_and_numbers_go_back(make_digit_dataset):
    digits = make_digit_dataset(8, per_class=40)

    parts = split_digits(split_digits(digits, "rest=0.75,test=0.25")["rest"], "train=2/3,val=1/3")

    assert [len(part) for part in parts.values()] == [200, 100]
    for part in parts.values():
        np.testing.assert_array_equal(part.get_data()[0], digits.get_data()[0][part.source_numbers])


def test_clusters_that_a_dataset_does_not_carry_can_be_given_to_a_subset(make_digit_dataset):
    digits = make_digit_dataset(8)

    taken = digits.subset(np.arange(30)[::-1], cluster_ids=np.arange(30) // 10)

    np.testing.assert_array_equal(taken.cluster_ids, np.arange(30)[::-1] // 10)
    with pytest.raises(DatasetError, match=r"the cluster ids have shape \(29,\)"):
        digits.subset(np.arange(30), cluster_ids=np.arange(29))


def test_loaded_and_added_digits_are_numbered_anew(make_digit_dataset, digits_file):
    dataset = make_digit_dataset(12).subset(np.arange(30)[::-1])
    dataset.add_examples(np.zeros((1, 12, 12), np.uint8), [4])
    np.testing.assert_array_equal(dataset.source_numbers, np.arange(31))

    dataset = make_digit_dataset(12).subset(np.arange(30)[::-1])
    dataset.load(digits_file)
    np.testing.assert_array_equal(dataset.source_numbers, np.arange(30))


def test_source_numbers_survive_pickling(make_digit_dataset):
    dataset = make_digit_dataset(8).subset(np.arange(30)[::-1])

    np.testing.assert_array_equal(pickle.loads(pickle.dumps(dataset)).source_numbers, np.arange(30)[::-1])


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (np.ones(30, bool), r"have shape \(30,\) and type bool: give a list of integers \(np\.flatnonzero"),
        ([0.5], "type float64"),
        ([[0, 1]], r"shape \(1, 2\)"),
        ([[0], [1, 2]], "type object"),
        (3, r"shape \(\)"),
        (None, "type object"),
        ([0, -1], "asks for image -1: give numbers from 0 to 29"),
        ([30], "asks for image 30"),
        (np.array([2**64 - 1], np.uint64), "asks for image 18446744073709551615"),
        ([3, 7, 3], "asks 2 times for image 3: give each number once"),
    ],
)
def test_what_are_no_numbers_of_images_is_refused(make_digit_dataset, numbers, words):
    with pytest.raises(SpecError, match=words):
        make_digit_dataset(8).subset(numbers)


def test_a_subset_that_lacks_a_digit_is_refused(make_digit_dataset):
    digits = make_digit_dataset(8)

    with pytest.raises(DatasetError, match="there is no image of 3: give at least one of each"):
        digits.subset(np.flatnonzero(labels_of(digits) != 3))
    assert len(digits.subset([])) == 0
    with pytest.raises(DatasetError, match="the digit dataset is empty"):
        DigitImageDataset().subset([0])
