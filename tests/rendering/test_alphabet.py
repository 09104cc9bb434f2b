"""Marks and wide gaps that no label holds, beside labels that can hold the same signs."""

from importlib import import_module

import numpy as np
import pytest
from styled_lines import PLAIN, lay_out

from number_generator import (
    CountryNumbers,
    GenericDataset,
    Handwriting,
    Pattern,
    PhoneNumbers,
    generate_batch,
    generate_chunk,
    stream,
)
from number_generator._kernels import line_items, strokes
from number_generator.commands.generate import generate_phone_numbers
from number_generator.errors import SpecError
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.lists import ListedNumbers
from number_generator.numbers.sequences import ALPHABET, FixedNumbers, pack_sequences
from number_generator.rendering.ground_truth import parameter_names
from number_generator.rendering.styled import find_signs
from number_generator.system.signals import Interruption

MARKED = PLAIN.replace(inner_marks=1, end_marks=1)
DOCUMENT = Handwriting.named("document").replace(inner_marks=0.5, end_marks=0.5, wide_gap=0.3)
DIGITS = "0123456789"
DASHES = {strokes.DASH, strokes.DOUBLE_DASH, strokes.WAVE}
POINTS = {strokes.DOT, strokes.COMMA}
MIXED = ["327", "-371", "1 000", "4812", "5,123", "90210"] * 6


def bits(text):
    """Return the mask of the separators in a text."""
    return sum(1 << ALPHABET.index(sign) for sign in text)


def drawn_marks(text, signs, images=range(60)):
    """Return the codes of all unlabelled marks of a line that has them wherever it can."""
    codes = set()
    for image in images:
        items = lay_out(text, MARKED, image, signs=signs).items
        codes |= set(items[items[:, line_items.SLOT] < 0, line_items.CODE].astype(int).tolist())
    return codes


@pytest.mark.parametrize(
    ("numbers", "alphabet"),
    [
        (Pattern(r"-?\d{3}"), DIGITS + "-"),
        (Pattern(r"\d{4,6}|\d{1,3},\d{3}"), DIGITS + ","),
        (Pattern(r"[12]{3}"), "12"),
        (Pattern.named("amount"), DIGITS + ".,"),
        (Pattern.named("amount-space"), DIGITS + ", "),
        (Pattern.named("card-grouped"), DIGITS + " "),
        (Pattern.named("date"), DIGITS + "-./"),
        (Pattern.named("integer"), DIGITS),
        (CountryNumbers("JP"), DIGITS),
        (CountryNumbers("JP", dashes=True), DIGITS + "-"),
        (CountryNumbers("US", dashes=True), DIGITS + "-() "),
        (PhoneNumbers(), DIGITS),
        (PhoneNumbers(dashes=True), DIGITS + "-"),
        (ListedNumbers(pack_sequences(["12", "-3", "1.5"])), "1235-."),
        (FixedNumbers(pack_sequences(["12"])), None),
        (FixedNumbers(pack_sequences(["12"]), 0, DIGITS + "-"), DIGITS + "-"),
    ],
    ids=str,
)
def test_a_source_tells_the_characters_that_its_labels_can_hold(numbers, alphabet):
    expected = None if alphabet is None else "".join(sorted(alphabet, key="0123456789-.,/()+ ".index))

    assert numbers.alphabet == expected
    job = Job(numbers, RenderSpec(None, 100, style=DOCUMENT), 28, 1, Span(0, 1))
    assert find_signs(job) == bits(set(alphabet or "") - set(DIGITS))


def test_a_source_draws_all_characters_of_its_alphabet_and_no_others():
    for numbers in (Pattern.named("amount-eu"), Pattern.named("date"), CountryNumbers(["US", "DE"], dashes=True)):
        assert set("".join(numbers.draw(3000, seed=1))) == set(numbers.alphabet)


def test_without_an_alphabet_a_plain_line_has_all_marks():
    assert drawn_marks("1234567", 0) == DASHES | POINTS


@pytest.mark.parametrize(
    ("signs", "left"),
    [
        ("-", POINTS),
        (".", DASHES),
        (",", DASHES),
        (".,", DASHES),
        ("-.", set()),
        ("/()+ ", DASHES | POINTS),
        (":", DASHES),
        ("'", DASHES),
        ("=", POINTS),
        ("$€£¥%#*", DASHES | POINTS),
    ],
)
def test_a_sign_that_a_label_can_hold_is_never_drawn_unlabelled(signs, left):
    found = drawn_marks("1234567", bits(signs))

    assert found == left


