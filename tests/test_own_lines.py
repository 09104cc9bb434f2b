"""examples/own_lines.py on a few lines: both readers are trained and read the same lines that none was trained on."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE_S
from PIL import Image

from number_generator import generate_batch

pytest.importorskip("torch")

SCRIPT = Path(__file__).parents[1] / "examples" / "own_lines.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SCRIPT.is_file(), reason="the examples are in the checkout only"),
]


def test_both_readers_are_trained_and_read_what_was_held_out(tmp_path):
    labels = [f"{number * 37 % 1000:03d}" for number in range(100)]
    images = generate_batch(labels, None, 90, style="natural", seed=1)
    rows = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(np.repeat(image, 1 + number % 2, axis=0)).save(tmp_path / f"{number}.png")
        rows.append(f"{number}.png\t{label}\n")
    (tmp_path / "gt.txt").write_text("".join(rows), encoding="utf-8")
    options = ["--images=640", "--channels=8", "--style=natural", "--pattern=digits:3"]
    command = [sys.executable, SCRIPT, tmp_path, *options, "--errors", tmp_path / "errors.png"]

    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)

    assert re.fullmatch(
        r"drawn alone: [\d.]+% of 30 lines exactly right\ndrawn and real: [\d.]+% of 30 lines exactly right\n",
        done.stdout,
    )
    with Image.open(tmp_path / "errors.png") as sheet:
        assert sheet.width > 100
