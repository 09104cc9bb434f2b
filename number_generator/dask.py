"""Dask arrays of any number of images, made when their blocks are computed; needs the extra `dask`."""

import hashlib
import math
import os
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from number_generator.commands.recorded import parsed_command
from number_generator.commands.runs.plan import Part, make_plan
from number_generator.digits.resolve import Digits, resolve_digits
from number_generator.errors import SpecError
from number_generator.formats.schema import pad
from number_generator.job.chunk import TruthField
from number_generator.job.defaults import IMAGE_WIDTH, SPAN_IMAGES
from number_generator.job.handwriting import Handwriting
from number_generator.job.spec import Fit, Job, Label, Span
from number_generator.numbers.sequences import count_label_bytes
from number_generator.rendering.bound_job import BoundJob
from number_generator.rendering.engine import make_labels, measure_widths
from number_generator.rendering.ground_truth import make_truth_fields
from number_generator.system.checks import check_integer, format_value
from number_generator.system.optional import import_optional
from number_generator.training.batches import make_stream_job

if TYPE_CHECKING:
    import dask.array as dask_array

dask: Any = import_optional("dask", "dask", "number_generator.dask")
arrays: Any = import_optional("dask.array", "dask", "number_generator.dask")

__all__ = ["NumberJob", "images", "job", "labels", "truth", "widths"]

_BLOCK_BYTES = 32 * 2**20  # clean lines take a fiftieth of a second; Dask's overhead per task is a hundredth of that
_MOST_BLOCKS = 10_000_000
# The kind of ground truth that each array belongs to.
_TRUTHS = {
    "boxes": "boxes",
    "glyphs": "glyphs",
    "forms": "glyphs",
    "writers": "glyphs",
    "parameters": "parameters",
    "glyph_parameters": "parameters",
}


class NumberJob(BoundJob):
    """Which images to make and the digits to draw from, for `images`, `labels` and `truth`.

    `job` makes one from arguments, `NumberJob.from_command` from a command.

    Attributes
    ----------
    job : Job
    digits : DigitImageDataset
    """

    @classmethod
    def from_command(cls, command: str, *, part: str | None = None) -> "NumberJob":
        """Return the job of a command.

        Parameters
        ----------
        command : str
            A `generate-phone-numbers` command, as recorded in a dataset's metadata or as typed. Its output path is
            ignored.
        part : str, optional
            The part to make, if the command has `--split`.

        Raises
        ------
        SpecError
            If it is not such a command, or has no such part.

        Examples
        --------
        >>> from number_generator.dask import NumberJob
        >>> NumberJob.from_command("generate-phone-numbers --num-images 1000000000 --style document --seed 7").seed
        7
        """
        parts = {each.name: each for each in make_plan(parsed_command(command))}
        bound = _choose(parts, part).bound
        return cls(bound.job, bound.digits)

    @property
    def seed(self) -> int:
        """The seed of the images, drawn where none was given."""
        return self.job.seed

    @property
    def shape(self) -> tuple[int, ...]:
        """The images' shape: (N, H, W), or (N, H, W, 3) in colour."""
        return self.job.array_shape


def job(
    numbers: Any = None,
    spacing_range: tuple[int, int] | None = None,
    width: int | str = IMAGE_WIDTH,
    *,
    count: int,
    label: Label = "written",
    style: str | os.PathLike[str] | Handwriting = "clean",
    seed: int | None = None,
    start: int = 0,
    digits: Digits = None,
    fit: Fit = "contain",
    image_height: int | None = None,
    color: bool = False,
) -> NumberJob:
    """Describe images to make.

    Parameters
    ----------
    numbers, spacing_range, width, style, seed, start, digits, fit, image_height, color, label
        As for `stream`. Without a seed, one is drawn for everything made from this job.
    count : int
        Number of images.

    Returns
    -------
    NumberJob

    Raises
    ------
    SpecError
        If an argument breaks a rule.
    DatasetError
        If `digits` is not a valid digit dataset.

    Examples
    --------
    >>> from number_generator.dask import images, job
    >>> images(job(count=10**9, style="natural", seed=1)).shape
    (1000000000, 28, 100)
    """
    bound = make_stream_job(
        numbers,
        spacing_range,
        width,
        count=check_integer("count", count, 0),
        label=label,
        style=style,
        seed=seed,
        start=start,
        digits=digits,
        fit=fit,
        image_height=image_height,
        color=color,
    )
    return NumberJob(bound.job, bound.digits)


