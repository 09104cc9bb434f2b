"""Outputs that must not change from one revision to the next, by their SHA-256.

`python tests/fixed_outputs.py` writes fixed_outputs.json again: only where RENDER_VERSION or STYLE_VERSION went up.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

from number_generator import GenericDataset, Pattern, generate_batch, generate_chunk, stream
from number_generator.commands.generate import generate_phone_numbers
from number_generator.system.signals import Interruption

PATH = Path(__file__).with_suffix(".json")
TRUTH = ("boxes", "glyphs", "parameters", "masks")
LINES = ["0312345678", "", "06-1234,5", "42", "(555) 1/2+3.", "7" * 30] * 3
WIDTHS = (20, 100, 255)  # lines are squeezed, fitted, and have room
# Without --country, whose numbers change with the version of libphonenumber's metadata.
COMMANDS = {
    "stretch": ["--fit=stretch", "--dashes"],
    "clean": ["--truth=boxes,glyphs,parameters", "--pattern=card-grouped", "--label=digits"],
    "natural": ["--style=natural", "--image-width=128", "--set=slant=-0.3:0.5", "--pattern=date"],
    "document": ["--style=document", "--image-width=40", "--truth=boxes", "--pattern=amount"],
    "signs": ["--style=document", "--truth=boxes,parameters", "--pattern=(?:[$€£¥]\\d{1,2}|\\d{2}[:%#*='])\\d"],
}
LABEL_ENDINGS = (".txt", ".csv", ".jsonl")
FORMATS = ("pickle", "hdf5", "npz", "png", "lmdb", "webdataset", "parquet")


def digest(*arrays):
    """Hash arrays with their shapes and types."""
    hashed = hashlib.sha256()
    for array in map(np.ascontiguousarray, arrays):
        hashed.update(f"{array.shape} {array.dtype.str}".encode() + array.tobytes())
    return hashed.hexdigest()


def lines_of(style, width):
    """Hash the images, labels and ground truth of a few lines, digits alone in labels too."""
    gaps = (5, 10) if style == "clean" else None
    arrays = []
    for label in ("written", "digits"):
        chunk = generate_chunk(LINES, gaps, width, style=style, seed=5, start=77, label=label, truth=TRUTH)
        arrays += [chunk.images, chunk.labels.astype(np.bytes_), *(chunk.truth[name] for name in sorted(chunk.truth))]
    return digest(*arrays)


def stream_of(style):
    """Hash the batches of a stream."""
    gaps = (5, 10) if style == "clean" else None
    numbers = Pattern.named("amount")
    with stream(numbers, gaps, 160, batch_size=25, count=60, seed=7, style=style, start=13) as batches:
        return digest(*(array for batch in batches for array in batch))


def real_stream():
    """Hash a batch of a stream of which half are real lines, drawn ones in their place."""
    labels = ["12", "345", "6789", "01234"]
    lines = GenericDataset(generate_batch(labels, None, 90, style="document", seed=1), labels)
    with stream(
        Pattern.named("amount"), None, 160, batch_size=64, count=64, seed=7, real=lines, real_share=0.5
    ) as batches:
        images, texts, truth = next(batches)
    return digest(images, texts, truth["is_real"])


def dataset_of(folder, file_format, *options):
    """Hash what a command writes, as it is read back: images, labels, ground truth, and the job."""
    path = Path(folder) / {"pickle": "set.pickle", "hdf5": "set.h5", "npz": "set.npz", "lmdb": "set.lmdb"}.get(
        file_format, "set"
    )
    more = ["--labels=json,csv,tesseract,jsonl"] if file_format == "png" else []
    words = [
        "--num-images=40",
        "--seed=3",
        f"--format={file_format}",
        f"--output-path={path}",
        "--quiet",
        "--workers=1",
    ]
    assert generate_phone_numbers([*words, *more, *options], Interruption()) == 0
    found = {}
    for part in sorted(each for each in Path(folder).iterdir() if each.name.startswith("set")):
        dataset = GenericDataset()
        dataset.load(part)
        images, labels = dataset.get_data()
        truth = dataset.get_truth()
        about = dataset.get_metadata()
        hashed = digest(images, np.array(labels, np.str_), *(truth[name] for name in sorted(truth)))
        # Not all metadata: versions and the time of creation change. Nor the bytes of files, which follow from the
        # versions of compression libraries; the label files of png are plain text.
        texts = [hashed, str(about["job"]), str(about["digits_sha256"])]
        texts += [each.read_text("utf-8") for each in sorted(part.rglob("*")) if each.suffix in LABEL_ENDINGS]
        found[part.name] = hashlib.sha256("\n".join(texts).encode()).hexdigest()
    return found


def every_output():
    """Return all outputs by their names, each as a function of an empty folder."""
    outputs = {}
    for style in ("clean", "natural", "document"):
        for width in WIDTHS:
            outputs[f"{style}, {width} px"] = lambda _, style=style, width=width: lines_of(style, width)
        outputs[f"stream, {style}"] = lambda _, style=style: stream_of(style)
    outputs["stream, real lines"] = lambda _: real_stream()
    for name, options in COMMANDS.items():
        outputs[f"command, {name}"] = lambda folder, options=options: dataset_of(folder, "hdf5", *options)
    for file_format in FORMATS:
        outputs[f"format {file_format}"] = lambda folder, file_format=file_format: dataset_of(
            folder, file_format, "--truth=boxes,glyphs,parameters"
        )
    split = ("--split=train=0.7,test=0.3", "--num-images=100")
    outputs["split"] = lambda folder: dataset_of(folder, "npz", *split)
    outputs["shards"] = lambda folder: dataset_of(folder, "hdf5", "--shards=3", "--truth=boxes")
    return outputs


if __name__ == "__main__":
    found = {}
    for name, output in every_output().items():
        with tempfile.TemporaryDirectory() as folder:
            found[name] = output(folder)
    PATH.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    sys.stderr.write(f"{len(found)} outputs written to {PATH.name}\n")
