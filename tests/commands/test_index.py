"""`python -m number_generator index`."""

import json
import shutil

import h5py
import numpy as np
import pytest
import sharded
from sharded import COUNT

from number_generator.commands.generate import generate_phone_numbers
from number_generator.commands.main import main
from number_generator.digits.atlas import GlyphAtlas
from number_generator.errors import DatasetError, OutputExistsError, SpecError
from number_generator.formats.hdf5.reader import Hdf5Reader
from number_generator.formats.joining import index_path, index_shards
from number_generator.formats.reader import open_reader
from number_generator.job.provenance import read_recorded_job
from number_generator.system.signals import Interruption


def run(*arguments):
    return main(["index", *map(str, arguments)], Interruption())


@pytest.fixture(scope="module")
def atlas(make_digits):
    return GlyphAtlas.from_digits(*make_digits(12))


@pytest.fixture(scope="module")
def made(tmp_path_factory, atlas):
    """A folder of the shards of a job, which are only read."""
    folder = tmp_path_factory.mktemp("made")
    sharded.write_shards(folder, sharded.job_of(), atlas)
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """The same, of one's own, and the current folder."""
    shutil.copytree(made, tmp_path / "own")
    monkeypatch.chdir(tmp_path / "own")
    return tmp_path / "own"


@pytest.fixture
def shards(folder):
    return sorted(folder.iterdir())


def test_shards_in_any_order_become_one_dataset(folder, shards, capsys):
    assert run(shards[2].name, shards[0].name, shards[3].name, shards[1].name) == 0

    assert capsys.readouterr().out == 'Index of 4 shards with 42 images written to "set.h5"\n'
    with open_reader(folder / "set.h5") as reader:
        images = [image for path in shards for image in Hdf5Reader(path).images(0, len(Hdf5Reader(path)))]
        np.testing.assert_array_equal(reader.images(0, COUNT), images)


def test_the_index_is_the_one_that_the_whole_job_writes(folder, shards, tmp_path, atlas):
    (tmp_path / "whole").mkdir()
    whole = sharded.write_whole(tmp_path / "whole", sharded.job_of(), atlas)

    assert run(*shards) == 0

    with open_reader(folder / "set.h5") as ours, open_reader(whole) as theirs:
        found, expected = ours.metadata, theirs.metadata
        assert read_recorded_job(found) == read_recorded_job(expected)
        for metadata in (found, expected):
            del metadata["creation_timestamp"], metadata["job"]
        assert found == expected
        assert repr(ours.fields) == repr(theirs.fields)
    with h5py.File(folder / "set.h5") as ours, h5py.File(whole) as theirs:
        assert ours["labels"].dtype == theirs["labels"].dtype
        np.testing.assert_array_equal(ours["shard_files"][()], theirs["shard_files"][()])
        np.testing.assert_array_equal(ours["shard_images"][()], theirs["shard_images"][()])


def test_the_digits_of_a_part_of_a_split_are_kept(tmp_path, atlas):
    shards = sharded.write_shards(tmp_path, sharded.job_of(8), atlas, 2, source_digits=[3, 5])

    assert run(*shards) == 0

    with open_reader(tmp_path / "set.h5") as reader:
        assert reader.metadata["source_digits"] == [3, 5]


def test_the_index_may_lie_above_its_shards(folder, shards, capsys):
    assert run(*shards, "--output-path", folder.parent / "all.h5") == 0

    with open_reader(folder.parent / "all.h5") as reader:
        assert reader.labels(0, COUNT)
    with h5py.File(folder.parent / "all.h5") as file:
        assert file["shard_files"][0].decode() == "own/set-00000-of-00004.h5"


def test_an_earlier_index_is_replaced_only_if_that_is_asked_for(folder, shards, capsys):
    assert run(*shards) == 0
    assert run(*shards) == 1
    assert "set.h5 exists already: allow overwriting (--overwrite)" in capsys.readouterr().err

    assert run(*shards, "--overwrite") == 0


def test_the_usual_name_is_that_of_the_shards(tmp_path):
    assert index_path(tmp_path / "a-b-00001-of-00004.hdf5") == tmp_path / "a-b.hdf5"
    assert index_path("x-100001-of-200000.h5").name == "x.h5"


@pytest.mark.parametrize("name", ["set.h5", "set-1-of-4.h5", "-00001-of-00004.h5", "set-00001-of-00004", "a\0.h5"])
def test_without_a_usual_name_one_is_asked_for(name):
    with pytest.raises(SpecError):
        index_path(name)


def test_shards_of_other_names_need_a_name_for_the_index(folder, shards, capsys):
    shards[0].rename("first.h5")
    names = ["first.h5", *(path.name for path in shards[1:])]

    assert run(*names) == 2
    assert "SHARD is 'first.h5', which is not named as --shard names files" in capsys.readouterr().err
    assert run(*names, "--output-path", "all.h5") == 0

    with open_reader("all.h5") as reader:
        assert len(reader) == COUNT


def refused(paths, error, words, output="set.h5"):
    with pytest.raises(error, match=words):
        index_shards(paths, output)


