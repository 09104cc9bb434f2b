"""The index of shards as h5py reads it: one dataset, whose arrays lie in the files beside it."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from written import FIELDS, METADATA, about, make_content, names_in
from written import write as write_into

from number_generator.errors import OutputError, OutputExistsError, SpecError
from number_generator.formats.hdf5.index_writer import write_index
from number_generator.formats.reader import open_reader
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import DatasetHeader
from number_generator.system.signals import Interruption


def header_of(count, *, fields=FIELDS, size=(6, 9), **metadata):
    return DatasetHeader((count, *size), 4, METADATA | metadata, fields)


def write(folder, names, counts, fields=FIELDS):
    """Write files of a dataset, and give the whole of what is in them."""
    images, labels, truth = make_content(sum(counts))
    first = 0
    for name, count in zip(names, counts, strict=True):
        rows = slice(first, first + count)
        with open_writer("hdf5", folder / name, header_of(count, fields=fields), overwrite=True) as writer:
            of_shard = {name: values[rows] for name, values in truth.items()} if fields else None
            write_into(writer, images[rows], labels[rows], of_shard)
        first += count
    return images, labels, truth


def index(path, names, counts, *, overwrite=False, **more):
    shards = list(zip(names, counts, strict=True))
    write_index(path, header_of(sum(counts), **more), shards, overwrite=overwrite)


@pytest.mark.parametrize(
    "names",
    [
        ["a.h5", "b.h5", "c.h5"],
        ["deep/er/a.h5", "deep/b.h5", "c.h5"],
        ["50%.h5", "%b.h5", "%%b%.h5"],
        ["Zürich é.h5", "数字.h5", "a b'\".h5"],
    ],
    ids=["beside", "below", "percent", "unicode"],
)
def test_h5py_reads_an_index_as_one_dataset(tmp_path, names):
    images, labels, truth = write(tmp_path, names, [3, 1, 4])

    index(tmp_path / "set.h5", names, [3, 1, 4])

    with h5py.File(tmp_path / "set.h5") as file:
        np.testing.assert_array_equal(file["images"][()], images)
        np.testing.assert_array_equal(file["images"][2:5], images[2:5])
        np.testing.assert_array_equal(file["labels"][()], labels)
        for name, values in truth.items():
            assert file[name].dtype == values.dtype
            np.testing.assert_array_equal(file[name][()], values)


def test_any_program_reads_it_from_any_folder(tmp_path, monkeypatch):
    images, _, _ = write(tmp_path, ["a.h5", "b.h5"], [2, 3])
    index(tmp_path / "set.h5", ["a.h5", "b.h5"], [2, 3])
    code = "import h5py, sys; print(int(h5py.File(sys.argv[1])['images'][()].sum()))"
    (tmp_path / "elsewhere").mkdir()

    done = subprocess.run(
        [sys.executable, "-c", code, "../set.h5"],
        cwd=tmp_path / "elsewhere",
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) == int(images.sum())


def test_the_index_is_described_as_one_file_would_be(tmp_path):
    write(tmp_path, ["a.h5", "b.h5"], [2, 3])
    write(tmp_path, ["one.h5"], [5])
    index(tmp_path / "set.h5", ["a.h5", "b.h5"], [2, 3])

    with h5py.File(tmp_path / "set.h5") as ours, h5py.File(tmp_path / "one.h5") as one:
        assert set(ours) == {*one, "shard_files", "shard_images", "shard"}
        assert ours.attrs.keys() == one.attrs.keys()
        for name in one.attrs:
            np.testing.assert_array_equal(ours.attrs[name], one.attrs[name])
        for name in one:
            assert (ours[name].shape, ours[name].dtype) == (one[name].shape, one[name].dtype)
            assert about(ours[name]) == about(one[name])
        assert h5py.check_string_dtype(ours["labels"].dtype) == h5py.check_string_dtype(one["labels"].dtype)


def test_an_index_has_the_same_bytes_whenever_it_is_written(tmp_path):
    write(tmp_path, ["a.h5"], [3])
    index(tmp_path / "set.h5", ["a.h5"], [3])

    with h5py.File(tmp_path / "set.h5") as file:
        assert {name: h5py.h5o.get_info(dataset.id).mtime for name, dataset in file.items()} == dict.fromkeys(file, 0)


def test_the_shards_are_listed(tmp_path):
    index(tmp_path / "set.h5", ["é/a.h5", "b.h5"], [2, 3])

    with h5py.File(tmp_path / "set.h5") as file:
        names, counts = file["shard_files"], file["shard_images"]
        assert [name.decode() for name in names[()]] == ["é/a.h5", "b.h5"]
        assert tuple(h5py.check_string_dtype(names.dtype)) == ("utf-8", len("é/a.h5".encode()))
        assert (counts.dtype, counts[()].tolist()) == (np.int64, [2, 3])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take names of text alone")
def test_a_name_that_is_no_text_leads_to_its_shard(tmp_path):
    names = [os.fsdecode(b"a\xff-0.h5"), "b.h5"]
    images, _, _ = write(tmp_path, names, [2, 1])

    index(tmp_path / "set.h5", names, [2, 1])

    with h5py.File(tmp_path / "set.h5") as file:
        np.testing.assert_array_equal(file["images"][()], images)


def test_the_digits_of_a_split_are_written_as_a_dataset(tmp_path):
    index(tmp_path / "set.h5", ["a.h5"], [2], source_digits=[1, 5])

    with h5py.File(tmp_path / "set.h5") as file:
        assert file["source_digits"][()].tolist() == [1, 5]


def test_thousands_of_shards_are_indexed(tmp_path):
    names = [f"set-{number:05d}-of-03000.h5" for number in range(3000)]

    index(tmp_path / "set.h5", names, [7] * 3000, fields=())

    with h5py.File(tmp_path / "set.h5") as file:
        assert file["images"].shape == (21_000, 6, 9)
        assert file["images"].id.get_create_plist().get_virtual_count() == 3000
        assert file["shard_files"][-1].decode() == names[-1]


def test_shards_without_images_are_listed_only(tmp_path):
    images, _, _ = write(tmp_path, ["a.h5", "b.h5", "c.h5"], [0, 2, 0])

    index(tmp_path / "set.h5", ["a.h5", "b.h5", "c.h5"], [0, 2, 0])

    with h5py.File(tmp_path / "set.h5") as file:
        np.testing.assert_array_equal(file["images"][()], images)
        assert file["shard_images"][()].tolist() == [0, 2, 0]


@pytest.mark.parametrize("name", ["../a.h5", "/a.h5", "x/../../a.h5", "C:/a.h5", "a\\b.h5", "", "a/"])
def test_a_shard_that_lies_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(SpecError, match="is not below the folder of the index"):
        index(tmp_path / "set.h5", [name], [2])

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("shards", [[], [("a.h5", 2)]])
def test_shards_that_are_not_the_whole_are_refused(tmp_path, shards):
    with pytest.raises(SpecError, match="give all shards"):
        write_index(tmp_path / "set.h5", header_of(3), shards, overwrite=False)


def test_an_earlier_index_is_replaced_only_if_it_may_be(tmp_path):
    index(tmp_path / "set.h5", ["a.h5"], [2])

    with pytest.raises(OutputExistsError, match="exists already"):
        index(tmp_path / "set.h5", ["b.h5"], [3])
    index(tmp_path / "set.h5", ["c.h5"], [4], overwrite=True)

    with h5py.File(tmp_path / "set.h5") as file:
        assert file["images"].shape == (4, 6, 9)
    assert names_in(tmp_path) == ["set.h5"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_that_leads_away_from_the_shards_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "set.h5").symlink_to(tmp_path / "elsewhere" / "set.h5")

    with pytest.raises(OutputError, match="is a link to another folder"):
        index(tmp_path / "set.h5", ["a.h5"], [2], overwrite=True)
    assert names_in(tmp_path / "elsewhere") == []


def test_metadata_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(SpecError, match="metadata 'odd' is"):
        index(tmp_path / "set.h5", ["a.h5"], [2], odd=object())

    assert names_in(tmp_path) == []


def test_a_failing_write_is_one_error_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_virtual_dataset", fail)

    with pytest.raises(OutputError, match=r"cannot write .*set\.h5: .*No space left on device"):
        index(tmp_path / "set.h5", ["a.h5"], [2])

    assert names_in(tmp_path) == []


def test_the_unfinished_file_is_known_to_the_interruption(tmp_path):
    interruption = Interruption()

    write_index(tmp_path / "set.h5", header_of(2), [("a.h5", 2)], overwrite=False, interruption=interruption)

    assert [Path(path).parent for path in interruption.temporaries] == [tmp_path]


def test_names_with_percent_signs_are_read_directly_as_well(tmp_path):
    names = ["%b.h5", "%%.h5"]
    images, _, _ = write(tmp_path, names, [3, 4], fields=())
    for number, name in enumerate(names):
        with h5py.File(tmp_path / name, "r+") as file:
            file.attrs["shard"] = f"{number}/2"
    index(tmp_path / "set.h5", names, [3, 4], fields=())

    with open_reader(tmp_path / "set.h5") as reader:
        np.testing.assert_array_equal(reader.images(0, 7), images)
