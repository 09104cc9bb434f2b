"""Letterforms: the file that describes them, how hands draw them, and what kernels choose by."""

import itertools
import json
import shutil

import numpy as np
import pytest

from number_generator._kernels import fields
from number_generator.digits import hands, letterforms, packaged_files
from number_generator.digits.hands import HANDS, write_form
from number_generator.digits.letterforms import (
    LetterformFields,
    draw_letterforms,
    find_forms,
    load_letterforms,
    make_choice,
)
from number_generator.digits.packaged_files import find_packaged_file
from number_generator.digits.resolve import packaged_digits
from number_generator.errors import DatasetError, DatasetReadError
from number_generator.job.letterform_sets import REGIONS, SETS

STEP = 1.01 / fields.FIELD_SCALE  # texels: what a texel's value is rounded by, and a little


@pytest.fixture(scope="module")
def table():
    """What the file of letterforms holds."""
    return json.loads(find_packaged_file("letterforms.json", "letterforms").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made():
    return draw_letterforms()


def field_of(made, glyph):
    """Return the values of a glyph's field."""
    width, height = made.sizes[glyph]
    return made.texels[made.offsets[glyph] :][: width * height].reshape(height, width)


def drawn_by(form, hand):
    """Return the polylines of a form by one hand, from the corner of its ink's box, and the pen's radius."""
    written = write_form(form)
    ours = [part[hand] for part in written.strokes]
    corner = np.concatenate(ours).min(axis=0) - written.radius[hand]
    return [part - corner for part in ours], written.radius[hand]


def distance_to(strokes, x, y):
    """Return the distance of points to polylines."""
    found = np.full(x.shape, np.inf)
    for part in strokes:
        for (ax, ay), (bx, by) in itertools.pairwise(part):
            dx, dy = bx - ax, by - ay
            along = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-30), 0, 1)
            found = np.minimum(found, np.hypot(x - ax - along * dx, y - ay - along * dy))
    return found


# --- the file


def test_every_form_says_all_that_is_known_of_it(table):
    names = {(form["digit"], form["name"]) for form in table["forms"]}

    assert len(names) == len(table["forms"])
    for form in table["forms"]:
        assert set(form) == {"digit", "name", "text", "regions", "weight", "exit", "entry", "strokes"}, form
        assert form["digit"] in range(10), form
        assert form["name"].replace("-", "").isalnum(), form  # names are joined by commas and slashes
        assert form["text"], form
        assert set(form["regions"]) <= table["regions"].keys(), form
        assert len(set(form["regions"])) == len(form["regions"]) > 0, form
        assert 0 < form["weight"] <= 4, form
        assert type(form["exit"]) is type(form["entry"]) is bool, form


def test_strokes_are_points_about_a_digits_box(table):
    for form in table["forms"]:
        assert 1 <= len(form["strokes"]) <= 4, form
        for stroke in form["strokes"]:
            assert 2 <= len(stroke) <= 24, form
            assert all(len(point) == 2 or point[2] in (0, 1) for point in stroke), form
            x, y = np.array([point[:2] for point in stroke], float).T
            assert np.isfinite([x, y]).all(), form
            assert -0.4 <= x.min() <= x.max() <= 1.3, form
            assert -0.4 <= y.min() <= y.max() <= 1.5, form
            assert (np.hypot(np.diff(x), np.diff(y)) > 0.005).all(), form
        highs = [point[1] for stroke in form["strokes"] for point in stroke]
        assert max(highs) - min(highs) > 0.6, form


def test_every_region_has_forms_of_each_digit(table):
    for region in table["regions"]:
        digits = [form["digit"] for form in table["forms"] if region in form["regions"]]

        assert np.bincount(digits, minlength=10).min() >= 2, region


def test_the_sets_are_those_of_the_files_regions(table):
    assert set(REGIONS) == table["regions"].keys()
    assert set(SETS) == {"all", "european", *REGIONS}
    assert all(SETS[region] == (region,) for region in REGIONS)
    assert set(SETS["all"]) == set(REGIONS)
    assert set(SETS["european"]) < set(REGIONS)


def test_forms_are_loaded_in_the_order_of_the_digits(table):
    loaded = load_letterforms()

    names = [(form["digit"], form["name"]) for form in table["forms"]]
    assert [(form.digit, form.name) for form in loaded] == sorted(names, key=lambda name: name[0])


