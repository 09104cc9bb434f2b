"""Distance fields of glyphs against the distance to an outline that is known, and what is measured of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from number_generator import DigitImageDataset
from number_generator._kernels import fields
from number_generator.digits.resolve import packaged_digits

SIZES = [16, 28, 47, 48, 64, 100]  # with two texels a px below 48


def drawn(distance, size):
    """Draw, with soft edges, what lies inside of a signed distance (x, y) -> px, positive inside."""
    y, x = np.mgrid[:size, :size] + 0.5
    return np.uint8(np.round(255 * np.clip(0.5 + distance(x, y), 0, 1)))


def disc(size, radius, x0=None, y0=None):
    """Return the signed distance to a disc's outline."""
    x0, y0 = x0 or 0.5 * size + 0.3, y0 or 0.5 * size - 0.2
    return lambda x, y: radius - np.hypot(x - x0, y - y0)


def bar(size, pen, slant=0.0, length=0.6):
    """Return the signed distance to the outline of a bar with round ends, which leans."""
    half = 0.5 * length * size
    ax, ay = 0.5 * size - slant * half, 0.5 * size + half
    dx, dy = 2 * slant * half, -2 * half

    def distance(x, y):
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        return 0.5 * pen - np.hypot(x - ax - along * dx, y - ay - along * dy)

    return distance


def fields_of(images):
    """Return the fields of ten digits, of one image or of ten."""
    images = np.asarray(images)
    stack = np.repeat(images[None], 10, axis=0) if images.ndim == 2 else images
    return DigitImageDataset(stack, np.arange(10)).atlas.fields


def field_of(made, glyph=0):
    """Return a glyph's field in px: distances, and the places of its texels from the corner of the ink's box."""
    width, height = made.sizes[glyph]
    texels = made.texels[made.offsets[glyph] :][: width * height].reshape(height, width).astype(float)
    y, x = (np.mgrid[:height, :width] + 0.5) / density_of(made) - made.facts[glyph, fields.PADDING]
    return (texels - 128) / fields.FIELD_SCALE / density_of(made), x, y


def density_of(made):
    return made.facts[0, fields.DENSITY]


def measures_of(made):
    """Return what is measured of glyphs, without what is known of their fields."""
    return np.delete(made.facts, [fields.DENSITY, fields.PADDING], axis=1)


def corner(image):
    """Return the corner of the ink's box."""
    return np.flatnonzero(image.any(axis=0))[0], np.flatnonzero(image.any(axis=1))[0]


