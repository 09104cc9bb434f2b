"""Benchmarks run when they are asked for: with `--benchmark-only`, or once each with `--benchmark-disable`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the benchmarks out of a plain `pytest` run."""
    if config.getoption("benchmark_only") or config.getoption("benchmark_disable"):
        return
    left_out = [item for item in items if _HERE in item.path.parents]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _HERE not in item.path.parents]


@pytest.fixture
def rate(benchmark: Any) -> Callable[..., Any]:
    """Time `function(*args)`, warm, and note images/s and MB/s of its output; gives its result."""

    def run(function: Callable[..., Any], *args: Any, images: int, size: int, **options: Any) -> Any:
        function(*args)
        options = {"rounds": 5, "iterations": 1, **options}
        result = benchmark.pedantic(function, args, **options)
        benchmark.extra_info["images"] = images
        if benchmark.stats is not None:
            median_s = benchmark.stats.stats.median
            benchmark.extra_info["images_per_s"] = round(images / median_s)
            benchmark.extra_info["mb_per_s"] = round(size / median_s / 1e6, 1)
        return result

    return run
