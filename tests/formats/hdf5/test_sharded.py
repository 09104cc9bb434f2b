"""HDF5 shards: read as one dataset by their index, and refused in words when one is missing or another's."""

import contextlib
import gc
import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
import sharded
from hypothesis import given, settings
from hypothesis import strategies as st
from sharded import COUNT, SHARDS

from number_generator import GenericDataset, convert
from number_generator.digits.atlas import GlyphAtlas
from number_generator.errors import DatasetError, DatasetIndexError, DatasetNotFoundError, DatasetReadError, SpecError
from number_generator.formats.detection import list_source_files
from number_generator.formats.hdf5 import sharded as sharded_reader
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.hdf5.sharded import ShardedHdf5Reader
from number_generator.formats.reader import load_arrays, open_reader

BETWEEN = st.tuples(st.integers(0, COUNT), st.integers(0, COUNT)).map(sorted)


@pytest.fixture(scope="module")
def atlas(make_digits):
    images, labels = make_digits(12)
    return GlyphAtlas.from_digits(images, labels)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, atlas):
    """A folder with shards, their index `set.h5`, and the same dataset in `one.h5`, which is only read."""
    folder = tmp_path_factory.mktemp("shards")
    job = sharded.job_of()
    sharded.write_whole(folder, job, atlas)
    sharded.write(folder / "one.h5", job, sharded.header_of(job), atlas)
    return folder


@pytest.fixture
def path(folder, tmp_path):
    """An index of its own shards, which may be spoilt."""
    shutil.copytree(folder, tmp_path / "own")
    return tmp_path / "own" / "set.h5"


def shard_of(path, number):
    return path.with_name(sharded.name_of(number, SHARDS))


def edit(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def rename(path, number, name):
    def change(file):
        names = [os.fsencode(name) if k == number else old for k, old in enumerate(file["shard_files"][()])]
        del file["shard_files"]
        file["shard_files"] = np.array(names)

    edit(path, change)


def test_an_index_opens_as_the_whole_dataset(folder):
    with open_reader(folder / "set.h5") as reader, Hdf5Reader(folder / "one.h5") as one:
        assert isinstance(reader, ShardedHdf5Reader)
        assert reader.shape == one.shape == (COUNT, 12, 30)
        assert len(reader) == COUNT
        assert repr(reader.fields) == repr(one.fields)
        assert reader.truth_names == one.truth_names
        assert reader.chunk_length == COUNT // SHARDS
        np.testing.assert_array_equal(reader.image(COUNT - 1), one.image(COUNT - 1))


def test_the_metadata_is_that_of_the_whole(folder):
    with open_reader(folder / "set.h5") as reader:
        metadata = reader.metadata
        metadata["seed"] = 7

        assert reader.metadata["seed"] == 1
    assert metadata["shards"] == SHARDS
    assert "shard" not in metadata
    assert metadata["spacing_range"] == (1, 2)


@settings(max_examples=20)
@given(bounds=BETWEEN, step=st.integers(1, COUNT + 3))
def test_a_slice_equals_that_of_one_file(folder, bounds, step):
    start, stop = bounds

    with open_reader(folder / "set.h5") as reader, Hdf5Reader(folder / "one.h5") as one:
        np.testing.assert_array_equal(reader.images(start, stop, step), one.images(start, stop, step))
        assert reader.labels(start, stop, step) == one.labels(start, stop, step)
        for name in one.truth_names:
            found, expected = reader.truth(name, start, stop, step), one.truth(name, start, stop, step)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)


def test_a_slice_is_read_in_small_pieces(folder, monkeypatch):
    monkeypatch.setattr(sharded_reader, "_PIECE_BYTES", 3 * 12 * 30)

    with open_reader(folder / "set.h5") as reader, Hdf5Reader(folder / "one.h5") as one:
        for step in (1, 2, 5):
            np.testing.assert_array_equal(reader.images(1, COUNT, step), one.images(1, COUNT, step))


