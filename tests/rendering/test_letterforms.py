"""Which digits are drawn by letterforms, and what ground truth says of them."""

import numpy as np
import pytest
from styled_lines import PLAIN, draw, lay_out
from truth_lines import NATURAL

from number_generator import DigitImageDataset, Handwriting, generate_chunk
from number_generator._kernels import line_items
from number_generator.digits.hands import HANDS
from number_generator.digits.letterforms import find_forms, load_letterforms
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import prepare_atlas
from number_generator.job.letterform_sets import SETS
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, pack_sequences
from number_generator.rendering.ground_truth import make_truth_fields
from number_generator.rendering.styled import make_style_table

FORMS = PLAIN.replace(letterforms=1, letterform_mix=1, letterform_constancy=1)
EACH_TWICE = "01234567890123456789"
FIRST = len(packaged_digits().atlas.fields.sizes)  # the first glyph that is a letterform


def chosen(text, style, images, seed=1):
    """Return the glyphs of the digits of a text that letterforms are chosen for, -1 for others: (images, digits)."""
    choice, table = prepare_atlas(packaged_digits(), style).letterform_choice, make_style_table(style)
    items = np.zeros((len(text), line_items.COLUMNS))
    items[:, line_items.CODE], items[:, line_items.SLOT] = list(map(int, text)), np.arange(len(text))
    glyphs = np.empty((images, len(text)), np.int64)
    for image in range(images):
        items[:, line_items.GLYPH] = -1
        line_items.choose_letterforms(np.uint64(seed), np.uint64(image), table, choice, items, len(items))
        glyphs[image] = items[:, line_items.GLYPH]
    return glyphs


def forms_of(glyphs):
    return find_forms(glyphs, FIRST)


# --- choosing


def test_a_style_without_letterforms_draws_none():
    assert prepare_atlas(packaged_digits(), PLAIN).letterforms is None
    assert (chosen(EACH_TWICE, PLAIN.replace(letterform_mix=1), 20) == -1).all()


def test_letterforms_are_forms_of_the_digits_that_are_written():
    forms = forms_of(chosen(EACH_TWICE, FORMS, 100))

    digits = np.array([form.digit for form in load_letterforms()])
    assert (digits[forms] == list(map(int, EACH_TWICE))).all()


def test_letterforms_are_for_their_share_of_the_lines():
    has = chosen(EACH_TWICE, FORMS.replace(letterforms=0.3), 2000) >= 0

    assert (has == has[:, :1]).all()
    assert has[:, 0].mean() == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize("mix", [0, 0.5, 1])
def test_a_line_draws_some_classes_of_digits_by_letterforms(mix):
    has = chosen(EACH_TWICE, FORMS.replace(letterform_mix=mix), 800) >= 0

    np.testing.assert_array_equal(has[:, :10], has[:, 10:])  # each class as a whole
    np.testing.assert_allclose(has.mean(axis=0), mix, atol=0.06)
    assert mix != 0.5 or 0.4 < np.corrcoef(has[:, 0], has[:, 1])[0, 1] + 0.5 < 0.6  # each class by its own draw


@pytest.mark.parametrize("name", SETS)
def test_the_letterforms_of_a_line_are_of_one_region_of_the_set(name):
    regions = [set(form.regions) for form in load_letterforms()]

    common = [
        set.intersection(*(regions[k] for k in row))
        for row in forms_of(chosen(EACH_TWICE, FORMS.replace(letterform_set=name), 150))
    ]

    assert all(found & set(SETS[name]) for found in common)
    # Every region of the set has its turn: lines that only it can have written.
    alone = {next(iter(found & set(SETS[name]))) for found in common if len(found & set(SETS[name])) == 1}
    assert len(alone) > 0.6 * len(SETS[name])


def test_a_constant_hand_draws_each_class_in_one_way():
    glyphs = chosen(EACH_TWICE, FORMS, 100)

    np.testing.assert_array_equal(glyphs[:, :10], glyphs[:, 10:])
    assert len(np.unique(glyphs[:, 0])) > 50


