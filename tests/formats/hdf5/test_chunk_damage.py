"""Damaged chunks: refused, or read as HDF5 reads them, without a crash and in little memory."""

import gzip
import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from chunked import COUNT, IMAGES, LABELS, LENGTH, check_as_hdf5, replace_chunk, run_python, write
from hypothesis import given
from hypothesis import strategies as st

from number_generator.errors import DatasetError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.reader import load_arrays


def chunk_place(path, name):
    """Where the second chunk of a dataset lies in its file."""
    with h5py.File(path) as file:
        info = file[name].id.get_chunk_info(1)
    assert info.chunk_offset[0] == LENGTH
    return range(info.byte_offset, info.byte_offset + info.size)


@pytest.mark.parametrize("name", ["images", "labels"])
@pytest.mark.parametrize("bit", [0, *(pytest.param(bit, marks=pytest.mark.slow) for bit in (1, 3)), 7])
@pytest.mark.parametrize("kind", ["noise", "pattern"])
def test_a_flipped_bit_anywhere_in_a_chunk_is_noticed(tmp_path, name, bit, kind):
    images = IMAGES if kind == "noise" else np.tile(np.array([0, 0, 9, 255], np.uint8), (COUNT, 3, 1))
    path = write(tmp_path / "a.h5", images)
    content, places = path.read_bytes(), chunk_place(path, name)

    refused = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        with Hdf5Reader(path) as reader:
            read = reader.images if name == "images" else reader.labels
            before = read(0, LENGTH)
            try:
                found = read(LENGTH, 2 * LENGTH)
            except DatasetError as exc:
                assert str(path) in str(exc)
                refused += 1
            else:
                right = images if name == "images" else [label.decode() for label in LABELS.tolist()]
                assert np.array_equal(found, right[LENGTH : 2 * LENGTH])
            after = read(0, LENGTH)
        assert np.array_equal(before, after)

    # A bit of the header that tells no more than the level may be any.
    assert refused >= len(places) - 2


STREAM = zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes())
WITH_DICTIONARY = zlib.compressobj(zdict=IMAGES.tobytes())
DAMAGED = {
    "wrong checksum": STREAM[:-1] + bytes([STREAM[-1] ^ 1]),
    "checksum of nothing": STREAM[:-4] + b"\0\0\0\1",
    "no checksum": STREAM[:-4],
    "no stream": STREAM[:2],
    "one byte": STREAM[:1],
    "raw deflate": STREAM[2:-4],
    "gzip": gzip.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()),
    "dictionary": WITH_DICTIONARY.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()) + WITH_DICTIONARY.flush(),
    "zeros": bytes(200),
    "ones": b"\xff" * 200,
    "text": b"nothing of a stream" * 9,
    "reserved block": b"\x78\x9c\x07" + bytes(20),
}
ODD = {
    "a window too large": b"\x88\x1c" + STREAM[2:],
    "rubbish after it": STREAM + b"rubbish",
    "another stream after it": STREAM + STREAM,
    "one byte more": zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes() + b"x"),
    "twice as long": zlib.compress(IMAGES[LENGTH : 3 * LENGTH].tobytes()),
    "a million bytes": zlib.compress(bytes(10**6)),
}
SHORTER = {
    "one byte less": zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()[:-1]),
    "half": zlib.compress(IMAGES[LENGTH : 2 * LENGTH].tobytes()[:48]),
    "one byte": zlib.compress(b"x"),
    "nothing": zlib.compress(b""),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_stream_that_is_none_is_refused(tmp_path, name):
    path = replace_chunk(write(tmp_path / "a.h5"), DAMAGED[name])

    check_as_hdf5(path)
    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, LENGTH), IMAGES[:LENGTH])
        for read in (reader.images, reader.images, lambda start, _: reader.image(start)):
            with pytest.raises(DatasetError, match=r"a\.h5: "):
                read(LENGTH, 2 * LENGTH)
        with pytest.raises(DatasetError, match=r"a\.h5: "):
            reader.images(0, COUNT)
        np.testing.assert_array_equal(reader.images(2 * LENGTH, COUNT), IMAGES[2 * LENGTH :])
    with pytest.raises(DatasetError, match=r"a\.h5: "):
        load_arrays(path)


def test_a_stream_cut_anywhere_is_refused(tmp_path):
    path = write(tmp_path / "a.h5")

    for size in range(1, len(STREAM)):
        replace_chunk(path, STREAM[:size])
        with Hdf5Reader(path) as reader, pytest.raises(DatasetError, match=r"a\.h5: "):
            reader.images(LENGTH, 2 * LENGTH)


@pytest.mark.parametrize("name", ODD)
def test_a_stream_of_more_than_a_chunk_or_a_window_is_refused_or_read_right(tmp_path, name):
    path = replace_chunk(write(tmp_path / "a.h5"), ODD[name])

    check_as_hdf5(path)


