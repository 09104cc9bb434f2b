"""Ground truth: where each character stands, which source digit it is, and what was drawn for it."""

from fractions import Fraction
from functools import cache
from math import ceil, floor

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from number_generator import (
    DigitImageDataset,
    GenericDataset,
    Handwriting,
    Normal,
    PhoneNumbers,
    Uniform,
    generate_batch,
    generate_chunk,
    split_digits,
)
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.separators import DigitMeasures, draw_separators
from number_generator.digits.writers import find_writers, prepare_atlas
from number_generator.errors import SpecError
from number_generator.job.handwriting import parameters
from number_generator.job.spec import TRUTHS, Job, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.ground_truth import join_truth, make_truth_fields, parameter_names
from number_generator.rendering.sheet import contact_sheet

ALPHABET = reference.ALPHABET
TEXTS = ["03-1234 56", "7", "", "(08),9/1.2+", " ", "98765432109876543210", "-", "1 0"]
NATURAL = Handwriting.named("natural")
DOCUMENT = Handwriting.named("document")
# A page that is its ink alone
INKED = NATURAL.replace(ink=1, ink_drift=0, writer="mixed", tail=0.5, open_loop=0.5)
TIGHT = INKED.replace(crop="tight", height=(0.5, 1), fill=0.4, margin=(0, 0.4), rotation=(-6, 6), gap=(-0.3, 0.4))
STYLES = st.sampled_from(["clean", NATURAL, DOCUMENT, TIGHT])
LINES = st.lists(st.text(ALPHABET, max_size=12), min_size=1, max_size=5)
SEEDS = st.integers(0, 2**64 - 1)
WIDTHS = st.integers(1, 300)
LABELS = st.sampled_from(["written", "digits"])
NAMES = {
    "boxes": ["boxes"],
    "glyphs": ["glyphs", "writers"],
    "parameters": ["parameters", "glyph_parameters"],
    "masks": ["masks"],
}


def gaps_of(style):
    return (2, 9) if style == "clean" else None


def fit_of(style, fit):
    return "contain" if style != "clean" and style.crop == "tight" else fit


def assert_same_truth(ours, theirs):
    """Compare two parts of ground truth, whose labels may be padded to different lengths."""
    assert list(ours) == list(theirs)
    for name in ours:
        joined = join_truth([{name: ours[name]}, {name: theirs[name]}])[name]
        np.testing.assert_array_equal(*np.split(joined, 2), err_msg=name)


def extent_of(ink, least=1):
    """The box of the pixels with at least so much ink; -1 if there are none."""
    y, x = np.nonzero(ink >= least)
    return [x.min(), y.min(), x.max() + 1, y.max() + 1] if len(x) else [-1] * 4


# --- truth changes nothing else


@given(LINES, STYLES, WIDTHS, st.sampled_from(["contain", "stretch"]), st.sets(st.sampled_from(TRUTHS)), LABELS, SEEDS)
def test_images_and_labels_do_not_depend_on_the_truth_asked_for(sequences, style, width, fit, truth, label, seed):
    options = {"style": style, "fit": fit_of(style, fit), "seed": seed, "workers": 1}

    chunk = generate_chunk(sequences, gaps_of(style), width, truth=truth, label=label, **options)

    np.testing.assert_array_equal(chunk.images, generate_batch(sequences, gaps_of(style), width, **options))
    kept = ALPHABET[:10] if label == "digits" else ALPHABET
    assert chunk.labels.tolist() == ["".join(c for c in text if c in kept).encode() for text in sequences]
    assert list(chunk.truth) == [name for kind in TRUTHS if kind in truth for name in NAMES[kind]]


@given(LINES, STYLES, WIDTHS, LABELS, SEEDS, st.data())
def test_the_truth_of_a_part_is_part_of_the_truth(sequences, style, width, label, seed, data):
    first = data.draw(st.integers(0, len(sequences)))
    stop = data.draw(st.integers(first, len(sequences)))
    options = {"truth": TRUTHS, "label": label, "style": style, "seed": seed, "workers": 1}

    whole = generate_chunk(sequences, gaps_of(style), width, start=2**62, **options)
    part = generate_chunk(sequences[first:stop], gaps_of(style), width, start=2**62 + first, **options)

    assert_same_truth(part.truth, {name: values[first:stop] for name, values in whole.truth.items()})


