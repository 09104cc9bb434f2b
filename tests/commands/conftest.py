"""What the tests of the commands share."""

import pkgutil

import numpy as np
import pytest
from small_dataset import FOLDER_FORMATS, FORMATS, need

from number_generator.commands.runs import resume
from number_generator.digits import resolve


def _read_here(work, *paths, **keywords):
    for path in paths:
        pkgutil.resolve_name(work)(path, **keywords)


@pytest.fixture(autouse=True)
def _without_processes(monkeypatch):
    """Read here what commands read in a process of its own, which takes a while to start."""
    for module in (resolve, resume):
        monkeypatch.setattr(module, "check_apart", _read_here)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, the current one."""
    path = tmp_path / "folder"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture(params=FORMATS)
def file_format(request):
    """Each format, where what it needs is installed."""
    need(request.param)
    return request.param


@pytest.fixture(params=FOLDER_FORMATS)
def folder_format(request):
    """Each format that is a folder, where what it needs is installed."""
    need(request.param)
    return request.param


@pytest.fixture
def digit_files(make_digit_dataset, tmp_path):
    """The same digits, 12 px high, in each format."""
    dataset = make_digit_dataset(12)
    for name in ("digits.pickle", "digits.h5"):
        dataset.save(tmp_path / name)
    images, labels = dataset.get_data()
    np.savez(tmp_path / "digits.npz", images=images, labels=np.array(labels).astype(int))
    return dataset, [tmp_path / f"digits.{ending}" for ending in ("pickle", "h5", "npz")]
