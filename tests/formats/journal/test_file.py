"""The journal: what was appended is read again, whatever a crash has done to its end."""

import errno
import os

import numpy as np
import pytest

from number_generator.errors import OutputError
from number_generator.formats.journal import file as journals
from number_generator.formats.journal.file import Journal, compute_checksum, read_recorded

ABOUT = {"seed": 1, "command": "generate-phone-numbers --seed=1"}
PAYLOADS = [b"first" * 30, b"", b"third"]


@pytest.fixture
def path(tmp_path):
    """The path of a journal in an empty folder."""
    return tmp_path / "lines.h5.journal"


@pytest.fixture
def begun(path):
    """A journal with three records of two images each, from image 10 on; the sizes of the file after each of them."""
    journal = Journal(path)
    journal.begin(ABOUT)
    sizes = [path.stat().st_size]
    for number, payload in enumerate(PAYLOADS):
        journal.append(10 + 2 * number, 2, [payload], compute_checksum([payload]))
        sizes.append(path.stat().st_size)
    journal.close()
    return sizes


def entries_of(path, first=10):
    journal = Journal(path)
    found = list(journal.read_entries(first))
    about = journal.about
    journal.close()
    return about, found


# --- what is appended is read again


def test_what_was_appended_is_read_again(path, begun):
    assert entries_of(path) == (ABOUT, [(2, payload) for payload in PAYLOADS])
    assert read_recorded(path) == ABOUT


def test_a_journal_goes_on_after_what_it_holds(path, begun):
    journal = Journal(path)
    list(journal.read_entries(10))
    journal.append(16, 1, [b"a", np.arange(3, dtype=np.uint8)], compute_checksum([b"a\0\1\2"]))
    journal.close()

    assert entries_of(path)[1][-1] == (1, b"a\0\1\2")


def test_a_journal_of_nothing_is_not_kept(path):
    journal = Journal(path)
    journal.begin(ABOUT)
    journal.close()

    assert not path.exists()


def test_a_removed_journal_has_gone(path, begun):
    Journal(path).remove()

    assert not path.exists()
    assert read_recorded(path) is None


# --- what a crash leaves


def test_every_cut_leaves_the_whole_records_before_it(path, begun):
    content = path.read_bytes()
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        whole = sum(size <= cut for size in begun)

        about, found = entries_of(path)

        assert about == (ABOUT if whole else None), cut
        assert found == [(2, payload) for payload in PAYLOADS[: max(0, whole - 1)]], cut
        assert not whole or path.stat().st_size == begun[whole - 1]


@pytest.mark.parametrize("filling", [b"\0", b"\xff", b"N"])
def test_a_tail_that_the_disk_never_got_is_cut_off(path, begun, filling):
    content = path.read_bytes()
    for cut in range(begun[0], len(content)):
        lost = filling * (len(content) - cut)
        path.write_bytes(content[:cut] + lost)
        whole = sum(size <= cut for size in begun)

        _, found = entries_of(path)

        assert len(found) <= len(PAYLOADS)
        assert found[: whole - 1] == [(2, payload) for payload in PAYLOADS[: whole - 1]]
        assert content[cut:] == lost or len(found) == whole - 1


def test_a_flipped_bit_ends_what_is_read(path, begun):
    content = bytearray(path.read_bytes())
    for place in range(begun[0], begun[1]):
        content[place] ^= 4
        path.write_bytes(content)
        content[place] ^= 4

        assert entries_of(path)[1] == [], place


def test_records_that_are_not_consecutive_end_what_is_read(path, begun):
    journal = Journal(path)
    list(journal.read_entries(10))
    journal.append(17, 2, [b"too far"], compute_checksum([b"too far"]))
    journal.close()

    assert len(entries_of(path)[1]) == 3
    assert entries_of(path, first=0)[1] == []
    assert path.stat().st_size == begun[0]


@pytest.mark.parametrize("content", [b"", b"N", b"NGJ", bytes(100), b"N" + bytes(100), b"NGJ\0", b"NGJ2" + bytes(99)])
def test_a_journal_that_never_came_to_its_first_record_is_begun_anew(path, content):
    path.write_bytes(content)
    journal = Journal(path)

    assert journal.about is None
    journal.begin(ABOUT)
    journal.append(0, 1, [b"x"], compute_checksum([b"x"]))
    journal.close()
    assert entries_of(path, first=0) == (ABOUT, [(1, b"x")])


@pytest.mark.skipif(os.name == "nt", reason="it is written in place there")
def test_a_journal_gets_its_name_once_its_first_record_is_on_disk(path, monkeypatch):
    seen = []
    sync = Journal._sync
    monkeypatch.setattr(Journal, "_sync", lambda journal: seen.append(path.read_bytes()) or sync(journal))
    journal = Journal(path)
    journal.begin(ABOUT)

    with pytest.raises(OutputError, match="is in use by another run"):
        Journal(path)
    journal.append(0, 1, [b"x"], compute_checksum([b"x"]))
    journal.close()

    assert seen == [b""]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert entries_of(path, first=0) == (ABOUT, [(1, b"x")])


