"""The files that datasets are written to: whole or not there, in every format and storage, with flat memory."""

import io
import json
import mmap
import os
import pickle
import shutil
import stat
import subprocess
import sys
import tracemalloc
import zlib
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pytest
import written
from hypothesis import given
from hypothesis import strategies as st
from patience import PATIENCE_S
from written import write_dataset

from number_generator.errors import OutputError, OutputExistsError, SpecError
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.hdf5.writer import Hdf5Writer
from number_generator.formats.pickle.writer import PickleWriter
from number_generator.formats.schema import describe
from number_generator.formats.writer import COMPRESSIONS, find_format, open_writer
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
from number_generator.job.spec import Span
from number_generator.system import atomic_file, temporaries
from number_generator.system.atomic_file import AtomicFile

METADATA = {"creation_timestamp": 1.5, "spacing_range": (5, 10), "image_width": 9, "seed": 2**64 - 1, "fit": "contain"}
FORMATS = pytest.mark.parametrize("file_format", ["pickle", "hdf5", "npz"])
STORAGES = pytest.mark.parametrize(
    ("file_format", "compression"), [("pickle", "none"), ("hdf5", "gzip"), ("hdf5", "none"), ("npz", "none")]
)
COMPRESSED = pytest.mark.parametrize("compression", ["gzip", "none"])
COUNTS = pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 3000])


def make_images(count, height=6, width=9, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), np.uint8)


def make_labels(count):
    return np.array([f"{number * 7919:0{10 + number % 2}d}" for number in range(count)] or [b""], "S11")[:count]


def write(path, images, labels, file_format, *, overwrite=False, length=None, metadata=METADATA, compression=None):
    """Write images and labels span by span, as a run does."""
    header = DatasetHeader(images.shape, labels.dtype.itemsize, metadata)
    with open_writer(file_format, path, header, overwrite=overwrite, compression=compression) as writer:
        for span in Span(0, len(images)).split((length or max(1, len(images))) * writer.span_multiple):
            chunk = Chunk(span, images[span.start : span.stop], labels[span.start : span.stop])
            writer.write(writer.encode(chunk))
        writer.commit()
    return path


def header_of(count, height=6, width=9):
    return DatasetHeader((count, height, width), 11, METADATA)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


# --- a file that is whole or not there


def test_a_committed_file_has_its_final_name_alone(tmp_path):
    path = tmp_path / "deep" / "folder" / "file.bin"

    file = AtomicFile(path, overwrite=False)
    file.file.write(b"content")
    before = names_in(path.parent)
    file.commit()
    file.discard()

    assert before == [file.temporary_path.name]
    assert before[0].startswith(".file.bin.")
    assert names_in(path.parent) == ["file.bin"]
    assert path.read_bytes() == b"content"


def test_a_discarded_file_leaves_nothing_and_the_earlier_one_untouched(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"earlier")

    file = AtomicFile(path, overwrite=True)
    file.file.write(b"new")
    file.discard()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"earlier"


def test_a_committed_file_replaces_the_earlier_one_where_that_is_allowed(tmp_path):
    path = tmp_path / "file.bin"
    path.write_bytes(b"earlier")

    file = AtomicFile(path, overwrite=True)
    file.file.write(b"new")
    file.commit()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_an_earlier_file_is_an_error_where_it_may_not_be_replaced(tmp_path, kind):
    path = tmp_path / "file.bin"
    path.write_bytes(b"earlier") if kind == "file" else path.symlink_to("nowhere")

    with pytest.raises(OutputExistsError, match=r"file\.bin exists already: allow overwriting \(--overwrite\)"):
        AtomicFile(path, overwrite=False)

    assert names_in(tmp_path) == ["file.bin"]


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_that_appears_while_ours_is_written_is_not_replaced(tmp_path, monkeypatch, links):
    path = tmp_path / "file.bin"
    file = AtomicFile(path, overwrite=False)
    file.file.write(b"ours")
    path.write_bytes(b"theirs")
    if not links:
        monkeypatch.setattr(os, "link", _no_hard_links)

    with pytest.raises(OutputExistsError, match="exists already"):
        file.commit()
    file.discard()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"theirs"


def _no_hard_links(*_):
    raise PermissionError(1, "Operation not permitted")


