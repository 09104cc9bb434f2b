"""Images that are each as wide as their line: see `width="auto"`."""

import numpy as np
import pytest

from number_generator import generate_batch, generate_chunk
from number_generator.errors import SpecError
from number_generator.job.handwriting import STYLES
from number_generator.job.spec import RenderSpec
from number_generator.training.batches import stream

LINES = ["0312345678", "", "06-1234,5", "42", "(555) 1/2+3.", "7" * 30, "1", " "]
TRUTH = ("boxes", "masks", "glyphs", "parameters")


def gaps_of(style):
    return (5, 10) if style == "clean" else None


@pytest.mark.parametrize("height", [None, 40])
@pytest.mark.parametrize("style", ["clean", "natural", "document"])
def test_an_image_is_as_wide_as_its_line_in_whatever_company(style, height):
    def draw(lines, start, width="auto:500"):
        return generate_chunk(
            lines, gaps_of(style), width, style=style, seed=5, start=start, image_height=height, truth=TRUTH
        )

    chunk = draw(LINES, 0)

    assert chunk.sizes.dtype == np.int32
    assert chunk.images.shape == (len(LINES), height or 28, chunk.sizes[:, 1].max())
    assert len(set(chunk.sizes[:, 1].tolist())) > 4
    for k, (line, (rows, columns)) in enumerate(zip(LINES, chunk.sizes.tolist(), strict=True)):
        alone = draw([line], k)
        assert alone.images.shape == (1, rows, columns), line
        assert alone.sizes.tolist() == [[rows, columns]]
        np.testing.assert_array_equal(chunk.images[k, :, :columns], alone.images[0], err_msg=line)
        assert (chunk.images[k, :, columns:] == 255).all()
        for name, of_line in alone.truth.items():
            found = chunk.truth[name][k]
            cut = found[..., :columns] if name == "masks" else found
            expected = of_line[0] if name in ("parameters", "writers") else of_line[0][: len(line)]
            np.testing.assert_array_equal(
                cut if cut.ndim < 1 else cut[: len(expected)], expected, err_msg=f"{name} {k}"
            )
        assert not chunk.truth["masks"][k][..., columns:].any()
        assert chunk.truth["boxes"][k][:, [0, 2]].max(initial=0) <= columns
        # The line needs the width: a page of exactly this one shows the same, and margins are at most half of it.
        if style != "document":
            same = draw([line], k, columns)
            np.testing.assert_array_equal(same.images[0], alone.images[0], err_msg=line)


@pytest.mark.parametrize("style", ["clean", "natural"])
def test_longer_lines_are_fitted_to_the_most(style):
    chunk = generate_chunk(LINES, gaps_of(style), "auto:60", style=style, seed=5)
    fixed = generate_chunk(LINES, gaps_of(style), 60, style=style, seed=5)

    widths = chunk.sizes[:, 1]
    assert widths.max() == 60
    for k in np.flatnonzero(widths == 60):
        np.testing.assert_array_equal(chunk.images[k], fixed.images[k], err_msg=LINES[k])


@pytest.mark.parametrize("style", ["clean", "document"])
def test_neither_threads_nor_memory_change_an_image(style, monkeypatch):
    lines = LINES * 20
    whole = generate_chunk(lines, gaps_of(style), "auto", style=style, seed=2, truth=["masks"])
    monkeypatch.setattr("number_generator.job.spec.SPAN_BYTES", 2**18)  # few images at a time
    monkeypatch.setattr("number_generator.job.spec._FEWEST_SPAN_IMAGES", 8)

    parts = generate_chunk(lines, gaps_of(style), "auto", style=style, seed=2, truth=["masks"], workers=3)

    np.testing.assert_array_equal(parts.images, whole.images)
    np.testing.assert_array_equal(parts.sizes, whole.sizes)
    np.testing.assert_array_equal(parts.truth["masks"], whole.truth["masks"])
    batch = generate_batch(lines, gaps_of(style), "auto", style=style, seed=2)
    np.testing.assert_array_equal(batch, whole.images)


@pytest.mark.parametrize("width", ["wide", "auto:", "auto:0", "auto:70000", "auto: 5", "AUTO", "auto:1.5", "100"])
def test_a_width_that_is_none_is_rejected(width):
    with pytest.raises(SpecError, match=r"^width.*give an integer"):
        RenderSpec((5, 10), width)
    with pytest.raises(SpecError, match="out is given and width is 'auto'"):
        generate_batch(["1"], (5, 10), "auto", out=np.empty((1, 28, 20), np.uint8))


def batches_of(window, style="natural", **options):
    with stream(
        width="auto", batch_size=8, count=150, seed=4, style=style, window=window, truth=["boxes"], **options
    ) as batches:
        return list(batches)


@pytest.mark.parametrize("style", ["clean", "document"])
def test_a_stream_pads_a_batch_to_its_own_widest_and_may_sort_windows_of_batches(style):
    plain, sorted_in_fours = batches_of(1, style), batches_of(4, style)

    for images, labels, widths, truth in plain + sorted_in_fours:
        assert images.shape == (len(labels), 28, widths.max())
        assert widths.dtype == np.int32
        assert truth["boxes"].shape[:2] == (len(labels), max(map(len, labels)))
    for first in range(0, 19, 4):
        shown = [
            {(label, image[:, :width].tobytes()) for images, labels, widths, _ in some[first : first + 4]
             for image, label, width in zip(images, labels, widths, strict=True)}
            for some in (plain, sorted_in_fours)
        ]  # fmt: skip
        assert shown[0] == shown[1]
    assert [len(batch[1]) for batch in sorted_in_fours] == [8] * 18 + [6]
    padded = [
        sum(int((images.shape[2] - widths).sum()) for images, _, widths, _ in some) for some in (plain, sorted_in_fours)
    ]
    assert padded[1] < 0.6 * padded[0]
    # A batch is the same however the others were made.
    with stream(
        width="auto", batch_size=8, count=150, seed=4, style=style, window=4, truth=["boxes"], workers=1
    ) as again:
        again.load_state_dict({**again.state_dict(), "batches": 6})
        for found, expected in zip(next(again)[:3], sorted_in_fours[6][:3], strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_window_needs_images_that_differ_in_width():
    with pytest.raises(SpecError, match="window is 16 and width is 100, so that all images are equally wide"):
        stream(window=16)
    one, other = (stream(width="auto", window=window, seed=1) for window in (2, 3))
    with pytest.raises(SpecError, match="other arguments"):
        one.load_state_dict(other.state_dict())


def test_margins_of_a_style_are_part_of_the_width():
    style = STYLES["document"].replace(fill=0, loose=0, margin=0.5, position=0, padding=0)
    none = style.replace(margin=0)
    wide, narrow = (
        generate_chunk(["123456"] * 8, None, "auto", style=each, seed=1).sizes[:, 1] for each in (style, none)
    )
    assert (np.abs(wide - narrow - 28) <= 1).all()