@pytest.fixture
def package_folder(monkeypatch, tmp_path):
    """A copy of the packaged data, which the package finds."""
    shutil.copytree(find_packaged_file("letterforms.json", "letterforms").parent, tmp_path / "data")
    monkeypatch.setattr(packaged_files, "__file__", str(tmp_path / "number_generator" / "digits" / "module.py"))
    return tmp_path / "data"


def test_a_damaged_file_is_refused(package_folder):
    path = package_folder / "letterforms.json"
    path.write_text(path.read_text(encoding="utf-8").replace("0.5", "0.6", 1), encoding="utf-8")

    with pytest.raises(DatasetError, match=r"the packaged letterforms, .*letterforms\.json, are damaged: install"):
        load_letterforms.__wrapped__()


def test_a_missing_file_is_one_error(package_folder):
    (package_folder / "letterforms.json").unlink()

    with pytest.raises(DatasetReadError, match=r"the packaged letterforms are missing from .*: install the package"):
        load_letterforms.__wrapped__()


# --- the drawings


@pytest.mark.parametrize("number", range(3, len(load_letterforms()), 25))
def test_a_field_is_the_pens_radius_less_the_distance_to_its_strokes(made, number):
    form = load_letterforms()[number]
    for hand in (0, 5, HANDS - 1):
        glyph = number * HANDS + hand
        strokes, radius = drawn_by(form, hand)
        density, padding = made.facts[glyph, [fields.DENSITY, fields.PADDING]]
        texels = field_of(made, glyph)
        y, x = (np.mgrid[: texels.shape[0], : texels.shape[1]] + 0.5) / density - padding

        expected = np.clip((radius - distance_to(strokes, x, y)) * density, -8, 127 / 16)

        found = (texels.astype(float) - 128) / fields.FIELD_SCALE
        assert np.abs(found - expected).max() <= STEP, f"{form.digit}/{form.name}, hand {hand}"


@pytest.mark.parametrize("number", range(7, len(load_letterforms()), 50))
def test_extents_are_those_of_the_ink_at_every_shear(made, number):
    form = load_letterforms()[number]
    turns = 2 * np.pi * np.arange(3600) / 3600
    for hand in range(HANDS):
        fact = made.facts[number * HANDS + hand]
        strokes, radius = drawn_by(form, hand)
        x, y = (
            np.concatenate(strokes).T[:, :, None] + radius * np.array([np.cos(turns), np.sin(turns)])[:, None]
        ).reshape(2, -1)
        for shear in range(fields.SHEARS):
            slope = -1 + fields.SHEAR_STEP * shear
            expected = [f(along) for along in (x + slope * y, y + slope * x) for f in (np.min, np.max)]
            np.testing.assert_allclose(fact[fields.SUPPORT + shear :: fields.SHEARS][:4], expected, atol=1e-6)
        np.testing.assert_allclose(
            fact[[fields.X0, fields.Y0, fields.X1, fields.Y1]], [0, 0, x.max(), y.max()], atol=1e-6
        )


def test_every_drawing_has_ink_and_room_for_it(made):
    assert len(made.sizes) == len(load_letterforms()) * HANDS
    for glyph in range(len(made.sizes)):
        texels = field_of(made, glyph)
        borders = np.concatenate([texels[0], texels[-1], texels[:, 0], texels[:, -1]])

        case = load_letterforms()[glyph // HANDS]
        assert (texels > 128).sum() > 60, case
        assert borders.max() < 30, case  # six texels from any ink
    assert len(made.texels) >= made.sizes.prod(axis=1).sum() + 4  # kernels read 4 bytes at once
    assert np.isfinite(made.facts).all()


def test_drawings_look_like_digits_on_a_line(made):
    heights = made.facts[:, fields.Y1] - made.facts[:, fields.Y0]
    widths = made.facts[:, fields.X1] - made.facts[:, fields.X0]

    assert heights.min() > 0.4
    assert heights.max() < 1.9
    assert np.median(heights) == pytest.approx(1, abs=0.1)
    assert widths.max() < 2
    assert 0.055 < made.facts[:, fields.STROKE].min() < made.facts[:, fields.STROKE].max() < 0.155
    assert np.median(made.facts[:, fields.BASELINE] / heights) == pytest.approx(1, abs=0.05)


def test_no_two_hands_draw_alike(made):
    drawings = {(*made.sizes[glyph], field_of(made, glyph).tobytes()) for glyph in range(len(made.sizes))}

    assert len(drawings) == len(made.sizes)


def test_drawings_are_the_same_each_time(made):
    again = LetterformFields(**letterforms._draw())

    for name in ("texels", "offsets", "sizes", "facts"):
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))


