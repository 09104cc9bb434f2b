"""Every pixel against the slow way of reference.py."""

import itertools
from functools import cache

import numpy as np
import pytest
import reference
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from number_generator import DigitImageDataset, generate_batch

SIZES = [4, 5, 28, 31, 32, 33, 64, 100]
WIDTHS = [1, 2, 7, 31, 32, 33, 64, 100, 256, 800, 65535]
SPACINGS = [(0, 0), (5, 10), (0, 300)]
FITS = ["contain", "stretch"]
LARGEST_SEED = 2**64 - 1
LARGEST_NUMBER = 2**63 - 1
LINES = ["0123456789", "7", "", "00", "31415926535", "2718281828459045235360287471352"]


@pytest.fixture(scope="module")
def digits_of(make_digits):
    """Return, for a size, images, labels and the DigitImageDataset of them, made once."""

    @cache
    def make(size):
        images, labels = make_digits(size)
        return images, labels, DigitImageDataset(images, labels)

    return make


def assert_drawn_as_by_the_reference(sequences, digits, *, spacing_range, width, fit, seed, start=0):
    images, labels, dataset = digits

    batch = generate_batch(sequences, spacing_range, width, seed=seed, start=start, digits=dataset, fit=fit)

    assert batch.dtype == np.uint8
    assert batch.shape == (len(sequences), images.shape[1], width)
    for number, sequence in enumerate(sequences, start):
        expected = reference.draw_image(
            sequence, number, images=images, labels=labels, seed=seed, spacing_range=spacing_range, width=width, fit=fit
        )
        case = f"image {number} of seed {seed}: {sequence[:40]!r}, {spacing_range}, {width} px, {fit}"
        reference.assert_same_images(batch[number - start], expected, case)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("size", SIZES)
def test_lines_are_drawn_as_by_the_reference(digits_of, size, width):
    # Each size and each width meets each spacing.
    spacing_range = SPACINGS[(SIZES.index(size) + WIDTHS.index(width)) % len(SPACINGS)]
    for fit in FITS:
        assert_drawn_as_by_the_reference(
            LINES, digits_of(size), spacing_range=spacing_range, width=width, fit=fit, seed=size * width
        )


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("size", "width"), [(4, 65535), (28, 1), (28, 100), (28, 65535), (33, 800), (100, 100)])
def test_long_lines_are_drawn_as_by_the_reference(digits_of, size, width, fit):
    sequences = ["8675309" * 71 + "123", "4" * 500]

    assert_drawn_as_by_the_reference(
        sequences, digits_of(size), spacing_range=(0, 300), width=width, fit=fit, seed=size + width
    )


@pytest.mark.parametrize("fit", ["contain", pytest.param("stretch", marks=pytest.mark.slow)])
def test_the_longest_line_is_drawn_as_by_the_reference(digits_of, fit):
    assert_drawn_as_by_the_reference(
        ["0123456789" * 1000], digits_of(28), spacing_range=(0, 300), width=100, fit=fit, seed=1
    )


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("width", [20, 100, 333])
def test_the_default_digits_are_drawn_as_by_the_reference(digits, width, fit):
    images, labels = digits
    random = np.random.default_rng(width)
    sequences = ["".join(map(str, random.integers(0, 10, random.integers(0, 13)))) for _ in range(100)]

    assert_drawn_as_by_the_reference(
        sequences, (images, labels, None), spacing_range=(5, 10), width=width, fit=fit, seed=width
    )


@pytest.mark.parametrize("start", [0, 1, 2**32 - 3, 2**62, LARGEST_NUMBER - len(LINES)])
@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63, LARGEST_SEED])
def test_any_seed_and_image_number_are_drawn_as_by_the_reference(digits_of, seed, start):
    assert_drawn_as_by_the_reference(
        LINES, digits_of(28), spacing_range=(0, 40), width=120, fit="contain", seed=seed, start=start
    )


