"""The size of a dataset is compared with the free space before its first image is made."""

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from running import PHONE, load, run
from written import names_in

from number_generator.commands.main import main
from number_generator.commands.work import space
from number_generator.errors import OutputError

pytestmark = pytest.mark.usefixtures("folder")
BYTES = 100 * 28 * 100  # of 100 images


@pytest.fixture
def leave_free(monkeypatch):
    """Return a function that pretends how many bytes are free."""

    def leave(free):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=2**40, free=free))

    return leave


def generate(*arguments):
    return run(PHONE, "--num-images=100", "--seed=1", *arguments)


@pytest.mark.parametrize("more", [[], ["--overwrite"], ["--resume"]])
@pytest.mark.parametrize("name", ["a.pickle", "a.npz", "deep/er/a.h5"])
def test_what_cannot_fit_is_refused_before_the_first_image(folder, leave_free, capsys, name, more):
    leave_free(BYTES // 100)

    status = generate(f"--output-path={name}", *more)

    said = capsys.readouterr()
    assert status == 1
    assert f"error: {name} would take at least " in said.err
    assert "has 2,800 bytes free" in said.err.replace("2.8 kB", "2,800 bytes")
    assert "Creating" not in said.out
    assert [file for file in names_in(folder) if file.endswith((".pickle", ".npz", ".h5"))] == []


def test_what_may_not_fit_is_made_with_a_word(leave_free, capsys):
    leave_free(BYTES // 5)

    status = generate("--output-path=a.h5")

    said = capsys.readouterr()
    assert status == 0
    assert said.err.startswith("a.h5 may not fit: it will take about ")
    assert len(load("a.h5")[1]) == 100


def test_what_fits_is_made_without_a_word_and_without_a_sample(leave_free, monkeypatch, capsys):
    monkeypatch.setattr(space, "_measure_compression", None)
    leave_free(2 * BYTES)

    assert generate("--output-path=a.h5") == 0
    assert capsys.readouterr().err == ""


def test_all_parts_of_a_split_are_counted(leave_free, capsys):
    leave_free(BYTES * 3 // 4)  # enough for each part

    assert generate("--split=train=0.5,test=0.5", "--output-path=a.npz") == 1
    assert "a-train.npz would take at least 280 kB" in capsys.readouterr().err


def test_a_run_that_is_resumed_is_not_refused(folder, leave_free, capsys):
    assert generate("--output-path=a.h5", "--resume") == 0
    leave_free(10)

    assert generate("--output-path=a.h5", "--resume") == 0
    said = capsys.readouterr()
    assert "already complete" in said.out
    assert said.err == ""


def test_conversion_is_refused_as_well(folder, leave_free, capsys):
    assert generate("--output-path=a.h5") == 0
    leave_free(BYTES // 2)

    assert run(main, "convert", "a.h5", "b.npz") == 1
    assert run(main, "convert", "a.h5", "c.h5") == 0

    assert "b.npz would take at least 280 kB" in capsys.readouterr().err
    assert names_in(folder) == ["a.h5", "c.h5"]


def test_colours_are_counted_and_what_pads_narrow_images_is_not_where_it_is_compressed(leave_free, capsys):
    shape = (100, 28, 100, 3)
    narrow = np.random.default_rng(0).integers(0, 256, (32, 28, 10, 3), np.uint8)
    leave_free(2 * BYTES)

    with pytest.raises(OutputError, match=r"a\.npz would take at least 840 kB"):
        space.check_space("a.npz", "npz", "none", shape, (), None)
    space.check_space("a.h5", "hdf5", "gzip", shape, (), lambda: narrow)

    assert capsys.readouterr().err == ""


@pytest.fixture
def divide(monkeypatch):
    """Return a function that pretends in what blocks a file system keeps files, and how many it has room for."""

    def pretend(block, files=2**20, free_files=2**20):
        found = SimpleNamespace(f_frsize=block, f_files=files, f_favail=free_files)
        monkeypatch.setattr(os, "statvfs", lambda _: found, raising=False)

    return pretend


def test_a_folder_of_images_is_compressed(leave_free, divide):
    divide(512)
    leave_free(BYTES // 2)

    assert generate("--format=png", "--output-path=pages") == 0


@pytest.mark.parametrize("block", [4096, 2**20])
def test_each_file_of_a_folder_of_images_takes_whole_blocks(leave_free, divide, capsys, block):
    divide(block)
    leave_free(100 * 4096)  # images of 2,800 bytes, compressed to some 600

    assert generate("--format=png", "--output-path=pages") == 1
    assert "pages would take at least 412 kB" in capsys.readouterr().err  # 100 * (4096 + 24)


def test_label_files_are_counted(leave_free, divide, capsys):
    divide(4096)
    leave_free(100 * (4096 + 2 * 24))

    assert generate("--format=png", "--output-path=pages", "--labels=json") == 0
    assert generate("--format=png", "--output-path=more", "--labels=json,csv") == 1
    assert generate("--format=png", "--output-path=beside", "--labels=tesseract") == 1
    assert "beside would take at least 822 kB" in capsys.readouterr().err


@pytest.mark.parametrize(("files", "status"), [(2**20, 1), (0, 0)])
def test_files_are_counted_where_a_disk_has_room_for_so_many_only(leave_free, divide, capsys, files, status):
    divide(4096, files, 99 if files else 0)
    leave_free(2**40)

    assert generate("--format=png", "--output-path=pages") == status
    assert generate("--output-path=a.h5") == 0
    assert ("pages would take more than 100 files" in capsys.readouterr().err) == bool(status)


def test_tars_are_counted_with_their_headers(leave_free, capsys):
    leave_free(100 * 3 * 512)

    assert generate("--format=webdataset", "--output-path=tars") == 1
    assert "tars would take at least" in capsys.readouterr().err
