"""Splits: that no source digit is shared, that the shares are kept, and that nothing else decides who gets what."""

import hashlib
import pickle
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from number_generator import DigitImageDataset, generate_batch
from number_generator.digits import resolve as digit_datasets
from number_generator.digits import splits
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.splits import Split, divide_digits, parse_split, split_digits
from number_generator.digits.writers import find_clusters, find_writers
from number_generator.errors import DatasetError, SpecError

USUAL = "train=0.8,val=0.1,test=0.1"


@st.composite
def some_splits(draw, most=6):
    weights = draw(st.lists(st.integers(1, 12), min_size=2, max_size=most))
    return Split([(f"s{k}", Fraction(weight, sum(weights))) for k, weight in enumerate(weights)])


@st.composite
def some_digits_and_split(draw, *, clustered=False):
    """A split and digits, some classes with more than others, in no order, that are enough for it."""
    split = draw(some_splits())
    enough = ceil(1 / min(share for _, share in split.shares))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    labels = random.permutation(np.repeat(np.arange(10), random.integers(enough, enough + 20, 10)))
    images = random.integers(0, 256, (len(labels), 4, 4), np.uint8)
    clusters = random.integers(0, random.integers(1, 9), len(labels)) if clustered else None
    return DigitImageDataset(images, labels, cluster_ids=clusters), split


@pytest.fixture(scope="module")
def by_60_writers():
    """3,000 synthetic digits by 60 writers, some of whom wrote three times as many as others."""
    random = np.random.default_rng(3)
    labels = np.arange(3000) % 10
    weights = random.uniform(1, 3, 60)
    ids = random.choice(np.arange(60) * 7 + 100, 3000, p=weights / weights.sum())
    return DigitImageDataset(random.integers(0, 256, (3000, 4, 4), np.uint8), labels, writer_ids=ids)


def labels_of(dataset):
    return np.array([int(label) for label in dataset.get_data()[1]])


def largest_remainder(total, split):
    """The obvious way; ties go to the larger share, then to the name that comes first."""
    counts = {name: floor(share * total) for name, share in split.shares}
    by_remainder = sorted(split.shares, key=lambda item: (counts[item[0]] - item[1] * total, -item[1], item[0]))
    for name, _ in by_remainder[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


def as_lists(parts):
    return {name: numbers.tolist() for name, numbers in parts.items()}


def assert_divides(parts, count):
    """Each of `count` images is in one part."""
    np.testing.assert_array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(count))


# Shares


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        (USUAL, USUAL),
        ("train=.80, val = 1/10 ,test=0.100", USUAL),
        ("a=1/3,b=1/3,c=1/3", "a=1/3,b=1/3,c=1/3"),
        ("a=2/4,b=0.5", "a=0.5,b=0.5"),
        ("A-1=0.000000000000000001,_b=0.999999999999999999", "A-1=0.000000000000000001,_b=0.999999999999999999"),
        ("a=1/576460752303423488,b=576460752303423487/576460752303423488",) * 2,  # 59 decimals
    ],
)
def test_a_split_is_read_and_written_exactly(text, canonical):
    split = parse_split(text)

    assert str(split) == canonical
    assert parse_split(str(split)) == split
    assert sum(share for _, share in split.shares) == 1


@given(some_splits(most=30))
def test_the_text_of_a_split_gives_it_again(split):
    assert parse_split(str(split)) == split


@pytest.mark.parametrize(
    "shares",
    [
        [("a", 0.9), ("b", 0.1)],
        [("a", np.float64(0.9)), ("b", np.float32(0.1))],
        [["a", "0.9"], ["b", Decimal("0.1")]],
        (("a", Fraction(9, 10)), ("b", Decimal("1E-1"))),
        {"a": 0.9, "b": 0.1}.items(),
    ],
)
def test_shares_of_any_kind_of_number_are_exact(shares):
    assert Split(shares).shares == (("a", Fraction(9, 10)), ("b", Fraction(1, 10)))


def test_small_floats_are_shares():
    assert str(Split([("a", 1e-7), ("b", 0.9999999)])) == "a=0.0000001,b=0.9999999"


