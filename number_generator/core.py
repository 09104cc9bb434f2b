"""The classes and functions of version 0.0.1, with `generate_batch` and `generate_chunk`: layers over the engine."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.resolve import Digits, resolve_digits, set_default_dataset_filepath
from number_generator.digits.writers import prepare_atlas
from number_generator.errors import SpecError
from number_generator.formats.dataset import GenericDataset
from number_generator.job.chunk import Chunk, Images
from number_generator.job.defaults import IMAGE_WIDTH
from number_generator.job.handwriting import Handwriting
from number_generator.job.labels import decode_labels
from number_generator.job.spec import Fit, Job, Label, NumberSource, RenderSpec, Span
from number_generator.numbers.sequences import FixedNumbers, check_alphabet, pack_sequences
from number_generator.rendering.batch import allocate_images, make_images, make_whole_chunk
from number_generator.rendering.bound_job import make_job
from number_generator.system.checks import check_integer, check_ordered, check_seed
from number_generator.system.threads import check_workers

__all__ = [
    "DigitImageDataset",
    "DigitSequenceImageGenerator",
    "GenericDataset",
    "generate_batch",
    "generate_chunk",
    "generate_number_sequence",
    "generate_numbers_sequence",
    "set_default_dataset_filepath",
]


def generate_batch(
    sequences: Sequence[str] | Sequence[Sequence[int]] | npt.NDArray[np.integer],
    spacing_range: tuple[int, int] | None = None,
    width: int | str = IMAGE_WIDTH,
    *,
    style: str | os.PathLike[str] | Handwriting = "clean",
    seed: int | None = None,
    start: int = 0,
    digits: Digits = None,
    fit: Fit = "contain",
    alphabet: str | None = None,
    image_height: int | None = None,
    color: bool = False,
    out: Images | None = None,
    workers: int | None = None,
) -> Images:
    """Draw number sequences as one batch of images.

    Parameters
    ----------
    sequences : sequence of str, sequence of sequences of int, or integer ndarray, shape (N, L)
        What to write: digits 0 to 9, and in strings the signs ``- . , / ( ) + : $ € £ ¥ % # * = '`` and space as
        well; at most 10,000 an image. An empty sequence is a blank page. With the gaps, a line may take up to 2**24 px
        before it is fitted.
    spacing_range : (int, int), optional
        Smallest and largest gap between neighbouring digits in px, both included, from 0 to 65,535. In styles other
        than `clean` they may be negative, so that digits touch. None leaves the gaps to the style, and means (5, 10) in
        `clean`, which has none.
    width : int or str
        Width of each image in px, from 1 to 65,535. With "auto" each is as wide as its line, at the height of its page
        and with the margins of the style; with "auto:512" at most 512 px, to which longer lines are fitted, without
        that 32,767. The batch is then as wide as its widest image, and 255 at the right of the others: `generate_chunk`
        tells their sizes.
    style : {"clean", "natural", "document"}, path_like or Handwriting
        How lines are written, and on what: `clean` is the digits as they are, `natural` varies the writing, and
        `document` adds paper, marks that are not digits, and the scan. A path names a TOML file.
    seed : int, optional
        From 0 to 2**64 - 1. The same seed gives the same images; None draws afresh.
    start : int
        Number of the first image. Image i depends only on `seed` and i, so a batch may be made in parts:
        `generate_batch(s, ..., seed=k)[a:b]` equals `generate_batch(s[a:b], ..., seed=k, start=a)`.
    digits : path_like, mapping or DigitImageDataset, optional
        The digits to compose from: a name such as "mnist", a file, a folder, or several of them with weights, as
        `load_digits` takes them; None means the default digit dataset.
    fit : {"contain", "stretch"}
        How a line that is too wide is fitted to the width: shrunk on both axes and centred, or only in width.
        A line that fits is centred. A style that cuts the page to the ink, as `document` does, fits by itself.
    alphabet : str, optional
        All characters that labels of your whole dataset can hold, as in "0123456789-". `document` then draws none of
        these signs, or what looks like one, as an unlabelled mark, nor with a space any wide gap. None leaves that to
        each line: one with signs has no unlabelled marks, and one with spaces no wide gaps.
    image_height : int, optional
        Height H of each image in px, from 16 to 256; None means that of the digit dataset's images, whose px those of
        `spacing_range` stay. The style `clean` is composed at that height and resized to this one with LANCZOS; other
        styles are drawn at it, and with it what they measure in px, as on a page of 28 px, grows or shrinks.
    color : bool
        Whether images are in colour: black, blue or red ink, tinted paper and rules, and own paper in its colours. The
        style `clean` is the same grey in red, green and blue.
    out : ndarray, shape (N, H, width), in colour (N, H, width, 3), uint8, C-contiguous, optional
        Where the images go.
    workers : int, optional
        Number of threads; None means one per core. The images do not depend on it.

    Returns
    -------
    ndarray, shape (N, H, W), uint8
        255 is paper, 0 is full ink. It is `out` if that is given.

    Raises
    ------
    SpecError
        If an argument breaks a rule above.
    DatasetError
        If `digits` is not a valid digit dataset.
    MemoryLimitError
        If the batch does not fit in memory.

    Examples
    --------
    >>> from number_generator import generate_batch
    >>> images = generate_batch(["0612345678", "42"], spacing_range=(5, 10), width=100, seed=1)
    >>> images.shape, images.dtype
    ((2, 28, 100), dtype('uint8'))
    """
    # Not with `make_job`: binding, and telling a list from a number source, costs a twentieth of an image.
    packed = pack_sequences(sequences)
    first = check_integer("start", start, 0)
    spec = RenderSpec(spacing_range, width, fit, style, image_height, color)  # type: ignore[arg-type] # it finds the style
    atlas = prepare_atlas(resolve_digits(digits), spec.style)
    span = Span(first, first + len(packed))
    numbers = FixedNumbers(packed, first, check_alphabet(alphabet, packed))
    job = Job(numbers, spec, spec.height or atlas.height, check_seed(seed), span)
    if spec.ragged:
        if out is not None:
            raise SpecError(f"out is given and width is {spec.width!r}, so that its shape is not known: leave out out")
        return make_whole_chunk(job, atlas, check_workers(workers), warns=True).images
    images = allocate_images(job) if out is None else _check_out(out, job.array_shape)
    make_images(job, atlas, images, check_workers(workers), warns=True)
    return images if out is None else out


def generate_chunk(
    numbers: Any,
    spacing_range: tuple[int, int] | None = None,
    width: int | str = IMAGE_WIDTH,
    *,
    count: int | None = None,
    truth: str | Sequence[str] = (),
    label: Label = "written",
    style: str | os.PathLike[str] | Handwriting = "clean",
    seed: int | None = None,
    start: int = 0,
    digits: Digits = None,
    fit: Fit = "contain",
    alphabet: str | None = None,
    image_height: int | None = None,
    color: bool = False,
    workers: int | None = None,
) -> Chunk:
    """Draw numbers as one batch of images, with labels and ground truth.

    Parameters
    ----------
    numbers : sequence of str, sequence of sequences of int, integer ndarray, or number source
        What to write: as for `generate_batch`, or a `Pattern`, `CountryNumbers` or `PhoneNumbers`, which draw it.
    spacing_range, width, style, start, digits, fit, image_height, color, workers
        As for `generate_batch`.
    count : int, optional
        Number of images, if a number source is given.
    truth : sequence of {"boxes", "glyphs", "parameters", "masks"}
        The ground truth to return as well: see `Chunk`.
    label : {"written", "digits"}
        Whether labels and ground truth include the signs that are written.
    seed : int, optional
        From 0 to 2**64 - 1. The same seed gives the same numbers and images; None draws afresh.
    alphabet : str, optional
        With a list, as for `generate_batch`. A number source has its own.

    Returns
    -------
    Chunk
        `images`, shape (N, H, W), uint8; `labels`, shape (N,), str; `truth`, by name; and with width "auto" `sizes`,
        shape (N, 2), int32: height and width of each image.

    Raises
    ------
    SpecError
        If an argument breaks a rule.
    DatasetError
        If `digits` is not a valid digit dataset.
    MemoryLimitError
        If the batch does not fit in memory.

    Examples
    --------
    >>> from number_generator import generate_chunk
    >>> chunk = generate_chunk(["06-123", "42"], (5, 10), 100, truth=["boxes", "glyphs"], seed=1)
    >>> chunk.images.shape, chunk.labels.tolist(), chunk.truth["boxes"].shape
    ((2, 28, 100), ['06-123', '42'], (2, 6, 4))
    """
    if count is not None and not isinstance(numbers, NumberSource):
        raise SpecError(f"count is {count!r} and numbers is a list, which has its own count: leave count out")
    bound = make_job(
        numbers,
        spacing_range,
        width,
        count=count,
        label=label,
        style=style,
        seed=seed,
        start=start,
        digits=digits,
        fit=fit,
        truth=truth,
        alphabet=alphabet,
        image_height=image_height,
        color=color,
    )
    chunk = bound.make_chunk(workers=check_workers(workers), warns=True)
    return replace(chunk, labels=decode_labels(chunk.labels))


def generate_numbers_sequence(
    digits: str | Iterable[int],
    spacing_range: tuple[int, int] = (4, 10),
    image_width: int | str = IMAGE_WIDTH,
    *,
    seed: int | None = None,
    image_height: int | None = None,
) -> Images:
    """Draw one number sequence.

    Parameters
    ----------
    digits : str or iterable of int
        What to write: digits 0 to 9, and in a string signs as well. Nothing is a blank white page.
    spacing_range : (int, int)
        Smallest and largest gap between neighbouring digits in px, both included.
    image_width : int or str
        Width of the image in px; "auto" makes it as wide as the line.
    seed : int, optional
        From 0 to 2**64 - 1. The same seed gives the same image; None draws afresh.
    image_height : int, optional
        Height H of the image in px, as for `generate_batch`; None means that of the digits, 28 for the packaged ones.

    Returns
    -------
    ndarray, shape (H, image_width), uint8
        255 is paper, 0 is full ink.

    Examples
    --------
    >>> from number_generator import generate_numbers_sequence
    >>> generate_numbers_sequence([1, 2, 3], spacing_range=(4, 10), image_width=100).shape
    (28, 100)
    """
    return _draw_one(digits, RenderSpec(spacing_range, image_width, height=image_height), seed, None)


generate_number_sequence = generate_numbers_sequence
"""The spelling that version 0.0.1's documentation used in its example."""


