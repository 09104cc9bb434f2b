"""`~` is the home folder in every path, given by whatever way."""

from pathlib import Path

import pytest

from number_generator.system.home import expand_home


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))


def test_a_path_keeps_its_kind(tmp_path):
    assert expand_home("~/a.h5") == f"{tmp_path}/a.h5"
    assert expand_home(Path("~/a.h5")) == tmp_path / "a.h5"
    assert expand_home("~") == str(tmp_path)


@pytest.mark.parametrize(
    "given", ["", "a~", "./~/a", "~nobody-of-this-name/a", Path("a"), None, 7, b"~/a", {"~/a": 1.0}]
)
def test_everything_else_stays(given):
    assert expand_home(given) is given
