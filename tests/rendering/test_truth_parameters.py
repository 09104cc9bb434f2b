"""What was drawn for each line and character, as ground truth has it."""

from dataclasses import replace

import numpy as np
import pytest
import reference
from truth_lines import DOCUMENT, NATURAL, TEXTS, glyphs_of_line

from number_generator import Handwriting, Normal, PhoneNumbers, Uniform, generate_batch, generate_chunk
from number_generator.digits.resolve import packaged_digits
from number_generator.digits.writers import prepare_atlas
from number_generator.job.handwriting import parameters
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, pack_sequences
from number_generator.rendering.engine import make_chunk
from number_generator.rendering.ground_truth import parameter_names

SAMPLED = Handwriting.named("document").replace(
    slant=Uniform(-0.2, 0.4, per_job=True),
    rotation=Normal(0.5, 1.5, -2, 2, per_job=True),
    size_jitter=Uniform(0.8, 1.1, per_job=True),
    gap=Normal(0.2, 0.1),
    gap_jitter=(-0.1, 0.3),
    margin=Normal(0.1, 0.05, 0.0, 0.2),
    wide_gap=0.4,
    tail=0.5,
    open_loop=0.5,
    crossbar=1,
    invert=0.5,
)


DETAIL = 2**20
OF_GLYPHS = ("wide_gap", "letterform_constancy", "tail", "open_loop")  # shares of the characters, not of the lines
STREAMS = {one.name: one.stream for one in parameters()}


def unit(word):
    return (word >> 11) / 2**53


def from_word(distribution, word):
    """Turn a word into a draw of a distribution, as `_kernels.draws` describes it."""
    low, high = distribution.bounds()
    if isinstance(distribution, Uniform):
        return low + (high - low) * unit(word) if low < high else low
    total = sum((word >> shift) & 0xFFFF for shift in (0, 16, 32, 48))
    # Four uniform draws from 0 to 65535: their mean is 131,070 and their standard deviation 65536 / sqrt(3).
    return min(
        max(distribution.mean + distribution.sd * ((total - 131070.0) / (65536.0 * 0.5773502691896258)), low), high
    )


def block_of(seed, image, stream, block):
    """The four words of a block far along a stream."""
    counter = (block + (image << 64) - 1) % 2**256
    return np.random.Philox(counter=counter, key=seed + (stream << 64)).random_raw(4).tolist()


def draws_of(style, name, seed, image, count):
    """Draw a parameter so many times for an image: one draw is for all where it is the job's."""
    distribution = getattr(style, name)
    if distribution.per_job:
        word = reference.philox_words(seed, 0, STREAMS[name] + 2**32, 1)[0]
        return [from_word(distribution, word)] * count
    return [from_word(distribution, word) for word in reference.philox_words(seed, image, STREAMS[name], count)]


def share_of(style, name):
    return style.to_dict()[name]


def expected_line(style, text, seed, image, *, has_spacing):
    """What was drawn for a line, by name, the slow way."""
    expected = {}
    is_plain = text.isdigit()
    for one in parameters():
        name = one.name
        if one.scope in ("choice", "glyph") or name in OF_GLYPHS:
            continue
        if has_spacing and name == "gap":
            continue
        if not style.draws(one, color=False):
            continue
        if name in ("margin", "loose_margin"):
            expected[f"{name}_left"], expected[f"{name}_right"] = draws_of(style, name, seed, image, 2)
        elif name == "end_marks":
            words = block_of(seed, image, one.stream, DETAIL)
            for end, word in (("leading", words[0]), ("trailing", words[2])):
                expected[f"{end}_marks"] = is_plain and unit(word) < share_of(style, name)
        elif one.scope == "share":
            happens = unit(reference.philox_words(seed, image, one.stream, 1)[0]) < share_of(style, name)
            expected[name] = happens and (name != "inner_marks" or has_thousands_marks(style, text, seed, image))
        else:
            expected[name] = draws_of(style, name, seed, image, 1)[0]
    return expected


def has_thousands_marks(style, text, seed, image):
    """Whether an unlabelled mark stands between the thousands of a line."""
    happens = unit(reference.philox_words(seed, image, STREAMS["inner_marks"], 1)[0]) < share_of(style, "inner_marks")
    return happens and text.isdigit() and 4 <= len(text) <= 9 and text[0] != "0"


def gaps_with_marks(style, text, seed, image):
    """Tell for each character whether an unlabelled mark follows it."""
    marked = has_thousands_marks(style, text, seed, image)
    return [marked and (len(text) - k - 1) % 3 == 0 for k in range(len(text))]


