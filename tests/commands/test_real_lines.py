"""Real lines on the command line: mixed into datasets, held out, fitted, and recorded so that they come again."""

import numpy as np
import pytest
from PIL import Image
from running import PHONE, read_usage_error, run, run_phone
from written import names_in

from number_generator import GenericDataset, fit_line
from number_generator.commands.main import main
from number_generator.commands.runs import execute
from number_generator.formats.reader import open_reader


@pytest.fixture
def lines(folder):
    """A folder of ten line images that differ in size, with gt.txt."""
    place = folder / "lines"
    place.mkdir()
    rows = []
    for number in range(10):
        image = np.full((30 + number, 80 + 9 * number), 230, np.uint8)
        image[6:24, 5 + 6 * number : 9 + 6 * number] = 30
        Image.fromarray(image).save(place / f"{number}.png")
        rows.append(f"{number}.png\t{number}{number}\n")
    (place / "gt.txt").write_text("".join(rows), encoding="utf-8")
    return place


OPTIONS = ["--pattern=\\d{3}", "--style=natural", "--num-images=200", "--seed=1", "--quiet", "--real=lines"]


def test_a_dataset_holds_real_lines_and_is_made_again_by_its_command(folder, lines, capsys):
    more = ["--real-share=0.25", "--real-set=slant=0", "--truth=boxes", "--output-path=a.h5"]
    assert run_phone(*OPTIONS, *more) == 0
    with open_reader("a.h5") as reader:
        real, labels = reader.truth("real_lines", 0, 200), reader.labels(0, 200)
        metadata = reader.metadata
    assert (real >= 0).sum() == pytest.approx(50, abs=6)
    assert all(label == f"{line}{line}" for label, line in zip(labels, real, strict=True) if line >= 0)
    assert metadata["real_count"] == 10
    assert f"--real={lines}" in metadata["command"]
    capsys.readouterr()
    assert run(main, "inspect", "a.h5", "--verify=200") == 0
    said = capsys.readouterr()
    assert "Verified: 200 images, made again, are identical to the byte" in said.out
    assert f"--verify reads what the recorded command names: --real={lines}" in said.err
    (lines / "gt.txt").write_text((lines / "gt.txt").read_text().replace("\t99", "\t98"), encoding="utf-8")
    assert run(main, "inspect", "a.h5", "--verify=200") == 1


def test_of_a_split_the_first_part_alone_has_real_lines_and_some_are_held_out(folder, lines, capsys):
    more = ["--split=train=0.5,val=0.5", "--real-holdout=0.3", "--output-path=a.npz"]
    assert run_phone(*OPTIONS, *more) == 0
    assert '3 real lines held out are at "a-held-out.npz"' in capsys.readouterr().out
    held = set(GenericDataset(folder / "a-held-out.npz")[:][1])
    train, val = (GenericDataset(folder / f"a-{name}.npz")[:][1] for name in ("train", "val"))
    real = {label for label in train if len(label) == 2}
    assert len(held) == 3
    assert len(real) == 7
    assert not held & real
    assert all(len(label) == 3 for label in val)


def test_lines_are_fitted_as_fit_line_does(folder, lines, capsys):
    assert run(main, "fit", "lines", "-o", "fitted.npz", "--quiet") == 0
    assert '10 lines fitted and written as npz at "fitted.npz"' in capsys.readouterr().out
    images, labels = GenericDataset("fitted.npz")[:]
    assert images.shape == (10, 28, 128)
    assert labels[3] == "33"
    assert np.array_equal(images[3], fit_line(lines / "3.png"))
    assert run(main, "fit", "lines", "-o", "wide", "--format=png", "--image-width=auto", "--image-height=40",
               "--contrast=none", "--quiet") == 0  # fmt: skip
    image, _ = GenericDataset("wide")[4]
    assert np.array_equal(image, fit_line(lines / "4.png", 40, None, contrast=None))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--real-share=0.1"], "--real-share is given without --real"),
        (["--real-set=slant=0"], "--real-set is given without --real"),
        (["--real=lines", "--real-share=2"], "--real-share is 2.0: give a share from 0 to 1"),
        (["--real=lines", "--real-set=slnt=0"], "did you mean 'slant'?"),
        (["--real=none"], "none"),
        (["--real=lines", "--real-balance=x"], "argument --real-balance: invalid choice"),
    ],
)
def test_a_wrong_option_is_told_by_its_name(folder, lines, capsys, arguments, message):
    assert message in read_usage_error(folder, capsys, PHONE, arguments)
    for option, text in (("--image-width=x", "'x' is no number"), ("--contrast=50,1", "--contrast is '50,1'")):
        assert run(main, "fit", "lines", "-o", "a.npz", option) == 2
        assert text in capsys.readouterr().err


