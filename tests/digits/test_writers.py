"""Groups of digits of one hand: what they hold, who made them, and that they do look alike."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from loaded import digits_of

from number_generator import DigitImageDataset
from number_generator.digits import writers
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import find_writers
from number_generator.errors import DatasetError, SpecError

# Groups


@pytest.mark.parametrize("kind", ["mixed", "cluster", "dataset"])
def test_groups_hold_each_glyph_once_by_digit_and_writer(with_writers, kind):
    dataset = with_writers if kind == "dataset" else packaged_digits()
    _, labels = digits_of(dataset)

    made = find_writers(dataset, kind)

    order = np.argsort(labels, kind="stable")
    glyph_label, glyph_id = labels[order], made.ids[order]
    np.testing.assert_array_equal(made.glyph_group, glyph_id)
    assert len(made.start) == 10 * made.groups + 1
    assert (made.start[0], made.start[-1]) == (0, len(dataset))
    for digit in range(10):
        for group in range(made.groups):
            first, stop = made.start[digit * made.groups + group :][:2]
            expected = np.flatnonzero((glyph_label == digit) & (glyph_id == group))
            np.testing.assert_array_equal(made.members[first:stop], expected, err_msg=f"{digit} of {group}")


def test_a_group_is_a_writer(with_writers):
    made = find_writers(with_writers, "dataset")

    assert (made.kind, made.groups) == ("dataset", 3)
    np.testing.assert_array_equal(np.array([7, 40, 2500])[made.ids], with_writers.writer_ids)


def test_a_digit_that_a_writer_left_out_has_no_glyphs(with_writers):
    made = find_writers(with_writers, "dataset")

    assert made.start[3 * made.groups] == made.start[3 * made.groups + 1]


def test_mixed_is_one_group_of_all(with_writers):
    made = find_writers(with_writers, "mixed")

    assert (made.kind, made.groups, made.sha256, made.is_computed) == ("mixed", 1, "", False)
    np.testing.assert_array_equal(made.members, np.arange(90))
    np.testing.assert_array_equal(made.start, with_writers.atlas.class_start)


def test_arrays_are_int64_as_the_kernels_take_them(with_writers):
    for kind in ("mixed", "dataset"):
        made = find_writers(with_writers, kind)

        for array in (made.ids, made.glyph_group, made.members, made.start):
            assert array.dtype == np.int64
            assert array.flags.c_contiguous


def test_the_hash_is_that_of_the_groups_and_the_kind(with_writers):
    made = find_writers(with_writers, "dataset")

    assert made.sha256 == hashlib.sha256(made.ids.astype("<i4").tobytes() + b"dataset").hexdigest()


def test_the_hash_changes_with_the_groups_and_the_kind_alone(with_writers):
    images, labels = digits_of(with_writers)
    ids = with_writers.writer_ids
    other = np.where(np.arange(len(ids)) == 11, 7 + 40 - ids % 2500, ids)

    sums = {
        "as it is": find_writers(with_writers, "dataset").sha256,
        "one image by another": find_writers(DigitImageDataset(images, labels, writer_ids=other), "dataset").sha256,
        "clusters": find_writers(DigitImageDataset(images, labels, cluster_ids=ids), "cluster").sha256,
    }
    renamed = find_writers(DigitImageDataset(images, labels, writer_ids=ids + 5), "dataset").sha256

    assert len(set(sums.values())) == 3, sums
    assert renamed == sums["as it is"]


def test_groups_are_made_once_whatever_the_number_of_threads(make_digit_dataset, monkeypatch):
    calls = []
    monkeypatch.setattr(
        writers, "compute_style_clusters", lambda images, labels: calls.append(1) or np.zeros(len(labels), np.int64)
    )
    dataset = make_digit_dataset(8)

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: find_writers(dataset, "cluster"), range(8)))

    assert len(calls) == 1
    assert all(again is made[0] for again in made)


def test_groups_are_made_anew_for_other_content(with_writers, make_digits, tmp_path):
    images, labels = make_digits(8, seed=1)
    np.savez(tmp_path / "other.npz", images=images, labels=labels, writer_ids=np.arange(30) % 2)
    dataset = DigitImageDataset(*with_writers.get_data(), writer_ids=with_writers.writer_ids)
    before = find_writers(dataset, "dataset")

    dataset.load(tmp_path / "other.npz")

    assert (before.groups, len(before.ids)) == (3, 90)
    assert (find_writers(dataset, "dataset").groups, len(find_writers(dataset, "dataset").ids)) == (2, 30)


@pytest.mark.parametrize("kind", ["writer", "", "Mixed", None, 1])
def test_an_unknown_kind_is_refused(with_writers, kind):
    with pytest.raises(SpecError, match=r"writer is .*: give 'mixed', 'cluster', 'dataset' or 'auto'"):
        find_writers(with_writers, kind)


def test_writers_of_digits_without_writer_ids_are_refused():
    with pytest.raises(SpecError, match=r"has no writer ids: put QMNIST's .* qmnist-train-labels-idx2-int\.gz"):
        find_writers(packaged_digits(), "dataset")


def test_an_empty_dataset_has_no_writers():
    with pytest.raises(DatasetError, match="the digit dataset is empty"):
        find_writers(DigitImageDataset(), "mixed")


def test_auto_takes_writers_then_clusters_then_all(with_writers, without_sklearn):
    images, labels = digits_of(with_writers)
    ids = with_writers.writer_ids

    def kind(**more):
        return find_writers(DigitImageDataset(images, labels, **more), "auto").kind

    assert kind(writer_ids=ids, cluster_ids=ids) == "dataset"
    assert kind(cluster_ids=ids) == "cluster"
    assert kind() == "mixed"
    assert find_writers(packaged_digits(), "auto").kind == "cluster"
