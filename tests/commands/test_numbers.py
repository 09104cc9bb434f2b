"""The options for what to write, and `--label`."""

import re
import shlex

import numpy as np
import pytest
from running import PHONE, load, read_usage_error, run_phone
from written import names_in

from number_generator import CountryNumbers, Pattern, generate_batch
from number_generator.commands.recorded import parsed_command
from number_generator.numbers.named_patterns import NAMED

pytestmark = pytest.mark.usefixtures("folder")


def test_dashes_group_the_digits_of_the_default_numbers():
    options = ["--num-images=400", "--seed=3", "--image-width=60"]

    run_phone(*options, "--dashes", "--output-path=dashes.pickle")
    run_phone(*options, "--output-path=plain.pickle")

    images, labels, _ = load("dashes.pickle")
    plain = load("plain.pickle")[1]
    assert [label.replace("-", "") for label in labels] == plain
    assert all(re.fullmatch(r"0[1-9]\d-\d{3}-\d{4}|0[1-9]\d-\d{4}-\d{4}", label) for label in labels)
    assert {len(label) for label in labels} == {12, 13}
    assert np.array_equal(images, generate_batch(labels, (5, 10), 60, seed=3))


def test_own_numbers_are_written_in_order_one_image_each(folder, capsys):
    (folder / "own.txt").write_text("12-3\n45\n\n6,70\n")

    status = run_phone("--sequences=own.txt", "--seed=4")

    said = capsys.readouterr().out
    images, labels, _ = load("numbers-handwritten-dataset-3.pickle")
    assert status == 0
    assert labels == ["12-3", "45", "6,70"]
    assert np.array_equal(images, generate_batch(labels, (5, 10), 100, seed=4))
    assert said.startswith("---------------------------------\nNumbers dataset generator\n")
    assert "Creating numbers dataset with 3 examples" in said
    assert 'Dataset with 3 images of numbers generated successfully at "./numbers-handwritten-dataset-3.pickle"' in said


def test_own_numbers_begin_anew_where_more_images_are_asked_for(folder):
    (folder / "own.txt").write_text("1\n2\n3\n")

    run_phone("--sequences=own.txt", "--num-images=8", "--output-path=set.h5")

    assert load("set.h5")[1] == list("12312312")


def test_a_pattern_may_begin_with_a_dash():
    assert run_phone("--pattern", r"-?\d{3}", "--num-images", "200", "--seed=1", "--output-path=set.h5") == 0

    labels = load("set.h5")[1]
    assert {len(label) for label in labels} == {3, 4}
    assert any(label.startswith("-") for label in labels)
    assert parsed_command(r"generate-phone-numbers --pattern '-?\d{3}'").pattern == r"-?\d{3}"


@pytest.mark.parametrize("following", [["--seed=1"], ["--dashes"], ["-h"], ["--x"], ["--"]])
def test_an_option_is_not_taken_for_a_pattern(folder, capsys, following):
    assert "argument --pattern: expected one argument" in read_usage_error(
        folder, capsys, PHONE, ["--pattern", *following]
    )


def test_the_delimiter_is_part_of_the_command(folder, capsys):
    (folder / "own.csv").write_text("12,50;99,00\n7,25;11,00\n")

    assert run_phone("--sequences=own.csv", "--column=1", "--output-path=set.h5") == 2
    assert "name the right one with --delimiter" in capsys.readouterr().err
    assert run_phone("--sequences=own.csv", "--column=1", "--delimiter=;", "--seed=1", "--output-path=set.h5") == 0

    _, labels, metadata = load("set.h5")
    assert labels == ["12,50", "7,25"]
    assert "--delimiter=;" in shlex.split(metadata["command"])
    assert run_phone(*shlex.split(metadata["command"])[1:], "--output-path=again.h5") == 0
    assert load("again.h5")[1] == labels


def test_a_delimiter_without_a_column_is_told(folder, capsys):
    (folder / "own.csv").write_text("1;2\n")

    assert "--delimiter is given without --column" in read_usage_error(
        folder, capsys, PHONE, ["--sequences=own.csv", "--delimiter=;"]
    )


def test_own_numbers_may_be_drawn(folder):
    (folder / "own.csv").write_text("id;n\n1;10\n2;20\n3;30\n")

    run_phone("--sequences=own.csv", "--column=n", "--order=drawn", "--num-images=300", "--output-path=set.h5")

    labels = load("set.h5")[1]
    assert set(labels) == {"10", "20", "30"}
    assert labels[:3] != ["10", "20", "30"] or labels[3:6] != ["10", "20", "30"]