def test_the_drawings_of_a_form_do_not_depend_on_other_forms(made, monkeypatch):
    kept = [5, 100, 225]
    forms = load_letterforms()
    monkeypatch.setattr(letterforms, "load_letterforms", lambda: tuple(forms[number] for number in kept))

    few = LetterformFields(**letterforms._draw())

    glyphs = [number * HANDS + hand for number in kept for hand in range(HANDS)]
    np.testing.assert_array_equal(few.facts, made.facts[glyphs])
    for at, glyph in enumerate(glyphs):
        np.testing.assert_array_equal(field_of(few, at), field_of(made, glyph))


@pytest.mark.parametrize("height", [3.0, 20.0, 200.0])
def test_facts_are_scaled_to_the_height_of_digits(made, height):
    scaled = made.scale_facts(height)

    same = [fields.SLANT, fields.LEAVE_SLOPE, fields.CAN_LEAVE, fields.CAN_ARRIVE]
    lengths = np.delete(np.arange(fields.FACTS), [*same, fields.DENSITY])
    np.testing.assert_array_equal(scaled[:, same], made.facts[:, same])
    np.testing.assert_allclose(scaled[:, lengths], made.facts[:, lengths] * height)
    # A field has as many texels as before.
    np.testing.assert_allclose(scaled[:, fields.DENSITY] * height, made.facts[:, fields.DENSITY])


def test_letterforms_come_after_the_glyphs_of_the_digit_dataset(made):
    digits = packaged_digits().atlas.fields
    both = packaged_digits().atlas.all_fields
    first = len(digits.sizes)

    np.testing.assert_array_equal(both.texels[: len(digits.texels) - 4], digits.texels[:-4])
    np.testing.assert_array_equal(both.facts[:first], digits.facts)
    np.testing.assert_array_equal(both.facts[first:], made.scale_facts(digits.digit_height))
    for glyph in (0, 17, len(made.sizes) - 1):
        np.testing.assert_array_equal(field_of(both, first + glyph), field_of(made, glyph))
    assert (both.digit_height, both.stroke) == (digits.digit_height, digits.stroke)


# --- curves


def test_a_curve_passes_through_its_points():
    points = np.random.default_rng(1).random((5, 9, 2))

    curve = hands._smooth(points, np.zeros(9, bool))

    np.testing.assert_allclose(curve[:, :: hands._STEPS], points, atol=1e-12)
    assert curve.shape == (5, 8 * hands._STEPS + 1, 2)


def test_a_straight_line_stays_straight():
    x = np.arange(6.0)

    curve = hands._smooth(np.stack([x, 2 * x], axis=1)[None], np.zeros(6, bool))[0]

    np.testing.assert_allclose(curve[:, 1], 2 * curve[:, 0], atol=1e-12)
    assert (np.diff(curve[:, 0]) > 0).all()


@pytest.mark.parametrize("is_sharp", [False, True])
def test_a_curve_is_broken_at_a_sharp_point(is_sharp):
    sharp = np.arange(7) == 3
    points = np.random.default_rng(2).random((1, 7, 2))
    changed = points.copy()
    changed[:, 4:] += 0.3
    until = 3 * hands._STEPS + 1  # the curve up to that point

    first, second = (hands._smooth(each, sharp & is_sharp)[:, :until] for each in (points, changed))

    assert (first == second).all() == is_sharp


# --- choosing


@pytest.mark.parametrize("name", SETS)
def test_a_choice_lists_the_forms_of_each_digit_in_each_region(name):
    first, drawings, regions, start, ids, stops = make_choice(5000, name)

    assert (first, drawings, regions) == (5000, HANDS, len(SETS[name]))
    assert len(start) == 10 * regions + 1
    forms = load_letterforms()
    for cell, (begin, end) in enumerate(itertools.pairwise(start)):
        region, digit = SETS[name][cell // 10], cell % 10
        expected = [k for k, form in enumerate(forms) if form.digit == digit and region in form.regions]
        assert ids[begin:end].tolist() == expected
        weights = np.diff(stops[begin:end], prepend=0)
        np.testing.assert_allclose(weights / 2**20, [forms[k].weight for k in expected], atol=1e-5)


def test_forms_are_found_by_their_glyphs():
    glyphs = np.array([-1, 0, 4999, 5000, 5000 + HANDS - 1, 5000 + HANDS, 5000 + 226 * HANDS - 1])

    assert find_forms(glyphs, 5000).tolist() == [-1, -1, -1, 0, 0, 1, 225]
