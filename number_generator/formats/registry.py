"""The table of formats, and what follows from it: a new format is a package beside this module and a line here.

Neither the table nor its rows import anything heavy.
"""

import os
from collections.abc import Iterable, Sequence

from number_generator.errors import SpecError
from number_generator.formats import hdf5, idx, lmdb, npz, parquet, pickle, png, webdataset
from number_generator.formats.file_format import FileFormat
from number_generator.job.defaults import MAX_SHARDS
from number_generator.system.checks import check_integer

FORMATS: dict[str, FileFormat] = {
    package.FORMAT.name: package.FORMAT for package in (pickle, hdf5, npz, idx, png, lmdb, webdataset, parquet)
}
"""All formats by their names, in the order in which they are offered."""

_MOST_FILES = 100_000  # of a folder: their numbers have as many digits, so that their names sort
_OTHER_KINDS = (
    *(".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".bmp"),
    *(".webp", ".heic", ".jp2", ".svg", ".pdf"),
    *(".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z"),
    *(".csv", ".tsv", ".json", ".jsonl", ".toml", ".yaml", ".yml", ".xml", ".txt", ".md", ".htm", ".html"),
    *(".mat", ".pt", ".pth", ".safetensors", ".tfrecord", ".hdf", ".he5"),
    *(".parquet", ".arrow", ".feather", ".xlsx"),
)
"""Endings that stand for kinds of files that no dataset is."""
_OF_FOLDERS = {".parquet": "parquet"}
"""Those that a folder of a format may have: Spark names folders of Parquet files so."""


def list_written() -> list[str]:
    """List the formats that can be written."""
    return [name for name, row in FORMATS.items() if row.open_writer is not None]


def list_endings() -> list[str]:
    """List the endings of names that stand for formats."""
    return [ending for row in FORMATS.values() for ending in row.endings]


def list_label_files() -> list[str]:
    """List the kinds of label files that formats can write."""
    return list(dict.fromkeys(kind for row in FORMATS.values() for kind in row.label_files))


def find_format(path: str | os.PathLike[str]) -> str | None:
    """Return the format that the ending of a name stands for, or None."""
    name = str(path).lower()
    return next((row.name for row in FORMATS.values() for ending in row.endings if name.endswith(ending)), None)


def find_other_ending(path: str | os.PathLike[str]) -> str | None:
    """Return the ending of a new name if it stands for a kind of file that no dataset is; a folder may have any."""
    name = os.fspath(path)
    if os.path.isdir(name):  # noqa: PTH112 - no error for odd names
        return None
    return next((ending for ending in _OTHER_KINDS if name.lower().endswith(ending)), None)


def check_ending(path: str | os.PathLike[str], name: str, written: str, file_format: str) -> None:
    """Raise SpecError for such an ending; `name` is what errors call the path, `written` what would be there."""
    ending = find_other_ending(path)
    if ending is not None and _OF_FOLDERS.get(ending) != file_format:
        raise SpecError(
            f"{name} is {os.fspath(path)!r}, but {written} is written and not what {ending} stands for: give a name "
            f"that ends in {join_words(list_endings())}, or leave {ending} out"
        )


def describe_written(file_format: str) -> str:
    """Return what is written in a format, as a phrase: "a pickle"."""
    row = FORMATS[file_format]
    return f"a folder with {row.folder_phrase}" if row.is_folder else row.file_phrase


def describe_datasets() -> str:
    """Return what a dataset can be, as a phrase: "a pickle, ... or a folder of ..."."""
    files = [row.file_phrase for row in FORMATS.values() if row.file_phrase]
    # The longest phrase, that of png, reads best at the end.
    folders = [row.folder_phrase for row in reversed(FORMATS.values()) if row.folder_phrase]
    return f"{', '.join(files)}, or a folder of {join_words(folders)}"


def join_words(words: Iterable[str], last: str = "or") -> str:
    """Return words as English lists them: "a, b or c"."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end


def check_storage(
    file_format: str, compression: str | None, labels: Sequence[str], truth: str, *, prefix: str = ""
) -> str:
    """Check that a format can store a dataset in a given way, and return the compression, by default the usual one.

    Parameters
    ----------
    truth : str
        The ground truth to store, as errors show it; empty for none.
    prefix : str
        Put before the names of arguments in errors: "--" for options.

    Raises
    ------
    SpecError
        If the format does not take the compression or the label files, or cannot hold the ground truth.
    """
    row = FORMATS[file_format]
    if compression is not None and compression not in row.compressions:
        others = [other for other in FORMATS.values() if compression in other.compressions]
        # A name must not contradict the format.
        ways = [f"choose {prefix}format {other.name} and a name that ends in {other.usual_ending}" for other in others]
        raise SpecError(
            f"{prefix}compression is {compression} and the format is {file_format}, which takes only "
            f"{join_words(map(repr, row.compressions))}: {', or '.join([*ways, f'leave {prefix}compression out'])}"
        )
    if isinstance(labels, str):
        raise SpecError(f"{prefix}labels is the single text {labels!r}: give a list, [{labels!r}]")
    given, known = ",".join(labels), list_label_files()
    unknown = [kind for kind in labels if kind not in known]
    if unknown:
        raise SpecError(f"{prefix}labels is {given!r}, which holds {unknown[0]!r}: give some of {', '.join(known)}")
    if not set(labels) <= row.label_files.keys():
        writers = [other.name for other in FORMATS.values() if set(labels) <= other.label_files.keys()]
        raise SpecError(
            f"{prefix}labels is {given} and the format is {file_format}: only {join_words(writers)} writes label "
            f"files; choose {prefix}format {join_words(writers)}, or leave {prefix}labels out"
        )
    needed = row.truth_label_file
    if truth and not row.holds_truth(labels):
        raise SpecError(
            f"{prefix}truth is {truth} and the format is {file_format}, which holds it only in the label file "
            f"{needed}: add {needed} to {prefix}labels, or leave {prefix}truth out"
        )
    return row.compressions[0] if compression is None else compression


def count_files(
    file_format: str, count: int, shards: int | None, shard_size: int | None, *, prefix: str = ""
) -> int | None:
    """Return how many files the images are divided into; None leaves it to the format.

    Parameters
    ----------
    shards, shard_size : int or None
        The number of files, or the most images that one holds.
    prefix : str
        Put before the names of arguments in errors: "--" for options.

    Raises
    ------
    SpecError
        If both are given, one is out of range, or the format is not one of several files.

    Examples
    --------
    >>> count_files("webdataset", 1800, None, 500)
    4
    """
    if shards is None and shard_size is None:
        return None
    size_name = f"{prefix}shard{'-' if prefix else '_'}size"
    if shards is not None and shard_size is not None:
        raise SpecError(f"{prefix}shards is {shards} and {size_name} is {shard_size}: leave one of them out")
    name, value = (f"{prefix}shards", shards) if shards is not None else (size_name, shard_size)
    if FORMATS[file_format].shard_images is None:
        several = join_words((row.name for row in FORMATS.values() if row.shard_images is not None), "and")
        raise SpecError(f"{name} is {value} and the format is {file_format}: only {several} divide a folder into files")
    if shards is None:
        files = max(1, -(-count // check_integer(size_name, shard_size, 1)))
        if files > _MOST_FILES:
            raise SpecError(f"{name} is {value}, which makes {files} files of {count} images: give at least "
                            f"{-(-count // _MOST_FILES)}")  # fmt: skip
        return files
    if check_integer(name, shards, 1, MAX_SHARDS) > max(1, count):
        raise SpecError(f"{name} divides {count} images into {shards} files: give no more files than images")
    return shards
