"""Digits that lie on their side: who turns them, the reader or the user, and what the options then mean."""

import gzip

import numpy as np
import pytest

from number_generator import convert
from number_generator.commands.main import main
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.system.signals import Interruption

IMAGES, LABELS = packaged_digits().images[::25], packaged_digits().classes[::25]
TURNED = np.ascontiguousarray(IMAGES.transpose(0, 2, 1))
NAME = "emnist-digits-train-images-idx3-ubyte.gz"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_emnist(images):
    """Write an IDX pair under EMNIST's name into the working folder."""
    for name, array in ((NAME, images), (NAME.replace("images-idx3", "labels-idx1"), LABELS)):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        with gzip.open(name, "wb") as file:
            file.write(header + array.tobytes())


def build(*arguments):
    """Run `digits build` into built.npz, and return its exit code."""
    return main(["digits", "build", *arguments, "built.npz", "--no-clusters", "--overwrite"], Interruption())


@pytest.mark.parametrize("options", [[], ["--orientation", "transposed"]])
def test_a_file_that_the_reader_turned_is_upright_if_it_is_said_to_be_transposed(options, folder):
    write_emnist(TURNED)

    assert build(NAME, *options) == 0

    built = load_digits("built.npz")
    np.testing.assert_array_equal(built.images, IMAGES)
    assert built.get_metadata()["turned"]


def test_an_upright_file_of_emnists_name_is_taken_as_it_is_if_it_is_said_to_be_upright(folder, capsys):
    write_emnist(IMAGES)

    for options in ([], ["--orientation", "transposed"]):
        assert build(NAME, *options) == 1
        told = capsys.readouterr().err
        assert "once rows and columns of the file are swapped" in told
        assert "say that the file is right, as in" in told
        assert "--orientation upright" in told
    assert build(NAME, "--orientation", "upright") == 0

    built = load_digits("built.npz")
    np.testing.assert_array_equal(built.images, IMAGES)
    assert built.get_metadata()["turned"] is False
    assert "stored_with" not in built.get_metadata()


def test_what_was_converted_is_spoken_of_as_it_is_now(folder, capsys):
    write_emnist(IMAGES)
    convert(NAME, "side.npz")

    assert build("side.npz") == 1
    assert "as `turned` in their metadata may say" in capsys.readouterr().err
    assert build("side.npz", "--orientation", "transposed") == 0
    np.testing.assert_array_equal(load_digits("built.npz").images, IMAGES)


def test_upright_digits_that_are_said_to_be_transposed_are_refused(folder, capsys):
    np.savez("upright.npz", images=IMAGES, labels=LABELS)

    assert build("upright.npz", "--orientation", "transposed") == 1

    assert (
        "seem to lie on their side, once rows and columns of the file are swapped, as --orientation transposed asks"
        in (capsys.readouterr().err)
    )
