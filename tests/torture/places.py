"""A folder for one run after the other, empty or with an earlier dataset, and what should come of each run."""

import shutil
import time
from typing import NamedTuple

from torture.commands import checksums, difference, names_in, run, warm_up

__all__ = ["Place"]

_EARLIER_SHARE = 0.4


class _Reference(NamedTuple):
    """What a run makes: where it is, the checksums of its files, and how long it took."""

    folder: object
    checksums: dict
    elapsed_s: float


class Place:
    """A folder whose content is known before each run.

    Parameters
    ----------
    folder : Path
        A new one, of which everything is below.
    cases : list of Case
    """

    def __init__(self, folder, cases):
        self.folder, self.output = folder / "place", folder / "output"
        folder.mkdir(parents=True)
        warm_up(folder / "warm", cases)
        shutil.rmtree(folder / "warm")
        self._references, self._earlier = {}, {}
        for number, case in enumerate(cases):
            self._references[case] = self._made(case, folder / f"reference-{number}")
            fewer = ("--seed=6", f"--num-images={case.images // 10}")
            self._earlier[case] = self._made(case, folder / f"earlier-{number}", *fewer)

    def usual_s(self, case):
        """Return how long a run of a case takes."""
        return self._references[case].elapsed_s

    def sizes(self, case):
        """Return the sizes of the files that a run makes."""
        return [path.stat().st_size for path in self._references[case].folder.rglob("*") if path.is_file()]

    def prepare(self, case, random):
        """Empty the folder, or put an earlier dataset there; give what a run must be told of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        options = ["--overwrite"] if random.random() < _EARLIER_SHARE else []
        self.lay(case, options)
        return options

    def lay(self, case, options):
        """Make the folder, with an earlier dataset where the options say that one may be replaced."""
        if "--overwrite" in options:
            shutil.copytree(self._earlier[case].folder, self.folder)
        else:
            self.folder.mkdir()

    def found(self, case, *, but_for=()):
        """Tell what is in the folder: "nothing", "earlier", "whole", or what is wrong with it in more words.

        Parameters
        ----------
        case : Case
        but_for : sequence of str
            Beginnings and endings of names that do not count.
        """
        names = [name for name in names_in(self.folder) if not any(map(name.startswith, but_for))]
        names = [name for name in names if not any(map(name.endswith, but_for))]
        if not names:
            return "nothing"
        if names != case.names:
            return f"there are {names}"
        files = {
            path: checksum for path, checksum in checksums(self.folder).items() if path.partition("/")[0] in case.names
        }
        for word, reference in (("whole", self._references[case]), ("earlier", self._earlier[case])):
            if files == reference.checksums:
                return word
        return difference(self.folder, self._references[case].folder, case) or "the same content in other bytes"

    def is_same(self, case):
        """Tell whether what is in the folder has the right content, whatever its bytes."""
        return names_in(self.folder) == case.names and not difference(self.folder, self._references[case].folder, case)

    def _made(self, case, folder, *more):
        folder.mkdir()
        begun = time.monotonic()
        status, text = run(case.arguments(folder, *more), self.output)
        elapsed_s = time.monotonic() - begun
        assert status == 0, text
        assert names_in(folder) == case.names
        return _Reference(folder, checksums(folder), elapsed_s)
