"""A writer whose chunks go to a journal as well, so that the next run goes on where this one ends."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from number_generator.errors import OutputError, OutputExistsError
from number_generator.formats.journal.codec import pack, unpack
from number_generator.formats.journal.file import Journal, compute_checksum
from number_generator.formats.writer import Writer
from number_generator.job.chunk import Chunk
from number_generator.system.temporaries import NOTHING_LEFT, resumable_error


@dataclass(frozen=True, slots=True)
class _Entry:
    """A chunk as the writer and the journal store it."""

    first: int
    count: int
    encoded: Any
    buffers: list[Any]
    checksum: int


class JournaledWriter:
    """A dataset and its journal, already begun, which is removed once the dataset has its final name."""

    def __init__(self, writer: Writer, journal: Journal) -> None:
        self._writer = writer
        self._journal = journal

    @property
    def temporary_path(self) -> Path:
        """The file or folder that is being written."""
        return self._writer.temporary_path

    @property
    def span_multiple(self) -> int:
        """That of the writer."""
        return self._writer.span_multiple

    def replay(self, first: int, advance: Callable[[int], object]) -> int:
        """Write what the journal holds to the dataset, from the job's `first` image on; return the first that it lacks.

        `advance` is called with the number of images after each record.
        """
        for count, payload in self._journal.read_entries(first):
            try:
                with report_as_kept(self._journal):
                    self._writer.write(unpack(payload))
            except OutputError:
                raise
            except Exception as exc:  # values that the writer does not expect can raise anything
                raise OutputError(
                    f"{self._journal.path} does not hold images {first} to {first + count - 1} as it should ({exc!r}): "
                    "remove it to start over"
                ) from exc
            first += count
            advance(count)
        return first

    def encode(self, chunk: Chunk) -> _Entry:
        """Prepare a chunk for both."""
        encoded = self._writer.encode(chunk)
        buffers = pack(encoded)
        return _Entry(chunk.span.start, len(chunk.span), encoded, buffers, compute_checksum(buffers))

    def write(self, encoded: _Entry) -> None:
        """Append a chunk to the journal, then to the dataset: what the journal holds is never made again."""
        with report_as_kept(self._journal):
            self._journal.append(encoded.first, encoded.count, encoded.buffers, encoded.checksum)
            self._writer.write(encoded.encoded)

    def finish(self) -> None:
        """Flush the dataset to disk."""
        with report_as_kept(self._journal):
            self._writer.finish()

    def commit(self) -> None:
        """Move the dataset to its final name, and remove the journal."""
        with report_as_kept(self._journal):
            self._writer.commit()
        self._journal.remove()

    def __enter__(self) -> "JournaledWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            self._writer.__exit__(*error)
        finally:
            self._journal.close()


@contextlib.contextmanager
def report_as_kept(journal: Journal) -> Iterator[None]:
    """Let an error say whether the journal is left."""
    try:
        yield
    except OutputExistsError:
        raise
    except OutputError as exc:
        if not journal.path.exists():
            reason = str(exc).removesuffix(NOTHING_LEFT)
            raise OutputError(f"{reason}; {journal.path} is gone as well: start over") from exc
        raise resumable_error(exc, f"what is done is kept in {journal.path}") from exc
