"""What makes images: a span of a job in, a chunk out."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from number_generator._kernels import layout, render, truth
from number_generator._kernels.compile import tell_if_compiling
from number_generator.digits.atlas import GlyphAtlas
from number_generator.job.chunk import Chunk
from number_generator.job.spec import Job, Sequences, Span
from number_generator.numbers.sequences import format_labels
from number_generator.rendering import legibility
from number_generator.rendering.fitting import find_fitting, fit_lines
from number_generator.rendering.ground_truth import make_truth, spread_truth
from number_generator.rendering.placement import Placement
from number_generator.rendering.real_lines import (
    draw_real,
    find_real,
    find_widths,
    replace_sequences,
    take_sequences,
)
from number_generator.rendering.resampling_weights import find_shared_taps
from number_generator.rendering.styled import measure_styled, render_styled

Numbers = npt.NDArray[np.uint64]


def make_chunk(
    job: Job, atlas: GlyphAtlas, span: Span, out: npt.NDArray[np.uint8] | None = None, *, warns: bool = False
) -> Chunk:
    """Make the images and labels of a span.

    The result depends only on the job, the atlas and the image numbers, and any number of threads may call it at once;
    it works without the GIL.

    Parameters
    ----------
    span : Span
        Image numbers, within `job.span`.
    out : ndarray, shape (len(span), height, width), in colour (..., 3), uint8, C-contiguous, optional
        Where the images go, unless each is as wide as its line.
    warns : bool
        Whether to log a warning if the lines are too small to read.
    """
    numbers, sequences = _find_sequences(job, span)
    return _draw(job, atlas, span, numbers, sequences, out, warns=warns)


class Selection(NamedTuple):
    """Some images of a span: their numbers, ascending, and what they show."""

    numbers: Numbers
    sequences: Sequences


def measure_widths(job: Job, atlas: GlyphAtlas, span: Span) -> npt.NDArray[np.int64]:
    """Return the widths in px of the images of a span, each as wide as its line, without drawing them."""
    return _measure(job, atlas, span, *_find_sequences(job, span))[1]


def sort_by_width(job: Job, atlas: GlyphAtlas, span: Span, size: int) -> list[Selection]:
    """Divide the images of a span, each as wide as its line, into selections of `size`: first the narrowest."""
    numbers, sequences = _find_sequences(job, span)
    _, widths = _measure(job, atlas, span, numbers, sequences)
    order = np.argsort(widths, kind="stable")
    selections = []
    for first in range(0, len(order), size):
        chosen = np.sort(order[first : first + size])
        selections.append(Selection(numbers[chosen], take_sequences(sequences, chosen)))
    return selections


def draw_selection(job: Job, atlas: GlyphAtlas, span: Span, selection: Selection) -> Chunk:
    """Make the selected images of a span."""
    return _draw(job, atlas, span, *selection)


def describe_small_print(job: Job, atlas: GlyphAtlas) -> str | None:
    """Say how small a job's lines are if they are too small to read: the first ones are measured, and not drawn."""
    first = job.span.start
    span = Span(first, min(job.span.stop, first + legibility.JUDGED_IMAGES))
    numbers, sequences = _find_sequences(job, span)
    placed, _ = _measure(job, atlas, span, numbers, sequences)
    return legibility.describe_small_print(job, atlas, sequences, placed)


def make_labels(job: Job, span: Span) -> npt.NDArray[np.bytes_]:
    """Make the labels of a span without its images, as long as the longest that the job can have."""
    _, sequences = _find_sequences(job, span)
    return format_labels(sequences, job.longest, digits_only=job.label == "digits")


def _find_sequences(job: Job, span: Span) -> tuple[Numbers, Sequences]:
    """Return the numbers of the images of a span, and what they show."""
    numbers, sequences = np.arange(span.start, span.stop, dtype=np.uint64), job.numbers.sequences(job.seed, span)
    if job.real is None:
        return numbers, sequences
    rows, lines = find_real(job, span, numbers)
    return numbers, replace_sequences(sequences, rows, job.real.lines.sequences, lines)


def _draw(
    job: Job,
    atlas: GlyphAtlas,
    span: Span,
    numbers: Numbers,
    sequences: Sequences,
    out: npt.NDArray[np.uint8] | None = None,
    *,
    warns: bool = False,
) -> Chunk:
    """Make the images of these numbers, all of a span, which show the sequences."""
    if job.spec.height is not None or atlas.height != job.height:  # the kernels would read beyond the atlas
        job.check_digits(atlas.height)
    draw = _render_clean if job.spec.style.is_clean else render_styled
    if job.real is None:
        placed = draw(job, atlas, numbers, sequences, out)
        truth = make_truth(job, atlas, numbers, sequences, placed) if job.truth else {}
        images, widths = placed.images, placed.widths
    else:
        rows, lines = find_real(job, span, numbers)
        drawn = np.setdiff1d(np.arange(len(numbers)), rows)
        shown = take_sequences(sequences, drawn)
        placed = draw(job, atlas, numbers[drawn], shown, None)
        truth = make_truth(job, atlas, numbers[drawn], shown, placed) if job.truth else {}
        images, widths = _mix(job, placed, drawn, numbers, rows, lines, out)
        longest = _count_longest(job, sequences)
        truth = spread_truth(truth, drawn, len(numbers), longest, images.shape[1:3])
        truth["real_lines"] = np.full(len(numbers), -1, np.int64)
        truth["real_lines"][rows] = lines
        truth["is_real"] = truth["real_lines"] >= 0
    if warns:
        legibility.warn_once(job, atlas, sequences if job.real is None else shown, placed)
    sizes = None
    if widths is not None:
        sizes = np.empty((len(numbers), 2), np.int32)
        sizes[:, 0], sizes[:, 1] = job.height, widths
    return Chunk(span, images, _format_labels(job, sequences), truth, sizes)


