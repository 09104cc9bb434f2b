"""How digits are stored: ink, range and orientation are found out from the whole file, or given, or refused."""

import numpy as np
import pytest
from PIL import Image

from number_generator import DigitImageDataset, GenericDataset, generate_chunk
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.errors import DatasetError, SpecError

IMAGES = packaged_digits().images[::10]
LABELS = packaged_digits().classes[::10]
BINARY = np.where(IMAGES > 127, 255, 0).astype(np.uint8)
SIXTEENTHS = np.rint(IMAGES / 255 * 16).astype(np.uint8)
FROM_SIXTEENTHS = np.rint(SIXTEENTHS / 16 * 255).astype(np.uint8)

TURNED = np.ascontiguousarray(IMAGES.transpose(0, 2, 1))

STORED = {  # as stored, as it should be read, and what is said of it
    "dark": (255 - IMAGES, IMAGES, "dark ink on a light ground"),
    "0 to 1": (BINARY // 255, BINARY, "values from 0 to 1"),
    "dark, 0 to 1": (1 - BINARY // 255, BINARY, "dark ink on a light ground, values from 0 to 1"),
    "0 to 16": (SIXTEENTHS, FROM_SIXTEENTHS, "values from 0 to 16"),
    "dark, 0 to 16": (16 - SIXTEENTHS, FROM_SIXTEENTHS, "dark ink on a light ground, values from 0 to 16"),
    "0 to 15": (IMAGES // 17, IMAGES // 17 * 17, "values from 0 to 15"),
}


def write(path, images, labels=LABELS):
    """Write digits in the format that the ending stands for, and return the path that names them."""
    if path.suffix == ".idx":
        path = path.with_name("my-images-idx3-ubyte")
        for name, array in (("my-images-idx3-ubyte", images), ("my-labels-idx1-ubyte", labels)):
            shape = np.array(array.shape, ">u4").tobytes()
            path.with_name(name).write_bytes(bytes([0, 0, 8, array.ndim]) + shape + array.tobytes())
    elif path.suffix == ".npz":
        np.savez(path, images=images, labels=labels)
    else:
        GenericDataset(images, labels).save(path)
    return path


@pytest.mark.parametrize("ending", [".npz", ".pickle", ".h5", ".idx"])
@pytest.mark.parametrize("stored", STORED)
def test_ink_and_range_are_found_out_and_told(stored, ending, tmp_path, caplog):
    images, expected, told = STORED[stored]
    path = write(tmp_path / f"digits{ending}", images)

    digits = load_digits(path)

    np.testing.assert_array_equal(digits.images, expected)
    assert digits.get_metadata() == {"ink": "bright", "range": 255, "orientation": "upright", "stored_with": told}
    assert caplog.messages == [
        f"{path}: the digits are stored with {told}; they are read as bright ink, upright, of values from 0 to 255"
    ]


@pytest.mark.parametrize("images", [IMAGES, BINARY, (IMAGES * 0.8).astype(np.uint8)])
def test_bright_digits_are_taken_as_they_are(images, tmp_path, caplog):
    digits = load_digits(write(tmp_path / "digits.npz", images))

    np.testing.assert_array_equal(digits.images, images)
    assert digits.get_metadata() == {}
    assert not caplog.messages


def test_arrays_are_taken_as_they_are(caplog):
    for images in (255 - IMAGES, SIXTEENTHS, IMAGES.transpose(0, 2, 1), np.full_like(IMAGES, 255)):
        np.testing.assert_array_equal(DigitImageDataset(images, LABELS).images, images)
    assert not caplog.messages


@pytest.mark.parametrize("is_dark", [False, True])
def test_digits_cut_tightly_to_bold_ink_are_told_apart(is_dark, tmp_path):
    cut = np.empty_like(IMAGES)
    for number, image in enumerate(IMAGES):
        bold = Image.fromarray(image).resize((28, 28), box=Image.fromarray(image).getbbox())
        cut[number] = np.maximum(np.asarray(bold), np.roll(np.asarray(bold), 1, axis=1))
    path = write(tmp_path / "digits.npz", 255 - cut if is_dark else cut)

    np.testing.assert_array_equal(load_digits(path).images, cut)


def test_the_noise_of_paper_becomes_blank(tmp_path):
    paper = np.random.default_rng(0).normal(235, 4, IMAGES.shape)
    path = write(tmp_path / "digits.npz", (paper - 0.8 * IMAGES).clip(0, 255).astype(np.uint8))

    digits = load_digits(path)

    far = np.ones(IMAGES.shape, np.bool_)
    far[:, 2:-2, 2:-2] = False
    assert (digits.images[far] > 0).mean() < 0.02
    assert abs(digits.images.astype(int) - IMAGES * 0.8)[IMAGES > 200].max() < 40
    assert digits.get_metadata()["stored_with"].startswith("dark ink on a light ground, a ground that differs from")


def test_pages_of_this_package_are_digits(tmp_path):
    chunk = generate_chunk([str(digit) for digit in LABELS.tolist()], (0, 0), 28, seed=1)
    path = write(tmp_path / "pages.h5", chunk.images, LABELS)

    np.testing.assert_array_equal(load_digits(path).images, 255 - chunk.images)


@pytest.mark.parametrize("number", [0, 1])
def test_what_was_read_once_is_not_changed_again(number, tmp_path, caplog):
    stored = list(STORED.values())[number][0]
    digits = load_digits(write(tmp_path / "digits.npz", stored))
    digits.save(tmp_path / "again.h5")
    caplog.clear()

    again = load_digits(tmp_path / "again.h5")

    assert again.sha256 == digits.sha256
    assert again.get_metadata() == digits.get_metadata()
    assert not caplog.messages


def mixed():
    images = IMAGES.copy()
    images[::2] = 255 - images[::2]
    return images


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (mixed(), r"not clear whether .* the border is light in 250 of 500 images.* --ink dark"),
        (np.random.default_rng(0).integers(0, 256, IMAGES.shape, np.uint8), "not clear whether these digits are dark"),
        (np.full_like(IMAGES, 255), "nothing is written on these digits: each image is all one grey"),
        (np.zeros_like(IMAGES), "nothing is written on these digits: all their pixels are 0"),
        (IMAGES // 3, r"go up to 85, and no usual range ends there \(they end at 1, 15, 16, 255\): .*--range 85"),
        (IMAGES // 64, "go up to 3, and no usual range ends there"),
    ],
)
def test_what_is_not_clear_is_refused_with_the_way_out(images, words, tmp_path):
    path = write(tmp_path / "digits.npz", images)

    with pytest.raises(DatasetError, match=words) as caught:
        load_digits(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_what_is_given_decides(tmp_path):
    path = write(tmp_path / "digits.npz", IMAGES // 3)
    digits = DigitImageDataset()

    digits.load(path, value_range=85)
    np.testing.assert_array_equal(digits.images, IMAGES // 3 * 3)
    digits.load(path, ink="bright", value_range=255)
    np.testing.assert_array_equal(digits.images, IMAGES // 3)
    digits.load(path, ink="dark", value_range=255)
    np.testing.assert_array_equal(digits.images, 255 - IMAGES // 3)


def test_digits_given_by_hand_are_saved_with_what_was_given(tmp_path):
    digits = DigitImageDataset()
    digits.load(write(tmp_path / "digits.npz", mixed()), ink="bright")
    digits.save(tmp_path / "again.npz")

    np.testing.assert_array_equal(load_digits(tmp_path / "again.npz").images, mixed())


@pytest.mark.parametrize("ending", ["npz", "h5", "pickle"])
@pytest.mark.parametrize(
    "images",
    [(IMAGES * 0.39).astype(np.uint8), BINARY // 255, 255 - IMAGES, TURNED, mixed(), np.zeros_like(IMAGES)],
    ids=["to 99", "0 to 1", "dark", "on their side", "mixed", "blank"],
)
def test_arrays_are_saved_as_what_they_are(images, ending, tmp_path, caplog):
    digits = DigitImageDataset(images, LABELS, {"mine": 1})
    digits.save(tmp_path / f"digits.{ending}")

    again = load_digits(tmp_path / f"digits.{ending}")

    assert again.sha256 == digits.sha256
    assert again.get_metadata()["mine"] == 1
    assert digits.get_metadata() == {"mine": 1}
    assert not caplog.messages


def test_digits_that_were_inverted_since_they_were_saved_are_refused(tmp_path):
    DigitImageDataset(IMAGES, LABELS).save(tmp_path / "digits.npz")
    DigitImageDataset(255 - IMAGES, LABELS).save(tmp_path / "inverted.npz")
    changed = [("digits.npz", "dark", "dark, and the border of most images is light")]
    changed += [("inverted.npz", "bright", "light, and the border of most images is dark")]
    for name, ink, ground in changed:
        saved = GenericDataset()
        saved.load(tmp_path / name)
        GenericDataset(255 - saved.get_data()[0], LABELS, saved.get_metadata()).save(tmp_path / "again.npz")

        with pytest.raises(DatasetError, match=f"bright ink on a ground that is {ground}.* --ink dark"):
            load_digits(tmp_path / "again.npz")
        digits = DigitImageDataset()
        digits.load(tmp_path / "again.npz", ink=ink)
        np.testing.assert_array_equal(digits.images, IMAGES)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ink": "black"}, "ink is 'black': give 'auto', 'dark' or 'bright'"),
        ({"orientation": "left"}, "orientation is 'left': give 'auto', 'upright' or 'transposed'"),
        ({"value_range": 0}, "value_range is 0"),
        ({"value_range": 256}, "value_range is 256"),
    ],
)
def test_what_is_given_is_checked(given, words, tmp_path):
    with pytest.raises(SpecError, match=words):
        DigitImageDataset().load(write(tmp_path / "digits.npz", IMAGES), **given)


def test_values_beyond_the_given_range_are_refused(tmp_path):
    with pytest.raises(DatasetError, match="go up to 255, and the range is said to end at 16: give 255 or more"):
        DigitImageDataset().load(write(tmp_path / "digits.npz", IMAGES), value_range=16)


@pytest.mark.parametrize("given", [{}, {"ink": "dark"}])
@pytest.mark.parametrize("stored", ["0 to 15", "dark, 0 to 16"])
def test_a_range_that_no_value_comes_near_is_refused_as_such(stored, given, tmp_path):
    path = write(tmp_path / "digits.npz", STORED[stored][0])
    words = f"go up to {stored[-2:]}, and the range is said to end at 255: it does not fit; give the value of full ink"

    with pytest.raises(DatasetError, match=words):
        DigitImageDataset().load(path, value_range=255, **given)


# Orientation


@pytest.mark.parametrize("ending", [".npz", ".pickle", ".h5", ".idx"])
def test_digits_on_their_side_are_refused_until_their_orientation_is_given(ending, tmp_path):
    path = write(tmp_path / f"digits{ending}", TURNED)
    digits = DigitImageDataset()

    with pytest.raises(DatasetError, match=r"seem to lie on their side, as EMNIST .* --orientation transposed FILE"):
        digits.load(path)
    digits.load(path, orientation="transposed")
    np.testing.assert_array_equal(digits.images, IMAGES)
    assert digits.get_metadata()["turned"]
    digits.load(path, orientation="upright")
    np.testing.assert_array_equal(digits.images, TURNED)
    digits.save(tmp_path / "again.npz")
    np.testing.assert_array_equal(load_digits(tmp_path / "again.npz").images, TURNED)


@pytest.mark.parametrize("size", [10, 28, 64])
@pytest.mark.parametrize("seed", range(4))
def test_few_digits_of_any_size_are_told_apart(size, seed, tmp_path):
    random = np.random.default_rng(seed)
    chosen = [random.choice(np.flatnonzero(packaged_digits().classes == digit)) for digit in range(10)]
    images = np.array(
        [np.asarray(Image.fromarray(packaged_digits().images[number]).resize((size, size))) for number in chosen]
    )
    upright = write(tmp_path / "upright.npz", images, np.arange(10))
    turned = write(tmp_path / "turned.npz", 255 - images.transpose(0, 2, 1), np.arange(10))

    np.testing.assert_array_equal(load_digits(upright).images, images)
    with pytest.raises(DatasetError, match="seem to lie on their side"):
        load_digits(turned)


def test_digits_unlike_any_are_taken_as_they_lie(make_digits, tmp_path):
    for seed in range(8):
        images, labels = make_digits(20, seed=seed)
        np.testing.assert_array_equal(load_digits(write(tmp_path / f"{seed}.npz", images, labels)).images, images)
