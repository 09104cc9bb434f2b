"""What the HDF5 files of this package share: how they are opened and closed, their metadata, the type of labels."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from number_generator.errors import OutputError, SpecError
from number_generator.formats.base_writer import FileWriter
from number_generator.formats.hdf5.own_use import OWN_USE
from number_generator.formats.hdf5.safety import import_h5py
from number_generator.formats.schema import JSON_ATTRIBUTE
from number_generator.job.spec import SOURCE_DIGITS
from number_generator.system.temporaries import NOTHING_LEFT


class AtomicHdf5(FileWriter):
    """Write an HDF5 file: it is open as `_h5` from `_begin` until `_end`."""

    def _begin(self) -> None:
        import_h5py()  # which sees to the end of the interpreter
        # HDF5's own lock would collide with the one that we already hold on the temporary file.
        self._h5: Any = h5py.File(self._file.temporary_path, "w", locking=False)
        self._open.callback(self._abandon)

    def _end(self) -> None:
        self._h5.close()
        self._h5 = None

    def _abandon(self) -> None:
        """Close a file that is not to be kept."""
        if self._h5 is not None:
            # Emptying the file gives back the space that closing it needs: HDF5 crashes at exit if it could not
            # write its last bytes.
            with contextlib.suppress(OSError):
                self._file.file.truncate(0)
            self._h5.close()

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn HDF5's errors into OutputError; after a failed write it raises RuntimeError as well."""
        with OWN_USE, super()._translate_errors():
            try:
                yield
            except SpecError:
                raise
            except (OSError, RuntimeError, ValueError) as exc:
                found = re.search(r"error message = '([^']+)'", str(exc))
                reason = found.group(1) if found else str(exc)
                raise OutputError(f"cannot write {self._file.path}: {reason}{NOTHING_LEFT}") from exc

    def _discard(self) -> None:
        with OWN_USE:
            super()._discard()


def write_metadata(file: Any, metadata: dict[str, Any]) -> None:
    """Write metadata as attributes of the root group; the list of a split's digits becomes a dataset.

    Values that HDF5 cannot hold become one JSON text.

    Raises
    ------
    SpecError
        If JSON cannot hold a value either.
    """
    as_json = {}
    for name, value in metadata.items():
        with _name_in_errors(name, value):
            if name == SOURCE_DIGITS and _are_integers(value):
                file.create_dataset(name, data=np.asarray(value, np.int64))
            elif _is_native(value):
                file.attrs[name] = value
            else:
                json.dumps(value)
                as_json[name] = value
    if as_json:
        with _name_in_errors(JSON_ATTRIBUTE, as_json):
            file.attrs[JSON_ATTRIBUTE] = json.dumps(as_json)


def make_label_type(label_length: int) -> "np.dtype[Any]":
    """Return HDF5's type of labels up to this length in bytes: ASCII of a fixed length."""
    text: np.dtype[Any] = h5py.string_dtype("ascii", max(1, label_length))
    return text


@contextlib.contextmanager
def _name_in_errors(name: str, value: Any) -> Iterator[None]:
    """Turn the errors of h5py and JSON into SpecError that names the metadata value."""
    try:
        yield
    except (TypeError, ValueError) as exc:
        raise SpecError(
            f"metadata {name!r} is {value!r}, which HDF5 cannot hold: give numbers, texts, or what JSON can hold"
        ) from exc


def _is_native(value: Any) -> bool:
    """Tell whether HDF5 holds a metadata value as it is: a text, a number, or a list of numbers."""
    if isinstance(value, (str, float, np.generic)) or (isinstance(value, int) and -(2**63) <= value < 2**64):
        return True
    return isinstance(value, (tuple, list)) and len(value) > 0 and all(map(_is_plain_number, value))


def _are_integers(value: Any) -> bool:
    """Tell whether a value is a list of integers that fit into 64 bits."""
    return isinstance(value, list) and all(type(item) is int and -(2**63) <= item < 2**63 for item in value)


def _is_plain_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63)
