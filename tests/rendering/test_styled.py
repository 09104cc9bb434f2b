"""Styled lines: what their pixels depend on, that no ink is lost, and that each parameter does what its text says."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import llvmlite.binding
import numpy as np
import numpy.typing as npt
import pages
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from number_generator import DigitImageDataset, Handwriting, Normal, Uniform, generate_batch
from number_generator._kernels import fields, rng, strokes, writing
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import find_writers, prepare_atlas
from number_generator.errors import SpecError
from number_generator.job import handwriting
from number_generator.job.handwriting import parameters
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import ALPHABET, FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.styled import make_style_table

PARAMETERS = {parameter.name: parameter for parameter in parameters()}
DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS.items()}
NAMED = ["natural", "document"]
SEEDS = st.integers(0, 2**64 - 1)
LINES = st.lists(st.text(ALPHABET, max_size=9), min_size=1, max_size=6)
PLAIN = Handwriting(gap=0.3)  # as near to `clean` as a style that is drawn from fields can be


def names_of(*groups):
    return [name for name, parameter in PARAMETERS.items() if parameter.group in groups]


def without(style, *groups):
    """Give a style with some groups of parameters as they are in `clean`."""
    return style.replace(**{name: DEFAULTS[name] for name in names_of(*groups)})


def values_of(parameter):
    """Give a strategy of a parameter's values, over the whole of its limits."""
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
    """Give a strategy of styles that set any of the parameters of some groups, or of all."""
    chosen = names_of(*groups) if groups else list(PARAMETERS)
    return st.fixed_dictionaries({}, optional={name: values_of(PARAMETERS[name]) for name in chosen}).map(
        lambda values: Handwriting(**{"gap": (0.0, 0.3), **values})
    )


STYLES = st.sampled_from(NAMED).map(Handwriting.named) | styles()


def draw(sequences, style, width=100, seed=1, spacing_range=None, **options):
    return generate_batch(sequences, spacing_range, width, style=style, seed=seed, **options)


def ink_of(images):
    """Give the ink of pages, 0 to 1."""
    return (255 - images.astype(float)) / 255


@pytest.fixture(scope="module")
def one_each():
    """The packaged digits' first image of each class, so that the choice of glyphs makes no difference."""
    images, labels = packaged_digits().get_data()
    labels = np.array([int(label) for label in labels])
    first = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    return DigitImageDataset(images[first], labels[first])


# --- a look into the kernels


@dataclass
class Line:
    """What the kernels made of a line, before anything is drawn."""

    items: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    transform: tuple[float, ...]
    softness: float
    glyphs: tuple

    @property
    def digits(self):
        """The items that are digits, in order."""
        return self.items[self.items[:, writing._GLYPH] >= 0]

    def of_code(self, code):
        """Give the points of each item of a code."""
        chosen = self.items[:, writing._CODE] == code
        counts = self.items[chosen, writing._POINTS].astype(int)
        return [points[:count] for points, count in zip(self.points[chosen], counts, strict=True)]


def glyphs_of(atlas):
    made = atlas.fields
    return (
        made.texels, made.offsets, made.sizes, made.facts, made.padding, made.density, made.digit_height, made.stroke,
    )  # fmt: skip


def lay_out(text, style, image=0, seed=1, width=100, spacing_range=None, digits=None):
    """Do what `write_lines` does before the first pixel."""
    atlas = prepare_atlas(digits or packaged_digits(), style)
    codes, table, glyphs = pack_sequences([text]).codes, make_style_table(style), glyphs_of(atlas)
    key = np.uint64(seed), np.uint64(image), table
    smallest, largest = spacing_range or (0, -1)
    scratch = writing._make_scratch(max(len(codes), 1), atlas.height, width)
    items, points, _, words, _, _ = scratch
    count = writing._list_items(*key, codes, items)
    rng.fill_words(*key[:2], rng.GLYPH, len(codes), words)
    members, start, glyph_group, groups = atlas.groups
    first = writing._choose_glyphs(words, (members, start, glyph_group, groups), atlas.class_start, items, count)
    writing._shape_items(*key, len(codes), glyphs, scratch, count, first)
    writing._place_items(*key, (smallest, largest - smallest + 1), len(codes), glyphs, scratch, count)
    softness = writing.line_value(*key, writing.SOFTNESS)
    fit = (style.crop == "tight", False)
    transform = writing._fit_line(*key, (atlas.height, width), fit, softness, glyphs, scratch, count)
    return Line(items[:count].copy(), points[:count].copy(), transform, softness, glyphs)


