"""A sample of a dataset's images made again, from the command that it records."""

import doctest
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from small_dataset import FORMATS, need

from number_generator.commands.generate import generate_phone_numbers
from number_generator.commands.inspection import verification
from number_generator.commands.inspection.verification import Difference, list_files_to_read, verify
from number_generator.formats.arrays import RawDataset
from number_generator.formats.conversion import convert, write_dataset
from number_generator.formats.memory_reader import MemoryReader
from number_generator.formats.reader import open_reader
from number_generator.job.provenance import read_recorded_job
from number_generator.system.signals import Interruption


def make(*arguments):
    assert generate_phone_numbers([*map(str, arguments), "--workers=1", "--quiet"], Interruption()) == 0


def in_memory(path):
    """Read a dataset so that it can be changed."""
    with open_reader(path) as reader:
        count = len(reader)
        truth = {name: reader.truth(name, 0, count) for name in reader.truth_names}
        return RawDataset(
            reader.images(0, count), reader.labels(0, count), dict(reader.metadata), truth=truth, fields=reader.fields
        )


def verified(raw, count=256):
    return verify(MemoryReader(raw, raw.labels, Path("memory.h5")), count)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An HDF5 file of 40 images with ground truth."""
    path = tmp_path_factory.mktemp("made") / "lines.h5"
    make("--num-images=40", "--seed=3", "--truth=boxes,glyphs,parameters", "--output-path", path)
    return path


@pytest.fixture
def raw(made):
    return in_memory(made)


def test_the_example_runs():
    assert doctest.testmod(verification).failed == 0


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_was_made_is_verified_in_every_format(made, tmp_path, file_format):
    need(file_format)
    labels = ("jsonl",) if file_format == "png" else ()
    convert(made, tmp_path / "lines", file_format=file_format, labels=labels, workers=1)

    with open_reader(tmp_path / "lines", mapped=True) as reader:
        found = verify(reader, 20)

    assert found.is_verified
    assert (found.compared, found.different, found.notes, found.reason) == (20, (), (), None)
    assert set(found.truth) == {"boxes", "glyphs", "writers", "parameters", "glyph_parameters"}


def test_styled_lines_of_listed_numbers_are_verified(tmp_path):
    (tmp_path / "numbers.txt").write_text("12\n3,456\n")
    make(
        "--sequences", tmp_path / "numbers.txt", "--num-images=9", "--seed=1", "--style=natural", "--set=slant=0.3",
        "--image-width=60", "--label=digits", "--output-path", tmp_path / "a.pickle",
    )  # fmt: skip

    with open_reader(tmp_path / "a.pickle") as reader:
        assert verify(reader).is_verified
        assert list_files_to_read(reader.metadata) == [f"--sequences={tmp_path / 'numbers.txt'}"]


def test_every_part_of_a_split_is_verified(tmp_path):
    make("--num-images=20", "--seed=1", "--split=train=0.8,test=0.2", "--output-path", tmp_path / "a.h5")

    for name, count in (("train", 16), ("test", 4)):
        with open_reader(tmp_path / f"a-{name}.h5") as reader:
            found = verify(reader)
        assert found.is_verified, found
        assert found.compared == count


def test_a_shard_and_its_index_are_verified(tmp_path):
    make("--num-images=11", "--seed=1", "--shards=3", "--output-path", tmp_path / "a.h5")

    for name, count in (("a-00002-of-00003.h5", 4), ("a.h5", 11)):
        with open_reader(tmp_path / name) as reader:
            found = verify(reader)
        assert found.is_verified, found
        assert found.compared == count


def test_one_pixel_is_found(raw):
    raw.images[25, 3, 4] ^= 1

    found = verified(raw)

    assert found.different == (Difference(25, ("image",)),)
    assert not found.is_verified
    assert found.compared == 40


def test_one_label_is_found(raw):
    raw.labels[0] = raw.labels[0][::-1]

    assert verified(raw).different == (Difference(0, ("label",)),)


def test_one_value_of_ground_truth_is_found(raw):
    raw.truth["boxes"][39, 2, 1] += 1
    raw.truth["parameters"][39, 0] = np.nan

    assert verified(raw).different == (Difference(39, ("boxes", "parameters")),)


def test_only_images_of_the_sample_are_made(raw):
    raw.images[[1, 20]] ^= 1

    found = verified(raw, 3)

    # 0, 19 and 39.
    assert (found.compared, found.different) == (3, ())


@pytest.mark.parametrize(
    "command",
    [
        None,
        "",
        7,
        "make it",
        "rm -rf /",
        "generate-phone-numbers 'unbalanced",
        "generate-phone-numbers --nonsense=1",
        "generate-phone-numbers --help",
        "generate-phone-numbers --seed=1 --sequences /dev/zero",
        "generate-phone-numbers --seed=1 --style=/dev/zero.toml",
        "generate-phone-numbers --seed=1; rm -rf /",
        "generate-phone-numbers --seed=1 --output-path=/tmp/a.h5 --overwrite",
        f"generate-phone-numbers --column={'x' * 10**6}",
    ],
)
def test_what_records_no_command_cannot_be_verified(raw, command):
    raw.metadata["command"] = command

    found = verified(raw)

    assert found.reason == "it records no command of generate-phone-numbers"
    assert (found.compared, found.is_verified) == (0, False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--seed=x", "this version does not understand"),
        (f"--num-images={10**30}", "cannot be planned again"),
        ("--seed=1 --digits=/nowhere/digits.npz", "cannot be planned again: .*no such file"),
        ("--seed=1 --sequences=/nowhere/numbers.txt", "cannot be planned again: .*cannot be read"),
        ("--seed=1 --pattern=(((", "cannot be planned again"),
        ("--seed=1 --split=a=0.5,b=0.5", "part '' of a split"),
    ],
)
def test_a_command_that_makes_no_such_dataset_is_told(raw, options, words, capsys):
    raw.metadata["command"] = f"generate-phone-numbers {options}"

    found = verified(raw)

    assert re.search(words, found.reason)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("more", ["", " --output-path={}/a.h5 --preview={}/sheet.png --overwrite"])
def test_a_command_writes_nothing(raw, tmp_path, monkeypatch, more):
    monkeypatch.chdir(tmp_path)
    raw.metadata["command"] += more.replace("{}", str(tmp_path))

    assert verified(raw).is_verified == (not more)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--sequences", "--digits"])
@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_only_regular_files_are_read(raw, tmp_path, option, kind):
    path = Path("/dev/zero") if kind == "device" else tmp_path / "pipe"
    if kind == "pipe":
        os.mkfifo(path)
    raw.metadata["command"] += f" {option}={path}"

    assert "not a regular file" in verified(raw).reason


def test_a_list_that_is_too_long_or_another_is_not_taken_for_numbers(raw, tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("this is no number\n")
    raw.metadata["command"] += f" --sequences={path}"

    assert "the list of numbers (SHA-256) was None and is '" in verified(raw).reason
    (tmp_path / "empty.txt").touch()
    empty = RawDataset(raw.images, raw.labels, {"command": raw.metadata["command"].replace("a.txt", "empty.txt")})
    assert "has 0 bytes" in verified(empty).reason
    monkeypatch.setattr(verification, "MAX_BYTES", 9)
    assert "has 18 bytes" in verified(raw).reason


ODD_VALUES = [np.arange(3), [1, [2]], {"a": 1}, "7", 10**5000, 1.5, True, None, np.dtype("u1"), b"x"]


@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: type(value).__name__)
def test_odd_versions_and_parts_are_told(raw, value):
    command = raw.metadata["command"]
    raw.metadata.update({"render_version": value, "package_version": value})
    assert verified(raw).reason.startswith("the version of the pixels was ")

    del raw.metadata["render_version"]
    raw.metadata["split"] = value
    assert re.match("it is the part|its `split` is", verified(raw).reason)

    other = RawDataset(raw.images, raw.labels, {"command": command, "job": value})
    assert not verified(other).is_verified


def test_a_job_that_is_nested_too_deep_is_told(raw):
    raw.metadata["job"] = json.dumps({"seed": 7}).replace("7", "[" * 900 + "]" * 900)

    assert not verified(raw).is_verified


def test_another_version_of_the_pixels_is_told(raw):
    raw.metadata.update({"render_version": 99, "package_version": "9.1"})

    assert verified(raw).reason == (
        f"the version of the pixels was 99 and is {read_recorded_job(raw.metadata)['render_version']}: install "
        "number_generator 9.1 to make the same"
    )


def test_another_version_of_the_package_is_noted_and_tried(raw):
    job = read_recorded_job(raw.metadata) | {"package_version": "0.9"}
    raw.metadata.update({"package_version": "0.9", "job": json.dumps(job)})

    found = verified(raw)

    assert found.is_verified
    assert found.notes[0].startswith("number_generator was 0.9 and is ")


def test_other_digits_are_told(tmp_path, make_digit_dataset):
    digits = tmp_path / "digits.pickle"
    make_digit_dataset(12).save(digits)
    make("--num-images=3", "--seed=1", "--digits", digits, "--output-path", tmp_path / "a.npz")
    make_digit_dataset(12, seed=1).save(digits)

    with open_reader(tmp_path / "a.npz") as reader:
        found = verify(reader)
        assert list_files_to_read(reader.metadata) == [f"--digits={digits}"]

    assert found.reason.startswith("what it was made from has changed: the digits (SHA-256) was ")


def test_numbers_that_were_changed_are_told(tmp_path):
    numbers = tmp_path / "numbers.txt"
    numbers.write_text("12\n34\n")
    make("--sequences", numbers, "--seed=1", "--output-path", tmp_path / "a.h5")
    numbers.write_text("12\n35\n")

    with open_reader(tmp_path / "a.h5") as reader:
        assert "the list of numbers (SHA-256) was" in verify(reader).reason


def test_a_dataset_of_another_size_is_told(raw):
    part = RawDataset(raw.images[:30], raw.labels[:30], raw.metadata)

    assert verified(part).reason == "it has 30 of 100 x 28 px, and its recorded job makes 40 of 100 x 28 px"


def test_ground_truth_that_is_not_there_is_noted(raw, tmp_path):
    write_dataset(MemoryReader(raw, raw.labels, tmp_path), tmp_path / "a", "png", workers=1)

    with open_reader(tmp_path / "a") as reader:
        found = verify(reader)

    assert found.is_verified
    assert found.truth == ()
    assert "was not compared: boxes, glyph_parameters" in found.notes[0]
