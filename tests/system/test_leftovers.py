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


def move(place):
    """Rename a folder to `moved` beside it."""
    place.rename(place.with_name("moved"))


@KINDS
@pytest.mark.parametrize(
    ("take_away", "stays"),
    [
        pytest.param(
            move, ["moved"], marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux finds an open file")
        ),
        (shutil.rmtree, []),
    ],
    ids=["renamed", "removed"],
)
def test_nothing_is_left_of_a_temporary_whose_folder_is_gone(tmp_path, kind, take_away, stays):
    with (
        pytest.raises(OutputError, match="No such file or directory; nothing was left behind"),
        kind(tmp_path / "deep" / "set", overwrite=False) as temporary,
    ):
        take_away(tmp_path / "deep")
        temporary.commit()

    assert [path.name for path in tmp_path.rglob("*")] == stays


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be renamed there")
@KINDS
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OutputExistsError(f"cannot write it{NOTHING_LEFT}"),
            r"cannot write it; \.set\..*\.partial is left and could not be removed",
        ),
        (ZeroDivisionError("another error"), "^another error$"),
    ],
    ids=["ours", "another"],
)
def test_a_temporary_that_somebody_has_renamed_is_said_to_be_left_by_our_errors(tmp_path, kind, error, said):
    with pytest.raises(type(error), match=said), kind(tmp_path / "set", overwrite=False) as temporary:
        temporary.temporary_path.rename(tmp_path / "theirs")
        raise error

    assert names_in(tmp_path) == ["theirs"]


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
