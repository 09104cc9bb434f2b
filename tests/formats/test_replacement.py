"""Which folders a dataset may replace: those that this package wrote, and empty ones; a damaged one ends no process."""

import os
import re
import shutil
import struct
import subprocess
import sys

import numpy as np
import pytest
from small_dataset import FOLDER_FORMATS, need
from written import names_in, tree, write_dataset

from number_generator import convert
from number_generator.errors import OutputError
from number_generator.formats.ownership import find_obstacle, holds_dataset


@pytest.mark.parametrize("earlier", FOLDER_FORMATS)
def test_a_dataset_of_any_format_is_replaced_where_that_is_allowed(tmp_path, folder_format, earlier):
    need(earlier)
    write_dataset(tmp_path / "set", earlier, 3)
    write_dataset(tmp_path / "other", folder_format, 2)

    write_dataset(tmp_path / "set", folder_format, 2, overwrite=True)

    assert names_in(tmp_path) == ["other", "set"]
    assert tree(tmp_path / "set") == tree(tmp_path / "other")


def test_an_empty_folder_is_replaced_where_that_is_allowed(tmp_path, folder_format):
    (tmp_path / "set").mkdir()

    write_dataset(tmp_path / "set", folder_format, 2, overwrite=True)

    assert find_obstacle(tmp_path / "set") is None


@pytest.mark.parametrize(
    "files",
    [
        ["thesis.txt"],
        ["gt.txt", "images/0000/000000001.png"],
        ["data.mdb"],
        ["data.mdb", "lock.mdb", "thesis.txt"],
        ["data/train-00000-of-00001.parquet"],
        ["dataset.json", "images/0000/000000001.png"],
        ["dataset.json", "train-000000.tar"],
    ],
)
def test_a_folder_that_this_package_did_not_write_is_never_replaced(tmp_path, files):
    for name in files:
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'{"shape": 1}' if name.endswith("json") else b"something of another's")
    before = tree(tmp_path / "set")

    with pytest.raises(OutputError, match="set is a folder that this package did not write, and so is not replaced"):
        write_dataset(tmp_path / "set", "webdataset", 2, overwrite=True)

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == before
    assert not holds_dataset(tmp_path / "set")


def test_a_dataset_with_files_of_others_beside_it_is_never_replaced(tmp_path, folder_format):
    write_dataset(tmp_path / "set", folder_format, 3)
    assert find_obstacle(tmp_path / "set") is None
    (tmp_path / "set" / "weights.pt").touch()

    with pytest.raises(OutputError, match=r"set holds 'weights\.pt', which this package did not write, and so is not"):
        write_dataset(tmp_path / "set", "webdataset", 2, overwrite=True)

    assert holds_dataset(tmp_path / "set")


@pytest.mark.parametrize("inner", ["a.npz", "a.h5", "inner.lmdb"])
def test_nothing_is_written_into_the_folder_of_a_dataset(tmp_path, folder_format, inner):
    write_dataset(tmp_path / "set", folder_format, 3)
    before = tree(tmp_path / "set")

    with pytest.raises(OutputError, match="set holds a dataset, and nothing else is written into its folder"):
        convert(tmp_path / "set", tmp_path / "set" / inner)

    assert tree(tmp_path / "set") == before


@pytest.mark.parametrize(
    ("file_format", "name"),
    [
        ("png", "images/notes.txt"),
        ("png", "images/mine"),
        ("png", "images/0000/holiday.png"),
        ("png", "images/0000/000000001.box"),  # as the training of Tesseract leaves it
        ("png", "backup.tar"),
        ("png", "backup-000001.tar"),
        ("webdataset", "backup.tar"),
        ("webdataset", "gt.txt"),
        ("webdataset", "images"),
        ("parquet", "data/notes.txt"),
        ("parquet", "data/train-00000-of-00001.parquet.crc"),
        ("parquet", "data/cache"),
        ("parquet", "README.md"),
        ("lmdb", "notes.txt"),
    ],
)
@pytest.mark.parametrize("others", ["same", "webdataset"])
def test_a_dataset_with_files_of_others_in_it_is_never_replaced(tmp_path, file_format, name, others):
    need(file_format)
    write_dataset(tmp_path / "set", file_format, 3)
    stranger = tmp_path / "set" / name
    stranger.parent.mkdir(exist_ok=True)
    if stranger.suffix:
        stranger.touch()
    else:
        stranger.mkdir()
    before = tree(tmp_path / "set")

    with pytest.raises(OutputError, match=rf"set holds '{re.escape(name)}', which this package did not write, and so"):
        write_dataset(tmp_path / "set", file_format if others == "same" else others, 2, overwrite=True)

    assert tree(tmp_path / "set") == before


