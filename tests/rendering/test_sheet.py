"""Contact sheets: where images and labels stand, and what is rejected."""

import numpy as np
import pytest
from noise import noise
from PIL import ImageFont

from number_generator.errors import SpecError
from number_generator.rendering import sheet
from number_generator.rendering.sheet import contact_sheet


def places(sheet, images, scale):
    """Where each image stands, as (top, left); one that does not stand in exactly one place fails."""
    found = []
    for image in images:
        shown = image.repeat(scale, axis=0).repeat(scale, axis=1)
        height, width = shown.shape
        windows = np.lib.stride_tricks.sliding_window_view(sheet, (height, width))
        candidates = np.argwhere(windows[:, :, 0, 0] == shown[0, 0])
        at = [(int(top), int(left)) for top, left in candidates if (windows[top, left] == shown).all()]
        assert len(at) == 1, at
        found += at
    return found


def below(sheet, place, height, width):
    """The strip below an image, as far as the next one may begin."""
    top, left = place
    return sheet[top + height + 1 : top + height + 20, left : left + width]


def ground(sheet):
    return int(sheet[0, 0])


@pytest.mark.parametrize(("columns", "scale"), [(1, 1), (3, 2), (7, 3), (50, 1)])
def test_the_images_stand_in_a_grid_row_by_row_and_unchanged(columns, scale):
    images = noise(7)

    sheet = contact_sheet(images, "abcdefg", columns=columns, scale=scale)

    at = np.array(places(sheet, images, scale))
    across = min(columns, 7)
    rows, lefts = np.divmod(np.arange(7), across)
    assert sheet.dtype == np.uint8
    assert len(set(at[:, 1])) == across
    for axis, number in ((0, rows), (1, lefts)):
        pitch = {int(p) for p in np.diff(np.unique(at[:, axis]))}
        assert len(pitch) <= 1
        assert (at[:, axis] == at[0, axis] + number * max(pitch, default=0)).all()


def test_images_are_framed_and_do_not_touch():
    images = noise(4)

    sheet = contact_sheet(images, ["1"] * 4, columns=2, scale=2)

    for top, left in places(sheet, images, 2):
        frame = sheet[top - 1 : top + 13, left - 1 : left + 41].astype(int)
        frame[1:-1, 1:-1] = frame[0, 0]
        assert len(np.unique(frame)) == 1
        assert frame[0, 0] not in {0, 255, ground(sheet)}
        assert (sheet[top - 2, left - 2 : left + 42] == ground(sheet)).all()
        assert (sheet[top - 2 : top + 14, left - 2] == ground(sheet)).all()


def test_the_ground_is_neither_black_nor_white():
    sheet = contact_sheet(noise(1), [""])

    assert 96 < ground(sheet) < 224


def test_a_label_stands_below_its_own_image():
    images = noise(4, width=40)

    sheet = contact_sheet(images, ["12", "", "34567", "12"], columns=4, scale=1)

    strips = [below(sheet, place, 6, 40) for place in places(sheet, images, 1)]
    ink = [int((strip < ground(sheet)).sum()) for strip in strips]
    assert ink[1] == 0
    assert 0 < ink[0] < ink[2]
    assert np.array_equal(strips[0], strips[3])
    assert strips[2].min() == 0


def test_the_last_label_is_whole():
    images = noise(1, width=200)

    sheet = contact_sheet(images, ["(|gjpqy)"], columns=1, scale=1)

    assert (sheet[-3:] == ground(sheet)).all()


@pytest.mark.parametrize("label", ["0123456789" * 2, "1" * 10_000], ids=["20 digits", "10,000 digits"])
def test_a_long_label_is_shortened_and_stays_below_its_image(label):
    images = noise(2, width=60)

    sheet = contact_sheet(images, [label, ""], columns=2, scale=1)
    prefix = contact_sheet(images, [label[:3], ""], columns=2, scale=1)

    (top, left), other = places(sheet, images, 1)
    assert (below(sheet, other, 6, 60) == ground(sheet)).all()
    assert (sheet[top + 7 :, left + 61 :] == ground(sheet)).all()
    assert below(sheet, (top, left), 6, 60).min() == 0
    start = np.s_[top + 7 :, left : left + 10]
    assert np.array_equal(sheet[start], prefix[start])


def test_a_shortened_label_ends_in_dots():
    font = sheet._load_font()

    short = sheet._shorten("0123456789" * 5, font, 80)

    assert short.endswith("...")
    assert "0123456789".startswith(short[:-3][:10])
    assert font.getlength(short) <= 80 < font.getlength(f"{short[:-3]}00...")


@pytest.mark.parametrize("width", range(1, 40))
def test_no_label_is_wider_than_its_place(width):
    font = sheet._load_font()

    for text in ("", "7", "42", "12345678901", "WWWW"):
        assert font.getlength(sheet._shorten(text, font, width)) <= width


def test_a_label_that_fits_is_whole():
    font = sheet._load_font()

    assert sheet._shorten("+81 (90) 12", font, 100) == "+81 (90) 12"


def test_a_label_takes_one_line_and_only_simple_characters():
    images = noise(1, width=100)

    sheet = contact_sheet(images, ["1\n2\0é日"], columns=1, scale=1)

    assert np.array_equal(sheet, contact_sheet(images, ["1?2???"], columns=1, scale=1))


