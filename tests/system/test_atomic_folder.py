"""A folder that is whole or not there."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from written import names_in, tree

from number_generator.errors import OutputError, OutputExistsError
from number_generator.system import atomic_folder, temporaries
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.signals import _remove


def find_weights(folder):
    return "holds 'weights.pt'" if (folder / "weights.pt").exists() else None


def make_earlier(path):
    (path / "old").mkdir(parents=True)
    (path / "old" / "file.bin").write_bytes(b"old")


def make_folder(path, *, overwrite=False):
    folder = AtomicFolder(path, overwrite=overwrite, find_obstacle=find_weights)
    with folder.create("deep/file.bin") as file:
        file.write(b"new")
    return folder


def test_a_committed_folder_has_its_final_name_alone(tmp_path):
    path = tmp_path / "deep" / "set"

    folder = make_folder(path)
    before = names_in(path.parent)
    folder.commit()
    folder.discard()

    assert before == [folder.temporary_path.name]
    assert before[0].startswith(".set.")
    assert names_in(path.parent) == ["set"]
    assert tree(path) == {"deep/file.bin": b"new"}


def test_a_discarded_folder_leaves_nothing_and_the_earlier_one_untouched(tmp_path):
    make_earlier(tmp_path / "set")
    earlier = tree(tmp_path / "set")

    make_folder(tmp_path / "set", overwrite=True).discard()

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == earlier


def test_a_folder_replaces_an_earlier_one_where_that_is_allowed(tmp_path):
    make_earlier(tmp_path / "set")

    folder = make_folder(tmp_path / "set", overwrite=True)
    folder.commit()
    folder.discard()

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == {"deep/file.bin": b"new"}


def test_a_folder_with_an_obstacle_is_never_replaced(tmp_path):
    make_earlier(tmp_path / "set")
    (tmp_path / "set" / "weights.pt").touch()
    before = tree(tmp_path / "set")

    with pytest.raises(OutputError, match=r"set holds 'weights\.pt', and so is not replaced: give another name"):
        make_folder(tmp_path / "set", overwrite=True)

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == before


def test_a_folder_that_gets_an_obstacle_while_ours_is_written_is_not_replaced(tmp_path):
    make_earlier(tmp_path / "set")
    folder = make_folder(tmp_path / "set", overwrite=True)
    (tmp_path / "set" / "weights.pt").touch()

    with pytest.raises(OutputError, match=r"set holds 'weights\.pt'"):
        folder.commit()
    folder.discard()

    assert names_in(tmp_path) == ["set"]
    assert "weights.pt" in names_in(tmp_path / "set")


def test_only_an_empty_folder_is_replaced_where_nothing_finds_obstacles(tmp_path):
    make_earlier(tmp_path / "set")

    with pytest.raises(OutputError, match="set is not empty, and so is not replaced"):
        AtomicFolder(tmp_path / "set", overwrite=True)
    shutil.rmtree(tmp_path / "set" / "old")
    folder = AtomicFolder(tmp_path / "set", overwrite=True)
    folder.commit()
    folder.discard()

    assert tree(tmp_path / "set") == {}


@pytest.mark.parametrize("kind", ["file", "folder", "dataset", "dangling link"])
def test_what_is_there_is_an_error_where_it_may_not_be_replaced(tmp_path, kind):
    path = tmp_path / "set"
    if kind == "file":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    elif kind == "dataset":
        make_earlier(path)
    else:
        path.symlink_to("nowhere")

    with pytest.raises(OutputExistsError, match=r"set exists already: allow overwriting \(--overwrite\)"):
        AtomicFolder(path, overwrite=False)

    assert names_in(tmp_path) == ["set"]


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("name", ["", ".", "deep/.."])
def test_a_folder_without_a_name_of_its_own_is_refused(tmp_path, monkeypatch, name, overwrite):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(OutputError, match=r"is a folder without a name of its own: give the name of the folder"):
        AtomicFolder(Path(name), overwrite=overwrite)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_appears_while_ours_is_written_is_not_replaced(tmp_path, kind):
    folder = make_folder(tmp_path / "set")
    if kind == "file":
        (tmp_path / "set").write_bytes(b"theirs")
    else:
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "theirs").touch()

    with pytest.raises(OutputExistsError, match="exists already"):
        folder.commit()
    folder.discard()

    assert names_in(tmp_path) == ["set"]
    assert (tmp_path / "set").is_file() or names_in(tmp_path / "set") == ["theirs"]


def test_a_file_where_the_folder_should_be_is_an_error(tmp_path):
    (tmp_path / "set").touch()

    with pytest.raises(OutputError, match="set is a file: give another name for the folder of a dataset"):
        AtomicFolder(tmp_path / "set", overwrite=True)
    with pytest.raises(OutputError, match="set is a file: give a folder, or another name"):
        AtomicFolder(tmp_path / "set" / "deep", overwrite=True)


def test_a_temporary_folder_that_nobody_holds_is_removed(tmp_path):
    (tmp_path / ".set.0123abcd.partial" / "images").mkdir(parents=True)
    (tmp_path / ".set.0123abcd.partial" / "images" / "1.png").touch()
    (tmp_path / ".other.0123abcd.partial").mkdir()

    AtomicFolder(tmp_path / "set", overwrite=False).discard()

    assert names_in(tmp_path) == [".other.0123abcd.partial"]


def test_a_temporary_folder_that_is_being_written_is_not_removed(tmp_path):
    first = make_folder(tmp_path / "set")

    second = make_folder(tmp_path / "set")
    second.discard()
    first.commit()
    first.discard()

    assert tree(tmp_path / "set") == {"deep/file.bin": b"new"}


def test_a_temporary_folder_taken_for_a_stale_one_before_it_was_locked_is_made_anew(tmp_path, monkeypatch):
    lock, taken = temporaries.lock, []

    def lock_too_late(file, *, wait):
        if not taken:
            taken.extend(tmp_path.iterdir())
            taken[0].rmdir()  # as another run does
        return lock(file, wait=wait)

    monkeypatch.setattr(temporaries, "lock", lock_too_late)
    folder = make_folder(tmp_path / "set")
    folder.commit()
    folder.discard()

    assert folder.temporary_path not in taken
    assert names_in(tmp_path) == ["set"]


def test_what_a_killed_run_had_moved_aside_is_put_back(tmp_path):
    make_earlier(tmp_path / "set")
    earlier = tree(tmp_path / "set")
    (tmp_path / "set").rename(tmp_path / ".set.0123abcd.earlier")

    make_folder(tmp_path / "set", overwrite=True).discard()

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == earlier


def test_an_earlier_folder_that_is_put_back_is_found_before_anything_is_written(tmp_path):
    make_earlier(tmp_path / "set")
    (tmp_path / "set").rename(tmp_path / ".set.0123abcd.earlier")

    with pytest.raises(OutputExistsError, match="set exists already"):
        AtomicFolder(tmp_path / "set", overwrite=False)

    assert names_in(tmp_path) == ["set"]


def test_what_a_killed_run_had_replaced_is_removed(tmp_path):
    make_earlier(tmp_path / "set")
    shutil.copytree(tmp_path / "set", tmp_path / ".set.0123abcd.earlier")

    make_folder(tmp_path / "set", overwrite=True).discard()

    assert names_in(tmp_path) == ["set"]


@pytest.mark.parametrize("in_one_step", [True, False])
def test_the_earlier_folder_stays_where_the_new_one_cannot_take_its_place(tmp_path, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(atomic_folder, "exchange", lambda *_: False)
    make_earlier(tmp_path / "set")
    earlier = tree(tmp_path / "set")
    folder = make_folder(tmp_path / "set", overwrite=True)
    folder.finish()
    shutil.rmtree(folder.temporary_path)

    with pytest.raises(OutputError, match=r"cannot write .*set: No such file or directory; nothing was left behind"):
        folder.commit()
    folder.discard()

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == earlier


@pytest.mark.skipif(sys.platform != "linux", reason="folders cannot be exchanged in one step")
def test_there_is_a_folder_at_any_time_while_one_is_replaced(tmp_path, monkeypatch):
    make_earlier(tmp_path / "set")
    folder = make_folder(tmp_path / "set", overwrite=True)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", None)
        folder.commit()
    left = tree(folder.temporary_path)
    folder.discard()

    assert left == {"old/file.bin": b"old"}
    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == {"deep/file.bin": b"new"}


def test_a_folder_is_replaced_in_steps_where_there_is_no_other_way(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic_folder, "exchange", lambda *_: False)
    monkeypatch.setattr(atomic_folder, "rename_new", lambda *_: False)
    for _ in range(2):
        with make_folder(tmp_path / "set", overwrite=True) as folder:
            folder.commit()

    assert names_in(tmp_path) == ["set"]
    assert tree(tmp_path / "set") == {"deep/file.bin": b"new"}


def test_what_was_moved_aside_is_put_back_before_a_run_that_may_not_replace_it(tmp_path):
    make_earlier(tmp_path / ".set.0123abcd.earlier")

    with pytest.raises(OutputExistsError):
        make_folder(tmp_path / "set")

    assert names_in(tmp_path) == ["set"]


def test_a_symbolic_link_stays_and_its_folder_is_written(tmp_path):
    make_earlier(tmp_path / "real")
    (tmp_path / "link").symlink_to("real")

    folder = make_folder(tmp_path / "link", overwrite=True)
    folder.commit()
    folder.discard()

    assert (tmp_path / "link").is_symlink()
    assert names_in(tmp_path) == ["link", "real"]
    assert tree(tmp_path / "real") == {"deep/file.bin": b"new"}


def test_the_longest_possible_name_can_be_written(tmp_path):
    path = tmp_path / ("é" * 127)

    make_folder(path).commit()

    assert names_in(tmp_path) == [path.name]


def test_a_name_too_long_is_told_before_anything_is_written(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*: File name too long; nothing was left behind"):
        AtomicFolder(tmp_path / ("x" * 256), overwrite=False)

    assert names_in(tmp_path) == []


@pytest.mark.parametrize("holds_many", [True, False])
def test_files_are_flushed_one_by_one_where_the_file_system_cannot_be(tmp_path, monkeypatch, holds_many):
    flushed = []
    monkeypatch.setattr(sys, "platform", "unknown") if holds_many else None
    monkeypatch.setattr(temporaries, "sync_in_parts", lambda file: flushed.append(file.name))
    folder = make_folder(tmp_path / "set")

    folder.finish(holds_many=holds_many)
    folder.discard()

    assert [os.path.basename(name) for name in flushed] == ["file.bin"]  # noqa: PTH119 - names are texts


def test_an_interruption_removes_folders(tmp_path):
    folder = make_folder(tmp_path / "set")

    assert _remove(folder.temporary_path)
    assert _remove(tmp_path / "never there")

    assert names_in(tmp_path) == []


def test_a_discarded_folder_is_not_made_again(tmp_path):
    folder = make_folder(tmp_path / "set")
    folder.discard()

    with pytest.raises(FileNotFoundError):
        folder.create("data/file.parquet")

    assert list(tmp_path.iterdir()) == []
