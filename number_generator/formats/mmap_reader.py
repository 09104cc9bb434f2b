"""Datasets of one file that is mapped and not read: images and ground truth are copied out of it as they are needed.

Labels and metadata are in memory. So are images that a file does not hold as they are: those of gzipped IDX files, of
compressed NPZ archives, and of pickles that list their images one by one.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.arrays import RawDataset, count_channels, decode_texts
from number_generator.formats.base_reader import SlicedReader
from number_generator.formats.paths import release_pages
from number_generator.job.chunk import TruthField

_AROUND_BYTES = 2 << 20  # of a file are mapped at once, for a single byte, where the system has large pages

Loader = Callable[[Path], tuple[RawDataset, mmap.mmap | None]]
"""Reads a file and returns the mapping that its arrays look into; None if they are in memory."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """The arrays of a dataset, their labels as texts, and the mapping."""

    raw: RawDataset
    texts: list[str]
    mapping: mmap.mmap | None = None

    def __len__(self) -> int:
        return len(self.raw.images)

    def close(self) -> None:
        """Leave the mapping to the arrays that look into it: it is closed with the last of them."""


class ArraysReader(SlicedReader[Arrays]):
    """A dataset of arrays, in memory or mapped; a subclass adds `_open`."""

    is_padded = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._held_bytes = 0
        with self._lend() as handles:
            shape, sizes = handles.raw.images.shape, handles.raw.sizes
        count, height, width = shape[:3]
        self.shape, self.channels, self.is_ragged = (count, height, width), count_channels(shape), sizes is not None

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dataset says of itself."""
        with self._lend() as handles:
            return handles.raw.metadata

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the dataset has."""
        with self._lend() as handles:
            return handles.raw.fields

    def _read_images(self, handles: Arrays, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return self._copy_rows(handles, handles.raw.images, numbers)

    def _read_sizes(self, handles: Arrays, numbers: range) -> np.ndarray[Any, np.dtype[np.int32]]:
        assert handles.raw.sizes is not None  # noqa: S101 - asked for only where sizes differ
        return handles.raw.sizes[numbers.start : numbers.stop : numbers.step].copy()

    def _read_labels(self, handles: Arrays, numbers: range) -> list[str]:
        return handles.texts[numbers.start : numbers.stop : numbers.step]

    def _clean_labels(self, labels: list[str], numbers: range) -> list[str]:
        return labels  # `decode_texts` has cleaned those of a file, and others are the caller's own

    def _read_truth(self, handles: Arrays, name: str, numbers: range) -> np.ndarray[Any, Any]:
        return self._copy_rows(handles, handles.raw.truth[name], numbers)

    def _copy_rows(self, handles: Arrays, array: np.ndarray[Any, Any], numbers: range) -> np.ndarray[Any, Any]:
        """Return rows as an array of their own, and release what was mapped for them."""
        rows = array[numbers.start : numbers.stop : numbers.step].copy()
        if handles.mapping is not None:
            reach = rows.nbytes * numbers.step
            self._held_bytes = release_pages(handles.mapping, self._held_bytes + reach + _AROUND_BYTES)
        return rows


class MappedReader(ArraysReader):
    """A pickle, an NPZ archive or IDX files, read in slices; `load` is the format's."""

    valid = "Labels are texts or whole numbers"

    def __init__(self, path: Path, load: Loader) -> None:
        self._load = load
        super().__init__(path)

    def _open(self) -> Arrays:
        raw, mapping = self._load(self._path)
        return Arrays(raw, decode_texts(raw.labels, self._path), mapping)
