"""Which column of another program's table holds what: one rule for Parquet, CSV, JSON and the samples of WebDataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from number_generator.formats.paths import MalformedError
from number_generator.system.checks import format_value

IMAGE_NAMES = ("image", "img", "images", "jpg", "png")
"""Usual names of a column of images, the first of which counts."""
FILE_NAMES = ("file_name", "filename", "image", "file", "path", "image_path")
"""Usual names of a column of paths, likewise."""
LABEL_NAMES = ("text", "label", "labels", "words", "transcription", "ground_truth", "cls")
"""Usual names of a column of labels, likewise."""

_MOST_NAMES = 12  # in an error


def choose_column(what: str, known: Sequence[str], fitting: Sequence[str], names: Sequence[str]) -> str:
    """Return which column holds something: that of the first usual name among those that fit, or the only one.

    Parameters
    ----------
    what : str
        What it holds, for errors: "labels".
    known : sequence of str
        The usual names.
    fitting : sequence of str
        The columns whose values may be that.
    names : sequence of str
        All columns. If one of them has a usual name and does not fit, no other is taken in its place.

    Raises
    ------
    MalformedError
        If no column is it, or several may be.

    Examples
    --------
    >>> choose_column("labels", LABEL_NAMES, ["id", "label"], ["id", "image", "label"])
    'label'
    """
    chosen = next((name for name in known if name in fitting), None)
    if chosen is None and len(fitting) == 1 and not set(known) & set(names):
        chosen = fitting[0]
    if chosen is None:
        found = ", ".join(map(format_value, names[:_MOST_NAMES]))
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        raise MalformedError(
            f"no column is that of the {what} (it has {found or 'nothing'}{more}): give it the name {known[0]!r}"
        )
    return chosen


def find_label(row: Mapping[str, Any], *others: str) -> str:
    """Return the label in an object of JSON, a text or a whole number, which is under none of some other names."""
    fitting = [name for name, value in row.items() if name not in others and type(value) in (str, int)]
    return str(row[choose_column("labels", LABEL_NAMES, fitting, list(row))])