def test_a_split_is_a_value():
    split = parse_split(USUAL)

    assert pickle.loads(pickle.dumps(split)) == split
    assert hash(parse_split("train=4/5,val=0.1,test=0.1")) == hash(split)
    assert split.names == ("train", "val", "test")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "split is '', whose part 1, '', is not of the form NAME=SHARE: give parts as in train=0.8,val"),
        ("train=0.8,val", "whose part 2, 'val', is not of the form NAME=SHARE"),
        ("train=0.8,test=0.2,", "whose part 3, '', is not"),
        ("train=1", "the split has 1 name: give from 2 to 100"),
        (",".join(f"s{k}=1/101" for k in range(101)), "the split has 101 names: give from 2 to 100"),
        ("=0.5,b=0.5", "a name of the split is '': it becomes part of a file's name"),
        ("a/b=0.5,b=0.5", "a name of the split is 'a/b'"),
        ("é=0.5,b=0.5", "a name of the split is 'é'"),
        ("a b=0.5,b=0.5", "a name of the split is 'a b'"),
        (f"{'a' * 51}=0.5,b=0.5", "give from 1 to 50 of the characters"),
        ("a=0.5,a=0.5", "the split has the name 'a' twice: give each split a name of its own"),
        ("Test=0.5,test=0.5", "the split has the name 'test' also as 'Test', which may name the same file"),
        ("a=,b=1", "the share of 'a' is '': give a number above 0 and below 1"),
        ("a=0,b=0.5,c=0.5", "the share of 'a' is '0'"),
        ("a=1,b=0.5", "the share of 'a' is '1'"),
        ("a=-0.5,b=1.5", "the share of 'a' is '-0.5'"),
        ("a=80%,b=20%", "the share of 'a' is '80%'"),
        ("a=nan,b=0.5", "the share of 'a' is 'nan'"),
        ("a=1/0,b=0.5", "the share of 'a' is '1/0'"),
        ("a=1e999999999,b=0.5", "the share of 'a' is '1e999999999'"),
        ("a=1_0/20,b=0.5", "the share of 'a' is '1_0/20'"),
        ("a=٠.٥,b=0.5", "the share of 'a' is '٠.٥'"),
        ("a=0.5=0.5,b=0.5", "the share of 'a' is '0.5=0.5'"),
        ("a=0.0000000000000000001,b=0.5", "with at most 18 decimals"),
        ("a=0." + "3" * 5000 + ",b=0.5", r"the share of 'a' is '0\.3{20,}\.\.\.: give"),
        ("a=0.5,b=0.4", "the shares of the split 'a=0.5,b=0.4' sum to 0.9: give shares that sum to exactly 1"),
        ("a=1/3,b=1/3", r"sum to 2/3: .* \(thirds as 1/3\)"),
        ("a=0.3333,b=0.6666", "sum to 0.9999"),
        ("a=0.8,b=0.8", "sum to 1.6"),
    ],
)
def test_a_bad_split_is_refused_with_its_place_and_the_way_out(text, words):
    with pytest.raises(SpecError, match=words) as caught:
        parse_split(text)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (None, "split is None: give a text, as in train=0.8,val=0.1,test=0.1"),
        (0.8, "split is 0.8: give a text"),
        ({"a": True, "b": 0.5}, "the share of 'a' is True"),
        ({"a": None, "b": 0.5}, "the share of 'a' is None"),
        ({"a": float("inf"), "b": 0.5}, "the share of 'a' is inf"),
        ({"a": 1e-30, "b": 0.5}, "the share of 'a' is 1e-30"),
        ({1: 0.5, "b": 0.5}, "a name of the split is 1"),
        ({"a": 1 / 3, "b": 2 / 3}, r"sum to 0\.9999999999999999: .* \(thirds as 1/3\)"),
    ],
)
def test_what_is_no_split_is_refused(make_digit_dataset, split, words):
    with pytest.raises(SpecError, match=words):
        split_digits(make_digit_dataset(8), split)


@pytest.mark.parametrize("shares", [None, 5, "ab=1", [("a", 0.5, 1), ("b", 0.5)]])
def test_what_are_no_pairs_is_refused(shares):
    with pytest.raises(SpecError, match=r"split is .*: give pairs of a name and a share"):
        Split(shares)