@pytest.mark.parametrize("constancy", [0, 0.7])
def test_other_hands_keep_to_a_form_as_often_as_they_say(constancy):
    usual = chosen("4" * 20, FORMS, 300)
    found = chosen("4" * 20, FORMS.replace(letterform_constancy=constancy), 300)

    kept = (found == usual).mean()
    by_chance = 1 / (6 * HANDS)  # about: a region has more than six forms of a 4
    assert constancy - 0.03 < kept < constancy + by_chance + 0.03


@pytest.mark.parametrize("name", ["north-american", "german"])
def test_forms_are_as_common_as_their_weights(name):
    glyphs = chosen("0123456789", FORMS.replace(letterform_set=name), 4000)

    forms = load_letterforms()
    for digit in range(10):
        ours = [k for k, form in enumerate(forms) if form.digit == digit and name in form.regions]
        weights = np.array([forms[k].weight for k in ours])
        expected = 4000 * weights / weights.sum()
        found = np.array([(forms_of(glyphs[:, digit]) == k).sum() for k in ours])
        freedom = len(ours) - 1
        assert found.sum() == 4000
        assert ((found - expected) ** 2 / expected).sum() < freedom + 4 * (2 * freedom) ** 0.5, digit
    hands = np.bincount(((glyphs - FIRST) % HANDS).ravel(), minlength=HANDS)
    assert np.abs(hands / glyphs.size - 1 / HANDS).max() < 0.01


def test_letterforms_do_not_change_which_digits_of_the_dataset_are_drawn():
    for image in range(20):
        plain, mixed = (
            lay_out("0123456789", FORMS.replace(letterforms=share, letterform_mix=0.5), image).items[
                :, line_items.GLYPH
            ]
            for share in (0, 1)
        )

        is_form = mixed >= FIRST
        assert is_form.any()
        np.testing.assert_array_equal(mixed[~is_form], plain[~is_form])


# --- drawing


