"""Join shards that were made one by one: write their index, if they are all the shards of one job."""

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from number_generator.errors import DatasetError, SpecError
from number_generator.formats.conversion import check_target
from number_generator.formats.hdf5.index_writer import write_index
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.ownership import check_folder
from number_generator.formats.registry import find_format
from number_generator.job.chunk import DatasetHeader, TruthField
from number_generator.job.provenance import find_differences, make_whole_metadata, read_recorded_job
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption
from number_generator.system.temporaries import already_exists

_NAME = re.compile(r"(.+)-\d{5,}-of-\d{5,}(\.[^.]+)", re.DOTALL)
_RECORDED = re.compile(r"(0|[1-9]\d{0,8})/([1-9]\d{0,8})")
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class _Shard:
    """What a shard says of itself."""

    path: Path
    number: int
    shards: int  # how many there are
    start: int  # the number of its first image
    shape: tuple[int, int, int]
    is_ragged: bool
    channels: int
    label_type: tuple[int, bool]  # see `Hdf5Reader.label_type`
    fields: tuple[TruthField, ...]
    metadata: dict[str, Any]


def index_shards(
    paths: Sequence[str | os.PathLike[str]],
    output_path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    interruption: Interruption | None = None,
) -> tuple[int, int]:
    """Write the index of all shards of a job, given in any order, and return the number of shards and of images.

    `overwrite` and `interruption` are those of `write_index`.

    Raises
    ------
    SpecError
        If the index has another ending, a shard is given twice or is missing, or one lies elsewhere.
    DatasetNotFoundError, DatasetReadError, DatasetError
        If a file cannot be read, is not a shard, or belongs to another job.
    OutputExistsError, OutputError
        If the index exists and `overwrite` is false, or cannot be written.
    """
    output = check_target(output_path, "the index")
    if find_format(output) != "hdf5":
        raise SpecError(f"the index is {os.fspath(output)!r}: give a name that ends in .h5 or .hdf5")
    if os.path.lexists(output) and not overwrite:  # before reading the shards, which may be many
        raise already_exists(output)
    check_folder(output.parent)
    whole, (label_bytes, is_ascii), found = _read_shards(paths, output)
    shards = [found[number] for number in range(whole.shards)]
    count = sum(images for _, images in shards)
    header = DatasetHeader(
        (count, *whole.shape[1:]),
        label_bytes,
        make_whole_metadata(whole.metadata, count, whole.shards),
        whole.fields,
        whole.is_ragged,
        whole.channels,
        None if is_ascii else label_bytes,
    )
    write_index(output, header, shards, overwrite=overwrite, interruption=interruption)
    return len(shards), count


def index_path(shard: str | os.PathLike[str]) -> Path:
    """Return the usual name of the index of a shard.

    Examples
    --------
    >>> from number_generator.formats.joining import index_path
    >>> index_path("lines-00001-of-00004.h5").name
    'lines.h5'
    """
    path = check_target(shard, "SHARD")
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise SpecError(
            f"SHARD is {os.fspath(path)!r}, which is not named as --shard names files, such as X-00000-of-00004.h5: "
            "give the name of the index (--output-path)"
        )
    return path.with_name(f"{match[1]}{match[2]}")


def _read_shard(path: str | os.PathLike[str]) -> _Shard:
    """Read a shard's metadata and the shape of its arrays."""
    with Hdf5Reader(path) as reader:
        metadata, shape, label_type, fields = reader.metadata, reader.shape, reader.label_type, reader.fields
        is_ragged, channels = reader.is_ragged, reader.channels
    recorded, job = metadata.get("shard"), read_recorded_job(metadata)
    match = _RECORDED.fullmatch(recorded) if isinstance(recorded, str) else None
    number, shards = (-1, -1) if match is None else (int(match[1]), int(match[2]))
    start = job.get("start")
    if not 0 <= number < shards or not isinstance(start, int) or label_type is None:
        raise DatasetError(f"{path}: this is not a shard: give the files that `generate-phone-numbers --shard` makes")
    if job.get("num_images") != shape[0]:
        raise DatasetError(f"{path}: this shard has {shape[0]} of {job.get('num_images')} images: make it again")
    return _Shard(
        Path(expand_home(path)), number, shards, start, shape, is_ragged, channels, label_type, fields, metadata
    )


