"""How digits are stored: dark or bright ink, in which range of values, and whether rows and columns are swapped.

It is found out from all images of a file, and what is not clear is refused. The result has bright ink on background 0,
values up to 255, and stands upright.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.digits.packaged_files import find_packaged_file
from number_generator.errors import DatasetError, SpecError
from number_generator.formats.reader import load_arrays
from number_generator.job.chunk import Images
from number_generator.system.checks import check_integer, format_value

Numbers = npt.NDArray[np.float32]

INKS = ("auto", "dark", "bright")
"""Whether ink is dark on a light ground or bright on a dark one; `auto` finds out."""

ORIENTATIONS = ("auto", "upright", "transposed")
"""Whether rows and columns are swapped; `auto` refuses digits that look as if they were."""

MAX_VALUE = 255

STORED_WITH = "stored_with"
"""The metadata entry that says how digits were stored, if not as they are now."""

IS_NORMAL = {"ink": "bright", "range": MAX_VALUE, "orientation": "upright"}
"""The metadata entries of digits that are to be taken as they are."""

_USUAL_RANGES = (1, 15, 16, 255)
_LEAST_OF_255 = 128  # brighter pixels have no other range
_LEAST_CONTRAST = 0.1  # of the range: an image with less shows nothing
# Shares of border pixels, and of images whose border is mostly so. Of digits cut tightly to bold ink, a quarter of the
# border is ink; of 5,000, the border of 35 mostly.
_CLEAR_BORDER, _CLEAR_VOTE = 0.4, 0.2
_MOST_INK = 0.7  # of all pixels
_SAMPLE = 2000  # images that the ground is measured on
_REACH = 3  # px from ink that its edge may be soft
_LEAST_GROUND = 0.25  # of the pixels farther off: else they are stray marks, which digits may have
_GROUND_PERCENTILE = 99
_MEAN_PX = 16  # of the mean image of a class, whose ink is scaled to it
_MEAN_EDGE = 0.15  # of its full ink: fainter ink does not widen it
# Correlation with the packaged digits. Ten packaged digits, one of each class, have at least 0.4 upright and 0.3 less
# transposed; 20 of each have 0.9 and 0.65 less.
_LEAST_LIKENESS, _CLEAR_LIKENESS = 0.4, 0.25

_BUILD = "`python -m number_generator digits build"


@dataclass(frozen=True, slots=True)
class Conventions:
    """How digits are stored, as far as the user says it.

    Attributes
    ----------
    ink : {"auto", "dark", "bright"}
        See `INKS`.
    value_range : int, optional
        The largest value that a pixel can have, 1 to 255; None finds it out.
    orientation : {"auto", "upright", "transposed"}
        See `ORIENTATIONS`.

    Raises
    ------
    SpecError
        If one of them is something else.
    """

    ink: str = "auto"
    value_range: int | None = None
    orientation: str = "auto"

    def __post_init__(self) -> None:
        for name, value, known in (("ink", self.ink, INKS), ("orientation", self.orientation, ORIENTATIONS)):
            if not isinstance(value, str) or value not in known:
                choices = f"{', '.join(map(repr, known[:-1]))} or {known[-1]!r}"
                raise SpecError(f"{name} is {format_value(value)}: give {choices}")
        if self.value_range is not None:
            check_integer("value_range", self.value_range, 1, MAX_VALUE)


NORMAL = Conventions("bright", MAX_VALUE, "upright")
"""Those of digits that are to be taken as they are."""


def normalise(
    images: Images, classes: npt.NDArray[np.uint8], metadata: Mapping[str, Any], given: Conventions
) -> tuple[Images, dict[str, Any]]:
    """Return digits upright, with bright ink of values up to 255, and their metadata, which tell what was changed.

    DatasetError, without the name of the file, if it is not clear how they are stored.
    """
    known = _complete(given, metadata)
    most = _find_range(images) if known.value_range is None else _check_range(images, known.value_range)
    is_dark = _is_dark(images, most) if known.ink == "auto" else known.ink == "dark"
    is_said = (known.ink, known.value_range) == (NORMAL.ink, NORMAL.value_range)
    ink = np.uint8(most) - images if is_dark else images
    ground = 0 if is_said else _find_ground(ink, most)
    changes = ["dark ink on a light ground"] if is_dark else []
    changes += [f"values from 0 to {most}"] if most != MAX_VALUE else []
    changes += [f"a ground that differs from blank paper by up to {ground}"] if ground else []
    if changes:
        images = _stretch(ink, ground, most)
    if known.orientation == "auto":
        _check_upright(images, classes)
    described = dict(metadata)
    if known.orientation == "transposed":
        images = np.ascontiguousarray(images.transpose(0, 2, 1))
        described["turned"] = metadata.get("turned") is not True
        changes.append("rows and columns swapped")
    if given != Conventions() or changes:
        described |= IS_NORMAL
    return images, described | ({STORED_WITH: ", ".join(changes)} if changes else {})


def _complete(given: Conventions, metadata: Mapping[str, Any]) -> Conventions:
    """Return what is given, and what digits that were built or read before say of themselves."""
    ink, value_range, orientation = given.ink, given.value_range, given.orientation
    if (ink, value_range) == ("auto", None) and all(metadata.get(key) == IS_NORMAL[key] for key in ("ink", "range")):
        ink, value_range = NORMAL.ink, NORMAL.value_range
    if orientation == "auto" and metadata.get("orientation") == IS_NORMAL["orientation"]:
        orientation = NORMAL.orientation
    return Conventions(ink, value_range, orientation)


# --- range and ink


def _find_range(images: Images) -> int:
    most = int(images.max())
    if most in _USUAL_RANGES or most >= _LEAST_OF_255:
        return most if most in _USUAL_RANGES else MAX_VALUE
    if not most:
        raise DatasetError("nothing is written on these digits: all their pixels are 0")
    raise DatasetError(
        f"the pixels of these digits go up to {most}, and no usual range ends there (they end at "
        f"{', '.join(map(str, _USUAL_RANGES))}): say what full ink or paper is, as in {_BUILD} --range {most} FILE "
        "DST.npz`, and use DST.npz"
    )


def _check_range(images: Images, value_range: int) -> int:
    most = int(images.max())
    if most > value_range:
        raise DatasetError(
            f"the pixels of these digits go up to {most}, and the range is said to end at {value_range}: give {most} "
            "or more"
        )
    return value_range


def _is_dark(images: Images, most: int) -> bool:
    """Tell whether ink is dark: the border of an image shows its paper, and all images vote."""
    is_written = np.ptp(images.reshape(len(images), -1), axis=1) >= _LEAST_CONTRAST * most
    if not is_written.any():
        raise DatasetError("nothing is written on these digits: each image is all one grey")
    is_bright = images[is_written] > most / 2
    is_border = np.ones(images.shape[1:], np.bool_)
    is_border[1:-1, 1:-1] = False
    border = is_bright[:, is_border].mean(axis=1)
    share, vote, ink = border.mean(), (border > 0.5).mean(), is_bright.mean()
    is_dark = bool(share > 0.5)
    if is_dark:
        share, vote, ink = 1 - share, 1 - vote, 1 - ink
    if share > _CLEAR_BORDER or vote > _CLEAR_VOTE or ink > _MOST_INK:
        light = int((border > 0.5).sum())
        raise DatasetError(
            f"it is not clear whether these digits are dark on light or bright on dark: the border is light in {light} "
            f"of {len(border)} images, and {is_bright.mean():.0%} of all pixels are; say it, as in {_BUILD} --ink dark "
            "FILE DST.npz`, and use DST.npz"
        )
    return is_dark


def _find_ground(ink: Images, most: int) -> int:
    """Return what the ground has at most of ink, where it is not blank: 0 for paper without noise."""
    sample = ink[:: -(-len(ink) // _SAMPLE)]
    near = sample > most / 2
    for _ in range(_REACH):
        for axis in (1, 2):
            inner, outer = _shifted(near.ndim, axis)
            grown = near.copy()
            grown[inner] |= near[outer]
            grown[outer] |= near[inner]
            near = grown
    far = sample[~near]
    if not far.size or np.count_nonzero(far) < _LEAST_GROUND * far.size:
        return 0
    return int(np.ceil(np.percentile(far, _GROUND_PERCENTILE)))


def _shifted(dimensions: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return what selects all but the last, and all but the first, along an axis."""
    whole = (slice(None),) * dimensions
    return (
        (*whole[:axis], slice(None, -1), *whole[axis + 1 :]),
        (*whole[:axis], slice(1, None), *whole[axis + 1 :]),
    )


