"""Line images of every kind become the same grey levels."""

import io

import numpy as np
import pytest
from PIL import Image

from number_generator.errors import DatasetError, DatasetReadError, SpecError
from number_generator.scans.pictures import to_grey

RAMP = np.arange(0, 240, 2, dtype=np.uint8).reshape(6, 20)


def test_arrays_of_every_kind_become_the_same_grey():
    opaque = np.full_like(RAMP, 255)
    same = (
        RAMP,
        RAMP[:, :, None],
        np.stack([RAMP, opaque], axis=2),
        np.stack([RAMP] * 3, axis=2),
        np.stack([RAMP, RAMP, RAMP, opaque], axis=2),
        RAMP.astype(np.uint16) * 257,
        RAMP / 255,
        (RAMP / 255).astype(np.float32),
        RAMP.tolist() and RAMP[:, ::-1][:, ::-1],
        Image.fromarray(RAMP),
        Image.fromarray(RAMP).convert("RGB"),
        Image.fromarray(RAMP).convert("RGBA"),
        Image.fromarray(RAMP).convert("LA"),
        Image.fromarray(RAMP).convert("P"),
        Image.fromarray(RAMP.astype(np.uint16) * 257),
    )
    for image in same:
        assert np.array_equal(to_grey(image), RAMP)
    assert np.array_equal(to_grey(RAMP > 100), np.where(RAMP > 100, 255, 0))


def test_colours_become_the_grey_that_pillow_makes_of_them():
    colours = np.random.default_rng(1).integers(0, 256, (20, 30, 3), np.uint8)
    assert np.array_equal(to_grey(colours), np.asarray(Image.fromarray(colours).convert("L")))


def test_what_is_transparent_becomes_white():
    half = np.stack([np.zeros((2, 3)), np.array([[0, 128, 255]] * 2)], axis=2).astype(np.uint8)
    assert to_grey(half).tolist() == [[255, 127, 0]] * 2
    keyed = Image.fromarray(np.array([[0, 9]], np.uint8))
    keyed.info["transparency"] = 9
    assert to_grey(keyed).tolist() == [[0, 255]]


@pytest.mark.parametrize(("ending", "options"), [("png", {}), ("tiff", {}), ("bmp", {}), ("webp", {"lossless": True})])
def test_files_of_many_formats_are_read(tmp_path, ending, options):
    Image.fromarray(RAMP).save(tmp_path / f"line.{ending}", **options)
    assert np.array_equal(to_grey(tmp_path / f"line.{ending}"), RAMP)
    assert np.array_equal(to_grey(str(tmp_path / f"line.{ending}")), RAMP)


def test_a_picture_is_turned_as_its_camera_says(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned to the right when it is shown
    for ending in ("png", "tiff"):
        Image.fromarray(np.rot90(RAMP)).save(tmp_path / f"line.{ending}", exif=exif)
        assert np.array_equal(to_grey(tmp_path / f"line.{ending}"), RAMP)
    with Image.open(tmp_path / "line.png") as picture:
        assert np.array_equal(to_grey(picture), RAMP)


def test_what_is_no_image_is_refused_by_name(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    cut = io.BytesIO()
    Image.fromarray(RAMP).save(cut, "PNG")
    (tmp_path / "cut.png").write_bytes(cut.getvalue()[:50])
    wrong = (
        (np.zeros((2, 3, 5), np.uint8), SpecError, "has shape"),
        (np.zeros(7, np.uint8), SpecError, "has shape"),
        (np.zeros((0, 5), np.uint8), SpecError, "5 x 0 px"),
        (np.zeros((2, 2), np.int32), SpecError, "array of int32"),
        (np.full((2, 2), 255.0), SpecError, "floats from 255"),
        (np.full((2, 2), np.nan), SpecError, "floats from nan"),
        (Image.new("F", (2, 2)), SpecError, "floating-point"),
        (tmp_path / "none.png", DatasetReadError, "none.png"),
        (tmp_path, DatasetReadError, "cannot be read"),
        (tmp_path / "text.png", DatasetError, "text.png"),
        (tmp_path / "cut.png", DatasetError, "cut.png"),
    )
    for image, error, text in wrong:
        with pytest.raises(error, match=text):
            to_grey(image)
