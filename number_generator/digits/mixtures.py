"""Several sources of digits at once, each with its share of what is drawn."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.digits.dataset import SOURCES_KEY, DigitImageDataset, Mixture
from number_generator.errors import DatasetError, SpecError
from number_generator.formats.dataset import format_size

__all__ = ["join_digits", "mix_digits", "parse_mixture", "resize_digits", "to_mixture"]

_EXAMPLE = "mnist=0.7,./mine=0.3"
_PART = re.compile(r"(?P<name>.+?)=(?P<weight>\d+\.?\d*|\.\d+)(?:,|$)", re.ASCII | re.DOTALL)


def parse_mixture(text: str) -> dict[str, float] | None:
    """Read sources and weights in the form SOURCE=WEIGHT,SOURCE=WEIGHT.

    Parameters
    ----------
    text : str
        Such as "mnist=0.7,./mine=0.3". A source may hold commas, and = signs that no number and comma follow.

    Returns
    -------
    dict of str to float, or None
        None if the text is not of this form, with two sources or more.

    Raises
    ------
    SpecError
        If a source is there twice, or a weight is 0.
    """
    parts, at = [], 0
    while match := _PART.match(text, at):
        parts.append((match["name"], float(match["weight"])))
        at = match.end()
    if at < len(text) or len(parts) < 2 or text.endswith(","):
        return None
    weights = dict(parts)
    if len(weights) < len(parts):
        raise SpecError(f"digits is {text!r}, which has a source twice: give each once, as in {_EXAMPLE}")
    return weights


def mix_digits(parts: Sequence[tuple[str, DigitImageDataset, Any]]) -> DigitImageDataset:
    """Make one digit dataset of several, of which each is drawn from with its share, however many images it has.

    Parameters
    ----------
    parts : sequence of (str, DigitImageDataset, float)
        Name, digits and weight of two sources or more. A source's share is its weight's part of their sum, in each
        digit; where it lacks a digit, the others have its share.

    Returns
    -------
    DigitImageDataset
        See `join_digits`. Its metadata tells sources and weights.

    Raises
    ------
    SpecError
        If there are fewer than two, or a weight is not above 0.
    DatasetError
        If their digits differ in size.

    Notes
    -----
    Shares are exact to one in a million: a digit is drawn by its source first, and no image is copied or left out.
    """
    if len(parts) < 2:
        raise SpecError(
            f"digits names {len(parts)} source{'s' * (len(parts) != 1)}: give two or more, as in {_EXAMPLE}"
        )
    for name, _, weight in parts:
        if isinstance(weight, bool) or not isinstance(weight, (int, float, np.number)) or not 0 < weight < math.inf:
            raise SpecError(f"the weight of {name!r} is {weight!r}: give a number above 0, as in {_EXAMPLE}")
    digits = join_digits([(name, part) for name, part, _ in parts])
    names: list[str] = []
    weights: list[float] = []
    origins: list[npt.NDArray[np.int64]] = []
    for name, part, weight in parts:
        # A source that is itself several keeps their shares of its own.
        within = part._mixture or Mixture((name,), (1.0,), np.zeros(len(part), np.int64))
        origins.append(within.origin + len(names))
        names += within.names
        weights += [float(weight) * share / sum(within.weights) for share in within.weights]
    origin = np.concatenate(origins)
    origin.setflags(write=False)
    digits._mixture = Mixture(tuple(names), tuple(weights), origin)
    counts = np.bincount(origin, minlength=len(names)).tolist()
    digits._metadata = {
        SOURCES_KEY: [[name, count, weight] for name, count, weight in zip(names, counts, weights, strict=True)]
    }
    return digits


def join_digits(parts: Sequence[tuple[str, DigitImageDataset]]) -> DigitImageDataset:
    """Make one digit dataset of several, one after the other.

    Parameters
    ----------
    parts : sequence of (str, DigitImageDataset)
        Names and digits.

    Returns
    -------
    DigitImageDataset
        With writer ids if all have them, those of the first source as they are and those of each other one above
        them, so that no two sources share a writer; cluster ids likewise.

    Raises
    ------
    DatasetError
        If their digits differ in size, or one is empty.
    """
    for name, part in parts:
        if not len(part):
            raise DatasetError(f"{name}: the digit dataset is empty")
    first_name, first = parts[0]
    for name, part in parts[1:]:
        if part.get_example_shape() != first.get_example_shape():
            raise DatasetError(
                f"the digits of {first_name} are {format_size(first._images)} and those of {name} "
                f"{format_size(part._images)}: make them one size, with `python -m number_generator digits build "
                f"--size {first.get_example_shape()[1]} {name} FILE.npz`"
            )
    return DigitImageDataset(
        np.concatenate([part._images for _, part in parts]),
        np.concatenate([part._digits for _, part in parts]),
        writer_ids=_apart([part.writer_ids for _, part in parts]),
        cluster_ids=_apart([part.cluster_ids for _, part in parts]),
    )


def resize_digits(digits: DigitImageDataset, size: int) -> DigitImageDataset:
    """Give the same digits with images of another size, in px."""
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    images = np.empty((len(digits), size, size), np.uint8)
    for number, image in enumerate(digits._images):
        images[number] = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
    made = DigitImageDataset(
        images, digits._digits, digits._metadata, writer_ids=digits.writer_ids, cluster_ids=digits.cluster_ids
    )
    made._mixture = digits._mixture
    return made


def to_mixture(source: Any) -> Mapping[str, float] | None:
    """Give sources and weights if a mapping or a text names several, else None."""
    if isinstance(source, Mapping):
        return {str(name): weight for name, weight in source.items()}
    return parse_mixture(source) if isinstance(source, str) else None


def _apart(ids: Sequence[npt.NDArray[np.int64] | None]) -> npt.NDArray[np.int64] | None:
    """Join ids so that no two parts have the same one; None if some part has none."""
    joined: list[npt.NDArray[np.int64]] = []
    lowest = 0
    for of_part in ids:
        if of_part is None:
            return None
        moved = of_part if not joined else of_part - of_part.min() + lowest
        lowest = max(lowest, int(moved.max()) + 1)
        joined.append(moved)
    return np.concatenate(joined)
