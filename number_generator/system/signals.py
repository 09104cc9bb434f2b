"""Ctrl-C and SIGTERM while a command runs."""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import NoReturn

__all__ = ["Interruption"]


class Interruption:
    """Ends the process at once on Ctrl-C or SIGTERM, and takes unfinished files and folders away.

    No exception is raised for it: one that starts inside numba's compiler, a finaliser or a callback can be
    swallowed or delayed, and all that there is to undo are the temporary files.

    As a context manager it puts the signals off: a file or folder is made in it, and added to `temporaries`. What is
    said of them at the end is `left`.
    """

    def __init__(self) -> None:
        self.temporaries: list[os.PathLike[str]] = []
        self.left = "no unfinished file is left"
        self._deferring = False
        self._pending: int | None = None

    def install(self) -> None:
        """Take over the two signals."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    @staticmethod
    def installed() -> "Interruption":
        """Give the one that has taken over the signals; elsewhere than in a command one that nothing comes of."""
        # The table of signals remembers it: there is no other state of the process.
        owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        return owner if isinstance(owner, Interruption) else Interruption()

    def __enter__(self) -> None:
        self._deferring = True

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: "BaseException | None",
        trace: "TracebackType | None",
    ) -> None:
        self._deferring = False
        if self._pending is not None:
            self._end(self._pending)

    def _handle(self, number: int, frame: "FrameType | None") -> None:
        if self._deferring:
            self._pending = number
        else:
            self._end(number)

    def _end(self, number: int) -> "NoReturn":
        left = self.left
        removed = [_is_removed(temporary) for temporary in self.temporaries]
        if not all(removed):
            left = "the next run to the same place removes the unfinished file"
        try:
            os.write(2, f"\nstopped; {left}\n".encode("ascii"))
        finally:
            os._exit(128 + number)


def _is_removed(path: "str | os.PathLike[str]") -> bool:
    """Remove a file or folder, and tell whether it is gone."""
    # pathlib and shutil would have to load first.
    going = f"{os.fspath(path)}.going.partial"
    if os.path.isdir(path):  # noqa: PTH112
        # Whoever else writes to it, as a cluster's workers do, finds it no longer, and puts nothing into it meanwhile.
        _try(lambda folder: os.rename(folder, going), path)  # noqa: PTH104
    if os.path.isdir(going):  # noqa: PTH112
        path = going  # now, or by the run itself, which the signal has interrupted in `remove_folder`
    if os.path.isdir(path):  # noqa: PTH112
        for folder, _, names in os.walk(path, topdown=False):
            for name in names:
                _try(os.unlink, os.path.join(folder, name))  # noqa: PTH118
            _try(os.rmdir, folder)
    else:
        _try(os.unlink, path)
    # It may have gone into place already. Windows keeps a file that is open.
    return not os.path.lexists(path)


def _try(remove: "Callable[[str | os.PathLike[str]], None]", path: "str | os.PathLike[str]") -> None:
    try:  # noqa: SIM105 - contextlib would have to load first
        remove(path)
    except OSError:
        pass
