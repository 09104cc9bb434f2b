"""Renaming in one step."""

import pytest
from written import names_in

from number_generator.system import renaming
from number_generator.system.renaming import exchange, rename_new


@pytest.fixture
def one_and_other(tmp_path):
    """A folder with a file, and a file; skipped where the system renames neither in one step."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    (one / "inside").touch()
    other.write_bytes(b"other")
    if not exchange(one, other):
        pytest.skip("this system cannot exchange files")
    assert exchange(other, one)
    return one, other


def test_two_names_change_places(one_and_other):
    one, other = one_and_other

    assert exchange(one, other)

    assert one.read_bytes() == b"other"
    assert names_in(other) == ["inside"]


def test_nothing_is_replaced(one_and_other):
    one, other = one_and_other

    with pytest.raises(FileExistsError):
        rename_new(other, one)
    assert rename_new(other, other.with_name("new"))

    assert names_in(one.parent) == ["new", "one"]


def test_what_is_missing_is_an_error(one_and_other, tmp_path):
    for rename in (exchange, rename_new):
        with pytest.raises(FileNotFoundError):
            rename(tmp_path / "missing", tmp_path / "new")


def test_a_system_without_the_call_does_nothing_and_says_so(tmp_path, monkeypatch):
    (tmp_path / "one").touch()
    for missing in (None, lambda *_: -1):  # it has none, or the file system does not know it
        monkeypatch.setattr(renaming, "_find_function", lambda missing=missing: missing)
        monkeypatch.setattr(renaming.ctypes, "get_errno", lambda: 22)

        assert not rename_new(tmp_path / "one", tmp_path / "two")
        assert not exchange(tmp_path / "one", tmp_path / "two")

    assert names_in(tmp_path) == ["one"]
