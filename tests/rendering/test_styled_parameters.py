"""What each parameter of a style does to the line."""

import numpy as np
import pytest
import reference
from styled_lines import (
    PARAMETERS,
    PLAIN,
    TIGHT,
    columns_of,
    draw,
    extent,
    ink_of,
    lay_out,
    moments,
    names_of,
    pieces,
    rows_of,
    slant_of,
    stick,
    stroke_of,
    without,
)

from number_generator import DigitImageDataset, Handwriting, Uniform
from number_generator._kernels import drawing, fields, line_items, strokes, writing
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import prepare_atlas
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk


@pytest.fixture(scope="module")
def one_each():
    """The packaged digits' first image of each class, so that the choice of glyphs makes no difference."""
    images, labels = packaged_digits().get_data()
    labels = np.array([int(label) for label in labels])
    first = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    return DigitImageDataset(images[first], labels[first])


def gaps_of(image):
    """Return the widths of the blank columns between the digits of a page."""
    inked = (image < 128).any(axis=0).astype(int)
    first, stop = extent(inked)
    edges = np.flatnonzero(np.diff(inked[first:stop]))
    return np.diff(edges)[::2]


@pytest.mark.parametrize("style", [PLAIN, TIGHT.replace(height=0.8)], ids=["cell", "tight"])
@pytest.mark.parametrize("slant", [-0.5, -0.2, 0.3, 0.6])
def test_slant_shears_the_line(style, slant):
    sequences = ["04268"] * 40

    upright, slanted = (draw(sequences, style.replace(slant=lean), 250) for lean in (0, slant))

    change = np.mean([slant_of(b) - slant_of(a) for a, b in zip(upright, slanted, strict=True)])
    assert change == pytest.approx(slant, abs=0.03)


@pytest.mark.parametrize("degrees", [-12, -4, 4, 12])
def test_rotation_turns_the_line_counter_clockwise(degrees):
    images = draw(["00000000"] * 40, PLAIN.replace(rotation=degrees, size=0.6), 300)

    slopes = [xy / xx for _, _, xx, xy, _ in map(moments, images)]
    assert np.degrees(np.arctan(np.mean(slopes))) == pytest.approx(degrees, abs=0.6)


@pytest.mark.parametrize("height", [0.3, 0.6, 0.8, 1.0])
def test_height_is_that_of_the_ink_of_a_tight_crop(height):
    images = draw(["7205", "88", "61"] * 20, TIGHT.replace(height=height), 200)

    heights = [stop - first for first, stop in map(rows_of, images)]
    assert np.abs(np.array(heights) - 27 * height).max() <= 1.5


def test_height_holds_in_the_styles_of_documents():
    style = without(Handwriting.named("document"), "Paper", "Scan", "Ink")
    style = style.replace(height=1, loose=0, intrusion=0, end_marks=0, warp=0)

    images = draw(["7205", "88", "612"] * 30, style, 200)

    assert np.mean([stop - first for first, stop in map(rows_of, images)]) > 25


@pytest.mark.parametrize("size", [0.5, 0.7, 1.2])
def test_size_scales_the_writing(size):
    images, scaled = (draw(["0628"] * 30, PLAIN.replace(size=factor), 200) for factor in (1, size))

    for of in (rows_of, columns_of):
        usual, found = ([stop - first for first, stop in map(of, pages)] for pages in (images, scaled))
        assert np.mean(found) / np.mean(usual) == pytest.approx(size, rel=0.05)


def test_a_line_too_high_shrinks():
    images = draw(["0628"] * 30, PLAIN.replace(size=2), 300)

    assert all(rows_of(image)[1] - rows_of(image)[0] <= 28 for image in images)
    assert (images[:, [0, -1]] > 60).all()


@pytest.mark.parametrize("style", [PLAIN, TIGHT], ids=["cell", "tight"])
@pytest.mark.parametrize("squeeze", [0.5, 0.8, 1.5])
def test_squeeze_scales_the_width_alone(style, squeeze):
    images, squeezed = (draw(["0628"] * 30, style.replace(squeeze=factor), 250) for factor in (1, squeeze))

    widths, others = ([stop - first for first, stop in map(columns_of, pages)] for pages in (images, squeezed))
    heights, same = ([stop - first for first, stop in map(rows_of, pages)] for pages in (images, squeezed))
    assert np.mean(others) / np.mean(widths) == pytest.approx(squeeze, rel=0.03)
    assert np.mean(same) == pytest.approx(np.mean(heights), abs=0.8)