@pytest.mark.parametrize("style", ["clean", NATURAL], ids=["clean", "natural"])
def test_the_truth_does_not_depend_on_the_workers(style):
    options = {"truth": ["boxes", "glyphs", "parameters"], "style": style, "seed": 3}
    sequences = [TEXTS[k % len(TEXTS)] for k in range(1500)]

    one = generate_chunk(sequences, gaps_of(style), 100, workers=1, **options)
    several = generate_chunk(sequences, gaps_of(style), 100, workers=5, **options)

    np.testing.assert_array_equal(one.images, several.images)
    assert_same_truth(one.truth, several.truth)


def test_kinds_of_truth_take_any_form():
    def kinds_of(truth):
        return list(generate_chunk(["12"], (2, 3), 30, truth=truth, seed=1).truth)

    assert kinds_of("boxes") == ["boxes"]
    assert kinds_of(["glyphs", "boxes", "glyphs"]) == ["boxes", "glyphs", "writers"]
    assert kinds_of(iter(["boxes"])) == ["boxes"]
    assert kinds_of(np.array(["masks"])) == ["masks"]
    assert kinds_of([]) == []


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ("box", "truth holds 'box': give some of 'boxes', 'glyphs', 'parameters', 'masks'"),
        ("boxes,glyphs", "truth holds 'boxes,glyphs'"),
        (["boxes", 5], "truth holds 5"),
        (["boxes", ["glyphs"]], r"truth holds \['glyphs'\]"),
        (5, "truth is 5: give some of 'boxes'"),
        (None, "truth is None"),
    ],
)
def test_a_wrong_kind_of_truth_is_one_error(truth, message):
    with pytest.raises(SpecError, match=message):
        generate_chunk(["12"], (2, 3), 30, truth=truth)


@pytest.mark.parametrize(("numbers", "count"), [(PhoneNumbers(), None), (["12"], 1), (PhoneNumbers(), -1)])
def test_a_count_belongs_to_numbers_that_are_drawn(numbers, count):
    with pytest.raises(SpecError, match=rf"count is {count}"):
        generate_chunk(numbers, (2, 3), 30, count=count)


def test_drawn_numbers_are_labelled_as_they_are_written():
    chunk = generate_chunk(PhoneNumbers(dashes=True), (2, 3), 90, count=50, start=7, seed=5)
    plain = generate_chunk(PhoneNumbers(), (2, 3), 90, count=57, seed=5)
    given_ones = generate_batch([label.decode() for label in chunk.labels], (2, 3), 90, start=7, seed=5)

    np.testing.assert_array_equal(chunk.images, given_ones)
    assert [label.replace(b"-", b"") for label in chunk.labels.tolist()] == plain.labels.tolist()[7:]


@pytest.mark.parametrize("style", ["clean", NATURAL], ids=["clean", "natural"])
@pytest.mark.parametrize("sequences", [[], [""], ["", ""], [" "]])
def test_nothing_has_no_truth(style, sequences):
    truth = generate_chunk(sequences, gaps_of(style), 20, truth=TRUTHS, style=style, seed=1).truth

    length = max(map(len, sequences), default=0)
    assert truth["boxes"].shape == (len(sequences), length, 4)
    assert truth["masks"].shape == (len(sequences), length, 28, 20)
    assert truth["writers"].shape == (len(sequences),)
    assert (truth["boxes"] == -1).all()
    assert (truth["glyphs"] == -1).all()
    assert (truth["writers"] == -1).all()
    assert not truth["masks"].any()


def test_pages_beyond_the_reach_of_boxes_are_one_error(make_digit_dataset):
    widest = generate_chunk(["12"], (2, 3), 32_767, truth="boxes", seed=1)

    assert widest.truth["boxes"].max() > 16_383  # in the middle of the page
    with pytest.raises(SpecError, match=r"boxes are requested for pages of 32768 x 28 px, .*32767: give smaller"):
        generate_chunk(["12"], (2, 3), 32_768, truth=["glyphs", "boxes"], seed=1)
    assert generate_chunk(["12"], (2, 3), 32_768, truth="glyphs", seed=1).images.shape == (1, 28, 32_768)
    with pytest.raises(SpecError, match="pages of 10 x 40000 px"):
        Job(PhoneNumbers(), RenderSpec((1, 2), 10), 40_000, 1, Span(0, 1), truth=("boxes",))


