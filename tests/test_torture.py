"""A small share of `make torture`: files are mutated, runs are interrupted, killed and resumed, disks are full."""

import os
import subprocess
import sys
from pathlib import Path
from random import Random

import h5py
import numpy as np
import pytest
from patience import PATIENCE_S
from torture.hdf5_structures import compute_checksum, find_structures, mutated_structure

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


def test_files_of_hdf5_whose_structures_change_are_read_or_refused(tmp_path):
    assert "HDF5 structures: 300" in torture(tmp_path, "structures")


_OLD = {"superblock", "header", "TREE", "HEAP", "SNOD", "GCOL", *map("message {}".format, (1, 3, 5, 8, 11, 12, 16, 17))}
_NEW = {"superblock", "header", "FRHP", "FHDB", "BTHD", "BTLF", "FAHD", "FADB", *map("message {}".format, (1, 3, 5, 8))}


@pytest.mark.parametrize(("libver", "kinds"), [("earliest", _OLD), ("latest", _NEW)])
def test_structures_of_hdf5_change_and_their_checksums_are_right(tmp_path, libver, kinds):
    with h5py.File(tmp_path / "set.h5", "w", libver=libver) as file:
        file.create_dataset("images", data=np.zeros((9, 4, 4), np.uint8), chunks=(2, 4, 4), compression="gzip")
        file["labels"] = ["1"] * 9
        file.attrs.update({f"attribute {number}": number for number in range(20)})
    content = (tmp_path / "set.h5").read_bytes()
    structures = find_structures(content)

    assert {structure.kind for structure in structures} >= kinds
    for number in range(50):
        changed = mutated_structure(content, (), Random(number))
        assert changed[:8] == content[:8]
        assert len(changed) == len(content)
        for start, stop in {each.covered for each in structures if each.covered and each.checksum == each.covered[1]}:
            assert changed[stop : stop + 4] == compute_checksum(changed[start:stop]).to_bytes(4, "little")
    assert compute_checksum(b"Four score and seven years ago") == 0x17770551  # as Bob Jenkins gives it


def test_files_that_coverage_leads_to_are_read_or_refused(tmp_path):
    pytest.importorskip("atheris")

    assert "more files: 600" in torture(tmp_path, "guided")


def test_runs_whose_writes_fail_end_with_an_error(tmp_path):
    told = torture(tmp_path, "writes")

    assert "there is no C compiler" in told or "ended the run with one error" in told


def test_runs_that_are_interrupted_killed_or_meet_a_fault_leave_nothing_torn(tmp_path):
    told = torture(tmp_path, "interruptions", "kills", "resumes", "faults")

    assert [line.partition(":")[0] for line in told.splitlines()[:4]] == ["interruptions", "kills", "resumes", "faults"]
