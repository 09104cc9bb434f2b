"""Folders of images for each digit, and how an image becomes a digit of MNIST's form."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from number_generator import DigitImageDataset, convert, generate_batch
from number_generator.commands.main import main
from number_generator.digits import image_folder
from number_generator.digits.image_folder import load_folder, normalise_digit
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.errors import DatasetError, DatasetNotFoundError, DatasetReadError, SpecError
from number_generator.system.signals import Interruption


def drawn(height=60, width=40, ink=0, paper=255):
    """Return an image of a thick 1 that leans, on paper."""
    image = np.full((height, width), paper, np.uint8)
    for row in range(height // 5, height - height // 5):
        left = width // 2 - (row - height // 2) // 4
        image[row, left : left + max(1, width // 8)] = ink
    return image


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "mine"
    for digit in range(10):
        (path / str(digit)).mkdir(parents=True)
        Image.fromarray(drawn(width=40 + digit)).save(path / str(digit) / "a.png")
    return path


def one(image, ink="auto", size=28):
    return normalise_digit(np.asarray(image, np.float32) / 255, size, ink, "a.png")


def shifted_difference(image, other):
    """Return the least mean difference of two digits that may be a pixel apart."""
    other = other.astype(int)
    moved = (np.roll(image, (y, x), (0, 1)).astype(int) for y in (-1, 0, 1) for x in (-1, 0, 1))
    return min(np.abs(one - other).mean() for one in moved)


# --- the form


def test_a_digit_of_mnist_stays_as_it_is():
    for digit in range(10):
        original = packaged_digits().get_digit_examples(digit)[3]

        assert shifted_difference(one(original), original) < 1.5
        assert shifted_difference(one(255 - original), original) < 1.5


def test_ink_is_fitted_into_20_px_and_its_centre_of_mass_is_in_the_middle():
    digit = one(drawn())

    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    y, x = np.mgrid[:28, :28] + 0.5
    assert rows[-1] - rows[0] + 1 == 20
    assert columns[-1] - columns[0] + 1 < 20
    assert abs((digit * y).sum() / digit.sum() - 14) <= 0.51
    assert abs((digit * x).sum() / digit.sum() - 14) <= 0.51
    assert digit.max() == 255


@pytest.mark.parametrize("size", [4, 14, 28, 32, 100])
def test_digits_are_of_the_size_that_is_asked_for(folder, size):
    images = load_folder(folder, size=size).images

    assert images.shape == (10, size, size)
    rows = np.flatnonzero(images.any(axis=(0, 2)))
    assert rows[-1] - rows[0] + 1 == max(1, round(size * 20 / 28))


def test_ink_is_told_by_the_border_and_can_be_told_by_the_user():
    dark, bright = drawn(), drawn(ink=255, paper=0)

    np.testing.assert_array_equal(one(dark), one(bright))
    np.testing.assert_array_equal(one(dark, "dark"), one(dark))
    assert one(dark, "bright").astype(int).sum() > 2 * one(dark).astype(int).sum()


@pytest.mark.parametrize("contrast", [0.2, 0.9])
def test_paper_its_noise_and_an_even_shadow_are_taken_out(contrast):
    random = np.random.default_rng(1)
    clean = drawn(200, 200) / 255
    shadow = np.linspace(0.0, 0.3, 200)[None, :]
    photo = 0.95 - contrast * (1 - clean) - shadow + 0.01 * random.standard_normal(clean.shape)

    digit = normalise_digit(photo.clip(0, 1).astype(np.float32), 28, "auto", "a.png")

    assert shifted_difference(digit, one(drawn(200, 200))) < 6
    assert (digit > 20).mean() < 1.3 * (one(drawn(200, 200)) > 20).mean()


def test_thin_strokes_are_not_lost():
    image = np.full((400, 400), 255, np.uint8)
    image[50:350, 200:202] = 0

    assert one(image).max() > 100


def test_a_digit_that_touches_the_border_is_whole():
    cut = drawn()[12:48, 15:30]

    assert shifted_difference(one(cut), one(drawn())) < 2


# --- modes


def modes():
    grey = drawn()
    rgba = np.zeros((*grey.shape, 4), np.uint8)
    rgba[..., 3] = 255 - grey
    bright = np.concatenate((np.full((*grey.shape, 3), 255, np.uint8), rgba[..., 3:]), axis=2)
    image = Image.fromarray(grey)
    return {
        "grey": image,
        "rgb": image.convert("RGB"),
        "opaque": image.convert("RGBA"),
        "transparent": Image.fromarray(rgba),
        "bright and transparent": Image.fromarray(bright),
        "grey and transparent": Image.fromarray(rgba).convert("LA"),
        "palette": image.convert("P"),
        "black and white": image.convert("1"),
        "16 bits": Image.fromarray(grey.astype(np.uint16) * 257),
    }


@pytest.mark.parametrize("mode", modes())
def test_an_image_of_any_mode_is_the_same_digit(folder, mode):
    modes()[mode].save(folder / "1" / "a.png")

    np.testing.assert_array_equal(load_folder(folder).images[1], one(drawn()))


def test_a_jpeg_is_read_and_turned_as_its_camera_says(folder):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise
    (folder / "1" / "a.png").unlink()
    turned = Image.fromarray(drawn(240, 160)).rotate(90, expand=True)
    turned.save(folder / "1" / "b.JPG", exif=exif, quality=95)

    assert shifted_difference(load_folder(folder).images[1], one(drawn(240, 160))) < 3


# --- folders


def test_a_folder_is_loaded_wherever_digits_are_taken(folder):
    dataset = DigitImageDataset()
    dataset.load(folder)

    assert [dataset.get_digit_examples(digit).shape for digit in range(10)] == [(1, 28, 28)] * 10
    assert generate_batch(["0123"], (1, 2), 80, digits=folder, seed=1).shape == (1, 28, 80)
    assert load_digits(str(folder)) is load_digits(str(folder))


@pytest.mark.parametrize("file_format", ["png", "lmdb", "webdataset", "parquet"])
def test_a_folder_that_is_a_dataset_is_loaded_as_such(tmp_path, make_digit_dataset, file_format):
    pytest.importorskip({"lmdb": "lmdb", "parquet": "pyarrow"}.get(file_format, "PIL"))
    digits = make_digit_dataset(28)
    digits.save(tmp_path / "digits.h5")
    convert(tmp_path / "digits.h5", tmp_path / "digits", file_format=file_format)

    dataset = DigitImageDataset()
    dataset.load(tmp_path / "digits")

    assert dataset.sha256 == digits.sha256
    assert load_digits(tmp_path / "digits").sha256 == digits.sha256
    assert (
        main(["digits", "build", str(tmp_path / "digits"), str(tmp_path / "b.npz"), "--no-clusters"], Interruption())
        == 0
    )
    assert load_digits(tmp_path / "b.npz").sha256 == digits.sha256


def test_a_folder_that_has_changed_is_read_again(folder):
    before = load_digits(folder)
    Image.fromarray(drawn(80, 30)).save(folder / "4" / "b.png")

    assert len(load_digits(folder)) == len(before) + 1


def test_digits_stand_by_class_then_name(folder):
    for name in ("c.png", "b.png"):
        Image.fromarray(drawn(60, 30 if name == "b.png" else 50)).save(folder / "3" / name)

    raw = load_folder(folder)

    assert raw.labels.tolist() == [0, 1, 2, 3, 3, 3, 4, 5, 6, 7, 8, 9]
    np.testing.assert_array_equal(raw.images[4], one(drawn(60, 30)))


def test_files_of_the_system_are_passed_over(folder):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / "2" / name).write_bytes(b"x")
    (folder / "letters").mkdir()

    assert len(load_folder(folder).images) == 10


# --- errors


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="there is no such folder"):
        load_folder(tmp_path / "none")


def test_a_folder_without_digits_is_an_error(tmp_path):
    with pytest.raises(DatasetReadError, match=r"this folder does not hold digits; give a dataset file"):
        load_digits(tmp_path)


def test_missing_classes_are_named(folder):
    for digit in (3, 7):
        (folder / str(digit) / "a.png").unlink()
        (folder / str(digit)).rmdir()

    with pytest.raises(DatasetError, match="this folder lacks 3, 7"):
        load_folder(folder)


def test_a_class_without_images_is_named(folder):
    (folder / "5" / "a.png").unlink()

    with pytest.raises(DatasetError, match=r"5: there is no image in this folder"):
        load_folder(folder)


def test_a_file_that_is_no_image_by_name_is_named(folder):
    (folder / "5" / "b.gif").write_bytes(b"GIF89a")

    with pytest.raises(DatasetError, match=r"b\.gif: its name does not end in \.png, \.jpg or \.jpeg"):
        load_folder(folder)


@pytest.mark.parametrize(
    "damage", [lambda b: b[: len(b) // 2], lambda b: b"GIF89a", lambda b: b"", lambda b: b[:30] + b"x" + b[31:]]
)
def test_a_broken_image_is_named(folder, damage):
    path = folder / "6" / "a.png"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DatasetError, match=r"6.a\.png: this is not a complete PNG or JPEG image"):
        load_folder(folder)


@pytest.mark.parametrize("paper", [0, 128, 255])
def test_a_blank_image_is_named(folder, paper):
    Image.fromarray(np.full((50, 50), paper, np.uint8)).save(folder / "6" / "a.png")

    with pytest.raises(DatasetError, match=r"6.a\.png: nothing is written on this image"):
        load_folder(folder)


def test_noise_alone_is_blank(folder):
    noise = np.random.default_rng(1).integers(240, 250, (50, 50), np.uint8)
    Image.fromarray(noise).save(folder / "6" / "a.png")

    with pytest.raises(DatasetError, match=r"its ink and paper differ by [0-9]% of black and white"):
        load_folder(folder)


def test_an_image_of_too_many_pixels_is_refused_before_it_is_unpacked(folder, monkeypatch):
    Image.new("1", (10_000, 20_000)).save(folder / "6" / "a.png")

    with pytest.raises(DatasetError, match=r"6.a\.png: it is 10000 x 20000 px, more than 50 million"):
        load_folder(folder)
    Image.new("1", (6_000, 9_000)).save(folder / "6" / "a.png")
    with pytest.raises(DatasetError, match=r"6.a\.png: it is 6000 x 9000 px, more than 50 million"):
        load_folder(folder)


def test_an_image_that_claims_more_than_it_holds_takes_no_memory(folder):
    content = bytearray((folder / "6" / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 7000, 7000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (folder / "6" / "a.png").write_bytes(content)

    with pytest.raises(DatasetError, match=r"6.a\.png: it claims 7000 x 7000 px, more than its bytes can hold"):
        load_folder(folder)


def test_an_image_that_may_not_be_read_is_named(folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(DatasetReadError, match=r"0.a\.png: the file cannot be read: Permission denied"):
        load_folder(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 3}, "size is 3"),
        ({"size": 513}, "size is 513"),
        ({"ink": "red"}, "ink is 'red': give 'auto', 'dark' or 'bright'"),
    ],
)
def test_size_and_ink_have_rules(folder, settings, message):
    with pytest.raises(SpecError, match=message):
        load_folder(folder, **settings)


def test_a_large_image_is_reduced_before_it_is_measured(monkeypatch):
    seen = []
    monkeypatch.setattr(
        image_folder,
        "_find_threshold",
        lambda grey, find=image_folder._find_threshold: seen.append(grey.shape) or find(grey),
    )

    large = one(drawn(3000, 2000))

    assert seen == [(600, 400)]
    assert shifted_difference(large, one(drawn(300, 200))) < 2


# --- whose border tells


def cut_tightly(folder, numbers, *, is_dark):
    """Replace a folder's images by packaged digits without any margin, and return how many there are."""
    for file in folder.glob("*/*"):
        file.unlink()
    for number in numbers:
        image = packaged_digits().images[number]
        rows, columns = np.flatnonzero(image.max(axis=1) > 127), np.flatnonzero(image.max(axis=0) > 127)
        cut = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        file = folder / str(packaged_digits().classes[number]) / f"{number:04}.png"
        Image.fromarray(255 - cut if is_dark else cut).save(file)
    return len(numbers)


