"""`generate-numbers-sequence`: what it says, and the image that it draws."""

import numpy as np
import pytest
from PIL import Image
from running import PHONE, SEQUENCE, read_usage_error, run, untimed
from written import names_in

from number_generator import generate_batch

pytestmark = pytest.mark.usefixtures("folder")


def test_the_image_command_says_what_version_0_0_1_said(folder, capsys):
    status = run(SEQUENCE, "--sequence=12345678", "--min-spacing=5", "--max-spacing=8", "--image-width=200")

    said = capsys.readouterr()
    assert status == 0
    assert said.err == ""
    assert untimed(said.out) == (
        "---------------------------\n"
        "Digits sequence generator\n"
        "---------------------------\n"
        'Synthesizing image for digits sequence "12345678" ...\n'
        'Image of dimensions 200 x 28 generated successfully at "./12345678.png", process took 0.1 seconds...\n'
    )
    assert names_in(folder) == ["12345678.png"]


def test_the_image_is_the_one_that_the_library_makes(folder):
    run(SEQUENCE, "--sequence=0123456789", "--min-spacing=2", "--max-spacing=9", "--image-width=120", "--seed=7")

    with Image.open("0123456789.png") as image:
        assert (image.mode, image.size, image.format) == ("L", (120, 28), "PNG")
        assert np.array_equal(np.asarray(image), generate_batch(["0123456789"], (2, 9), 120, seed=7)[0])


def test_the_image_command_has_defaults(folder):
    run(SEQUENCE, "--sequence", "42", "--seed", "3")

    with Image.open("42.png") as image:
        assert np.array_equal(np.asarray(image), generate_batch(["42"], (5, 10), 100, seed=3)[0])


@pytest.mark.parametrize("sequence", ["-5,3", "--5", "-", "-.5"])
def test_a_sequence_may_begin_with_a_dash(folder, sequence):
    assert run(SEQUENCE, "--sequence", sequence, "--seed", "3") == 0

    with Image.open(f"{sequence}.png") as image:
        assert np.array_equal(np.asarray(image), generate_batch([sequence], (5, 10), 100, seed=3)[0])


@pytest.mark.parametrize(
    ("output_path", "written", "shown"),
    [
        ("./", "7.png", "./7.png"),
        (".", "7.png", "./7.png"),
        ("", "7.png", "7.png"),
        ("deep/er", "deep/er/7.png", "deep/er/7.png"),
        ("deep/er/", "deep/er/7.png", "deep/er/7.png"),
        ("image.png", "image.png", "image.png"),
        ("deep/er/Image.PNG", "deep/er/Image.PNG", "deep/er/Image.PNG"),
        ("folder.png/", "folder.png/7.png", "folder.png/7.png"),
        (".png", ".png", ".png"),
    ],
)
def test_the_image_goes_where_the_output_path_says(folder, capsys, output_path, written, shown):
    status = run(SEQUENCE, "--sequence=7", f"--output-path={output_path}")

    assert status == 0
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == [written]
    assert f'generated successfully at "{shown}"' in capsys.readouterr().out


def test_an_existing_folder_is_one_even_if_it_is_named_like_a_file(folder):
    (folder / "a.png").mkdir()
    (folder / "b.h5").mkdir()

    run(SEQUENCE, "--sequence=7", "--output-path=a.png")
    run(PHONE, "--num-images=2", "--output-path=b.h5")

    assert names_in(folder / "a.png") == ["7.png"]
    assert names_in(folder / "b.h5") == ["phonenumbers-handwritten-dataset-2.pickle"]


def test_an_absolute_output_path_is_written_to(tmp_path):
    run(SEQUENCE, "--sequence=7", f"--output-path={tmp_path}/else/where")

    assert (tmp_path / "else" / "where" / "7.png").is_file()