@given(some_splits(most=20), st.integers(0, 10**6))
def test_images_are_counted_by_largest_remainder(split, total):
    expected = largest_remainder(total, split)

    if min(expected.values()):
        assert split.counts(total) == expected
        assert list(split.counts(total)) == list(split.names)
        assert sum(expected.values()) == total
    else:
        with pytest.raises(SpecError, match="gets none of"):
            split.counts(total)


def test_counts_do_not_depend_on_the_order_of_names():
    assert parse_split("a=0.5,b=0.25,c=0.25").counts(6) == parse_split("c=0.25,b=0.25,a=0.5").counts(6)


def test_too_few_images_are_refused_with_the_number_that_is_enough():
    split = parse_split("train=0.98,val=0.01,test=0.01")

    with pytest.raises(SpecError, match=r"'val' gets none of 10 images at a share of 0\.01: make 100 or more, or give"):
        split.counts(10)
    assert split.counts(100) == {"train": 98, "val": 1, "test": 1}
    with pytest.raises(SpecError, match="the number of images to split is -1"):
        split.counts(-1)


def test_a_large_number_of_images_is_divided_exactly():
    assert parse_split("a=1/3,b=2/3").counts(3 * 10**18) == {"a": 10**18, "b": 2 * 10**18}


# Who gets which digit


@given(some_digits_and_split())
def test_no_digit_is_shared_and_none_is_left_out(case):
    digits, split = case

    parts = divide_digits(digits, split)

    assert list(parts) == list(split.names)
    assert_divides(parts, len(digits))
    for numbers in parts.values():
        assert numbers.dtype == np.int64
        assert (np.diff(numbers) > 0).all()


@pytest.mark.parametrize(
    "text", [USUAL, "a=0.5,b=0.5", "a=1/3,b=1/3,c=1/3", ",".join(f"f{k}=0.01" for k in range(100))]
)
def test_no_packaged_digit_is_shared(text):
    parts = split_digits(packaged_digits(), parse_split(text))

    assert_divides({name: part.source_numbers for name, part in parts.items()}, 5000)
    seen = [{image.tobytes() for image in part.get_data()[0]} for part in parts.values()]
    assert len(set.union(*seen)) == sum(map(len, seen)) == 5000


@given(some_digits_and_split(clustered=True))
def test_each_class_is_divided_by_largest_remainder(case):
    digits, split = case
    labels = labels_of(digits)

    parts = divide_digits(digits, split)

    for digit in range(10):
        found = {name: int((labels[numbers] == digit).sum()) for name, numbers in parts.items()}
        assert found == largest_remainder((labels == digit).sum().item(), split), digit


@given(some_digits_and_split(clustered=True))
def test_each_cluster_of_a_class_is_divided_to_less_than_two_images(case):
    digits, split = case
    labels, clusters = labels_of(digits), digits.cluster_ids

    parts = divide_digits(digits, split)

    for digit in range(10):
        of_class = (labels == digit).sum()
        for name, numbers in parts.items():
            share = (labels[numbers] == digit).sum() / of_class
            for cluster in range(clusters.max() + 1):
                cell = (labels == digit) & (clusters == cluster)
                assert abs(cell[numbers].sum() - share * cell.sum()) < 2, (digit, cluster, name)


def test_the_packaged_clusters_are_divided_without_k_means(monkeypatch):
    monkeypatch.setattr("number_generator.digits.writers.compute_style_clusters", None)
    digits = packaged_digits()
    labels, clusters = labels_of(digits), find_clusters(digits)

    parts = split_digits(digits, USUAL)

    for name, share in {"train": 0.8, "val": 0.1, "test": 0.1}.items():
        part = parts[name]
        np.testing.assert_array_equal(part.cluster_ids, clusters[part.source_numbers])
        assert find_writers(part, "auto").kind == "cluster"
        for digit in range(10):
            for cluster in range(8):
                cell = (labels == digit) & (clusters == cluster)
                found = ((labels_of(part) == digit) & (part.cluster_ids == cluster)).sum()
                assert abs(found - share * cell.sum()) < 1, (name, digit, cluster)
                assert found > 0


