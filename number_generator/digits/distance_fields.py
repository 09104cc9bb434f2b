"""Distance fields of all glyphs, which styled writing is sampled from."""

import dataclasses
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import fields
from number_generator._kernels.compile import tell_if_compiling
from number_generator.digits.kept_fields import Arrays
from number_generator.digits.letterforms import LetterformFields

Packed = tuple[npt.NDArray[np.uint8], int, npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Glyphs as kernels take them: `pixels`, `column_size`, `glyph_column` and `glyph_rows` of a `GlyphAtlas`."""

PackedFields = tuple[
    npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64], float, float
]
"""Fields as kernels take them: `texels`, `offsets`, `sizes`, `facts`, `digit_height` and `stroke` of `GlyphFields`."""

_SMALL = 48  # px: smaller digits get two texels per px
# Digits that a pen leaves for the next one: in which third of the height, None for the top, and how steeply downwards
_LEAVES = {0: (None, 0.25), 2: (2, -0.1), 4: (1, -0.1), 5: (0, -0.05), 8: (None, 0.1)}
_ARRIVES = {0: False, 2: True, 3: True, 6: False, 7: True, 8: False, 9: False}  # whether at the left
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
    digit_height : float
        Median height of the digits' ink in px: the unit of a style's lengths.
    stroke : float
        Median stroke width in px.
    """

    texels: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    facts: npt.NDArray[np.float64]
    digit_height: float
    stroke: float

    @property
    def packed(self) -> PackedFields:
        """What kernels take."""
        return self.texels, self.offsets, self.sizes, self.facts, self.digit_height, self.stroke

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
        tell_if_compiling(fields.measure_fields, "the kernels of distance fields", 4)
        fields.measure_fields(packed, padding, density, offsets, sizes.astype(np.int64), texels, facts)
        for digit in range(10):
            some = slice(class_start[digit], class_start[digit + 1])
            facts[some, fields.SLANT] -= np.median(facts[some, fields.SLANT])
        facts[:, fields.DENSITY], facts[:, fields.PADDING] = density, padding
        facts[:, fields.BASELINE] = facts[:, fields.Y1]
        _find_links(facts, class_start)
        measured = facts[inked]
        digit_height, stroke = 0.7 * height, 0.1 * height
        if len(measured):
            digit_height = max(1.0, float(np.median(measured[:, fields.Y1] - measured[:, fields.Y0])))
            stroke = max(0.25, float(np.median(measured[:, fields.STROKE])))
        return cls(texels, offsets, sizes.astype(np.int64), facts, digit_height, stroke)

    def to_arrays(self) -> Arrays:
        """Return everything as arrays, by name."""
        return {each.name: np.asarray(getattr(self, each.name)) for each in dataclasses.fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Arrays) -> "GlyphFields":
        """Return what `to_arrays` was called of."""
        values: dict[str, Any] = {name: array if array.ndim else array.item() for name, array in arrays.items()}
        return cls(**values)

    def append(self, letterforms: LetterformFields) -> "GlyphFields":
        """Return the same fields with those of letterforms after them."""
        return replace(
            self,
            # The last 4 bytes are spare.
            texels=np.concatenate((self.texels[:-4], letterforms.texels)),
            offsets=np.concatenate((self.offsets, len(self.texels) - 4 + letterforms.offsets)),
            sizes=np.concatenate((self.sizes, letterforms.sizes)),
            facts=np.concatenate((self.facts, letterforms.scale_facts(self.digit_height))),
        )


def _find_links(facts: npt.NDArray[np.float64], class_start: npt.NDArray[np.int64]) -> None:
    """Say where a pen that is not lifted leaves each digit for the next one, and where it arrives.

    It leaves a 0 and an 8 at the top, a 2 at its foot, a 4 and a 5 at the end of their bars; the others end at the left
    or low, where few hands run on. No pen leaves or reaches a digit without ink.
    """
    pen = 0.5 * facts[:, fields.STROKE]
    has_ink = pen > 0.0
    facts[:, fields.ARRIVE_X] = facts[:, fields.TOP_X]
    facts[:, fields.ARRIVE_Y] = facts[:, fields.Y0] + pen
    for digit, (third, slope) in _LEAVES.items():
        some = slice(class_start[digit], class_start[digit + 1])
        facts[some, fields.CAN_LEAVE], facts[some, fields.LEAVE_SLOPE] = has_ink[some], slope * has_ink[some]
        x, y = (
            (fields.TOP_X, fields.Y0) if third is None else (fields.REACHES + 2 * third, fields.REACHES + 2 * third + 1)
        )
        facts[some, fields.LEAVE_X] = facts[some, x] - (0.0 if third is None else pen[some])
        facts[some, fields.LEAVE_Y] = facts[some, y] + (pen[some] if third is None else 0.0)
    for digit, is_left in _ARRIVES.items():
        some = slice(class_start[digit], class_start[digit + 1])
        facts[some, fields.CAN_ARRIVE] = has_ink[some]
        if is_left:
            facts[some, fields.ARRIVE_X] = facts[some, fields.REACHES + 6] + pen[some]
            facts[some, fields.ARRIVE_Y] = facts[some, fields.REACHES + 7]
