"""Lines in styles other than `clean`: the style as a table for the kernels, and the calls of the kernels."""

import math
import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import color, draws, own_paper, page, styled, writing
from number_generator._kernels.compile import tell_if_compiling
from number_generator.digits.atlas import GlyphAtlas
from number_generator.job.distributions import Normal
from number_generator.job.handwriting import Handwriting, parameters
from number_generator.job.spec import Job, RenderSpec, Sequences
from number_generator.numbers.sequences import ALPHABET
from number_generator.rendering.own_paper import find_own_paper
from number_generator.rendering.placement import Placement

Prepared = tuple[npt.NDArray[np.float64], bool]
"""Distributions by random stream, shape (160, 6), see `_kernels.draws`, and whether they need paper."""

_IS_POINT = np.isin(list(ALPHABET), list(".,:'"))  # by code: signs of a few px
_WIDTH_STEP = 256  # px
_KEPT_PX = 1 << 20
"""Pages up to this size keep their scratch memory for the next call: to make it takes as long as two images."""


class _Scratch(threading.local):
    """A thread's scratch memory: for lines of up to `longest` characters, pages of up to a height and a width in px."""

    def __init__(self) -> None:
        self.longest, self.height, self.width = 0, 0, 0
        self.memory: tuple[Any, Any, Any, Any] | None = None

    def find(self, longest: int, height: int, width: int) -> tuple[Any, Any, Any, Any]:
        """Return the memory of lines, their sheets, the memory of pages, and a page."""
        if self.memory is not None and self.longest >= longest and self.height >= height and self.width >= width:
            return self.memory
        size = height * width
        memory = (
            writing.make_scratch(longest, height, width),
            writing.make_sheets(height, width),
            page.make_scratch(height, width),
            page.make_aligned(size),
        )
        if size <= _KEPT_PX and longest <= _KEPT_PX:
            self.longest, self.height, self.width, self.memory = longest, height, width, memory
        else:
            self.longest, self.height, self.width, self.memory = 0, 0, 0, None
        return memory


_scratch = _Scratch()


def make_style_table(style: Handwriting) -> npt.NDArray[np.float64]:
    """Return a style's distributions by random stream, shape (160, 6): see `_kernels.draws`."""
    return _prepare_style(style)[0]


@lru_cache(maxsize=16)
def _prepare_style(style: Handwriting) -> Prepared:
    """Return a style's table, and whether it needs paper; in one step, as hashing a style takes 20 us."""
    return fill_table((parameter.stream, getattr(style, parameter.name)) for parameter in parameters())


def fill_table(values: Iterable[tuple[int, Any]]) -> Prepared:
    """Return distributions by random stream as a table, and whether they need paper; choices are left out."""
    table = np.zeros((draws.TABLE_ROWS, draws.ROW_SIZE))
    for stream, value in values:
        if isinstance(value, str):
            continue
        low, high = value.bounds()
        if isinstance(value, Normal):
            table[stream] = draws.NORMAL, value.mean, value.sd, low, high, value.per_job
        elif low == high:
            table[stream] = draws.CONSTANT, low, 0.0, low, high, False
        else:
            table[stream] = draws.UNIFORM, 0.0, 0.0, low, high, value.per_job
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
    job: Job,
    atlas: GlyphAtlas,
    numbers: npt.NDArray[np.uint64],
    sequences: Sequences,
    out: npt.NDArray[np.uint8] | None,
) -> Placement:
    """Draw lines in a style other than `clean`; `numbers` are the images', and `out` is C-contiguous."""
    width, widths = job.spec.max_width, None
    if job.spec.ragged:
        _, widths = measure_styled(job, atlas, numbers, sequences)
        width = int(widths.max(initial=1))
    images = np.empty((len(numbers), job.height, width, *job.array_shape[3:]), np.uint8) if out is None else out
    glyph_ids, lines = np.empty(len(sequences.codes), np.int64), np.empty((len(numbers), writing.LINE_COLUMNS))
    placed = Placement.allocate(job, images, glyph_ids, lines=lines, widths=widths)
    channels = job.spec.channels
    pages = images.reshape(len(images), job.height * width * channels)  # -1 would fail for no images
    ink = np.empty((len(images), job.height * width), np.uint8) if job.spec.color else pages
    drawn = write_ink(job, atlas, numbers, sequences, ink, placed)
    pointed = _find_pointed(sequences, find_signs(job))
    if job.spec.color:
        color_pages(job, numbers, drawn, lines, pointed, ink, pages)
    else:
        finish_pages(job, numbers, drawn, lines, pointed, pages)
    if widths is not None:
        size = job.height, width
        # To what moves bytes, a page in colour is one of three times the width.
        styled.spread_pages(widths * channels, (job.height, width * channels), np.uint8(255), pages)
        if len(placed.masks):
            masks = placed.masks.reshape(len(placed.masks), job.height * width)
            styled.spread_pages(np.repeat(widths, np.diff(sequences.offsets)), size, np.uint8(0), masks)
    return placed


