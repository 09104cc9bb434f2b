"""A sample of a dataset's images, made again from its recorded command and compared with what it holds."""

from __future__ import annotations

import hashlib
import stat
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.commands.inspection.inspect import spread_numbers
from number_generator.commands.recorded import parsed_command, split_recorded
from number_generator.commands.runs.plan import Part, make_plan
from number_generator.errors import SpecError
from number_generator.formats.reader import Reader
from number_generator.formats.schema import pad
from number_generator.job.chunk import Chunk
from number_generator.job.defaults import PROGRAM, VERIFIED_IMAGES
from number_generator.job.handwriting import STYLE_VERSION
from number_generator.job.provenance import find_differences, read_recorded_job
from number_generator.job.spec import RENDER_VERSION, Span
from number_generator.numbers.lists import MAX_BYTES
from number_generator.system.checks import format_value

_FILE_OPTIONS = ("--digits", "--sequences", "--paper", "--real")
_READ_BYTES = 1 << 20
_VERSIONS = {"render_version": "the version of the pixels", "style_version": "the version of the styles"}


class _UnverifiableError(Exception):
    """Why a dataset cannot be made again."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An image that differs from what the recorded job makes."""

    number: int  # in the dataset
    what: tuple[str, ...]  # "image", "label", or the name of an array of ground truth


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of making images again."""

    compared: int = 0  # images; 0 if they could not be made again
    truth: tuple[str, ...] = ()  # the arrays of ground truth that were compared
    different: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()  # remarks, in sentences
    reason: str | None = None  # why nothing could be compared

    @property
    def is_verified(self) -> bool:
        """Whether images were compared, and all are what the job makes."""
        return self.reason is None and not self.different


def list_files_to_read(metadata: Mapping[str, Any]) -> list[str]:
    """Return the options of the recorded command that name files or downloads: `verify` reads these."""
    words = split_recorded(metadata.get("command"))
    return [word for word in words if word.partition("=")[0] in _FILE_OPTIONS and word.partition("=")[2]]


def verify(reader: Reader, count: int = VERIFIED_IMAGES) -> Verification:
    """Make images that are spread over a dataset again, and compare them, their labels and their ground truth.

    Nothing is written. Files that the recorded command names, as in `--digits`, `--sequences` and `--paper`, are read,
    and published digits are downloaded if they are missing.

    At most `count` images are made, the first and the last among them.

    Raises
    ------
    DatasetReadError, DatasetError
        If the dataset is damaged.

    Examples
    --------
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from number_generator.formats.memory_reader import MemoryReader
    >>> from number_generator.formats.arrays import RawDataset
    >>> raw = RawDataset(np.zeros((1, 28, 28), np.uint8), ["7"])
    >>> verify(MemoryReader(raw, ["7"], Path("mine.npz"))).reason
    'it records no command of generate-phone-numbers'
    """
    metadata = reader.metadata
    try:
        _check_versions(metadata)
        part = _find_part(metadata)
        notes = _compare_jobs(metadata, part, reader.shape)
    except _UnverifiableError as exc:
        return Verification(reason=str(exc))
    known = {field.name for field in part.header.fields}
    truth = tuple(name for name in reader.truth_names if name in known)
    if left_out := sorted(known.symmetric_difference(reader.truth_names)):
        notes.append(f"ground truth that only one side has was not compared: {', '.join(left_out)}")
    numbers = spread_numbers(len(reader), count)
    compared = (Difference(number, _compare_image(reader, part, number, truth)) for number in numbers)
    return Verification(len(numbers), truth, tuple(found for found in compared if found.what), tuple(notes))


def _check_versions(metadata: Mapping[str, Any]) -> None:
    """Reject datasets whose pixels another version has drawn."""
    if not split_recorded(metadata.get("command")):
        raise _UnverifiableError(f"it records no command of {PROGRAM}")
    now = {"render_version": RENDER_VERSION, "style_version": STYLE_VERSION}
    for name, about in _VERSIONS.items():
        if name not in metadata:
            continue
        recorded = metadata[name]  # in a file of others, anything
        if type(recorded) is not int or recorded != now[name]:
            package = metadata.get("package_version")
            raise _UnverifiableError(
                f"{about} was {format_value(recorded)} and is {now[name]}: install number_generator "
                f"{f'{package:.40}' if isinstance(package, str) else 'of that time'} to make the same"
            )


def _find_part(metadata: Mapping[str, Any]) -> Part:
    """Plan the recorded command, and find the part of the plan that the dataset is."""
    name = metadata.get("split", "")
    if not isinstance(name, str):
        raise _UnverifiableError(f"its `split` is {format_value(name)}, not the name of a part")
    options = _parse_command(metadata["command"])
    _check_list(options.sequences, read_recorded_job(metadata).get("sha256"))
    try:
        parts = make_plan(options)
    # A command that others wrote may ask for anything: there is no shorter list of what fails then.
    except Exception as exc:
        raise _UnverifiableError(f"its recorded command cannot be planned again: {exc}") from exc
    for part in parts:
        if part.name == name:
            return part
    raise _UnverifiableError(f"it is the part {name!r:.60} of a split, and its recorded command makes no such part")


def _check_list(path: str | None, recorded_sha256: object) -> None:
    """Reject a list of numbers that is not a file, or not the one that was recorded: before it is taken for numbers."""
    if path is None:
        return
    digest = hashlib.sha256()
    try:
        found = Path(path).stat()
        if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for, and a device has no end
            raise _UnverifiableError(f"its list of numbers {format_value(path)} is not a regular file")
        if not 0 < found.st_size <= MAX_BYTES:  # files of the system itself, that may block, have none
            raise _UnverifiableError(f"its list of numbers {format_value(path)} has {found.st_size} bytes")
        with Path(path).open("rb") as file:
            while piece := file.read(_READ_BYTES):
                digest.update(piece)
    except (OSError, ValueError):
        return  # the plan says what is wrong with it
    if digest.hexdigest() != recorded_sha256:
        raise _UnverifiableError(
            f"what it was made from has changed: the list of numbers (SHA-256) was {format_value(recorded_sha256)} "
            f"and is {format_value(digest.hexdigest())}"
        )


def _parse_command(command: str) -> Namespace:
    """Parse the recorded command; its output path does not matter, as nothing is written."""
    try:
        options = parsed_command(command)
    except SpecError as exc:
        raise _UnverifiableError(f"this version does not understand its recorded command: {exc}") from exc
    options.output_path = "."
    return options


def _compare_jobs(metadata: Mapping[str, Any], part: Part, shape: tuple[int, int, int]) -> list[str]:
    """Return notes about differences that may not matter; reject all others."""
    now = {**part.header.metadata, "command": metadata["command"]}
    try:
        found = find_differences(metadata, now)
    except RecursionError:
        raise _UnverifiableError("its recorded job is nested too deep") from None
    notes = [sentence for sentence in found if sentence.startswith("number_generator was ")]
    others = [sentence for sentence in found if sentence not in notes]
    if others:
        raise _UnverifiableError(f"what it was made from has changed: {'; '.join(others)}")
    if shape != part.job.shape:
        counts = [f"{n} of {width} x {height} px" for n, height, width in (shape, part.job.shape)]
        raise _UnverifiableError(f"it has {counts[0]}, and its recorded job makes {counts[1]}")
    return notes


def _compare_image(reader: Reader, part: Part, number: int, truth: tuple[str, ...]) -> tuple[str, ...]:
    """Make an image again, and return what differs."""
    start = part.job.span.start + number
    chunk = part.bound.make_chunk(Span(start, start + 1))
    what = [] if np.array_equal(reader.image(number), chunk.cut_images()[0]) else ["image"]
    if reader.labels(number, number + 1)[0] != chunk.labels[0].decode():
        what.append("label")
    return (*what, *(name for name in truth if not _is_same_truth(reader, part, chunk, number, name)))


def _is_same_truth(reader: Reader, part: Part, chunk: Chunk, number: int, name: str) -> bool:
    (field,) = (field for field in part.header.fields if field.name == name)
    made, found = pad(chunk.truth[name], field), reader.truth(name, number, number + 1)
    return found.dtype == made.dtype and np.array_equal(found, made, equal_nan=made.dtype.kind == "f")