def test_an_end_mark_that_a_label_can_hold_becomes_another_one():
    for image in range(40):
        items = lay_out("327", MARKED, image, signs=bits("-")).items

        # Only dots are left, and those only stand after a number.
        codes = items[:, line_items.CODE].astype(int).tolist()
        assert codes == [3, 2, 7, strokes.DOT], f"image {image}"
        items = lay_out("327", MARKED, image, signs=bits(".")).items
        marks = items[items[:, line_items.SLOT] < 0]
        assert set(marks[:, line_items.CODE].astype(int)) <= DASHES, f"image {image}"
        assert {-1, -3} <= set(marks[:, line_items.SLOT].astype(int)), f"image {image}"


@pytest.mark.parametrize("signs", ["", "-", ",", "-.", " "])
def test_ground_truth_tells_the_marks_that_were_drawn(signs):
    texts = ["327", "4812", "1234567", "0612", "9"] * 8
    names = parameter_names(DOCUMENT).line

    chunk = generate_chunk(
        texts, None, 100, style=DOCUMENT, seed=1, truth="parameters", alphabet=DIGITS + signs if signs else None
    )

    for image, text in enumerate(texts):
        told = dict(zip(names, chunk.truth["parameters"][image].tolist(), strict=True))
        slots = lay_out(text, DOCUMENT, image, signs=bits(signs)).items[:, line_items.SLOT]
        where = f"image {image}, {text}"
        assert told["leading_marks"] == ((slots == -1).any()), where
        assert told["trailing_marks"] == ((slots == -3).any()), where
        assert told["inner_marks"] == ((slots <= -5).any()), where


def gaps_of(line):
    """Return the gaps of a line between neighbours that are no spaces, and the blanks that spaces make."""
    items = line.items
    is_space = items[:, line_items.CODE] == strokes.SPACE
    plain, blank = [], []
    for k in range(1, len(items)):
        if is_space[k]:
            blank.append(items[k + 1, line_items.LOW] - items[k - 1, line_items.HIGH])
        elif not is_space[k - 1]:
            plain.append(items[k, line_items.LOW] - items[k - 1, line_items.HIGH])
    return plain, blank


@pytest.mark.parametrize("name", ["natural", "document"])
@pytest.mark.parametrize("spacing_range", [None, (0, 30)])
def test_a_space_is_wider_than_every_other_gap_of_its_line(name, spacing_range):
    style = Handwriting.named(name).replace(wide_gap=0.5)

    for image in range(100):
        line = lay_out("41 1111 7 123", style, image, spacing_range=spacing_range, width=300)

        plain, blank = gaps_of(line)
        assert min(blank) > max(plain) + 0.2 * line.glyphs[4], f"image {image}"


def test_no_gap_is_wide_if_a_label_can_hold_a_space():
    style = PLAIN.replace(wide_gap=0.5, wide_gap_size=1)

    for image in range(30):
        free, held = (gaps_of(lay_out("123456", style, image, signs=bits(signs)))[0] for signs in ("-", " "))

        assert max(held) < 0.31 * 20, f"image {image}"
        assert max(free) > 1.2 * 20 or min(free) < 0.31 * 20, f"image {image}"


@pytest.mark.parametrize(("texts", "alphabet", "share"), [
    (["1234"] * 100, None, 0.3),
    (["1234"] * 100, DIGITS + " ", 0),
    (["1 23"] * 100, None, 0),
])  # fmt: skip
def test_ground_truth_tells_which_gaps_are_wide(texts, alphabet, share):
    style = PLAIN.replace(wide_gap=0.3)

    truth = generate_chunk(texts, None, 100, style=style, seed=1, truth="parameters", alphabet=alphabet).truth

    wide = truth["glyph_parameters"][:, :3, parameter_names(style).glyph.index("wide_gap")]
    assert abs(wide.mean() - share) < 0.08


@pytest.mark.parametrize("alphabet", [None, "0123456789-, "])
def test_a_batch_in_parts_is_the_same_with_an_alphabet(alphabet):
    whole = generate_batch(MIXED, None, 100, style=DOCUMENT, seed=1, alphabet=alphabet)

    for first, stop in ((0, 1), (5, 17), (30, 36)):
        part = generate_batch(MIXED[first:stop], None, 100, style=DOCUMENT, seed=1, start=first, alphabet=alphabet)
        np.testing.assert_array_equal(part, whole[first:stop])


