"""`python -m number_generator inspect`."""

import io
import json
import pickle
import re
import shlex
import sys

import numpy as np
import pytest
import running
from small_dataset import COUNT, FORMATS, write

from number_generator import GenericDataset
from number_generator.commands.generate import generate_phone_numbers
from number_generator.commands.inspection.text import format_verification
from number_generator.commands.inspection.verification import Difference, Verification
from number_generator.commands.main import main
from number_generator.errors import make_printable
from number_generator.formats.reader import open_reader
from number_generator.system.checks import format_bytes
from number_generator.system.signals import Interruption


def run(*arguments):
    return running.run(main, "inspect", *arguments)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "lines.h5"
    arguments = ["--num-images=60", "--seed=3", "--workers=1", "--quiet", f"--output-path={path}"]
    assert generate_phone_numbers(arguments, Interruption()) == 0
    return path


@pytest.fixture
def tampered(made, tmp_path):
    """The same with one pixel changed."""
    with open_reader(made) as reader:
        images, labels, metadata = reader.images(0, 60), reader.labels(0, 60), reader.metadata
    images[7, 3, 4] ^= 1
    path = tmp_path / "tampered.npz"
    GenericDataset(images, labels, metadata).save(path)
    return path


def test_what_was_found_is_told(made, capsys):
    assert run(made) == 0

    out = capsys.readouterr().out
    for line in (
        str(made),
        r"  format      HDF5, 60 images of 100 x 28 px, [\d.]+ kB \([\d,]+ bytes each\)",
        r"  made by     number_generator [\d.]+, \d{4}-\d\d-\d\d \d\d:\d\d UTC$",
        "  style       clean, seed 3",
        "  digits      packaged, SHA-256 [0-9a-f]{16}...",
        r"  command     generate-phone-numbers --num-images=60 --min-spacing=5 \\",
        r"Labels \(all\)",
        "  different   60 of 60",
        "  length      10 to 11 characters, mean 10.[0-9]",
        r"Pages \(all\)",
        "  paper       grey 255; noise 0",
        "  ink         dark on light",
        "  blank       0",
    ):
        assert re.search(f"^{line}", out, re.M), line
    assert max(len(line) for line in out.splitlines()[1:]) <= 80
    assert "Warnings" not in out


def test_only_verifying_loads_what_makes_images(made, run_python):
    code = """
import sys
from number_generator.commands.main import main
from number_generator.system.signals import Interruption
for arguments in [], ["--html=report.html"], ["--json"]:
    assert main(["inspect", sys.argv[1], *arguments], Interruption()) == 0
    assert not {"numba", "number_generator.commands.runs.plan"} & set(sys.modules), arguments
"""

    run_python(code, str(made))


def test_the_command_that_is_told_can_be_copied(made, capsys):
    run(made)

    told = capsys.readouterr().out.split("  command ")[1].split("\n\n")[0].replace("\\\n", " ")
    with open_reader(made) as reader:
        assert shlex.split(told) == shlex.split(reader.metadata["command"])


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_can_be_inspected(tmp_path, file_format, capsys):
    assert run(write(tmp_path / "lines", file_format)) == 0

    out = capsys.readouterr().out
    assert f"{COUNT} images of 6 x 5 px" in out
    assert "boxes (3, 4)" in out


def test_what_others_made_tells_no_command(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 5, 6), np.uint8), labels=[1, 2])

    assert run(tmp_path / "a.npz") == 0

    out = capsys.readouterr().out
    assert "command     none of number_generator is recorded" in out
    assert "made by" not in out
    assert "Warnings\n  - 100.0 % of the pages have a label but no ink that stands out from the paper" in out


