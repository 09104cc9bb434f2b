"""Real lines in place of drawn ones: which images they are, their pages, and what ground truth they have."""

import threading
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import layout, real_lines
from number_generator._kernels.compile import tell_if_compiling
from number_generator._kernels.writing import LINE_COLUMNS
from number_generator.job.real_lines import RealLines, real_parameters
from number_generator.job.spec import Job, Sequences, Span
from number_generator.rendering.styled import fill_table, finish_ink
from number_generator.scans.mixing import choose_lines
from number_generator.scans.real_lines import LineSet

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.uint64]

_LANES = 16  # values after a page that the kernel may write


class _Scratch(threading.local):
    """A thread's scratch memory for pages of one size."""

    def __init__(self) -> None:
        self.shape: tuple[int, int] = (0, 0)
        self.memory: Any = None
        self.page = np.empty(0, np.uint8)

    def find(self, shape: tuple[int, int]) -> tuple[Any, npt.NDArray[np.uint8]]:
        """Return the memory of the kernel, and a page with room behind it."""
        if self.shape != shape:
            self.shape, self.memory = shape, real_lines.make_scratch(*shape)
            self.page = np.empty(shape[0] * shape[1] + _LANES, np.uint8)
        return self.memory, self.page


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
    held, part = _lines_of(job), job.real
    assert part is not None  # noqa: S101 - as there are lines of it
    table, _ = _prepare(part.style)
    height = job.height
    ragged = job.spec.ragged
    widths = find_widths(job, lines) if ragged else np.full(len(lines), job.spec.max_width, np.int64)
    tell_if_compiling(real_lines.vary_line, "the kernel that varies real lines", 3)
    for number, line, row, width in zip(numbers.tolist(), lines.tolist(), rows.tolist(), widths.tolist(), strict=True):
        shape = height, width
        memory, page = _scratch.find(shape)
        told = np.zeros((1, LINE_COLUMNS))
        start = held.starts[line]
        size = int(held.sizes[line, 0]), int(held.sizes[line, 1])
        real_lines.vary_line(
            np.uint64(job.seed),
            np.uint64(number),
            table,
            held.texels[start:],
            size,
            tuple(held.inks[line].tolist()),
            float(held.density),
            shape,
            memory,
            page,
            told[0],
        )
        ink = page[: height * width].reshape(1, height * width).copy()
        finish_ink(
            (job.seed, job.spec, height), _prepare(part.style), np.array([number], np.uint64),
            np.array([width], np.int64), told, np.zeros(1, np.bool_), ink,
        )  # fmt: skip
        page_of_line = ink.reshape(shape)
        images[row, :, :width] = page_of_line if images.ndim == 3 else page_of_line[..., None]  # all colours alike
        images[row, :, width:] = 255


def _lines_of(job: Job) -> LineSet:
    assert job.real is not None  # noqa: S101 - callers ask for lines of it
    held: LineSet = job.real.lines
    return held


@lru_cache(maxsize=8)
def _prepare(style: RealLines) -> tuple[npt.NDArray[np.float64], bool]:
    return fill_table((each.stream, getattr(style, name)) for name, each in real_parameters().items())
