"""A small share of `make torture`: files are mutated, runs are interrupted, killed and resumed, disks are full."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE_S

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="it forks, and limits memory with RLIMIT_AS"),
    pytest.mark.slow,
]


def torture(folder, *parts):
    """Run some parts in a process of their own, which has no threads, as no process that is forked may have any."""
    done = subprocess.run(
        [sys.executable, "-m", "torture", "--short", "--workers=1", *parts],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_mutated_files_are_read_or_refused_in_bounded_memory(tmp_path):
    assert "mutated files: 1,700" in torture(tmp_path, "files")


def test_files_that_coverage_leads_to_are_read_or_refused(tmp_path):
    pytest.importorskip("atheris")

    assert "more files: 600" in torture(tmp_path, "guided")


def test_runs_whose_writes_fail_end_with_an_error(tmp_path):
    told = torture(tmp_path, "writes")

    assert "there is no C compiler" in told or "ended the run with one error" in told


def test_runs_that_are_interrupted_killed_or_meet_a_fault_leave_nothing_torn(tmp_path):
    told = torture(tmp_path, "interruptions", "kills", "resumes", "faults")

    assert [line.partition(":")[0] for line in told.splitlines()[:4]] == ["interruptions", "kills", "resumes", "faults"]
