"""Which images of a job are real lines, and which lines they are: by the seed and the image's number alone.

Images are taken in blocks. Each block has as many real ones as keeps the share exact all along the job, at places that
its own draws choose; and each line comes once in a round, in an order that the round's own draws choose.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from number_generator._kernels import rng, streams
from number_generator.errors import SpecError
from number_generator.job.spec import Span
from number_generator.system.checks import format_value

Balance = Literal["lines", "length", "digits"]
Integers = npt.NDArray[np.int64]

_BLOCK = 64  # images
_STEPS = 20  # bits of a share's fraction
_MOST_TURNS = 8  # of a line in a round


def check_share(share: object, name: str = "real_share") -> float:
    """Return a share, or raise SpecError unless it is from 0 to 1."""
    number = share if isinstance(share, (int, float, np.floating)) and not isinstance(share, bool) else -1.0
    if not 0 <= number <= 1:
        raise SpecError(f"{name} is {format_value(share)}: give a share from 0 to 1, such as 0.125")
    return float(number)


def make_deck(labels: Sequence[str], balance: Balance = "lines") -> Integers:
    """Return the lines of one round by number, shape (M,): each once, or rare ones up to eight times.

    Parameters
    ----------
    labels : sequence of str
    balance : {"lines", "length", "digits"}
        What comes equally often, as far as that goes: each line, each length of a label, or each digit.

    Examples
    --------
    >>> make_deck(["1", "2", "345"], "length").tolist()
    [0, 1, 2, 2]
    """
    if not isinstance(balance, str) or balance not in get_args(Balance):
        names = ", ".join(map(repr, get_args(Balance)))
        raise SpecError(f"real_balance is {format_value(balance)}: give one of {names}")
    if balance == "lines":
        return np.arange(len(labels))
    kinds = [[len(label)] if balance == "length" else sorted(set(label)) for label in labels]
    counts = Counter(kind for each in kinds for kind in each)
    most = max(counts.values(), default=1)
    rarest = np.array([min((counts[kind] for kind in each), default=most) for each in kinds])
    turns = np.clip(np.rint(most / np.maximum(rarest, 1)), 1, _MOST_TURNS).astype(np.int64)
    return np.repeat(np.arange(len(labels)), turns)


def choose_lines(seed: int, span: Span, share: float, deck: Integers) -> tuple[Integers, Integers]:
    """Choose the real lines of a span.

    Parameters
    ----------
    seed : int
    span : Span
        Numbers of images.
    share : float
        Of the images, from 0 to 1; exact to a millionth.
    deck : ndarray, shape (M,), int64
        See `make_deck`.

    Returns
    -------
    rows : ndarray, shape (k,), int64
        The images that are real, counted from the first of the span, in ascending order.
    lines : ndarray, shape (k,), int64
        The line of each.
    """
    steps = round(share * 2**_STEPS)
    rows: list[int] = []
    lines: list[int] = []
    for block in range(span.start // _BLOCK, -(-span.stop // _BLOCK)):
        first, stop = (_count_before(seed, image, steps) for image in (block * _BLOCK, (block + 1) * _BLOCK))
        for rank, place in zip(range(first, stop), _find_places(seed, block, stop - first), strict=True):
            row = block * _BLOCK + place - span.start
            if 0 <= row < len(span):
                number, turn = divmod(rank, len(deck))
                rows.append(row)
                lines.append(int(deck[_shuffle(seed, number, len(deck))[turn]]))
    return np.array(rows, np.int64), np.array(lines, np.int64)


def _count_before(seed: int, image: int, steps: int) -> int:
    """Return how many real lines there are before an image at which a block begins."""
    start = _draw(seed, 0, streams.REAL_PLACE + _OF_JOB, 1)[0] >> np.uint64(64 - _STEPS)
    return (image * steps + int(start)) >> _STEPS


def _find_places(seed: int, block: int, count: int) -> list[int]:
    """Return the places of a block's real lines, in ascending order."""
    return np.sort(np.argsort(_draw(seed, block, streams.REAL_PLACE, _BLOCK), kind="stable")[:count]).tolist()


_OF_JOB = 1 << 32  # added to a stream's number for a draw of the whole job, as in `draws`


@lru_cache(maxsize=8)
def _shuffle(seed: int, number: int, count: int) -> Integers:
    """Return the order of the lines in a round."""
    return np.argsort(_draw(seed, number, streams.REAL_ORDER, count), kind="stable")


def _draw(seed: int, image: int, stream: int, count: int) -> npt.NDArray[np.uint64]:
    words = np.empty(-(-count // 4) * 4, np.uint64)
    rng.fill_words(np.uint64(seed), np.uint64(image), np.int64(stream), count, words)
    return words[:count]
