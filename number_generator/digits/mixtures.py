"""Several sources of digits at once, each with its share of the draws."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.digits.conventions import STORED_WITH
from number_generator.digits.dataset import SOURCES_KEY, DigitImageDataset, Mixture
from number_generator.digits.style_clusters import find_clusters
from number_generator.errors import DatasetError, SpecError
from number_generator.formats.dataset import format_size

_EXAMPLE = "mnist=0.7,./mine=0.3"
_PART = re.compile(r"(?P<name>.+?)=(?P<weight>\d+\.?\d*|\.\d+)(?:,|$)", re.ASCII | re.DOTALL)


def parse_mixture(text: str) -> dict[str, float] | None:
    """Parse two or more sources and weights, as in "mnist=0.7,./mine=0.3"; return None for a text of another form.

    A source may contain commas, and = signs not followed by a number and a comma. SpecError if one is named twice.
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
    """Join digit datasets as `join_digits` does, and draw from each by its share, however many images it has.

    `parts` are name, digits and weight of two or more sources, and so the metadata lists them. A source's share of each
    digit is its weight divided by their sum; if it lacks a digit, the others get its share. Shares are exact to one in
    a million: a draw chooses the source first, and no image is copied or left out. SpecError if there are fewer than
    two sources, or a weight is not above 0.
    """
    check_weights([(name, weight) for name, _, weight in parts])
    names: list[str] = []
    weights: list[float] = []
    origins: list[npt.NDArray[np.int64]] = []
    for name, part, weight in parts:
        # A source that is itself a mixture keeps the shares within it.
        within = part.mixture or Mixture((name,), (1.0,), np.zeros(len(part), np.int64))
        origins.append(within.origin + len(names))
        names += within.names
        weights += [float(weight) * share / sum(within.weights) for share in within.weights]
    origin = np.concatenate(origins)
    origin.setflags(write=False)
    counts = np.bincount(origin, minlength=len(names)).tolist()
    return join_digits(
        [(name, part) for name, part, _ in parts],
        metadata={SOURCES_KEY: [list(entry) for entry in zip(names, counts, weights, strict=True)]},
        mixture=Mixture(tuple(names), tuple(weights), origin),
    )


def check_weights(weights: Sequence[tuple[str, Any]]) -> None:
    """Raise SpecError unless these are names and weights of two or more sources."""
    if len(weights) < 2:
        raise SpecError(
            f"digits names {len(weights)} source{'s' * (len(weights) != 1)}: give two or more, as in {_EXAMPLE}"
        )
    for name, weight in weights:
        if isinstance(weight, bool) or not isinstance(weight, (int, float, np.number)) or not 0 < weight < math.inf:
            raise SpecError(f"the weight of {name!r} is {weight!r}: give a number above 0, as in {_EXAMPLE}")


def join_digits(
    parts: Sequence[tuple[str, DigitImageDataset]],
    *,
    metadata: Mapping[str, Any] | None = None,
    mixture: Mixture | None = None,
) -> DigitImageDataset:
    """Make one digit dataset, of this metadata and mixture, of several with their names, one after the other.

    How each was stored is added to the metadata, if that was not as it is now.
    It has writer ids if all have them: those of the first source are unchanged, and those of the others are above
    them, so that no two sources share a writer. Cluster ids likewise. DatasetError if the digits differ in size, or one
    of the datasets is empty.
    """
    for name, part in parts:
        if not len(part):
            raise DatasetError(f"{name}: the digit dataset is empty")
    first_name, first = parts[0]
    for name, part in parts[1:]:
        if part.get_example_shape() != first.get_example_shape():
            raise DatasetError(
                f"the digits of {first_name} are {format_size(first.images)} and those of {name} "
                f"{format_size(part.images)}: make them the same size, with `python -m number_generator digits build "
                f"--size {first.get_example_shape()[1]} {name} FILE.npz`"
            )
    stored_with = [
        f"{name}: {part.get_metadata()[STORED_WITH]}" for name, part in parts if STORED_WITH in part.get_metadata()
    ]
    return DigitImageDataset.from_sources(
        np.concatenate([part.images for _, part in parts]),
        np.concatenate([part.classes for _, part in parts]),
        {**(metadata or {}), **({STORED_WITH: "; ".join(stored_with)} if stored_with else {})},
        writer_ids=_join_ids([part.writer_ids for _, part in parts]),
        cluster_ids=_join_ids([part.cluster_ids for _, part in parts]),
        mixture=mixture,
    )


def resize_digits(digits: DigitImageDataset, size: int) -> DigitImageDataset:
    """Return the same digits with images of another size, in px; known style clusters stay."""
    from PIL import Image  # noqa: PLC0415 - loads when it is used

    images = np.empty((len(digits), size, size), np.uint8)
    for number, image in enumerate(digits.images):
        images[number] = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))
    return DigitImageDataset.from_sources(
        images,
        digits.classes,
        digits.get_metadata(),
        writer_ids=digits.writer_ids,
        cluster_ids=find_clusters(digits),  # the packaged ones are only known by their pixels
        mixture=digits.mixture,
    )


def to_mixture(source: Any) -> Mapping[str, float] | None:
    """Return sources and weights if a mapping or a text names several, else None."""
    if isinstance(source, Mapping):
        return {str(name): weight for name, weight in source.items()}
    return parse_mixture(source) if isinstance(source, str) else None


def _join_ids(ids: Sequence[npt.NDArray[np.int64] | None]) -> npt.NDArray[np.int64] | None:
    """Join ids so that no two parts share one; return None if a part has no ids."""
    joined: list[npt.NDArray[np.int64]] = []
    lowest = 0
    for of_part in ids:
        if of_part is None:
            return None
        moved = of_part if not joined else of_part - of_part.min() + lowest
        lowest = max(lowest, int(moved.max()) + 1)
        joined.append(moved)
    return np.concatenate(joined)
