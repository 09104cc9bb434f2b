"""The reading and writing of HDF5 files by this package, which the end of the interpreter waits for.

A daemon thread that does so while the interpreter ends would crash in what is left of HDF5, or be ended inside and
leave h5py locked for those who close the files. Only our own use is kept from that: other threads may go on to use h5py
while the program ends, and the program may wait for them.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator

from number_generator.errors import NumberGeneratorError
from number_generator.formats.base_reader import Handles, SlicedReader

_PATIENCE_S = 10.0


class OwnUse:
    """Counts the threads that read or write: a context for that, which may hold others of the same thread."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, in a child process, which has none of its parent's threads."""
        self._changed = threading.Condition()
        self._depths: dict[int, int] = {}  # by thread
        self._ending: int | None = None  # the thread that ends the interpreter
        self.unfinished: dict[int, Callable[[], None]] = {}  # by writer: what closes its file

    def end(self) -> None:
        """Wait until no other thread reads or writes, and keep all out that would begin; give up after a while."""
        this = threading.get_ident()
        with self._changed:
            self._ending = this
            self._changed.wait_for(lambda: self._depths.keys() <= {this}, _PATIENCE_S)
        for close in list(self.unfinished.values()):  # while there is Python: HDF5 writes through its objects
            close()

    def __enter__(self) -> None:
        this = threading.get_ident()
        with self._changed:
            depth = self._depths.get(this, 0)
            if depth or self._ending in (None, this):
                self._depths[this] = depth + 1
                return
            # A daemon thread ends here, with the interpreter. One that the program waits for is told.
            self._changed.wait_for(lambda: False, _PATIENCE_S)
        raise NumberGeneratorError(
            "the interpreter is ending: read and write before it does, or in a thread that is no daemon"
        )

    def __exit__(self, *_: object) -> None:
        this = threading.get_ident()
        with self._changed:
            depth = self._depths.pop(this, 1) - 1
            if depth:
                self._depths[this] = depth
            else:
                self._changed.notify_all()


OWN_USE = OwnUse()
"""That of this process: one, as HDF5 is."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OWN_USE.forget)


class CountedReader(SlicedReader[Handles]):
    """A reader whose reads are counted."""

    @contextlib.contextmanager
    def _lend(self) -> Iterator[Handles]:
        with OWN_USE, super()._lend() as handles:
            yield handles

    def close(self) -> None:
        """Close what is open, as by `SlicedReader`."""
        with OWN_USE:
            super().close()
