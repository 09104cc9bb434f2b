"""What the readers of encoded images share: decoding, the description, and ground truth image by image."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.base_reader import Handles, SlicedReader
from number_generator.formats.budget import Budget, check_claim, check_pixels
from number_generator.formats.image_decoding import check_size, decode_image, find_bits, is_deep_grey, read_size
from number_generator.formats.paths import MalformedError, check_dataset, reading
from number_generator.formats.ragged import Sizes, measure_sizes, pad_images
from number_generator.formats.schema import MOST_LABEL_BYTES, Description, parse_json, parse_truth_rows
from number_generator.job.chunk import Images, TruthField

IMAGE, LABEL, TRUTH = range(3)
"""What a dataset may hold of each image, encoded."""

_MOST_TRUTH_BYTES = 64 << 20
_BYTES_PER_JSON_BYTE = 8  # that values of Python take
_SIZES_AT_ONCE = 256  # of images that may all be of one size
_NUMBERED = re.compile(r"(?P<part>.*?)[-_.]?\d+(?:-of-\d+)?\.\w+", re.DOTALL)


class EncodedReader(SlicedReader[Handles]):
    """A dataset of PNG or JPEG images, read in slices.

    A format adds `_open`, `_describe` and `_read_encoded`. One whose labels and ground truth are not bytes overrides
    `_read_labels` and `_read_rows`, and is asked for images alone.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(check_dataset(path))
        self._last_rows: tuple[range, list[dict[str, Any]]] | None = None
        self._bits: int | None = None  # of grey of 16 bits, in all images; found when the first such is read
        self._count: int | None = None
        self._shape: tuple[int, int, int] | None = None  # of images that no description tells, found when asked for
        self._is_ragged: bool | None = None  # likewise
        self._found_sizes: Sizes | None = None  # zeros where no image was read yet; None if they are known of all
        with reading(self._path, self.valid), self._lend() as handles:
            self._description = self._describe(handles)
            shape, count = self._description.shape, self._count_images(handles)
            if shape is not None:
                if not self._description.is_ragged:  # no image need be as high and as wide
                    check_size(shape[1:], "description")
                if count != shape[0]:
                    raise MalformedError(f"it claims {shape[0]} images and has {count}")
                self._shape, self._is_ragged = shape, self._description.is_ragged
                self.channels = self._description.channels
            elif not count:
                raise MalformedError("it has no image, and no description of their size")
            stored = self._count_bytes(handles)
            if stored is not None:
                check_claim(stored, (count, 1, 1) if shape is None or self._is_ragged else shape)
            self._count = count
            if self._is_ragged is not False:
                self._found_sizes = np.zeros((count, 2), np.int32)
            if shape is None:
                self._read_sizes(handles, range(1))

    def __len__(self) -> int:
        return self._count or 0

    @property
    def shape(self) -> tuple[int, int, int]:  # type: ignore[override] # nobody sets it
        """Number, height and width of the images; where no description tells, the headers of all are read once."""
        if self._shape is None:
            height, width = self.sizes(0, len(self)).max(axis=0).tolist()
            self._shape = len(self), height, width
        return self._shape

    @property
    def is_ragged(self) -> bool:  # type: ignore[override] # likewise
        """Whether the images differ in size; where no description tells, headers are read until two differ."""
        if self._is_ragged is None:
            self._is_ragged = self._find_difference()
            if not self._is_ragged:
                _ = self.shape
                self._found_sizes = None
        return self._is_ragged

    @property
    def known_size(self) -> tuple[int, int] | None:
        """Height and width of the shape; None if all headers would have to be read for it."""
        return None if self._shape is None else self._shape[1:]

    def _find_difference(self) -> bool:
        """Tell whether any image is of another size than the first."""
        first, count = self.sizes(0, 1), len(self)
        return any(
            bool((self.sizes(at, min(at + _SIZES_AT_ONCE, count)) != first).any())
            for at in range(0, count, _SIZES_AT_ONCE)
        )

    def _has_one_size(self) -> bool:
        return self._found_sizes is None

    def _is_open(self) -> bool:
        return self._count is not None

    def iterate_images(self, most_bytes: int) -> Iterator[Images]:
        """Yield each image at its own size, read one by one if they may differ."""
        if self._has_one_size():
            yield from super().iterate_images(most_bytes)
            return
        with reading(self._path, self.valid), self._lend() as handles:
            yield from self._decode_each(handles, range(len(self)))

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

    def _read_images(self, handles: Handles, numbers: range) -> Images:
        if not self._has_one_size():
            pages = self._cut_images(handles, numbers)
            if not pages:
                return self._allocate(0, self._shape[1:] if self._shape else self._read_sizes(handles, range(1))[0])
            stored = self._count_bytes(handles)
            if stored is not None:
                check_pixels(stored, len(pages) * int(measure_sizes(pages).max(axis=0, initial=0).prod(dtype=np.int64)))
            return pad_images(pages)
        images = self._allocate(len(numbers), self.shape[1:])
        for out, (name, content) in zip(images, self._read_encoded(handles, IMAGE, numbers), strict=True):
            self._decode(handles, content, name, out)
        return images

    def _cut_images(self, handles: Handles, numbers: range) -> list[Images]:
        if self._has_one_size():
            return super()._cut_images(handles, numbers)
        pages: list[Images] = []
        stored, pixels = self._count_bytes(handles), 0
        for page in self._decode_each(handles, numbers):
            pages.append(page)
            pixels += page.shape[0] * page.shape[1]
            if stored is not None:
                check_pixels(stored, pixels)
        return pages

    def _decode_each(self, handles: Handles, numbers: range) -> Iterator[Images]:
        """Yield images that may differ in size."""
        for number, (name, content) in zip(numbers, self._read_encoded(handles, IMAGE, numbers), strict=True):
            (page,) = self._allocate(1, self._note_size(number, content, name))
            self._decode(handles, content, name, page)
            yield page

    def _read_sizes(self, handles: Handles, numbers: range) -> Sizes:
        found = self._found_sizes
        if found is None:  # another thread has found that all are of one size
            return np.full((len(numbers), 2), self.shape[1:], np.int32)
        sizes = found[numbers.start : numbers.stop : numbers.step].copy()
        unknown = np.flatnonzero(sizes[:, 0] == 0)
        if len(unknown):
            missing = range(int(unknown[0]), int(unknown[-1]) + 1)
            contents = self._read_encoded(handles, IMAGE, numbers[missing.start : missing.stop])
            for row, (name, content) in zip(missing, contents, strict=True):
                sizes[row] = self._note_size(numbers[row], content, name)
        return sizes

    def _note_size(self, number: int, content: bytes, name: str) -> tuple[int, int]:
        """Return height and width of an image, which its description must allow, and remember them."""
        size = read_size(content, name)
        check_size(size, name)
        described = self._description.shape
        if described is not None and (size[0] > described[1] or size[1] > described[2]):
            raise MalformedError(
                f"its image {name} is {size[1]} x {size[0]} px, and its description says that none is larger than "
                f"{described[2]} x {described[1]} px"
            )
        found = self._found_sizes  # which another thread may take away
        if found is not None:
            found[number] = size
        return size

    def _allocate(self, count: int, size: Sequence[int]) -> Images:
        """Return an array for images of one size."""
        return np.empty((count, *size) if self.channels == 1 else (count, *size, self.channels), np.uint8)

    def _decode(self, handles: Handles, content: bytes, name: str, out: Images) -> None:
        decode_image(content, name, out, bits=self._find_bits(handles) if is_deep_grey(content) else None)

    def _find_bits(self, handles: Handles) -> int | None:
        """Return how many bits the grey of the first image has; None if it is not of 16 bits itself."""
        if self._bits is None:
            name, content = next(self._read_encoded(handles, IMAGE, range(1)))
            self._bits = find_bits(content, name) if is_deep_grey(content) else None
        return self._bits

    def _read_labels(self, handles: Handles, numbers: range) -> list[str]:
        labels, budget = [], self._make_budget(handles)
        for number, (name, content) in zip(numbers, self._read_encoded(handles, LABEL, numbers), strict=True):
            budget.charge(len(content))
            labels.append(self._decode_label(handles, number, content, name))
        return labels

    def _decode_label(self, handles: Handles, number: int, content: bytes, name: str) -> str:
        """Return the label of an image from what holds it."""
        return decode_label(content, name)

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
