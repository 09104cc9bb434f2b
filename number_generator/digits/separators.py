"""Separators and signs for the style `clean`: a few drawings of each, as if by the digits' own pen."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from number_generator._kernels import rng, signs, streams, strokes
from number_generator.digits.distance_fields import Packed

SEPARATOR_CLASSES = range(10, 18)
"""Codes of the separators, their indices in `numbers.ALPHABET`; the last one is the space."""

SIGN_CLASSES = range(18, 28)
"""Codes of the signs that follow: they have several times as many strokes."""

VARIANTS = 24
"""Drawings of each, except the space, which has no ink and one drawing."""

_WORDS = 8  # per drawing: four for its shape, one for its pen
_MOST_MEASURED = 1000  # digits: more do not change a median
_WIDE_SPACE = 0.3  # digit heights
_PEN_RANGE = (0.8, 0.4)  # of the stroke width: the minimum, and the range above it
_DOT_PEN = 1.15
_FAINTEST = 0.9  # px: minimum width of a stroke
_THICKEST = 0.24  # digit heights
_PALEST = 8  # minimum ink, so that no px in a dot's middle is rounded to 0
# An outline of px edges is longer than the curve that it follows, by this factor on average over all directions.
_EDGES_PER_LENGTH = 4 / 3.141592653589793


@dataclass(frozen=True, slots=True)
class DigitMeasures:
    """What separators inherit from the digits around them, in px.

    All are medians of pixel counts over at most 1,000 digits, so that they are the same on every machine.
    """

    height: int  # of the images
    baseline: float  # rows above the lower edge of the ink
    digit_height: float  # of the ink
    stroke: float  # width
    softness: float  # width of the strokes' edges, over which ink fades out
    ink: int  # the strongest of a digit, from 8 to 255

    @property
    def space_width(self) -> int:
        """Blank columns of a space."""
        return max(1, int(_WIDE_SPACE * self.digit_height + 0.5))

    @classmethod
    def measure(cls, height: int, packed: Packed) -> "DigitMeasures":
        """Measure an atlas's digits; digits without any ink get the measures of common handwriting."""
        measures = [_measure_glyph(glyph) for glyph in _pick_glyphs(height, packed) if glyph.any()]
        if not measures:
            return cls(height, 0.85 * height, 0.7 * height, max(_FAINTEST, 0.08 * height), 1.0, 255)
        top, bottom, stroke, softness, ink = np.median(np.array(measures), axis=0).tolist()
        digit_height = max(1.0, bottom - top)
        stroke = max(_FAINTEST, min(stroke, _THICKEST * digit_height))
        softness = min(max(1.0, softness), max(1.0, stroke))
        return cls(height, bottom, digit_height, stroke, softness, max(_PALEST, int(ink)))