BEYOND = 12  # px


def draw_beyond(text, style, image=0, seed=1, width=100):
    """Draw a line's ink, 0 to 255, and what would lie as far as `BEYOND` px outside of its page."""
    line = lay_out(text, style, image, seed, width)
    shape = 28 + 2 * BEYOND, width + 2 * BEYOND
    scratch = writing._make_scratch(max(len(text), 1), *shape)
    cover = np.zeros(shape[0] * shape[1] + 16, np.uint8)
    *matrix, origin_x, origin_y = line.transform
    transform = (*matrix, origin_x + BEYOND, origin_y + BEYOND)
    for item, points in zip(line.items, line.points, strict=True):
        if item[writing._GLYPH] >= 0:
            writing._draw_glyph(
                np.uint64(seed), np.uint64(image), item, line.glyphs, transform, line.softness, shape, scratch, cover
            )
        if item[writing._POINTS] > 0:
            writing._draw_strokes(item, points, transform, line.softness, shape, cover)
    return cover[: shape[0] * shape[1]].reshape(shape)


# --- what images depend on


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


# Run here and on other machines, so to speak: it prints one hash for each style.
HASHES = """
import hashlib
from number_generator import Handwriting, Normal, Uniform, generate_batch

natural, document = Handwriting.named("natural"), Handwriting.named("document")
styles = [
    natural,
    document,
    natural.replace(crop="tight", fill=1, writer="cluster", slant=(-1, 1), rotation=(-20, 20), warp=(0, 0.12)),
    natural.replace(upstroke=1, crossbar=1, tail=1, open_loop=1, end_marks=1, inner_marks=1, softness=(0.5, 4)),
    natural.replace(size_jitter=(0.3, 2), aspect=(0.4, 2.5), rotation_jitter=(-30, 30), ink_texture=1, ink_drift=1),
    document.replace(waves=1, fibres=1, ruled=1, boxed=1, padding=1, speckle=20, blur=1.5, noise=0.5, jpeg=1),
    Handwriting(gap=Normal(0.2, 0.1, 0, 0.4), thickness=Uniform(-0.1, 0.1, per_job=True), drift=(-0.5, 0.5)),
]
sequences = ["", "7", "0123456789", "+1 (23) 4,5.6/7-8"] + [str(7919 * number) for number in range(60)]
for style in styles:
    digest = hashlib.sha256()
    for width in (20, 128, 301):
        digest.update(generate_batch(sequences, None, width, style=style, seed=3, workers=1).tobytes())
    print(digest.hexdigest())
"""


def is_x86_with_avx2():
    return platform.machine() in ("x86_64", "AMD64") and llvmlite.binding.get_host_cpu_features().get("avx2", False)


