"""Drawn pages to compare scans with: of numbers as long as theirs, on pages of their shape."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from number_generator.digits.dataset import DigitImageDataset
from number_generator.job.handwriting import Handwriting
from number_generator.rendering.bound_job import make_job
from number_generator.scans.fitting import is_bright_ink
from number_generator.scans.looks import PAGE_HEIGHT, WIDEST, Floats, measure_looks
from number_generator.scans.pictures import Grey
from number_generator.system.threads import ordered_map

_AT_ONCE = 128
_LONGEST = 24  # digits
_ALIKE = 0.9  # of the scans


@dataclass(frozen=True)
class Drawing:
    """How pages are drawn, but for their style and the lengths of their numbers.

    Attributes
    ----------
    width : int or str
        Of the pages, as for `generate_batch`.
    digits : DigitImageDataset
    workers : int
        Threads; the pages do not depend on them.
    """

    width: int | str
    digits: DigitImageDataset
    workers: int

    def draw(self, style: Handwriting, lengths: tuple[float, float], count: int, seed: int) -> list[Grey]:
        """Draw pages, dark ink on bright paper as scans are.

        `lengths` are mean and standard deviation of the number of digits. The same seed draws from the same numbers, of
        which longer lines show more.
        """
        texts = draw_numbers(lengths, count, seed)
        spans = range(0, count, _AT_ONCE)
        parts = ordered_map(lambda first: self._draw_some(style, texts, first, seed), spans, self.workers)
        return [page for part in parts for page in part]

    def measure(self, style: Handwriting, lengths: tuple[float, float], count: int, seed: int) -> Floats:
        """Draw pages, and return their measures alone."""
        texts = draw_numbers(lengths, count, seed)
        spans = range(0, count, _AT_ONCE)
        parts = ordered_map(
            lambda first: measure_looks(self._draw_some(style, texts, first, seed)), spans, self.workers
        )
        return np.concatenate(list(parts))

    def _draw_some(self, style: Handwriting, texts: list[str], first: int, seed: int) -> list[Grey]:
        bound = make_job(
            texts[first : first + _AT_ONCE],
            None,
            self.width,
            style=style,
            seed=seed,
            start=first,
            digits=self.digits,
            image_height=None if self.digits.get_example_shape()[1] == PAGE_HEIGHT else PAGE_HEIGHT,
        )
        return [255 - page if is_bright_ink(page) else page for page in bound.make_chunk().cut_images()]


def draw_numbers(lengths: tuple[float, float], count: int, seed: int) -> list[str]:
    """Return numbers whose lengths are spread evenly about a mean."""
    random = np.random.default_rng([seed, 3])
    mean, deviation = lengths
    wanted = mean + deviation * 3**0.5 * (2.0 * random.random(count) - 1.0)
    sizes = np.clip(np.rint(wanted), 1, _LONGEST).astype(int).tolist()
    figures = random.integers(0, 10, (count, _LONGEST)).astype("U1")
    return ["".join(row[:size]) for row, size in zip(figures, sizes, strict=True)]


def choose_width(pages: Sequence[Grey]) -> int | str:
    """Return the width of pages to compare scans with: theirs if nearly all have one, else that of each line."""
    widths = np.array([page.shape[1] for page in pages])
    usual = int(np.median(widths))
    return usual if np.mean(np.abs(widths - usual) <= 1) >= _ALIKE and len(pages) > 1 else f"auto:{WIDEST}"
