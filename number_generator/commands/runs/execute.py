"""Runs of a plan: all its files in place, or none; or resumed, where an earlier run was interrupted.

Whole datasets are written side by side under temporary names, and moved into place together at the end. Shards, which
may be many, are written one after the other: into a folder of their own that is emptied at the end, or, if the run
keeps journals, straight into place.
"""

import contextlib
import dataclasses
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from number_generator.commands.output import Output
from number_generator.commands.runs.plan import Part
from number_generator.commands.runs.resume import find_journal, is_complete, open_journal
from number_generator.errors import OutputError, OutputExistsError
from number_generator.formats.hdf5.index_writer import check_place, write_index
from number_generator.formats.journal.writer import JournaledWriter, report_as_kept
from number_generator.formats.writer import Writer, open_writer
from number_generator.job.chunk import DatasetHeader
from number_generator.job.spec import Span
from number_generator.rendering.bound_job import BoundJob
from number_generator.rendering.engine import make_chunk
from number_generator.system import temporaries
from number_generator.system.atomic_file import resolve_target
from number_generator.system.signals import Interruption
from number_generator.system.staging import Staging
from number_generator.system.threads import ordered_map

Advance = Callable[[int], object]
"""Called with the number of images after each write."""
_Run = TypeVar("_Run", bound="Run")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a plan is run; the images do not depend on it."""

    output: Output
    overwrite: bool
    resume: bool  # whether journals are kept, and runs resumed from them
    workers: int  # threads
    interruption: Interruption
    # Whether an interrupted run has left something of the plan: a journal, or shards without their index.
    has_remains: bool = False


class Run(ABC):
    """A plan being carried out, as a context manager: leaving it without `commit` leaves nothing but journals.

    Attributes
    ----------
    found : list of str
        The targets that were complete before.
    resumed : int
        How many images an interrupted run had made, and this run did not make again.
    """

    def __init__(self, parts: list[Part], settings: Settings) -> None:
        self.found: list[str] = []
        self.resumed = 0
        self._parts = parts
        self._settings = settings
        self._open = contextlib.ExitStack()

    @abstractmethod
    def run(self, advance: Advance) -> None:
        """Make all images."""

    @abstractmethod
    def commit(self) -> None:
        """Move everything into place."""

    @abstractmethod
    def _begin(self) -> None:
        """Find what is complete, and open what is to be written: `_open` closes it."""

    def __enter__(self: _Run) -> _Run:
        try:
            self._begin()
        except BaseException as exc:
            self.__exit__(type(exc), exc, exc.__traceback__)
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def _open_staging(self) -> Staging:
        """Make a temporary folder beside the first target, which an interruption removes as well."""
        with self._settings.interruption:
            staging = Staging(Path(self._parts[0].target))
            self._settings.interruption.temporaries.append(staging.temporary_path)
        return self._open.enter_context(staging)

    def _move_all(self, moves: Iterator[Path]) -> None:
        """Move files into place, or none: all but those that have replaced earlier ones are taken back on a failure.

        Each step of `moves` moves one, and yields it.
        """
        moved: list[Path] = []
        try:
            with self._settings.interruption:  # everything is on disk, so this is soon done
                for path in moves:
                    moved.append(path)  # noqa: PERF402 - what was moved before a failure must be known
        except OutputError as exc:
            if self._settings.resume or not moved:
                raise
            if not self._settings.overwrite:
                _remove(moved)
            reason, names = str(exc).removesuffix(temporaries.NOTHING_LEFT), ", ".join(map(str, moved))
            if not moved[0].parent.is_dir():
                raise OutputError(f"{reason}; the folder has gone with what was in place already: {names}") from exc
            if any(map(os.path.lexists, moved)):
                raise OutputError(f"{reason}; in place already: {names}") from exc
            raise

    def _list_targets(self) -> Iterator[Path]:
        return (target for part in self._parts for target in part.list_targets())

    def _check_all_there(self, targets: Iterable[Path]) -> None:
        """Raise OutputError if something that was moved into place is not there any more."""
        for target in targets:
            if not os.path.lexists(target):
                raise OutputError(
                    f"{target} was made and has gone: its folder was moved or removed during the run; run the same "
                    "command again"
                )


def open_run(parts: list[Part], settings: Settings) -> Run:
    """Return the run that suits a plan."""
    if settings.resume and settings.overwrite:
        has_remains = any(find_journal(target).exists() for part in parts for target in part.list_targets()) or any(
            part.shards is not None and not is_complete(Path(part.target), part.header.metadata, overwrite=True)
            for part in parts
        )
        settings = dataclasses.replace(settings, has_remains=has_remains)
    kind = WholeDatasets if all(part.shards is None for part in parts) else Shards
    return kind(parts, settings)


class WholeDatasets(Run):
    """Datasets of one file or folder each: all moved into place at the end, or none."""

    def __init__(self, parts: list[Part], settings: Settings) -> None:
        super().__init__(parts, settings)
        self._writers: list[tuple[Part, Writer]] = []

    def run(self, advance: Advance) -> None:
        """Make all images."""
        for part in self._parts:
            if part.target in self.found:
                advance(len(part.job.span))
        for part, writer in self._writers:
            self.resumed += _fill(part, writer, self._settings, advance)

    def commit(self) -> None:
        """Move all files into place, or none."""
        for _, writer in self._writers:
            writer.finish()
        self._move_all(self._commit_each())
        self._check_all_there(self._list_targets())

    def _commit_each(self) -> Iterator[Path]:
        for part, writer in self._writers:
            writer.commit()
            yield Path(part.target)

    def _begin(self) -> None:
        for part in self._parts:
            path = Path(part.target)
            if _is_done(part, path, self._settings):
                self.found.append(part.target)
            else:
                self._writers.append((part, self._open.enter_context(_open_writer(part, path, self._settings))))


class Shards(Run):
    """Datasets of many files each, and an index that opens them as one: all moved into place at the end, or none.

    If journals are kept, each shard goes into place when it is done, and the next run leaves it there.
    """

    _staging: Staging | None = None

    def run(self, advance: Advance) -> None:
        """Make all images."""
        for part in self._parts:
            for number in range(part.shards or 0):
                shard = part.shard(number)
                path = self._choose_path(shard.target)
                if _is_done(shard, path, self._settings):
                    advance(len(shard.job.span))
                    self.resumed += len(shard.job.span)
                else:
                    self.resumed += make_part(shard, path, self._settings, advance)

    def commit(self) -> None:
        """Write the indices, and move all files into place."""
        if self._staging is None:  # an index of what has gone would be made in a new folder
            self._check_all_there(Path(part.shard_target(n)) for part in self._parts for n in range(part.shards or 0))
        for part in self._parts:
            path = self._choose_path(part.target)
            if _is_done(part, path, self._settings):
                self.found.append(part.target)
            else:
                self._write_index(part, path)
        if self._staging is not None:
            self._move_all(self._place_each(self._staging))
        self._check_all_there(self._list_targets())

    def _choose_path(self, target: str) -> Path:
        """Return where a file is written."""
        path = Path(target)
        return path if self._staging is None else self._staging.temporary_path / path.name

    def _place_each(self, staging: Staging) -> Iterator[Path]:
        for target in self._list_targets():
            staging.place(target.name, target, overwrite=self._settings.overwrite)
            yield target

    def _write_index(self, part: Part, path: Path) -> None:
        numbers = range(part.shards or 0)
        shards = [(Path(part.shard_target(number)).name, len(part.shard_span(number))) for number in numbers]
        try:
            write_index(path, part.header, shards, overwrite=self._settings.overwrite)
        except OutputExistsError:
            raise
        except OutputError as exc:
            if not self._settings.resume:
                raise
            raise temporaries.resumable_error(exc, "the shards are kept") from exc

    def _begin(self) -> None:
        settings = self._settings
        for part in self._parts:
            check_place(Path(part.target))
            # An index that may not be replaced is reported now, not once all shards are made.
            _is_done(part, Path(part.target), settings)
        if settings.resume:
            return
        # First, as it may put an earlier file back, which must be found now and not once all shards are made.
        self._staging = self._open_staging()
        for target in self._list_targets():
            if os.path.lexists(target) and not settings.overwrite:
                raise temporaries.already_exists(target)
            resolve_target(target)


def make_part(part: Part, path: Path, settings: Settings, advance: Advance = lambda _: None) -> int:
    """Make one dataset that is not divided, a file or folder, and move it into place.

    Returns how many images an interrupted run had made, and were not made again.
    """
    with _open_writer(part, path, settings) as writer:
        resumed = _fill(part, writer, settings, advance)
        writer.finish()
        with settings.interruption:
            writer.commit()
    return resumed


def _is_done(part: Part, path: Path, settings: Settings) -> bool:
    """Tell whether an earlier run has made a dataset."""
    if not settings.resume or (settings.overwrite and not settings.has_remains):
        return False
    return is_complete(path, part.header.metadata, overwrite=settings.overwrite)


def _open_writer(part: Part, path: Path, settings: Settings) -> Writer:
    """Open the writer of a dataset, with its journal if one is kept."""
    if not settings.resume:
        return _start_dataset(part, path, part.header, settings)
    with contextlib.ExitStack() as undo:
        journal, header = open_journal(path, part.header)
        undo.callback(journal.close)
        with contextlib.nullcontext() if journal.about is None else report_as_kept(journal):
            writer = _start_dataset(part, path, header, settings)
        undo.push(writer)
        if journal.about is None:
            journal.begin(header.metadata)
        undo.pop_all()
    return JournaledWriter(writer, journal)


def _start_dataset(part: Part, path: Path, header: DatasetHeader, settings: Settings) -> Writer:
    """Open the writer of a dataset, and have an interruption remove what it writes."""
    with settings.interruption:
        writer = open_writer(
            settings.output.file_format,
            path,
            header,
            overwrite=settings.overwrite,
            compression=settings.output.compression,
            labels=settings.output.labels,
            part=part.name or "train",
            shards=part.files,
        )
        settings.interruption.temporaries.append(writer.temporary_path)
    return writer


def _fill(part: Part, writer: Writer, settings: Settings, advance: Advance) -> int:
    """Write all images of a part, and return how many of them its journal held."""
    bound, span, done = part.bound, part.job.span, 0
    if isinstance(writer, JournaledWriter):
        left = Span(writer.replay(span.start, advance), span.stop)
        bound, done = bound.change_job(span=left), left.start - span.start
    if len(bound.job.span):
        write_job(bound, writer, workers=settings.workers, advance=advance)
    return done


def write_job(bound: BoundJob, writer: Writer, *, workers: int, advance: Advance = lambda _: None) -> None:
    """Make all images of a job and write them, in order, without committing the writer.

    Rendering and encoding run in the workers, writing in this thread; one worker starts no thread.
    """
    job, atlas = bound.job, bound.atlas

    def task(span: Span) -> tuple[int, object]:
        return len(span), writer.encode(make_chunk(job, atlas, span))

    # Compiled here, not in several threads at once, which would wait for one another.
    make_chunk(job, atlas, Span(job.span.start, job.span.start + 1))
    with contextlib.closing(ordered_map(task, job.split(writer.span_multiple, workers), workers)) as results:
        for count, encoded in results:
            writer.write(encoded)
            advance(count)


def _remove(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
