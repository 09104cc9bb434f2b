"""Boxes and masks of characters, in the truth and on contact sheets."""

from fractions import Fraction
from functools import cache
from math import ceil, floor

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from truth_lines import (
    ALPHABET,
    DOCUMENT,
    INKED,
    LINES,
    NATURAL,
    SEEDS,
    TIGHT,
    WIDTHS,
    extent_of,
    gaps_of,
    glyphs_of_line,
)

from number_generator import DigitImageDataset, generate_chunk
from number_generator.digits.resolve import packaged_digits
from number_generator.errors import SpecError
from number_generator.job.handwriting import parameters
from number_generator.job.spec import TRUTHS
from number_generator.rendering.sheet import contact_sheet


def projected(left, glyph, natural, width, fit):
    """Bring the box of a glyph's ink to the page, rounded outwards; exact, as fractions are."""
    height = len(glyph)
    target = max(1, round(height * (width / natural))) if fit == "contain" else height
    across, down, top = Fraction(width, natural), Fraction(target, height), (height - target) // 2
    x0, y0, x1, y1 = (int(side) for side in extent_of(glyph))
    return [
        floor((left + x0) * across),
        top + floor(y0 * down),
        ceil((left + x1) * across),
        top + ceil(y1 * down),
    ]


def outside(box, ink, least):
    """By how many px ink of some strength goes beyond a box, at most; negative if it stays that far within it."""
    x0, y0, x1, y1 = extent_of(ink, least)
    return max(box[0] - x0, box[1] - y0, x1 - box[2], y1 - box[3]) if x1 > 0 else -1


def within(box, ink, least):
    """By how many px ink of some strength falls short of a box's sides, at most; 0 if there is no such ink."""
    x0, y0, x1, y1 = extent_of(ink, least)
    return max(x0 - box[0], y0 - box[1], box[2] - x1, box[3] - y1) if x1 > 0 else 0


KINDS = [("scattered", 4), ("scattered", 33), ("blocks", 4), ("blocks", 12), ("blocks", 28), ("packaged", 28)]


