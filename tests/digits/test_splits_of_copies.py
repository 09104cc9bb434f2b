"""Splits of digits of which there are copies: the same pixels go to one part, whatever else is known of them."""

import numpy as np
import pytest

from number_generator import DigitImageDataset
from number_generator.digits import splits
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.digits.splits import _exchange as exchange
from number_generator.digits.splits import divide_digits, parse_split, split_digits
from number_generator.errors import SpecError

USUAL = "train=0.8,val=0.1,test=0.1"


def different(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4), np.uint8)


def shared(images, parts):
    """Return how many images have a copy in another part."""
    first = {}
    for name, numbers in parts.items():
        for number in numbers:
            first.setdefault(images[number].tobytes(), set()).add(name)
    return sum(len(names) > 1 for names in first.values())


@pytest.fixture(scope="module")
def half_copied():
    """1,000 digits, of which 500 have 1 to 9 copies; the copies of a few have another label, or another cluster."""
    random = np.random.default_rng(2)
    images, labels = different(1000), np.arange(1000) % 10
    copied = random.integers(0, 100, 500)
    chosen = random.permutation(1000)[:500]
    images[chosen], labels[chosen] = images[copied], labels[copied]
    labels[chosen[:20]] = (labels[chosen[:20]] + 1) % 10
    return DigitImageDataset(images, labels, cluster_ids=random.integers(0, 4, 1000))


@pytest.mark.parametrize("text", [USUAL, "a=0.5,b=0.5", "a=1/3,b=1/3,c=1/3"])
def test_copies_go_to_one_part_and_the_shares_are_kept(half_copied, text):
    split = parse_split(text)

    parts = divide_digits(half_copied, split)

    assert shared(half_copied.images, parts) == 0
    np.testing.assert_array_equal(np.sort(np.concatenate(list(parts.values()))), np.arange(1000))
    for name, share in split.shares:
        counts = np.bincount(half_copied.classes[parts[name]], minlength=10)
        assert (abs(counts - float(share) * np.bincount(half_copied.classes)) < 1.01).all()


def test_a_file_joined_with_itself_shares_no_digit(make_digits, tmp_path):
    images, labels = make_digits(12, per_class=10)
    for name in ("a.npz", "b.npz"):
        DigitImageDataset(images, labels).save(tmp_path / name)
    twice = load_digits({str(tmp_path / "a.npz"): 1, str(tmp_path / "b.npz"): 1})

    parts = split_digits(twice, USUAL)

    assert {name: len(part) for name, part in parts.items()} == {"train": 160, "val": 20, "test": 20}
    assert shared(twice.images, {name: part.source_numbers for name, part in parts.items()}) == 0


def test_writers_of_one_image_go_to_one_part():
    images, labels = different(600), np.arange(600) % 10
    ids = np.arange(600) // 10
    for writer in (3, 17, 40):  # so these and 50 are one
        images[writer * 10 + 5] = images[505]

    parts = divide_digits(DigitImageDataset(images, labels, writer_ids=ids), parse_split(USUAL))

    assert shared(images, parts) == 0
    held = {name: set(ids[numbers].tolist()) for name, numbers in parts.items()}
    assert sum(len(writers) for writers in held.values()) == 60
    assert any(writers >= {3, 17, 40, 50} for writers in held.values())


def test_a_part_gets_a_copied_digit_rather_than_none():
    # Of the digit 4 there are two images, five times each: the shares alone would put all of them into one part.
    images, labels = different(100), np.arange(100) % 10
    images[labels == 4] = np.repeat(different(2, seed=1), 5, axis=0)
    digits = DigitImageDataset(images, labels)

    parts = divide_digits(digits, parse_split("train=0.8,test=0.2"))

    assert shared(images, parts) == 0
    assert np.bincount(labels[parts["test"]], minlength=10).tolist() == [2, 2, 2, 2, 5, 2, 2, 2, 2, 2]


def test_only_images_of_a_digit_that_is_unevenly_divided_change_places(monkeypatch):
    """Trying all images of all digits took a minute for 60,000."""
    images, labels = different(3000), np.arange(3000) % 10
    images[labels == 4] = np.repeat(different(3, seed=1), 100, axis=0)
    tried = []
    monkeypatch.setattr(splits, "_exchange", lambda writer, *others: tried.append(writer) or exchange(writer, *others))

    parts = divide_digits(DigitImageDataset(images, labels), parse_split(USUAL))

    assert len(tried) < 50
    counts = {name: np.bincount(labels[numbers]).tolist() for name, numbers in parts.items()}
    for name, count in (("train", 240), ("val", 30), ("test", 30)):
        assert counts[name] == [count] * 4 + [100] + [count] * 5


def test_copies_that_cannot_be_divided_are_refused():
    images, labels = different(100), np.arange(100) % 10
    images[labels == 4] = images[4]
    digits = DigitImageDataset(images, labels)

    with pytest.raises(SpecError, match=r"no image of the digit 4, which has only 1 different image \(copies"):
        divide_digits(digits, parse_split("train=0.8,test=0.2"))
    with pytest.raises(SpecError, match="which 1 of 91 writers wrote, where those of whom there are copies"):
        divide_digits(DigitImageDataset(images, labels, writer_ids=np.arange(100)), parse_split("a=0.8,b=0.2"))


def test_no_packaged_digit_has_a_copy():
    assert len({image.tobytes() for image in packaged_digits().images}) == 5000
