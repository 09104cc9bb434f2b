"""Names of the dimensions of arrays, as netCDF has them: xarray and its like tell by them which arrays go together.

Without names, these tools number dimensions by their lengths, and fail where two arrays are of different lengths.
"""

from __future__ import annotations

from typing import Any

from number_generator.formats.schema import HEIGHTS, SHARD_FILES, SHARD_IMAGES, WIDTHS
from number_generator.job.spec import SOURCE_DIGITS

_DIMENSIONS = {
    "images": ("image", "height", "width", "channel"),
    "labels": ("image",),
    WIDTHS: ("image",),
    HEIGHTS: ("image",),
    "boxes": ("image", "character", "box_side"),
    "glyphs": ("image", "character"),
    "forms": ("image", "character"),
    "writers": ("image",),
    "real_lines": ("image",),
    "parameters": ("image", "parameter"),
    "glyph_parameters": ("image", "character", "glyph_parameter"),
    SOURCE_DIGITS: ("source_digit",),
    SHARD_FILES: ("shard",),
    SHARD_IMAGES: ("shard",),
}
_NOT_VARIABLE = "This is a netCDF dimension but not a netCDF variable.{:10}"  # by netCDF's convention, with the length


def name_dimensions(file: Any) -> None:
    """Give names to the dimensions of the arrays in an open file, by a dimension scale for each name.

    A scale is an array that is never written, and so takes no place beside its header.
    """
    for name, dimensions in _DIMENSIONS.items():
        if name not in file:
            continue
        array = file[name]
        for axis, length in enumerate(array.shape):
            dimension = dimensions[axis] if axis < len(dimensions) else f"{name}_{axis}"
            if dimension in file and file[dimension].shape != (length,):
                dimension = f"{name}_{dimension}"  # of ground truth that another program made
            array.dims[axis].attach_scale(_find_scale(file, dimension, length))


def _find_scale(file: Any, name: str, length: int) -> Any:
    if name not in file:
        file.create_dataset(name, (length,), "i1").make_scale(_NOT_VARIABLE.format(length))
    return file[name]
