"""What an interrupted run has left, a journal or complete datasets, and whether a run may resume from it."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from number_generator.errors import NumberGeneratorError, OutputExistsError, SpecError
from number_generator.formats.isolated import check_apart
from number_generator.formats.journal.file import ENDING, Journal, read_recorded
from number_generator.formats.reader import open_reader
from number_generator.job.chunk import DatasetHeader
from number_generator.job.provenance import find_differences, read_recorded_job
from number_generator.system.temporaries import remove_stale


def open_journal(path: Path, header: DatasetHeader) -> tuple[Journal, DatasetHeader]:
    """Open the journal of a dataset, and return it with the header of the dataset that it began.

    A journal of another job raises SpecError.
    """
    journal = Journal(find_journal(path))
    if journal.about is None:
        return journal, header
    changed = find_differences(journal.about, header.metadata)
    if changed:
        journal.close()
        raise SpecError(
            f"--resume cannot go on with {journal.path}, which another command has begun: {'; '.join(changed)}; give "
            "the same options and digits with the same version, or remove that file to begin anew"
        )
    begun = journal.about.get("creation_timestamp", header.metadata["creation_timestamp"])
    return journal, dataclasses.replace(header, metadata={**header.metadata, "creation_timestamp": begun})


def is_complete(path: Path, metadata: Mapping[str, Any], *, overwrite: bool) -> bool:
    """Tell whether a dataset of the same job is in place; if so, what a killed run has left beside it is removed.

    Another dataset does not count if `overwrite` lets it be replaced; otherwise it raises OutputExistsError.
    """
    found = _read_dataset(path) if os.path.lexists(path) else None
    if found is None:
        return False
    count, there = found
    changed = find_differences(there, metadata)
    wanted = read_recorded_job(metadata).get("num_images")
    if not changed and count != wanted:  # somebody saved some of the images with all the metadata
        changed = [f"it has {count} images and not {wanted}"]
    if changed and not overwrite:
        raise OutputExistsError(
            f"{path} exists already, and another command has made it: {'; '.join(changed)}; allow overwriting "
            "(--overwrite), or give another name or the same options"
        )
    if changed:
        return False
    journal = find_journal(path)
    if journal.exists():  # the run was killed just before its last step
        Journal(journal).remove()
    remove_stale(Path(os.path.realpath(path)))
    return True


def find_journal(target: str | os.PathLike[str]) -> Path:
    """Return the path of the journal of a file or folder: beside it, with its name."""
    path = Path(target)
    return path.with_name(path.name + ENDING)


def read_recorded_seed(places: Iterable[str], *, overwrite: bool) -> int | None:
    """Return the seed that an interrupted run has recorded in one of its files or folders, or None.

    A complete one counts as well, unless `overwrite` lets it be replaced.
    """
    for target in places:
        about = read_recorded(find_journal(target))
        if about is None and not overwrite and os.path.lexists(target):
            _, about = _read_dataset(target) or (0, None)
        seed = None if about is None else about.get("seed")
        if isinstance(seed, int) and 0 <= seed < 2**64:
            return int(seed)
    return None


def check_found(places: Iterable[str]) -> None:
    """Read what is in place already in a process of its own; raise DatasetError if that crashes or never ends.

    It may be anything, and its metadata are read afterwards to see whether it is what this run would make.
    """
    found = [place for place in places if os.path.isfile(place) or os.path.isdir(place)]  # noqa: PTH112, PTH113 - no error
    if found:
        check_apart("number_generator.commands.runs.resume:_read_dataset", *found)


def _read_dataset(path: str | os.PathLike[str]) -> tuple[int, dict[str, Any]] | None:
    """Return the number of images of a dataset and its metadata; None if it cannot be read."""
    try:
        with open_reader(path, mapped=True) as reader:
            return reader.shape[0], reader.metadata
    except NumberGeneratorError:
        return None
