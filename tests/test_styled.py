"""Styled lines: what their pixels depend on, that no ink is lost, and that each parameter does what its text says."""

import hashlib
import platform
from dataclasses import dataclass

import llvmlite.binding
import numpy as np
import numpy.typing as npt
import pytest
import reference
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from number_generator import DigitImageDataset, Handwriting, Normal, Uniform, generate_batch
from number_generator._kernels import draws, fields, rng, strokes, writing
from number_generator.digit_datasets import packaged_digits
from number_generator.engine import make_chunk
from number_generator.errors import SpecError
from number_generator.handwriting import parameters
from number_generator.numbers import ALPHABET, FixedNumbers, pack_sequences
from number_generator.spec import Job, RenderSpec, Span
from number_generator.styled import style_table
from number_generator.writers import atlas_for, writers_of

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
    """Do what `_write_line` does up to the first pixel."""
    atlas = atlas_for(digits or packaged_digits(), style)
    codes, table, glyphs = pack_sequences([text], separators=True).codes, style_table(style), glyphs_of(atlas)
    key = np.uint64(seed), np.uint64(image), table
    smallest, largest = spacing_range or (0, -1)
    scratch = writing._make_scratch(max(len(codes), 1), atlas.height, width)
    items, points, _, words, _ = scratch
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
    atlas = atlas_for(packaged_digits(), style)
    numbers = FixedNumbers(pack_sequences(sequences, separators=True))
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


@pytest.mark.skipif(not is_x86_with_avx2(), reason="only a machine with AVX2 can be taken for these")
@pytest.mark.parametrize(
    "machine",
    [{"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}, {"NUMBA_CPU_NAME": "generic"}],
    ids=["haswell", "generic"],
)
def test_pixels_are_the_same_on_an_older_machine(run_python, capsys, machine):
    exec(HASHES, {})
    here = capsys.readouterr().out.split()

    there = run_python(HASHES, **machine).split()

    assert len(set(here)) == 7
    assert there == here


# --- no ink is lost, none is where it should not be

FORMS_AND_MARKS = {"upstroke": 0.5, "crossbar": 0.5, "tail": 0.5, "inner_marks": 0.5, "end_marks": 0.5}
WRITTEN = st.sampled_from(
    [without(Handwriting.named(name), "Paper", "Scan", "Ink") for name in NAMED]
) | styles("Layout", "Line", "Glyph").map(lambda style: style.replace(softness=(0.5, 2.0)))
NARROW_AND_WIDE = st.sampled_from([16, 20, 33, 64, 128, 300])


@settings(max_examples=150)
@given(st.text("0123456789", min_size=1, max_size=12), WRITTEN, NARROW_AND_WIDE, SEEDS)
def test_no_digit_is_clipped(text, style, width, seed):
    assume(len(text) <= width // 6)  # what is shrunk more fades
    drawn = draw([text], style, width, seed)[0]

    ink = draw_beyond(text, style, 0, seed, width).astype(int)
    page = ink[BEYOND:-BEYOND, BEYOND:-BEYOND]

    case = f"{text!r}, {width} px, seed {seed}, {style.settings()}"
    np.testing.assert_allclose(page, 255 - drawn, atol=2, err_msg=case)
    assert page.max() > 100, case
    assert ink.sum() - page.sum() <= 0.01 * ink.sum() + 64, case


@settings(max_examples=100)
@given(st.text(ALPHABET, min_size=1, max_size=12), WRITTEN, NARROW_AND_WIDE, SEEDS)
def test_no_mark_is_clipped(text, style, width, seed):
    assume(len(text) <= width // 6)
    ink = draw_beyond(text, style.replace(**FORMS_AND_MARKS), 0, seed, width).astype(int)

    outside = ink.copy()
    outside[BEYOND:-BEYOND, BEYOND:-BEYOND] = 0

    case = f"{text!r}, {width} px, seed {seed}, {style.settings()}"
    assert outside.max() <= 100, case
    assert outside.sum() <= 0.02 * ink.sum() + 64, case


def grown(mask, px):
    """Give the places that are no farther than some px from one of the mask, along rows and along columns."""
    padded = np.pad(mask, ((0, 0), (px, px), (px, px)))
    rows = np.logical_or.reduce([padded[:, k : k + mask.shape[1]] for k in range(2 * px + 1)])
    return np.logical_or.reduce([rows[:, :, k : k + mask.shape[2]] for k in range(2 * px + 1)])


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize(("width", "length"), [(8, 12), (20, 12), (60, 30), (40, 3), (128, 7), (300, 12)])
def test_paper_away_from_ink_is_exactly_white(name, width, length):
    style = without(Handwriting.named(name), "Paper", "Scan").replace(ink=1, ink_texture=0, ink_drift=0)
    random = np.random.default_rng(width)
    sequences = ["".join(map(str, random.integers(0, 10, length))) for _ in range(300)]

    images = draw(sequences, style, width)

    near = grown(images < 255 - 50, 3)
    assert (images[~near] == 255).all(), np.argwhere((images < 255) & ~near)[:5]
    assert (images.min(axis=(1, 2)) < 200).all()


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
