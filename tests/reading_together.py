"""What threads read from one reader at once, compared with what is there; also run as a program by tests of threads.

A crash, or a lock that is held for ever, then ends a process of its own.
"""

import contextlib
import os
import random
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np

from number_generator.errors import SpecError
from number_generator.formats.reader import open_reader

THREADS = 4


def read_at_random(reader, expected, seed, count):
    """Read images, labels and ground truth here and there; raise AssertionError if any is another's."""
    numbers = random.Random(seed)
    for _ in range(count):
        start = numbers.randrange(len(reader))
        part = slice(start, min(len(reader), start + numbers.randint(1, 30)), numbers.randint(1, 3))
        bounds = part.start, part.stop, part.step
        np.testing.assert_array_equal(reader.image(start), expected["images"][start])
        np.testing.assert_array_equal(reader.images(*bounds), expected["images"][part])
        assert reader.labels(*bounds) == expected["labels"][part].tolist()
        for name in reader.truth_names:
            np.testing.assert_array_equal(reader.truth(name, *bounds), expected[name][part])


def run_in_threads(work, count=THREADS):
    """Call `work` with each number in a thread of its own, all at once; return what went wrong."""
    failures, ready = [], threading.Barrier(count)

    def run(number):
        ready.wait()
        try:
            work(number)
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def read_a_little(reader, expected, seed):
    read_at_random(reader, expected, seed, 4)


def content_of(path, expected):
    """Return what a reader of a dataset returns, which was made of one with the expected content."""
    return {**expected, "labels": np.full(len(expected["labels"]), "7")} if "idx" in path.name else expected


def start_reading(reader, expected):
    """Read in threads that end when their reader is closed."""
    for seed in range(2):
        threading.Thread(target=read_until_closed, args=(reader, expected, seed), daemon=True).start()


def read_until_closed(reader, expected, seed):
    with contextlib.suppress(SpecError):
        read_at_random(reader, expected, seed, 10**9)


def fork_while_threads_read(datasets, forks=2):
    """Read in children, and in threads of theirs, that come of a process in which threads are reading."""
    for path, reader, expected in datasets:
        start_reading(reader, expected)
        for _ in range(forks):
            child = os.fork()
            if child == 0:
                failures = run_in_threads(partial(read_a_little, reader, expected), 2)
                os._exit(1 if failures else 0)
            print(f"{path}:{os.waitpid(child, 0)[1]}", flush=True)
        reader.close()


def exit_while_threads_read(datasets):
    """Leave threads behind that read, to let the interpreter end meanwhile."""
    for _, reader, expected in datasets:
        start_reading(reader, expected)
    time.sleep(0.01)


def open_datasets(paths, whole):
    """Return the path of each dataset, a reader that has loaded all that is loaded late, and what it returns."""
    datasets = []
    for path in map(Path, paths):
        reader, expected = open_reader(path, mapped=True), content_of(path, whole)
        read_at_random(reader, expected, THREADS, 5)
        datasets.append((path, reader, expected))
    return datasets


if __name__ == "__main__":
    what, whole, *paths = sys.argv[1:]
    program = {"fork": fork_while_threads_read, "exit": exit_while_threads_read}[what]
    program(open_datasets(paths, dict(np.load(whole))))
