"""The reading and writing of HDF5 files by this package, which the end of the interpreter waits for.

A daemon thread that does so while the interpreter ends would crash in what is left of HDF5, or be ended inside and
leave h5py locked for those who close the files. Only our own use is kept from that: other threads may go on to use h5py
while the program ends, and the program may wait for them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic

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
            self._changed.wait_for(lambda: set(self._depths) <= {this}, _PATIENCE_S)
        for close in list(self.unfinished.values()):  # while there is Python: HDF5 writes through its objects
            close()

    def __enter__(self) -> None:
        # Each read comes here, so no lock is taken: an entry of one's own is made before the end is looked for, and
        # whoever ends looks for entries after saying so. One of the two sees the other.
        this = threading.get_ident()
        depth = self._depths.get(this, 0)
        self._depths[this] = depth + 1
        if depth or self._ending is None or self._ending == this:
            return
        self.__exit__()
        with self._changed:
            # A daemon thread ends here, with the interpreter. One that the program waits for is told.
            self._changed.wait_for(lambda: False, _PATIENCE_S)
        raise NumberGeneratorError(
            "the interpreter is ending: read and write before it does, or in a thread that is no daemon"
        )

    def __exit__(self, *_: object) -> None:
        this = threading.get_ident()
        depth = self._depths.get(this, 1) - 1
        if depth:
            self._depths[this] = depth
            return
        self._depths.pop(this, None)
        if self._ending is not None:
            with self._changed:
                self._changed.notify_all()


OWN_USE = OwnUse()
"""That of this process: one, as HDF5 is."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=OWN_USE.forget)


class _Counted(Generic[Handles]):
    """What a reader lends, as a context that is counted: opening it counts as well."""

    __slots__ = ("_lend", "_loan")

    def __init__(self, lend: Callable[[], AbstractContextManager[Handles]]) -> None:
        self._lend = lend

    def __enter__(self) -> Handles:
        OWN_USE.__enter__()
        try:
            self._loan = self._lend()
            return self._loan.__enter__()
        except BaseException:
            OWN_USE.__exit__()
            raise

    def __exit__(self, *error: Any) -> None:
        try:
            self._loan.__exit__(*error)
        finally:
            OWN_USE.__exit__()


class CountedReader(SlicedReader[Handles]):
    """A reader whose reads are counted."""

    def _lend(self) -> AbstractContextManager[Handles]:
        return _Counted(super()._lend)

    def close(self) -> None:
        """Close what is open, as by `SlicedReader`."""
        with OWN_USE:
            super().close()
