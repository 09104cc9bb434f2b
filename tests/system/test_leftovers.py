"""What is said of what is left, where a temporary cannot be removed or is not where it was."""

import shutil
import sys

import pytest
from written import names_in

from number_generator.errors import OutputError, OutputExistsError
from number_generator.system import atomic_file
from number_generator.system.atomic_file import AtomicFile
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.temporaries import NOTHING_LEFT

KINDS = pytest.mark.parametrize("kind", [AtomicFile, AtomicFolder])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells where an open file is")
@KINDS
def test_a_temporary_is_removed_where_its_folder_is_by_then(tmp_path, kind):
    place = tmp_path / "deep"

    with (
        pytest.raises(OutputError, match="No such file or directory; nothing was left behind"),
        kind(place / "set", overwrite=False) as temporary,
    ):
        place.rename(tmp_path / "moved")
        temporary.commit()

    assert names_in(tmp_path / "moved") == []


@KINDS
def test_nothing_is_left_of_a_temporary_whose_folder_was_removed(tmp_path, kind):
    place = tmp_path / "deep"

    with (
        pytest.raises(OutputError, match="No such file or directory; nothing was left behind"),
        kind(place / "set", overwrite=False) as temporary,
    ):
        shutil.rmtree(place)
        temporary.commit()

    assert names_in(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be renamed there")
@KINDS
def test_a_temporary_that_somebody_has_renamed_is_said_to_be_left(tmp_path, kind):
    error = OutputExistsError(f"cannot write it{NOTHING_LEFT}")

    with (
        pytest.raises(OutputExistsError, match=r"cannot write it; \.set\..*\.partial is left and could not be removed"),
        kind(tmp_path / "set", overwrite=False) as temporary,
    ):
        temporary.temporary_path.rename(tmp_path / "theirs")
        raise error

    assert names_in(tmp_path) == ["theirs"]


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be renamed there")
@KINDS
def test_other_errors_stay_as_they_are(tmp_path, kind):
    with pytest.raises(ZeroDivisionError), kind(tmp_path / "set", overwrite=False) as temporary:
        temporary.temporary_path.rename(tmp_path / "theirs")
        raise ZeroDivisionError


def test_a_file_in_place_is_complete_even_if_its_temporary_cannot_be_removed(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(atomic_file, "rename_new", lambda *_: False)
    monkeypatch.setattr(atomic_file.Path, "unlink", refuse)

    with (
        pytest.raises(OutputError, match=r"set is complete, but .*\.partial is left: remove it yourself"),
        AtomicFile(tmp_path / "set", overwrite=False) as file,
    ):
        file.file.write(b"content")
        file.commit()

    assert (tmp_path / "set").read_bytes() == b"content"
