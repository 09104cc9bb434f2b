"""Groups of digits of one hand: what they hold, who made them, and that they do look alike."""

import hashlib
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from installed import installed
from patience import PATIENCE_S
from scipy import ndimage

from number_generator import DigitImageDataset, GenericDataset
from number_generator.digits import resolve as digit_datasets
from number_generator.digits import writers
from number_generator.digits.resolve import find_packaged_file, packaged_digits
from number_generator.digits.writers import CLUSTERS, FEATURES, compute_style_clusters, find_writers, measure_style
from number_generator.errors import DatasetError, DatasetReadError, SpecError


@pytest.fixture(scope="session")
def with_writers(make_digits):
    """90 synthetic digits by the writers 7, 40 and 2500, of whom 7 has written no 3."""
    images, labels = make_digits(8, per_class=9)
    ids = np.random.default_rng(5).choice([7, 40, 2500], len(labels))
    ids[(labels == 3) & (ids == 7)] = 40
    return DigitImageDataset(images, labels, writer_ids=ids)


@pytest.fixture
def without_sklearn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)


def digits_of(dataset):
    images, labels = dataset.get_data()
    return images, np.array([int(label) for label in labels])


def fresh_packaged():
    """The packaged digits without anything that another test has had made of them."""
    return DigitImageDataset(*packaged_digits().get_data())


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
    with pytest.raises(SpecError, match=r"has no writer ids: lay QMNIST's .* qmnist-train-labels-idx2-int\.gz"):
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


# Clusters of the packaged digits


def test_the_packaged_clusters_need_no_scikit_learn(without_sklearn):
    made = find_writers(fresh_packaged(), "cluster")

    assert (made.kind, made.groups, made.is_computed) == ("cluster", CLUSTERS, False)


def test_the_packaged_clusters_are_those_of_the_packaged_digits():
    path = find_packaged_file("digit_clusters.npz", "style clusters")

    with np.load(path) as content:
        assert str(content["digits_sha256"]) == packaged_digits().sha256
        np.testing.assert_array_equal(find_writers(packaged_digits(), "cluster").ids, content["ids"])
    recorded = path.with_name("digit_clusters.npz.sha256").read_text().split()
    assert recorded == [hashlib.sha256(path.read_bytes()).hexdigest(), "digit_clusters.npz"]


def test_packaged_digits_from_another_file_have_their_clusters(tmp_path, without_sklearn):
    packaged_digits().save(tmp_path / "digits.h5")
    dataset = DigitImageDataset()
    dataset.load(tmp_path / "digits.h5")

    assert find_writers(dataset, "auto").sha256 == find_writers(packaged_digits(), "cluster").sha256


def test_as_many_other_digits_do_not_get_the_packaged_clusters():
    images, labels = digits_of(packaged_digits())

    assert find_writers(DigitImageDataset(images[::-1], labels[::-1]), "auto").kind == "mixed"


def test_every_packaged_digit_has_15_images_in_every_cluster():
    made = find_writers(packaged_digits(), "cluster")

    assert np.diff(made.start).min() >= 15


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_damaged_or_missing_packaged_clusters_are_reported(monkeypatch, tmp_path, damage):
    shutil.copytree(find_packaged_file("digits.npz", "digits").parent, tmp_path / "data")
    monkeypatch.setattr(digit_datasets, "__file__", str(tmp_path / "number_generator" / "digits" / "resolve.py"))
    writers._packaged_clusters.cache_clear()
    path = tmp_path / "data" / "digit_clusters.npz"
    if damage == "changed":
        path.write_bytes(path.read_bytes() + b"x")
    else:
        path.unlink()

    error, words = {
        "changed": (DatasetError, r"the packaged style clusters, .*digit_clusters\.npz, are damaged"),
        "missing": (DatasetReadError, "the packaged style clusters are missing from"),
    }[damage]
    with pytest.raises(error, match=words):
        find_writers(fresh_packaged(), "cluster")


def measured_lean_and_stroke(images):
    """Slant and stroke width by other means than the clusters': a fitted line of row centres, and binary outlines."""
    rows, columns = np.arange(28.0), np.arange(28.0)
    lean, stroke = [], []
    for image in images.astype(float):
        weight = image.sum(axis=1)
        inked = weight > 0
        centres = (image @ columns)[inked] / weight[inked]
        lean.append(-np.polyfit(rows[inked], centres, 1, w=np.sqrt(weight[inked]))[0])
        binary = np.pad(image >= 128, 1)
        outline = (binary[1:] != binary[:-1]).sum() + (binary[:, 1:] != binary[:, :-1]).sum()
        stroke.append(2 * binary.sum() / outline)
    return np.array(lean), np.array(stroke)


