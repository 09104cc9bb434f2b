"""Paper, ink and scan: what each parameter does to a page, and that nothing else does."""

import io
import itertools
import os
import platform
import subprocess
import sys
from pathlib import Path

import llvmlite.binding
import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from number_generator import handwriting
from number_generator._kernels import draws, paper
from number_generator.handwriting import STYLES, Normal, parameters

SHAPE = (28, 128)
BOX = (10.0, 4.0, 118.0, 24.0)
BASELINE = 23.0
CLEAN = STYLES["clean"]
SEED = np.uint64(7)
GUARD = 77

# Each feature at a strength at which it must show, on paper that leaves room on either side.
PAPER_FEATURES = {
    "gradient": {"gradient": 0.4},
    "texture": {"texture": 0.2},
    "waves": {"waves": 1.0, "wave_strength": 0.3},
    "fibres": {"fibres": 1.0, "fibre_strength": 0.3},
    "ruled": {"ruled": 1.0, "rule_strength": 0.6},
    "boxed": {"boxed": 1.0, "rule_strength": 0.6},
}
SCAN_FEATURES = {
    "speckle": {"speckle": 5.0},
    "blur": {"blur": 0.7},
    "noise": {"noise": 0.05},
    "jpeg": {"jpeg": 1.0, "jpeg_quality": 30.0},
    "auto_levels": {"auto_levels": 1.0},
    "invert": {"invert": 1.0},
}
INK_FEATURES = {
    "ink": {"ink": 0.5},
    "ink_drift": {"ink_drift": 0.5},
    "ink_texture": {"ink_texture": 0.5},
    "padding": {"padding": 1.0},
}


def table_of(style):
    """Give a style as the kernels read it."""
    table = np.zeros((draws.TABLE_ROWS, draws.ROW_SIZE))
    for parameter in parameters():
        value = getattr(style, parameter.name)
        if isinstance(value, str):
            continue
        job = float(value.per_job)
        if isinstance(value, Normal):
            table[parameter.stream] = (draws.NORMAL, value.mean, value.sd, value.low, value.high, job)
        elif value.low == value.high:
            table[parameter.stream] = (draws.CONSTANT, value.low, 0, value.low, value.high, 0)
        else:
            table[parameter.stream] = (draws.UNIFORM, 0, 0, value.low, value.high, job)
    return table


def draw_paper(style, image=0, shape=SHAPE, box=BOX, baseline=BASELINE):
    """Give the page that `draw_paper` fills, whatever it held before."""
    page = paper.make_page(*shape)
    page[:] = 123
    paper.draw_paper(SEED, np.uint64(image), table_of(style), shape, box, baseline, page, paper.make_scratch(*shape))
    return page.reshape(shape)


def ink_page(style, cover, page, image=0, box=BOX):
    """Give a page with ink on it."""
    out = paper.make_page(*cover.shape)
    out[:] = np.ravel(page)
    paper.ink_page(
        SEED, np.uint64(image), table_of(style), cover.shape, box, np.ravel(cover), out,
        paper.make_scratch(*cover.shape),
    )  # fmt: skip
    return out.reshape(cover.shape)


def scan_page(style, page, image=0):
    """Give a page as bytes."""
    page = np.asarray(page)
    copy = paper.make_page(*page.shape)
    copy[:] = page.ravel()
    out = np.full(page.size + 8, GUARD, np.uint8)
    paper.scan_page(SEED, np.uint64(image), table_of(style), page.shape, copy, out, 3, paper.make_scratch(*page.shape))
    assert (out[:3] == GUARD).all()
    assert (out[-5:] == GUARD).all()
    return out[3:-5].reshape(page.shape)


def ink_plain(style, cover, image=0):
    out = np.full(cover.size + 8, GUARD, np.uint8)
    paper.ink_plain(
        SEED, np.uint64(image), table_of(style), cover.shape, np.ravel(cover), out, 3,
        paper.make_scratch(*cover.shape),
    )  # fmt: skip
    assert (out[:3] == GUARD).all()
    assert (out[-5:] == GUARD).all()
    return out[3:-5].reshape(cover.shape)


def draw(style, cover, image=0):
    """Give all three steps of one line."""
    page = draw_paper(style, image, cover.shape)
    return scan_page(style, ink_page(style, cover, page, image), image)


