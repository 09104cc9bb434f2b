"""Separators in the style `clean`: glyphs like the digits', drawn with the pen that the digits show."""

from functools import cache
from hashlib import sha256

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from truth_lines import draw_all_signs

from number_generator import DigitImageDataset, DigitSequenceImageGenerator, generate_batch, generate_numbers_sequence
from number_generator.digits import atlas as atlas_module
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.separators import SEPARATOR_CLASSES, SIGN_CLASSES, VARIANTS, DigitMeasures, draw_separators
from number_generator.errors import SpecError

ALPHABET = reference.ALPHABET
INKED = ALPHABET[10:].replace(" ", "")
SIZES = [4, 5, 12, 28, 31, 32, 33, 64, 200]
FITS = ["contain", "stretch"]
WIDTHS = [1, 7, 33, 100, 256, 800]
SPACINGS = [(0, 0), (5, 10), (0, 60)]
LINES = [
    "03-1234-5678",
    "(555) 123-4567",
    "1,234.50",
    "12/31/1999",
    "+81 3",
    " 1",
    "1 ",
    "  7  8  ",
    " ",
    "    ",
    "",
    "-",
    ".",
    "--..,,//()++ ",
    ":$€£¥%#*='",
    "0123456789",
]
PLAIN = DigitMeasures(height=40, baseline=28.0, digit_height=20.0, stroke=3.0, softness=1.0, ink=255)


def separators_of(atlas):
    """Return what the oracle draws separators from."""
    measures = DigitMeasures.measure(atlas.height, atlas.packed)
    return *draw_all_signs(measures), measures.space_width


@pytest.fixture(scope="module")
def digits_of(make_digits):
    """Return, for a size, images, labels, the DigitImageDataset of them and its separators, made once."""

    @cache
    def make(size):
        images, labels = make_digits(size)
        dataset = DigitImageDataset(images, labels)
        return images, labels, dataset, separators_of(dataset.atlas)

    return make


def assert_drawn_as_by_the_reference(sequences, digits, *, start=0, **options):
    images, labels, dataset, separators = digits

    batch = generate_batch(sequences, start=start, digits=dataset, workers=1, **options)

    for number, sequence in enumerate(sequences, start):
        expected = reference.draw_image(
            sequence, number, images=images, labels=labels, separators=separators, **options
        )
        reference.assert_same_images(batch[number - start], expected, f"{number}: {sequence!r}, {options}")


# --- lines


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("size", SIZES)
def test_lines_with_separators_are_drawn_as_by_the_reference(digits_of, size, width):
    # Each size and each width meets each spacing.
    spacing_range = SPACINGS[(SIZES.index(size) + WIDTHS.index(width)) % len(SPACINGS)]
    for fit in FITS:
        assert_drawn_as_by_the_reference(
            LINES, digits_of(size), spacing_range=spacing_range, width=width, fit=fit, seed=size * width
        )


@given(
    st.lists(st.text(ALPHABET, max_size=16), min_size=1, max_size=6),
    st.sampled_from([4, 28, 33]),
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: tuple(sorted(pair))),
    st.integers(1, 300),
    st.sampled_from(FITS),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**63 - 10),
)
def test_any_line_is_drawn_as_by_the_reference(digits_of, sequences, size, spacing_range, width, fit, seed, start):
    assert_drawn_as_by_the_reference(
        sequences, digits_of(size), spacing_range=spacing_range, width=width, fit=fit, seed=seed, start=start
    )


@pytest.mark.parametrize("width", [60, 200])
def test_lines_of_the_default_digits_are_drawn_as_by_the_reference(digits, width):
    images, labels = digits
    separators = separators_of(packaged_digits().atlas)

    assert_drawn_as_by_the_reference(
        LINES, (images, labels, None, separators), spacing_range=(5, 10), width=width, seed=width
    )


@pytest.mark.parametrize("fit", FITS)
def test_a_long_line_is_drawn_as_by_the_reference(digits_of, fit):
    assert_drawn_as_by_the_reference(
        [ALPHABET * 350], digits_of(28), spacing_range=(0, 300), width=100, fit=fit, seed=1
    )


@pytest.mark.parametrize("text", [" ", "   ", " " * 50])
def test_spaces_alone_are_a_blank_page(text):
    assert (generate_batch([text], (0, 10), 60, seed=1) == 255).all()