def images(
    job: NumberJob | Job | str, *, digits: Digits = None, part: str | None = None, chunk_images: int | None = None
) -> "dask_array.Array":
    """Return the images of a job as a lazy Dask array: each block is made when and where it is computed.

    Parameters
    ----------
    job : NumberJob, Job or str
        A job of `number_generator.dask.job`; or a `Job`, drawn from `digits`; or a command, see
        `NumberJob.from_command`, which must give a seed, as images and labels would each draw another.
    digits : path_like, mapping or DigitImageDataset, optional
        The digits of a `Job`, as for `generate_batch`.
    part : str, optional
        The part of a command that has `--split`.
    chunk_images : int, optional
        Images in each block but the last. None makes blocks of up to 32 MiB.

    Returns
    -------
    dask.array.Array, shape (N, H, W), or (N, H, W, 3) in colour, uint8
        255 is paper, 0 is full ink. Image k is image k in a dataset file of the same job. The graph is small, however
        many images there are, and holds the digits once. With a width of "auto:512", W is 512, and an image is 255 at
        the right of its own width, which `widths` tells.

    Raises
    ------
    SpecError
        If an argument breaks a rule.
    MissingExtraError
        At import, if Dask is not installed.

    Examples
    --------
    >>> from number_generator.dask import images, job, labels
    >>> million = job(count=1_000_000, seed=1)
    >>> lazy = images(million)
    >>> lazy.shape, lazy.numblocks, lazy[123_456].compute().shape
    ((1000000, 28, 100), (98, 1, 1), (28, 100))
    """
    bound = _bind(job, digits, part)
    if not bound.job.spec.is_bounded:
        raise SpecError(
            f"width is {bound.job.spec.width!r}, and an array has one width: give the greatest, as in 'auto:512'"
        )
    return _make_array(bound, _make_images, "images", bound.job.array_shape[1:], np.dtype(np.uint8), chunk_images)


def widths(
    job: NumberJob | Job | str, *, digits: Digits = None, part: str | None = None, chunk_images: int | None = None
) -> "dask_array.Array":
    """Return the widths of a job's images as a lazy Dask array with the same blocks as `images`.

    Lines are only measured for it.

    Parameters
    ----------
    job, digits, part, chunk_images
        As for `images`.

    Returns
    -------
    dask.array.Array, shape (N,), int32
        In px.

    Examples
    --------
    >>> from number_generator.dask import job, widths
    >>> widths(job(["0312345678", "42"], width="auto:512", count=3, seed=1)).compute().tolist()
    [238, 38, 222]
    """
    return _make_array(_bind(job, digits, part), _make_widths, "widths", (), np.dtype(np.int32), chunk_images)


def labels(
    job: NumberJob | Job | str, *, digits: Digits = None, part: str | None = None, chunk_images: int | None = None
) -> "dask_array.Array":
    """Return the labels of a job as a lazy Dask array with the same blocks as `images`; no image is made for them.

    Parameters
    ----------
    job, digits, part, chunk_images
        As for `images`.

    Returns
    -------
    dask.array.Array, shape (N,), bytes of fixed length
        The numbers in UTF-8, as HDF5 and others store them; the length is that of the longest one that can occur.

    Examples
    --------
    >>> from number_generator.dask import job, labels
    >>> labels(job(["0312345678", "42"], count=3, seed=1)).compute().tolist()
    [b'0312345678', b'42', b'0312345678']
    """
    bound = _bind(job, digits, part)
    dtype = np.dtype(f"S{_count_label_bytes(bound)}")
    return _make_array(bound, _make_labels, "labels", (), dtype, chunk_images)


def truth(
    job: NumberJob | Job | str,
    name: str,
    *,
    digits: Digits = None,
    part: str | None = None,
    chunk_images: int | None = None,
) -> "dask_array.Array":
    """Return ground truth of a job as a lazy Dask array with the same blocks as `images`.

    The images are drawn again for it.

    Parameters
    ----------
    job, digits, part, chunk_images
        As for `images`. The job need not ask for ground truth itself.
    name : {"boxes", "glyphs", "forms", "writers", "parameters", "glyph_parameters"}
        Which array, see `Chunk`.

    Returns
    -------
    dask.array.Array, shape (N, ...)
        As in a file: long enough for the longest label that can occur.

    Examples
    --------
    >>> from number_generator.dask import job, truth
    >>> truth(job(count=10**9, seed=1), "boxes").shape
    (1000000000, 11, 4)
    """
    bound = _bind(job, digits, part)
    if not isinstance(name, str) or name not in _TRUTHS:
        raise SpecError(f"name is {format_value(name)}: give one of {', '.join(map(repr, _TRUTHS))}")
    bound = bound.change_job(truth=(_TRUTHS[name],))
    fields = make_truth_fields(bound.job, bound.job.longest)
    field = next((field for field in fields if field.name == name), None)
    if field is None:
        raise SpecError(f"name is {name!r}, and the job's style holds no letterforms: give a style that does")
    return _make_array(bound, _make_truth, name, field.shape, np.dtype(field.dtype), chunk_images, field)


