"""Whether a dataset fits on the disk, estimated before its first image is made."""

import math
import os
import shutil
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
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
_MOST_BLOCK_BYTES = 4096  # a network may call the most that it carries at once a block, which is far more
_LINE_BYTES = 24  # at least, in a label file: a name, a number and what divides them


def check_space(
    target: str,
    file_format: str,
    compression: str,
    shape: tuple[int, ...],
    fields: Iterable[TruthField],
    sample: Callable[[], Images | Sequence[Images]],
    *,
    labels: tuple[str, ...] = (),
    copies: int = 1,
) -> None:
    """Compare the size that a dataset will have with what is free: OutputError if it cannot fit, else maybe a warning.

    Parameters
    ----------
    shape : tuple of int
        Number, height and width of the images, and 3 in colour: `DatasetHeader.array_shape`. If they differ in size,
        those of the largest: what pads the others is compressed, or takes as much.
    sample : callable
        Returns up to SAMPLED_IMAGES of them; called only if it matters how far they can be compressed.
    labels : tuple of str
        The label files besides the usual one.
    copies : int
        2 if a journal takes as much again.
    """
    folder = _find_folder(Path(target))
    try:
        usage = shutil.disk_usage(folder)
    except OSError:  # writing says what is wrong with the place
        return
    free = usage.free
    count, *page = shape
    image = math.prod(page)
    row = FORMATS[file_format]
    block, beside, count_files, free_files = 1, row.bytes_beside_image, 1, None
    if row.is_file_an_image:
        block, free_files = _find_blocks(folder)
        own_files = labels.count("tesseract")  # one for each image
        beside += (1 + len(labels) - own_files) * _LINE_BYTES + own_files * block
        count_files = count * (1 + own_files)
    if free_files is not None and count_files > free_files:
        raise OutputError(
            f"{target} would take more than {count_files} files, and {folder} has room for {free_files}; nothing was "
            "written: remove some files, give fewer images, or another place or format"
        )

    def compute_size(share: float) -> float:
        """Return the size of all images, if compression leaves this share of each."""
        return count * (math.ceil(image * share / block) * block + beside)

    truth = count * sum(math.prod(field.shape) * np.dtype(field.dtype).itemsize for field in fields)
    largest = compute_size(1) + truth
    if copies * largest * (1 + _SPARE_SHARE) <= free or largest >= _MOST_BYTES or not usage.total:
        return  # no disk is of 0 bytes, but /proc is
    least, likely = 1.0, 1.0
    if row.is_folder or compression != "none":
        likely = _measure_compression(sample(), image)
        least = likely * _LEAST_SHARE
    if compute_size(least) > free:
        raise OutputError(
            f"{target} would take at least {format_bytes(round(compute_size(least)))}, and {folder} has "
            f"{format_bytes(free)} free; nothing was written: free some space, give fewer images, or another place"
        )
    needed = round(copies * (compute_size(likely) + truth * likely) * (1 + _SPARE_SHARE))
    if needed > free:
        there = f"{folder} has {format_bytes(free)} free"
        say(f"{target} may not fit: it will take about {format_bytes(needed)}, and {there}", to=sys.stderr)


def _find_blocks(folder: Path) -> tuple[int, int | None]:
    """Return the bytes that a file of one byte takes, and how many files there is room for if the system tells."""
    if not hasattr(os, "statvfs"):
        return _MOST_BLOCK_BYTES, None
    found = os.statvfs(folder)
    # Some file systems have no fixed number of files, and say 0 in all.
    return max(1, min(found.f_frsize, _MOST_BLOCK_BYTES)), found.f_favail if found.f_files else None


def _find_folder(path: Path) -> Path:
    """Return the nearest folder above a path that is there."""
    # Unlike Path.is_dir, this is false where the system reports an error, such as for a name that is too long.
    return next(folder for folder in path.absolute().parents if os.path.isdir(folder))  # noqa: PTH112 - see above


def _measure_compression(images: Images | Sequence[Images], page_bytes: int) -> float:
    """Return the share of a page, which may be larger than these images, that they take when they are compressed."""
    packed = sum(len(zlib.compress(image.tobytes(), 6)) for image in images)
    return packed / max(1, len(images) * page_bytes)