def test_a_line_too_wide_is_squeezed_by_a_tight_crop_and_keeps_its_height():
    images = draw(["06285"] * 30, TIGHT, 90)

    assert all(rows_of(image)[1] - rows_of(image)[0] >= 26 for image in images)
    assert all(columns_of(image)[0] <= 1 and columns_of(image)[1] >= 89 for image in images)


@pytest.mark.parametrize("width", [70, 90])
def test_fill_stretches_to_the_width(width):
    images = draw(["0625"] * 30, TIGHT.replace(fill=1), width)

    assert all(columns_of(image)[0] <= 1 and columns_of(image)[1] >= width - 1 for image in images)


@pytest.mark.parametrize("squeeze", [0.7, 1, 1.2, 1.6])
def test_fill_makes_no_line_much_wider_than_it_was_written(squeeze):
    images, filled = (draw(["44.85"] * 30, TIGHT.replace(fill=share, squeeze=squeeze), 400) for share in (0, 1))

    widths, wider = ([stop - first for first, stop in map(columns_of, pages)] for pages in (images, filled))
    # Neither are the digits stretched beyond 1.4, unless they are written wider.
    assert np.mean(wider) / np.mean(widths) == pytest.approx(max(min(1.4, 1.4 / squeeze), 1), rel=0.03)


def test_fill_is_for_its_share_of_the_lines():
    images, unfilled = (draw(["062"] * 800, TIGHT.replace(fill=share), 110) for share in (0.3, 0))

    filled = (images != unfilled).any(axis=(1, 2))
    assert np.mean(filled) == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("style", [PLAIN, TIGHT], ids=["cell", "tight"])
@pytest.mark.parametrize("margin", [0.25, 0.8])
def test_margin_is_free_at_both_sides(style, margin):
    for position in (0, 1):
        images = draw(["06285"] * 20, style.replace(margin=margin, position=position), 200)
        left, right = np.array([columns_of(image) for image in images]).T
        free = [left, 200 - right]

        assert (np.minimum(*free) >= 28 * margin - 1).all()
        assert np.abs(free[position] - 28 * margin).max() <= 1.5


@pytest.mark.parametrize("style", [PLAIN, TIGHT], ids=["cell", "tight"])
@pytest.mark.parametrize("position", [0, 0.25, 0.5, 1])
def test_position_is_where_the_line_stands_in_the_free_width(style, position):
    images = draw(["062"] * 20, style.replace(position=position), 200)

    for image in images:
        left, right = columns_of(image)
        assert left == pytest.approx(position * (200 - (right - left)), abs=1.5)


@pytest.mark.parametrize("style", [PLAIN.replace(size=0.5), TIGHT.replace(height=0.5)], ids=["cell", "tight"])
@pytest.mark.parametrize("position", [0, 0.25, 0.5, 1])
def test_vertical_position_is_where_it_stands_in_the_free_height(style, position):
    images = draw(["062"] * 20, style.replace(vertical_position=position), 200)

    for image in images:
        top, bottom = rows_of(image)
        assert top == pytest.approx(position * (28 - (bottom - top)), abs=1.5)


@pytest.mark.parametrize("gap", [0.1, 0.5, 1.0])
def test_gap_is_in_digit_heights(gap):
    images = draw(["8063"] * 30, PLAIN.replace(gap=gap), 300)

    gaps = np.concatenate([gaps_of(image) for image in images])
    assert len(gaps) == 90
    assert np.abs(gaps - 20 * gap).max() <= 2
    assert gaps.mean() == pytest.approx(20 * gap, abs=0.6)


def test_a_negative_gap_makes_digits_overlap():
    widths = []
    for gap in (0.0, -0.1, -0.3):
        images = draw(["8888"] * 30, PLAIN.replace(gap=gap), 300)
        assert all((image[:, slice(*columns_of(image))] < 255).any(axis=0).all() for image in images)
        widths.append(np.mean([stop - first for first, stop in map(columns_of, images)]))

    assert widths[0] - widths[1] == pytest.approx(3 * 0.1 * 20, abs=1)
    assert widths[1] - widths[2] > 3 * 0.1 * 20


