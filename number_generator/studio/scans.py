"""The user's scans, shown beside what is drawn: as a page of the same size shows them."""

import contextlib
from pathlib import Path
from typing import Any

from number_generator.errors import DatasetError, DatasetReadError, SpecError
from number_generator.formats.dataset import GenericDataset
from number_generator.job.paper_images import list_pictures
from number_generator.scans.fitting import fit_line
from number_generator.studio.sheets import join_images, pack_sheet

MOST_SCANS = 1000
"""So many scans are shown: of more, some that are spread evenly over them."""


class Scans:
    """Line images of the user: a dataset of any format, or a folder of pictures without labels.

    Parameters
    ----------
    path : str

    Raises
    ------
    DatasetNotFoundError, DatasetReadError, DatasetError
        If there is no such dataset or folder, it cannot be read, or it holds no line.
    """

    def __init__(self, path: str) -> None:
        self.name = path
        self._lines: Any = _open(path)
        if not len(self._lines):
            raise DatasetError(f"{path} holds no line: give at least one")
        count = min(len(self._lines), MOST_SCANS)
        self._chosen = [len(self._lines) * k // count for k in range(count)]

    def draw(self, first: int, count: int, height: int, width: int | None) -> bytes:
        """Return some scans, from the `first` on and then again from the start, as the page of a size in px.

        Each is scaled to the height, and its tones stay as they are; a width of None leaves each line its own.
        """
        numbers = [self._chosen[(first + k) % len(self._chosen)] for k in range(min(count, len(self._chosen)))]
        pages, labels = [], []
        for number in numbers:
            image, label = self._lines[number]
            pages.append(fit_line(image, height, width, ink="dark", contrast=None, background="paper"))
            labels.append(label)
        joined, widths = join_images(pages)
        return pack_sheet(joined, widths, labels=labels, first=first % len(self._chosen))


class _Pictures:
    """A folder of pictures without labels."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, number: int) -> tuple[Path, str]:
        file = self._files[number]
        return file, file.name


def _open(path: str) -> Any:
    """Return the lines of a dataset, which is read in a process of its own first, or of a folder of pictures."""
    lines = GenericDataset()
    try:
        lines.load(path, isolated=True)
    except (DatasetError, DatasetReadError):  # it may lack labels
        with contextlib.suppress(SpecError):  # it is no folder, or has no pictures: the first error says what is wrong
            return _Pictures(list_pictures(path))
        raise
    return lines
