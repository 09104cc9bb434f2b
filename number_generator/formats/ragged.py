"""Images that differ in size: put into one array, cut out of it, and divided into runs that an array can hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.formats.schema import PADDING
from number_generator.job.chunk import Images

Sizes = np.ndarray[Any, np.dtype[np.int32]]


def measure_sizes(pages: Sequence[Images] | Images) -> Sizes:
    """Return height and width of each image, shape (n, 2)."""
    return np.array([page.shape[:2] for page in pages], np.int32).reshape(len(pages), 2)


def pad_images(pages: Sequence[Images]) -> Images:
    """Return one or more images, all in grey or all in colour, as an array as high and wide as the largest.

    Each is in its upper left corner, and the rest is 255.

    Examples
    --------
    >>> import numpy as np
    >>> padded = pad_images([np.zeros((1, 2), np.uint8), np.zeros((2, 1), np.uint8)])
    >>> padded.tolist()
    [[[0, 0], [255, 255]], [[0, 255], [0, 255]]]
    """
    height, width = measure_sizes(pages).max(axis=0).tolist()
    padded = np.full((len(pages), height, width, *pages[0].shape[2:]), PADDING, np.uint8)
    for row, page in zip(padded, pages, strict=True):
        row[: page.shape[0], : page.shape[1]] = page
    return padded


def cut_images(padded: Images, sizes: npt.NDArray[np.integer]) -> list[Images]:
    """Return the images of such an array at their own sizes, as views."""
    return [page[:height, :width] for page, (height, width) in zip(padded, sizes.tolist(), strict=True)]


def group_sizes(sizes: npt.NDArray[np.integer]) -> Iterator[tuple[int, int, npt.NDArray[np.intp]]]:
    """Yield each height and width that occurs, and which images are of it."""
    found, places = np.unique(sizes, axis=0, return_inverse=True)
    for number, (height, width) in enumerate(found.tolist()):
        yield height, width, np.flatnonzero(places.reshape(-1) == number)


def count_fitting(sizes: npt.NDArray[np.integer], most_pixels: int, multiple: int = 1) -> int:
    """Return how many images, from the first on, fit into an array of so many pixels: one multiple at least.

    Examples
    --------
    >>> import numpy as np
    >>> count_fitting(np.array([[10, 10], [10, 20], [100, 10]]), 1000)
    2
    """
    largest = np.maximum.accumulate(sizes.astype(np.int64), axis=0).prod(axis=1) * np.arange(1, len(sizes) + 1)
    fitting = int(np.searchsorted(largest, most_pixels, side="right"))
    return max(1, fitting // multiple) * multiple