def draw_separators(
    measures: DigitMeasures, classes: range = SEPARATOR_CLASSES
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Draw all separators, or the signs of other classes, for digits of these measures, at least 4 px high.

    Returns
    -------
    images : ndarray, shape (N, H, H), uint8
        Ink on background 0, like digits: on their baseline, moved or shrunk where the page would cut strokes off. The
        space is blank.
    codes : ndarray, shape (N,), int64
        The code of each, from `classes`, in ascending order.
    """
    drawings = [1 if code == strokes.SPACE else VARIANTS for code in classes]
    codes = np.repeat(np.array(classes, np.int64), drawings)
    images = np.zeros((len(codes), measures.height, measures.height), np.uint8)
    words = np.empty((VARIANTS, _WORDS), np.uint64)
    for code in classes:
        if code == strokes.SPACE:
            continue
        rng.fill_words(np.uint64(0), np.uint64(code), np.int64(streams.SEPARATOR), words.size, words.reshape(-1))
        for image, drawn in zip(np.flatnonzero(codes == code), words, strict=True):
            images[image] = _draw(np.int64(code), drawn, measures)
    return images, codes


def _pick_glyphs(height: int, packed: Packed) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield glyphs from all over the atlas, shape (width, H)."""
    pixels, column_size, glyph_column, _ = packed
    columns = pixels[: glyph_column[-1] * column_size].reshape(-1, column_size)
    glyphs = len(glyph_column) - 1
    for glyph in range(0, glyphs, -(-glyphs // _MOST_MEASURED)):
        yield columns[glyph_column[glyph] : glyph_column[glyph + 1] - 1, :height]


def _measure_glyph(glyph: npt.NDArray[np.uint8]) -> tuple[float, float, float, float, float]:
    """Return top, bottom, stroke width, softness and strongest ink of a glyph with ink."""
    ink = int(glyph.max())
    dark = np.pad(2 * glyph.astype(np.int64) >= ink, 1)
    rows = np.flatnonzero(dark.any(axis=0))
    edges = np.count_nonzero(dark[1:] != dark[:-1]) + np.count_nonzero(dark[:, 1:] != dark[:, :-1])
    outline = edges / _EDGES_PER_LENGTH
    # A stroke's outline runs along both of its sides, and so do its edges.
    stroke = 2 * int(glyph.sum(dtype=np.int64)) / (ink * outline)
    fading = np.count_nonzero((10 * glyph.astype(np.int64) > ink) & (10 * glyph.astype(np.int64) < 9 * ink))
    return float(rows[0] - 1), float(rows[-1]), stroke, fading / (0.8 * outline), float(ink)


def _draw(code: np.int64, words: npt.NDArray[np.uint64], measures: DigitMeasures) -> npt.NDArray[np.uint8]:
    """Draw a separator at the left border."""
    points = np.zeros((strokes.MOST_POINTS, 3))
    points = points[: signs.write_points(code, words, points)]
    least, more = _PEN_RANGE
    pen = measures.stroke * (least + more * (int(words[4]) >> 11) / 2**53) * _find_pen_share(code)
    radius = 0.5 * max(pen, _FAINTEST)
    softness = min(measures.softness, 2 * radius)  # otherwise the middle of the stroke would be paler
    reach = radius + 0.5 * softness
    room = measures.height - 2 * reach
    x = _move_into(points[:, 0] * measures.digit_height, reach, room, at_edge=True)
    y = _move_into(points[:, 1] * measures.digit_height + measures.baseline, reach, room, at_edge=False)

    middles: npt.NDArray[np.float64] = np.arange(measures.height, dtype=np.float64) + 0.5
    cover = np.zeros((measures.height, measures.height))
    for k in range(1, len(points)):
        if points[k, 2] == 0.0:  # the pen is not lifted
            across, down = x[k - 1 : k + 1].tolist(), y[k - 1 : k + 1].tolist()
            columns, rows = _find_reached(across, reach), _find_reached(down, reach)
            distance = _measure_distances(middles[columns], middles[rows], across, down)
            cover[rows, columns] = np.maximum(cover[rows, columns], 0.5 + (radius - distance) / softness)
    return (np.minimum(cover, 1.0) * measures.ink + 0.5).astype(np.uint8)


def _find_pen_share(code: np.int64) -> float:
    """Return how wide a mark's strokes are, in those of the digits."""
    if code > strokes.SPACE:
        return float(signs.PEN_SHARES[code])
    return _DOT_PEN if code == strokes.DOT else 1.0


def _move_into(places: npt.NDArray[np.float64], low: float, room: float, *, at_edge: bool) -> npt.NDArray[np.float64]:
    """Shrink coordinates to the room above `low`, and move them into it, or to its lower edge."""
    extent = places.max() - places.min()
    places = places * min(1.0, room / max(extent, 1.0))
    first = places.min()
    to = low if at_edge else min(max(first, low), low + room - (places.max() - first))
    return places + (to - first)


def _find_reached(ends: list[float], reach: float) -> slice:
    """Return the columns or rows that a segment's ink may reach."""
    return slice(max(0, int(min(ends) - reach)), int(max(ends) + reach) + 2)


def _measure_distances(
    columns: npt.NDArray[np.float64], rows: npt.NDArray[np.float64], x: list[float], y: list[float]
) -> npt.NDArray[np.float64]:
    """Return the distance of each px's middle to a segment, shape (rows, columns), by + - * / and roots alone."""
    dx, dy = x[1] - x[0], y[1] - y[0]
    right, below = columns - x[0], (rows - y[0])[:, None]
    along = np.minimum(np.maximum((right * dx + below * dy) / max(dx * dx + dy * dy, 1e-12), 0.0), 1.0)
    across, down = right - along * dx, below - along * dy
    return np.sqrt(across * across + down * down)
