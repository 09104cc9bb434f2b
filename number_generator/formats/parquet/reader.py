"""Parquet as Hugging Face `datasets` has it: a column of images, of `bytes` or a `path`, and a column of labels."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.formats.budget import Budget
from number_generator.formats.encoded_reader import EncodedReader, sort_files
from number_generator.formats.image_decoding import MOST_BYTES
from number_generator.formats.image_files import ImageFiles, with_slashes
from number_generator.formats.parquet import DATA
from number_generator.formats.parquet.columns import Columns, choose_columns
from number_generator.formats.parquet.pages import DICTIONARIES, INCREMENTAL, read_pages
from number_generator.formats.paths import MalformedError, check_path, map_file
from number_generator.formats.schema import PARQUET_KEY, TRUTH_NAMES, Description, read_description
from number_generator.system.optional import import_optional

_BYTES_PER_VALUE = 16  # beside its own: levels, offsets and bits of lists


class _Held(threading.local):
    """What a thread has open: its last file, and of the last group of rows some columns."""

    def __init__(self) -> None:
        self.file: tuple[int, frozenset[str], Any] | None = None
        self.columns: dict[tuple[str, ...], tuple[int, Any]] = {}


class _Tables:
    """Parquet files, whose groups of rows are read when something in them is first needed.

    Arrow's reader of a file crashes under several threads, so each thread has its own. One behind a lock read single
    images at random in 370 us instead of 520, but neighbours in 320 instead of 100, and batches in twice the time, as
    threads in different groups take turns to replace the last one.
    """

    def __init__(self, files: list[Path], images: ImageFiles) -> None:
        self.images = images
        self._has_paths: bool | None = None
        self._parquet: Any = import_optional("pyarrow.parquet", "parquet", "a Parquet dataset")
        self._files = files
        self._groups: list[tuple[int, int]] = []  # of each: its file, and its number there
        self._held = _Held()
        lengths: list[int] = []
        self.names: frozenset[str] = frozenset()
        self.columns: Columns
        self.described: bytes | None = None
        for number in range(len(files)):
            footer = self._open(number)
            self._check(footer, files[number], is_first=number == 0)
            for group in range(footer.num_row_groups):
                self._groups.append((number, group))
                lengths.append(footer.metadata.row_group(group).num_rows)
        self.byte_count = sum(file.stat().st_size for file in files)
        self.longest = max(lengths, default=1)
        self._starts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read_rows(self, names: tuple[str, ...], numbers: range) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name and, as Python values, some columns of the rows of a range; only one group is held."""
        for number in numbers:
            group = int(np.searchsorted(self._starts, number, side="right")) - 1
            row = number - int(self._starts[group])
            table = self._read_columns(group, names)
            name = f"{number + 1} of {self._files[self._groups[group][0]].name}"
            yield name, {column: table.column(column)[row].as_py() for column in names}

    def has_paths(self) -> bool:
        """Tell whether the images lie beside the files, as the first one does."""
        if self._has_paths is None:
            column = self.columns.image
            self._has_paths = any(
                isinstance(self.columns.find_content(row[column], name), str)
                for name, row in self.read_rows((column,), range(min(1, len(self))))
            )
        return self._has_paths

    def close(self) -> None:
        """Let go of what all threads hold; their files close with the last references to them."""
        self._held = _Held()

    def _read_columns(self, group: int, names: tuple[str, ...]) -> Any:
        """Return some columns of a group of rows; those of the last group are kept."""
        held = self._held
        last = held.columns.get(names)
        if last is not None and last[0] == group:
            return last[1]
        file, number = self._groups[group]
        shared = self._check_pages(file, number, names)
        table = self._open(file, shared).read_row_group(number, columns=list(names), use_threads=False)
        if table.num_rows != self._starts[group + 1] - self._starts[group]:
            raise MalformedError(f"its {self._files[file].name} has {table.num_rows} rows in group {number}")
        held.columns[names] = group, table
        return table

    def _open(self, file: int, shared: frozenset[str] = frozenset()) -> Any:
        """Return a file that this thread has open; only the last one is kept.

        The texts of the columns `shared` stay in one place each, however many rows refer to them.
        """
        held = self._held
        if held.file is not None and held.file[0] == file:
            if shared <= held.file[1]:
                return held.file[2]
            shared |= held.file[1]
        if held.file is not None:
            held.file[2].close()
            held.file = None
        opened = self._parquet.ParquetFile(check_path(self._files[file]), read_dictionary=sorted(shared))
        held.file = file, shared, opened
        return opened

    def _check_pages(self, file: int, group: int, names: tuple[str, ...]) -> frozenset[str]:
        """Reject columns of a group that take too much memory; return those whose rows refer to texts."""
        metadata = self._open(file).metadata
        columns, shared = metadata.row_group(group), []
        path = check_path(self._files[file])
        budget = Budget(path.stat().st_size, columns.num_rows)
        with map_file(path) as content:
            for place in range(columns.num_columns):
                column = columns.column(place)
                if column.path_in_schema.partition(".")[0] not in names:
                    continue
                start = column.data_page_offset
                if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
                    start = column.dictionary_page_offset
                pages = read_pages(content, start, column.total_compressed_size)
                is_text = column.physical_type == "BYTE_ARRAY"
                if is_text and INCREMENTAL in pages.encodings:
                    raise MalformedError("it has texts that each begin as the one before does: write them as they are")
                if is_text and pages.encodings & DICTIONARIES:
                    shared.append(column.path_in_schema)
                width = max(0, metadata.schema.column(place).length or 0)  # of texts of a fixed length
                budget.charge(pages.unpacked_bytes + pages.values * (_BYTES_PER_VALUE + width))
        return frozenset(shared)

    def _check(self, footer: Any, path: Path, *, is_first: bool) -> None:
        """Reject a file whose columns are not those of the first, or with a group of rows that is far too large."""
        schema = footer.schema_arrow
        names = frozenset(schema.names)
        if is_first:
            self.names = names
            self.described = (schema.metadata or {}).get(PARQUET_KEY)
        try:
            columns = choose_columns(schema, TRUTH_NAMES)
        except MalformedError as exc:
            raise MalformedError(f"its {path.name}: {exc}") from exc
        if is_first:
            self.columns = columns
        elif columns != self.columns:
            raise MalformedError(f"its {path.name} has other columns than the first file: {columns}")
        for group in range(footer.num_row_groups):
            rows = footer.metadata.row_group(group)
            Budget(path.stat().st_size, rows.num_rows).charge(rows.total_byte_size)


