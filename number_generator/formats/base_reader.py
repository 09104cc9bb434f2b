"""What all readers share: ranges that are checked, and content that each process opens for itself."""

from __future__ import annotations

import math
import operator
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import numpy as np

from number_generator.errors import DatasetError, DatasetIndexError, SpecError
from number_generator.formats.labels import clean_labels
from number_generator.formats.paths import MalformedError, reading
from number_generator.formats.ragged import Sizes, count_fitting, cut_images
from number_generator.job.chunk import Images, TruthField

_SIZES_A_READ = 4096


class Content(Protocol):
    """What a reader has open."""

    def __len__(self) -> int: ...

    def close(self) -> None:
        """Close the files."""
        ...


Handles = TypeVar("Handles", bound=Content)
Self = TypeVar("Self", bound="SlicedReader[Any]")


class _Loan(Generic[Handles]):
    """What a process has open, lent to each read as a context; it is closed when the last of its users lets go."""

    def __init__(self, content: Handles) -> None:
        self.content = content
        self._lock = threading.Lock()
        self._users = 1  # the reader that it belongs to

    def take(self) -> bool:
        """Count another user; return False if the content is closed."""
        with self._lock:
            if not self._users:
                return False
            self._users += 1
            return True

    def drop(self) -> None:
        """Count a user less."""
        with self._lock:
            self._users -= 1
            is_last = not self._users
        if is_last:
            self.content.close()

    def __enter__(self) -> Handles:
        return self.content

    def __exit__(self, *_: object) -> None:
        self.drop()


