"""Start-up: what a new process waits for before its first image."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from installed import installed

_FIRST_CALL = "import number_generator; number_generator.generate_batch(['0312345678'], (5, 10), 100)"


def _python(code, cache):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)


@pytest.mark.benchmark(group="start-up")
@pytest.mark.parametrize("code", ["", "import numpy", "import number_generator"])
def test_import(rate, tmp_path, code):
    rate(_python, code, tmp_path, unit="process", count=1, rounds=5)


@pytest.mark.benchmark(group="start-up")
def test_first_call_with_a_cold_cache(rate, tmp_path_factory):
    caches = []

    def call():
        caches.append(tmp_path_factory.mktemp("cache"))
        _python(_FIRST_CALL, caches[-1])

    rate(call, unit="process", count=1, rounds=2, warm=False)
    assert all(list(cache.rglob("*.ngk")) for cache in caches)


@pytest.mark.benchmark(group="start-up")
def test_first_call_with_a_warm_cache(rate, is_smoke, tmp_path):
    # Not to be timed, a cache that was warmed elsewhere will do.
    cache = Path(os.environ.get("NUMBA_CACHE_DIR", tmp_path)) if is_smoke else tmp_path
    rate(_python, _FIRST_CALL, cache, unit="process", count=1, rounds=3)
    assert list(cache.rglob("*.ngk"))


@pytest.mark.benchmark(group="start-up")
@pytest.mark.parametrize("name", ["generate-numbers-sequence", "generate-phone-numbers"])
def test_second_start_of_a_command(rate, tmp_path, name):
    arguments = {
        "generate-numbers-sequence": ["--sequence=12345678"],
        "generate-phone-numbers": ["--num-images=1", "--overwrite"],
    }[name]
    command = [installed(name), *arguments, f"--output-path={tmp_path}"]
    rate(lambda: subprocess.run(command, check=True, capture_output=True), unit="process", count=1, rounds=5)
    assert len(list(tmp_path.iterdir())) == 1
