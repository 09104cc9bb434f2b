"""Run by a test with failing_write.c preloaded: each write of a dataset fails in turn, each time in another process.

`python failing_writes.py FOLDER ERRNO LASTS NAME...` prints as JSON for each case how many writes it takes, how many of
them ended it with an error, and the findings: what ended well and is wrong, what crashed, and what left something.
"""

import atexit
import contextlib
import ctypes
import gc
import io
import json
import os
import shutil
import sys
import time
from pathlib import Path

import small_dataset
from written import tree

from number_generator.commands.generate import generate_phone_numbers
from number_generator.commands.main import main
from number_generator.digits.resolve import default_digits
from number_generator.system.signals import Interruption

time.time = lambda: 1.5  # which the metadata record: what is whole has the same bytes each time


def generate(*options):
    """Return a case that makes a small dataset by the command."""
    return lambda folder: generate_phone_numbers(
        ["--num-images=6", "--seed=1", "--workers=1", "--quiet", *options, f"--output-path={folder}/set.h5"],
        Interruption(),
    )


def save(*options):
    """Return a case that converts a small dataset by the command."""
    return lambda folder: main(["convert", "--quiet", *options, f"{folder}/in.npz", f"{folder}/set"], Interruption())


def join(folder):
    """Write the index of shards by the command."""
    return main(["index", *(f"{folder}/set-0000{number}-of-00002.h5" for number in (0, 1))], Interruption())


def make_shards(folder):
    """Make the shards for `join`."""
    for number in (0, 1):
        generate(f"--shard={number}/2")(folder)


_LABELS = {"png": ["--labels=json,csv,tesseract,jsonl"]}
# Each with what lies there before.
CASES = {
    "index": (join, make_shards),
    "split": (generate("--split=train=0.5,test=0.5"), None),
    "shards": (generate("--shards=2"), None),
    "overwrite": (generate("--overwrite", "--truth=boxes"), generate()),
    "uncompressed": (generate("--compression=none"), None),
} | {
    file_format: (
        save(f"--format={file_format}", *_LABELS.get(file_format, [])),
        lambda folder: small_dataset.write(folder / "in.npz", "npz"),
    )
    for file_format in small_dataset.FORMATS
}


def fail_each(name, folder, error, lasting):
    """Let each write of a case fail, and return what came of it."""
    run, prepare = CASES[name]
    empty, whole = folder / "before", folder / "whole"
    empty.mkdir(parents=True)
    if prepare is not None:
        say_nothing(prepare, empty)
    place = folder / "place"
    shutil.copytree(empty, place)
    assert say_nothing(run, place) == 0  # here, so that what it loads and compiles is there each time
    place.rename(whole)
    gc.freeze()
    number, failed, findings = 0, 0, []
    while True:
        number += 1
        shutil.copytree(empty, place)
        status, said = attempt(run, place, number, error, lasting)
        left = tree(place)
        shutil.rmtree(place)
        is_reached = "reached" in said
        lines = said.replace("reached", "").splitlines()
        if status == 0 and left != tree(whole):
            findings.append(f"write {number} failed, and the run ended well")
        elif status and (status != 1 or len(lines) != 1 or left != tree(empty)):
            findings.append(f"write {number} failed: status {status}, {sorted(set(left) - set(tree(empty)))}, {said}")
        failed += status == 1
        if not is_reached:
            return {"writes": number - 1, "failed": failed, "findings": findings}


def attempt(run, folder, number, error, lasting):
    """Run a case in another process; return its status and what it said on stderr."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 2)
        shim = ctypes.CDLL(None)
        shim.fail_write(number, error, lasting)
        status = say_nothing(run, folder)
        if shim.count_writes() >= number:
            os.write(2, b"reached")
        shim.fail_write(0, 0, 0)
        atexit._run_exitfuncs()
        shim.exit(status)  # HDF5 and LMDB clean up as in any process; Python does not, which would take as long again
    os.close(writing)
    with open(reading, "rb") as pipe:  # noqa: PTH123 - of a descriptor
        said = pipe.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def say_nothing(run, folder):
    with contextlib.redirect_stdout(io.StringIO()):
        return run(folder)


if __name__ == "__main__":
    default_digits()
    place, reason, lasts, *names = sys.argv[1:]
    found = {name: fail_each(name, Path(place) / name, int(reason), int(lasts)) for name in names}
    sys.stdout.write(json.dumps(found))
