"""Several sources of digits at once, and whatever names digits."""

import json
import os
import pickle
import shlex

import numpy as np
import pytest

from number_generator import (
    DigitImageDataset,
    GenericDataset,
    Handwriting,
    generate_batch,
    generate_chunk,
    split_digits,
)
from number_generator._kernels import layout
from number_generator.commands.generate import generate_phone_numbers
from number_generator.digits.mixtures import join_digits, mix_digits, parse_mixture, resize_digits
from number_generator.digits.resolve import (
    default_digits,
    load_digits,
    name_digits,
    packaged_digits,
    set_default_dataset_filepath,
)
from number_generator.digits.writers import find_writers
from number_generator.errors import DatasetError, DatasetNotFoundError, SpecError
from number_generator.system.signals import Interruption

EVERY_DIGIT = "0123456789"
NATURAL = Handwriting.named("natural").replace(letterforms=0)  # letterforms are of no source


@pytest.fixture(scope="module")
def large(make_digit_dataset):
    return make_digit_dataset(12, seed=1, per_class=40)


@pytest.fixture(scope="module")
def small(make_digit_dataset):
    return make_digit_dataset(12, seed=2, per_class=3)


@pytest.fixture(scope="module")
def mixed(large, small):
    """Three of ten are drawn from the source that has three images a digit, not forty."""
    return mix_digits([("large", large, 0.7), ("small", small, 0.3)])