def test_lines_of_a_cluster_look_written_by_one_hand():
    images, labels = digits_of(packaged_digits())
    made = find_writers(packaged_digits(), "cluster")
    labels_of_glyphs, order = np.sort(labels), np.argsort(labels, kind="stable")
    random = np.random.default_rng(20)
    mixed, clustered = [], []
    for _ in range(400):
        digits = random.integers(0, 10, 11)
        cells = digits * made.groups + random.integers(made.groups)
        clustered.append(made.members[random.integers(made.start[cells], made.start[cells + 1])])
        mixed.append([random.choice(np.flatnonzero(labels_of_glyphs == digit)) for digit in digits])

    for name, measure in zip(("slant", "stroke width"), measured_lean_and_stroke(images[order]), strict=True):
        # Digits of different classes differ whoever writes them: each is compared with the mean of its class.
        scaled = (
            measure - np.array([measure[labels_of_glyphs == digit].mean() for digit in range(10)])[labels_of_glyphs]
        )
        ratio = np.std(scaled[np.array(clustered)], axis=1).mean() / np.std(scaled[np.array(mixed)], axis=1).mean()
        assert ratio < 0.8, f"{name}: {ratio}"


# Clusters of other digits


def test_missing_scikit_learn_is_named_with_the_way_to_get_it(make_digit_dataset, without_sklearn):
    with pytest.raises(SpecError, match=r"`pip install scikit-learn` .*, or give writer 'mixed'"):
        find_writers(make_digit_dataset(8), "cluster")


def test_clusters_that_a_dataset_carries_are_taken(with_writers, without_sklearn):
    images, labels = digits_of(with_writers)
    ids = np.arange(90) % 4

    made = find_writers(DigitImageDataset(images, labels, cluster_ids=ids), "cluster")

    assert (made.groups, made.is_computed) == (4, False)
    np.testing.assert_array_equal(made.ids, ids)


@pytest.fixture(scope="session")
def half_clustered():
    """Half of the packaged digits with computed clusters: (dataset, writers)."""
    pytest.importorskip("sklearn")
    images, labels = digits_of(packaged_digits())
    half = DigitImageDataset(images[::2], labels[::2])
    return half, find_writers(half, "cluster")


def test_clusters_of_other_digits_are_computed(half_clustered):
    half, made = half_clustered

    assert (made.kind, made.groups, made.is_computed) == ("cluster", CLUSTERS, True)
    assert (np.diff(made.start) > 0).all()
    features = measure_style(*digits_of(half))
    for name in ("slant", "stroke width", "aspect"):
        values = features[:, FEATURES.index(name)]
        within = np.sqrt(np.mean([values[made.ids == group].var() for group in range(made.groups)]))
        assert within < 0.8, name  # it is 1 over all images


def test_clusters_are_numbered_from_left_leaning_to_right_leaning(half_clustered):
    half, made = half_clustered

    slant = measure_style(*digits_of(half))[:, FEATURES.index("slant")].clip(-2, 2)
    means = [slant[made.ids == group].mean() for group in range(made.groups)]
    assert means == sorted(means)


@pytest.mark.slow
def test_the_same_digits_have_the_same_clusters_again(half_clustered):
    half, made = half_clustered

    np.testing.assert_array_equal(compute_style_clusters(*digits_of(half)), made.ids)


def test_more_digits_than_are_fitted_all_have_a_cluster(half_clustered, monkeypatch):
    half, made = half_clustered
    monkeypatch.setattr(writers, "_MOST_FITTED", 1500)

    ids = compute_style_clusters(*digits_of(half))

    assert ids.shape == made.ids.shape
    assert (np.bincount(ids, minlength=CLUSTERS) > 100).all()


def test_computed_clusters_are_not_computed_again_where_they_are_given(half_clustered, without_sklearn):
    half, made = half_clustered

    given = find_writers(DigitImageDataset(*half.get_data(), cluster_ids=made.ids), "cluster")
    sent = find_writers(pickle.loads(pickle.dumps(half)), "cluster")

    assert given.sha256 == sent.sha256 == made.sha256


@pytest.mark.parametrize(("per_class", "groups"), [(1, 1), (19, 1), (20, 2), (45, 4)])
def test_few_digits_have_few_clusters(make_digit_dataset, per_class, groups):
    pytest.importorskip("sklearn")

    assert find_writers(make_digit_dataset(8, per_class=per_class), "cluster").groups == groups


def test_equal_digits_are_one_cluster():
    pytest.importorskip("sklearn")
    images = np.tile(np.eye(8, dtype=np.uint8), (400, 1, 1))

    assert find_writers(DigitImageDataset(images, np.arange(400) % 10), "cluster").groups == 1


# Features


