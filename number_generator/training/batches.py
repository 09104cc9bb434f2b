"""Streams: batches of images and labels, made while a model trains and stored nowhere."""

import hashlib
import math
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from number_generator.digits.atlas import GlyphAtlas
from number_generator.digits.resolve import Digits
from number_generator.errors import MemoryLimitError, SpecError
from number_generator.job.chunk import Images
from number_generator.job.defaults import IMAGE_WIDTH, REAL_SHARE, SPAN_BYTES, SPAN_IMAGES
from number_generator.job.handwriting import Handwriting
from number_generator.job.labels import decode_labels
from number_generator.job.spec import MAX_IMAGE_NUMBER, Fit, Job, Label, Span
from number_generator.numbers.phone import PhoneNumbers
from number_generator.rendering.batch import make_images
from number_generator.rendering.bound_job import BoundJob, make_job
from number_generator.rendering.engine import Selection, describe_small_print, draw_selection, sort_by_width
from number_generator.rendering.ground_truth import BY_CHARACTER, join_truth
from number_generator.rendering.legibility import log_small_print
from number_generator.scans.mixing import Balance
from number_generator.system.buffers import uninitialised_bytes
from number_generator.system.checks import check_boolean, check_integer, check_seed
from number_generator.system.threads import check_workers, ordered_map

Batch = tuple[Any, ...]
"""Images, shape (n, H, W), their labels, shape (n,), their widths if each is as wide as its line, and the ground truth
if it was asked for."""
Allocate = Callable[[tuple[int, ...]], tuple[Images, Any]]
"""Returns a C-contiguous uint8 array of a shape for the images, and what batches are cut from: that array, or a tensor
on the same memory."""

_MAX_BATCH = 2**24
_MAX_WINDOW = 1024