def test_labels_may_be_numbers():
    images = noise(2)

    assert np.array_equal(contact_sheet(images, np.array([3, 7])), contact_sheet(images, ["3", "7"]))


@pytest.mark.parametrize("failure", [TypeError("no such argument: size"), ImportError("no FreeType")])
def test_an_older_pillow_has_a_font_as_well(monkeypatch, failure):
    def older(size=None):
        if size is not None:
            raise failure
        return ImageFont.load_default_imagefont()

    if not hasattr(ImageFont, "load_default_imagefont"):
        pytest.skip("this Pillow has one default font")
    monkeypatch.setattr(ImageFont, "load_default", older)
    images = noise(3, width=60)

    sheet = contact_sheet(images, ["12", "日本", "1234567890" * 3], columns=3, scale=1)

    at = places(sheet, images, 1)
    assert all(below(sheet, place, 6, 60).min() == 0 for place in at)


@pytest.mark.parametrize(
    "shape", [(60, 28, 28), (60, 28, 100), (60, 28, 128), (24, 64, 64), (12, 28, 128), (200, 28, 128)]
)
def test_a_sheet_of_many_images_has_a_handy_size(shape):
    sheet = contact_sheet(noise(*shape), [""] * shape[0])

    height, width = sheet.shape
    assert 1000 <= width <= 1400
    assert 0.72 <= width / height <= 1.38


@pytest.mark.parametrize("shape", [(1, 28, 100), (3, 4, 4), (1, 1, 1), (2, 400, 3)])
def test_a_few_small_images_are_enlarged(shape):
    sheet = contact_sheet(noise(*shape), [""] * shape[0])

    assert 1000 <= sheet.shape[1] <= 1400


def test_an_image_wider_than_a_sheet_is_shown_as_large_as_it_is():
    images = noise(3, 28, 2000)

    sheet = contact_sheet(images, ["1", "2", "3"])

    assert len({left for _, left in places(sheet, images, 1)}) == 1


def test_images_that_differ_in_size_stand_in_rows_each_with_its_label_and_boxes():
    random = np.random.default_rng(3)
    images = [random.integers(0, 256, (10 + k % 5, 15 + 37 * k % 400), np.uint8) for k in range(30)]

    sheet = contact_sheet(images, map(str, range(30)), scale=1)

    at = places(sheet, images, 1)
    assert at == sorted(at)  # row by row, as images of a row begin at the same height
    assert sheet.shape[1] <= 1200
    assert contact_sheet(images, map(str, range(30)), columns=1, scale=1).shape[0] > 30 * 30
    assert contact_sheet(images[:3], "abc").shape[0] > 3 * 14  # a few are enlarged
    for place, image in zip(at, images, strict=True):
        assert (below(sheet, place, *image.shape) < 100).any()
    boxes = np.array([[[0, 0, image.shape[1], image.shape[0]]] for image in images])
    outlined = contact_sheet(images, map(str, range(30)), scale=1, boxes=boxes)
    assert [outlined[top - 1, left + 1].tolist() for top, left in at] == [[220, 30, 30]] * 30
    with pytest.raises(SpecError, match="not a box of an image of 15 x 10 px"):
        contact_sheet(images[:1], ["1"], boxes=np.array([[[0, 0, 16, 10]]]))


def test_images_in_colour_make_a_sheet_in_colour():
    images = np.random.default_rng(4).integers(0, 256, (4, 6, 8, 3), np.uint8)

    for given in (images, [images[0], *images[1:, :, :5]]):
        sheet = contact_sheet(given, "abcd", scale=1)

        assert sheet.shape[2] == 3
        for channel in range(3):
            places(sheet[..., channel], [image[..., channel] for image in given], 1)


def test_the_images_are_left_alone():
    images = noise(3)
    before = images.copy()
    images.setflags(write=False)

    sheet = contact_sheet(images, "abc")

    assert np.array_equal(images, before)
    assert sheet.flags.writeable


@pytest.mark.parametrize(
    ("images", "labels", "keywords", "message"),
    [
        (noise(0), [], {}, r"shape \(0, 6, 20\): a sheet shows at least one image"),
        (np.zeros((2, 0, 5), np.uint8), ["1", "2"], {}, "at least one image with pixels"),
        (noise(2), ["1"], {}, "2 images and 1 labels"),
        (noise(2)[0], ["1", "2"], {}, r"shape \(6, 20\) and type uint8: give a uint8 array of shape"),
        (noise(2).astype(float), ["1", "2"], {}, "type float64"),
        ("images", ["1"], {}, "images is str: give a uint8 array"),
        ([], [], {}, "images is a list: give uint8 arrays"),
        ([noise(1)[0], noise(1)], ["1", "2"], {}, "images is a list: give uint8 arrays"),
        ([noise(1)[0], noise(1)[0][:0]], ["1", "2"], {}, "an empty image: a sheet shows"),
        (noise(2), ["1", "2"], {"columns": 0}, "columns is 0"),
        (noise(2), ["1", "2"], {"scale": 1.5}, "scale is 1.5"),
        (noise(2), ["1", "2"], {"scale": 10**400}, "scale is 10"),
        (noise(2), ["1", "2"], {"scale": 60_000}, r"at most 2\*\*28 pixels"),
    ],
)
def test_what_makes_no_sheet_is_refused(images, labels, keywords, message):
    with pytest.raises(SpecError, match=message):
        contact_sheet(images, labels, **keywords)
