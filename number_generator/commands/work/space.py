"""Whether a dataset fits on the disk, estimated before its first image is made."""

import math
import os
import shutil
import sys
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from number_generator.commands.terminal import say
from number_generator.errors import OutputError
from number_generator.formats.registry import FORMATS
from number_generator.job.chunk import Images, TruthField
from number_generator.system.checks import format_bytes

SAMPLED_IMAGES = 32
"""How many images are compressed to tell how far the others can be."""

_LEAST_SHARE = 0.5  # of the estimate: compression may do better on the other images, or in larger pieces
_MOST_BYTES = 2**63  # writers refuse as much, whatever is free
_SPARE_SHARE = 0.05  # of the size: names, labels, headers and the blocks of the file system


def check_space(
    target: str,
    file_format: str,
    compression: str,
    shape: tuple[int, int, int],
    fields: Iterable[TruthField],
    sample: Callable[[], Images],
    *,
    copies: int = 1,
) -> None:
    """Compare the size that a dataset will have with what is free: OutputError if it cannot fit, else maybe a warning.

    Parameters
    ----------
    shape : tuple of int
        Number, height and width of the images.
    sample : callable
        Returns up to SAMPLED_IMAGES of them; called only if it matters how far they can be compressed.
    copies : int
        2 if a journal takes as much again.
    """
    folder = _find_folder(Path(target))
    try:
        usage = shutil.disk_usage(folder)
    except OSError:  # writing says what is wrong with the place
        return
    free = usage.free
    count, height, width = shape
    image = height * width
    truth = sum(math.prod(field.shape) * np.dtype(field.dtype).itemsize for field in fields)
    largest = count * (image + truth)
    if copies * largest * (1 + _SPARE_SHARE) <= free or largest >= _MOST_BYTES or not usage.total:
        return  # no disk is of 0 bytes, but /proc is
    least, likely = 1.0, 1.0
    if FORMATS[file_format].is_folder or compression != "none":
        likely = _measure_compression(sample())
        least = likely * _LEAST_SHARE
    if count * image * least > free:
        raise OutputError(
            f"{target} would take at least {format_bytes(round(count * image * least))}, and {folder} has "
            f"{format_bytes(free)} free; nothing was written: free some space, give fewer images, or another place"
        )
    needed = round(copies * largest * likely * (1 + _SPARE_SHARE))
    if needed > free:
        there = f"{folder} has {format_bytes(free)} free"
        say(f"{target} may not fit: it will take about {format_bytes(needed)}, and {there}", to=sys.stderr)


def _find_folder(path: Path) -> Path:
    """Return the nearest folder above a path that is there."""
    # Unlike Path.is_dir, this is false where the system reports an error, such as for a name that is too long.
    return next(folder for folder in path.absolute().parents if os.path.isdir(folder))  # noqa: PTH112 - see above


def _measure_compression(images: Images) -> float:
    """Return the share of their size that images keep when they are compressed."""
    packed = sum(len(zlib.compress(image.tobytes(), 6)) for image in images)
    return packed / max(1, images.size)
