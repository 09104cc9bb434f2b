"""The index of a dataset's shards: an HDF5 file that opens as the whole dataset, whose arrays are in the shards."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from number_generator.errors import OutputError, SpecError
from number_generator.formats.hdf5.atomic import AtomicHdf5, make_label_type
from number_generator.formats.schema import SHARD_FILES, SHARD_IMAGES, WIDTHS, leads_inside
from number_generator.job.chunk import DatasetHeader
from number_generator.system.signals import Interruption


def write_index(
    path: Path,
    header: DatasetHeader,
    shards: Sequence[tuple[str, int]],
    *,
    overwrite: bool,
    interruption: Interruption | None = None,
) -> None:
    """Write the index of shards that lie below its folder; `header` is that of the whole dataset.

    Parameters
    ----------
    shards : sequence of (str, int)
        The name of each shard, relative to the folder of the index and with slashes, and its number of images, in
        order.
    overwrite : bool
        Whether to replace an earlier file of that name, once the index is complete.
    interruption : Interruption, optional
        Removes what is unfinished; None means that of the running command, if any.

    Raises
    ------
    SpecError
        If the shards do not add up to the dataset, or one is not below the folder of the index.
    OutputExistsError, OutputError
        As from `open_writer`.
    """
    _check_shards(header, shards)
    check_place(path)
    interruption = interruption or Interruption.installed()
    with interruption:
        writer = _IndexWriter(path, header, shards, overwrite=overwrite)
        interruption.temporaries.append(writer.temporary_path)
    with writer:
        writer.finish()
        with interruption:
            writer.commit()


def check_place(path: Path) -> None:
    """Raise OutputError if `path` is a link to another folder."""
    if os.path.realpath(path.parent) != os.path.dirname(os.path.realpath(path)):  # noqa: PTH120 - of strings
        raise OutputError(
            f"{path} is a link to another folder, from which the index would not lead to its shards: remove the link, "
            "or give another name"
        )


class _IndexWriter(AtomicHdf5):
    """Write an index, all of it at the end."""

    def __init__(
        self, path: Path, header: DatasetHeader, shards: Sequence[tuple[str, int]], *, overwrite: bool
    ) -> None:
        self._shards = shards
        super().__init__(path, header, overwrite=overwrite)

    def _end(self) -> None:
        header = self._header
        self._write_metadata()
        self._write_shards()
        self._write_virtual("images", header.array_shape[1:], np.dtype(np.uint8))
        self._write_virtual("labels", (), make_label_type(header))
        if header.is_ragged:  # shards are what is generated, and never differ in height
            self._write_virtual(WIDTHS, (), np.dtype(np.int32))
        for field in header.fields:
            dataset = self._write_virtual(field.name, field.shape, np.dtype(field.dtype))
            dataset.attrs.update(field.about)
        super()._end()

    def _write_shards(self) -> None:
        """Write the names and sizes of the shards, as arrays: attributes cannot hold many."""
        names = [os.fsencode(name) for name, _ in self._shards]
        text = h5py.string_dtype("utf-8", max(map(len, names)))
        self._write_list(SHARD_FILES, np.array(names, text))
        self._write_list(SHARD_IMAGES, np.array([count for _, count in self._shards], np.int64))

    def _write_virtual(self, name: str, rows: tuple[int, ...], dtype: "np.dtype[Any]") -> Any:
        """Write an array that joins the arrays of the shards."""
        layout = h5py.VirtualLayout((self._header.shape[0], *rows), dtype)
        # As in all other datasets: the same job gives the same bytes at any time.
        layout.dcpl.set_obj_track_times(False)
        first = 0
        for shard, count in self._shards:
            if count:
                # HDF5 would replace "%b" by the number of a block.
                source = h5py.VirtualSource(shard.replace("%", "%%"), name, (count, *rows))
                layout[first : first + count] = source
                first += count
        return self._h5.create_virtual_dataset(name, layout)


def _check_shards(header: DatasetHeader, shards: Sequence[tuple[str, int]]) -> None:
    """Raise SpecError if shards do not add up to the dataset, or one is not below the folder of the index."""
    total = sum(count for _, count in shards)
    if total != header.shape[0] or not shards:
        raise SpecError(f"{len(shards)} shards hold {total} images and the index {header.shape[0]}: give all shards")
    for name, _ in shards:
        if not leads_inside(name):
            raise SpecError(f"the shard {name!r} is not below the folder of the index: move it there")
