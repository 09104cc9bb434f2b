"""What the readers of encoded images share: decoding, the description, and ground truth image by image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from number_generator.formats.base_reader import SlicedReader
from number_generator.formats.image_decoding import check_size, decode_image, read_size
from number_generator.formats.paths import MalformedError, reading
from number_generator.formats.schema import Description, parse_json, parse_truth_rows
from number_generator.job.chunk import TruthField

MOST_LABEL_BYTES = 1 << 16
"""What one label may take: a sequence may hold 10,000 digits."""

_MOST_TRUTH_BYTES = 64 << 20
_NUMBERED = re.compile(r"(?P<part>.*?)[-_.]?\d+(?:-of-\d+)?\.\w+", re.DOTALL)

Handles = TypeVar("Handles")


class EncodedReader(SlicedReader[Handles]):
    """A dataset of PNG or JPEG images, read in slices.

    A format adds `_open`, `_count`, `_describe`, `_encoded`, `_read_labels`, and `_rows` where it has ground truth.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._last_rows: tuple[range, list[dict[str, Any]]] | None = None
        with reading(self._path, self.valid):
            handles = self._opened()
            described = self._describe(handles)
            self._description = described
            if described.shape is None:
                self._shape = (self._count(handles), *self._first_size(handles))
            else:
                check_size(described.shape[1:], "description")
                self._shape = described.shape
                self._check_count(handles)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dataset tells of itself; empty for datasets of other programs."""
        return dict(self._description.metadata)

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the dataset has."""
        return self._description.fields

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_last_rows": None}

    def _check_count(self, handles: Handles) -> None:
        """Refuse a dataset that describes another number of images than it has."""
        count = self._count(handles)
        if count != self._shape[0]:
            raise MalformedError(f"it claims {self._shape[0]} images and has {count}")

    def _first_size(self, handles: Handles) -> tuple[int, int]:
        """Return the size of the first image, which is that of all."""
        if not self._count(handles):
            raise MalformedError("it has no image, and nothing tells their size")
        for name, content in self._encoded(handles, range(1)):
            size = read_size(content, name)
            check_size(size, name)
            return size
        raise MalformedError("it has no image")

    def _read_images(self, handles: Handles, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        images = np.empty((len(numbers), *self._shape[1:]), np.uint8)
        for out, (name, content) in zip(images, self._encoded(handles, numbers), strict=True):
            decode_image(content, name, out)
        return images

    def _read_truth(self, handles: Handles, name: str, numbers: range) -> np.ndarray[Any, Any]:
        field = next((field for field in self.fields if field.name == name), None)
        if field is None:
            raise MalformedError(f"it has no `{name}`")
        # The arrays of the same images are asked for one after the other.
        if self._last_rows is None or self._last_rows[0] != numbers:
            self._last_rows = numbers, self._rows(handles, numbers)
        return parse_truth_rows(self._last_rows[1], [field])[name]

    def _describe(self, handles: Handles) -> Description:
        """Return what the dataset says of itself."""
        raise NotImplementedError

    def _encoded(self, handles: Handles, numbers: range) -> Iterator[tuple[str, bytes]]:
        """Give name and content of the images of a range."""
        raise NotImplementedError

    def _rows(self, handles: Handles, numbers: range) -> list[dict[str, Any]]:
        """Return the ground truth of each image of a range."""
        raise NotImplementedError


def label_text(label: bytes, name: str) -> str:
    """Return a label as text, or refuse what cannot be one."""
    if len(label) > MOST_LABEL_BYTES:
        raise MalformedError(f"the label of {name} takes {len(label)} bytes")
    try:
        return label.decode()
    except UnicodeDecodeError as exc:
        raise MalformedError(f"the label of {name} is no text in UTF-8 ({label[:20]!r})") from exc


def json_object(text: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object of an image, or refuse what is none."""
    if len(text) > _MOST_TRUTH_BYTES:
        raise MalformedError(f"the JSON of {name} takes {len(text)} bytes")
    found = parse_json(text, name)
    if not isinstance(found, dict):
        raise MalformedError(f"the JSON of {name} is not an object")
    return found


def one_part(paths: Iterable[Path]) -> list[Path]:
    """Return the files of a dataset in their order, or refuse those of several parts, such as `train` and `test`."""
    files = sorted(paths, key=lambda path: path.name)
    parts = {match["part"] if (match := _NUMBERED.fullmatch(path.name)) else path.stem for path in files}
    if len(parts) > 1:
        raise MalformedError(
            f"it holds several parts ({', '.join(map(repr, sorted(parts)))}): give the path of one file, or move the "
            "parts to folders of their own"
        )
    return files
