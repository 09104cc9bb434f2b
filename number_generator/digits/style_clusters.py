"""Style clusters: a digit dataset's images grouped by how they are written, as if by one hand each."""

import sys
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from number_generator.digits.dataset import DigitImageDataset
from number_generator.digits.packaged_files import find_packaged_file
from number_generator.errors import SpecError

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]

CLUSTERS = 8
"""Number of style clusters: with more, some would have fewer than 15 of the packaged digits of a class."""

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
# Slant, stroke width and aspect make lines look written by one hand, and mean the same in every class. The others say
# less about the hand than about the digit. Darkness mostly repeats the stroke width (correlation 0.8).
_WEIGHTS = (1.5, 1.5, 1.2, 0.3, 0.9, 0.5, 0.2, 0.4, 0.3)
# Standard deviations. Without a limit, the few boldest digits make their own cluster, which lacks some classes.
_FARTHEST = 2.0
_DECIMALS = 9  # of what is measured: the rest are rounding errors
_DIGITS_PER_CLUSTER = 100  # on average at least: 10 of each class
_STARTS = 16  # of k-means; the best one is used
_MOST_FITTED = 10_000  # all of 60,000 take 10 s, for clusters that are 0.2 % tighter
_SEED = 0

_BATCH_PIXELS = 2**19  # 4 MiB of float64: what is measured at once stays in the cache
_TINY = 1e-9


def find_clusters(digits: DigitImageDataset) -> Integers | None:
    """Return each image's style cluster if it is known: the dataset's own, or those shipped for the packaged digits."""
    if digits.cluster_ids is not None:
        return digits.cluster_ids
    sha256, ids = _load_packaged_clusters()
    # Compare the number first: it saves computing the digest of most other digits.
    return ids if len(digits) == len(ids) and digits.sha256 == sha256 else None