def test_a_file_system_without_hard_links_is_written_to_as_well(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", _no_hard_links)
    file = AtomicFile(tmp_path / "file.bin", overwrite=False)
    file.file.write(b"content")

    file.commit()

    assert names_in(tmp_path) == ["file.bin"]
    assert (tmp_path / "file.bin").read_bytes() == b"content"


def test_a_temporary_that_nobody_holds_is_removed(tmp_path):
    stale = tmp_path / ".file.bin.0123abcd.partial"
    others = [tmp_path / ".other.bin.0123abcd.partial", tmp_path / ".file.bin.0123abcd", tmp_path / "file.bin.partial"]
    for path in (stale, *others):
        path.touch()

    AtomicFile(tmp_path / "file.bin", overwrite=False).discard()

    assert names_in(tmp_path) == sorted(path.name for path in others)


def test_a_temporary_of_a_longer_name_is_not_taken_for_ones_own(tmp_path):
    others = [tmp_path / f".file.bin.2.0123abcd{ending}" for ending in (".partial", ".earlier")]
    for path in others:
        path.touch()

    AtomicFile(tmp_path / "file.bin", overwrite=False).discard()

    assert names_in(tmp_path) == sorted(path.name for path in others)


def test_a_temporary_that_is_being_written_is_not_removed(tmp_path):
    path = tmp_path / "file.bin"
    first = AtomicFile(path, overwrite=True)
    first.file.write(b"first")

    second = AtomicFile(path, overwrite=True)
    second.file.write(b"second")
    second.commit()
    first.commit()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"first"


def test_a_temporary_taken_for_a_stale_one_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock, taken = temporaries.lock, []

    def lock_too_late(file, *, wait):
        if not taken:
            taken.append(file.name)
            os.unlink(file.name)  # noqa: PTH108 - as another run does
        return lock(file, wait=wait)

    monkeypatch.setattr(temporaries, "lock", lock_too_late)
    file = AtomicFile(tmp_path / "file.bin", overwrite=False)
    file.file.write(b"content")
    file.commit()

    assert os.fspath(file.temporary_path) not in taken
    assert (tmp_path / "file.bin").read_bytes() == b"content"


def test_a_folder_of_the_final_name_is_an_error(tmp_path):
    (tmp_path / "file.bin").mkdir()

    with pytest.raises(OutputError, match=r"file\.bin is a folder: give another file name"):
        AtomicFile(tmp_path / "file.bin", overwrite=True)


def test_a_file_where_a_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(OutputError, match="file is a file: give a folder, or another name"):
        AtomicFile(tmp_path / "file" / "x.bin", overwrite=True)
    with pytest.raises(OutputError, match=r"cannot make the folder .*: Not a directory"):
        AtomicFile(tmp_path / "file" / "folder" / "x.bin", overwrite=True)


def test_the_longest_possible_name_can_be_written(tmp_path):
    path = tmp_path / ("é" * 125 + ".data")

    file = AtomicFile(path, overwrite=False)
    file.file.write(b"content")
    file.commit()

    assert len(os.fsencode(path.name)) == 255
    assert names_in(tmp_path) == [path.name]


def test_a_name_too_long_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*: File name too long; nothing was left behind"):
        AtomicFile(tmp_path / ("x" * 256), overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
@STORAGES
def test_the_permissions_follow_the_umask(tmp_path, mask, mode, file_format, compression):
    earlier = os.umask(mask)
    try:
        path = write(tmp_path / "set", make_images(3), make_labels(3), file_format, compression=compression)
    finally:
        os.umask(earlier)

    assert stat.S_IMODE(path.stat().st_mode) == mode


# --- both formats


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.pickle", "pickle"), ("a.h5", "hdf5"), ("a.HDF5", "hdf5"), ("a.pkl", None), ("h5", None), (".h5", "hdf5")],
)
def test_the_ending_of_a_name_tells_the_format(tmp_path, name, expected):
    assert find_format(tmp_path / name) == expected


@STORAGES
@pytest.mark.parametrize("count", [1, 2, 7, 100])
@pytest.mark.parametrize("length", [1, 3, None])
def test_what_was_written_is_read_again(tmp_path, file_format, compression, count, length):
    images, labels = make_images(count), make_labels(count)

    path = write(tmp_path / "set", images, labels, file_format, length=length, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    read_images, read_labels = dataset.get_data()
    assert np.array_equal(read_images, images)
    assert read_labels == [label.decode() for label in labels.tolist()]
    assert tuple(dataset.get_metadata()["spacing_range"]) == (5, 10)


@FORMATS
def test_an_empty_dataset_is_written_and_read_again(tmp_path, file_format):
    path = tmp_path / ("set.pickle" if file_format == "pickle" else "set.h5")

    GenericDataset(np.empty((0, 28, 100), np.uint8), []).save(path)
    dataset = GenericDataset()
    dataset.load(path)

    assert dataset.get_data()[0].shape == (0, 28, 100)
    assert dataset.get_data()[1] == []


@STORAGES
def test_leaving_a_writer_without_commit_leaves_nothing(tmp_path, file_format, compression):
    with open_writer(file_format, tmp_path / "set", header_of(4), overwrite=False, compression=compression) as writer:
        writer.write(writer.encode(Chunk(Span(0, 4), make_images(4), make_labels(4))))

        assert names_in(tmp_path) == [writer.temporary_path.name]

    assert names_in(tmp_path) == []


@STORAGES
def test_an_error_in_the_middle_leaves_nothing_and_the_earlier_file_untouched(tmp_path, file_format, compression):
    path = tmp_path / "set"
    path.write_bytes(b"earlier")

    with (
        pytest.raises(ZeroDivisionError),
        open_writer(file_format, path, header_of(4), overwrite=True, compression=compression) as writer,
    ):
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        raise ZeroDivisionError

    assert names_in(tmp_path) == ["set"]
    assert path.read_bytes() == b"earlier"


@STORAGES
def test_more_bytes_than_a_file_can_hold_are_refused(tmp_path, file_format, compression):
    with pytest.raises(SpecError, match=r"no file can hold more than 2\*\*63 - 1 bytes; give fewer images"):
        open_writer(file_format, tmp_path / "set", header_of(2**62), overwrite=False, compression=compression)

    assert names_in(tmp_path) == []


@STORAGES
def test_memory_stays_flat_while_a_dataset_is_written(tmp_path, file_format, compression):
    images, labels = make_images(2048, 28, 100), make_labels(2048)
    chunks, data_bytes = 12, 12 * images.nbytes

    header = DatasetHeader((chunks * 2048, 28, 100), 11, METADATA)
    with open_writer(file_format, tmp_path / "set", header, overwrite=False, compression=compression) as writer:
        tracemalloc.start()
        try:
            for number in range(chunks):
                writer.write(writer.encode(Chunk(Span(number * 2048, (number + 1) * 2048), images, labels)))
            writer.commit()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert (tmp_path / "set").stat().st_size > 0.9 * data_bytes
    assert peak < 2 * images.nbytes


@STORAGES
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


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_files_that_are_written_at_the_same_time_are_committed_in_any_order(tmp_path, order):
    storages = [("pickle", "none"), ("hdf5", "gzip"), ("hdf5", "none")]
    images, labels = make_images(1000, 28, 100), make_labels(1000)
    header = DatasetHeader(images.shape, 11, METADATA)

    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                open_writer(file_format, tmp_path / f"{number}", header, overwrite=False, compression=compression)
            )
            for number, (file_format, compression) in enumerate(storages)
        ]
        for start in (0, 512):
            rows = slice(start, start + 512)
            chunk = Chunk(Span(start, min(start + 512, 1000)), images[rows], labels[rows])
            for writer, encoded in [(writer, writer.encode(chunk)) for writer in writers]:
                writer.write(encoded)
        for number in order:
            writers[number].commit()

    assert names_in(tmp_path) == ["0", "1", "2"]
    for number in range(3):
        dataset = GenericDataset()
        dataset.load(tmp_path / f"{number}")
        assert np.array_equal(dataset.get_data()[0], images)
        assert dataset.get_data()[1] == [label.decode() for label in labels.tolist()]


# --- compressed or as they are


@COUNTS
@pytest.mark.parametrize("length", [1, None], ids=["many writes", "one write"])
def test_hdf5_holds_the_same_images_and_labels_compressed_or_not(tmp_path, count, length):
    images, labels = make_images(count, 28, 100), make_labels(count)

    for compression in ("gzip", "none"):
        path = write(tmp_path / compression, images, labels, "hdf5", length=length, compression=compression)
        dataset = GenericDataset()
        dataset.load(path)

        with h5py.File(path) as file:
            assert sorted(file) == ["images", "labels"]
            assert (file["images"].shape, file["images"].dtype) == ((count, 28, 100), np.uint8)
            assert h5py.check_string_dtype(file["labels"].dtype) == ("ascii", 11)
            assert np.array_equal(file["images"][:], images)
            assert np.array_equal(file["labels"][:], labels)
        assert np.array_equal(dataset.get_data()[0], images)
        assert dataset.get_data()[1] == [label.decode() for label in labels.tolist()]


