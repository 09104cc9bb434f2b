"""The atlas, byte by byte: compiled code reads it by address, and nothing there would notice a wrong one."""

import numpy as np
import pytest
import reference

from number_generator.digits.atlas import GlyphAtlas

SIZES = [1, 8, 28, 32, 33, 64, 100]
COLUMN_SIZES = {1: 32, 8: 32, 28: 32, 32: 32, 33: 64, 64: 64, 100: 128}


def some_digits(size):
    """Return digits with ink in any rectangle, of some classes more than of others and in no order, with labels."""
    random = np.random.default_rng(size)
    labels = random.permutation(np.repeat(np.arange(10), random.integers(1, 8, 10)))
    images = np.zeros((len(labels), size, size), np.uint8)
    for number, image in enumerate(images):
        top, bottom = np.sort(random.integers(0, size, 2))
        left, right = np.sort(random.integers(0, size, 2))
        ink = random.integers(0, 256, (bottom - top + 1, right - left + 1))
        image[top : bottom + 1, left : right + 1] = np.where(random.random(ink.shape) < 0.5, 0, ink)
        image[top, left] = number + 1  # no digit is blank, and no two are the same
    return images, labels


@pytest.fixture(params=SIZES)
def made(request):
    """An atlas, and the digits that it is of: images, labels."""
    images, labels = some_digits(request.param)
    return GlyphAtlas.from_digits(images, labels), images, labels


def by_class(images, labels):
    """Return the digits in the order of their glyphs."""
    return [image for digit in range(10) for image in images[labels == digit]]


def columns_of(atlas):
    """Return the atlas as one row a column, without the spare bytes at its end."""
    return atlas.pixels[:-32].reshape(-1, atlas.column_size)


def column_range(atlas, glyph):
    """Return the first column of a glyph, and the one after its last."""
    return atlas.glyph_column[glyph], atlas.glyph_column[glyph + 1] - 1


def test_a_column_is_padded_to_blocks_of_32_rows(made):
    atlas, images, _ = made

    assert atlas.height == images.shape[1]
    assert atlas.column_size == COLUMN_SIZES[atlas.height]


def test_an_atlas_is_made_of_what_the_kernels_are_compiled_for(made):
    atlas, images, _ = made

    kinds = [array.dtype for array in (atlas.pixels, atlas.glyph_column, atlas.glyph_rows, atlas.class_start)]
    assert kinds == [np.uint8, np.int64, np.int64, np.int64]
    assert atlas.glyph_column.shape == (len(images) + 1,)
    assert atlas.glyph_rows.shape == (2 * len(images),)
    assert atlas.class_start.shape == (11,)
    for array in (atlas.pixels, atlas.glyph_column, atlas.glyph_rows, atlas.class_start):
        assert array.flags.c_contiguous


def test_each_glyph_has_the_columns_of_its_digit_and_blank_rows_below_them(made):
    atlas, images, labels = made
    columns = columns_of(atlas)

    for glyph, image in enumerate(by_class(images, labels)):
        first, stop = column_range(atlas, glyph)
        np.testing.assert_array_equal(columns[first:stop, : atlas.height].T, reference.crop_to_ink(image))
        assert not columns[first:stop, atlas.height :].any()


def test_a_blank_column_stands_before_the_first_glyph_and_after_each(made):
    atlas, images, labels = made
    columns = columns_of(atlas)
    widths = [reference.crop_to_ink(image).shape[1] for image in by_class(images, labels)]

    blank = [0]
    for width in widths:
        blank.append(blank[-1] + width + 1)

    assert (atlas.glyph_column - 1).tolist() == blank
    assert len(columns) == blank[-1] + 1
    assert not columns[blank].any()
    # Every other column is a glyph's, and the first and the last of one hold ink.
    edges = [edge for glyph in range(len(images)) for edge in column_range(atlas, glyph)]
    assert columns[edges[::2]].any(axis=1).all()
    assert columns[np.array(edges[1::2]) - 1].any(axis=1).all()


def test_32_spare_bytes_follow_the_last_column(made):
    atlas, _, _ = made

    assert atlas.pixels.ndim == 1
    assert atlas.pixels.size == atlas.glyph_column[-1] * atlas.column_size + 32
    assert not atlas.pixels[-32:].any()