def measure_styled(
    job: Job, atlas: GlyphAtlas, numbers: npt.NDArray[np.uint64], sequences: Sequences
) -> tuple[Placement, npt.NDArray[np.int64]]:
    """Find the boxes of the ink and the widths of the pages that `render_styled` would draw."""
    glyph_ids, lines = np.empty(len(sequences.codes), np.int64), np.empty((len(numbers), writing.LINE_COLUMNS))
    placed = Placement.of_sizes(glyph_ids, lines=lines)
    return placed, write_ink(job, atlas, numbers, sequences, np.empty((len(numbers), 0), np.uint8), placed)


def write_ink(
    job: Job,
    atlas: GlyphAtlas,
    numbers: npt.NDArray[np.uint64],
    sequences: Sequences,
    pages: npt.NDArray[np.uint8],
    placed: Placement,
) -> npt.NDArray[np.int64]:
    """Draw the ink of lines, 0 to 255, on pages of shape (n, height * width), and return the width of each.

    `placed` receives what it tells of lines and characters. On pages of shape (n, 0) lines are only measured.
    """
    spec = job.spec
    widths = np.empty(len(pages), np.int64)
    drawn_width = pages.shape[1] // job.height
    line_scratch, sheets, _, _ = _scratch.find(max(sequences.longest, 1), job.height, _round_width(spec, drawn_width))
    tell_if_compiling(writing.write_lines, "the kernels that write lines", 17)
    writing.write_lines(
        np.uint64(job.seed),
        numbers,
        make_style_table(spec.style),
        sequences.codes,
        sequences.offsets,
        find_signs(job),
        spec.spacing_range or writing.NO_SPACING,
        (spec.style.crop == "tight", spec.fit == "stretch", spec.ragged, job.height / atlas.height),
        atlas.fields.packed,
        (atlas.class_start, *atlas.groups, atlas.shares),
        atlas.letterform_choice,
        (job.height, spec.max_width, spec.px),
        line_scratch,
        sheets,
        pages,
        widths,
        placed.lines,
        placed.glyph_ids,
        placed.boxes,
        placed.masks.reshape(len(placed.masks), math.prod(placed.masks.shape[1:])),
    )
    return widths


def finish_pages(
    job: Job,
    numbers: npt.NDArray[np.uint64],
    widths: npt.NDArray[np.int64],
    lines: npt.NDArray[np.float64],
    pointed: npt.NDArray[np.bool_],
    pages: npt.NDArray[np.uint8],
) -> None:
    """Turn ink into pages, in place; `pointed` tells whose label, or any of the job, can hold points."""
    style = job.spec.style
    own = None if style.paper_images is None else find_own_paper(style)
    finish_ink((job.seed, job.spec, job.height), _prepare_style(style), numbers, widths, lines, pointed, pages, own)


def finish_ink(
    page: tuple[int, RenderSpec, int],
    prepared: Prepared,
    numbers: npt.NDArray[np.uint64],
    widths: npt.NDArray[np.int64],
    lines: npt.NDArray[np.float64],
    pointed: npt.NDArray[np.bool_],
    pages: npt.NDArray[np.uint8],
    own: Any = None,
) -> None:
    """Turn ink into pages as a table says; `page` is a seed, a spec and a height in px, `own` the own paper."""
    seed, spec, height = page
    table, needs_paper = prepared
    key = np.uint64(seed), numbers, table, (height, spec.px), widths
    _, sheets, scratch, sheet = _scratch.find(1, height, _round_width(spec, pages.shape[1] // height))
    if own is not None:
        tell_if_compiling(own_paper.own_pages, "the kernels of own paper", 14)
        own_paper.own_pages(*key, scratch, sheet, sheets[0], lines, pointed, own, not needs_paper, pages)
        return
    if needs_paper:
        tell_if_compiling(styled.scan_pages, "the kernels of paper and scans", 14)
        styled.scan_pages(*key, scratch, sheet, lines, pointed, pages)
    else:
        tell_if_compiling(styled.ink_pages, "the kernels of ink", 4)
        styled.ink_pages(*key, scratch, sheets[0], pages)


def color_pages(
    job: Job,
    numbers: npt.NDArray[np.uint64],
    widths: npt.NDArray[np.int64],
    lines: npt.NDArray[np.float64],
    pointed: npt.NDArray[np.bool_],
    ink: npt.NDArray[np.uint8],
    pages: npt.NDArray[np.uint8],
) -> None:
    """Turn ink into pages in colour, as `finish_pages` does in grey."""
    table, _ = _prepare_style(job.spec.style)
    width = _round_width(job.spec, ink.shape[1] // job.height)
    _, _, scratch, sheet = _scratch.find(1, job.height, width)
    tell_if_compiling(color.color_pages, "the kernels of colour", 15)
    color.color_pages(
        np.uint64(job.seed),
        numbers,
        table,
        (job.height, job.spec.px),
        widths,
        scratch,
        sheet,
        color.make_sheets(job.height, width),
        lines,
        pointed,
        find_own_paper(job.spec.style, color=True),
        ink,
        pages,
    )


def _round_width(spec: RenderSpec, width: int) -> int:
    """Return the width of scratch memory for pages: if each chunk's pages have another, the same for many of them."""
    return -(-width // _WIDTH_STEP) * _WIDTH_STEP if spec.ragged else width
