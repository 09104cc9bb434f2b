"""The user's scans, shown beside what is drawn: as a page of the same size shows them."""

from pathlib import Path
from typing import Any

from number_generator.errors import DatasetError, DatasetReadError, NumberGeneratorError
from number_generator.formats.dataset import GenericDataset
from number_generator.job.chunk import Images
from number_generator.scans.fitting import FitSpec, fit_grey
from number_generator.scans.pictures import to_grey
from number_generator.scans.unlabelled import list_pictures, spread
from number_generator.studio.sheets import join_images, pack_sheet

MOST_SCANS = 1000
"""So many scans are shown: of more, some that are spread evenly over them."""


class Scans:
    """Line images of the user: a dataset of any format, or a folder of pictures without labels.

    Parameters
    ----------
    path : str

    Attributes
    ----------
    path : str
    name : str
        What the page calls them: the path, unless it is set.

    Raises
    ------
    DatasetNotFoundError, DatasetReadError, DatasetError
        If there is no such dataset or folder, it cannot be read, or it holds no line.
    """

    def __init__(self, path: str) -> None:
        self.path = self.name = path
        self._lines: Any = _open(path)
        if not len(self._lines):
            raise DatasetError(f"{path} holds no line: give at least one")
        self._chosen = spread(len(self._lines), MOST_SCANS)

    def draw(self, first: int, count: int, height: Any, width: Any) -> bytes:
        """Return some scans, from the `first` on and then again from the start, as the page of a size in px.

        Each is scaled to the height, and its tones stay as they are; a width of None leaves each line its own. One that
        cannot be read is left out, and `unread` tells why.
        """
        page = FitSpec(height, width, ink="dark", contrast=None, background="paper")
        shown = [(first + k) % len(self._chosen) for k in range(min(count, len(self._chosen)))]
        found = [self._fit(self._chosen[k], page) for k in shown]
        joined, widths = join_images([image for image, _ in found if image is not None])
        labels = [text for image, text in found if image is not None]
        unread = [text for image, text in found if image is None]
        return pack_sheet(joined, widths, labels=labels, unread=unread, first=shown[0])

    def _fit(self, number: int, page: FitSpec) -> tuple[Images | None, str]:
        """Return a scan on its page, and its label; None and why if it cannot be read."""
        try:
            image, label = self._lines[number]
            return fit_grey([to_grey(image, label)], page)[0], label
        except NumberGeneratorError as exc:
            return None, str(exc)


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
    except (DatasetError, DatasetReadError) as exc:  # it may lack labels
        files = list_pictures(Path(path))  # none if it is no folder
        if files:
            return _Pictures(files)
        if Path(path).is_dir():
            raise DatasetError(f"{exc}; nor does the folder hold pictures of lines, which need no labels") from exc
        raise
    return lines