@pytest.mark.xdist_group("pixels of older machines")
@pytest.mark.slow
@pytest.mark.skipif(not is_x86_with_avx2(), reason="only a machine with AVX2 can be taken for these")
@pytest.mark.parametrize(
    "machine",
    [{"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}, {"NUMBA_CPU_NAME": "generic"}],
    ids=["haswell", "generic"],
)
def test_pixels_are_the_same_on_an_older_machine(run_python, machine_code, capsys, machine):
    exec(HASHES, {})
    here = capsys.readouterr().out.split()

    cache = machine_code(machine["NUMBA_CPU_NAME"])
    there = run_python(HASHES, NUMBA_CACHE_DIR=str(cache), **machine).split()

    assert len(set(here)) == 7
    assert there == here


# --- no ink is lost, none is where it should not be

FORMS_AND_MARKS = {"upstroke": 0.5, "crossbar": 0.5, "tail": 0.5, "inner_marks": 0.5, "end_marks": 0.5}
WRITTEN = st.sampled_from([without(Handwriting.named(name), "Paper", "Scan", "Ink") for name in NAMED]) | styles(
    "Layout", "Line", "Glyph"
).map(lambda style: style.replace(softness=(0.5, 2.0)))
NARROW_AND_WIDE = st.sampled_from([16, 20, 33, 64, 128, 300])


@settings(max_examples=150)
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


@settings(max_examples=100)
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
    """Give the places that are no farther than some px from one of the mask, along rows and along columns."""
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


# --- clean


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


# --- what each parameter does


def extent(mask):
    """Give the first place and the one after the last."""
    places = np.flatnonzero(mask)
    return int(places[0]), int(places[-1]) + 1


def columns_of(image):
    return extent((image < 128).any(axis=0))


def rows_of(image):
    return extent((image < 128).any(axis=1))


def moments(image):
    """Give mean x, mean y, and the variances and covariance of a page's ink; y counts upwards."""
    ink = ink_of(image)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    total = ink.sum()
    mean_x, mean_y = (ink * x).sum() / total, (ink * -y).sum() / total
    x, y = x - mean_x, -y - mean_y
    return mean_x, mean_y, (ink * x * x).sum() / total, (ink * x * y).sum() / total, (ink * y * y).sum() / total


def slant_of(image):
    _, _, _, xy, yy = moments(image)
    return xy / yy


def stroke_of(image):
    """Estimate the width of strokes: twice the area over the length of the outline."""
    ink = np.pad(ink_of(image), 1)
    across, down = np.gradient(ink, axis=1), np.gradient(ink, axis=0)
    return 2 * ink.sum() / np.hypot(across, down).sum()


def pieces(image):
    """Cut a page at its blank columns into its digits."""
    inked = (image < 200).any(axis=0).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inked, [0]])))
    return [image[:, start:stop] for start, stop in edges.reshape(-1, 2)]


def gaps_of(image):
    """Give the widths of the blank columns between the digits of a page."""
    inked = (image < 128).any(axis=0).astype(int)
    first, stop = extent(inked)
    edges = np.flatnonzero(np.diff(inked[first:stop]))
    return np.diff(edges)[::2]


TIGHT = PLAIN.replace(crop="tight")


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
    style = without(Handwriting.named("document"), "Paper", "Scan", "Ink").replace(height=1, end_marks=0, warp=0)

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


@pytest.mark.parametrize("width", [90, 130])
def test_fill_stretches_to_the_width(width):
    images = draw(["0625"] * 30, TIGHT.replace(fill=1), width)

    assert all(columns_of(image)[0] <= 1 and columns_of(image)[1] >= width - 1 for image in images)


def test_fill_is_for_its_share_of_the_lines():
    images = draw(["062"] * 800, TIGHT.replace(fill=0.3), 110)

    filled = [columns_of(image)[0] <= 1 and columns_of(image)[1] >= 109 for image in images]
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

    assert (np.diff(line.items[:, writing._LOW]) > 0).all()


def test_a_spacing_range_is_drawn_as_in_clean(one_each):
    drawn = lay_out("8063", PLAIN, 5, 9, spacing_range=(2, 12), digits=one_each)

    words = reference.philox_words(9, 5, reference.SPACING, 3)
    gaps = drawn.items[1:, writing._LOW] - drawn.items[:-1, writing._HIGH]
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
    """Give heights, widths, feet and slants of the digits of some lines, shape (4, digits)."""
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
        fact = line.glyphs[3][int(line.items[0, writing._GLYPH])]
        x, y = line.of_code(1)[0][:, :2].T + line.items[0, [writing._REF_X, writing._REF_Y]][:, None]
        assert (np.diff(x) < 0).all()
        assert (np.diff(y) > 0).all()
        assert (x[0], y[0]) == pytest.approx((fact[fields.TOP_X], fact[fields.Y0] + 0.5 * fact[fields.STROKE]))
        assert y[-1] < fact[fields.Y0] + 0.6 * 20