def _choose(parts: Mapping[str, Part], part: str | None) -> Part:
    """Return the part of that name; without a name, the only one."""
    names = ", ".join(map(repr, parts))
    if part is None:
        if "" not in parts:
            raise SpecError(f"part is None and the command has --split: give one of {names}")
        return parts[""]
    if not isinstance(part, str) or part not in parts or not part:
        rule = "the command has no --split: leave it out" if "" in parts else f"give one of {names}"
        raise SpecError(f"part is {format_value(part)}: {rule}")
    return parts[part]


def _bind(job: Any, digits: Digits, part: str | None) -> BoundJob:
    """Return what makes the images of a job, however it was given."""
    if not isinstance(job, (NumberJob, Job, str)):
        raise SpecError(
            f"job is a {type(job).__name__}: give what number_generator.dask.job gives, a Job, or a command as a text"
        )
    if digits is not None and not isinstance(job, Job):
        kind = "command" if isinstance(job, str) else type(job).__name__
        raise SpecError(f"digits are given with a {kind}, which names its own: leave them out")
    if part is not None and not isinstance(job, str):
        raise SpecError(f"part is {part!r}, which only goes with a command: leave it out")
    if isinstance(job, Job):
        return BoundJob(replace(job, truth=()), resolve_digits(digits))
    if isinstance(job, str):
        if parsed_command(job).seed is None:
            raise SpecError(
                f"the command {job!r} has no --seed, and its images and labels would each draw another: give one, or "
                "NumberJob.from_command(...), which draws one for all"
            )
        job = NumberJob.from_command(job, part=part)
    return BoundJob(replace(job.job, truth=()), job.digits)


def _make_array(
    bound: BoundJob,
    make: Any,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    chunk_images: int | None,
    *arguments: Any,
) -> "dask_array.Array":
    """Return an array with an entry of `shape` per image, whose blocks are `make(bound, span, *arguments)`."""
    count = bound.job.shape[0]
    size = _choose_block_size(bound.job, chunk_images)
    full, rest = divmod(count, size)
    if full > _MOST_BLOCKS:
        raise SpecError(
            f"{count} images in blocks of {size} are {full} blocks, which Dask lists one by one: at most "
            f"{_MOST_BLOCKS} are possible; give a larger chunk_images"
        )
    rows = (size,) * full + ((rest,) if rest or not full else ())
    # The same job has the same keys, so that a cluster makes nothing twice.
    token = hashlib.sha256(pickle.dumps((bound, name, size))).hexdigest()[:32]
    # A task of its own, which a cluster repeats if its result is lost with a worker.
    given = dask.delayed(bound, name=f"number-job-{token}", traverse=False)
    return arrays.map_blocks(
        _make_block,
        given,
        make,
        size,
        *arguments,
        name=f"number-{name}-{token}",
        chunks=(rows, *((length,) for length in shape)),
        dtype=dtype,
        meta=np.empty((0,) * (1 + len(shape)), dtype),
    )


def _choose_block_size(job: Job, chunk_images: int | None) -> int:
    """Choose the number of images in a block."""
    if chunk_images is not None:
        return check_integer("chunk_images", chunk_images, 1)
    most = max(1, _BLOCK_BYTES // math.prod(job.array_shape[1:]))
    return most // SPAN_IMAGES * SPAN_IMAGES or most  # whole spans, if one fits: see `Job.split`


def _make_block(bound: BoundJob, make: Any, size: int, *arguments: Any, block_id: tuple[int, ...]) -> npt.NDArray[Any]:
    """Make a block, a pure function of its image numbers."""
    span = bound.job.span
    start = span.start + block_id[0] * size
    return make(bound, Span(start, min(start + size, span.stop)), *arguments)


def _make_images(bound: BoundJob, span: Span) -> npt.NDArray[np.uint8]:
    images = bound.make_chunk(span).images
    missing = bound.job.spec.max_width - images.shape[2]
    around = ((0, 0), (0, 0), (0, missing), (0, 0))
    return np.pad(images, around[: images.ndim], constant_values=255) if missing else images


def _make_widths(bound: BoundJob, span: Span) -> npt.NDArray[np.int32]:
    if not bound.job.spec.ragged:
        return np.full(len(span), bound.job.spec.max_width, np.int32)
    return measure_widths(bound.job, bound.atlas, span).astype(np.int32)


def _make_labels(bound: BoundJob, span: Span) -> npt.NDArray[np.bytes_]:
    return make_labels(bound.job, span).astype(f"S{_count_label_bytes(bound)}")


def _count_label_bytes(bound: BoundJob) -> int:
    job = bound.job
    beyond_ascii = None if job.label == "digits" else count_label_bytes(job.numbers.alphabet, job.longest)
    return max(1, beyond_ascii or job.longest)


def _make_truth(bound: BoundJob, span: Span, field: TruthField) -> npt.NDArray[Any]:
    return pad(bound.make_chunk(span).truth[field.name], field)