def _read_shards(
    paths: Sequence[str | os.PathLike[str]], output: Path
) -> tuple[_Shard, tuple[int, bool], dict[int, tuple[str, int]]]:
    """Return the first shard, the type that holds the labels of all, and the name and image count of each shard.

    Little else is kept in memory, as there may be many shards.
    """
    label_bytes, is_ascii = 0, True
    found: dict[int, tuple[str, int]] = {}
    starts: dict[int, int] = {}
    one: _Shard | None = None
    for path in paths:
        shard = _read_shard(path)
        one = shard if one is None else one
        _check_same_job(one, shard)
        if shard.number in found:
            raise SpecError(f"{path} is shard {shard.number}, as {found[shard.number][0]} is: give each shard once")
        found[shard.number] = _name_in_index(shard.path, output), shard.shape[0]
        starts[shard.number] = shard.start
        label_bytes, is_ascii = max(label_bytes, shard.label_type[0]), is_ascii and shard.label_type[1]
        if shard.number == 0:
            one = shard
    if one is None:
        raise SpecError("no shard is given: give the files that `generate-phone-numbers --shard` makes")
    if len(found) < one.shards:
        raise SpecError(_describe_missing(found, one.shards))
    for number in range(1, one.shards):
        name, count = found[number - 1]
        if starts[number] != starts[number - 1] + count:
            raise DatasetError(
                f"{name} has {count} images from number {starts[number - 1]} on, and {found[number][0]} begins with "
                f"{starts[number]}: make them again"
            )
    return one, (label_bytes, is_ascii), found


def _check_same_job(one: _Shard, other: _Shard) -> None:
    """Raise DatasetError if two files are not shards of the same job."""
    changes = find_differences(one.metadata, other.metadata, ignoring={"shard"})
    if other.shards != one.shards:
        changes = [f"the number of shards was {one.shards} and is {other.shards}"]
    elif _list_kinds(one) != _list_kinds(other):
        changes = changes or ["the shapes of the arrays differ"]
    if changes:
        raise DatasetError(f"{one.path} and {other.path} are shards of different jobs: {'; '.join(changes)}")


def _list_kinds(shard: _Shard) -> tuple[Any, ...]:
    """Return what the arrays of a shard are, but for how many images and how long labels they hold."""
    fields = [(field.name, field.shape, field.dtype) for field in shard.fields]
    return shard.shape[1:], shard.is_ragged, shard.channels, fields


def _name_in_index(shard: Path, output: Path) -> str:
    """Return the name of a shard relative to the index, or raise SpecError if it does not lie below its folder."""
    if output.exists() and output.samefile(shard):
        raise SpecError(
            f"the index is {os.fspath(output)!r}, which is one of the shards and would be replaced: give another name "
            "(--output-path)"
        )
    folder, path = (Path(os.path.realpath(of)) for of in (output.parent, shard))
    if not path.is_relative_to(folder):
        raise SpecError(
            f"{shard} does not lie in the folder of the index, {output.parent}, or below it: move it there, or put "
            "the index elsewhere (--output-path)"
        )
    return path.relative_to(folder).as_posix()


def _describe_missing(found: Collection[int], shards: int) -> str:
    """Return an error message that names the missing shards."""
    # A file may claim any number of shards: name only a few.
    named = list(islice((number for number in range(shards) if number not in found), _MOST_NAMED))
    count = shards - len(found)
    more = ", ..." if count > len(named) else ""
    return (
        f"{count} of {shards} shards {'is' if count == 1 else 'are'} missing, counted from 0: "
        f"{', '.join(map(str, named))}{more}: give {'it' if count == 1 else 'them'} as well, or make "
        f"{'it' if count == 1 else 'them'} with --shard={named[0]}/{shards}{' and so on' * (count > 1)}"
    )