def drawn(size, *strokes):
    """An image with lines, each ((row, column), (row, column), width)."""
    rows, columns = np.mgrid[:size, :size]
    image = np.zeros((size, size), np.uint8)
    for (row, column), (end_row, end_column), width in strokes:
        along = np.array([end_row - row, end_column - column], float)
        length = np.hypot(*along)
        along /= length
        place = (rows - row) * along[0] + (columns - column) * along[1]
        beside = np.abs((rows - row) * along[1] - (columns - column) * along[0])
        image[(place >= -1e-9) & (place <= length + 1e-9) & (beside <= width / 2)] = 255
    return image


BAR = drawn(28, ((4, 14), (24, 14), 3))
BOX = drawn(28, ((5, 8), (5, 20), 3), ((22, 8), (22, 20), 3), ((5, 8), (22, 8), 3), ((5, 20), (22, 20), 3))
SPLIT_BOX = np.maximum(BOX, drawn(28, ((14, 8), (14, 20), 3)))
OPEN_BOX = np.where(np.arange(28) > 18, 0, BOX).astype(np.uint8)


@pytest.mark.parametrize(
    ("feature", "less", "more"),
    [
        ("slant", BAR, drawn(28, ((4, 19), (24, 9), 3))),
        ("slant", drawn(28, ((4, 9), (24, 19), 3)), BAR),
        ("stroke width", BAR, drawn(28, ((4, 14), (24, 14), 6))),
        ("aspect", BOX, drawn(28, ((10, 4), (10, 24), 3), ((18, 4), (18, 24), 3))),
        ("darkness", BAR // 2, BAR),
        ("enclosed area", OPEN_BOX, BOX),
        ("holes", BOX, SPLIT_BOX),
        ("holes", drawn(28, ((4, 8), (24, 8), 3), ((4, 20), (24, 20), 3)), BAR),
        ("straightness", BOX, BAR),
        ("stroke length", BAR, BOX),
        ("centre of weight", np.maximum(BAR, BOX * (np.mgrid[:28, :28][0] > 18)), np.maximum(BAR, BOX[::-1] // 2)),
    ],
)
def test_a_feature_grows_with_what_it_is_named_after(feature, less, more):
    values = measure_style(np.stack([less, more]), np.array([1, 1]))[:, FEATURES.index(feature)]

    np.testing.assert_allclose(values, [-1, 1])


def test_features_are_in_standard_deviations_within_each_class():
    images, labels = digits_of(packaged_digits())

    features = measure_style(images, labels)

    assert features.shape == (5000, len(FEATURES))
    for digit in range(10):
        np.testing.assert_allclose(features[labels == digit].mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(features[labels == digit].std(axis=0), 1)


def test_features_do_not_depend_on_what_is_measured_at_once(monkeypatch):
    images, labels = (array[::50] for array in digits_of(packaged_digits()))
    whole = measure_style(images, labels)

    monkeypatch.setattr(writers, "_BATCH_PIXELS", 7 * 28 * 28)

    np.testing.assert_allclose(measure_style(images, labels), whole, atol=1e-9)


def test_enclosed_areas_and_holes_are_those_that_scipy_finds():
    inked = digits_of(packaged_digits())[0][::25] >= 128
    diagonals_too = np.ones((3, 3))

    enclosed, holes = writers._enclosed_area(inked), writers._holes(inked)

    for number, image in enumerate(inked):
        # Ink that meets at corners is joined, so paper is not.
        assert enclosed[number] == ndimage.binary_fill_holes(image).sum() - image.sum(), number
        _, papers = ndimage.label(np.pad(~image, 1, constant_values=True))
        _, pieces = ndimage.label(image, diagonals_too)
        assert holes[number] == papers - pieces, number


@pytest.mark.parametrize("size", [4, 5, 40])
def test_digits_of_any_size_and_without_ink_have_features(make_digits, size):
    images, labels = make_digits(size)
    images[0], images[1] = 0, 0
    images[1, 2] = 9
    images[2], images[3] = 0, 0
    images[2, 1, 1], images[3, :, 1] = 1, 255

    features = measure_style(images, labels)

    assert np.isfinite(features).all()
    assert np.abs(features).max() < len(labels)


# What a digit dataset carries


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


def test_the_command_computes_the_clusters_of_other_digits(half_clustered, tmp_path):
    """The commands keep numba from loading scipy, which scikit-learn needs."""
    pytest.importorskip("sklearn")
    images, labels = digits_of(half_clustered[0])
    np.savez(tmp_path / "own.npz", images=images, labels=labels)
    arguments = ["--num-images=3", f"--digits={tmp_path / 'own.npz'}", "--style=natural", "--set=writer=cluster"]

    done = subprocess.run(
        [installed("generate-phone-numbers"), *arguments, f"--output-path={tmp_path / 'set.h5'}"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    dataset = GenericDataset()
    dataset.load(tmp_path / "set.h5")
    metadata = dataset.get_metadata()
    assert metadata["writer"] == "cluster"
    assert len(metadata["compute_style_clusters"]) == len(images)
    assert set(metadata["compute_style_clusters"]) <= set("01234567")