def test_digits_without_clusters_are_split_without_k_means(make_digit_dataset, monkeypatch):
    monkeypatch.setattr("number_generator.digits.writers.compute_style_clusters", None)

    parts = split_digits(make_digit_dataset(8, per_class=10), USUAL)

    assert [len(part) for part in parts.values()] == [80, 10, 10]
    assert all(part.cluster_ids is None for part in parts.values())


@given(st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_every_beginning_of_what_is_dealt_has_the_shares_to_less_than_one(counts):
    dealt = splits._deal(counts)

    total = sum(counts)
    assert np.bincount(dealt, minlength=len(counts)).tolist() == counts
    for place in range(total + 1):
        for kind, count in enumerate(counts):
            assert abs((dealt[:place] == kind).sum() * total - place * count) < total, (place, kind)


def test_who_gets_which_digit_is_random(make_digit_dataset):
    digits = make_digit_dataset(8, per_class=200)
    labels = labels_of(digits)

    test = divide_digits(digits, parse_split("train=0.5,test=0.5"))["test"]

    # Places within a class: as good as drawn, so not every second one, and as many of the first half as of the other.
    places = np.concatenate([np.flatnonzero(np.isin(np.flatnonzero(labels == digit), test)) for digit in range(10)])
    assert abs(places.mean() - 99.5) < 5  # standard deviation 1.3
    assert 300 < (np.diff(places) == 1).sum() < 700  # by chance, half of the 1,000


def test_the_order_is_that_of_philox_words_of_the_digits(make_digit_dataset):
    digits = make_digit_dataset(8, per_class=7)

    rank = splits._rank_images(digits)

    words = reference.philox_words(int(digits.sha256[:16], 16), 0, 7, len(digits))
    np.testing.assert_array_equal(np.argsort(rank), np.argsort(words))


def sums_of(parts):
    return {name: hashlib.sha256(numbers.astype("<i8").tobytes()).hexdigest()[:16] for name, numbers in parts.items()}


def test_digits_are_divided_as_ever():
    """Another machine, a later version and a larger job must divide them the same way."""
    count = np.arange(4000)
    images = (count[:, None] * np.arange(1, 17) % 251).astype(np.uint8).reshape(-1, 4, 4)
    images[:, 0, 0] = count // 251  # else there would be copies
    written = DigitImageDataset(images, count % 10, writer_ids=count**2 % 1009 % 97)

    packaged, by_writers = (divide_digits(digits, parse_split(USUAL)) for digits in (packaged_digits(), written))

    assert sums_of(packaged) == {"train": "de20aa3c745b557f", "val": "93b319d50f331616", "test": "c35d58445b6e1c04"}
    assert sums_of(by_writers) == {"train": "f276263b50357ad6", "val": "85d2501a798b33dd", "test": "451ca73a76e5ffca"}


def test_digits_from_another_file_are_divided_the_same_way(make_digits, tmp_path):
    images, labels = make_digits(8, per_class=12)
    ids = np.random.default_rng(1).integers(0, 3, len(labels))
    digits = DigitImageDataset(images, labels)
    for name in ("digits.pickle", "digits.h5"):
        digits.save(tmp_path / name)
    np.savez(tmp_path / "digits.npz", images=images, labels=labels)
    np.savez(tmp_path / "clusters.npz", images=images, labels=labels, cluster_ids=ids)
    split = parse_split(USUAL)

    for name in ("digits.pickle", "digits.h5", "digits.npz"):
        assert as_lists(divide_digits(digit_datasets.load_digits(tmp_path / name), split)) == as_lists(
            divide_digits(digits, split)
        )
    clustered = DigitImageDataset(images, labels, cluster_ids=ids)
    again = digit_datasets.load_digits(tmp_path / "clusters.npz")
    assert as_lists(divide_digits(again, split)) == as_lists(divide_digits(clustered, split))
    assert as_lists(divide_digits(clustered, split)) != as_lists(divide_digits(digits, split))


def test_other_digits_are_divided_another_way(make_digits):
    images, labels = make_digits(8, per_class=12)
    other = images.copy()
    other[0, 0, 0] ^= 1

    first, second = (divide_digits(DigitImageDataset(array, labels), parse_split(USUAL)) for array in (images, other))

    assert as_lists(first) != as_lists(second)


@pytest.mark.parametrize("of_writers", [False, True])
def test_the_order_of_names_does_not_matter(by_60_writers, of_writers):
    digits = by_60_writers if of_writers else packaged_digits()

    first = divide_digits(digits, parse_split(USUAL))
    second = divide_digits(digits, parse_split("test=0.1,train=0.8,val=0.1"))

    assert list(second) == ["test", "train", "val"]
    assert as_lists(first) == as_lists(second)


# Writers


@pytest.mark.parametrize(
    "text", [USUAL, "a=0.5,b=0.5", "a=0.9,b=0.05,c=0.05", ",".join(f"f{k}=0.1" for k in range(10))]
)
def test_nobodys_hand_is_in_two_splits(by_60_writers, text):
    parts = split_digits(by_60_writers, text)

    assert_divides({name: part.source_numbers for name, part in parts.items()}, 3000)
    hands = [set(part.writer_ids.tolist()) for part in parts.values()]
    assert len(set.union(*hands)) == sum(map(len, hands)) == 60
    for part in parts.values():
        np.testing.assert_array_equal(part.writer_ids, by_60_writers.writer_ids[part.source_numbers])
        assert find_writers(part, "auto").kind == "dataset"


def test_classes_come_near_to_the_shares_where_writers_stay_together(by_60_writers):
    parts = split_digits(by_60_writers, USUAL)

    for name, share in {"train": 0.8, "val": 0.1, "test": 0.1}.items():
        counts = np.bincount(labels_of(parts[name]), minlength=10)
        assert abs(counts.sum() - share * 3000) <= 10, name
        assert np.abs(counts - share * 300).max() <= 8, name  # a writer has some five of each digit


def test_no_split_gets_the_writers_who_wrote_most():
    random = np.random.default_rng(8)
    sizes = random.integers(10, 200, 400)
    ids = np.repeat(np.arange(400), sizes)
    digits = DigitImageDataset(
        random.integers(0, 256, (len(ids), 4, 4), np.uint8), np.arange(len(ids)) % 10, writer_ids=ids
    )

    parts = split_digits(digits, USUAL)

    for name, part in parts.items():
        written = len(part) / len(np.unique(part.writer_ids))
        assert abs(written - sizes.mean()) < 40, name  # standard deviation 10; by size it is 45


def test_the_names_of_writers_do_not_matter(by_60_writers):
    images, labels = by_60_writers.get_data()
    renamed = DigitImageDataset(images, labels, writer_ids=(by_60_writers.writer_ids * 31) % 1009)
    assert len(np.unique(renamed.writer_ids)) == 60

    first, second = (divide_digits(digits, parse_split(USUAL)) for digits in (by_60_writers, renamed))

    assert as_lists(first) == as_lists(second)


@pytest.mark.parametrize("sizes", [(1, 1, 1), (100, 30, 5), (5, 30, 100)])
def test_as_many_writers_as_splits_are_enough(sizes):
    ids = np.repeat(np.arange(3), np.array(sizes) * 10)
    images = np.random.default_rng(0).integers(0, 256, (len(ids), 4, 4), np.uint8)
    digits = DigitImageDataset(images, np.arange(len(ids)) % 10, writer_ids=ids)

    parts = split_digits(digits, USUAL)

    assert len(parts["train"]) == 10 * max(sizes)
    assert all(len(np.unique(part.writer_ids)) == 1 for part in parts.values())


def test_writers_who_wrote_few_digits_still_give_every_split_every_digit():
    # Each of 30 writers has written one digit, five times.
    ids = np.repeat(np.arange(30), 5)
    digits = DigitImageDataset(
        np.random.default_rng(0).integers(0, 256, (150, 4, 4), np.uint8), ids % 10, writer_ids=ids
    )

    parts = split_digits(digits, USUAL)

    assert [len(part) for part in parts.values()] == [50, 50, 50]


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (np.zeros(100, int), "the split 'val' gets no image of the digit 0, which 1 of 1 writers wrote"),
        (np.arange(100) // 50, r"the split 'val' gets no image of the digit 0, which 2 of 2 writers wrote \(all that"),
        (
            np.where(np.arange(100) % 10 == 6, 1, np.arange(100) // 10),
            "'val' gets no image of the digit 6, which 1 of 10 writers wrote .*: give fewer splits, larger shares for "
            "the small ones, or the digits without writer ids",
        ),
    ],
)
def test_writers_that_cannot_be_split_are_refused(ids, words):
    images = np.random.default_rng(0).integers(0, 256, (100, 4, 4), np.uint8)
    digits = DigitImageDataset(images, np.arange(100) % 10, writer_ids=ids)

    with pytest.raises(SpecError, match=words):
        split_digits(digits, USUAL)


def test_writers_of_whom_no_division_has_every_digit_are_refused():
    # Two writers each wrote a 0, a 1 and a 2, and both splits need one of them: three pairs of the same three writers.
    wrote = {0: [0, 1], 1: [1, 2], 2: [2, 0], 3: range(3, 10), 4: range(3, 10)}
    labels, ids = zip(*[(digit, writer) for writer, digits in wrote.items() for digit in digits], strict=True)
    images = np.random.default_rng(0).integers(0, 256, (len(ids), 4, 4), np.uint8)
    digits = DigitImageDataset(images, labels, writer_ids=ids)

    with pytest.raises(SpecError, match=r"the split '[ab]' gets no image of the digit [012], which 2 of 5 writers"):
        split_digits(digits, "a=0.5,b=0.5")


# Bad input


def test_a_class_that_is_too_small_is_refused_with_the_number_that_is_needed(make_digits):
    images, labels = make_digits(8, per_class=12)
    kept = np.sort(np.concatenate([np.flatnonzero(labels != 4), np.flatnonzero(labels == 4)[:4]]))

    with pytest.raises(
        SpecError,
        match="the split 'val' gets none of the 4 images of the digit 4: 10 are needed for these shares; give more",
    ):
        split_digits(DigitImageDataset(images[kept], labels[kept]), USUAL)


def test_no_digits_are_refused():
    with pytest.raises(DatasetError, match="the digit dataset is empty"):
        split_digits(DigitImageDataset(), USUAL)
    with pytest.raises(SpecError, match=r"digits is 'digits\.h5': give a DigitImageDataset"):
        split_digits("digits.h5", USUAL)


# Images


@pytest.fixture(scope="module")
def grey_digits():
    """120 digits, each a square of its own grey level, 2 more than its number: a line tells which it shows."""
    labels = np.random.default_rng(4).permutation(np.arange(120) % 10)
    return DigitImageDataset(np.repeat(np.arange(2, 122, dtype=np.uint8), 64).reshape(-1, 8, 8), labels)


def test_lines_of_a_split_show_its_digits_alone(grey_digits):
    labels = labels_of(grey_digits)
    random = np.random.default_rng(0)
    numbers = ["".join(map(str, random.integers(0, 10, 11))) for _ in range(400)]
    shown = {}

    for name, part in split_digits(grey_digits, USUAL).items():
        images = generate_batch(numbers, (1, 3), 140, seed=5, digits=part)
        shown[name] = set()
        for image, number in zip(images, numbers, strict=True):
            # Where a glyph begins, its left neighbour is paper.
            row = 255 - image[4].astype(int)
            levels = row[1:][(row[1:] > 0) & (row[:-1] == 0)] - 2
            assert "".join(map(str, labels[levels])) == number
            shown[name] |= set(levels.tolist())
        assert shown[name] == set(part.source_numbers.tolist())

    assert len(set.union(*shown.values())) == sum(map(len, shown.values())) == 120


@pytest.mark.parametrize("style", ["clean", "natural"])
def test_images_are_made_from_each_part(style):
    images = {
        name: generate_batch(["0612345678"] * 20, (1, 3), 120, seed=5, digits=part, style=style)
        for name, part in split_digits(packaged_digits(), {"train": 0.8, "val": 0.1, "test": 0.1}).items()
    }

    assert all((array < 128).any(axis=(1, 2)).all() for array in images.values())
    assert not (images["train"] == images["val"]).all(axis=(1, 2)).any()


def test_glyphs_know_their_source_digits(grey_digits):
    for part in split_digits(grey_digits, USUAL).values():
        atlas = part.atlas
        levels = atlas.pixels[atlas.glyph_column[:-1] * atlas.column_size] - 2
        np.testing.assert_array_equal(atlas.source, levels)
