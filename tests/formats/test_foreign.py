"""Datasets as other programs lay them out: each is found by its content, and read, inspected and converted."""

import csv
import io
import json

import h5py
import numpy as np
import pytest
from small_dataset import need
from tars import write_tar

from number_generator import GenericDataset, convert
from number_generator.errors import DatasetError, DatasetReadError
from number_generator.formats.image_encoding import encode_png
from number_generator.formats.reader import open_reader

IMAGES = np.random.default_rng(1).integers(0, 256, (3, 6, 9), np.uint8)
LABELS = ["7", "42", "0"]
NAMES = ["a.png", "b.png", "c d.png"]
PNG = encode_png(IMAGES)
BOM = "\ufeff"


def images(folder, names=NAMES):
    for name, content in zip(names, PNG, strict=True):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def texts(folder, names, contents=LABELS):
    for name, content in zip(names, contents, strict=True):
        (folder / name).write_text(content)
    return folder


def lines(folder, name, form, *, before="", after=""):
    """Write images and a file with a line for each."""
    content = "".join(form.format(*pair) for pair in zip(NAMES, LABELS, strict=True))
    (images(folder) / name).write_text(before + content + after, encoding="utf-8", newline="")
    return folder


def table(folder, columns, features=None):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    made = arrow.table(columns)
    if features:
        made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(made, folder / "data.parquet")
    return folder


def pictures(*keys):
    """Return Hugging Face's structures of images."""
    return [
        {key: {"bytes": content, "path": name}[key] for key in keys} for name, content in zip(NAMES, PNG, strict=True)
    ]


def tar(folder, *endings, make=lambda ending, number: LABELS[number]):
    members = {}
    for number, content in enumerate(PNG):
        for ending in endings:
            text = make(ending, number)
            is_image = ending.endswith("png")
            members[f"{number:03d}.{ending}"] = content if is_image else text if type(text) is bytes else text.encode()
    write_tar(folder / "train.tar", members)
    return folder


def jsonl(folder, **names):
    rows = [json.dumps({"file_name": name, "id": 1.5, **{key: make(label) for key, make in names.items()}})
            for name, label in zip(NAMES, LABELS, strict=True)]  # fmt: skip
    (images(folder) / "metadata.jsonl").write_text("\n".join(rows))
    return folder


def archive(folder, **arrays):
    np.savez_compressed(folder / "mnist.npz", **arrays)
    return folder / "mnist.npz"


def user_block(folder):
    with h5py.File(folder / "lines.h5", "w", userblock_size=2048) as file:
        file["images"], file["labels"] = IMAGES, LABELS
    with (folder / "lines.h5").open("r+b") as file:
        file.write(b"something else")
    return folder / "lines.h5"


def quoted(folder):
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows([["split", "file_name", "label"], *(["a,b", *pair] for pair in zip(NAMES, LABELS, strict=True))])
    (images(folder) / "metadata.csv").write_text(file.getvalue())
    return folder


def pick_text(ending, number):
    return LABELS[number] if ending == "txt" else "5"


TEXT_NAMES = [f"{name[:-4]}.gt.txt" for name in NAMES]
CLASSES = {"digit": {"_type": "ClassLabel", "names": ["0", "42", "7"]}}

LAYOUTS = {
    # Parquet, as Hugging Face has it
    "bytes and path": lambda at: table(at, {"image": pictures("bytes", "path"), "text": LABELS}),
    "bytes alone": lambda at: table(at, {"img": PNG, "id": [1.5] * 3, "label": list(map(int, LABELS))}),
    "paths": lambda at: table(images(at), {"image": pictures("path"), "transcription": LABELS}),
    "paths as texts": lambda at: table(images(at), {"file_name": NAMES, "number": LABELS}),
    "no bytes but a path": lambda at: table(
        images(at), {"image": [{"bytes": None, **each} for each in pictures("path")], "text": LABELS}
    ),
    "classes": lambda at: table(at, {"scan": pictures("bytes"), "digit": [2, 1, 0]}, CLASSES),
    # WebDataset
    "cls": lambda at: tar(at, "png", "cls"),
    "input and output": lambda at: tar(at, "input.png", "output.txt", "pyd"),
    "json alone": lambda at: tar(at, "png", "json", make=lambda _, number: json.dumps({"label": int(LABELS[number])})),
    "masks beside": lambda at: tar(at, "mask.png", "png", "txt", "cls", make=pick_text),
    # folders of images
    "metadata.csv": quoted,
    "metadata.jsonl": lambda at: jsonl(at, label=int),
    "Tesseract": lambda at: texts(images(at), TEXT_NAMES, [f"{text}\n" for text in LABELS]),
    "Calamari": lambda at: texts(images(at, [f"{name[:-4]}.bin.png" for name in NAMES]), TEXT_NAMES),
    "kraken": lambda at: texts(images(at), [f"{name[:-4]}.txt" for name in NAMES]),
    "TRDG": lambda at: lines(at, "labels.txt", "{} {}\n"),
    "blank lines": lambda at: lines(at, "gt.txt", "\r\n{}\t{}\r\n \r\n", before=BOM, after="\r\n"),
    "commas": lambda at: lines(at, "gt.txt", "{},{}\n"),
    "ICDAR": lambda at: lines(at, "gt.txt", '{}, "{}"\n', before=BOM),
    "PaddleOCR": lambda at: lines(at, "rec_gt_train.txt", "{}\t{}\n"),
    "docTR": lambda at: texts(images(at), ["labels.json"], [json.dumps(dict(zip(NAMES, LABELS, strict=True)))]),
    "EasyOCR": lambda at: lines(at, "labels.csv", "{},{}\n", before="filename,words\n"),
    "columns": lambda at: lines(at, "labels.csv", '"{}","{}"\n', before="image,transcription\n"),
    # files of arrays
    "Keras": lambda at: archive(at, x_train=IMAGES, y_train=np.array(LABELS, int)[:, None], x_test=IMAGES[:1]),
    "Keras's test": lambda at: archive(at, x_test=IMAGES, y_test=np.array(LABELS, np.uint8)),
    "user block": user_block,
}