@given(STYLES, st.sets(st.sampled_from(TRUTHS[:3])), LABELS, st.booleans())
def test_a_dataset_has_a_field_for_each_array(style, truth, label, has_spacing):
    spacing_range = (2, 9) if has_spacing else gaps_of(style)
    texts = ["03-1234 56", "7"]
    job = Job(
        FixedNumbers(pack_sequences(texts)),
        RenderSpec(spacing_range, 60, style=style),
        28,
        1,
        Span(0, 2),
        label,
        tuple(truth),
    )

    chunk = make_chunk(job, prepare_atlas(packaged_digits(), job.spec.style), job.span)
    fields = make_truth_fields(job, 10)

    assert [field.name for field in fields] == list(chunk.truth)
    for field in fields:
        array = chunk.truth[field.name]
        assert array.dtype == field.dtype
        assert len(array.shape) == 1 + len(field.shape)
        assert all(size <= most for size, most in zip(array.shape[1:], field.shape, strict=True))
        if "parameters" in field.name:
            assert len(field.about["columns"].split(",")) == field.shape[-1] == array.shape[-1]


# --- boxes and masks of clean


@cache
def separators_of(digits):
    """Give what the oracle draws separators from: images, codes, columns of a space."""
    measures = DigitMeasures.measure(digits.atlas.height, digits.atlas.packed)
    return *draw_separators(measures), measures.space_width


def glyphs_of_line(text, number, digits, seed, spacing_range):
    """Lay a line of clean out, the slow way: the left edge and the image of each glyph."""
    images, labels = digits.get_data()
    labels = np.array(labels, np.int64)
    separators, codes, space_width = separators_of(digits)
    smallest, largest = spacing_range
    glyph_words = reference.philox_words(seed, number, reference.GLYPH, len(text))
    gap_words = reference.philox_words(seed, number, reference.SPACING, len(text))
    left, placed = 0, []
    for character, glyph_word, gap_word in zip(text, glyph_words, gap_words, strict=True):
        code = ALPHABET.index(character)
        examples = images[labels == code] if code < 10 else separators[codes == code]
        example = examples[reference.bounded(glyph_word, len(examples))]
        glyph = example[:, :space_width] if character == " " else reference.crop_to_ink(example)
        placed.append((left, glyph))
        left += glyph.shape[1] + smallest + reference.bounded(gap_word, largest - smallest + 1)
    return placed


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


@pytest.fixture(scope="module")
def digits_of(make_digits):
    """Give digits by kind and size: scattered ink, blocks of full ink, or the packaged ones; some are blank."""

    @cache
    def make(kind, size):
        if kind == "packaged":
            return packaged_digits()
        images, labels = make_digits(size)
        random = np.random.default_rng(size)
        for image in images:
            image[: random.integers(0, size)] = 0
            if kind == "blocks" and image.any():
                x0, y0, x1, y1 = extent_of(image)
                image[y0:y1, x0:x1] = 255
        return DigitImageDataset(images, labels)

    return make


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


# --- boxes and masks of styles


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


# --- glyphs and writers


@given(st.lists(st.text(ALPHABET, min_size=1, max_size=12), min_size=1, max_size=4), SEEDS, st.integers(0, 2**62))
def test_images_of_clean_can_be_made_again_from_their_truth(digits_of, texts, seed, start):
    digits = digits_of("scattered", 12)
    images, labels = digits.get_data()
    texts = [text.replace(" ", "0") for text in texts]

    chunk = generate_chunk(
        texts, (0, 9), 70, truth=["glyphs", "parameters"], seed=seed, start=start, digits=digits, workers=1
    )

    for row, text in enumerate(texts):
        glyphs = chunk.truth["glyphs"][row, : len(text)]
        gaps = chunk.truth["glyph_parameters"][row, : len(text), 0]
        assert all(labels[glyph] == c if c.isdigit() else glyph == -1 for glyph, c in zip(glyphs, text, strict=True))
        assert np.isnan(gaps[-1])
        if text.isdigit():
            expected = reference.draw_line(images[glyphs], gaps[:-1].astype(int), 70)
            np.testing.assert_array_equal(chunk.images[row], expected)


