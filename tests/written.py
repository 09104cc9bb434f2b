"""Datasets as a run writes them, and those of the formats that are folders as their own libraries read them."""

import io
import json
import tarfile
from typing import NamedTuple

import numpy as np
from PIL import Image

from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
from number_generator.job.spec import Span

FIELDS = (
    TruthField("boxes", (4, 4), "int16", -1, {"columns": "x0,y0,x1,y1"}),
    TruthField("glyphs", (4,), "int32", -1, {}),
    TruthField("writers", (), "int64", -1, {}),
    TruthField("parameters", (2,), "float32", float("nan"), {"columns": "slant,size"}),
    TruthField("glyph_parameters", (4, 3), "float32", float("nan"), {}),
)
METADATA = {"creation_timestamp": 1.5, "spacing_range": (5, 10), "image_width": 9, "seed": 2**64 - 1, "fit": "contain"}
ALL_LABELS = ("json", "csv", "tesseract", "jsonl")


class Content(NamedTuple):
    """What a dataset holds: encoded images, their labels, their ground truth and the description."""

    images: list
    labels: list
    truth: list
    description: dict


def make_images(count, height=6, width=9, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), np.uint8)


def make_labels(count):
    """Return labels of 10 and 11 digits."""
    return np.array([f"{number * 7919:0{10 + number % 2}d}" for number in range(count)] or [b""], "S11")[:count]


def header_of(count, height=6, width=9, fields=()):
    return DatasetHeader((count, height, width), 11, METADATA, fields)


def arrays_in(file):
    """Return the names of the arrays of an open HDF5 file, without the scales that name dimensions."""
    return sorted(name for name in file if not file[name].is_scale)


def about(array):
    """Return what the attributes of an array in an HDF5 file say, beside the names of its dimensions."""
    return {name: array.attrs[name] for name in array.attrs if name not in ("DIMENSION_LIST", "REFERENCE_LIST")}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def tree(path):
    """Return the bytes of all files of a folder by their relative paths, or those of the file that `path` is."""
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    return {each.relative_to(path).as_posix(): each.read_bytes() for each in files}


def make_content(count, height=6, width=9, seed=0):
    """Return images, labels of 1 to 4 digits, and ground truth of a dataset."""
    rng = np.random.default_rng(seed)
    labels = np.array([f"{number * 7919 % 10 ** (1 + number % 4)}" for number in range(count)] or [""], "S4")[:count]
    lengths = np.char.str_len(labels)
    truth = {
        "boxes": rng.integers(-1, 99, (count, 4, 4), np.int16),
        "glyphs": rng.integers(-1, 60_000, (count, 4), np.int32),
        "writers": rng.integers(-1, 2**40, count),
        "parameters": rng.normal(size=(count, 2)).astype(np.float32),
        "glyph_parameters": rng.normal(size=(count, 4, 3)).astype(np.float32),
    }
    truth["parameters"][1::3, 1] = np.nan
    for name, fill in (("boxes", -1), ("glyphs", -1), ("glyph_parameters", np.nan)):
        for row, length in zip(truth[name], lengths, strict=True):
            row[length:] = fill
    return rng.integers(0, 256, (count, height, width), np.uint8), labels, truth


def write(writer, images, labels, truth=None, length=None, first=0):
    """Write all of a dataset into an open writer, span by span, and commit it."""
    for span in Span(first, first + len(images)).split((length or max(1, len(images))) * writer.span_multiple):
        rows = slice(span.start - first, span.stop - first)
        longest = int(np.char.str_len(labels[rows]).max(initial=0))  # a chunk is as wide as its longest label
        cut = {
            name: values[rows, :longest] if name in ("boxes", "glyphs", "glyph_parameters") else values[rows]
            for name, values in (truth or {}).items()
        }
        writer.write(writer.encode(Chunk(span, images[rows], labels[rows], cut)))
    writer.commit()


