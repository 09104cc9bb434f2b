"""PyTorch datasets whose images are made when they are asked for, and stored nowhere; needs the extra `torch`."""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

import numpy as np

from number_generator.core import Digits
from number_generator.errors import SpecError
from number_generator.extras import needed
from number_generator.handwriting import Handwriting
from number_generator.parallel import check_workers
from number_generator.spec import Fit, Label, Span, check_integer
from number_generator.streams import Batch, Batches, batches_of, check_state, new_images
from number_generator.targets import Blank, encode_labels

needed("torch", "torch", "number_generator.torch")

import torch  # noqa: E402 - the error above is the clearer one
from torch.utils.data import Dataset, IterableDataset, get_worker_info  # noqa: E402

from number_generator.lending import Lender  # noqa: E402

__all__ = ["Ink", "NumberImages", "NumberStream"]

Ink = Literal["dark", "bright"]

_MAX_IMAGES = 2**62


class NumberStream(IterableDataset[tuple[Any, ...]]):
    """Whole batches of images and labels, ready for a model, for `DataLoader(dataset, batch_size=None)`.

    Batch k is the same whatever the number of worker processes and their start method. With several ranks, rank r of R
    gives batches r, r + R, r + 2R and so on: none is given twice or left out.

    Parameters
    ----------
    numbers, spacing_range, width, batch_size, count, style, start, digits, fit, label
        As for `stream`.
    drop_last : bool
        Whether to leave out what does not fill a batch, and the batches that do not go round all ranks: every rank
        then has the same number of batches.
    seed : int, optional
        As for `stream`; needed where there are several ranks, which would each draw another.
    dtype : torch.dtype
        `torch.uint8`, 0 to 255, or a floating type, 0 to 1 unless `mean` and `std` are given. To move bytes and convert
        them on the device is the fastest.
    ink : {"dark", "bright"}
        Whether ink is 0 on paper of the highest value, or the other way round, as in MNIST.
    mean, std : float
        Of floating types, after scaling to 0 to 1: images are given as (image - mean) / std.
    alphabet, blank : str, optional
        As for `encode_labels`: with an alphabet a batch is (images, targets, lengths), tensors all, the targets filled
        up to the longest label that can occur; without one it is (images, labels), the labels an array of str.
    output_length : int, optional
        As for `encode_labels`.
    rank, world_size : int, optional
        Which part of the batches to give; None means those of `torch.distributed` where it is initialised, else all.
    workers : int, optional
        Number of threads where the stream is read without worker processes; None means one a core. In a worker process
        there is none.

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
        width: int = 100,
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
        self._batches = batches_of(
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
        )
        self._drop_last = drop_last
        self._form = _Form(dtype, ink, mean, std, alphabet, blank, output_length)
        self._workers = check_workers(workers)
        self._share = _checked_share(rank, world_size)
        if self._ranks[1] > 1 and seed is None:
            raise SpecError("seed is None and there are several ranks, which would each draw another: give a seed")
        # In shared memory, so that worker processes that live on are told of a new epoch.
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # type: ignore[no-untyped-call]
        self._position = _Position(0, 1)
        self._resume: _Position | None = None
        # Compiled here: each worker process would do it, and a forked one takes it over.
        _warm(self._batches)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        # At once, and not with the first batch: a loader asks where the stream stands before that.
        first, self._resume = self._first(worker, workers), None
        self._position = _Position(first, workers)
        epoch = int(self._epoch)
        batches = self._batches.at(epoch) if epoch else self._batches
        allocate = _private
        if info is not None and self._form.dtype == torch.uint8:
            allocate = Lender(batches.size * batches.job.height * batches.job.spec.width).lend
        threads = self._workers if info is None else 1
        # A tensor that is lent travels alone.
        made = batches.iterate(self._numbers()[first::workers], threads, allocate, grouped=allocate is _private)
        return self._counted(made, workers)

    def _counted(self, made: Generator[Batch, None, None], workers: int) -> Iterator[tuple[Any, ...]]:
        """Give batches in their form, and count each before it is given."""
        longest = self._batches.job.numbers.longest
        with closing(made):
            for images, labels in made:
                self._position = _Position(self._position.batch + workers, workers)
                yield self._form.batch(images, labels, longest)

    def __len__(self) -> int:
        """Give the number of batches of this rank in an epoch; TypeError if the stream has no end."""
        if self._batches.is_endless:
            raise TypeError("the stream has no end, and so no length: give count to have one")
        return len(self._numbers())

    def set_epoch(self, epoch: int) -> None:
        """Have other images from now on: those of epoch e are the `count` images after those of epoch e - 1.

        To be called before the epoch's loader begins. Without it, each epoch shows the same images.
        """
        checked = check_integer("epoch", epoch, 0)
        if checked and self._batches.is_endless:
            raise SpecError("the stream has no end, and so no epochs: give count to have them")
        self._batches.at(checked)  # beyond the last image number this is an error
        self._epoch.fill_(checked)

    def state_dict(self, batches: int | None = None) -> dict[str, Any]:
        """Tell where the stream stands, in plain values.

        `torchdata`'s `StatefulDataLoader` calls it by itself. Without worker processes it tells how many batches were
        given; with PyTorch's own `DataLoader` and worker processes, which read ahead, count the batches that you took.

        Parameters
        ----------
        batches : int, optional
            How many batches this rank has been given in this epoch; None means as many as this process gave.
        """
        position = self._position if batches is None else _Position(check_integer("batches", batches, 0), 1)
        return {
            "batches": position.batch,
            "workers": position.workers,
            "epoch": int(self._epoch),
            "seed": self._batches.job.seed,
            "fingerprint": self._batches.fingerprint,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Begin the next iteration where another stream of the same arguments stood, in the middle of its epoch.

        Raises
        ------
        SpecError
            If the state is of a stream with other arguments, or digits.
        """
        given, seed = check_state(state, self._batches.fingerprint)
        workers = check_integer("the state's workers", state.get("workers", 1), 1)
        self._batches = replace(self._batches, job=replace(self._batches.job, seed=seed))
        self._epoch.fill_(check_integer("the state's epoch", state.get("epoch", 0), 0))
        self._resume = self._position = _Position(given, workers)

    def _first(self, worker: int, workers: int) -> int:
        """Give the first batch of this process, counted in those of the rank."""
        if self._resume is None:
            return worker
        if self._resume.workers == 1:
            return self._resume.batch + worker
        if self._resume.workers != workers:
            raise SpecError(
                f"the state is of a loader with {self._resume.workers} worker processes, and this one has {workers}: "
                "give as many"
            )
        return self._resume.batch

    def _numbers(self) -> range:
        """Give the batches of this rank."""
        rank, world_size = self._ranks
        count = self._batches.count
        if self._drop_last:
            count = count // world_size * world_size
        return range(rank, count, world_size)

    @property
    def _ranks(self) -> tuple[int, int]:
        """Rank and world size; where none were given, those of `torch.distributed` at this moment."""
        if self._share is not None:
            return self._share
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return 0, 1

    def __getstate__(self) -> dict[str, Any]:
        # A worker process that is spawned knows nothing of the process group.
        return {**self.__dict__, "_share": self._ranks}


