"""A job in a file is the job of the same options, on the command line or recorded in a dataset."""

import pytest
from running import PHONE, load, read_usage_error, run, run_phone

from number_generator.commands.config import expand_config, format_config
from number_generator.commands.generate import make_dataset_parser
from number_generator.commands.main import main

OPTIONS = make_dataset_parser()._option_string_actions


def expand(text, tmp_path, *words):
    """Return the words that a file stands for, before those of the command line."""
    (tmp_path / "job.toml").write_text(text, encoding="utf-8")
    words = [f"--config={tmp_path / 'job.toml'}", *words]
    return expand_config(words, OPTIONS)[: -len(words)]


def test_each_kind_of_value_becomes_the_words_of_an_option(tmp_path):
    text = """
        num-images = 10
        image_width = 90
        style = "document"
        pattern = '\\d{3}'
        truth = ["boxes", "glyphs"]
        overwrite = true
        quiet = false
        split = {train = 0.8, val = 0.2}
        [set]
        slant = [-0.1, 0.2]
        crossbar = 1
        writer = "cluster"
    """
    assert expand(text, tmp_path) == [
        "--num-images=10", "--image-width=90", "--style=document", "--pattern=\\d{3}", "--truth=boxes,glyphs",
        "--overwrite", "--split=train=0.8,val=0.2", "--set=slant=-0.1:0.2", "--set=crossbar=1", "--set=writer=cluster",
    ]  # fmt: skip
    assert expand('set = ["slant=0", "links=1"]', tmp_path) == ["--set=slant=0", "--set=links=1"]


def test_the_command_line_replaces_what_the_file_says(folder):
    (folder / "job.toml").write_text('num-images = 9\nseed = 4\nformat = "npz"\n', encoding="utf-8")
    assert run_phone("--config", "job.toml", "--num-images", "3", "--quiet") == 0
    images, _, metadata = load("phonenumbers-handwritten-dataset-3.npz")
    assert (len(images), metadata["seed"]) == (3, 4)
    assert "config" not in metadata["command"]


def test_options_are_written_and_read_back(folder, capsys):
    words = ["--num-images=5", "--style=natural", "--set=slant=0:0.1", "--set=slant=0.2", "--pattern=[1-9]\\d\"'é€\t",
             "--truth=boxes", "--seed=0", "--output-path=a b.h5", "--overwrite"]  # fmt: skip
    parser = make_dataset_parser()
    options = parser.parse_args(words)
    (folder / "job.toml").write_text(format_config(options, parser), encoding="utf-8")
    again = parser.parse_args(["--config=job.toml"])
    assert again.settings == ["slant=0.2"]
    again.settings, again.config = options.settings, None
    assert vars(again) == vars(options)
    assert run_phone("--num-images=7", "--write-config=other.toml") == 0
    assert capsys.readouterr().out == 'Options written to "other.toml": give it to --config\n'
    assert (folder / "other.toml").read_text() == "num-images = 7\n"


def test_the_recorded_job_of_a_dataset_is_written_as_a_file_that_makes_it_again(folder, capsys):
    assert run_phone("--num-images=20", "--seed=3", "--quiet", "--output-path=a.npz") == 0
    assert run(main, "inspect", "a.npz", "--write-config=job.toml") == 0
    assert run_phone("--config=job.toml", "--quiet", "--output-path=b.npz") == 0
    assert (load("a.npz")[0] == load("b.npz")[0]).all()
    assert 'Options written to "job.toml"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("num_imges = 1", "holds 'num_imges', which is no option: did you mean 'num-images'?"),
        ('config = "other.toml"', "holds 'config', which is no option"),
        ("overwrite = 1", "overwrite is 1: give true or false"),
        ("seed = true", "seed holds True: give texts and numbers"),
        ("seed = [1, {}]", "seed holds {}: give texts and numbers"),
        ('seed = "x"', "argument --seed: invalid int value"),
        ("seed = ", "is not a TOML file"),
        (None, "cannot be read"),
    ],
)
def test_what_no_option_takes_is_told_with_the_file(folder, capsys, text, message):
    if text is not None:
        (folder / "job.toml").write_text(text, encoding="utf-8")
    assert message in read_usage_error(folder, capsys, PHONE, ["--config=job.toml"])


def test_options_go_to_no_file_that_is_not_toml(folder, capsys):
    assert "ends in .toml" in read_usage_error(folder, capsys, PHONE, ["--write-config=phones.h5"])
