"""How a dataset is divided into files inside its folder."""

from number_generator.errors import SpecError
from number_generator.formats.registry import FORMATS, join_words
from number_generator.job.defaults import MAX_SHARDS
from number_generator.system.checks import check_integer

_MOST_FILES = 100_000  # whose numbers have as many digits, so that their names sort


def divide_evenly(count: int, files: int) -> list[int]:
    """Return how many of the images each file holds: they differ by one at most, and the larger ones come first.

    Examples
    --------
    >>> divide_evenly(10, 4)
    [3, 3, 2, 2]
    """
    return [count // files + (number < count % files) for number in range(files)]


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
