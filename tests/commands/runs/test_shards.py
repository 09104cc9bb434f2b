"""`--shards` and `--shard`: one job in many files, which hold what one file would."""

import os
import re
import shlex
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from running import run_phone
from written import names_in

from number_generator.commands import generate as cli
from number_generator.commands.runs import execute
from number_generator.commands.runs.plan import make_plan
from number_generator.formats.reader import open_reader
from number_generator.job.provenance import find_differences, read_options, read_recorded_job
from number_generator.system.signals import Interruption
from number_generator.system.staging import Staging

SHARDS = ["s-00000-of-00003.h5", "s-00001-of-00003.h5", "s-00002-of-00003.h5"]

pytestmark = pytest.mark.usefixtures("folder")


class _EndedError(BaseException):
    """What ends the process in these tests."""


def run(*arguments, interruption=None):
    arguments = ["--num-images=50", "--image-width=40", "--format=hdf5", *map(str, arguments)]
    arguments += [] if "--output-path" in " ".join(arguments) else ["--output-path=s.h5"]
    return run_phone(*arguments, interruption=interruption)


def load(path):
    with open_reader(path) as reader:
        count = len(reader)
        truth = {name: reader.truth(name, 0, count) for name in reader.truth_names}
        return reader.images(0, count), reader.labels(0, count), truth, reader.metadata


def assert_same(first, second):
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]
    assert first[2].keys() == second[2].keys()
    for name, array in first[2].items():
        assert np.array_equal(array, second[2][name], equal_nan=True), name


# --- what they hold


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--truth=boxes,glyphs,parameters"],
        ["--compression=none", "--truth=boxes"],
        ["--pattern=amount", "--label=digits"],
        ["--sequences=own.txt", "--num-images=23"],
    ],
    ids=["plain", "truth", "uncompressed", "pattern", "listed"],
)
def test_shards_and_their_index_hold_what_one_file_holds(folder, more):
    Path("own.txt").write_text("12\n345\n6\n")
    assert run("--seed=1", *more, "--output-path=one.h5") == 0

    assert run("--seed=1", *more, "--shards=3") == 0

    assert [name for name in names_in(folder) if name.startswith("s")] == [*SHARDS, "s.h5"]
    one, index, parts = load("one.h5"), load("s.h5"), [load(name) for name in SHARDS]
    assert_same(index, one)
    joined = {name: np.concatenate([part[2][name] for part in parts]) for name in one[2]}
    labels = [label for part in parts for label in part[1]]
    assert_same((np.concatenate([part[0] for part in parts]), labels, joined), one)


def test_a_shard_that_is_made_alone_is_the_one_that_is_made_with_all(folder):
    assert run("--seed=1", "--truth=glyphs", "--shards=3") == 0
    expected = [load(name) for name in SHARDS]
    for path in folder.iterdir():
        path.unlink()

    for number in (2, 0, 1):
        assert run("--seed=1", "--truth=glyphs", f"--shard={number}/3") == 0

    assert names_in(folder) == SHARDS
    for name, shard in zip(SHARDS, expected, strict=True):
        assert_same(load(name), shard)
        assert {**load(name)[3], "creation_timestamp": 0} == {**shard[3], "creation_timestamp": 0}


def test_a_shard_of_a_listed_split_is_the_one_that_is_made_with_all(folder):
    Path("numbers.txt").write_text("\n".join(map(str, range(100, 150))))
    options = ["--sequences=numbers.txt", "--split=a=0.5,b=0.5", "--seed=1"]

    assert run(*options, "--shards=2", "--output-path=all/s.h5") == 0
    assert run(*options, "--shard=1/2", "--output-path=alone/s.h5") == 0

    for name in ("s-a-00001-of-00002.h5", "s-b-00001-of-00002.h5"):
        assert_same(load(f"alone/{name}"), load(f"all/{name}"))


def test_all_shards_have_the_seed_that_was_drawn(folder):
    assert run("--shards=3") == 0

    seeds = {load(name)[3]["seed"] for name in [*SHARDS, "s.h5"]}
    assert len(seeds) == 1
    assert run(f"--seed={seeds.pop()}", "--output-path=one.h5") == 0
    assert_same(load("s.h5"), load("one.h5"))


def test_each_part_of_a_split_has_its_shards(folder):
    arguments = ["--seed=1", "--split=a=0.6,b=0.4", "--truth=glyphs"]
    assert run(*arguments, "--output-path=one.h5") == 0

    assert run(*arguments, "--shards=2") == 0

    for part in "ab":
        assert names_in(folder).count(f"s-{part}.h5") == 1
        index, one = load(f"s-{part}.h5"), load(f"one-{part}.h5")
        assert_same(index, one)
        assert index[3]["source_digits"] == one[3]["source_digits"]
    assert sum(re.fullmatch(r"s-[ab]-0000[01]-of-00002\.h5", name) is not None for name in names_in(folder)) == 4


