"""Datasets that are wholly in memory, behind the interface of those that are read in slices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.arrays import RawDataset
from number_generator.formats.base_reader import SlicedReader
from number_generator.job.chunk import TruthField

__all__ = ["MemoryReader"]


class MemoryReader(SlicedReader[RawDataset]):
    """A dataset in memory.

    Parameters
    ----------
    raw : RawDataset
    labels : list of str
        Its labels as texts.
    path : Path
        Where it came from, for errors.
    """

    valid = "The dataset is in memory"

    def __init__(self, raw: RawDataset, labels: list[str], path: Path) -> None:
        super().__init__(path)
        self._raw, self._texts = raw, labels
        count, height, width = raw.images.shape
        self._shape = count, height, width

    @property
    def raw(self) -> RawDataset:
        """The arrays themselves."""
        return self._raw

    @property
    def metadata(self) -> dict[str, Any]:
        """What the dataset tells of itself."""
        return self._raw.metadata

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the dataset has."""
        return self._raw.fields

    def _open(self) -> RawDataset:
        return self._raw

    def _count(self, handles: RawDataset) -> int:
        return len(handles.images)

    def _let_go(self, handles: RawDataset) -> None:
        """Nothing is open."""

    def _read_images(self, handles: RawDataset, numbers: range) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return handles.images[numbers.start : numbers.stop : numbers.step].copy()

    def _read_labels(self, handles: RawDataset, numbers: range) -> list[str]:
        return self._texts[numbers.start : numbers.stop : numbers.step]

    def _read_truth(self, handles: RawDataset, name: str, numbers: range) -> np.ndarray[Any, Any]:
        return handles.truth[name][numbers.start : numbers.stop : numbers.step].copy()