@pytest.fixture(scope="module")
def cover():
    """Ink of every strength: soft ovals, all within BOX, and every byte once."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rings = np.abs(np.hypot((rows - 14) / 9, (columns % 20 - 10) / 6) - 0.8)
    ink = np.clip(1.5 - 5 * rings, 0, 1) * ((columns >= 12) & (columns < 116) & (rows >= 5) & (rows < 23))
    cover = np.rint(255 * ink).astype(np.uint8)
    cover[14, 20:84] = np.arange(64)
    cover[15, 20:84] = np.arange(64, 128)
    cover[16, 20:84] = np.arange(128, 192)
    cover[17, 20:84] = np.arange(192, 256)
    return cover


def happening(name, images=range(4000)):
    """Give how many lines of a share of 0.3 a kernel takes."""
    style = CLEAN.replace(**{name: 0.3})
    stream = np.int64(next(parameter.stream for parameter in parameters() if parameter.name == name))
    return np.mean([draws.happens(SEED, np.uint64(image), table_of(style), stream) for image in images])


# The contract


def test_streams_are_those_that_handwriting_declares():
    declared = {
        parameter.name.upper(): parameter.stream
        for parameter in parameters()
        if parameter.group in ("Ink", "Paper", "Scan") and parameter.name != "softness"  # of the strokes' coverage
    }

    assert {name: int(value) for name, value in vars(paper).items() if name in declared} == declared
    named = {name: value for name, value in vars(paper).items() if name.isupper() and not name.startswith("_")}
    assert set(named) - {"CONSTANT"} == set(declared)


@pytest.mark.parametrize("image", [0, 1, 2**40])
def test_neutral_parameters_give_the_ink_exactly(cover, image):
    assert (draw(CLEAN, cover, image) == 255 - cover).all()
    assert (ink_plain(CLEAN, cover, image) == 255 - cover).all()


@pytest.mark.parametrize(
    "ink",
    [
        {},
        {"ink": 0.37},
        {"ink": (0.3, 0.9), "ink_drift": 0.6},
        {"ink_texture": 0.4},
        {"ink_drift": 0.3, "ink_texture": 1},
    ],
)
def test_ink_on_plain_paper_is_the_same_by_either_way(cover, ink):
    style = CLEAN.replace(**ink)

    for image in range(20):
        assert (ink_plain(style, cover, image) == draw(style, cover, image)).all(), image


@pytest.mark.parametrize("feature", [*PAPER_FEATURES, *SCAN_FEATURES, "paper", "padding"])
def test_a_page_is_needed_for_whatever_is_not_neutral(feature):
    changes = {**PAPER_FEATURES, **SCAN_FEATURES, "paper": {"paper": 0.9}, "padding": {"padding": 0.1}}[feature]

    assert paper.needs_page(table_of(CLEAN.replace(**changes)))


def test_no_page_is_needed_for_ink_alone_or_for_strengths_of_what_is_off():
    assert not paper.needs_page(table_of(CLEAN))
    style = CLEAN.replace(ink=(0.3, 0.8), ink_drift=0.4, ink_texture=(0, 0.2), softness=2.0)
    style = style.replace(wave_strength=0.5, fibre_strength=0.5, rule_strength=0.9, jpeg_quality=20)
    assert not paper.needs_page(table_of(style))
    assert not paper.needs_page(table_of(STYLES["natural"]))
    assert paper.needs_page(table_of(STYLES["document"]))


@pytest.mark.parametrize("feature", ["waves", "fibres", "ruled", "boxed"])
def test_a_share_is_the_share_of_the_lines(feature):
    style = CLEAN.replace(paper=0.8, **{feature: 0.3})

    shown = np.mean([(draw_paper(style, image) != np.float32(0.8 * 255)).any() for image in range(600)])

    # Three standard deviations of 600 draws are 0.056; a few fibres lie outside of the page.
    assert abs(shown - 0.3) < 0.06
    assert shown <= happening(feature, range(600)) + 1e-9


# Paper


@pytest.mark.parametrize("feature", PAPER_FEATURES)
def test_what_paper_has_is_drawn_anew_for_each_line(feature):
    style = CLEAN.replace(paper=0.9, **PAPER_FEATURES[feature])

    pages = [draw_paper(style, image) for image in range(6)]

    for number, page in enumerate(pages):
        assert np.ptp(page) > 5
        assert (page >= 0).all()
        assert (page <= 255).all()
        assert (draw_paper(style, number) == page).all()
        assert not any((page == other).all() for other in pages[:number])


def test_paper_is_as_bright_as_told():
    assert (draw_paper(CLEAN.replace(paper=0.6)) == np.float32(153)).all()


def test_a_gradient_is_a_slope_that_covers_its_strength():
    for image in range(20):
        page = draw_paper(CLEAN.replace(gradient=0.4), image).astype(float)

        down, along = np.gradient(page)
        assert np.ptp(along) < 1e-3
        assert np.ptp(down) < 1e-3
        assert page.max() <= 255.001
        assert np.ptp(page) == pytest.approx(0.4 * 255, rel=0.05)


def test_gradients_go_every_way():
    slopes = [np.gradient(draw_paper(CLEAN.replace(gradient=0.4), image).astype(float)) for image in range(40)]

    signs = {(bool(down.mean() > 0), bool(along.mean() > 0)) for down, along in slopes}
    assert len(signs) == 4


def test_texture_is_smooth_and_darkens_by_no_more_than_its_strength():
    spreads = []
    for image in range(40):
        page = draw_paper(CLEAN.replace(texture=0.2), image).astype(float)

        assert page.max() <= 255.001
        assert page.min() >= 255 * 0.8 - 0.001
        # The wavelength is at least 8 px, and a wave's steepest slope 4 / wavelength of its height.
        assert np.abs(np.diff(page, axis=1)).max() < 0.2 * 255 * 4 / 8
        assert np.abs(np.diff(page, axis=0)).max() < 0.2 * 255 / 3
        spreads.append(page.std())
    assert 4 < np.mean(spreads) < 15


def test_waves_have_a_period_of_3_to_20_px():
    periods = []
    for image in range(60):
        page = draw_paper(CLEAN.replace(waves=1, wave_strength=0.3), image, shape=(128, 128)).astype(float)
        power = np.abs(np.fft.fft2(page - page.mean())) ** 2
        down, along = np.unravel_index(power.argmax(), power.shape)
        frequency = np.hypot(min(down, 128 - down), min(along, 128 - along)) / 128
        periods.append(1 / frequency)

    assert 2.5 < min(periods) < 5
    assert 10 < max(periods) < 23


@pytest.mark.parametrize("strength", [0.1, 0.3])
def test_waves_darken_by_about_their_strength(strength):
    depths = []
    for image in range(40):
        page = draw_paper(CLEAN.replace(waves=1, wave_strength=strength), image)
        assert page.max() <= 255
        depths.append(255 - page.min())

    # More than one family adds up where lines cross.
    assert 0.6 * strength * 255 < min(depths)
    assert max(depths) <= 2 * strength * 255
    assert np.median(depths) == pytest.approx(strength * 255, rel=0.5)


def test_fibres_are_thin_short_and_both_darker_and_brighter():
    style = CLEAN.replace(paper=0.8, fibres=1, fibre_strength=0.15)
    counts, darker, brighter = [], 0, 0
    for image in range(40):
        change = draw_paper(style, image).astype(float) - 204
        marked = np.abs(change) > 2
        assert 0.003 < marked.mean() < 0.25
        # Nothing is left of a thin stroke when a pixel at its edge is taken away; crossings may leave a few.
        assert ndimage.binary_erosion(marked, np.ones((3, 3)), iterations=2).mean() < 0.002
        counts.append(ndimage.label(marked, np.ones((3, 3)))[1])
        darker += (change < -2).sum()
        brighter += (change > 2).sum()

    assert min(counts) >= 3
    assert max(counts) <= 30
    assert darker > brighter > 0.1 * darker


def test_a_ruled_line_runs_near_the_baseline():
    style = CLEAN.replace(ruled=1, rule_strength=0.8)
    gaps = 0
    for image in range(80):
        page = draw_paper(style, image, shape=(40, 128), box=(10.0, 14.0, 118.0, 30.0), baseline=29.0)
        dark = 255 - page
        below = dark[25:]
        assert dark[20:25].max() == 0
        assert 60 < below.max() <= 0.8 * 255 + 0.01
        rows = np.flatnonzero(below.sum(axis=1))
        assert np.ptp(rows) <= 2 + 0.03 / 2 * 128 + 2  # its width, its slope
        gaps += (below.max(axis=0) < 20).any()

    assert 15 < gaps < 60  # dashed or dotted ones


def test_a_second_rule_stands_above_the_digits_at_times():
    style = CLEAN.replace(ruled=1, rule_strength=0.8)

    above = [
        (draw_paper(style, image, shape=(60, 128), box=(10.0, 30.0, 118.0, 46.0), baseline=45.0)[:38] < 250).any()
        for image in range(100)
    ]

    assert 15 < sum(above) < 60


def test_boxes_show_one_to_four_sides_around_the_ink():
    style = CLEAN.replace(boxed=1, rule_strength=0.8)
    box = (40.0, 20.0, 100.0, 40.0)
    sides = []
    for image in range(120):
        dark = draw_paper(style, image, shape=(60, 140), box=box) < 200
        # A side is dark all the way along the middle of the ink; dividers never are across it.
        top, bottom = dark[:24, 45:95].any(axis=0).mean(), dark[37:, 45:95].any(axis=0).mean()
        left, right = dark[26:34, :40].any(axis=1).mean(), dark[26:34, 100:].any(axis=1).mean()
        sides.append((top > 0.9, bottom > 0.9, left > 0.9, right > 0.9))

    shown = {sum(each) for each in sides}
    assert {1, 2, 3, 4} <= shown
    for side in zip(*sides, strict=True):
        assert 0.3 < np.mean(side) < 0.8
    assert np.mean([not any(each) for each in sides]) < 0.05


def test_a_box_may_have_dividers():
    style = CLEAN.replace(boxed=1, rule_strength=0.8)
    box = (40.0, 20.0, 100.0, 40.0)

    divided = [(draw_paper(style, image, shape=(60, 140), box=box)[34:37, 45:95] < 200).any() for image in range(120)]

    assert 10 < sum(divided) < 50


def test_strengths_of_0_leave_the_paper_as_it_is():
    off = {"wave_strength": 0, "fibre_strength": 0, "rule_strength": 0}
    style = CLEAN.replace(paper=0.7, waves=1, fibres=1, ruled=1, boxed=1, **off)

    assert (draw_paper(style) == np.float32(0.7 * 255)).all()


# Ink


def test_ink_is_as_much_darker_than_the_paper_as_told(cover):
    page = ink_page(CLEAN.replace(ink=0.4), cover, np.full(SHAPE, 200.0))

    np.testing.assert_allclose(page, 200 - 0.4 * cover.astype(float), atol=1e-3)


def test_on_paper_darker_than_the_ink_is_strong_ink_is_black_and_soft_edges_stay_soft(cover):
    page = ink_page(CLEAN.replace(ink=0.9), cover, np.full(SHAPE, 100.0))

    np.testing.assert_allclose(page, 100 - cover * (100 / 255), atol=1e-3)


def test_ink_drift_varies_the_strength_along_the_line_and_not_across():
    full = np.full((28, 512), 255, np.uint8)
    spans = []
    for image in range(40):
        strength = 1 - ink_page(CLEAN.replace(ink_drift=0.6), full, np.full(full.shape, 255.0), image) / 255

        assert (strength == strength[0]).all()
        assert np.abs(np.diff(strength[0])).max() < 0.04
        assert strength.min() >= 0.4 - 1e-5
        assert strength.max() <= 1 + 1e-5
        spans.append(np.ptp(strength))
    assert np.mean(spans) > 0.35


def test_ink_texture_takes_grains_of_the_ink_and_more_at_edges():
    strong = np.full((64, 256), 255, np.uint8)
    thin = np.full((64, 256), 100, np.uint8)
    style = CLEAN.replace(ink_texture=0.4)

    of_strong = 1 - ink_page(style, strong, np.full(strong.shape, 255.0)) / 255.0
    of_thin = (1 - ink_page(style, thin, np.full(thin.shape, 255.0)) / 255.0) * 255 / 100

    assert of_strong.min() >= 0.6 - 1e-5
    assert of_strong.max() <= 1 + 1e-5
    assert of_strong.mean() == pytest.approx(0.8, abs=0.01)
    assert of_strong.std() == pytest.approx(0.4 * 0.28, rel=0.15)
    np.testing.assert_allclose(1 - of_thin, (1 - of_strong) * (1.5 - 0.5 * 100 / 255), atol=1e-5)
    # Neighbours are alike, pixels two apart are not.
    centred = of_strong - of_strong.mean()
    for near, far in ((centred[1:] * centred[:-1], centred[2:] * centred[:-2]),
                      (centred[:, 1:] * centred[:, :-1], centred[:, 2:] * centred[:, :-2])):  # fmt: skip
        assert 0.35 < near.mean() / centred.var() < 0.6
        assert abs(far.mean() / centred.var()) < 0.1


def test_padding_is_flat_beyond_margins_and_keeps_the_paper_between(cover):
    style = CLEAN.replace(paper=0.8, texture=0.2, waves=1, padding=1)
    whites = 0
    for image in range(40):
        before = draw_paper(style, image)

        after = ink_page(style, np.zeros_like(cover), before, image, box=(50.0, 4.0, 90.0, 24.0))

        assert (after[:, 50:90] == before[:, 50:90]).all()
        left, right = after[:, : 50 - 9], after[:, 92 + 9 :]
        assert np.ptp(np.concatenate([left.ravel(), right.ravel()])) == 0
        level = left[0, 0]
        whites += level == 255
        assert level == 255 or 0.9 * before.mean() - 8 < level < 1.06 * before.mean() + 8
    assert 12 < whites < 36


def test_padding_keeps_all_the_ink(cover):
    page = np.full(SHAPE, 255.0)

    padded = ink_page(CLEAN.replace(padding=1), cover, page, box=(60.0, 4.0, 70.0, 24.0))

    assert (padded == ink_page(CLEAN, cover, page)).all()


# Scan


def test_speckles_are_as_many_as_told_on_average():
    page = np.full((64, 256), 140.0)
    style = CLEAN.replace(speckle=0.5)

    spots = [(scan_page(style, page, image) != 140) for image in range(60)]
    counts = [ndimage.label(each, np.ones((3, 3)))[1] for each in spots]

    # 0.5 for 1,000 px are 8.2 for 16,384; few overlap, none is larger than 1.3 px and its soft edge.
    assert np.mean(counts) == pytest.approx(8.2, rel=0.1)
    sizes = [np.bincount(ndimage.label(each, np.ones((3, 3)))[0].ravel())[1:].max() for each in spots]
    assert np.median(sizes) < 14
    assert any((scan_page(style, page, image) > 140).any() for image in range(5))
    assert any((scan_page(style, page, image) < 140).any() for image in range(5))


def test_a_fraction_of_a_speckle_is_a_chance():
    page = np.full((10, 50), 140.0)

    shown = np.mean([(scan_page(CLEAN.replace(speckle=0.6), page, image) != 140).any() for image in range(500)])

    assert 0.2 < shown < 0.37


def blurred(page, deviation):
    """Blur the obvious way."""
    reach = np.arange(-8, 9)
    weights = np.exp(-(reach**2) / (2 * deviation**2))
    for axis in (0, 1):
        page = ndimage.correlate1d(page, weights / weights.sum(), axis, mode="nearest")
    return page


@pytest.mark.parametrize("deviation", [0.15, 0.3, 0.42, 0.5, 0.7, 0.8])
@pytest.mark.parametrize("shape", [SHAPE, (4, 1), (5, 3), (6, 2), (28, 4), (9, 70)])
def test_blur_is_gaussian(deviation, shape):
    page = np.random.default_rng(5).uniform(0, 255, shape)

    result = scan_page(CLEAN.replace(blur=deviation), page).astype(float)

    assert np.abs(result - blurred(page, deviation)).max() < 0.8  # and half of that is rounding


@pytest.mark.parametrize("deviation", [0.3, 0.6, 0.79, 0.81, 0.9, 1.0, 1.13, 1.14, 1.3, 1.5])
def test_blur_spreads_a_line_by_its_standard_deviation(deviation):
    page = np.zeros((28, 41))
    page[:, 20] = 250

    profile = scan_page(CLEAN.replace(blur=deviation), page)[14].astype(float)

    spread = np.sqrt((profile * (np.arange(41) - 20) ** 2).sum() / profile.sum())
    of_samples = blurred(page, deviation)[14]
    expected = np.sqrt((of_samples * (np.arange(41) - 20) ** 2).sum() / of_samples.sum())
    assert spread == pytest.approx(expected, rel=0.03)
    assert profile.sum() == pytest.approx(250, rel=0.02)


@pytest.mark.parametrize("deviation", [0.81, 1.0, 1.2, 1.5])
def test_a_wide_blur_of_ink_is_nearly_gaussian(cover, deviation):
    page = 255.0 - cover

    difference = np.abs(scan_page(CLEAN.replace(blur=deviation), page) - blurred(page, deviation))

    assert difference.max() < 8
    assert difference.mean() < 0.8


@pytest.mark.parametrize("shape", [(4, 1), (4, 3), (5, 3), (7, 2)])
@pytest.mark.parametrize("deviation", [0.5, 1.5])
def test_blur_leaves_a_flat_page_flat(shape, deviation):
    assert (scan_page(CLEAN.replace(blur=deviation), np.full(shape, 200.0)) == 200).all()


def test_blur_takes_the_same_rows_and_columns_alike():
    page = np.random.default_rng(6).uniform(0, 255, (40, 40)).astype(np.float32)
    style = CLEAN.replace(blur=0.6)

    difference = scan_page(style, page).astype(int) - scan_page(style, page.T).T

    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("deviation", [0.02, 0.08])
def test_noise_has_the_standard_deviation_told_and_no_pattern(deviation):
    page = np.full((64, 256), 128.0)
    alike = []
    for image in range(40):
        noise = scan_page(CLEAN.replace(noise=deviation), page, image) - 128.0

        assert noise.std() == pytest.approx(deviation * 255, rel=0.06)
        assert abs(noise.mean()) < deviation * 255 / 10
        variance = noise.var()
        alike.append((noise[:, 1:] * noise[:, :-1]).mean() / variance)
        assert abs((noise[1:] * noise[:-1]).mean() / variance) < 0.15
        assert abs((noise[:, 2:] * noise[:, :-2]).mean() / variance) < 0.1
        assert np.abs(noise).max() > 2 * deviation * 255

    # In half of the lines, neighbours are alike by a third.
    alike = np.array(alike)
    assert ((np.abs(alike) < 0.1) | (np.abs(alike - 1 / 3) < 0.1)).all()
    assert 10 <= (alike > 0.2).sum() <= 30


def test_noise_never_repeats_itself_elsewhere_on_the_page():
    page = np.full(SHAPE, 128.0)
    for image in range(6):
        noise = scan_page(CLEAN.replace(noise=0.1), page, image) - 128.0
        power = np.abs(np.fft.fft2(noise - noise.mean(), (56, 256))) ** 2
        correlation = np.fft.ifft2(power).real / power.mean()
        correlation[0, [0, 1, -1]] = 0

        assert np.abs(correlation).max() < 0.25


@pytest.mark.parametrize("quality", [5, 10, 30, 49, 50, 75, 95, 100])
@pytest.mark.parametrize("shape", [SHAPE, (32, 64), (9, 70), (5, 3), (4, 1), (28, 129)])
def test_jpeg_is_what_pillow_makes_of_it(cover, quality, shape):
    random = np.random.default_rng(quality)
    noisy = np.clip(200 - 0.6 * np.resize(cover, shape) + random.normal(0, 12, shape), 0, 255)
    page = np.rint(noisy).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(page).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        expected = np.asarray(image).astype(int)

    compressed = scan_page(CLEAN.replace(jpeg=1, jpeg_quality=quality), page.astype(np.float32)).astype(int)

    # libjpeg transforms in integers: now and then a coefficient is rounded to the other side.
    difference = np.abs(compressed - expected)
    assert difference.mean() < 0.8
    assert (difference <= 2).mean() > 0.9
    if page.size > 1000 and quality <= 95:
        assert difference.mean() < 0.3 * np.abs(expected - page.astype(int)).mean()


def test_jpeg_takes_levels_beyond_black_and_white_as_these():
    page = np.where(np.arange(128)[None, :] % 32 < 16, -300.0, 900.0) * np.ones((28, 1))
    style = CLEAN.replace(jpeg=1, jpeg_quality=90)

    assert (scan_page(style, page) == scan_page(style, np.clip(page, 0, 255))).all()


def test_auto_levels_stretch_to_full_contrast_without_turning_the_order(cover):
    page = 180 - 80 * (cover / 255.0)
    for image in range(20):
        stretched = scan_page(CLEAN.replace(auto_levels=1), page, image)

        assert stretched.max() == 255
        assert stretched.min() <= 12
        order = np.argsort(page.ravel(), kind="stable")
        assert (np.diff(stretched.ravel()[order].astype(int)) >= 0).all()


def test_auto_levels_do_not_mind_a_single_pixel_nor_an_empty_page(cover):
    page = 180 - 80 * (cover / 255.0)
    spotted = page.copy()
    spotted[1, 60] = 0
    spotted[26, 61] = 255
    style = CLEAN.replace(auto_levels=1)

    apart = scan_page(style, page) != scan_page(style, spotted)
    empty = scan_page(style, 120 + np.random.default_rng(1).uniform(0, 4, SHAPE))

    assert apart[1, 60]
    assert apart.sum() == 1  # the bright spot is as white as the paper
    assert empty.std() < 10


def test_invert_turns_dark_to_light(cover):
    style = CLEAN.replace(paper=0.9, noise=0.03, auto_levels=1, blur=0.5)

    assert (draw(style.replace(invert=1), cover).astype(int) - (255 - draw(style, cover)) <= 1).all()
    assert (draw(CLEAN.replace(invert=1), cover) == cover).all()


def test_the_page_is_rounded_and_clipped():
    page = np.array([[-5.0, 0.4, 0.6, 254.4], [254.6, 300.0, 17.5, 1e5]] * 2, np.float32)

    assert scan_page(CLEAN, page).tolist() == [[0, 0, 1, 254], [255, 255, 18, 255]] * 2


# One feature and another


@pytest.mark.parametrize(("feature", "other"), list(itertools.combinations(PAPER_FEATURES, 2)))
def test_paper_features_add_up_and_draw_apart_from_each_other(feature, other):
    weak = {"gradient": {"gradient": 0.1}, "texture": {"texture": 0.1}}
    own, others = (weak.get(name, {name: 1.0}) for name in (feature, other))
    base = CLEAN.replace(paper=0.8, wave_strength=0.1, fibre_strength=0.1, rule_strength=0.15)
    for image in range(10):
        alone = draw_paper(base.replace(**own), image) - 204.0
        other_alone = draw_paper(base.replace(**others), image) - 204.0

        both = draw_paper(base.replace(**own, **others), image) - 204.0

        # Beyond black and white it is cut.
        np.testing.assert_allclose(both, np.clip(alone + other_alone, -204, 51), atol=0.01)


@pytest.mark.parametrize("feature", SCAN_FEATURES)
def test_paper_does_not_depend_on_the_scan(feature):
    style = STYLES["document"]

    for image in range(5):
        assert (draw_paper(style, image) == draw_paper(style.replace(**SCAN_FEATURES[feature]), image)).all()


@pytest.mark.parametrize("feature", [*SCAN_FEATURES, *PAPER_FEATURES])
def test_ink_does_not_depend_on_paper_or_scan(cover, feature):
    style = CLEAN.replace(ink=(0.4, 0.9), ink_drift=(0, 0.5), ink_texture=(0, 0.5), padding=0.5)
    page = np.full(SHAPE, 230.0)

    for image in range(5):
        changed = style.replace(**{**PAPER_FEATURES, **SCAN_FEATURES}[feature])
        assert (ink_page(style, cover, page, image) == ink_page(changed, cover, page, image)).all()


@pytest.mark.parametrize("feature", [*PAPER_FEATURES, *INK_FEATURES])
def test_the_scan_does_not_depend_on_paper_or_ink(cover, feature):
    style = CLEAN.replace(speckle=(0, 3), blur=(0, 1), noise=(0, 0.1), jpeg=0.5, auto_levels=0.5, invert=0.5)
    page = 230 - 0.7 * cover

    for image in range(5):
        changed = style.replace(**{**PAPER_FEATURES, **INK_FEATURES}[feature])
        assert (scan_page(style, page, image) == scan_page(changed, page, image)).all()


@pytest.mark.parametrize("feature", [*PAPER_FEATURES, *SCAN_FEATURES, *INK_FEATURES])
def test_a_share_or_strength_of_0_draws_nothing(feature, cover):
    # Values that are not drawn cannot depend on the seed: so it shows if something else than the value were read.
    off = {
        name: 0 for name in {**PAPER_FEATURES, **SCAN_FEATURES, **INK_FEATURES}[feature] if name in SHARES_AND_AMOUNTS
    }
    style = CLEAN.replace(**off)

    assert (draw(style, cover, 3) == 255 - cover).all()


SHARES_AND_AMOUNTS = {
    "gradient", "texture", "waves", "fibres", "ruled", "boxed", "padding", "speckle", "blur", "noise", "jpeg",
    "auto_levels", "invert", "ink_drift", "ink_texture",
}  # fmt: skip


def test_scratch_memory_holds_nothing_that_matters(cover):
    style = table_of(STYLES["document"].replace(jpeg=0.5, waves=0.5, texture=(0.01, 0.1)))
    used, page = paper.make_scratch(*SHAPE), paper.make_page(*SHAPE)
    out, again = np.zeros(cover.size, np.uint8), np.zeros(cover.size, np.uint8)

    for image in map(np.uint64, range(60)):
        for result, scratch, target in (
            (out, used, page),
            (again, paper.make_scratch(*SHAPE), paper.make_page(*SHAPE)),
        ):
            paper.draw_paper(SEED, image, style, SHAPE, BOX, BASELINE, target, scratch)
            paper.ink_page(SEED, image, style, SHAPE, BOX, cover.ravel(), target, scratch)
            paper.scan_page(SEED, image, style, SHAPE, target, result, 0, scratch)
        assert (out == again).all(), image


def test_lines_of_the_document_style_stay_readable(cover):
    style = STYLES["document"]
    strong, blank = cover > 220, ndimage.maximum_filter(cover, 3) == 0
    inside = np.zeros(SHAPE, bool)
    inside[:, 12:116] = True
    clear = []
    for image in range(300):
        page = draw(style, cover, image).astype(float)
        ink, ground = page[strong], page[blank & inside]
        clear.append((ground.mean() - ink.mean()) / np.sqrt((ink.var() + ground.var()) / 2 + 1))

    assert min(clear) > 1
    assert np.quantile(clear, 0.05) > 2


# Machines

DRAW = """
import hashlib, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from number_generator._kernels import paper
from number_generator.handwriting import STYLES
from test_paper import table_of

