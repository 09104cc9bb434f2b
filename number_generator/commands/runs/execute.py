"""A plan carried out: all of its files in their places, or none; gone on with, where a run was interrupted.

Whole datasets are written side by side under temporary names, and moved into place together at the end. Shards, of
which there may be many, are written one after the other: into a folder of their own that is emptied at the end, or,
where the run keeps journals, each into its place.
"""

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from number_generator.commands.output import Output
from number_generator.commands.runs.plan import Part, Plan, name_shard
from number_generator.commands.runs.resume import find_journal, is_complete, open_journal
from number_generator.commands.runs.write_job import write_job
from number_generator.errors import OutputError, OutputExistsError
from number_generator.formats.hdf5.index_writer import check_place, write_index
from number_generator.formats.journal.writer import JournaledWriter, report_as_kept
from number_generator.formats.writer import Writer, open_writer
from number_generator.job.chunk import DatasetHeader
from number_generator.job.spec import Span
from number_generator.system import temporaries
from number_generator.system.signals import Interruption
from number_generator.system.staging import Staging

__all__ = [
    "Run",
    "Settings",
    "Shards",
    "WholeDatasets",
    "list_targets",
    "make_part",
    "open_run",
]

Advance = Callable[[int], object]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a plan is carried out; the images do not depend on it.

    Attributes
    ----------
    output : Output
    overwrite : bool
        Whether earlier datasets are replaced.
    resume : bool
        Whether journals are kept, and gone on from.
    workers : int
        Number of threads.
    interruption : Interruption
    goes_on : bool
        Whether an interrupted run has left something of the plan: a journal, or shards without their index.
    """

    output: Output
    overwrite: bool
    resume: bool
    workers: int
    interruption: Interruption
    goes_on: bool = False


class Run(Protocol):
    """A plan being carried out, as a context manager: leaving it without `commit` leaves nothing, or journals alone.

    Attributes
    ----------
    found : list of str
        The targets that were whole already.
    gone_on : int
        How many images an interrupted run had made, and were not made again.
    """

    found: list[str]
    gone_on: int

    def run(self, advance: Advance) -> None:
        """Make all images; `advance` is called with the number of images after each write."""
        ...

    def commit(self) -> None:
        """Move all into place."""
        ...

    def __enter__(self) -> "Run": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_run(plan: Plan, settings: Settings) -> Run:
    """Give the way in which a plan is carried out."""
    if settings.resume and settings.overwrite:
        goes_on = any(find_journal(target).exists() for target in list_targets(plan.parts)) or any(
            part.shards is not None and not is_complete(Path(part.target), part.header.metadata, overwrite=True)
            for part in plan.parts
        )
        settings = dataclasses.replace(settings, goes_on=goes_on)
    if any(part.shards is not None for part in plan.parts):
        return Shards(plan, settings)
    return WholeDatasets(plan, settings)


class WholeDatasets:
    """Datasets of a file or folder each: all moved into place at the end, or none."""

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self._parts = plan.parts
        self._settings = settings
        self._writers: list[tuple[Part, Writer]] = []
        self.found: list[str] = []
        self.gone_on = 0
        self._open = contextlib.ExitStack()

    def run(self, advance: Advance) -> None:
        """Make all images."""
        for part in self._parts:
            if part.target in self.found:
                advance(len(part.job.span))
        for part, writer in self._writers:
            self.gone_on += _fill(part, writer, self._settings, advance)

    def commit(self) -> None:
        """Move all files into place, or none: but for one that has replaced an earlier one."""
        for _, writer in self._writers:
            writer.finish()
        moved: list[Path] = []
        try:
            with self._settings.interruption:  # all are on disk, so this is soon done
                for part, writer in self._writers:
                    writer.commit()
                    moved.append(Path(part.target))
        except OutputError as exc:
            _take_back(moved, exc, self._settings)
            raise

    def __enter__(self) -> "WholeDatasets":
        try:
            for part in self._parts:
                if _is_done(part, Path(part.target), self._settings):
                    self.found.append(part.target)
                else:
                    self._writers.append((part, self._open.enter_context(_opened(part, part.target, self._settings))))
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


class Shards:
    """Datasets of many files each, and an index that opens as one: all moved into place at the end, or none.

    Where journals are kept, each shard goes into place when it is done, and the next run leaves it there.
    """

    def __init__(self, plan: Plan, settings: Settings) -> None:
        self._parts = plan.parts
        self._settings = settings
        self._staging: Staging | None = None
        self.found: list[str] = []
        self.gone_on = 0

    def run(self, advance: Advance) -> None:
        """Make all images."""
        for part in self._parts:
            for number in range(part.shards or 0):
                shard = part.shard(number)
                path = self.path_of(shard)
                if _is_done(shard, path, self._settings):
                    advance(len(shard.job.span))
                    self.gone_on += len(shard.job.span)
                else:
                    self.gone_on += make_part(shard, path, self._settings, advance)

    def path_of(self, shard: Part) -> Path:
        """Give where a shard is written to."""
        path = Path(shard.target)
        return path if self._staging is None else self._staging.temporary_path / path.name

    def commit(self) -> None:
        """Write the indices, and move all into place."""
        for part in self._parts:
            path = self.path_of(part)
            if _is_done(part, path, self._settings):
                self.found.append(part.target)
            else:
                self._write_index(part, path)
        if self._staging is None:
            return
        moved: list[Path] = []
        try:
            with self._settings.interruption:
                for target in list_targets(self._parts):
                    self._staging.place(target.name, target, overwrite=self._settings.overwrite)
                    moved.append(target)
        except OutputError as exc:
            _take_back(moved, exc, self._settings)
            raise

    def _write_index(self, part: Part, path: Path) -> None:
        try:
            write_index(path, part.header, _shards_of(part), overwrite=self._settings.overwrite)
        except OutputExistsError:
            raise
        except OutputError as exc:
            if not self._settings.resume:
                raise
            raise temporaries.resumable_error(exc, "the shards are kept") from exc

    def __enter__(self) -> "Shards":
        settings = self._settings
        for part in self._parts:
            check_place(Path(part.target))
            # An index that may not be replaced is told of now, not once all shards are made.
            _is_done(part, Path(part.target), settings)
        if settings.resume:
            return self
        for target in list_targets(self._parts):
            if os.path.lexists(target) and not settings.overwrite:
                raise temporaries.already_exists(target)
        with settings.interruption:
            self._staging = Staging(Path(self._parts[0].target))
            settings.interruption.temporaries.append(self._staging.temporary_path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._staging is not None:
            self._staging.discard()


def make_part(part: Part, path: Path, settings: Settings, advance: Advance = lambda _: None) -> int:
    """Make one dataset, a file or folder, and move it into place.

    Parameters
    ----------
    part : Part
        Not one that is divided.
    path : Path
        Its final name.
    settings : Settings
    advance : callable
        Called with the number of images after each write.

    Returns
    -------
    int
        How many images an interrupted run had made, and were not made again.
    """
    with _opened(part, os.fspath(path), settings) as writer:
        gone_on = _fill(part, writer, settings, advance)
        writer.finish()
        with settings.interruption:
            writer.commit()
    return gone_on


def list_targets(parts: Sequence[Part]) -> Iterator[Path]:
    """Give all files and folders of some datasets, an index after its shards."""
    for part in parts:
        path = Path(part.target)
        yield from (path.with_name(name) for name, _ in _shards_of(part))
        yield path


def _is_done(part: Part, path: Path, settings: Settings) -> bool:
    """Tell whether an earlier run has made a dataset, so that nothing need be done for it."""
    if not settings.resume or (settings.overwrite and not settings.goes_on):
        return False
    return is_complete(path, part.header.metadata, overwrite=settings.overwrite)


def _opened(part: Part, target: str, settings: Settings) -> Writer:
    """Open the writer of a dataset, with its journal if one is kept."""
    path = Path(target)
    if not settings.resume:
        return _new_writer(part, path, part.header, settings)
    with contextlib.ExitStack() as undo:
        journal, header = open_journal(path, part.header)
        undo.callback(journal.close)
        with contextlib.nullcontext() if journal.about is None else report_as_kept(journal):
            writer = _new_writer(part, path, header, settings)
        undo.push(writer)
        if journal.about is None:
            journal.begin(header.metadata)
        undo.pop_all()
    return JournaledWriter(writer, journal)


def _new_writer(part: Part, path: Path, header: DatasetHeader, settings: Settings) -> Writer:
    """Open the writer of a dataset, which an interruption takes away again."""
    with settings.interruption:
        writer = open_writer(
            settings.output.file_format,
            path,
            header,
            overwrite=settings.overwrite,
            compression=settings.output.compression,
            labels=settings.output.labels,
            part=part.name or "train",
        )
        settings.interruption.temporaries.append(writer.temporary_path)
    return writer


def _fill(part: Part, writer: Writer, settings: Settings, advance: Advance) -> int:
    """Write all images of a part; give how many of them its journal held."""
    bound, span, done = part.bound, part.job.span, 0
    if isinstance(writer, JournaledWriter):
        left = Span(writer.replay(span.start, advance), span.stop)
        bound, done = bound.change_job(span=left), left.start - span.start
    if len(bound.job.span):
        write_job(bound, writer, workers=settings.workers, advance=advance)
    return done


def _shards_of(part: Part) -> list[tuple[str, int]]:
    """Give the names of the shards of a part, and how many images each holds."""
    shards = part.shards or 0
    bounds = part.shard_bounds()
    names = (Path(name_shard(part.target, number, shards)).name for number in range(shards))
    return [(name, bounds[number + 1] - bounds[number]) for number, name in enumerate(names)]


def _take_back(moved: list[Path], error: OutputError, settings: Settings) -> None:
    """Take files that are in place away again after a failure, unless they have replaced earlier ones."""
    if settings.resume:
        return
    if settings.overwrite:
        if moved:
            raise OutputError(f"{error}; in place already: {', '.join(map(str, moved))}") from error
        return
    for path in moved:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
