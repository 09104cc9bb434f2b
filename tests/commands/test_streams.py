"""Standard streams: progress bars, broken pipes, full and closed streams; and where the processes start."""

import contextlib
import io
import os
import re
import shlex
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from patience import PATIENCE_S
from running import ENTRY, PHONE, SEQUENCE, load, run
from written import names_in

from number_generator import entry
from number_generator.commands import generate
from number_generator.commands.main import main
from number_generator.system.signals import Interruption

pytestmark = pytest.mark.usefixtures("folder")


def start(name, arguments, **keywords):
    return subprocess.run(
        [sys.executable, "-c", ENTRY, name, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **keywords,
    )


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("quiet", "shown"), [([], True), (["--quiet"], False)])
def test_a_progress_bar_is_shown_on_a_terminal_unless_quiet(monkeypatch, quiet, shown):
    terminal = _Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    status = run(PHONE, "--num-images=5000", *quiet)

    assert status == 0
    assert bool(terminal.getvalue()) == shown
    assert ("5.00k/5.00k" in terminal.getvalue()) == shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize(("rows", "columns"), [(24, 100), pytest.param(0, 0, marks=pytest.mark.slow)])
def test_a_real_terminal_shows_images_a_second_and_the_time_left(folder, rows, columns):
    import fcntl  # noqa: PLC0415 - Windows has none of these
    import pty  # noqa: PLC0415
    import termios  # noqa: PLC0415

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from number_generator import entry; entry.generate_phone_numbers()",
            "--num-images=9000",
        ],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # Linux's way to say that the other end is closed
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 0
    assert out.endswith("seconds...\n")
    assert re.search(rb"9\.00k/9\.00k \[\d\d:\d\d<\d\d:\d\d, +[\d.]+k? images/s\]", shown), shown
    assert "100%|█".encode() in shown  # the bar itself


@pytest.fixture
def unread():
    """Yield a pipe to write to, whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


@pytest.mark.parametrize(
    ("command", "arguments", "made"),
    [
        (PHONE, ["--num-images=20", "--output-path=made.npz"], "made.npz"),
        (PHONE, ["--num-images=20", "--preview=made.png"], "made.png"),
        (SEQUENCE, ["--sequence=7"], "7.png"),
        (main, ["convert", "lines.npz", "made.h5"], "made.h5"),
        (main, ["preview", "lines.npz", "made.png"], "made.png"),
        (main, ["index", "set-00000-of-00001.h5"], "set.h5"),
        (main, ["digits", "build", "", "made.npz", "--no-clusters"], "made.npz"),
    ],
)
def test_a_file_is_made_also_if_nobody_reads_what_is_said_of_it(unread, capsys, command, arguments, made):
    np.savez("lines.npz", images=np.full((2, 28, 100), 255, np.uint8), labels=np.array(["1", "2"]))
    if "index" in arguments:
        run(PHONE, "--num-images=5", "--seed=1", "--shard=0/1", "--output-path=set.h5")

    with os.fdopen(os.dup(unread), "w") as stream, contextlib.redirect_stdout(stream):
        status = run(command, *arguments)

    assert (status, capsys.readouterr().err) == (0, "")
    assert os.path.getsize(made) > 0  # noqa: PTH202 - of a name


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("generate_phone_numbers", ["--num-images=20", "--output-path=made.npz"]),
        ("run_module", ["convert", "lines.npz", "made.npz"]),
    ],
)
def test_a_process_that_nobody_listens_to_makes_its_file_and_ends_well(unread, name, arguments):
    np.savez("lines.npz", images=np.full((2, 28, 100), 255, np.uint8), labels=np.array(["1", "2"]))

    done = start(name, arguments, stdout=unread)

    assert (done.returncode, done.stderr) == (0, "")
    assert os.path.getsize("made.npz") > 0  # noqa: PTH202 - of a name


@pytest.mark.parametrize(
    ("name", "arguments", "status"),
    [
        ("generate_phone_numbers", ["--help"], 0),
        ("run_module", ["--version"], 0),
        ("run_module", ["inspect", "lines.npz"], 1),
        pytest.param("run_module", ["digits", "list"], 1, marks=pytest.mark.slow),
    ],
)
def test_a_reader_that_has_seen_enough_is_not_told(unread, name, arguments, status):
    np.savez("lines.npz", images=np.full((2, 28, 100), 255, np.uint8), labels=np.array(["1", "2"]))

    done = start(name, arguments, stdout=unread)

    assert (done.returncode, done.stderr) == (status, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a file that is always full")  # noqa: PTH110
def test_a_full_standard_output_is_one_error(folder):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = start("generate_phone_numbers", [], stdout=full)

    assert done.returncode == 1
    assert done.stderr == ("generate-phone-numbers: error: cannot write to standard output: No space left on device\n")
    assert names_in(folder) == []


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell is needed")
def test_closed_standard_streams_do_no_harm(folder):
    command = shlex.join([sys.executable, "-c", ENTRY, "generate_phone_numbers", "--num-images=5", "--seed=1"])

    done = subprocess.run(f"{command} <&- >&- 2>&-", shell=True, timeout=PATIENCE_S, check=False)
    run(PHONE, "--num-images=5", "--seed=1", "--output-path=other.pickle")

    assert done.returncode == 0
    assert names_in(folder) == ["other.pickle", "phonenumbers-handwritten-dataset-5.pickle"]
    assert np.array_equal(load("other.pickle")[0], load("phonenumbers-handwritten-dataset-5.pickle")[0])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals are needed")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_images_are_written_as_they_are_leaves_nothing(folder, start_process, number, status):
    arguments = ["--num-images=2000000", "--output-path=set.h5", "--compression=none", "--quiet"]
    process = start_process([sys.executable, "-c", ENTRY, "generate_phone_numbers", *arguments])
    while not any(path.stat().st_blocks > 2000 for path in folder.iterdir()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(number)
    error = process.communicate(timeout=PATIENCE_S)[1]

    assert process.returncode == status
    assert error.strip().startswith("stopped")
    assert "Traceback" not in error
    assert names_in(folder) == []


@pytest.mark.parametrize("name", ["generate_numbers_sequence", "generate_phone_numbers"])
def test_an_entry_point_runs_its_command_and_ends_the_process(monkeypatch, name):
    seen = []
    monkeypatch.setattr(Interruption, "install", lambda _: seen.append("handlers"))
    monkeypatch.setattr(generate, name, lambda arguments, _: seen.append(arguments) or 5)
    monkeypatch.setattr(sys, "argv", ["command", "--option"])

    with pytest.raises(SystemExit) as ended:
        getattr(entry, name)()

    assert ended.value.code == 5
    assert seen == ["handlers", ["--option"]]


def test_closed_streams_are_replaced(monkeypatch):
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)

    entry._open_closed_streams()

    streams = [sys.stdin, sys.stdout, sys.stderr]
    print("nowhere")
    assert [stream.name for stream in streams] == [os.devnull] * 3
    for stream in streams:
        stream.close()