@cache
def written_digits(per_class):
    """Some packaged digits with the ids of their writers, odd ones; each wrote all ten digits."""
    images, labels = packaged_digits().get_data()
    labels = np.array(labels, np.int64)
    chosen = np.concatenate([np.flatnonzero(labels == digit)[: 3 * per_class] for digit in range(10)])
    ids = np.resize([1_000_003, 7, 2**62], 30 * per_class)
    return DigitImageDataset(images[chosen], labels[chosen], writer_ids=ids)


def test_the_digits_of_a_line_are_of_the_writer_that_is_told():
    digits = written_digits(4)
    labels = np.array(digits.get_data()[1])

    chunk = generate_chunk(["03-1234 56", "9", "- 8"] * 50, None, 100, truth="glyphs", style=NATURAL, digits=digits)

    writers, glyphs = chunk.truth["writers"], chunk.truth["glyphs"]
    assert set(writers.tolist()) == {1_000_003, 7, 2**62}
    for label, writer, row in zip(chunk.labels.tolist(), writers, glyphs, strict=True):
        for character, glyph in zip(label.decode(), row, strict=False):
            assert glyph == -1 or (digits.writer_ids[glyph] == writer and labels[glyph] == character)
            assert (glyph == -1) == (not character.isdigit())


def test_the_digits_of_a_line_are_of_the_cluster_that_is_told():
    clusters = find_writers(packaged_digits(), "cluster")

    truth = generate_chunk(["0123456789"] * 80, None, 160, truth="glyphs", style=NATURAL, seed=1).truth

    assert set(truth["writers"].tolist()) == set(range(8))
    assert (clusters.names[clusters.ids[truth["glyphs"]]] == truth["writers"][:, None]).all()


@pytest.mark.parametrize(
    ("style", "texts"),
    [("clean", ["12"]), (NATURAL.replace(writer="mixed"), ["12"]), (NATURAL, ["-", "", " ", "--"])],
    ids=["clean", "mixed", "no digits"],
)
def test_lines_of_mixed_digits_or_none_have_no_writer(style, texts):
    digits = written_digits(4)

    truth = generate_chunk(texts, gaps_of(style), 40, truth="glyphs", style=style, digits=digits, seed=1).truth

    assert truth["writers"].tolist() == [-1] * len(texts)


def test_a_line_without_digits_does_not_take_the_writer_of_the_next_one():
    truth = generate_chunk(["12", "-", "34", ""], None, 40, truth="glyphs", style=NATURAL, seed=1).truth

    assert (truth["writers"] == -1).tolist() == [False, True, False, True]


@pytest.mark.parametrize("style", ["clean", NATURAL], ids=["clean", "natural"])
def test_glyphs_are_numbered_as_in_the_digits_that_a_part_was_taken_from(style):
    digits = written_digits(8)
    parts = split_digits(DigitImageDataset(*digits.get_data()), "train=0.5,test=0.5")

    seen = {}
    for name, part in parts.items():
        chunk = generate_chunk(["0123456789"] * 40, gaps_of(style), 160, truth="glyphs", style=style, digits=part)
        seen[name] = set(chunk.truth["glyphs"].reshape(-1).tolist())
        assert seen[name] <= set(part.source_numbers.tolist())
        assert [digits.get_data()[1][glyph] for glyph in chunk.truth["glyphs"][0]] == list("0123456789")

    assert seen["train"].isdisjoint(seen["test"])


# --- parameters

SAMPLED = Handwriting.named("document").replace(
    slant=Uniform(-0.2, 0.4, per_job=True),
    rotation=Normal(0.5, 1.5, -2, 2, per_job=True),
    size_jitter=Uniform(0.8, 1.1, per_job=True),
    gap=Normal(0.2, 0.1),
    gap_jitter=(-0.1, 0.3),
    margin=Normal(0.1, 0.05, 0.0, 0.2),
    wide_gap=0.4,
    tail=0.5,
    open_loop=0.5,
    crossbar=1,
    invert=0.5,
)
DETAIL = 2**20
STREAMS = {one.name: one.stream for one in parameters()}


def unit(word):
    return (word >> 11) / 2**53


