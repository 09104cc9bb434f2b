"""Pickles, NPZ archives and IDX files that are mapped: the same as if they were read, and memory stays flat."""

import gzip
import mmap
import os
import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_dataset import COUNT, IMAGES, LABELS, TRUTH, assert_whole, write

from number_generator.errors import DatasetError, DatasetIndexError, NumberGeneratorError, SpecError
from number_generator.formats import mmap_reader, paths
from number_generator.formats.mmap_reader import MappedReader
from number_generator.formats.pickle import machine as pickle_machine
from number_generator.formats.reader import open_reader

RAW_IDX = b"\0\0\x08\x03" + np.array(IMAGES.shape, ">u4").tobytes() + IMAGES.tobytes()


def is_in_file(array):
    """Tell whether an array looks into a mapping."""
    while isinstance(array, np.ndarray):
        array = array.base
    return isinstance(array.obj if isinstance(array, memoryview) else array, mmap.mmap)


def images_of(reader):
    with reader._lend() as handles:
        return handles.raw.images


def write_idx(folder, content=RAW_IDX, name="a-images-idx3-ubyte"):
    labels = b"\0\0\x08\x01" + np.array([COUNT], ">u4").tobytes() + bytes(range(COUNT))
    (folder / "a-labels-idx1-ubyte").write_bytes(labels)
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.fixture(params=["pickle", "npz"])
def path(request, tmp_path):
    return write(tmp_path / "lines", request.param)


def test_a_mapped_file_gives_what_was_written(path):
    with open_reader(path, mapped=True) as reader:
        assert isinstance(reader, MappedReader)
        assert_whole(reader)


def test_images_and_truth_stay_in_the_file(path, monkeypatch):
    monkeypatch.setattr(pickle_machine, "_LONG_BYTES", 1)  # shorter ones are copied

    with open_reader(path, mapped=True) as reader:
        with reader._lend() as handles:
            raw = handles.raw

        assert is_in_file(raw.images)
        assert not raw.images.flags.writeable
        assert all(is_in_file(array) for array in raw.truth.values())


@pytest.mark.parametrize("bounds", [(0, 0), (2, 5), (1, 7, 2), (7, 7)])
def test_any_slice_of_a_mapped_file_can_be_read(path, bounds):
    with open_reader(path, mapped=True) as reader:
        part = slice(*bounds)

        np.testing.assert_array_equal(reader.images(*bounds), IMAGES[part])
        assert reader.labels(*bounds) == LABELS[part]
        np.testing.assert_array_equal(reader.truth("boxes", *bounds), TRUTH["boxes"][part])


def test_what_is_given_is_the_callers_own(path):
    with open_reader(path, mapped=True) as reader:
        reader.images(0, 2)[:] = 7

        np.testing.assert_array_equal(reader.images(0, 2), IMAGES[:2])


def test_a_mapped_reader_can_be_pickled_and_closed(path):
    with open_reader(path, mapped=True) as reader:
        again = pickle.loads(pickle.dumps(reader))
    assert_whole(again)

    with pytest.raises(SpecError, match="closed"):
        reader.images(0, 1)
    with pytest.raises(DatasetIndexError):
        again.image(COUNT)


def test_other_formats_are_read_as_ever(tmp_path):
    with open_reader(write(tmp_path / "lines", "hdf5"), mapped=True) as reader:
        assert not isinstance(reader, MappedReader)
        assert_whole(reader)


def test_raw_idx_stays_in_the_file(tmp_path):
    with open_reader(write_idx(tmp_path), mapped=True) as reader:
        assert is_in_file(images_of(reader))
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)
        assert reader.labels(0, COUNT) == [str(number) for number in range(COUNT)]


def test_gzipped_idx_is_unpacked_into_memory(tmp_path):
    path = write_idx(tmp_path, gzip.compress(RAW_IDX), "a-images-idx3-ubyte.gz")

    with open_reader(path, mapped=True) as reader:
        assert not is_in_file(images_of(reader))
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)


@pytest.mark.parametrize(
    ("content", "words"),
    [(RAW_IDX[:-1], "ends after|can hold"), (RAW_IDX + b"\0", "goes on"), (RAW_IDX[:9], "cut short")],
)
def test_raw_idx_of_another_size_is_refused(tmp_path, content, words):
    with pytest.raises(DatasetError, match=words):
        open_reader(write_idx(tmp_path, content), mapped=True)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_archives_of_numpy_are_read_in_either_order(tmp_path, save, order):
    save(tmp_path / "a.npz", images=np.asarray(IMAGES, order=order), labels=np.arange(COUNT))

    with open_reader(tmp_path / "a.npz", mapped=True) as reader:
        assert is_in_file(images_of(reader)) == (save is np.savez)
        np.testing.assert_array_equal(reader.images(1, 4), IMAGES[1:4])


