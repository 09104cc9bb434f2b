"""What the writers that write folders share: the life of a writer, around what each of them writes."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from number_generator.job.chunk import DatasetHeader
from number_generator.system.atomic_folder import AtomicFolder, FindObstacle
from number_generator.system.temporaries import translate_errors

__all__ = ["FolderWriter"]

Self = TypeVar("Self", bound="FolderWriter")


class FolderWriter:
    """Write a dataset into a folder; a format adds `encode` and `write`, and what begins and ends its files.

    Images are numbered as they are written, from 0 on. What is open is entered into `_open`.
    """

    _holds_many = False
    """Whether there are too many files to flush them one by one."""

    def __init__(
        self, path: Path, header: DatasetHeader, *, overwrite: bool, find_obstacle: FindObstacle | None = None
    ) -> None:
        self._header = header
        self._folder = AtomicFolder(path, overwrite=overwrite, find_obstacle=find_obstacle)
        self._is_ended = False
        self._open = contextlib.ExitStack()
        try:
            with self._translated():
                self._begin()
        except BaseException:
            self._discard()
            raise

    @property
    def span_multiple(self) -> int:
        """Spans may be of any length."""
        return 1

    @property
    def temporary_path(self) -> Path:
        """The folder that is being written."""
        return self._folder.temporary_path

    def finish(self) -> None:
        """Write what comes after the last image, and flush all files to disk."""
        if not self._is_ended:
            with self._translated():
                self._end()
                self._open.close()
            self._folder.finish(holds_many=self._holds_many)
            self._is_ended = True

    def commit(self) -> None:
        """Move the folder to its final name, finished first if it is not yet."""
        self.finish()
        self._folder.commit()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    def _begin(self) -> None:
        """Write what comes before the first image."""
        raise NotImplementedError

    def _end(self) -> None:
        """Write what comes after the last image."""
        raise NotImplementedError

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the errors of whatever writes into OutputError."""
        with translate_errors(self._folder.path):
            yield

    def _discard(self) -> None:
        # Closing flushes, which fails again on a full disk.
        with contextlib.suppress(Exception):
            self._open.close()
        self._folder.discard()
