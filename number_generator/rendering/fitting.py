"""How lines of the style `clean` are fitted to their pages."""

import numpy as np
import numpy.typing as npt

from number_generator._kernels import render
from number_generator.job.spec import Job

Fitting = tuple[int, int, int, bool]
"""Heights of the digits and of the page, the greatest width, and whether lines that are too wide keep their height."""


def find_fitting(job: Job, digits: int) -> Fitting:
    """Return how a job fits lines of digits of a height in px, as the kernels take it."""
    return digits, job.height, job.spec.max_width, job.spec.fit == "stretch"


def fit_lines(job: Job, digits: int, natural: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the width and the height in px that lines are resized to, shape (n, 2), from their widths before."""
    sizes = np.empty((len(natural), 2), np.int64)
    render.fit_lines(np.maximum(natural, 1), find_fitting(job, digits), sizes)
    return sizes
