"""Cuts from pictures of own paper: where they are, how they go on beyond the picture, and how ink is put on them."""

import itertools

import numpy as np
from pages import BOX, SEED, every_ink, table_of

from number_generator._kernels import inking, own_paper, paper, scan, streams
from number_generator._kernels.own_paper import SCALES, SLACK
from number_generator._kernels.page import make_aligned, make_scratch
from number_generator.job.handwriting import STYLES

RANDOM = np.random.default_rng(5)


def make_own(*shapes, shaded=False):
    """Return pictures of some shapes, each the same at all scales, as the kernels take them, and as arrays."""
    pictures = [RANDOM.integers(0, 256, shape, np.uint8) for shape in shapes]
    slack = np.full(SLACK, 77, np.uint8)
    texels = np.concatenate([slack, *map(np.ravel, pictures), slack])
    firsts = SLACK + np.cumsum([0, *(picture.size for picture in pictures)])
    places = [[(first, *shape)] * SCALES for first, shape in zip(firsts, shapes, strict=False)]
    return (texels, np.array(places, np.int64), shaded), pictures


def cut_out(picture, top, left, shape):
    """Return a cut from a picture that its mirror images continue without end."""
    rows, columns = (
        np.where((place := (first + np.arange(length)) % (2 * most)) < most, place, 2 * most - 1 - place)
        for first, length, most in zip((top, left), shape, picture.shape, strict=True)
    )
    return picture[np.ix_(rows, columns)]


def draw(style, own, image, cover):
    """Draw a line step by step, without the kernel that does all at once."""
    table, scratch, shape = table_of(style), make_scratch(*cover.shape), (*cover.shape, 1.0)
    page, out = make_aligned(cover.size), np.empty(cover.size, np.uint8)
    cut = own_paper.choose_cut(SEED, np.uint64(image), table, cover.shape, own)
    own_paper.draw_own_paper(SEED, np.uint64(image), table, shape, BOX, 23.0, own, cut, page, scratch)
    blank = page.reshape(cover.shape).copy()
    inking.ink_page(SEED, np.uint64(image), table, shape, BOX, cover.ravel(), page, scratch)
    scan.scan_page(SEED, np.uint64(image), table, shape, scan.NOWHERE, page, out, 0, scratch)
    return blank, out.reshape(cover.shape)


def test_a_cut_is_a_part_of_the_picture_or_goes_on_as_its_mirror_image():
    sizes = (1, 2, 15, 16, 17, 40, 90)
    for shape, (rows, columns) in itertools.product([(7, 33), (28, 100)], itertools.product(sizes, sizes)):
        own, (picture,) = make_own((rows, columns))
        for top, left in [(0, 0), (rows - 1, columns - 1), (rows, columns), (2 * rows - 1, 2 * columns - 1)]:
            out = np.zeros(shape[0] * shape[1] + SLACK, np.uint8)
            cut = tuple(map(np.uint64, (SLACK, rows, columns, top, left)))
            run = own_paper.find_run(cut, shape[1], own[0])
            own_paper.fetch_run(run, shape[0])  # it changes nothing
            assert 0 <= run[0] - own[0].ctypes.data < own[0].size
            own_paper.copy_cut(cut, tuple(map(np.uint64, shape)), own[0], out)

            assert (out[: shape[0] * shape[1]].reshape(shape) == cut_out(picture, top, left, shape)).all()


def test_cuts_are_spread_over_pictures_places_and_flips_and_stay_inside_a_large_one():
    own, pictures = make_own((60, 300), (50, 240))
    table, shape = table_of(STYLES["clean"]), (28, 100)
    cuts = [own_paper.choose_cut(SEED, np.uint64(image), table, shape, own) for image in range(4000)]

    seen = np.array(cuts, np.int64)
    for number, picture in enumerate(pictures):
        of_picture = seen[seen[:, 0] == own[1][number, 0, 0]]
        assert abs(len(of_picture) - 2000) < 150
        for axis, length in enumerate(shape):
            place, most = of_picture[:, 3 + axis], picture.shape[axis]
            flipped = place >= most
            assert abs(flipped.mean() - 0.5) < 0.05
            inside = np.where(flipped, 2 * most - length - place, place)
            assert (inside.min(), inside.max()) == (0, most - length)