def test_an_earlier_image_is_replaced(folder):
    (folder / "7.png").write_bytes(b"earlier")

    status = run(SEQUENCE, "--sequence=7")

    assert status == 0
    assert (folder / "7.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("sequence", ["", "7" * 252, "1" * 10_000], ids=["empty", "252 digits", "10,000 digits"])
def test_a_sequence_that_makes_no_file_name_is_drawn_into_a_named_file(folder, sequence):
    status = run(SEQUENCE, f"--sequence={sequence}", "--output-path=image.png", "--image-width=50")

    assert status == 0
    with Image.open("image.png") as image:
        assert image.size == (50, 28)
        assert (np.asarray(image) == 255).all() == (sequence == "")


def test_the_longest_file_name_is_possible(folder):
    status = run(SEQUENCE, f"--sequence={'7' * 251}")

    assert status == 0
    assert names_in(folder) == ["7" * 251 + ".png"]


def test_separators_are_written(folder):
    status = run(SEQUENCE, "--sequence=-1.2(3) +4,5", "--seed=5")

    assert status == 0
    assert names_in(folder) == ["-1.2(3) +4,5.png"]
    with Image.open("-1.2(3) +4,5.png") as image:
        expected = generate_batch(["-1.2(3) +4,5"], (5, 10), 100, seed=5)[0]
        assert np.array_equal(np.asarray(image), expected)


def test_separators_are_written_in_a_style(folder):
    status = run(SEQUENCE, "--sequence=-1.2(3) +4,5", "--style=natural", "--seed=5")

    assert status == 0
    assert names_in(folder) == ["-1.2(3) +4,5.png"]
    with Image.open("-1.2(3) +4,5.png") as image:
        expected = generate_batch(["-1.2(3) +4,5"], None, 100, style="natural", seed=5)[0]
        assert np.array_equal(np.asarray(image), expected)


def test_a_slash_is_written_into_a_named_file(folder):
    status = run(SEQUENCE, "--sequence=1/2", "--style=natural", "--output-path=half.png")

    assert status == 0
    assert names_in(folder) == ["half.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sequence=1a2", "--style=natural"], "'1a2': give digits from 0 to 9 and the signs - . , / ( ) + :"),
        (["--sequence=1/2", "--style=natural"], "'1/2', which makes no file name: give one with --output-path"),
        (["--sequence=1/2", "--style=natural", "--output-path=a"], "'1/2', which makes no file name"),
        (["--sequence=1\n2", "--style=natural"], r"'1\n2': give digits from 0 to 9 and the signs"),
    ],
)
def test_a_wrong_sequence_in_a_style_is_told_in_one_message(folder, capsys, arguments, message):
    assert message in read_usage_error(folder, capsys, SEQUENCE, arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --sequence"),
        (["--sequence=12a4"], "--sequence is '12a4': give digits from 0 to 9"),
        (
            ["--sequence=-5_"],
            "--sequence is '-5_': give digits from 0 to 9 and the signs - . , / ( ) + : $ € £ ¥ % # * = ' and space",
        ),
        (["--sequence=../../7"], "--sequence is '../../7', which makes no file name: give one with --output-path"),
        (["--sequence=٣"], "--sequence is '٣': give digits from 0 to 9"),
        (["--sequence=²", "--output-path=a.png"], "--sequence is '²': give digits from 0 to 9"),
        (["--sequence="], "--sequence is empty, which makes no file name: give one with --output-path FILE.png"),
        (["--sequence=", "--output-path=a"], "--sequence is empty, which makes no file name"),
        ([f"--sequence={'7' * 252}"], "--sequence has 252 digits, too many for a file name: give one with"),
        ([f"--sequence={'7' * 10_001}", "--output-path=a.png"], "10001 digits: at most 10000 are possible"),
        (["--sequence=7", "--num-images=5"], "unrecognized arguments: --num-images=5"),
    ],
)
def test_a_mistake_in_the_image_command_is_told_in_one_message(folder, capsys, arguments, message):
    assert message in read_usage_error(folder, capsys, SEQUENCE, arguments)


def test_two_dashes_are_a_sequence(folder):
    assert run(SEQUENCE, "--sequence=--", "--min-spacing=2", "--max-spacing=9", "--image-width=120", "--seed=7") == 0

    assert names_in(folder) == ["--.png"]
    with Image.open("--.png") as image:
        assert np.array_equal(np.asarray(image), generate_batch(["--"], (2, 9), 120, seed=7)[0])
