"""Benchmarks run when they are asked for: with `--benchmark-only`, or once each with `--benchmark-disable`."""

import importlib.metadata
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

_VERSIONS = ("number-generator", "numpy", "numba", "llvmlite", "h5py", "isal", "deflate", "Pillow")

Work = tuple[Callable[[], object], int]
"""What does some work, and how many units of it."""


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave the benchmarks out of a plain `pytest` run; of None, others may think otherwise."""
    return None if config.getoption("benchmark_only") or config.getoption("benchmark_disable") else True


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Note the versions of what is measured."""
    machine_info["versions"] = {name: importlib.metadata.version(name) for name in _VERSIONS}


@pytest.fixture(scope="session")
def is_smoke(request: pytest.FixtureRequest) -> bool:
    """Whether every benchmark is to run once, to see that it works, and not to be timed."""
    return bool(request.config.getoption("benchmark_disable"))


@pytest.fixture
def rate(benchmark: Any, is_smoke: bool) -> Callable[..., Any]:
    """Time a function, warm, and note its rate; gives its result.

    `unit` names what is counted, `count` how many of them a call makes and `size` how many bytes these are.
    `against` names baselines, each a function and the units that it makes: they are timed in turn with the function,
    round by round, and the median of the ratios is noted.
    """

    def run(
        function: Callable[..., Any],
        *args: Any,
        unit: str = "image",
        count: int,
        size: int = 0,
        against: Mapping[str, Work] | None = None,
        rounds: int = 7,
        warm: bool = True,
    ) -> Any:
        baselines = dict(against or {})
        times: dict[str, list[float]] = {name: [] for name in baselines}

        def time_baselines() -> None:
            for name, (work, units) in baselines.items():
                begun = time.perf_counter()
                work()
                times[name].append((time.perf_counter() - begun) / units)

        if warm and not is_smoke:  # once without the clock: whatever compiles or loads does so here
            function(*args)
            time_baselines()
            for each in times.values():
                each.clear()
        result = benchmark.pedantic(function, args, setup=time_baselines, rounds=rounds, iterations=1)
        info = benchmark.extra_info
        info.update(unit=unit, count=count)
        if benchmark.stats is not None:
            median = benchmark.stats.stats.median
            info["images_per_s" if unit == "image" else "units_per_s"] = round(count / median)
            if size:
                info["mb_per_s"] = round(size / median / 1e6, 1)
            # Round by round: what slows the machine for a while slows both of a pair.
            ours = [each / count for each in benchmark.stats.stats.data]
            info["times_as_fast"] = {
                name: round(statistics.median(base / own for base, own in zip(each, ours, strict=True)), 2)
                for name, each in times.items()
            }
        return result

    return run
