"""Runs of `generate-phone-numbers` that start at once, forked from a process that has loaded and compiled all."""

import contextlib
import gc
import hashlib
import importlib.util
import io
import os
import select
import signal
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from patience import PATIENCE_S
from tqdm import tqdm

from number_generator.commands import generate as cli
from number_generator.commands.work import production
from number_generator.formats.reader import open_reader
from number_generator.formats.registry import FORMATS, list_written
from number_generator.system.signals import Interruption

__all__ = ["Case", "Process", "all_cases", "checksums", "difference", "names_in", "run", "warm_up"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TIME = 1e9
# Folders of images are slow to write, and a run is to take some tenths of a second.
_IMAGES = {"png": 1500, "lmdb": 3000, "webdataset": 3000, "parquet": 3000}


@dataclass(frozen=True)
class Case:
    """One way to call the command.

    Attributes
    ----------
    file_format : str
    truth, split : bool
        Whether the dataset has ground truth, and whether it is two datasets.
    workers : int
    shards : int
        How many HDF5 files each dataset is; 0 is one without an index.
    scale : float
        Of the number of images.
    """

    file_format: str
    truth: bool
    split: bool
    workers: int
    shards: int = 0
    scale: float = 1.0

    @property
    def images(self):
        """How many."""
        return max(40, int(_IMAGES.get(self.file_format, 6000) * self.scale))

    def arguments(self, folder, *more):
        """Return the arguments of a run that writes into a folder."""
        target = folder / f"set{self.ending}"
        arguments = [f"--num-images={self.images}", f"--output-path={target}", f"--format={self.file_format}"]
        arguments += ["--seed=5", "--quiet", f"--workers={self.workers}", "--image-width=60", "--max-spacing=6"]
        if self.truth:
            arguments.append("--truth=boxes,glyphs")
            arguments += ["--labels=jsonl"] if self.file_format == "png" else []
        if self.split:
            arguments.append("--split=train=0.8,val=0.2")
        if self.shards:
            arguments.append(f"--shards={self.shards}")
        return [*arguments, *more]

    @property
    def datasets(self):
        """The names of what a run makes and is opened."""
        names = ["set-train", "set-val"] if self.split else ["set"]
        return [f"{name}{self.ending}" for name in names]

    @property
    def ending(self):
        """What the names end in."""
        return next(iter(FORMATS[self.file_format].endings), "")

    @property
    def names(self):
        """The names of all files and folders that a run makes."""
        roots = ["set-train", "set-val"] if self.split else ["set"]
        shards = [f"{root}-{number:05d}-of-{self.shards:05d}.h5" for root in roots for number in range(self.shards)]
        return sorted([*self.datasets, *shards])


def all_cases(scale=1.0):
    """Return all cases whose packages are installed, neighbours of different formats."""
    packages = {name: FORMATS[name].package for name in list_written()}
    formats = [name for name, package in packages.items() if package is None or importlib.util.find_spec(package)]
    ways = [(False, False, 1), (True, True, 2), (True, False, 1), (False, True, 2)]
    cases = []
    for truth, split, workers in ways:
        cases += [Case(file_format, truth, split, workers, scale=scale) for file_format in formats]
        cases.append(Case("hdf5", truth, split, workers, 3, scale))
    return cases


def difference(folder, reference, case):
    """Tell in what the datasets of a case in two folders differ, but for the time at which they were made."""
    # In a process of its own: Arrow starts threads when it reads, and no process with threads may be forked.
    with tempfile.TemporaryFile() as told:
        process = os.fork()
        if not process:
            try:
                text = "".join(_difference(folder / name, reference / name) for name in case.datasets)
            except BaseException:
                text = traceback.format_exc()
            os.write(told.fileno(), text.encode())
            os._exit(0)
        assert os.waitpid(process, 0) == (process, 0)
        told.seek(0)
        return told.read().decode()


def checksums(folder):
    """Return the checksum of each file in a folder, by its relative path."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _difference(path, reference):
    with open_reader(path) as found, open_reader(reference) as expected:
        if found.shape != expected.shape:
            return f"{path.name} has the shape {found.shape}, not {expected.shape}; "
        count = len(found)
        names = expected.truth_names
        has_same_truth = found.truth_names == names and all(
            np.array_equal(found.truth(name, 0, count), expected.truth(name, 0, count)) for name in names
        )
        is_same = {
            "images": np.array_equal(found.images(0, count), expected.images(0, count)),
            "labels": found.labels(0, count) == expected.labels(0, count),
            "ground truth": has_same_truth,
            "metadata": _lasting(found.metadata) == _lasting(expected.metadata),
        }
        return "".join(f"{path.name} has other {what}; " for what, same in is_same.items() if not same)


def _lasting(metadata):
    """Return what does not depend on when and where a dataset was made."""
    return {key: value for key, value in metadata.items() if key != "creation_timestamp"}


def names_in(folder):
    """Return all names in a folder."""
    return sorted(entry.name for entry in folder.iterdir())


class Process:
    """A run in a forked process, whose own handlers stand before a signal reaches it.

    Parameters
    ----------
    arguments : list of str
    output : Path
        A file that takes what it prints.
    prepare : callable, optional
        Called in the process before all else.
    """

    def __init__(self, arguments, output, prepare=None):
        threads = len(list(Path("/proc/self/task").iterdir()))
        assert threads == 1, f"there are {threads} threads, whose locks a fork would copy"
        self._output = output
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._id = os.fork()
        if not self._id:
            _run_here(arguments, output, prepare)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self._descriptor = os.pidfd_open(self._id)

    def send(self, number, after_s=0.0):
        """Send a signal after a while, unless the run has ended; tell whether it was sent."""
        if self.has_ended(after_s):
            return False
        os.kill(self._id, number)
        return True

    def wait(self):
        """Return the exit status, negative for a signal that ended the run, and what it printed."""
        if not self.has_ended(PATIENCE_S):
            os.kill(self._id, signal.SIGKILL)
        _, status = os.waitpid(self._id, 0)
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(status), self._output.read_text()

    def has_ended(self, within_s):
        """Tell whether the run ends within some time."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(within_s * 1000))


def run(arguments, output, prepare=None):
    """Run the command to its end in a forked process; give exit status and what it printed."""
    return Process(arguments, output, prepare).wait()


def warm_up(folder, cases):
    """Load and compile all that the cases need, by running each here."""
    # By default tqdm's lock is one of all forked processes, and a killed one would keep it.
    tqdm.set_lock(threading.RLock())
    for number, case in enumerate(cases):
        # One thread, so that none is left. Arrow's own would be left, and come up again in each process.
        if case.file_format != "parquet":
            arguments = replace(case, workers=1).arguments(folder / str(number))
            with contextlib.redirect_stdout(io.StringIO()):
                assert cli.generate_phone_numbers(arguments, Interruption()) == 0


def _run_here(arguments, output, prepare):
    """Be the process of a run; does not return."""
    # It would take longer than the whole run to read what is in place in a process of its own first.
    production.check_found = lambda places: None
    status = 70
    try:
        descriptor = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        interruption = Interruption()
        interruption.install()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        gc.freeze()
        time.time = lambda: _TIME  # which the datasets tell
        if prepare is not None:
            prepare()
        status = cli.generate_phone_numbers(arguments, interruption)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(status)
