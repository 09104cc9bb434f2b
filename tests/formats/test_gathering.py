"""The parts of a split in one folder, as Hugging Face reads them."""

import numpy as np
import pytest
from running import run
from small_dataset import need
from written import make_images, names_in

from number_generator import GenericDataset
from number_generator.commands.main import main
from number_generator.formats.reader import open_reader

CARD = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train-*
  - split: val
    path: data/val-*
---
"""


@pytest.fixture(autouse=True)
def parts(tmp_path, monkeypatch):
    """Two datasets, one of which says which part it is."""
    need("parquet")
    monkeypatch.chdir(tmp_path)
    for name, count, metadata in (("a.npz", 5, {"split": "train"}), ("b.h5", 3, {})):
        GenericDataset(make_images(count), [str(number) for number in range(count)]).save(name, metadata)
    return tmp_path


def test_parts_become_one_folder_with_a_card(parts, capsys):
    gathering = ["convert", "a.npz", "b.h5", "hub", "--format=parquet", "--part=train,val", "--shards=2"]
    assert run(main, *gathering) == 0
    assert run(main, *gathering, "--overwrite") == 0

    files = [f"{part}-0000{number}-of-00002.parquet" for part in ("train", "val") for number in range(2)]
    assert names_in(parts / "hub" / "data") == files
    assert names_in(parts / "hub") == ["README.md", "data"]
    assert (parts / "hub" / "README.md").read_text().startswith(CARD)
    with open_reader("hub/data/val-00000-of-00002.parquet") as reader:
        np.testing.assert_array_equal(reader.images(0, 2), make_images(3)[:2])
    assert '8 images in 2 parts (train, val) written as parquet at "hub"' in capsys.readouterr().out


@pytest.mark.filterwarnings("ignore")
def test_hugging_face_finds_the_parts(parts, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", parts / "cache")
    run(main, "convert", "a.npz", "b.h5", "hub", "--format=parquet", "--part=train,val")

    found = datasets.load_dataset(str(parts / "hub"), cache_dir=str(parts / "cache"))

    assert {name: rows.num_rows for name, rows in found.items()} == {"train": 5, "val": 3}


def test_what_is_no_split_is_refused(parts, capsys):
    for options, words in (
        (["--format=parquet", "--part=train"], "name the part of each"),
        (["--format=parquet"], "two of the datasets are the part 'train': name the part"),
        (["--format=webdataset"], "only --format parquet holds several"),
        (["--format=parquet", "--part=train,v/l"], "part is 'v/l'"),
    ):
        assert run(main, "convert", "a.npz", "b.h5", "hub", *options) == 2, options
        assert words in capsys.readouterr().err, options
    assert names_in(parts) == ["a.npz", "b.h5"]
    (parts / "hub").mkdir()
    (parts / "hub" / "README.md").write_text("mine")
    assert run(main, "convert", "a.npz", "b.h5", "hub", "--format=parquet", "--part=train,val", "--overwrite") == 1
    assert names_in(parts / "hub") == ["README.md"]