class NumberImages(Dataset[tuple[Any, ...]]):
    """A dataset of up to 2**62 images of which none is stored: item i is image i, made when it is asked for.

    Any order, and any sampler, PyTorch's `DistributedSampler` included. For images in their order a `NumberStream` is
    faster: it makes a batch at once.

    Parameters
    ----------
    numbers, spacing_range, width, style, seed, start, digits, fit, label
        As for `stream`.
    count : int
        Number of images, up to 2**62.
    dtype, ink, mean, std, alphabet, blank, output_length
        As for `NumberStream`. An item is (image, label), or with an alphabet (image, target, length).

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
        width: int = 100,
        *,
        count: int,
        label: Label = "written",
        style: str | os.PathLike[str] | Handwriting = "clean",
        seed: int | None = None,
        start: int = 0,
        digits: Digits = None,
        fit: Fit = "contain",
        dtype: torch.dtype = torch.uint8,
        ink: Ink = "dark",
        mean: float = 0.0,
        std: float = 1.0,
        alphabet: str | None = None,
        blank: Blank = "first",
        output_length: int | None = None,
    ) -> None:
        self._images = batches_of(
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
        )
        self._form = _Form(dtype, ink, mean, std, alphabet, blank, output_length)
        _warm(self._images)

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
            number = int(index)
            if not -count <= number < count:
                raise IndexError(f"there is no image {index}: the dataset has {count}")
            numbers.append(number % count)
        items: list[tuple[Any, ...]] = []
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
            first, *rest = (number for _, number in run)
            items += self._made(Span(first, first + 1 + len(rest)))
        return items

    def _made(self, span: Span) -> list[tuple[Any, ...]]:
        together = replace(self._images, size=len(span))
        first = self._images.job.span.start + span.start
        job = replace(together.job, span=Span(first, first + len(span)))
        images, labels = next(replace(together, job=job).iterate(range(1), 1, _private))
        return self._form.items(images, labels, job.numbers.longest)


@dataclass(frozen=True)
class _Position:
    """Where a process stands: its next batch, counted in those of the rank, of `workers` processes in turn."""

    batch: int
    workers: int


@dataclass(frozen=True)
class _Form:
    """How images and labels are given."""

    dtype: torch.dtype
    ink: Ink
    mean: float
    std: float
    alphabet: str | None
    blank: Blank
    output_length: int | None

    def __post_init__(self) -> None:
        if not isinstance(self.dtype, torch.dtype) or not (self.dtype == torch.uint8 or self.dtype.is_floating_point):
            raise SpecError(f"dtype is {self.dtype!r}: give torch.uint8 or a floating type, such as torch.float32")
        if self.ink not in ("dark", "bright"):
            raise SpecError(f"ink is {self.ink!r}: give 'dark' or 'bright'")
        if self.dtype == torch.uint8 and (self.mean, self.std) != (0.0, 1.0):
            raise SpecError("mean and std are given and dtype is torch.uint8: give a floating type, or leave them out")
        if not self.std > 0:
            raise SpecError(f"std is {self.std!r}: give a number above 0")
        if self.alphabet is not None:
            encode_labels([], self.alphabet, self.blank)
        elif self.output_length is not None:
            raise SpecError("output_length is given without an alphabet, which it belongs to: leave it out")

    def batch(self, images: torch.Tensor, labels: Any, longest: int) -> tuple[Any, ...]:
        """Give a batch: images, shape (n, 1, H, W), and labels, or targets of `longest` classes.

        Labels stay an array: `DataLoader` looks into lists, and at each of their texts.
        """
        shown = self._images(images)
        if self.alphabet is None:
            return shown, labels
        targets = encode_labels(labels, self.alphabet, self.blank, length=longest, output_length=self.output_length)
        return shown, torch.from_numpy(targets.padded), torch.from_numpy(targets.lengths)

    def items(self, images: torch.Tensor, labels: Any, longest: int) -> list[tuple[Any, ...]]:
        """Give the same, image by image."""
        shown, *rest = self.batch(images, labels, longest)
        return list(zip(shown, *(rest if self.alphabet is not None else [labels.tolist()]), strict=True))

    def _images(self, images: torch.Tensor) -> torch.Tensor:
        if self.ink == "bright":
            images.bitwise_not_()
        if self.dtype == torch.uint8:
            return images
        scaled = images.to(self.dtype).div_(255)
        return scaled if (self.mean, self.std) == (0.0, 1.0) else scaled.sub_(self.mean).div_(self.std)


def _private(shape: tuple[int, ...]) -> tuple[np.ndarray[Any, Any], torch.Tensor]:
    images, _ = new_images(shape)
    return images, torch.from_numpy(images).unsqueeze(1)


def _checked_share(rank: Any, world_size: Any) -> tuple[int, int] | None:
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None:
        raise SpecError(f"rank is {rank!r} and world_size is {world_size!r}: give both, or neither")
    count = check_integer("world_size", world_size, 1)
    return check_integer("rank", rank, 0, count - 1), count


def _warm(batches: Batches) -> None:
    """Make an image, so that everything is compiled."""
    if batches.count:
        first = batches.job.span.start
        job = replace(batches.job, span=Span(first, first + 1))
        next(replace(batches, job=job).iterate(range(1), 1, _private))