class DigitSequenceImageGenerator:
    """Draws number sequences from one digit dataset, all in the same way.

    Parameters
    ----------
    dataset : DigitImageDataset
        The digits to compose from.
    spacing_range : (int, int)
        Smallest and largest gap between neighbouring digits in px, both included.
    output_image_width : int or str
        Width of the images in px, as for `generate_batch`.
    image_height : int, optional
        Their height in px, likewise.
    """

    def __init__(
        self,
        dataset: DigitImageDataset,
        spacing_range: tuple[int, int],
        output_image_width: int | str,
        *,
        image_height: int | None = None,
    ) -> None:
        if not isinstance(dataset, DigitImageDataset):
            raise SpecError(f"dataset is a {type(dataset).__name__}: give a DigitImageDataset")
        self._dataset = dataset
        self._spec = RenderSpec(spacing_range, output_image_width, height=image_height)

    def generate_from_data(self, digits: str | Iterable[int], *, seed: int | None = None) -> Images:
        """Draw one number sequence.

        Parameters
        ----------
        digits, seed
            As for `generate_numbers_sequence`.

        Returns
        -------
        ndarray, shape (H, output_image_width), uint8
            255 is paper, 0 is full ink.
        """
        return _draw_one(digits, self._spec, seed, self._dataset)


def _draw_one(digits: Any, spec: RenderSpec, seed: int | None, dataset: DigitImageDataset | None) -> Images:
    check_ordered("digits", digits)
    whole = isinstance(digits, (str, bytes, np.ndarray)) or not isinstance(digits, Iterable)
    sequences: Any = [digits if whole else list(digits)]
    images = generate_batch(
        sequences, spec.spacing_range, spec.width, seed=seed, digits=dataset, image_height=spec.height, workers=1
    )
    return images.reshape(images.shape[1:])


def _check_out(out: Any, shape: tuple[int, ...]) -> Images:
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != np.uint8:
        seen = f"an array of shape {out.shape} and type {out.dtype}" if isinstance(out, np.ndarray) else repr(out)
        raise SpecError(f"out is {seen}: give a uint8 array of shape {shape}")
    if not (out.flags.c_contiguous and out.flags.writeable):
        raise SpecError("out is not a writeable C-contiguous array: give one, as np.empty makes it")
    return np.asarray(out)  # a plain view of a subclass such as np.memmap, which numba does not accept