def from_word(distribution, word):
    """Turn a word into a draw of a distribution, as `_kernels.draws` describes it."""
    low, high = distribution.bounds()
    if isinstance(distribution, Uniform):
        return low + (high - low) * unit(word) if low < high else low
    total = sum((word >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
    # Four uniform draws from 0 to 65535: their mean is 131,070 and their standard deviation 65536 / sqrt(3).
    return min(
        max(distribution.mean + distribution.sd * ((total - 131070.0) / (65536.0 * 0.5773502691896258)), low), high
    )


def block_of(seed, image, stream, block):
    """The four words of a block far along a stream."""
    counter = (block + (image << 64) - 1) % 2**256
    return np.random.Philox(counter=counter, key=seed + (stream << 64)).random_raw(4).tolist()


def draws_of(style, name, seed, image, count):
    """Draw a parameter so many times for an image: one draw is for all where it is the job's."""
    distribution = getattr(style, name)
    if distribution.per_job:
        word = reference.philox_words(seed, 0, STREAMS[name] + 2**32, 1)[0]
        return [from_word(distribution, word)] * count
    return [from_word(distribution, word) for word in reference.philox_words(seed, image, STREAMS[name], count)]


def share_of(style, name):
    return style.to_dict()[name]


def expected_line(style, text, seed, image, *, has_spacing):
    """What was drawn for a line, by name, the slow way."""
    expected = {}
    is_plain = text.isdigit()
    for one in parameters():
        name = one.name
        if one.scope in ("choice", "glyph") or name in ("wide_gap", "tail", "open_loop"):
            continue
        if has_spacing and name == "gap":
            continue
        if name == "margin":
            expected["margin_left"], expected["margin_right"] = draws_of(style, name, seed, image, 2)
        elif name == "end_marks":
            words = block_of(seed, image, one.stream, DETAIL)
            for end, word in (("leading", words[0]), ("trailing", words[2])):
                expected[f"{end}_marks"] = is_plain and unit(word) < share_of(style, name)
        elif one.scope == "share":
            happens = unit(reference.philox_words(seed, image, one.stream, 1)[0]) < share_of(style, name)
            expected[name] = happens and (name != "inner_marks" or (is_plain and len(text) > 3))
        else:
            expected[name] = draws_of(style, name, seed, image, 1)[0]
    return expected


def expected_glyphs(style, text, seed, image, spacing_range):
    """What was drawn for each character of a line, by name, the slow way; None where it does not apply."""
    expected = {}
    digits = [character.isdigit() for character in text]
    gaps = [True] * (len(text) - 1) + [False] * bool(text)
    for one in parameters():
        name, stream = one.name, one.stream
        of_gap = name in ("gap_jitter", "wide_gap", "wide_gap_size")
        if of_gap and spacing_range is not None:
            continue
        if name == "wide_gap":
            words = reference.philox_words(seed, image, stream, len(text))
            values = [unit(word) < share_of(style, name) for word in words]
        elif name in ("tail", "open_loop"):
            values = [
                unit(block_of(seed, image, stream, DETAIL + k)[0]) < share_of(style, name) for k in range(len(text))
            ]
        elif one.scope == "glyph":
            values = draws_of(style, name, seed, image, len(text))
        else:
            continue
        applies = gaps if of_gap else digits
        if name == "tail":
            applies = [character in "089" for character in text]
        elif name == "open_loop":
            applies = [character in "09" for character in text]
        expected[name] = [value if does else None for value, does in zip(values, applies, strict=True)]
    if spacing_range is not None:
        smallest, largest = spacing_range
        words = reference.philox_words(seed, image, reference.SPACING, len(text))
        values = [smallest + reference.bounded(word, largest - smallest + 1) for word in words]
        expected["spacing"] = [value if does else None for value, does in zip(values, gaps, strict=True)]
    return expected


@pytest.mark.parametrize("label", ["written", "digits"])
@pytest.mark.parametrize("spacing_range", [None, (-3, 12)])
@pytest.mark.parametrize("style", [NATURAL, DOCUMENT, SAMPLED], ids=["natural", "document", "sampled"])
def test_parameters_are_what_the_streams_say(style, spacing_range, label):
    texts = ["08(9)", "1234567890", "", "7", "99-88", "0809"] * 3
    seed, start = 2**63 + 11, 2**40
    spec = RenderSpec(spacing_range, 80, style=style)
    job = Job(
        FixedNumbers(pack_sequences(texts), start),
        spec,
        28,
        seed,
        Span(start, start + len(texts)),
        label,
        ("parameters",),
    )

    truth = make_chunk(job, prepare_atlas(packaged_digits(), style), job.span).truth
    names = parameter_names(job.spec.style, job.spec.spacing_range)

    for row, text in enumerate(texts):
        line = expected_line(style, text, seed, start + row, has_spacing=spacing_range is not None)
        assert tuple(line) == names.line
        np.testing.assert_array_equal(truth["parameters"][row], np.array(list(line.values()), np.float32), str(row))
        glyphs = expected_glyphs(style, text, seed, start + row, spacing_range)
        assert tuple(glyphs) == names.glyph
        table = np.array(list(glyphs.values()), np.float32).T.reshape(len(text), len(glyphs))  # None becomes NaN
        kept = [label == "written" or character.isdigit() for character in text]
        ours = truth["glyph_parameters"][row]
        np.testing.assert_array_equal(ours[: sum(kept)], table[np.array(kept, bool)], str(row))
        assert np.isnan(ours[sum(kept) :]).all()


def test_parameters_of_the_job_are_the_same_in_all_images():
    def columns_of(seed):
        names = parameter_names(SAMPLED)
        truth = generate_chunk(["12", "0345"] * 20, None, 60, truth="parameters", style=SAMPLED, seed=seed).truth
        return dict(zip(names.line, truth["parameters"].T, strict=True)) | {
            name: values[~np.isnan(values)]
            for name, values in zip(names.glyph, truth["glyph_parameters"].T, strict=True)
        }

    first, second = columns_of(1), columns_of(2)

    for name in ("slant", "rotation", "size_jitter"):
        assert len(set(first[name].tolist())) == len(set(second[name].tolist())) == 1
        assert first[name][0] != second[name][0]
    assert len(set(first["drift"].tolist())) == 40


@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize("width", [1, 9, 60, 128, 5000])
def test_parameters_of_clean_tell_how_lines_were_fitted(width, fit):
    digits = packaged_digits()
    texts = [text for text in TEXTS if text]

    chunk = generate_chunk(texts, (2, 9), width, truth="parameters", seed=6, fit=fit)

    job = Job(PhoneNumbers(), RenderSpec((2, 9), width, fit), 28, 6, Span(0, 1))
    assert parameter_names(job.spec.style, job.spec.spacing_range).line == ("natural_width", "scale_x", "scale_y")
    assert parameter_names(job.spec.style, job.spec.spacing_range).glyph == ("spacing",)
    for row, text in enumerate(texts):
        placed = glyphs_of_line(text, row, digits, 6, (2, 9))
        natural = placed[-1][0] + placed[-1][1].shape[1]
        across = min(1, width / natural)
        down = max(1, round(28 * across)) / 28 if fit == "contain" else 1
        expected = np.array([natural, across, down], np.float32)
        np.testing.assert_array_equal(chunk.truth["parameters"][row], expected)
        lefts = [left for left, _ in placed]
        gaps = np.diff(lefts) - [glyph.shape[1] for _, glyph in placed[:-1]]
        spacing = chunk.truth["glyph_parameters"][row, :, 0]
        assert spacing[: len(gaps)].tolist() == gaps.tolist()
        assert np.isnan(spacing[len(gaps) :]).all()


def test_a_blank_page_was_not_shrunk():
    truth = generate_chunk([""], (2, 9), 5, truth="parameters", seed=6).truth

    assert truth["parameters"].tolist() == [[0, 1, 1]]


SHARES = {
    "upstroke": "1111",
    "crossbar": "7777",
    "tail": "0898",
    "open_loop": "0909",
    "wide_gap": "1234",
    "inner_marks": "12345",
    "leading_marks": "12",
    "trailing_marks": "12",
    "fill": "123",
    "waves": "12",
    "fibres": "12",
    "ruled": "12",
    "boxed": "12",
    "padding": "12",
    "jpeg": "12",
    "auto_levels": "12",
    "invert": "12",
}


@pytest.mark.parametrize("column", SHARES)
def test_a_share_is_1_where_its_effect_is_seen(column):
    name = "end_marks" if column in ("leading_marks", "trailing_marks") else column
    # The other end's marks are seen as well.
    other = {"leading_marks": "trailing_marks", "trailing_marks": "leading_marks"}.get(column)
    style = DOCUMENT.replace(**{name: 0.5}, margin=(0.1, 0.3), jpeg_quality=10, fibre_strength=0.5, ink=0.8)
    style = style.replace(**{one: 0 for one in ("inner_marks", "end_marks") if one != name})
    texts = [SHARES[column]] * 60
    job = Job(PhoneNumbers(), RenderSpec(None, 100, style=style), 28, 0, Span(0, 1))
    names = parameter_names(job.spec.style, job.spec.spacing_range)

    chunk = generate_chunk(texts, None, 100, truth="parameters", style=style, seed=9)
    without = generate_batch(texts, None, 100, style=style.replace(**{name: 0}), seed=9)

    if column in names.line:
        values = chunk.truth["parameters"][:, names.line.index(column)]
        if other is not None:
            is_other = chunk.truth["parameters"][:, names.line.index(other)] == 1
            values, chunk_images, without = values[~is_other], chunk.images[~is_other], without[~is_other]
        else:
            chunk_images = chunk.images
    else:
        # 1 where any of the line's has it
        values = np.nanmax(chunk.truth["glyph_parameters"][:, :, names.glyph.index(column)], axis=1)
        chunk_images = chunk.images
    differs = (chunk_images != without).any(axis=(1, 2))
    assert set(values.tolist()) == {0, 1}
    assert not differs[values == 0].any()
    assert differs[values == 1].mean() > 0.5  # a 1 that has an upstroke of its own gets no other


def test_wide_gaps_are_told_by_their_place():
    style = Handwriting(gap=0.2, wide_gap=0.5, wide_gap_size=2, softness=1.1)
    names = parameter_names(style)

    truth = generate_chunk(["11111"] * 30, None, 300, truth=["boxes", "parameters"], style=style, seed=1).truth

    is_wide = truth["glyph_parameters"][:, :-1, names.glyph.index("wide_gap")] == 1
    gaps = truth["boxes"][:, 1:, 0] - truth["boxes"][:, :-1, 2]
    assert is_wide.any()
    assert gaps[is_wide].min() > gaps[~is_wide].max() + 10


# --- boxes on contact sheets

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
        (np.array([[[0, 0, 6, 1]]] * 2), r"boxes hold \[0, 0, 6, 1\], no box of an image of 5 x 4 px"),
        (np.array([[[0, 0, 5, 5]]] * 2), "no box"),
        (np.array([[[0, -1, 5, 4]]] * 2), "no box"),
        (np.array([[[3, 0, 2, 4]]] * 2), "no box"),
    ],
)
def test_wrong_boxes_are_one_error(boxes, message):
    with pytest.raises(SpecError, match=message):
        contact_sheet(np.zeros((2, 4, 5), np.uint8), ["1", "2"], boxes=boxes)