@given(
    st.lists(st.text(ALPHABET, max_size=16), min_size=1, max_size=3),
    st.sampled_from(KINDS),
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: tuple(sorted(pair))),
    WIDTHS,
    st.sampled_from(["contain", "stretch"]),
    SEEDS,
    st.integers(0, 2**62),
)
def test_boxes_of_clean_hold_the_ink_of_each_glyph_alone(
    digits_of, texts, kind, spacing_range, width, fit, seed, start
):
    digits = digits_of(*kind)
    truth = generate_chunk(
        texts, spacing_range, width, truth=["boxes", "masks"], seed=seed, start=start, digits=digits, fit=fit
    ).truth

    for row, text in enumerate(texts):
        placed = glyphs_of_line(text, start + row, digits, seed, spacing_range)
        natural = placed[-1][0] + placed[-1][1].shape[1] if placed else 0
        for at, (left, glyph) in enumerate(placed):
            line = np.zeros((len(glyph), natural), np.uint8)
            line[:, left : left + glyph.shape[1]] = glyph
            alone, box = reference.fit_line(line, width, fit), truth["boxes"][row, at].tolist()
            case = f"{at} of {text!r}, {natural} px wide"
            np.testing.assert_array_equal(truth["masks"][row, at], alone, err_msg=case)
            if not glyph.any():
                assert box == [-1] * 4, case
            elif natural <= width:
                assert box == extent_of(alone), case
            else:
                assert box == projected(left, glyph, natural, width, fit), case
                # Lanczos's filter goes beyond an edge: with its first lobe to the next px, with its third up to 3 px.
                assert outside(box, alone, 64) <= 0, case
                assert outside(box, alone, 16) <= 1, case
                assert outside(box, alone, 1) <= 3, case
                # An edge that is faint itself may vanish; one of full ink is as dark as an eighth of the glyph.
                is_block = kind[0] == "blocks" and text[at].isdigit()
                assert not is_block or within(box, alone, max(1, alone.max() // 8)) <= 1, case
        assert (truth["boxes"][row, len(text) :] == -1).all()
        assert not truth["masks"][row, len(text) :].any()


@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize("width", [1, 2, 5, 40])
def test_boxes_of_lines_that_are_shrunk_far_lie_on_the_page(width, fit):
    boxes = generate_chunk(["0123456789" * 5], (0, 20), width, truth="boxes", seed=1, fit=fit).truth["boxes"]

    x0, y0, x1, y1 = boxes.reshape(-1, 4).T
    assert ((x0 >= 0) & (x0 < x1) & (x1 <= width) & (y0 >= 0) & (y0 < y1) & (y1 <= 28)).all()
    assert (np.diff(x0) >= 0).all()


@given(LINES, st.sampled_from([NATURAL, DOCUMENT, INKED, TIGHT]), WIDTHS, SEEDS)
def test_styled_boxes_are_those_of_the_masks(sequences, style, width, seed):
    truth = generate_chunk(sequences, None, width, truth=["boxes", "masks"], style=style, seed=seed).truth

    expected = [[extent_of(mask) for mask in masks] for masks in truth["masks"]]
    np.testing.assert_array_equal(truth["boxes"], np.array(expected, np.int16).reshape(truth["boxes"].shape))
    for row, text in zip(truth["boxes"], sequences, strict=True):
        has_box = (row >= 0).any(axis=1)
        assert not has_box[[k >= len(text) or text[k] == " " for k in range(len(row))]].any()
        assert width < 60 or has_box.sum() == len(text.replace(" ", ""))  # on a narrow page ink may be too faint


@given(LINES, st.sampled_from([INKED, TIGHT]), WIDTHS, SEEDS, st.sampled_from([None, (-5, 3), (0, 10)]))
def test_styled_masks_together_are_the_ink_of_the_page(sequences, style, width, seed, spacing_range):
    chunk = generate_chunk(sequences, spacing_range, width, truth="masks", style=style, seed=seed)

    np.testing.assert_array_equal(255 - chunk.images, chunk.truth["masks"].max(axis=1, initial=0))


def test_marks_that_labels_do_not_hold_are_in_no_mask():
    style = INKED.replace(inner_marks=1, end_marks=1)
    texts = ["12345", "9876543"]

    chunk = generate_chunk(texts, None, 160, truth=["boxes", "masks"], style=style, seed=2)

    joined, ink = chunk.truth["masks"].max(axis=1), 255 - chunk.images
    assert (joined <= ink).all()
    assert ((joined == 0) & (ink > 128)).any(axis=(1, 2)).all()
    assert (chunk.truth["boxes"][0, 5:] == -1).all()


@cache
def digits_with_ink_in(kept):
    """Some packaged digits, all of them blank but for those of one class."""
    images, labels = packaged_digits().get_data()
    images, labels = images[::10], np.array(labels[::10])
    return DigitImageDataset(np.where((labels == kept)[:, None, None], images, 0), labels)


@pytest.mark.parametrize("width", [1, 17, 60, 200])
@pytest.mark.parametrize("style", [INKED, TIGHT], ids=["cell", "tight"])
@pytest.mark.parametrize("character", list("019-(."))
def test_a_styled_box_is_the_ink_of_a_page_where_nothing_else_has_any(style, character, width):
    style = style.replace(letterforms=0)  # they have ink whatever the dataset's digits are
    kept, blank = ("1", "0") if character != "0" else ("0", "1")
    kept = character if character.isdigit() else kept
    blank = "3" if kept in "19" else blank
    texts = [blank * (k % 4) + character + blank * (k // 4) for k in range(12)]
    digits = digits_with_ink_in(kept)

    chunk = generate_chunk(texts, None, width, truth="boxes", style=style, seed=width, digits=digits)

    for text, image, boxes in zip(texts, chunk.images, chunk.truth["boxes"], strict=True):
        expected = [extent_of(255 - image) if k == text.index(character) else [-1] * 4 for k in range(len(boxes))]
        assert boxes.tolist() == expected, text


@pytest.mark.parametrize("width", [60, 128])
def test_paper_and_scan_move_no_box(width):
    plain = {one.name: one.default for one in parameters() if one.group in ("Paper", "Scan")}
    texts = ["1234", "03-1234", "9"] * 10

    boxes = [
        generate_chunk(texts, None, width, truth="boxes", style=style, seed=4).truth["boxes"]
        for style in (DOCUMENT, DOCUMENT.replace(**plain))
    ]

    np.testing.assert_array_equal(*boxes)


@pytest.mark.parametrize("style", ["clean", TIGHT], ids=["clean", "styled"])
def test_truth_follows_the_characters_of_the_labels(style):
    texts = ["(03) 1234-56", "-", "12", ""]
    options = {"truth": TRUTHS, "style": style, "seed": 8}

    written = generate_chunk(texts, gaps_of(style), 90, **options).truth
    digits = generate_chunk(texts, gaps_of(style), 90, label="digits", **options).truth

    assert digits["boxes"].shape[1] == 8
    np.testing.assert_array_equal(digits["writers"], written["writers"])
    np.testing.assert_array_equal(digits["parameters"], written["parameters"])
    for name in ("boxes", "glyphs", "glyph_parameters", "masks"):
        for row, text in enumerate(texts):
            kept = [k for k, character in enumerate(text) if character.isdigit()]
            np.testing.assert_array_equal(digits[name][row, : len(kept)], written[name][row, kept], err_msg=name)


GAP, FRAME = 10, 1  # px of a sheet


@pytest.mark.parametrize("scale", [1, 3])
@pytest.mark.parametrize("style", ["clean", NATURAL], ids=["clean", "natural"])
def test_a_sheet_has_coloured_lines_around_the_ink_and_is_the_same_elsewhere(style, scale):
    texts = ["03-12 4", "9", " ", "(7)"]
    chunk = generate_chunk(texts, gaps_of(style), 60, truth="boxes", style=style, seed=3)
    count, _, width = chunk.images.shape

    plain = contact_sheet(chunk.images, texts, columns=2, scale=scale)
    sheet = contact_sheet(chunk.images, texts, columns=2, scale=scale, boxes=chunk.truth["boxes"])

    tile = width * scale + 2 * FRAME
    row_step = (plain.shape[0] - GAP) // 2
    expected = np.zeros(plain.shape, bool)
    for k in range(count):
        top, left = GAP + k // 2 * row_step + FRAME, GAP + k % 2 * (tile + GAP) + FRAME
        for x0, y0, x1, y1 in chunk.truth["boxes"][k].tolist():
            if x0 >= 0:
                around = np.zeros_like(expected)
                around[top + y0 * scale - 1 : top + y1 * scale + 1, left + x0 * scale - 1 : left + x1 * scale + 1] = (
                    True
                )
                around[top + y0 * scale : top + y1 * scale, left + x0 * scale : left + x1 * scale] = False
                expected |= around
    is_coloured = (sheet != sheet[:, :, :1]).any(axis=2)
    assert sheet.shape == (*plain.shape, 3)
    assert sheet.dtype == np.uint8
    np.testing.assert_array_equal(is_coloured, expected)
    np.testing.assert_array_equal(sheet[~is_coloured], plain[~is_coloured][:, None].repeat(3, axis=1))
    assert len(np.unique(sheet[is_coloured], axis=0)) == 2  # neighbours differ


def test_boxes_may_reach_all_edges_of_an_image():
    images = np.zeros((1, 4, 5), np.uint8)

    sheet = contact_sheet(images, [""], scale=2, boxes=np.array([[[0, 0, 5, 4]]]))

    is_coloured = (sheet != sheet[:, :, :1]).any(axis=2)
    assert extent_of(is_coloured) == [GAP, GAP, GAP + 12, GAP + 10]
    assert is_coloured.sum() == 2 * (12 + 8)


@pytest.mark.parametrize("boxes", [np.full((2, 0, 4), -1), np.full((2, 3, 4), -1)])
def test_a_sheet_without_any_box_is_the_plain_one_in_colours(boxes):
    images = np.zeros((2, 4, 5), np.uint8)

    sheet = contact_sheet(images, ["1", "2"], boxes=boxes)

    np.testing.assert_array_equal(sheet, contact_sheet(images, ["1", "2"])[:, :, None].repeat(3, axis=2))


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ([[[0, 0, 1, 1]]], "boxes is list: give an integer array of shape"),
        (np.zeros((1, 2, 4), int), r"boxes is an array of shape \(1, 2, 4\) and type int64: .* for 2 images"),
        (np.zeros((2, 2, 3), int), "shape"),
        (np.zeros((2, 4), int), "shape"),
        (np.zeros((2, 2, 4)), "type float64"),
        (np.array([[[0, 0, 6, 1]]] * 2), r"boxes hold \[0, 0, 6, 1\], which is not a box of an image of 5 x 4 px"),
        (np.array([[[0, 0, 5, 5]]] * 2), "not a box"),
        (np.array([[[0, -1, 5, 4]]] * 2), "not a box"),
        (np.array([[[3, 0, 2, 4]]] * 2), "not a box"),
    ],
)
def test_wrong_boxes_are_one_error(boxes, message):
    with pytest.raises(SpecError, match=message):
        contact_sheet(np.zeros((2, 4, 5), np.uint8), ["1", "2"], boxes=boxes)
