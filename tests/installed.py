"""Where the commands are that pip installed for this interpreter."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pytest


def installed(name):
    """Return a command's file; skips the test where it is not installed."""
    beside = [Path(sys.executable).parent, sysconfig.get_path("scripts")]
    found = shutil.which(name, path=os.pathsep.join(map(str, beside)))
    if found is None:
        pytest.skip(f"{name} is not installed for {sys.executable}")
    return found
