"""The one function that makes images: a span of a job in, a chunk out."""

import numpy as np
import numpy.typing as npt

from number_generator._kernels import layout, render, truth
from number_generator._kernels.compile import tell_if_compiling
from number_generator.digits.atlas import GlyphAtlas
from number_generator.errors import SpecError
from number_generator.job.chunk import Chunk
from number_generator.job.spec import Job, Sequences, Span
from number_generator.numbers.sequences import format_labels
from number_generator.rendering.ground_truth import make_truth
from number_generator.rendering.placement import Placement
from number_generator.rendering.resampling_weights import find_shared_taps
from number_generator.rendering.styled import render_styled


def make_chunk(job: Job, atlas: GlyphAtlas, span: Span, out: npt.NDArray[np.uint8] | None = None) -> Chunk:
    """Make the images and labels of a span.

    A pure function: the result depends only on the job, the atlas and the image numbers, and any number of threads
    may call it at once; it works without the GIL.

    Parameters
    ----------
    span : Span
        Image numbers, within `job.span`.
    out : ndarray, shape (len(span), height, width), uint8, C-contiguous, optional
        Where the images go.
    """
    if atlas.height != job.height:  # the kernels would read beyond the atlas
        raise SpecError(f"the job is for digits {job.height} px high and the atlas holds digits {atlas.height} px high")
    sequences = job.numbers.sequences(job.seed, span)
    images = np.empty((len(span), job.height, job.spec.width), np.uint8) if out is None else out
    draw = _render_clean if job.spec.style.is_clean else render_styled
    placed = draw(job, atlas, span.start, sequences, images)
    labels = format_labels(sequences, sequences.longest, digits_only=job.label == "digits")
    if job.label == "digits":
        labels = labels.astype(f"S{max(1, np.char.str_len(labels).max(initial=0))}")
    return Chunk(span, images, labels, make_truth(job, atlas, span.start, sequences, placed) if job.truth else {})


def _render_clean(
    job: Job, atlas: GlyphAtlas, start: int, sequences: Sequences, images: npt.NDArray[np.uint8]
) -> Placement:
    """Draw the digits as they are, resampled exactly as Pillow does it, and signs to match."""
    atlas = atlas.holding(sequences.codes.max(initial=0))
    count, width = len(sequences), job.spec.width
    assert job.spec.spacing_range is not None  # noqa: S101 - RenderSpec ensures it
    lefts = np.empty(len(sequences.codes), np.int64)
    natural = np.empty(count, np.int64)
    placed = Placement.allocate(job, len(sequences.codes), natural)
    tell_if_compiling(render.render_lines, "the kernels of the style clean", 7)
    layout.lay_out(
        np.uint64(job.seed),
        np.uint64(start),
        sequences.codes,
        sequences.offsets,
        atlas.class_start,
        atlas.glyph_column,
        job.spec.spacing_range,
        placed.glyph_ids,
        lefts,
        natural,
        atlas.shares,
    )
    stretch = job.spec.fit == "stretch"
    shape = (job.height, width, stretch)
    taps = find_shared_taps(job.height, width, stretch=stretch).prepare(natural)
    render.render_lines(
        atlas.packed, sequences.offsets, placed.glyph_ids, lefts, natural, shape, taps, images.reshape(-1)
    )
    if len(placed.boxes):
        truth.clean_boxes(
            sequences.offsets,
            placed.glyph_ids,
            lefts,
            natural,
            atlas.glyph_column,
            atlas.glyph_rows,
            shape,
            placed.boxes,
        )
    if len(placed.masks):
        # Each glyph is drawn as a line of its own, as wide as the whole line.
        each = np.arange(len(placed.glyph_ids) + 1)
        whole = np.repeat(natural, np.diff(sequences.offsets))
        render.render_lines(atlas.packed, each, placed.glyph_ids, lefts, whole, shape, taps, placed.masks.reshape(-1))
        np.subtract(255, placed.masks, out=placed.masks)
    return placed