class ParquetReader(EncodedReader[_Tables]):
    """A Parquet dataset, given the folder of the files or of their folder `data`, or one file.

    Paths of images are relative to the folder that is given, or that of the file.
    """

    valid = (
        "A valid Parquet dataset has a column of images, such as `image` (PNG or JPEG, as bytes or as structures of "
        "`bytes` and `path`), and a column of labels, such as `text` or `label` (texts, whole numbers or classes)"
    )

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        with self._lend() as handles:
            self.chunk_length = handles.longest

    def _open(self) -> _Tables:
        folder = self._path if self._path.is_dir() else self._path.parent
        return _Tables(data_files(self._path), ImageFiles(folder))

    def _count_bytes(self, handles: _Tables) -> int | None:
        # Images that lie beside the file are as large as they are.
        return None if handles.has_paths() else handles.byte_count

    def _make_budget(self, handles: _Tables) -> Budget:
        return Budget(handles.byte_count, len(self))

    def _describe(self, handles: _Tables) -> Description:
        if handles.described is None:
            return Description()
        described = read_description(handles.described, PARQUET_KEY.decode())
        # A program that selects columns keeps the description.
        fields = tuple(field for field in described.fields if field.name in handles.names)
        # One file of several holds fewer images than all.
        shape = described.shape
        if shape is not None and not self._path.is_dir():
            shape = len(handles), *shape[1:]
        return dataclasses.replace(described, shape=shape, fields=fields)

    def _read_encoded(self, handles: _Tables, kind: int, numbers: range) -> Iterator[tuple[str, bytes]]:
        column, has_paths = handles.columns.image, handles.has_paths()
        for name, row in handles.read_rows((column,), numbers):
            content = handles.columns.find_content(row[column], name)
            is_path = isinstance(content, str)
            if is_path != has_paths:
                raise MalformedError(f"its image {name} is {'beside' if is_path else 'in'} the file, the first is not")
            if isinstance(content, str):
                content = handles.images.read(with_slashes(content))
            if len(content) > MOST_BYTES:
                raise MalformedError(f"its image {name} takes {len(content)} bytes")
            yield name, content

    def _read_labels(self, handles: _Tables, numbers: range) -> list[str]:
        labels, budget = [], self._make_budget(handles)
        column = handles.columns.label
        for name, row in handles.read_rows((column,), numbers):
            label = handles.columns.parse_label(row[column], name)
            budget.charge(len(label))
            labels.append(label)
        return labels

    def _read_rows(self, handles: _Tables, numbers: range) -> list[dict[str, Any]]:
        return [row for _, row in handles.read_rows(self.truth_names, numbers)]


def data_files(path: Path) -> list[Path]:
    """Return the Parquet files of a dataset in their order: those in its folder `data`, else in itself."""
    if not path.is_dir():
        return [path]
    for folder in (path / DATA, path):
        if folder.is_dir():
            files = [file for file in folder.iterdir() if file.name.endswith(".parquet")]
            if files:
                return sort_files(files)
    raise MalformedError("it has no Parquet file")