@pytest.mark.parametrize("pixels", [0, 3, 11])
def test_a_spacing_range_is_in_px_of_the_digits(pixels):
    style = PLAIN.replace(gap=2, gap_jitter=(-0.5, 1))

    images = draw(["8063"] * 30, style, 300, spacing_range=(pixels, pixels))
    gaps = np.concatenate([gaps_of(image) for image in images])

    touching = draw(["8063"] * 30, style, 300, spacing_range=(0, 0))
    wider = [np.ptp(columns_of(a)) - np.ptp(columns_of(b)) for a, b in zip(images, touching, strict=True)]
    assert np.abs(gaps - pixels).max(initial=0) <= 2
    assert np.abs(np.array(wider) - 3 * pixels).max() <= 1


def test_a_negative_spacing_range_makes_digits_overlap():
    apart, overlapping = (draw(["88"] * 30, PLAIN, 100, spacing_range=(gap, gap)) for gap in (0, -4))

    narrower = [np.ptp(columns_of(a)) - np.ptp(columns_of(b)) for a, b in zip(apart, overlapping, strict=True)]
    assert np.abs(np.array(narrower) - 4).max() <= 1


def test_however_negative_the_spacing_the_order_of_digits_can_be_seen():
    line = lay_out("0123456789", PLAIN, spacing_range=(-1000, -1000))

    assert (np.diff(line.items[:, line_items.LOW]) > 0).all()


def test_a_spacing_range_is_drawn_as_in_clean(one_each):
    drawn = lay_out("8063", PLAIN, 5, 9, spacing_range=(2, 12), digits=one_each)

    words = reference.philox_words(9, 5, reference.SPACING, 3)
    gaps = drawn.items[1:, line_items.LOW] - drawn.items[:-1, line_items.HIGH]
    np.testing.assert_allclose(gaps, [2 + reference.bounded(word, 11) for word in words], atol=1e-9)


def test_gap_jitter_is_added_to_each_gap():
    images = draw(["8063"] * 60, PLAIN.replace(gap=0.5, gap_jitter=(-0.3, 0.4)), 300)

    gaps = np.concatenate([gaps_of(image) for image in images]) / 20
    assert 0.15 <= gaps.min() < 0.3
    assert 0.8 < gaps.max() <= 1.0
    assert gaps.std() == pytest.approx(0.7 / 12**0.5, abs=0.04)


def test_wide_gaps_have_their_share_and_size():
    images = draw(["8063"] * 200, PLAIN.replace(gap=0.3, wide_gap=0.25, wide_gap_size=1), 400)

    gaps = np.concatenate([gaps_of(image) for image in images]) / 20
    wide = gaps > 0.8
    assert wide.mean() == pytest.approx(0.25, abs=0.06)
    assert gaps[wide].mean() == pytest.approx(1.3, abs=0.05)
    assert gaps[~wide].mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("drift", [-0.3, 0.3])
def test_drift_bends_the_baseline_upwards_in_the_middle(drift):
    images = draw(["00000"] * 30, PLAIN.replace(drift=drift, size=0.7), 300)

    rises = []
    for image in images:
        heights = [moments(piece)[1] for piece in pieces(image)]
        rises.append(heights[2] - (heights[0] + heights[4]) / 2)
    # The ends of the line rise 0; the middles of its first and last digit a little.
    assert np.mean(rises) / (20 * 0.7 * drift) == pytest.approx(0.72, abs=0.12)


@pytest.mark.parametrize("thickness", [-0.05, 0.05, 0.12])
def test_thickness_is_added_to_the_strokes(thickness):
    thin, thick = (draw(["2537"] * 60, PLAIN.replace(thickness=more, size=0.9), 250) for more in (0, thickness))

    change = np.mean([stroke_of(image) for image in thick]) - np.mean([stroke_of(image) for image in thin])
    # Strokes that meet have less outline, thin ones a softer one.
    assert change / (20 * 0.9 * thickness) == pytest.approx(1, abs=0.45)


def test_the_thinnest_strokes_do_not_vanish():
    images = draw(["2537"] * 60, PLAIN.replace(thickness=-0.15), 250)

    assert all(len(pieces(image)) >= 4 for image in images)
    assert images.min(axis=(1, 2)).max() < 90


def test_consistency_makes_slant_and_stroke_width_of_a_line_alike():
    strokes_vary, slants_vary = [], []
    for consistency in (0, 1):
        images = draw(["0683"] * 80, PLAIN.replace(consistency=consistency, gap=1), 300)
        lines = [pieces(image) for image in images]
        strokes_vary.append(np.mean([np.var([stroke_of(piece) for piece in line]) for line in lines]))
        slants_vary.append(np.mean([np.var([slant_of(line[k]) for k in (0, 1, 2)]) for line in lines]))

    assert strokes_vary[1] < 0.35 * strokes_vary[0]
    assert slants_vary[1] < 0.6 * slants_vary[0]


