"""What styled lines are written with: separators, the digits of one writer, digits of any size and ink."""

import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from styled_lines import (
    NAMED,
    PLAIN,
    TIGHT,
    columns_of,
    draw,
    ink_of,
    lay_out,
    moments,
    pieces,
    rows_of,
    slant_of,
    stick,
    stroke_of,
    without,
)

from number_generator import DigitImageDataset, Handwriting
from number_generator._kernels import fields, line_items
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import find_writers, prepare_atlas
from number_generator.errors import SpecError
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import ALPHABET, FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk

SEPARATORS = "-.,/()+"


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_separator_is_ink(separator):
    images = draw([separator] * 40, PLAIN, 60)

    ink = ink_of(images).sum(axis=(1, 2))
    assert ink.min() > 3
    assert ink.max() < 130
    assert len({image.tobytes() for image in images}) == 40  # no two are alike


def test_a_space_is_room_without_ink():
    assert (draw([" ", "   "], PLAIN, 60) == 255).all()

    together, apart = draw(["88"] * 30, PLAIN, 200), draw(["8 8"] * 30, PLAIN, 200)

    wider = [np.ptp(columns_of(b)) - np.ptp(columns_of(a)) for a, b in zip(together, apart, strict=True)]
    assert len(pieces(apart[0])) == 2
    assert min(wider) > 5


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_separator_is_written_with_the_lines_pen(separator):
    def widths(thickness, width=200):
        style = PLAIN.replace(thickness=thickness, gap=0.6)
        return np.array([stroke_of(pieces(image)[1]) for image in draw([f"8{separator}8"] * 40, style, width)])

    thin, thick = widths(0), widths(0.1)

    assert np.mean(thick - thin) > 0.8
    pens = [lay_out(f"8{separator}8", PLAIN, image) for image in range(40)]
    own = [line.glyphs[3][int(line.items[0, line_items.GLYPH]), fields.STROKE] for line in pens]
    np.testing.assert_allclose([line.items[1, line_items.PEN] for line in pens], own, rtol=0.3)


@pytest.mark.parametrize("separator", "/()+")
@pytest.mark.parametrize("slant", [-0.3, 0.3])
def test_a_separator_is_slanted_with_the_line(separator, slant):
    upright, slanted = (draw([separator] * 40, PLAIN.replace(slant=lean), 60) for lean in (0, slant))

    change = np.mean([slant_of(b) - slant_of(a) for a, b in zip(upright, slanted, strict=True)])
    # A round pen is not slanted.
    assert change / slant == pytest.approx(1, abs=0.25)


def test_separators_stand_where_they_belong():
    def middle(text):
        return np.mean([moments(piece)[1] for image in draw([text] * 30, PLAIN, 100) for piece in pieces(image)[1:2]])

    digit, dash, dot, comma = (middle(text) for text in ("88", "8-", "8.", "8,"))

    assert dash == pytest.approx(digit, abs=3)
    assert dot < digit - 7
    assert comma < digit - 7


def labels_of_job(texts, **options):
    spec = RenderSpec(None, 100, style=PLAIN)
    job = Job(FixedNumbers(pack_sequences(texts)), spec, 28, 1, Span(0, len(texts)), **options)
    return make_chunk(job, prepare_atlas(packaged_digits(), PLAIN), job.span).labels


def test_labels_hold_separators_unless_digits_are_asked_for():
    texts = ["1-2.3,4", "(5)/6+7 8", "", " ", "90"]

    assert labels_of_job(texts).tolist() == [text.encode() for text in texts]
    assert labels_of_job(texts, label="digits").tolist() == [b"1234", b"5678", b"", b"", b"90"]


@settings(max_examples=30)
@given(st.lists(st.text(ALPHABET, max_size=12), min_size=1, max_size=5))
def test_labels_are_the_sequences(texts):
    assert labels_of_job(texts).tolist() == [text.encode() for text in texts]
    digits = ["".join(filter(str.isdigit, text)).encode() for text in texts]
    assert labels_of_job(texts, label="digits").tolist() == digits


@pytest.mark.parametrize("label", ["all", "", None, 1])
def test_a_wrong_label_is_refused(label):
    with pytest.raises(SpecError, match=r"label is .*: give one of 'written', 'digits'"):
        labels_of_job(["1"], label=label)


