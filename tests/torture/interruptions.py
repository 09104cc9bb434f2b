"""Runs without --resume, interrupted or killed at random moments: what was there stays, or all of the new is there."""

import signal
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from random import Random

from patience import PATIENCE_S

from torture.commands import Process, run

__all__ = ["STATUSES", "interrupt", "interrupt_processes", "kill"]

STATUSES = {signal.SIGINT: 130, signal.SIGTERM: 143}
"""The signals that interrupt a run, and the exit statuses that tell of them."""

_LATEST = 1.15  # of a run's usual time, so that some signals come when all is done
_LATEST_OF_PROCESS_S = 1.2
_HIDDEN = (".",)


def interrupt(count, number, place, cases):
    """Interrupt runs at random moments.

    Parameters
    ----------
    count : int
    number : int
        The seed.
    place : Place
    cases : list of Case

    Returns
    -------
    counts : dict of str to list of int
        For each format how many runs were stopped, and how many ended before.
    findings : list of str
    """
    random = Random(f"interrupt {number}")
    counts, findings = defaultdict(lambda: [0, 0]), []
    for turn in range(count):
        case = cases[turn % len(cases)]
        overwrite = place.prepare(case, random)
        sent, moment_s = random.choice(list(STATUSES)), random.uniform(0, _LATEST * place.usual_s(case))
        process = Process(case.arguments(place.folder, *overwrite), place.output)
        process.send(sent, moment_s)
        status, text = process.wait()
        found = place.found(case)
        is_stopped = status == STATUSES[sent]
        counts[case.file_format][0 if is_stopped else 1] += 1
        before = "earlier" if overwrite else "nothing"
        is_right = found in (before, "whole") if is_stopped else (status, found) == (0, "whole")
        is_told = not is_stopped or "stopped; no unfinished file is left" in text
        if not is_right or not is_told or "Traceback" in text:
            findings.append(
                f"{case}, {sent.name} after {moment_s:.4f} s, turn {turn}: {status}, {found}: {text[-800:]}"
            )
    return dict(counts), findings


def kill(count, number, place, cases):
    """Kill runs at random moments, each time followed by a whole run; parameters and results as of `interrupt`."""
    random = Random(f"kill {number}")
    counts, findings = defaultdict(lambda: [0, 0]), []
    for turn in range(count):
        case = cases[turn % len(cases)]
        overwrite = place.prepare(case, random)
        moment_s = random.uniform(0, _LATEST * place.usual_s(case))
        process = Process(case.arguments(place.folder, *overwrite), place.output)
        process.send(signal.SIGKILL, moment_s)
        status, _ = process.wait()
        counts[case.file_format][0 if status == -signal.SIGKILL else 1] += 1
        left = place.found(case, but_for=_HIDDEN)
        # No system moves several files at once: a kill may come between two of them.
        is_right = left in ("earlier" if overwrite else "nothing", "whole") or len(case.names) > 1
        again, text = run(case.arguments(place.folder, "--overwrite"), place.output)
        found = place.found(case)
        if not is_right or again or found != "whole":
            findings.append(
                f"{case}, killed after {moment_s:.4f} s, turn {turn}: {status}, {left}; {again}, {found}: {text[-800:]}"
            )
    return dict(counts), findings


def interrupt_processes(count, number, place, cases, *, command):
    """Interrupt whole processes from their start on; parameters and results as of `interrupt`.

    Parameters
    ----------
    count, number, place, cases
    command : list of str
        What starts `generate-phone-numbers`.
    """
    random = Random(f"processes {number}")
    counts, findings = defaultdict(lambda: [0, 0]), []
    for turn in range(count):
        case = cases[turn * 5 % len(cases)]
        overwrite = place.prepare(case, random)
        sent, moment_s = random.choice(list(STATUSES)), random.uniform(0, _LATEST_OF_PROCESS_S)
        with subprocess.Popen(
            [*command, *case.arguments(place.folder, *overwrite)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            _wait_for_handlers(process)
            time.sleep(moment_s)
            process.send_signal(sent)
            _, text = process.communicate(timeout=PATIENCE_S)
        status, found = process.returncode, place.found(case)
        is_stopped = status == STATUSES[sent]
        counts[case.file_format][0 if is_stopped else 1] += 1
        is_right = found == ("earlier" if overwrite else "nothing") or place.is_same(case)
        if not is_right or not (is_stopped or (status == 0 and place.is_same(case))) or "Traceback" in text:
            findings.append(f"process, {case}, {sent.name}, turn {turn}: {status}, {found}: {text[-800:]}")
    return dict(counts), findings


def _wait_for_handlers(process):
    """Wait until the command has taken over the signals: before that, Python's own start answers them."""
    status, give_up = Path(f"/proc/{process.pid}/status"), time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < give_up:
        caught = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigCgt"))
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)