def stick(slant):
    """Draw a straight 1 that leans."""
    y, x = np.mgrid[:28, :28] + 0.5
    away = np.abs(x - 14 - slant * (14 - y)) / np.hypot(1, slant)
    return np.uint8(255 * np.clip(1.75 - away, 0, 1) * (np.abs(y - 14) < 10))


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
        scratch, cover = writing._make_scratch(2, 28, 100), np.zeros(28 * 100 + 16, np.uint8)
        writing._draw_glyph(
            np.uint64(1), np.uint64(image), alone.items[0], alone.glyphs, alone.transform, alone.softness, (28, 100),
            scratch, cover,
        )  # fmt: skip
        drawn = 255 - draw(["80"], style.replace(open_loop=1), start=image)[0].astype(int)

        assert (drawn >= cover[: 28 * 100].reshape(28, 100).astype(int) - 2).all(), f"image {image}"


@pytest.mark.parametrize("name", ["upstroke", "crossbar"])
def test_a_share_of_the_lines_has_a_form_in_all_its_digits(name):
    text = {"upstroke": "1", "crossbar": "7"}[name] * 3
    lines = [lay_out(text, PLAIN.replace(**{name: 0.3}), image) for image in range(600)]

    has = np.array([(line.items[:, writing._POINTS] > 0).mean() for line in lines])
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
    [("123", 0, True), ("1234", 1, True), ("123456", 1, True), ("1234567", 2, True), ("1-2345", 0, False),
     ("12,345", 0, False), ("1234 ", 0, False), ("", 0, False), ("7", 0, True)],
)  # fmt: skip
def test_marks_are_for_plain_digits(text, inner, at_ends):
    is_mark = lay_out(text, PLAIN.replace(inner_marks=1)).items[:, writing._SLOT] < 0
    assert is_mark.sum() == inner
    if inner:
        slots = lay_out(text, PLAIN.replace(inner_marks=1)).items[:, writing._SLOT]
        after = slots[np.flatnonzero(slots < 0) + 1]
        assert ((len(text) - after) % 3 == 0).all()

    slots = lay_out(text, PLAIN.replace(end_marks=1)).items[:, writing._SLOT]
    if at_ends:
        assert slots[0] < 0
        assert slots[-1] < 0
    assert (slots[slots >= 0] == np.arange(len(text))).all()
    assert (slots < 0).any() == at_ends


def test_no_end_mark_looks_like_a_digit():
    looked = set()
    for image in range(300):
        items = lay_out("888", PLAIN.replace(end_marks=1), image).items
        looked |= set(items[items[:, writing._SLOT] < 0, writing._CODE].astype(int))

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


VARYING = {"warp", "ink_drift", "ink_texture"}  # what they draw besides their value differs from line to line


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in names_of("Layout", "Line", "Glyph", "Ink")
        if PARAMETERS[name].scope in ("line", "glyph") and name not in VARYING
    ],
)
def test_a_value_of_the_job_is_the_same_in_all_lines(one_each, name):
    parameter = PARAMETERS[name]
    switch = {"height": {"crop": "tight"}, "wide_gap_size": {"wide_gap": 1}}.get(name, {})
    low, high = parameter.low, parameter.high
    if name == "size_jitter":
        high = 1.0
    lines = PLAIN.replace(size=0.5, margin=0.2, consistency=0.5).replace(**switch)

    def pages(seed, *, per_job):
        style = lines.replace(**{name: Uniform(low, high, per_job=per_job)})
        return len({image.tobytes() for image in draw(["80635"] * 12, style, 260, seed, digits=one_each)})

    assert pages(1, per_job=False) > 6
    assert pages(1, per_job=True) == 1


def test_a_value_of_the_job_depends_on_the_seed(one_each):
    style = PLAIN.replace(slant=Uniform(-1, 1, per_job=True))

    images = [draw(["80635"], style, 260, seed, digits=one_each)[0] for seed in range(10)]

    assert len({image.tobytes() for image in images}) == 10


# --- features apart

# What may change in an item of a digit with each parameter; its glyph with none but `writer`.
SHAPE = [writing._A, writing._B, writing._C, writing._D]
CHANGED_BY = {
    "consistency": [*SHAPE, writing._GROWTH, writing._PEN],
    "thickness": [writing._GROWTH, writing._PEN],
    "thickness_jitter": [writing._GROWTH, writing._PEN],
    "size_jitter": [*SHAPE, writing._GROWTH, writing._PEN],
    "aspect": SHAPE,
    "slant_jitter": SHAPE,
    "rotation_jitter": SHAPE,
    "warp": [writing._BEND],
    "upstroke": [writing._POINTS],
    "crossbar": [writing._POINTS],
    "tail": [writing._POINTS],
    "open_loop": [writing._CUT],
}
EVERYTHING = Handwriting.named("document").replace(
    writer="mixed", upstroke=0.5, crossbar=0.5, tail=0.5, open_loop=0.5, inner_marks=0.5, end_marks=0.5, wide_gap=0.3
)


