"""A sheet on its way to the page: images and what is said of them, in one piece of bytes."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.job.chunk import Images

COUNTS = (6, 12, 24, 48, 96)
"""The numbers of lines on a sheet that the page offers; the last is the most that one may have."""


def pack_sheet(images: Images, widths: Sequence[int] | None = None, **about: Any) -> bytes:
    """Pack images and what is said of them: the length of a JSON text in 4 bytes, the text, and the pixels.

    Raw pixels reach a canvas sooner than any encoded image: there is nothing to compress, and nothing to unpack.

    Parameters
    ----------
    images : ndarray, shape (n, height, width), or (n, height, width, 3) in colour, uint8
    widths : sequence of int, optional
        The width of each image in px, if they differ; None means that of the array.
    **about
        More that the text holds: it must be what JSON can hold.
    """
    text = pack_json({"shape": images.shape, "widths": None if widths is None else list(widths), **about})
    return len(text).to_bytes(4, "little") + text + images.tobytes()


def pack_json(value: Any) -> bytes:
    """Return what JSON can hold as ASCII: names of files may hold what UTF-8 cannot."""
    return json.dumps(value).encode("ascii")


def join_images(images: Sequence[Images]) -> tuple[npt.NDArray[np.uint8], list[int]]:
    """Join images of one height as one array, white where they end, and return their widths with it."""
    widths = [image.shape[1] for image in images]
    if not images:
        return np.empty((0, 1, 1), np.uint8), []
    joined = np.full((len(images), images[0].shape[0], max(widths), *images[0].shape[2:]), 255, np.uint8)
    for row, image in zip(joined, images, strict=True):
        row[:, : image.shape[1]] = image
    return joined, widths
