"""Links: between which digits they are drawn, and where they begin and end."""

import numpy as np
import pytest
from styled_lines import PLAIN, TIGHT, draw, lay_out

from number_generator import DigitImageDataset, generate_chunk
from number_generator._kernels import fields, line_items
from number_generator.digits.resolve import packaged_digits

NEAR = PLAIN.replace(gap=0.15, slant=(-0.2, 0.3), size_jitter=(0.8, 1.1), rotation_jitter=(-5, 5))
LINKED = NEAR.replace(links=1)
WITH_FORMS = LINKED.replace(letterforms=1, letterform_mix=0.5)


def place_of(item, x, y):
    """Return where a point of an item lies on its line."""
    a, b, c, d = item[[line_items.A, line_items.B, line_items.C, line_items.D]]
    return item[line_items.X] + a * x + b * y, item[line_items.Y] + c * x + d * y


def anchor_of(line, k, x, y):
    """Return where a point that was measured of a digit lies on its line."""
    item = line.items[k]
    fact = line.glyphs[3][int(item[line_items.GLYPH])]
    return place_of(item, fact[x] - item[line_items.REF_X], fact[y] - item[line_items.REF_Y])


def linked(line):
    """Return which items have a link; the digits of these tests have no other strokes."""
    is_digit = line.items[:, line_items.GLYPH] >= 0
    return np.flatnonzero(is_digit & (line.items[:, line_items.POINTS] > 0))


@pytest.mark.parametrize("style", [LINKED, WITH_FORMS], ids=["dataset", "letterforms"])
def test_a_link_runs_from_where_the_pen_leaves_to_where_it_arrives(style):
    count = 0
    for image in range(60):
        line = lay_out("2005280543", style, image)
        for k in linked(line):
            count += 1
            points = line.points[k][: int(line.items[k, line_items.POINTS])]
            begin, end = (place_of(line.items[k], *point) for point in points[[0, -1], :2])
            assert begin == pytest.approx(anchor_of(line, k, fields.LEAVE_X, fields.LEAVE_Y), abs=1e-6)
            assert end == pytest.approx(anchor_of(line, k + 1, fields.ARRIVE_X, fields.ARRIVE_Y), abs=1e-6)
            assert points[:, 2].tolist() == [1, *[0] * (len(points) - 1)]  # the pen is put down once

    assert count > 100


@pytest.mark.parametrize("style", [LINKED, WITH_FORMS], ids=["dataset", "letterforms"])
def test_links_join_digits_that_a_pen_leaves_and_reaches(style):
    seen = set()
    for image in range(80):
        line = lay_out("2000405080", style, image)
        facts, glyphs = line.glyphs[3], line.items[:, line_items.GLYPH].astype(int)
        for k in linked(line):
            seen.add(int(line.items[k, line_items.CODE]))
            assert facts[glyphs[k], fields.CAN_LEAVE] == facts[glyphs[k + 1], fields.CAN_ARRIVE] == 1

    assert seen >= {0, 2, 4, 5, 8}


def test_the_datasets_digits_that_end_at_the_left_or_low_are_not_linked():
    for image in range(30):
        assert len(linked(lay_out("13679", LINKED, image))) == 0
        assert len(linked(lay_out("0424", LINKED, image))) <= 1  # 4 is begun anew: only 4 to 2


@pytest.mark.parametrize("text", ["0-0", "2,0", "0 0", "0(0", "8/0"])
def test_no_link_crosses_a_separator(text):
    assert not any(len(linked(lay_out(text, LINKED, image))) for image in range(30))


def test_no_link_crosses_an_unlabelled_mark():
    for image in range(20):
        line = lay_out("0000000", LINKED.replace(inner_marks=1), image)

        slots = line.items[:, line_items.SLOT]
        assert (slots[linked(line) + 1] >= 0).all()