class SlicedReader(Generic[Handles]):
    """A dataset that is read in slices, however large it is.

    A reader can be pickled and survives a fork: each process opens the content for itself. Threads may share one: what
    a thread reads stays open until it has done so, even if another closes the reader. A format adds `_open`,
    `_read_images`, `_read_labels`, `metadata` and `fields`, and `_read_truth` if it has ground truth; many threads may
    call them at once, with the same content.

    Raises
    ------
    DatasetIndexError
        By a method whose images are not all within the dataset.
    SpecError, DatasetNotFoundError, DatasetReadError, DatasetError
        As by `load_arrays`: the last two by every method, if the content turns out to be damaged.
    """

    valid: ClassVar[str]
    """A sentence that says what a valid dataset of the format looks like."""
    shape: tuple[int, int, int] = (0, 0, 0)
    """Number of the images, and their height and width; if they differ in size, of the highest and the widest."""
    is_ragged: bool = False
    """Whether the images differ in size."""
    channels: int = 1
    """1 for images in grey, 3 for colour."""
    is_padded: bool = False
    """Whether several images that differ in size are read as large as the largest of the dataset."""
    chunk_length = 1
    """Images that are stored, and so read, together; 1 if each can be read alone."""

    def __init__(self, path: Path) -> None:
        # Absolute, as another process or a later call may have another current folder.
        self._path = path.absolute()
        self._is_closed = False
        self._loans: dict[int, _Loan[Handles]] = {}  # by process; no lock, which a fork could leave held for ever

    @property
    def path(self) -> Path:
        """Where the dataset is, as an absolute path."""
        return self._path

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dataset says of itself, as plain Python values."""
        raise NotImplementedError

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the dataset has."""
        raise NotImplementedError

    @property
    def truth_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(field.name for field in self.fields)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def array_shape(self) -> tuple[int, ...]:
        """The shape of an array of all images: (N, H, W), or (N, H, W, 3) in colour."""
        return self.shape if self.channels == 1 else (*self.shape, self.channels)

    @property
    def known_size(self) -> tuple[int, int] | None:
        """Height and width of the shape; None if all headers would have to be read for it."""
        return self.shape[1:]

    def image(self, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return one image, shape (height, width) or (height, width, 3), at its own size, as the caller's own array."""
        index = _check_index("number", number)
        if not 0 <= index < len(self):
            raise DatasetIndexError(f"{self._path}: there is no image {index}: it has {len(self)}, from 0 on")
        return self._read_image(index)

    def images(self, start: int, stop: int, step: int = 1) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return every `step`-th image of a half-open range, shape (k, height, width) or (k, height, width, 3).

        If images differ in size, the array is as high and wide as `shape` says or as the largest image here: each is in
        its upper left corner, at the size that `sizes` tells, and the rest is 255.
        """
        numbers = self._check_range(start, stop, step)
        with reading(self._path, self.valid), self._lend() as handles:
            return self._read_images(handles, numbers)

    def cut_images(self, start: int, stop: int, step: int = 1) -> list[Images]:
        """Return the images of a range, each at its own size."""
        numbers = self._check_range(start, stop, step)
        with reading(self._path, self.valid), self._lend() as handles:
            return self._cut_images(handles, numbers)

    def sizes(self, start: int, stop: int, step: int = 1) -> Sizes:
        """Return height and width of the images of a range, shape (k, 2)."""
        numbers = self._check_range(start, stop, step)
        if self._has_one_size():
            return np.full((len(numbers), 2), self.shape[1:], np.int32)
        with reading(self._path, self.valid), self._lend() as handles:
            return self._read_sizes(handles, numbers)

    def split(
        self, start: int, stop: int, most_bytes: int, multiple: int = 1, *, padded: bool = False
    ) -> Iterator[range]:
        """Yield runs of a range of images, whose arrays take at most so many bytes, or else are of `multiple` images.

        All but the last are of a multiple of as many images. If `padded`, each image counts as the largest.
        """
        at = self._check_range(start, stop, 1).start
        most_pixels = most_bytes // self.channels
        if padded or self.is_padded or self._has_one_size():
            length = max(1, most_pixels // (math.prod(self.shape[1:]) or 1) // multiple) * multiple
            yield from (range(first, min(first + length, stop)) for first in range(at, stop, length))
            return
        while at < stop:
            sizes = self.sizes(at, min(stop, at + max(multiple, _SIZES_A_READ)))
            length = min(count_fitting(sizes, most_pixels, multiple), stop - at)
            yield range(at, at + length)
            at += length

    def iterate_images(self, most_bytes: int) -> Iterator[Images]:
        """Yield each image at its own size; as many are read at a time as an array of so many bytes holds."""
        for run in self.split(0, len(self), most_bytes):
            yield from self.cut_images(run.start, run.stop)

    def labels(self, start: int, stop: int, step: int = 1) -> list[str]:
        """Return the labels of the images of a range; integers become strings, and line ends after them go."""
        numbers = self._check_range(start, stop, step)
        with reading(self._path, self.valid), self._lend() as handles:
            return self._clean_labels(self._read_labels(handles, numbers), numbers)

    def truth(self, name: str, start: int, stop: int, step: int = 1) -> np.ndarray[Any, Any]:
        """Return the ground truth of one name, for the images of a range."""
        numbers = self._check_range(start, stop, step)
        with reading(self._path, self.valid), self._lend() as handles:
            return self._read_truth(handles, name, numbers)

    def close(self) -> None:
        """Close what is open, once no other thread is reading from it; a second call does nothing."""
        self._is_closed = True
        for process in list(self._loans):
            loan = self._loans.pop(process, None)
            if loan is None:
                continue
            with reading(self._path, self.valid):
                if process == os.getpid():
                    loan.drop()
                else:
                    self._leave_to_parent(loan.content)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        # What is open belongs to its process.
        return {**self.__dict__, "_loans": {}}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._path)!r})"

    def _lend(self) -> AbstractContextManager[Handles]:
        """Return what is open, as a context for one read; a process opens it when it first needs it."""
        loan = self._loans.get(os.getpid())
        if loan is None and not self._is_closed:
            loan = self._open_here()
        if loan is None or not loan.take():
            raise SpecError(f"{self._path}: the reader is closed; open another")
        return loan

    def _open_here(self) -> _Loan[Handles]:
        """Open the content for this process; several threads may do so at once, and the first one's counts."""
        process = os.getpid()
        for other in self._loans.keys() - {process}:
            loan = self._loans.pop(other, None)
            if loan is not None:
                self._leave_to_parent(loan.content)
        opened = _Loan(self._open())
        if self._is_open() and self._count_images(opened.content) != len(self):
            opened.drop()
            raise DatasetError(f"{self._path}: the dataset has changed since it was opened; open it again")
        loan = self._loans.setdefault(process, opened)
        if loan is not opened:
            opened.drop()
        if self._is_closed:  # meanwhile, by another thread that did not see it
            self.close()
        return loan

    def _open(self) -> Handles:
        """Open the content."""
        raise NotImplementedError

    def _count_images(self, handles: Handles) -> int:
        return len(handles)

    def _is_open(self) -> bool:
        """Tell whether the number of images has been found."""
        return self.shape[1] > 0

    def _has_one_size(self) -> bool:
        """Tell whether it is known that all images are of one size."""
        return not self.is_ragged

    def _leave_to_parent(self, handles: Handles) -> None:
        """Drop what belongs to the parent, after a fork."""

    def _read_image(self, number: int) -> Images:
        if self._has_one_size():
            return self.images(number, number + 1)[0]
        return self.cut_images(number, number + 1)[0]

    def _cut_images(self, handles: Handles, numbers: range) -> list[Images]:
        images = self._read_images(handles, numbers)
        if self._has_one_size():
            return list(images)
        # Copies, as views would keep the padding in memory.
        return [page.copy() for page in cut_images(images, self._read_sizes(handles, numbers))]

    def _read_images(self, handles: Handles, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        raise NotImplementedError

    def _read_sizes(self, handles: Handles, numbers: range) -> Sizes:
        """Return the sizes of images that differ in size."""
        raise NotImplementedError

    def _read_labels(self, handles: Handles, numbers: range) -> list[str]:
        raise NotImplementedError

    def _clean_labels(self, labels: list[str], numbers: range) -> list[str]:
        """Return labels of one line each, or raise MalformedError."""
        return clean_labels(labels, numbers)

    def _read_truth(self, handles: Handles, name: str, numbers: range) -> np.ndarray[Any, Any]:
        raise NotImplementedError

    def _find_field(self, name: str) -> TruthField:
        """Return the field of the ground truth of a name, or raise MalformedError."""
        field = next((field for field in self.fields if field.name == name), None)
        if field is None:
            raise MalformedError(f"it has no `{name}`")
        return field

    def _check_range(self, start: int, stop: int, step: int) -> range:
        """Return the images of a range within the dataset, or raise SpecError or DatasetIndexError."""
        first, end, stride = _check_index("start", start), _check_index("stop", stop), _check_index("step", step)
        if stride < 1:
            raise SpecError(f"step is {stride}: it must be at least 1")
        if not 0 <= first <= end <= len(self):
            raise DatasetIndexError(
                f"{self._path}: there is no range {first} to {end}: it has {len(self)} images, from 0 on"
            )
        return range(first, end, stride)


def _check_index(name: str, value: int) -> int:
    """Return an integer argument, or raise SpecError."""
    try:
        return operator.index(value)
    except TypeError as exc:
        raise SpecError(f"{name} is {value!r}: it must be an integer") from exc
