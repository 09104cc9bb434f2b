"""Paper kept from scans: lines with their ink mended by the paper around it, for `--paper`."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from number_generator.scans.looks import Floats
from number_generator.scans.pictures import Grey

_MOST_INK = 0.6  # of a picture that is near ink: nothing but mended paper would be left
_LEAST_SIDE = 12  # px
_INK_SHARE = 0.3  # of the darkest: more is ink, or its edge
_NOISES = 4.0
_SIGMAS_A_MAD = 1.4826
_REACH = 0.06  # of the height: so near ink paper is not trusted
_TRIES = 64

Booleans = npt.NDArray[np.bool_]


def keep_paper(scans: Iterable[Grey], seed: int) -> Iterator[Grey]:
    """Yield the paper of scans, shape (height, width), uint8, without those that are full of ink or tiny.

    Parameters
    ----------
    scans : iterable of ndarray, shape (height, width), uint8
        Dark ink on bright paper.
    seed : int
        Chooses where the texture comes from that mends the ink.

    Notes
    -----
    What is near ink gets the mean of the paper around it, and the texture of another place of the same picture: all
    of a piece is taken from one place where that is blank (after Efros and Leung, "Texture synthesis by non-parametric
    sampling", ICCV 1999, who choose the place by what is around it).
    """
    for number, page in enumerate(scans):
        if min(page.shape) < _LEAST_SIDE:
            continue
        near = _find_ink(page)
        if near.mean() <= _MOST_INK:
            yield _mend(page, near, np.random.default_rng([seed, 5, number]))


def _find_ink(page: Grey) -> Booleans:
    """Return what is ink, or near it."""
    levels = page.astype(np.float64)
    around = max(_LEAST_SIDE, page.shape[0]) | 1
    smooth = _average(levels, np.ones(page.shape, np.bool_), 3)
    near = np.zeros(page.shape, np.bool_)
    for _ in range(3):
        ground = _average(levels, ~near, around)
        dark = ground - smooth
        paper = dark[~near] if not near.all() else dark
        noise = _SIGMAS_A_MAD * float(np.median(np.abs(paper - np.median(paper))))
        contrast = float(np.quantile(dark, 0.99))
        ink = dark > max(_INK_SHARE * contrast, min(_NOISES * noise / 2, 0.6 * contrast), 4.0)
        near = _grow(ink, max(1, round(_REACH * page.shape[0])))
        if near.mean() > _MOST_INK:  # no paper is left to find more with
            break
    return near


def _mend(page: Grey, near: Booleans, random: np.random.Generator) -> Grey:
    """Fill what is near ink with the paper around it and the texture of other places."""
    levels = page.astype(np.float64)
    ground = _average(levels, ~near, max(_LEAST_SIDE, page.shape[0] // 2) | 1)
    texture = levels - ground
    mended, left = levels.copy(), near.copy()
    height, width = page.shape
    for attempt in range(_TRIES):
        if not left.any():
            break
        # First from the same rows, so that rules go on.
        down = 0 if attempt < _TRIES // 2 else int(random.integers(height))
        across = int(random.integers(width))
        source = np.roll(texture, (down, across), axis=(0, 1))
        filled = left & ~np.roll(near, (down, across), axis=(0, 1))
        mended[filled] = (ground + source)[filled]
        left &= ~filled
    mended[left] = ground[left]
    return np.clip(np.rint(mended), 0, 255).astype(np.uint8)


def _average(levels: Floats, counted: Booleans, side: int) -> Floats:
    """Return the mean of what is counted in a square around each pixel; where there is nothing, the mean of all."""
    total, count = _sum(np.where(counted, levels, 0.0), side), _sum(counted.astype(np.float64), side)
    usual = float(levels[counted].mean()) if counted.any() else float(levels.mean())
    return np.where(count > 0.5, total / np.maximum(count, 1.0), usual)


def _sum(values: Floats, side: int) -> Floats:
    """Return the sum of a square around each pixel, as far as it lies in the picture."""
    for axis in (0, 1):
        length = values.shape[axis]
        cumulated = np.insert(values.cumsum(axis=axis), 0, 0.0, axis=axis)
        places = np.arange(length)
        first, after = np.maximum(places - side // 2, 0), np.minimum(places + side // 2 + 1, length)
        values = cumulated.take(after, axis=axis) - cumulated.take(first, axis=axis)
    return values


def _grow(ink: Booleans, reach: int) -> Booleans:
    return _sum(ink.astype(np.float64), 2 * reach + 1) > 0.5
