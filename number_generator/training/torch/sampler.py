"""A sampler that shares the images of a `NumberImages` out between ranks, in any order, with no list of them."""

from collections.abc import Iterator, Sized

import numpy as np
import numpy.typing as npt
from torch.utils.data import Sampler

from number_generator.system.checks import check_integer, check_seed
from number_generator.training.torch.distributed import check_share, find_rank_and_world_size

__all__ = ["NumberSampler"]

Words = npt.NDArray[np.uint64]

_BLOCK = 4096  # numbers that are worked out at once
_ROUNDS = 6
# The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), which mixes all bits of a word.
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT = np.uint64(31)
_GOLDEN = 0x9E3779B97F4A7C15


class NumberSampler(Sampler[int]):
    """Numbers of images, each given to one rank alone, and none left out.

    PyTorch's `DistributedSampler` makes a list of all numbers, and gives some of them twice where they do not go round.

    Parameters
    ----------
    dataset : sized
        What the numbers are of: a `NumberImages`, of any size.
    shuffle : bool
        Whether they come in an order of their own in each epoch, or ascending.
    seed : int
        Of the order, from 0 to 2**64 - 1; all ranks must have the same.
    rank, world_size : int, optional
        Which part to give; None means those of `torch.distributed` where it is initialised, else all.
    drop_last : bool
        Whether to leave out the numbers that do not go round: every rank then has as many.

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
        self._count = len(dataset)
        self._shuffle = shuffle
        self._seed = check_seed(check_integer("seed", seed, 0))
        self._share = check_share(rank, world_size)
        self._drop_last = drop_last
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Have another order from now on, where numbers are shuffled."""
        self._epoch = check_integer("epoch", epoch, 0)

    def __len__(self) -> int:
        return len(self._places())

    def __iter__(self) -> Iterator[int]:
        places = self._places()
        if not self._shuffle:
            yield from places
            return
        keys = _keys(self._seed, self._epoch)
        for first in range(0, len(places), _BLOCK):
            block = places[first : first + _BLOCK]
            steps = np.arange(len(block), dtype=np.uint64) * np.uint64(block.step)
            yield from _shuffled(steps + np.uint64(block.start), self._count, keys).tolist()

    def _places(self) -> range:
        """Give this rank's places in the order of all."""
        rank, world_size = self._share or find_rank_and_world_size()
        count = self._count // world_size * world_size if self._drop_last else self._count
        return range(rank, count, world_size)


def _keys(seed: int, epoch: int) -> list[np.uint64]:
    """Give a key for each round."""
    words = [(seed + (epoch * _ROUNDS + number + 1) * _GOLDEN) % 2**64 for number in range(_ROUNDS)]
    return list(_mixed(np.array(words, np.uint64)))


def _shuffled(places: Words, count: int, keys: list[np.uint64]) -> Words:
    """Give what stands at some places of a permutation of 0 to `count` - 1.

    A Feistel network permutes the numbers of an even number of bits; what it gives that is too large goes through it
    again, until it is not ("cycle walking": Black and Rogaway, CT-RSA 2002).
    """
    half = np.uint64(max(1, ((count - 1).bit_length() + 1) // 2))
    mask = (np.uint64(1) << half) - np.uint64(1)
    numbers = places
    outside = np.ones(len(places), np.bool_)
    while outside.any():
        left, right = numbers[outside] >> half, numbers[outside] & mask
        for key in keys:
            left, right = right, left ^ (_mixed(right ^ key) & mask)
        numbers[outside] = (left << half) | right
        outside = numbers >= np.uint64(count)
    return numbers


def _mixed(words: Words) -> Words:
    for shift, factor in _MIX:
        words = (words ^ (words >> shift)) * factor
    return words ^ (words >> _LAST_SHIFT)