def test_missing_shards_are_named(folder, shards):
    refused(shards[:2], SpecError, r"2 of 4 shards are missing, counted from 0: 2, 3: give them as well, or .*=2/4 and")
    refused(shards[1:], SpecError, r"1 of 4 shards is missing, counted from 0: 0: give it as well, or .*--shard=0/4$")

    assert sorted(folder.iterdir()) == shards


def test_of_many_missing_shards_a_few_are_named(tmp_path, atlas):
    one = sharded.write_shard(tmp_path, sharded.job_of(), 1, atlas, 40)

    refused(
        [one], SpecError, r"39 of 40 shards are missing, counted from 0: 0, 2, 3, 4, 5, \.\.\.: give", tmp_path / "a.h5"
    )


def test_a_shard_given_twice_is_refused(folder, shards):
    shutil.copy(shards[1], "copy.h5")

    refused([*shards, "copy.h5"], SpecError, "copy.h5 is shard 1, as set-00001-of-00004.h5 is: give each shard once")


def test_shards_of_different_jobs_are_refused_with_the_difference(folder, shards, atlas):
    sharded.write_shard(folder, sharded.job_of(seed=9), 2, atlas)

    refused(
        shards, DatasetError, r"00000-of-00004\.h5 and .*00002-of-00004\.h5 are shards of diff.*--seed was 1 and is 9"
    )


def test_shards_of_other_numbers_are_refused(folder, shards, atlas):
    other = sharded.write_shard(folder, sharded.job_of(), 4, atlas, 5)

    refused([*shards, other], DatasetError, "different jobs: the number of shards was 4 and is 5")


@pytest.mark.parametrize("recorded", ["4/4", "01/4", "1", "-1/4", "1/4\n", 3])
def test_a_file_that_is_no_shard_is_refused(folder, shards, recorded):
    with h5py.File(shards[1], "r+") as file:
        file.attrs["shard"] = recorded

    refused(shards, DatasetError, r"00001-of-00004\.h5: this is not a shard: give the files that")


def test_a_whole_dataset_and_an_index_are_refused(folder, shards, atlas):
    job = sharded.job_of()
    sharded.write(folder / "one.h5", job, sharded.header_of(job), atlas)
    index_shards(shards, "set.h5")

    refused(["one.h5"], DatasetError, r"one\.h5: this is not a shard", "a.h5")
    refused(["set.h5"], DatasetError, r"set\.h5: the data of its `images` lie in other files", "a.h5")


def test_a_shard_with_fewer_images_than_it_records_is_refused(folder, shards):
    with h5py.File(shards[3], "r+") as file:
        for name in ("images", "labels", "boxes", "glyphs", "writers", "parameters", "glyph_parameters"):
            rows = file[name][:5]
            del file[name]
            file[name] = rows

    refused(shards, DatasetError, r"00003-of-00004\.h5: this shard has 5 of 11 images: make it again")


def test_shards_that_do_not_follow_one_another_are_refused(folder, shards):
    with h5py.File(shards[2], "r+") as file:
        file.attrs["job"] = json.dumps(json.loads(file.attrs["job"]) | {"start": 22})

    refused(shards, DatasetError, r"00001-of-00004\.h5 has 11 images from number 10 on, and .*2-of.* begins with 22")


def test_shards_with_other_arrays_are_refused(folder, shards):
    with h5py.File(shards[2], "r+") as file:
        del file["boxes"]

    refused(shards, DatasetError, "different jobs: the shapes of the arrays differ")


def test_shards_in_other_folders_are_refused(folder, shards, tmp_path):
    refused(
        shards, SpecError, r"does not lie in the folder of the index, .*, or below it", tmp_path / "other" / "set.h5"
    )


@pytest.mark.parametrize("output", ["set.npz", "set", "a\0.h5", 3])
def test_an_index_of_another_ending_is_refused(folder, shards, output):
    refused(shards, SpecError, "the index is", output)


def test_no_shards_are_refused(tmp_path):
    refused([], SpecError, "no shard is given", tmp_path / "set.h5")


def test_an_index_in_the_place_of_a_shard_is_refused(folder, shards):
    refused(shards, OutputExistsError, "exists already", shards[0])
    with pytest.raises(SpecError, match="one of the shards and would be replaced"):
        index_shards(shards, shards[0], overwrite=True)


def test_shards_written_by_the_command_are_indexed(tmp_path, digits_file, capsys):
    common = ["--num-images=30", "--seed=5", f"--digits={digits_file}", "--truth=boxes", "--quiet"]
    one, several, alone = (tmp_path / name / "set.h5" for name in ("one", "several", "alone"))

    for arguments in (
        [f"--output-path={one}"],
        [f"--output-path={several}", "--shards=3"],
        *([f"--output-path={alone}", f"--shard={number}/3"] for number in range(3)),
    ):
        assert generate_phone_numbers([*common, *arguments], Interruption()) == 0
    assert run(*alone.parent.iterdir()) == 0

    with open_reader(one) as whole:
        for path in (several, alone):
            with open_reader(path) as reader:
                np.testing.assert_array_equal(reader.images(0, 30), whole.images(0, 30))
                np.testing.assert_array_equal(reader.truth("boxes", 0, 30), whole.truth("boxes", 0, 30))
                assert reader.labels(0, 30) == whole.labels(0, 30)
                assert reader.metadata["command"].endswith("--shards=3")
