"""What holds where a dataset cannot be finished, in every format: one error, and nothing is left behind."""

import errno
import io
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from patience import PATIENCE_S
from small_dataset import FILES
from written import header_of, make_images, make_labels, names_in, tree, write_arrays, write_dataset

from number_generator.errors import OutputError
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk
from number_generator.job.spec import Span
from number_generator.system.atomic_file import AtomicFile
from number_generator.system.atomic_folder import AtomicFolder

# --- every format


def test_leaving_a_writer_without_commit_leaves_nothing(tmp_path, storage):
    with open_writer(path=tmp_path / "set", header=header_of(4), overwrite=False, **storage) as writer:
        writer.write(writer.encode(Chunk(Span(0, 4), make_images(4), make_labels(4))))
        assert names_in(tmp_path) == [writer.temporary_path.name]

    assert names_in(tmp_path) == []


def test_an_error_in_the_middle_leaves_nothing_and_the_earlier_dataset_untouched(tmp_path, storage):
    path = write_arrays(tmp_path / "set", make_images(4), make_labels(4), **storage)
    earlier = tree(path)

    with (
        pytest.raises(ZeroDivisionError),
        open_writer(path=path, header=header_of(5), overwrite=True, **storage) as writer,
    ):
        writer.write(writer.encode(Chunk(Span(0, 5), make_images(5), make_labels(5))))
        raise ZeroDivisionError

    assert names_in(tmp_path) == ["set"]
    assert tree(path) == earlier


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells where an open file is")
def test_nothing_is_left_in_a_folder_that_is_renamed_meanwhile(tmp_path, storage):
    with (
        pytest.raises(OutputError, match=r"cannot write .*set: No such file or directory; nothing was left behind"),
        open_writer(path=tmp_path / "deep" / "set", header=header_of(4), overwrite=False, **storage) as writer,
    ):
        (tmp_path / "deep").rename(tmp_path / "moved")
        writer.write(writer.encode(Chunk(Span(0, 4), make_images(4), make_labels(4))))
        writer.commit()

    assert names_in(tmp_path) == ["moved"]
    assert names_in(tmp_path / "moved") == []


# --- files


@FILES
def test_an_interruption_inside_a_later_write_leaves_nothing(tmp_path, monkeypatch, file_format, compression):
    images, labels = make_images(1024, 28, 100), make_labels(1024)
    first, second = (Chunk(Span(n, n + 512), images[n : n + 512], labels[n : n + 512]) for n in (0, 512))

    def interrupt(*_):
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        open_writer(
            file_format, tmp_path / "set", header_of(1024, 28, 100), overwrite=False, compression=compression
        ) as writer,
    ):
        writer.write(writer.encode(first))
        monkeypatch.setattr(AtomicFile, "write_back", interrupt)
        writer.write(writer.encode(second))

    assert names_in(tmp_path) == []


@FILES
@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_failing_commit_is_one_error_and_leaves_nothing(tmp_path, monkeypatch, file_format, compression, owner, call):
    path = tmp_path / "set"
    path.write_bytes(b"earlier")

    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, fail)
        with pytest.raises(OutputError, match=r"cannot write .*set: Input/output error; nothing was left behind"):
            write_arrays(path, make_images(2), make_labels(2), file_format, overwrite=True, compression=compression)

    assert names_in(tmp_path) == ["set"]
    assert path.read_bytes() == b"earlier"


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes is needed")
@pytest.mark.parametrize("room", [1, 1_000, 100_000])
@FILES
def test_a_limit_on_the_size_of_a_file_is_one_error_and_leaves_nothing(tmp_path, file_format, compression, room):
    import resource  # noqa: PLC0415 - Windows has none

    images, labels = make_images(200, 28, 100), make_labels(200)
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (room, earlier[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*set: File too large; nothing was left behind"):
            write_arrays(tmp_path / "set", images, labels, file_format, compression=compression)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)

    assert names_in(tmp_path) == []


@pytest.fixture(params=["512k", "2m"])
def small_disk(request, tmp_path):
    """A small file system, mounted in a folder."""
    path = tmp_path / "disk"
    path.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs", path],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted: {done.stderr.strip()}")
    yield path
    subprocess.run(["umount", path], check=True)


_FILL_A_DISK = """
import sys
import numpy as np
from pathlib import Path
from number_generator.errors import OutputError
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span

path = sys.argv[1]
images = np.random.default_rng(0).integers(0, 256, (512, 28, 100), np.uint8)
labels = np.full(512, b"01234567890")
header = DatasetHeader((8 * 512, 28, 100), 11, {"job": "x" * 500})
for option in sys.argv[2:]:
    file_format, compression = option.split("-")
    try:
        with open_writer(file_format, Path(path), header, overwrite=True, compression=compression) as writer:
            for start in range(0, 8 * 512, 512):
                writer.write(writer.encode(Chunk(Span(start, start + 512), images, labels)))
            writer.commit()
    except OutputError as exc:
        print(exc)
"""


def test_a_disk_that_gets_full_is_one_error_and_leaves_nothing(small_disk):
    path = small_disk / "set"
    path.write_bytes(b"earlier")
    options = ["hdf5-gzip", "hdf5-none", "npz-none", "pickle-none"]

    # In a process of its own: HDF5 may crash when it ends with a file that could not be closed.
    done = subprocess.run(
        [sys.executable, "-c", _FILL_A_DISK, path, *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    said = f"cannot write {path}: No space left on device; nothing was left behind\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, len(options) * said, "")
    assert names_in(small_disk) == ["set"]
    assert path.read_bytes() == b"earlier"


# --- folders


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("room", [0, 100, 20_000])
def test_a_limit_on_file_sizes_in_a_folder_is_one_error_and_leaves_nothing(tmp_path, folder_format, room):
    import resource  # noqa: PLC0415 - Windows has none

    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    # LMDB takes a write that was cut short for one of these, as the limit leaves some room or none.
    reason = (
        "File too large" if folder_format != "lmdb" else "(File too large|No space left on device|Input/output error)"
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, earlier[1]))
    try:
        with pytest.raises(OutputError, match=rf"cannot write .*set: {reason}; nothing was left behind"):
            write_dataset(tmp_path / "set", folder_format, 30, size=(150, 150))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)

    assert names_in(tmp_path) == []


def test_a_full_disk_is_one_error_and_leaves_nothing(tmp_path, folder_format, monkeypatch):
    if folder_format == "lmdb":
        pytest.skip("LMDB writes by itself")
    write_dataset(tmp_path / "set", folder_format, 3)
    earlier = tree(tmp_path / "set")
    create, store = AtomicFolder.create, os.write

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    class FullFile(io.FileIO):
        write = refuse

    monkeypatch.setattr(AtomicFolder, "create", lambda self, name: FullFile(create(self, name).name, "r+"))
    monkeypatch.setattr(os, "write", refuse)
    with (
        pytest.raises(OutputError, match=r"cannot write .*set: .*No space left on device"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # the files that ours take the place of
        write_dataset(tmp_path / "set", folder_format, 30, overwrite=True)
    monkeypatch.setattr(os, "write", store)

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == earlier
