"""Whatever is in a file, loading it ends in a dataset or in one of the package's errors, in bounded memory."""

import gzip
import os
import pickle
import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from number_generator.errors import DatasetError, NumberGeneratorError
from number_generator.formats.reader import load_arrays

IMAGES = np.arange(60, dtype=np.uint8).reshape(5, 3, 4)
LABELS = ["3", "78", "", "4", "é"]
METADATA = {"spacing_range": (5, 10), "nested": [1.5, None, {"a": b"b"}]}
KINDS = [
    *(f"pickle {protocol}" for protocol in range(2, 6)),
    "pickle arrays",
    "npz",
    "npz compressed",
    "idx",
    "idx gz",
    "hdf5",
    "hdf5 gzip",
]
MANY = settings(derandomize=True, database=None, deadline=None, max_examples=50)
MOST_MEMORY = 300 << 20


def content_of(kind, folder):
    """Return the bytes of a valid dataset of a kind."""
    path = folder / "valid"
    if kind == "pickle arrays":
        return pickle.dumps({"images": list(IMAGES), "labels": list(np.array(LABELS))})
    if kind.startswith("pickle"):
        content = {"images": IMAGES, "labels": LABELS, "metadata": METADATA}
        return pickle.dumps(content, int(kind.split()[1]))
    if kind.startswith("npz"):
        save = np.savez_compressed if kind == "npz compressed" else np.savez
        with path.open("wb") as file:
            save(file, images=IMAGES, labels=np.array(LABELS), metadata='{"a": 1}')
        return path.read_bytes()
    if kind.startswith("idx"):
        content = b"\0\0\x08\x03" + np.array(IMAGES.shape, ">u4").tobytes() + IMAGES.tobytes()
        return gzip.compress(content, mtime=0) if kind == "idx gz" else content
    options = {"chunks": (2, 3, 4), "compression": "gzip"} if kind == "hdf5 gzip" else {}
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=IMAGES, **options)
        file["labels"] = LABELS if options else np.array(["3", "78", "", "4", "5"], "S")
        file.attrs["spacing_range"] = (5, 10)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "a-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x05\x01\x02\x03\x04\x05")
    return folder


@pytest.fixture(scope="module", params=KINDS)
def valid(request, folder):
    return content_of(request.param, folder)


def load_or_refuse(folder, content):
    path = folder / "a-images-idx3-ubyte"
    path.write_bytes(content)
    try:
        dataset = load_arrays(path)
    except NumberGeneratorError as exc:
        assert str(path) in str(exc)
        return
    assert dataset.images.dtype == np.uint8
    assert dataset.images.ndim == 3
    assert len(dataset.images) == len(dataset.labels)


def test_the_files_that_are_damaged_below_are_valid(folder, valid):
    path = folder / "a-images-idx3-ubyte"
    path.write_bytes(valid)

    np.testing.assert_array_equal(load_arrays(path).images, IMAGES)


@MANY
@given(data=st.data())
def test_flipped_bytes_do_no_harm(folder, valid, data):
    content = bytearray(valid)
    places = st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, min_size=1, max_size=6)):
        content[place] = value

    load_or_refuse(folder, content)


@MANY
@given(data=st.data())
def test_missing_and_additional_bytes_do_no_harm(folder, valid, data):
    start = data.draw(st.integers(0, len(valid)))
    stop = data.draw(st.integers(start, len(valid)))
    content = valid[:start] + data.draw(st.binary(max_size=20)) + valid[stop:]

    load_or_refuse(folder, content)


SIGNATURES = [
    b"",
    b"\x80\x02",
    b"\x80\x05",
    b"(",
    b"}",
    b"PK\x03\x04",
    b"\0\0\x08\x03",
    b"\x1f\x8b\x08",
    b"\x89HDF\r\n\x1a\n",
]


@MANY
@given(start=st.sampled_from(SIGNATURES), rest=st.binary(max_size=200))
def test_random_bytes_do_no_harm(folder, start, rest):
    load_or_refuse(folder, start + rest)