def test_a_space_is_room_without_ink():
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 4:24, 10:14] = 255
    bars = DigitImageDataset(images, range(10))

    pages = [generate_batch([text], (3, 3), 100, seed=1, digits=bars)[0] for text in ("88", "8 8", " 8  8 ")]

    widths = [np.ptp(np.flatnonzero((page < 255).any(axis=0))) for page in pages]
    assert np.diff(widths).tolist() == [0.3 * 20 + 3] * 2


def test_a_line_of_digits_does_not_depend_on_separators_in_others():
    digits = ["0123", "456"]

    apart = generate_batch(digits, (5, 10), 100, seed=1)
    together = generate_batch([*digits, "1-2"], (5, 10), 100, seed=1)

    np.testing.assert_array_equal(together[:2], apart)


@pytest.mark.parametrize("workers", [2, 3])
def test_lines_do_not_depend_on_the_workers(make_digit_dataset, workers):
    sequences = ["03-1234-5678", "+81 3"] * 2000
    first, second = make_digit_dataset(12, seed=1), make_digit_dataset(12, seed=1)

    parted = generate_batch(sequences, (5, 10), 60, seed=1, digits=first, workers=workers)

    whole = generate_batch(sequences, (5, 10), 60, seed=1, digits=second, workers=1)
    np.testing.assert_array_equal(parted, whole)


def test_the_functions_of_version_001_take_separators():
    expected = generate_batch(["1-2 (3)"], (4, 10), 100, seed=7)[0]
    generator = DigitSequenceImageGenerator(packaged_digits(), (4, 10), 100)

    np.testing.assert_array_equal(generate_numbers_sequence("1-2 (3)", seed=7), expected)
    np.testing.assert_array_equal(generator.generate_from_data("1-2 (3)", seed=7), expected)


@pytest.mark.parametrize("character", ["a", "’", "\n", "\0", "\x80", "−", "٣", "_", "￥", "\ud800"])
def test_other_characters_are_one_error(character):
    with pytest.raises(SpecError) as caught:
        generate_batch(["1-2", "3", f"1{character}2"], (5, 10), 100)

    assert str(caught.value) == (
        f"sequence 2 is {f'1{character}2'!r}, which holds {character!r}: give digits from 0 to 9 and the signs "
        "- . , / ( ) + : $ € £ ¥ % # * = ' and space"
    )


# --- the atlas


def test_digits_alone_make_no_separators(make_digit_dataset):
    dataset = make_digit_dataset(12)

    generate_batch(["0123456789", ""], (5, 10), 60, digits=dataset)
    assert "marked" not in vars(dataset.atlas)

    generate_batch(["1 2"], (5, 10), 60, digits=dataset)
    assert "marked" in vars(dataset.atlas)


@pytest.mark.parametrize("size", SIZES)
def test_the_marked_atlas_begins_with_that_of_the_digits(make_digit_dataset, size):
    atlas = make_digit_dataset(size).atlas
    marked = atlas.marked
    glyphs = len(atlas.glyph_column) - 1

    assert (marked.height, marked.column_size, marked.writers) == (size, atlas.column_size, atlas.writers)
    np.testing.assert_array_equal(marked.pixels[: len(atlas.pixels) - 32], atlas.pixels[:-32])
    np.testing.assert_array_equal(marked.glyph_column[: glyphs + 1], atlas.glyph_column)
    np.testing.assert_array_equal(marked.glyph_rows[: 2 * glyphs], atlas.glyph_rows)
    np.testing.assert_array_equal(marked.class_start[:11], atlas.class_start)
    for name in ("pixels", "glyph_column", "glyph_rows", "class_start"):
        before, after = getattr(atlas, name), getattr(marked, name)
        assert (after.dtype, after.flags.c_contiguous, after.flags.writeable) == (before.dtype, True, True)