@COUNTS
def test_without_compression_images_and_labels_each_lie_in_one_piece(tmp_path, count):
    images, labels = make_images(count, 28, 100), make_labels(count)

    path = write(tmp_path / "set.h5", images, labels, "hdf5", length=1, compression="none")

    content = path.read_bytes()
    with h5py.File(path) as file:
        for dataset, written in ((file["images"], images), (file["labels"], labels)):
            offset = dataset.id.get_offset()
            assert (dataset.chunks, dataset.compression, dataset.shuffle) == (None, None, False)
            assert dataset.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS
            assert not dataset.external
            if count:
                assert content[offset : offset + written.nbytes] == written.tobytes()
            else:
                assert dataset.size == 0
    assert len(content) < images.nbytes + labels.nbytes + 10_000


@pytest.mark.parametrize(("file_format", "is_compressed"), [("hdf5", True), ("pickle", False)], ids=["hdf5", "pickle"])
def test_hdf5_is_compressed_and_a_pickle_is_not_where_nothing_is_said(tmp_path, file_format, is_compressed):
    images, labels = np.zeros((100, 28, 100), np.uint8), make_labels(100)

    silent = write(tmp_path / "silent", images, labels, file_format)
    told = write(tmp_path / "told", images, labels, file_format, compression=COMPRESSIONS[file_format][0])

    assert silent.read_bytes() == told.read_bytes()
    assert (silent.stat().st_size < images.nbytes) == is_compressed


@pytest.mark.parametrize(
    ("file_format", "compression", "known"),
    [
        ("pickle", "gzip", "none"),
        ("pickle", "lzf", "none"),
        ("hdf5", "lzf", "gzip and none"),
        ("hdf5", "", "gzip and none"),
        ("hdf5", "GZIP", "gzip and none"),
        ("hdf5", True, "gzip and none"),
    ],
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_compression_that_the_format_does_not_know_is_refused(tmp_path, file_format, compression, known, overwrite):
    (tmp_path / "set").write_bytes(b"earlier")
    words = rf"compression is {compression!r} and the format is '{file_format}', which knows {known}: leave"

    with pytest.raises(SpecError, match=words):
        open_writer(file_format, tmp_path / "set", header_of(2), overwrite=overwrite, compression=compression)
    with pytest.raises(SpecError, match=words):
        open_writer(file_format, tmp_path / "new" / "set", header_of(2), overwrite=overwrite, compression=compression)

    assert names_in(tmp_path) == ["set"]
    assert (tmp_path / "set").read_bytes() == b"earlier"


def inflate_with_declared_window(packed):
    """Inflate as a reader does that keeps no more of the past than the stream's own first byte says."""
    inflater = zlib.decompressobj(wbits=(packed[0] >> 4) + 8)
    pieces, left = [], packed
    while not inflater.eof:
        # A piece at a time: within one piece, a copy from too far back would go unnoticed.
        pieces.append(inflater.decompress(left, 64))
        left = inflater.unconsumed_tail
        assert pieces[-1] or left or inflater.eof
    assert inflater.unused_data == b""
    return b"".join(pieces)


def drawn(kind, count, height, width):
    """Images whose content repeats itself at different distances, or not at all."""
    size = count * height * width
    if kind == "white":
        return np.full((count, height, width), 255, np.uint8)
    if kind == "noise":
        return make_images(count, height, width)
    period = np.random.default_rng(kind).integers(0, 256, kind, np.uint8)
    return np.resize(period, size).reshape(count, height, width)


@COUNTS
@pytest.mark.parametrize("kind", ["white", "noise", 3, 1000, 1024, 1025, 2800, 30_000])
def test_every_chunk_is_a_plain_zlib_stream_of_its_rows(tmp_path, count, kind):
    images, labels = drawn(kind, count, 28, 100), make_labels(count)

    path = write(tmp_path / "set.h5", images, labels, "hdf5", compression="gzip")

    with h5py.File(path) as file:
        for dataset, rows in ((file["images"], images), (file["labels"], labels)):
            assert (dataset.chunks is None) == (count == 0)
            length = dataset.chunks[0] if count else 1
            for first in range(0, count, length):
                mask, packed = dataset.id.read_direct_chunk((first, *(0 for _ in rows.shape[1:])))
                unpacked = zlib.decompress(packed)
                some = rows[first : first + length].tobytes()
                assert mask == 0
                assert unpacked == some.ljust(length * rows[:1].nbytes, b"\0")
                assert inflate_with_declared_window(packed) == unpacked
        assert np.array_equal(file["images"][:], images)  # HDF5's own inflate
        assert np.array_equal(file["labels"][:], labels)


@pytest.mark.parametrize("width", [1, 64, 800, 20_000])
def test_chunks_of_any_width_are_inflated_by_hdf5(tmp_path, width):
    images, labels = drawn(width + 1, 40, 28, width), make_labels(40)

    path = write(tmp_path / "set.h5", images, labels, "hdf5", compression="gzip")

    with h5py.File(path) as file:
        assert np.array_equal(file["images"][:], images)


def test_images_without_compression_can_be_mapped_into_memory(tmp_path):
    images, labels = make_images(600, 28, 100), make_labels(600)
    path = write(tmp_path / "set.h5", images, labels, "hdf5", compression="none")

    with h5py.File(path) as file:
        offset = file["images"].id.get_offset()
    mapped = np.memmap(path, np.uint8, "r", offset, images.shape)

    assert np.array_equal(mapped, images)


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="h5ls is not installed")
def test_h5ls_lists_a_file_without_compression(tmp_path):
    path = write(tmp_path / "set.h5", make_images(40, 28, 100), make_labels(40), "hdf5", compression="none")

    listing = subprocess.run(["h5ls", "-v", path], check=True, capture_output=True, text=True).stdout

    assert "{40/40, 28/28, 100/100}" in listing
    assert "deflate" not in listing
    assert "Chunks" not in listing
    assert "112000 logical bytes, 112000 allocated bytes" in listing


# --- early writing to disk


