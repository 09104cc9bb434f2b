"""A folder of PNG or JPEG images with a file of their labels, a text beside each, or a folder for each digit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from number_generator.formats.encoded_reader import EncodedReader, parse_json_object
from number_generator.formats.image_files import ImageFiles, with_slashes
from number_generator.formats.paths import MalformedError
from number_generator.formats.png import LABEL_FILES, PARTS
from number_generator.formats.png.label_tables import LabelTable, LineFile
from number_generator.formats.png.loose_files import list_label_files, open_loose
from number_generator.formats.schema import DESCRIPTION_FILE, Description, read_description_file
from number_generator.system.checks import format_value

_TRUTH_FILE = "metadata.jsonl"


@dataclass(frozen=True, slots=True)
class _Handles:
    """The open label file, and that of the ground truth; the images."""

    table: LabelTable
    truth: LineFile | None
    images: ImageFiles

    def __len__(self) -> int:
        return len(self.table)

    def close(self) -> None:
        self.table.close()
        if self.truth is not None:
            self.truth.close()


class PngReader(EncodedReader[_Handles]):
    """A folder of images with a label file."""

    valid = (
        "A valid folder holds PNG or JPEG images, and beside them gt.txt, labels.txt or rec_gt.txt (lines of a path, a "
        "tab, space or comma, and the label), metadata.jsonl (objects with `file_name` and `text`), labels.csv or "
        "metadata.csv (columns such as file_name,text), labels.json (an object of names and labels), or for each image "
        "a .gt.txt or .txt of its name; or folders 0 to 9 of images"
    )

    def _open(self) -> _Handles:
        found = find_label_file(self._path)
        table = open_loose(self._path) if found is None else LABEL_FILES[found.name](found)
        truth = self._path / _TRUTH_FILE
        has_truth = (self._path / DESCRIPTION_FILE).is_file() and truth.is_file()
        return _Handles(table, LineFile(truth) if has_truth else None, ImageFiles(self._path))

    def _describe(self, handles: _Handles) -> Description:
        described = read_description_file(self._path)
        if handles.truth is None:
            return dataclasses.replace(described, fields=())
        if described.fields and len(handles.truth) != len(handles.table):
            raise MalformedError(f"its {_TRUTH_FILE} has {len(handles.truth)} lines for {len(handles.table)} images")
        return described

    def _read_encoded(self, handles: _Handles, kind: int, numbers: range) -> Iterator[tuple[str, bytes]]:
        folder = handles.table.folder
        for number in numbers:
            path = handles.table.path(number)
            yield path, handles.images.read(f"{folder}/{path}" if folder else path)

    def _read_labels(self, handles: _Handles, numbers: range) -> list[str]:
        return [handles.table.label(number) for number in numbers]

    def _read_rows(self, handles: _Handles, numbers: range) -> list[dict[str, Any]]:
        if handles.truth is None:
            raise MalformedError(f"it has no {_TRUTH_FILE}")
        rows = []
        for number in numbers:
            row = parse_json_object(handles.truth.line(number), f"line {number + 1} of {_TRUTH_FILE}")
            path = handles.table.path(number)
            named = row.get("file_name")
            if not isinstance(named, str) or with_slashes(named) != path:
                raise MalformedError(
                    f"line {number + 1} of its {_TRUTH_FILE} is of {format_value(named)}, not of {path!r}"
                )
            rows.append(row)
        return rows


def find_label_file(folder: Path) -> Path | None:
    """Return the label file of the images in a folder, if there is one; reject several that are parts of a split."""
    found = [name for name in LABEL_FILES if (folder / name).is_file()]
    parts = [name for name in found if name in PARTS]
    if found[:1] == parts[:1] and len(parts) > 1:
        raise MalformedError(f"it holds several parts ({', '.join(parts)}): copy the file of the one to read to gt.txt")
    return folder / found[0] if found else None


def list_source_files(folder: Path) -> list[Path]:
    """List the files of the labels, and that of the description."""
    found = find_label_file(folder)
    files = list_label_files(folder) if found is None else [found]
    return [file for file in (*files, folder / DESCRIPTION_FILE) if file.is_file()]