def sizes_of(style, one_each, text="0000"):
    """Return heights, widths, feet and slants of the digits of some lines, shape (4, digits)."""
    images = draw([text] * 60, style.replace(gap=0.8), 400, digits=one_each)
    found = [
        (*map(np.ptp, (rows_of(p), columns_of(p))), -rows_of(p)[1], slant_of(p)) for i in images for p in pieces(i)
    ]
    assert len(found) == 60 * len(text)
    return np.array(found, float).T


def test_size_jitter_scales_each_digit(one_each):
    heights, widths, feet, _ = sizes_of(PLAIN.replace(size_jitter=(0.5, 1)), one_each)

    assert heights.min() == pytest.approx(10, abs=1.5)
    assert heights.max() == pytest.approx(20, abs=1.5)
    assert np.corrcoef(heights, widths)[0, 1] > 0.95
    assert np.ptp(feet) <= 8  # they stand on one line, which lies higher where it has no large digit


def test_aspect_scales_the_width_of_each_digit(one_each):
    _, usual, _, _ = sizes_of(PLAIN, one_each)
    heights, widths, _, _ = sizes_of(PLAIN.replace(aspect=(0.5, 2)), one_each)

    assert np.ptp(heights) <= 1
    assert widths.min() / usual.mean() == pytest.approx(0.5, abs=0.1)
    assert widths.max() / usual.mean() == pytest.approx(2, abs=0.1)


def test_baseline_jitter_lifts_each_digit(one_each):
    heights, _, feet, _ = sizes_of(PLAIN.replace(baseline_jitter=(-0.2, 0.2), size=0.7), one_each)

    assert np.ptp(heights) <= 2
    spans = np.ptp(feet.reshape(-1, 4), axis=1)
    assert 0.25 * 14 < spans.max() <= 0.4 * 14 + 1.5


def test_slant_jitter_slants_each_digit(one_each):
    _, _, _, usual = sizes_of(PLAIN, one_each)
    _, _, _, slants = sizes_of(PLAIN.replace(slant_jitter=(-0.4, 0.4)), one_each)

    assert slants.min() - usual.mean() == pytest.approx(-0.4, abs=0.08)
    assert slants.max() - usual.mean() == pytest.approx(0.4, abs=0.08)


def test_rotation_jitter_turns_each_digit_counter_clockwise(one_each):
    upright, turned = (
        draw(["1"], PLAIN.replace(rotation_jitter=degrees, size=0.8), 100, digits=one_each)[0] for degrees in (0, 20)
    )

    def angle(image):
        _, _, xx, xy, yy = moments(image)
        return np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) % 180

    assert angle(turned) - angle(upright) == pytest.approx(20, abs=2)


def test_thickness_jitter_is_each_digits_own(one_each):
    images = draw(["0000"] * 60, PLAIN.replace(thickness_jitter=(-0.04, 0.1), gap=0.8), 400, digits=one_each)

    found = np.array([[stroke_of(piece) for piece in pieces(image)] for image in images])
    assert np.ptp(found) > 0.1 * 20
    assert np.ptp(found, axis=1).mean() > 0.05 * 20


def test_warp_moves_the_ink_and_keeps_it():
    sequences = ["063825"] * 40

    straight, little, much = (draw(sequences, PLAIN.replace(warp=warp), 250) for warp in (0, 0.02, 0.08))

    assert (straight != much).any(axis=(1, 2)).all()
    assert ink_of(much).sum() == pytest.approx(ink_of(straight).sum(), rel=0.05)
    assert 0 < np.abs(ink_of(little) - ink_of(straight)).sum() < np.abs(ink_of(much) - ink_of(straight)).sum()


def test_an_upstroke_begins_at_the_top_of_a_plain_1_and_comes_from_the_left_below():
    style = PLAIN.replace(size=0.9)
    sequences = ["1"] * 200

    plain, forms = draw(sequences, style, 60), draw(sequences, style.replace(upstroke=1), 60)

    changed = (plain != forms).any(axis=(1, 2))
    more = ink_of(forms).sum(axis=(1, 2)) - ink_of(plain).sum(axis=(1, 2))
    assert changed.mean() > 0.4  # others have an upstroke or a foot of their own
    assert (more[changed] > 3).mean() > 0.95
    for image in np.flatnonzero(changed):
        line = lay_out("1", style.replace(upstroke=1), image)
        fact = line.glyphs[3][int(line.items[0, line_items.GLYPH])]
        x, y = line.of_code(1)[0][:, :2].T + line.items[0, [line_items.REF_X, line_items.REF_Y]][:, None]
        assert (np.diff(x) < 0).all()
        assert (np.diff(y) > 0).all()
        assert (x[0], y[0]) == pytest.approx((fact[fields.TOP_X], fact[fields.Y0] + 0.5 * fact[fields.STROKE]))
        assert y[-1] < fact[fields.Y0] + 0.6 * 20