def test_a_line_whose_writer_lacks_a_digit_has_no_writer(make_digits):
    images, labels = make_digits(16, per_class=2)
    writer_ids = np.where(labels % 2 == 0, 7, 9)  # one wrote the even digits, the other the odd ones
    digits = DigitImageDataset(images, labels, writer_ids=writer_ids)
    style = Handwriting(gap=0.3, writer="dataset")

    chunk = generate_chunk(["02468", "13579", "05", "-4", ""], None, 100, truth="glyphs", style=style, digits=digits)

    assert chunk.truth["writers"].tolist() == [7, 9, -1, 7, -1]


def test_labels_of_digits_are_as_long_as_the_longest_of_them():
    chunk = generate_chunk(["03-12", "1"], (5, 10), 100, truth="boxes", label="digits")

    assert chunk.labels.dtype == "S4"
    assert chunk.truth["boxes"].shape == (2, 4, 4)


def test_a_class_is_no_number_source():
    with pytest.raises(SpecError, match=r"numbers is the class PhoneNumbers: give one of its objects"):
        generate_chunk(PhoneNumbers, (5, 10), 100, count=3)


def test_the_truth_of_a_dataset_is_asked_for_by_slices():
    with pytest.raises(SpecError, match=r"index is 0: give a slice"):
        GenericDataset().get_truth(0)
