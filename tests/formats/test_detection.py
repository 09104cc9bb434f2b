"""Formats are told apart by content, and every way in which a path can be wrong has one clear error."""

import errno
import gzip
import os
import pickle
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from number_generator.errors import DatasetError, DatasetNotFoundError, DatasetReadError, SpecError
from number_generator.formats.detection import detect_format
from number_generator.formats.paths import reading
from number_generator.formats.reader import load_arrays

IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
IDX_IMAGES = b"\0\0\x08\x03" + np.array(IMAGES.shape, ">u4").tobytes() + IMAGES.tobytes()
IDX_LABELS = b"\0\0\x08\x01\0\0\0\x02\x03\x07"


def write(path, kind):
    """Write a dataset in the given format under a name that tells nothing."""
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"images": IMAGES, "labels": [3, 7]}))
    elif kind == "hdf5":
        with h5py.File(path, "w") as file:
            file["images"], file["labels"] = IMAGES, [3, 7]
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, images=IMAGES, labels=[3, 7])
    else:
        path.write_bytes(gzip.compress(IDX_IMAGES) if kind == "idx gz" else IDX_IMAGES)
        path.with_name("a-labels-idx1-ubyte").write_bytes(IDX_LABELS)
    return path


@pytest.mark.parametrize("kind", ["pickle", "hdf5", "npz", "idx", "idx gz"])
@pytest.mark.parametrize("as_type", [str, lambda path: path], ids=["str", "Path"])
def test_a_format_is_told_by_content_and_not_by_name(tmp_path, kind, as_type):
    path = write(tmp_path / "a-images-idx3-ubyte", kind)

    assert detect_format(as_type(path)) == kind.split()[0]
    dataset = load_arrays(as_type(path))

    np.testing.assert_array_equal(dataset.images, IMAGES)
    assert list(map(int, dataset.labels)) == [3, 7]
    assert dataset.images.flags.owndata
    assert dataset.images.flags.writeable
    assert dataset.images.flags.c_contiguous


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_are_told(tmp_path, protocol):
    path = tmp_path / "digits"
    path.write_bytes(pickle.dumps({"images": IMAGES, "labels": [3, 7]}, protocol))

    assert detect_format(path) == "pickle"


@pytest.mark.parametrize("path", [None, 3, b"digits.pkl", ["digits.pkl"], 1.5])
@pytest.mark.parametrize("function", [load_arrays, detect_format])
def test_what_is_no_path_is_refused(path, function):
    with pytest.raises(SpecError, match="must be a string or a path object"):
        function(path)


def test_a_null_character_is_refused():
    with pytest.raises(SpecError, match="null"):
        load_arrays("a\0b")


@pytest.mark.parametrize("name", ["missing.pkl", "file/missing.pkl"])
def test_a_missing_file_is_named(tmp_path, name):
    (tmp_path / "file").write_bytes(b"x")

    with pytest.raises(DatasetNotFoundError, match=r"missing\.pkl: there is no such file"):
        load_arrays(tmp_path / name)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(DatasetReadError, match="folder"):
        load_arrays(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(DatasetReadError, match="not a regular file"):
        load_arrays(tmp_path / "pipe")


def test_a_link_to_itself_is_refused(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")

    with pytest.raises(
        DatasetReadError, match=r"this is a link to '.*loop', which leads back to itself; mend the link"
    ):
        load_arrays(tmp_path / "loop")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = write(tmp_path / "digits", "pickle")
    path.chmod(0)

    with pytest.raises(DatasetReadError, match="Permission denied"):
        load_arrays(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"hello, world",
        b"\0" * 100,
        b"\x89PNG\r\n\x1a\n",
        b'{"images": []}',
        b"\x89HDF\r\n",
        gzip.compress(b"hello, world", mtime=0),
        gzip.compress(b"", mtime=0),
        b"\x1f\x8b",
        b"\x1f\x8b\x08\0\0\0\0\0\0\0garbage",
    ],
    ids=repr,
)
def test_unknown_content_is_refused_in_words(tmp_path, content):
    path = tmp_path / "digits.pkl"
    path.write_bytes(content)

    with pytest.raises(DatasetError, match=r"digits\.pkl: .*A dataset is a pickle, an HDF5 file"):
        load_arrays(path)


@pytest.mark.parametrize(
    ("raised", "expected", "words"),
    [
        (MemoryError(), DatasetError, "does not fit in memory"),
        (RecursionError("deep"), DatasetError, "RecursionError: deep"),
        (OSError("bad block"), DatasetError, "damaged"),
        (OSError(errno.EIO, "Input/output error"), DatasetReadError, "cannot be read: Input/output error"),
        (SpecError("as it is"), SpecError, "^as it is$"),
    ],
)
def test_every_failure_becomes_an_error_of_the_package(raised, expected, words):
    with pytest.raises(expected, match=words), reading(Path("digits.pkl"), "A valid file."):
        raise raised


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="a file of Linux")
def test_a_file_of_the_system_without_a_size_is_not_read():
    with pytest.raises(DatasetError, match="the file is empty"):
        detect_format("/proc/version")


def test_importing_the_package_loads_no_hdf5():
    code = "import sys, number_generator.formats.reader; print(sorted({'h5py', 'isal', 'deflate'} & set(sys.modules)))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"
