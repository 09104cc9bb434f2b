"""A child process for work on files that may be hostile: limited in memory, watched, and answered for by its parent.

No library that parses a file in C can be trusted with every file. In a child, a crash is the child's alone.
"""

import itertools
import os
import select
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from number_generator.system.signals import Interruption

if sys.platform != "win32":
    import resource

STALL_S = 30
"""Seconds of processor time in which the interpreter must have run a line: else something in C never ends."""
_FREE_BYTES = 4 << 30  # what a process may take whatever it reads: compilers, threads, buffers, writers
_CORE_BYTES = 64 << 20  # and for each core, on which libraries start threads of their own
_EXPANSION = 64  # how many bytes of memory each byte of a file may take
_MOST_ENTRIES = 1000  # whose sizes are asked for in a folder
_BEAT_S = 0.25
_BUSY_S = 2  # for which all cores may be busy meanwhile, as the time of all threads is counted together
_READ_BYTES = 1 << 16
_GRACE_S = 5  # for a child to end at a signal, which a loop in C does not notice


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child has ended: its exit status, or the number of the signal that killed it."""

    status: int
    killed_by: int | None
    is_clean: bool
    """Whether no unfinished file or folder is left."""


def can_fork() -> bool:
    """Tell whether this system makes a child by copying the process."""
    return hasattr(os, "fork")


def compute_limit(paths: Iterable[str | os.PathLike[str]]) -> int:
    """Return how many bytes of memory the reading of some files and folders may take, by their sizes."""
    most = _FREE_BYTES + _CORE_BYTES * (os.cpu_count() or 1) + _EXPANSION * sum(map(_measure, paths))
    try:
        return min(most, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # a system that does not say how much memory it has
        return most


def find_patience() -> float:
    """Return after how many seconds of processor time without a line of Python a process is ended."""
    return STALL_S + _BUSY_S * (os.cpu_count() or 1)


def describe_death(number: int) -> str:
    """Say what it means that a signal has killed a process that was reading a file."""
    if number == getattr(signal, "SIGPROF", None):
        return f"reading it did not come to an end in {find_patience()} s of processor time; its content is damaged"
    if number == getattr(signal, "SIGKILL", None):
        return "reading it was ended by the system (SIGKILL), most likely as memory ran out"
    return f"reading it crashed ({signal.Signals(number).name}); its content is damaged"


def name_paths(paths: Sequence[str]) -> str:
    """Name what was read when a process died: only it knew which of several that was."""
    return paths[0] if len(paths) == 1 else f"{paths[0]} or another of {len(paths)}"


def run_in_child(memory_bytes: int, interruption: Interruption) -> Ending | None:
    """Go on in a child of this process: return None there, and in the parent, when the child has ended, how.

    The process must have a single thread. The child has its streams, and ends when the parent does. Signals that
    `interruption` handles are passed on to it. What a child that is killed has left unfinished is removed, and one that
    does not heed a signal is killed.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    reports, reported = os.pipe()
    life, living = os.pipe()
    handled = [number for number in signal.valid_signals() if _is_handled(number, interruption)]
    signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    child = os.fork()
    if not child:
        os.close(reports)
        os.close(living)
        interruption.temporaries = _Reported(reported)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, handled)
        limit_process(memory_bytes, life)
        return None
    os.close(reported)
    os.close(life)
    wait = _Wait(child, handled)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, handled)
    said = wait.read(reports)
    interruption.temporaries += [Path(os.fsdecode(path)) for path in said.split(b"\0")[:-1]]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(living)
    if status >= 0:
        return Ending(status, None, is_clean=True)
    if wait.passed_on is not None:
        interruption.install()
        signal.raise_signal(wait.passed_on)  # which ends this process as it should have ended the child
    return Ending(status, -status, is_clean=interruption.remove_temporaries())


def limit_process(memory_bytes: int, life: int | None = None) -> None:
    """Limit what this process may take, and let the system end it with SIGPROF if it hangs in C.

    Parameters
    ----------
    memory_bytes : int
        Of data: mapped files do not count. Only Linux has such a limit, and Windows none of time either.
    life : int, optional
        A pipe that the parent holds open; the process ends when that is closed.
    """
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    if sys.platform == "win32":
        return
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, find_patience())
    threading.Thread(target=_beat, args=(life,), name="heartbeat", daemon=True).start()


def _beat(life: int | None) -> None:
    """Put the end off as long as the interpreter runs, and the parent lives."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are for the main thread
    waited = [] if life is None else [life]
    while not select.select(waited, [], [], _BEAT_S)[0]:
        signal.setitimer(signal.ITIMER_PROF, find_patience())
    os.kill(os.getpid(), signal.SIGTERM)


class _Reported(list[os.PathLike[str]]):
    """A list whose new entries the parent is told of."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def append(self, path: os.PathLike[str]) -> None:
        """Append a path."""
        super().append(path)
        os.write(self._descriptor, os.fsencode(Path(path).absolute()) + b"\0")


class _Wait:
    """Passes signals on to a child, and kills it if it does not heed them."""

    def __init__(self, child: int, handled: Iterable[int]) -> None:
        self.passed_on: int | None = None
        self._child = child
        self._woken, waking = os.pipe()
        os.set_blocking(waking, False)
        signal.set_wakeup_fd(waking)
        signal.signal(signal.SIGALRM, self._kill)
        for number in handled:
            signal.signal(number, self._pass_on)

    def read(self, descriptor: int) -> bytes:
        """Return all that the child writes until its end."""
        said = []
        while True:
            # A signal that comes just before a read would wait for its end.
            ready, _, _ = select.select([descriptor, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, _READ_BYTES)
            if descriptor in ready:
                said.append(os.read(descriptor, _READ_BYTES))
                if not said[-1]:
                    return b"".join(said)

    def _pass_on(self, number: int, frame: object) -> None:
        self.passed_on = number
        os.kill(self._child, number)
        signal.setitimer(signal.ITIMER_REAL, _GRACE_S)

    def _kill(self, number: int, frame: object) -> None:
        os.kill(self._child, signal.SIGKILL)


def _is_handled(number: int, interruption: Interruption) -> bool:
    return getattr(signal.getsignal(number), "__self__", None) is interruption


def _measure(path: str | os.PathLike[str]) -> int:
    """Return how many bytes a file takes, or about how many the files of a folder do."""
    try:
        size = Path(path).stat().st_size
        if Path(path).is_dir():
            # The size of the folder itself grows with the number of its entries.
            size += sum(entry.stat().st_size for entry in itertools.islice(Path(path).iterdir(), _MOST_ENTRIES))
    except (OSError, ValueError):
        return 0
    return size