def changed_value(name):
    """Give a value of a parameter that is neither that of `EVERYTHING` nor, but for a choice, that of `clean`."""
    parameter = PARAMETERS[name]
    if parameter.scope == "choice":
        return next(choice for choice in parameter.choices if choice != getattr(EVERYTHING, name))
    return 1.0 if parameter.scope == "share" else (0.9 * parameter.low + 0.1 * parameter.high, parameter.high)


@pytest.mark.parametrize("name", [name for name in PARAMETERS if name != "writer"])
def test_changing_one_parameter_leaves_what_others_draw(name):
    stay = [writing._GLYPH, writing._SLOT, *SHAPE, writing._GROWTH, writing._PEN, writing._POINTS, writing._BEND]
    stay = [column for column in [*stay, writing._CUT] if column not in CHANGED_BY.get(name, [])]

    for value in (changed_value(name), DEFAULTS[name]):
        for image in range(12):
            before = lay_out("0172689", EVERYTHING, image).digits
            after = lay_out("0172689", EVERYTHING.replace(**{name: value}), image).digits

            np.testing.assert_array_equal(after[:, stay], before[:, stay], err_msg=f"{name}={value}, image {image}")


@pytest.mark.parametrize("name", ["inner_marks", "end_marks", "upstroke", "warp", "thickness", "slant", "size"])
def test_gaps_stay_whatever_stands_beside_them(name):
    style = PLAIN.replace(gap=(0, 1), gap_jitter=(0, 0.5), wide_gap=0.3)

    def gaps(image, **changes):
        # Marks come between; two digits with none between are enough.
        items = lay_out("08253146", style.replace(**changes), image).items
        slots = items[:, writing._SLOT]
        near = (slots[:-1] >= 0) & (slots[1:] >= 0)
        apart = items[1:, writing._LOW] - items[:-1, writing._HIGH]
        return {int(slot): gap for slot, gap in zip(slots[:-1][near], apart[near], strict=True)}

    for image in range(20):
        before, after = gaps(image), gaps(image, **{name: changed_value(name)})

        assert len(after) >= 5
        assert {slot: before[slot] for slot in after} == pytest.approx(after, abs=1e-9)


