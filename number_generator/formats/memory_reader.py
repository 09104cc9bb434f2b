"""Datasets that are wholly in memory, behind the interface of those that are read in slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator.formats.arrays import RawDataset
from number_generator.formats.base_reader import SlicedReader
from number_generator.formats.mmap_reader import Arrays, ArraysReader
from number_generator.formats.ragged import Sizes, measure_sizes, pad_images
from number_generator.job.chunk import Images, TruthField


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


@dataclass(frozen=True, slots=True)
class _Pages:
    """Images that differ in size, in memory."""

    images: Sequence[Images]
    labels: Sequence[str]
    truth: dict[str, npt.NDArray[Any]]

    def __len__(self) -> int:
        return len(self.images)

    def close(self) -> None:
        """Nothing is open."""


class PagesReader(SlicedReader[_Pages]):
    """A dataset of one or more images that differ in size, in memory; errors name the path."""

    valid = "The dataset is in memory"
    is_ragged = True

    def __init__(
        self,
        images: Sequence[Images],
        labels: Sequence[str],
        truth: dict[str, npt.NDArray[Any]],
        fields: tuple[TruthField, ...],
        path: Path,
    ) -> None:
        super().__init__(path)
        self._pages, self._fields = _Pages(images, labels, truth), fields
        height, width = measure_sizes(images).max(axis=0).tolist()
        self.shape = len(images), height, width
        self.channels = 1 if images[0].ndim == 2 else images[0].shape[2]

    @property
    def metadata(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """The arrays of ground truth that the dataset has."""
        return self._fields

    def _open(self) -> _Pages:
        return self._pages

    def _read_images(self, handles: _Pages, numbers: range) -> Images:
        pages = self._cut_images(handles, numbers)
        return pad_images(pages) if pages else np.empty((0, *self.shape[1:], *handles.images[0].shape[2:]), np.uint8)

    def _cut_images(self, handles: _Pages, numbers: range) -> list[Images]:
        return [handles.images[number] for number in numbers]

    def _read_sizes(self, handles: _Pages, numbers: range) -> Sizes:
        return measure_sizes(self._cut_images(handles, numbers))

    def _read_labels(self, handles: _Pages, numbers: range) -> list[str]:
        return [handles.labels[number] for number in numbers]

    def _clean_labels(self, labels: list[str], numbers: range) -> list[str]:
        return labels  # the caller's own

    def _read_truth(self, handles: _Pages, name: str, numbers: range) -> npt.NDArray[Any]:
        return handles.truth[name][numbers.start : numbers.stop : numbers.step]
