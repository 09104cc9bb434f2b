"""What all readers share: ranges that are checked, and content that each process opens for itself."""

from __future__ import annotations

import operator
import os
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from number_generator.errors import DatasetError, DatasetIndexError, SpecError
from number_generator.formats.paths import reading
from number_generator.job.chunk import TruthField

Handles = TypeVar("Handles")
Self = TypeVar("Self", bound="SlicedReader[Any]")


class SlicedReader(Generic[Handles]):
    """A dataset that is read in slices, however large it is.

    A reader can be pickled and survives a fork: each process opens the content for itself. A format adds `_open`,
    `_read_images`, `_read_labels`, and what its description needs.

    Parameters
    ----------
    path : Path
        Checked, of a file or a folder.
    """

    valid: ClassVar[str]
    """A sentence that says what a valid dataset of the format looks like."""

    def __init__(self, path: Path) -> None:
        # Absolute, as another process or a later call may have another current folder.
        self._path = path.absolute()
        self._is_closed = False
        self._handles: tuple[int, Handles] | None = None
        self._shape: tuple[int, int, int] = (0, 0, 0)
        self._chunk_length = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number, height and width of the images."""
        return self._shape

    @property
    def chunk_length(self) -> int:
        """Images that are stored, and so read, together; 1 if each can be read alone."""
        return self._chunk_length

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dataset tells of itself, as plain Python values."""
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
        return self._shape[0]

    def image(self, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return one image, shape (height, width), as an array of the caller's own.

        Raises
        ------
        DatasetIndexError
            If `number` is not in `range(len(self))`.
        """
        index = _index("number", number)
        if not 0 <= index < len(self):
            raise DatasetIndexError(f"{self._path}: there is no image {index}: it has {len(self)}, from 0 on")
        return self._read_image(index)

    def images(self, start: int, stop: int, step: int = 1) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return every `step`-th image of a half-open range, shape (k, height, width).

        Raises
        ------
        DatasetIndexError
            If the range leaves that of the dataset.
        """
        numbers = self._range(start, stop, step)
        with reading(self._path, self.valid):
            return self._read_images(self._opened(), numbers)

    def labels(self, start: int, stop: int, step: int = 1) -> list[str]:
        """Return the labels of the images of a range; integers become strings.

        Raises
        ------
        DatasetIndexError
            If the range leaves that of the dataset.
        """
        numbers = self._range(start, stop, step)
        with reading(self._path, self.valid):
            return self._read_labels(self._opened(), numbers)

    def truth(self, name: str, start: int, stop: int, step: int = 1) -> np.ndarray[Any, Any]:
        """Return the ground truth of one name, for the images of a range.

        Raises
        ------
        DatasetIndexError
            If the range leaves that of the dataset.
        """
        numbers = self._range(start, stop, step)
        with reading(self._path, self.valid):
            return self._read_truth(self._opened(), name, numbers)

    def close(self) -> None:
        """Close what is open; a second call does nothing."""
        self._is_closed = True
        handles, self._handles = self._handles, None
        if handles is not None:
            with reading(self._path, self.valid):
                self._let_go(handles[1])

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        # What is open belongs to its process.
        return {**self.__dict__, "_handles": None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._path)!r})"

    def _opened(self) -> Handles:
        """Return what is open, which a process opens when it first needs it."""
        handles = self._handles
        if handles is not None and handles[0] == os.getpid():
            return handles[1]
        if self._is_closed:
            raise SpecError(f"{self._path}: the reader is closed; open another")
        if handles is not None:
            self._leave_to_parent(handles[1])
        opened = self._open()
        if self._shape[1] and self._count(opened) != self._shape[0]:
            self._let_go(opened)
            raise DatasetError(f"{self._path}: the dataset has changed since it was opened; open it again")
        self._handles = os.getpid(), opened
        return opened

    def _open(self) -> Handles:
        """Open the content."""
        raise NotImplementedError

    def _count(self, handles: Handles) -> int:
        """Return the number of images."""
        raise NotImplementedError

    def _let_go(self, handles: Handles) -> None:
        """Close what `_open` gave."""
        raise NotImplementedError

    def _leave_to_parent(self, handles: Handles) -> None:
        """After a fork, put away what belongs to the parent."""

    def _read_image(self, number: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return self.images(number, number + 1)[0]

    def _read_images(self, handles: Handles, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        raise NotImplementedError

    def _read_labels(self, handles: Handles, numbers: range) -> list[str]:
        raise NotImplementedError

    def _read_truth(self, handles: Handles, name: str, numbers: range) -> np.ndarray[Any, Any]:
        raise NotImplementedError

    def _range(self, start: int, stop: int, step: int) -> range:
        """Return the checked range."""
        first, end, stride = _index("start", start), _index("stop", stop), _index("step", step)
        if stride < 1:
            raise SpecError(f"step is {stride}: it must be at least 1")
        if not 0 <= first <= end <= len(self):
            raise DatasetIndexError(
                f"{self._path}: there is no range {first} to {end}: it has {len(self)} images, from 0 on"
            )
        return range(first, end, stride)


def _index(name: str, value: int) -> int:
    """Return an integer argument."""
    try:
        return operator.index(value)
    except TypeError as exc:
        raise SpecError(f"{name} is {value!r}: it must be an integer") from exc
