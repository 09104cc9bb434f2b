"""Runs tasks in order: serially, or in threads with a limited number in flight."""

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from number_generator.errors import MemoryLimitError
from number_generator.system.checks import check_integer

T = TypeVar("T")
R = TypeVar("R")

_MAX_WORKERS = 1024
_AT_THE_END = "interpreter shutdown"  # in Python's error where it starts nothing new


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_workers(workers: Any, name: str = "workers") -> int:
    """Return the number of worker threads; None means one per core that the process may use."""
    return count_cores() if workers is None else check_integer(name, workers, 1, _MAX_WORKERS)


@contextlib.contextmanager
def starting_a_thread() -> Iterator[None]:
    """Turn the error of a thread that the system does not start into MemoryLimitError."""
    try:
        yield
    except RuntimeError as exc:
        if "new thread" not in str(exc) or _AT_THE_END in str(exc):  # another one is a fault of ours
            raise
        raise MemoryLimitError(
            f"the system starts no further thread ({exc}): give fewer --workers, or allow more memory or processes"
        ) from exc


def _submit(pool: ThreadPoolExecutor, function: Callable[[T], R], item: T) -> Future[R]:
    """Give a task to a pool, or do it here: from the end of the main thread on, Python gives none to threads.

    Other threads go on meanwhile, and may save what they have made.
    """
    try:
        with starting_a_thread():
            return pool.submit(function, item)
    except RuntimeError as exc:
        if _AT_THE_END not in str(exc):
            raise
    done: Future[R] = Future()
    try:
        done.set_result(function(item))
    except Exception as exc:
        done.set_exception(exc)
    return done


def ordered_map(function: Callable[[T], R], items: Iterable[T], workers: int) -> Generator[R, None, None]:
    """Yield `function(item)` for each item, in order.

    One worker is this thread. With more, at most two tasks per worker are in flight, so that memory does not grow with
    the number of items. A task's exception is raised in place of its result, and ends the iteration.
    """
    if workers == 1:
        yield from map(function, items)
        return
    is_finalizing = sys.is_finalizing
    pending: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="number_generator")
    try:
        for item in items:
            pending.append(_submit(pool, function, item))
            if len(pending) == 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # When the interpreter exits, the threads have ended, and the modules needed to end them are gone.
        if not is_finalizing():
            pool.shutdown(wait=True, cancel_futures=True)