@pytest.mark.parametrize("size", SIZES)
def test_the_marked_atlas_ends_with_the_separators(make_digit_dataset, size):
    atlas = make_digit_dataset(size).atlas
    measures = DigitMeasures.measure(size, atlas.packed)
    images, codes, space = *draw_separators(measures), measures.space_width
    marked, first = atlas.marked, len(atlas.glyph_column) - 1
    columns = marked.pixels[:-32].reshape(-1, marked.column_size)

    assert not marked.pixels[-32:].any()
    assert len(columns) == marked.glyph_column[-1]
    assert len(marked.glyph_column) - 1 == first + len(codes)
    assert marked.class_start.tolist()[10:] == [first + (codes < code).sum() for code in range(10, 19)]
    for glyph, (image, code) in enumerate(zip(images, codes, strict=True), first):
        begin, end = marked.glyph_column[glyph], marked.glyph_column[glyph + 1] - 1
        expected = np.zeros((size, space)) if code == 17 else reference.crop_to_ink(image)
        np.testing.assert_array_equal(columns[begin:end, :size].T, expected)
        assert not columns[begin:end, size:].any()
        assert not columns[[begin - 1, end]].any()
        rows = np.flatnonzero(image.any(axis=1))
        inked = [rows[0], rows[-1] + 1] if len(rows) else [size, 0]
        assert marked.glyph_rows[2 * glyph : 2 * glyph + 2].tolist() == inked


# --- drawings


def drawn(separator, measures=PLAIN):
    """Return the drawings of a separator or another sign."""
    images, codes = draw_all_signs(measures)
    return images[codes == ALPHABET.index(separator)]


def rows_of(image):
    """Return the first row with ink of half strength, and the one after the last."""
    rows = np.flatnonzero((image > 127).any(axis=1))
    return rows[0], rows[-1] + 1


@pytest.mark.parametrize("size", SIZES)
def test_every_sign_is_ink_within_the_page(make_digit_dataset, size):
    measures = DigitMeasures.measure(size, make_digit_dataset(size).atlas.packed)

    for sign in INKED:
        images = drawn(sign, measures)
        assert images.dtype == np.uint8, sign
        assert images.shape == (VARIANTS, size, size), sign
        assert images.any(axis=(1, 2)).all(), sign


def test_no_two_drawings_are_alike():
    for sign in INKED:
        assert len({image.tobytes() for image in drawn(sign)}) == VARIANTS, sign


def test_codes_are_those_of_the_alphabet_in_order():
    images, codes = draw_separators(PLAIN)

    assert [ALPHABET[code] for code in (*SEPARATOR_CLASSES, *SIGN_CLASSES)] == list(ALPHABET[10:])
    assert codes.tolist() == [code for code in range(10, 17) for _ in range(VARIANTS)] + [17]
    assert not images[-1].any()


def test_drawings_are_the_same_on_every_machine():
    images, _ = draw_separators(PLAIN)

    assert sha256(images).hexdigest() == "2576576b7f6c7316fbb4e9e87c2f58b6315e91a82d87eb7ee91b40871c67d8d8"

    images, _ = draw_separators(PLAIN, SIGN_CLASSES)

    assert sha256(images).hexdigest() == "4ed56a1960bb72e7fc86af58fc2f002cda49e1a2c2a4236b868dfc0d94ff1751"


def test_the_separators_of_the_packaged_digits_are_the_same_on_every_machine():
    atlas = packaged_digits().atlas
    images, _ = draw_separators(DigitMeasures.measure(atlas.height, atlas.packed))

    assert sha256(images).hexdigest() == "4cf36fac6a176ded5c24c82d90cd2a1280158ef2735a442ac6cc7eecb3ae3985"


def test_separators_stand_where_they_belong():
    top, baseline = PLAIN.baseline - PLAIN.digit_height, PLAIN.baseline
    extents = {separator: np.array([rows_of(image) for image in drawn(separator)]) for separator in INKED}

    for separator in "-+":
        middle = extents[separator].mean(axis=1)
        assert (middle > top + 5).all()
        assert (middle < baseline - 5).all()
    assert (abs(extents["."][:, 1] - baseline) <= 2).all()
    assert (extents["."][:, 0] > baseline - 6).all()
    assert (extents[","][:, 1] > baseline + 1).all()
    assert (extents[","][:, 0] > baseline - 7).all()
    for sign in "=*":
        assert (extents[sign] > top - 4).all()
        assert (extents[sign] < baseline).all()
    assert (abs(extents[":"][:, 1] - baseline) <= 4).all()
    assert (extents["'"][:, 1] < top + 10).all()
    for sign in "$€£¥%#":
        assert (abs(extents[sign] - (top, baseline)) <= 6).all()
    for separator in "/()":
        assert (abs(extents[separator][:, 0] - top) <= 4).all()
        assert (extents[separator][:, 1] >= baseline).all()


