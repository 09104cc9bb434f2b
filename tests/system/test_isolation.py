"""A child that reads what may be hostile: whatever becomes of it, its parent says so in one line."""

import os
import signal
import sys
import time

import pytest
from patience import PATIENCE_S
from written import names_in

from number_generator.system import isolation

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the child is a fork")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory")

# What stands for the work of the command: it makes a temporary and says that it has begun.
WORK = """
import collections, itertools, os, pathlib, pkgutil, signal, sys, time
from number_generator.entry import run_module
from number_generator.system import isolation

isolation.STALL_S, isolation._BUSY_S, isolation._BEAT_S = 0.4, 0, 0.1
isolation._GRACE_S, isolation._FREE_BYTES = 0.3, 1 << 30

def work(options, interruption):
    path = pathlib.Path(".set.h5.partial")
    path.touch()
    interruption.temporaries.append(path)
    print("begun", flush=True)
    {body}

pkgutil.resolve_name = lambda name: work
run_module()
"""
FOR_EVER_IN_C = "collections.deque(itertools.repeat(0), maxlen=0)"
WAITING = "time.sleep(60)"


@pytest.fixture
def start(start_process, tmp_path):
    """Return a starter of `inspect set.h5` with another body."""
    (tmp_path / "set.h5").touch()

    def starter(body):
        command = [sys.executable, "-c", WORK.format(body=body), "inspect", "set.h5"]
        return start_process(command, cwd=tmp_path, start_new_session=True)

    return starter


def end(process):
    _, said = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said.removeprefix("python -m number_generator inspect: error: set.h5: ")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "reading it crashed (SIGSEGV); its content is damaged"),
        ("os.abort()", "reading it crashed (SIGABRT); its content is damaged"),
        (FOR_EVER_IN_C, "reading it did not come to an end in 0.4 s of processor time; its content is damaged"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "reading it was ended by the system (SIGKILL), most likely as memory ran out",
        ),
    ],
)
def test_a_child_that_is_killed_becomes_one_line(start, tmp_path, body, words):
    assert end(start(body)) == (1, f"{words}; no unfinished file is left\n")
    assert names_in(tmp_path) == ["set.h5"]


def test_memory_is_allowed_by_the_size_of_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(os, "sysconf", lambda name: 1 << 20)  # pages, and bytes of a page: a large machine
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(1000))
    free = (4 << 30) + 4 * (64 << 20)

    assert isolation.compute_limit([tmp_path / "none"]) == free
    assert isolation.compute_limit([tmp_path / "a", tmp_path / "b"]) == free + 64 * 2000
    assert isolation.compute_limit([tmp_path]) >= free + 64 * 2000
    monkeypatch.setattr(os, "sysconf", lambda name: 1 << 15)
    assert isolation.compute_limit([tmp_path]) == 1 << 30


@on_linux
def test_a_child_that_takes_too_much_memory_becomes_one_line(start):
    status, said = end(start("path.unlink(); bytearray(2 << 30)"))

    assert (status, said.count("\n")) == (1, 1)
    assert "out of memory" in said


def test_work_that_takes_long_in_python_is_let_go_on(start):
    body = "until = time.process_time() + 0.6; [None for _ in iter(lambda: time.process_time() < until, False)]"

    assert end(start(f"path.unlink(); {body}")) == (0, "")


def test_the_more_cores_there_are_the_more_they_may_do_before_the_next_line(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)

    assert isolation.find_patience() == 30 + 2 * 64


@pytest.mark.parametrize("status", [0, 3])
def test_the_exit_status_is_the_childs(start, status):
    assert end(start(f"path.unlink(); sys.exit({status})")) == (status, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_all", [True, False], ids=["terminal", "parent"])
def test_a_signal_reaches_the_child_and_is_answered_once(start, tmp_path, number, to_all):
    process = start(WAITING)
    process.stdout.readline()

    (os.killpg if to_all else os.kill)(process.pid, number)

    assert end(process) == (128 + number, "\nstopped; no unfinished file is left\n")
    assert names_in(tmp_path) == ["set.h5"]


def test_a_child_that_does_not_heed_a_signal_is_killed(start, tmp_path):
    process = start(f"isolation.signal.setitimer(signal.ITIMER_PROF, 60); {FOR_EVER_IN_C}")
    process.stdout.readline()

    process.send_signal(signal.SIGTERM)

    assert end(process) == (143, "\nstopped; no unfinished file is left\n")
    assert names_in(tmp_path) == ["set.h5"]


def test_a_child_ends_with_its_parent(start, tmp_path):
    process = start(WAITING)
    process.stdout.readline()

    process.kill()

    until = time.monotonic() + PATIENCE_S
    while names_in(tmp_path) != ["set.h5"] and time.monotonic() < until:
        time.sleep(0.02)
    assert names_in(tmp_path) == ["set.h5"]


def test_what_reads_no_file_starts_no_child(run_python):
    code = """
import os, pkgutil
os.fork = None
pkgutil.resolve_name = lambda name: lambda options, interruption: print(options.source)
from number_generator.entry import run_module
run_module()
"""
    assert run_python(code, "preview", "clean", "sheet.png") == "clean\n"