def stream(
    numbers: Any = None,
    spacing_range: tuple[int, int] | None = None,
    width: int | str = IMAGE_WIDTH,
    *,
    batch_size: int = 256,
    count: int | None = None,
    drop_last: bool = False,
    truth: str | Sequence[str] = (),
    label: Label = "written",
    style: str | os.PathLike[str] | Handwriting = "clean",
    seed: int | None = None,
    start: int = 0,
    digits: Digits = None,
    fit: Fit = "contain",
    image_height: int | None = None,
    color: bool = False,
    window: int = 1,
    real: Any = None,
    real_share: float = REAL_SHARE,
    real_lines: Any = None,
    real_balance: Balance = "lines",
    real_holdout: float = 0.0,
    workers: int | None = None,
) -> "NumberBatches":
    """Yield batches of images and labels, rendered ahead in threads, for any framework.

    Parameters
    ----------
    numbers : number source, sequence of str, sequence of sequences of int, or integer ndarray, optional
        A `Pattern`, `CountryNumbers` or `PhoneNumbers`, which draw what to write, or a list as for `generate_batch`,
        which is repeated. None means `PhoneNumbers()`. What their labels can hold is their `alphabet`: `document` draws
        none of its signs unlabelled.
    spacing_range : (int, int), optional
        As for `generate_batch`.
    width, style, fit, image_height, color
        As for `generate_batch`.
    batch_size : int
        Images in a batch.
    count : int, optional
        Number of images in all; None means no end.
    drop_last : bool
        Whether to leave out a last batch that is not full.
    truth, label
        As for `generate_chunk`; with ground truth, or real lines, a batch ends with it, a dict by name. With real lines
        it holds `is_real`, shape (n,), bool.
    seed : int, optional
        From 0 to 2**64 - 1. The same seed gives the same batches; None draws afresh.
    start : int
        Number of the first image. The images are those of `generate_chunk` with the same numbers, and for a list with
        the `alphabet` of all of it.
    digits : path_like, mapping or DigitImageDataset, optional
        The digits to compose from, as for `generate_batch`.
    window : int
        With width "auto": batches whose images are sorted by width together, so that those of a batch are about equally
        wide and little is padded; 16 is a good number. Batch k holds the same images whatever came before it; a
        `count` that ends within a window changes the batches of that window.
    real : path_like or GenericDataset, optional
        Real lines with labels that go along: any dataset that `GenericDataset` reads. They take the place of some of
        the images, fitted to the page as `fit_line` does, and varied anew each time.
    real_share : float
        Share of the images that are real lines, from 0 to 1.
    real_lines : RealLines, mapping or path_like, optional
        How they are varied, as such or as a TOML file; None means as usual.
    real_balance : {"lines", "length", "digits"}
        What comes equally often: each line, or as far as that goes each length of a label, or each digit.
    real_holdout : float
        Share of the lines that are left out, the same ones in each job: all of a writer, if the dataset tells writers,
        and all copies of an image.
    workers : int, optional
        Number of threads; None means one per core. Each works up to two tasks ahead; a task is a batch, or some 2,048
        images in small batches. With 1 no thread is started, and a batch is made when it is asked for.

    Returns
    -------
    NumberBatches
        An iterator of (images, labels): uint8, shape (n, H, width), 255 is paper; and str, shape (n,). With width
        "auto" it yields (images, labels, widths): images as wide as the widest of the batch, 255 at the right of the
        others, and the width of each in px, int32, shape (n,). Ground truth comes last.

    Raises
    ------
    SpecError
        If an argument breaks a rule.
    DatasetError
        If `digits` is not a valid digit dataset.

    Examples
    --------
    >>> from number_generator import stream
    >>> with stream(batch_size=64, count=1000, seed=1) as batches:
    ...     images, labels = next(batches)
    >>> images.shape, len(labels[0]) in (10, 11), len(batches)
    ((64, 28, 100), True, 16)
    """
    batches = make_batches(
        numbers,
        spacing_range,
        width,
        style=style,
        fit=fit,
        batch_size=batch_size,
        count=count,
        drop_last=drop_last,
        truth=truth,
        label=label,
        seed=seed,
        start=start,
        digits=digits,
        image_height=image_height,
        color=color,
        window=window,
        real=real,
        real_share=real_share,
        real_lines=real_lines,
        real_balance=real_balance,
        real_holdout=real_holdout,
    )
    warn_if_small(batches)
    return NumberBatches(batches, check_workers(workers))


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """The batches of a job, numbered: batch k holds its images from `k * size` on; the last may have fewer.

    Without an end, the span stops at the last number to which whole batches reach. The images of `window` batches are
    sorted by width, and so exchanged among these.
    """

    bound: BoundJob
    size: int
    is_endless: bool
    window: int = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # The atlas goes along to the worker processes of a data loader, which would take seconds to make it.
        return _restore, (self.bound, self.bound.atlas, self.size, self.is_endless, self.window)

    @property
    def job(self) -> Job:
        """The job whose images they hold."""
        return self.bound.job

    @property
    def has_truth(self) -> bool:
        """Whether a batch ends with ground truth; of jobs with real lines it tells at least which images are real."""
        return bool(self.job.truth) or self.job.real is not None

    @property
    def count(self) -> int:
        """The number of batches."""
        return -(-(self.job.span.stop - self.job.span.start) // self.size)

    def span(self, number: int) -> Span:
        """Return the image numbers of a batch."""
        start = self.job.span.start + number * self.size
        return Span(start, min(start + self.size, self.job.span.stop))

    def iterate(
        self, numbers: range, workers: int, allocate: Allocate, *, grouped: bool = True
    ) -> Generator[Batch, None, None]:
        """Yield the batches of some ascending numbers, rendered ahead if there are several workers.

        If `grouped`, several small batches may share one piece of the memory that `allocate` returns.
        """
        together = self._count_together(numbers) if grouped else 1
        tasks = (numbers[first : first + together] for first in range(0, len(numbers), together))
        with closing(ordered_map(lambda task: self._make(task, allocate), tasks, workers)) as made:
            for batches in made:
                yield from batches

    def at(self, epoch: int) -> "Batches":
        """Return the batches of an epoch: the same number, of the images that follow those of earlier epochs."""
        span = self.job.span
        first = span.start + epoch * len(span)
        return self.change_job(span=Span(first, first + len(span)))

    def change_job(self, **changes: Any) -> "Batches":
        """Return the same with some attributes of the job changed, as `BoundJob.change_job` does."""
        return replace(self, bound=self.bound.change_job(**changes))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that the batches depend on, but for the seed."""
        about = {} if self.window == 1 else {"window": self.window}
        return self.bound.compute_fingerprint(batch_size=self.size, **about)

    def _count_together(self, numbers: range) -> int:
        """Return how many batches make a task of good size; 1 if they are not consecutive, or differ in width."""
        if numbers.step != 1 or self.job.spec.ragged:
            return 1
        # A task takes a tenth of a millisecond, however few images it makes.
        most = min(SPAN_IMAGES, SPAN_BYTES // math.prod(self.job.array_shape[1:]))
        return max(1, most // self.size)

    def _make(self, numbers: range, allocate: Allocate) -> list[Batch]:
        """Make consecutive batches in one array; if each has a width of its own, it is one batch."""
        if self.job.spec.ragged:
            return [self._make_ragged(number, allocate) for number in numbers]
        span = Span(self.span(numbers[0]).start, self.span(numbers[-1]).stop)
        part = replace(self.job, span=span)
        images, whole = allocate(part.array_shape)
        try:
            # Wide pages and long numbers are made in parts, to bound the memory.
            chunks = make_images(part, self.bound.atlas, images, 1)
            labels = decode_labels(np.concatenate([chunk.labels for chunk in chunks]))
            truth = join_truth([chunk.truth for chunk in chunks])
        except MemoryError as exc:
            raise MemoryLimitError("not enough memory to draw a batch: give a smaller batch_size") from exc
        made: list[Batch] = []
        for number in numbers:
            each = self.span(number)
            rows = slice(each.start - span.start, each.stop - span.start)
            batch = whole if len(numbers) == 1 else whole[rows], labels[rows]
            made.append((*batch, _cut_truth(rows, truth, batch[1])) if self.has_truth else batch)
        return made

    def _make_ragged(self, number: int, allocate: Allocate) -> Batch:
        """Make a batch whose images are each as wide as its line."""
        try:
            if self.window == 1:
                chunk = self.bound.make_chunk(self.span(number))
            else:
                first = number // self.window * self.window
                last = min(first + self.window, self.count) - 1
                span = Span(self.span(first).start, self.span(last).stop)
                with _SORTING:  # many threads begin at once, and the first one's work serves all
                    parts = _divide_window(self.bound, span, self.size)
                chunk = draw_selection(self.job, self.bound.atlas, span, parts[number - first])
            images, whole = allocate(chunk.images.shape)
            images[:] = chunk.images
        except MemoryError as exc:
            raise MemoryLimitError("not enough memory to draw a batch: give a smaller batch_size") from exc
        assert chunk.sizes is not None  # noqa: S101 - of images that differ in width
        batch = whole, decode_labels(chunk.labels), np.ascontiguousarray(chunk.sizes[:, 1])
        return (*batch, chunk.truth) if self.has_truth else batch


_SORTING = threading.Lock()


@lru_cache(maxsize=8)
def _divide_window(bound: BoundJob, span: Span, size: int) -> list[Selection]:
    """Divide the images of a window into batches by their widths; a last one that is not full has the widest.

    The other batches follow in an order of their own for each window, not by width.
    """
    parts = sort_by_width(bound.job, bound.atlas, span, size)
    rest = [parts.pop()] if len(parts[-1].numbers) < size else []

    def mix(number: int) -> bytes:
        return hashlib.sha256(f"{bound.job.seed} {span.start} {number}".encode()).digest()

    return [parts[number] for number in sorted(range(len(parts)), key=mix)] + rest


def _restore(bound: BoundJob, atlas: GlyphAtlas, size: int, is_endless: bool, window: int) -> Batches:
    return Batches(bound.keep_atlas(atlas), size, is_endless, window)


def warn_if_small(batches: Batches) -> None:
    """Log a warning if the first lines are too small to read."""
    log_small_print(describe_small_print(batches.job, batches.bound.atlas))


def _cut_truth(rows: slice, truth: dict[str, Any], labels: Any) -> dict[str, Any]:
    """Cut the truth of one batch out of that of several, at the length of its longest label."""
    longest = int(np.char.str_len(labels).max(initial=0))
    return {name: array[rows, :longest] if name in BY_CHARACTER else array[rows] for name, array in truth.items()}


def make_batches(
    numbers: Any,
    spacing_range: tuple[int, int] | None,
    width: int | str,
    *,
    batch_size: int,
    count: int | None,
    start: int,
    drop_last: bool = False,
    window: int = 1,
    **options: Any,
) -> Batches:
    """Check the arguments of `stream`, and make the batches that they describe."""
    size = check_integer("batch_size", batch_size, 1, _MAX_BATCH)
    first = check_integer("start", start, 0, MAX_IMAGE_NUMBER)
    number = (MAX_IMAGE_NUMBER - first) // size * size if count is None else check_integer("count", count, 0)
    if check_boolean("drop_last", drop_last):
        number = number // size * size
    window = check_integer("window", window, 1, _MAX_WINDOW)
    bound = make_stream_job(numbers, spacing_range, width, count=number, start=first, **options)
    if window > 1 and not bound.job.spec.ragged:
        raise SpecError(
            f"window is {window} and width is {bound.job.spec.width}, so that all images are equally wide: leave "
            "window out, or give width 'auto'"
        )
    return Batches(bound, size, count is None, window)


def make_stream_job(
    numbers: Any,
    spacing_range: tuple[int, int] | None,
    width: int | str,
    *,
    count: int,
    **options: Any,
) -> BoundJob:
    """Bind a job as `make_job` does; None means phone numbers."""
    source = PhoneNumbers() if numbers is None else numbers
    return make_job(source, spacing_range, width, count=count, **options)


class NumberBatches(Iterator[Batch]):
    """The batches of `stream`: an iterator that can be left and resumed.

    It is also a context manager: leaving it ends its threads, as `close` does, and as dropping it does.
    """

    def __init__(self, batches: Batches, workers: int) -> None:
        self._batches = batches
        self._workers = workers
        self._given = 0
        self._running: Generator[Batch, None, None] | None = None

    def __next__(self) -> Batch:
        if self._running is None:
            numbers = range(self._given, self._batches.count)
            self._running = self._batches.iterate(numbers, self._workers, allocate_batch)
        try:
            batch = next(self._running)
        except StopIteration:
            raise
        except BaseException:  # such as KeyboardInterrupt: the stream has not ended, and continues when asked again
            self.close()
            raise
        self._given += 1
        return batch

    def __len__(self) -> int:
        """Return the number of all batches, past and to come; TypeError if there is no end."""
        if self._batches.is_endless:
            raise TypeError("the stream has no end, and so no length: give count to have one")
        return self._batches.count

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy has: it continues at the same position, with threads of its own."""
        return {**self.__dict__, "_running": None}

    def __repr__(self) -> str:
        batches, job = self._batches, self._batches.job
        count = "endless" if batches.is_endless else f"{batches.count} batches"
        kind = f"{job.spec.width} x {job.height} px, {job.spec.style!r}, seed {job.seed}"
        return f"<{type(self).__name__}: {count} of {batches.size} images of {kind}>"

    @property
    def seed(self) -> int:
        """The seed of the images, drawn where none was given."""
        return self._batches.job.seed

    def state_dict(self) -> dict[str, Any]:
        """Return the position of the stream in plain values, for `load_state_dict`."""
        return {"batches": self._given, "seed": self.seed, "fingerprint": self._batches.fingerprint}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue at the position, and with the seed, of another stream with the same arguments.

        Raises
        ------
        SpecError
            If the state is of a stream with other arguments or digits.
        """
        given, seed = check_state(state, self._batches.fingerprint)
        self.close()
        self._given = min(given, self._batches.count)
        self._batches = self._batches.change_job(seed=seed)

    def close(self) -> None:
        """End the threads; the next batch starts them again."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def __enter__(self) -> "NumberBatches":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_state(state: Mapping[str, Any], fingerprint: str) -> tuple[int, int]:
    """Return the number of batches and the seed of a state, or raise SpecError if it is of another stream."""
    try:
        seen, given, seed = state["fingerprint"], state["batches"], state["seed"]
    except (KeyError, TypeError):
        raise SpecError(
            "the state is not one that state_dict gave: give a dict with batches, seed, fingerprint"
        ) from None
    if seen != fingerprint:
        raise SpecError(
            "the state is of a stream with other arguments, digits or version: make the stream with those of the one "
            "that was saved"
        )
    return check_integer("the state's batches", given, 0), check_seed(check_integer("the state's seed", seed, 0))


def allocate_batch(shape: tuple[int, ...]) -> tuple[Images, Images]:
    """Allocate memory for the images of a batch, as `Batches.iterate` asks for it."""
    try:
        images = uninitialised_bytes(math.prod(shape)).reshape(shape)
    except (MemoryError, ValueError, OverflowError) as exc:
        raise MemoryLimitError(f"a batch of shape {shape} does not fit in memory: give a smaller batch_size") from exc
    return images, images
