"""Runs that meet a limit on file sizes, a full disk or a folder that goes away: one clear error, and nothing torn."""

import contextlib
import resource
import shutil
import subprocess
from collections import defaultdict
from random import Random

from torture.commands import Process, names_in, run

__all__ = ["FAULTS", "meet_faults"]

_LEAST_BYTES = 4096  # what a run prints has room
_ERROR = "generate-phone-numbers: error: "
_JOURNAL = ".journal"


def meet_faults(count, number, place, cases):
    """Let runs meet faults, with --resume and without it, and then run again without them.

    Parameters
    ----------
    count : int
        Of each fault.
    number : int
        The seed.
    place : Place
    cases : list of Case

    Returns
    -------
    counts : dict of str to list of int
        For each fault how many runs failed with an error, and how many ended all the same.
    findings : list of str
    """
    random = Random(f"faults {number}")
    counts, findings = defaultdict(lambda: [0, 0]), []
    for turn in range(count):
        case = cases[turn % len(cases)]
        for name, fault in FAULTS.items():
            more = ["--resume"] if random.random() < 0.5 else []
            more += place.prepare(case, random)
            result = fault(case, place, random, more)
            if result is None:
                continue
            status, text, wrong = result
            counts[name][0 if status else 1] += 1
            wrong += _wrong_words(status, text)
            found = place.found(case, but_for=(_JOURNAL,) if "--resume" in more else ())
            before = "earlier" if "--overwrite" in more else "nothing"
            # Shards go into their places one by one where journals are kept.
            is_right = found in (before, "whole") if status else found == "whole" or name == "a folder removed"
            if not is_right and len(case.names) == 1:
                wrong += f"left {found}; "
            overwrite = [] if "--resume" in more and "--overwrite" not in more else ["--overwrite"]
            again, later = run(case.arguments(place.folder, *more, *overwrite), place.output)
            if again or place.found(case) != "whole":
                wrong += f"then {again}, {place.found(case)}: {later[-600:]!r}; "
            if wrong:
                findings.append(f"{name}, {case} with {more}, turn {turn}: {wrong}status {status}: {text[-900:]!r}")
    return dict(counts), findings


def _limited(case, place, random, more):
    """A limit on the sizes of files."""
    limit = random.randint(_LEAST_BYTES, int(1.3 * max(place.sizes(case))) + _LEAST_BYTES)

    def limit_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return *run(case.arguments(place.folder, *more), place.output, limit_files), ""


def _full(case, place, random, more):
    """A file system that is too small."""
    size = random.randint(_LEAST_BYTES, int(2.5 * sum(place.sizes(case))) + _LEAST_BYTES)
    with _mounted(place, size) as is_mounted:
        if not is_mounted:
            return None
        # What a killed run leaves would stay there, too: all of it is looked at.
        status, text = run(case.arguments(place.folder, *more), place.output)
        kept = place.folder.with_name("kept")
        shutil.copytree(place.folder, kept)
    shutil.rmtree(place.folder)
    kept.rename(place.folder)
    return status, text, ""


def _removed(case, place, random, more):
    """A folder that goes away while the run is at work."""
    process = Process(case.arguments(place.folder, *more), place.output)
    gone = place.folder.with_name("gone")
    if not process.has_ended(random.uniform(0, place.usual_s(case))):
        place.folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    status, text = process.wait()
    wrong = ""
    if gone.exists():
        # The run had its last files in there when it ended; a success needs all of it.
        wrong = "" if status or names_in(gone) == case.names else f"it ended well, and {names_in(gone)} are there; "
        shutil.rmtree(gone, ignore_errors=True)
    if not place.folder.exists():
        place.lay(case, more)
    return status, text, wrong


FAULTS = {"a limit on file sizes": _limited, "a full disk": _full, "a folder removed": _removed}
"""Each is called with case, place, generator and options; it gives exit status, what was printed, and what is wrong."""


def _wrong_words(status, text):
    """Tell what is wrong with how a run tells of a fault."""
    errors = [line for line in text.splitlines() if line.startswith(_ERROR)]
    if "Traceback" in text or "Warning" in text:
        return "it tells more than its error; "
    if status not in (0, 1):
        return f"it ended with {status}; "
    return "" if len(errors) == status and (not status or text.splitlines()[-1] == errors[0]) else "no one error line; "


@contextlib.contextmanager
def _mounted(place, size):
    """Mount a file system of so many bytes on the folder, with what is in it; give whether that is allowed."""
    earlier = place.folder.with_name("before")
    place.folder.rename(earlier)
    place.folder.mkdir()
    needed = sum(path.stat().st_size + 8192 for path in earlier.rglob("*"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={size + needed}", "tmpfs", str(place.folder)]
    is_mounted = (
        bool(shutil.which("mount")) and not subprocess.run(command, capture_output=True, check=False).returncode
    )
    shutil.copytree(earlier, place.folder, dirs_exist_ok=True)
    shutil.rmtree(earlier)
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(place.folder)], check=True)
