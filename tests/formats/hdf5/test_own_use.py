"""At the end of the interpreter: our own reads and writes are waited for, and others' use of h5py goes on."""

import subprocess
import sys
import threading

import h5py
import numpy as np
import pytest
from patience import PATIENCE_S

from number_generator.errors import NumberGeneratorError
from number_generator.formats.hdf5 import own_use
from number_generator.formats.hdf5.own_use import OwnUse

_JOINS_AT_EXIT = """
import atexit, sys, threading, time
import h5py

def read_at_exit():
    time.sleep(0.1)
    with h5py.File(sys.argv[1]) as file:
        print(file["images"].shape)

thread = threading.Thread(target=read_at_exit, daemon=True)
atexit.register(thread.join)
from number_generator.formats.reader import open_reader
reader = open_reader(sys.argv[1])
reader.image(0)
thread.start()
"""


def test_a_program_may_wait_at_its_end_for_a_thread_that_uses_h5py(tmp_path):
    path = tmp_path / "lines.h5"
    with h5py.File(path, "w") as file:
        file["images"], file["labels"] = np.zeros((2, 28, 100), np.uint8), [b"123", b"45"]

    done = subprocess.run(
        [sys.executable, "-c", _JOINS_AT_EXIT, path], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "(2, 28, 100)\n", "")


@pytest.fixture
def reading_thread():
    """Return reads of which a thread has begun one, and a function that lets it end."""
    reads, has_begun, may_end = OwnUse(), threading.Event(), threading.Event()

    def read():
        with reads, reads:
            has_begun.set()
            may_end.wait()

    thread = threading.Thread(target=read)
    thread.start()
    has_begun.wait()
    yield reads, may_end.set
    may_end.set()
    thread.join()


def test_the_end_waits_for_the_reads_of_other_threads(reading_thread):
    reads, let_end = reading_thread
    ended = threading.Event()

    def end():
        with reads:  # its own do not count
            reads.end()
        ended.set()

    threading.Thread(target=end).start()
    was_early = ended.wait(0.1)
    let_end()

    assert not was_early
    assert ended.wait(PATIENCE_S)


def test_the_end_does_not_wait_for_ever(reading_thread, monkeypatch):
    monkeypatch.setattr(own_use, "_PATIENCE_S", 0.02)
    reads, _ = reading_thread

    reads.end()


def test_a_thread_that_would_read_after_the_end_is_kept_out_and_told_if_it_is_still_there(monkeypatch):
    monkeypatch.setattr(own_use, "_PATIENCE_S", 0.02)
    reads, failures = OwnUse(), []

    def read():
        try:
            reads.__enter__()
        except NumberGeneratorError as exc:
            failures.append(str(exc))

    reads.end()
    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    with reads:  # the thread that ends the interpreter may read on
        pass

    assert failures == ["the interpreter is ending: read and write before it does, or in a thread that is no daemon"]
