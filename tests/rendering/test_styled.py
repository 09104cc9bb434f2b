"""Styled lines as a whole: what they depend on, that no ink is lost, and which arguments they take."""

import numpy as np
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from styled_lines import (
    DEFAULTS,
    NAMED,
    PARAMETERS,
    PLAIN,
    TIGHT,
    columns_of,
    draw,
    extent,
    lay_out,
    names_of,
    rows_of,
    without,
)

from number_generator import DigitImageDataset, Handwriting, Normal, Uniform, generate_batch
from number_generator._kernels import drawing, line_items, writing
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import prepare_atlas
from number_generator.errors import SpecError
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import ALPHABET, FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.styled import make_style_table

SEEDS = st.integers(0, 2**64 - 1)
LINES = st.lists(st.text(ALPHABET, max_size=9), min_size=1, max_size=6)


def values_of(parameter):
    """Return a strategy of a parameter's values, over the whole of its limits."""
    if parameter.scope == "choice":
        return st.sampled_from([choice for choice in parameter.choices if choice != "dataset"])
    numbers = st.floats(parameter.low, parameter.high)
    if parameter.scope == "share":
        return st.sampled_from([0.0, 1.0]) | numbers
    ranges = st.tuples(numbers, numbers).map(sorted)
    return st.builds(lambda ends, job: Uniform(*ends, per_job=job), ranges, st.booleans()) | st.builds(
        lambda ends, sd, job: Normal(sum(ends) / 2, sd, *ends, per_job=job),
        ranges,
        st.floats(0, parameter.high - parameter.low),
        st.booleans(),
    )


def styles(*groups):
    """Return a strategy of styles that set any of the parameters of some groups, or of all."""
    chosen = names_of(*groups) if groups else list(PARAMETERS)
    return st.fixed_dictionaries({}, optional={name: values_of(PARAMETERS[name]) for name in chosen}).map(
        lambda values: Handwriting(**{"gap": (0.0, 0.3), **values})
    )


STYLES = st.sampled_from(NAMED).map(Handwriting.named) | styles()
BEYOND = 12  # px


def draw_beyond(text, style, image=0, seed=1, width=100):
    """Draw a line's ink, 0 to 255, and what would lie as far as `BEYOND` px outside of its page."""
    line = lay_out(text, style, image, seed, width)
    shape = 28 + 2 * BEYOND, width + 2 * BEYOND
    scratch = writing.make_scratch(max(len(text), 1), *shape)
    cover = np.zeros(shape[0] * shape[1] + 16, np.uint8)
    *matrix, origin_x, origin_y = line.transform
    transform = (*matrix, origin_x + BEYOND, origin_y + BEYOND)
    for item, points in zip(line.items, line.points, strict=True):
        if item[line_items.GLYPH] >= 0:
            drawing.draw_glyph(
                np.uint64(seed), np.uint64(image), item, line.glyphs, (0, 0), transform, line.softness, shape, scratch,
                cover,
            )  # fmt: skip
        if item[line_items.POINTS] > 0:
            drawing.draw_strokes(item, points, transform, line.softness, shape, cover)
    return cover[: shape[0] * shape[1]].reshape(shape)


@settings(max_examples=30)
@given(LINES, STYLES, st.integers(1, 130), SEEDS, st.integers(0, 2**63 - 20), st.data())
def test_a_slice_of_a_batch_equals_the_batch_of_the_slice(sequences, style, width, seed, start, data):
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(sequences))] * 2)))

    whole = draw(sequences, style, width, seed, start=start)
    part = draw(sequences[first:last], style, width, seed, start=start + first)

    np.testing.assert_array_equal(whole[first:last], part)


