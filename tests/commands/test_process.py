"""The two commands as installed, run as processes: exit statuses, interruption at any moment, and full disks."""

import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from installed import installed
from patience import PATIENCE_S, slowness
from running import run_phone, run_sequence
from written import names_in

from number_generator import __version__

PHONE, SEQUENCE = "generate-phone-numbers", "generate-numbers-sequence"
FORMATS = pytest.mark.parametrize("ending", [pytest.param("pickle", marks=pytest.mark.slow), "h5"])
SIGNALS = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
COMMANDS = pytest.mark.parametrize(
    "arguments",
    [[PHONE, "--num-images=2000000"], pytest.param([SEQUENCE, "--sequence=7"], marks=pytest.mark.slow)],
    ids=["phone", "one"],
)
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals are needed")
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc tells which signals are handled")

# Far more images than are written before any of these tests interrupts the command.
MANY = ["--num-images=2000000", "--quiet"]
_LIMITED = (
    "import os, resource, sys; limit = int(sys.argv[1]); "
    "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)); os.execv(sys.argv[2], sys.argv[2:])"
)

pytestmark = pytest.mark.usefixtures("folder")


def run(name, *arguments, **keywords):
    return subprocess.run(
        [installed(name), *arguments], capture_output=True, text=True, timeout=PATIENCE_S, check=False, **keywords
    )


@pytest.fixture
def start(start_process):
    """Return a starter of commands in the background, `start(name, *arguments, **environment)`."""

    def starter(name, *arguments, **environment):
        return start_process([installed(name), *arguments], env={**os.environ, **environment})

    return starter


def wait_until(condition, process):
    """Wait for something that a running process brings about."""
    give_up = time.monotonic() + PATIENCE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up, f"{condition.__name__} took too long"
        time.sleep(0.002)


def interrupt(process, number):
    """Send a signal; give exit status, standard error, and the seconds that it took."""
    begun = time.monotonic()
    process.send_signal(number)
    _, error = process.communicate(timeout=PATIENCE_S)
    return process.returncode, error, time.monotonic() - begun


def check_interrupted(process, number, status):
    returned, error, elapsed_s = interrupt(process, number)

    assert returned == status, error
    assert elapsed_s < 2 * slowness()
    error = re.sub("^compiling .*\n", "", error)
    assert error.strip().count("\n") == 0
    assert error.strip().startswith("stopped")
    assert "Traceback" not in error


def temporaries(folder):
    return [path for path in folder.iterdir() if path.name.endswith(".partial")]


def is_writing(folder):
    """A condition: there is a temporary of more than a megabyte."""

    def it_is_writing():
        return any(path.stat().st_size > 2**20 for path in temporaries(folder))

    return it_is_writing


def handles_signals(process):
    """A condition: the command's own handlers stand. Python's own handle SIGINT only."""

    def it_handles_signals():
        status = Path(f"/proc/{process.pid}/status").read_text()
        caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
        return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)

    return it_handles_signals


# --- exit statuses


@pytest.mark.parametrize("name", [PHONE, pytest.param("generate-phone-numbers.py", marks=pytest.mark.slow)])
def test_the_dataset_command_works_under_both_names(folder, name):
    done = run(name, "--num-images=5", "--seed=1")

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 5
    with (folder / "phonenumbers-handwritten-dataset-5.pickle").open("rb") as file:
        assert pickle.load(file)["images"].shape == (5, 28, 100)


def test_the_image_command_works(folder):
    done = run(SEQUENCE, "--sequence=12345678", "--min-spacing=5", "--max-spacing=8", "--image-width=200")

    assert (done.returncode, done.stderr) == (0, "")
    assert names_in(folder) == ["12345678.png"]


@pytest.mark.parametrize("name", [PHONE, SEQUENCE])
def test_a_command_tells_its_version(name):
    done = run(name, "--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{name} {__version__}\n", "")


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ([PHONE, "--no-such-option"], 2),
        ([SEQUENCE, "--sequence=7", "--output-path=file"], 1),
    ],
)
def test_what_goes_wrong_is_told_by_the_exit_status_and_one_line(folder, command, status):
    (folder / "file").touch()

    done = run(*command)

    assert done.returncode == status
    assert done.stderr.splitlines()[-1].startswith(f"{command[0]}: error: ")
    assert "Traceback" not in done.stderr
    assert names_in(folder) == ["file"]


# --- interruption


@needs_signals
@needs_proc
@SIGNALS
@COMMANDS
@pytest.mark.parametrize("later_s", [0, 0.1])
def test_a_signal_while_a_command_starts_ends_it(start, folder, arguments, number, status, later_s):
    process = start(*arguments)
    wait_until(handles_signals(process), process)
    time.sleep(later_s)

    check_interrupted(process, number, status)

    assert names_in(folder) == []


@pytest.mark.slow
@needs_signals
@SIGNALS
@COMMANDS
def test_a_signal_during_compilation_ends_the_command(start, folder, tmp_path, arguments, number, status):
    cache = tmp_path / "cache"
    process = start(*arguments, NUMBA_CACHE_DIR=str(cache))

    def the_first_function_is_compiled():
        return any(cache.rglob("*.nbi"))

    wait_until(the_first_function_is_compiled, process)
    check_interrupted(process, number, status)

    assert names_in(folder) == []


@needs_signals
@SIGNALS
@FORMATS
def test_a_signal_while_a_dataset_is_written_leaves_nothing(start, folder, ending, number, status):
    process = start(PHONE, *MANY, f"--output-path=set.{ending}")
    wait_until(is_writing(folder), process)

    check_interrupted(process, number, status)

    assert names_in(folder) == []


