"""The package at work: every style with ground truth, sources of numbers, a stream, both commands and every format.

No test module: `.ci/run` runs it on the oldest Python with the lowest versions of the dependencies, and before the
tests to compile the kernels that they use.
"""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from number_generator import CountryNumbers, GenericDataset, Pattern, convert, generate_batch, generate_chunk, stream

TRUTH = ("boxes", "glyphs", "parameters", "masks")
FOLDERS = ("png", "webdataset", "parquet")
PACKAGES = {"lmdb": "lmdb", "parquet": "pyarrow"}


def check_images():
    for style in ("clean", "natural", "document"):
        for numbers in (Pattern(r"\d{1,3}\.\d{2}"), CountryNumbers("JP", dashes=True)):
            chunk = generate_chunk(numbers, (5, 10), 100, count=20, truth=TRUTH, style=style, seed=1)
            sequences = chunk.labels.tolist()
            assert chunk.images.shape == (20, 28, 100)
            assert chunk.images.min() < 128 < chunk.images.max()
            assert set(TRUTH) <= set(chunk.truth)
            assert np.array_equal(chunk.images, generate_batch(sequences, (5, 10), 100, style=style, seed=1))


def check_stream():
    images, labels = next(iter(stream(spacing_range=(5, 10), batch_size=8, seed=1)))
    assert len(images) == len(labels) == 8


def run_command(name, *arguments):
    subprocess.run([Path(sys.executable).with_name(name), *arguments], check=True, stdout=subprocess.DEVNULL)


def check_commands(folder):
    run_command("generate-numbers-sequence", "--sequence=42", f"--output-path={folder / '42.png'}")
    assert (folder / "42.png").read_bytes().startswith(b"\x89PNG")
    run_command("generate-phone-numbers", "--num-images=30", "--truth=boxes", f"--output-path={folder / 'set.h5'}")
    run_command("number-generator", "inspect", str(folder / "set.h5"), "--looks")


def read(path):
    dataset = GenericDataset()
    dataset.load(path)
    truth = dataset.get_truth()
    return *dataset.get_data(), truth["boxes"]


def check_formats(folder):
    images, labels, boxes = read(folder / "set.h5")
    assert images.shape == (30, 28, 100)
    for name in ("pickle", "hdf5", "npz", "lmdb", *FOLDERS):
        if name not in PACKAGES or find_spec(PACKAGES[name]):
            path = folder / (name if name in FOLDERS else f"again.{name}")
            convert(folder / "set.h5", path, file_format=name, labels=("jsonl",) if name == "png" else ())
            images_again, labels_again, boxes_again = read(path)
            assert np.array_equal(images_again, images), name
            assert labels_again == labels, name
            assert np.array_equal(boxes_again, boxes), name


if __name__ == "__main__":
    check_images()
    check_stream()
    with tempfile.TemporaryDirectory() as folder:
        check_commands(Path(folder))
        check_formats(Path(folder))
    print(f"The package works on Python {sys.version.split()[0]} with NumPy {np.__version__}.")