def test_the_scale_is_the_nearest_that_still_fills_the_page():
    own, _ = make_own((40, 200))
    own[1][0, :, 0] = np.arange(SCALES)  # which scale a cut is of
    for scale in range(SCALES):
        own[1][0, scale, 1:] = 400 * 0.7071**scale, 2000 * 0.7071**scale
    for value, shape, expected in [
        (1.0, (28, 100), 0), (0.85, (28, 100), 0), (0.83, (28, 100), 1), (0.5, (28, 100), 2), (0.125, (28, 100), 6),
        (0.125, (60, 100), 5), (0.125, (28, 1100), 1), (0.125, (500, 100), 0),
    ]:  # fmt: skip
        table = table_of(STYLES["clean"].replace(own_paper_scale=value))
        assert own_paper.choose_cut(SEED, np.uint64(3), table, shape, own)[0] == expected, (value, shape)


def test_ink_on_a_picture_is_drawn_in_one_step_as_in_several():
    cover = every_ink()
    own, _ = make_own((60, 300), (9, 20))
    for changes, image in itertools.product(({}, {"ink": 0.5, "ink_drift": 0.4}, {"ink_texture": 0.6}), range(8)):
        style = STYLES["clean"].replace(**changes)
        table, out = table_of(style), np.empty(cover.size, np.uint8)
        cut = own_paper.choose_cut(SEED, np.uint64(image), table, cover.shape, own)
        own_paper.ink_own_paper(
            SEED,
            np.uint64(image),
            table,
            (*cover.shape, 1.0),
            own,
            cut,
            own_paper.find_run(cut, cover.shape[1], own[0]),
            cover.ravel(),
            out,
            0,
            make_scratch(*cover.shape),
        )

        blank, inked = draw(style, own, image, cover)
        assert (out.reshape(cover.shape) == inked).all()
        assert (inked <= blank).all()
        assert (inked[cover == 0] == blank[cover == 0]).all()  # paper stays as it is


def test_the_styles_own_paper_shades_a_picture_only_if_asked_to():
    cover = np.zeros((28, 128), np.uint8)
    style = STYLES["clean"].replace(paper=0.8, gradient=0.3, texture=0.1, waves=1.0)
    own, _ = make_own((60, 300))
    blank, _ = draw(style, own, 1, cover)
    shaded, _ = draw(style, (*own[:2], True), 1, cover)
    page = make_aligned(cover.size)
    paper.draw_paper(
        SEED, np.uint64(1), table_of(style), (*cover.shape, 1.0), BOX, 23.0, page, make_scratch(*cover.shape)
    )

    assert np.isin(blank, own[0]).all()
    assert np.allclose(shaded, blank * page.reshape(cover.shape) / 255, atol=0.01)
    ruled, _ = draw(style.replace(ruled=1.0, rule_strength=0.9), own, 1, cover)
    assert 0 < (ruled != blank).mean() < 0.5  # rules are drawn on it in any case


def test_a_share_of_the_lines_is_on_pictures_if_there_are_any():
    own, _ = make_own((60, 300))
    none = (np.zeros(0, np.uint8), np.zeros((0, SCALES, 3), np.int64), False)
    table = table_of(STYLES["clean"].replace(own_paper=0.3))

    assert abs(np.mean([own_paper.is_own(SEED, np.uint64(k), table, own[1]) for k in range(4000)]) - 0.3) < 0.03
    assert not any(own_paper.is_own(SEED, np.uint64(k), table, none[1]) for k in range(20))
    assert streams.OWN_PAPER == 139
