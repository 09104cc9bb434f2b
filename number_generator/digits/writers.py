"""Whose digits stand together in a line: the digit dataset's images in groups of one hand each."""

import hashlib
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

import numpy as np
import numpy.typing as npt

from number_generator.digits.atlas import GlyphAtlas, order_glyphs
from number_generator.digits.resolve import DigitImageDataset, find_packaged_file
from number_generator.errors import DatasetError, SpecError
from number_generator.job.handwriting import Handwriting

__all__ = [
    "CLUSTERS",
    "FEATURES",
    "Writers",
    "compute_style_clusters",
    "find_clusters",
    "find_writers",
    "measure_style",
    "prepare_atlas",
]

Kind = Literal["mixed", "cluster", "dataset"]
Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

CLUSTERS = 8
"""Style clusters of a digit dataset: with more, some have fewer than 15 of the packaged digits of a class."""

FEATURES = (
    "slant",
    "stroke width",
    "aspect",
    "darkness",
    "enclosed area",
    "holes",
    "straightness",
    "stroke length",
    "centre of weight",
)
# Slant, stroke width and width are what makes lines look written by one hand, and mean the same in every class. The
# others tell less of a hand than of a digit. Darkness mostly repeats the stroke width (correlation 0.8).
_WEIGHTS = (1.5, 1.5, 1.2, 0.3, 0.9, 0.5, 0.2, 0.4, 0.3)
# Standard deviations. Without a limit, the few fattest digits make a cluster of their own, which lacks some classes.
_FARTHEST = 2.0
_DIGITS_PER_CLUSTER = 100  # at least, on average: 10 of each class
_STARTS = 16  # of k-means, of which the best counts
_MOST_FITTED = 10_000  # all of 60,000 take 10 s, for clusters that are tighter by 0.2 %
_SEED = 0

_BATCH_PIXELS = 2**19  # 4 MiB of float64: what is measured at once stays in the cache
_TINY = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Writers:
    """The images of a digit dataset in groups; a line takes its digits from one of them.

    Attributes
    ----------
    kind : {"mixed", "cluster", "dataset"}
        What a group is: all images, a style cluster, or a writer.
    ids : ndarray, shape (N,), int64
        The group, 0 to `groups` - 1, of each image in the order of the dataset. None is without images.
    groups : int
    names : ndarray, shape (groups,), int64
        The writer id or cluster id of each group, as the digit dataset has it.
    glyph_group : ndarray, shape (N,), int64
        The group of each glyph of the atlas.
    members : ndarray, shape (N,), int64
        The glyphs of the atlas by digit, then group, then number.
    start : ndarray, shape (10 * groups + 1,), int64
        The glyphs of digit d in group w are `members[start[d * groups + w]:start[d * groups + w + 1]]`. There may be
        none: a writer may have left out a digit.
    sha256 : str
        In hexadecimal, over `ids` as little-endian int32, and `kind`; empty for `mixed`.
    is_computed : bool
        Whether k-means has made the groups on this machine: another may make slightly different ones, unless it is
        given these as `cluster_ids` of its DigitImageDataset.
    """

    kind: Kind
    ids: Integers
    groups: int
    names: Integers
    glyph_group: Integers
    members: Integers
    start: Integers
    sha256: str
    is_computed: bool