def test_each_layout_is_read_and_converted(tmp_path):
    need("parquet")
    for number, (name, make) in enumerate(LAYOUTS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()

        source = make(folder)

        dataset = GenericDataset(source)
        pages, labels = dataset[:]
        np.testing.assert_array_equal(pages, IMAGES, err_msg=name)
        assert labels == LABELS, name
        convert(source, tmp_path / f"{number}.npz")
        assert GenericDataset(tmp_path / f"{number}.npz")[:][1] == LABELS, name


def test_folders_of_digits_are_labelled_by_their_names(tmp_path):
    images(tmp_path, ["7/a.png", "3/b.png", "7/c.png"])

    with open_reader(tmp_path) as reader:
        assert reader.labels(0, 3) == ["3", "7", "7"]
        np.testing.assert_array_equal(reader.images(0, 3), IMAGES[[1, 0, 2]])


REFUSED = {
    "no label column": (
        lambda at: table(at, {"image": PNG, "a": LABELS, "b": LABELS}),
        r"labels \(it has 'image', 'a', 'b'\): give it the name 'text'",
    ),
    "label of another type": (lambda at: table(at, {"image": PNG, "text": [0.5] * 3, "id": [1, 2, 3]}), "give it the"),
    "unknown class": (lambda at: table(at, {"image": PNG, "digit": [2, -1, 0]}, CLASSES), "digit of image 2 .* is -1"),
    "path outside": (lambda at: table(at, {"image": ["../a.png"] * 3, "text": LABELS}), "in the folder itself"),
    "bytes and paths mixed": (
        lambda at: table(images(at), {"image": [*pictures("bytes")[:2], *pictures("path")[2:]], "text": LABELS}),
        "is beside the file, the first is not",
    ),
    "JSON without a label": (lambda at: tar(at, "png", "json", make=lambda *_: "{}"), r"labels \(it has nothing\)"),
    "two texts": (lambda at: tar(at, "png", "output.txt", "gt.txt"), "two files for '000.gt.txt'"),
    "an image without a text": (lambda at: texts(images(at), ["a.gt.txt"], ["1"]), r"'b\.png' has no label: there is"),
    "parts": (
        lambda at: lines(lines(at, "rec_gt_train.txt", "{}\t{}\n"), "rec_gt_test.txt", "{}\t{}\n"),
        "several parts .* copy the file of the one to read to gt.txt",
    ),
    "a column too many": (
        lambda at: lines(at, "metadata.csv", "{},{},\n", before="file_name,text\n"),
        "line 2 of its metadata.csv .* has 3 columns, and the first line 2",
    ),
    "nothing of the kind": (images, r"no dataset \(it has 'a\.png', 'b\.png', 'c d\.png'\)"),
}


def test_a_file_of_labels_leads_to_its_folder(tmp_path):
    lines(tmp_path, "gt.txt", "{}\t{}\n")

    with pytest.raises(DatasetError, match="a part of a dataset that is a folder: give "):
        GenericDataset(tmp_path / "gt.txt")


def test_what_is_unclear_is_refused_with_a_way_out(tmp_path):
    need("parquet")
    for number, (name, (make, words)) in enumerate(REFUSED.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        make(folder)
        with pytest.raises((DatasetError, DatasetReadError), match=words) as caught:
            GenericDataset(folder)[:]
        assert "damaged" not in str(caught.value), name