def write_arrays(path, images, labels, file_format, *, length=None, metadata=METADATA, **more):
    """Write images and labels without ground truth."""
    header = DatasetHeader(images.shape, labels.dtype.itemsize, metadata)
    with open_writer(file_format, path, header, overwrite=more.pop("overwrite", False), **more) as writer:
        write(writer, images, labels, length=length)
    return path


def write_dataset(path, file_format, count, *, truth=True, length=None, first=0, overwrite=False, size=(6, 9), **more):
    """Write a dataset, and give what it was made of."""
    images, labels, arrays = make_content(count, *size)
    header = DatasetHeader(images.shape, 4, METADATA, FIELDS if truth else ())
    if file_format == "png" and truth and "labels" not in more:
        more["labels"] = ("jsonl",)
    with open_writer(file_format, path, header, overwrite=overwrite, **more) as writer:
        write(writer, images, labels, arrays if truth else None, length, first)
    return images, [label.decode() for label in labels.tolist()], arrays if truth else {}


def pixels(encoded):
    """Decode a PNG file, which must be 8-bit grey."""
    with Image.open(io.BytesIO(encoded)) as image:
        assert (image.format, image.mode) == ("PNG", "L")
        return np.asarray(image)


def read(path, file_format):
    """Return the content of a dataset that is a folder."""
    return {"png": read_png, "lmdb": read_lmdb, "webdataset": read_webdataset, "parquet": read_parquet}[file_format](
        path
    )


def read_png(path):
    pairs = [line.split("\t") for line in (path / "gt.txt").read_text().splitlines()]
    images = [(path / name).read_bytes() for name, _ in pairs]
    rows = []
    if (path / "metadata.jsonl").exists():
        rows = [json.loads(line) for line in (path / "metadata.jsonl").read_text().splitlines()]
        assert [(row.pop("file_name"), row.pop("text")) for row in rows] == [tuple(pair) for pair in pairs]
    return Content(images, [label for _, label in pairs], rows, json.loads((path / "dataset.json").read_bytes()))


def read_lmdb(path):
    import lmdb  # noqa: PLC0415 - an optional package

    with lmdb.open(str(path), readonly=True, create=False, lock=False) as env, env.begin() as transaction:
        found = dict(transaction.cursor())
    count = int(found.pop(b"num-samples"))
    description = json.loads(found.pop(b"metadata"))
    images = [found.pop(b"image-%09d" % number) for number in range(1, count + 1)]
    labels = [found.pop(b"label-%09d" % number).decode() for number in range(1, count + 1)]
    rows = [json.loads(found.pop(b"truth-%09d" % number)) for number in range(1, count + 1) if description["fields"]]
    assert found == {}
    return Content(images, labels, rows, description)


def read_webdataset(path):
    content = Content([], [], [], json.loads((path / "dataset.json").read_bytes()))
    for shard in sorted(path.glob("*.tar")):
        with tarfile.open(shard) as archive:
            files = [(member.name, archive.extractfile(member).read()) for member in archive]
        for place in range(0, len(files), 3):
            (png, image), (txt, label), (name, text) = files[place : place + 3]
            key = f"{len(content.images) + 1:09d}"
            row = json.loads(text)
            assert (png, txt, name) == (f"{key}.png", f"{key}.txt", f"{key}.json")
            assert (row.pop("text"), row.pop("number")) == (label.decode(), len(content.images))
            content.images.append(image)
            content.labels.append(label.decode())
            if row:
                content.truth.append(row)
    return content


def read_parquet(path):
    import pyarrow.parquet  # noqa: PLC0415 - an optional package

    content = Content([], [], [], {})
    for file in sorted((path / "data").iterdir()):
        table = pyarrow.parquet.ParquetFile(file).read()
        content.description.update(json.loads(table.schema.metadata[b"number_generator"]))
        for row in table.to_pylist():
            image = row.pop("image")
            assert image["path"] == f"{len(content.images) + 1:09d}.png"
            content.images.append(image["bytes"])
            content.labels.append(row.pop("text"))
            if row:
                content.truth.append(row)
    return content
