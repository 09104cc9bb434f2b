"""A folder of PNG images, in inner folders of 10,000 each, with the label files that training tools read.

`gt.txt` is always written: on each line path, tab and label. Others are optional: `labels.json` (docTR), `labels.csv`
in each folder of images (EasyOCR), a `.gt.txt` beside each image (Tesseract), `metadata.jsonl` (Hugging Face).
"""

import json
import os
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO, Any

from number_generator.errors import DatasetError
from number_generator.formats.base_writer import Encoded, FolderWriter
from number_generator.formats.image_encoding import encode_chunk
from number_generator.formats.schema import (
    DESCRIPTION_FILE,
    describe,
    dump_json,
    format_truth_rows,
    image_path,
    is_described,
)
from number_generator.job.chunk import Chunk, DatasetHeader

_IMAGES = "images"
_OURS = {DESCRIPTION_FILE, _IMAGES, "gt.txt", "labels.json", "metadata.jsonl"}
_IMAGE_FILE = re.compile(r"\d{9,}\.(png|gt\.txt)|labels\.csv")
_LINE_BREAKS = (b"\t", b"\n", b"\r")
# Windows needs the flag, or it would translate line ends.
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class PngWriter(FolderWriter):
    """Write a dataset as a folder of PNG images."""

    _holds_many = True

    def __init__(self, path: Path, header: DatasetHeader, *, labels: Sequence[str] = (), **options: Any) -> None:
        self._kinds = frozenset(labels)
        self._number = 0
        self._image_folder = ""
        self._files: dict[str, IO[bytes]] = {}
        super().__init__(path, header, **options)

    def encode(self, chunk: Chunk) -> Encoded:
        """Encode a chunk's images, and write its ground truth as JSON."""
        held = chunk.labels.tobytes()
        if any(sign in held for sign in _LINE_BREAKS):
            raise DatasetError(
                "a label holds a tab or a line break, which separate labels in gt.txt: choose another format"
            )
        rows = format_truth_rows(chunk.truth, chunk.labels) if "jsonl" in self._kinds else []
        return {
            "images": encode_chunk(chunk),
            "labels": chunk.labels.tolist(),
            "truth": list(map(dump_json, rows)),
        }

    def write(self, encoded: Encoded) -> None:
        """Store a chunk's images and append their labels."""
        with self._translate_errors():
            root = os.fspath(self.temporary_path)
            images, labels = encoded["images"], [label.decode() for label in encoded["labels"]]
            names = [image_path(self._number + row) for row in range(len(images))]
            for name, image, label in zip(names, images, labels, strict=True):
                self._enter_folder(name)
                path = f"{root}/{name}"
                _store(path, image)
                if "tesseract" in self._kinds:
                    _store(path.removesuffix(".png") + ".gt.txt", f"{label}\n".encode())
                if "csv" in self._kinds:
                    # EasyOCR takes everything after the first comma as the label, quotes included.
                    self._files["labels.csv"].write(f"{name.rpartition('/')[2]},{label}\n".encode())
            self._append(names, labels, encoded["truth"])
            self._number += len(names)

    def _begin(self) -> None:
        (self.temporary_path / _IMAGES).mkdir()
        with self._folder.create(DESCRIPTION_FILE) as file:
            file.write(dump_json(describe(self._header)) + b"\n")
        self._create("gt.txt")
        if "json" in self._kinds:
            self._create("labels.json").write(b"{")
        if "jsonl" in self._kinds:
            self._create("metadata.jsonl")

    def _end(self) -> None:
        if "json" in self._kinds:
            self._files["labels.json"].write(b"\n}\n")

    def _create(self, path: str) -> IO[bytes]:
        """Open a label file, and remember it by its name."""
        file = self._open.enter_context(self._folder.create(path))
        self._files[path.rpartition("/")[2]] = file
        return file

    def _enter_folder(self, name: str) -> None:
        """Start the folder of an image, unless it is the current one."""
        folder = name.rpartition("/")[0]
        if folder == self._image_folder:
            return
        (self.temporary_path / folder).mkdir()
        self._image_folder = folder
        if "csv" in self._kinds:
            if "labels.csv" in self._files:
                self._files["labels.csv"].close()
            self._create(f"{folder}/labels.csv").write(b"filename,words\n")

    def _append(self, names: list[str], labels: list[str], truth: list[bytes]) -> None:
        """Append to the label files that cover all images."""
        pairs = list(zip(names, labels, strict=True))
        self._files["gt.txt"].write("".join(f"{name}\t{label}\n" for name, label in pairs).encode())
        if "json" in self._kinds:
            # docTR joins the name to its folder of images.
            lines = [f'"{name.partition("/")[2]}": {json.dumps(label)}' for name, label in pairs]
            start = ",\n" if self._number and lines else "\n"
            self._files["labels.json"].write((start + ",\n".join(lines)).encode())
        if "jsonl" in self._kinds:
            heads = [f'{{"file_name":"{name}","text":{json.dumps(label)}' for name, label in pairs]
            rows = [
                head.encode() + (b"," if row != b"{}" else b"") + row[1:] + b"\n"
                for head, row in zip(heads, truth, strict=True)
            ]
            self._files["metadata.jsonl"].write(b"".join(rows))


def _store(path: str, content: bytes) -> None:
    """Write a small file in three system calls: opening it as a Python file takes three times as long."""
    descriptor = os.open(path, _NEW_FILE, 0o666)
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    finally:
        os.close(descriptor)


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package."""
    # A description beside tar files is that of WebDataset, unless there are images and their labels as well.
    has_tars = any(name.endswith(".tar") for name in names) and not {_IMAGES, "gt.txt"} <= names
    if DESCRIPTION_FILE not in names or has_tars or not is_described(folder):
        return None
    strangers = names - _OURS
    return strangers or (_find_strange_images(folder / _IMAGES) if _IMAGES in names else strangers)


def _find_strange_images(folder: Path) -> set[str]:
    """Return a file or folder among the images that no writer names so, if there is one."""
    for group in folder.iterdir():
        if group.is_symlink() or not group.is_dir() or not group.name.isdecimal():
            return {f"{_IMAGES}/{group.name}"}
        with os.scandir(group) as entries:  # of a million names, a tenth of pathlib's time
            for entry in entries:
                if not _IMAGE_FILE.fullmatch(entry.name):
                    return {f"{_IMAGES}/{group.name}/{entry.name}"}
    return set()