def find_writers(digits: DigitImageDataset, kind: str) -> Writers:
    """Group the images of a digit dataset; done once for each kind and dataset, by whichever thread comes first.

    Parameters
    ----------
    digits : DigitImageDataset
    kind : {"mixed", "cluster", "dataset", "auto"}
        `mixed`: one group of all. `cluster`: one group a style cluster; by the dataset's `cluster_ids`, else by
        those that are shipped for the packaged digits, else by `compute_style_clusters`. `dataset`: one group a writer,
        by `writer_ids`. `auto`: `dataset` if there are writer ids, else `cluster` if that takes no computing, else
        `mixed`.

    Returns
    -------
    Writers

    Raises
    ------
    SpecError
        If the kind is none of these; for `dataset`, if there are no writer ids; for `cluster`, if the clusters must
        be computed and scikit-learn is missing.
    DatasetError
        If the dataset is empty.

    Examples
    --------
    >>> from number_generator.digits.resolve import packaged_digits
    >>> from number_generator.digits.writers import find_writers
    >>> writers = find_writers(packaged_digits(), "auto")
    >>> writers.kind, writers.groups, len(writers.members)
    ('cluster', 8, 5000)
    """
    if kind not in ("mixed", "cluster", "dataset", "auto"):
        raise SpecError(f"writer is {kind!r}: give 'mixed', 'cluster', 'dataset' or 'auto'")
    if not len(digits):
        raise DatasetError("the digit dataset is empty: load one, or give images and labels")
    if kind == "dataset" and digits.writer_ids is None:
        raise SpecError(
            "writer is 'dataset', but the digit dataset has no writer ids: lay QMNIST's extended labels, such as "
            "qmnist-train-labels-idx2-int.gz, beside MNIST's images, or give writer 'cluster' or 'mixed'"
        )
    with digits._lock:
        if kind == "auto":
            kind = _best_kind(digits)
        if kind not in digits._writers:
            digits._writers[kind] = _made(digits, kind)
        return cast("Writers", digits._writers[kind])


def prepare_atlas(digits: DigitImageDataset, style: Handwriting) -> GlyphAtlas:
    """Give what a style is drawn from: the atlas alone for `clean`, else with its fields and writers."""
    if style.is_clean:
        return digits.atlas
    writers = find_writers(digits, style.writer)
    writer_ids = None if writers.kind == "mixed" else writers.names[writers.glyph_group]
    groups = writers.members, writers.start, writers.glyph_group, writers.groups
    return digits.atlas.for_writers(groups, writer_ids)


def find_clusters(digits: DigitImageDataset) -> Integers | None:
    """Give the style cluster of each image where that takes no computing.

    Parameters
    ----------
    digits : DigitImageDataset

    Returns
    -------
    ndarray, shape (N,), int64, or None
        The ids that the dataset carries, or those that are shipped for the packaged digits; None for other digits.
    """
    if digits.cluster_ids is not None:
        return digits.cluster_ids
    sha256, ids = _packaged_clusters()
    # The digest of other digits is not worth its time where their number tells enough.
    return ids if len(digits) == len(ids) and digits.sha256 == sha256 else None


