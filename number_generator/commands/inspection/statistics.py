"""Statistics of labels and of pages."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.commands.inspection.ink import PageInk

LEGIBLE_PX = 4.0
"""Of the page's width for each character: less is hardly legible."""
SIDES = ("left", "top", "right", "bottom")

_BINS = 24
_MOST_CHARACTERS = 64
_MOST_PLACES = 10_000  # those beyond count as the last
_CONSTANT_SHARE = 0.9
_LABELS_AT_ONCE = 50_000

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How some numbers are distributed."""

    count: int
    least: float
    mean: float
    median: float
    most: float
    edges: tuple[float, ...]  # of half-open bins, from the least to beyond the most; whole ones of whole numbers
    counts: tuple[int, ...]  # of the numbers in each bin

    @classmethod
    def of(cls, values: Numbers) -> Distribution | None:
        """Return the distribution of numbers; None if there are none."""
        if not len(values):
            return None
        least, most = float(values.min()), float(values.max())
        if values.dtype.kind in "iu":
            step = max(1, math.ceil((most - least + 1) / _BINS))
            edges = np.arange(least, most + step + 1, step)[: int((most - least) // step) + 2]
        else:
            edges = np.linspace(least, most if most > least else least + 1, _BINS + 1)
        counts, _ = np.histogram(values, edges)
        return cls(
            len(values),
            least,
            float(values.mean()),
            float(np.median(values)),
            most,
            tuple(edges.tolist()),
            tuple(counts.tolist()),
        )


@dataclass(frozen=True, slots=True)
class LabelStatistics:
    """Statistics of labels."""

    count: int
    is_all: bool  # whether these are all labels of the dataset
    empty: int
    different: int
    lengths: Distribution | None  # in characters
    characters: dict[str, int]  # how often each of the 64 most frequent ones occurs, sorted by character
    kinds: int  # of characters
    first_digits: dict[str, int]  # how many labels have each digit as their first
    # How often each digit occurs. Places, counted from the left, in which nearly all labels have the same digit are
    # left out: phone numbers begin with 0.
    balance: dict[str, int]


@dataclass(frozen=True, slots=True)
class PageStatistics:
    """Statistics of pages."""

    count: int  # of the images that were measured
    light: int  # with ink that is lighter than the paper
    blank: int
    unclear: int  # on which it cannot be told whether there is ink
    unclear_labelled: int  # those of them with a label that is not only spaces
    blank_labelled: int  # without ink, and with a label that is not only spaces
    inked_unlabelled: int
    repeated: int  # the same as an earlier page, byte for byte; blank pages do not count
    paper: Distribution | None  # its grey, 0 to 255
    noise: Distribution | None  # by how many levels of grey the paper varies
    share: Distribution | None  # percentage of the page that is ink
    depth: Distribution | None  # by how many levels ink differs from paper, on pages with ink
    # The ink's box, margins and spacing come from the recorded boxes, if `from_boxes`; else they are measured from ink,
    # and spacing is the width of the blank columns between inked ones.
    ink_width: Distribution | None  # in px, as the height, margins and spacing
    ink_height: Distribution | None
    margins: dict[str, Distribution | None]  # from the page's borders to the ink: left, top, right, bottom
    touching: dict[str, int]  # on how many pages the ink touches each border
    spacing: Distribution | None
    from_boxes: bool
    width: Distribution | None  # of the pages, in px
    height: Distribution | None
    cramped: int  # with less than LEGIBLE_PX of width for each character of their label

    @property
    def inked(self) -> int:
        """The number of pages with ink."""
        return self.count - self.blank - self.unclear


def measure_labels(labels: list[str], *, is_all: bool) -> LabelStatistics:
    """Compute the statistics of labels; `is_all` says whether these are all of the dataset."""
    characters: Counter[int] = Counter()
    table = np.zeros((_MOST_PLACES, 10), np.int64)
    first_digits = np.zeros(10, np.int64)
    for start in range(0, len(labels), _LABELS_AT_ONCE):
        _count_characters(labels[start : start + _LABELS_AT_ONCE], characters, table, first_digits)
    lengths = np.fromiter(map(len, labels), np.int64, len(labels))
    totals = table.sum(axis=1)
    varied = table[table.max(axis=1) <= _CONSTANT_SHARE * totals].sum(axis=0)
    return LabelStatistics(
        len(labels),
        is_all,
        int((lengths == 0).sum()),
        len(set(labels)),
        Distribution.of(lengths),
        dict(sorted((chr(code), count) for code, count in characters.most_common(_MOST_CHARACTERS))),
        len(characters),
        _name_digits(first_digits),
        _name_digits(varied),
    )


def _count_characters(labels: list[str], characters: Counter[int], table: Numbers, first_digits: Numbers) -> None:
    """Add the characters of some labels to the counts; `table` has a row per place and a column per digit."""
    # Lone surrogates are not valid text, but a pickle may hold them.
    codes = np.frombuffer("".join(labels).encode("utf-32-le", "surrogatepass"), np.uint32)
    values, counts = np.unique(codes, return_counts=True)
    characters.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    lengths = np.fromiter(map(len, labels), np.int64, len(labels))
    rows = np.repeat(np.arange(len(labels)), lengths)
    places = np.arange(len(codes)) - (np.cumsum(lengths) - lengths)[rows]
    is_digit = (codes >= ord("0")) & (codes <= ord("9"))
    digits = codes[is_digit].astype(np.int64) - ord("0")
    keys = np.minimum(places[is_digit], _MOST_PLACES - 1) * 10 + digits
    table += np.bincount(keys, minlength=table.size).reshape(table.shape)
    _, first = np.unique(rows[is_digit], return_index=True)
    first_digits += np.bincount(digits[first], minlength=10)


def _name_digits(counts: Numbers) -> dict[str, int]:
    """Return the counts of the digits that occur, by digit."""
    return {str(digit): count for digit, count in enumerate(counts.tolist()) if count}


def measure_pages(
    ink: PageInk, labels: list[str], hashes: list[int], boxes: Numbers | None, sizes: Numbers
) -> PageStatistics:
    """Compute the statistics of n pages; `sizes` are height and width of each in px, shape (n, 2).

    Pages with equal `hashes` are equal. `boxes` are those of each page's characters, shape (n, L, 4), if recorded.
    """
    is_written = np.array([bool(label.strip()) for label in labels], np.bool_)
    inked = ~ink.is_blank & ~ink.is_unclear
    seen = [key for key, has_ink in zip(hashes, inked.tolist(), strict=True) if has_ink]
    box, gaps, has_box = ink.box[inked], ink.gaps, inked
    if boxes is not None:
        (box, has_box), gaps = _find_outlines(boxes), _measure_box_gaps(boxes)
    height, width = sizes[has_box].T
    lengths = np.fromiter(map(len, labels), np.int64, len(labels))
    edges = box[:, 0], box[:, 1], width - box[:, 2], height - box[:, 3]
    return PageStatistics(
        len(labels),
        int(ink.is_light.sum()),
        int(ink.is_blank.sum()),
        int(ink.is_unclear.sum()),
        int((ink.is_unclear & is_written).sum()),
        int((ink.is_blank & is_written).sum()),
        int((inked & ~is_written).sum()),
        len(seen) - len(set(seen)),
        Distribution.of(ink.paper),
        Distribution.of(ink.noise),
        Distribution.of(100 * ink.share[~ink.is_unclear]),
        Distribution.of(ink.depth[inked]),
        Distribution.of(box[:, 2] - box[:, 0]),
        Distribution.of(box[:, 3] - box[:, 1]),
        {side: Distribution.of(edge) for side, edge in zip(SIDES, edges, strict=True)},
        {side: int((edge <= 0).sum()) for side, edge in zip(SIDES, edges, strict=True)},
        Distribution.of(gaps),
        boxes is not None,
        Distribution.of(sizes[:, 1]),
        Distribution.of(sizes[:, 0]),
        int((sizes[:, 1] < LEGIBLE_PX * lengths).sum()),
    )


def _find_outlines(boxes: Numbers) -> tuple[Numbers, Numbers]:
    """Return the box around all boxes of each page that has any, and which pages these are."""
    there = boxes[:, :, :1] >= 0
    first = np.where(there, boxes[:, :, :2], np.iinfo(np.int64).max).min(axis=1, initial=np.iinfo(np.int64).max)
    last = np.where(there, boxes[:, :, 2:], -1).max(axis=1, initial=-1)
    has_any = np.asarray(there.any(axis=(1, 2)))
    return np.concatenate((first, last), axis=1)[has_any], has_any


def _measure_box_gaps(boxes: Numbers) -> Numbers:
    """Return the gaps between neighbouring boxes; negative where they overlap."""
    there = boxes[:, :, 0] >= 0
    gaps: Numbers = (boxes[:, 1:, 0] - boxes[:, :-1, 2])[there[:, 1:] & there[:, :-1]]
    return gaps
