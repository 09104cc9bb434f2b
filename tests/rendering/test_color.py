"""Images in colour: as bright as grey ones, with ink, paper and rules of some tone, wherever images are made."""

import numpy as np
import pytest
from PIL import Image

from number_generator import Handwriting, generate_batch, generate_chunk, preview, stream
from number_generator.errors import SpecError
from number_generator.job.handwriting import STYLES
from number_generator.rendering.bound_job import make_job
from number_generator.rendering.ground_truth import parameter_names

LINES = [f"{k:06d}" for k in range(300, 360)]
WEIGHTS = np.array([0.299, 0.587, 0.114])


def draw(style, lines=LINES, width=100, **options):
    return generate_batch(lines, None, width, style=style, seed=4, color=True, **options)


def test_an_image_is_as_bright_as_the_grey_one():
    for name in ("natural", "document"):
        grey = generate_batch(LINES, None, 100, style=name, seed=4)
        coloured = draw(name)
        assert coloured.shape == (*grey.shape, 3)
        away = coloured @ WEIGHTS - grey
        assert np.abs(away).mean() < 8, name
        assert np.abs(np.median(away, axis=(1, 2))).max() < 16, name
        spread = np.ptp(coloured.astype(int), axis=-1)
        assert spread.max() > 100  # it has colours
        # `natural` is written on white, which stays white.
        assert (coloured[grey == 255] == 255).all() or name == "document"


def test_pens_have_their_colour():
    plain = STYLES["natural"].replace(ink=0.8, ink_drift=0, pen_blue=0, pen_red=0)
    for changes, brightest in [({"pen_blue": 1.0}, 2), ({"pen_red": 1.0}, 0), ({}, None)]:
        images = draw(plain.replace(**changes)).astype(int)
        ink = np.array([image[(image @ WEIGHTS) < 120].mean(axis=0) for image in images])
        if brightest is None:
            assert np.ptp(ink, axis=1).max() < 40  # black pens are nearly so
        else:
            others = np.delete(ink, brightest, axis=1).max(axis=1)
            assert (ink[:, brightest] > others + 5).all(), changes
        assert len(np.unique(ink.round(), axis=0)) > 50  # no two are quite the same
    mixed = draw(plain.replace(pen_blue=0.5)).astype(int)
    blue = [image[(image @ WEIGHTS) < 120].mean(axis=0) @ [-1, 0, 1] > 40 for image in mixed]
    assert 0.3 < np.mean(blue) < 0.7


def test_paper_and_rules_have_a_tone():
    plain = STYLES["clean"].replace(gap=0.3, paper=0.7)
    blank = [""] * 60
    untinted = draw(plain.replace(paper_tint=0), blank)
    assert (untinted == 179).all()
    tinted = draw(plain.replace(paper_tint=1), blank).astype(int)
    assert (np.ptp(tinted[:, 0, 0], axis=-1) > 5).mean() > 0.9
    assert np.abs(tinted @ WEIGHTS - 178.5).max() < 2
    ruled = plain.replace(paper_tint=0, ruled=1, rule_strength=0.5)
    for share in (0.0, 1.0):
        pages = draw(ruled.replace(rule_colour=share), blank).astype(int)
        has_colour = np.ptp(pages, axis=-1).max(axis=(1, 2)) > 30
        assert has_colour.mean() == share


def test_own_paper_keeps_its_colours(tmp_path):
    levels = np.random.default_rng(1).integers(100, 255, (60, 300, 3), np.uint8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    style = STYLES["natural"].replace(paper_images=tmp_path, own_paper_scale=1)
    known = {tuple(row[:5].ravel()) for line in levels for row in np.lib.stride_tricks.sliding_window_view(
        line, (5, 3)).reshape(-1, 5, 3)}  # fmt: skip
    known |= {tuple(np.array(row).reshape(5, 3)[::-1].ravel()) for row in known}

    pages = draw(style, [""] * 12)

    assert all(tuple(page[y, x : x + 5].ravel()) in known for page in pages for y, x in ((0, 0), (27, 95), (13, 40)))
    grey = generate_batch([""] * 12, None, 100, style=style, seed=4)
    assert np.abs(pages @ WEIGHTS - grey).max() < 2  # the same cut


def test_image_i_depends_on_seed_and_i_alone_and_grey_stays_the_default():
    whole = draw("document")
    assert (draw("document", LINES[7:12], start=7, workers=1) == whole[7:12]).all()
    out = np.empty((60, 28, 100, 3), np.uint8)
    assert draw("document", out=out) is out
    assert (out == whole).all()
    with pytest.raises(SpecError, match=r"out is an array .*: give a uint8 array of shape \(60, 28, 100, 3\)"):
        draw("document", out=out[..., 0])
    with pytest.raises(SpecError, match=r"color is 'yes'"):
        make_job(LINES, None, 100, style="document", color="yes")
    jobs = [make_job(LINES, None, 100, style="document", seed=1, color=color) for color in (False, True)]
    assert jobs[0].compute_fingerprint() != jobs[1].compute_fingerprint()


def test_clean_is_the_same_grey_in_all_channels():
    grey = generate_batch(LINES, (5, 10), 100, seed=4)

    assert (generate_batch(LINES, (5, 10), 100, seed=4, color=True) == grey[..., None]).all()


def test_pages_as_wide_as_their_lines_and_higher_ones_are_in_colour_too():
    for style in ("clean", "natural", "document"):
        chunk = generate_chunk([*LINES[:8], "1"], None, "auto", style=style, seed=4, color=True, image_height=40)
        grey = generate_chunk([*LINES[:8], "1"], None, "auto", style=style, seed=4, image_height=40)

        assert (chunk.sizes == grey.sizes).all()
        assert chunk.images.shape == (*grey.images.shape, 3)
        assert np.abs(chunk.images @ WEIGHTS - grey.images).mean() < 8
        for image, (_, width) in zip(chunk.images, chunk.sizes, strict=True):
            assert (image[:, width:] == 255).all()


def test_truth_streams_and_sheets_know_colour(tmp_path):
    chunk = generate_chunk(LINES, None, 100, style="document", seed=4, color=True, truth=["parameters", "masks"])
    names = parameter_names("document", color=True).line
    assert chunk.truth["parameters"].shape == (60, len(names))
    assert {"pen_blue", "pen_red", "paper_tint", "rule_colour"} == set(names) - set(parameter_names("document").line)
    assert chunk.truth["masks"].shape[2:] == (28, 100)
    assert set(chunk.truth["parameters"][:, names.index("pen_blue")]) == {0, 1}

    with stream(LINES, style="document", batch_size=7, count=20, seed=4, color=True) as batches:
        made = np.concatenate([images for images, _ in batches])
    assert (made == generate_chunk(LINES, style="document", seed=4, color=True).images[:20]).all()
    assert preview(Handwriting.named("natural"), tmp_path / "a.png", count=4, color=True).shape[2:] == (3,)
