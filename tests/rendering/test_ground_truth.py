"""Ground truth: it changes no image, and names the source digit and the writer of each character."""

from functools import cache

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from truth_lines import ALPHABET, DOCUMENT, LINES, NATURAL, SEEDS, TEXTS, TIGHT, WIDTHS, gaps_of

from number_generator import (
    DigitImageDataset,
    GenericDataset,
    Handwriting,
    PhoneNumbers,
    generate_batch,
    generate_chunk,
    split_digits,
)
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import find_writers, prepare_atlas
from number_generator.errors import SpecError
from number_generator.job.spec import TRUTHS, Job, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.ground_truth import join_truth, make_truth_fields

STYLES = st.sampled_from(["clean", NATURAL, DOCUMENT, TIGHT])
LABELS = st.sampled_from(["written", "digits"])


def names_of(truth, style):
    """Return the names of the arrays that some kinds of ground truth have, in order."""
    names = {
        "boxes": ["boxes"],
        "glyphs": ["glyphs", "writers"] if style == "clean" else ["glyphs", "forms", "writers"],
        "parameters": ["parameters", "glyph_parameters"],
        "masks": ["masks"],
    }
    return [name for kind in TRUTHS if kind in truth for name in names[kind]]


def fit_of(style, fit):
    return "contain" if style != "clean" and style.crop == "tight" else fit


def assert_same_truth(ours, theirs):
    """Compare two parts of ground truth, whose labels may be padded to different lengths."""
    assert list(ours) == list(theirs)
    for name in ours:
        joined = join_truth([{name: ours[name]}, {name: theirs[name]}])[name]
        np.testing.assert_array_equal(*np.split(joined, 2), err_msg=name)


@given(LINES, STYLES, WIDTHS, st.sampled_from(["contain", "stretch"]), st.sets(st.sampled_from(TRUTHS)), LABELS, SEEDS)
def test_images_and_labels_do_not_depend_on_the_truth_asked_for(sequences, style, width, fit, truth, label, seed):
    options = {"style": style, "fit": fit_of(style, fit), "seed": seed, "workers": 1}

    chunk = generate_chunk(sequences, gaps_of(style), width, truth=truth, label=label, **options)

    np.testing.assert_array_equal(chunk.images, generate_batch(sequences, gaps_of(style), width, **options))
    kept = ALPHABET[:10] if label == "digits" else ALPHABET
    assert chunk.labels.tolist() == ["".join(c for c in text if c in kept) for text in sequences]
    assert list(chunk.truth) == names_of(truth, style)


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
    given_ones = generate_batch(chunk.labels.tolist(), (2, 3), 90, start=7, seed=5)

    np.testing.assert_array_equal(chunk.images, given_ones)
    assert [label.replace("-", "") for label in chunk.labels.tolist()] == plain.labels.tolist()[7:]


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

    writers, glyphs, forms = (chunk.truth[name] for name in ("writers", "glyphs", "forms"))
    assert set(writers.tolist()) == {-1, 1_000_003, 7, 2**62}
    for label, writer, row, others in zip(chunk.labels.tolist(), writers, glyphs, forms, strict=True):
        assert (writer == -1) == (row == -1).all()
        for character, glyph, form in zip(label, row, others, strict=False):
            assert glyph == -1 or (digits.writer_ids[glyph] == writer and labels[glyph] == character)
            assert (glyph == -1 and form == -1) == (not character.isdigit())
            assert glyph == -1 or form == -1


def test_the_digits_of_a_line_are_of_the_cluster_that_is_told():
    clusters = find_writers(packaged_digits(), "cluster")

    style = NATURAL.replace(letterforms=0)

    truth = generate_chunk(["0123456789"] * 80, None, 160, truth="glyphs", style=style, seed=1).truth

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
    style = NATURAL.replace(letterforms=0)

    truth = generate_chunk(["12", "-", "34", ""], None, 40, truth="glyphs", style=style, seed=1).truth

    assert (truth["writers"] == -1).tolist() == [False, True, False, True]


@pytest.mark.parametrize("style", ["clean", NATURAL.replace(letterforms=0)], ids=["clean", "natural"])
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


def test_a_line_whose_writer_lacks_a_digit_has_no_writer(make_digits):
    images, labels = make_digits(16, per_class=2)
    writer_ids = np.where(labels % 2 == 0, 7, 9)  # one wrote the even digits, the other the odd ones
    digits = DigitImageDataset(images, labels, writer_ids=writer_ids)
    style = Handwriting(gap=0.3, writer="dataset")

    chunk = generate_chunk(["02468", "13579", "05", "-4", ""], None, 100, truth="glyphs", style=style, digits=digits)

    assert chunk.truth["writers"].tolist() == [7, 9, -1, 7, -1]


def test_labels_of_digits_are_as_long_as_the_longest_of_them():
    chunk = generate_chunk(["03-12", "1"], (5, 10), 100, truth="boxes", label="digits")

    assert chunk.labels.dtype == "U4"
    assert chunk.truth["boxes"].shape == (2, 4, 4)


def test_a_class_is_no_number_source():
    with pytest.raises(SpecError, match=r"numbers is the class PhoneNumbers: give one of its objects"):
        generate_chunk(PhoneNumbers, (5, 10), 100, count=3)


def test_the_truth_of_a_dataset_is_asked_for_by_slices():
    with pytest.raises(SpecError, match=r"index is 0: give a slice"):
        GenericDataset().get_truth(0)
