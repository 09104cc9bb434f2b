"""`number-generator studio`."""

import os
import re
import signal
import socket
import sys
import urllib.request

import pytest
from patience import PATIENCE_S

from number_generator.commands.main import main
from number_generator.commands.work import studio as work
from number_generator.studio.serving import Server
from number_generator.system.signals import Interruption


def test_what_is_wrong_is_told_before_anything_is_served(folder, capsys):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    (folder / "bad.toml").write_text("slant = 7")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for arguments, status, text in (
            ([f"--port={port}"], 1, f"port {port} of 127.0.0.1 is in use: give another with --port, or leave it out"),
            (["--port=70000"], 2, "--port is 70000: give an integer, from 0 to 65535"),
            (["--style=documents"], 2, "did you mean 'document'?"),
            (["--style=bad.toml"], 2, "bad.toml: slant: the value is 7: give values from -1 to 1"),
            (["--scans=nowhere"], 2, "nowhere: there is no such file"),
            (["--digits=nowhere.npz"], 2, "nowhere.npz: there is no such file"),
        ):
            assert main(["studio", "--no-browser", *arguments], Interruption()) == status, arguments
            out, err = capsys.readouterr()
            assert text in err, arguments
            assert (out, err.count("\n")) == ("", 1), arguments


def test_without_its_packages_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    assert main(["studio"], Interruption()) == 1

    assert "the studio needs the package uvicorn, which is not installed: in the checkout, pip install '.[studio]'" in (
        capsys.readouterr().err
    )


def test_the_browser_is_opened_where_there_is_a_screen(monkeypatch, capsys):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    opened = []
    monkeypatch.setattr(work.webbrowser, "open", opened.append)
    monkeypatch.setattr(Server, "wait", lambda _: None)
    monkeypatch.setattr(work.Studio, "warm", lambda _: None)
    monkeypatch.setattr(work.sys, "platform", "linux")
    for display, arguments, expected in ((":0", [], 1), ("", [], 0), (":0", ["--no-browser"], 0)):
        monkeypatch.setenv("DISPLAY", display)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        opened.clear()
        assert main(["studio", *arguments], Interruption()) == 0
        shown = re.fullmatch(
            r"The studio is at (http://127\.0\.0\.1:\d+/[\w-]{43}/)\nCtrl-C ends it\.\n", capsys.readouterr().out
        )
        assert len(opened) == expected, (display, arguments)
        assert shown[1] not in opened


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_traceback(start_process, number):
    pytest.importorskip("starlette")
    pytest.importorskip("uvicorn")
    process = start_process([sys.executable, "-m", "number_generator", "studio", "--no-browser"])
    address = re.search(r"http\S+", process.stdout.readline())[0]
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        assert answer.status == 200

    assert process.stdout.readline() == "Ctrl-C ends it.\n"

    process.send_signal(number)

    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number
    assert err == "\nstopped; no unfinished file is left\n"
