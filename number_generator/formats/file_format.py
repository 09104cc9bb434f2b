"""A row of the table of formats in `registry`, which each format declares in its own package.

Nothing heavy is imported here, and `Lazy` defers what is: the options of the commands follow from the table, and
`--help` must answer at once.
"""

import importlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Lazy:
    """A function that is imported when it is called; unlike a closure, it can be pickled along with a reader."""

    target: str  # its module and its name, as in "number_generator.formats.npz.reader:load"

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Import the function and call it."""
        module, name = self.target.split(":")
        return getattr(importlib.import_module(module), name)(*args, **options)


def _list_itself(path: Path) -> list[Path]:
    return [path]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """A format of datasets."""

    name: str  # in options and arguments
    title: str  # in prose
    summary: str = ""  # in the help of `--format`; empty if the format cannot be written
    file_phrase: str = ""  # what a file of the format is ("an HDF5 file"); empty if a dataset cannot be a file
    folder_phrase: str = ""  # what a folder of it holds ("Parquet files"); empty if a dataset cannot be a folder
    is_folder: bool = False  # whether it is written as a folder
    endings: tuple[str, ...] = ()  # endings of a name that choose the format, the usual one first
    # Ways to store images, the usual one first. Where there are several, `open_writer` takes `compression`.
    compressions: tuple[str, ...] = ("none",)
    # Label files that can be written besides the usual one, and what each is. `open_writer` then takes `labels`.
    label_files: dict[str, str] = field(default_factory=dict)
    is_file_an_image: bool = False  # whether each image is a file of its own, and has a line in a label file
    bytes_beside_image: int = 0  # at least, that an image takes where it is stored, with its label
    truth_label_file: str | None = None  # the only kind of them that holds ground truth, if nothing else does
    takes_part: bool = False  # whether files are named after the part of a split; `open_writer` then takes `part`
    # How many images each of several files holds if nothing is said; None for a single file. `open_writer` then takes
    # `shards`, the number of files, or None.
    shard_images: int | None = None
    package: str | None = None  # the optional package that writing requires
    reads_labels_apart: bool = True  # whether labels can be read without reading through the images
    signatures: tuple[tuple[int, bytes], ...] = ()  # bytes at an offset, any of which identifies a file of the format
    matches_head: Callable[[bytes], bool] | None = None  # tells a file without a signature by its first bytes
    folder_files: tuple[str, ...] = ()  # names of files, any of which identifies a folder of the format
    # Takes a folder and the names in it, and tells whether it is of the format.
    matches_names: Callable[[Path, AbstractSet[str]], bool] | None = None
    list_source_files: Callable[[Path], list[Path]] = _list_itself  # the files that a dataset is read from
    # Takes a folder and the names in it, and returns what is not part of the dataset that this package wrote there in
    # this format; None if there is no such dataset. It raises DatasetError if the dataset is damaged.
    find_strangers: Callable[[Path, AbstractSet[str]], AbstractSet[str] | None] | None = None
    open_reader: Callable[..., Any] | None = None  # takes a path; None if the format is read into memory as a whole
    load_arrays: Callable[[Path], Any] | None = None  # returns a `RawDataset`; None if `open_reader` is all there is
    load_mapped: Callable[[Path], Any] | None = None  # for formats without `open_reader`: see `MappedReader`
    # Takes what a `FileWriter` or a `FolderWriter` takes; None if the format cannot be written.
    open_writer: Callable[..., Any] | None = None

    @property
    def usual_ending(self) -> str:
        """The ending of the usual name of a dataset."""
        return self.endings[0] if self.endings else f"-{self.name}"

    def holds_truth(self, labels: Sequence[str]) -> bool:
        """Tell whether a dataset with these label files can hold ground truth."""
        return self.truth_label_file is None or self.truth_label_file in labels
