"""The index of HDF5 shards: which files they are, how many images each has, and the metadata of the whole."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from number_generator.errors import PartMissingError
from number_generator.formats.hdf5.chunks import read_all
from number_generator.formats.hdf5.own_use import OWN_USE
from number_generator.formats.hdf5.reader import Hdf5Reader, read_metadata
from number_generator.formats.hdf5.safety import check_stored, find_dataset, open_file
from number_generator.formats.paths import MalformedError, reading
from number_generator.formats.schema import SHARD_FILES, SHARD_IMAGES, leads_inside
from number_generator.system.checks import format_value

VALID = (
    f"A valid index of shards names them in `{SHARD_FILES}`, as files below its own folder, and holds in "
    f"`{SHARD_IMAGES}` how many images each has: `python -m number_generator index` makes one"
)

_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Index:
    """The content of an index: names of the shards, in order, counts of their images, and metadata of the whole."""

    file: Path
    folder: Path  # what the names are relative to, without links
    names: list[str]
    counts: list[int]
    metadata: dict[str, Any]

    def path(self, shard: int) -> Path:
        """Return the file of a shard, which must exist below the folder."""
        path = self.folder / self.names[shard]
        if self._find_size(shard) is None:
            raise self._build_missing_error([shard])
        # Its name does not lead out of the folder. A link must not either.
        if not Path(os.path.realpath(path)).is_relative_to(self.folder):
            raise MalformedError(
                f"its shard {format_value(self.names[shard])} is a link to elsewhere: put the file itself there"
            )
        return path

    def sizes(self) -> list[int]:
        """Return the size of each shard's file; all must exist."""
        sizes = [self._find_size(shard) for shard in range(len(self.names))]
        missing = [shard for shard, size in enumerate(sizes) if size is None]
        if missing:
            raise self._build_missing_error(missing)
        return [size for size in sizes if size is not None]

    def _find_size(self, shard: int) -> int | None:
        """Return the size of a shard's file; None if there is none."""
        try:
            found = (self.folder / self.names[shard]).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(found.st_mode):
            raise MalformedError(f"its shard {format_value(self.names[shard])} is not a regular file")
        return found.st_size

    def _build_missing_error(self, shards: list[int]) -> PartMissingError:
        """Return the error that shards are missing."""
        first, count = shards[0], len(self.names)
        what = f"shard {first} of {count} is missing"
        if len(shards) > 1:
            what = f"{len(shards)} of {count} shards are missing, shard {first} first"
        return PartMissingError(
            f"{self.file}: {what}: put {self.names[first]!r} back beside it, or make it again by the recorded command "
            f"with --shard={first}/{count} instead of --shards={count}"
        )


def is_index(path: Path) -> bool:
    """Tell whether an HDF5 file is the index of shards; raise what `load_arrays` raises."""
    with OWN_USE, reading(path, Hdf5Reader.valid), open_file(path) as file:
        # No look at `images`: HDF5 crashes on opening a virtual dataset whose sources are damaged.
        return all(file.get(name, getlink=True) is not None for name in (SHARD_FILES, SHARD_IMAGES))


def shard_paths(path: Path) -> list[Path]:
    """Return the shards that an index names; all must exist."""
    with reading(path, VALID):
        index = read_index(path)
        return [index.path(shard) for shard in range(len(index.names))]


def read_index(path: Path) -> Index:
    """Read an index, or raise MalformedError."""
    with OWN_USE, open_file(path) as file:
        names, counts = (find_dataset(file, name) for name in (SHARD_FILES, SHARD_IMAGES))
        if names.shape is None or len(names.shape) != 1 or names.dtype.kind != "S" or len(names) < 1:
            raise MalformedError(f"its `{SHARD_FILES}` is a dataset of {names.dtype} with shape {names.shape}")
        if counts.shape != names.shape or counts.dtype.kind not in "iu":
            raise MalformedError(f"its `{SHARD_IMAGES}` is a dataset of {counts.dtype} with shape {counts.shape}")
        for dataset in (names, counts):
            check_stored(dataset)
            if dataset.nbytes > _MOST_BYTES:
                raise MalformedError(f"its lists of shards take more than {_MOST_BYTES} bytes")
        index = Index(
            path,
            Path(os.path.realpath(path)).parent,
            [os.fsdecode(name) for name in read_all(names).tolist()],
            read_all(counts).tolist(),
            read_metadata(file),
        )
    for name, count in zip(index.names, index.counts, strict=True):
        if not leads_inside(name):
            raise MalformedError(
                f"it names the shard {format_value(name)}: shards must lie below the folder of the index"
            )
        if count < 0:
            raise MalformedError(f"its shard {format_value(name)} has {count} images")
    return index
