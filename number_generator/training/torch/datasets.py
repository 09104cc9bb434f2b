"""PyTorch datasets whose images are made on demand and stored nowhere; needs the extra `torch`."""

import operator
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from number_generator.digits.resolve import Digits
from number_generator.errors import SpecError
from number_generator.job.defaults import IMAGE_WIDTH, REAL_SHARE
from number_generator.job.handwriting import Handwriting
from number_generator.job.spec import MAX_IMAGE_NUMBER, Fit, Label, Span
from number_generator.scans.mixing import Balance
from number_generator.system.checks import check_integer
from number_generator.system.threads import check_workers
from number_generator.training.batches import Batch, Batches, allocate_batch, check_state, make_batches, warn_if_small
from number_generator.training.ctc import Blank
from number_generator.training.torch.collate import Form, Ink, Transform
from number_generator.training.torch.distributed import check_share, find_rank_and_world_size
from number_generator.training.torch.shared_buffers import find_lender

_MAX_IMAGES = 2**62
_MAX_PROCESSES = 4096
_LARGEST_SLOT = 32 * 2**20  # bytes of a batch whose images are as wide as their lines


class NumberStream(IterableDataset[tuple[Any, ...]]):
    """Whole batches of images and labels, ready for a model, for `DataLoader(dataset, batch_size=None)`.

    Batch k does not depend on the number of worker processes or their start method. Of R ranks, rank r returns batches
    r, r + R, r + 2R and so on: none is repeated or left out.

    Parameters
    ----------
    numbers, spacing_range, width, batch_size, count, style, start, digits, fit, image_height, color, window, label
        As for `stream`. With width "auto" the widths of the images, an int32 tensor, are the last part of a batch.
    truth : sequence of {"boxes", "glyphs", "parameters", "masks"}
        Ground truth, as for `generate_chunk`: with it, or with real lines, the last part of a batch is a dict of
        tensors by name.
    real, real_share, real_lines, real_balance, real_holdout
        As for `stream`. `is_real` in the ground truth tells which images are real lines.
    transform : callable, optional
        Called with the images of a batch, an uint8 array of shape (n, H, W), 255 being paper; it returns such an array,
        as an augmentation of your own does. The images are converted afterwards. Boxes do not follow it, nor do the
        widths of the images: with width "auto" it must keep the width, which it may change in a `NumberImages`.
    drop_last : bool
        Whether to leave out a last batch that is not full, and the last batches if there is not one for each rank: so
        all ranks have the same number.
    seed : int, optional
        As for `stream`; required with several ranks, which would each draw another.
    dtype : torch.dtype
        `torch.uint8`, 0 to 255, or a floating type, 0 to 1 unless `mean` and `std` are given. It is fastest to move
        bytes and convert them on the device.
    ink : {"dark", "bright"}
        Whether ink is 0 and paper the highest value, or the other way round, as in MNIST.
    mean, std : float
        For floating types, after scaling to 0 to 1: images are (image - mean) / std.
    alphabet, blank : str, optional
        As for `encode_labels`. With an alphabet a batch is three tensors, (images, targets, lengths), the targets
        padded to the longest label that can occur; without one it is (images, labels), the labels an array of str.
        The images are the same: which marks they may have follows from `numbers`, as for `stream`.
    output_length : int, optional
        As for `encode_labels`.
    rank, world_size : int, optional
        The share of the batches to return; None means that of `torch.distributed` if it is initialised, else all.
    workers : int, optional
        Number of threads if the stream is read without worker processes; None means one per core. Worker processes use
        none.

    Raises
    ------
    SpecError
        If an argument breaks a rule.
    MissingExtraError
        At import, if PyTorch is not installed.

    Examples
    --------
    >>> from number_generator.torch import NumberStream
    >>> dataset = NumberStream(batch_size=32, count=1000, seed=1, alphabet="0123456789")
    >>> loader = torch.utils.data.DataLoader(dataset, batch_size=None)
    >>> images, targets, lengths = next(iter(loader))
    >>> images.shape, images.dtype, targets.shape, len(loader)
    (torch.Size([32, 1, 28, 100]), torch.uint8, torch.Size([32, 11]), 32)
    """

    def __init__(
        self,
        numbers: Any = None,
        spacing_range: tuple[int, int] | None = None,
        width: int | str = IMAGE_WIDTH,
        *,
        batch_size: int = 256,
        count: int | None = None,
        drop_last: bool = False,
        label: Label = "written",
        style: str | os.PathLike[str] | Handwriting = "clean",
        seed: int | None = None,
        start: int = 0,
        digits: Digits = None,
        fit: Fit = "contain",
        image_height: int | None = None,
        color: bool = False,
        window: int = 1,
        truth: str | Sequence[str] = (),
        real: Any = None,
        real_share: float = REAL_SHARE,
        real_lines: Any = None,
        real_balance: Balance = "lines",
        real_holdout: float = 0.0,
        transform: Transform | None = None,
        dtype: torch.dtype = torch.uint8,
        ink: Ink = "dark",
        mean: float = 0.0,
        std: float = 1.0,
        alphabet: str | None = None,
        blank: Blank = "first",
        output_length: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        workers: int | None = None,
    ) -> None:
        self._batches = make_batches(
            numbers,
            spacing_range,
            width,
            batch_size=batch_size,
            count=count,
            drop_last=drop_last,
            label=label,
            style=style,
            seed=seed,
            start=start,
            digits=digits,
            fit=fit,
            image_height=image_height,
            color=color,
            window=window,
            truth=truth,
            real=real,
            real_share=real_share,
            real_lines=real_lines,
            real_balance=real_balance,
            real_holdout=real_holdout,
        )
        self._drop_last = drop_last
        self._form = Form(dtype, ink, mean, std, alphabet, blank, output_length, transform)
        self._workers = check_workers(workers)
        self._share = check_share(rank, world_size)
        if self._ranks[1] > 1 and seed is None:
            raise SpecError("seed is None and there are several ranks, which would each draw another: give a seed")
        # In shared memory, so that persistent worker processes see a new epoch.
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call] # of PyTorch
        self._position = _Position(0, 1, 1)
        self._resume: _Position | None = None
        # By worker process, the number of workers once it has started from a loaded state: it does so only once.
        self._begun = torch.zeros(_MAX_PROCESSES, dtype=torch.int32).share_memory_()  # type: ignore[no-untyped-call] # of PyTorch
        # Compiled here, as otherwise each worker process would do it; forked ones inherit it.
        _warm(self._batches)
        warn_if_small(self._batches)

    @property
    def seed(self) -> int:
        """The seed of the images, drawn where none was given."""
        return self._batches.job.seed

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        # At once, not with the first batch: a loader asks for the position before that.
        first, self._resume = self._find_first(worker, workers), None
        at = self._position = _Position(first, workers, self._ranks[1])
        epoch = int(self._epoch)
        batches = self._batches.at(epoch) if epoch else self._batches
        allocate = _allocate_private
        if info is not None and self._form.dtype == torch.uint8 and not batches.job.spec.color:
            allocate = find_lender(_measure_slot(batches)).lend
        threads = self._workers if info is None else 1
        # A lent tensor travels by itself.
        made = batches.iterate(
            self._list_numbers()[first::workers], threads, allocate, grouped=allocate is _allocate_private
        )
        return self._count_given(made, at)

    def _count_given(self, made: Generator[Batch, None, None], at: "_Position") -> Iterator[tuple[Any, ...]]:
        """Yield batches in their form, and count each before it is returned."""
        longest = self._batches.job.longest
        with closing(made):
            for batch in made:
                at = self._position = replace(at, batch=at.batch + at.workers)
                yield self._form.make_batch(*_part_batch(batch, self._batches), longest)

    def __len__(self) -> int:
        """Return the number of batches of this rank in an epoch; TypeError if the stream has no end."""
        if self._batches.is_endless:
            raise TypeError("the stream has no end, and so no length: give count to have one")
        return len(self._list_numbers())

    def set_epoch(self, epoch: int) -> None:
        """Switch to the images of an epoch: those of epoch e are the `count` images after those of epoch e - 1.

        Call it before the epoch's loader starts. Without it, all epochs have the same images.
        """
        checked = self._check_epoch("epoch", epoch)
        if checked != int(self._epoch):
            self._position, self._resume = _Position(0, 1, self._ranks[1]), None
        self._epoch.fill_(checked)

    def state_dict(self, batches: int | None = None) -> dict[str, Any]:
        """Return the position of the stream in plain values.

        `torchdata`'s `StatefulDataLoader` calls it by itself. Without worker processes it counts the batches returned;
        with PyTorch's own `DataLoader` and worker processes, which read ahead, count the batches that you took.

        Parameters
        ----------
        batches : int, optional
            How many batches this rank took in this epoch; None means as many as this process returned.
        """
        position = self._position
        if batches is not None:
            position = _Position(check_integer("batches", batches, 0), 1, self._ranks[1])
        return {
            "batches": position.batch,
            "workers": position.workers,
            "ranks": position.ranks,
            "epoch": int(self._epoch),
            "seed": self.seed,
            "fingerprint": self._batches.fingerprint,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Start the next iteration at the position of another stream with the same arguments, within its epoch.

        Call it before that iteration's worker processes start.

        Raises
        ------
        SpecError
            If the state is of a stream with other arguments or digits.
        """
        given, seed = check_state(state, self._batches.fingerprint)
        workers = check_integer("the state's workers", state.get("workers", 1), 1)
        ranks = check_integer("the state's ranks", state.get("ranks", 1), 1)
        epoch = self._check_epoch("the state's epoch", state.get("epoch", 0))
        self._batches = self._batches.change_job(seed=seed)
        self._epoch.fill_(epoch)
        self._resume = self._position = _Position(given, workers, ranks)
        self._begun.zero_()

    def _check_epoch(self, name: str, epoch: Any) -> int:
        """Return an epoch as an int, or raise SpecError if the stream has no images for it."""
        if check_integer(name, epoch, 0) and self._batches.is_endless:
            raise SpecError("the stream has no end, and so no epochs: give count to have them")
        span = self._batches.job.span
        return check_integer(name, epoch, 0, (MAX_IMAGE_NUMBER - span.stop) // max(1, len(span)))

    def _find_first(self, worker: int, workers: int) -> int:
        """Return the first batch of this process, as a number among those of the rank."""
        at = self._resume
        # An earlier loader may have begun there: each has worker processes of its own.
        if at is None or self._begun[worker] or int(self._begun.max()) not in (0, workers):
            return worker
        if at.batch and at.ranks != self._ranks[1]:
            raise SpecError(f"the state is of one of {at.ranks} ranks, and there are {self._ranks[1]}: start as many")
        if at.workers not in (1, workers):
            raise SpecError(
                f"the state is of a loader with {at.workers} worker processes, and this one has {workers}: give as many"
            )
        self._begun[worker] = workers
        return at.batch + (worker if at.workers == 1 else 0)

    def _list_numbers(self) -> range:
        """Return the numbers of this rank's batches."""
        rank, world_size = self._ranks
        count = self._batches.count
        if self._drop_last:
            count = count // world_size * world_size
        return range(rank, count, world_size)

    @property
    def _ranks(self) -> tuple[int, int]:
        """Rank and world size; if none were given, those of `torch.distributed` at this moment."""
        return self._share or find_rank_and_world_size()

    def __getstate__(self) -> dict[str, Any]:
        # A spawned worker process does not know the process group. If there is none yet, one may come.
        return {**self.__dict__, "_share": self._ranks if self._ranks[1] > 1 else self._share}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        for shared in (self._epoch, self._begun):
            shared.share_memory_()


class NumberImages(Dataset[tuple[Any, ...]]):
    """A dataset of up to 2**62 images, none of them stored: item i is image i, made on demand.

    It works with any order and any sampler: a `NumberSampler` divides the images among ranks, none repeated or left
    out. For images in order a `NumberStream` is faster, as it makes a batch at once.

    Parameters
    ----------
    numbers, spacing_range, width, style, seed, start, digits, fit, image_height, color, label
        As for `stream`.
    count : int
        Number of images, up to 2**62.
    truth, real, real_share, real_lines, real_balance, real_holdout
        As for `NumberStream`, but padded to the longest label that can occur. Masks are as wide as the image.
    transform : callable, optional
        As for `NumberStream`, but called with one image, an uint8 array of shape (H, W).
    dtype, ink, mean, std, alphabet, blank, output_length
        As for `NumberStream`. An item is (image, label), or with an alphabet (image, target, length). With width "auto"
        images differ in width, and `collate` joins them.

    Examples
    --------
    >>> from number_generator.torch import NumberImages
    >>> dataset = NumberImages(count=2**40, seed=1)
    >>> image, label = dataset[10**12]
    >>> image.shape, len(dataset) == 2**40
    (torch.Size([1, 28, 100]), True)
    """

    def __init__(
        self,
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
        truth: str | Sequence[str] = (),
        real: Any = None,
        real_share: float = REAL_SHARE,
        real_lines: Any = None,
        real_balance: Balance = "lines",
        real_holdout: float = 0.0,
        transform: Transform | None = None,
        dtype: torch.dtype = torch.uint8,
        ink: Ink = "dark",
        mean: float = 0.0,
        std: float = 1.0,
        alphabet: str | None = None,
        blank: Blank = "first",
        output_length: int | None = None,
    ) -> None:
        self._images = make_batches(
            numbers,
            spacing_range,
            width,
            batch_size=1,
            count=check_integer("count", count, 0, _MAX_IMAGES),
            label=label,
            style=style,
            seed=seed,
            start=start,
            digits=digits,
            fit=fit,
            image_height=image_height,
            color=color,
            truth=truth,
            real=real,
            real_share=real_share,
            real_lines=real_lines,
            real_balance=real_balance,
            real_holdout=real_holdout,
        )
        self._form = Form(dtype, ink, mean, std, alphabet, blank, output_length, transform)
        _warm(self._images)
        warn_if_small(self._images)

    @property
    def seed(self) -> int:
        """The seed of the images, drawn where none was given."""
        return self._images.job.seed

    def __len__(self) -> int:
        return self._images.count

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Make an image; negative numbers count from the end."""
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, ...]]:
        """Make some images; `DataLoader` calls it for a whole batch. Consecutive ones are made together."""
        count = len(self)
        numbers = []
        for index in indices:
            number = operator.index(index)
            if not -count <= number < count:
                raise IndexError(f"there is no image {index}: the dataset has {count}")
            numbers.append(number % count)
        items: list[tuple[Any, ...]] = []
        job = self._images.job
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            first, *rest = (job.span.start + number for _, number in run)
            batch = _make_batch(self._images, first, 1 + len(rest))
            items += self._form.make_items(*_part_batch(batch, self._images), job.longest)
        return items

    def collate(self, items: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Join items whose images differ in width, for `DataLoader(dataset, collate_fn=dataset.collate)`.

        Returns
        -------
        tuple
            As a `NumberStream` of width "auto" yields it: images with blank paper at the right, shape (n, 1, H, W);
            labels, or targets and lengths; the images' widths, shape (n,), int32; and ground truth, if there is any,
            padded to the longest label that can occur.

        Raises
        ------
        SpecError
            If there is no item, or a transform has made the images differ in height.
        """
        return self._form.join_items(items)


@dataclass(frozen=True)
class _Position:
    """The next batch of a process, among those of one of `ranks` that `workers` processes make in turn."""

    batch: int
    workers: int
    ranks: int


def _allocate_private(shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
    images, _ = allocate_batch(shape)
    whole = torch.from_numpy(images)
    return images, whole.unsqueeze(1) if whole.ndim == 3 else whole.permute(0, 3, 1, 2)


def _measure_slot(batches: Batches) -> int:
    """Return the bytes that a batch may take; one of images as wide as their lines may take more, which is rare."""
    job = batches.job
    most = batches.size * job.height * job.usual_width * job.spec.channels
    return min(most, _LARGEST_SLOT) if job.spec.ragged else most


def _make_batch(batches: Batches, start: int, size: int) -> Batch:
    """Make images as one batch, from number `start` on."""
    batch = replace(batches.change_job(span=Span(start, start + size)), size=size)
    return next(batch.iterate(range(1), 1, _allocate_private))


def _part_batch(batch: Batch, batches: Batches) -> tuple[Any, Any, Any, Any]:
    """Return images, labels, widths and ground truth of a batch; None for what it has not."""
    images, labels, *rest = batch
    truth = rest.pop() if batches.has_truth else None
    return images, labels, rest[0] if rest else None, truth


def _warm(batches: Batches) -> None:
    """Make one image, so that everything is compiled."""
    if batches.count:
        _make_batch(batches, batches.job.span.start, 1)
