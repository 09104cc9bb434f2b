"""Mutations guided by coverage: atheris looks for files that take the loaders' own code where none has taken it yet.

`python -m torture.guided KIND FOLDER ...` fuzzes one kind in a process that libFuzzer rules; `read_guided` starts them.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from torture.children import work_folder

__all__ = ["GUIDED", "Guided", "read_guided"]


class Guided(NamedTuple):
    """One kind of file: the seed whose other files lie beside it, and which file is fuzzed, and what in it."""

    kind: str
    seeds: str
    victim: str


GUIDED = {
    "pickle": Guided("pickle", "pickle protocol .|pickle of .*", "set.pickle"),
    "npz": Guided("npz", "npz stored|npz compressed", "set.npz"),
    "idx": Guided("idx", "idx", "a-images-idx3-ubyte"),
    "idx labels": Guided("idx", "idx of qmnist", "a-labels-idx2-int"),
    "lmdb": Guided("lmdb", "lmdb of ours|lmdb without truth", "set/data.mdb"),
    "tar": Guided("webdataset", "webdataset without truth", "set/train-000000.tar"),
    "tar description": Guided("webdataset", "webdataset of ours", "set/dataset.json"),
    "gt.txt": Guided("png", "png with gt.txt", "gt.txt"),
    "labels.csv": Guided("png", "png with labels.csv", "labels.csv"),
    "labels.json": Guided("png", "png with labels.json", "labels.json"),
    "metadata.jsonl": Guided("png", "png of ours", "set/metadata.jsonl"),
    "png image": Guided("png", "png of ours", "set/images/0000/000000001.png"),
}
"""The targets. HDF5's and Parquet's own libraries are not instrumented."""

_DONE = re.compile(r"Done (\d+) runs")
_RSS_LIMIT_MB = 1500
_PATIENCE_S = 20


def read_guided(runs, number, *, names=None, keep=None):
    """Fuzz each target, and give how many runs each had and what was wrong; nothing where atheris is not installed.

    Parameters
    ----------
    runs : int
        For each target.
    number : int
        The seed.
    names : sequence of str, optional
        Some of `GUIDED`.
    keep : Path, optional
        A folder for the files that were not read as they should be.
    """
    counts, findings = {}, []
    if importlib.util.find_spec("atheris") is None:
        return counts, findings
    for name in names or GUIDED:
        if GUIDED[name].kind == "lmdb" and importlib.util.find_spec("lmdb") is None:  # its seed is written with it
            continue
        with tempfile.TemporaryDirectory(prefix="torture-", dir=work_folder()) as folder:
            command = [sys.executable, "-m", "torture.guided", name, folder, f"-runs={runs}", f"-seed={number}"]
            limits = [
                f"-rss_limit_mb={_RSS_LIMIT_MB}",
                f"-timeout={_PATIENCE_S}",
                "-max_len=65536",
                "-print_final_stats=0",
            ]
            place = [f"-artifact_prefix={folder}/wrong-"]
            done = subprocess.run(
                [*command, *limits, *place],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
            match = _DONE.search(done.stderr)
            counts[name] = int(match[1]) if match else 0
            if done.returncode or match is None:
                told = done.stderr[done.stderr.find("Uncaught") :]
                findings.append(f"guided {name} with seed {number} ended with {done.returncode}: {told[:3000]}")
                for found in Path(folder).glob("wrong-*"):
                    if keep is not None:
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / f"{name.replace(' ', '-')}-{found.name}").write_bytes(found.read_bytes())
    return counts, findings


def _seeds(name, folder) -> Iterator:
    from torture.seeds import all_seeds  # noqa: PLC0415 - loads what atheris instruments before

    target = GUIDED[name]
    for seed in all_seeds(folder / "seeds", (target.kind,)):
        if re.fullmatch(target.seeds, seed.name):
            yield seed


def _fuzz(name, folder, arguments):
    """Fuzz one target; does not return."""
    import atheris  # noqa: PLC0415 - an optional package

    with atheris.instrument_imports(include=["number_generator.formats"]):
        import number_generator.formats.reader  # noqa: F401, PLC0415 - all that it loads is instrumented
    from torture.reading import WRONG, outcome  # noqa: PLC0415

    target = GUIDED[name]
    seeds = list(_seeds(name, folder))
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed.files[target.victim])
    base = seeds[0]
    place = folder / "place"
    for path, content in base.files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)

    def read(content):
        (place / target.victim).write_bytes(content)
        found, text = outcome(place / base.opened, base.kind, wholly=False)
        if found == WRONG:
            raise AssertionError(text)

    # Only what is fuzzed differs: the corpus folder is written to, so that it grows with what covers more.
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], read)
    atheris.Fuzz()


if __name__ == "__main__":
    _fuzz(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
