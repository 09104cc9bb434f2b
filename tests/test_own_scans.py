"""examples/own_scans.ipynb from its first cell to its last, on little."""

from pathlib import Path

import pytest
from patience import PATIENCE_S

from number_generator import Handwriting

pytest.importorskip("torch")
pytest.importorskip("cmaes")
pytest.importorskip("ipykernel")
nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = Path(__file__).parents[1] / "examples" / "own_scans.ipynb"
LITTLE = """
EVALUATIONS, IMAGES = 56, 320
from number_generator.matching import match
match.IMAGES, match._JUDGED = 128, 200
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NOTEBOOK.is_file(), reason="the examples are in the checkout only"),
]


def test_the_notebook_runs_from_start_to_end(tmp_path):
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # nobody's own are kept
    (chosen,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    chosen.source += LITTLE

    nbclient.NotebookClient(notebook, timeout=PATIENCE_S, resources={"metadata": {"path": tmp_path}}).execute()

    said = "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ()))
    assert "Distance from the scans: " in said
    assert "of 200 lines exactly right" in said
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3
    assert Handwriting.from_file(tmp_path / "mine.toml").crop == "tight"
    assert len(list((tmp_path / "scans").iterdir())) == 100