@pytest.mark.parametrize("is_dark", [True, False])
def test_ones_that_fill_their_box_are_read_as_the_folder_is(folder, is_dark):
    ones = np.flatnonzero(packaged_digits().classes == 1)
    cut_tightly(folder, sorted({*range(0, 5000, 80), *ones[::8].tolist()}), is_dark=is_dark)

    raw = load_folder(folder)

    own = [normalise_digit(np.asarray(Image.open(file), np.float32) / 255, 28, "auto", "") for file in files_of(folder)]
    assert (np.array(own) != raw.images).any()  # the border of some misleads
    np.testing.assert_array_equal(raw.images, load_folder(folder, ink="dark" if is_dark else "bright").images)
    assert raw.metadata == ({"stored_with": "dark ink on a light ground"} if is_dark else {})


def files_of(folder):
    return sorted(folder.glob("*/*"))


def test_images_whose_border_is_clear_may_differ_in_their_ink(folder, caplog):
    Image.fromarray(255 - drawn()).save(folder / "7" / "b.png")
    dataset = DigitImageDataset()

    dataset.load(folder)

    np.testing.assert_array_equal(dataset.images[7], dataset.images[8])
    assert dataset.get_metadata()["stored_with"] == "dark ink on a light ground in 10 of 11 images"
    assert "stored with dark ink on a light ground in 10 of 11 images; they are read as" in caplog.messages[0]


