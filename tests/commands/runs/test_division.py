"""Folders of several files: how many images each holds, whatever the run, and that all are found again."""

import numpy as np
import pytest
from running import PHONE, read_usage_error, run, run_phone
from small_dataset import need
from written import tree

from number_generator.commands.main import main
from number_generator.commands.runs import execute
from number_generator.errors import OutputError
from number_generator.formats.reader import open_reader

pytestmark = pytest.mark.usefixtures("folder")
COUNT = 10
DIVISIONS = {
    "--shards=4": [3, 3, 2, 2],
    "--shards=6": [2, 2, 2, 2, 1, 1],
    "--shard-size=4": [4, 3, 3],
}


ALWAYS = (f"--num-images={COUNT}", "--seed=1", "--image-width=40", "--quiet")


def generate(*arguments):
    assert run_phone(*ALWAYS, "--overwrite", *arguments) == 0


def read_lengths(folder):
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".tar", ".parquet"))
    lengths = []
    for file in files:
        with open_reader(file) as reader:
            lengths.append(len(reader))
    return lengths


@pytest.mark.parametrize("file_format", ["webdataset", "parquet"])
def test_a_folder_is_divided_as_asked_by_any_run(folder, file_format):
    need(file_format)
    generate("--output-path=one.npz")
    with open_reader("one.npz") as reader:
        images, labels = reader.images(0, COUNT), reader.labels(0, COUNT)
    for option, lengths in DIVISIONS.items():
        generate(f"--format={file_format}", option, "--output-path=set", "--workers=1")
        generate(f"--format={file_format}", option, "--output-path=again", "--workers=2", "--resume")

        assert read_lengths(folder / "set") == read_lengths(folder / "again") == lengths, option
        with open_reader("set") as reader:
            np.testing.assert_array_equal(reader.images(0, COUNT), images)
            assert [reader.labels(number, number + 1)[0] for number in range(COUNT)] == labels
            assert option in reader.metadata["command"]
        converting = ["convert", "one.npz", "converted", f"--format={file_format}", option, "--overwrite", "--quiet"]
        assert run(main, *converting) == 0
        assert read_lengths(folder / "converted") == lengths, option
    assert run(main, "inspect", "set", "--verify") == 0


def fail(_):
    raise OutputError("the disk is full")


def test_an_interrupted_run_goes_on_with_the_same_files(folder, monkeypatch):
    options = ("--format=webdataset", "--shards=3", "--split=train=0.5,val=0.5", "--resume", "--workers=1")
    generate(*options, "--output-path=whole")

    with monkeypatch.context() as patch:
        patch.setattr(execute.WholeDatasets, "commit", fail)
        assert run_phone(*ALWAYS, *options, "--output-path=set") == 1
    assert run_phone(*ALWAYS, *options, "--output-path=set") == 0

    for part in ("train", "val"):
        found, whole = tree(folder / f"set-{part}"), tree(folder / f"whole-{part}")
        assert read_lengths(folder / f"set-{part}") == [2, 2, 1]
        assert {name: found[name] for name in found if name != "dataset.json"} == {
            name: whole[name] for name in whole if name != "dataset.json"
        }


REFUSED = [
    (["--format=webdataset", "--shards=11"], "--shards divides 10 images into 11 files"),
    (["--format=webdataset", "--shards=2", "--shard-size=3"], "leave one of them out"),
    (["--format=parquet", "--shard-size=0"], "--shard-size is 0"),
    (["--format=png", "--shard-size=3"], "--shard-size is 3 and the format is png: only webdataset and parquet"),
    (["--format=webdataset", "--shard=1/2"], "give --format hdf5, or --shards with webdataset or parquet"),
]


def test_what_cannot_be_divided_is_refused(folder, capsys):
    for options, words in REFUSED:
        assert words in read_usage_error(folder, capsys, PHONE, [*ALWAYS, *options, "--output-path=set"]), options