def expected_glyphs(style, text, seed, image, spacing_range, is_form):
    """What was drawn for each character of a line, by name, the slow way; None where it does not apply.

    `is_form` tells which characters are drawn by letterforms.
    """
    expected = {}
    digits = [character.isdigit() for character in text]
    gaps = [True] * (len(text) - 1) + [False] * bool(text)
    for one in parameters():
        name, stream = one.name, one.stream
        of_gap = name in ("gap_jitter", "wide_gap", "wide_gap_size")
        if of_gap and spacing_range is not None:
            continue
        if name == "wide_gap":
            words = reference.philox_words(seed, image, stream, len(text))
            free = [not marked and " " not in text for marked in gaps_with_marks(style, text, seed, image)]
            values = [unit(word) < share_of(style, name) and here for word, here in zip(words, free, strict=True)]
        elif name in OF_GLYPHS:
            values = [
                unit(block_of(seed, image, stream, DETAIL + k)[0]) < share_of(style, name) for k in range(len(text))
            ]
        elif one.scope == "glyph":
            values = draws_of(style, name, seed, image, len(text))
        else:
            continue
        applies = gaps if of_gap else digits
        if name == "letterform_constancy":
            applies = is_form
        elif name in ("tail", "open_loop"):
            some = "089" if name == "tail" else "09"
            applies = [character in some and not form for character, form in zip(text, is_form, strict=True)]
        expected[name] = [value if does else None for value, does in zip(values, applies, strict=True)]
    if spacing_range is not None:
        smallest, largest = spacing_range
        words = reference.philox_words(seed, image, reference.SPACING, len(text))
        values = [smallest + reference.bounded(word, largest - smallest + 1) for word in words]
        expected["spacing"] = [value if does else None for value, does in zip(values, gaps, strict=True)]
    return expected


@pytest.mark.parametrize("label", ["written", "digits"])
@pytest.mark.parametrize("spacing_range", [None, (-3, 12)])
@pytest.mark.parametrize("style", [NATURAL, DOCUMENT, SAMPLED], ids=["natural", "document", "sampled"])
def test_parameters_are_what_the_streams_say(style, spacing_range, label):
    texts = ["08(9)", "123456789", "1234567890", "", "7", "99-88", "0809", "1 234 567"] * 3
    seed, start = 2**63 + 11, 2**40
    spec = RenderSpec(spacing_range, 80, style=style)
    job = Job(
        FixedNumbers(pack_sequences(texts), start),
        spec,
        28,
        seed,
        Span(start, start + len(texts)),
        label,
        ("glyphs", "parameters"),
    )
    atlas = prepare_atlas(packaged_digits(), style)

    truth = make_chunk(job, atlas, job.span).truth
    forms = make_chunk(replace(job, label="written"), atlas, job.span).truth["forms"]
    names = parameter_names(job.spec.style, job.spec.spacing_range)

    for row, text in enumerate(texts):
        line = expected_line(style, text, seed, start + row, has_spacing=spacing_range is not None)
        assert tuple(line) == names.line
        np.testing.assert_array_equal(truth["parameters"][row], np.array(list(line.values()), np.float32), str(row))
        is_form = forms[row, : len(text)] >= 0
        glyphs = expected_glyphs(style, text, seed, start + row, spacing_range, is_form.tolist())
        assert tuple(glyphs) == names.glyph
        table = np.array(list(glyphs.values()), np.float32).T.reshape(len(text), len(glyphs))  # None becomes NaN
        kept = [label == "written" or character.isdigit() for character in text]
        ours = truth["glyph_parameters"][row]
        np.testing.assert_array_equal(ours[: sum(kept)], table[np.array(kept, bool)], str(row))
        assert np.isnan(ours[sum(kept) :]).all()


def test_parameters_of_the_job_are_the_same_in_all_images():
    def columns_of(seed):
        names = parameter_names(SAMPLED)
        truth = generate_chunk(["12", "0345"] * 20, None, 60, truth="parameters", style=SAMPLED, seed=seed).truth
        return dict(zip(names.line, truth["parameters"].T, strict=True)) | {
            name: values[~np.isnan(values)]
            for name, values in zip(names.glyph, truth["glyph_parameters"].T, strict=True)
        }

    first, second = columns_of(1), columns_of(2)

    for name in ("slant", "rotation", "size_jitter"):
        assert len(set(first[name].tolist())) == len(set(second[name].tolist())) == 1
        assert first[name][0] != second[name][0]
    assert len(set(first["drift"].tolist())) == 40


