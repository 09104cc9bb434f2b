"""Images of a dataset chosen by a slice, or by a list of their numbers or truth values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.errors import DatasetIndexError

Numbers = npt.NDArray[np.int64]


def parse_numbers(index: Any, count: int) -> Numbers | None:
    """Return the images, 0 to `count` - 1, that a list or array means; None for anything else.

    Negative numbers count from the end, and truth values, one for each image, choose those that are true.
    DatasetIndexError if the list holds anything else, or there is no such image.
    """
    if not isinstance(index, (list, range, np.ndarray)) or (isinstance(index, np.ndarray) and index.ndim == 0):
        return None
    try:
        array = np.asarray(index)
    except (ValueError, OverflowError):
        array = np.empty(0, object)
    if array.shape == (0,):
        return np.empty(0, np.int64)
    if array.ndim == 1 and array.dtype.kind == "b":
        if len(array) != count:
            raise DatasetIndexError(f"there are {len(array)} truth values for {count} images: give one for each")
        return np.flatnonzero(array)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DatasetIndexError(
            f"the list of images has shape {array.shape} and type {array.dtype}: give integers, or a truth value for "
            "each image"
        )
    wrong = array[(array < -count) | (array >= count)]
    if wrong.size:
        rule = f"give integers from {-count} to {count - 1}" if count else "it is empty"
        raise DatasetIndexError(f"there is no image {wrong[0]}: the dataset has {count}; {rule}")
    return array.astype(np.int64) % count


def read_slice(read: Callable[..., Any], index: slice, count: int) -> Any:
    """Read a slice with a function that only takes forward steps."""
    start, stop, step = index.indices(count)
    numbers = range(start, stop, step)
    if not numbers:
        return read(0, 0)
    if step > 0:
        return read(start, stop, step)
    return read(numbers[-1], numbers[0] + 1, -step)[::-1]


def read_numbers(read: Callable[..., Any], numbers: Numbers) -> Any:
    """Read images, labels or truth, each once and in the order of the dataset, and return them as the numbers are."""
    wanted, place = np.unique(numbers, return_inverse=True)
    # Neighbours are read together, as they may be stored together.
    runs = np.split(wanted, np.flatnonzero(np.diff(wanted) > 1) + 1) if len(wanted) else []
    parts = [read(int(run[0]), int(run[-1]) + 1) for run in runs] or [read(0, 0)]
    if isinstance(parts[0], list):
        joined = [label for part in parts for label in part]
        return [joined[at] for at in place]
    return np.concatenate(parts)[place]
