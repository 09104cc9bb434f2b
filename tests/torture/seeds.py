"""Small valid datasets of every kind that is read, whose files are mutated afterwards."""

import contextlib
import gzip
import importlib.util
import io
import json
import pickle
import struct
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import sharded
import small_dataset
import written
from PIL import Image
from small_dataset import COUNT, IMAGES, LABELS, METADATA, TRUTH, in_memory

from number_generator import DigitImageDataset
from number_generator.formats.conversion import write_dataset
from number_generator.formats.journal.file import Journal
from number_generator.formats.journal.writer import JournaledWriter
from number_generator.formats.memory_reader import PagesReader
from number_generator.formats.schema import image_key, label_key
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.handwriting import STYLES
from number_generator.job.spec import Span

JOURNALED = 5
"""Images of the datasets that have journals."""

NUMBERS = [int(label) if label.isdigit() else number for number, label in enumerate(LABELS)]
_JOURNALED = written.make_content(JOURNALED)
_DIGITS = np.repeat(np.arange(10), 2)
_DIGIT_IMAGES = np.random.default_rng(1).integers(0, 256, (len(_DIGITS), 8, 8), np.uint8)


@dataclass(frozen=True)
class Seed:
    """A valid dataset in memory.

    Attributes
    ----------
    name : str
    kind : str
        What it is counted as.
    opened : str
        The path of what is opened, relative to its folder; "" is the folder itself.
    files : dict of str to bytes
        All files by their relative paths.
    victims : tuple of str
        Those that are mutated.
    """

    name: str
    kind: str
    opened: str
    files: dict
    victims: tuple


class _Maker(NamedTuple):
    """How a seed is made: `make(folder)` writes it and gives what is opened in the folder, and which files change."""

    kind: str
    needs: tuple
    make: object


def all_seeds(folder, kinds=None):
    """Make the seeds of some kinds, of all by default; those whose packages are missing are left out."""
    seeds = []
    for name, maker in _makers().items():
        if (kinds is not None and maker.kind not in kinds) or not all(map(importlib.util.find_spec, maker.needs)):
            continue
        place = folder / name.replace(" ", "-")
        place.mkdir(parents=True)
        opened, victims = maker.make(place)
        files = {
            path.relative_to(place).as_posix(): path.read_bytes()
            for path in sorted(place.rglob("*"))
            if path.is_file() and path.name != "lock.mdb"
        }
        seeds.append(Seed(name, maker.kind, opened, files, tuple(victims or files)))
    return seeds


def _makers():
    makers = {}

    def add(name, kind, make, *needs):
        makers[name] = _Maker(kind, needs, make)

    needs = {"lmdb": ("lmdb",), "parquet": ("pyarrow",)}
    for file_format in small_dataset.FORMATS:
        add(f"{file_format} of ours", file_format, _ours(file_format, {}), *needs.get(file_format, ()))
        without = _ours(file_format, {"fields": (), "labels": ()})
        add(f"{file_format} without truth", file_format, without, *needs.get(file_format, ()))
        add(f"{file_format} ragged in colour", file_format, _ragged(file_format), *needs.get(file_format, ()))
    for protocol in range(2, 6):
        add(f"pickle protocol {protocol}", "pickle", _pickled(protocol))
    add("pickle of lists", "pickle", _pickled_lists)
    for name, options in _HDF5_OPTIONS.items():
        add(f"hdf5 {name}", "hdf5", _hdf5(**options))
    add("npz stored", "npz", _npz(np.savez))
    add("npz compressed", "npz", _npz(np.savez_compressed))
    add("idx", "idx", _idx(lambda content: content, ""))
    add("idx gzipped", "idx", _idx(lambda content: gzip.compress(content, mtime=0), ".gz"))
    add("idx of qmnist", "idx", _idx_extended)
    for labels in ("gt.txt", "labels.csv", "labels.json", "metadata.jsonl"):
        add(f"png with {labels}", "png", _pictures(labels))
    add("lmdb of others", "lmdb", _lmdb, "lmdb")
    add("webdataset of others", "webdataset", _tars)
    add("parquet of others", "parquet", _tables, "pyarrow")
    add("digits pickle", "digits", _digits_pickle)
    add("digits npz", "digits", _digits_npz)
    add("digits folder", "digits", _digits_folder)
    add("styles", "style", _style)
    add("numbers text", "numbers", _text)
    add("numbers csv", "numbers", _csv)
    add("index of shards", "index", _index)
    for file_format in small_dataset.FORMATS:
        add(f"journal of {file_format}", "journal", _journal(file_format), *needs.get(file_format, ()))
    return makers


