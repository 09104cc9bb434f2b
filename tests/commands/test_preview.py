"""`python -m number_generator preview`, and what all its commands share."""

import argparse
import pkgutil

import numpy as np
import pytest
from PIL import Image
from running import run
from written import names_in

from number_generator import GenericDataset, Handwriting, preview
from number_generator.commands.generate import make_dataset_parser, make_image_parser
from number_generator.commands.main import main, make_command_parser


def test_the_command_draws_the_sheet_of_a_style(folder, capsys):
    status = run(main, "preview", "clean", "new/sheet.png", "--count=6", "--width=80", "--seed=9")

    sheet = preview("clean", count=6, width=80, seed=9)
    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert said.out == f'Contact sheet of {sheet.shape[1]} x {sheet.shape[0]} px drawn at "new/sheet.png"\n'
    with Image.open(folder / "new" / "sheet.png") as image:
        assert np.array_equal(np.asarray(image), sheet)


def test_the_command_draws_the_sheet_of_a_dataset(folder):
    images = np.arange(100, dtype=np.uint8)[:, None, None].repeat(8, axis=1).repeat(30, axis=2)
    GenericDataset(images, [str(number) for number in range(100)]).save("lines.h5")

    status = run(main, "preview", "lines.h5", "sheet.png")

    assert status == 0
    with Image.open("sheet.png") as image:
        assert np.array_equal(np.asarray(image), preview("lines.h5"))


def test_settings_change_the_style(folder):
    status = run(main, "preview", "natural", "sheet.png", "--count=4", "--set", "slant=0.4:0.5", "--set=crossbar=1")

    style = Handwriting.named("natural").replace(slant=(0.4, 0.5), crossbar=1)
    assert status == 0
    with Image.open("sheet.png") as image:
        assert np.array_equal(np.asarray(image), preview(style, count=4))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["preview"], 2, "required: SOURCE, SHEET.png"),
        (["preview", "clean"], 2, "required: SHEET.png"),
        (["preview", "clean", "sheet.png", "--cou=3"], 2, "unrecognized arguments"),
        (["preview", "clean", "sheet.png", "--count=x"], 2, "--count: invalid int value"),
        (["preview", "clean", "sheet.png", "--count=0"], 2, "--count is 0"),
        (["preview", "clean", "sheet.png", "--width=0"], 2, "--width is 0"),
        (["preview", "clean", "sheet.png", "--seed=-1"], 2, "--seed is -1"),
        (["preview", "clean", "sheet.png", "--set=slnt=1"], 2, "did you mean 'slant'"),
        (["preview", "clean", "data.h5"], 2, "SHEET.png is 'data.h5': give a file name that ends in .png"),
        (["preview", "data.h5", "sheet.png", "--set=slant=1"], 2, "leave --set out"),
        (["preview", "no.toml", "sheet.png"], 2, "the style no.toml cannot be read"),
        (["preview", "naturel", "sheet.png"], 2, "neither a style nor a file"),
        (["preview", ".", "sheet.png"], 1, "folder"),
        (["preview", "clean", "file/sheet.png"], 1, "file is a file"),
        (["no-such-command"], 2, "there is no command 'no-such-command'"),
        (["--", "preview"], 2, ""),
    ],
)
def test_what_goes_wrong_is_told_by_the_exit_status_and_one_line(folder, capsys, arguments, status, message):
    (folder / "file").touch()

    returned = run(main, *arguments)

    said = capsys.readouterr()
    name = "python -m number_generator preview" if arguments[0] == "preview" else "python -m number_generator"
    assert returned == status
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith(f"{name}: error: ")
    assert message in said.err.splitlines()[-1]
    assert names_in(folder) == ["file"]


def test_without_a_command_the_help_is_shown(capsys):
    status = run(main)

    said = capsys.readouterr()
    assert status == 2
    assert said.out == ""
    assert said.err.startswith("usage: python -m number_generator ")
    assert "preview" in said.err


@pytest.mark.parametrize("arguments", [["--help"], ["preview", "--help"], ["--version"]])
def test_help_and_version_are_answers(capsys, arguments):
    status = run(main, *arguments)

    said = capsys.readouterr()
    assert (status, said.err) == (0, "")
    assert said.out


def test_the_module_runs_as_a_process_that_answers_signals(run_python, tmp_path):
    path = tmp_path / "sheet.png"
    code = """
import runpy, signal
try:
    runpy.run_module("number_generator", run_name="__main__", alter_sys=True)
except SystemExit as exc:
    assert exc.code == 0, exc.code
assert signal.getsignal(signal.SIGTERM).__self__.temporaries[0].name.startswith(".sheet.png.")
"""

    said = run_python(code, "preview", "clean", path, "--count=3")

    assert said.startswith("Contact sheet of ")
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), preview("clean", count=3))


def test_a_wrong_argument_is_told_before_anything_heavy_is_loaded(run_python):
    code = """
import sys
from number_generator.commands.main import main
from number_generator.system.signals import Interruption
try:
    main(["preview", "clean"], Interruption())
except SystemExit as exc:
    assert exc.code == 2
assert not {"numpy", "numba", "PIL", "h5py"} & set(sys.modules)
"""

    run_python(code)


def find_work(parser):
    """Return what each command of a parser names as its work."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not nested:
        return [parser.get_default("work")]
    return [work for action in nested for command in action.choices.values() for work in find_work(command)]


@pytest.mark.parametrize("parser", [make_dataset_parser(), make_image_parser(), make_command_parser()[0]])
def test_every_command_names_a_function_that_carries_it_out(parser):
    for work in find_work(parser):
        assert callable(pkgutil.resolve_name(work)), work
