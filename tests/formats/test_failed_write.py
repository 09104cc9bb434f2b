"""One write that fails, whichever it is: the run fails too, says so in one line, and leaves nothing."""

import errno
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import small_dataset
from failed_writes import build_library, fail_writes
from patience import PATIENCE_S
from written import header_of, names_in

from number_generator.errors import OutputError
from number_generator.formats.conversion import write_dataset
from number_generator.formats.hdf5.index_writer import write_index
from number_generator.formats.hdf5.shielded_file import ShieldedFile


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """What lets writes fail."""
    path = build_library(tmp_path_factory.mktemp("library"))
    return path or pytest.skip("a C compiler and a system that preloads libraries are needed")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "lasting"), [(errno.EIO, False), (errno.ENOSPC, True)], ids=["one write fails", "the disk gets full"]
)
def test_a_run_ends_well_only_if_all_of_it_was_written(tmp_path, library, error, lasting):
    formats = filter(small_dataset.is_installed, small_dataset.FORMATS)
    cases = ["index", "split", "shards", "overwrite", "uncompressed", *formats]

    found = fail_writes(library, tmp_path, error, cases, lasting=lasting, timeout=PATIENCE_S)

    assert list(found) == cases
    for case, writes in found.items():
        assert writes["findings"] == [], case
        assert writes["failed"] == writes["writes"] > 1, case


@pytest.mark.parametrize("write", ["gzip", "none", "index"])
def test_hdf5_ends_well_only_if_all_of_it_was_written(tmp_path, monkeypatch, write):
    store, seen = ShieldedFile._write_all, []

    def run(failing):
        seen.clear()

        def fail_once(self, view):
            seen.append(len(view))
            if len(seen) == failing:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            store(self, view)

        monkeypatch.setattr(ShieldedFile, "_write_all", fail_once)
        if write == "index":
            write_index(tmp_path / "set.h5", header_of(4), [("a.h5", 1), ("b.h5", 3)], overwrite=False)
        else:
            write_dataset(small_dataset.in_memory(), tmp_path / "set.h5", "hdf5", compression=write, workers=1)

    run(0)
    writes = len(seen)
    (tmp_path / "set.h5").unlink()

    for number in range(1, writes + 1):
        with pytest.raises(OutputError, match=r"cannot write .*set\.h5: Input/output error; nothing was left behind"):
            run(number)
        assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("held", "reason"),
    [(b"first.h5b.h5", "what was written reads back as something else"), (b"first.h5", ""), (b"SNOD", "")],
    ids=["the names of shards", "the names of shards and where images lead", "the list of arrays"],
)
def test_an_index_that_reads_back_as_something_else_is_not_kept(tmp_path, monkeypatch, held, reason):
    def lose(self, view):
        self._raw.seek(self._position)
        self._raw.write(bytes(view).replace(held, bytes(len(held))))

    monkeypatch.setattr(ShieldedFile, "_write_all", lose)

    with pytest.raises(OutputError, match=rf"cannot write .*set\.h5: .*{reason}"):
        write_index(tmp_path / "set.h5", header_of(4), [("first.h5", 1), ("b.h5", 3)], overwrite=False)

    assert names_in(tmp_path) == []


def test_hdf5_closes_as_if_nothing_were_once_a_write_has_failed(tmp_path):
    with (tmp_path / "set.h5").open("x+b") as file:
        shielded = ShieldedFile(file)
        with h5py.File(shielded, "w") as made:
            made["numbers"] = np.arange(1000)
            shielded.error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            made.create_dataset("more", data=np.arange(1000), chunks=(10,))
            made.flush()

        with h5py.File(shielded, "r") as read:
            assert read["more"][()].tolist() == list(range(1000))
        with pytest.raises(OSError, match="No space left"):
            shielded.check()


def test_ctrl_c_within_a_write_of_hdf5_ends_the_writer(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ShieldedFile, "_write_all", interrupt)

    with pytest.raises(KeyboardInterrupt):
        small_dataset.write(tmp_path / "set.h5", "hdf5")

    assert names_in(tmp_path) == []


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of three pages, mounted in a folder."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", path]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted")
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--compression=none"], ["--resume"], ["--shards=3"]], ids="".join)
def test_a_split_on_a_disk_that_is_full_at_once_is_one_error(tiny_disk, more):
    command = (
        "from number_generator.commands.work import production; production.check_space = lambda *_, **__: None\n"
        "from number_generator.entry import generate_phone_numbers as run; run()"
    )
    options = ["--num-images=3000", "--split=a=0.5,b=0.5", f"--output-path={tiny_disk}/set.h5", "--quiet", *more]

    done = subprocess.run(
        [sys.executable, "-c", command, *options], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )

    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [name for name in names_in(tiny_disk) if not name.endswith(".journal")] == []
