"""Lines in styles other than `clean`: the style as a table for the kernels, and the calls of the kernels."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from number_generator._kernels import draws, styled, writing
from number_generator.digits.atlas import GlyphAtlas
from number_generator.job.distributions import Normal
from number_generator.job.handwriting import Handwriting, parameters
from number_generator.job.spec import Job, Sequences
from number_generator.numbers.sequences import ALPHABET
from number_generator.rendering.placement import Placement


@lru_cache(maxsize=16)
def make_style_table(style: Handwriting) -> npt.NDArray[np.float64]:
    """Return a style's distributions by random stream, shape (160, 6): see `_kernels.draws`."""
    table = np.zeros((draws.TABLE_ROWS, draws.ROW_SIZE))
    for parameter in parameters():
        value = getattr(style, parameter.name)
        if isinstance(value, str):
            continue
        low, high = value.bounds()
        if isinstance(value, Normal):
            table[parameter.stream] = draws.NORMAL, value.mean, value.sd, low, high, value.per_job
        elif low == high:
            table[parameter.stream] = draws.CONSTANT, low, 0.0, low, high, False
        else:
            table[parameter.stream] = draws.UNIFORM, 0.0, 0.0, low, high, value.per_job
    return table


def find_signs(job: Job) -> np.int64:
    """Return the separators that labels of a job can hold, bit k for code k: none is drawn unlabelled.

    If the source leaves that to each line, or labels leave separators out, there are none.
    """
    held = job.numbers.alphabet if job.label == "written" else None
    return np.int64(sum(1 << ALPHABET.index(character) for character in held or "" if not character.isdigit()))


def _find_pointed(sequences: Sequences, signs: np.int64) -> npt.NDArray[np.bool_]:
    """Tell of each line whether its label, or any of the job, can hold dots or commas."""
    points = [ALPHABET.index(character) for character in ".,"]
    if any(signs >> code & 1 for code in points):
        return np.ones(len(sequences), np.bool_)
    lines = np.repeat(np.arange(len(sequences)), np.diff(sequences.offsets))
    return np.bincount(lines[np.isin(sequences.codes, points)], minlength=len(sequences)) > 0


def render_styled(
    job: Job, atlas: GlyphAtlas, start: int, sequences: Sequences, images: npt.NDArray[np.uint8]
) -> Placement:
    """Draw lines in a style other than `clean`, the first of image `start`; `images` is C-contiguous."""
    spec = job.spec
    seed, first = np.uint64(job.seed), np.uint64(start)
    table = make_style_table(spec.style)
    shape = (job.height, spec.width)
    pages = images.reshape(len(images), job.height * spec.width)  # -1 would fail for no images
    line_boxes = np.empty((len(images), 5))
    placed = Placement.allocate(job, len(sequences.codes))
    writing.write_lines(
        seed,
        first,
        table,
        sequences.codes,
        sequences.offsets,
        find_signs(job),
        spec.spacing_range or writing.NO_SPACING,
        (spec.style.crop == "tight", spec.fit == "stretch"),
        atlas.fields.packed,
        (atlas.class_start, *atlas.groups, atlas.shares),
        atlas.letterform_choice,
        shape,
        max(sequences.longest, 1),
        pages,
        line_boxes,
        placed.glyph_ids,
        placed.boxes,
        placed.masks.reshape(-1, job.height * spec.width),
    )
    if styled.needs_paper(table):
        styled.scan_pages(seed, first, table, shape, line_boxes, _find_pointed(sequences, find_signs(job)), pages)
    else:
        styled.ink_pages(seed, first, table, shape, pages)
    return placed
