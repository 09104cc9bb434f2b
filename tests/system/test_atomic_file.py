"""A file that is whole or not there."""

import mmap
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from write_back import note_requests
from written import names_in

from number_generator.errors import OutputError, OutputExistsError
from number_generator.system import atomic_file, temporaries
from number_generator.system.atomic_file import AtomicFile


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


def test_the_temporary_folder_of_a_run_that_ends_meanwhile_is_not_made_again(tmp_path, monkeypatch):
    folder = tmp_path / ".set.h5.0123abcd.partial"
    folder.mkdir()
    is_dir = Path.is_dir

    def end_after_the_check(path):
        found = is_dir(path)
        if path == folder and found:
            temporaries.remove_folder(folder)
        return found

    monkeypatch.setattr(Path, "is_dir", end_after_the_check)
    with pytest.raises(OutputError):
        AtomicFile(folder / "set-00000-of-00002.h5", overwrite=False)

    assert names_in(tmp_path) == []


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


@pytest.mark.parametrize("way", ["rename", "hard links", "neither"])
def test_a_file_that_appears_while_ours_is_written_is_not_replaced(tmp_path, monkeypatch, way):
    path = tmp_path / "file.bin"
    file = AtomicFile(path, overwrite=False)
    file.file.write(b"ours")
    path.write_bytes(b"theirs")
    if way != "rename":
        monkeypatch.setattr(atomic_file, "rename_new", lambda *_: False)
    if way == "neither":
        monkeypatch.setattr(os, "link", _no_hard_links)

    with pytest.raises(OutputExistsError, match="exists already"):
        file.commit()
    file.discard()

    assert names_in(tmp_path) == ["file.bin"]
    assert path.read_bytes() == b"theirs"


def _no_hard_links(*_):
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_system_that_cannot_rename_so_is_written_to_as_well(tmp_path, monkeypatch, links):
    monkeypatch.setattr(atomic_file, "rename_new", lambda *_: False)
    if not links:
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


def test_a_temporary_that_nobody_holds_is_removed_where_the_file_is_there_and_stays(tmp_path):
    (tmp_path / ".file.bin.0123abcd.partial").touch()
    (tmp_path / "file.bin").touch()

    with pytest.raises(OutputExistsError):
        AtomicFile(tmp_path / "file.bin", overwrite=False)

    assert names_in(tmp_path) == ["file.bin"]


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


@pytest.mark.skipif(os.name == "nt", reason="no named pipes there")
@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("name", ["file.bin", "link"])
def test_only_a_regular_file_is_replaced(tmp_path, name, overwrite):
    os.mkfifo(tmp_path / "file.bin")
    (tmp_path / "link").symlink_to("file.bin")

    with pytest.raises(OutputError, match=rf"{name} (is|leads to) a device, a named pipe or the like: only regular"):
        AtomicFile(tmp_path / name, overwrite=overwrite)

    assert names_in(tmp_path) == ["file.bin", "link"]
    assert (tmp_path / "file.bin").is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="no such devices there")
def test_the_device_that_a_link_leads_to_is_not_replaced(tmp_path):
    (tmp_path / "link").symlink_to(os.devnull)

    with pytest.raises(OutputError, match="link leads to a device"):
        AtomicFile(tmp_path / "link", overwrite=True)

    assert Path(os.devnull).is_char_device()


@pytest.mark.skipif(os.name == "nt", reason="no named pipes there")
def test_a_pipe_that_appears_while_a_file_is_written_is_not_replaced(tmp_path):
    file = AtomicFile(tmp_path / "file.bin", overwrite=True)
    os.mkfifo(tmp_path / "file.bin")

    with pytest.raises(OutputError, match=r"file\.bin is a device, a named pipe or the like"):
        file.commit()
    file.discard()

    assert (tmp_path / "file.bin").is_fifo()
    assert names_in(tmp_path) == ["file.bin"]


def test_a_symbolic_link_stays_and_its_file_is_written(tmp_path):
    (tmp_path / "real.bin").write_bytes(b"earlier")
    (tmp_path / "link").symlink_to("real.bin")

    file = AtomicFile(tmp_path / "link", overwrite=True)
    file.file.write(b"new")
    file.commit()

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real.bin").read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="no named pipes there")
@pytest.mark.parametrize("ending", [".partial", ".partial.going.partial", ".earlier"])
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_planted_at_the_name_of_a_temporary_is_left_alone_and_blocks_nobody(tmp_path, kind, ending):
    planted = tmp_path / f".file.bin.0123abcd{ending}"
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.mkfifo(planted) if kind == "pipe" else planted.symlink_to("theirs")

    file = AtomicFile(tmp_path / "file.bin", overwrite=False)
    file.commit()

    assert names_in(tmp_path) == [planted.name, "file.bin", "theirs"]


def test_an_earlier_file_that_is_put_back_is_found_before_anything_is_written(tmp_path):
    (tmp_path / ".file.bin.0123abcd.earlier").write_bytes(b"earlier")

    with pytest.raises(OutputExistsError, match=r"file\.bin exists already"):
        AtomicFile(tmp_path / "file.bin", overwrite=False)

    assert names_in(tmp_path) == ["file.bin"]


def test_a_folder_that_is_put_back_is_found_before_anything_is_written(tmp_path):
    (tmp_path / ".file.bin.0123abcd.earlier").mkdir()

    with pytest.raises(OutputError, match=r"file\.bin is a folder"):
        AtomicFile(tmp_path / "file.bin", overwrite=True)

    assert names_in(tmp_path) == ["file.bin"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files have no owners there")
def test_a_file_is_ours_if_this_user_or_the_owner_of_the_folder_has_made_it(tmp_path):
    def status(mode, owner):
        return os.stat_result((mode, 1, 1, 1, owner, 0, 0, 0, 0, 0))

    folder_owner = tmp_path.stat().st_uid

    assert temporaries.find_stranger(status(0o100600, os.geteuid()), tmp_path) is None
    assert temporaries.find_stranger(status(0o040700, folder_owner), tmp_path) is None
    assert temporaries.find_stranger(status(0o100600, 54321), tmp_path) == "belongs to another user"
    assert temporaries.find_stranger(status(0o010600, os.geteuid()), tmp_path) == "is not a regular file"


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


# --- early writing to disk


def test_nothing_is_written_back_before_there_is_enough(tmp_path, monkeypatch):
    asked = note_requests(monkeypatch)
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
        asked = note_requests(patch)
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