OPCODES = st.sampled_from([value[0] for name, value in vars(pickle).items() if name.isupper() and type(value) is bytes])
GLOBALS = st.sampled_from(
    [b"cnumpy\ndtype\n", b"cnumpy.core.multiarray\nscalar\n", b"cbuiltins\nbytes\n", b"cnumpy\nndarray\n"]
)
FRAGMENTS = st.one_of(
    OPCODES.map(lambda code: bytes([code])), GLOBALS, st.binary(max_size=4), st.just(b"X\x02\0\0\0u1")
)


@settings(MANY, max_examples=200)
@given(fragments=st.lists(FRAGMENTS, max_size=40))
def test_random_opcodes_do_no_harm(folder, fragments):
    load_or_refuse(folder, b"\x80\x04" + b"".join(fragments) + b".")


def npz_claiming(size):
    """Return an NPZ archive of images whose two size fields lie."""
    header = b"\x93NUMPY\x01\0\x60\0{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 1, 1)}" % (size - 106)
    data = header.ljust(106)
    name = b"images.npy"
    sizes = struct.pack("<III", 0, size, size)
    local = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0" + sizes + struct.pack("<HH", len(name), 0) + name + data
    central = b"PK\x01\x02\x14\0\x14\0\0\0\0\0\0\0\0\0" + sizes + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(central) + len(name), len(local), 0)
    return local + central + name + end


LYING = {
    "LONG_BINPUT": b"\x80\x02}r\xff\xff\xff\x7f.",
    "BINBYTES8": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b".",
    "BYTEARRAY8": b"\x80\x05\x96" + struct.pack("<Q", 2**36) + b".",
    "BINUNICODE8": b"\x80\x04\x8d" + struct.pack("<Q", 2**36) + b".",
    "BINUNICODE": b"\x80\x02X\xff\xff\xff\xff.",
    "BINBYTES": b"\x80\x03B\xff\xff\xff\x7f.",
    "FRAME": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"}.",
    "bytearray": b"\x80\x02cbuiltins\nbytearray\n\x8a\x05\0\0\0\0\x01\x85R.",
    "bytes": b"\x80\x02cbuiltins\nbytes\n\x8a\x05\0\0\0\0\x01\x85R.",
    "dtype": b"\x80\x02cnumpy\ndtype\nX\x0a\0\0\0S999999999\x85R.",
    "_reconstruct": (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n\x8a\x05\0\0\0\0\x01\x85C\x01b\x87R."
    ),
    "many lists": b"\x80\x04](" + b"]" * 3_000_000 + b"e.",
    "many copies": (
        b"\x80\x02c_codecs\nencode\nq\x00X\x00\x00\x10\x00" + b"x" * 2**20 + b"X\x06\0\0\0latin1\x86q\x01"
        b"](" + b"h\x00h\x01R" * 10_000 + b"e."
    ),
    "idx": b"\0\0\x08\x03\xff\xff\xff\xff\0\0\0\x01\0\0\0\x01",
    "idx gz": gzip.compress(b"\0\0\x08\x03\xff\xff\xff\xff\0\0\0\x01\0\0\0\x01"),
    "npz": npz_claiming(2**31),
}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory with RLIMIT_AS")
def test_files_that_claim_more_than_they_hold_take_little_memory(tmp_path):
    paths = []
    for name, content in LYING.items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    code = f"""
import pathlib, resource, sys
from number_generator.formats.reader import load_arrays
used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {MOST_MEMORY},) * 2)
for path in sys.argv[1:]:
    try:
        load_arrays(path)
    except Exception as exc:
        is_refused = type(exc).__name__ == "DatasetError" and "fit in memory" not in str(exc)
        print("refused" if is_refused else repr(exc))
    else:
        print("loaded", path)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    result = subprocess.run(
        [sys.executable, "-c", code, *paths], env=environment, capture_output=True, text=True, check=True
    )

    assert result.stdout.splitlines() == ["refused"] * len(paths)


@pytest.mark.parametrize("name", LYING)
def test_a_file_that_claims_more_than_it_holds_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(LYING[name])

    with pytest.raises(DatasetError, match=name):
        load_arrays(tmp_path / name)
