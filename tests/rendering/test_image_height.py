"""Pages of another height than the digits': see `image_height`."""

import numpy as np
import pytest
from PIL import Image

from number_generator import DigitSequenceImageGenerator, generate_batch, generate_chunk, generate_numbers_sequence
from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.resolve import packaged_digits
from number_generator.errors import SpecError
from number_generator.job.handwriting import STYLES

LINES = ["0312345678", "", "06-1234,5", "42", "(555) 1/2+3.", "7" * 30, "1", " "]
# Without what belongs to the pixels of a page, whatever its height: noise and compression.
SMOOTH = STYLES["document"].replace(noise=0, jpeg=0, auto_levels=0, ink_texture=0)


def resized(line, height, width, fit):
    """Fit a line of ink, as high as its digits, to a page as the manual says, with Pillow."""
    digits, natural = line.shape
    size = max(1, round(natural * (height / digits))), height
    if size[0] > width:
        size = width, (height if fit == "stretch" else min(height, max(1, round(digits * (width / natural)))))
    ink = Image.fromarray(line)
    for step in ((size[0], digits), size):  # some versions of Pillow would begin with the columns
        ink = ink.resize(step, Image.Resampling.LANCZOS) if step != ink.size else ink
    page = np.zeros((height, width), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    page[top : top + size[1], left : left + size[0]] = np.asarray(ink)
    return page, size


@pytest.mark.parametrize("fit", ["contain", "stretch"])
def test_clean_lines_are_composed_at_the_height_of_the_digits_and_resized_as_pillow_does(fit):
    whole = generate_chunk(LINES, (5, 10), 2000, seed=5, truth="parameters")
    natural = whole.truth["parameters"][:, 0].astype(int)
    for height, width in [(16, 100), (20, 1), (27, 255), (29, 7), (32, 320), (64, 20), (64, 640), (256, 101)]:
        found = generate_chunk(
            LINES, (5, 10), width, seed=5, fit=fit, image_height=height, truth=["boxes", "masks", "parameters"]
        )
        for k, columns in enumerate(natural):
            case = f"line {k} on {width} x {height} px"
            if columns == 0:
                assert (found.images[k] == 255).all(), case
                continue
            left = (2000 - columns) // 2
            expected, size = resized(255 - whole.images[k, :, left : left + columns], height, width, fit)
            np.testing.assert_array_equal(255 - found.images[k], expected, err_msg=case)
            np.testing.assert_allclose(
                found.truth["parameters"][k], [columns, size[0] / columns, size[1] / 28], rtol=1e-6, err_msg=case
            )
            for box, mask in zip(found.truth["boxes"][k].tolist(), found.truth["masks"][k], strict=True):
                x0, y0, x1, y1 = box
                inside = mask[max(y0, 0) : y1, max(x0, 0) : x1].sum(dtype=int)
                assert width < 100 or inside >= 0.6 * mask.sum(dtype=int), case


@pytest.mark.parametrize("style", ["natural", "document"])
def test_the_height_of_the_digits_changes_nothing(style):
    for width in (40, 160):
        own, given = (
            generate_batch(LINES * 4, None, width, style=style, seed=3, image_height=height) for height in (None, 28)
        )
        np.testing.assert_array_equal(given, own)


@pytest.mark.parametrize("style", [STYLES["natural"], SMOOTH], ids=["natural", "document"])
def test_a_higher_page_shows_the_same_lines_and_paper_in_more_detail(style):
    lines = ["0123456789", "55.12", "(03) 4-1", "7", "1980/04/23"] * 6
    low = generate_chunk(lines, None, 160, style=style, seed=3, truth="boxes")

    for times in (2, 8):
        high = generate_chunk(lines, None, 160 * times, style=style, seed=3, image_height=28 * times, truth="boxes")

        averaged = high.images.reshape(-1, 28, times, 160, times).mean(axis=(2, 4))
        alike = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(low.images, averaged, strict=True)]
        assert np.median(alike) > 0.9, alike  # some are moved by a part of a pixel of the low page
        assert min(alike) > 0.5, alike
        assert abs(averaged.mean() - low.images.mean()) < 2
        there = low.truth["boxes"] >= 0
        apart = np.abs(high.truth["boxes"][there] / times - low.truth["boxes"][there])
        assert np.quantile(apart, 0.95) <= 1.5
        # Edges are steeper than those of the low page, enlarged.
        steps = np.abs(np.diff(high.images.astype(int), axis=2)).max(axis=(1, 2))
        enlarged = np.abs(np.diff(low.images.astype(int), axis=2)).max(axis=(1, 2)) / times
        assert (steps > enlarged).mean() > 0.9


def test_digits_of_any_size_come_out_as_high_as_the_page_asks():
    pixels, labels = packaged_digits().get_data()
    pixels, labels = pixels[::10], labels[::10]
    small = np.stack([np.asarray(Image.fromarray(each).resize((14, 14))) for each in pixels])
    large = np.stack([np.asarray(Image.fromarray(each).resize((84, 84))) for each in pixels])
    rows = []
    for images in (small, pixels, large):
        digits = DigitImageDataset(images, labels)
        style = STYLES["natural"].replace(size=1, letterforms=0)
        pages = generate_batch(["123456"] * 40, (1, 2), 640, style=style, seed=1, digits=digits, image_height=64)
        assert pages.shape == (40, 64, 640)
        rows.append(np.mean([np.ptp(np.flatnonzero((page < 128).any(axis=1))) for page in pages]))
    assert max(rows) < 1.25 * min(rows)
    assert 40 < min(rows) < 64


def test_the_classes_of_the_first_version_take_it_too():
    expected = generate_batch(["0612"], (5, 10), 200, seed=4, image_height=48)[0]

    of_function = generate_numbers_sequence("0612", (5, 10), 200, seed=4, image_height=48)
    of_class = DigitSequenceImageGenerator(packaged_digits(), (5, 10), 200, image_height=48)

    np.testing.assert_array_equal(of_function, expected)
    np.testing.assert_array_equal(of_class.generate_from_data("0612", seed=4), expected)


@pytest.mark.parametrize("height", [15, 257, 0, -28, 32.5, "64"])
def test_a_height_that_no_page_has_is_rejected(height):
    with pytest.raises(SpecError, match=r"image_height is .*16.*256"):
        generate_batch(["1"], (5, 10), 100, image_height=height)
