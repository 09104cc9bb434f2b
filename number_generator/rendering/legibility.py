"""Whether lines come out large enough to be read, and the warning if they do not."""

import logging

import numpy as np
import numpy.typing as npt

from number_generator.digits.atlas import GlyphAtlas
from number_generator.job.handwriting import Handwriting
from number_generator.job.spec import Job, Sequences
from number_generator.rendering.fitting import fit_lines
from number_generator.rendering.placement import Placement

JUDGED_IMAGES = 256
"""How many of a job's first images are judged."""

_LOWEST, _NARROWEST = 7, 5  # px: a digit, and a character with its gap
_WIDEST_PITCH = 1.5  # widths of a digit that count, with its gap
_MOST_KINDS = 1024

_logger = logging.getLogger(__name__)
_judged: dict[tuple[object, ...], Handwriting] = {}
"""The kinds of images that were judged, with their styles: a loop of small batches is not told again and again."""


def warn_once(job: Job, atlas: GlyphAtlas, sequences: Sequences, placed: Placement) -> None:
    """Log a warning if lines are too small to read, once for all jobs of the same kind."""
    spec = job.spec
    kind = spec.width, spec.fit, spec.spacing_range, job.height, atlas.height, job.numbers.longest
    if _judged.get(kind) is spec.style:
        return
    if len(_judged) >= _MOST_KINDS:
        _judged.clear()
    _judged[kind] = spec.style
    log_small_print(describe_small_print(job, atlas, sequences, placed))


def log_small_print(text: str | None) -> None:
    """Log what `describe_small_print` has found."""
    if text is not None:
        _logger.warning(text)


def describe_small_print(job: Job, atlas: GlyphAtlas, sequences: Sequences, placed: Placement) -> str | None:
    """Say how small the first lines are, by their medians, and what to do about it; None if they can be read."""
    lengths = np.diff(sequences.offsets)[:JUDGED_IMAGES]
    width, across, down = _measure_lines(job, atlas, placed)
    written = (lengths > 0) & (width > 0.0)
    if not written.any():
        return None
    height = _find_median(down[written]) * atlas.ink_height
    # A wide gap makes no digit wider, and a 1 is narrow at any size.
    usual = atlas.ink_width * across[written]
    narrow = _find_median(np.clip(width[written] / lengths[written], usual, _WIDEST_PITCH * usual))
    faults = [f"{height:.1f} px high, where about {_LOWEST} px are needed"] * (height < _LOWEST)
    faults += [f"{narrow:.1f} px a character wide, where about {_NARROWEST} px are needed"] * (narrow < _NARROWEST)
    if not faults:
        return None
    judged = f" (the median of the first {len(lengths)} images)" if len(lengths) > 1 else ""
    return (
        f"the digits come out {' and '.join(faults)} to read them{judged}: give wider images, smaller gaps or shorter "
        "numbers, or higher images"
    )


def _measure_lines(job: Job, atlas: GlyphAtlas, placed: Placement) -> tuple[npt.NDArray[np.float64], ...]:
    """Return of each line that is judged its width in px, and how large a px of the digits comes out in x and y."""
    if placed.natural is not None:
        natural = placed.natural[:JUDGED_IMAGES]
        width, height = fit_lines(job, atlas.height, natural).T
        return np.where(natural > 0, width, 0), width / np.maximum(natural, 1), height / atlas.height
    assert placed.lines is not None  # noqa: S101 - all other styles have them
    left, _, right, _, _, across, down = placed.lines[:JUDGED_IMAGES].T
    return right - left, across, down


def _find_median(values: npt.NDArray[np.float64]) -> float:
    return float(np.sort(values)[len(values) // 2])  # a tenth of the time of np.median, for few values
