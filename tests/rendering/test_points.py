"""Dots and commas, which have few px: they are visible, and nothing else looks like one."""

import numpy as np
import pytest
from styled_lines import PLAIN, TIGHT, ink_of, lay_out

from number_generator import Handwriting, Pattern, generate_batch, generate_chunk
from number_generator._kernels import line_items, strokes

DOCUMENT = Handwriting.named("document")
CLOSE = DOCUMENT.replace(gap=-0.1, gap_jitter=(-0.2, 0.0), squeeze=0.6)
AMOUNTS = Pattern.named("amount").draw(150, seed=1)


@pytest.mark.parametrize("text", ["7.77", "44,444", "1,234.56", "888.8", ".5", "5,"])
@pytest.mark.parametrize("style", [CLOSE, PLAIN.replace(gap=-0.4)], ids=["document", "cell"])
def test_a_dot_or_comma_stays_clear_of_its_neighbours(style, text):
    for image in range(25):
        line = lay_out(text, style, image, width=200)

        items, across = line.items, line.transform[0]
        for k in range(1, len(items)):
            pair = items[k - 1 : k + 1]
            points = pair[[line_items.is_point(item) for item in pair]]
            if len(points):
                gap = pair[1, line_items.LOW] - pair[0, line_items.HIGH]
                assert gap >= 0.69 * points[0, line_items.PEN], f"image {image}"
                assert gap * across > 0.7 + 0.4 * line.softness, f"image {image}"


def test_the_ink_of_a_dot_or_comma_touches_no_other():
    chunk = generate_chunk(AMOUNTS, None, 320, style=CLOSE.replace(rotation=0), seed=1, truth="masks")

    for text, masks in zip(AMOUNTS, chunk.truth["masks"], strict=True):
        for k, character in enumerate(text):
            if not character.isdigit():
                others = np.delete(masks[: len(text)], k, axis=0).max(axis=0)
                assert not ((masks[k] > 100) & (others > 100)).any(), f"{text}, character {k}"


@pytest.mark.parametrize("width", [60, 160])
def test_a_dot_has_ink_enough_to_be_seen_however_small_the_writing(width):
    style = DOCUMENT.replace(height=(0.3, 1), thickness=-0.1)

    chunk = generate_chunk(AMOUNTS, None, width, style=style, seed=1, truth="masks")

    for text, masks in zip(AMOUNTS, chunk.truth["masks"], strict=True):
        for k, character in enumerate(text):
            if not character.isdigit():
                assert masks[k].max() > 150, f"{text}, character {k}"
                assert ink_of(255 - masks[k]).sum() > 2.2, f"{text}, character {k}"


def test_a_dot_is_bolder_than_the_strokes_of_its_line():
    for image in range(20):
        items = lay_out("18.5-", PLAIN, image).items

        pens = {int(item[line_items.CODE]): item[line_items.PEN] for item in items}
        assert pens[strokes.DOT] > 1.2 * pens[strokes.DASH]


def darkest_specks(texts, alphabet=None):
    """Return how much specks darken the lower half of each line, at the most."""
    style = TIGHT.replace(speckle=15, height=0.7, position=0.5)
    without, spotted = (
        generate_batch(texts, None, 120, style=style.replace(speckle=rate), seed=1, alphabet=alphabet).astype(int)
        for rate in (0, 15)
    )
    darker = np.where(without == 255, without - spotted, 0)
    return np.array([
        darker[k, 15:23, columns.min() : columns.max() + 1].max()
        for k, columns in enumerate(np.flatnonzero((page < 128).any(axis=0)) for page in without)
    ])  # fmt: skip


def test_no_speck_reads_as_a_dot_where_a_dot_can_be_labelled():
    assert darkest_specks(["12.50"] * 40).max() < 0.36 * 255
    assert darkest_specks(["1250"] * 40, "0123456789.").max() < 0.36 * 255
    assert darkest_specks(["1250"] * 40).max() > 0.8 * 255
