"""How line images look, as numbers: the same measures of real lines and of drawn ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from number_generator._kernels import looks as kernels
from number_generator.scans.fitting import FitSpec, scale_line
from number_generator.scans.pictures import Grey

Floats = npt.NDArray[np.float64]

PAGE_HEIGHT = 28
"""Px of the pages that are measured: that of the packaged digits, and of most readers."""
WIDEST = 2048
"""Px of such a page: what is longer is no line of a number, and is measured by its first part alone."""
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Look:
    """A measure: its name, what it is called, its unit, and whether it compares lines whatever number they show."""

    name: str
    title: str
    unit: str
    compares: bool = True


LOOKS = (
    Look("paper", "Brightness of the paper", "share of white"),
    Look("gradient", "Gradient of the paper", "share of the range from black to white"),
    Look("noise", "Noise", "standard deviation, share of the ink's contrast"),
    Look("texture_2", "Texture, 2 px apart", "mean difference, share of the ink's contrast"),
    Look("texture_4", "Texture, 4 px apart", "mean difference, share of the ink's contrast"),
    Look("texture_8", "Texture, 8 px apart", "mean difference, share of the ink's contrast"),
    Look("even", "Even paper", "share of the paper's px that are like their neighbours"),
    Look("specks", "Specks", "share of the paper's px"),
    Look("rule", "Rules", "darkest thin row, share of the ink's contrast"),
    Look("box", "Boxes", "darkest thin column, share of the ink's contrast"),
    Look("blocks", "JPEG blocks", "excess of steps at every eighth column"),
    Look("contrast", "Contrast of the ink", "share of the range from black to white"),
    Look("ink_drift", "Drift of the ink along the line", "share of the ink's contrast"),
    Look("grain", "Grain of the ink", "share of the ink's contrast"),
    Look("edge", "Softness of the edges", "px of soft edge per px of outline"),
    Look("sharpness", "Steepness of the edges", "share of the ink's contrast per px"),
    Look("stroke", "Width of the strokes", "share of the ink's height"),
    Look("slant", "Slant", "px to the right per px of height"),
    Look("height", "Height of the ink", "share of the page's height"),
    Look("top", "Margin, top", "share of the page's height"),
    Look("bottom", "Margin, bottom", "share of the page's height"),
    Look("left", "Margin, left", "share of the page's height"),
    Look("right", "Margin, right", "share of the page's height"),
    Look("pitch", "Run of ink along the line", "width per stroke, share of the ink's height"),
    Look("gap", "Gaps", "mean blank between pieces, share of the ink's height"),
    Look("touching", "Pieces per stroke", "fewer where digits touch"),
    Look("rotation", "Rotation of the line", "degrees, counter-clockwise"),
    Look("bend", "Bend of the line", "share of the ink's height"),
    Look("unevenness", "Unevenness of the line", "share of the ink's height"),
    Look("crossings", "Strokes across the line", "strokes that a row crosses", compares=False),
    Look("aspect", "Aspect of the page", "width per height", compares=False),
)
"""What is measured, in the order of the columns of `measure_looks`."""
COLUMNS = {look.name: number for number, look in enumerate(LOOKS)}


def to_page(grey: Grey, height: int = PAGE_HEIGHT) -> Grey:
    """Return a line in grey as a page to measure: dark ink on bright paper, as high as all, its levels as they are."""
    page = scale_line(grey, FitSpec(height, None, "auto", None))
    return page[:, :WIDEST]


def measure_looks(pages: Sequence[Grey]) -> Floats:
    """Measure pages of one height, dark ink on bright paper.

    Parameters
    ----------
    pages : sequence of ndarray, shape (height, width), uint8
        As `to_page` returns them; their widths may differ.

    Returns
    -------
    ndarray, shape (n, len(LOOKS)), float64
        A row per page. On a page without ink, all that is not of the paper is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from number_generator.scans.looks import COLUMNS, measure_looks
    >>> page = np.full((28, 60), 200, np.uint8)
    >>> page[7:21, 20:23] = page[7:21, 40:43] = 60
    >>> found = measure_looks([page])[0]
    >>> round(float(found[COLUMNS["height"]]), 2), round(found[COLUMNS["contrast"]] * 255)
    (0.49, 140)
    """
    out = np.empty((len(pages), len(LOOKS)), np.float64)
    for first in range(0, len(pages), _AT_ONCE):
        some = pages[first : first + _AT_ONCE]
        height, widths = some[0].shape[0], np.array([page.shape[1] for page in some], np.int64)
        ends = np.cumsum(widths * height)
        scratch = kernels.make_scratch(height, int(widths.max()))
        flat = np.concatenate([page.reshape(-1) for page in some])
        part = np.empty((len(some), len(LOOKS)), np.float64)
        kernels.measure_looks(flat, ends - widths * height, widths, height, scratch, part)
        out[first : first + len(some)] = part
    return out