def test_a_dataset_without_images_can_be_inspected(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", images=np.zeros((0, 5, 6), np.uint8), labels=np.zeros(0, np.int64))

    assert run(tmp_path / "a.npz") == 0

    assert "  - the dataset holds no image" in capsys.readouterr().out


def test_json_tells_the_same(made, capsys):
    assert run(made, "--json", "--verify", "5") == 0

    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert captured.err == ""
    assert (told["file_format"], told["count"], told["width"]) == ("hdf5", 60, 100)
    assert told["origin"]["seed"] == 3
    assert told["labels"]["first_digits"] == {"0": 60}
    assert told["pages"]["paper"]["mean"] == 255
    assert told["warnings"] == []
    assert told["verification"]["is_verified"] is True
    assert told["verification"]["compared"] == 5


@pytest.mark.parametrize(("encoding", "bar"), [("utf-8", "\N{FULL BLOCK}"), ("ascii", "#"), ("latin-1", "#")])
def test_bars_are_of_what_the_terminal_has(made, monkeypatch, encoding, bar):
    written = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr(sys, "stdout", written)

    assert run(made) == 0

    written.flush()
    assert f"    10 {bar * 20}" in written.buffer.getvalue().decode(encoding)


def test_what_could_steer_a_terminal_is_made_harmless(tmp_path, capsys):
    labels = ["red", "\u202eright", "7"]
    metadata = {"command": "\x1b]0;title\x07", "package_version": "\x1b[2J" + "9" * 1000}
    content = {"images": np.zeros((3, 5, 6), np.uint8), "labels": labels, "metadata": metadata}
    (tmp_path / "a.npz").write_bytes(pickle.dumps(content))

    assert run(tmp_path / "a.npz", "--html", tmp_path / "a.html") == 0

    for text in (capsys.readouterr().out, (tmp_path / "a.html").read_text(encoding="utf-8")):
        assert not set(text) & {"\x1b", "\x07", "\u202e", "\t"}
        assert "9" * 300 not in text
        assert "\\x1b" in text


def test_a_sample_is_told(made, capsys):
    assert run(made, "--sample", 10) == 0

    out = capsys.readouterr().out
    assert "Pages (10 of 60, spread evenly)" in out
    assert "Labels (all)" in out


def test_a_page_is_written(made, tmp_path, capsys):
    page = tmp_path / "new" / "report.html"

    assert run(made, "--html", page) == 0

    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert capsys.readouterr().out.endswith(f'\nPage written to "{page}"\n')


def test_a_verified_dataset_is_told(made, capsys):
    assert run(made, "--verify") == 0

    captured = capsys.readouterr()
    assert captured.out.endswith("Verified: 60 images, made again, are identical to the byte (labels too)\n")
    assert captured.err == ""


def test_a_dataset_that_was_changed_is_refused(tampered, capsys):
    assert run(tampered, "--verify") == 1

    captured = capsys.readouterr()
    assert captured.out.endswith("Different: 1 of 60 images made again\n  image 7: image\n")
    assert "1 of 60 images differ from those that its recorded command makes" in captured.err


def test_a_changed_image_that_is_not_in_the_sample_is_not_found(tampered):
    assert run(tampered, "--verify=2") == 0


def test_what_cannot_be_verified_is_refused(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 5, 6), np.uint8), labels=[1, 2])

    assert run(tmp_path / "a.npz", "--verify", "--html", tmp_path / "a.html") == 1

    captured = capsys.readouterr()
    assert "Not verified: it records no command of generate-phone-numbers\n" in captured.out
    assert captured.err.endswith("a.npz could not be verified\n")
    assert "Not verified" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_files_that_verifying_reads_are_told_before(tmp_path, capsys):
    metadata = {"command": "generate-phone-numbers --seed=1 --digits=/nowhere/digits.npz --sequences=/nowhere/a.txt"}
    GenericDataset(np.zeros((1, 28, 28), np.uint8), ["1"], metadata).save(tmp_path / "a.npz")

    assert run(tmp_path / "a.npz", "--verify") == 1

    said = capsys.readouterr().err.splitlines()
    assert said[0] == "--verify reads what the recorded command names: --digits=/nowhere/digits.npz"
    assert said[1] == "--verify reads what the recorded command names: --sequences=/nowhere/a.txt"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lines.h5", "--html", "report.h5"], "--html is 'report.h5': give a file name that ends in .html"),
        (["lines.h5", "--html", "a\0.html"], "give a file name that ends in .html"),
        (["lines.h5", "--sample", "0"], "--sample is 0"),
        (["lines.h5", "--verify", "0"], "--verify is 0"),
        (["--verify", "lines.h5"], "'lines.h5' is not a number: give FILE before --verify"),
        ([], "FILE"),
    ],
)
def test_wrong_arguments_are_told(arguments, words, capsys):
    assert run(*arguments) == 2

    assert words in capsys.readouterr().err


def test_a_file_that_is_none_is_told(tmp_path, capsys):
    (tmp_path / "a.h5").write_bytes(b"nothing")

    assert run(tmp_path / "a.h5") == 1
    assert run(tmp_path / "b.h5") == 2

    said = capsys.readouterr().err
    assert "belong to no known format" in said
    assert "there is no such file" in said


def test_the_dataset_stays_as_it_is(made, tmp_path):
    before = made.read_bytes(), made.stat().st_mtime_ns

    run(made, "--verify", "--html", tmp_path / "a.html")

    assert (made.read_bytes(), made.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (5 * 10**9, "5.0 GB"),
        (10**15, "1,000.0 TB"),
    ],
)
def test_sizes_are_told_in_units(count, text):
    assert format_bytes(count) == text


def test_a_long_text_is_shortened():
    assert make_printable("x" * 500) == "x" * 200 + "..."


def test_parts_and_shards_and_odd_commands_are_told(tmp_path, capsys):
    metadata = {
        "split": "val",
        "splits": "train=0.9,val=0.1",
        "shard": "1/4",
        "shards": 4,
        "command": "rm -rf /",
    }
    GenericDataset(np.full((3, 28, 28), 255, np.uint8), ["", "", "7"], metadata).save(tmp_path / "a.npz")

    assert run(tmp_path / "a.npz") == 0

    out = capsys.readouterr().out
    assert "  part        val of train=0.9,val=0.1, shard 1/4, index of 4 shards\n" in out
    assert "  command     none of number_generator is recorded\n" in out
    assert "rm -rf" not in out
    assert "  empty       2 (66.7 %)\n" in out
    assert "  blank       3, 1 of them with a label\n" in out


def test_only_the_first_differences_are_listed():
    different = tuple(Difference(number, ("image",)) for number in range(13))

    told = list(format_verification(Verification(60, (), different)))

    assert told[1] == "  image 0: image"
    assert told[-1] == "  and 3 more"
    assert len(told) == 12


def test_looks_are_told_where_they_are_asked_for(made, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert run(made, "--json") == 0
    assert json.loads(capsys.readouterr().out)["looks"] == {}

    assert run(made, "--looks", f"--html={page}") == 0

    said = capsys.readouterr().out
    assert "Looks (60 pages, at a height of 28 px): least, median, most" in said
    assert re.search(r"Brightness of the paper +1 +1 +1\n", said)
    assert "<h3>Slant</h3>" in page.read_text(encoding="utf-8")
