"""A sample of a dataset's images made again, from the command that it records, and compared with what it holds."""

from __future__ import annotations

import contextlib
import io
import shlex
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from number_generator.commands.inspection.inspect import spread_numbers
from number_generator.commands.recorded import parsed_command
from number_generator.commands.runs.plan import Part, make_plan
from number_generator.errors import NumberGeneratorError, SpecError
from number_generator.formats.reader import Reader
from number_generator.formats.schema import pad
from number_generator.job.chunk import Chunk
from number_generator.job.handwriting import STYLE_VERSION
from number_generator.job.provenance import find_differences
from number_generator.job.spec import RENDER_VERSION, Span
from number_generator.rendering.engine import make_chunk

__all__ = ["VERIFIED_IMAGES", "Difference", "Verification", "list_files_to_read", "verify"]

VERIFIED_IMAGES = 256
"""How many images are made again if nobody says."""

_COMMAND = "generate-phone-numbers"
_FILE_OPTIONS = ("--digits", "--sequences", "--style")
_VERSIONS = {"render_version": "the version of the pixels", "style_version": "the version of the styles"}


class _UnverifiableError(Exception):
    """Why a dataset cannot be made again."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An image that is not what the recorded job makes.

    Attributes
    ----------
    number : int
        Of the image in the dataset.
    what : tuple of str
        "image", "label", or the name of an array of ground truth.
    """

    number: int
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of making images again.

    Attributes
    ----------
    compared : int
        How many images were made and compared; 0 if that was not possible.
    truth : tuple of str
        The arrays of ground truth that were compared.
    different : tuple of Difference
        Those that differ.
    notes : tuple of str
        What else there is to know, in sentences.
    reason : str or None
        Why nothing could be compared.
    """

    compared: int = 0
    truth: tuple[str, ...] = ()
    different: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def is_verified(self) -> bool:
        """Whether images were compared, and all are what the job makes."""
        return self.reason is None and not self.different


def list_files_to_read(metadata: Mapping[str, Any]) -> list[str]:
    """Give the options of the recorded command that name files or downloads, which `verify` reads."""
    words = _words(metadata)
    named = [word for word in words if word.partition("=")[0] in _FILE_OPTIONS and word.partition("=")[2]]
    return [word for word in named if not word.startswith("--style=") or word.lower().endswith(".toml")]


def verify(reader: Reader, count: int = VERIFIED_IMAGES) -> Verification:
    """Make images again that are spread over a dataset, and compare them, their labels and their ground truth.

    Nothing is written. What the recorded command names is read, such as the files of `--digits` and `--sequences`;
    published digits are downloaded if they are not there.

    Parameters
    ----------
    reader : Reader
    count : int
        How many at the most; the first and the last image are among them.

    Returns
    -------
    Verification

    Raises
    ------
    DatasetReadError, DatasetError
        If the dataset turns out to be damaged.

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
        part = _part_of(metadata)
        notes = _compared_jobs(metadata, part, reader.shape)
    except _UnverifiableError as exc:
        return Verification(reason=str(exc))
    known = {field.name for field in part.header.fields}
    truth = tuple(name for name in reader.truth_names if name in known)
    if left_out := sorted(known.symmetric_difference(reader.truth_names)):
        notes.append(f"ground truth that only one of both has was not compared: {', '.join(left_out)}")
    numbers = spread_numbers(len(reader), count)
    different = [Difference(number, what) for number in numbers if (what := _what_differs(reader, part, number, truth))]
    return Verification(len(numbers), truth, tuple(different), tuple(notes))


def _words(metadata: Mapping[str, Any]) -> list[str]:
    """Give the words of the recorded command; none where there is no such command."""
    command = metadata.get("command")
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        return []
    return words if words[:1] == [_COMMAND] else []


def _check_versions(metadata: Mapping[str, Any]) -> None:
    """Refuse datasets that were drawn with other pixels than those of this version."""
    if not _words(metadata):
        raise _UnverifiableError(f"it records no command of {_COMMAND}")
    now = {"render_version": RENDER_VERSION, "style_version": STYLE_VERSION}
    for name, about in _VERSIONS.items():
        if name in metadata and metadata[name] != now[name]:
            raise _UnverifiableError(
                f"{about} was {metadata[name]!r:.40} and is {now[name]}: install number_generator "
                f"{metadata.get('package_version', 'of that time')!s:.40} to make the same"
            )


def _part_of(metadata: Mapping[str, Any]) -> Part:
    """Plan what the recorded command makes, and find the part of it that the dataset is."""
    options = _options(metadata["command"])
    try:
        parts = make_plan(options).parts
    except (NumberGeneratorError, OSError) as exc:
        raise _UnverifiableError(f"its recorded command cannot be planned again: {exc}") from exc
    name = metadata.get("split", "")
    for part in parts:
        if part.name == name:
            return part
    raise _UnverifiableError(f"it is the part {name!r:.60} of a split, which its recorded command does not make")


def _options(command: str) -> Namespace:
    """Parse the recorded command; where it would write does not matter, as nothing is written."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it may be a call for help
            options = parsed_command(command)
    except SpecError as exc:
        raise _UnverifiableError(f"its recorded command is none that this version knows: {exc}") from exc
    except SystemExit as exc:
        raise _UnverifiableError("its recorded command makes no dataset") from exc
    options.output_path = "."
    return options


def _compared_jobs(metadata: Mapping[str, Any], part: Part, shape: tuple[int, int, int]) -> list[str]:
    """Give notes about what differs and need not matter; refuse the rest."""
    now = {**part.header.metadata, "command": metadata["command"]}
    found = find_differences(metadata, now)
    version = [sentence for sentence in found if sentence.startswith("number_generator was ")]
    others = [sentence for sentence in found if sentence not in version]
    if others:
        raise _UnverifiableError(f"what it was made from is not what is there now: {'; '.join(others)}")
    if shape != part.job.shape:
        counts = [f"{n} of {width} x {height} px" for n, height, width in (shape, part.job.shape)]
        raise _UnverifiableError(f"it has {counts[0]}, and its recorded job makes {counts[1]}")
    return version


def _what_differs(reader: Reader, part: Part, number: int, truth: tuple[str, ...]) -> tuple[str, ...]:
    """Make an image again, and tell what of it is different."""
    start = part.job.span.start + number
    chunk = make_chunk(part.job, part.atlas, Span(start, start + 1))
    what = [] if np.array_equal(reader.images(number, number + 1), chunk.images) else ["image"]
    if reader.labels(number, number + 1)[0] != chunk.labels[0].decode("ascii"):
        what.append("label")
    return (*what, *(name for name in truth if not _is_same_truth(reader, part, chunk, number, name)))


def _is_same_truth(reader: Reader, part: Part, chunk: Chunk, number: int, name: str) -> bool:
    (field,) = (field for field in part.header.fields if field.name == name)
    made, found = pad(chunk.truth[name], field), reader.truth(name, number, number + 1)
    return found.dtype == made.dtype and np.array_equal(found, made, equal_nan=made.dtype.kind == "f")