@pytest.mark.skipif(os.name == "nt", reason="it is written in place there")
def test_a_journal_that_cannot_be_begun_leaves_nothing(path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = Journal(path)
    monkeypatch.setattr(Journal, "_sync", fail)

    with pytest.raises(OutputError, match=os.strerror(errno.EIO)):
        journal.begin(ABOUT)
    journal.close()

    assert list(path.parent.iterdir()) == []


def test_a_lying_length_takes_no_memory(path, begun):
    head = journals._HEAD.pack(journals._MARK, 1, 10, 2, 2**62, 0, 0)[:36]
    path.write_bytes(path.read_bytes()[: begun[0]] + head + compute_checksum([head]).to_bytes(4, "little"))

    assert entries_of(path)[1] == []


# --- errors


def test_a_file_of_another_kind_is_left_alone(path):
    path.write_bytes(b"my notes")

    with pytest.raises(OutputError, match="is not a journal of this package"):
        Journal(path)
    assert path.read_bytes() == b"my notes"


def test_a_journal_of_another_version_is_left_alone(path, begun):
    content = b"NGJ1" + path.read_bytes()[4:]
    path.write_bytes(content)

    with pytest.raises(OutputError, match="was begun by another version of this package: go on with that version, or"):
        Journal(path)
    assert path.read_bytes() == content
    assert read_recorded(path) is None


@pytest.mark.skipif(os.name == "nt", reason="no named pipes there")
def test_a_named_pipe_is_no_journal(path):
    os.mkfifo(path)

    with pytest.raises(OutputError, match="is not a regular file, so it is no journal of yours"):
        Journal(path)
    assert read_recorded(path) is None
    assert path.is_fifo()


@pytest.mark.parametrize("link", ["symbolic", "dangling", "hard"])
def test_a_link_is_no_journal_and_what_it_leads_to_stays(path, link):
    theirs = path.with_name("theirs")
    theirs.touch()
    if link == "hard":
        path.hardlink_to(theirs)
    else:
        path.symlink_to("theirs" if link == "symbolic" else "nowhere")

    with pytest.raises(OutputError, match=r"is a link, and a journal is none|has other names as well \(hard links\)"):
        Journal(path)

    assert read_recorded(path) is None
    assert theirs.read_bytes() == b""
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["lines.h5.journal", "theirs"]


def test_a_file_of_another_user_is_no_journal(path, begun, monkeypatch):
    monkeypatch.setattr(journals.temporaries, "find_stranger", lambda *_: "belongs to another user")

    with pytest.raises(OutputError, match=r"lines\.h5\.journal belongs to another user, so it is no journal of yours"):
        Journal(path)


@pytest.mark.skipif(os.name == "nt", reason="no locks there")
def test_a_journal_belongs_to_one_run(path, begun):
    journal = Journal(path)

    with pytest.raises(OutputError, match="is in use by another run: wait for that run, or stop it"):
        Journal(path)
    journal.close()
    assert len(entries_of(path)[1]) == 3


@pytest.mark.skipif(os.name == "nt", reason="said in other words there")
def test_a_folder_in_its_place_is_told(path):
    path.mkdir()

    with pytest.raises(OutputError, match=r"cannot write .*Is a directory"):
        Journal(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_record_that_does_not_fit_leaves_the_ones_before(path, begun, number):
    journal = Journal(path)
    list(journal.read_entries(10))
    size = path.stat().st_size

    class Full:
        """A file on a disk that has room for ten more bytes."""

        def __init__(self, file):
            self._file = file

        def write(self, content):
            if self._file.tell() >= size + 10:
                raise OSError(number, os.strerror(number))
            return self._file.write(content[:10])

        def __getattr__(self, name):
            return getattr(self._file, name)

    journal._file = Full(journal._file)
    with pytest.raises(OutputError, match=os.strerror(number)):
        journal.append(16, 1, [b"x" * 100], compute_checksum([b"x" * 100]))
    journal.close()

    assert path.stat().st_size == size
    assert len(entries_of(path)[1]) == 3


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
def test_a_journal_that_was_removed_is_missed(path, monkeypatch):
    monkeypatch.setattr(journals, "_WRITE_BACK_BYTES", 1)
    journal = Journal(path)
    journal.begin(ABOUT)
    path.unlink()

    with pytest.raises(OutputError, match="was removed during the run"):
        journal.append(0, 1, [b"x"], compute_checksum([b"x"]))
    journal.close()


def test_what_is_done_is_synced_now_and_then(path, monkeypatch):
    synced = []
    monkeypatch.setattr(journals, "_SYNC_BYTES", 100)
    monkeypatch.setattr(Journal, "_sync", lambda self: synced.append(self._end) or setattr(self, "_synced", self._end))
    journal = Journal(path)
    journal.begin(ABOUT)
    for number in range(6):
        journal.append(number, 1, [b"x" * 10], compute_checksum([b"x" * 10]))
    journal.close()

    assert len(synced) == 4  # the first record, and each two of 50 bytes after it
