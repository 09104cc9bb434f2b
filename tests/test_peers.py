"""The script that compares with other packages: with peers that need no network and no package."""

import sys

import numpy as np
import pytest
from peers import run

QUICK = """
from worker import serve
import numpy as np

def prepare(path):
    def draw(numbers, seed):
        return [np.eye(28, 128, dtype=np.uint8) * 255] * len(numbers)
    return draw

serve(("numpy",), prepare)
"""
BLANK = QUICK.replace("np.eye(28, 128, dtype", "np.zeros((28, 128), dtype")
BROKEN = "raise SystemExit('no such look')"


@pytest.fixture
def make_peer(tmp_path, monkeypatch):
    """Return a maker of peers from a script's text."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "worker.py").write_text((run._HERE / "worker.py").read_text())
    monkeypatch.setattr(run, "_HERE", folder)

    def make(name, text, requirements=()):
        (folder / f"{name}.py").write_text(text)
        return run.Peer(name, name, requirements, 5, "a line", "clean", (name, "", "", "", ""))

    return make


def test_peers_take_turns_and_those_that_cannot_be_had_are_skipped_with_the_reason(make_peer, tmp_path, monkeypatch):
    def build(peer, _folder):
        if peer.requirements:
            raise run.PeerError("ERROR: no matching distribution")
        return run.Path(sys.executable)

    monkeypatch.setattr(run, "build_environment", build)
    peers = [
        make_peer("quick", QUICK),
        make_peer("blank", BLANK),
        make_peer("broken", BROKEN),
        make_peer("missing", QUICK, ("no-such-package",)),
    ]

    results = run.measure(peers, tmp_path / "kept", rounds=2)

    assert [result.reason for result in results] == [
        "",
        "AssertionError",
        "no such look",
        "ERROR: no matching distribution",
    ]
    assert len(results[0].seconds) == 2
    assert results[0].versions == {"numpy": np.__version__}
    page = run.write_page(results)
    assert "| missing | skipped: ERROR: no matching distribution |" in page
    assert f"- quick: numpy {np.__version__}" in page
    assert run.write_picture(results, tmp_path / "kept").size == (8 * 130, 30)


def test_an_environment_is_built_once_and_a_failure_of_pip_is_told(tmp_path, make_peer, monkeypatch):
    commands = []

    def install(command, **_):
        commands.append(command[-1])
        failed = command[-1] == "b"
        return run.subprocess.CompletedProcess(command, int(failed), "", "WARNING: x\nERROR: no b" if failed else "")

    monkeypatch.setattr(run.venv, "create", lambda place, **_: place.mkdir(parents=True))
    monkeypatch.setattr(run.subprocess, "run", install)

    for _ in range(2):
        python = run.build_environment(make_peer("one", QUICK, ("a",)), tmp_path)
    assert python.is_relative_to(tmp_path / "one")
    with pytest.raises(run.PeerError, match="ERROR: no b"):
        run.build_environment(make_peer("two", QUICK, ("b",)), tmp_path)
    assert commands == ["a", "b"]


def test_the_page_that_is_kept_names_every_peer(monkeypatch):
    page = (run._ROOT / "docs" / "peers.md").read_text(encoding="utf-8")

    for peer in (*run.OURS, *run.PEERS):
        assert f"| {peer.name} |" in page, peer.name