def _ours(file_format, options):
    ending = {"pickle": ".pickle", "hdf5": ".h5", "npz": ".npz"}.get(file_format, "")

    def make(folder):
        more = dict(options)
        labels = more.pop("labels", ("json", "csv", "jsonl") if file_format == "png" else ())
        write_dataset(in_memory(**more), folder / f"set{ending}", file_format, labels=labels, workers=1)
        return f"set{ending}", ()

    return make


def _ragged(file_format):
    """Images in colour that differ in size."""
    ending = {"pickle": ".pickle", "hdf5": ".h5", "npz": ".npz"}.get(file_format, "")
    pages = [np.stack([image[: 2 + k % 4, : 1 + k % 6]] * 3, axis=-1) for k, image in enumerate(IMAGES)]

    def make(folder):
        reader = PagesReader(pages, LABELS, {}, (), folder)
        write_dataset(reader, folder / f"set{ending}", file_format, metadata=METADATA, workers=1)
        return f"set{ending}", ()

    return make


def _pickled(protocol):
    def make(folder):
        content = {"images": IMAGES, "labels": LABELS, "metadata": {**METADATA, "scale": 1.5}}
        if protocol % 2:
            content["truth"] = {"boxes": TRUTH["boxes"]}
            fields = {"shape": [3, 4], "dtype": "int16", "fill": -1, "about": {"columns": "x0,y0,x1,y1"}}
            content["metadata"]["truth_fields"] = {"boxes": fields}
        (folder / "set.pickle").write_bytes(pickle.dumps(content, protocol))
        return "set.pickle", ()

    return make


def _pickled_lists(folder):
    content = {"images": list(IMAGES), "labels": list(np.array(LABELS)), "metadata": {"array": np.arange(4)}}
    (folder / "set.pickle").write_bytes(pickle.dumps(content, 2))
    return "set.pickle", ()


_HDF5_OPTIONS = {
    "whole": {"labels": np.array(LABELS, "S4")},
    "variable": {"labels": LABELS},
    "variable in chunks": {"labels": LABELS, "chunks": (3, 5, 6), "compression": "lzf"},
    "variable in plain chunks": {"labels": LABELS, "chunks": (3, 5, 6)},
    "numbers": {"labels": np.array(NUMBERS, ">i4"), "chunks": (2, 5, 6), "compression": "gzip", "shuffle": True},
    "checksums": {"labels": np.array(LABELS, "S4"), "chunks": (7, 2, 3), "compression": "gzip", "fletcher32": True},
    "latest": {"labels": LABELS, "chunks": (2, 5, 6), "compression": "gzip", "libver": "latest"},
    # The same content in further structures: many links and attributes, and the other indices of chunks.
    "many": {"labels": LABELS, "more": 20},
    "latest many": {"labels": np.array(LABELS, "S4"), "libver": "latest", "more": 20},
    "latest extensible": {
        "labels": np.array(LABELS, "S4"),
        "chunks": (2, 5, 6),
        "compression": "gzip",
        "libver": "latest",
        "maxshape": (None, 5, 6),
    },
    "latest tree": {"labels": LABELS, "chunks": (2, 3, 6), "libver": "latest", "maxshape": (None,) * 3},
}


