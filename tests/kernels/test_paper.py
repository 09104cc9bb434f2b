"""Paper and ink: what each parameter does to a page; and of these and the scan, that nothing else does."""

import itertools
import math

import numpy as np
import pytest
from pages import (
    BASELINE,
    BOX,
    CLEAN,
    INK_FEATURES,
    PAPER_FEATURES,
    SCAN_FEATURES,
    SEED,
    SHAPE,
    draw,
    draw_paper,
    every_ink,
    ink_page,
    ink_plain,
    scan_page,
    table_of,
)
from scipy import ndimage

from number_generator._kernels import draws, inking, paper, scan, styled
from number_generator._kernels.page import make_aligned, make_scratch
from number_generator.job.distributions import Normal
from number_generator.job.handwriting import STYLES, parameters


@pytest.fixture(scope="module")
def cover():
    return every_ink()


def happening(name, images=range(4000)):
    """Return how many lines of a share of 0.3 a kernel takes."""
    style = CLEAN.replace(**{name: 0.3})
    stream = np.int64(next(parameter.stream for parameter in parameters() if parameter.name == name))
    return np.mean([draws.happens(SEED, np.uint64(image), table_of(style), stream) for image in images])


# The contract


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

    assert styled.needs_paper(table_of(CLEAN.replace(**changes)))


def test_no_page_is_needed_for_ink_alone_or_for_strengths_of_what_is_off():
    assert not styled.needs_paper(table_of(CLEAN))
    style = CLEAN.replace(ink=(0.3, 0.8), ink_drift=0.4, ink_texture=(0, 0.2), softness=2.0)
    style = style.replace(wave_strength=0.5, fibre_strength=0.5, rule_strength=0.9, jpeg_quality=20)
    assert not styled.needs_paper(table_of(style))
    assert not styled.needs_paper(table_of(STYLES["natural"]))
    assert styled.needs_paper(table_of(STYLES["document"]))


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
        assert 45 < below.max() <= 0.8 * 255 + 0.01
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


@pytest.mark.parametrize("width", [1, 15, 16, 17, 40, 48, 63, 128])
def test_the_box_of_the_ink_holds_all_of_it_and_little_more(width):
    random = np.random.default_rng(width)
    for _ in range(60):
        cover = np.zeros((9, width), np.uint8)
        ink = random.integers(0, [[9], [width]], (2, random.integers(0, 4)))
        cover[tuple(ink)] = random.integers(1, 256, ink.shape[1])

        left, top, right, bottom = map(int, inking.find_ink((np.uint64(9), np.uint64(width)), cover.ravel()))

        assert not np.delete(cover, np.s_[top:bottom], axis=0).any()
        assert not np.delete(cover, np.s_[left:right], axis=1).any()
        if not ink.size:
            assert width < 16 or (left, top, right, bottom) == (0, 0, 0, 0)
        elif width >= 16:
            assert (top, bottom) == (ink[0].min(), ink[0].max() + 1)
            assert left % 16 == 0 <= ink[1].min() - left < 16
            assert right == width or right % 16 == 0
            assert right - ink[1].max() <= 16 + width % 16  # the last vector of a row may overlap


def test_the_grain_of_ink_does_not_depend_on_where_else_there_is_any():
    style, white = CLEAN.replace(ink_drift=0.3, ink_texture=0.6), np.full(SHAPE, 255.0)
    whole = ink_page(style, np.full(SHAPE, 200, np.uint8), white)
    for top, bottom, left, right in ((0, 28, 0, 20), (3, 4, 90, 91), (20, 28, 30, 100), (5, 23, 127, 128)):
        cover = np.zeros(SHAPE, np.uint8)
        cover[top:bottom, left:right] = 200

        page = ink_page(style, cover, white)

        assert (page[top:bottom, left:right] == whole[top:bottom, left:right]).all()
        assert (page[cover == 0] == 255).all()


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
    assert 4 < whites < 18


def test_padding_keeps_all_the_ink(cover):
    page = np.full(SHAPE, 255.0)

    box = (60.0, 4.0, 70.0, 24.0)
    style = CLEAN.replace(padding=1)
    white = next(k for k in range(40) if ink_page(style, np.zeros_like(cover), page, k, box=box).min() == 255)

    padded = ink_page(style, cover, page, white, box=box)

    assert (padded == ink_page(CLEAN, cover, page, white)).all()


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


def test_what_is_off_leaves_no_trace_however_strong_it_would_be(cover):
    style = CLEAN.replace(wave_strength=0.8, fibre_strength=0.8, rule_strength=1.0, jpeg_quality=5)
    nothing = Normal(0.0, 0.0)
    style = style.replace(gradient=nothing, texture=nothing, speckle=nothing, blur=nothing, noise=nothing)
    style = style.replace(ink_drift=nothing, ink_texture=nothing)

    for image in range(5):
        assert (draw(style, cover, image) == 255 - cover).all()
        assert (ink_plain(style, cover, image) == 255 - cover).all()


def test_scratch_memory_holds_nothing_that_matters(cover):
    style = table_of(STYLES["document"].replace(jpeg=0.5, waves=0.5, texture=(0.01, 0.1)))
    used, page = make_scratch(*SHAPE), make_aligned(math.prod(SHAPE))
    out, again = np.zeros(cover.size, np.uint8), np.zeros(cover.size, np.uint8)

    for image in map(np.uint64, range(60)):
        for result, scratch, target in (
            (out, used, page),
            (again, make_scratch(*SHAPE), make_aligned(math.prod(SHAPE))),
        ):
            paper.draw_paper(SEED, image, style, (*SHAPE, 1.0), BOX, BASELINE, target, scratch)
            inking.ink_page(SEED, image, style, (*SHAPE, 1.0), BOX, cover.ravel(), target, scratch)
            scan.scan_page(SEED, image, style, (*SHAPE, 1.0), scan.NOWHERE, target, result, 0, scratch)
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
