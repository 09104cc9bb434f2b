"""Datasets that are read in a process of their own first, whatever becomes of it."""

import sys

import h5py
import numpy as np
import pytest
from PIL import Image
from small_dataset import COUNT, IMAGES, LABELS, write

from number_generator import DigitImageDataset, GenericDataset
from number_generator.errors import DatasetError, DatasetNotFoundError, SpecError
from number_generator.formats.isolated import check_apart

posix = pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by a signal")


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Return a maker of work for `check_apart`, of the body of a function; it is found by the path of modules."""
    monkeypatch.syspath_prepend(tmp_path / "modules")
    (tmp_path / "modules").mkdir()

    def make(body):
        (tmp_path / "modules" / "hostile.py").write_text(f"def read(path):\n    {body}\n")
        return "hostile:read"

    return make


def test_a_sound_dataset_is_loaded(tmp_path):
    dataset = GenericDataset()
    dataset.load(write(tmp_path / "set.h5", "hdf5"), isolated=True)

    images, labels = dataset.get_data()
    np.testing.assert_array_equal(images, IMAGES)
    assert (len(dataset), labels) == (COUNT, LABELS)


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [("none.h5", DatasetNotFoundError, "no such file"), ("set.h5", DatasetError, "2 images but 3 labels")],
)
def test_the_error_is_the_one_without_a_process(tmp_path, path, error, words):
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["images"], file["labels"] = np.zeros((2, 8, 8), np.uint8), [b"1", b"2", b"3"]

    for isolated in (True, False):
        with pytest.raises(error, match=words):
            GenericDataset().load(tmp_path / path, isolated=isolated)


@posix
def test_a_crash_is_an_error(tmp_path, work):
    crash = work("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")

    with pytest.raises(DatasetError, match=r"reading it crashed \(SIGSEGV\); its content is damaged$"):
        check_apart(crash, tmp_path)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise MemoryError", "does not fit in memory"),
        ("raise RuntimeError('odd')", "in a process of its own failed: RuntimeError: odd"),
    ],
)
def test_whatever_else_happens_is_an_error(tmp_path, work, body, words):
    with pytest.raises(DatasetError, match=words):
        check_apart(work(body), tmp_path)


def test_what_the_work_prints_does_not_matter(tmp_path, work):
    check_apart(work("print('no news', end='')"), tmp_path)


def test_digits_are_read_as_they_will_be(tmp_path, make_digit_dataset):
    digits = make_digit_dataset(28)
    digits.save(tmp_path / "digits.h5")
    for number in range(10):
        (tmp_path / "folder" / str(number)).mkdir(parents=True)
        Image.fromarray(255 - digits.images[digits.classes == number][0]).save(
            tmp_path / "folder" / f"{number}" / "1.png"
        )

    loaded = DigitImageDataset()
    for name, count in (("digits.h5", len(digits)), ("folder", 10)):
        loaded.load(tmp_path / name, ink="bright", orientation="upright", folder_size=np.int64(20), isolated=True)
        assert len(loaded) == count
    with pytest.raises(SpecError):
        loaded.load(tmp_path / "folder", folder_size=-1, isolated=True)
    assert len(loaded) == 10
