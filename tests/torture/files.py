"""Mutated files of every kind, read in processes bounded in memory: a seeded generator's, and Hypothesis's."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import seed as starting_from
from hypothesis import strategies as st

from number_generator.errors import DatasetError
from number_generator.formats.isolated import check_apart
from torture.children import run_cases, work_folder
from torture.mutation import mutated
from torture.patience import PATIENCE_S
from torture.reading import REFUSED, UNSAFE, WRONG, outcome
from torture.seeds import all_seeds

__all__ = ["Tally", "read_mutated"]

_WHOLLY = 4  # one file in so many is read into memory as a whole
_EXAMPLES = 50  # of Hypothesis, in one of its cases
_MOST_ENDLESS = 1  # that are read where they are isolated as well
_COMMAND = "import torture.patience; from number_generator.entry import run_module as run; run()"


class Tally(NamedTuple):
    """How many files of each kind loaded, were rejected, and were wrong; what was wrong; how many ended a process."""

    counts: dict
    findings: list
    ended: int


class _Shelf:
    """Seeds laid out as files, one of which at a time is mutated and read.

    Parameters
    ----------
    seeds : list of Seed
    folder : Path
    wrong : Path
        A folder for datasets that are not read as they should be.
    mutate : callable
        As `mutated`.
    """

    def __init__(self, seeds, folder, wrong, mutate):
        self._folder, self._wrong, self._mutate = folder, wrong, mutate
        self._laid = set()
        self._others = defaultdict(list)
        for seed in seeds:
            self._others[seed.kind].extend(seed.files[path] for path in seed.victims)

    def read(self, seed, random, name, *, wholly):
        """Mutate one file of a seed, read the dataset, and put the file back; give the outcome."""
        place = self._folder / seed.name.replace(" ", "-")
        if seed.name not in self._laid:
            for path, content in seed.files.items():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).write_bytes(content)
            self._laid.add(seed.name)
        victim = random.choice(seed.victims)
        content = seed.files[victim]
        (place / victim).write_bytes(self._mutate(content, self._others[seed.kind], random))
        found, text = outcome(place / seed.opened, seed.kind, wholly=wholly)
        if found == WRONG:
            kept = self._wrong / f"{name}-{place.name}"
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(place, kept)
            kept.with_name(f"{kept.name}.txt").write_text(f"{seed.name}, {victim}: {text}")
        (place / victim).write_bytes(content)
        return found


def read_mutated(count, drawn, number, *, workers=1, kinds=None, keep=None, mutate=mutated):
    """Read mutated files.

    Parameters
    ----------
    count : int
        Files that a seeded generator mutates.
    drawn : int
        Files, in round numbers, that Hypothesis mutates.
    number : int
        The seed.
    workers : int
        Processes at a time.
    kinds : sequence of str, optional
        Those that are read; by default all whose packages are installed.
    keep : Path, optional
        A folder for datasets that are not read as they should be.
    mutate : callable
        What changes a file: as `mutated`, which is the default.
    """
    with tempfile.TemporaryDirectory(prefix="torture-", dir=work_folder()) as temporary:
        folder = Path(temporary)
        seeds = all_seeds(folder / "seeds", kinds)
        wrong = folder / "wrong"
        wrong.mkdir()
        shelves = {}

        def shelf(place):
            """Return the shelf of a process."""
            return shelves.setdefault(place, _Shelf(seeds, place, wrong, mutate))

        def run(case, place):
            name = f"seed-{number}-case-{case}"
            random = Random(f"{number}/{case}")
            found = shelf(place).read(seeds[case % len(seeds)], random, name, wholly=case % _WHOLLY == 0)
            return [found == each for each in (1, 2, 3)]

        def run_drawn(case, place):
            return _drawn(shelf(place), seeds[case % len(seeds)], case, number)

        counts = defaultdict(lambda: np.zeros(3, np.int64))
        ended = endless = 0
        for what, run_one, cases in (("", run, count), ("drawn-", run_drawn, drawn // _EXAMPLES)):
            found, died = run_cases(
                run_one, range(cases), folder / f"{what}files", workers=workers, patience_s=PATIENCE_S
            )
            for case, of_case in enumerate(found):
                counts[seeds[case % len(seeds)].kind] += of_case
            for case, is_endless, text, place in died:
                seed = seeds[case % len(seeds)]
                victim = place / "case" / seed.name.replace(" ", "-") / seed.opened
                endless += is_endless
                # It takes long to wait for one without an end, and one is as good as another.
                is_tried = not is_endless or endless <= _MOST_ENDLESS
                if seed.kind in UNSAFE and (not is_tried or _is_answered_for(victim)):
                    counts[seed.kind][REFUSED - 1] += 1
                    ended += 1
                    continue
                counts[seed.kind][WRONG - 1] += 1
                kept = wrong / f"{what}seed-{number}-case-{case}-died"
                shutil.copytree(place / "case" / seed.name.replace(" ", "-"), kept)
                kept.with_name(f"{kept.name}.txt").write_text(f"{seed.name}: {text}")
        findings = [f"{path.stem}: {path.read_text()}" for path in sorted(wrong.glob("*.txt"))]
        if keep is not None and findings:
            shutil.copytree(wrong, keep, dirs_exist_ok=True)
    return Tally({kind: of_kind.tolist() for kind, of_kind in counts.items()}, findings, ended)


def _is_answered_for(path):
    """Tell whether a dataset that ended its process ends none that isolates it, and is refused there, if anything."""
    try:
        check_apart("torture.patience:read_through", path)
    except DatasetError:
        pass
    except Exception:
        return False
    return _is_converted_or_refused(path)


def _is_converted_or_refused(path):
    """Tell whether the command line makes of a dataset another, or one line that says why not, and leaves no more."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _COMMAND, "convert", path, f"{folder}/set.npz", "--quiet"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        left = [entry.name for entry in Path(folder).iterdir()]
    if done.returncode:
        return done.returncode == 1 and not left and re.fullmatch(r"[^\n]* error: [^\n]+\n", done.stderr) is not None
    return left == ["set.npz"]


def _drawn(shelf, seed, case, number):
    """Let Hypothesis choose the mutations of one seed; give how many files had which outcome."""
    counts = [0, 0, 0]

    @starting_from(number * 1_000_003 + case)
    @settings(max_examples=_EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(random=st.randoms(use_true_random=False), wholly=st.booleans())
    def examine(random, wholly):
        # Of a failure the least one is kept, which Hypothesis tries last.
        found = shelf.read(seed, random, f"drawn-seed-{number}-case-{case}", wholly=wholly)
        counts[found - 1] += 1
        assert found != WRONG

    try:
        examine()
    except AssertionError:
        counts[WRONG - 1] = 1
    return counts