@pytest.mark.parametrize("lengths", [None, "equal"])
def test_labels_match_the_pattern(lengths):
    regex = r"[1-9]\d{0,2}(,\d{3})?"
    option = [] if lengths is None else [f"--lengths={lengths}"]

    status = run_phone(f"--pattern={regex}", *option, "--num-images=400", "--seed=5", "--output-path=set.pickle")

    labels = load("set.pickle")[1]
    assert status == 0
    assert all(re.fullmatch(regex, label) for label in labels)
    assert labels == Pattern(regex, lengths or "proportional").draw(400, seed=5)


@pytest.mark.parametrize("name", ["date", "amount", "integer:3-8", "card"])
def test_labels_match_a_named_pattern(name):
    status = run_phone(f"--pattern={name}", "--num-images=100", "--seed=6", "--output-path=set.pickle")

    assert status == 0
    assert load("set.pickle")[1] == Pattern.named(name).draw(100, seed=6)


def test_the_names_of_patterns_are_listed(folder, capsys):
    status = run_phone("--pattern=list")

    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert (status, said.err) == (0, "")
    assert [line.split()[0] for line in lines] == list(NAMED)
    assert all(re.fullmatch(r"\S+ +\S.*\w.*", line) for line in lines)
    assert not any("NamedPattern" in line for line in lines)
    assert names_in(folder) == []


@pytest.mark.parametrize("dashes", [False, True])
@pytest.mark.parametrize("codes", ["JP", "us,JP", "all"])
def test_labels_are_numbers_of_the_countries(codes, dashes):
    status = run_phone(
        f"--country={codes}", *["--dashes"] * dashes, "--num-images=60", "--seed=7", "--output-path=set.pickle"
    )

    assert status == 0
    expected = CountryNumbers("all" if codes == "all" else codes.upper().split(","), dashes=dashes)
    assert load("set.pickle")[1] == expected.draw(60, seed=7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern=1", "--country=JP"], "--pattern and --country are given: leave one of them out"),
        (["--pattern=1", "--sequences=own.txt"], "--pattern and --sequences are given"),
        (["--country=JP", "--sequences=own.txt"], "--country and --sequences are given"),
        (["--pattern=1", "--dashes"], "--dashes groups phone numbers, and --pattern is given"),
        (["--sequences=own.txt", "--dashes"], "--dashes groups phone numbers, and --sequences is given"),
        (["--lengths=equal"], "--lengths is given without --pattern, which it belongs to"),
        (["--lengths=equal", "--country=JP"], "--lengths is given without --pattern"),
        (["--column=1"], "--column is given without --sequences"),
        (["--order=drawn"], "--order is given without --sequences"),
        (["--order=given", "--pattern=1"], "--order is given without --sequences"),
        (["--order=random", "--sequences=own.txt"], "argument --order: invalid choice: 'random'"),
        (["--lengths=some", "--pattern=1"], "argument --lengths: invalid choice: 'some'"),
        (["--sequences=bad.txt"], r"bad\.txt, line 7: '12a4' holds 'a': give digits from 0 to 9 and the signs"),
        (["--sequences=no.txt"], r"the numbers no\.txt cannot be read: No such file or directory"),
        (["--sequences=."], r"the numbers \. cannot be read: Is a directory"),
        (["--sequences="], "cannot be read"),
        (["--sequences=empty.txt"], r"the numbers empty\.txt are empty"),
        (["--sequences=own.csv", "--column=n"], "have no column 'n': the first row holds 'id', 'number'"),
        (["--sequences=own.csv"], r"own\.csv, line 1: 'id,number' holds 'i': .*--column"),
        (["--sequences=own.txt", "--num-images=0"], "--num-images is 0"),
        (["--pattern=("], "pattern '\\('"),
        (["--pattern=[a-c]"], "pattern"),
        (["--pattern=dat"], "'dat'"),
        (["--country=XX"], "'XX'"),
        (["--country="], "countr"),
        (["--label=both"], "argument --label: invalid choice: 'both'"),
    ],
)  # fmt: skip
def test_what_makes_no_numbers_is_one_clear_error(folder, capsys, arguments, message):
    (folder / "own.txt").write_text("1\n")
    (folder / "own.csv").write_text("id,number\n1,2\n")
    (folder / "bad.txt").write_text("1\n2\n\n\n3\n4\n12a4\n")
    (folder / "empty.txt").write_text("\n\n")

    assert re.search(message, read_usage_error(folder, capsys, PHONE, arguments))


def test_labels_may_leave_separators_out():
    options = ["--num-images=50", "--seed=8", "--dashes", "--output-path"]

    run_phone(*options, "written.h5")
    run_phone(*options, "digits.h5", "--label=digits")

    images, labels, metadata = load("written.h5")
    same_images, digits, other_metadata = load("digits.h5")
    assert np.array_equal(images, same_images)
    assert digits == [label.replace("-", "") for label in labels]
    assert "label" not in metadata
    assert other_metadata["label"] == "digits"
    assert "--label=digits" in shlex.split(other_metadata["command"])