def digits_with_ink(kind, size):
    """Three digits a class with ink in unusual places."""
    labels = np.repeat(np.arange(10), 3)
    images = np.zeros((30, size, size), np.uint8)
    random = np.random.default_rng(size)
    if kind == "in every column":
        images[:] = random.integers(1, 256, images.shape)
    elif kind == "of value 1":
        images[:, size // 2, 1 : size - 1] = 1
    elif kind == "everywhere, of value 255":
        images[:] = 255
    elif kind == "at the border alone":
        images[:, 0] = images[:, -1] = images[:, :, 0] = images[:, :, -1] = 200
    elif kind == "in the first column alone":
        images[:, :, 0] = 90
    elif kind == "in the last column alone":
        images[:, :, -1] = 90
    elif kind == "in one corner pixel":
        images[:, -1, -1] = 255
    elif kind == "in alternate columns":  # the sharpest edges: resampling overshoots on both sides
        images[:, :, ::2] = 255
    else:
        assert kind == "nowhere in some digits"
        images[::2, :, 2:4] = random.integers(0, 256, images[::2, :, 2:4].shape)
        images[:6] = 0
    return images, labels, DigitImageDataset(images, labels)


@pytest.mark.parametrize("size", [4, 28, 33])
@pytest.mark.parametrize(
    "kind",
    [
        "in every column",
        "of value 1",
        "everywhere, of value 255",
        "at the border alone",
        "in the first column alone",
        "in the last column alone",
        "in one corner pixel",
        "in alternate columns",
        "nowhere in some digits",
    ],
)
def test_digits_with_unusual_ink_are_drawn_as_by_the_reference(kind, size):
    made = digits_with_ink(kind, size)
    for width, fit in itertools.product((9, 65, 1000), FITS):
        assert_drawn_as_by_the_reference(LINES, made, spacing_range=(0, 3), width=width, fit=fit, seed=5)


@pytest.mark.parametrize("width", [7, 33, 50])
@pytest.mark.parametrize("size", [4, 28, 33, 64])
def test_a_line_is_shrunk_as_by_one_resize_of_pillow(make_digits, size, width):
    images, labels = make_digits(size, per_class=1)
    one_each = DigitImageDataset(images, labels)
    line = np.hstack([reference.crop_to_ink(images[labels == digit][0]) for digit in (1, 2, 3, 4, 5, 6, 7)] * 5)
    height = max(1, round(size * (width / line.shape[1])))
    expected = 255 - np.asarray(Image.fromarray(line).resize((width, height), Image.Resampling.LANCZOS))

    page = generate_batch(["1234567" * 5], (0, 0), width, seed=1, digits=one_each)[0]

    assert line.shape[1] > max(width, 2 * size)
    np.testing.assert_array_equal(page[(size - height) // 2 :][:height], expected)


def test_a_digit_without_ink_takes_one_blank_column():
    images, labels, _ = digits_with_ink("everywhere, of value 255", 6)
    images[labels == 0] = 0
    dataset = DigitImageDataset(images, labels)

    page = generate_batch(["101"], (0, 0), 13, seed=1, digits=dataset)[0]

    assert page.tolist() == [[0] * 6 + [255] + [0] * 6] * 6


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [5, 28, 33])
def test_a_line_about_as_wide_as_the_page_is_drawn_as_by_the_reference(size, fit):
    made = digits_with_ink("in every column", size)
    natural = 4 * size + 3 * 6

    for width in (natural - 1, natural, natural + 1):
        assert_drawn_as_by_the_reference(["1234"], made, spacing_range=(6, 6), width=width, fit=fit, seed=2)


@pytest.mark.parametrize("fit", FITS)
def test_a_line_exactly_as_wide_as_the_page_is_not_resampled(fit):
    images, labels, _ = digits_with_ink("in every column", 8)
    one_each = DigitImageDataset(images[::3], labels[::3])

    page = generate_batch(["12"], (4, 4), 20, seed=1, digits=one_each, fit=fit)[0]

    np.testing.assert_array_equal(page[:, :8], 255 - images[3])
    assert (page[:, 8:12] == 255).all()
    np.testing.assert_array_equal(page[:, 12:], 255 - images[6])


@pytest.mark.parametrize(("width", "left"), [(20, 0), (21, 0), (22, 1), (23, 1), (40, 10)])
def test_a_line_that_fits_is_centred_and_an_odd_pixel_goes_to_the_right(width, left):
    dataset = digits_with_ink("everywhere, of value 255", 8)[2]

    page = generate_batch(["12"], (4, 4), width, seed=1, digits=dataset)[0]

    row = [255] * left + [0] * 8 + [255] * 4 + [0] * 8 + [255] * (width - left - 20)
    assert page.tolist() == [row] * 8


def test_contain_shrinks_both_axes_and_centres_the_line():
    dataset = digits_with_ink("everywhere, of value 255", 28)[2]

    page = generate_batch(["11"], (0, 0), 20, seed=1, digits=dataset)[0]

    # 56 px to 20: round(28 * (20 / 56)) = 10 rows, from row (28 - 10) // 2 on.
    assert (page[:9] == 255).all()
    assert (page[9:19] == 0).all()
    assert (page[19:] == 255).all()


def test_stretch_keeps_the_full_height():
    dataset = digits_with_ink("everywhere, of value 255", 28)[2]

    assert (generate_batch(["11"], (0, 0), 20, seed=1, digits=dataset, fit="stretch") == 0).all()


def test_a_very_long_line_keeps_one_row():
    dataset = digits_with_ink("everywhere, of value 255", 28)[2]

    page = generate_batch(["1" * 400], (0, 0), 5, seed=1, digits=dataset)[0]

    assert np.flatnonzero((page < 255).any(axis=1)).tolist() == [(28 - 1) // 2]


def test_ink_is_dark_on_white_paper(digits):
    images, labels = digits

    page = generate_batch(["5"], (0, 0), 60, seed=3)[0]

    glyph = images[labels == 5][reference.bounded(reference.philox_words(3, 0, reference.GLYPH, 1)[0], 500)]
    assert page.min() == 255 - glyph.max() == 0
    assert (page[:, :16] == 255).all()
    assert (page[:, 44:] == 255).all()
    assert page.mean() > 200


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("width", [1, 31, 100, 65535])
def test_an_empty_sequence_is_a_blank_page(digits_of, width, fit):
    for size in (4, 28, 33):
        batch = generate_batch(["", "1", ""], (5, 10), width, seed=1, digits=digits_of(size)[2], fit=fit)

        assert (batch[[0, 2]] == 255).all()
        assert (batch[1] < 255).any()


@pytest.mark.parametrize("fit", FITS)
def test_overshoot_at_sharp_edges_is_clipped_and_does_not_wrap_around(fit):
    # Full ink beside blank columns: LANCZOS gives sums below 0 and above 255 there.
    dataset = digits_with_ink("everywhere, of value 255", 28)[2]

    page = generate_batch(["1111"], (28, 28), 150, seed=1, digits=dataset, fit=fit)[0]

    middle = page[14].astype(int)
    digits, gaps = middle[: 7 * 21 + 1].reshape(-1)[10:148:43], middle[31:148:43]
    assert digits.tolist() == [0] * 4
    assert gaps.tolist() == [255] * 3
    # Wrapped bytes would be jumps between neighbours other than the six edges.
    assert (np.abs(np.diff(middle)) > 128).sum() <= 6


def test_nothing_is_drawn_outside_the_line(digits_of):
    batch = generate_batch(["12345"] * 20, (0, 9), 400, seed=4, digits=digits_of(28)[2])

    widest = 5 * 28 + 4 * 9
    margin = (400 - widest) // 2
    assert (batch[:, :, :margin] == 255).all()
    assert (batch[:, :, 400 - margin :] == 255).all()


def test_a_shorter_line_begins_with_the_same_glyphs_and_gaps(digits_of):
    long, short = (
        generate_batch([text], (0, 20), 500, seed=9, digits=digits_of(28)[2])[0] for text in ("8675309", "8675")
    )

    def from_first_ink(page):
        columns = np.flatnonzero((page < 255).any(axis=0))
        return page[:, columns[0] : columns[-1] + 1]

    long, short = from_first_ink(long), from_first_ink(short)
    np.testing.assert_array_equal(long[:, : short.shape[1]], short)


@given(
    st.lists(st.text("0123456789", max_size=14), max_size=5),
    st.sampled_from(SIZES),
    st.integers(1, 400),
    st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted),
    st.sampled_from(FITS),
    st.integers(0, LARGEST_SEED),
    st.integers(0, LARGEST_NUMBER - 5),
)
@example([], 28, 100, [0, 0], "contain", 0, 0)
def test_any_batch_is_drawn_as_by_the_reference(digits_of, sequences, size, width, spacing_range, fit, seed, start):
    assert_drawn_as_by_the_reference(
        sequences, digits_of(size), spacing_range=tuple(spacing_range), width=width, fit=fit, seed=seed, start=start
    )