class _Requests:
    """A stand-in for `os.posix_fadvise` that notes what is asked of it, and how large the file is by then."""

    def __init__(self, error=None):
        self.ranges, self.sizes, self.descriptors, self.advice, self._error = [], [], set(), set(), error

    def __call__(self, descriptor, start, length, advice):
        self.ranges.append((start, start + length))
        self.sizes.append(os.fstat(descriptor).st_size)
        self.descriptors.add(descriptor)
        self.advice.add(advice)
        if self._error is not None:
            raise self._error

    def check(self, least):
        """Assert that the ranges join one another from 0 on, none too short, none beyond the file."""
        assert [start for start, _ in self.ranges] == [0, *(stop for _, stop in self.ranges)][: len(self.ranges)]
        assert all(stop - start >= least for start, stop in self.ranges)
        assert all(stop <= size for (_, stop), size in zip(self.ranges, self.sizes, strict=True))
        assert self.advice <= {os.POSIX_FADV_DONTNEED}
        assert len(self.descriptors) <= 1


@pytest.fixture
def requests(monkeypatch):
    """Give a maker of stand-ins for `os.posix_fadvise`: `requests(error=None)`."""

    def make(error=None):
        made = _Requests(error)
        monkeypatch.setattr(os, "posix_fadvise", made, raising=False)
        monkeypatch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
        return made

    return make


def test_nothing_is_written_back_before_there_is_enough(tmp_path, requests):
    asked = requests()
    file = AtomicFile(tmp_path / "file.bin", overwrite=False)
    descriptor = file.file.fileno()

    found = []
    for size in (
        0,
        1,
        atomic_file._WRITE_BACK_BYTES - 1,
        atomic_file._WRITE_BACK_BYTES,
        2 * atomic_file._WRITE_BACK_BYTES - 1,
    ):
        file.file.truncate(size)
        file.write_back()
        file.write_back()
        found.append(len(asked.ranges))
    file.discard()

    assert atomic_file._WRITE_BACK_BYTES >= 2**20
    assert found == [0, 0, 0, 1, 1]
    assert asked.ranges == [(0, atomic_file._WRITE_BACK_BYTES)]
    assert asked.descriptors == {descriptor}


@given(sizes=st.lists(st.integers(0, 300), max_size=20))
def test_what_is_written_back_is_asked_for_once_and_in_order(tmp_path_factory, sizes):
    path = tmp_path_factory.mktemp("written") / "file.bin"
    content = b"".join(bytes([number]) * size for number, size in enumerate(sizes))

    with pytest.MonkeyPatch.context() as patch:
        asked = _Requests()
        patch.setattr(os, "posix_fadvise", asked, raising=False)
        patch.setattr(os, "POSIX_FADV_DONTNEED", 4, raising=False)
        patch.setattr(atomic_file, "_WRITE_BACK_BYTES", 100)
        file = AtomicFile(path, overwrite=False)
        number = file.file.fileno()
        for index, size in enumerate(sizes):
            file.file.write(bytes([index]) * size)
            file.file.flush()
            file.write_back()
            asked.check(least=100)
            handed_over = asked.ranges[-1][1] if asked.ranges else 0
            assert sum(sizes[: index + 1]) - handed_over < 100
        file.commit()

    assert asked.descriptors <= {number}
    assert path.read_bytes() == content


@STORAGES
@pytest.mark.parametrize("limit", [1, 50_000, 300_000, 2**40])
def test_a_writer_hands_over_what_it_has_written(tmp_path, monkeypatch, requests, file_format, compression, limit):
    asked = requests()
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", limit)
    images, labels = make_images(1100, 28, 100), make_labels(1100)

    path = write(tmp_path / "set", images, labels, file_format, length=1, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    asked.check(least=limit)
    assert bool(asked.ranges) == (limit < 2**40)
    assert np.array_equal(dataset.get_data()[0], images)


@STORAGES
def test_each_large_write_is_handed_over_at_once(tmp_path, monkeypatch, requests, file_format, compression):
    asked = requests()
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 2**18)
    images, labels = make_images(512, 28, 25), make_labels(512)
    # More labels than HDF5 keeps back in a buffer of its own.
    header = header_of(24 * 512, 28, 25)

    handed_over = []
    with open_writer(file_format, tmp_path / "set", header, overwrite=False, compression=compression) as writer:
        for number in range(24):
            writer.write(writer.encode(Chunk(Span(number * 512, (number + 1) * 512), images, labels)))
            handed_over.append(asked.ranges[-1][1] if asked.ranges else 0)
        writer.commit()

    # Noise cannot be compressed, so that each write is larger than what is worth a request.
    asked.check(least=2**18)
    assert len(asked.ranges) == 24
    assert np.allclose(np.diff(handed_over), images.nbytes, rtol=0.1)


@STORAGES
@pytest.mark.parametrize("number", [22, 29, 38], ids=["EINVAL", "ESPIPE", "ENOSYS"])
def test_a_system_that_refuses_the_request_is_written_to_as_well(
    tmp_path, monkeypatch, requests, file_format, compression, number
):
    asked = requests(OSError(number, "refused"))
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 50_000)
    images, labels = make_images(1100, 28, 100), make_labels(1100)

    path = write(tmp_path / "set", images, labels, file_format, length=1, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    asked.check(least=50_000)
    assert asked.ranges
    assert np.array_equal(dataset.get_data()[0], images)
    assert names_in(tmp_path) == ["set"]


@STORAGES
def test_a_system_without_the_request_is_written_to_as_well(tmp_path, monkeypatch, file_format, compression):
    monkeypatch.delattr(os, "posix_fadvise", raising=False)
    monkeypatch.delattr(os, "POSIX_FADV_DONTNEED", raising=False)
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 1)
    images, labels = make_images(1100, 28, 100), make_labels(1100)

    path = write(tmp_path / "set", images, labels, file_format, length=1, compression=compression)
    dataset = GenericDataset()
    dataset.load(path)

    assert np.array_equal(dataset.get_data()[0], images)
    assert dataset.get_data()[1] == [label.decode() for label in labels.tolist()]


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the system knows no such request")
@STORAGES
def test_the_true_request_changes_nothing_in_the_file(tmp_path, monkeypatch, file_format, compression):
    images, labels = make_images(1100, 28, 100), make_labels(1100)
    expected = write(tmp_path / "late", images, labels, file_format, length=1, compression=compression).read_bytes()
    monkeypatch.setattr(atomic_file, "_WRITE_BACK_BYTES", 1)

    path = write(tmp_path / "early", images, labels, file_format, length=1, compression=compression)

    assert path.read_bytes() == expected