@pytest.mark.slow
@needs_signals
@SIGNALS
@FORMATS
def test_a_signal_leaves_the_earlier_file_untouched(start, folder, ending, number, status):
    (folder / f"set.{ending}").write_bytes(b"earlier")
    process = start(PHONE, *MANY, f"--output-path=set.{ending}", "--overwrite", "--workers=1")
    wait_until(is_writing(folder), process)

    check_interrupted(process, number, status)

    assert names_in(folder) == [f"set.{ending}"]
    assert (folder / f"set.{ending}").read_bytes() == b"earlier"


# --- killed runs


@needs_signals
@FORMATS
def test_the_next_run_removes_what_a_killed_one_left(start, folder, ending):
    killed = start(PHONE, *MANY, f"--output-path=set.{ending}", "--workers=1")
    wait_until(is_writing(folder), killed)
    killed.kill()
    killed.communicate()
    left = names_in(folder)

    status = run_phone("--num-images=5", f"--output-path=set.{ending}")

    assert len(left) == 1
    assert left[0].startswith(f".set.{ending}.")
    assert status == 0
    assert names_in(folder) == [f"set.{ending}"]


@pytest.mark.slow
@needs_signals
@FORMATS
def test_a_run_leaves_the_temporary_of_a_living_one_alone(start, folder, ending):
    living = start(PHONE, *MANY, f"--output-path=set.{ending}", "--workers=1")
    wait_until(is_writing(folder), living)
    before = temporaries(folder)

    assert run_phone("--num-images=5", f"--output-path=set.{ending}") == 0

    assert temporaries(folder) == before
    assert interrupt(living, signal.SIGTERM)[0] == 143
    assert names_in(folder) == [f"set.{ending}"]


# --- full disks


def check_full_disk(status, said, folder, command, name, reason):
    assert status == 1
    assert said == f"{command}: error: cannot write {name}: {reason}; nothing was left behind\n"
    assert names_in(folder) == [name]
    assert (folder / name).read_bytes() == b"earlier"


@pytest.mark.parametrize("limit_bytes", [pytest.param(1000, marks=pytest.mark.slow), 3_000_000])
@FORMATS
def test_a_dataset_over_the_limit_on_file_sizes_is_one_error(folder, ending, limit_bytes):
    (folder / f"set.{ending}").write_bytes(b"earlier")

    arguments = ["--num-images=20000", f"--output-path=set.{ending}", "--overwrite"]
    pytest.importorskip("resource", reason="a limit on file sizes is needed")

    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(limit_bytes), installed(PHONE), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    check_full_disk(done.returncode, done.stderr, folder, PHONE, f"set.{ending}", "File too large")


def test_an_image_over_the_limit_on_file_sizes_is_one_error(folder, capsys):
    resource = pytest.importorskip("resource", reason="a limit on file sizes is needed")
    (folder / "7.png").write_bytes(b"earlier")
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, earlier[1]))
    try:
        status = run_sequence("--sequence=7")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)

    check_full_disk(status, capsys.readouterr().err, folder, SEQUENCE, "7.png", "File too large")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MB, mounted in a folder."""
    path = tmp_path / "disk"
    path.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize(("ending", "count"), [pytest.param("pickle", 2994, marks=pytest.mark.slow), ("h5", 13_000)])
def test_a_dataset_on_a_disk_that_gets_full_is_one_error_after_a_word(small_disk, monkeypatch, ending, count):
    monkeypatch.chdir(small_disk)
    (small_disk / f"set.{ending}").write_bytes(b"earlier")

    # In a process of its own: HDF5 may crash when it ends with a file that could not be closed.
    done = run(PHONE, f"--num-images={count}", f"--output-path=set.{ending}", "--overwrite")
    monkeypatch.undo()

    word, _, said = done.stderr.partition("\n")
    assert word.startswith(f"set.{ending} may not fit: it will take about ")
    check_full_disk(done.returncode, said, small_disk, PHONE, f"set.{ending}", "No space left on device")


@pytest.mark.parametrize("ending", ["pickle", "h5"])
def test_a_dataset_on_a_disk_that_is_full_from_the_start_is_one_error(small_disk, monkeypatch, capsys, ending):
    monkeypatch.chdir(small_disk)
    fill(small_disk, f"set.{ending}")

    status = run_phone("--num-images=5", f"--output-path=set.{ending}", "--overwrite")
    (small_disk / "filler").unlink()
    monkeypatch.undo()

    said = capsys.readouterr().err
    assert status == 1
    assert said.startswith(f"{PHONE}: error: set.{ending} would take at least ")
    assert "has 0 bytes free; nothing was written" in said
    assert names_in(small_disk) == [f"set.{ending}"]
    assert (small_disk / f"set.{ending}").read_bytes() == b"earlier"


def test_an_image_on_a_full_disk_is_one_error(small_disk, monkeypatch, capsys):
    monkeypatch.chdir(small_disk)
    fill(small_disk, "7.png")

    status = run_sequence("--sequence=7")
    (small_disk / "filler").unlink()
    monkeypatch.undo()

    said = capsys.readouterr().err
    check_full_disk(status, said, small_disk, SEQUENCE, "7.png", "No space left on device")


def fill(folder, name):
    """Write an earlier file and fill the rest of the disk."""
    (folder / name).write_bytes(b"earlier")
    with (folder / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(b"\0" * 4096)
