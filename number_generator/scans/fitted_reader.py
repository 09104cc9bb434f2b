"""A dataset of lines as they are fitted to a page: what `number-generator fit` writes."""

from typing import Any

import numpy as np

from number_generator.formats.base_reader import SlicedReader
from number_generator.formats.ragged import Sizes, measure_sizes, pad_images
from number_generator.formats.reader import Reader
from number_generator.job.chunk import Images, TruthField
from number_generator.job.spec import MAX_WIDTH
from number_generator.scans.fitting import FitSpec, fit_grey
from number_generator.scans.pictures import to_grey


class FittedReader(SlicedReader[Reader]):
    """The images of another dataset, each fitted to a page, with their labels and metadata; ground truth is left out.

    Without a width in the spec, each image has its own.
    """

    valid = "The lines of a dataset are fitted when they are read"

    def __init__(self, reader: Reader, spec: FitSpec) -> None:
        super().__init__(reader.path)
        self._reader, self._spec = reader, spec
        self.is_ragged = spec.width is None
        self.shape = len(reader), spec.height, spec.width or self._find_widest()

    @property
    def metadata(self) -> dict[str, Any]:
        """That of the lines."""
        return self._reader.metadata

    @property
    def fields(self) -> tuple[TruthField, ...]:
        """None: boxes are of the lines before they were fitted."""
        return ()

    def _open(self) -> Reader:
        return self._reader

    def _find_widest(self) -> int:
        sizes = self._reader.sizes(0, len(self._reader)).astype(np.float64)
        widest = float((sizes[:, 1] / sizes[:, 0]).max(initial=0)) * self._spec.height
        return int(min(max(1.0, np.ceil(widest)), MAX_WIDTH))

    def _read_images(self, handles: Reader, numbers: range) -> Images:
        pages = self._cut_images(handles, numbers)
        if self.is_ragged:
            return pad_images(pages) if pages else np.empty((0, *self.shape[1:]), np.uint8)
        return np.array(pages, np.uint8).reshape(len(pages), *self.shape[1:])

    def _cut_images(self, handles: Reader, numbers: range) -> list[Images]:
        lines = handles.cut_images(numbers.start, numbers.stop, numbers.step)
        return fit_grey([to_grey(line) for line in lines], self._spec)

    def _read_sizes(self, handles: Reader, numbers: range) -> Sizes:
        return measure_sizes(self._cut_images(handles, numbers))

    def _read_labels(self, handles: Reader, numbers: range) -> list[str]:
        return handles.labels(numbers.start, numbers.stop, numbers.step)
