"""WebDataset: tar files of `key.png` or `key.jpg`, `key.txt` and perhaps `key.json`, read without unpacking them."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.encoded_reader import IMAGE, LABEL, TRUTH, EncodedReader, sort_files
from number_generator.formats.image_decoding import MOST_BYTES
from number_generator.formats.paths import MalformedError, check_path, map_file
from number_generator.formats.schema import DESCRIPTION_FILE, MOST_LABEL_BYTES, Description, read_description_file
from number_generator.formats.webdataset.tar import find_files

# WebDataset's own rule: a key ends at the first dot of the name, and neighbours of one key are one sample.
_MEMBER = re.compile(r"((?:.*/|)[^.]+)\.([^/]*)", re.DOTALL)
_PLACES = {"png": IMAGE, "jpg": IMAGE, "jpeg": IMAGE, "txt": LABEL, "json": TRUTH}
_MOST = {IMAGE: MOST_BYTES, LABEL: MOST_LABEL_BYTES, TRUTH: MOST_BYTES}

_Samples = np.ndarray[Any, np.dtype[np.int64]]


class _Shards:
    """Tar files, each of which is searched when it is first needed; all at once if the count of images is not known."""

    def __init__(self, files: list[Path], count: int | None) -> None:
        self._files = files
        self._indices: dict[int, _Samples] = {}
        self._last: tuple[int, mmap.mmap] | None = None
        lengths = self._compute_lengths(count)
        if lengths is None:
            lengths = [len(self._find_samples(shard)) for shard in range(len(files))]
        self._starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, number: int, kind: int) -> tuple[str, bytes]:
        """Return name and content of one file of a sample."""
        shard = int(np.searchsorted(self._starts, number, side="right")) - 1
        row = number - int(self._starts[shard])
        index = self._find_samples(shard)
        expected = int(self._starts[shard + 1] - self._starts[shard])
        if len(index) != expected:
            raise MalformedError(f"its {self._files[shard].name} has {len(index)} images where {expected} are expected")
        offset, size = index[row, kind].tolist()
        name = f"{row + 1} of {self._files[shard].name}"
        if size > _MOST[kind]:
            raise MalformedError(f"a file of sample {name} takes {size} bytes")
        if size < 0:
            raise MalformedError(f"sample {name} has no ground truth")
        return name, self._map(shard)[offset : offset + size]

    def close(self) -> None:
        """Close the file that is open."""
        if self._last is not None:
            self._last[1].close()
            self._last = None

    def _compute_lengths(self, count: int | None) -> list[int] | None:
        """Return how many images each file has if all but the last have as many as the first; None if they cannot."""
        if count is None:
            return None
        first = len(self._find_samples(0))
        rest = count - first * (len(self._files) - 1)
        return [first] * (len(self._files) - 1) + [rest] if 0 <= rest <= first else None

    def _find_samples(self, shard: int) -> _Samples:
        """Return where the files of each sample are, shape (samples, kinds, 2): offset, and size or -1."""
        if shard not in self._indices:
            rows = [place for sample in _read_samples(self._files[shard]) for place in sample]
            self._indices[shard] = np.array(rows, np.int64).reshape(-1, len(_MOST), 2)
        return self._indices[shard]

    def _map(self, shard: int) -> mmap.mmap:
        """Return the content of a file; only the last one is kept."""
        last = self._last
        if last is None or last[0] != shard:
            # The earlier one is not closed: another thread may be reading from it. It goes with its last reference.
            self._last = last = shard, map_file(check_path(self._files[shard]))
        return last[1]


class WebDatasetReader(EncodedReader[_Shards]):
    """A dataset of shards, given the folder of the tar files, or one of them."""

    valid = (
        "A valid WebDataset is a folder of tar files, or one of them, with key.png or key.jpg, and key.txt, side by "
        "side for each image"
    )

    def _open(self) -> _Shards:
        shape = read_description_file(self._path).shape
        return _Shards(shard_files(self._path), None if shape is None else shape[0])

    def _describe(self, handles: _Shards) -> Description:
        return read_description_file(self._path)

    def _read_encoded(self, handles: _Shards, kind: int, numbers: range) -> Iterator[tuple[str, bytes]]:
        return (handles.read(number, kind) for number in numbers)


def shard_files(path: Path) -> list[Path]:
    """Return the tar files of a dataset in their order; a single one may have any name."""
    if not path.is_dir():
        return [path]
    return sort_files(file for file in path.iterdir() if file.name.endswith(".tar"))


def list_source_files(path: Path) -> list[Path]:
    """List the shards, and the file of the description beside them."""
    description = path / DESCRIPTION_FILE
    return [*shard_files(path), *([description] if description.is_file() else [])]


def _read_samples(path: Path) -> Iterator[list[tuple[int, int]]]:
    """Yield the places of the files of each sample of a tar file."""
    key: str | None = None
    places: dict[int, tuple[int, int]] = {}
    others: dict[str, str] = {}  # by sample, what else it holds
    for name, offset, size in _read_members(path):
        match = _MEMBER.fullmatch(name)
        kind = _PLACES.get(match[2].lower()) if match else None
        if match is None or kind is None:
            if match is not None:
                others = {match[1]: match[2]}
            continue
        if match[1] != key:
            if key is not None:
                yield _check_sample(key, places, path, others.get(key))
            key, places = match[1], {}
        if kind in places:
            raise MalformedError(f"its {path.name} has two files for {name!r}")
        places[kind] = offset, size
    if key is not None:
        yield _check_sample(key, places, path, others.get(key))


def _check_sample(key: str, places: dict[int, tuple[int, int]], path: Path, other: str | None) -> list[tuple[int, int]]:
    """Return the places of a sample, which must have an image and a label; `other` is the ending of a third file."""
    if IMAGE not in places or LABEL not in places:
        missing = "image (.png or .jpg)" if IMAGE not in places else "label (.txt)"
        found = f", but a .{other}, which is not read" if other else ""
        raise MalformedError(f"sample {key!r} of its {path.name} has no {missing}{found}")
    return [places[IMAGE], places[LABEL], places.get(TRUTH, (0, -1))]


def _read_members(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and size of the files in a tar file."""
    with map_file(check_path(path)) as content:
        yield from find_files(content, path.name)
