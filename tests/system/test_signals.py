"""What a signal finds when it comes in the middle of something that the run does itself."""

import os
import shutil
import signal

from number_generator.system.signals import Interruption
from number_generator.system.temporaries import remove_folder


def test_a_folder_that_the_run_is_removing_itself_is_removed_wholly(tmp_path, monkeypatch, capfd):
    folder = tmp_path / ".set.1f2e3d4c.partial"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "1.png").touch()
    interruption = Interruption()
    interruption.temporaries.append(folder)
    monkeypatch.setattr(os, "_exit", int)  # or the tests would end here
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: interruption._end(signal.SIGINT))

    remove_folder(folder)

    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == "\nstopped; no unfinished file is left\n"
