"""Real lines in place of drawn ones: which images they are, their pages, and what ground truth they have."""

import threading
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import layout, real_lines, styled
from number_generator._kernels.compile import tell_if_compiling
from number_generator._kernels.drawing import LANES
from number_generator._kernels.writing import LINE_COLUMNS
from number_generator.job.real_lines import RealLines, real_parameters
from number_generator.job.spec import Job, Sequences, Span
from number_generator.rendering.styled import fill_table, finish_ink
from number_generator.scans.mixing import choose_lines
from number_generator.scans.real_lines import LineSet

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.uint64]

_AT_ONCE = 256
"""Lines drawn at once: their ink is kept beside the images."""


class _Scratch(threading.local):
    """A thread's scratch memory for pages of a height, up to a width."""

    def __init__(self) -> None:
        self.height, self.width = 0, 0
        self.memory: Any = None

    def find(self, height: int, width: int) -> Any:
        """Return the memory of the kernel."""
        if self.height != height or self.width < width:
            self.height, self.width, self.memory = height, width, real_lines.make_scratch(height, width)
        return self.memory


_scratch = _Scratch()


def find_real(job: Job, span: Span, numbers: Numbers) -> tuple[Integers, Integers]:
    """Return which of the images with these numbers, all of a span, are real, and the line of each."""
    part = job.real
    if part is None or not len(part.deck):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows, lines = choose_lines(job.seed, span, part.share, part.deck)
    if len(numbers) == len(span):
        return rows, lines
    places = (numbers - np.uint64(span.start)).astype(np.int64)  # ascending
    found = np.searchsorted(places, rows)
    held = (found < len(places)) & (places[np.minimum(found, len(places) - 1)] == rows)
    return found[held], lines[held]


def replace_sequences(sequences: Sequences, rows: Integers, replacing: Sequences, chosen: Integers) -> Sequences:
    """Return sequences with those of some rows replaced by chosen ones."""
    if not len(rows):
        return sequences
    codes = np.concatenate((sequences.codes, replacing.codes))
    starts = np.concatenate((sequences.offsets[:-1], replacing.offsets[:-1] + len(sequences.codes)))
    lengths = np.concatenate((np.diff(sequences.offsets), np.diff(replacing.offsets)))
    taken = np.arange(len(sequences))
    taken[rows] = len(sequences) + chosen
    return _gather(codes, starts, lengths, taken)


def take_sequences(sequences: Sequences, rows: Integers) -> Sequences:
    """Return some of the sequences."""
    return _gather(sequences.codes, sequences.offsets[:-1], np.diff(sequences.offsets), rows)


def _gather(codes: npt.NDArray[np.uint8], starts: Integers, lengths: Integers, rows: Integers) -> Sequences:
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths[rows], out=offsets[1:])
    taken = np.empty(offsets[-1], np.uint8)
    layout.gather(codes, np.append(starts, 0), rows, offsets, taken)
    return Sequences(taken, offsets)


def find_widths(job: Job, lines: Integers) -> Integers:
    """Return the widths of the pages of real lines, each as wide as its line."""
    held = _lines_of(job)
    own = -(-(held.sizes[lines, 1] - 2 * real_lines.FRAME) // held.density)
    return np.clip(own, 1, job.spec.max_width)


def draw_real(job: Job, numbers: Numbers, lines: Integers, images: npt.NDArray[np.uint8], rows: Integers) -> None:
    """Draw real lines as images with these numbers, into rows of `images`; each is at the left of its row."""
    tell_if_compiling(real_lines.vary_lines, "the kernel that varies real lines", 3)
    width = images.shape[2]
    widths = find_widths(job, lines) if job.spec.ragged else np.full(len(lines), width, np.int64)
    for start in range(0, len(lines), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        pages = _draw_pages(job, numbers[some], lines[some], widths[some], width)
        images[rows[some]] = pages if images.ndim == 3 else pages[..., None]  # all colours alike


def _draw_pages(job: Job, numbers: Numbers, lines: Integers, widths: Integers, width: int) -> npt.NDArray[np.uint8]:
    """Return the pages of real lines, shape (n, height, width)."""
    held, part, height = _lines_of(job), job.real, job.height
    assert part is not None  # noqa: S101 - as there are lines of it
    prepared = _prepare(part.style)
    told = np.zeros((len(lines), LINE_COLUMNS))
    flat = np.empty(len(lines) * height * width + LANES, np.uint8)
    real_lines.vary_lines(
        np.uint64(job.seed),
        numbers,
        prepared[0],
        (held.texels, held.starts, held.sizes, held.inks),
        float(held.density),
        lines,
        height,
        widths,
        _scratch.find(height, width),
        flat,
        told,
    )
    pages = flat[: len(lines) * height * width].reshape(len(lines), height * width)
    unpointed = np.zeros(len(lines), np.bool_)
    finish_ink((job.seed, job.spec, height), prepared, numbers, widths, told, unpointed, pages)
    if job.spec.ragged:
        styled.spread_pages(widths, (height, width), np.uint8(255), pages)
    return pages.reshape(len(lines), height, width)


def _lines_of(job: Job) -> LineSet:
    assert job.real is not None  # noqa: S101 - callers ask for lines of it
    held: LineSet = job.real.lines
    return held


@lru_cache(maxsize=8)
def _prepare(style: RealLines) -> tuple[npt.NDArray[np.float64], bool]:
    return fill_table((each.stream, getattr(style, name)) for name, each in real_parameters().items())