def _hdf5(labels, libver=None, more=0, **options):
    def make(folder):
        with h5py.File(folder / "set.h5", "w", libver=libver) as file:
            file.create_dataset("images", data=IMAGES, **options)
            storage = {**options, "chunks": (3,)} if options else {}
            storage.pop("fletcher32", None)
            if "maxshape" in options:
                storage["maxshape"] = (None,)
            file.create_dataset("labels", data=labels, **storage)
            file.attrs.update({"spacing_range": (5, 10), "name": "é", "kind": np.bytes_(b"phone"), "many": ["a", "b"]})
            boxes = file.create_dataset("boxes", data=TRUTH["boxes"])
            boxes.attrs["columns"] = "x0,y0,x1,y1"
            file["source_digits"] = np.arange(5)
            for number in range(more):
                file[f"another {number}"] = number
                file.attrs[f"another {number}"] = number
        return "set.h5", ()

    return make


def _npz(save):
    def make(folder):
        metadata = json.dumps({"a": 1, "spacing_range": [5, 10]})
        save(folder / "set.npz", images=IMAGES, labels=np.array(LABELS), metadata=metadata, writer_ids=np.arange(COUNT))
        return "set.npz", ()

    return make


def _idx(pack, ending):
    def make(folder):
        images = b"\0\0\x08\x03" + struct.pack(">III", *IMAGES.shape) + IMAGES.tobytes()
        labels = b"\0\0\x08\x01" + struct.pack(">I", COUNT) + bytes(range(COUNT))
        (folder / f"a-images-idx3-ubyte{ending}").write_bytes(pack(images))
        (folder / f"a-labels-idx1-ubyte{ending}").write_bytes(pack(labels))
        return f"a-images-idx3-ubyte{ending}", ()

    return make


def _idx_extended(folder):
    opened, _ = _idx(lambda content: content, "")(folder)
    rows = np.zeros((COUNT, 8), ">i4")
    rows[:, 0], rows[:, 2] = range(COUNT), 7
    content = b"\0\0\x0c\x02" + struct.pack(">II", *rows.shape) + rows.tobytes()
    (folder / "a-labels-idx2-int").write_bytes(content)
    return opened, ("a-labels-idx2-int", opened)


def _pictures(labels):
    """PNG and JPEG images of several kinds, as other programs make them."""

    def make(folder):
        names = []
        for number, pixels in enumerate(IMAGES):
            image = Image.fromarray(pixels).convert(("L", "RGB", "P", "1", "LA", "RGBA", "L")[number])
            names.append(f"sub/{number}.{'jpg' if number == 6 else 'png'}")
            (folder / "sub").mkdir(exist_ok=True)
            image.save(folder / names[-1])
        pairs = dict(zip(names, LABELS, strict=True))
        text = {
            "gt.txt": "".join(f"{name}\t{label}\n" for name, label in pairs.items()),
            "labels.csv": "filename,words\r\n" + "".join(f"{name},{label}\r\n" for name, label in pairs.items()),
            "labels.json": json.dumps(pairs),
            "metadata.jsonl": "".join(
                json.dumps({"file_name": name, "text": label}) + "\n" for name, label in pairs.items()
            ),
        }[labels]
        (folder / labels).write_text(text)
        return "", ()

    return make


def _encoded(number):
    file = io.BytesIO()
    Image.fromarray(IMAGES[number]).save(file, "JPEG" if number == 1 else "PNG")
    return file.getvalue()


