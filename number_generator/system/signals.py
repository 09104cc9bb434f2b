"""Ctrl-C, SIGTERM and SIGHUP while a command runs."""

import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` itself takes longer to load than everything here
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

NOTHING_UNFINISHED = "no unfinished file is left"
LEFT_TO_NEXT = "an unfinished file may be left: the next run to the same place removes it"
"""What is said of the files of a run that was ended, and where one could not be removed."""


class Interruption:
    """Ends the process at once on Ctrl-C, SIGTERM or SIGHUP, and removes unfinished files and folders.

    It raises no exception: one that is raised inside numba's compiler, a finaliser or a callback can be swallowed or
    delayed, and only the temporary files need to be undone.

    As a context manager it defers the signals while a file or folder is made and added to `temporaries`. Its last
    message says what is `left`.
    """

    def __init__(self) -> None:
        self.temporaries: list[os.PathLike[str]] = []
        self.left = NOTHING_UNFINISHED
        self._deferring = False
        self._is_ending = False
        self._pending: int | None = None

    def install(self) -> None:
        """Handle the signals; Windows has no SIGHUP, and under nohup it stays ignored."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)
        hangup = getattr(signal, "SIGHUP", None)
        if hangup is not None and signal.getsignal(hangup) != signal.SIG_IGN:
            signal.signal(hangup, self._handle)

    @staticmethod
    def installed() -> "Interruption":
        """Return the one that handles the signals; outside a command, one without effect."""
        # The table of signal handlers holds it: the process has no other state for that.
        owner = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
        return owner if isinstance(owner, Interruption) else Interruption()

    def remove_temporaries(self) -> bool:
        """Remove all unfinished files and folders; return whether they are gone."""
        is_gone = [_remove(temporary) for temporary in self.temporaries]
        return all(is_gone)

    def __enter__(self) -> None:
        self._deferring = True

    def __exit__(self, *_: object) -> None:
        self._deferring = False
        if self._pending is not None:
            self._end(self._pending)

    def _handle(self, number: int, frame: "FrameType | None") -> None:
        if self._deferring:
            self._pending = number
        elif not self._is_ending:
            self._end(number)

    def _end(self, number: int) -> "NoReturn":
        self._is_ending = True  # Ctrl-C in a terminal may come once more, from the parent process
        left = self.left if self.remove_temporaries() else LEFT_TO_NEXT
        try:
            os.write(2, f"\nstopped; {left}\n".encode("ascii"))
        finally:
            os._exit(128 + number)


def _remove(path: "str | os.PathLike[str]") -> bool:
    """Remove a file or folder; return whether it is gone."""
    # pathlib and shutil would have to be imported first.
    going = f"{os.fspath(path)}.going.partial"
    if os.path.isdir(path):  # noqa: PTH112 - no pathlib yet
        # Others that write to it, such as a cluster's workers, no longer find it, and add nothing in the meantime.
        _try(lambda folder: os.rename(folder, going), path)  # noqa: PTH104 - no pathlib yet
    if os.path.isdir(going):  # noqa: PTH112 - no pathlib yet
        path = going  # renamed now, or by the run itself, which the signal interrupted in `remove_folder`
    if os.path.isdir(path):  # noqa: PTH112 - no pathlib yet
        for folder, _, names in os.walk(path, topdown=False):
            for name in names:
                _try(os.unlink, os.path.join(folder, name))  # noqa: PTH118 - no pathlib yet
            _try(os.rmdir, folder)
    else:
        _try(os.unlink, path)
    # It may already have been moved into place. Windows keeps open files; and if its folder has gone, it went along,
    # which is right if the folder is a temporary that is removed as well.
    folder = os.path.dirname(os.fspath(path)) or os.curdir  # noqa: PTH120 - no pathlib yet
    is_known = folder.endswith(".partial") or os.path.isdir(folder)  # noqa: PTH112 - no pathlib yet
    return is_known and not os.path.lexists(path)


def _try(remove: "Callable[[str | os.PathLike[str]], None]", path: "str | os.PathLike[str]") -> None:
    try:  # noqa: SIM105 - contextlib would have to be imported first
        remove(path)
    except OSError:
        pass