def compute_style_clusters(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> Integers:
    """Sort digits into clusters of one style each, the same for all classes, by k-means over `measure_style`.

    The same machine gives the same clusters each time; another may give a few images to other ones.

    Parameters
    ----------
    images : ndarray, shape (N, H, H), uint8
        Ink is any value above 0.
    labels : ndarray, shape (N,), int

    Returns
    -------
    ndarray, shape (N,), int64
        Cluster of each image, from the one that leans most to the left, 0, to the one that leans most to the right.
        There are `CLUSTERS`, or fewer where fewer than 100 images would fall to each.

    Raises
    ------
    SpecError
        If scikit-learn is missing.
    """
    if sys.modules.get("scipy", ...) is None:  # the commands keep numba from loading it, and scikit-learn needs it
        del sys.modules["scipy"]
    try:
        from sklearn.cluster import KMeans  # noqa: PLC0415 - an extra, and heavy
    except ImportError as exc:
        raise SpecError(
            "writer is 'cluster', and the style clusters of these digits must be computed, but scikit-learn is "
            "missing: run `pip install scikit-learn` (it is the extra `cluster`), or give writer 'mixed'"
        ) from exc
    points = np.clip(measure_style(images, labels), -_FARTHEST, _FARTHEST) * _WEIGHTS
    fitted = points[np.sort(np.random.default_rng(_SEED).permutation(len(points))[:_MOST_FITTED])]
    clusters = min(CLUSTERS, max(1, len(points) // _DIGITS_PER_CLUSTER), len(np.unique(fitted, axis=0)))
    found = KMeans(clusters, n_init=_STARTS, random_state=_SEED).fit(fitted)
    # k-means numbers its clusters at random.
    rank = np.argsort(np.argsort(found.cluster_centers_[:, FEATURES.index("slant")]))
    return rank[found.predict(points)].astype(np.int64)


def measure_style(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> Numbers:
    """Measure what sets hands apart, in standard deviations from the mean of the digit's class.

    So the features of a 1 compare with those of a 0: the broad 1 and the broad 0 are alike.

    Parameters
    ----------
    images, labels
        As for `compute_style_clusters`.

    Returns
    -------
    ndarray, shape (N, 9), float64
        One column for each of `FEATURES`; 0 in all rows of a class whose images do not differ in it.
    """
    batch = max(1, _BATCH_PIXELS // max(1, images[0].size if len(images) else 1))
    measured = [_measured(images[start : start + batch]) for start in range(0, len(images), batch)]
    features = np.concatenate([np.empty((0, len(FEATURES))), *measured])
    for label in np.unique(labels):
        chosen = labels == label
        of_class = features[chosen]
        deviation = of_class.std(axis=0)
        # Equal values may differ from their mean by a rounding error, which must not be blown up.
        varies = deviation > _TINY
        features[chosen] = np.where(varies, (of_class - of_class.mean(axis=0)) / np.where(varies, deviation, 1), 0)
    return features


# --- groups


def _best_kind(digits: DigitImageDataset) -> Kind:
    """Give what `auto` stands for."""
    if digits.writer_ids is not None:
        return "dataset"
    return "mixed" if find_clusters(digits) is None else "cluster"


def _made(digits: DigitImageDataset, kind: str) -> Writers:
    """Make the groups of a kind that is not `auto`."""
    if kind == "dataset":
        assert digits.writer_ids is not None  # noqa: S101 - writers_of has looked
        return _grouped("dataset", digits.writer_ids, digits)
    if kind == "mixed":
        return _grouped("mixed", np.zeros(len(digits), np.int64), digits)
    known = find_clusters(digits)
    if known is not None:
        return _grouped("cluster", known, digits)
    return _grouped("cluster", _computed_clusters(digits), digits, is_computed=True)


def _computed_clusters(digits: DigitImageDataset) -> Integers:
    """Give style clusters, those of several sources apart: the first digit of a line draws the source for all."""
    clusters = compute_style_clusters(digits._images, digits._digits)
    mixture = digits._mixture
    return clusters if mixture is None else clusters + mixture.origin * CLUSTERS


def _grouped(kind: Kind, ids: Integers, digits: DigitImageDataset, *, is_computed: bool = False) -> Writers:
    """Give the groups that the ids stand for, numbered from 0, with the glyphs of each."""
    labels = digits._digits
    names, group = np.unique(ids, return_inverse=True)
    group, groups = group.reshape(-1).astype(np.int64), len(names)
    order = order_glyphs(labels, None if digits._mixture is None else digits._mixture.origin)
    glyph_group = group[order]
    cell = labels[order].astype(np.int64) * groups + glyph_group
    members = np.argsort(cell, kind="stable").astype(np.int64)
    start = np.searchsorted(cell[members], np.arange(10 * groups + 1)).astype(np.int64)
    sha256 = ""
    if kind != "mixed":
        sha256 = hashlib.sha256(group.astype("<i4").tobytes() + kind.encode("ascii")).hexdigest()
    return Writers(kind, group, groups, names.astype(np.int64), glyph_group, members, start, sha256, is_computed)


@lru_cache(maxsize=1)
def _packaged_clusters() -> tuple[str, Integers]:
    """Give the packaged digits' SHA-256 and cluster ids; `data/build_clusters.py` has made them."""
    with np.load(find_packaged_file("digit_clusters.npz", "style clusters"), allow_pickle=False) as content:
        return str(content["digits_sha256"]), content["ids"].astype(np.int64)


# --- measures


def _measured(images: npt.NDArray[np.uint8]) -> Numbers:
    """Measure the features as they are, shape (n, 9)."""
    count, height, width = images.shape
    ink = images / 255.0
    y, x = np.mgrid[:height, :width].astype(np.float64)
    basis = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    moments = ink.reshape(count, -1) @ basis
    area = np.maximum(moments[:, 0], _TINY)
    mean_x, mean_y, xx, xy, yy = (moments[:, 1:] / area[:, None]).T
    xx, xy, yy = xx - mean_x**2, xy - mean_x * mean_y, np.maximum(yy - mean_y**2, _TINY)
    # Rows count downwards: writing that leans to the right has a negative xy. The limits are for ink in one row.
    slant = np.clip(-xy / yy, -3, 3)
    # The width that is left when the slant is taken out, so that the two are independent.
    aspect = np.clip(np.sqrt(np.maximum(xx - xy * xy / yy, 0) / yy), 0.01, 100)

    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    energy = across**2 + down**2
    # An edge raises the ink by 1 in all, however soft it is: the sum of slopes is the length of the outline.
    outline = np.maximum(np.sqrt(energy).sum(axis=(1, 2)), _TINY)
    stroke = 2 * area / outline  # a stroke has two sides
    straight = np.hypot((across**2 - down**2).sum(axis=(1, 2)), (2 * across * down).sum(axis=(1, 2)))
    straight /= np.maximum(energy.sum(axis=(1, 2)), _TINY)
    darkness = (ink * ink).sum(axis=(1, 2)) / area

    inked = images >= np.maximum(images.max(axis=(1, 2), keepdims=True), 1) / 2
    top, bottom = _extent(inked.any(axis=2))
    left, right = _extent(inked.any(axis=1))
    box_height, box_width = np.maximum(bottom - top, 1), np.maximum(right - left, 1)
    enclosed = _enclosed_area(inked) / (box_height * box_width)
    length = area / stroke / np.hypot(box_height, box_width)
    centre = (bottom - mean_y) / box_height
    return np.stack(
        # Twice as wide is as far from the mean as half as wide.
        [slant, np.log(stroke), np.log(aspect), darkness, enclosed, _holes(inked), straight, length, centre],
        axis=1,
    )


def _extent(inked: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find the first row (or column) with ink and the one after the last."""
    return inked.argmax(axis=1), inked.shape[1] - inked[:, ::-1].argmax(axis=1)


def _enclosed_area(inked: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Count the pixels of paper that cannot be reached from outside without crossing ink."""
    # Images last: a step along a row or column is one operation for all of them. Sweeping in the four directions
    # until nothing changes takes some five rounds; growing by a pixel a round takes as many as the longest way.
    paper = np.pad(~inked, ((0, 0), (1, 1), (1, 1)), constant_values=True).transpose(1, 2, 0).copy()
    outside = np.zeros_like(paper)
    outside[0] = True
    height, width, _ = paper.shape
    reached, before = int(np.count_nonzero(outside)), 0
    while reached != before:
        for row in range(1, height):
            outside[row] |= outside[row - 1] & paper[row]
        for row in range(height - 2, -1, -1):
            outside[row] |= outside[row + 1] & paper[row]
        for column in range(1, width):
            outside[:, column] |= outside[:, column - 1] & paper[:, column]
        for column in range(width - 2, -1, -1):
            outside[:, column] |= outside[:, column + 1] & paper[:, column]
        reached, before = int(np.count_nonzero(outside)), reached
    return np.asarray((paper & ~outside).sum(axis=(0, 1)), np.intp)


def _holes(inked: npt.NDArray[np.bool_]) -> Numbers:
    """Count holes less further pieces of ink: 1 minus Gray's Euler number of the 2 x 2 squares, 8-connected."""
    cells = np.pad(inked, ((0, 0), (1, 1), (1, 1))).astype(np.int8)
    a, b, c, d = cells[:, :-1, :-1], cells[:, :-1, 1:], cells[:, 1:, :-1], cells[:, 1:, 1:]
    filled = a + b + c + d
    diagonal = (filled == 2) & (a == d)
    corners = (filled == 1).sum(axis=(1, 2)) - (filled == 3).sum(axis=(1, 2)) - 2 * diagonal.sum(axis=(1, 2))
    return 1 - corners / 4
