"""A sampler that divides the images of a `NumberImages` among ranks, in order or shuffled, without listing them."""

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from number_generator.errors import SpecError
from number_generator.system.checks import check_boolean, check_integer, check_seed, format_value
from number_generator.training.torch.distributed import check_share, find_rank_and_world_size

Words = npt.NDArray[np.uint64]

_BLOCK = 4096  # numbers that are computed at once
_ROUNDS = 6
# The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which mixes all bits of a word.
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT = np.uint64(31)
_GOLDEN = 0x9E3779B97F4A7C15


class NumberSampler(Sampler[int]):
    """Numbers of images, each for exactly one rank.

    PyTorch's `DistributedSampler` makes a list of all numbers, and repeats some if they do not divide evenly.

    Parameters
    ----------
    dataset : sized
        The images that are numbered: a `NumberImages`, of any size.
    shuffle : bool
        Whether each epoch has a random order of its own; otherwise numbers ascend.
    seed : int
        The seed of the order, from 0 to 2**64 - 1; the same for all ranks.
    rank, world_size : int, optional
        The share to return; None means that of `torch.distributed` if it is initialised, else all.
    drop_last : bool
        Whether to leave out the last numbers if there is not one for each rank, so that all ranks have the same count.

    Examples
    --------
    >>> from number_generator.torch import NumberImages, NumberSampler
    >>> dataset = NumberImages(count=2**40, seed=1)
    >>> sampler = NumberSampler(dataset, shuffle=True, rank=1, world_size=4)
    >>> len(sampler) == 2**38, 0 <= next(iter(sampler)) < 2**40
    (True, True)
    """

    def __init__(
        self,
        dataset: Sized,
        *,
        shuffle: bool = False,
        seed: int = 0,
        rank: int | None = None,
        world_size: int | None = None,
        drop_last: bool = False,
    ) -> None:
        self._count = _measure_length(dataset)
        self._shuffle = check_boolean("shuffle", shuffle)
        self._seed = check_seed(check_integer("seed", seed, 0))
        self._share = check_share(rank, world_size)
        self._drop_last = check_boolean("drop_last", drop_last)
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Switch to the order of an epoch, if numbers are shuffled."""
        self._epoch = check_integer("epoch", epoch, 0)

    def __len__(self) -> int:
        return len(self._list_places())

    def __iter__(self) -> Iterator[int]:
        places = self._list_places()
        if not self._shuffle:
            yield from places
            return
        keys = _make_keys(self._seed, self._epoch)
        for first in range(0, len(places), _BLOCK):
            block = places[first : first + _BLOCK]
            steps = np.arange(len(block), dtype=np.uint64) * np.uint64(block.step)
            yield from _shuffle_places(steps + np.uint64(block.start), self._count, keys).tolist()

    def _list_places(self) -> range:
        """Return this rank's places in the whole order."""
        rank, world_size = self._share or find_rank_and_world_size()
        count = self._count // world_size * world_size if self._drop_last else self._count
        return range(rank, count, world_size)


def _measure_length(dataset: Any) -> int:
    try:
        return len(dataset)
    except TypeError:
        raise SpecError(f"dataset is {format_value(dataset)}, which has no length: give a NumberImages") from None


def _make_keys(seed: int, epoch: int) -> list[np.uint64]:
    """Return a key for each round."""
    words = [(seed + (epoch * _ROUNDS + number + 1) * _GOLDEN) % 2**64 for number in range(_ROUNDS)]
    return list(_mix(np.array(words, np.uint64)))


def _shuffle_places(places: Words, count: int, keys: list[np.uint64]) -> Words:
    """Return the numbers at some places of a permutation of 0 to `count` - 1.

    A Feistel network permutes the numbers of an even number of bits; results that are too large go through it again
    until they are not ("cycle walking": Black and Rogaway, CT-RSA 2002).
    """
    half = np.uint64(max(1, ((count - 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    numbers = places
    outside = np.ones(len(places), np.bool_)
    while outside.any():
        left, right = numbers[outside] >> half, numbers[outside] & mask
        for key in keys:
            left, right = right, left ^ (_mix(right ^ key) & mask)
        numbers[outside] = (left << half) | right
        outside = numbers >= np.uint64(count)
    return numbers


def _mix(words: Words) -> Words:
    for shift, factor in _MIX:
        words = (words ^ (words >> shift)) * factor
    return words ^ (words >> _LAST_SHIFT)