@pytest.fixture
def files(large, small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    large.save("large.pickle")
    small.save("small.h5")
    return tmp_path


def drawn(digits, style="clean", images=1500, text=EVERY_DIGIT, **settings):
    """Return the number of the source digit of each character, shape (images, characters)."""
    spacing = (0, 2) if style == "clean" else None
    chunk = generate_chunk([text] * images, spacing, 60, style=style, digits=digits, truth=["glyphs"], seed=5)
    return chunk.truth["glyphs"]


# --- shares


def test_each_digit_is_drawn_from_a_source_by_its_share_exactly(mixed, large):
    words = (np.arange(4000, dtype=np.uint64) * np.uint64(2**64 // 4000)) + np.uint64(2**40)

    for digit in range(10):
        glyphs = np.array([layout.pick_glyph(word, digit, mixed.atlas.shares) for word in words])
        labels = mixed.classes[mixed.atlas.source[glyphs]]
        is_small = mixed.atlas.source[glyphs] >= len(large)
        assert (labels == digit).all()
        assert abs(is_small.mean() - 0.3) < 1e-4
        # Within a source, all images have the same chance.
        counts = np.bincount(glyphs[is_small])
        assert np.ptp(counts[counts > 0]) <= 2


@pytest.mark.parametrize("style", ["clean", NATURAL], ids=["clean", "natural"])
def test_lines_are_drawn_by_the_shares_in_every_style(mixed, large, style):
    is_small = drawn(mixed, style) >= len(large)

    # Four standard deviations of the mean of so many draws
    assert np.abs(is_small.mean(axis=0) - 0.3).max() < 4 * np.sqrt(0.3 * 0.7 / len(is_small))


def test_ground_truth_tells_the_image_that_was_drawn(mixed):
    glyphs = drawn(mixed, images=20, text="7")[:, 0]
    images = generate_batch(["7"] * 20, (0, 2), 60, digits=mixed, seed=5)

    for image, number in zip(images, glyphs, strict=True):
        ink = 255 - image
        columns = np.flatnonzero(ink.any(axis=0))
        whole = mixed.get_data()[0][number]
        inked = np.flatnonzero(whole.any(axis=0))
        np.testing.assert_array_equal(ink[:, columns[0] : columns[-1] + 1], whole[:, inked[0] : inked[-1] + 1])


def test_separators_are_drawn_beside_digits_of_several_sources(mixed):
    chunk = generate_chunk(["1-2,3"] * 50, (0, 2), 80, digits=mixed, truth=["glyphs"], seed=1)

    assert (chunk.truth["glyphs"][:, [1, 3]] == -1).all()
    assert (mixed.classes[chunk.truth["glyphs"][:, [0, 2, 4]]] == [1, 2, 3]).all()


def test_a_source_that_lacks_a_digit_leaves_its_share_to_the_others(large, small):
    # Parts of a split, for instance, may have no image of a source in some class.
    mixture = mix_digits([("large", large, 1), ("small", small, 3)])
    kept = np.flatnonzero((mixture.mixture.origin == 0) | (mixture.classes != 4))
    part = mixture.subset(kept)

    glyphs = part.mixture.origin[drawn_places(part, "4")]

    assert (glyphs == 0).all()


def drawn_places(part, text):
    numbers = drawn(part, images=300, text=text)[:, 0]
    places = {number: place for place, number in enumerate(part.source_numbers.tolist())}
    return [places[number] for number in numbers.tolist()]


def test_jobs_of_one_source_are_as_they_were(large):
    joined = join_digits([("large", large)])

    assert joined.sha256 == large.sha256
    assert joined.atlas.shares is None
    np.testing.assert_array_equal(drawn(joined, images=50), drawn(large, images=50))


def test_sha256_tells_other_weights_apart_and_not_their_scale(large, small):
    sums = [
        mix_digits([("a", large, first), ("b", small, second)]).sha256
        for first, second in ((0.7, 0.3), (7, 3), (0.6, 0.4))
    ]
    plain = join_digits([("a", large), ("b", small)]).sha256

    assert sums[0] == sums[1]
    assert len({*sums, plain}) == 3


def test_parts_of_a_split_keep_the_shares(mixed, large):
    part = split_digits(mixed, "train=0.5,test=0.5")["train"]

    is_small = drawn(part, text="3") >= len(large)

    assert abs(is_small.mean() - 0.3) < 0.04


def test_added_examples_end_the_shares(mixed, small):
    digits = mixed.subset(range(len(mixed)))
    digits.add_examples(*small.get_data())

    assert digits.atlas.shares is None


def test_a_mixture_of_mixtures_keeps_the_shares_within(mixed, small):
    outer = mix_digits([("first", mixed, 1), ("third", small, 1)])

    assert outer.mixture.names == ("large", "small", "third")
    np.testing.assert_allclose(outer.mixture.weights, (0.7, 0.3, 1))


def test_a_mixture_goes_to_other_processes(mixed):
    again = pickle.loads(pickle.dumps(mixed))

    assert again.sha256 == mixed.sha256
    np.testing.assert_array_equal(again.atlas.shares[0], mixed.atlas.shares[0])


# --- writers


def with_ids(digits, writers=None, clusters=None):
    return DigitImageDataset(*digits.get_data(), writer_ids=writers, cluster_ids=clusters)


def test_no_two_sources_share_a_writer_or_a_cluster(large, small):
    first = with_ids(large, np.arange(400) % 5, np.arange(400) % 2)
    second = with_ids(small, np.arange(30) % 3 - 7, np.arange(30) % 2)

    joined = join_digits([("a", first), ("b", second)])

    assert joined.writer_ids[:400].tolist() == first.writer_ids.tolist()
    assert sorted(set(joined.writer_ids[400:].tolist())) == [5, 6, 7]
    assert sorted(set(joined.cluster_ids[400:].tolist())) == [2, 3]


def test_where_one_source_has_no_writers_there_are_none(large, small):
    joined = join_digits([("a", with_ids(large, np.arange(400) % 5)), ("b", small)])

    assert joined.writer_ids is None


def test_a_line_of_one_writer_is_of_one_source_and_shares_hold(large, small):
    first, second = with_ids(large, np.arange(400) % 4), with_ids(small, np.zeros(30, int))
    mixture = mix_digits([("a", first, 0.7), ("b", second, 0.3)])

    is_small = drawn(mixture, NATURAL, images=2000) >= len(large)

    # Every writer has every digit, so that no line borrows one.
    assert (is_small.all(axis=1) | ~is_small.any(axis=1)).all()
    assert abs(is_small.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / len(is_small))


def test_computed_clusters_are_those_of_one_source(large, small):
    pytest.importorskip("sklearn")
    mixture = mix_digits([("a", large, 0.7), ("b", small, 0.3)])

    made = find_writers(mixture, "cluster")

    for group in range(made.groups):
        assert len(set(mixture.mixture.origin[made.ids == group].tolist())) == 1


# --- what names digits


def test_a_text_of_sources_and_weights_is_read():
    assert parse_mixture("mnist=0.7,./mine=.3") == {"mnist": 0.7, "./mine": 0.3}
    assert parse_mixture("a,b=c=2,d/e,f=1") == {"a,b=c": 2.0, "d/e,f": 1.0}
    for text in ("mnist", "mnist=1", "a=1,b", "a=x,b=2", "a=1,b=2,", ",a=1,=2", "", "a=1 ,b=2"):
        assert parse_mixture(text) is None, text


def test_a_source_that_is_there_twice_is_an_error():
    with pytest.raises(SpecError, match="has a source twice"):
        parse_mixture("mnist=1,mnist=2")


def test_text_and_mapping_mean_the_same(files, large, small):
    by_text = load_digits("large.pickle=0.7,small.h5=0.3")

    assert by_text.sha256 == load_digits({"large.pickle": 0.7, "small.h5": 0.3}).sha256
    assert by_text.sha256 == mix_digits([("a", large, 0.7), ("b", small, 0.3)]).sha256
    assert by_text is load_digits("large.pickle=0.7,small.h5=0.3")


def test_a_file_that_is_there_comes_before_several(files, large, small):
    large.save("a=1,b=2")

    assert load_digits("a=1,b=2").sha256 == large.sha256


def test_a_name_comes_before_a_file_and_a_path_names_the_file(files, large):
    large.save("packaged")

    assert load_digits("packaged") is packaged_digits()
    assert load_digits("./packaged").sha256 == large.sha256


def test_an_unknown_name_is_told_the_names():
    with pytest.raises(DatasetNotFoundError, match="Named digits are packaged, mnist, mnist-test, qmnist"):
        load_digits("mnits")


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), "1", True, None])
def test_a_weight_is_a_number_above_0(files, weight):
    with pytest.raises(SpecError, match=r"the weight of 'small\.h5' is"):
        load_digits({"large.pickle": 1, "small.h5": weight})


