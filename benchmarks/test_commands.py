"""What the commands cost as processes: start-up, and the main job with its memory."""

import subprocess
import sys

import pytest
from installed import installed

_MEASURE = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)


def _run(name, *arguments):
    """Run an installed command; give the peak of its resident memory in MB."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, installed(name), *arguments], capture_output=True, text=True, check=True
    )
    return int(done.stdout) / 1024


@pytest.mark.benchmark(group="second start of a command")
def test_start_of_one_number(benchmark, tmp_path):
    arguments = ["generate-numbers-sequence", "--sequence=12345678", f"--output-path={tmp_path}"]
    benchmark.pedantic(_run, arguments, rounds=3, warmup_rounds=1)
    assert (tmp_path / "12345678.png").is_file()


@pytest.mark.benchmark(group="second start of a command")
def test_start_of_a_small_dataset(benchmark, tmp_path):
    arguments = ["generate-phone-numbers", "--num-images=1", f"--output-path={tmp_path}", "--overwrite"]
    benchmark.pedantic(_run, arguments, rounds=3, warmup_rounds=1)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.benchmark(group="main job, with start-up and the flush to disk")
@pytest.mark.parametrize("count", [1000, 1_000_000])
def test_phone_numbers_to_hdf5(benchmark, request, tmp_path, count):
    count = 1000 if request.config.getoption("benchmark_disable") else count
    path = tmp_path / "dataset.h5"
    arguments = ["generate-phone-numbers", f"--num-images={count}", f"--output-path={path}", "--overwrite"]
    benchmark.extra_info["images"] = count
    benchmark.extra_info["peak_mb"] = round(benchmark.pedantic(_run, arguments))
    assert path.stat().st_size > 700 * count