@pytest.mark.parametrize("character", ["a", "’", "\n", "\0", "−", "٣", "_", "\x80", "\ud800"])
def test_other_characters_are_one_error(character):
    with pytest.raises(SpecError, match=r"sequence 2 is .*: give digits from 0 to 9 and the signs"):
        draw(["1-2", "3", f"1{character}2"], PLAIN)


def test_strings_with_separators_may_stand_among_digits():
    texts = ["1-2", "34", "", "5 6/7"]

    mixed = draw(["1-2", [3, 4], np.array([], np.int64), "5 6/7"], PLAIN, 120)

    np.testing.assert_array_equal(mixed, draw(texts, PLAIN, 120))
    np.testing.assert_array_equal(draw(np.array(texts), PLAIN, 120), draw(texts, PLAIN, 120))


@pytest.mark.parametrize("sequences", [[[1, 10]], [[11]], np.array([[1, 12]])])
def test_codes_of_separators_are_no_digits(sequences):
    with pytest.raises(SpecError, match="sequence 0 holds 1"):
        draw(sequences, PLAIN)


def chosen_glyphs(text, writer, images, digits=None):
    style = PLAIN.replace(writer=writer)
    return np.array(
        [lay_out(text, style, image, digits=digits).digits[:, line_items.GLYPH] for image in range(images)], int
    )


def test_the_glyphs_of_a_line_are_of_one_cluster_chosen_as_often_as_it_is_large():
    writers = find_writers(packaged_digits(), "cluster")

    groups = writers.glyph_group[chosen_glyphs("0918273645", "cluster", 1500)]

    assert (groups == groups[:, :1]).all()
    of_first = writers.glyph_group[: packaged_digits().atlas.class_start[1]]  # the line's first digit is a 0
    expected = 1500 * np.bincount(of_first, minlength=8) / len(of_first)
    found = np.bincount(groups[:, 0], minlength=8)
    assert ((found - expected) ** 2 / expected).sum() < 24.3  # 7 degrees of freedom: 1 in 1,000


def test_glyphs_of_mixed_lines_are_any_with_equal_chance():
    glyphs = chosen_glyphs("3333333333", "mixed", 500)

    first, stop = packaged_digits().atlas.class_start[3:5]
    found = np.bincount(glyphs.ravel() - first, minlength=stop - first)
    expected = glyphs.size / (stop - first)
    freedom = stop - first - 1
    assert len(found) == stop - first
    assert abs(((found - expected) ** 2 / expected).sum() - freedom) < 3.3 * (2 * freedom) ** 0.5
    groups = find_writers(packaged_digits(), "cluster").glyph_group[glyphs]
    assert (groups != groups[:, :1]).any(axis=1).all()


def test_glyphs_are_those_that_clean_chooses_unless_a_writer_is_chosen():
    glyphs = chosen_glyphs("80635", "mixed", 20)

    start = packaged_digits().atlas.class_start.tolist()
    for image, row in enumerate(glyphs):
        words = reference.philox_words(1, image, reference.GLYPH, 5)
        expected = [
            start[digit] + reference.bounded(word, start[digit + 1] - start[digit])
            for digit, word in zip((8, 0, 6, 3, 5), words, strict=True)
        ]
        assert row.tolist() == expected


def test_a_digit_that_a_writer_lacks_is_anyones():
    images, labels = packaged_digits().get_data()
    labels = np.array([int(label) for label in labels])
    chosen = np.concatenate([np.flatnonzero(labels == digit)[:20] for digit in range(10)])
    writer_ids = np.tile(np.repeat([7, 30], 10), 10)
    writer_ids[labels[chosen] == 4] = 30  # writer 7 has no 4
    dataset = DigitImageDataset(images[chosen], labels[chosen], writer_ids=writer_ids)
    writers = find_writers(dataset, "dataset")

    for writer in ("dataset", "auto"):
        groups = writers.glyph_group[chosen_glyphs("0482", writer, 300, dataset)]

        assert (groups[:, [0, 2, 3]] == groups[:, :1]).all()
        assert set(groups[:, 0]) == {0, 1}
        assert (groups[:, 1] == 1).all()


def test_writers_without_ids_are_one_error():
    with pytest.raises(SpecError, match="writer is 'dataset', but the digit dataset has no writer ids"):
        draw(["1"], PLAIN.replace(writer="dataset"))