document = STYLES["document"]
everything = document.replace(
    gradient=(0.05, 0.3), texture=(0.02, 0.2), waves=1, fibres=1, ruled=1, boxed=1, padding=0.5, speckle=(1, 4),
    blur=(0.0, 1.5), noise=(0.01, 0.1), jpeg=0.5, jpeg_quality=(5, 100), auto_levels=0.5, invert=0.5,
)
digest = hashlib.sha256()
random = np.random.default_rng(1)
for height, width in [(28, 128), (4, 1), (5, 3), (28, 1), (100, 7), (4, 1000), (33, 65), (28, 100), (4, 65535)]:
    scratch, page = paper.make_scratch(height, width), paper.make_page(height, width)
    out = np.zeros(height * width + 8, np.uint8)
    cover = random.integers(0, 256, height * width, np.uint8)
    boxes = [(0.1 * width, 1.0, 0.9 * width, height - 1.0), (-3.0, -2.0, width + 4.0, height + 3.0)]
    boxes += [(float(width), float(height), float(width), float(height))]
    for style in (document, everything):
        table = table_of(style)
        for image in map(np.uint64, range(30 if width < 1000 else 6)):
            seed, box, shape = np.uint64(9), boxes[int(image) % 3], (height, width)
            paper.draw_paper(seed, image, table, shape, box, box[3] - 1.0, page, scratch)
            assert ((page >= 0) & (page <= 255.001)).all()
            paper.ink_page(seed, image, table, shape, box, cover, page, scratch)
            digest.update(page.tobytes())
            paper.scan_page(seed, image, table, shape, page, out, 5, scratch)
            digest.update(out.tobytes())
            paper.ink_plain(seed, image, table, shape, cover, out, 5, scratch)
            digest.update(out.tobytes())
            assert not out[:5].any() and not out[-3:].any()