@pytest.mark.parametrize("name", SHORTER)
def test_a_stream_of_less_than_a_chunk_is_refused(tmp_path, name):
    # HDF5 gives what lies in memory behind it.
    path = replace_chunk(write(tmp_path / "a.h5"), SHORTER[name])

    with Hdf5Reader(path) as reader:
        for number in (LENGTH, 2 * LENGTH - 1):
            with pytest.raises(DatasetError):
                reader.image(number)
    with pytest.raises(DatasetError):
        load_arrays(path)


@pytest.mark.parametrize("size", [1, 95])
def test_a_chunk_that_is_stored_as_it_was_but_cut_is_refused(tmp_path, size):
    path = replace_chunk(write(tmp_path / "a.h5"), IMAGES[LENGTH : 2 * LENGTH].tobytes()[:size], mask=1)

    with Hdf5Reader(path) as reader, pytest.raises(DatasetError):
        reader.image(2 * LENGTH - 1)


def test_a_chunk_that_is_stored_as_it_was_with_more_behind_it_is_refused_or_what_hdf5_gives(tmp_path):
    path = replace_chunk(write(tmp_path / "a.h5"), IMAGES[LENGTH : 2 * LENGTH].tobytes() + b"more", mask=1)

    check_as_hdf5(path)


@pytest.mark.parametrize(
    "stream",
    [zlib.compress(b"12\0\0"), zlib.compress(LABELS[8:16].tobytes())[:-1], b"\0"],
    ids=["one label", "cut", "no stream"],
)
def test_damaged_labels_are_refused(tmp_path, stream):
    path = replace_chunk(write(tmp_path / "a.h5"), stream, name="labels")

    with Hdf5Reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, 8) == [label.decode() for label in LABELS[:8].tolist()]
        with pytest.raises(DatasetError):
            reader.labels(9, 10)
    with pytest.raises(DatasetError):
        load_arrays(path)


@given(data=st.data())
def test_any_bytes_in_place_of_a_stream_do_no_harm(tmp_path_factory, data):
    path = write(tmp_path_factory.mktemp("bytes") / "a.h5")
    start = data.draw(st.integers(0, len(STREAM)))
    stop = data.draw(st.integers(start, len(STREAM)))
    stream = STREAM[:start] + data.draw(st.binary(max_size=20)) + STREAM[stop:]

    check_as_hdf5(replace_chunk(path, stream or b"\0"))


_READ_LARGE = """
import sys
from number_generator.errors import DatasetError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.reader import load_arrays

for path in sys.argv[1:]:
    with Hdf5Reader(path) as reader:
        for read in (lambda: reader.images(0, len(reader)), lambda: reader.image(7), lambda: load_arrays(path)):
            try:
                read()
            except DatasetError:
                print("refused", flush=True)
            else:
                print("read", flush=True)
"""


def test_a_large_chunk_of_a_few_bytes_is_refused_and_crashes_nothing(tmp_path):
    paths = []
    for name, data, mask in (("stream", zlib.compress(b"few bytes"), 0), ("rows", b"few bytes", 1)):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            file.create_dataset("images", (20_000, 28, 100), np.uint8, chunks=(20_000, 28, 100), compression="gzip")
            file.create_dataset("labels", data=np.full(20_000, b"1"))
        # Padding, so that the file could hold what it claims.
        path.write_bytes(path.read_bytes() + bytes(100_000))
        paths.append(replace_chunk(path, data, mask=mask, number=0))

    done = run_python(_READ_LARGE, *paths)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["refused"] * 6


def bomb(mebibytes):
    """A valid stream of zeros."""
    deflater = zlib.compressobj(9, wbits=-15)
    piece = deflater.compress(bytes(2**20)) + deflater.flush(zlib.Z_FULL_FLUSH)
    size = mebibytes * 2**20
    # The checksum of zeros is 1 in its lower half, and their number in its upper one.
    return b"\x78\x9c" + piece * mebibytes + b"\x03\0" + struct.pack(">I", size % 65521 << 16 | 1)


def test_a_bomb_is_a_valid_stream():
    assert zlib.decompress(bomb(3)) == bytes(3 * 2**20)


_READ_BOMBS = """
import pathlib, sys
from number_generator.errors import DatasetError
from number_generator.formats.hdf5.reader import Hdf5Reader

def memory(name):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) // 1024

def read_all(path):
    with Hdf5Reader(path) as reader:
        for read in (lambda: reader.images(8, 16), lambda: reader.image(9), lambda: reader.labels(8, 16)):
            try:
                found = read()
            except DatasetError as exc:
                assert "fit in memory" not in str(exc)
            else:
                assert len(found) in (3, 8)

read_all(sys.argv[1])
before = memory("VmRSS")
for path in sys.argv[2:]:
    read_all(path)
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc tells how much memory was used")
@pytest.mark.parametrize("name", ["images", "labels"])
def test_a_stream_without_end_takes_little_memory(tmp_path, name):
    good = write(tmp_path / "good.h5")
    bad = replace_chunk(write(tmp_path / "bad.h5"), bomb(1024), name=name)

    done = run_python(_READ_BOMBS, good, bad)

    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) < 100  # MiB