# --- pickle


def test_a_pickle_is_the_dictionary_that_version_0_0_1_documented(tmp_path):
    images, labels = make_images(5), make_labels(5)

    with write(tmp_path / "set.pickle", images, labels, "pickle", length=2).open("rb") as file:
        content = pickle.load(file)

    assert list(content) == ["images", "labels", "metadata"]
    assert type(content["images"]) is np.ndarray
    assert content["images"].dtype == np.uint8
    assert np.array_equal(content["images"], images)
    assert content["images"].flags.c_contiguous
    assert type(content["labels"]) is list
    assert {type(label) for label in content["labels"]} == {str}
    assert content["labels"] == [label.decode() for label in labels.tolist()]
    assert content["metadata"] == METADATA
    assert type(content["metadata"]["spacing_range"]) is tuple


def test_the_array_of_a_pickle_can_be_changed(tmp_path):
    path = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle")

    images = pickle.loads(path.read_bytes())["images"]
    images[:] = 7

    assert (images == 7).all()


def test_a_pickle_is_of_protocol_4_and_holds_nothing_after_its_end(tmp_path):
    content = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle").read_bytes()

    stream = io.BytesIO(content)
    pickle.load(stream)

    assert content[:2] == b"\x80\x04"
    assert stream.tell() == len(content)


def test_a_pickle_names_numpy_as_both_its_versions_do(tmp_path):
    content = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle").read_bytes()

    assert b"numpy.core.multiarray\n_reconstruct" in content
    assert b"numpy._core" not in content


@pytest.mark.parametrize("length", [0, 1, 255, 256, 70_000])
def test_a_pickle_holds_labels_of_any_length(tmp_path, length):
    labels = np.array([b"7" * length, b"8"])
    header = DatasetHeader((2, 6, 9), labels.dtype.itemsize, {})

    with PickleWriter(tmp_path / "set.pickle", header, overwrite=False) as writer:
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), labels)))
        writer.commit()

    assert pickle.loads((tmp_path / "set.pickle").read_bytes())["labels"] == ["7" * length, "8"]


def test_a_pickle_may_hold_any_metadata_that_python_can_pickle(tmp_path):
    metadata = {"nested": {"list": [1, None, "é"], "same": ("a", "a")}, "big": 2**70}

    path = write(tmp_path / "set.pickle", make_images(2), make_labels(2), "pickle", metadata=metadata)

    assert pickle.loads(path.read_bytes())["metadata"] == metadata


def test_a_pickle_waits_for_its_labels_in_no_visible_file(tmp_path):
    with PickleWriter(tmp_path / "set.pickle", header_of(2), overwrite=False) as writer:
        names = names_in(tmp_path)

    assert names == [writer.temporary_path.name]


# --- HDF5


def test_hdf5_holds_images_and_labels_in_gzip_chunks(tmp_path):
    images, labels = make_images(100, 28, 100), make_labels(100)

    with h5py.File(write(tmp_path / "set.h5", images, labels, "hdf5")) as file:
        assert sorted(file) == ["images", "labels"]
        assert file["images"].shape == (100, 28, 100)
        assert file["images"].dtype == np.uint8
        assert file["images"].chunks == (32, 28, 100)
        assert file["images"].compression == "gzip"
        assert not file["images"].shuffle
        assert file["labels"].dtype == np.dtype("S11")
        assert h5py.check_string_dtype(file["labels"].dtype) == ("ascii", 11)
        assert file["labels"].compression == "gzip"
        assert file["labels"].chunks == (100,)
        assert np.array_equal(file["images"][:], images)
        assert file["labels"].asstr()[:].tolist() == [label.decode() for label in labels.tolist()]


@pytest.mark.parametrize(
    ("count", "height", "width", "rows"),
    [(1000, 28, 100, 32), (1000, 28, 50, 64), (5, 28, 100, 5), (3, 28, 65_535, 1), (9, 28, 1_600, 2), (1, 4, 1, 1)],
)
def test_a_chunk_of_hdf5_holds_about_the_same_bytes_whatever_the_width(tmp_path, count, height, width, rows):
    images, labels = make_images(count, height, width), make_labels(count)

    with h5py.File(write(tmp_path / "set.h5", images, labels, "hdf5")) as file:
        assert file["images"].chunks == (rows, height, width)
        assert file["labels"].chunks[0] % rows == 0 or file["labels"].chunks[0] == count
        assert np.array_equal(file["images"][:], images)


@pytest.mark.parametrize("count", [2047, 2048, 2049, 2048 + 33, 3 * 2048])
def test_a_partial_last_chunk_of_hdf5_is_read_as_it_was_written(tmp_path, count):
    images, labels = make_images(count, 28, 100), make_labels(count)

    with h5py.File(write(tmp_path / "set.h5", images, labels, "hdf5", length=1)) as file:
        assert np.array_equal(file["images"][:], images)
        assert np.array_equal(file["labels"][:], labels)


@pytest.mark.parametrize(("count", "height", "width"), [(5000, 28, 100), (5000, 28, 7), (40, 28, 9000), (3, 4, 4)])
def test_a_span_for_hdf5_is_a_whole_number_of_chunks(tmp_path, count, height, width):
    header = header_of(count, height, width)

    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False) as writer:
        rows, label_rows = (writer._datasets[name].chunks[0] for name in ("images", "labels"))

        assert writer.span_multiple == label_rows
        assert label_rows % rows == 0
        assert label_rows <= max(count, rows)


@COMPRESSED
def test_hdf5_may_start_at_any_image_number(tmp_path, compression):
    images, labels = make_images(1000, 28, 100), make_labels(1000)

    header = header_of(1000, 28, 100)
    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False, compress=compression == "gzip") as writer:
        for start in (0, 512):
            rows = slice(start, start + 512)
            span = Span(10**12 + start, 10**12 + min(start + 512, 1000))
            writer.write(writer.encode(Chunk(span, images[rows], labels[rows])))
        writer.commit()

    with h5py.File(tmp_path / "set.h5") as file:
        assert np.array_equal(file["images"][:], images)
        assert np.array_equal(file["labels"][:], labels)


