"""A folder of PNG or JPEG images with a file of their labels: gt.txt, metadata.jsonl, labels.csv or labels.json."""

from __future__ import annotations

import contextlib
import dataclasses
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from number_generator.formats.encoded_reader import EncodedReader, parse_json_object
from number_generator.formats.image_decoding import MOST_BYTES
from number_generator.formats.paths import MalformedError, is_within, read_own_file
from number_generator.formats.png.label_tables import LABEL_FILES, LabelTable, LineFile, with_slashes
from number_generator.formats.schema import DESCRIPTION_FILE, Description, leads_inside, read_description_file
from number_generator.system.checks import format_value

_TRUTH_FILE = "metadata.jsonl"


@dataclass(frozen=True, slots=True)
class _Handles:
    """The open label file, and that of the ground truth; the folders known not to be links."""

    table: LabelTable
    truth: LineFile | None
    folders: set[str]

    def __len__(self) -> int:
        return len(self.table)

    def close(self) -> None:
        self.table.close()
        if self.truth is not None:
            self.truth.close()


class PngReader(EncodedReader[_Handles]):
    """A folder of images with a label file."""

    valid = (
        "A valid folder holds PNG or JPEG images, and beside them gt.txt (lines of path, tab, label), "
        "metadata.jsonl (objects with `file_name` and `text`), labels.csv (filename,words) or labels.json (an object "
        "of names and labels)"
    )

    def _open(self) -> _Handles:
        found = find_label_file(self._path)
        if found is None:
            raise MalformedError("it has no label file")
        truth = self._path / _TRUTH_FILE
        has_truth = (self._path / DESCRIPTION_FILE).is_file() and truth.is_file()
        return _Handles(LABEL_FILES[found.name](found), LineFile(truth) if has_truth else None, {""})

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
            path, _ = handles.table.entry(number)
            yield path, self._read_file(f"{folder}/{path}" if folder else path, handles.folders)

    def _read_labels(self, handles: _Handles, numbers: range) -> list[str]:
        return [handles.table.entry(number)[1] for number in numbers]

    def _read_rows(self, handles: _Handles, numbers: range) -> list[dict[str, Any]]:
        if handles.truth is None:
            raise MalformedError(f"it has no {_TRUTH_FILE}")
        rows = []
        for number in numbers:
            row = parse_json_object(handles.truth.line(number), f"line {number + 1} of {_TRUTH_FILE}")
            path, _ = handles.table.entry(number)
            named = row.get("file_name")
            if not isinstance(named, str) or with_slashes(named) != path:
                raise MalformedError(
                    f"line {number + 1} of its {_TRUTH_FILE} is of {format_value(named)}, not of {path!r}"
                )
            rows.append(row)
        return rows

    def _read_file(self, path: str, checked: set[str]) -> bytes:
        """Read the file of an image, which must lie in the folder."""
        self._check_folder(path, checked)
        return read_own_file(self._path, path, f"its image {format_value(path)}", MOST_BYTES)

    def _check_folder(self, path: str, checked: set[str]) -> None:
        """Reject a path that leaves the folder, by its parts or by a link."""
        if not leads_inside(path):
            raise MalformedError(
                f"it names the image {format_value(path)}: paths must lead to files in the folder itself"
            )
        parent = path.rpartition("/")[0]
        if parent in checked:
            return
        parts = path.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            place = self._path / folder
            with contextlib.suppress(OSError):  # opening the file says what is wrong
                if stat.S_ISLNK(place.lstat().st_mode) and not is_within(place, self._path):
                    raise MalformedError(
                        f"its folder {format_value(folder)} is a link that leads out of the folder: replace it by what "
                        "it leads to"
                    )
        checked.add(parent)


def find_label_file(folder: Path) -> Path | None:
    """Return the label file of the images in a folder, if there is one."""
    return next((folder / name for name in LABEL_FILES if (folder / name).is_file()), None)


def list_source_files(folder: Path) -> list[Path]:
    """List the file of the labels, and that of the description."""
    return [
        file for file in (find_label_file(folder), folder / DESCRIPTION_FILE) if file is not None and file.is_file()
    ]
