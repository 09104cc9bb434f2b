"""A sink whose chunks go to a journal as well, so that the next run goes on where this one ends."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from number_generator.errors import OutputError, OutputExistsError
from number_generator.formats.journal.codec import packed, unpacked
from number_generator.formats.journal.file import Journal, checksum
from number_generator.formats.writer import Sink
from number_generator.job.spec import Chunk
from number_generator.system.temporaries import NOTHING_LEFT, resumable

__all__ = ["JournaledSink", "kept"]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A chunk ready to be stored: for the sink, and for the journal."""

    first: int
    count: int
    encoded: Any
    buffers: list[Any]
    checksum: int


class JournaledSink:
    """A dataset and its journal, which is removed once the dataset has its final name.

    Parameters
    ----------
    sink : Sink
    journal : Journal
        That of the dataset, begun.
    """

    def __init__(self, sink: Sink, journal: Journal) -> None:
        self._sink = sink
        self._journal = journal

    @property
    def temporary_path(self) -> Path:
        """The file or folder that is being written."""
        return self._sink.temporary_path

    @property
    def span_multiple(self) -> int:
        """That of the sink."""
        return self._sink.span_multiple

    def replay(self, first: int, advance: Callable[[int], object]) -> int:
        """Write what the journal holds to the sink.

        Parameters
        ----------
        first : int
            Number of the job's first image.
        advance : callable
            Called with the number of images after each record.

        Returns
        -------
        int
            The number of the first image that is still to be made.
        """
        for count, payload in self._journal.entries(first):
            try:
                with kept(self._journal):
                    self._sink.write(self._sink.unpack(unpacked(payload)))
            except OutputError:
                raise
            except Exception as exc:  # values of another kind than the sink's can raise anything
                raise OutputError(
                    f"{self._journal.path} holds something else than images {first} to {first + count - 1} ({exc!r}), "
                    "whatever wrote it: remove it and begin anew"
                ) from exc
            first += count
            advance(count)
        return first

    def encode(self, chunk: Chunk) -> _Entry:
        """Prepare a chunk for both."""
        encoded = self._sink.encode(chunk)
        buffers = packed(self._sink.pack(encoded))
        return _Entry(chunk.span.start, len(chunk.span), encoded, buffers, checksum(buffers))

    def pack(self, encoded: _Entry) -> Any:
        """Give an encoded chunk as plain values."""
        return self._sink.pack(encoded.encoded)

    def unpack(self, plain: Any) -> Any:
        """Give what the sink takes."""
        return self._sink.unpack(plain)

    def write(self, encoded: _Entry) -> None:
        """Append a chunk to the journal, then to the dataset: what can be read there is done for good."""
        with kept(self._journal):
            self._journal.append(encoded.first, encoded.count, encoded.buffers, encoded.checksum)
            self._sink.write(encoded.encoded)

    def finish(self) -> None:
        """Flush the dataset to disk."""
        with kept(self._journal):
            self._sink.finish()

    def commit(self) -> None:
        """Move the dataset to its final name, and remove the journal."""
        with kept(self._journal):
            self._sink.commit()
        self._journal.remove()

    def __enter__(self) -> "JournaledSink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sink.__exit__(kind, error, trace)
        self._journal.close()


@contextlib.contextmanager
def kept(journal: Journal) -> Iterator[None]:
    """Say of an error what is left: the journal, if it is there."""
    try:
        yield
    except OutputExistsError:
        raise
    except OutputError as exc:
        if not journal.path.exists():
            reason = str(exc).removesuffix(NOTHING_LEFT)
            raise OutputError(f"{reason}; {journal.path} has gone as well: begin anew") from exc
        raise resumable(exc, f"what is done is kept in {journal.path}") from exc