if sys.argv[2] == "checked":
    try:
        paper.ink_plain(seed, image, table, shape, cover, out[:-4], 5, scratch)
    except IndexError:
        digest.update(b"")
    else:
        raise AssertionError("bounds are not checked")
print(digest.hexdigest())
"""
MACHINES = {"this": {}, "checked": {"NUMBA_BOUNDSCHECK": "1"}}
if platform.machine() in ("x86_64", "AMD64") and llvmlite.binding.get_host_cpu_features().get("avx2", False):
    MACHINES["haswell"] = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}
    MACHINES["generic"] = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}


@pytest.fixture(scope="module")
def digests(tmp_path_factory):
    """What the same pages hash to with other vectors, and with every index checked; two compile at a time."""
    folder = tmp_path_factory.mktemp("machines")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "NG_"))}
    source = str(Path(handwriting.__file__).parents[1])
    results, names = {}, list(MACHINES)
    for pair in (names[:2], names[2:]):
        runs = {}
        for name in pair:
            # Machine code with and without checks goes by the same name: a cache of its own.
            settings = {"NUMBA_CACHE_DIR": str(folder / name), "PYTHONPATH": source, **MACHINES[name]}
            command = [sys.executable, "-W", "error", "-c", DRAW, str(Path(__file__).parent), name]
            runs[name] = subprocess.Popen(
                command, env={**kept, **settings}, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        for name, run in runs.items():
            results[name] = run.communicate(timeout=300)
    return results


@pytest.mark.parametrize("machine", list(MACHINES))
def test_pages_are_the_same_on_any_machine_and_no_index_leaves_its_array(digests, machine):
    digest, error = digests[machine]

    assert error == ""
    assert digest == digests["this"][0] != ""