@settings(max_examples=20)
@given(LINES, STYLES, SEEDS)
def test_images_do_not_depend_on_the_chunk_they_are_made_in(sequences, style, seed):
    atlas = prepare_atlas(packaged_digits(), style)
    numbers = FixedNumbers(pack_sequences(sequences))
    job = Job(numbers, RenderSpec(None, 70, style=style), 28, seed, Span(0, len(sequences)))

    whole = make_chunk(job, atlas, job.span)
    for size in (1, 2):
        parts = [make_chunk(job, atlas, span) for span in job.span.split(size)]

        np.testing.assert_array_equal(np.concatenate([part.images for part in parts]), whole.images)
        assert [label for part in parts for label in part.labels.tolist()] == whole.labels.tolist()


@pytest.mark.parametrize("style", NAMED)
def test_images_do_not_depend_on_the_workers(style):
    sequences = [str(number) for number in range(3000)]

    one, three = (draw(sequences, style, workers=workers) for workers in (1, 3))

    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("style", NAMED)
def test_the_seed_makes_the_images(style):
    sequences = ["0123456789"] * 40

    first, same, other = (draw(sequences, style, 200, seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(first, same)
    assert (first != other).any(axis=(1, 2)).all()
    assert len({image.tobytes() for image in first}) == 40


@pytest.mark.parametrize("style", [*NAMED, PLAIN.replace(crop="tight")])
@pytest.mark.parametrize("width", [1, 15, 16, 17, 33, 100])
def test_nothing_is_written_beyond_the_pages(style, width):
    # Sixteen px are written at once.
    whole = np.full((5, 28, width), 77, np.uint8)

    draw(["888", "1"], style, width, out=whole[2:4])

    np.testing.assert_array_equal(whole[2:4], draw(["888", "1"], style, width))
    assert (whole[:2] == 77).all()
    assert (whole[4:] == 77).all()


FORMS_AND_MARKS = {"upstroke": 0.5, "crossbar": 0.5, "tail": 0.5, "inner_marks": 0.5, "end_marks": 0.5}
WRITTEN = st.sampled_from([without(Handwriting.named(name), "Paper", "Scan", "Ink") for name in NAMED]) | styles(
    "Layout", "Line", "Glyph", "Forms", "Proportions"
).map(lambda style: style.replace(softness=(0.5, 2.0)))
WRITTEN = WRITTEN.map(lambda style: style.replace(intrusion=0))  # the page's border cuts it on purpose


NARROW_AND_WIDE = st.sampled_from([16, 20, 33, 64, 128, 300])


@settings(max_examples=60)
@given(st.text("0123456789", min_size=1, max_size=12), WRITTEN, NARROW_AND_WIDE, SEEDS)
def test_no_digit_is_clipped(text, style, width, seed):
    a, b, c, d, *_ = lay_out(text, style, 0, seed, width).transform
    drawn = draw([text], style, width, seed)[0]

    ink = draw_beyond(text, style, 0, seed, width).astype(int)
    page = ink[BEYOND:-BEYOND, BEYOND:-BEYOND]

    case = f"{text!r}, {width} px, seed {seed}, {style.settings()}"
    np.testing.assert_allclose(page, 255 - drawn, atol=2, err_msg=case)
    assert page.max() > 100 or a * d - b * c < 0.15**2, case  # what is shrunk more fades
    assert ink.sum() - page.sum() <= 0.01 * ink.sum() + 64, case


@settings(max_examples=60)
@given(st.text(ALPHABET, min_size=1, max_size=12), WRITTEN, NARROW_AND_WIDE, SEEDS)
def test_no_mark_is_clipped(text, style, width, seed):
    assume(len(text) <= width // 6)
    ink = draw_beyond(text, style.replace(**FORMS_AND_MARKS), 0, seed, width).astype(int)

    outside = ink.copy()
    outside[BEYOND:-BEYOND, BEYOND:-BEYOND] = 0

    case = f"{text!r}, {width} px, seed {seed}, {style.settings()}"
    assert outside.max() <= 140, case
    assert outside.sum() <= 0.02 * ink.sum() + 64, case


def grown(mask, px):
    """Return the places that are no farther than some px from one of the mask, along rows and along columns."""
    padded = np.pad(mask, ((0, 0), (px, px), (px, px)))
    rows = np.logical_or.reduce([padded[:, k : k + mask.shape[1]] for k in range(2 * px + 1)])
    return np.logical_or.reduce([rows[:, :, k : k + mask.shape[2]] for k in range(2 * px + 1)])


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(("width", "length"), [(8, 12), (20, 12), (60, 30), (40, 3), (128, 7), (300, 12)])
def test_paper_away_from_ink_is_white(name, width, length):
    style = without(Handwriting.named(name), "Paper", "Scan").replace(ink=1, ink_texture=0, ink_drift=0)
    random = np.random.default_rng(width)
    sequences = ["".join(map(str, random.integers(0, 10, length))) for _ in range(300)]

    images = draw(sequences, style, width)

    # A trace of what a source digit's scan left is a few px; the box of a glyph or of a line is many.
    away = (images < 255) & ~grown(images < 200, 3)
    assert away.sum(axis=(1, 2)).max() <= 6
    assert away.sum() <= 30


@pytest.mark.parametrize("name", NAMED)
def test_lines_of_a_shrunk_page_keep_their_ink(name):
    # Strokes that would be thinner than a pixel are made as thick as one.
    style = without(Handwriting.named(name), "Paper", "Scan", "Ink").replace(thickness=-0.15, consistency=0)

    images = draw(["8888888888"] * 200, style, 30)

    assert (images.min(axis=(1, 2)) < 110).all()


def test_clean_by_any_name_is_drawn_as_by_the_reference(make_digits):
    images, labels = make_digits(28)
    dataset = DigitImageDataset(images, labels)
    sequences = ["0123456789", "", "77", "31415926535"]
    expected = np.array([
        reference.draw_image(sequence, number, images=images, labels=labels, seed=4, spacing_range=(2, 9), width=90)
        for number, sequence in enumerate(sequences)
    ])  # fmt: skip

    for style in ({}, {"style": "clean"}, {"style": Handwriting()}, {"style": Handwriting.from_dict({"gap": 0.35})}):
        drawn = generate_batch(sequences, (2, 9), 90, seed=4, digits=dataset, **style)

        np.testing.assert_array_equal(drawn, expected, err_msg=str(style))


# What may change in an item of a digit with each parameter; its glyph with none but `writer` and the letterforms.
SHAPE = [line_items.A, line_items.B, line_items.C, line_items.D]
SIZE = [*SHAPE, line_items.GROWTH, line_items.PEN]
CHANGED_BY = {
    "consistency": SIZE,
    "thickness": [line_items.GROWTH, line_items.PEN],
    "thickness_jitter": [line_items.GROWTH, line_items.PEN],
    "size_jitter": SIZE,
    "size_drift": SIZE,
    "large_start": SIZE,
    "squeezed_end": SIZE,
    "proportions": SIZE,
    "zero_size": SIZE,
    "old_style": SIZE,
    "slant_drift": SHAPE,
    "aspect": SHAPE,
    "slant_jitter": SHAPE,
    "rotation_jitter": SHAPE,
    "warp": [line_items.BEND],
    "upstroke": [line_items.POINTS],
    "crossbar": [line_items.POINTS],
    "tail": [line_items.POINTS],
    "open_loop": [line_items.CUT],
    "links": [line_items.POINTS],
}
OF_LETTERFORMS = {"letterforms", "letterform_mix", "letterform_set", "letterform_constancy"}

EVERYTHING = Handwriting.named("document").replace(
    writer="mixed", upstroke=0.5, crossbar=0.5, tail=0.5, open_loop=0.5, inner_marks=0.5, end_marks=0.5, wide_gap=0.3
)


def changed_value(name):
    """Return a value of a parameter that is neither that of `EVERYTHING` nor, but for a choice, that of `clean`."""
    parameter = PARAMETERS[name]
    if parameter.scope == "choice":
        return next(choice for choice in parameter.choices if choice != getattr(EVERYTHING, name))
    return 1.0 if parameter.scope == "share" else (0.9 * parameter.low + 0.1 * parameter.high, parameter.high)


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "writer"])
def test_changing_one_parameter_leaves_what_others_draw(name):
    stay = [
        line_items.GLYPH,
        line_items.SLOT,
        *SHAPE,
        line_items.GROWTH,
        line_items.PEN,
        line_items.POINTS,
        line_items.BEND,
    ]
    stay = [column for column in [*stay, line_items.CUT] if column not in CHANGED_BY.get(name, [])]

    style = EVERYTHING.replace(links=0)  # whether a link is drawn depends on how far apart two digits are
    for value in (changed_value(name), DEFAULTS[name]):
        for image in range(12):
            before = lay_out("0172689", style, image).digits
            after = lay_out("0172689", style.replace(**{name: value}), image).digits
            if name in OF_LETTERFORMS:
                same = before[:, line_items.GLYPH] == after[:, line_items.GLYPH]
                before, after = before[same], after[same]

            np.testing.assert_array_equal(after[:, stay], before[:, stay], err_msg=f"{name}={value}, image {image}")


@pytest.mark.parametrize("name", ["inner_marks", "end_marks", "upstroke", "warp", "thickness", "slant", "size"])
def test_gaps_stay_whatever_stands_beside_them(name):
    style = PLAIN.replace(gap=(0, 1), gap_jitter=(0, 0.5), wide_gap=0.3)

    def gaps(image, **changes):
        # Marks come between; two digits with none between are enough.
        items = lay_out("08253146", style.replace(**changes), image).items
        slots = items[:, line_items.SLOT]
        near = (slots[:-1] >= 0) & (slots[1:] >= 0)
        apart = items[1:, line_items.LOW] - items[:-1, line_items.HIGH]
        return {int(slot): gap for slot, gap in zip(slots[:-1][near], apart[near], strict=True)}

    for image in range(20):
        before, after = gaps(image), gaps(image, **{name: changed_value(name)})

        assert len(after) >= 5
        assert {slot: before[slot] for slot in after} == pytest.approx(after, abs=1e-9)


def test_marks_at_the_ends_leave_those_inside_as_they_are():
    def inside(line):
        slots = line.items[:, line_items.SLOT]
        between = np.flatnonzero((slots[:-2] >= 0) & (slots[1:-1] < 0) & (slots[2:] >= 0)) + 1
        return line.points[between]

    for image in range(20):
        alone, more = (lay_out("1234567", PLAIN.replace(inner_marks=1, end_marks=share), image) for share in (0, 1))

        assert len(inside(alone)) == 2
        np.testing.assert_array_equal(inside(more), inside(alone), err_msg=f"image {image}")


def covers_of(sequences, style, width=128, seed=1):
    """Write lines as `render_styled` does, up to the paper: the coverage of their ink."""
    atlas = prepare_atlas(packaged_digits(), style)
    packed = pack_sequences(sequences)
    pages, boxes = np.empty((len(packed), 28 * width), np.uint8), np.empty((len(packed), writing.LINE_COLUMNS))
    numbers, widths = np.arange(len(packed), dtype=np.uint64), np.empty(len(packed), np.int64)
    writing.write_lines(
        np.uint64(seed), numbers, make_style_table(style), packed.codes, packed.offsets, np.int64(0),
        writing.NO_SPACING, (style.crop == "tight", False, False, 1.0), atlas.fields.packed,
        (atlas.class_start, *atlas.groups, None), atlas.letterform_choice, (28, width, 1.0),
        writing.make_scratch(packed.longest, 28, width), writing.make_sheets(28, width), pages, widths, boxes,
        np.empty(len(packed.codes), np.int64), np.empty((0, 4), np.int16), np.empty((0, 28 * width), np.uint8),
    )  # fmt: skip
    return pages, boxes


@pytest.mark.parametrize("name", [name for name in names_of("Paper", "Scan", "Ink") if name != "softness"])
def test_paper_scan_and_ink_leave_the_writing_as_it_is(name):
    sequences = ["0172689", "12-34", "5"] * 5
    expected = covers_of(sequences, EVERYTHING)

    for value in (changed_value(name), DEFAULTS[name]):
        found = covers_of(sequences, EVERYTHING.replace(**{name: value}))

        for array, same in zip(found, expected, strict=True):
            np.testing.assert_array_equal(array, same)


def test_a_box_holds_its_lines_ink():
    for style in (EVERYTHING, Handwriting.named("natural")):
        covers, boxes = covers_of(["0172689", "12-34", "5"] * 30, style.replace(softness=1, intrusion=0))

        for cover, (left, top, right, bottom, baseline, *_) in zip(covers, boxes, strict=True):
            first, stop = extent((cover.reshape(28, 128) > 128).any(axis=0))
            highest, lowest = extent((cover.reshape(28, 128) > 128).any(axis=1))
            assert left - 1 <= first <= stop <= right + 1
            assert top - 1 <= highest <= lowest <= bottom + 1
            assert top <= baseline <= bottom + 5  # a letterform may end above the line that it stands on


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"style": "clean", "spacing_range": (-1, 4)}, "spacing_range's minimum is -1: give an integer, from 0"),
        ({"spacing_range": (-65_536, 4)}, "spacing_range's minimum is -65536: give an integer, from -65535 to 65535"),
        ({"spacing_range": (4, -4)}, r"spacing_range is \(4, -4\): the minimum exceeds the maximum; give both"),
        ({"spacing_range": (0.5, 4)}, "spacing_range's minimum is 0.5: give an integer"),
        ({"fit": "stretch", "style": "document"}, r"fit is 'stretch' and the style cuts the page to the ink "
                                                  r"\(crop='tight'\), which already fits lines: leave fit out"),
        ({"fit": "stretch", "style": TIGHT}, "leave fit out"),
        ({"style": "Natural"}, r"style is 'Natural': did you mean 'natural'\? give 'clean', 'natural'"),
        ({"style": None}, r"style is None: give 'clean', 'natural' or 'document', a file that ends in \.toml, or a"),
        ({"style": 5}, "style is 5"),
        ({"style": {"slant": 0.2}}, "style is {'slant': 0.2}"),
        ({"style": b"natural"}, "style is b'natural'"),
        ({"style": Handwriting}, "style is <class"),
        ({"style": "missing.toml"}, r"the style missing\.toml cannot be read: No such file or directory"),
        ({"width": 0}, "width is 0"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_one_error(changed, message):
    arguments = {"spacing_range": None, "width": 60, "style": "natural", "seed": 1, **changed}

    with pytest.raises(SpecError, match=message) as raised:
        generate_batch(["12"], **arguments)

    assert "\n" not in str(raised.value)


def test_a_style_that_does_not_crop_may_be_stretched():
    contained, stretched = (draw(["80635"] * 10, PLAIN, 60, fit=fit) for fit in ("contain", "stretch"))

    assert all(np.ptp(rows_of(b)) > np.ptp(rows_of(a)) + 4 for a, b in zip(contained, stretched, strict=True))
    assert all(np.ptp(columns_of(image)) >= 57 for image in stretched)


def test_a_style_may_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('base = "natural"\nslant = [-0.2, 0.4]\n', encoding="utf-8")
    style = Handwriting.named("natural").replace(slant=(-0.2, 0.4))

    for given_style in (path, str(path), style):
        np.testing.assert_array_equal(draw(["80635"], given_style), draw(["80635"], style))


def test_a_spacing_range_takes_the_place_of_every_gap_of_the_style():
    styles = [
        PLAIN.replace(size=0.6),
        PLAIN.replace(size=0.6, gap=2, gap_jitter=(-0.3, 0.3), wide_gap=1, wide_gap_size=3),
    ]

    plain, wide = (generate_batch(["3141"] * 20, (5, 5), 200, style=style, seed=1) for style in styles)

    np.testing.assert_array_equal(plain, wide)
