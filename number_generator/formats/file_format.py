"""What a format tells of itself: a row of the table in `registry`, declared in the format's own package.

Nothing heavy is imported, and `Lazy` names what loads when it is called: the command's options follow from the table,
and `--help` answers at once.
"""

import importlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["FileFormat", "Lazy"]


@dataclass(frozen=True)
class Lazy:
    """A function that is imported when it is first called; unlike a closure it can be pickled, as readers are.

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
        As options and arguments have it.
    title : str
        As prose has it.
    summary : str
        What it is good for, in the help of `--format`; empty if it is not written.
    file_phrase, folder_phrase : str
        What a dataset of it is, as a file ("an HDF5 file") and as a folder ("a folder of" what); empty if it is none.
    is_folder : bool
        Whether it is written as a folder.
    endings : tuple of str
        Endings of a name that stand for the format, its usual one first.
    compressions : tuple of str
        How it can store images, the usual way first. Where there are several, `open_writer` takes `compression`.
    label_files : dict of str to str
        Kinds of label files that it can write besides its own, and what they are. Where there are any, `open_writer`
        takes `labels`.
    truth_label_file : str, optional
        The one of them that holds the ground truth, which has no other place.
    takes_part : bool
        Whether its files are named after the part of a split: `open_writer` takes `part`.
    package : str, optional
        The optional package that it takes to write it.
    reads_labels_apart : bool
        Whether labels can be read without going through the images.
    signatures : tuple of (int, bytes)
        What a file holds at an offset, if it is of this format.
    matches_head : callable, optional
        Tells from the first bytes whether a file is of the format, where no signature does.
    folder_files : tuple of str
        Any of these files in a folder makes it one of this format.
    matches_names : callable, optional
        Tells whether a folder is of this format, from its path and the names in it.
    list_source_files : callable
        Lists the files that a dataset is read from: `Path` to list of `Path`.
    find_strangers : callable, optional
        Finds what in a folder belongs to no dataset that this package wrote in this format, from its path and the names
        in it: a set, or None if there is no such dataset. It raises DatasetError if that cannot be told.
    open_reader : callable, optional
        Opens a dataset: a path to a `Reader`. None for formats that are read into memory as a whole.
    load_arrays : callable, optional
        Reads a dataset into memory: `Path` to `RawDataset`. None leaves it to the reader.
    load_mapped : callable, optional
        Maps a dataset that has no reader: see `MappedReader`.
    open_writer : callable, optional
        Starts a dataset: a path, a `DatasetHeader` and `overwrite` to a `Writer`. None if the format is not written.
        That of a folder takes `find_obstacle`, as `AtomicFolder` does.
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
        """What the usual name of a dataset ends in."""
        return self.endings[0] if self.endings else f"-{self.name}"

    def holds_truth(self, labels: Sequence[str]) -> bool:
        """Tell whether a dataset with these label files can hold ground truth."""
        return self.truth_label_file is None or self.truth_label_file in labels