@COMPRESSED
def test_attributes_of_hdf5_have_the_types_of_the_metadata(tmp_path, compression):
    metadata = {**METADATA, "job": json.dumps({"a": [1, 2]}), "render_version": 1, "nested": {"a": [None]}}

    images, labels = make_images(2), make_labels(2)
    path = write(tmp_path / "set.h5", images, labels, "hdf5", metadata=metadata, compression=compression)
    with h5py.File(path) as file:
        found = dict(file.attrs)

    assert set(found) == {*metadata, "metadata_json"} - {"nested"}
    assert found["creation_timestamp"] == 1.5
    assert found["spacing_range"].tolist() == [5, 10]
    assert found["spacing_range"].dtype.kind == "i"
    assert (found["seed"], found["seed"].dtype) == (2**64 - 1, np.uint64)
    assert found["image_width"] == 9
    assert found["fit"] == "contain"
    assert json.loads(found["job"]) == {"a": [1, 2]}
    assert json.loads(found["metadata_json"]) == {"nested": {"a": [None]}}


@pytest.mark.parametrize(
    "value",
    ["text", 3, True, 2.5, 2**64, -(2**63), [2**63, -1], [1.5, 2], [], ["a", 1], {"a": None}, None, 2.0, "\u3007"],
)
def test_metadata_comes_back_from_hdf5_as_it_was(tmp_path, value):
    path = write(
        tmp_path / "set.h5", make_images(2), make_labels(2), "hdf5", metadata={"value": value, "fit": "contain"}
    )

    dataset = GenericDataset()
    dataset.load(path)

    assert dataset.get_metadata() == {"value": value, "fit": "contain"}


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes", {"a": object()}])
def test_metadata_that_hdf5_cannot_hold_is_an_error_and_leaves_nothing(tmp_path, value):
    header = DatasetHeader((2, 6, 9), 11, {"odd": value})

    with pytest.raises(SpecError, match=r"metadata 'odd' is .*, which HDF5 cannot hold"):
        Hdf5Writer(tmp_path / "set.h5", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("value", ["\0", "\udcff", np.datetime64("2020")], ids=["NUL", "surrogate", "date"])
def test_metadata_that_h5py_refuses_is_an_error_of_ours_and_leaves_nothing(tmp_path, value):
    header = DatasetHeader((2, 6, 9), 11, {"odd": value})

    with pytest.raises(SpecError, match="which HDF5 cannot hold"):
        Hdf5Writer(tmp_path / "set.h5", header, overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="h5dump is not installed")
@COMPRESSED
def test_h5dump_reads_the_file_with_no_plug_in(tmp_path, compression):
    images, labels = make_images(40, 28, 100), make_labels(40)
    path = write(tmp_path / "set.h5", images, labels, "hdf5", compression=compression)

    binary = tmp_path / "images.bin"
    subprocess.run(["h5dump", "-d", "/images", "-b", "LE", "-o", binary, path], check=True, capture_output=True)
    text = subprocess.run(["h5dump", "-d", "/labels", path], check=True, capture_output=True, text=True)

    assert binary.read_bytes() == images.tobytes()
    assert labels[39].decode() in text.stdout
    assert "H5T_CSET_ASCII" in text.stdout


@pytest.mark.skipif(shutil.which("h5ls") is None, reason="h5ls is not installed")
def test_h5ls_lists_the_file(tmp_path):
    path = write(tmp_path / "set.h5", make_images(40, 28, 100), make_labels(40), "hdf5")

    listing = subprocess.run(["h5ls", "-v", path], check=True, capture_output=True, text=True).stdout

    assert "{40/40, 28/28, 100/100}" in listing
    assert "deflate" in listing


# --- writes that fail


class _FailingFile:
    """A file on a disk that is full from a given number of bytes on."""

    def __init__(self, file, room):
        self._file, self._room = file, room

    def write(self, content):
        self._room -= memoryview(content).nbytes
        if self._room < 0:
            raise OSError(28, "No space left on device")
        return self._file.write(content)

    def close(self):
        self._file.close()
        raise OSError(28, "No space left on device")

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [100, 200, 0])
def test_a_failing_write_of_a_pickle_is_one_error_and_leaves_nothing(tmp_path, room):
    path = tmp_path / "set.pickle"
    path.write_bytes(b"earlier")

    with (
        pytest.raises(OutputError, match=r"cannot write .*set\.pickle: No space left on device; nothing was left"),
        PickleWriter(path, header_of(2), overwrite=True) as writer,
    ):
        writer._file.file = _FailingFile(writer._file.file, room)
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        writer.commit()

    assert names_in(tmp_path) == ["set.pickle"]
    assert path.read_bytes() == b"earlier"


def test_labels_that_cannot_be_flushed_leave_nothing_either(tmp_path):
    with (
        pytest.raises(OutputError, match="No space left on device"),
        PickleWriter(tmp_path / "set.pickle", header_of(2), overwrite=True) as writer,
    ):
        writer._labels = _FailingFile(writer._labels, 0)
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))

    assert names_in(tmp_path) == []


def test_a_failing_temporary_for_the_labels_leaves_nothing(tmp_path, monkeypatch):
    def fail(**_):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("tempfile.TemporaryFile", fail)

    with pytest.raises(OutputError, match="Too many open files"):
        PickleWriter(tmp_path / "set.pickle", header_of(2), overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            OSError("unable to write (file write failed: errno = 28, error message = 'No space left on device')"),
            "No space left on device",
        ),
        (RuntimeError("Can't decrement id ref count (errno = 27, error message = 'File too large')"), "File too large"),
        (ValueError("Not a dataset id"), "Not a dataset id"),
    ],
)
@COMPRESSED
def test_a_failing_write_of_hdf5_is_one_error_and_leaves_nothing(tmp_path, error, reason, compression):
    class FailingDataset:
        shape = (2, 6, 9)
        id = property(lambda _: (_ for _ in ()).throw(error))

        def __setitem__(self, rows, block):
            raise error

    with (
        pytest.raises(OutputError, match=rf"cannot write .*set\.h5: {reason}; nothing was left behind"),
        Hdf5Writer(tmp_path / "set.h5", header_of(2), overwrite=False, compress=compression == "gzip") as writer,
    ):
        writer._datasets["images"] = FailingDataset()
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))

    assert names_in(tmp_path) == []


@COMPRESSED
def test_an_hdf5_file_that_cannot_be_closed_leaves_nothing(tmp_path, compression):
    class FailingFile:
        def __init__(self, file):
            self.file = file

        def close(self):
            self.file.close()
            raise RuntimeError("Unable to flush file")

    with (
        pytest.raises(OutputError, match="Unable to flush file"),
        Hdf5Writer(tmp_path / "set.h5", header_of(2), overwrite=False, compress=compression == "gzip") as writer,
    ):
        writer.write(writer.encode(Chunk(Span(0, 2), make_images(2), make_labels(2))))
        writer._h5 = FailingFile(writer._h5)
        writer.commit()

    assert names_in(tmp_path) == []


