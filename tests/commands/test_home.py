"""`~` in every option and argument that is a path, and in the environment."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from running import run_phone

from number_generator import (
    DigitImageDataset,
    GenericDataset,
    Handwriting,
    convert,
    generate_batch,
    preview,
)
from number_generator.commands.generate import generate_numbers_sequence, make_dataset_parser, make_image_parser
from number_generator.commands.main import main, make_command_parser
from number_generator.commands.recorded import parsed_command
from number_generator.digits.image_folder import list_folder_files, load_folder
from number_generator.digits.resolve import default_digits, load_digits, name_digits, set_default_dataset_filepath
from number_generator.formats.joining import index_shards
from number_generator.numbers.lists import ListedNumbers
from number_generator.system.signals import Interruption


@pytest.fixture
def home(tmp_path, monkeypatch, make_digit_dataset):
    """The home folder, with digits, another current one, and a check that nothing is written into the latter."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    monkeypatch.setenv("USERPROFILE", str(path))
    make_digit_dataset(12).save(path / "digits.h5")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    yield path
    assert list(elsewhere.iterdir()) == []


def run(*arguments):
    return run_phone("--num-images=4", "--seed=1", "--image-width=40", "--workers=1", *arguments)


@pytest.mark.parametrize("name", ["~/x.h5", "~/sub/x.pickle", "~/", "~"])
def test_the_dataset_goes_into_the_home_folder(home, name):
    assert run(f"--output-path={name}") == 0

    made = [path for path in home.rglob("*") if path.is_file() and path.name != "digits.h5"]
    assert len(made) == 1


def test_a_folder_of_images_goes_there_as_well(home):
    assert run("--format=png", "--output-path=~/lines") == 0

    assert (home / "lines" / "gt.txt").is_file()


def test_digits_style_and_numbers_are_found_there(home):
    (home / "mine.toml").write_text('base = "natural"\n', encoding="utf-8")
    (home / "numbers.txt").write_text("12\n345\n", encoding="utf-8")

    status = run("--digits=~/digits.h5", "--style=~/mine.toml", "--sequences=~/numbers.txt", "--output-path=~/x.h5")

    assert status == 0
    made = GenericDataset()
    made.load("~/x.h5")
    assert f"--digits={home}/digits.h5" in made.get_metadata()["command"]
    assert [label for _, label in made] == ["12", "345", "12", "345"]


def test_every_source_of_a_mixture_is_found_there(home):
    shutil.copy(home / "digits.h5", home / "others.h5")
    text = "~/digits.h5=0.5,~/others.h5=0.5"

    assert run(f"--digits={text}", "--output-path=~/x.h5") == 0

    assert name_digits(text) == f"{home}/digits.h5=0.5,{home}/others.h5=0.5"
    assert len(load_digits({"~/digits.h5": 1, Path("~/others.h5"): 1})) == 2 * len(load_digits("~/digits.h5"))


def test_the_environment_names_digits_there(home, monkeypatch):
    monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", "~/digits.h5")

    assert default_digits().get_example_shape() == (12, 12)
    assert run("--output-path=~/x.h5") == 0


def test_previews_and_reports_go_there(home):
    assert run("--preview=~/sheet.png") == 0
    assert generate_numbers_sequence(["--sequence=12", "--output-path=~/"], Interruption()) == 0
    assert generate_numbers_sequence(["--sequence=12", "--output-path=~/a.png"], Interruption()) == 0
    for arguments in (
        ["preview", "~/digits.h5", "~/digits.png"],
        ["inspect", "~/digits.h5", "--html=~/report.html"],
        ["convert", "~/digits.h5", "~/digits.npz"],
        ["digits", "build", "~/digits.h5", "~/built.npz", "--no-clusters"],
    ):
        assert main(arguments, Interruption()) == 0

    names = {"sheet.png", "12.png", "a.png", "digits.png", "report.html", "digits.npz", "built.npz", "digits.h5"}
    assert {path.name for path in home.iterdir()} == names


def test_shards_and_their_index_are_found_there(home):
    assert run("--shards=2", "--output-path=~/set.h5") == 0

    shards = [f"~/set-0000{number}-of-00002.h5" for number in range(2)]
    assert index_shards(shards, "~/set.h5", overwrite=True) == (2, 4)
    assert main(["index", *shards, "--overwrite"], Interruption()) == 0


@pytest.mark.parametrize("kind", [str, Path])
def test_arguments_in_python_may_lie_there(home, kind):
    dataset = GenericDataset(np.full((2, 28, 30), 255, np.uint8), ["1", "2"])
    dataset.save(kind("~/lines.h5"))
    dataset.load(kind("~/lines.h5"))
    convert(kind("~/lines.h5"), kind("~/lines"), file_format="png")
    (home / "mine.toml").write_text('base = "natural"\n', encoding="utf-8")
    (home / "numbers.txt").write_text("12\n345\n", encoding="utf-8")

    preview(kind("~/mine.toml"), kind("~/sheet.png"), count=1)
    preview(kind("~/lines.h5"), count=1)

    assert Handwriting.from_file(kind("~/mine.toml")) == Handwriting.named("natural")
    assert len(ListedNumbers.from_file(kind("~/numbers.txt")).packed) == 2
    assert (
        generate_batch(["12"], None, 60, style=kind("~/mine.toml"), digits=kind("~/digits.h5"), seed=1).shape[1] == 12
    )
    assert (home / "lines" / "gt.txt").is_file()
    assert (home / "sheet.png").is_file()


@pytest.mark.parametrize("kind", [str, Path])
def test_class_folders_may_lie_there(home, kind):
    for digit in range(10):
        (home / "mine" / str(digit)).mkdir(parents=True)
    images = load_digits("~/digits.h5")
    for digit in range(10):
        preview(GenericDataset(images.get_digit_examples(digit)[:1], ["1"]), home / "mine" / str(digit) / "a.png")
    digits = DigitImageDataset()

    digits.load(kind("~/mine"))

    assert len(digits) == len(load_folder(kind("~/mine")).images) == len(list(list_folder_files(kind("~/mine")))) == 10


def test_the_default_of_a_process_may_lie_there(home, monkeypatch):
    monkeypatch.setattr("number_generator.digits.resolve._default_path", None)

    set_default_dataset_filepath("~/digits.h5")

    assert default_digits().get_example_shape() == (12, 12)


def list_actions(parser):
    for action in parser._actions:
        choices = action.choices if isinstance(action.choices, dict) else {}
        yield from (each for child in choices.values() for each in list_actions(child))
        yield action


@pytest.mark.parametrize("make", [make_dataset_parser, make_image_parser, lambda: make_command_parser()[0]])
def test_every_option_that_is_a_path_expands_it(home, make):
    """What an option takes is told by its metavar."""
    signs = ("FILE", "DIR", "SHEET", "SRC", "DST", "SHARD", "SOURCE", "REPORT")
    paths = [action for action in list_actions(make()) if any(sign in str(action.metavar) for sign in signs)]

    assert paths
    for action in paths:
        assert action.type is not None, action
        assert action.type("~/a") == f"{home}/a"


def test_a_command_as_text_expands_it_too(home):
    assert parsed_command("--output-path=~/x.h5 --digits=~/digits.h5").output_path == f"{home}/x.h5"
