"""An HDF5 file that is whole or not there, and what each of this package has: metadata, the type of its labels."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import h5py
import numpy as np

from number_generator.errors import OutputError, SpecError
from number_generator.formats.schema import JSON_ATTRIBUTE
from number_generator.job.spec import SOURCE_DIGITS
from number_generator.system.atomic_file import AtomicFile
from number_generator.system.temporaries import NOTHING_LEFT, translate_errors

__all__ = ["AtomicHdf5", "label_type", "write_metadata"]

Self = TypeVar("Self", bound="AtomicHdf5")


class AtomicHdf5:
    """A new HDF5 file under a temporary name, moved into place by `commit`.

    Use it as a context manager: leaving it without `commit` removes what was written.

    Parameters
    ----------
    path : Path
        The final name.
    overwrite : bool
        Whether `commit` may replace a file of that name.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._file = AtomicFile(path, overwrite=overwrite)
        self._h5: Any = None
        try:
            with self._translated():
                # The temporary is locked already, by us: HDF5's own lock would meet ours.
                self._h5 = h5py.File(self._file.temporary_path, "w", locking=False)
        except BaseException:
            self._discard()
            raise

    @property
    def temporary_path(self) -> Path:
        """The file that is being written."""
        return self._file.temporary_path

    @contextlib.contextmanager
    def writing(self) -> Iterator[Any]:
        """Give the open `h5py.File`; what goes wrong inside the block becomes one error."""
        with self._translated():
            yield self._h5

    def finish(self) -> None:
        """Close the HDF5 file and flush it to disk."""
        if self._h5 is not None:
            with self._translated():
                self._h5.close()
            self._h5 = None
        self._file.finish()

    def commit(self) -> None:
        """Move the file to its final name, finished first if it is not yet."""
        if self._h5 is not None:
            self.finish()
        self._file.commit()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._discard()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn HDF5's errors into OutputError; after a failed write it raises RuntimeError as well."""
        with translate_errors(self._file.path):
            try:
                yield
            except SpecError:
                raise
            except (OSError, RuntimeError, ValueError) as exc:
                found = re.search(r"error message = '([^']+)'", str(exc))
                reason = found.group(1) if found else str(exc)
                raise OutputError(f"cannot write {self._file.path}: {reason}{NOTHING_LEFT}") from exc

    def _discard(self) -> None:
        if self._h5 is not None:
            # Emptying the file gives back the space that closing it needs: HDF5 crashes at exit where it could not
            # write its last words. Closing may fail all the same, and must not keep the file from being removed.
            with contextlib.suppress(OSError):
                self._file.file.truncate(0)
            with contextlib.suppress(OSError, RuntimeError, ValueError):
                self._h5.close()
        self._file.discard()


def write_metadata(file: Any, metadata: dict[str, Any]) -> None:
    """Write metadata as attributes of the root group, but for the list of a split's digits, which is a dataset.

    What HDF5 cannot hold becomes one JSON text.

    Raises
    ------
    SpecError
        If JSON cannot hold it either.
    """
    as_json = {}
    for name, value in metadata.items():
        with _naming(name, value):
            if name == SOURCE_DIGITS and _are_integers(value):
                file.create_dataset(name, data=np.asarray(value, np.int64))
            elif _is_native(value):
                file.attrs[name] = value
            else:
                json.dumps(value)
                as_json[name] = value
    if as_json:
        with _naming(JSON_ATTRIBUTE, as_json):
            file.attrs[JSON_ATTRIBUTE] = json.dumps(as_json)


def label_type(label_length: int) -> "np.dtype[Any]":
    """Give HDF5's type of labels of at most so many bytes: ASCII of a fixed length."""
    text: np.dtype[Any] = h5py.string_dtype("ascii", max(1, label_length))
    return text


@contextlib.contextmanager
def _naming(name: str, value: Any) -> Iterator[None]:
    """Turn what h5py and JSON say of a metadata value into SpecError that names it."""
    try:
        yield
    except (TypeError, ValueError) as exc:
        raise SpecError(
            f"metadata {name!r} is {value!r}, which HDF5 cannot hold: give numbers, texts, or what JSON can hold"
        ) from exc


def _is_native(value: Any) -> bool:
    """Tell whether HDF5 holds a metadata value as it is: a text, a number, or a few numbers."""
    if isinstance(value, (str, float, np.generic)) or (isinstance(value, int) and -(2**63) <= value < 2**64):
        return True
    return isinstance(value, (tuple, list)) and len(value) > 0 and all(map(_is_plain_number, value))


def _are_integers(value: Any) -> bool:
    """Tell whether a value is a list of numbers that 64 bits hold."""
    return isinstance(value, list) and all(type(item) is int and -(2**63) <= item < 2**63 for item in value)


def _is_plain_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63)
