"""What a dataset says of itself, in JSON: read back as metadata and the arrays of its ground truth."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from number_generator.formats.paths import MalformedError, check_path, describe_value
from number_generator.formats.schema import DESCRIPTION_FILE, parse_metadata, parse_truth_fields
from number_generator.job.chunk import TruthField
from number_generator.job.spec import MAX_WIDTH

_SPACING = "spacing_range"
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Description:
    """What a dataset says of itself.

    Attributes
    ----------
    shape : (int, int, int) or None
        Number, height and width of the images, where it tells.
    metadata : dict
    fields : tuple of Field
        The arrays of ground truth.
    """

    shape: tuple[int, int, int] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    fields: tuple[TruthField, ...] = ()


def parse_description(found: Any) -> Description:
    """Return what a JSON object says; one that is not of this package is metadata alone.

    Raises
    ------
    MalformedError
        If it is no object, or what it says of the images is nonsense.
    """
    if not isinstance(found, dict):
        raise MalformedError(f"its `metadata` is {describe_value(found)}, not a dict")
    if not {"shape", "fields"} <= found.keys():
        return Description(metadata=restore_pair(found))
    try:
        fields = parse_truth_fields(found)
    except ValueError as exc:
        raise MalformedError(str(exc)) from exc
    return Description(_shape(found["shape"]), restore_pair(parse_metadata(found)), fields)


def read_description(text: bytes, where: str) -> Description:
    """Return what a JSON text says; `where` names the file or key that holds it."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise MalformedError(f"its `{where}` is no JSON ({exc})") from exc
    return parse_description(found)


def read_description_file(path: Path) -> Description:
    """Return what the file of the description in a folder says; nothing for a file, and where there is none."""
    file = path / DESCRIPTION_FILE
    if not path.is_dir() or not file.exists():
        return Description()
    if check_path(file).stat().st_size > _MOST_BYTES:
        raise MalformedError(f"its {DESCRIPTION_FILE} is larger than {_MOST_BYTES} bytes")
    return read_description(file.read_bytes(), DESCRIPTION_FILE)


def restore_pair(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return metadata whose spacing is a pair again, which JSON and HDF5 hold as a list."""
    spacing = metadata.get(_SPACING)
    return {**metadata, _SPACING: tuple(spacing)} if isinstance(spacing, list) else metadata


def _shape(value: Any) -> tuple[int, int, int]:
    """Return the shape of the images, if it can be one."""
    if not isinstance(value, list) or len(value) != 3 or not all(type(size) is int for size in value):
        raise MalformedError(f"its `shape` is {describe_value(value)}, not number, height and width of its images")
    count, height, width = value
    if count < 0 or not 1 <= height <= MAX_WIDTH or not 1 <= width <= MAX_WIDTH:
        raise MalformedError(f"it claims {count} images of {width} x {height} px")
    return count, height, width