def test_nothing_is_a_dataset_where_there_is_no_folder(tmp_path):
    (tmp_path / "file").touch()

    assert not holds_dataset(tmp_path / "file")
    assert not holds_dataset(tmp_path / "nothing")


# --- a damaged LMDB, which would end the process that opens it with LMDB's own library

PAGE = 4096
DAMAGES = {
    **{f"cut at {share}/8": lambda content, share=share: content[: len(content) * share // 8] for share in range(8)},
    **{f"cut {count} bytes short": lambda content, count=count: content[:-count] for count in (1, PAGE, 3 * PAGE)},
    **{
        f"page {page} of {fill:#x}": lambda content, page=page, fill=fill: fill_page(content, page, fill)
        for page in (0, 1, 2, -2, -1)
        for fill in (0, 0xFF)
    },
    "a root beyond the end": lambda content: set_root(content, 2**40),
    "a root that is the first page": lambda content: set_root(content, 0),
    "noise": lambda content: content[: 2 * PAGE] + np.random.default_rng(0).bytes(len(content) - 2 * PAGE),
}


def fill_page(content, page, fill):
    """Overwrite a page, counted from the end if it is negative."""
    start = page * PAGE % len(content)
    return content[:start] + bytes([fill]) * PAGE + content[start + PAGE :]


def set_root(content, page):
    """Let both descriptions of an LMDB name another page as the root of its tree."""
    content = bytearray(content)
    for start in (0, PAGE):
        struct.pack_into("<Q", content, start + 16 + 24 + 48 + 40, page)
    return bytes(content)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An LMDB of several pages, whose entries are spread over leaves and pages of their own."""
    need("lmdb")
    path = tmp_path_factory.mktemp("whole") / "set.lmdb"
    write_dataset(path, "lmdb", 200, size=(28, 100))
    return path


@pytest.fixture(params=DAMAGES)
def damaged(request, whole, tmp_path):
    path = tmp_path / "set.lmdb"
    shutil.copytree(whole, path)
    content = (path / "data.mdb").read_bytes()
    (path / "data.mdb").write_bytes(DAMAGES[request.param](content))
    assert (path / "data.mdb").read_bytes() != content
    return path


def test_a_damaged_lmdb_is_replaced_or_is_one_error(damaged):
    before = tree(damaged)
    obstacle = find_obstacle(damaged)

    try:
        write_dataset(damaged, "lmdb", 2, overwrite=True)
    except OutputError as exc:
        assert str(exc).startswith(f"{damaged} {obstacle}, and so is not replaced: give another name")
        assert "did not write" in obstacle or obstacle.startswith("holds a dataset that cannot be read")
        assert tree(damaged) == before
    else:
        assert obstacle is None
        assert holds_dataset(damaged)
    assert names_in(damaged.parent) == ["set.lmdb"]


def test_the_command_survives_a_damaged_lmdb(whole, tmp_path):
    path = tmp_path / "set.lmdb"
    shutil.copytree(whole, path)
    with (path / "data.mdb").open("r+b") as file:
        file.truncate(3 * PAGE)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = "import sys; from number_generator.entry import generate_phone_numbers; generate_phone_numbers()"
    arguments = ["--num-images=2", "--format=lmdb", "--overwrite", "--quiet", f"--output-path={path}"]

    done = subprocess.run(
        [sys.executable, "-c", command, *arguments], env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"generate-phone-numbers: error: {path} {find_obstacle(path)}, and so is not replaced: give another name, or "
        "remove it yourself"
    ]
    assert "holds a dataset that cannot be read" in done.stderr


def test_a_package_that_is_missing_keeps_nothing_from_being_replaced(whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path / "set.lmdb")
    monkeypatch.setitem(sys.modules, "lmdb", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    write_dataset(tmp_path / "set.lmdb", "png", 2, overwrite=True)

    assert "gt.txt" in names_in(tmp_path / "set.lmdb")