@pytest.mark.parametrize("size", [16, 64, 256])
def test_letterforms_are_as_high_as_the_digits_of_the_dataset(size, make_digits):
    images, labels = make_digits(size)
    images[:] = 0
    images[:, size // 8 : size - size // 8, size // 3 : size // 3 + max(size // 10, 2)] = 255
    digits = DigitImageDataset(images, labels)
    texts = ["0123456789"] * 20

    plain, forms = (
        draw(texts, style.replace(size=0.9, thickness=0.02), 8 * size, digits=digits) for style in (PLAIN, FORMS)
    )

    heights = [[np.ptp(np.flatnonzero((image < 128).any(axis=1))) for image in pages] for pages in (plain, forms)]
    assert (forms.min(axis=(1, 2)) < 60).all()
    assert np.mean(heights[1]) / np.mean(heights[0]) == pytest.approx(1.15, abs=0.2)  # the highest of ten digits
    assert (plain != forms).any(axis=(1, 2)).all()


@pytest.fixture(scope="module")
def digits_of_seven():
    """The packaged digits as if seven people had written them."""
    images, labels = packaged_digits().get_data()
    return DigitImageDataset(images, labels, writer_ids=np.arange(len(images)) % 7)


@pytest.mark.parametrize("writer", ["dataset", "cluster", "mixed", "auto"])
def test_letterforms_stand_beside_digits_of_any_writer(digits_of_seven, writer):
    digits = digits_of_seven
    style = FORMS.replace(letterform_mix=0.5, writer=writer)

    truth = generate_chunk(["0123456789"] * 40, None, 160, truth="glyphs", style=style, digits=digits, seed=1).truth

    assert ((truth["glyphs"] >= 0) != (truth["forms"] >= 0)).all()
    is_dataset = truth["glyphs"] >= 0
    for glyphs, there, name in zip(truth["glyphs"], is_dataset, truth["writers"], strict=True):
        assert writer in ("mixed", "cluster") or set(digits.writer_ids[glyphs[there]].tolist()) <= {name}
    assert (truth["writers"][is_dataset.any(axis=1)] == -1).all() == (writer == "mixed")


# --- ground truth


def test_ground_truth_tells_the_form_of_each_digit():
    style = FORMS.replace(letterforms=0.8, letterform_mix=0.6)

    truth = generate_chunk([EACH_TWICE] * 50, None, 300, truth="glyphs", style=style, seed=1).truth

    glyphs = chosen(EACH_TWICE, style, 50)
    np.testing.assert_array_equal(truth["forms"], forms_of(glyphs))
    assert ((truth["glyphs"] == -1) == (glyphs >= FIRST)).all()
    assert truth["forms"].dtype == np.int16


def test_a_line_of_letterforms_alone_has_no_writer():
    truth = generate_chunk(["0123", "4-5"], None, 100, truth="glyphs", style=FORMS.replace(writer="auto"), seed=1).truth

    assert truth["writers"].tolist() == [-1, -1]
    assert (truth["glyphs"] == -1).all()
    assert truth["forms"][1, 1] == -1


def test_the_writer_of_a_line_is_that_of_its_first_digit_from_the_dataset():
    style = NATURAL.replace(letterforms=1, letterform_mix=0.5)

    truth = generate_chunk(["0123456789"] * 60, None, 160, truth="glyphs", style=style, seed=3).truth
    plain = generate_chunk(["0123456789"] * 60, None, 160, truth="glyphs", style=style.replace(letterforms=0), seed=3)

    has_digit = (truth["glyphs"] >= 0).any(axis=1)
    np.testing.assert_array_equal(truth["writers"][has_digit], plain.truth["writers"][has_digit])


def test_forms_follow_the_characters_of_the_labels():
    options = {"truth": "glyphs", "style": FORMS.replace(letterform_mix=0.7), "seed": 2}
    texts = ["(03) 12-34", "-", "5"] * 5

    written = generate_chunk(texts, None, 120, **options).truth["forms"]
    digits = generate_chunk(texts, None, 120, label="digits", **options).truth["forms"]

    for text, all_of_it, ours in zip(texts, written, digits, strict=True):
        kept = [k for k, character in enumerate(text) if character.isdigit()]
        assert ours[: len(kept)].tolist() == all_of_it[kept].tolist()
        assert (ours[len(kept) :] == -1).all()
        assert (np.delete(all_of_it, kept) == -1).all()


def test_names_list_the_forms_by_their_numbers():
    numbers = FixedNumbers(pack_sequences(["12"]))
    job = Job(numbers, RenderSpec(None, 60, style=FORMS), 28, 1, Span(0, 1), truth=("glyphs",))

    [field] = [field for field in make_truth_fields(job, 2) if field.name == "forms"]

    names = field.about["names"].split(",")
    assert names == [f"{form.digit}/{form.name}" for form in load_letterforms()]
    assert len(names) == len(set(names)) < 2**15


def test_only_a_style_with_letterforms_has_forms():
    for style in ("clean", PLAIN):
        truth = generate_chunk(["12"], (2, 3), 60, truth="glyphs", style=style, seed=1).truth
        assert list(truth) == ["glyphs", "writers"]

    assert Handwriting.named("natural").has_letterforms
    assert not PLAIN.has_letterforms


def test_constancy_is_told_of_each_letterform():
    style = FORMS.replace(letterform_constancy=0.7, letterform_mix=0.7, tail=0.5, open_loop=0.5)
    options = {"truth": ["glyphs", "parameters"], "style": style, "seed": 1}

    chunk = generate_chunk(["00008888"] * 60, None, 200, **options)

    numbers = FixedNumbers(pack_sequences(["1"]))
    job = Job(numbers, RenderSpec(None, 60, style=style), 28, 1, Span(0, 1), truth=("parameters",))
    about = {field.name: field.about for field in make_truth_fields(job, 8)}
    columns = about["glyph_parameters"]["columns"].split(",")
    kept, tail = (
        chunk.truth["glyph_parameters"][:, :, columns.index(name)] for name in ("letterform_constancy", "tail")
    )
    is_form = chunk.truth["forms"] >= 0
    usual = generate_chunk(["00008888"] * 60, None, 200, **{**options, "style": style.replace(letterform_constancy=1)})
    assert (np.isnan(kept) == ~is_form).all()
    assert (np.isnan(tail) == is_form).all()
    assert (chunk.truth["forms"] == usual.truth["forms"])[kept == 1].all()
    assert not (chunk.truth["forms"] == usual.truth["forms"])[kept == 0].all()
    assert "letterform_constancy" not in about["parameters"]["columns"].split(",")
