"""What workers, readers and writers exchange: a span's images with labels and truth, and a dataset's header."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.job.spec import Span

Images = npt.NDArray[np.uint8]


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
        The numbers in ASCII, as long as the longest one here.
    truth : dict of str to ndarray
        The requested ground truth for the characters of the labels, in order. L is the length of the longest label
        here; in a file, of the longest possible label.

        - ``boxes``: `boxes`, shape (n, L, 4), int16: x0, y0, x1, y1 in px of the page, half-open: the pixels that the
          character's ink touches, including added strokes. -1 without ink: a space, or no character.
        - ``glyphs``: `glyphs`, shape (n, L), int32: number of the source image in the digit dataset; -1 for
          letterforms, separators and no character. And `writers`, shape (n,), int64: who wrote the line's digits, a
          writer id or a style cluster; -1 if digits are mixed or there are none. If the style holds letterforms also
          `forms`, shape (n, L), int16: the letterform, its place in `data/letterforms.json` sorted by digit; -1
          elsewhere.
        - ``parameters``: `parameters`, shape (n, P), float32: the values drawn for the line. And `glyph_parameters`,
          shape (n, L, G), float32: the values drawn for each character; NaN where one does not apply.
          `number_generator.rendering.ground_truth.parameter_names` names their columns.
        - ``masks``: `masks`, shape (n, L, height, width), uint8: each character's ink alone, 0 to 255.
    """

    span: Span
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.bytes_]
    truth: dict[str, npt.NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TruthField:
    """An array of a dataset beside its images and labels, with one entry per image.

    `name` is its key in `Chunk.truth`, `shape` the largest shape of an entry, which `fill` pads, and `about` JSON-like
    values that describe the entries.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    fill: float
    about: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DatasetHeader:
    """What a writer must know about a dataset before its first chunk.

    `shape` is (N, H, W), `label_length` the bytes of the longest possible label, and `fields` are the arrays of ground
    truth. The metadata are JSON-like, but for `spacing_range`, a pair of int.
    """

    shape: tuple[int, int, int]
    label_length: int
    metadata: dict[str, Any]
    fields: tuple[TruthField, ...] = ()
