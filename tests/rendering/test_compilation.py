"""Compiling before the first image: what is missing, in two processes, and told."""

import logging
import os
import subprocess
import sys

import numba
import pytest
from patience import PATIENCE_S

from number_generator import Handwriting, generate_batch
from number_generator._kernels import compile as compile_module
from number_generator._kernels.compile import entry_kernel, tell_if_compiling
from number_generator._kernels.machine_code import Store
from number_generator.rendering import compilation
from number_generator.rendering.compilation import Stage, compile_kernels

DOCUMENT = Handwriting.named("document")


@pytest.fixture
def _own_cache(monkeypatch, tmp_path):
    """A cache of the test's own, in which nothing is compiled."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def stages(monkeypatch, _own_cache):
    """Stages that take no time: `stages` lists those that this process has compiled."""
    compiled = []
    made = {
        name: Stage((entry_kernel(lambda x: x + 1),), lambda name=name: compiled.append(name), seconds)
        for name, seconds in (("clean", 6), ("lines", 18), ("fields", 4), ("plain pages", 3), ("scans", 12))
    }
    monkeypatch.setattr(compilation, "STAGES", made)
    monkeypatch.setattr(compilation, "count_cores", lambda: 2)
    return compiled


def test_one_process_compiles_all_in_turn(stages):
    told = []

    compile_kernels(DOCUMENT, told.append)

    assert stages == ["lines", "fields", "scans"]
    assert told == ["compiling the kernels of the style once on this machine, for about 34 s"]


@pytest.fixture
def started(monkeypatch):
    """Let no process be started: `started` lists their code, and "ended" when one is waited for."""
    events = []

    class Ended:
        def wait(self):
            events.append("ended")

    monkeypatch.setattr(subprocess, "Popen", lambda command, **_: events.append(command[-1]) or Ended())
    return events


def test_another_process_is_started_and_this_one_takes_what_it_leaves(stages, started):
    told = []

    compile_kernels(DOCUMENT, told.append, in_processes=True)

    assert stages == ["lines", "fields", "scans"]  # the last one from the cache, or because the other has failed
    assert f"help_compiling(['scans'], {os.getpid()})" in started[0]
    assert started[1:] == ["ended"]
    assert told == ["compiling the kernels of the style once on this machine, for about 17 s"]


def test_the_other_process_takes_what_leaves_both_about_equally_much(stages, started):
    told = []

    compile_kernels(Handwriting.named("natural"), told.append, in_processes=True)

    assert stages == ["lines", "fields", "plain pages"]
    assert "help_compiling(['fields', 'plain pages'], " in started[0]
    assert told == ["compiling the kernels of the style once on this machine, for about 13 s"]


def test_what_one_process_must_compile_is_not_shared(stages, started, monkeypatch):
    monkeypatch.setattr(compilation, "find_missing", lambda *_, **__: ["lines"])
    told = []

    compile_kernels(DOCUMENT, told.append, in_processes=True)

    assert (stages, started) == (["lines"], [])
    assert told == ["compiling the kernels of the style once on this machine, for about 18 s"]


def test_without_room_for_another_process_this_one_compiles_all(stages, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)

    compile_kernels(DOCUMENT, lambda _: None, in_processes=True)

    assert stages == ["lines", "fields", "scans"]


def test_where_nothing_can_be_kept_no_other_process_helps_and_the_way_out_is_told(stages, monkeypatch):
    monkeypatch.setattr(Store, "find_writable", lambda _: None)
    told = []

    compile_kernels(Handwriting.named("clean"), told.append, in_processes=True)

    assert stages == ["clean"]
    assert told == [
        "compiling the kernels of the style at each start, as no folder for them can be written "
        "(NUMBA_CACHE_DIR names one), for about 6 s"
    ]


def test_what_is_compiled_is_not_told_again():
    generate_batch(["1"], None, 30, style="document", seed=1)
    told = []

    compile_kernels(DOCUMENT, told.append, in_processes=True)

    assert not told


def test_the_other_process_ends_with_its_parent():
    code = "from number_generator.rendering.compilation import _end_with; _end_with(-1)"

    done = subprocess.run([sys.executable, "-c", code], timeout=PATIENCE_S, check=False)

    assert done.returncode == 1


@pytest.mark.usefixtures("_own_cache")
def test_the_library_logs_what_it_compiles(caplog):
    caplog.set_level(logging.INFO, compile_module.__name__)
    kernel = entry_kernel(lambda x: x + 1)

    tell_if_compiling(kernel, "a kernel", 3)
    kernel(1)
    tell_if_compiling(kernel, "a kernel", 3)

    assert caplog.messages == ["compiling a kernel once on this machine, for about 3 s"]
