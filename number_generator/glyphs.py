"""The atlas: all glyphs of a digit dataset, packed for the kernels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["BLOCK_ROWS", "GlyphAtlas"]

BLOCK_ROWS = 32
"""Rows of a block: one column of a block is one vector load. The kernels' `ROWS` is the same number."""


@dataclass(frozen=True, slots=True, eq=False)
class GlyphAtlas:
    """All glyphs of a digit dataset, grouped by class in the order of the dataset.

    Attributes
    ----------
    height : int
        Height of the digits in px.
    pixels : ndarray, flat uint8
        Ink on background 0, as blocks of (column, 32 rows): row r of column c is at
        `((r // 32) * columns + c) * 32 + r % 32`, so a column of a block is contiguous.
    glyph_column : ndarray, shape (glyphs + 1,), int64
        The first column of each glyph, then the number of columns.
    class_start : ndarray, shape (11,), int64
        Glyphs `class_start[d]` to `class_start[d + 1]` - 1 show the digit d.
    """

    height: int
    pixels: npt.NDArray[np.uint8]
    glyph_column: npt.NDArray[np.int64]
    class_start: npt.NDArray[np.int64]

    @classmethod
    def from_digits(cls, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> "GlyphAtlas":
        """Crop digits to their ink columns and pack them.

        Parameters
        ----------
        images : ndarray, shape (N, H, H), uint8
            Ink is any value above 0. A digit without ink becomes one blank column.
        labels : ndarray, shape (N,), int
            Digits 0 to 9, every one present.

        Returns
        -------
        GlyphAtlas
        """
        order = np.argsort(labels, kind="stable")
        images = images[order]
        inked: npt.NDArray[np.bool_] = np.asarray(images > 0, np.bool_).max(axis=1)
        size = images.shape[2]
        blank = ~inked.max(axis=1)
        first = np.where(blank, 0, inked.argmax(axis=1))
        stop = np.where(blank, 1, size - inked[:, ::-1].argmax(axis=1))
        glyph_column = np.concatenate(([0], np.cumsum(stop - first))).astype(np.int64)
        x = np.arange(size)
        kept = (x >= first[:, None]) & (x < stop[:, None])
        columns = images.transpose(0, 2, 1)[kept]

        blocks = -(-size // BLOCK_ROWS)
        pixels = np.zeros((blocks, len(columns), BLOCK_ROWS), np.uint8)
        for block in range(blocks):
            part = columns[:, block * BLOCK_ROWS : (block + 1) * BLOCK_ROWS]
            pixels[block, :, : part.shape[1]] = part
        return cls(
            height=size,
            pixels=pixels.reshape(-1),
            glyph_column=glyph_column,
            class_start=np.searchsorted(labels[order], np.arange(11)).astype(np.int64),
        )