@STORAGES
@pytest.mark.parametrize(("owner", "call"), [(os, "fsync"), (Path, "replace")])
def test_a_failing_commit_is_one_error_and_leaves_nothing(tmp_path, monkeypatch, file_format, compression, owner, call):
    path = tmp_path / "set"
    path.write_bytes(b"earlier")

    def fail(*_):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(owner, call, fail)
        with pytest.raises(OutputError, match=r"cannot write .*set: Input/output error; nothing was left behind"):
            write(path, make_images(2), make_labels(2), file_format, overwrite=True, compression=compression)

    assert names_in(tmp_path) == ["set"]
    assert path.read_bytes() == b"earlier"


@pytest.mark.skipif(sys.platform == "win32", reason="a limit on file sizes is needed")
@pytest.mark.parametrize("room", [1, 1_000, 100_000])
@STORAGES
def test_a_limit_on_file_sizes_is_one_error_and_leaves_nothing(tmp_path, file_format, compression, room):
    import resource  # noqa: PLC0415 - Windows has none

    images, labels = make_images(200, 28, 100), make_labels(200)
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (room, earlier[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*set: File too large; nothing was left behind"):
            write(tmp_path / "set", images, labels, file_format, compression=compression)
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
from number_generator.job.spec import Field, Span

path, file_format, compression = sys.argv[1:]
images = np.random.default_rng(0).integers(0, 256, (512, 28, 100), np.uint8)
labels = np.full(512, b"01234567890")
header = DatasetHeader((8 * 512, 28, 100), 11, {"job": "x" * 500})
try:
    with open_writer(file_format, Path(path), header, overwrite=True, compression=compression) as writer:
        for start in range(0, 8 * 512, 512):
            writer.write(writer.encode(Chunk(Span(start, start + 512), images, labels)))
        writer.commit()
except OutputError as exc:
    print(exc)
"""


@STORAGES
def test_a_disk_that_gets_full_is_one_error_and_leaves_nothing(small_disk, file_format, compression):
    path = small_disk / "set"
    path.write_bytes(b"earlier")

    # In a process of its own: HDF5 may crash when it ends with a file that could not be closed.
    done = subprocess.run(
        [sys.executable, "-c", _FILL_A_DISK, path, file_format, compression],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    said = f"cannot write {path}: No space left on device; nothing was left behind\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
    assert names_in(small_disk) == ["set"]
    assert path.read_bytes() == b"earlier"


def test_a_large_file_is_flushed_in_parts_and_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(temporaries, "_SYNC_BYTES", mmap.ALLOCATIONGRANULARITY)
    content = bytes(range(256)) * 1000
    file = AtomicFile(tmp_path / "big", overwrite=False)
    file.file.write(content)

    file.commit()

    assert (tmp_path / "big").read_bytes() == content


def test_a_large_file_is_flushed_whole_where_it_cannot_be_mapped(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise OSError("no such device")

    monkeypatch.setattr(temporaries.mmap, "mmap", refuse)
    file = AtomicFile(tmp_path / "big", overwrite=False)
    file.file.write(b"content")

    file.commit()

    assert (tmp_path / "big").read_bytes() == b"content"


@pytest.mark.parametrize("width", [100, 1000, 20_000, 65_535])
def test_a_span_for_hdf5_is_bounded_in_bytes(tmp_path, width):
    header = header_of(10**6, 28, width)

    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False) as writer:
        assert writer.span_multiple * 28 * width <= 8 * 2**20


@STORAGES
def test_a_symbolic_link_stays_and_its_file_is_written(tmp_path, file_format, compression):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "set", tmp_path / "link"
    target.write_bytes(b"earlier")
    link.symlink_to(target)

    write(link, make_images(2), make_labels(2), file_format, overwrite=True, compression=compression)

    assert link.is_symlink()
    assert target.stat().st_size > len(b"earlier")
    assert sorted(path.name for path in target.parent.iterdir()) == ["set"]


@pytest.mark.parametrize(("file_format", "compression"), [("pickle", None), ("hdf5", "gzip"), ("hdf5", "none")])
def test_a_chunk_without_images_may_come_first(tmp_path, file_format, compression):
    images, labels = make_images(3), make_labels(3)

    with open_writer(file_format, tmp_path / "set", header_of(3), overwrite=False, compression=compression) as writer:
        for span in (Span(0, 0), Span(0, 3)):
            part = slice(span.start, span.stop)
            writer.write(writer.encode(Chunk(span, images[part], np.array(labels[part], np.bytes_).astype("S11"))))
        writer.commit()

    dataset = GenericDataset()
    dataset.load(tmp_path / "set")
    np.testing.assert_array_equal(dataset[:][0], images)


# --- ground truth

FIELDS = (
    TruthField("boxes", (5, 4), "int16", -1, {"columns": "x0,y0,x1,y1", "unit": "px"}),
    TruthField("writers", (), "int64", -1, {}),
    TruthField("values", (5, 2), "float32", np.nan, {"columns": "a,b"}),
)


def make_truth(count, length, seed=0):
    """Ground truth of so many images, whose longest label has `length` characters."""
    random = np.random.default_rng([seed, count, length])
    return {
        "boxes": random.integers(-1, 2**15, (count, length, 4)).astype(np.int16),
        "writers": random.integers(-1, 2**63 - 1, count, np.int64),
        "values": random.random((count, length, 2), np.float32),
    }


def write_truth(path, count, spans, compression, *, height=6, width=9, first=0):
    """Write images with ground truth, whose labels differ in length from span to span; give what was written."""
    images, labels = make_images(count, height, width), make_labels(count)
    header = DatasetHeader(images.shape, labels.dtype.itemsize, METADATA, FIELDS)
    expected = {
        "boxes": np.full((count, 5, 4), -1, np.int16),
        "writers": np.full(count, -1, np.int64),
        "values": np.full((count, 5, 2), np.nan, np.float32),
    }
    with open_writer("hdf5", path, header, overwrite=False, compression=compression) as writer:
        for number, span in enumerate(Span(0, count).split(writer.span_multiple * spans)):
            length = 5 - number % 3
            truth = make_truth(len(span), length, seed=number)
            rows = slice(span.start, span.stop)
            for name, values in truth.items():
                expected[name][(rows, *map(slice, values.shape[1:]))] = values
            chunk = Chunk(Span(first + span.start, first + span.stop), images[rows], labels[rows], truth)
            writer.write(writer.encode(chunk))
        writer.commit()
    return {"images": images, "labels": labels, **expected}


@COMPRESSED
@COUNTS
def test_fields_are_stored_beside_the_images(tmp_path, count, compression):
    expected = write_truth(tmp_path / "set.h5", count, 2, compression, first=10**15)

    with h5py.File(tmp_path / "set.h5") as file:
        assert set(file) == set(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(file[name][()], values, err_msg=name)
        for field in FIELDS:
            assert file[field.name].dtype == field.dtype
            assert dict(file[field.name].attrs) == field.about


@COMPRESSED
def test_a_dataset_with_fields_is_read_like_any_other(tmp_path, compression):
    expected = write_truth(tmp_path / "set.h5", 700, 1, compression)

    dataset = GenericDataset()
    dataset.load(tmp_path / "set.h5")
    images, labels = dataset[:]

    assert np.array_equal(images, expected["images"])
    assert labels == [label.decode() for label in expected["labels"].tolist()]
    truth = dataset.get_truth()
    assert list(truth) == ["boxes", "writers"]  # others are not known
    for name, values in truth.items():
        np.testing.assert_array_equal(values, expected[name])


@pytest.mark.parametrize(
    ("count", "height", "width"), [(5000, 28, 100), (5000, 28, 7), (40, 28, 9000), (3, 4, 4), (700, 200, 65_535)]
)
@pytest.mark.parametrize("length", [1, 11, 700, 10_000])
def test_blocks_of_fields_are_bounded_and_make_whole_blocks_of_labels(tmp_path, count, height, width, length):
    fields = (TruthField("boxes", (length, 4), "int16", -1, {}), TruthField("writers", (), "int64", -1, {}))
    header = DatasetHeader((count, height, width), length, METADATA, fields)

    with Hdf5Writer(tmp_path / "set.h5", header, overwrite=False) as writer:
        rows = {name: dataset.chunks[0] for name, dataset in writer._datasets.items()}
        assert all(dataset.compression == "gzip" for dataset in writer._datasets.values())
        assert all(dataset.chunks[1:] == dataset.shape[1:] for dataset in writer._datasets.values())

    assert rows["writers"] == rows["labels"]
    assert rows["boxes"] == 1 or rows["boxes"] * length * 8 <= 2**18
    assert rows["labels"] % rows["boxes"] == 0


@pytest.mark.parametrize("value", [5, [[1, 2]], [1.5, 2.5], "abc", None, [2**70]])
def test_other_metadata_named_source_digits_comes_back_as_it_is(tmp_path, value):
    dataset = GenericDataset(np.zeros((1, 4, 4), np.uint8), ["1"], {"source_digits": value})

    dataset.save(tmp_path / "set.h5")
    dataset.load(tmp_path / "set.h5")

    assert dataset.get_metadata()["source_digits"] == value


def test_fields_without_compression_lie_in_one_piece(tmp_path):
    write_truth(tmp_path / "set.h5", 700, 1, "none")

    with h5py.File(tmp_path / "set.h5") as file:
        assert all(dataset.chunks is None for dataset in file.values())
        mapped = np.memmap(tmp_path / "set.h5", np.int16, "r", file["boxes"].id.get_offset(), file["boxes"].shape)
        np.testing.assert_array_equal(mapped, file["boxes"][()])


@COMPRESSED
def test_numbers_of_source_digits_are_a_dataset(tmp_path, compression):
    numbers = list(range(0, 60_000, 3))  # more than an attribute holds
    metadata = {**METADATA, "source_digits": numbers}

    path = write(tmp_path / "set", make_images(3), make_labels(3), "hdf5", metadata=metadata, compression=compression)

    dataset = GenericDataset()
    dataset.load(path)
    with h5py.File(path) as file:
        assert file["source_digits"].dtype == np.int64
        assert file["source_digits"][()].tolist() == numbers
    assert dataset.get_metadata()["source_digits"] == numbers


# --- ground truth in other files


@pytest.mark.parametrize("length", [1, 7, None])
@pytest.mark.parametrize("count", [0, 1, 25])
def test_a_pickle_holds_ground_truth_as_a_fourth_entry(tmp_path, count, length):
    images, labels, expected = write_dataset(tmp_path / "set", "pickle", count, length=length)

    with (tmp_path / "set").open("rb") as file:
        found = pickle.load(file)

    assert list(found) == ["images", "labels", "metadata", "truth"]
    assert np.array_equal(found["images"], images)
    assert found["labels"] == labels
    assert found["metadata"]["truth_fields"] == describe(DatasetHeader((count, 6, 9), 4, {}, written.FIELDS))["fields"]
    assert list(found["truth"]) == list(expected)
    for name, values in expected.items():
        array = found["truth"][name]
        assert (array.dtype, array.dtype.isnative) == (values.dtype, True)
        np.testing.assert_array_equal(array, values, err_msg=name)


def test_a_pickle_of_ground_truth_is_read_again(tmp_path):
    images, labels, expected = write_dataset(tmp_path / "set", "pickle", 25)

    dataset = GenericDataset()
    dataset.load(tmp_path / "set")

    truth = dataset.get_truth()
    assert np.array_equal(dataset[:][0], images)
    assert dataset[:][1] == labels
    for name, values in expected.items():
        np.testing.assert_array_equal(truth[name], values, err_msg=name)


def test_without_ground_truth_a_pickle_has_three_entries(tmp_path):
    write_dataset(tmp_path / "set", "pickle", 3, truth=False)

    with (tmp_path / "set").open("rb") as file:
        found = pickle.load(file)

    assert list(found) == ["images", "labels", "metadata"]
    assert "truth_fields" not in found["metadata"]


@pytest.mark.parametrize("file_format", ["pickle", "npz"])
def test_the_same_job_gives_the_same_bytes_whatever_its_spans(tmp_path, file_format):
    for name, length in (("a", 1), ("b", 7), ("c", None)):
        write_dataset(tmp_path / name, file_format, 25, length=length)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()


def test_npz_refuses_metadata_that_json_cannot_hold_before_anything_is_written(tmp_path):
    header = DatasetHeader((1, 6, 9), 4, {"odd": b"bytes"})

    with pytest.raises(SpecError, match="metadata 'odd' is b'bytes', which JSON cannot hold"):
        open_writer("npz", tmp_path / "set", header, overwrite=False)

    assert names_in(tmp_path) == []
