"""WebDataset: tar files of `key.png` or `key.jpg`, `key.txt` or `key.cls`, and perhaps `key.json`, read as they are."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.columns import find_label
from number_generator.formats.dividing import divide_evenly
from number_generator.formats.encoded_reader import (
    IMAGE,
    LABEL,
    TRUTH,
    EncodedReader,
    parse_json_object,
    sort_files,
)
from number_generator.formats.image_decoding import MOST_BYTES
from number_generator.formats.paths import MalformedError, check_path, map_file
from number_generator.formats.schema import DESCRIPTION_FILE, MOST_LABEL_BYTES, Description, read_description_file
from number_generator.formats.webdataset.tar import find_files

# WebDataset's own rule: a key ends at the first dot of the name, and neighbours of one key are one sample.
_MEMBER = re.compile(r"((?:.*/|)[^.]+)\.([^/]*)", re.DOTALL)
_PLACES = {"png": IMAGE, "jpg": IMAGE, "jpeg": IMAGE, "txt": LABEL, "cls": LABEL, "json": TRUTH}
# Before a second dot; other files of the same kind, as in key.mask.png, are no image and no label.
_ROLES = {"": 0, "input": 1, "image": 1, "img": 1, "output": 1, "label": 1, "target": 1, "gt": 1}
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

    def is_label_in_json(self, number: int) -> bool:
        """Tell whether the label of a sample is in its JSON object."""
        shard = int(np.searchsorted(self._starts, number, side="right")) - 1
        _, label, truth = self._find_samples(shard)[number - int(self._starts[shard])].tolist()
        return bool(label == truth)

    def close(self) -> None:
        """Close the file that is open."""
        if self._last is not None:
            self._last[1].close()
            self._last = None

    def _compute_lengths(self, count: int | None) -> list[int] | None:
        """Return how many images each file has if they are as they are written: None if they are not.

        All but the last have as many as the first, or all are as even as can be.
        """
        if count is None:
            return None
        first, files = len(self._find_samples(0)), len(self._files)
        rest = count - first * (files - 1)
        ways = [way for way in ([first] * (files - 1) + [rest], divide_evenly(count, files)) if way[0] == first]
        fitting = [way for way in ways if 0 <= way[-1] <= first]
        if len(fitting) > 1 and fitting[0] != fitting[1]:
            last = len(self._find_samples(files - 1))
            fitting = [way for way in fitting if way[-1] == last]
        return fitting[0] if fitting else None

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
        "A valid WebDataset is a folder of tar files, or one of them, with key.png or key.jpg, and key.txt, key.cls or "
        "key.json, side by side for each image; their names may be longer, as in key.input.png and key.output.txt"
    )

    def _open(self) -> _Shards:
        shape = read_description_file(self._path).shape
        return _Shards(shard_files(self._path), None if shape is None else shape[0])

    def _describe(self, handles: _Shards) -> Description:
        return read_description_file(self._path)

    def _read_encoded(self, handles: _Shards, kind: int, numbers: range) -> Iterator[tuple[str, bytes]]:
        return (handles.read(number, kind) for number in numbers)

    def _decode_label(self, handles: _Shards, number: int, content: bytes, name: str) -> str:
        if not handles.is_label_in_json(number):
            return super()._decode_label(handles, number, content, name)
        return find_label(parse_json_object(content, name))


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
    sample = _Sample()
    others: dict[str, str] = {}  # by sample, what else it holds
    for name, offset, size in _read_members(path):
        match = _MEMBER.fullmatch(name)
        role, _, ending = match[2].lower().rpartition(".") if match else ("", "", "")
        kind = _PLACES.get(ending)
        if match is None or kind is None or role not in _ROLES:
            if match is not None:
                others = {match[1]: match[2]}
            continue
        if match[1] != key:
            if key is not None:
                yield sample.check(key, path, others.get(key))
            key, sample = match[1], _Sample()
        sample.add(kind, (_ROLES[role], ending == "cls"), (offset, size), f"its {path.name} has two files for {name!r}")
    if key is not None:
        yield sample.check(key, path, others.get(key))


class _Sample:
    """The places of the files of one sample, by what they hold; the best of several for the same counts."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[tuple[int, bool], tuple[int, int]]] = {}

    def add(self, kind: int, rank: tuple[int, bool], place: tuple[int, int], twice: str) -> None:
        """Take a file with its rank, the lowest of which counts, or raise MalformedError for a second of one."""
        last = self._found.get(kind)
        if last is not None and last[0] == rank:
            raise MalformedError(twice)
        if last is None or rank < last[0]:
            self._found[kind] = rank, place

    def check(self, key: str, path: Path, other: str | None) -> list[tuple[int, int]]:
        """Return the places of image, label and ground truth; `other` is the ending of a file that is none of them.

        Where a JSON object is all that could hold the label, it has the place of the label as well.
        """
        places = {kind: place for kind, (_, place) in self._found.items()}
        if TRUTH in places:
            places.setdefault(LABEL, places[TRUTH])
        if IMAGE not in places or LABEL not in places:
            missing = "image (.png or .jpg)" if IMAGE not in places else "label (.txt, .cls or .json)"
            found = f", but a .{other}, which is not read" if other else ""
            raise MalformedError(f"sample {key!r} of its {path.name} has no {missing}{found}")
        return [places[IMAGE], places[LABEL], places.get(TRUTH, (0, -1))]


def _read_members(path: Path) -> Iterator[tuple[str, int, int]]:
    """Yield name, offset and size of the files in a tar file."""
    with map_file(check_path(path)) as content:
        yield from find_files(content, path.name)
