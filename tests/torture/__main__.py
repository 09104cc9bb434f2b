"""`python -m torture`: everything, or some of it, at full length or shortened; exit status 1 if something was found."""

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

# Before NumPy and Arrow load: no process with threads may be forked, and Arrow's own allocator takes address space
# that it does not use.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", ARROW_DEFAULT_MEMORY_POOL="system")

from torture.commands import all_cases
from torture.faults import FAULTS, meet_faults
from torture.files import read_mutated
from torture.guided import read_guided
from torture.hdf5_structures import mutated_structure
from torture.interruptions import interrupt, interrupt_processes, kill
from torture.places import Place
from torture.reading import UNSAFE
from torture.report import Part, tables, written_into
from torture.resumes import kill_and_resume
from torture.writes import fail_writes

_PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_PARTS = ("interruptions", "kills", "resumes", "faults", "writes", "files", "structures", "guided")
# Files that a generator and that Hypothesis mutates, and those of HDF5 whose structures change; runs of each guided
# target; interruptions, and those of whole processes; kills; runs that go on from a journal; runs that meet each fault;
# how large they are; guided targets.
_FULL = {"files": 80_000, "drawn": 20_000, "structures": 10_000, "guided": 8000, "interrupted": 350, "processes": 20}
_FULL.update(killed=100, writes={}, resumed=300, faults=40, scale=1.0, targets=None)
_SHORT = {"files": 1500, "drawn": 200, "structures": 300, "guided": 200, "interrupted": 24, "processes": 0}
_SHORT.update(
    killed=8, writes={"cases": ("index",)}, resumed=16, faults=4, scale=0.3, targets=("pickle", "lmdb", "tar")
)


def main(arguments):
    """Torture the package as the arguments say, and tell what came of it."""
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(_PARTS)} (default: all)")
    parser.add_argument("--short", action="store_true", help="a small share of everything, as the tests run it")
    parser.add_argument("--share", type=float, default=1.0, metavar="F", help="another share of how much (default: 1)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the same one, the same cases (default: 1)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes that read files at a time")
    keep = Path(tempfile.gettempdir()) / "torture-findings"
    parser.add_argument(
        "--keep", type=Path, default=keep, metavar="DIR", help="takes the findings (default: %(default)s)"
    )
    parser.add_argument("--write", action="store_true", help=f"keep the tables in docs/{_PAGE.name}")
    options = parser.parse_args(arguments)
    chosen = options.parts or _PARTS
    for part in chosen:
        if part not in _PARTS:
            parser.error(f"there is no part {part!r}: give some of {', '.join(_PARTS)}")
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    parts = []
    lengths = {
        name: round(options.share * length) if type(length) is int else length
        for name, length in (_SHORT if options.short else _FULL).items()
    }
    try:
        for part in _tortures(chosen, lengths, options, folder):
            parts.append(part)
            by_format = ", ".join(f"{name} {count:,}" for name, count in sorted(part.counts.items()))
            print(f"{part.name}: {part.total:,} in {part.elapsed_s:.0f} s, {part.about} ({by_format})", flush=True)
            for finding in part.findings:
                print(f"  FOUND {finding}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n{tables(parts)}")
    if options.write:
        written_into(_PAGE, tables(parts))
    return 1 if any(part.findings for part in parts) else 0


def _tortures(chosen, lengths, options, folder):
    """Return one part after the other."""
    if set(chosen) & {"interruptions", "kills", "resumes", "faults"}:
        cases = all_cases(lengths["scale"])
        place = Place(folder / "runs", cases)
        for name, torture in (
            ("interruptions", _interruptions),
            ("kills", _kills),
            ("resumes", _resumes),
            ("faults", _faults),
        ):
            if name in chosen:
                yield torture(lengths, options.seed, place, cases)
    if "writes" in chosen:
        yield _writes(lengths, folder)
    if "files" in chosen:
        yield _files(lengths, options)
    if "structures" in chosen:
        yield _structures(lengths, options)
    if "guided" in chosen:
        yield _guided(lengths, options)


