"""Whose digits make a line: the digit dataset's images in groups of one hand each."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from number_generator.digits.atlas import GlyphAtlas, order_glyphs
from number_generator.digits.dataset import DigitImageDataset, check_not_empty
from number_generator.digits.style_clusters import CLUSTERS, compute_style_clusters, find_clusters
from number_generator.errors import SpecError
from number_generator.job.handwriting import Handwriting
from number_generator.system.checks import format_value

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Writers:
    """The images of a digit dataset in groups; a line takes its digits from one of them.

    Attributes
    ----------
    kind : {"mixed", "cluster", "dataset"}
        What makes a group: all images, a style cluster, or a writer.
    ids : ndarray, shape (N,), int64
        The group of each image in the order of the dataset, 0 to `groups` - 1. No group is empty.
    names : ndarray, shape (groups,), int64
        The writer id or cluster id of each group in the digit dataset.
    glyph_group : ndarray, shape (N,), int64
        The group of each glyph of the atlas.
    members : ndarray, shape (N,), int64
        The glyphs of the atlas, sorted by digit, then group, then number.
    start : ndarray, shape (10 * groups + 1,), int64
        The glyphs of digit d in group w are `members[start[d * groups + w]:start[d * groups + w + 1]]`. There may be
        none: a writer may lack a digit.
    sha256 : str
        Hexadecimal, over `ids` as little-endian int32, and `kind`; empty for `mixed`.
    is_computed : bool
        Whether k-means has made the groups on this machine. Another machine may make slightly different ones, unless
        its DigitImageDataset has these as `cluster_ids`.
    """

    kind: str
    ids: Integers
    groups: int
    names: Integers
    glyph_group: Integers
    members: Integers
    start: Integers
    sha256: str
    is_computed: bool


def find_writers(digits: DigitImageDataset, kind: str) -> Writers:
    """Group the images of a digit dataset, once for each kind and dataset.

    Parameters
    ----------
    kind : {"mixed", "cluster", "dataset", "auto"}
        `mixed`: one group of all images. `cluster`: one group per style cluster, from the dataset's `cluster_ids`, or
        those shipped for the packaged digits, or `compute_style_clusters`. `dataset`: one group per writer, from
        `writer_ids`. `auto`: `dataset` if there are writer ids, else `cluster` if no clusters must be computed, else
        `mixed`.

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
    if not isinstance(kind, str) or kind not in ("mixed", "cluster", "dataset", "auto"):
        raise SpecError(f"writer is {format_value(kind)}: give 'mixed', 'cluster', 'dataset' or 'auto'")
    check_not_empty(digits)
    if kind == "dataset" and digits.writer_ids is None:
        raise SpecError(
            "writer is 'dataset', but the digit dataset has no writer ids: put QMNIST's extended labels, such as "
            "qmnist-train-labels-idx2-int.gz, beside MNIST's images, or give writer 'cluster' or 'mixed'"
        )
    known = _choose_kind(digits) if kind == "auto" else kind
    return digits.make_writers_once(known, lambda: _make_writers(digits, known))


def prepare_atlas(digits: DigitImageDataset, style: Handwriting) -> GlyphAtlas:
    """Return what a style is drawn from: the atlas alone for `clean`, else with its fields and writers."""
    if style.is_clean:
        return digits.atlas
    writers = find_writers(digits, style.writer)
    writer_ids = None if writers.kind == "mixed" else writers.names[writers.glyph_group]
    groups = writers.members, writers.start, writers.glyph_group, writers.groups
    return digits.atlas.for_writers(groups, writer_ids, style.letterform_set if style.has_letterforms else None)


# --- groups


def _choose_kind(digits: DigitImageDataset) -> str:
    """Return the kind that `auto` means."""
    if digits.writer_ids is not None:
        return "dataset"
    return "mixed" if find_clusters(digits) is None else "cluster"


def _make_writers(digits: DigitImageDataset, kind: str) -> Writers:
    """Make the groups of a kind other than `auto`: images of equal ids, numbered from 0, with the glyphs of each."""
    labels, origin = digits.classes, None if digits.mixture is None else digits.mixture.origin
    if kind == "mixed":
        ids: Integers | None = np.zeros(len(digits), np.int64)
    else:
        ids = digits.writer_ids if kind == "dataset" else find_clusters(digits)
    is_computed = ids is None  # these can only be clusters: find_writers has checked for writer ids
    if ids is None:
        try:
            ids = compute_style_clusters(digits.images, labels)
        except SpecError as exc:
            raise SpecError(f"writer is 'cluster', and {exc}, or give writer 'mixed'") from exc
        if origin is not None:  # separate for each source: the first digit of a line draws the source for all
            ids = ids + origin * CLUSTERS
    names, group = np.unique(ids, return_inverse=True)
    group, groups = group.reshape(-1).astype(np.int64), len(names)
    order = order_glyphs(labels, origin)
    glyph_group = group[order]
    cell = labels[order].astype(np.int64) * groups + glyph_group
    members = np.argsort(cell, kind="stable").astype(np.int64)
    start = np.searchsorted(cell[members], np.arange(10 * groups + 1)).astype(np.int64)
    sha256 = ""
    if kind != "mixed":
        sha256 = hashlib.sha256(group.astype("<i4").tobytes() + kind.encode("ascii")).hexdigest()
    return Writers(kind, group, groups, names.astype(np.int64), glyph_group, members, start, sha256, is_computed)