@pytest.mark.parametrize("slant", [-0.25, 0, 0.06, 0.125, 0.19, 0.25, 0.375])
def test_every_straight_1_is_plain_whatever_its_slant(slant):
    dataset = DigitImageDataset(np.stack([stick(slant)] * 10), np.arange(10))

    plain, forms = (draw(["1"], PLAIN.replace(upstroke=share), 60, digits=dataset) for share in (0, 1))

    assert (plain != forms).any()


def test_a_crossbar_is_added_to_7s():
    style = PLAIN.replace(size=0.9)

    plain, crossed = draw(["7"] * 100, style, 60), draw(["7"] * 100, style.replace(crossbar=1), 60)

    assert ((ink_of(crossed) - ink_of(plain)).sum(axis=(1, 2)) > 2).mean() > 0.95


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("upstroke", "1"),
        ("crossbar", "7"),
        ("tail", "089"),
        ("open_loop", "09"),
    ],
)
def test_a_form_changes_the_digits_that_its_text_names_and_no_others(name, digits):
    for digit in "0123456789":
        plain, forms = (draw([digit] * 30, PLAIN.replace(**{name: share}), 60) for share in (0, 1))
        changed = (plain != forms).any(axis=(1, 2)).mean()

        assert (changed > 0.3) == (digit in digits), f"{name} of {digit}: {changed:.0%} changed"


def test_an_open_loop_takes_ink_away():
    plain, opened = (draw(["0", "9"] * 50, PLAIN.replace(open_loop=share), 60) for share in (0, 1))

    lost = ink_of(plain).sum(axis=(1, 2)) - ink_of(opened).sum(axis=(1, 2))
    assert (ink_of(opened) <= ink_of(plain) + 0.01).all()
    assert (lost > 1).mean() > 0.9
    assert lost.max() < 40


def test_an_open_loop_leaves_the_ink_of_a_digit_that_it_touches():
    style = PLAIN.replace(gap=-0.3)

    for image in range(60):
        alone = lay_out("80", style, image)
        scratch, cover = writing.make_scratch(2, 28, 100), np.zeros(28 * 100 + 16, np.uint8)
        drawing.draw_glyph(
            np.uint64(1), np.uint64(image), alone.items[0], alone.glyphs, (0, 0), alone.transform, alone.softness,
            (28, 100), scratch, cover,
        )  # fmt: skip
        drawn = 255 - draw(["80"], style.replace(open_loop=1), start=image)[0].astype(int)

        assert (drawn >= cover[: 28 * 100].reshape(28, 100).astype(int) - 2).all(), f"image {image}"


@pytest.mark.parametrize("name", ["upstroke", "crossbar"])
def test_a_share_of_the_lines_has_a_form_in_all_its_digits(name):
    text = {"upstroke": "1", "crossbar": "7"}[name] * 3
    lines = [lay_out(text, PLAIN.replace(**{name: 0.3}), image) for image in range(600)]

    has = np.array([(line.items[:, line_items.POINTS] > 0).mean() for line in lines])
    assert (has > 0).mean() == pytest.approx(0.3, abs=0.06)
    if name == "crossbar":
        assert set(has) == {0, 1}


@pytest.mark.parametrize("name", ["inner_marks", "end_marks"])
def test_marks_are_ink_that_labels_do_not_hold(name):
    numbers = FixedNumbers(pack_sequences(["806382"] * 40))
    chunks = []
    for share in (0, 1):
        spec = RenderSpec(None, 300, style=PLAIN.replace(size=0.6, **{name: share}))
        job = Job(numbers, spec, 28, 1, Span(0, 40))
        chunks.append(make_chunk(job, prepare_atlas(packaged_digits(), spec.style), job.span))

    plain, marked = chunks
    assert plain.labels.tolist() == marked.labels.tolist() == [b"806382"] * 40
    assert (plain.images != marked.images).any(axis=(1, 2)).all()
    ink, more = (ink_of(chunk.images).sum(axis=(1, 2)) for chunk in chunks)
    assert (more - ink).min() > 0.5


