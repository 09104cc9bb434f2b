"""Where the characters of a span's lines are, as the kernels report it: what ground truth is made of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from number_generator.job.spec import Job


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """What was drawn for each character, in the order of the sequences' codes.

    Attributes
    ----------
    glyph_ids : ndarray, shape (codes,), int64
        Glyphs of the atlas; for separators, no glyph of a digit.
    boxes : ndarray, shape (codes, 4), int16
        The pixels of the page that each touches: x0, y0, x1, y1, half-open; -1 without ink. Empty if not asked for.
    masks : ndarray, shape (codes, height, width), uint8
        The ink of each character on its own, 0 to 255. Empty if not asked for.
    natural : ndarray, shape (n,), int64, optional
        In the style `clean`: the width of each line before it is fitted, in px.
    """

    glyph_ids: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.int16]
    masks: npt.NDArray[np.uint8]
    natural: npt.NDArray[np.int64] | None = None

    @classmethod
    def allocate(cls, job: Job, codes: int, natural: npt.NDArray[np.int64] | None = None) -> "Placement":
        """Allocate the arrays that a job's ground truth needs for `codes` characters."""
        return cls(
            np.empty(codes, np.int64),
            np.empty((codes if "boxes" in job.truth else 0, 4), np.int16),
            np.empty((codes if "masks" in job.truth else 0, job.height, job.spec.width), np.uint8),
            natural,
        )