def test_shards_differ_by_one_image_at_the_most(folder):
    assert run("--seed=1", "--num-images=11", "--shards=4") == 0

    assert [len(load(f"s-0000{number}-of-00004.h5")[1]) for number in range(4)] == [2, 3, 3, 3]


# --- what they tell of themselves


def test_shards_tell_what_they_are(folder):
    assert run("--seed=1", "--shards=3") == 0

    for number, name in enumerate(SHARDS):
        about = load(name)[3]
        job = read_recorded_job(about)
        assert about["shard"] == job["shard"] == f"{number}/3"
        assert (job["start"], job["num_images"]) == (50 * number // 3, 50 * (number + 1) // 3 - 50 * number // 3)
        assert read_options(about)["--shard"] == f"{number}/3"
        assert read_options(about)["--num-images"] == "50"
        assert "shards" not in about | job
    about = load("s.h5")[3]
    assert about["shards"] == read_recorded_job(about)["shards"] == 3
    assert read_recorded_job(about)["num_images"] == 50
    assert "shard" not in about | read_recorded_job(about)


@pytest.mark.parametrize("name", [SHARDS[1], "s.h5"])
def test_the_recorded_command_makes_them_again(folder, name):
    assert run("--seed=1", "--shards=3") == 0
    first = load(name)
    (folder / "again").mkdir()
    command = shlex.split(first[3]["command"])

    assert cli.generate_phone_numbers([*command[1:], "--output-path=again/s.h5"], Interruption()) == 0

    assert_same(load(f"again/{name}"), first)
    assert names_in(folder / "again") == ([name] if name != "s.h5" else names_in(folder)[1:])


def test_shards_of_one_job_differ_in_nothing_else(folder):
    assert run("--seed=1", "--shards=3") == 0
    first, second = load(SHARDS[0])[3], load(SHARDS[1])[3]

    assert find_differences(first, second, ignoring={"shard"}) == []
    assert find_differences(first, second) == ["--shard was 0/3 and is 1/3"]
    changed = {**second, "command": second["command"].replace("--seed=1", "--seed=2")}
    assert find_differences(first, changed, ignoring={"shard"}) == ["--seed was 1 and is 2"]


def test_a_plan_makes_nothing(folder):
    arguments = ["--num-images=50", "--seed=1", "--format=hdf5", "--shards=3", "--output-path=s.h5"]

    [part] = make_plan(cli.make_dataset_parser().parse_args(arguments))

    assert [part.shard(number).target for number in range(3)] == SHARDS
    assert [len(part.shard(number).job.span) for number in range(3)] == [16, 17, 17]
    assert names_in(folder) == []


# --- what is refused


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--shards=0"], "--shards is 0: give an integer, from 1 to"),
        (["--shards=51"], "--shards divides 50 images into 51 files"),
        (["--shards=2", "--shard=0/2"], "--shards and --shard are given"),
        (["--shard=0/2"], "--shard is 0/2 without --seed"),
        (["--shard=2/2", "--seed=1"], "--shard is '2/2': give I/K, where I is from 0 to K - 1"),
        (["--shard=1", "--seed=1"], "--shard is '1': give I/K"),
        (["--shard=-1/2", "--seed=1"], "--shard is '-1/2': give I/K"),
        (["--shard=0/99", "--seed=1"], "--shard divides 50 images into 99 files"),
        (["--shards=2", "--format=png", "--output-path=x"], "--shards is 2 and the format is png"),
        (["--shard=0/2", "--seed=1", "--format=npz", "--output-path=x.npz"], "--shard is 0/2 and the format is npz"),
        (["--shards=9", "--split=a=0.9,b=0.1"], "--shards divides 5 images into 9 files"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_made(folder, capsys, arguments, told):
    assert run(*arguments) == 2
    assert told in capsys.readouterr().err
    assert names_in(folder) == []


@pytest.mark.parametrize("name", [SHARDS[1], "s.h5"])
def test_an_earlier_file_is_not_replaced(folder, capsys, name):
    Path(name).write_bytes(b"earlier")

    assert run("--shards=3") == 1
    assert f"{name} exists already" in capsys.readouterr().err
    assert names_in(folder) == [name]


def test_earlier_files_are_replaced_where_that_is_allowed(folder):
    assert run("--seed=1", "--shards=3") == 0
    before = load("s.h5")

    assert run("--seed=2", "--shards=3", "--overwrite") == 0
    assert load("s.h5")[1] != before[1]
    assert names_in(folder) == [*SHARDS, "s.h5"]


# --- all or none


def test_a_file_that_cannot_be_put_into_place_takes_the_others_with_it(folder, monkeypatch, capsys):
    commit = execute.Shards.commit

    def blocked(self):
        Path("s.h5").touch()  # another has made something of that name meanwhile
        commit(self)

    monkeypatch.setattr(execute.Shards, "commit", blocked)

    assert run("--seed=1", "--shards=3") == 1
    assert "s.h5 exists already" in capsys.readouterr().err
    assert names_in(folder) == ["s.h5"]


@pytest.mark.parametrize("when", [1, 3])
def test_an_interruption_leaves_nothing(folder, monkeypatch, when):
    from number_generator.system import signals as interruptions  # noqa: PLC0415 - patched here alone

    seen = []
    write_job = execute.write_job

    def interrupted(*arguments, **options):
        seen.append(names_in(folder))
        if len(seen) == when:
            signal.raise_signal(signal.SIGINT)
        write_job(*arguments, **options)

    monkeypatch.setattr(execute, "write_job", interrupted)
    monkeypatch.setattr(interruptions.os, "_exit", lambda status: (_ for _ in ()).throw(_EndedError(status)))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    interruption = Interruption()
    interruption.install()
    try:
        with pytest.raises(_EndedError, match="130"):
            run("--seed=1", "--shards=3", interruption=interruption)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    assert len(seen) == when
    assert all(re.fullmatch(r"\.s\.h5\.\w+\.partial", name) for [name] in seen)
    assert names_in(folder) == []


@pytest.mark.skipif(os.name == "nt", reason="no locks there")
def test_what_a_killed_run_left_goes_with_the_next(folder, monkeypatch):
    monkeypatch.setattr(execute.Staging, "discard", lambda self: os.close(self._lock))  # as the system does
    monkeypatch.setattr(execute, "write_job", lambda *_, **__: (_ for _ in ()).throw(_EndedError))
    with pytest.raises(_EndedError):
        run("--seed=1", "--shards=3")
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    [left] = names_in(folder)
    assert re.fullmatch(r"\.s\.h5\.\w+\.partial", left)

    assert run("--seed=1", "--shards=3") == 0
    assert names_in(folder) == [*SHARDS, "s.h5"]


# --- what vanishes


@pytest.mark.parametrize("more", [["--resume"], []], ids="".join)
def test_shards_whose_folder_vanishes_in_the_last_step_are_an_error(folder, monkeypatch, capsys, more):
    write_index = execute.write_index

    def vanish(*arguments, **options):
        write_index(*arguments, **options)
        for path in (folder / "set").iterdir():
            path.unlink() if path.is_file() else None

    place = Staging.place

    def place_and_vanish(self, name, path, *, overwrite):
        place(self, name, path, overwrite=overwrite)
        if name == "s.h5":
            shutil.rmtree(folder / "set")

    monkeypatch.setattr(execute, "write_index", vanish if more else write_index)
    monkeypatch.setattr(Staging, "place", place_and_vanish)

    assert run("--shards=3", "--seed=1", "--output-path=set/s.h5", *more) == 1

    error = capsys.readouterr().err
    assert re.search(r"s-00000-of-00003\.h5 was made and has gone: .* run the same command again", error)


def test_no_index_is_made_in_a_new_folder_where_that_of_the_shards_has_gone(folder, monkeypatch, capsys):
    make_part, made = execute.make_part, []

    def vanish(*arguments):
        done = make_part(*arguments)
        made.append(arguments)
        if len(made) == 3:
            shutil.rmtree(folder / "set")
        return done

    monkeypatch.setattr(execute, "make_part", vanish)

    assert run("--shards=3", "--seed=1", "--output-path=set/s.h5", "--resume") == 1

    assert "has gone" in capsys.readouterr().err
    assert not (folder / "set").exists()


def test_parts_whose_folder_is_renamed_while_they_are_placed_are_not_denied(folder, monkeypatch, capsys):
    place = Staging.place

    def place_and_rename(self, name, path, *, overwrite):
        place(self, name, path, overwrite=overwrite)
        (folder / "set").rename(folder / "moved")

    monkeypatch.setattr(Staging, "place", place_and_rename)

    assert run("--shards=3", "--seed=1", "--output-path=set/s.h5") == 1

    error = capsys.readouterr().err
    assert "nothing was left behind" not in error
    assert "the folder has gone with what was in place already: set/s-00000-of-00003.h5" in error
    assert names_in(folder / "moved") == ["s-00000-of-00003.h5"]