def _count_longest(job: Job, sequences: Sequences) -> int:
    """Return the characters of the longest label."""
    if job.label == "written":
        return sequences.longest
    digits_before = np.concatenate(([0], np.cumsum(sequences.codes < 10)))[sequences.offsets]
    return int(np.diff(digits_before).max(initial=0))


def _format_labels(job: Job, sequences: Sequences) -> npt.NDArray[np.bytes_]:
    """Return what images are labelled with."""
    labels = format_labels(sequences, sequences.longest, digits_only=job.label == "digits")
    if job.label == "digits":
        labels = labels.astype(f"S{max(1, np.char.str_len(labels).max(initial=0))}")
    return labels


def _mix(
    job: Job,
    placed: Placement,
    drawn: npt.NDArray[np.int64],
    numbers: Numbers,
    rows: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    out: npt.NDArray[np.uint8] | None,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64] | None]:
    """Return the drawn images and the real ones in their order, and their widths if they differ."""
    widths, width = None, job.spec.max_width
    if placed.widths is not None:
        widths = np.empty(len(numbers), np.int64)
        widths[drawn], widths[rows] = placed.widths, find_widths(job, lines)
        width = int(widths.max(initial=1))
    shape = len(numbers), job.height, width, *placed.images.shape[3:]
    images = np.empty(shape, np.uint8) if out is None else out
    if widths is not None:
        images[:] = 255
    images[drawn, :, : placed.images.shape[2]] = placed.images
    draw_real(job, numbers[rows], lines, images, rows)
    return images, widths


def _measure(
    job: Job, atlas: GlyphAtlas, span: Span, numbers: Numbers, sequences: Sequences
) -> tuple[Placement, npt.NDArray[np.int64]]:
    """Return how large lines are that `_draw` would draw, and the widths of their pages."""
    if job.spec.style.is_clean:
        marked = atlas.holding(sequences.codes.max(initial=0))
        glyph_ids, _, natural = _lay_out(job, marked, numbers, sequences)
        placed, widths = Placement.of_sizes(glyph_ids, natural=natural), fit_lines(job, atlas.height, natural)[:, 0]
    else:
        placed, widths = measure_styled(job, atlas, numbers, sequences)
    if job.real is not None:
        rows, lines = find_real(job, span, numbers)
        widths[rows] = find_widths(job, lines)
    return placed, widths


def _render_clean(
    job: Job, atlas: GlyphAtlas, numbers: Numbers, sequences: Sequences, out: npt.NDArray[np.uint8] | None
) -> Placement:
    """Draw the digits as they are, resampled exactly as Pillow does it, and signs to match."""
    atlas = atlas.holding(sequences.codes.max(initial=0))
    tell_if_compiling(render.render_lines, "the kernels of the style clean", 7)
    glyph_ids, lefts, natural = _lay_out(job, atlas, numbers, sequences)
    shape, widths = find_fitting(job, atlas.height), None
    taps = find_shared_taps(shape).prepare(natural)
    if job.spec.ragged:
        widths = fit_lines(job, atlas.height, natural)[:, 0]
        shape = (*shape[:2], int(widths.max(initial=1)), shape[3])
    images = np.empty((len(numbers), *shape[1:3]), np.uint8) if out is None or job.spec.color else out
    placed = Placement.allocate(job, images, glyph_ids, natural=natural, widths=widths)
    centred = widths is None
    line = sequences.offsets, glyph_ids, lefts, natural
    render.render_lines(atlas.packed, *line, shape, centred, taps, images.reshape(-1))
    if len(placed.boxes):
        truth.clean_boxes(*line, atlas.glyph_column, atlas.glyph_rows, shape, centred, placed.boxes)
    if len(placed.masks):
        # Each glyph is drawn as a line of its own, as wide as the whole line.
        each = np.arange(len(glyph_ids) + 1)
        whole = np.repeat(natural, np.diff(sequences.offsets))
        masks = placed.masks.reshape(-1)
        render.render_lines(atlas.packed, each, glyph_ids, lefts, whole, shape, centred, taps, masks)
        np.subtract(255, placed.masks, out=placed.masks)
    return replace(placed, images=_repeat_grey(images, out)) if job.spec.color else placed


def _repeat_grey(images: npt.NDArray[np.uint8], out: npt.NDArray[np.uint8] | None) -> npt.NDArray[np.uint8]:
    """Return images with the same grey in red, green and blue."""
    coloured = np.empty((*images.shape, 3), np.uint8) if out is None else out
    for channel in range(3):  # all at once takes five times as long
        coloured[..., channel] = images
    return coloured


def _lay_out(
    job: Job, atlas: GlyphAtlas, numbers: Numbers, sequences: Sequences
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Choose and place glyphs: return glyph and left edge of each code, and the width of each line before fitting."""
    assert job.spec.spacing_range is not None  # noqa: S101 - RenderSpec ensures it
    glyph_ids, lefts = np.empty(len(sequences.codes), np.int64), np.empty(len(sequences.codes), np.int64)
    natural = np.empty(len(numbers), np.int64)
    layout.lay_out(
        np.uint64(job.seed),
        numbers,
        sequences.codes,
        sequences.offsets,
        atlas.class_start,
        atlas.glyph_column,
        job.spec.spacing_range,
        glyph_ids,
        lefts,
        natural,
        atlas.shares,
    )
    return glyph_ids, lefts, natural
