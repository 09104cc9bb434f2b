"""The life of a writer: a file or folder that is complete or absent, around what each format writes into it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy.typing as npt

from number_generator.formats.schema import pad
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.system.atomic_file import AtomicFile
from number_generator.system.atomic_folder import AtomicFolder, FindObstacle
from number_generator.system.temporaries import open_unnamed_file, translate_errors

Encoded = dict[str, Any]
"""A chunk between `encode` and `write`: by name, arrays and lists of bytes, which a journal can keep."""

Self = TypeVar("Self", bound="BaseWriter")


class BaseWriter:
    """Write a dataset under a temporary name, and move it into place with `commit`.

    A format adds `encode` and `write`, and what begins and ends its files. It enters what it opens into `_open`.
    """

    def __init__(self, target: AtomicFile | AtomicFolder, header: DatasetHeader) -> None:
        self._target = target
        self._header = header
        self._is_finished = False
        self._open = contextlib.ExitStack()
        try:
            with self._translate_errors():
                self._begin()
        except BaseException as exc:
            self.__exit__(type(exc), exc, exc.__traceback__)
            raise

    @property
    def span_multiple(self) -> int:
        """Spans may be of any length."""
        return 1

    @property
    def temporary_path(self) -> Path:
        """The file or folder that is being written."""
        return self._target.temporary_path

    def finish(self) -> None:
        """Write what comes after the last image, and flush everything to disk."""
        if not self._is_finished:
            with self._translate_errors():
                self._end()
                self._open.close()
            self._flush()
            self._is_finished = True

    def commit(self) -> None:
        """Move the dataset to its final name, after finishing it if necessary."""
        self.finish()
        self._target.commit()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        # Closing flushes, which fails again on a full disk.
        with contextlib.suppress(Exception):
            self._open.close()
        self._target.__exit__(kind, error, trace)

    def _begin(self) -> None:
        """Write what comes before the first image."""
        raise NotImplementedError

    def _end(self) -> None:
        """Write what comes after the last image."""
        raise NotImplementedError

    def _flush(self) -> None:
        """Flush everything to disk."""
        self._target.finish()

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn the errors of writing into OutputError."""
        with translate_errors(self._target.path):
            yield


class FileWriter(BaseWriter):
    """Write a dataset into one file."""

    def __init__(self, path: Path, header: DatasetHeader, *, overwrite: bool) -> None:
        self._file = AtomicFile(path, overwrite=overwrite)
        super().__init__(self._file, header)

    def _pad_truth(self, chunk: Chunk) -> dict[str, npt.NDArray[Any]]:
        """Return a chunk's ground truth in the shapes that the whole dataset has."""
        return {field.name: pad(chunk.truth[field.name], field) for field in self._header.fields}

    def _open_waiting_files(self) -> dict[str, IO[bytes]]:
        """Open unnamed files for the labels and the arrays of ground truth, which follow the images in the file."""
        names = ("labels", *(field.name for field in self._header.fields))
        return {name: self._open.enter_context(open_unnamed_file(self._file.path.parent)) for name in names}


class FolderWriter(BaseWriter):
    """Write a dataset into a folder."""

    _holds_many = False
    """Whether there are too many files to flush them one by one."""

    def __init__(
        self, path: Path, header: DatasetHeader, *, overwrite: bool, find_obstacle: FindObstacle | None = None
    ) -> None:
        self._folder = AtomicFolder(path, overwrite=overwrite, find_obstacle=find_obstacle)
        super().__init__(self._folder, header)

    def _flush(self) -> None:
        self._folder.finish(holds_many=self._holds_many)
