"""Signals, without the end of this process."""

import os
import signal

import pytest
from written import names_in

from number_generator.system.signals import Interruption

SIGNALS = [signal.SIGINT, signal.SIGTERM, *filter(None, [getattr(signal, "SIGHUP", None)])]


class _EndedError(Exception):
    pass


@pytest.fixture
def interruption(monkeypatch):
    """An Interruption with its handlers installed, that raises `_EndedError(status)` where it would end the process."""

    def end(status):
        raise _EndedError(status)

    monkeypatch.setattr(os, "_exit", end)
    numbers = SIGNALS
    earlier = [signal.getsignal(number) for number in numbers]
    made = Interruption()
    made.install()
    yield made
    for number, handler in zip(numbers, earlier, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_takes_the_unfinished_file_away_and_ends_the_process(interruption, tmp_path, capfd, number):
    interruption.temporaries = [tmp_path / "unfinished", tmp_path / "another"]
    for temporary in interruption.temporaries:
        temporary.touch()

    with pytest.raises(_EndedError, match=str(128 + number)):
        signal.raise_signal(number)

    assert names_in(tmp_path) == []
    assert capfd.readouterr().err.strip().startswith("stopped")


@pytest.mark.parametrize("name", [None, "moved"], ids=["no file yet", "moved into place already"])
def test_a_signal_ends_the_process_where_there_is_nothing_to_take_away(interruption, tmp_path, name):
    interruption.temporaries = [tmp_path / name] if name else []

    with pytest.raises(_EndedError, match="143"):
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_waits_while_a_file_is_made(interruption, tmp_path):
    with pytest.raises(_EndedError, match="130"), interruption:
        signal.raise_signal(signal.SIGINT)
        interruption.temporaries.append(tmp_path / "unfinished")
        interruption.temporaries[0].touch()

    assert names_in(tmp_path) == []


def test_nothing_happens_after_a_file_is_made_without_a_signal(interruption, tmp_path):
    with interruption:
        interruption.temporaries.append(tmp_path / "file")
        interruption.temporaries[0].touch()

    assert names_in(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
def test_a_hangup_stays_ignored_under_nohup(interruption, tmp_path):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    interruption.install()
    signal.raise_signal(signal.SIGHUP)

    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_file_whose_folder_has_gone_is_not_said_to_be_removed(interruption, tmp_path, capfd):
    interruption.temporaries = [tmp_path / "gone" / "unfinished"]

    with pytest.raises(_EndedError):
        signal.raise_signal(signal.SIGTERM)

    assert capfd.readouterr().err == (
        "\nstopped; an unfinished file may be left: the next run to the same place removes it\n"
    )


def test_what_lies_in_a_temporary_folder_goes_with_it(interruption, tmp_path, capfd):
    folder = tmp_path / ".set.h5.0123abcd.partial"
    folder.mkdir()
    interruption.temporaries = [folder, folder / "unfinished"]
    interruption.temporaries[1].touch()

    with pytest.raises(_EndedError):
        signal.raise_signal(signal.SIGTERM)

    assert names_in(tmp_path) == []
    assert capfd.readouterr().err == "\nstopped; no unfinished file is left\n"
