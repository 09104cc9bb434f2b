"""Compare two revisions, benchmark by benchmark: how many times as fast the second one is.

    python benchmarks/compare.py main HEAD                   all of them
    python benchmarks/compare.py HEAD . -k "batch or pass"   the working tree against the last commit, some of them

Each revision runs its own benchmarks, in a checkout of its own and with a cache of compiled code of its own, in the
present environment. The two run in turn, so that a machine that slows down slows both; of each the fastest median
counts. A benchmark that only one of them has is listed without a ratio.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_WORKING_TREE = "."
_NONE_SELECTED = 5  # pytest's exit status where -k matches nothing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", help="a revision, or . for the working tree")
    parser.add_argument("after", help="a revision, or . for the working tree")
    parser.add_argument("-k", dest="keyword", default="", help="run only what matches, as in pytest")
    parser.add_argument("--turns", type=int, default=3, help="how often each is run (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trees = {}
        try:
            for name in ("before", "after"):
                trees[name] = _checkout(getattr(options, name), Path(folder) / name)
            times: dict[str, dict[tuple[str, str], list[float]]] = {name: {} for name in trees}
            for turn in range(options.turns):
                for name, tree in trees.items():
                    print(f"turn {turn + 1} of {options.turns}: {getattr(options, name)}", file=sys.stderr, flush=True)
                    for key, median in _run(tree, Path(folder) / f"cache-{name}", options.keyword).items():
                        times[name].setdefault(key, []).append(median)
        finally:
            for name in ("before", "after"):
                shutil.rmtree(Path(folder) / name, ignore_errors=True)
            _git("worktree", "prune")
    _report(times["before"], times["after"])


def _git(*arguments: str) -> None:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr.strip()}")


def _checkout(revision: str, folder: Path) -> Path:
    if revision == _WORKING_TREE:
        return _ROOT
    _git("worktree", "add", "--detach", str(folder), revision)
    return folder


def _run(tree: Path, cache: Path, keyword: str) -> dict[tuple[str, str], float]:
    """Run a tree's benchmarks; give their medians in s by group and name."""
    result = cache.with_suffix(".json")
    command = [sys.executable, "-m", "pytest", "benchmarks", "--benchmark-only", "-q", f"--benchmark-json={result}"]
    # PYTHONPATH stands before what is installed, and the tests' oracle belongs to the tree as well.
    # Neither finds byte code of an earlier run, and both keep their own.
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPYCACHEPREFIX": str(cache.with_suffix(".pyc")),
    }
    command += ["-k", keyword] if keyword else []
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode == _NONE_SELECTED:
        return {}
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed in {tree}:\n{done.stdout}{done.stderr}")
    rows = json.loads(result.read_text(encoding="utf-8"))["benchmarks"]
    return {(row["group"], row["name"]): row["stats"]["median"] for row in rows}


def _report(before: dict[tuple[str, str], list[float]], after: dict[tuple[str, str], list[float]]) -> None:
    groups: dict[str, list[tuple[str, str]]] = {}
    for key in dict.fromkeys([*before, *after]):
        groups.setdefault(key[0], []).append(key)
    for group, keys in groups.items():
        both = [min(before[key]) / min(after[key]) for key in keys if key in before and key in after]
        mean = f"{statistics.geometric_mean(both):.2f} times as fast" if both else "not in both"
        print(f"\n{group}: {mean}")
        for key in keys:
            old, new = (f"{min(times[key]) * 1e3:.3f} ms" if key in times else "-" for times in (before, after))
            ratio = f"{min(before[key]) / min(after[key]):.2f}" if key in before and key in after else ""
            print(f"  {key[1]:60s} {old:>14s} {new:>14s} {ratio:>6s}")


if __name__ == "__main__":
    main()