def test_an_alphabet_changes_only_lines_that_would_have_its_signs():
    style = DOCUMENT.replace(speckle=0)  # a speck must not read as a dot of the alphabet
    alone = generate_chunk(MIXED, None, 100, style=style, seed=1, truth="parameters")
    names = parameter_names(style).line
    marks = [names.index(name) for name in ("leading_marks", "trailing_marks", "inner_marks")]

    together = generate_batch(MIXED, None, 100, style=style, seed=1, alphabet=DIGITS + "-, ")
    digits_alone = generate_batch(["327", "4812"], None, 100, style=style, seed=1, alphabet=DIGITS)

    is_marked = alone.truth["parameters"][:, marks].any(axis=1)
    wide = alone.truth["glyph_parameters"][:, :, parameter_names(style).glyph.index("wide_gap")]
    changed = (alone.images != together).any(axis=(1, 2))
    np.testing.assert_array_equal(changed, is_marked | (np.nan_to_num(wide) > 0).any(axis=1))
    np.testing.assert_array_equal(digits_alone, generate_batch(["327", "4812"], None, 100, style=style, seed=1))


def test_a_list_that_is_repeated_or_read_from_a_file_tells_its_whole_alphabet(tmp_path):
    (tmp_path / "list.txt").write_text("\n".join(MIXED))
    expected = generate_batch(MIXED, None, 100, style=DOCUMENT, seed=1, alphabet=DIGITS + "-, ")

    with stream(MIXED, None, 100, style=DOCUMENT, seed=1, batch_size=7, count=36) as batches:
        streamed = np.concatenate([images for images, _ in batches])
    source = ListedNumbers.from_file(tmp_path / "list.txt")
    listed = generate_chunk(source, None, 100, count=36, style=DOCUMENT, seed=1).images

    np.testing.assert_array_equal(streamed, expected)
    np.testing.assert_array_equal(listed, expected)


def test_an_image_is_the_same_however_its_job_is_made(tmp_path):
    for package in ("dask", "torch"):
        pytest.importorskip(package)
    dask, torch = (import_module(f"number_generator.{package}") for package in ("dask", "torch"))
    (tmp_path / "list.txt").write_text("\n".join(MIXED))
    expected = generate_batch(MIXED, None, 100, style="document", seed=1, alphabet=DIGITS + "-, ")

    lazy = dask.images(dask.job(MIXED, None, 100, count=36, style="document", seed=1), chunk_images=10).compute()
    items = torch.NumberImages(MIXED, None, 100, count=36, style="document", seed=1, alphabet=DIGITS + ",.- ")
    words = f"--sequences={tmp_path}/list.txt --style=document --seed=1 --format=hdf5 --shards=3 --quiet"
    assert generate_phone_numbers([*words.split(), f"--output-path={tmp_path}/set.h5"], Interruption()) == 0
    stored = GenericDataset()
    stored.load(tmp_path / "set.h5")

    np.testing.assert_array_equal(lazy, expected)
    np.testing.assert_array_equal(stored.get_data()[0], expected)
    for k in (0, 7, 35):
        np.testing.assert_array_equal(items[k][0][0], expected[k])


def test_an_image_of_a_pattern_is_that_of_its_label_and_alphabet():
    for pattern in (Pattern(r"-?\d{3}"), Pattern.named("card-grouped"), Pattern(r"\d{4,6}|\d{1,3},\d{3}")):
        chunk = generate_chunk(pattern, None, 100, count=60, style=DOCUMENT, seed=1)

        labels = chunk.labels.tolist()
        again = generate_batch(labels, None, 100, style=DOCUMENT, seed=1, alphabet=pattern.alphabet)
        np.testing.assert_array_equal(again, chunk.images)


def test_labels_of_digits_alone_hold_no_signs_that_a_mark_could_be():
    pattern = Pattern(r"-?\d{3}")

    chunk = generate_chunk(pattern, None, 100, count=60, style=DOCUMENT, seed=1, label="digits")

    again = generate_batch(pattern.draw(60, seed=1), None, 100, style=DOCUMENT, seed=1)
    np.testing.assert_array_equal(again, chunk.images)


@pytest.mark.parametrize(
    ("alphabet", "message"),
    [
        (DIGITS, "alphabet is '0123456789' and a sequence holds '-': give all characters"),
        ("0123456789-x", "which holds 'x': give some of the digits from 0 to 9 and the signs"),
        (12, "alphabet is 12: give some of the digits"),
    ],
)
def test_an_alphabet_that_does_not_fit_is_rejected(alphabet, message):
    with pytest.raises(SpecError, match=message):
        generate_batch(["12", "-3"], (5, 10), 100, alphabet=alphabet)
    with pytest.raises(SpecError, match=message):
        generate_chunk(["12", "-3"], (5, 10), 100, alphabet=alphabet)


def test_a_number_source_takes_no_other_alphabet():
    with pytest.raises(SpecError, match="numbers is a Pattern, which has its own: leave alphabet out"):
        generate_chunk(Pattern(r"\d"), (5, 10), 100, count=3, alphabet=DIGITS)