@pytest.mark.parametrize(
    ("text", "inner", "at_ends"),
    [("123", 0, True), ("1234", 1, True), ("123456", 1, True), ("1234567", 2, True), ("999999999", 2, True),
     ("9955005890", 0, True), ("0123", 0, True), ("0995500589", 0, True), ("1-2345", 0, False),
     ("12,345", 0, False), ("1234 ", 0, False), ("", 0, False), ("7", 0, True)],
)  # fmt: skip
def test_marks_are_for_plain_digits(text, inner, at_ends):
    is_mark = lay_out(text, PLAIN.replace(inner_marks=1)).items[:, line_items.SLOT] < 0
    assert is_mark.sum() == inner
    if inner:
        slots = lay_out(text, PLAIN.replace(inner_marks=1)).items[:, line_items.SLOT]
        after = slots[np.flatnonzero(slots < 0) + 1]
        assert ((len(text) - after) % 3 == 0).all()

    slots = lay_out(text, PLAIN.replace(end_marks=1)).items[:, line_items.SLOT]
    if at_ends:
        assert slots[0] < 0
        assert slots[-1] < 0
    assert (slots[slots >= 0] == np.arange(len(text))).all()
    assert (slots < 0).any() == at_ends


def test_no_end_mark_looks_like_a_digit():
    looked = set()
    for image in range(300):
        items = lay_out("888", PLAIN.replace(end_marks=1), image).items
        looked |= set(items[items[:, line_items.SLOT] < 0, line_items.CODE].astype(int))

    assert looked == {strokes.DASH, strokes.DOT, strokes.COMMA, strokes.DOUBLE_DASH, strokes.WAVE}


@pytest.mark.parametrize("ink", [0.1, 0.5, 1.0])
def test_ink_is_how_much_darker_than_the_paper_it_is(ink):
    images = draw(["888"] * 20, PLAIN.replace(ink=ink, thickness=0.05), 100)

    assert np.abs(images.min(axis=(1, 2)) - 255 * (1 - ink)).max() <= 1


@pytest.mark.parametrize("name", ["ink_drift", "ink_texture"])
def test_uneven_ink_is_no_darker_elsewhere(name):
    even, uneven = (draw(["888888"] * 30, PLAIN.replace(**{name: much}, ink=0.8), 250) for much in (0, 0.8))

    assert (uneven != even).any(axis=(1, 2)).all()
    assert (uneven[even == 255] == 255).all()


def test_softness_is_the_width_of_edges():
    grey = []
    for softness in (0.5, 1, 2, 4):
        images = draw(["0628"] * 20, PLAIN.replace(softness=softness, thickness=0.1), 200)
        grey.append(((images > 20) & (images < 235)).sum())

    assert grey == sorted(grey)
    assert grey[3] > 2 * grey[1]


# What they draw besides their value differs from line to line.
VARYING = {"warp", "ink_drift", "ink_texture", "intrusion_reach", "proportions"}
SWITCHES = {
    "height": {"crop": "tight"},
    "loose_height": {"crop": "tight", "loose": 1},
    "loose_margin": {"crop": "tight", "loose": 1},
    "wide_gap_size": {"wide_gap": 1},
    "zero_rise": {"zero_size": 0.6},
}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in names_of("Layout", "Line", "Glyph", "Proportions", "Ink")
        if PARAMETERS[name].scope in ("line", "glyph") and name not in VARYING
    ],
)
def test_a_value_of_the_job_is_the_same_in_all_lines(one_each, name):
    parameter = PARAMETERS[name]
    low, high = parameter.low, parameter.high
    if name == "size_jitter":
        high = 1.0
    lines = PLAIN.replace(size=0.5, margin=0.2, consistency=0.5).replace(**SWITCHES.get(name, {}))

    def pages(seed, *, per_job):
        style = lines.replace(**{name: Uniform(low, high, per_job=per_job)})
        return len({image.tobytes() for image in draw(["800635"] * 12, style, 260, seed, digits=one_each)})

    assert pages(1, per_job=False) > 6
    assert pages(1, per_job=True) == 1


def test_a_value_of_the_job_depends_on_the_seed(one_each):
    style = PLAIN.replace(slant=Uniform(-1, 1, per_job=True))

    images = [draw(["80635"], style, 260, seed, digits=one_each)[0] for seed in range(10)]

    assert len({image.tobytes() for image in images}) == 10
