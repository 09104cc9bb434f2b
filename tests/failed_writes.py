"""Runs failing_writes.py with the library of failing_write.c preloaded, which this machine's compiler makes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent


def build_library(folder):
    """Return the library in a folder; None where there is no compiler, or no way to preload it."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        return None
    path = folder / "failing_write.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", path, _HERE / "failing_write.c", "-ldl"], check=True)
    return path


def fail_writes(library, folder, error, cases, *, lasting, timeout=None):
    """Let each write of some cases fail in turn with an error number; return for each case what came of it."""
    done = subprocess.run(
        [sys.executable, _HERE / "failing_writes.py", folder, str(error), str(int(lasting)), *cases],
        env={**os.environ, "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)
