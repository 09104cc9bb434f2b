"""How pages look: each measure follows what it is of, and little else."""

import doctest

import numpy as np
import pytest

from number_generator._kernels.look_columns import LOOKS as KERNEL_LOOKS
from number_generator.scans import looks
from number_generator.scans.looks import COLUMNS, LOOKS, PAGE_HEIGHT, measure_looks, to_page

HEIGHT = PAGE_HEIGHT


def strokes(*, slant=0.0, width=3, top=6, foot=22, count=5, step=12, left=15, paper=200.0, ink=90.0):
    """Draw strokes side by side, as one would by hand: soft at the edges."""
    page = np.full((HEIGHT, left + count * step + 15), paper)
    columns = np.arange(page.shape[1])
    for number in range(count):
        for row in range(top, foot):
            middle = left + number * step + slant * (0.5 * (top + foot) - row - 0.5)
            cover = np.clip(0.5 * width + 0.5 - np.abs(columns + 0.5 - middle), 0, 1)
            page[row] -= cover * ink
    return page


def measured(page):
    return dict(zip(COLUMNS, measure_looks([np.clip(np.rint(page), 0, 255).astype(np.uint8)])[0], strict=True))


def test_the_example_runs():
    assert doctest.testmod(looks).failed == 0


def test_the_kernels_and_the_table_name_the_same_measures():
    assert tuple(look.name for look in LOOKS) == KERNEL_LOOKS


def test_each_measure_is_what_it_is_called():
    noise = np.random.default_rng(1).normal(0, 9, (HEIGHT, 200))
    rule = np.where(np.arange(HEIGHT) == 24, 60.0, 0.0)[:, None]
    plain = strokes()
    wide = plain.shape[1]
    cases = [
        (plain, {"paper": (200 / 255, 0.01), "contrast": (90 / 255, 0.03), "noise": (0, 0.005), "slant": (0, 0.04)}),
        (plain, {"top": (6 / 28, 0.04), "bottom": (6 / 28, 0.04), "height": (16 / 28, 0.04), "crossings": (5, 0)}),
        (plain, {"left": (13.5 / 28, 0.08), "stroke": (3 / 16, 0.05), "touching": (1, 0.01), "aspect": (wide / 28, 0)}),
        (strokes(slant=0.4), {"slant": (0.4, 0.06), "height": (16 / 28, 0.04)}),
        (strokes(slant=-0.3), {"slant": (-0.3, 0.06)}),
        (strokes(width=5), {"stroke": (5 / 16, 0.07)}),
        (strokes(top=3, foot=13), {"top": (3 / 28, 0.04), "bottom": (15 / 28, 0.04)}),
        (plain + noise[:, :wide], {"noise": (0.1, 0.02), "height": (16 / 28, 0.06)}),
        (plain - rule, {"rule": (0.6, 0.15), "height": (16 / 28, 0.06)}),
        (plain - np.linspace(0, 40, wide), {"gradient": (30 / 255, 0.03), "height": (16 / 28, 0.05)}),
        (strokes(step=18), {"pitch": (18 / 16, 0.3)}),
    ]
    for number, (page, wanted) in enumerate(cases):
        found = measured(page)
        for name, (value, most) in wanted.items():
            assert found[name] == pytest.approx(value, abs=most + 1e-9), (number, name)


def test_a_soft_page_has_softer_edges_and_a_compressed_one_blocks():
    page = strokes(width=7, step=16)
    soft = sum(np.roll(page, shift, axis=1) for shift in range(-2, 3)) / 5
    steps = page + 8.0 * (np.arange(page.shape[1]) // 8 % 2)

    assert measured(soft)["edge"] > measured(page)["edge"] + 0.2
    assert measured(soft)["sharpness"] < measured(page)["sharpness"] - 0.03
    assert measured(steps)["blocks"] > measured(page)["blocks"] + 0.3


def test_stretched_contrast_changes_paper_and_contrast_alone():
    noise = np.random.default_rng(2).normal(0, 3, (HEIGHT, 90))
    page = strokes(ink=80) + noise

    before, after = measured(page), measured((page - 80) * 1.4)

    same = [look.name for look in LOOKS if look.name not in ("paper", "contrast", "gradient", "even", "blocks")]
    for name in same:
        assert after[name] == pytest.approx(before[name], abs=0.06), name


def test_a_page_without_ink_has_paper_alone():
    found = measured(np.full((HEIGHT, 80), 180.0))

    assert found["paper"] == pytest.approx(180 / 255, abs=0.01)
    assert np.isnan([found["slant"], found["height"], found["stroke"]]).all()


def test_pages_measure_alike_alone_and_together():
    pages = [strokes(slant=slant, count=count).astype(np.uint8) for slant, count in ((0.1, 3), (0.3, 7), (-0.2, 1))]

    together = measure_looks(pages)

    for page, row in zip(pages, together, strict=True):
        assert np.array_equal(measure_looks([page])[0], row, equal_nan=True)
    assert measure_looks([]).shape == (0, len(LOOKS))


def test_a_scan_becomes_a_page_of_dark_ink():
    page = strokes().astype(np.uint8)
    large = np.kron(255 - page, np.ones((3, 3), np.uint8))

    found = to_page(large)

    assert found.shape == page.shape
    assert np.abs(found.astype(int) - page).mean() < 4