def test_a_preview_shows_real_lines_and_the_list_their_parameters(folder, lines, capsys):
    assert run_phone(*OPTIONS, "--real-share=1", "--preview=sheet.png") == 0
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 100
    capsys.readouterr()
    assert run_phone("--list-parameters", "--real=lines", "--real-set=slant=0.3") == 0
    listed = capsys.readouterr().out.splitlines()
    assert "real: slant" in next(line for line in listed if line.startswith("real: slant"))
    assert " 0.3 " in next(line for line in listed if line.startswith("real: slant"))


HOLDOUT = [*OPTIONS, "--output-path=a.npz"]


def held_labels(name="a-held-out.npz"):
    return GenericDataset(name)[:][1]


def test_held_out_lines_that_are_there_must_be_the_same(folder, lines, capsys):
    assert run_phone(*HOLDOUT, "--real-holdout=0.3") == 0
    before = (folder / "a-held-out.npz").stat().st_mtime_ns
    (folder / "a.npz").unlink()

    assert run_phone(*HOLDOUT, "--real-holdout=0.3", "--resume") == 0
    assert (folder / "a-held-out.npz").stat().st_mtime_ns == before
    (folder / "a.npz").unlink()
    for more in ([], ["--resume"]):
        capsys.readouterr()
        assert run_phone(*HOLDOUT, "--real-holdout=0.5", *more) == 1
        assert "a-held-out.npz exists already, and is not what --real-holdout 0.5 leaves out" in capsys.readouterr().err
        assert not (folder / "a.npz").exists()
    assert run_phone(*HOLDOUT, "--real-holdout=0.5", "--overwrite") == 0
    assert len(held_labels()) == 5


def test_held_out_lines_are_written_with_the_images_or_not_at_all(folder, lines, monkeypatch):
    (folder / "a.npz").write_bytes(b"mine")
    assert run_phone(*HOLDOUT, "--real-holdout=0.3") == 1
    (folder / "a.npz").unlink()
    assert run_phone(*HOLDOUT, "--real-holdout=1") == 2
    with monkeypatch.context() as patched:
        patched.setattr(execute.WholeDatasets, "run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run_phone(*HOLDOUT, "--real-holdout=0.3")
    assert names_in(folder) == ["lines"]


def test_each_task_of_a_job_array_finds_the_held_out_lines_of_another(folder, lines):
    for shard in ("0/2", "1/2"):
        assert run_phone(*OPTIONS, "--output-path=a.h5", "--real-holdout=0.3", f"--shard={shard}") == 0

    assert len(held_labels("a-held-out.h5")) == 3


def test_no_part_of_a_split_is_named_as_the_held_out_lines_are(folder, lines, capsys):
    assert run_phone(*HOLDOUT, "--real-holdout=0.3", "--split=held-out=0.5,b=0.5") == 2
    assert "--split has a part named 'held-out'" in capsys.readouterr().err
    assert names_in(folder) == ["lines"]


def test_settings_of_real_lines_survive_a_file_of_options(folder, lines):
    more = ["--real-set=slant=0", "--real-set=noise=0.01:0.02", "--set=slant=0.1"]
    assert run_phone(*HOLDOUT, *more, "--write-config=job.toml") == 0
    assert run_phone(*HOLDOUT, *more) == 0
    assert run_phone("--config=job.toml", "--output-path=b.npz") == 0

    first, second = (GenericDataset(name).get_metadata()["command"] for name in ("a.npz", "b.npz"))
    assert first == second