def test_images_belong_to_the_caller(folder):
    with open_reader(folder / "set.h5") as reader:
        before = reader.images(5, 25)
        changed = reader.images(5, 25)
        changed[:] = 7

        np.testing.assert_array_equal(reader.images(5, 25), before)


@pytest.mark.parametrize(("start", "stop", "step"), [(-1, 3, 1), (3, 2, 1), (0, COUNT + 1, 1)])
def test_a_range_that_leaves_the_dataset_is_refused(folder, start, stop, step):
    with open_reader(folder / "set.h5") as reader, pytest.raises(DatasetIndexError, match="it has 42 images"):
        reader.images(start, stop, step)


def test_an_array_that_is_not_there_is_refused(folder):
    with open_reader(folder / "set.h5") as reader, pytest.raises(DatasetError, match="no `masks`"):
        reader.truth("masks", 0, 1)


def test_shards_without_compression_are_read(tmp_path, atlas):
    job = sharded.job_of(9, truth=())

    with open_reader(sharded.write_whole(tmp_path, job, atlas, compression="none")) as reader:
        assert reader.chunk_length == 1
        assert reader.fields == ()
        assert len({image.tobytes() for image in reader.images(0, 9)}) == 9


def test_shards_without_images_are_passed_by(tmp_path, atlas):
    job = sharded.job_of(2, truth=("boxes",))

    with open_reader(sharded.write_whole(tmp_path, job, atlas, 5)) as reader:
        assert reader.shape == (2, 12, 30)
        assert len(reader.labels(0, 2)) == 2
        assert reader.truth("boxes", 0, 2).shape == (2, 11, 4)
        assert reader.images(1, 2).shape == (1, 12, 30)


def test_an_index_of_no_images_is_an_empty_dataset(tmp_path, atlas):
    with open_reader(sharded.write_whole(tmp_path, sharded.job_of(0), atlas, 2)) as reader:
        assert reader.images(0, 0).shape == (0, 12, 30)
        assert reader.labels(0, 0) == []


def test_everything_that_opens_a_dataset_opens_an_index(folder, tmp_path):
    one = load_arrays(folder / "one.h5")

    raw = load_arrays(folder / "set.h5")
    dataset = GenericDataset()
    dataset.load(folder / "set.h5")
    convert(folder / "set.h5", tmp_path / "joined.h5")
    convert(folder / "set.h5", tmp_path / "joined.npz")

    np.testing.assert_array_equal(raw.images, one.images)
    assert raw.labels == one.labels
    np.testing.assert_array_equal(dataset[10][0], one.images[10])
    assert len(dataset) == COUNT
    for name in ("joined.h5", "joined.npz"):
        with open_reader(tmp_path / name) as joined, Hdf5Reader(folder / "one.h5") as whole:
            assert not isinstance(joined, ShardedHdf5Reader)
            np.testing.assert_array_equal(joined.images(0, COUNT), one.images)
            assert joined.labels(0, COUNT) == one.labels
            for field in whole.fields:
                np.testing.assert_array_equal(joined.truth(field.name, 0, COUNT), whole.truth(field.name, 0, COUNT))


def test_the_source_files_are_the_index_and_its_shards(folder):
    files = list_source_files(folder / "set.h5")

    assert files == [folder / "set.h5", *(shard_of(folder / "set.h5", number) for number in range(SHARDS))]
    assert list_source_files(folder / "one.h5") == [folder / "one.h5"]


def test_the_digits_of_a_part_of_a_split_are_told(tmp_path, atlas):
    index = sharded.write_whole(tmp_path, sharded.job_of(8), atlas, source_digits=[3, 5, 8])

    with open_reader(index) as reader:
        assert reader.metadata["source_digits"] == [3, 5, 8]


def test_h5py_alone_reads_an_index_whose_folder_was_moved(path, tmp_path, monkeypatch):
    with Hdf5Reader(path.with_name("one.h5")) as one:
        images, labels, boxes = one.images(0, COUNT), one.labels(0, COUNT), one.truth("boxes", 0, COUNT)
    path.parent.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)

    with h5py.File(Path("moved", "set.h5")) as file:
        np.testing.assert_array_equal(file["images"][()], images)
        assert file["labels"].asstr()[()].tolist() == labels
        np.testing.assert_array_equal(file["boxes"][()], boxes)


