"""`python -m number_generator warm`."""

import re

import pytest

from number_generator._kernels.machine_code import Store
from number_generator.commands.main import main
from number_generator.system.signals import Interruption


def test_all_styles_are_compiled_and_the_folder_is_told(capfd):
    assert main(["warm"], Interruption()) == 0

    out = capfd.readouterr().out
    assert re.fullmatch(r'Kernels of clean, natural, document are compiled: \d+ files, [\d.]+ MB, in ".+"\n', out)


def test_some_styles_will_do(capfd):
    assert main(["warm", "--style=clean", "--style=natural"], Interruption()) == 0

    assert capfd.readouterr().out.startswith("Kernels of clean, natural are compiled: ")


def test_where_nothing_can_be_kept_it_fails_and_names_the_way_out(capfd, monkeypatch):
    monkeypatch.setattr(Store, "find_writable", lambda _: None)

    assert main(["warm"], Interruption()) == 1

    out, err = capfd.readouterr()
    assert out == ""
    assert "each start compiles them: name one with the environment variable NUMBA_CACHE_DIR" in err


def test_a_style_of_ones_own_is_no_choice(capfd):
    with pytest.raises(SystemExit):
        main(["warm", "--style=mine.toml"], Interruption())
    assert "invalid choice: 'mine.toml'" in capfd.readouterr().err