def test_no_link_is_longer_than_its_reach():
    unit_px = packaged_digits().atlas.fields.digit_height
    for gap, are_some in ((0.1, True), (0.6, True), (2.5, False)):
        lengths = []
        for image in range(30):
            line = lay_out("2020", LINKED.replace(gap=gap), image)
            for k in linked(line):
                begin, end = (
                    np.array(anchor_of(line, k, fields.LEAVE_X, fields.LEAVE_Y)),
                    np.array(anchor_of(line, k + 1, fields.ARRIVE_X, fields.ARRIVE_Y)),
                )
                lengths.append(np.hypot(*(end - begin)) / unit_px)
        assert max(lengths, default=0) <= 1.5
        assert bool(lengths) == are_some


def test_links_are_for_their_share_of_the_lines():
    has = [len(linked(lay_out("00000", NEAR.replace(links=0.3), image))) > 0 for image in range(500)]

    assert np.mean(has) == pytest.approx(0.3, abs=0.07)
    assert not any(len(linked(lay_out("00000", NEAR, image))) for image in range(20))


def test_zeros_are_linked_more_often_than_other_digits():
    style = LINKED.replace(gap=-0.1)

    zeros, others = (
        np.mean([len(linked(lay_out(text, style, image))) for image in range(150)]) for text in ("000", "888")
    )

    assert 0.75 < zeros / 2 < 0.96  # a few are still too far apart
    assert others / 2 == pytest.approx(0.35, abs=0.1)


@pytest.mark.parametrize("style", [LINKED, WITH_FORMS], ids=["dataset", "letterforms"])
def test_no_link_runs_into_a_1_or_a_5_or_makes_a_stem(style):
    unit_px = packaged_digits().atlas.fields.digit_height
    for image in range(60):
        line = lay_out("20150225485294", style, image)
        codes = line.items[:, line_items.CODE]
        for k in linked(line):
            assert codes[k + 1] not in (1, 5)
            begin = anchor_of(line, k, fields.LEAVE_X, fields.LEAVE_Y)
            end = anchor_of(line, k + 1, fields.ARRIVE_X, fields.ARRIVE_Y)
            is_level = abs(end[1] - begin[1]) <= 0.45 * unit_px
            assert is_level or (codes[k] in (2, 4) and codes[k + 1] == 0)


@pytest.mark.parametrize("style", [WITH_FORMS, TIGHT.replace(gap=0.1, links=1)], ids=["cell", "tight"])
def test_the_box_of_a_digit_holds_its_link(style):
    texts = ["2005280"] * 30

    boxes = generate_chunk(texts, None, 160, truth="boxes", style=style, seed=1).truth["boxes"]

    for image, text in enumerate(texts):
        line = lay_out(text, style, image, width=160)
        a, b, c, d, origin_x, origin_y = line.transform
        for k in linked(line):
            points = line.points[k][: int(line.items[k, line_items.POINTS]), :2]
            x, y = place_of(line.items[k], *points.T)
            page_x, page_y = origin_x + a * x + b * y, origin_y + c * x + d * y
            x0, y0, x1, y1 = boxes[image, k]
            assert x0 - 0.5 <= page_x.min() <= page_x.max() <= x1 + 0.5
            assert y0 - 0.5 <= page_y.min() <= page_y.max() <= y1 + 0.5


@pytest.mark.parametrize("text", ["00", "20", "02"])
def test_no_link_leaves_or_reaches_a_digit_without_ink(text):
    images, labels = packaged_digits().get_data()
    images, labels = images[::20], np.array(labels[::20], int)
    images = np.where((labels == 0)[:, None, None], 0, images).astype(np.uint8)
    digits = DigitImageDataset(images, labels)

    plain, joined = (draw([text] * 20, NEAR.replace(links=share), digits=digits) for share in (0, 1))

    np.testing.assert_array_equal(plain, joined)


def test_links_are_ink_between_digits():
    plain, joined = (draw(["0000"] * 30, NEAR.replace(links=share, size=0.7), 120) for share in (0, 1))

    assert (plain.astype(int) - joined > 100).any(axis=(1, 2)).mean() > 0.7
