"""Cases that run in processes of their own: bounded in memory and time, and one that dies is told by its number."""

import faulthandler
import gc
import mmap
import os
import resource
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Died", "limit_memory", "run_cases", "work_folder"]

_BATCH = 500
_CLOCK = 3  # as other processes may be busy as well
_SHARED_MEMORY = Path("/dev/shm")


class Died(NamedTuple):
    """A process that ended in a case: what it was, whether it had no end, how it ended, and its last words."""

    case: int
    is_endless: bool
    text: str
    folder: Path


def run_cases(run, cases, folder, *, workers=1, patience_s=20.0, memory_bytes=1 << 30):
    """Run cases in forked processes, a batch in each, and give their counts and those that ended a process.

    Parameters
    ----------
    run : callable
        `run(case, folder)` gives three counts, of which one at least is not 0; the folder is empty at first.
    cases : range
    folder : Path
        For the folders of the processes.
    workers : int
        How many at a time.
    patience_s : float
        Time of the processor for one case; it ends after three times as long on the clock.
    memory_bytes : int
        Address space that a process may take beyond what it has at its start.

    Returns
    -------
    counts : ndarray, shape (n, 3), int64
        What each case gave; nothing but 0 for one that ended its process.
    died : list of Died
    """
    counts, died = np.zeros((len(cases), 3), np.int64), []
    batch_length = max(1, min(_BATCH, len(cases) // workers))
    waiting = [cases[start : start + batch_length] for start in reversed(range(0, len(cases), batch_length))]
    running = {}
    number = 0
    while waiting or running:
        while waiting and len(running) < workers:
            batch = waiting.pop()
            shared = np.frombuffer(mmap.mmap(-1, len(batch) * 3 * 8), np.int64).reshape(-1, 3)
            number += 1
            place = folder / f"process-{number}"
            place.mkdir(parents=True)
            running[_forked(run, batch, shared, place, patience_s, memory_bytes)] = batch, shared, place
        process, status = os.wait()
        if process not in running:
            continue
        batch, shared, place = running.pop(process)
        done = int(shared.any(axis=1).sum())
        first = batch.start - cases.start
        counts[first : first + len(batch)] = shared
        if status or done < len(batch):
            is_endless = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGPROF)
            died.append(Died(batch[min(done, len(batch) - 1)], is_endless, _last_words(status, place), place))
            if done + 1 < len(batch):
                waiting.append(batch[done + 1 :])
        else:
            shutil.rmtree(place)
    return counts, died


def limit_memory(byte_count):
    """Let this process take so much address space beyond what it has."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + byte_count,) * 2)


def work_folder():
    """Return the folder that temporary files are best put in: in memory, where the system has such a place."""
    return _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None


def _forked(run, batch, shared, place, patience_s, memory_bytes):
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        gc.freeze()
        words = os.open(place / "last-words", os.O_CREAT | os.O_WRONLY, 0o600)
        os.dup2(words, 2)
        faulthandler.enable(2)
        # Tells where it stood, then ends the process.
        for number in (signal.SIGALRM, signal.SIGPROF):
            faulthandler.register(number, 2, chain=True)
        (place / "case").mkdir()
        limit_memory(memory_bytes)
        for number, case in enumerate(batch):
            signal.setitimer(signal.ITIMER_PROF, patience_s)
            signal.setitimer(signal.ITIMER_REAL, _CLOCK * patience_s)
            shared[number] = run(case, place / "case")
        status = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(status)


def _last_words(status, place):
    how = f"ended by {signal.Signals(os.WTERMSIG(status)).name}" if os.WIFSIGNALED(status) else f"ended with {status}"
    words = (place / "last-words").read_text(errors="replace") if (place / "last-words").exists() else ""
    return f"{how}: {words[-3000:]}"
