"""Datasets as LMDBs, whose maps grow with their data."""

import shutil

import numpy as np
import pytest
from written import header_of, pixels, read, write_dataset

from number_generator.errors import OutputError
from number_generator.formats.lmdb import writer as lmdb_folder
from number_generator.formats.writer import open_writer

lmdb = pytest.importorskip("lmdb")


@pytest.mark.parametrize("size", [(6, 9), (28, 100), (40, 80)])
def test_an_lmdb_is_hardly_larger_than_what_it_holds(tmp_path, size):
    write_dataset(tmp_path / "set", "lmdb", 2000, truth=False, size=size)

    with lmdb.open(str(tmp_path / "set"), readonly=True, lock=False) as env, env.begin() as transaction:
        pairs = list(transaction.cursor())
    file_bytes = (tmp_path / "set" / "data.mdb").stat().st_size
    # A value of more than half a page takes whole pages, which is LMDB's way.
    held = sum(len(key) + (len(value) if len(value) < 2000 else -(-len(value) // 4096) * 4096) for key, value in pairs)
    assert file_bytes < 1.25 * held + 2**18


def test_the_map_of_an_lmdb_grows_with_its_data(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_folder, "_GROWTH_BYTES", 2**18)
    monkeypatch.setattr(lmdb_folder, "_TRANSACTION_BYTES", 2**17)

    images, _, _ = write_dataset(tmp_path / "set", "lmdb", 300, size=(100, 100))

    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", "lmdb").images], images)
    with lmdb.open(str(tmp_path / "set"), map_size=1, readonly=True, lock=False) as env:
        size = (tmp_path / "set" / "data.mdb").stat().st_size
        assert size <= env.info()["map_size"] < size + 3 * 2**20


@pytest.mark.parametrize(("free", "reason"), [(0, "No space left on device"), (2**40, "Input/output error")])
def test_a_page_of_an_lmdb_that_was_written_in_part_is_told_as_a_full_disk(tmp_path, monkeypatch, free, reason):
    monkeypatch.setattr(lmdb_folder.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(2**40, 2**40 - free, free))

    with (
        pytest.raises(OutputError, match=f"cannot write .*set: {reason}; nothing was left behind"),
        open_writer("lmdb", tmp_path / "set", header_of(1), overwrite=False) as writer,
        writer._translate_errors(),
    ):
        raise lmdb.DiskError("mdb_txn_commit: Input/output error")


def test_an_image_larger_than_a_transaction_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(lmdb_folder, "_TRANSACTION_BYTES", 1000)

    images, _, _ = write_dataset(tmp_path / "set", "lmdb", 5, size=(200, 300))

    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", "lmdb").images], images)
