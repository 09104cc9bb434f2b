"""Distance fields of all glyphs, which styled writing is sampled from."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from number_generator._kernels import fields

Packed = tuple[npt.NDArray[np.uint8], int, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Glyphs as kernels take them: `pixels`, `column_size`, `glyph_column` and `glyph_rows` of a `GlyphAtlas`."""

_SMALL = 48  # px: smaller digits get two texels per px
_PADDING = 0.1  # of the digits' height: room for strokes to grow, and for their soft edges


@dataclass(frozen=True, slots=True, eq=False)
class GlyphFields:
    """The distance fields of an atlas's glyphs, and measurements of the glyphs.

    Attributes
    ----------
    texels : ndarray, flat uint8
        The fields, row by row: 128 at the outline of the ink, and 16 more per texel inside it.
    offsets : ndarray, shape (glyphs,), int64
        Where each field begins.
    sizes : ndarray, shape (glyphs, 2), int64
        Width and height of each field in texels; 0 for a glyph without ink.
    facts : ndarray, shape (glyphs, FACTS), float64
        See `_kernels.fields`: extents, stroke width, slant (minus the median of its digit), anchors; in px of
        the digit dataset, from the corner of the ink's box.
    padding, density : int
        Blank px around the ink's box, and texels per px.
    digit_height : float
        Median height of the digits' ink in px: the unit of a style's lengths.
    stroke : float
        Median stroke width in px.
    """

    texels: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    facts: npt.NDArray[np.float64]
    padding: int
    density: int
    digit_height: float
    stroke: float

    @classmethod
    def measure(cls, height: int, packed: Packed, class_start: npt.NDArray[np.int64]) -> "GlyphFields":
        """Compute the fields of an atlas's glyphs: it takes half a second for 5,000 MNIST digits."""
        _, _, glyph_column, glyph_rows = packed
        rows = glyph_rows.reshape(-1, 2)
        heights = np.maximum(rows[:, 1] - rows[:, 0], 0)
        widths = np.diff(glyph_column) - 1
        inked = heights > 0
        density = 2 if height < _SMALL else 1
        padding = max(3, math.ceil(_PADDING * height))
        sizes = (np.stack((widths, heights), axis=1) + 2 * padding) * density * inked[:, None]
        areas = sizes.prod(axis=1)
        offsets = np.concatenate(([0], np.cumsum(areas)))[:-1].astype(np.int64)
        texels = np.zeros(int(areas.sum()) + 4, np.uint8)  # kernels read 4 bytes at once
        facts = np.zeros((len(sizes), fields.FACTS))
        fields.measure_fields(packed, padding, density, offsets, sizes.astype(np.int64), texels, facts)
        for digit in range(10):
            some = slice(class_start[digit], class_start[digit + 1])
            facts[some, fields.SLANT] -= np.median(facts[some, fields.SLANT])
        measured = facts[inked]
        digit_height, stroke = 0.7 * height, 0.1 * height
        if len(measured):
            digit_height = max(1.0, float(np.median(measured[:, fields.Y1] - measured[:, fields.Y0])))
            stroke = max(0.25, float(np.median(measured[:, fields.STROKE])))
        return cls(texels, offsets, sizes.astype(np.int64), facts, padding, density, digit_height, stroke)
