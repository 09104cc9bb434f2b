"""Splits: divide the source digits among training, validation and test data, so that no digit is in two of them."""

import hashlib
import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import rng, streams
from number_generator.digits.dataset import DigitImageDataset, check_not_empty
from number_generator.digits.style_clusters import find_clusters
from number_generator.errors import SpecError
from number_generator.job.chunk import Images
from number_generator.job.spec import PART_NAME
from number_generator.system.checks import check_integer, format_value

Integers = npt.NDArray[np.int64]

MAX_SPLITS = 100

_EXAMPLE = "train=0.8,val=0.1,test=0.1"
_SHARE = re.compile(r"(\d+\.?\d*|\.\d+|\d+/\d+)", re.ASCII)
_MOST_CHARACTERS = 40  # of a share: Fraction takes minutes for some longer texts
_FINEST = 10**18  # no share needs a larger denominator: there are fewer than 2**63 images
_PASSES = 10  # over the writers: mostly three or four are enough
_MOST_COMPARED = 1000  # writers to try exchanging one with; with all of 3,600, some targets take 10 s instead of 1
_LACKING_WRITERS = (
    "which {wrote} of {writers} writers wrote (all that a writer wrote goes to one split): give fewer splits, larger "
    "shares for the small ones, or the digits without writer ids"
)
_LACKING_JOINED = (
    "which {wrote} of {writers} writers wrote, where those of whom there are copies of one image count as one (all "
    "their digits go to one split): give fewer splits, larger shares for the small ones, or the digits without copies"
)
_LACKING_COPIES = (
    "which has only {wrote} different {images} (copies of an image go to one split): give more different images of it, "
    "fewer splits, or larger shares for the small ones"
)
_LACKING = 2**52  # outweighs the squared errors of any number of digits that fits in memory


