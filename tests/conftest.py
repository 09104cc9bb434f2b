"""What several test modules share: digit datasets of any size, a clean environment, and machine code."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from patience import PATIENCE_S

from number_generator import DigitImageDataset
from number_generator.digits import resolve as digit_datasets
from number_generator.job.handwriting import STYLES
from number_generator.rendering.compilation import compile_kernels, compile_measures

# Threads of scikit-learn and PyTorch that wait for one another keep all cores busy, and tests give them little to do.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples in every run, so that a failure is the change's; `--hypothesis-profile=explore` looks for new ones.
settings.register_profile(
    "repeat",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("explore", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile("repeat")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run all tests on all cores; a choice of them, a debugger and benchmarks are better off with one process."""
    option = config.option
    is_all = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not option.keyword
    is_alone = (
        option.usepdb
        or option.collectonly
        or getattr(option, "benchmark_only", False)
        or getattr(option, "cov_source", None)  # pytest-cov has to know earlier
        or hasattr(config, "workerinput")  # one of those processes, which are not to start more
    )
    if is_all and not is_alone and getattr(option, "numprocesses", 0) is None:  # 0 without pytest-xdist
        # By file, so that what the tests of a file share is made once; in order, as the last ones are short.
        option.numprocesses, option.dist, option.loadscopereorder = "auto", "loadfile", False


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Leave modules and tests, which stay until the end, out of every search for garbage, now and later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _one_package(tmp_path_factory):
    """Let other processes import the package that the tests import, also where a copy is installed.

    So the tests are of one package, and its kernels, which are cached by their path, compile once. Nor do hundreds of
    processes each compile their modules anew where Python is told to leave no bytecode beside them.
    """
    with pytest.MonkeyPatch.context() as patch:
        if sys.dont_write_bytecode:
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        patch.setenv("PYTHONPATH", str(Path(digit_datasets.__file__).parents[2]), prepend=os.pathsep)
        yield


@pytest.fixture(scope="session", autouse=True)
def _compiled(_one_package):
    """Compile what is missing, so that no command under test has to tell that it does."""
    for style in STYLES.values():
        compile_kernels(style, lambda _: None)
    compile_measures(lambda _: None)


@pytest.fixture(autouse=True)
def _no_default_digits(monkeypatch):
    """Each test starts from the packaged digits."""
    monkeypatch.delenv("NG_DEFAULT_DIGIT_DATASET", raising=False)
    monkeypatch.setattr(digit_datasets, "_default_path", None)


@pytest.fixture(scope="session")
def digits():
    """The default digit dataset: images (N, 28, 28) uint8 and integer labels (N,)."""
    images, labels = digit_datasets.default_digits().get_data()
    return images, np.array([int(label) for label in labels])


@pytest.fixture(scope="session")
def make_digits():
    """Return a maker of synthetic digits, `make_digits(size, seed=0, per_class=3)`: images and integer labels."""

    def make(size, seed=0, per_class=3):
        random = np.random.default_rng([size, seed, per_class])
        labels = random.permutation(np.repeat(np.arange(10), per_class))
        images = np.zeros((len(labels), size, size), np.uint8)
        for image in images:
            left, right = np.sort(random.integers(0, size, 2))
            ink = random.integers(0, 256, (size, right - left + 1), np.uint8)
            image[:, left : right + 1] = np.where(random.random(ink.shape) < 0.4, 0, ink)
        return images, labels

    return make


@pytest.fixture(scope="session")
def make_digit_dataset(make_digits):
    """Return a maker of DigitImageDatasets of synthetic digits, with the arguments of `make_digits`."""

    def make(size, seed=0, per_class=3):
        return DigitImageDataset(*make_digits(size, seed, per_class))

    return make


@pytest.fixture
def digits_file(make_digit_dataset, tmp_path):
    """A pickle file with 30 synthetic digits, 12 px high."""
    path = tmp_path / "digits.pickle"
    make_digit_dataset(12).save(path)
    return path


@pytest.fixture(scope="session")
def machine_code(request, tmp_path_factory):
    """Return a maker of folders for kernels compiled in another way, `machine_code(way)`: kept between runs."""
    cache = getattr(request.config, "cache", None)
    return tmp_path_factory.mktemp if cache is None else cache.mkdir


@pytest.fixture
def start_process():
    """Return a starter of processes in the background, with the keywords of `Popen`; it ends what it has started."""
    processes = []

    def start(command, **keywords):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **keywords)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def run_python(tmp_path):
    """Return a runner of scripts in a fresh interpreter and an empty folder: `run(code, *arguments, **environment)`.

    The scripts use the machine code that the tests use, unless the environment says otherwise.
    """

    def run(code, *arguments, **environment):
        folder = tmp_path / "run_python"
        folder.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NG_", "NUMBA_", "COV_"))}
        if "NUMBA_CACHE_DIR" in os.environ:
            kept["NUMBA_CACHE_DIR"] = os.environ["NUMBA_CACHE_DIR"]
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
            cwd=folder,
            env={**kept, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