@pytest.mark.parametrize("fit", ["contain", "stretch"])
@pytest.mark.parametrize("width", [1, 9, 60, 128, 5000])
def test_parameters_of_clean_tell_how_lines_were_fitted(width, fit):
    digits = packaged_digits()
    texts = [text for text in TEXTS if text]

    chunk = generate_chunk(texts, (2, 9), width, truth="parameters", seed=6, fit=fit)

    job = Job(PhoneNumbers(), RenderSpec((2, 9), width, fit), 28, 6, Span(0, 1))
    assert parameter_names(job.spec.style, job.spec.spacing_range).line == ("natural_width", "scale_x", "scale_y")
    assert parameter_names(job.spec.style, job.spec.spacing_range).glyph == ("spacing",)
    for row, text in enumerate(texts):
        placed = glyphs_of_line(text, row, digits, 6, (2, 9))
        natural = placed[-1][0] + placed[-1][1].shape[1]
        across = min(1, width / natural)
        down = max(1, round(28 * across)) / 28 if fit == "contain" else 1
        expected = np.array([natural, across, down], np.float32)
        np.testing.assert_array_equal(chunk.truth["parameters"][row], expected)
        lefts = [left for left, _ in placed]
        gaps = np.diff(lefts) - [glyph.shape[1] for _, glyph in placed[:-1]]
        spacing = chunk.truth["glyph_parameters"][row, :, 0]
        assert spacing[: len(gaps)].tolist() == gaps.tolist()
        assert np.isnan(spacing[len(gaps) :]).all()


def test_a_blank_page_was_not_shrunk():
    truth = generate_chunk([""], (2, 9), 5, truth="parameters", seed=6).truth

    assert truth["parameters"].tolist() == [[0, 1, 1]]


SHARES = {
    "upstroke": "1111",
    "crossbar": "7777",
    "tail": "0898",
    "open_loop": "0909",
    "wide_gap": "1234",
    "inner_marks": "12345",
    "leading_marks": "12",
    "trailing_marks": "12",
    "fill": "123",
    "waves": "12",
    "fibres": "12",
    "ruled": "12",
    "boxed": "12",
    "padding": "12",
    "loose": "12",
    "intrusion": "123",
    "large_start": "123",
    "squeezed_end": "123",
    "letterforms": "1234",
    "links": "0000",
    "old_style": "123",
    "jpeg": "12",
    "auto_levels": "12",
    "invert": "12",
}


@pytest.mark.parametrize("column", SHARES)
def test_a_share_is_1_where_its_effect_is_seen(column):
    name = "end_marks" if column in ("leading_marks", "trailing_marks") else column
    # The other end's marks are seen as well.
    other = {"leading_marks": "trailing_marks", "trailing_marks": "leading_marks"}.get(column)
    style = DOCUMENT.replace(**{name: 0.5}, margin=(0.1, 0.3), jpeg_quality=10, fibre_strength=0.5, ink=0.8)
    style = style.replace(**{one: 0 for one in ("letterforms", "inner_marks", "end_marks") if one != name})
    texts = [SHARES[column]] * 60
    job = Job(PhoneNumbers(), RenderSpec(None, 100, style=style), 28, 0, Span(0, 1))
    names = parameter_names(job.spec.style, job.spec.spacing_range)

    chunk = generate_chunk(texts, None, 100, truth="parameters", style=style, seed=9)
    without = generate_batch(texts, None, 100, style=style.replace(**{name: 0}), seed=9)

    if column in names.line:
        values = chunk.truth["parameters"][:, names.line.index(column)]
        if other is not None:
            is_other = chunk.truth["parameters"][:, names.line.index(other)] == 1
            values, chunk_images, without = values[~is_other], chunk.images[~is_other], without[~is_other]
        else:
            chunk_images = chunk.images
    else:
        # 1 where any of the line's has it
        values = np.nanmax(chunk.truth["glyph_parameters"][:, :, names.glyph.index(column)], axis=1)
        chunk_images = chunk.images
    differs = (chunk_images != without).any(axis=(1, 2))
    assert set(values.tolist()) == {0, 1}
    assert not differs[values == 0].any()
    assert differs[values == 1].mean() > 0.5  # a 1 that has an upstroke of its own gets no other


def test_wide_gaps_are_told_by_their_place():
    style = Handwriting(gap=0.2, wide_gap=0.5, wide_gap_size=2, softness=1.1)
    names = parameter_names(style)

    truth = generate_chunk(["11111"] * 30, None, 300, truth=["boxes", "parameters"], style=style, seed=1).truth

    is_wide = truth["glyph_parameters"][:, :-1, names.glyph.index("wide_gap")] == 1
    gaps = truth["boxes"][:, 1:, 0] - truth["boxes"][:, :-1, 2]
    assert is_wide.any()
    assert gaps[is_wide].min() > gaps[~is_wide].max() + 10