def test_marks_at_the_ends_leave_those_inside_as_they_are():
    def inside(line):
        slots = line.items[:, writing._SLOT]
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
    pages, boxes = np.empty((len(packed), 28 * width), np.uint8), np.empty((len(packed), 5))
    writing.write_lines(
        np.uint64(seed), np.uint64(0), make_style_table(style), packed.codes, packed.offsets, (0, 0),
        (style.crop == "tight", False), glyphs_of(atlas), (atlas.class_start, *atlas.groups, None), (28, width),
        packed.longest, pages, boxes, np.empty(len(packed.codes), np.int64), np.empty((0, 4), np.int16),
        np.empty((0, 28 * width), np.uint8),
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
        covers, boxes = covers_of(["0172689", "12-34", "5"] * 30, style.replace(softness=1))

        for cover, (left, top, right, bottom, baseline) in zip(covers, boxes, strict=True):
            first, stop = extent((cover.reshape(28, 128) > 128).any(axis=0))
            highest, lowest = extent((cover.reshape(28, 128) > 128).any(axis=1))
            assert left - 1 <= first <= stop <= right + 1
            assert top - 1 <= highest <= lowest <= bottom + 1
            assert top <= baseline <= bottom + 3


# --- separators

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
    own = [line.glyphs[3][int(line.items[0, writing._GLYPH]), fields.STROKE] for line in pens]
    np.testing.assert_allclose([line.items[1, writing._PEN] for line in pens], own, rtol=0.2)


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


@pytest.mark.parametrize("character", ["a", "*", "\n", "\0", "−", "٣", "_", ":", "\ud800"])
def test_other_characters_are_one_error(character):
    with pytest.raises(SpecError, match=r"sequence 2 is .*: give digits from 0 to 9 and the separators"):
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


# --- writers


def chosen_glyphs(text, writer, images, digits=None):
    style = PLAIN.replace(writer=writer)
    return np.array(
        [lay_out(text, style, image, digits=digits).digits[:, writing._GLYPH] for image in range(images)], int
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


# --- other digits, and sizes of all kinds


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


# --- arguments


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"style": "clean"}, "spacing_range is None, which leaves the gaps to the style: the style 'clean' has none; "
                             r"give two integers, \(minimum, maximum\), in px, or style='natural'"),
        ({"style": Handwriting()}, "spacing_range is None"),
        ({"style": "clean", "spacing_range": (-1, 4)}, "spacing_range's minimum is -1: give an integer, from 0"),
        ({"spacing_range": (-65_536, 4)}, "spacing_range's minimum is -65536: give an integer, from -65535 to 65535"),
        ({"spacing_range": (4, -4)}, r"spacing_range is \(4, -4\): the minimum exceeds the maximum; swap them"),
        ({"spacing_range": (0.5, 4)}, "spacing_range's minimum is 0.5: give an integer"),
        ({"fit": "stretch", "style": "document"}, r"fit is 'stretch' and the style cuts the page to the ink "
                                                  r"\(crop='tight'\), which fits lines by itself: leave fit out"),
        ({"fit": "stretch", "style": TIGHT}, "leave fit out"),
        ({"style": "Natural"}, "style is 'Natural': give 'clean', 'natural' or 'document', a file"),
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


# --- memory

# Indices are looked at in kernels that are compiled for it; what `simd` reads and writes is not.
SMALL_BATCHES = """
from number_generator import DigitImageDataset, Handwriting, generate_batch, generate_chunk
import numpy as np

truth = ("boxes", "glyphs", "parameters", "masks")
random = np.random.default_rng(1)
images = (random.random((20, 4, 4)) < 0.5).astype(np.uint8) * 255
tiny = DigitImageDataset(images, np.arange(20) % 10)
marked = {"upstroke": 1, "crossbar": 1, "tail": 1, "open_loop": 1, "inner_marks": 1, "end_marks": 1}
sequences = ["", "7", "0123456789012", "1" * 70, "+1 (23) 4,5.6/7-8", "0178992"]
for style in ("natural", "document"):
    style = Handwriting.named(style)
    for written in (style, style.replace(**marked), style.replace(crop="tight", rotation=(-20, 20), slant=(-1, 1))):
        for width in (1, 2, 17, 128):
            generate_batch(sequences, None, width, style=written, seed=2, workers=1)
            generate_chunk(sequences, (-9, 3), width, style=written, seed=2, digits=tiny, workers=1, truth=truth)
for width in (1, 2, 17, 128):
    generate_chunk(sequences, (0, 3), width, seed=2, digits=tiny, workers=1, truth=truth)
import pages
print(pages.digest_of_pages(bounds_checked=True))
"""


@pytest.mark.slow
def test_no_index_is_out_of_bounds_and_checked_pages_are_the_same(run_python, machine_code):
    # In one process, as machine code that checks takes long to compile; numba does not tell it from other.
    path = os.pathsep.join([str(Path(handwriting.__file__).parents[2]), str(Path(pages.__file__).parent)])
    environment = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(machine_code("boundscheck")), "PYTHONPATH": path}

    digest = run_python(SMALL_BATCHES, **environment)

    assert digest.strip() == pages.digest_of_pages(bounds_checked=False)


def test_a_spacing_range_takes_the_place_of_every_gap_of_the_style():
    styles = [
        PLAIN.replace(size=0.6),
        PLAIN.replace(size=0.6, gap=2, gap_jitter=(-0.3, 0.3), wide_gap=1, wide_gap_size=3),
    ]

    plain, wide = (generate_batch(["3141"] * 20, (5, 5), 200, style=style, seed=1) for style in styles)

    np.testing.assert_array_equal(plain, wide)
