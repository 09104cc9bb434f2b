"""`--paper`: recorded with a digest, and checked wherever the same images are to be made again."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image
from running import run_phone

from number_generator.commands.inspection.verification import list_files_to_read, verify
from number_generator.commands.recorded import split_recorded
from number_generator.formats.reader import open_reader


def run(*arguments):
    return run_phone(*arguments, "--quiet", "--workers=1")


@pytest.fixture
def mine(folder):
    path = folder / "my paper"
    path.mkdir()
    levels = np.random.default_rng(1).integers(100, 250, (60, 300, 3), np.uint8)
    Image.fromarray(levels).save(path / "one.png")
    return path


def test_paper_is_recorded_and_checked_when_a_dataset_is_made_again(mine, capsys):
    options = ("--num-images=12", "--seed=3", "--style=natural", "--set=own_paper=0.8", "--paper=my paper")
    assert run(*options, "--output-path=set.h5") == 0
    with open_reader("set.h5") as reader:
        images, metadata = reader.images(0, 12), dict(reader.metadata)
        assert verify(reader).is_verified

        command = metadata["command"]
        assert f"--paper={mine}" in split_recorded(command)
        assert list_files_to_read(metadata) == [f"--paper={mine}"]
        assert json.loads(metadata["job"])["paper_sha256"] == metadata["paper_sha256"]
        mine.rename(mine.with_name("moved"))
        assert "there is no such folder" in verify(reader).reason

        # The same pictures elsewhere make the same images, and resume the same run.
        moved = [word for word in shlex.split(command)[1:] if not word.startswith("--paper")]
        assert run(*moved, "--paper=moved", "--output-path=again.h5") == 0
        with open_reader("again.h5") as again:
            assert (again.images(0, 12) == images).all()
        assert run(*moved, "--paper=moved", "--output-path=again.h5", "--resume") == 0

        Image.new("L", (9, 9), 200).save(mine.with_name("moved") / "two.png")
        mine.with_name("moved").rename(mine)
        assert "the paper images (SHA-256) was" in verify(reader).reason
    capsys.readouterr()
    assert run(*options, "--output-path=set.h5", "--resume") != 0
    assert "the paper images (SHA-256) was" in capsys.readouterr().err


def test_colour_is_recorded_and_made_again_in_every_kind_of_format(mine):
    for name in ("set.h5", "set", "set.npz"):
        more = ["--format=png"] if name == "set" else []
        assert run("--num-images=6", "--seed=3", "--style=document", "--color", "--paper=my paper", *more,
                   f"--output-path={name}") == 0  # fmt: skip
        with open_reader(name) as reader:
            assert reader.channels == 3
            images = reader.images(0, 6)
            assert images.shape == (6, 28, 100, 3)
            assert np.ptp(images.astype(int), axis=-1).max() > 30
            assert "--color" in split_recorded(reader.metadata["command"])
            assert verify(reader).is_verified


def test_mistakes_name_the_option(mine, capsys):
    (mine / "one.png").write_bytes(b"no picture")
    for value, status, message in [
        ("none", 2, "--paper is"),
        ("my paper", 2, "save it again, or take it out"),
        ("", 2, "--paper is ''"),
    ]:
        assert run("--num-images=2", "--style=natural", f"--paper={value}", "--output-path=bad.h5") == status
        assert message in capsys.readouterr().err
    assert not (mine.parent / "bad.h5").exists()