@dataclass(frozen=True, slots=True)
class Split:
    """Names and shares of the parts that images, and the digits that they are made from, are divided into.

    Parameters
    ----------
    shares : sequence of (str, share)
        From 2 to 100 names, each of up to 50 of the characters A to Z, a to z, 0 to 9, - and _. They become part of
        file names, so they must differ even if letter case is ignored. Shares are above 0 and sum to exactly 1: give
        decimals, as texts or numbers, or fractions such as "1/3". The attribute is a tuple of pairs (str, Fraction).

    Raises
    ------
    SpecError
        If a rule above is broken.

    Examples
    --------
    >>> from number_generator.digits.splits import Split
    >>> split = Split([("train", "2/3"), ("test", "1/3")])
    >>> split.counts(100), str(split)
    ({'train': 67, 'test': 33}, 'train=2/3,test=1/3')
    """

    shares: tuple[tuple[str, Fraction], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", _check_shares(self.shares))

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the given order."""
        return tuple(name for name, _ in self.shares)

    def counts(self, total: int) -> dict[str, int]:
        """Divide a number of images by largest remainder, in the order of the names; SpecError if one gets none."""
        check_integer("the number of images to split", total, 0)
        counts = _apportion(total, self)
        for name, share in self.shares:
            if not counts[name]:
                raise SpecError(
                    f"the split {name!r} gets none of {total} image{'s' * (total != 1)} at a share of "
                    f"{_format_share(share)}: make {_find_enough(self)} or more, or give it a larger share"
                )
        return {name: counts[name] for name in self.names}

    def __str__(self) -> str:
        return ",".join(f"{name}={_format_share(share)}" for name, share in self.shares)


def parse_split(text: str) -> Split:
    """Parse a split in the form NAME=SHARE,NAME=SHARE, such as "train=2/3,test=1/3"; `str` of a split returns it.

    Spaces around names and shares are ignored. SpecError for another form, or if a rule of `Split` is broken.

    Examples
    --------
    >>> from number_generator.digits.splits import parse_split
    >>> str(parse_split("train=.80, val=1/10, test=0.1"))
    'train=0.8,val=0.1,test=0.1'
    """
    if not isinstance(text, str):
        raise SpecError(f"split is {format_value(text)}: give a text, as in {_EXAMPLE}")
    pairs = []
    for number, part in enumerate(text.split(","), 1):
        name, equals, share = part.partition("=")
        if not equals:
            raise SpecError(
                f"split is {format_value(text)}, whose part {number}, {format_value(part)}, is not of the form "
                f"NAME=SHARE: give parts as in {_EXAMPLE}"
            )
        pairs.append((name.strip(), share.strip()))
    return Split(tuple(pairs))  # type: ignore[arg-type] # Split turns the shares into fractions


def split_digits(
    digits: DigitImageDataset, split: str | Mapping[str, float | str | Fraction] | Split
) -> dict[str, DigitImageDataset]:
    """Divide a digit dataset so that no digit or copy of it, and no writer if they are known, is in two of the parts.

    So images made from different parts share no source digit, and a model is tested on digits that it has not been
    trained on. The parts depend only on the digits, their writer and cluster ids, and the split; the order of the names
    does not matter.

    Parameters
    ----------
    digits : DigitImageDataset
    split : str, mapping or Split
        A share of the digits for each name, as `parse_split` takes it, or {"train": 0.8, "val": 0.1, "test": 0.1};
        for the rules see `Split`.

    Returns
    -------
    dict of str to DigitImageDataset
        By name, in the given order. Each has its images' `writer_ids`, `cluster_ids` (also those shipped with the
        packaged digits) and `source_numbers`, the numbers of its images in `digits`.

    Raises
    ------
    SpecError
        If the split breaks a rule, or a part would lack a digit; the message names both.
    DatasetError
        If the dataset is empty.

    Notes
    -----
    If writers are known, all digits of a writer go to one part, and every digit's images are divided as closely to the
    shares as the writers allow. Otherwise each digit's images are divided by the shares, rounded by largest remainder,
    and so are those of each style cluster, if clusters are known, to less than two images.

    Images with the same pixels are one digit, whatever their labels: they go to one part, and so do the writers of
    whom they are known. The shares are then met as closely as such groups allow.

    Examples
    --------
    >>> from number_generator.digits.resolve import packaged_digits
    >>> from number_generator.digits.splits import split_digits
    >>> parts = split_digits(packaged_digits(), "train=0.8,val=0.1,test=0.1")
    >>> {name: len(part) for name, part in parts.items()}
    {'train': 4000, 'val': 500, 'test': 500}
    """
    numbers = divide_digits(digits, _to_split(split))
    clusters = find_clusters(digits)
    return {name: digits.subset(chosen, cluster_ids=clusters) for name, chosen in numbers.items()}


def divide_digits(digits: DigitImageDataset, split: Split) -> dict[str, Integers]:
    """Return the numbers of the images in each part of `split_digits`, ascending, by name in the given order."""
    if not isinstance(digits, DigitImageDataset):
        raise SpecError(f"digits is {format_value(digits)}: give a DigitImageDataset")
    check_not_empty(digits)
    labels = digits.classes.astype(np.int64)
    rank, original = _rank_images(digits), _find_originals(digits.images)
    if digits.writer_ids is not None:
        ids = _join_writers(digits.writer_ids, original)
        lacking = _LACKING_WRITERS if (ids == digits.writer_ids).all() else _LACKING_JOINED
        place = _divide_by_writer(labels, ids, rank, split, lacking)
    else:
        place = _divide_by_class(labels, find_clusters(digits), original, rank, split)
    order = [name for name, _ in _sort_by_size(split)]
    return {name: np.flatnonzero(place == order.index(name)).astype(np.int64) for name in split.names}


# --- shares


def _to_split(split: Any) -> Split:
    """Turn any accepted form of a split into a Split."""
    if isinstance(split, Split):
        return split
    if isinstance(split, (tuple, list)):
        return Split(tuple(split))
    return Split(tuple(split.items())) if isinstance(split, Mapping) else parse_split(split)


def _check_shares(shares: Any) -> tuple[tuple[str, Fraction], ...]:
    """Return names and exact shares, or raise SpecError."""
    try:
        pairs = [(name, share) for name, share in shares]
    except (TypeError, ValueError):
        raise SpecError(
            f"split is {format_value(shares)}: give pairs of a name and a share; parse_split reads texts such "
            f"as {_EXAMPLE}"
        ) from None
    if not 2 <= len(pairs) <= MAX_SPLITS:
        raise SpecError(f"the split has {len(pairs)} name{'s' * (len(pairs) != 1)}: give from 2 to {MAX_SPLITS}")
    earlier: dict[str, str] = {}
    for name, _ in pairs:
        if not isinstance(name, str) or not PART_NAME.fullmatch(name):
            raise SpecError(
                f"a name of the split is {format_value(name)}: it becomes part of a file's name; give from 1 to "
                "50 of the characters A to Z, a to z, 0 to 9, - and _"
            )
        if name.lower() in earlier:
            other = earlier[name.lower()]
            also = "twice" if name == other else f"also as {other!r}, which may name the same file"
            raise SpecError(f"the split has the name {name!r} {also}: give each split a name of its own")
        earlier[name.lower()] = name
    checked = tuple((name, _to_fraction(name, share)) for name, share in pairs)
    total = sum(share for _, share in checked)
    if total != 1:
        given = ",".join(f"{name}={_format_share(share)}" for name, share in checked)
        raise SpecError(
            f"the shares of the split {format_value(given)} sum to {_format_share(Fraction(total))}: give shares "
            "that sum to exactly 1 (thirds as 1/3)"
        )
    return checked


def _to_fraction(name: str, share: Any) -> Fraction:
    """Return a share as the fraction that its text means: a tenth for the float 0.1."""
    text = share if isinstance(share, str) else _format_plain(share)
    exact = Fraction(0)
    if len(text) <= _MOST_CHARACTERS and _SHARE.fullmatch(text) and not re.fullmatch(r"\d+/0+", text):
        exact = Fraction(text)
    if not 0 < exact < 1 or exact.denominator > _FINEST:
        raise SpecError(
            f"the share of {name!r} is {format_value(share)}: give a number above 0 and below 1, with at most "
            "18 decimals, or a fraction such as 1/3"
        )
    return exact


def _format_plain(share: Any) -> str:
    """Write a number without an exponent; for anything else, return a text that is not a share."""
    # Not repr, in which NumPy's numbers name their type.
    text = str(share).lower()
    mantissa, exponent, power = text.partition("e-")
    if not exponent or not power.isdecimal() or len(power) > 2:
        return text
    whole, _, decimals = mantissa.partition(".")
    return "0." + "0" * (int(power) - 1) + whole + decimals


def _format_share(share: Fraction) -> str:
    """Write a share as a decimal number if that is exact, else as a fraction."""
    if _FINEST % share.denominator:
        return str(share)
    whole, part = divmod(share.numerator * (_FINEST // share.denominator), _FINEST)
    return f"{whole}.{part:018}".rstrip("0").rstrip(".")


def _sort_by_size(split: Split) -> list[tuple[str, Fraction]]:
    """Return names and shares, the largest first, so that nothing depends on their given order."""
    return sorted(split.shares, key=lambda item: (-item[1], item[0]))


def _find_enough(split: Split) -> int:
    """Return a number from which on every split gets at least 1."""
    return ceil(1 / min(share for _, share in split.shares))


def _apportion(total: int, split: Split) -> dict[str, int]:
    """Divide a number by largest remainder, ties to the larger share; the names are in the order of `_sort_by_size`."""
    counts = {name: int(total * share) for name, share in _sort_by_size(split)}
    remainders = {name: total * share - counts[name] for name, share in split.shares}
    for name in sorted(counts, key=lambda name: -remainders[name])[: total - sum(counts.values())]:
        counts[name] += 1
    return counts


# --- digits


def _rank_images(digits: DigitImageDataset) -> Integers:
    """Return each image's place in a random order that depends on the digits alone."""
    words = np.empty((len(digits) + 3) // 4 * 4, np.uint64)
    seed = np.uint64(int(digits.sha256[:16], 16))
    rng.fill_words(seed, np.uint64(0), np.uint64(streams.SPLIT), len(digits), words)
    return np.argsort(np.argsort(words[: len(digits)], kind="stable")).astype(np.int64)


def _find_originals(images: Images) -> Integers:
    """Return for each image the number of the first one with the same pixels; mostly it is that image itself."""
    first: dict[bytes, int] = {}
    numbers = (first.setdefault(hashlib.sha256(image.tobytes()).digest(), at) for at, image in enumerate(images))
    return np.fromiter(numbers, np.int64, len(images))


def _divide_by_class(
    labels: Integers, clusters: Integers | None, original: Integers, rank: Integers, split: Split
) -> Integers:
    """Divide each class and cluster by the shares; return each image's split, in the order of `_sort_by_size`."""
    target = np.zeros((len(split.shares), 10), np.int64)
    for digit, total in enumerate(np.bincount(labels, minlength=10).tolist()):
        counts = _apportion(total, split)
        for name, count in counts.items():
            if not count:
                raise SpecError(
                    f"the split {name!r} gets none of the {total} images of the digit {digit}: "
                    f"{_find_enough(split)} are needed for these shares; give more images of it, fewer splits or "
                    "larger shares"
                )
        target[:, digit] = list(counts.values())
    place = _place_copies(labels, original, rank, target)
    is_single = place < 0
    left = np.maximum(target - _count_digits(place[~is_single], labels[~is_single], len(target)), 0)
    by_cluster = np.lexsort((rank, np.zeros_like(labels) if clusters is None else clusters))
    by_cluster = by_cluster[is_single[by_cluster]]
    for digit in range(10):
        numbers = by_cluster[labels[by_cluster] == digit]
        while left[:, digit].sum() > len(numbers):  # copies have made some part larger than its share
            left[left[:, digit].argmax(), digit] -= 1
        place[numbers] = _deal(left[:, digit].tolist())
    if _count_digits(place, labels, len(target)).all():
        return place
    # A part has no image of some digit, as its copies are elsewhere; clusters matter less than that.
    return _divide_by_writer(labels, original, rank, split, _LACKING_COPIES)


def _place_copies(labels: Integers, original: Integers, rank: Integers, target: Integers) -> Integers:
    """Choose a part for each image that has copies, the same as theirs; -1 for all others.

    Those with the most copies come first, and each goes where the squared error grows least.
    """
    place = np.full(len(labels), -1, np.int64)
    copied, times = np.unique(original, return_counts=True)
    copied, times = copied[times > 1], times[times > 1]
    if not len(copied):
        return place
    member = np.flatnonzero(np.isin(original, copied))
    group = np.searchsorted(copied, original[member])
    tables = _count_digits(group, labels[member], len(copied))
    first = np.full(len(copied), len(labels), np.int64)
    np.minimum.at(first, group, rank[member])
    chosen, held = np.empty(len(copied), np.int64), np.zeros_like(target)
    for number in np.lexsort((first, -times)):
        chosen[number] = _find_cheapest(tables[number], held, target)
        held[chosen[number]] += tables[number]
    place[member] = chosen[group]
    return place


def _count_digits(group: Integers, labels: Integers, groups: int) -> Integers:
    """Return how many images of each digit are in each group, shape (groups, 10)."""
    return np.bincount(group * 10 + labels, minlength=10 * groups).reshape(-1, 10).astype(np.int64)


def _deal(counts: Sequence[int]) -> Integers:
    """Return a sequence with `counts[k]` times k, so even that every beginning has the shares to less than 1.

    Each item has a first and a last place that keep its kind within 1 of its share. Of the items that may be placed,
    the one that must be placed soonest comes next; there always is one (Steiner and Yeomans, "Level schedules for
    mixed-model, just-in-time processes", Management Science 39, 1993).
    """
    total = sum(counts)
    waiting = sorted(
        (j * total // count, -(-(j + 1) * total // count), kind)
        for kind, count in enumerate(counts)
        for j in range(count)
    )
    ready: list[tuple[int, int]] = []
    dealt = np.empty(total, np.int64)
    released = 0
    for place in range(total):
        while released < total and waiting[released][0] <= place:
            heapq.heappush(ready, waiting[released][1:])
            released += 1
        dealt[place] = heapq.heappop(ready)[1]
    return dealt


def _join_writers(writer_ids: Integers, original: Integers) -> Integers:
    """Return ids that are the same for writers of whom there are copies of one image, directly or through others."""
    _, writer = np.unique(writer_ids, return_inverse=True)
    writer = writer.reshape(-1)
    joined = writer_ids
    while True:
        lowest = joined
        for group in (original, writer):
            of_group = np.full(len(joined), np.iinfo(np.int64).max)
            np.minimum.at(of_group, group, lowest)
            lowest = of_group[group]
        if (lowest == joined).all():
            return joined
        joined = lowest


def _divide_by_writer(labels: Integers, writer_ids: Integers, rank: Integers, split: Split, lacking: str) -> Integers:
    """Put all digits of a writer into one split; return each image's split, in the order of `_sort_by_size`.

    `lacking` is the end of the error for a split that would lack a digit.
    """
    ids, writer = np.unique(writer_ids, return_inverse=True)
    writer = writer.reshape(-1)
    tables = _count_digits(writer, labels, len(ids))
    wrote = (tables > 0).sum(axis=0)
    names = [name for name, _ in _sort_by_size(split)]
    for digit in range(10):
        if wrote[digit] < len(names):
            raise _make_lacking_error(names[-1], digit, lacking, wrote, len(ids))
    first = np.full(len(ids), len(labels), np.int64)
    np.minimum.at(first, writer, rank)
    order = np.argsort(first)  # randomly and not by size: the largest split would get those who wrote most
    counts = [list(_apportion(total, split).values()) for total in tables.sum(axis=0).tolist()]
    chosen = np.empty(len(ids), np.int64)
    of_copies = lacking == _LACKING_COPIES
    chosen[order] = _balance(tables[order], np.array(counts, np.int64).T.copy(), only_off=of_copies)
    for place, name in enumerate(names):
        for digit in np.flatnonzero(tables[chosen == place].sum(axis=0) == 0).tolist():
            raise _make_lacking_error(name, digit, lacking, wrote, len(ids))
    return chosen[writer]


def _make_lacking_error(name: str, digit: int, lacking: str, wrote: npt.NDArray[np.integer], writers: int) -> SpecError:
    """Return the error that a split lacks a digit, which says what to do."""
    reason = lacking.format(wrote=wrote[digit], writers=writers, images="image" if wrote[digit] == 1 else "images")
    return SpecError(f"the split {name!r} gets no image of the digit {digit}, {reason}")


def _balance(tables: Integers, target: Integers, *, only_off: bool) -> Integers:
    """Choose a split for each writer, so that the digits of each class come close to a target.

    Each writer goes where the squared error grows least; then writers move and change places while that reduces it.
    Every split having every class takes precedence. Integers alone: the result is the same on every machine.

    `only_off` leaves those in peace whose classes are all near the target: single images stand for writers there, far
    more of them than of writers, and of mostly one class each.

    `tables` has the number of images of each digit by each writer, shape (writers, 10), and `target` those of each
    digit in each split, shape (splits, 10).
    """
    chosen = np.empty(len(tables), np.int64)
    held = np.zeros_like(target)
    for writer, table in enumerate(tables):
        # Lacking classes do not count yet: they would send the first writers to the smallest splits in any case.
        chosen[writer] = _find_cheapest(table, held, target)
        held[chosen[writer]] += table
    near = np.maximum(1, target // 1000)
    for _ in range(_PASSES):
        changed = False
        for writer in range(len(tables)):
            is_off = ((held == 0) | (abs(held - target) > near)).any(axis=0)
            if not is_off.any():
                return chosen
            if only_off and not tables[writer, is_off].any():
                continue
            changed |= _exchange(writer, tables, target, chosen, held)
        if not changed:
            break
    return chosen


def _find_cheapest(table: Integers, held: Integers, target: Integers) -> np.intp:
    """Return the split whose squared error grows least, or shrinks most, with these digits."""
    return np.intp((table * (2 * (held - target) + table)).sum(axis=1).argmin())


def _exchange(writer: int, tables: Integers, target: Integers, chosen: Integers, held: Integers) -> bool:
    """Move a writer to another split, or exchange it with another writer, if that is better; return if it was done."""
    table, here = tables[writer], chosen[writer]
    cost = _compute_cost(held, target)
    moved = _compute_cost(held[here] - table, target[here]) - cost[here] + _compute_cost(held + table, target) - cost
    moved[here] = 0
    others = (writer + 1 + np.arange(min(len(tables) - 1, _MOST_COMPARED))) % len(tables)
    given, there = tables[others], chosen[others]
    traded = _compute_cost(held[here] - table + given, target[here]) - cost[here]
    traded += _compute_cost(held[there] + table - given, target[there]) - cost[there]
    traded[there == here] = 0
    if min(moved.min(), traded.min()) >= 0:
        return False
    goal = moved.argmin()
    if traded.min() < moved.min():
        other = others[traded.argmin()]
        goal = chosen[other]
        held[goal] -= tables[other]
        held[here] += tables[other]
        chosen[other] = here
    held[here] -= table
    held[goal] += table
    chosen[writer] = goal
    return True


def _compute_cost(held: Integers, target: Integers) -> Integers:
    """Return the squared error of splits, plus far more for each lacking class; classes are the last axis."""
    return np.asarray(((held - target) ** 2 + _LACKING * (held == 0)).sum(axis=-1), np.int64)
