"""What one expects of commands: examples in the help, guesses at slips, all commands under one name."""

import pytest
from running import PHONE, SEQUENCE, read_usage_error, run, run_phone

from number_generator.commands.generate import make_dataset_parser, make_image_parser
from number_generator.commands.main import main, make_command_parser
from number_generator.job.handwriting import parameters


def list_parsers():
    parsers = {"generate-phone-numbers": make_dataset_parser(), "generate-numbers-sequence": make_image_parser()}
    _, commands = make_command_parser("number-generator")
    return parsers | {f"number-generator {name}": parser for name, parser in commands.choices.items()}


@pytest.mark.parametrize("name", list_parsers())
def test_the_help_begins_with_examples_that_the_parser_takes(name):
    parser = list_parsers()[name]
    text = parser.format_help()
    assert text.startswith(f"usage: {name} ")
    assert text.index("examples:") < text.index("--help")
    assert len(parser.examples) == 3
    for example in parser.examples:
        assert example.startswith(f"{name} ") or example == name
        parser.parse_args(example.removeprefix(name).split())


def test_slips_are_guessed_at(folder, capsys):
    for command, arguments, guess in (
        (PHONE, ["--num-image=3"], "did you mean '--num-images'?"),
        (PHONE, ["--style=documents"], "did you mean 'document'?"),
        (PHONE, ["--set=slent=0"], "did you mean 'slant'?"),
        (SEQUENCE, ["--sequence=1", "--sed=1"], "did you mean '--seed'?"),
    ):
        assert guess in read_usage_error(folder, capsys, command, arguments)
    assert run(main, "inspekt", "a.h5") == 2
    assert capsys.readouterr().err == (
        "python -m number_generator: error: there is no command 'inspekt': did you mean 'inspect'?; try --help\n"
    )


def test_the_one_command_makes_datasets_and_images(folder, capsys):
    assert run(main, "generate", "--num-images=3", "--seed=1", "--quiet", "--output-path=a.npz") == 0
    assert run_phone("--num-images=3", "--seed=1", "--quiet", "--output-path=b.npz") == 0
    assert run(main, "image", "--sequence=12", "--seed=1", "--output-path=a.png") == 0
    assert run(SEQUENCE, "--sequence=12", "--seed=1", "--output-path=b.png") == 0
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()
    assert 'generated successfully at "a.npz"' in capsys.readouterr().out


def test_all_parameters_are_listed_with_their_values_in_the_style(folder, capsys):
    assert run_phone("--list-parameters", "--style=document", "--set=slant=0.3") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [each.name for each in parameters()]
    slant = next(line for line in lines if line.startswith("slant "))
    assert slant.split()[1:3] == ["0.3", "-1:1"]
