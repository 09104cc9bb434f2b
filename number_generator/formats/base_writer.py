"""The life of a writer: a file or folder that is complete or absent, around what each format writes into it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt

from number_generator.formats.schema import HEIGHTS, PADDING, WIDTHS, pad
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
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
    """Write a dataset of arrays into one file."""

    def __init__(self, path: Path, header: DatasetHeader, *, overwrite: bool) -> None:
        self._file = AtomicFile(path, overwrite=overwrite)
        self._differ_in_height = False  # of the images so far
        super().__init__(self._file, header)

    def _pad_images(self, chunk: Chunk) -> npt.NDArray[np.uint8]:
        """Return a chunk's images as high and wide as the whole dataset says."""
        return pad(chunk.images, TruthField("images", self._header.array_shape[1:], "uint8", PADDING, {}))

    def _pad_beside(self, chunk: Chunk) -> dict[str, npt.NDArray[Any]]:
        """Return what follows images and labels: sizes, and ground truth in the shapes that the whole dataset has."""
        arrays = {field.name: pad(chunk.truth[field.name], field) for field in self._header.fields}
        if self._header.is_ragged:
            assert chunk.sizes is not None  # noqa: S101 - as the header says
            arrays[WIDTHS], arrays[HEIGHTS] = chunk.sizes[:, 1], chunk.sizes[:, 0]
        return arrays

    def _note_heights(self, encoded: Encoded) -> None:
        """Note whether the images of an encoded chunk differ in height: `heights` is written only then."""
        if self._header.is_ragged:
            self._differ_in_height |= bool((encoded[HEIGHTS] != self._header.shape[1]).any())

    def _list_sizes(self) -> list[str]:
        """List the arrays of sizes that the file holds, once all images are known."""
        return [WIDTHS, *[HEIGHTS] * self._differ_in_height] if self._header.is_ragged else []

    def _open_waiting_files(self) -> dict[str, IO[bytes]]:
        """Open unnamed files for labels, sizes and the arrays of ground truth, which follow the images in the file."""
        sizes = (WIDTHS, HEIGHTS) if self._header.is_ragged else ()
        names = ("labels", *sizes, *(field.name for field in self._header.fields))
        return {name: self._open_waiting_file() for name in names}

    def _open_waiting_file(self) -> IO[bytes]:
        return self._open.enter_context(open_unnamed_file(self._file.path.parent))


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