def _stretch(ink: Images, ground: int, most: int) -> Images:
    """Return ink from `ground`, which becomes 0, to `most`, which becomes 255."""
    values = (np.arange(256) - ground) / max(1, most - ground)
    return np.rint(values.clip(0, 1) * MAX_VALUE).astype(np.uint8)[ink]


# --- orientation


def _check_upright(images: Images, classes: npt.NDArray[np.uint8]) -> None:
    """Raise DatasetError if digits resemble the packaged ones more once rows and columns are swapped."""
    means, packaged = _compute_means(images, classes), _load_packaged_means()
    upright, transposed = _compare(means, packaged), _compare(means.transpose(0, 2, 1), packaged)
    if transposed < _LEAST_LIKENESS or transposed - upright < _CLEAR_LIKENESS:
        return
    raise DatasetError(
        f"these digits seem to lie on their side, as EMNIST publishes its own: they resemble the packaged digits by "
        f"{transposed:.2f} with rows and columns swapped, and by {upright:.2f} as they are (1 is equal): turn them, as "
        f"in {_BUILD} --orientation transposed FILE DST.npz`, or say that they are right with --orientation upright, "
        "and use DST.npz"
    )


@lru_cache(maxsize=1)
def _load_packaged_means() -> Numbers:
    raw = load_arrays(find_packaged_file("digits.npz", "digits"))
    return _compute_means(raw.images, np.asarray(raw.labels, np.uint8))


def _compute_means(images: Images, classes: npt.NDArray[np.uint8]) -> Numbers:
    """Return the mean image of each class, shape (10, 16, 16), with its ink scaled to the page."""
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    means = np.zeros((10, _MEAN_PX, _MEAN_PX), np.float32)
    for digit, page in enumerate(means):
        mean = images[classes == digit].mean(axis=0, dtype=np.float64).astype(np.float32)
        inked = mean > _MEAN_EDGE * mean.max()
        rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
        if not len(rows):
            continue
        cut = mean[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        height, width = (max(1, round(length * _MEAN_PX / max(cut.shape))) for length in cut.shape)
        top, left = (_MEAN_PX - height) // 2, (_MEAN_PX - width) // 2
        scaled = Image.fromarray(cut).resize((width, height), Image.Resampling.BILINEAR)
        page[top : top + height, left : left + width] = np.asarray(scaled)
    return means


def _compare(means: Numbers, packaged: Numbers) -> float:
    """Return the correlation of mean images with the packaged ones, on average over the classes."""
    a, b = ((each - each.mean(axis=(1, 2), keepdims=True)).reshape(10, -1) for each in (means, packaged))
    lengths = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    return float(((a * b).sum(axis=1) / np.maximum(lengths, 1e-6)).mean())
