"""What a run reads of others, digits and what is in place already, is read in another process first."""

import numpy as np
import pytest

from number_generator.commands.generate import generate_numbers_sequence, generate_phone_numbers
from number_generator.commands.main import main
from number_generator.commands.runs import resume
from number_generator.digits import resolve
from number_generator.digits.resolve import load_digits, packaged_digits
from number_generator.errors import DatasetError
from number_generator.formats.isolated import check_apart
from number_generator.system.signals import Interruption


@pytest.fixture
def crash(monkeypatch):
    """Let whatever is isolated crash, and return the paths of it."""
    read = []

    def crash(work, *paths):
        read.append([str(path) for path in paths])
        raise DatasetError("it crashed")

    for module in (resolve, resume):
        monkeypatch.setattr(module, "check_apart", crash)
    return read


def test_digits_and_what_is_in_place_are_read_in_another_process(folder, crash, monkeypatch, capsys):
    for name in ("a.h5", "b.h5", "set.h5"):
        (folder / name).write_bytes(b"")
    image, images = ["--sequence=7", "--output-path=7.png"], ["--num-images=2", "--output-path=set.h5", "--overwrite"]

    for command, arguments, default, paths in (
        (generate_numbers_sequence, [*image, "--digits=a.h5"], "", ["a.h5"]),
        (generate_numbers_sequence, [*image, "--digits=packaged"], "a.h5", None),
        (generate_numbers_sequence, image, "a.h5", [str(folder / "a.h5")]),
        (generate_phone_numbers, [*images, "--digits=a.h5=1,b.h5=0.5,mnist=2"], "", ["a.h5", "b.h5"]),
        (generate_phone_numbers, [*images, "--resume"], "", ["set.h5"]),
        (generate_phone_numbers, images, "", None),
        (main, ["preview", "natural", "sheet.png"], "a.h5", [str(folder / "a.h5")]),
    ):
        monkeypatch.setenv("NG_DEFAULT_DIGIT_DATASET", default)
        crash.clear()
        status = command(arguments, Interruption())

        assert crash == ([] if paths is None else [paths]), arguments
        assert status == (0 if paths is None else 1), arguments
        assert ("it crashed" in capsys.readouterr().err) == (paths is not None), arguments


def test_digits_that_are_isolated_are_the_same(digit_files, monkeypatch, tmp_path):
    monkeypatch.setattr(resolve, "check_apart", check_apart)
    dataset, paths = digit_files

    found = load_digits(f"{paths[1]}=1,{paths[2]}=2", isolated=True)

    np.testing.assert_array_equal(found.images[: len(dataset)], dataset.images)
    assert load_digits("packaged", isolated=True) is packaged_digits()
    (tmp_path / "digits.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(DatasetError, match=r"digits.h5: .*damaged"):
        load_digits(tmp_path / "digits.h5", isolated=True)
