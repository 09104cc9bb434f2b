"""Style clusters: those of the packaged digits, how others are computed, and the features that they are made of."""

import hashlib
import pickle
import shutil
import subprocess

import numpy as np
import pytest
from installed import installed
from loaded import digits_of
from patience import PATIENCE_S
from scipy import ndimage

from number_generator import DigitImageDataset, GenericDataset
from number_generator.digits import packaged_files, style_clusters
from number_generator.digits.packaged_files import find_packaged_file
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.style_clusters import CLUSTERS, FEATURES, compute_style_clusters, measure_style
from number_generator.digits.writers import find_writers
from number_generator.errors import DatasetError, DatasetReadError, SpecError


def fresh_packaged():
    """The packaged digits without anything that another test has had made of them."""
    return DigitImageDataset(*packaged_digits().get_data())


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
    monkeypatch.setattr(packaged_files, "__file__", str(tmp_path / "number_generator" / "digits" / "module.py"))
    style_clusters._load_packaged_clusters.cache_clear()
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
def some_clustered():
    """A fifth of the packaged digits with computed clusters: (dataset, writers)."""
    pytest.importorskip("sklearn")
    images, labels = digits_of(packaged_digits())
    some = DigitImageDataset(images[::5], labels[::5])
    return some, find_writers(some, "cluster")


def test_clusters_of_other_digits_are_computed(some_clustered):
    some, made = some_clustered

    assert (made.kind, made.groups, made.is_computed) == ("cluster", CLUSTERS, True)
    assert (np.diff(made.start) > 0).all()
    features = measure_style(*digits_of(some))
    for name in ("slant", "stroke width", "aspect"):
        values = features[:, FEATURES.index(name)]
        within = np.sqrt(np.mean([values[made.ids == group].var() for group in range(made.groups)]))
        assert within < 0.8, name  # it is 1 over all images


def test_clusters_are_numbered_from_left_leaning_to_right_leaning(some_clustered):
    some, made = some_clustered

    slant = measure_style(*digits_of(some))[:, FEATURES.index("slant")].clip(-2, 2)
    means = [slant[made.ids == group].mean() for group in range(made.groups)]
    assert means == sorted(means)


@pytest.mark.slow
def test_the_same_digits_have_the_same_clusters_again(some_clustered):
    some, made = some_clustered

    np.testing.assert_array_equal(compute_style_clusters(*digits_of(some)), made.ids)


def test_more_digits_than_are_fitted_all_have_a_cluster(some_clustered, monkeypatch):
    some, made = some_clustered
    monkeypatch.setattr(style_clusters, "_MOST_FITTED", 600)

    ids = compute_style_clusters(*digits_of(some))

    assert ids.shape == made.ids.shape
    assert (np.bincount(ids, minlength=CLUSTERS) > 40).all()


def test_computed_clusters_are_not_computed_again_where_they_are_given(some_clustered, without_sklearn):
    some, made = some_clustered

    given = find_writers(DigitImageDataset(*some.get_data(), cluster_ids=made.ids), "cluster")
    sent = find_writers(pickle.loads(pickle.dumps(some)), "cluster")

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

    monkeypatch.setattr(style_clusters, "_BATCH_PIXELS", 7 * 28 * 28)

    np.testing.assert_allclose(measure_style(images, labels), whole, atol=1e-9)


def test_enclosed_areas_and_holes_are_those_that_scipy_finds():
    inked = digits_of(packaged_digits())[0][::25] >= 128
    diagonals_too = np.ones((3, 3))

    enclosed, holes = style_clusters._count_enclosed(inked), style_clusters._count_holes(inked)

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


@pytest.mark.slow
def test_the_command_computes_the_clusters_of_other_digits(some_clustered, tmp_path):
    """The commands keep numba from loading scipy, which scikit-learn needs."""
    pytest.importorskip("sklearn")
    images, labels = digits_of(some_clustered[0])
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
    assert len(metadata["style_clusters"]) == len(images)
    assert set(metadata["style_clusters"]) <= set("01234567")


def test_digits_of_two_styles_have_two_clusters_and_no_warning():
    """Rounding errors alone tell their points apart from class to class, of which scikit-learn warns."""
    pytest.importorskip("sklearn")
    images = np.zeros((1000, 28, 28), np.uint8)
    for digit in range(10):
        images[100 * digit : 100 * digit + 50, 4:24, 10 : 12 + digit] = 255
        images[100 * digit + 50 : 100 * digit + 100, 5 + digit % 3 : 24, 9 : 13 + digit] = 200
    labels = np.arange(10).repeat(100)
    assert len(np.unique(measure_style(images, labels), axis=0)) > 2

    found = compute_style_clusters(images, labels)

    assert len(np.unique(found)) == 2
