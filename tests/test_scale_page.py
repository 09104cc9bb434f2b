"""docs/scale.md: its scripts are valid, and those for SLURM run, where `srun` and `sbatch` only pass things on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE_S
from test_readme import blocks_of

from number_generator import GenericDataset
from number_generator.commands.recorded import parsed_command

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
BASH = shutil.which("bash")

pytestmark = pytest.mark.skipif(not PAGE.is_file() or BASH is None, reason="the site's pages are in the checkout")


def scripts():
    """All blocks for a shell, those that are not run included."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def containers():
    """The commands of the containers of all YAML blocks."""
    yaml = pytest.importorskip("yaml")
    pods = [yaml.safe_load(block.text)["spec"] for block in blocks_of(PAGE) if block.language == "yaml"]
    pods = [pod["template"]["spec"] if "template" in pod else pod for pod in pods]
    return [container for pod in pods for container in pod.get("containers", []) if container["command"][0] == "sh"]


@pytest.fixture
def slurm(tmp_path):
    """Return a runner of a script of the page, a small one, as a task of SLURM: `run(script, **environment)`."""
    stubs = tmp_path / "bin"
    stubs.mkdir()
    for name, code in {
        "srun": 'exec "$@"',
        "sbatch": 'for last; do :; done; echo 17; exec sh -c "${last#--wrap=}"',
    }.items():
        (stubs / name).write_text(f"#!/bin/sh\n{code}\n")
        (stubs / name).chmod(0o755)
    path = os.pathsep.join([str(stubs), str(Path(sys.executable).parent), os.environ["PATH"]])

    def run(script, **environment):
        smaller = {"/shared": str(tmp_path), "1000000000": "300", "/100": "/2", "=1000": "=2", "document": "clean"}
        for large, small in smaller.items():
            script = script.replace(large, small)
        done = subprocess.run(
            [BASH, "-c", script],
            env=os.environ | {"PATH": path, "SLURM_CPUS_PER_TASK": "1"} | environment,
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_every_script_is_valid_and_so_is_every_command_of_ours():
    texts = [*scripts(), *(container["args"][0] for container in containers())]

    commands = []
    for text in texts:
        subprocess.run([BASH, "-n", "-c", text], check=True)
        joined = text.replace("\\\n", " ")
        commands += re.findall(r"generate-phone-numbers [^\n]*", joined)
    blocks = [block.text for block in blocks_of(PAGE) if block.language == "python"]
    for block in blocks:
        compile(block, str(PAGE), "exec")

    assert len(commands) == 4
    assert {parsed_command(re.sub(r"\$\w+", "0", command)).seed for command in commands} == {7}
    assert len(blocks) >= 5


@pytest.mark.slow
def test_the_job_array_makes_a_dataset(slurm, tmp_path):
    array, index = (script for script in scripts() if "sbatch" in script or "--array" in script)
    index = index.replace("array=$(sbatch --parsable numbers.sbatch)\n", "array=1\n")

    for task in range(2):
        slurm(array, SLURM_ARRAY_TASK_ID=str(task))
    slurm(index)

    dataset = GenericDataset()
    dataset.load(tmp_path / "numbers.h5")
    assert len(dataset) == 300


@pytest.mark.slow
def test_the_job_with_workers_of_its_own_makes_a_dataset(slurm, tmp_path):
    pytest.importorskip("distributed")
    (script,) = (script for script in scripts() if "dask scheduler" in script)

    slurm(f"{script}\nkill $(jobs -p)", SLURM_JOB_ID="17")

    dataset = GenericDataset()
    dataset.load(tmp_path / "numbers.h5")
    assert len(dataset) == 300