def test_a_reader_can_be_pickled(folder):
    with open_reader(folder / "set.h5") as reader:
        image = reader.image(30)

        with pickle.loads(pickle.dumps(reader)) as copy:
            np.testing.assert_array_equal(copy.image(30), image)
            assert (copy.shape, repr(copy.fields)) == (reader.shape, repr(reader.fields))


def test_a_reader_survives_a_fork(folder):
    code = f"""
import contextlib
import os
from number_generator.formats.reader import open_reader
reader = open_reader({str(folder / "set.h5")!r})
before = reader.images(0, 42).tolist()
child = os.fork()
if child == 0:
    os._exit(0 if reader.images(0, 42).tolist() == before else 3)
same = reader.images(0, 42).tolist() == before
print(os.waitpid(child, 0)[1], same)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert result.stdout == "0 True\n"


def test_a_closed_reader_says_so(folder):
    reader = open_reader(folder / "set.h5")
    reader.image(0)
    reader.close()
    reader.close()

    with pytest.raises(SpecError, match="closed"):
        reader.image(0)


@pytest.fixture(scope="module")
def many(tmp_path_factory, atlas):
    """An index of 100 shards of two images."""
    return sharded.write_whole(tmp_path_factory.mktemp("many"), sharded.job_of(200, truth=()), atlas, 100)


def open_files():
    gc.collect()  # a file closes with the last reference to its reader
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not list open files")
def test_few_of_many_shards_are_open_at_a_time(many):
    before = open_files()

    with open_reader(many) as reader:
        images = [reader.image(number) for number in range(200)]
        while_open = open_files()
        np.testing.assert_array_equal(reader.images(0, 200), images)

    assert 60 <= while_open - before <= 66
    assert open_files() == before


def test_threads_may_read_from_one_reader(many, monkeypatch):
    monkeypatch.setattr(sharded_reader, "_MOST_OPEN", 2)
    failed = []

    with open_reader(many) as reader:
        expected = reader.images(0, 200)

        def read(first):
            numbers = range(first, 200, 7)
            failed.extend(k for k in numbers if not np.array_equal(reader.image(k), expected[k]))

        threads = [threading.Thread(target=read, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failed == []


# --- what is wrong


@pytest.mark.parametrize("opening", [open_reader, load_arrays, list_source_files, GenericDataset().load])
def test_a_missing_shard_is_named(path, opening):
    shard_of(path, 2).unlink()

    with pytest.raises(
        DatasetNotFoundError, match=r"set\.h5: shard 2 of 4 is missing: put 'set-00002.*--shard=2/4 ins"
    ):
        opening(path)


def test_of_several_missing_shards_the_first_is_named(path):
    for number in (3, 1):
        shard_of(path, number).unlink()

    with pytest.raises(DatasetNotFoundError, match="2 of 4 shards are missing, shard 1 first: put 'set-00001"):
        open_reader(path)


def test_a_shard_that_goes_missing_later_is_named(path):
    with open_reader(path) as reader:
        shard_of(path, 2).unlink()

        with pytest.raises(DatasetNotFoundError, match="shard 2 of 4 is missing"):
            reader.images(0, COUNT)


def test_a_shard_of_another_job_is_refused(path, atlas):
    sharded.write_shard(path.parent, sharded.job_of(seed=2), 2, atlas)

    with (
        open_reader(path) as reader,
        pytest.raises(
            DatasetError, match=r"00002-of-00004\.h5: its job is not that of set\.h5: .*--seed was 1 and is 2"
        ),
    ):
        reader.images(0, COUNT)


def test_a_shard_in_the_place_of_another_is_refused(path):
    shutil.copy(shard_of(path, 1), shard_of(path, 3))

    with (
        open_reader(path) as reader,
        pytest.raises(DatasetError, match=r"it is shard '1/4', but according to set.h5 it sh"),
    ):
        reader.image(COUNT - 1)


def test_a_file_that_is_no_shard_is_refused(path):
    shutil.copy(path.with_name("one.h5"), shard_of(path, 0))

    with pytest.raises(DatasetError, match=r"it is shard None, but according to set.h5 it should be '0/4'"):
        open_reader(path)


def test_a_shard_that_was_rewritten_with_other_images_is_refused(path, atlas):
    with open_reader(path) as reader:
        pickled = pickle.dumps(reader)
    sharded.write_shard(path.parent, sharded.job_of(seed=3), 0, atlas)

    with pickle.loads(pickled) as copy, pytest.raises(DatasetError, match="--seed was 1 and is 3"):
        copy.image(0)


def test_a_shard_that_was_made_again_is_read(path, atlas):
    with Hdf5Reader(path.with_name("one.h5")) as one:
        expected = one.images(0, COUNT)
    sharded.write_shard(path.parent, sharded.job_of(), 1, atlas, compression="none")

    with open_reader(path) as reader:
        np.testing.assert_array_equal(reader.images(0, COUNT), expected)


def test_a_shard_is_checked_again_when_it_is_opened_again(path, atlas, monkeypatch):
    monkeypatch.setattr(sharded_reader, "_MOST_OPEN", 1)

    with open_reader(path) as reader:
        reader.images(0, COUNT)
        sharded.write_shard(path.parent, sharded.job_of(seed=3), 0, atlas)

        with pytest.raises(DatasetError, match="--seed was 1 and is 3"):
            reader.image(0)


def test_a_shard_with_other_images_than_its_index_tells_is_refused(path):
    edit(path, lambda file: file["shard_images"].__setitem__(slice(None), [10, 11, 9, 12]))

    with (
        open_reader(path) as reader,
        pytest.raises(DatasetError, match=r"it (begins with image|has 10 images, but according to)"),
    ):
        reader.images(0, COUNT)


def test_a_shard_with_images_of_another_size_is_refused(path):
    def narrower(file):
        images = file["images"][:, :, 1:]
        del file["images"]
        file["images"] = images

    edit(shard_of(path, 2), narrower)

    with open_reader(path) as reader, pytest.raises(DatasetError, match=r"its arrays are .*\(12, 29\).*\(12, 30\)"):
        reader.images(0, COUNT)


def test_a_shard_without_the_ground_truth_of_others_is_refused(path):
    edit(shard_of(path, 2), lambda file: file.__delitem__("boxes"))

    with open_reader(path) as reader, pytest.raises(DatasetError, match="its arrays are"):
        reader.truth("boxes", 0, COUNT)


@pytest.mark.slow
def test_a_shard_cut_short_is_refused(path):
    content = shard_of(path, 2).read_bytes()

    for length in range(0, len(content), 499):
        shard_of(path, 2).write_bytes(content[:length])
        with pytest.raises(DatasetError, match="set"), open_reader(path) as reader:
            reader.images(0, COUNT)


@pytest.mark.parametrize(
    "name",
    [
        "../set-00000-of-00004.h5",
        "a/../../set.h5",
        "/etc/passwd",
        "C:/set.h5",
        "a\\set.h5",
        "",
        "a/",
        "..",
    ],
)
def test_a_name_that_leads_out_of_the_folder_is_refused(path, name):
    rename(path, 1, name)

    with pytest.raises(DatasetError, match=r"it names the shard .*: shards must lie below the folder of the index"):
        open_reader(path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_that_leads_out_of_the_folder_is_refused(path, tmp_path):
    shard_of(path, 1).rename(tmp_path / "elsewhere.h5")
    shard_of(path, 1).symlink_to(tmp_path / "elsewhere.h5")

    with (
        open_reader(path) as reader,
        pytest.raises(DatasetError, match=r"'set-00001-of-00004\.h5' is a link to elsewhere"),
    ):
        reader.images(0, COUNT)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_the_index_leads_to_its_shards(folder, tmp_path):
    (tmp_path / "link.h5").symlink_to(folder / "set.h5")

    with open_reader(tmp_path / "link.h5") as reader:
        assert reader.images(0, COUNT).shape == (COUNT, 12, 30)


@pytest.mark.parametrize("make", [Path.mkdir, getattr(os, "mkfifo", Path.mkdir)])
def test_a_shard_that_is_no_file_is_refused(path, make):
    shard_of(path, 1).unlink()
    make(shard_of(path, 1))

    with pytest.raises(DatasetError, match="is not a regular file"):
        open_reader(path)


def test_a_shard_that_is_an_index_is_refused(path):
    rename(path, 0, "set.h5")

    with pytest.raises(DatasetError, match="lie in other files"):
        open_reader(path)


def replace(name, data):
    def change(file):
        del file[name]
        file[name] = data

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (replace("shard_files", np.arange(4)), "`shard_files` is a dataset of int64"),
        (replace("shard_files", np.array([[b"a"]])), r"`shard_files` is a dataset of .* with shape \(1, 1\)"),
        (replace("shard_files", np.array([], "S3")), r"with shape \(0,\)"),
        (replace("shard_files", ["a", "b", "c", "d"]), "`shard_files` is a dataset of object"),
        (replace("shard_files", h5py.ExternalLink("other.h5", "/a")), "`shard_files` is a ExternalLink, not a dataset"),
        (replace("shard_images", np.array([42])), r"`shard_images` is a dataset of int64 with shape \(1,\)"),
        (replace("shard_images", np.ones(4)), "`shard_images` is a dataset of float64"),
        (replace("shard_images", np.array([10, 11, 10, -1])), "has -1 images"),
        (replace("shard_images", np.array([10, 11, 10, 2**40])), "too few for 1099511627776 images"),
        (lambda file: file.__delitem__("shard_images"), "the data of its `images` lie in other files"),
    ],
)
def test_an_index_of_something_else_is_refused_in_words(path, change, words):
    edit(path, change)

    with pytest.raises(DatasetError, match=words):
        open_reader(path)


def test_a_virtual_dataset_without_a_list_of_shards_stays_refused(path):
    edit(path, lambda file: file.__delitem__("shard_files"))

    with pytest.raises(DatasetError, match="the data of its `images` lie in other files"):
        open_reader(path)


def test_a_dataset_with_a_list_of_that_name_is_read_as_it_is(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"], file["labels"], file["shard_files"] = np.zeros((2, 3, 4), np.uint8), [b"1", b"2"], [b"x", b"y"]

    with open_reader(tmp_path / "a.h5") as reader:
        assert reader.labels(0, 2) == ["1", "2"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("name", ["images", "boxes", "source_digits"])
def test_a_dataset_or_link_that_leads_to_a_pipe_does_not_hang(path, name):
    os.mkfifo(path.with_name("pipe.h5"))

    def unlimited(file):
        layout = h5py.VirtualLayout((3,), np.uint8, maxshape=(None,))
        source = h5py.VirtualSource("pipe.h5", "images", (3,), maxshape=(None,))
        layout[0 : h5py.h5s.UNLIMITED] = source[0 : h5py.h5s.UNLIMITED]
        file.pop(name, None)
        if name == "source_digits":
            file[name] = h5py.ExternalLink("pipe.h5", "/images")
        else:
            file.create_virtual_dataset(name, layout)

    edit(path.with_name("one.h5"), unlimited)
    edit(path, unlimited)

    with contextlib.suppress(DatasetError), Hdf5Reader(path.with_name("one.h5")) as reader:
        reader.metadata, reader.fields  # noqa: B018
    with open_reader(path) as reader:
        reader.metadata, reader.fields, reader.images(0, COUNT)


def test_an_index_cut_short_is_refused(path):
    content = path.read_bytes()

    for length in range(8, len(content), 997):
        path.write_bytes(content[:length])
        with pytest.raises((DatasetError, DatasetReadError)):
            open_reader(path)
