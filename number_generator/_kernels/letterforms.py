"""Distance fields of letterforms: strokes of a round pen along polylines."""

from typing import Any

import numpy as np

from number_generator._kernels import fields
from number_generator._kernels.compile import entry_kernel
from number_generator._kernels.constants import F0, WHITE

_REACH = np.int64(12)  # texels: the reach of other fields, and the radius of the boldest pen


@entry_kernel
def draw_form_fields(segments: Any, starts: Any, radii: Any, offsets: Any, sizes: Any, texels: Any) -> None:
    """Compute the field of each letterform: the distance to its strokes is known without tracing an outline.

    Parameters
    ----------
    segments : ndarray, shape (n, 4), float32
        The polylines of all letterforms: x0, y0, x1, y1 in texels of the form's field.
    starts : ndarray, shape (forms + 1,), int64
        The segments of form k are `starts[k]` to `starts[k + 1]` - 1.
    radii : ndarray, shape (forms,), float32
        Half the width of the pen, in texels.
    offsets, sizes, texels
        As for `fields.measure_fields`.
    """
    widest, highest = np.int64(1), np.int64(1)
    for g in range(offsets.size):
        widest, highest = max(widest, sizes[g, 0]), max(highest, sizes[g, 1])
    squares = np.empty((highest, widest), np.float32)
    for g in range(offsets.size):
        width, height = sizes[g, 0], sizes[g, 1]
        count = starts[g + 1] - starts[g]
        fields.spread(segments[starts[g] :], count, width, height, _REACH, squares)
        for y in range(height):
            at = offsets[g] + y * width
            for x in range(width):
                distance = (radii[g] - np.sqrt(squares[y, x])) * np.float32(fields.FIELD_SCALE)
                texels[at + x] = np.uint8(min(max(np.float32(128.5) + distance, F0), WHITE))