def test_a_vote_that_is_not_clear_is_refused(folder):
    for digit in range(5):
        Image.fromarray(255 - drawn()).save(folder / str(digit) / "a.png")
    Image.fromarray(drawn()[12:48, 15:30]).save(folder / "9" / "b.png")

    with pytest.raises(DatasetError, match=r"b\.png: its border .* from paper, and of .* 5 are dark on light and 5 br"):
        load_folder(folder)
    Image.fromarray(drawn()[12:48, 15:30]).save(folder / "9" / "c.png")
    with pytest.raises(DatasetError, match=r"b\.png: .*paper \(nor that of 1 more\), and of 10 images"):
        load_folder(folder)
    assert len(load_folder(folder, ink="dark").images) == 12


@pytest.mark.parametrize("is_dark", [True, False])
def test_one_image_whose_ink_touches_the_border_is_read_in_a_folder_of_both_kinds(folder, is_dark):
    for digit in range(5):
        Image.fromarray(255 - drawn()).save(folder / str(digit) / "a.png")
    cut = drawn()[12:]
    Image.fromarray(cut if is_dark else 255 - cut).save(folder / "9" / "b.png")

    images = load_folder(folder).images

    assert shifted_difference(images[10], one(drawn())) < 2
    np.testing.assert_array_equal(images[0], one(drawn()))


