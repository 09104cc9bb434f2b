"""What threads read from one reader at once, compared with what is there; also run as a program by tests of threads.

A crash, or a lock that is held for ever, then ends a process of its own.
"""

import os
import random
import sys
import threading

import numpy as np

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


def start_readers(reader, expected):
    """Read in threads that never end by themselves, once all that is imported late has been."""
    read_at_random(reader, expected, THREADS, 5)
    for seed in range(2):
        threading.Thread(target=read_at_random, args=(reader, expected, seed, 10**9), daemon=True).start()


def fork_while_threads_read(reader, expected, forks=3):
    """Read in children, and in threads of theirs, that come of a process in which threads are reading."""
    start_readers(reader, expected)
    for _ in range(forks):
        child = os.fork()
        if child == 0:
            failures = run_in_threads(lambda seed: read_at_random(reader, expected, seed, 4), 2)
            os._exit(1 if failures else 0)
        print(os.waitpid(child, 0)[1])


def exit_while_threads_read(reader, expected):
    """End the interpreter while threads read."""
    start_readers(reader, expected)
    read_at_random(reader, expected, THREADS, 5)


if __name__ == "__main__":
    what, path, whole = sys.argv[1:]
    content = dict(np.load(whole))
    {"fork": fork_while_threads_read, "exit": exit_while_threads_read}[what](open_reader(path, mapped=True), content)