def test_an_archive_with_something_before_it_is_read(tmp_path):
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=np.arange(COUNT))
    content = (tmp_path / "a.npz").read_bytes()
    # The archive's own offsets count from its beginning, wherever that is; the signature is told first.
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04" + bytes(40) + content)

    with open_reader(tmp_path / "b.npz", mapped=True) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), IMAGES)


def test_a_member_that_claims_more_than_the_archive_has_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, array in (("images", IMAGES), ("labels", np.arange(COUNT))):
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    content = (tmp_path / "a.npz").read_bytes()
    # The length of what follows the name in the member's own header: its data then begin beyond the end.
    (tmp_path / "a.npz").write_bytes(content[:28] + b"\xff\xff" + content[30:])

    with pytest.raises(DatasetError, match="a\\.npz"):
        open_reader(tmp_path / "a.npz", mapped=True)


@pytest.mark.parametrize("images", [list(IMAGES), np.asfortranarray(IMAGES), IMAGES[:, ::-1]], ids=["list", "F", "-"])
@pytest.mark.parametrize("protocol", range(2, 6))
def test_pickles_of_others_are_read_however_they_hold_images(tmp_path, images, protocol):
    (tmp_path / "a.pickle").write_bytes(pickle.dumps({"images": images, "labels": list(range(COUNT))}, protocol))

    with open_reader(tmp_path / "a.pickle", mapped=True) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), np.array(images))
        assert reader.labels(0, 2) == ["0", "1"]


def test_a_label_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.pickle").write_bytes(pickle.dumps({"images": IMAGES, "labels": [1.5] * COUNT}))

    with pytest.raises(DatasetError, match="type float"):
        open_reader(tmp_path / "a.pickle", mapped=True)


def test_what_was_read_is_let_go_of(path, monkeypatch):
    held = []

    def release_pages(mapping, read_bytes):
        held.append(read_bytes)
        return paths.release_pages(mapping, read_bytes)

    monkeypatch.setattr(mmap_reader, "release_pages", release_pages)
    with open_reader(path, mapped=True) as reader:
        for _ in range(40):
            reader.image(3)

    assert len(held) == 40
    # Some megabytes are reckoned for each, so that it is soon time.
    assert held[0] > IMAGES[0].size
    assert held[-1] <= paths.HELD_BYTES + held[0]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by Linux")
def test_memory_stays_flat(tmp_path):
    count, size = 2560, 320
    path = write_idx(tmp_path, b"\0\0\x08\x03" + np.array([count, size, size], ">u4").tobytes())
    os.truncate(path, path.stat().st_size + count * size * size)
    (tmp_path / "a-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + np.array([count], ">u4").tobytes() + bytes(count))

    def resident_kb():
        return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])

    with open_reader(path, mapped=True) as reader:
        before, most = resident_kb(), 0
        for start in range(0, count, 20):
            reader.images(start, start + 20)
            most = max(most, resident_kb())

    assert most - before < 100_000, "of 262,144 kB"


@pytest.mark.parametrize("kind", ["pickle", "npz", "idx"])
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, kind):
    folder = tmp_path_factory.mktemp("damaged")
    whole = write_idx(folder).read_bytes() if kind == "idx" else write(folder / "whole", kind).read_bytes()
    damaged = folder / "b-images-idx3-ubyte"
    (folder / "b-labels-idx1-ubyte").write_bytes(
        (folder / "a-labels-idx1-ubyte").read_bytes() if kind == "idx" else b""
    )

    @given(st.integers(0, len(whole) - 1), st.integers(0, 255), st.booleans())
    def check(at, value, is_cut):
        damaged.write_bytes(whole[:at] if is_cut else whole[:at] + bytes([value]) + whole[at + 1 :])
        try:
            with open_reader(damaged, mapped=True) as reader:
                assert reader.images(0, len(reader)).shape == reader.shape
                for name in reader.truth_names:
                    reader.truth(name, 0, len(reader))
        except NumberGeneratorError as exc:
            assert "b-images-idx3-ubyte" in str(exc) or "b-labels" in str(exc)

    check()
