"""Fields that are kept between processes: the same as measured ones, and none that is damaged or of something else."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from number_generator.digits import kept_fields
from number_generator.digits.kept_fields import find_or_make


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kept_fields, "_SIZES", range(1000))
    return tmp_path


@pytest.fixture
def keep():
    """Return a function that finds or makes arrays of some inputs, and tells whether it has made them."""

    def keep(*inputs, value=1.5):
        made = []

        def make():
            made.append(True)
            return {"texels": np.arange(3, dtype=np.uint8), "stroke": np.asarray(value)}

        arrays = find_or_make("test", inputs, make)
        assert arrays["texels"].tolist() == [0, 1, 2]
        assert arrays["texels"].flags.writeable  # another type to the kernels
        assert arrays["stroke"].item() == value
        return bool(made)

    return keep


def find_files(folder):
    return sorted(folder.rglob("*.npz*"))


def test_arrays_are_made_once_for_each_input(keep, folder):
    numbers = np.zeros(4, np.uint8)

    assert [keep(1, numbers), keep(1, numbers), keep(2, numbers), keep(1, numbers.reshape(2, 2))] == [1, 0, 1, 1]
    assert [keep(1, numbers.astype(np.int8)), keep(1, numbers + 1), keep(b"x"), keep(1, numbers)] == [1, 1, 1, 0]


def test_damaged_files_are_made_again(keep, folder):
    keep(1)
    [path] = find_files(folder)
    content = path.read_bytes()
    for damaged in (b"", b"nonsense", content[:-1], content[:80], content.replace(b"\0\1\2", b"\0\1\3")):
        path.write_bytes(damaged)
        assert keep(1), damaged
        assert not keep(1)


def test_what_cannot_be_written_is_no_error_and_leaves_nothing(keep, folder, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for owner, name in ((Path, "replace"), (Path, "mkdir"), (np, "savez")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, refuse)
            assert keep(1)
            assert keep(1)
        assert not find_files(folder)


def test_few_files_are_kept_and_large_arrays_are_not(keep, folder, monkeypatch):
    for number in range(9):
        keep(number)
    assert len(find_files(folder)) == kept_fields._MOST_FILES
    assert not keep(8)

    monkeypatch.setattr(kept_fields, "_SIZES", range(10))
    assert keep(10)
    assert keep(10)
