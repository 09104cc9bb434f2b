"""Lines are fitted to a page as the table of `fit_line` says."""

import numpy as np
import pytest
from PIL import Image

from number_generator import fit_line, fit_lines
from number_generator.errors import SpecError
from number_generator.scans.fitting import is_bright_ink


def draw_scan(height=60, width=240, paper=200, ink=90):
    """Return a scan of noisy paper with a bar of ink in the middle."""
    scan = np.full((height, width), paper, np.int64) + np.random.default_rng(0).integers(-4, 5, (height, width))
    scan[height // 6 : -height // 6, width // 2 - width // 16 : width // 2 + width // 16] = ink
    return np.clip(scan, 0, 255).astype(np.uint8)


def fit_by_hand(grey, height, width):
    """Return what the table says, by NumPy and Pillow alone."""
    dark, bright = np.percentile(grey, [1, 50])
    dark = min(dark, bright - 32)
    grey = np.clip(np.rint((grey - dark) * (255 / (bright - dark))), 0, 255).astype(np.uint8)
    columns = min(width, max(1, round(grey.shape[1] * height / grey.shape[0])))
    page = np.full((height, width), 255, np.uint8)
    left = (width - columns) // 2
    page[:, left : left + columns] = np.asarray(Image.fromarray(grey).resize((columns, height), Image.LANCZOS))
    return page


@pytest.mark.parametrize("size", [(60, 240), (60, 600), (28, 128), (28, 60), (9, 7), (400, 3000), (1, 1), (3, 200)])
def test_a_line_is_fitted_as_the_table_says(size):
    scan = draw_scan(*size) if min(size) > 5 else np.full(size, 130, np.uint8)
    assert np.array_equal(fit_line(scan), fit_by_hand(scan, 28, 128))
    assert np.array_equal(fit_line(scan, 40, 99), fit_by_hand(scan, 40, 99))


def test_bright_ink_is_inverted_unless_told_otherwise():
    scan = draw_scan()
    assert not is_bright_ink(scan)
    assert is_bright_ink(255 - scan)
    expected = fit_line(scan)
    assert np.array_equal(fit_line(255 - scan), expected)
    assert np.array_equal(fit_line(255 - scan, ink="bright"), expected)
    assert not np.array_equal(fit_line(255 - scan, ink="dark"), expected)


def test_contrast_reaches_from_black_to_white_and_blank_paper_stays_paper():
    assert fit_line(draw_scan(paper=150, ink=110)).min() == 0
    assert np.median(fit_line(draw_scan(paper=150, ink=110))) > 240
    blank = draw_scan(paper=150, ink=150)
    assert fit_line(blank).min() > 180
    plain = fit_line(draw_scan(), contrast=None)
    assert (plain[:, 10:-10] <= 210).all()


def test_a_line_that_is_too_wide_is_squeezed_or_shrunk():
    wide = draw_scan(56, 1024)
    squeezed, contained = fit_line(wide), fit_line(wide, fit="contain")
    assert squeezed[14].min() == 0
    assert squeezed[6, 64] < 60  # of the full height
    rows = np.flatnonzero(contained[:, 64] < 128)
    assert 4 <= len(rows) <= 6  # 7 rows of 28, of which the bar takes four in six
    assert (contained[:10] == 255).all()
    own = fit_line(wide, width=None)
    assert own.shape == (28, 512)


def test_the_page_around_the_line_is_white_or_the_tone_of_its_paper():
    scan = draw_scan(60, 60, paper=180)
    for background, level in (("white", 255), ("paper", 180)):
        page = fit_line(scan, contrast=None, background=background)
        assert abs(int(page[0, 0]) - level) <= 1


def test_a_batch_is_fitted_line_by_line_in_any_number_of_threads(tmp_path):
    Image.fromarray(draw_scan()).save(tmp_path / "line.png")
    lines = [draw_scan(), np.stack([draw_scan(30, 50)] * 3, axis=2), tmp_path / "line.png", draw_scan(100, 90) / 255]
    expected = np.stack([fit_line(line, 32, 100) for line in lines])
    for workers in (1, 3, None):
        assert np.array_equal(fit_lines(iter(lines), 32, 100, workers=workers), expected)
    assert fit_lines([]).shape == (0, 28, 128)
    with pytest.raises(SpecError, match="image 1 is 0 x 3 px"):
        fit_lines([draw_scan(), np.zeros((3, 0), np.uint8)])


def test_arguments_that_break_a_rule_are_named():
    wrong = (
        {"height": 3}, {"width": 0}, {"height": 2.5}, {"ink": "grey"}, {"fit": "stretch"}, {"background": 7},
        {"contrast": (50, 1)}, {"contrast": 5}, {"contrast": (1, 101)}, {"contrast": (1, np.nan)},
    )  # fmt: skip
    for options in wrong:
        with pytest.raises(SpecError, match=f"^{next(iter(options))} is"):
            fit_line(draw_scan(), **options)
    with pytest.raises(SpecError, match="at most 32768 px a side"):
        fit_line(np.zeros((2, 40_000), np.uint8))