def test_glyph_rows_are_the_first_with_ink_and_the_one_after_the_last(made):
    atlas, images, labels = made

    for glyph, image in enumerate(by_class(images, labels)):
        inked = np.flatnonzero(image.any(axis=1))
        assert atlas.glyph_rows[2 * glyph : 2 * glyph + 2].tolist() == [inked[0], inked[-1] + 1]


def test_class_start_counts_the_digits_of_the_classes_before(made):
    atlas, images, labels = made

    assert atlas.class_start.tolist() == [(labels < digit).sum() for digit in range(11)]
    assert atlas.class_start[-1] == len(images)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_the_digits_of_a_class_keep_the_order_of_the_dataset(kind):
    # 200 digits of ink 1 to 200, each in one pixel. NumPy's default sort keeps the order as well, of up to 16.
    images = np.zeros((200, 8, 8), np.uint8)
    images[np.arange(200), 3, 5] = np.arange(1, 201)
    labels = np.random.default_rng(1).integers(0, 10, 200).astype(kind)

    atlas = GlyphAtlas.from_digits(images, labels)

    for digit in range(10):
        glyphs = slice(atlas.class_start[digit], atlas.class_start[digit + 1])
        ink = columns_of(atlas)[atlas.glyph_column[:-1], 3][glyphs]
        assert ink.tolist() == (np.flatnonzero(labels == digit) + 1).tolist()


@pytest.mark.parametrize("size", SIZES)
def test_a_digit_without_ink_is_one_blank_column_without_rows(size):
    images, labels = some_digits(size)
    images[labels == 3] = 0
    images[np.flatnonzero(labels == 7)[0]] = 0

    atlas = GlyphAtlas.from_digits(images, labels)

    blank = [*range(atlas.class_start[3], atlas.class_start[4]), atlas.class_start[7]]
    columns = columns_of(atlas)
    for glyph, image in enumerate(by_class(images, labels)):
        first, stop = column_range(atlas, glyph)
        np.testing.assert_array_equal(columns[first:stop, :size].T, reference.crop_to_ink(image))
        if glyph in blank:
            assert stop - first == 1
            assert atlas.glyph_rows[2 * glyph : 2 * glyph + 2].tolist() == [size, 0]
        else:
            assert atlas.glyph_rows[2 * glyph] < atlas.glyph_rows[2 * glyph + 1]
    assert not columns[atlas.glyph_column - 1].any()


@pytest.mark.parametrize("size", SIZES)
def test_ink_at_the_borders_of_a_digit_is_kept(size):
    # Ink of value 1 in one corner, or in all, or all over.
    images = np.zeros((10, size, size), np.uint8)
    images[0, 0, 0] = images[1, 0, -1] = images[2, -1, 0] = images[3, -1, -1] = 1
    images[4, [0, 0, -1, -1], [0, -1, 0, -1]] = 1
    images[5:] = 255
    last = size - 1

    atlas = GlyphAtlas.from_digits(images, np.arange(10))

    widths = (np.diff(atlas.glyph_column) - 1).tolist()
    assert widths == [1, 1, 1, 1, *[size] * 6]
    assert atlas.glyph_rows.reshape(-1, 2).tolist() == [[0, 1]] * 2 + [[last, size]] * 2 + [[0, size]] * 6
    columns = columns_of(atlas)
    assert columns[[1, 3, 5, 7]].any(axis=1).all()
    assert (columns[np.concatenate([range(*column_range(atlas, glyph)) for glyph in range(5, 10)]), :size] == 255).all()


def test_an_atlas_is_no_view_of_the_digits():
    images, labels = some_digits(8)
    atlas = GlyphAtlas.from_digits(images, labels)
    before = atlas.pixels.copy()

    images[:] = 9

    np.testing.assert_array_equal(atlas.pixels, before)


def test_each_glyph_knows_the_number_of_its_digit(made):
    atlas, _, labels = made

    assert atlas.source.dtype == np.int64
    np.testing.assert_array_equal(atlas.source, np.argsort(labels, kind="stable"))


def test_given_numbers_of_digits_are_kept_for_writers_as_well():
    images, labels = some_digits(8)
    numbers = np.random.default_rng(0).permutation(1000)[: len(labels)]

    atlas = GlyphAtlas.from_digits(images, labels, numbers)

    np.testing.assert_array_equal(atlas.source, numbers[np.argsort(labels, kind="stable")])
    assert atlas.for_writers(atlas.groups).source is atlas.source