SHAPES = {
    "disc": lambda size: disc(size, 0.3 * size),
    "small disc": lambda size: disc(size, 2.2),
    "bar": lambda size: bar(size, 0.12 * size),
    "leaning bar": lambda size: bar(size, 0.12 * size, slant=0.4),
    "lying bar": lambda size: lambda x, y: bar(size, 0.12 * size)(y, x),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_field_holds_distances_to_the_outline(shape, size):
    distance = SHAPES[shape](size)
    image = drawn(distance, size)
    made = fields_of(image)
    left, top = corner(image)

    found, x, y = field_of(made)

    expected = distance(x + left, y + top) * density_of(made)  # in texels
    near = np.abs(expected) < 5
    assert near.sum() > 30
    assert np.abs(found * density_of(made) - expected)[near].max() < 0.35
    far = np.abs(expected) > 9
    assert set(np.unique(found[far] * density_of(made))) <= {-8.0, 127 / 16}


@pytest.mark.parametrize("size", [16, 28, 64])
def test_a_field_holds_the_distance_to_the_nearest_point_of_its_own_edge(size):
    # Brute force: where the field itself changes its sign along a row or a column is an outline.
    image = drawn(bar(size, 0.13 * size, slant=0.3), size)
    found, x, y = field_of(fields_of(image))

    points = []
    for values, first, second in ((found, x, y), (found.T, y.T, x.T)):
        before, after = values[:, :-1], values[:, 1:]
        rows, columns = np.nonzero((before > 0) != (after > 0))
        part = before[rows, columns] / (before - after)[rows, columns]
        along = first[rows, columns] + part * (first[rows, columns + 1] - first[rows, columns])
        across = second[rows, columns]
        points.append(np.stack([along, across] if first is x else [across, along], axis=1))
    outline = np.concatenate(points)

    distances = np.hypot(x[..., None] - outline[:, 0], y[..., None] - outline[:, 1]).min(axis=-1)
    density = 2 if size < 48 else 1
    near = distances * density < 5
    assert np.abs(np.abs(found) - distances)[near].max() * density < 0.35


@pytest.mark.parametrize("size", SIZES)
def test_a_field_ends_where_there_is_no_ink_near(size):
    made = fields_of(drawn(disc(size, 0.3 * size), size))
    found, _, _ = field_of(made)

    borders = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
    assert (borders < -0.9 * min(made.facts[0, fields.PADDING], 8 / density_of(made))).all()
    assert len(made.texels) >= made.sizes.prod(axis=1).sum() + 3  # kernels read 4 bytes at once


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_the_stroke_width_is_measured(size, share):
    pen = max(1.5, share * size)

    made = fields_of(drawn(bar(size, pen, slant=0.2), size))

    # A bar with round ends has a longer outline than its sides.
    sides, ends = 1.2 * size * np.hypot(1, 0.2), np.pi * pen
    expected = 2 * (pen * sides / 2 + np.pi * pen * pen / 4) / (sides + ends)
    assert made.facts[0, fields.STROKE] == pytest.approx(expected, rel=0.1)
    assert made.stroke == pytest.approx(pen, rel=0.2)


@pytest.mark.parametrize("size", [28, 64])
def test_the_stroke_width_of_an_upright_bar_is_measured(size):
    for pen in (2.0, 2.4, 2.6, 3.0):
        for shift in (0, 0.13, 0.25, 0.5):
            upright = bar(size, pen)
            image = drawn(lambda x, y, upright=upright, shift=shift: upright(x - shift, y), size)

            assert fields_of(image).stroke == pytest.approx(pen, rel=0.15), f"{pen} px at {shift}"


@settings(max_examples=20)
@given(st.floats(-0.6, 0.6), st.sampled_from(SIZES))
def test_the_slant_is_measured_less_the_median_of_the_digit(slant, size):
    upright, leaning = drawn(bar(size, 0.1 * size), size), drawn(bar(size, 0.1 * size, slant), size)
    images = np.stack([upright, upright, leaning] * 10)
    made = DigitImageDataset(images, np.repeat(np.arange(10), 3)).atlas.fields

    slants = made.facts[:, fields.SLANT].reshape(10, 3)

    np.testing.assert_allclose(slants, [[0, 0, slant]] * 10, atol=0.03)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("slant", [-0.4, 0, 0.3])
def test_extents_and_anchors_are_those_of_the_shape(size, slant):
    pen, half = 0.12 * size, 0.3 * size
    image = drawn(bar(size, pen, slant), size)
    left, top = corner(image)

    fact = fields_of(image).facts[0]

    middle = 0.5 * size
    px = 0.25
    assert fact[fields.X0] + left == pytest.approx(middle - abs(slant) * half - pen / 2, abs=px)
    assert fact[fields.X1] + left == pytest.approx(middle + abs(slant) * half + pen / 2, abs=px)
    assert fact[fields.Y0] + top == pytest.approx(middle - half - pen / 2, abs=px)
    assert fact[fields.Y1] + top == pytest.approx(middle + half + pen / 2, abs=px)
    assert fact[fields.TOP_X] + left == pytest.approx(middle + slant * half, abs=0.25 * pen + px)
    assert fact[fields.BOTTOM_X] + left == pytest.approx(middle - slant * half, abs=0.25 * pen + px)
    assert fact[fields.MIDDLE_X] + left == pytest.approx(middle, abs=0.6)
    assert fact[fields.MIDDLE_Y] + top == pytest.approx(middle, abs=px)


def test_the_middle_is_that_of_the_rightmost_stroke():
    left, right = bar(28, 3), bar(28, 3)
    image = drawn(lambda x, y: np.maximum(left(x + 6, y), right(x - 6, y)), 28)
    first, _ = corner(image)

    assert fields_of(image).facts[0, fields.MIDDLE_X] + first == pytest.approx(20, abs=0.3)


@pytest.mark.parametrize("shear", range(fields.SHEARS))
def test_the_support_is_that_of_every_shear(shear):
    radius = 7.0
    image = drawn(disc(28, radius), 28)
    left, top = corner(image)
    x0, y0 = 14.3 - left, 13.8 - top
    slope = -1 + fields.SHEAR_STEP * shear

    fact = fields_of(image).facts[0]

    reach = radius * np.hypot(1, slope)
    expected = [x0 + slope * y0 - reach, x0 + slope * y0 + reach, y0 + slope * x0 - reach, y0 + slope * x0 + reach]
    found = fact[fields.SUPPORT + shear :: fields.SHEARS][:4]
    np.testing.assert_allclose(found, expected, atol=0.2)


def test_units_are_the_medians_of_the_digits():
    images = np.stack([drawn(bar(28, pen, 0.2), 28) for pen in (2, 2, 2, 2, 2.6, 2.6, 3.4, 3.4, 3.4, 3.4)])

    made = fields_of(images)

    assert made.stroke == pytest.approx(2.5, abs=0.25)
    assert made.digit_height == pytest.approx(0.6 * 28 + 2.6, abs=0.4)


def test_the_packaged_digits_measure_as_they_look():
    made = packaged_digits().atlas.fields

    assert made.digit_height == pytest.approx(20, abs=0.5)  # MNIST fits digits into 20 px
    assert 2 < made.stroke < 3
    assert np.isfinite(made.facts).all()
    heights = made.facts[:, fields.Y1] - made.facts[:, fields.Y0]
    assert heights.min() > 5
    assert heights.max() < 22
    assert (made.facts[:, fields.X1] > made.facts[:, fields.X0]).all()
    assert (made.facts[:, fields.STROKE] > 0.9).all()


# --- where a pen leaves and arrives


def inside_of(shape, size):
    """Return points inside of a shape that is known by its signed distance, in px: those of a fine grid."""
    y, x = np.mgrid[: 20 * size, : 20 * size] / 20 + 0.025
    inside = shape(x, y) > 0
    return np.stack([x, y])[:, inside]


def crossed(size):
    """Return the signed distance to a stem with a bar across its middle, longer to the right."""
    stem, beam = bar(size, 0.12 * size, 0.15), bar(size, 0.12 * size)
    # The bar, laid on its side
    return lambda x, y: np.maximum(stem(x, y), beam(0.55 * size - (y - 0.5 * size), 0.45 * size + (x - 0.6 * size)))


@pytest.mark.parametrize("size", SIZES[1:])
@pytest.mark.parametrize("kind", ["bar", "disc", "crossed"])
def test_each_third_of_the_height_has_its_point_farthest_to_the_right(size, kind):
    shape = {"bar": bar(size, 0.12 * size, -0.4), "disc": disc(size, 0.3 * size), "crossed": crossed(size)}[kind]
    image = drawn(shape, size)
    left, top = corner(image)
    x, y = inside_of(shape, size)

    fact = fields_of(image).facts[0]

    third = (fact[fields.Y1] - fact[fields.Y0]) / 3
    for k in range(3):
        begin = top + fact[fields.Y0] + k * third
        rows = (y >= begin) & (y < begin + third)
        found_x, found_y = fact[fields.REACHES + 2 * k :][:2]
        assert found_x + left == pytest.approx(x[rows].max(), abs=0.5)
        # It is a point of the outline, in its third.
        assert begin - 0.01 <= found_y + top <= begin + third + 0.01
        assert abs(shape(found_x + left, found_y + top)) < 0.6
    first = y < top + fact[fields.Y0] + third
    found_x, found_y = fact[fields.REACHES + 6 :][:2]
    assert found_x + left == pytest.approx(x[first].min(), abs=0.5)
    assert abs(shape(found_x + left, found_y + top)) < 0.6


def test_a_third_without_ink_has_a_place_all_the_same():
    image = np.zeros((28, 28), np.uint8)
    image[3:7, 8:20] = image[21:25, 8:20] = 255

    fact = fields_of(image).facts[0]

    x, y = fact[fields.REACHES + 2 :][:2]
    assert x == pytest.approx(fact[fields.X0])
    assert y == pytest.approx(0.5 * (fact[fields.Y0] + fact[fields.Y1]))


def test_a_pen_leaves_and_arrives_where_hands_run_on():
    fact = fields_of(drawn(disc(28, 8), 28)).facts

    pen = 0.5 * fact[0, fields.STROKE]
    top = fact[0, fields.TOP_X], fact[0, fields.Y0] + pen
    right = [(fact[0, at] - pen, fact[0, at + 1]) for at in range(fields.REACHES, fields.REACHES + 6, 2)]
    left = fact[0, fields.REACHES + 6] + pen, fact[0, fields.REACHES + 7]
    leaves = {0: top, 2: right[2], 4: right[1], 5: right[0], 8: top}
    arrives = {0: top, 2: left, 3: left, 6: top, 7: left, 8: top, 9: top}
    assert np.flatnonzero(fact[:, fields.CAN_LEAVE]).tolist() == list(leaves)
    assert np.flatnonzero(fact[:, fields.CAN_ARRIVE]).tolist() == list(arrives)
    for digit, place in leaves.items():
        assert fact[digit, [fields.LEAVE_X, fields.LEAVE_Y]] == pytest.approx(place)
    for digit, place in arrives.items():
        assert fact[digit, [fields.ARRIVE_X, fields.ARRIVE_Y]] == pytest.approx(place)


def test_the_places_where_a_pen_leaves_and_arrives_are_ink():
    digits = packaged_digits()
    images, _ = digits.get_data()
    made = digits.atlas.fields
    glyphs = np.flatnonzero(made.facts[:, fields.CAN_LEAVE] > 0)[::7]

    for glyph in glyphs:
        image = images[digits.atlas.source[glyph]]
        left, top = corner(image)
        for x, y in ((fields.LEAVE_X, fields.LEAVE_Y), (fields.ARRIVE_X, fields.ARRIVE_Y)):
            row, column = int(top + made.facts[glyph, y]), int(left + made.facts[glyph, x])
            assert image[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3].max() > 100


def test_no_pen_leaves_or_reaches_a_digit_without_ink():
    images = np.repeat(drawn(bar(28, 3), 28)[None], 10, axis=0)
    images[[0, 2]] = 0

    fact = fields_of(images).facts

    assert not fact[[0, 2]][:, [fields.CAN_LEAVE, fields.CAN_ARRIVE, fields.LEAVE_SLOPE]].any()
    assert fact[[5, 8], fields.CAN_LEAVE].all()


# --- what counts as ink


def test_a_faint_stroke_is_as_strong_as_others():
    shape = bar(28, 4)
    full, faint = fields_of(drawn(shape, 28)), fields_of(drawn(shape, 28) // 2)

    assert faint.facts[0, fields.STROKE] == pytest.approx(full.facts[0, fields.STROKE], abs=0.2)
    assert faint.facts[0, fields.Y1] - faint.facts[0, fields.Y0] == pytest.approx(20.8, abs=0.5)


def test_a_faint_stroke_beside_a_strong_one_is_kept():
    strong, faint = bar(28, 3), bar(28, 3)
    image = np.maximum(drawn(lambda x, y: strong(x + 6, y), 28), drawn(lambda x, y: faint(x - 6, y), 28) // 2)

    fact = fields_of(image).facts[0]

    assert fact[fields.X1] - fact[fields.X0] == pytest.approx(15, abs=0.6)


def test_specks_are_no_ink():
    clean = drawn(bar(28, 3), 28)
    dirty = clean.copy()
    dirty[2, 2] = 255
    dirty[25, 24:26] = 255, 90

    found, same = fields_of(dirty).facts[0], fields_of(clean).facts[0]

    left, top = corner(dirty)
    clean_left, clean_top = corner(clean)
    for fact, shift in ((fields.X0, left - clean_left), (fields.X1, left - clean_left), (fields.Y0, top - clean_top),
                        (fields.Y1, top - clean_top), (fields.STROKE, 0)):  # fmt: skip
        assert found[fact] + shift == pytest.approx(same[fact], abs=1e-5)


def test_pieces_larger_than_specks_are_ink():
    image = drawn(bar(28, 3), 28)
    image[20:23, 22:25] = 255

    assert fields_of(image).facts[0, fields.X1] + corner(image)[0] == pytest.approx(25, abs=0.4)


def test_in_a_small_digit_a_small_piece_may_be_all_of_it():
    image = np.zeros((8, 8), np.uint8)
    image[3, 4] = 255

    made = fields_of(image)

    found, _, _ = field_of(made)
    assert found.max() > 0
    assert made.facts[0, fields.X1] > made.facts[0, fields.X0]


@pytest.mark.parametrize("ink", [0, 1, 20, 35])
def test_a_digit_without_ink_to_speak_of_has_no_measures(ink):
    images = np.repeat(drawn(bar(28, 3), 28)[None], 10, axis=0)
    images[4] = images[4] // 255 * ink

    made = fields_of(images)

    assert np.isfinite(made.facts).all()
    assert not measures_of(made)[4].any()
    assert (made.sizes[4] == 0).all() == (ink == 0)
    assert (made.texels[made.offsets[4] :][: made.sizes[4].prod()] < 128).all()
    assert made.digit_height == pytest.approx(19.8, abs=0.4)


def test_digits_without_any_ink_have_units_all_the_same():
    made = fields_of(np.zeros((28, 28), np.uint8))

    assert made.digit_height > 1
    assert made.stroke > 0.2
    assert not measures_of(made).any()


@pytest.mark.parametrize("size", SIZES)
def test_ink_that_fills_the_cell_has_an_outline_at_its_border(size):
    made = fields_of(np.full((size, size), 255, np.uint8))

    fact = made.facts[0]
    extents = fact[[fields.X0, fields.Y0, fields.X1, fields.Y1]]
    np.testing.assert_allclose(extents, [0, 0, size, size], atol=0.3)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(4, 40))
def test_any_ink_has_a_field(seed, size):
    random = np.random.default_rng(seed)
    images = np.where(random.random((10, size, size)) < random.random(), random.integers(0, 256, (10, size, size)), 0)

    made = fields_of(images.astype(np.uint8))

    assert np.isfinite(made.facts).all()
    assert np.abs(made.facts).max() < 10 * size
    assert made.digit_height >= 1
