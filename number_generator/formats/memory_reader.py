"""Datasets that are wholly in memory, behind the interface of those that are read in slices."""

from __future__ import annotations

from pathlib import Path

from number_generator.formats.arrays import RawDataset
from number_generator.formats.mmap_reader import Arrays, ArraysReader


class MemoryReader(ArraysReader):
    """A dataset in memory; its labels are texts, and errors name the path that it came from."""

    valid = "The dataset is in memory"

    def __init__(self, raw: RawDataset, labels: list[str], path: Path) -> None:
        self._arrays = Arrays(raw, labels)
        super().__init__(path)

    @property
    def raw(self) -> RawDataset:
        """The arrays themselves."""
        return self._arrays.raw

    def _open(self) -> Arrays:
        return self._arrays
