"""Line images without labels: of any dataset, or of a folder that holds nothing but pictures."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from number_generator.errors import DatasetError, DatasetReadError, SpecError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.detection import detect_format
from number_generator.formats.paths import check_dataset
from number_generator.formats.reader import open_reader
from number_generator.job.paper_images import ENDINGS
from number_generator.scans.fitting import is_bright_ink
from number_generator.scans.looks import to_page
from number_generator.scans.pictures import Grey, to_grey

MOST_SCANS = 2000
"""Of more, as many are taken that are spread evenly: they tell enough."""


@dataclass(frozen=True)
class Scans:
    """Line images to be looked at.

    Attributes
    ----------
    pages : list of ndarray, shape (PAGE_HEIGHT, width), uint8
        As `looks.to_page` makes them.
    name : str
        Where they come from.
    found : int
        How many images there are, of which `pages` are some.
    turned : int
        How many of the pages had light ink on dark paper.
    heights : list of int
        Of the images before they were scaled, in px.
    unreadable : tuple of str
        The pictures of a folder that were left out.
    """

    pages: list[Grey]
    name: str
    found: int
    turned: int
    heights: list[int]
    unreadable: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pages)


def read_scans(source: Any) -> Scans:
    """Read line images without their labels.

    Parameters
    ----------
    source : path_like or iterable of images
        A dataset of any format, a folder of pictures (also in folders below), or images as `fit_line` takes them.

    Raises
    ------
    SpecError
        If there is no image, or an image is none.
    DatasetNotFoundError, DatasetReadError, DatasetError
        If the source cannot be read, or no picture of a folder can.
    """
    if not isinstance(source, (str, os.PathLike)):
        return _gather(_from_images(source), "the images", 0)
    path = check_dataset(source)
    files = _list_loose(path)
    if files:
        return _read_pictures(files, path)
    with open_reader(path) as reader:
        numbers = spread(len(reader), MOST_SCANS)
        return _gather((to_grey(reader.image(number)) for number in numbers), str(path), len(reader))


def iterate_scans(source: Any, most: int) -> Iterator[Grey]:
    """Yield at most so many line images at their own size, dark ink on bright paper; see `read_scans`."""
    for grey in _iterate(source, most):
        yield 255 - grey if is_bright_ink(grey) else grey


def _iterate(source: Any, most: int) -> Iterator[Grey]:
    if not isinstance(source, (str, os.PathLike)):
        yield from islice(_from_images(source), most)
        return
    path = check_dataset(source)
    files = _list_loose(path)
    if files:
        tried = (_try_to_read(files[number]) for number in spread(len(files), most))
        yield from (grey for grey in tried if not isinstance(grey, str))
        return
    with open_reader(path) as reader:
        for number in spread(len(reader), most):
            yield to_grey(reader.image(number))


def _list_loose(path: Path) -> list[Path]:
    """List the pictures of a folder that is no dataset."""
    return list_pictures(path) if path.is_dir() and not _is_dataset(path) else []


def list_pictures(folder: Path) -> list[Path]:
    """List the pictures in a folder and those below it, by their paths."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in names if name.lower().endswith(ENDINGS) and not name.startswith(".")]
    return sorted(found)


def spread(count: int, most: int) -> list[int]:
    """Return at most so many numbers below `count`, spread evenly."""
    return list(range(count)) if count <= most else [number * count // most for number in range(most)]


def _is_dataset(folder: Path) -> bool:
    try:
        detect_format(folder)
    except DatasetReadError:
        return False
    return True


def _from_images(images: Iterable[Any]) -> Iterator[Grey]:
    if isinstance(images, GenericDataset):
        images = (image for image, _ in images)
    if not isinstance(images, Iterable):
        raise SpecError(f"scans is a {type(images).__name__}: give a path, or images")
    for number, image in enumerate(images):
        yield to_grey(image, f"image {number}")


def _read_pictures(files: list[Path], folder: Path) -> Scans:
    """Read the pictures of a folder, without those that cannot be read, unless none can."""
    left_out: dict[str, str] = {}

    def read() -> Iterator[Grey]:  # one by one: a page takes less memory than a picture
        for number in spread(len(files), MOST_SCANS):
            grey = _try_to_read(files[number])
            if isinstance(grey, str):
                left_out[str(files[number])] = grey
            else:
                yield grey

    try:
        found = _gather(read(), str(folder), len(files))
    except SpecError:
        if len(left_out) < len(files):  # one is too large
            raise
        reason = next(iter(left_out.values()))
        raise DatasetError(f"{folder}: none of its {len(files)} pictures can be read: {reason}") from None
    return replace(found, unreadable=tuple(left_out))


def _try_to_read(file: Path) -> Grey | str:
    """Return a picture in grey, or why it cannot be read."""
    try:
        return to_grey(file)
    except (DatasetError, DatasetReadError, SpecError) as exc:
        return str(exc)


def _gather(greys: Iterable[Grey], name: str, found: int) -> Scans:
    pages, heights, turned = [], [], 0
    for grey in greys:
        pages.append(to_page(grey))
        heights.append(grey.shape[0])
        turned += is_bright_ink(grey)
    if not pages:
        raise SpecError(f"{name} holds no image: give at least one")
    return Scans(pages, name, found or len(pages), turned, heights)
