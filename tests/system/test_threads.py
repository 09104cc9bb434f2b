"""Tasks in threads."""

import threading

import pytest

from number_generator.errors import MemoryLimitError
from number_generator.system.threads import ordered_map


def test_a_thread_that_cannot_be_started_is_told_as_a_limit(monkeypatch):
    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    with pytest.raises(MemoryLimitError, match=r"starts no further thread .*: give fewer --workers, or allow more"):
        list(ordered_map(abs, [1, 2], 2))


def test_an_error_of_a_task_is_raised_as_it_is():
    def fail(_):
        raise RuntimeError("not a new thread")

    with pytest.raises(RuntimeError, match="not a new thread"):
        list(ordered_map(fail, [1, 2], 2))


def test_the_work_of_a_thread_that_outlives_the_main_one_is_done_in_it(monkeypatch):
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)

    assert list(ordered_map(abs, [-1, 2, -3], 2)) == [1, 2, 3]
    with pytest.raises(TypeError):
        list(ordered_map(abs, ["a"], 2))
