"""Real lines among drawn images: in their places, whatever makes them, with labels and what is known of them."""

import dataclasses
import pickle

import numpy as np
import pytest

from number_generator import GenericDataset, Pattern, RealLines, stream
from number_generator.errors import SpecError
from number_generator.job.spec import Span
from number_generator.rendering.bound_job import make_job

STILL = RealLines(
    shift=0, scale=1, squeeze=1, slant=0, rotation=0, warp=0, thickness=0, ink=1, paper=1, blur=0, noise=0, jpeg=0
)


def make_lines(count=7):
    """Return lines that are told apart by the place of a bar, labelled by their numbers; each is 28 px high."""
    images = []
    for number in range(count):
        image = np.full((28, 40 + 2 * number), 255, np.uint8)
        image[4:24, 4 + 3 * number : 8 + 3 * number] = 0
        images.append(image)
    return GenericDataset(images, [f"{number}-{number}" for number in range(count)])


def make(style="natural", count=300, **options):
    options = {"seed": 5, "real": make_lines(), "real_share": 0.2, **options}
    return make_job(Pattern(r"\d{2,5}|\d-\d"), None, 60, count=count, style=style, **options)


@pytest.mark.parametrize("style", ["clean", "natural", "document"])
def test_drawn_images_are_as_without_real_lines_and_real_ones_are_the_lines(style):
    mixed, plain = make(style, real_lines=STILL).make_chunk(), make(style, real=None).make_chunk()
    real = mixed.truth["is_real"]
    assert real.sum() == pytest.approx(60, abs=8)
    assert np.array_equal(real, mixed.truth["real_lines"] >= 0)
    assert np.array_equal(mixed.images[~real], plain.images[~real])
    assert np.array_equal(mixed.labels[~real], plain.labels[~real])
    images, _ = make_lines().get_data()
    for image, label, line in zip(mixed.images[real], mixed.labels[real], mixed.truth["real_lines"][real], strict=True):
        assert label == b"%d-%d" % (line, line)
        page = np.full((28, 60), 255)
        left = (60 - images[line].shape[1]) / 2
        page[:, int(left) : int(left) + images[line].shape[1]] = images[line]
        assert np.abs(image.astype(int) - page).max() <= 50  # at edges, as the line is kept at twice its density
        assert np.abs(image.astype(int) - page).mean() < 2


def test_image_i_is_the_same_in_any_span_any_thread_and_after_pickling():
    bound = make("document")
    whole = bound.make_chunk()
    for part in (Span(0, 1), Span(13, 200), Span(199, 300)):
        chunk = bound.make_chunk(part, workers=2)
        assert np.array_equal(chunk.images, whole.images[part.start : part.stop])
        assert np.array_equal(chunk.labels, whole.labels[part.start : part.stop])
        assert np.array_equal(chunk.truth["real_lines"], whole.truth["real_lines"][part.start : part.stop])
    again = pickle.loads(pickle.dumps(bound)).make_chunk(Span(50, 90))
    assert np.array_equal(again.images, whole.images[50:90])
    assert bound.compute_fingerprint() != make("document", real_share=0.3).compute_fingerprint()
    assert bound.compute_fingerprint() != make("document", real_lines={"slant": 0}).compute_fingerprint()


def test_a_line_is_varied_anew_each_time():
    chunk = make("document").make_chunk()
    first = chunk.images[chunk.truth["real_lines"] == 3]
    assert len(first) == pytest.approx(60 / 7, abs=2)
    assert len({image.tobytes() for image in first}) == len(first)


def test_pages_as_wide_as_their_lines_hold_real_ones_at_their_own_width():
    bound = make_job(Pattern(r"\d-\d"), None, "auto:50", count=200, style="natural", seed=1, real=make_lines(),
                     real_share=0.5, real_lines=STILL)  # fmt: skip
    chunk = bound.make_chunk()
    own = np.minimum([image.shape[1] for image, _ in make_lines()], 50)
    for image, (height, width), line in zip(chunk.images, chunk.sizes, chunk.truth["real_lines"], strict=True):
        assert height == 28
        assert (image[:, width:] == 255).all()
        if line >= 0:
            assert width == own[line]


def test_what_is_not_known_of_real_lines_says_so():
    chunk = make(truth=["boxes", "glyphs", "parameters", "masks"]).make_chunk()
    real, truth = chunk.truth["is_real"], chunk.truth
    longest = max(map(len, chunk.labels.tolist()))
    assert truth["boxes"].shape == (300, longest, 4)
    for name, fill in (("boxes", -1), ("glyphs", -1), ("writers", -1), ("masks", 0)):
        assert (truth[name][real] == fill).all()
        assert (truth[name][~real] != fill).any()
    for name in ("parameters", "glyph_parameters"):
        assert np.isnan(truth[name][real]).all()


def test_labels_are_in_the_form_of_the_job():
    chunk = make(label="digits").make_chunk()
    real = chunk.truth["is_real"]
    assert set(chunk.labels[real].tolist()) == {b"%d%d" % (k, k) for k in range(7)}
    with pytest.raises(SpecError, match=r"the label of real line 0 is '0-0', and no number of the job holds '-'"):
        make_job(Pattern(r"\d{3}"), None, 60, count=5, style="natural", real=make_lines())


def test_a_stream_tells_which_images_are_real_and_resumes():
    options = {"batch_size": 32, "count": 160, "style": "natural", "seed": 2, "real": make_lines(), "workers": 1}
    numbers = Pattern(r"\d{2,5}|\d-\d")
    with stream(numbers, None, 60, **options) as batches:
        whole = list(batches)
    assert [sum(truth["is_real"].sum() for _, _, truth in whole[k : k + 2]) for k in (0, 2)] == [8, 8]
    with stream(numbers, None, 60, **options) as batches:
        next(batches)
        state = batches.state_dict()
    with stream(numbers, None, 60, **options) as batches:
        batches.load_state_dict(state)
        assert np.array_equal(next(batches)[0], whole[1][0])
    with stream(numbers, None, 60, **options | {"real": make_lines(6)}) as batches, pytest.raises(SpecError):
        batches.load_state_dict(state)


def test_lines_that_are_held_out_never_come():
    bound = make(real_holdout=0.4, count=1000)
    assert len(bound.job.real.lines) == 4
    assert len(set(bound.make_chunk().truth["real_lines"].tolist())) == 5
    with pytest.raises(SpecError, match="leaves none of 7 lines"):
        make(real_holdout=1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"real_share": 1.5}, "real_share is 1.5"),
        ({"real_holdout": -1}, "real_holdout is -1"),
        ({"real_balance": "x"}, "real_balance is 'x'"),
        ({"real_lines": {"slnt": 0}}, "there is no parameter of real lines 'slnt': did you mean 'slant'?"),
        ({"real_lines": 5}, "real_lines is 5"),
        ({"real": 5}, "real is 5"),
    ],
)
def test_a_wrong_argument_is_named(options, message):
    with pytest.raises(SpecError) as raised:
        make(**options)
    assert message in str(raised.value)


def test_how_lines_are_varied_is_written_and_read(tmp_path):
    lines = RealLines(slant=(-0.3, 0.1), jpeg=0.5)
    assert RealLines().with_settings(lines.settings()) == lines
    assert RealLines.from_dict(lines.to_dict()) == lines
    (tmp_path / "real.toml").write_text("slant = [-0.3, 0.1]\njpeg = 0.5\n", encoding="utf-8")
    assert RealLines.from_file(tmp_path / "real.toml") == lines
    assert dataclasses.replace(lines, slant=0).slant.bounds() == (0.0, 0.0)