def digits_of(size, kind):
    """Make one digit a class with ink in usual and in unusual places."""
    images = np.zeros((10, size, size), np.uint8)
    middle = size // 2
    if kind == "strokes":
        pen = max(1, size // 10)
        for digit, image in enumerate(images):
            image[size // 6 : -(size // 6) or None, middle : middle + pen] = 255
            image[middle : middle + pen, size // 6 : middle + pen + digit * size // 30] = 200
    elif kind == "blank":
        images[3:, 1:-1, middle : middle + 2] = 255
    elif kind == "full":
        images[:] = 255
    elif kind == "one pixel":
        images[np.arange(10), np.arange(10) % size, middle] = 255
    elif kind == "corner pixel":
        images[:, -1, -1] = 255
    elif kind == "frame":
        images[:, 0] = images[:, -1] = images[:, :, 0] = images[:, :, -1] = 255
    elif kind == "noise":
        images[:] = np.random.default_rng(size).integers(0, 256, images.shape)
    elif kind == "faint":
        images[5:, 1:-1, middle] = 255
        images[:5, 1:-1, middle] = 1
    return DigitImageDataset(images, np.arange(10))


KINDS = ["strokes", "blank", "full", "one pixel", "corner pixel", "frame", "noise", "faint"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [4, 5, 8, 16, 64, 100])
def test_styles_draw_digits_of_any_size_and_ink(size, kind):
    dataset = digits_of(size, kind)
    forms = {"upstroke": 1, "crossbar": 1, "tail": 1, "open_loop": 0.5, "end_marks": 0.5, "inner_marks": 0.5}

    for style in (*map(Handwriting.named, NAMED), Handwriting.named("natural").replace(**forms), TIGHT):
        images = draw(["0123456789", "777", "9", ""], without(style, "Paper", "Scan"), 6 * size, digits=dataset)

        assert images.shape == (4, size, 6 * size)
        assert (images[:2].min(axis=(1, 2)) < 220).all(), style.settings()
        assert (images[3] == 255).all()


@pytest.mark.parametrize("size", [16, 28, 64, 100])
def test_styles_mean_the_same_for_digits_of_any_size(size):
    dataset = digits_of(size, "strokes")
    style = TIGHT.replace(height=0.7, position=0, vertical_position=0, softness=0.5)

    image = draw(["258"], style, 5 * size, digits=dataset)[0]
    usual = draw(["258"], style, 5 * 28, digits=digits_of(28, "strokes"))[0]

    assert np.ptp(rows_of(image)) / size == pytest.approx(np.ptp(rows_of(usual)) / 28, abs=0.08)
    assert np.ptp(columns_of(image)) / size == pytest.approx(np.ptp(columns_of(usual)) / 28, rel=0.12)


@pytest.mark.parametrize("ink", [1, 25, 40])
def test_a_digit_too_faint_for_strokes_does_not_hide_the_others(ink):
    images = np.stack([stick(0)] * 10)
    images[[0, 1, 7]] = images[[0, 1, 7]] // 255 * ink
    dataset = DigitImageDataset(images, np.arange(10))

    for changes in ({}, {"upstroke": 1}, {"crossbar": 1}, {"tail": 1}, {"open_loop": 1}, {"crop": "tight"}):
        page = draw(["0172"], PLAIN.replace(**changes), 100, digits=dataset)[0]

        assert ink_of(page).sum() > 30, changes


def test_empty_sequences_are_blank_pages():
    assert (draw(["", "8", ""], "natural")[[0, 2]] == 255).all()
    papers = draw(["", "", ""], "document", 60)
    assert papers.shape == (3, 28, 60)
    assert len({page.tobytes() for page in papers}) == 3
    assert np.median(papers) > 100


@pytest.mark.parametrize("style", NAMED)
@pytest.mark.parametrize("length", [300, 2000])
def test_long_sequences_are_drawn(style, length):
    text = ("31415926535897" * 150)[:length]

    images = draw([text, "12"], without(Handwriting.named(style), "Paper", "Scan", "Ink"), 2000)

    assert draw([text], style, 2000).shape == (1, 28, 2000)
    if length == 300:  # 7 px a digit; with 2,000 it is 1 px, which shows nothing
        assert (images[0].min(axis=0) < 150).mean() > 0.1


@pytest.mark.parametrize("style", NAMED)
def test_the_longest_sequence_is_drawn(style):
    assert draw(["8" * 10_000], style, 100).shape == (1, 28, 100)


@pytest.mark.parametrize("style", [*NAMED, TIGHT, PLAIN])
@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [4, 28])
def test_tiny_pages_are_drawn(style, width, size):
    images = draw(["1", "88", "1234567", ""], style, width, digits=digits_of(size, "strokes"))

    assert images.shape == (4, size, width)
