"""What travels between workers, readers and writers: a span's images with labels and truth, and a dataset's header."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.job.spec import Span

__all__ = ["Chunk", "DatasetHeader", "TruthField"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span with its rendered images and their labels.

    Attributes
    ----------
    span : Span
        The image numbers.
    images : ndarray, shape (n, height, width), uint8
        255 is paper, 0 is full ink. Row k is image `span.start + k`.
    labels : ndarray, shape (n,), bytes of fixed length
        The numbers in ASCII; the length is that of the longest one here.
    truth : dict of str to ndarray
        The ground truth that was asked for, of the characters of the labels in their order. L is the number of
        characters of the longest label here; in a file, of the longest one that can occur.

        - ``boxes``: `boxes`, shape (n, L, 4), int16: x0, y0, x1, y1 in px of the page, half-open: the pixels that the
          character's ink touches, strokes added to it included. -1 where there is no ink: a space, or nothing.
        - ``glyphs``: `glyphs`, shape (n, L), int32: number of the source image in the digit dataset; -1 for
          separators and where there is nothing. And `writers`, shape (n,), int64: who wrote the line's digits, the
          writer id or the style cluster; -1 where digits are mixed or there are none.
        - ``parameters``: `parameters`, shape (n, P), float32: what was drawn for the line; and `glyph_parameters`,
          shape (n, L, G), float32: what was drawn for each character; NaN where it does not apply.
          `number_generator.rendering.ground_truth.parameter_names` names their columns.
        - ``masks``: `masks`, shape (n, L, height, width), uint8: each character's ink alone, 0 to 255.
    """

    span: Span
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.bytes_]
    truth: dict[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TruthField:
    """An array of a dataset beside its images and labels, with one entry an image.

    Attributes
    ----------
    name : str
        Its key in `Chunk.truth`.
    shape : tuple of int
        Of an image's entry, at the most.
    dtype : str
    fill : float
        What stands where a chunk has less.
    about : dict
        JSON-like values that say what the entries mean.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    fill: float
    about: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DatasetHeader:
    """What a writer must know of a dataset before its first chunk.

    Attributes
    ----------
    shape : (int, int, int)
        Number of images, height and width in px.
    label_length : int
        The most bytes that a label can take.
    metadata : dict
        JSON-like values; `spacing_range` is a pair of int.
    fields : tuple of Field
        What else it holds of each image.
    """

    shape: tuple[int, int, int]
    label_length: int
    metadata: dict[str, Any]
    fields: tuple[TruthField, ...] = ()