def _interruptions(lengths, number, place, cases):
    begun = time.monotonic()
    stopped, findings = interrupt(lengths["interrupted"], number, place, cases)
    if lengths["processes"]:
        more, found = interrupt_processes(lengths["processes"], number, place, cases, command=_command())
        findings += found
        for name, of_format in more.items():
            stopped[name] = [sum(pair) for pair in zip(stopped[name], of_format, strict=True)]
    counts, about = _stopped(stopped, "interrupted")
    return Part("interruptions", counts, about, findings, time.monotonic() - begun)


def _kills(lengths, number, place, cases):
    begun = time.monotonic()
    killed, findings = kill(lengths["killed"], number, place, cases)
    counts, about = _stopped(killed, "killed")
    return Part("kills", counts, about, findings, time.monotonic() - begun)


def _resumes(lengths, number, place, cases):
    begun = time.monotonic()
    found, findings = kill_and_resume(lengths["resumed"], number, place, cases)
    kills, losses = (sum(of_format[place] for of_format in found.values()) for place in (0, 2))
    about = f"after {kills:,} kills, {losses:,} of them with the end of the journal lost"
    counts = {name: of_format[1] for name, of_format in found.items()}
    return Part("resumes", counts, about, findings, time.monotonic() - begun)


def _faults(lengths, number, place, cases):
    begun = time.monotonic()
    found, findings = meet_faults(lengths["faults"], number, place, cases)
    about = ", ".join(f"{found[name][0]} failed for {name}" for name in FAULTS if name in found)
    counts = {name: sum(of_fault) for name, of_fault in found.items()}
    return Part("faults", counts, about, findings, time.monotonic() - begun)


def _writes(lengths, folder):
    begun = time.monotonic()
    counts, failed, findings = fail_writes(folder, **lengths["writes"])
    about = f"{failed:,} ended the run with one error" if counts else "there is no C compiler"
    return Part("failed writes", counts, about, findings, time.monotonic() - begun)


def _files(lengths, options):
    begun = time.monotonic()
    found, findings, _ = read_mutated(
        lengths["files"], lengths["drawn"], options.seed, workers=options.workers, keep=options.keep
    )
    about = f"{sum(of_kind[0] for of_kind in found.values()):,} could be read, all others were rejected"
    counts = {kind: sum(of_kind) for kind, of_kind in found.items()}
    return Part("mutated files", counts, about, findings, time.monotonic() - begun)


def _structures(lengths, options):
    begun = time.monotonic()
    found, findings, ended = read_mutated(
        lengths["structures"],
        0,
        options.seed,
        workers=options.workers,
        kinds=UNSAFE,
        keep=options.keep,
        mutate=mutated_structure,
    )
    read = sum(of_kind[0] for of_kind in found.values())
    about = f"{read:,} could be read, all others were rejected: {ended:,} only where they are isolated"
    counts = {kind: sum(of_kind) for kind, of_kind in found.items()}
    return Part("HDF5 structures", counts, about, findings, time.monotonic() - begun)


def _guided(lengths, options):
    begun = time.monotonic()
    counts, findings = read_guided(lengths["guided"], options.seed, names=lengths["targets"], keep=options.keep)
    about = f"guided by coverage: {', '.join(counts)}" if counts else "atheris is not installed"
    return Part("more files", counts, about, findings, time.monotonic() - begun)


def _stopped(found, word):
    """Return how many runs there were of each format, and how many of them were stopped."""
    counts = {name: sum(of_format) for name, of_format in found.items()}
    return counts, f"{sum(of_format[0] for of_format in found.values()):,} were {word}, the others were done before"


def _command():
    """Return what starts `generate-phone-numbers` in a process of its own."""
    installed = Path(sys.executable).with_name("generate-phone-numbers")
    started = "from number_generator.entry import generate_phone_numbers as run; run()"
    return [str(installed)] if installed.exists() else [sys.executable, "-c", started]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
