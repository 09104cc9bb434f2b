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
    """A function that is imported when it is called; unlike a closure, it can be pickled along with a reader.

    Attributes
    ----------
    target : str
        Its module and its name, as in "number_generator.formats.npz.reader:load".
    """

    target: str

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Import the function and call it."""
        module, name = self.target.split(":")
        return getattr(importlib.import_module(module), name)(*args, **options)


def _list_itself(path: Path) -> list[Path]:
    return [path]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """A format of datasets.

    Attributes
    ----------
    name : str
        In options and arguments.
    title : str
        In prose.
    summary : str
        In the help of `--format`; empty if the format cannot be written.
    file_phrase, folder_phrase : str
        What a file of the format is ("an HDF5 file"), and what a folder of it holds ("Parquet files"); empty if a
        dataset cannot be a file, or a folder.
    is_folder : bool
        Whether it is written as a folder.
    endings : tuple of str
        Endings of a name that choose the format, the usual one first.
    compressions : tuple of str
        Ways to store images, the usual one first. Where there are several, `open_writer` takes `compression`.
    label_files : dict of str to str
        Kinds of label files that can be written besides the usual one, and what each is. Where there are any,
        `open_writer` takes `labels`.
    truth_label_file : str, optional
        The only kind of label file that holds ground truth, if the format has no other place for it.
    takes_part : bool
        Whether files are named after the part of a split; `open_writer` then takes `part`.
    package : str, optional
        The optional package that writing requires.
    reads_labels_apart : bool
        Whether labels can be read without reading through the images.
    signatures : tuple of (int, bytes)
        Bytes at an offset, any of which identifies a file of the format.
    matches_head : callable, optional
        For formats without a signature: tells from its first bytes whether a file is of the format.
    folder_files : tuple of str
        Names of files, any of which identifies a folder of the format.
    matches_names : callable, optional
        Takes a folder and the names in it, and tells whether it is of the format.
    list_source_files : callable
        Takes a path, and returns the files that the dataset is read from.
    find_strangers : callable, optional
        Takes a folder and the names in it, and returns what is not part of the dataset that this package wrote there
        in this format; None if there is no such dataset. It raises DatasetError if the dataset is damaged.
    open_reader : callable, optional
        Takes a path, and returns a `Reader`. None for formats that are read into memory as a whole.
    load_arrays : callable, optional
        Takes a `Path`, and returns a `RawDataset`. None if `open_reader` is all there is.
    load_mapped : callable, optional
        For formats without `open_reader`: see `MappedReader`.
    open_writer : callable, optional
        Takes a path, a `DatasetHeader` and `overwrite`, and returns a `Writer`; for a folder, it also takes
        `find_obstacle`, as `AtomicFolder` does. None if the format cannot be written.
    """

    name: str
    title: str
    summary: str = ""
    file_phrase: str = ""
    folder_phrase: str = ""
    is_folder: bool = False
    endings: tuple[str, ...] = ()
    compressions: tuple[str, ...] = ("none",)
    label_files: dict[str, str] = field(default_factory=dict)
    truth_label_file: str | None = None
    takes_part: bool = False
    package: str | None = None
    reads_labels_apart: bool = True
    signatures: tuple[tuple[int, bytes], ...] = ()
    matches_head: Callable[[bytes], bool] | None = None
    folder_files: tuple[str, ...] = ()
    matches_names: Callable[[Path, AbstractSet[str]], bool] | None = None
    list_source_files: Callable[[Path], list[Path]] = _list_itself
    find_strangers: Callable[[Path, AbstractSet[str]], AbstractSet[str] | None] | None = None
    open_reader: Callable[..., Any] | None = None
    load_arrays: Callable[[Path], Any] | None = None
    load_mapped: Callable[[Path], Any] | None = None
    open_writer: Callable[..., Any] | None = None

    @property
    def usual_ending(self) -> str:
        """The ending of the usual name of a dataset."""
        return self.endings[0] if self.endings else f"-{self.name}"

    def holds_truth(self, labels: Sequence[str]) -> bool:
        """Tell whether a dataset with these label files can hold ground truth."""
        return self.truth_label_file is None or self.truth_label_file in labels
