"""The border to the terminal: what is printed acts on nothing, and what cannot be done is told for its true reason."""

import argparse
import errno
import sys

import pytest

from number_generator.commands import main
from number_generator.commands.terminal import run_guarded, say
from number_generator.errors import DatasetError, OutputError, SpecError, make_printable
from number_generator.system.signals import Interruption

HOSTILE = "\33]0;owned\7\33[2J\r\nnumber_generator: all is well\x9b\u202e\udcff"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\r\nnumber_generator: all is well\x9b\u202e\udcff"


def work(error):
    """Return the parser of a command whose work raises an error."""

    def fail(*_):
        raise error

    sys.modules[__name__].fail = fail
    parser = argparse.ArgumentParser(prog="command")
    parser.set_defaults(work=f"{__name__}:fail")
    return parser


@pytest.mark.parametrize("kind", [DatasetError, OutputError, SpecError])
def test_the_message_of_an_error_is_one_printable_line(kind, capsys):
    error = kind(f"a.tar: it holds {HOSTILE}")

    run_guarded(work(error), [], Interruption())

    assert str(error) == f"a.tar: it holds {SHOWN}"
    hint = "; try --help" if kind is SpecError else ""
    assert capsys.readouterr().err == f"command: error: a.tar: it holds {SHOWN}{hint}\n"


def test_a_message_of_any_length_is_cut():
    assert len(str(DatasetError("x" * 10**6))) < 11_000
    assert make_printable("é \\ 'x'") == "é \\ 'x'"


def test_what_is_said_keeps_its_lines_and_nothing_else_that_acts_on_a_terminal(capsys):
    say("first\nsecond \33[31m\ttab")

    assert capsys.readouterr().out == "first\nsecond \\x1b[31m\\ttab\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(36, "File name too long", "long\33.h5"), r"long\x1b.h5: File name too long"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("HDF5 cannot \33 open it"), r"HDF5 cannot \x1b open it"),
    ],
    ids=["named", "of the system", "of a library"],
)
def test_an_error_of_the_system_is_not_taken_for_one_of_standard_output(capsys, error, message):
    status = run_guarded(work(error), [], Interruption())

    assert status == 1
    assert capsys.readouterr().err == f"command: error: {message}\n"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("h5f.so: failed to map segment from shared object"),
    ],
    ids=["of Python", "of the system", "of the linker"],
)
def test_a_lack_of_memory_is_told_as_such_even_where_a_library_hides_it(capsys, error):
    hidden = OSError("Could not find/load shared object file 'libllvmlite.so'")
    hidden.__context__ = error

    statuses = [run_guarded(work(each), [], Interruption()) for each in (error, hidden)]

    assert statuses == [1, 1]
    assert capsys.readouterr().err == "command: error: out of memory: give fewer --workers or a smaller job\n" * 2


@pytest.mark.parametrize("kind", ["gt.txt", "labels.csv", "metadata.jsonl"])
def test_names_and_lines_of_a_file_cannot_act_on_the_terminal(tmp_path, capsys, kind):
    text = {"gt.txt": "a\33[2J.png\t1", "labels.csv": "filename,words\na\33[2J.png,1", "metadata.jsonl": "\33[2J"}[kind]
    (tmp_path / kind).write_text(f"{text}\n")

    status = main.main(["inspect", str(tmp_path)], Interruption())

    said = capsys.readouterr()
    assert status == 1
    assert "\33" not in said.out + said.err
    assert r"\x1b[2J" in said.err
