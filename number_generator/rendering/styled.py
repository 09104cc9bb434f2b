"""Lines in styles other than `clean`: the style as a table for the kernels, and the calls of the kernels."""

import threading
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import draws, page, styled, writing
from number_generator._kernels.compile import tell_if_compiling
from number_generator.digits.atlas import GlyphAtlas
from number_generator.job.distributions import Normal
from number_generator.job.handwriting import Handwriting, parameters
from number_generator.job.spec import Job, Sequences
from number_generator.numbers.sequences import ALPHABET
from number_generator.rendering.placement import Placement

_IS_POINT = np.isin(list(ALPHABET), list(".,:'"))  # by code: signs of a few px
_KEPT_PX = 1 << 20
"""Pages up to this size keep their scratch memory for the next call: to make it takes as long as two images."""


class _Scratch(threading.local):
    """A thread's scratch memory for lines of up to `longest` characters on pages of one shape."""

    def __init__(self) -> None:
        self.longest, self.shape = 0, (0, 0)
        self.memory: tuple[Any, Any, Any, Any] | None = None

    def find(self, longest: int, shape: tuple[int, int]) -> tuple[Any, Any, Any, Any]:
        """Return the memory of lines, their sheets, the memory of pages, and a page."""
        if self.memory is not None and self.shape == shape and self.longest >= longest:
            return self.memory
        size = shape[0] * shape[1]
        memory = (
            writing.make_scratch(longest, *shape),
            writing.make_sheets(*shape),
            page.make_scratch(*shape),
            page.make_aligned(size),
        )
        kept = size <= _KEPT_PX and longest <= _KEPT_PX
        self.longest, self.shape, self.memory = (longest, shape, memory) if kept else (0, (0, 0), None)
        return memory


_scratch = _Scratch()


def make_style_table(style: Handwriting) -> npt.NDArray[np.float64]:
    """Return a style's distributions by random stream, shape (160, 6): see `_kernels.draws`."""
    return _prepare_style(style)[0]


@lru_cache(maxsize=16)
def _prepare_style(style: Handwriting) -> tuple[npt.NDArray[np.float64], bool]:
    """Return a style's table, and whether it needs paper; in one step, as hashing a style takes 20 us."""
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
    return table, styled.needs_paper(table)


def find_signs(job: Job) -> np.int64:
    """Return the signs that labels of a job can hold, bit k for code k: none is drawn unlabelled.

    If the source leaves that to each line, or labels leave signs out, there are none.
    """
    held = job.numbers.alphabet if job.label == "written" else None
    return np.int64(sum(1 << ALPHABET.index(character) for character in held or "" if not character.isdigit()))


def _find_pointed(sequences: Sequences, signs: np.int64) -> npt.NDArray[np.bool_]:
    """Tell of each line whether its label, or any of the job, can hold dots, commas, colons or apostrophes."""
    if any(int(signs) >> code & 1 for code in np.flatnonzero(_IS_POINT)):
        return np.ones(len(sequences), np.bool_)
    pointed = np.zeros(len(sequences), np.bool_)
    held = np.flatnonzero(_IS_POINT[sequences.codes])
    pointed[np.searchsorted(sequences.offsets, held, side="right") - 1] = True
    return pointed


def render_styled(
    job: Job, atlas: GlyphAtlas, start: int, sequences: Sequences, images: npt.NDArray[np.uint8]
) -> Placement:
    """Draw lines in a style other than `clean`, the first of image `start`; `images` is C-contiguous."""
    pages = images.reshape(len(images), job.height * job.spec.width)  # -1 would fail for no images
    placed, line_boxes = write_ink(job, atlas, start, sequences, pages)
    finish_pages(job, start, line_boxes, _find_pointed(sequences, find_signs(job)), pages)
    return placed


def write_ink(
    job: Job, atlas: GlyphAtlas, start: int, sequences: Sequences, pages: npt.NDArray[np.uint8]
) -> tuple[Placement, npt.NDArray[np.float64]]:
    """Draw the ink of lines, 0 to 255, on pages of shape (n, height * width); return what it tells of each line."""
    spec = job.spec
    shape = (job.height, spec.width)
    line_boxes = np.empty((len(pages), 5))
    placed = Placement.allocate(job, len(sequences.codes))
    line_scratch, sheets, _, _ = _scratch.find(max(sequences.longest, 1), shape)
    tell_if_compiling(writing.write_lines, "the kernels that write lines", 20)
    writing.write_lines(
        np.uint64(job.seed),
        np.uint64(start),
        make_style_table(spec.style),
        sequences.codes,
        sequences.offsets,
        find_signs(job),
        spec.spacing_range or writing.NO_SPACING,
        (spec.style.crop == "tight", spec.fit == "stretch"),
        atlas.fields.packed,
        (atlas.class_start, *atlas.groups, atlas.shares),
        atlas.letterform_choice,
        shape,
        line_scratch,
        sheets,
        pages,
        line_boxes,
        placed.glyph_ids,
        placed.boxes,
        placed.masks.reshape(-1, job.height * spec.width),
    )
    return placed, line_boxes


def finish_pages(
    job: Job,
    start: int,
    line_boxes: npt.NDArray[np.float64],
    pointed: npt.NDArray[np.bool_],
    pages: npt.NDArray[np.uint8],
) -> None:
    """Turn ink into pages, in place; `pointed` tells whose label, or any of the job, can hold points."""
    shape = (job.height, job.spec.width)
    table, needs_paper = _prepare_style(job.spec.style)
    key = np.uint64(job.seed), np.uint64(start), table, shape
    _, sheets, scratch, sheet = _scratch.find(1, shape)
    tell_if_compiling(styled.scan_pages if needs_paper else styled.ink_pages, "the kernels of paper and ink", 12)
    if needs_paper:
        styled.scan_pages(*key, scratch, sheet, line_boxes, pointed, pages)
    else:
        styled.ink_pages(*key, scratch, sheets[0], pages)
