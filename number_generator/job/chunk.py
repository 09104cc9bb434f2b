"""What workers, readers and writers exchange: a span's images with labels and truth, and a dataset's header."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.job.spec import Span

Images = npt.NDArray[np.uint8]


def format_array(array: npt.NDArray[Any]) -> str:
    """Return an array's shape and type as text."""
    return f"{array.shape} {array.dtype}"


@dataclass(frozen=True, slots=True, repr=False)
class Chunk:
    """A span with its rendered images and their labels.

    Attributes
    ----------
    span : Span
        The image numbers.
    images : ndarray, shape (n, height, width) or, in colour, (n, height, width, 3), uint8
        255 is paper, 0 is full ink; colours are red, green and blue. Row k is image `span.start + k`.
    labels : ndarray, shape (n,), str
        The numbers. What workers and writers exchange holds them as UTF-8 bytes instead: see `job.labels`.
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
        - of jobs with real lines, whether asked for or not: `is_real`, shape (n,), bool; and `real_lines`, shape (n,),
          int64: the number of the line, -1 for drawn ones. What is not known of real lines is -1, 0 in masks, NaN.
        - ``masks``: `masks`, shape (n, L, height, width), uint8: each character's ink alone, 0 to 255.
    sizes : ndarray, shape (n, 2), int32, optional
        Height and width of each image, if the images of the dataset differ in size. Each begins in the upper left
        corner of its row of `images`, which are as high and wide as the largest here; the rest is 255, and 0 in masks.
    """

    span: Span
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[Any]
    truth: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    sizes: npt.NDArray[np.int32] | None = None

    def __repr__(self) -> str:
        held = [f"images {format_array(self.images)}", f"labels {format_array(self.labels)}"]
        held += [f"{name} {format_array(array)}" for name, array in self.truth.items()]
        return f"<Chunk of images {self.span.start} to {self.span.stop - 1}: {', '.join(held)}>"

    def cut_images(self) -> list[Images]:
        """Return each image at its own size, as views."""
        if self.sizes is None:
            return list(self.images)
        return [image[:height, :width] for image, (height, width) in zip(self.images, self.sizes, strict=True)]


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

    `shape` is (N, H, W), `label_length` the characters of the longest possible label, and `fields` are the arrays of
    ground truth. `label_bytes` are the most bytes of a label in UTF-8, or None if all labels are ASCII. The metadata
    are JSON-like, but for `spacing_range`, a pair of int. If the images differ in size (`is_ragged`), chunks hold
    `sizes`, and no image is higher or wider than the shape says. Images in colour have 3 `channels`.
    """

    shape: tuple[int, int, int]
    label_length: int
    metadata: dict[str, Any]
    fields: tuple[TruthField, ...] = ()
    is_ragged: bool = False
    channels: int = 1
    label_bytes: int | None = None

    @property
    def label_dtype(self) -> np.dtype[np.bytes_]:
        """The type of an array of any of the labels, in bytes."""
        return np.dtype(f"S{max(1, self.label_length if self.label_bytes is None else self.label_bytes)}")

    @property
    def array_shape(self) -> tuple[int, ...]:
        """The shape of an array of all images: (N, H, W), or (N, H, W, 3) in colour."""
        return self.shape if self.channels == 1 else (*self.shape, self.channels)
