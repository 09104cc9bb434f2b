"""What was drawn of some lines, as the kernels report it: images, and what ground truth is made of."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.job.spec import Job


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """What was drawn for each line, and for each character in the order of the sequences' codes.

    Attributes
    ----------
    images : ndarray, shape (n, height, width), or (n, height, width, 3) in colour, uint8
        If each page is as wide as its line, as wide as the widest, and blank at the right.
    glyph_ids : ndarray, shape (codes,), int64
        Glyphs of the atlas; for separators, no glyph of a digit.
    boxes : ndarray, shape (codes, 4), int16
        The pixels of the page that each touches: x0, y0, x1, y1, half-open; -1 without ink. Empty if not asked for.
    masks : ndarray, shape (codes, height, width), uint8
        The ink of each character on its own, 0 to 255. Empty if not asked for.
    natural : ndarray, shape (n,), int64, optional
        In the style `clean`: the width of each line before it is fitted, in px.
    lines : ndarray, shape (n, 7), float64, optional
        In other styles: what writing tells of each line, see `write_lines`.
    widths : ndarray, shape (n,), int64, optional
        Those of the pages in px, if each is as wide as its line.
    """

    images: npt.NDArray[np.uint8]
    glyph_ids: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.int16]
    masks: npt.NDArray[np.uint8]
    natural: npt.NDArray[np.int64] | None = None
    lines: npt.NDArray[np.float64] | None = None
    widths: npt.NDArray[np.int64] | None = None

    @classmethod
    def of_sizes(cls, glyph_ids: npt.NDArray[np.int64], **known: Any) -> "Placement":
        """Return one without images and ground truth, of lines that were only measured."""
        none = np.empty((0, 0, 0), np.uint8)
        return cls(none, glyph_ids, np.empty((0, 4), np.int16), none, **known)

    @classmethod
    def allocate(
        cls, job: Job, images: npt.NDArray[np.uint8], glyph_ids: npt.NDArray[np.int64], **known: Any
    ) -> "Placement":
        """Allocate the arrays that a job's ground truth needs for each character on pages as wide as the images."""
        codes = len(glyph_ids)
        return cls(
            images,
            glyph_ids,
            np.empty((codes if "boxes" in job.truth else 0, 4), np.int16),
            np.empty((codes if "masks" in job.truth else 0, *images.shape[1:3]), np.uint8),
            **known,
        )
