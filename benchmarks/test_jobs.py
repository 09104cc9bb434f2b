"""The main job as a user runs it, by the number of images: start-up and the flush to disk included, and peak memory."""

import subprocess
import sys

import pytest
from installed import installed
from workload import PAGE

from number_generator import GenericDataset

_MEASURE = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
_COUNTS = [1_000, 10_000, 100_000, 1_000_000]


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is not to be had there in this way")
@pytest.mark.benchmark(group="whole jobs")
@pytest.mark.parametrize(
    ("file_format", "compression"), [("hdf5", "gzip"), ("hdf5", "none"), ("pickle", "none")], ids=str
)
@pytest.mark.parametrize("count", _COUNTS)
def test_phone_numbers(rate, benchmark, is_smoke, tmp_path, count, file_format, compression):
    count = _COUNTS[0] if is_smoke else count
    path = tmp_path / "dataset"
    command = [
        installed("generate-phone-numbers"),
        f"--num-images={count}",
        f"--format={file_format}",
        f"--compression={compression}",
        f"--output-path={path}",
        "--overwrite",
        "--seed=1",
    ]
    path = path / f"phonenumbers-handwritten-dataset-{count}{'.h5' if file_format == 'hdf5' else '.pickle'}"
    peaks = []

    def run():
        done = subprocess.run([sys.executable, "-c", _MEASURE, *command], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / (1024 if sys.platform == "linux" else 2**20))

    # The largest takes seconds, and the disk its time: a few rounds of what the package is for, one of the others.
    is_large = count == _COUNTS[-1]
    rounds = (3 if compression == "gzip" else 1) if is_large else 2
    rate(run, count=count, size=count * PAGE, rounds=rounds, warm=not is_large)
    benchmark.extra_info["peak_mb"] = round(max(peaks))
    assert path.stat().st_size > 700 * count
    if file_format == "hdf5":
        dataset = GenericDataset()
        dataset.load(path)
        assert dataset[count - 1][0].min() < 128
