"""Running tasks in order: serially, or in threads with a bounded number in flight."""

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from number_generator.system.checks import check_integer

__all__ = ["check_workers", "count_cores", "ordered_map"]

T = TypeVar("T")
R = TypeVar("R")

_MAX_WORKERS = 1024


def count_cores() -> int:
    """Give the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_workers(workers: Any, name: str = "workers") -> int:
    """Give the number of worker threads; None means one a core that the process may use."""
    return count_cores() if workers is None else check_integer(name, workers, 1, _MAX_WORKERS)


def ordered_map(function: Callable[[T], R], items: Iterable[T], workers: int) -> Generator[R, None, None]:
    """Give `function(item)` for each item, in order.

    With one worker nothing but this thread runs. With more, at most two tasks a worker are in flight, so memory
    does not grow with the number of items. An exception of a task is raised in its place, and no later result
    is given.
    """
    if workers == 1:
        yield from map(function, items)
        return
    is_finalizing = sys.is_finalizing
    pending: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="number_generator")
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) == 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # At the interpreter's end, the threads have ended and the modules that ending them takes are gone.
        if not is_finalizing():
            pool.shutdown(wait=True, cancel_futures=True)