def _lmdb(folder):
    import lmdb  # noqa: PLC0415 - an optional package

    with lmdb.open(str(folder / "set"), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        for number, label in enumerate(LABELS):
            transaction.put(image_key(number), _encoded(number).ljust(3000 if number == 2 else 0, b"\0"))
            transaction.put(label_key(number), label.encode())
        transaction.put(b"num-samples", str(COUNT).encode())
        for number in range(200):  # so that the tree has a branch
            transaction.put(b"other-%03d" % number, bytes(50))
    return "set", ()


def _tars(folder):
    for shard, numbers in enumerate((range(4), range(4, COUNT))):
        with tarfile.open(folder / f"set-{shard}.tar", "w", format=tarfile.PAX_FORMAT) as archive:
            for number in numbers:
                key = ("a" * 120 if number == 3 else "") + str(number)
                parts = {"jpg" if number == 1 else "png": _encoded(number), "txt": LABELS[number].encode()}
                for ending, content in {**parts, "json": b"{}"}.items():
                    member = tarfile.TarInfo(f"{key}.{ending}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    return "", ()


def _tables(folder):
    import pyarrow  # noqa: PLC0415 - an optional package
    import pyarrow.parquet  # noqa: PLC0415

    images = [{"bytes": _encoded(number), "path": None} for number in range(COUNT)]
    table = pyarrow.table({"image": images, "text": LABELS, "other": [[1.5, None]] * COUNT})
    pyarrow.parquet.write_table(table, folder / "set.parquet", row_group_size=3, compression="gzip")
    return "set.parquet", ()


def _digits_pickle(folder):
    sources = [["a", 5, 1.0], ["b", 15, 2.0]]
    content = {"images": _DIGIT_IMAGES, "labels": _DIGITS, "metadata": {"digit_sources": sources}}
    (folder / "digits.pickle").write_bytes(pickle.dumps(content, 4))
    return "digits.pickle", ()


def _digits_npz(folder):
    ids = {"writer_ids": np.arange(len(_DIGITS)), "cluster_ids": _DIGITS % 3}
    np.savez(folder / "digits.npz", images=_DIGIT_IMAGES, labels=_DIGITS, **ids)
    return "digits.npz", ()


def _digits_folder(folder):
    for digit in range(10):
        (folder / str(digit)).mkdir()
        page = np.full((12, 10), 230, np.uint8)
        page[2:-2, 3:6] = 30
        mode = ("L", "RGB", "P", "RGBA")[digit % 4]
        Image.fromarray(page).convert(mode).save(folder / str(digit) / ("a.jpg" if digit == 5 else "a.png"))
    return "", ()


def _style(folder):
    values = STYLES["document"].to_dict()
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    (folder / "style.toml").write_text("\n".join(lines) + "\n")
    return "style.toml", ()


def _toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(entry)}" for key, entry in value.items()) + "}"
    return json.dumps(value)


def _text(folder):
    Path(folder / "numbers.txt").write_text("\n".join([*LABELS, " 0120-34 ", ""]))
    return "numbers.txt", ()


def _csv(folder):
    Path(folder / "numbers.csv").write_text("name;number\n" + "".join(f'"x;y";{label}\n' for label in NUMBERS))
    return "numbers.csv", ()


def _index(folder):
    digits = DigitImageDataset(np.random.default_rng(2).integers(0, 256, (20, 12, 12), np.uint8), _DIGITS)
    sharded.write_whole(folder, sharded.job_of(6), digits.atlas, shards=3)
    return "set.h5", ("set.h5", "set.h5", *(sharded.name_of(number, 3) for number in range(3)))


def _journal(file_format):
    """The journal that an interrupted run has left."""

    def make(folder):
        with journaled(folder / "set.journal", file_format) as writer:
            for span in Span(0, JOURNALED).split(max(2, writer.span_multiple)):
                rows = slice(span.start, span.stop)
                truth = {name: values[rows] for name, values in _JOURNALED[2].items()}
                writer.write(writer.encode(Chunk(span, _JOURNALED[0][rows], _JOURNALED[1][rows], truth)))
        return "set.journal", ()

    return make


@contextlib.contextmanager
def journaled(path, file_format):
    """Open the writer of a dataset beside a journal, which goes on from there if it can."""
    header = DatasetHeader(_JOURNALED[0].shape, 4, written.METADATA, written.FIELDS)
    labels = ("jsonl",) if file_format == "png" else ()
    journal = Journal(path)
    try:
        place = path.with_name(f"{file_format}-of-journal")
        with open_writer(file_format, place, header, overwrite=True, labels=labels) as writer:
            if journal.about is None:
                journal.begin(header.metadata)
            yield JournaledWriter(writer, journal)
    finally:
        journal.close()
