"""Which folders a dataset may replace: those that this package wrote, and empty ones."""

import pytest
from written import names_in, tree, write_dataset

from number_generator.errors import OutputError
from number_generator.formats.atomic_folder import AtomicFolder, is_dataset_folder


def make_folder(path, *, overwrite=False):
    folder = AtomicFolder(path, overwrite=overwrite)
    with folder.create("deep/file.bin") as file:
        file.write(b"new")
    return folder


def test_a_folder_replaces_an_earlier_dataset_where_that_is_allowed(tmp_path, folder_format):
    write_dataset(tmp_path / "set", folder_format, 3)

    folder = make_folder(tmp_path / "set", overwrite=True)
    folder.commit()
    folder.discard()

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == {"deep/file.bin": b"new"}


def test_an_empty_folder_is_replaced_where_that_is_allowed(tmp_path):
    (tmp_path / "set").mkdir()

    folder = make_folder(tmp_path / "set", overwrite=True)
    folder.commit()
    folder.discard()

    assert tree(tmp_path / "set") == {"deep/file.bin": b"new"}


@pytest.mark.parametrize(
    "files",
    [
        ["thesis.txt"],
        ["gt.txt", "images/0000/000000001.png"],
        ["data.mdb"],
        ["data.mdb", "lock.mdb", "thesis.txt"],
        ["data/train-00000-of-00001.parquet"],
        ["dataset.json", "images/0000/000000001.png"],
    ],
)
def test_a_folder_that_this_package_did_not_write_is_never_replaced(tmp_path, files):
    for name in files:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'{"shape": 1}' if name.endswith("json") else b"something of another's")
    before = tree(tmp_path / "set")

    with pytest.raises(OutputError, match="set is a folder that this package did not write, and so is not replaced"):
        AtomicFolder(tmp_path / "set", overwrite=True)

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == before
    assert not is_dataset_folder(tmp_path / "set")


def test_a_dataset_with_files_of_others_beside_it_is_never_replaced(tmp_path, folder_format):
    write_dataset(tmp_path / "set", folder_format, 3)
    assert is_dataset_folder(tmp_path / "set")
    (tmp_path / "set" / "weights.pt").touch()

    with pytest.raises(OutputError, match=r"set holds 'weights\.pt', which this package did not write, and so is not"):
        AtomicFolder(tmp_path / "set", overwrite=True)

    assert not is_dataset_folder(tmp_path / "set")


@pytest.mark.parametrize(
    ("file_format", "name"),
    [
        ("png", "images/notes.txt"),
        ("png", "images/mine/000000001.png"),
        ("png", "images/0000/holiday.png"),
        ("webdataset", "backup.tar"),
    ],
)
def test_a_dataset_with_files_of_others_in_it_is_never_replaced(tmp_path, file_format, name):
    write_dataset(tmp_path / "set", file_format, 3)
    (tmp_path / "set" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "set" / name).touch()
    before = tree(tmp_path / "set")

    with pytest.raises(OutputError, match=r"set holds 'images/|set holds 'backup\.tar'"):
        AtomicFolder(tmp_path / "set", overwrite=True)

    assert tree(tmp_path / "set") == before


def test_a_folder_that_becomes_anothers_while_ours_is_written_is_not_replaced(tmp_path):
    write_dataset(tmp_path / "set", "png", 3)
    folder = make_folder(tmp_path / "set", overwrite=True)
    (tmp_path / "set" / "weights.pt").touch()

    with pytest.raises(OutputError, match=r"set holds 'weights\.pt'"):
        folder.commit()
    folder.discard()

    assert names_in(tmp_path) == ["set"]
    assert "weights.pt" in names_in(tmp_path / "set")