@pytest.mark.parametrize("most", [1, 16])
def test_images_of_a_small_range_are_read(folder, most):
    expected = load_folder(folder).images
    for file in files_of(folder):
        Image.fromarray(np.where(np.asarray(Image.open(file)) > 127, most, 0).astype(np.uint8)).save(file)

    raw = load_folder(folder)

    np.testing.assert_array_equal(raw.images, expected)
    assert raw.metadata == {"stored_with": f"dark ink on a light ground, values from 0 to {most}"}
    np.testing.assert_array_equal(load_folder(folder, value_range=most).images, expected)
    with pytest.raises(DatasetError, match=f"go up to {most}, and the range is said to end at 255: it does not fit"):
        load_folder(folder, value_range=255)


def test_a_folder_of_digits_on_their_side_is_refused(folder):
    cut_tightly(folder, range(0, 5000, 50), is_dark=True)
    for file in files_of(folder):
        Image.open(file).transpose(Image.Transpose.TRANSPOSE).save(file)
    digits = DigitImageDataset()

    with pytest.raises(DatasetError, match="seem to lie on their side"):
        digits.load(folder)
    digits.load(folder, orientation="transposed")
    assert len(digits) == 100


def test_what_is_no_image_file_is_said(folder):
    places = {name: folder / "3" / f"z-{name}.png" for name in ("pipe", "folder", "dangling", "loop")}
    os.mkfifo(places["pipe"])
    places["folder"].mkdir()
    places["dangling"].symlink_to("gone.png")
    places["loop"].symlink_to("z-loop.png")
    kinds = {
        "dangling": "a link to 'gone.png', which is not there",
        "folder": "a folder",
        "loop": "a link to 'z-loop.png', which leads back to itself",
        "pipe": "a pipe",
    }

    for name, kind in kinds.items():
        with pytest.raises(DatasetError, match=f"{name}.png: this is {kind}: take it out"):
            load_folder(folder)
        places[name].rmdir() if name == "folder" else places[name].unlink()
