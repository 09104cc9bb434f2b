"""Which columns of a Parquet file hold images and labels, by their types and names, and what their values mean."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from number_generator.formats.columns import FILE_NAMES, IMAGE_NAMES, LABEL_NAMES, choose_column
from number_generator.formats.paths import MalformedError
from number_generator.formats.schema import MOST_LABEL_BYTES
from number_generator.system.checks import format_value
from number_generator.system.optional import import_optional

_HUGGING_FACE = b"huggingface"
_BYTES, _PATH = "bytes", "path"
_MOST_CLASSES = 1 << 16


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file that are read.

    Attributes
    ----------
    image, label : str
        Their names.
    classes : tuple of str or None
        The labels that whole numbers stand for, from 0 on; None if the values are the labels themselves.
    """

    image: str
    label: str
    classes: tuple[str, ...] | None

    def parse_label(self, value: Any, name: str) -> str:
        """Return the label that a value of the column means; `name` is that of the image, for errors."""
        if type(value) is int and self.classes is not None:
            if not 0 <= value < len(self.classes):
                raise MalformedError(
                    f"the {self.label} of image {name} is {value}, and its classes are numbered from 0 to "
                    f"{len(self.classes) - 1}"
                )
            return self.classes[value]
        if type(value) is int:
            return str(value)
        if not isinstance(value, str) or len(value) > MOST_LABEL_BYTES:
            raise MalformedError(f"the {self.label} of image {name} is {format_value(value)}, not a label")
        return value

    def find_content(self, value: Any, name: str) -> bytes | str:
        """Return the content of an image, or else its path, from a value of the column; `name` is for errors."""
        found = (value.get(_BYTES), value.get(_PATH)) if isinstance(value, dict) else (value,)
        for each in found:
            if isinstance(each, (bytes, str)):
                return each
        raise MalformedError(f"its image {name} has no bytes that could be an image, and no path")


def choose_columns(schema: Any, ignored: Iterable[str]) -> Columns:
    """Return which columns of Arrow's schema of a file are read; those of ground truth are ignored."""
    types = import_optional("pyarrow", "parquet", "a Parquet dataset").types
    names = [name for name in schema.names if name not in ignored]
    kinds = {name: schema.field(name).type for name in names}
    images = [name for name in names if _holds_images(types, kinds[name])]
    # A text may be the path of an image only where nothing else is one.
    paths = [] if images else [name for name in FILE_NAMES if name in kinds and _is_text(types, kinds[name])]
    image = choose_column("images", (*IMAGE_NAMES, *FILE_NAMES), images or paths, names)
    labels = [
        name for name in names if name != image and (_is_text(types, kinds[name]) or types.is_integer(kinds[name]))
    ]
    label = choose_column("labels", LABEL_NAMES, labels, names)
    return Columns(image, label, _read_classes(schema.metadata, label))


def _holds_images(types: Any, kind: Any) -> bool:
    """Tell whether a type is that of encoded images, or of structures with their bytes or their path."""
    if types.is_struct(kind):
        fields = {kind.field(number).name: kind.field(number).type for number in range(kind.num_fields)}
        return (_BYTES in fields and _is_binary(types, fields[_BYTES])) or (
            _PATH in fields and _is_text(types, fields[_PATH])
        )
    return _is_binary(types, kind)


def _is_binary(types: Any, kind: Any) -> bool:
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _is_text(types: Any, kind: Any) -> bool:
    value = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(value) or types.is_large_string(value))


def _read_classes(metadata: dict[bytes, bytes] | None, label: str) -> tuple[str, ...] | None:
    """Return the names of the classes of a column that Hugging Face's description of the file lists; None if none."""
    try:
        feature = json.loads((metadata or {})[_HUGGING_FACE])["info"]["features"][label]
        names = feature["names"]
        if feature["_type"] != "ClassLabel":
            return None
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    is_list = isinstance(names, list) and len(names) <= _MOST_CLASSES
    if not is_list or not all(isinstance(name, str) and len(name) <= MOST_LABEL_BYTES for name in names):
        raise MalformedError(f"the names of the classes of its column {format_value(label)} are no list of labels")
    return tuple(names)
