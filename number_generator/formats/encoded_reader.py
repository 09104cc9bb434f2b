"""What the readers of encoded images share: decoding, the description, and ground truth image by image."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.base_reader import Handles, SlicedReader
from number_generator.formats.budget import Budget, check_claim
from number_generator.formats.image_decoding import check_size, decode_image, read_size
from number_generator.formats.paths import MalformedError, check_dataset, reading
from number_generator.formats.schema import MOST_LABEL_BYTES, Description, parse_json, parse_truth_rows
from number_generator.job.chunk import TruthField

IMAGE, LABEL, TRUTH = range(3)
"""What a dataset may hold of each image, encoded."""

_MOST_TRUTH_BYTES = 64 << 20
_BYTES_PER_JSON_BYTE = 8  # that values of Python take
_NUMBERED = re.compile(r"(?P<part>.*?)[-_.]?\d+(?:-of-\d+)?\.\w+", re.DOTALL)


class EncodedReader(SlicedReader[Handles]):
    """A dataset of PNG or JPEG images, read in slices.

    A format adds `_open`, `_describe` and `_read_encoded`. One whose labels and ground truth are not bytes overrides
    `_read_labels` and `_read_rows`, and is asked for images alone.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(check_dataset(path))
        self._last_rows: tuple[range, list[dict[str, Any]]] | None = None
        with reading(self._path, self.valid), self._lend() as handles:
            self._description = self._describe(handles)
            shape, count = self._description.shape, self._count_images(handles)
            if shape is not None:
                check_size(shape[1:], "description")
                if count != shape[0]:
                    raise MalformedError(f"it claims {shape[0]} images and has {count}")
            self.shape = (count, *self._read_first_size(handles)) if shape is None else shape
            stored = self._count_bytes(handles)
            if stored is not None:
                check_claim(stored, self.shape)

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dataset says of itself; empty for datasets of other programs."""
        return dict(self._description.metadata)

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the dataset has."""
        return self._description.fields

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_last_rows": None}

    def _read_first_size(self, handles: Handles) -> tuple[int, int]:
        """Return height and width of the first image, and so of all."""
        if not self._count_images(handles):
            raise MalformedError("it has no image, and no description of their size")
        name, content = next(self._read_encoded(handles, IMAGE, range(1)))
        size = read_size(content, name)
        check_size(size, name)
        return size

    def _read_images(self, handles: Handles, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        images = np.empty((len(numbers), *self.shape[1:]), np.uint8)
        for out, (name, content) in zip(images, self._read_encoded(handles, IMAGE, numbers), strict=True):
            decode_image(content, name, out)
        return images

    def _read_labels(self, handles: Handles, numbers: range) -> list[str]:
        labels, budget = [], self._make_budget(handles)
        for name, content in self._read_encoded(handles, LABEL, numbers):
            budget.charge(len(content))
            labels.append(decode_label(content, name))
        return labels

    def _read_truth(self, handles: Handles, name: str, numbers: range) -> np.ndarray[Any, Any]:
        field = self._find_field(name)
        # The arrays of the same images are read one after the other.
        last = self._last_rows
        if last is None or last[0] != numbers:
            self._last_rows = last = numbers, self._read_rows(handles, numbers)
        return parse_truth_rows(last[1], [field])[name]

    def _read_rows(self, handles: Handles, numbers: range) -> list[dict[str, Any]]:
        """Return the ground truth of each image of a range."""
        rows, budget = [], self._make_budget(handles)
        for name, content in self._read_encoded(handles, TRUTH, numbers):
            budget.charge(_BYTES_PER_JSON_BYTE * len(content))
            rows.append(parse_json_object(content, name))
        return rows

    def _make_budget(self, handles: Handles) -> Budget:
        """Return what a read may take beside the pixels."""
        stored = self._count_bytes(handles)
        return Budget(sys.maxsize if stored is None else stored, len(self))

    def _count_bytes(self, handles: Handles) -> int | None:
        """Return the size of the files; None if nothing in them can be read as a part of several images."""
        return None

    def _describe(self, handles: Handles) -> Description:
        """Return what the dataset says of itself."""
        raise NotImplementedError

    def _read_encoded(self, handles: Handles, kind: int, numbers: range) -> Iterator[tuple[str, bytes]]:
        """Yield a name, for errors, and one kind of content of the images of a range."""
        raise NotImplementedError


def decode_label(label: bytes, name: str) -> str:
    """Return a label as text, or raise MalformedError."""
    if len(label) > MOST_LABEL_BYTES:
        raise MalformedError(f"the label of {name} takes {len(label)} bytes")
    try:
        return label.decode()
    except UnicodeDecodeError as exc:
        raise MalformedError(f"the label of {name} is not text in UTF-8 ({label[:20]!r})") from exc


def parse_json_object(text: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object of an image, or raise MalformedError."""
    if len(text) > _MOST_TRUTH_BYTES:
        raise MalformedError(f"the JSON of {name} takes {len(text)} bytes")
    found = parse_json(text, name)
    if not isinstance(found, dict):
        raise MalformedError(f"the JSON of {name} is not an object")
    return found


def sort_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files of a dataset in their order; reject those of several parts, such as `train` and `test`."""
    files = sorted(paths, key=lambda path: path.name)
    parts = {match["part"] if (match := _NUMBERED.fullmatch(path.name)) else path.stem for path in files}
    if len(parts) > 1:
        raise MalformedError(
            f"it holds several parts ({', '.join(map(repr, sorted(parts)))}): give the path of one file, or move the "
            "parts to folders of their own"
        )
    return files
