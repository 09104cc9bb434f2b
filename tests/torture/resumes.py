"""Runs with --resume, killed at random moments again and again, some with the end of their journal lost; then ended."""

import signal
from collections import defaultdict
from random import Random

from torture.commands import Process, names_in, run
from torture.interruptions import STATUSES

__all__ = ["kill_and_resume"]

_JOURNAL = ".journal"
_MOST_KILLS = 8
_GOES_ON = 0.7  # share of the runs that are killed after one that was
_POWER_LOSS = 0.4  # share of the kills after which the end of the journals is lost


def kill_and_resume(count, number, place, cases):
    """Kill runs and let the same command go on, until `count` runs have gone on.

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
        For each format how many runs were killed or interrupted, how many went on from a journal to the end or the
        next kill, and after how many kills the end of the journals was lost.
    findings : list of str
    """
    random = Random(f"resume {number}")
    counts, findings = defaultdict(lambda: [0, 0, 0]), []
    turn = 0
    while sum(of_format[1] for of_format in counts.values()) < count:
        case = cases[turn % len(cases)]
        history = _one_job(case, place, random, counts[case.file_format])
        turn += 1
        if history:
            findings.append(f"{case}, turn {turn - 1} of seed {number}: {history}")
    return dict(counts), findings


def _one_job(case, place, random, counts):
    """Run one job to its end over some kills; give what is wrong and how it came to that, or nothing."""
    overwrite = place.prepare(case, random)
    arguments = case.arguments(place.folder, "--resume", *overwrite)
    before = "earlier" if overwrite else "nothing"
    history = [f"with {before}"]
    for _ in range(_MOST_KILLS):
        counts[1] += _has_journal(place)
        left = set(names_in(place.folder))  # of a killed run: an interruption may come before it is removed
        sent = random.choice([signal.SIGKILL] * 4 + list(STATUSES))
        moment_s = random.uniform(0, place.usual_s(case))
        process = Process(arguments, place.output)
        process.send(sent, moment_s)
        status, text = process.wait()
        found = place.found(case, but_for=(".", _JOURNAL))
        history.append(f"{sent.name} after {moment_s:.4f} s: {status}, {found}, {text[-300:]!r}")
        if "Traceback" in text or status not in (0, -signal.SIGKILL, STATUSES.get(sent, 0)):
            return "; ".join(history)
        # Files of several may be in their places already, each of them whole.
        if found not in (before, "whole") and len(case.names) == 1:
            return "; ".join(history)
        if status == 0:
            break
        counts[0] += 1
        new = set(names_in(place.folder)) - left
        if sent != signal.SIGKILL and ("stopped; " not in text or any(name.startswith(".") for name in new)):
            return "; ".join(history)
        if sent == signal.SIGKILL and random.random() < _POWER_LOSS:
            counts[2] += _lose_power(place.folder, random, history)
        if random.random() > _GOES_ON:
            break
    counts[1] += _has_journal(place)
    status, text = run(arguments, place.output)
    found = place.found(case)
    history.append(f"at last: {status}, {found}, {text[-600:]!r}")
    return "" if status == 0 and found == "whole" else "; ".join(history)


def _has_journal(place):
    return any(name.endswith(_JOURNAL) for name in names_in(place.folder))


def _lose_power(folder, random, history):
    """Do to the journals what a power failure may do: their end is gone, or zeros, or something else, or a hole."""
    journals = [path for path in folder.iterdir() if path.name.endswith(_JOURNAL) and path.stat().st_size]
    for path in journals:
        content = bytearray(path.read_bytes())
        # The first record is on disk before the file has its name; all else may be lost.
        first = min(len(content), 40 + int.from_bytes(content[24:32], "little"))
        start = random.randint(first, len(content))
        way = random.choice(("cut", "zeros", "other bytes", "a hole", "a bit"))
        if way == "cut":
            del content[start:]
        elif way == "zeros":
            content[start:] = bytes(len(content) - start + random.choice((0, 0, 4096)))
        elif way == "other bytes":
            content[start:] = random.randbytes(min(len(content) - start, 4096))
        elif way == "a hole":
            content[start : start + 4096] = bytes(len(content[start : start + 4096]))
        elif start < len(content):
            content[start] ^= 1 << random.randrange(8)
        path.write_bytes(content)
        history.append(f"{path.name}: {way} from {start} of {len(content)}")
    return bool(journals)
