"""What the HDF5 files of this package share: how they are opened and closed, their metadata, the type of labels."""

import contextlib
import errno
import json
import re
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from number_generator.errors import OutputError, SpecError
from number_generator.formats.base_writer import FileWriter
from number_generator.formats.hdf5.dimensions import name_dimensions
from number_generator.formats.hdf5.own_use import OWN_USE
from number_generator.formats.hdf5.safety import import_h5py
from number_generator.formats.hdf5.shielded_file import ShieldedFile
from number_generator.formats.schema import JSON_ATTRIBUTE
from number_generator.job.chunk import DatasetHeader
from number_generator.job.spec import SOURCE_DIGITS
from number_generator.system.temporaries import NOTHING_LEFT


class AtomicHdf5(FileWriter):
    """Write an HDF5 file: it is open as `_h5` from `_begin` until `_end`."""

    def _begin(self) -> None:
        import_h5py()  # which sees to the end of the interpreter
        self._shielded = ShieldedFile(self._file.file)
        self._h5: Any = h5py.File(self._shielded, "w")
        self._lists: dict[str, bytes] = {}
        self._open.callback(self._abandon)
        OWN_USE.unfinished[id(self)] = self._abandon

    def _end(self) -> None:
        """Close the file, and read back what it says of itself: neither HDF5 nor a disk is taken at its word."""
        name_dimensions(self._h5)
        self._h5.flush()
        meant = _outline(self._h5)
        self._abandon()
        self._shielded.check()
        if not self._reads_back(meant):
            raise OSError(errno.EIO, "what was written reads back as something else")

    def _reads_back(self, meant: dict[str, Any]) -> bool:
        with h5py.File(self._shielded, "r") as file:
            try:
                is_same = _outline(file) == meant
            except KeyError:  # h5py's error for what is there and cannot be opened
                return False
            return is_same and all(file[name][()].tobytes() == held for name, held in self._lists.items())

    def _write_list(self, name: str, values: npt.NDArray[Any]) -> None:
        """Write metadata that is too long for an attribute, and remember it for `_end`: HDF5 reads it from the file."""
        self._h5.create_dataset(name, data=values)
        self._lists[name] = values.tobytes()

    def _write_metadata(self) -> None:
        """Write metadata as attributes of the root group; the list of a split's digits becomes a dataset.

        Values that HDF5 cannot hold become one JSON text. SpecError is raised if JSON cannot hold a value either.
        """
        as_json = {}
        for name, value in self._header.metadata.items():
            if not isinstance(name, str) or not name or "\0" in name:  # HDF5's names end with a null character
                raise SpecError(
                    f"a name in the metadata is {name!r}: give a text that is not empty and holds no null character"
                )
            with _name_in_errors(name, value):
                if name == SOURCE_DIGITS and _are_integers(value):
                    self._write_list(name, np.asarray(value, np.int64))
                elif _is_native(value):
                    self._h5.attrs[name] = value
                else:
                    json.dumps(value)
                    as_json[name] = value
        if as_json:
            with _name_in_errors(JSON_ATTRIBUTE, as_json):
                self._h5.attrs[JSON_ATTRIBUTE] = json.dumps(as_json)

    def _abandon(self) -> None:
        """Close the file, whether it is complete or not."""
        with OWN_USE:
            OWN_USE.unfinished.pop(id(self), None)
            if self._h5 is not None:
                self._h5.close()
                self._h5 = None

    @contextlib.contextmanager
    def _translate_errors(self) -> Iterator[None]:
        """Turn the errors of HDF5 and of its file into OutputError."""
        with OWN_USE, super()._translate_errors():
            try:
                yield
                self._shielded.check()
            except SpecError:
                raise
            except (OSError, RuntimeError, ValueError) as exc:
                self._shielded.check()
                found = re.search(r"error message = '([^']+)'", str(exc))
                reason = found.group(1) if found else getattr(exc, "strerror", None) or str(exc)
                raise OutputError(f"cannot write {self._file.path}: {reason}{NOTHING_LEFT}") from exc


def _outline(file: Any) -> dict[str, Any]:
    """Return what a file says of itself, and of each of its arrays."""
    found: dict[str, Any] = {"": _list_attributes(file)}
    for name in file:
        dataset = file[name]
        chunks = dataset.id.get_num_chunks() if dataset.chunks else None
        created = dataset.id.get_create_plist()
        # Without the names of files, which the list of shards holds as well: h5py fails with those that are no text.
        sources = [
            (created.get_virtual_dsetname(number), created.get_virtual_vspace(number).get_select_bounds())
            for number in range(created.get_virtual_count() if dataset.is_virtual else 0)
        ]
        found[name] = (
            (dataset.shape, dataset.dtype.str, chunks, dataset.id.get_offset(), _list_attributes(dataset)),
            sources,
        )
    return found


def _list_attributes(owner: Any) -> dict[str, str]:
    return {name: repr(np.asarray(value).tolist()) for name, value in owner.attrs.items()}


def make_label_type(header: DatasetHeader) -> "np.dtype[Any]":
    """Return HDF5's type of labels: of a fixed length in bytes, and ASCII unless one may be beyond that."""
    encoding = "ascii" if header.label_bytes is None else "utf-8"
    text: np.dtype[Any] = h5py.string_dtype(encoding, header.label_dtype.itemsize)
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