@pytest.mark.parametrize(("separator", "side"), [("(", 1), (")", -1)])
def test_parentheses_open_to_the_number(separator, side):
    for image in drawn(separator):
        top, bottom = rows_of(image)
        columns = [np.argmax(image[row]) for row in (top + 1, (top + bottom) // 2, bottom - 2)]

        assert side * (columns[0] + columns[2] - 2 * columns[1]) > 0


@pytest.mark.parametrize("stroke", [1.5, 3.0, 4.5])
def test_a_dash_is_as_wide_as_the_strokes_of_the_digits(stroke):
    measures = DigitMeasures(height=40, baseline=28.0, digit_height=20.0, stroke=stroke, softness=1.0, ink=255)

    widths = []
    for image in drawn("-", measures):
        columns = np.flatnonzero(image.any(axis=0))
        widths.append(image[:, columns[len(columns) // 2]].sum() / 255)

    assert np.mean(widths) == pytest.approx(stroke, rel=0.15)
    assert np.std(widths) > 0.03 * stroke


def test_what_would_be_cut_off_is_moved_or_shrunk_into_the_page():
    roomy = DigitMeasures(height=100, baseline=60.0, digit_height=28.0, stroke=3.0, softness=1.0, ink=255)
    tight = DigitMeasures(height=28, baseline=28.0, digit_height=28.0, stroke=3.0, softness=1.0, ink=255)

    for separator in INKED:
        for free, bound in zip(drawn(separator, roomy), drawn(separator, tight), strict=True):
            # Some signs are higher than the page, and so are shrunk.
            least = 0.7 if separator in "/()$€£¥%#" else 0.97
            assert least < bound.sum() / free.sum() < 1.03, separator


@pytest.mark.parametrize("ink", [8, 100, 255])
def test_ink_is_as_strong_as_that_of_the_digits(ink):
    measures = DigitMeasures(height=40, baseline=28.0, digit_height=20.0, stroke=3.0, softness=1.0, ink=ink)

    strongest = draw_separators(measures)[0][:-1].max(axis=(1, 2))

    assert strongest.max() == ink
    assert strongest.min() > 0.8 * ink


# --- measures


def measures_of(images):
    return DigitMeasures.measure(images.shape[1], DigitImageDataset(images, range(10)).atlas.packed)


def test_measures_are_those_of_the_ink():
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, 4:24, 10:14] = 200

    measures = measures_of(images)

    assert (measures.height, measures.baseline, measures.digit_height, measures.ink) == (28, 24.0, 20.0, 200)
    assert measures.stroke == pytest.approx(4, rel=0.1)
    assert measures.softness == 1.0
    assert measures.space_width == 6


def test_the_softness_is_that_of_the_edges():
    images = np.zeros((10, 64, 64), np.uint8)
    images[:, 10:54] = np.interp(np.arange(64), [20, 26, 34, 40], [0, 255, 255, 0]).astype(np.uint8)

    assert measures_of(images).softness == pytest.approx(6, rel=0.35)


def test_the_packaged_digits_are_measured_as_by_their_distance_fields():
    atlas = packaged_digits().atlas

    measures = DigitMeasures.measure(28, atlas.packed)

    assert measures.stroke == pytest.approx(atlas.fields.stroke, rel=0.1)
    assert measures.digit_height == pytest.approx(atlas.fields.digit_height, rel=0.1)


@pytest.mark.parametrize("kind", ["nowhere", "in one corner pixel", "everywhere", "of value 1", "on one row"])
@pytest.mark.parametrize("size", [4, 28, 100])
def test_separators_can_stand_among_unusual_digits(size, kind):
    images = np.zeros((10, size, size), np.uint8)
    if kind == "in one corner pixel":
        images[:, -1, -1] = 255
    elif kind == "everywhere":
        images[:] = 255
    elif kind == "of value 1":
        images[:, 1:-1, size // 2] = 1
    elif kind == "on one row":
        images[:, 0] = 255

    drawings, codes = draw_all_signs(measures_of(images))

    assert drawings[codes != 17].any(axis=(1, 2)).all()
    generate_batch(LINES, (0, 5), 100, digits=DigitImageDataset(images, range(10)))


def test_threads_that_meet_the_first_separator_together_draw_them_once(make_digit_dataset, monkeypatch):
    made = []
    draw = atlas_module.draw_separators
    monkeypatch.setattr(atlas_module, "draw_separators", lambda *given: (made.append(1), draw(*given))[1])

    generate_batch(["1-2"] * 8000, (5, 10), 100, digits=make_digit_dataset(28), workers=8)

    assert made == [1]