def compute_style_clusters(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> Integers:
    """Sort digits into clusters of one style each, common to all classes, by k-means over `measure_style`.

    The same machine gives the same clusters each time; another may put a few images into other clusters. Cluster 0 is
    the one that leans most to the left, the last one leans most to the right. There are `CLUSTERS`, or fewer if each
    would have fewer than 100 images. SpecError if scikit-learn is missing.
    """
    if sys.modules.get("scipy", ...) is None:  # the commands keep numba from importing it, but scikit-learn needs it
        del sys.modules["scipy"]
    try:
        from sklearn.cluster import KMeans  # noqa: PLC0415 - an extra, and heavy
    except ImportError as exc:
        raise SpecError(
            "the style clusters of these digits must be computed, but scikit-learn is missing: run `pip install "
            "scikit-learn` (it is the extra `cluster`)"
        ) from exc
    points = np.clip(measure_style(images, labels), -_FARTHEST, _FARTHEST) * _WEIGHTS
    fitted = points[np.sort(np.random.default_rng(_SEED).permutation(len(points))[:_MOST_FITTED])]
    # Points that only rounding errors tell apart are one, of which scikit-learn warns once there are too few.
    distinct = len(np.unique(fitted.round(_DECIMALS), axis=0))
    clusters = min(CLUSTERS, max(1, len(points) // _DIGITS_PER_CLUSTER), distinct)
    found = KMeans(clusters, n_init=_STARTS, random_state=_SEED).fit(fitted)
    # k-means numbers its clusters randomly.
    rank = np.argsort(np.argsort(found.cluster_centers_[:, FEATURES.index("slant")]))
    return rank[found.predict(points)].astype(np.int64)


def measure_style(images: npt.NDArray[np.uint8], labels: npt.NDArray[np.integer]) -> Numbers:
    """Measure what distinguishes hands, in standard deviations from the mean of the digit's class.

    So the features of different digits compare: a broad 1 and a broad 0 are alike. There is a column for each of
    `FEATURES`; it is 0 for a class whose images do not differ in it.
    """
    batch = max(1, _BATCH_PIXELS // max(1, images[0].size if len(images) else 1))
    measured = [_measure(images[start : start + batch]) for start in range(0, len(images), batch)]
    features = np.concatenate([np.empty((0, len(FEATURES))), *measured])
    for label in np.unique(labels):
        chosen = labels == label
        of_class = features[chosen]
        deviation = of_class.std(axis=0)
        # Equal values may differ from their mean by a rounding error, which must not be magnified.
        varies = deviation > _TINY
        features[chosen] = np.where(varies, (of_class - of_class.mean(axis=0)) / np.where(varies, deviation, 1), 0)
    return features


@lru_cache(maxsize=1)
def _load_packaged_clusters() -> tuple[str, Integers]:
    """Load the packaged digits' SHA-256 and cluster ids, which `data/build_clusters.py` has made."""
    with np.load(find_packaged_file("digit_clusters.npz", "style clusters"), allow_pickle=False) as content:
        return str(content["digits_sha256"]), content["ids"].astype(np.int64)


# --- measures


def _measure(images: npt.NDArray[np.uint8]) -> Numbers:
    """Measure the unscaled features, shape (n, 9)."""
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
    # The width without the slant, so that the two are independent.
    aspect = np.clip(np.sqrt(np.maximum(xx - xy * xy / yy, 0) / yy), 0.01, 100)

    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1)))
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    energy = across**2 + down**2
    # An edge raises the ink by 1 in total, however soft it is: the sum of slopes is the length of the outline.
    outline = np.maximum(np.sqrt(energy).sum(axis=(1, 2)), _TINY)
    stroke = 2 * area / outline  # a stroke has two sides
    straight = np.hypot((across**2 - down**2).sum(axis=(1, 2)), (2 * across * down).sum(axis=(1, 2)))
    straight /= np.maximum(energy.sum(axis=(1, 2)), _TINY)
    darkness = (ink * ink).sum(axis=(1, 2)) / area

    inked = images >= np.maximum(images.max(axis=(1, 2), keepdims=True), 1) / 2
    top, bottom = _find_extent(inked.any(axis=2))
    left, right = _find_extent(inked.any(axis=1))
    box_height, box_width = np.maximum(bottom - top, 1), np.maximum(right - left, 1)
    enclosed = _count_enclosed(inked) / (box_height * box_width)
    length = area / stroke / np.hypot(box_height, box_width)
    centre = (bottom - mean_y) / box_height
    return np.stack(
        # Logarithms: twice as wide is as far from the mean as half as wide.
        [slant, np.log(stroke), np.log(aspect), darkness, enclosed, _count_holes(inked), straight, length, centre],
        axis=1,
    )


def _find_extent(inked: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find the first row (or column) with ink and the one after the last."""
    return inked.argmax(axis=1), inked.shape[1] - inked[:, ::-1].argmax(axis=1)


def _count_enclosed(inked: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Count the pixels of paper that cannot be reached from outside without crossing ink."""
    # Images are the last axis: a step along a row or column is one operation for all of them. Sweeping in the four
    # directions until nothing changes takes about five rounds; growing by one pixel takes as many as the longest path.
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


def _count_holes(inked: npt.NDArray[np.bool_]) -> Numbers:
    """Count holes minus extra pieces of ink: 1 minus Gray's Euler number of the 2 x 2 squares, 8-connected."""
    cells = np.pad(inked, ((0, 0), (1, 1), (1, 1))).astype(np.int8)
    a, b, c, d = cells[:, :-1, :-1], cells[:, :-1, 1:], cells[:, 1:, :-1], cells[:, 1:, 1:]
    filled = a + b + c + d
    diagonal = (filled == 2) & (a == d)
    corners = (filled == 1).sum(axis=(1, 2)) - (filled == 3).sum(axis=(1, 2)) - 2 * diagonal.sum(axis=(1, 2))
    return 1 - corners / 4