def test_one_source_has_no_weight(files):
    with pytest.raises(SpecError, match="digits names 1 source: give two or more"):
        load_digits({"large.pickle": 1})


def test_sources_of_different_sizes_tell_how_to_make_them_one(files, make_digit_dataset):
    make_digit_dataset(16).save("wide.pickle")

    with pytest.raises(
        DatasetError, match=r"12 x 12 px and those of wide\.pickle 16 x 16 px: .*--size 12 wide\.pickle"
    ):
        load_digits("large.pickle=1,wide.pickle=1")


def test_resized_digits_keep_what_is_known_of_them(mixed):
    wide = resize_digits(replaced_ids(mixed), 28)

    assert wide.get_example_shape() == (28, 28)
    assert wide.mixture is mixed.mixture
    assert len(wide.writer_ids) == len(mixed)


def replaced_ids(mixed):
    return DigitImageDataset.from_sources(
        mixed.images, mixed.classes, writer_ids=np.arange(len(mixed)), mixture=mixed.mixture
    )


def test_recorded_names_stay_and_paths_become_absolute(files):
    assert name_digits("") == ""
    assert name_digits("mnist") == "mnist"
    assert name_digits("large.pickle") == str(files / "large.pickle")
    assert name_digits("mnist=0.7,small.h5=3") == f"mnist=0.7,{files / 'small.h5'}=3"


def test_several_sources_can_be_the_default(files):
    set_default_dataset_filepath("large.pickle=1,small.h5=2")

    assert default_digits() is load_digits(name_digits("large.pickle=1,small.h5=2"))


# --- files


def test_weights_are_kept_in_a_file(mixed, tmp_path):
    for name in ("a.h5", "a.pickle"):
        mixed.save(tmp_path / name)

        assert load_digits(tmp_path / name).sha256 == mixed.sha256


def test_a_subset_that_is_saved_is_a_dataset_of_one_source(mixed, tmp_path):
    part = mixed.subset(range(0, len(mixed), 2))
    part.save(tmp_path / "part.pickle")

    assert load_digits(tmp_path / "part.pickle").atlas.shares is None


@pytest.mark.parametrize(
    "told",
    [[["a", 400, 1]], [["a", 400, 1], ["b", 30, 0]], [["a", 400], ["b", 30]], "all", 3, [["a", -1, 1], ["b", 431, 1]]],
)
def test_metadata_that_miscounts_the_sources_is_an_error(mixed, tmp_path, told):
    images, labels = mixed.get_data()
    metadata = np.array(json.dumps({"digit_sources": told}))
    np.savez(tmp_path / "a.npz", images=images, labels=np.array(labels).astype(int), metadata=metadata)

    with pytest.raises(DatasetError, match="its metadata has 'digit_sources', which does not list"):
        load_digits(tmp_path / "a.npz")


# --- the command


def phone_numbers(*arguments):
    assert generate_phone_numbers(["--quiet", *map(str, arguments)], Interruption()) == 0


def made(path):
    dataset = GenericDataset()
    dataset.load(path)
    return dataset


def test_the_command_takes_several_sources_and_records_them_for_any_folder(files, capsys):
    settings = ["--num-images=5", "--image-width=60", "--seed=4"]
    phone_numbers(*settings, "--digits=large.pickle=0.7,small.h5=0.3", "--output-path=a.pickle")

    metadata = made("a.pickle").get_metadata()
    words = shlex.split(metadata["command"])[1:]
    (files / "elsewhere").mkdir()
    os.chdir(files / "elsewhere")
    phone_numbers(*words, "--output-path=b.pickle")

    assert f"--digits={files / 'large.pickle'}=0.7,{files / 'small.h5'}=0.3" in words
    assert metadata["digits_sha256"] == load_digits("../large.pickle=0.7,../small.h5=0.3").sha256
    np.testing.assert_array_equal(made("b.pickle").get_data()[0], made("../a.pickle").get_data()[0])


def test_the_command_records_a_name_as_it_is(files, capsys):
    phone_numbers("--num-images=2", "--digits=packaged", "--output-path=a.pickle")

    assert "--digits=packaged" in shlex.split(made("a.pickle").get_metadata()["command"])
