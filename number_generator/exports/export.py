"""Datasets with boxes, written as images and annotations: a folder that is complete or absent."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._version import __version__
from number_generator.errors import DatasetError, SpecError
from number_generator.exports.exporter import IMAGES, Box, Line
from number_generator.exports.kinds import KINDS
from number_generator.formats.conversion import check_target
from number_generator.formats.image_encoding import encode_cut
from number_generator.formats.ownership import check_folder
from number_generator.formats.reader import Reader, open_reader
from number_generator.formats.schema import IMAGES_A_FOLDER, dump_json
from number_generator.job.spec import PART_NAME, Span
from number_generator.system.atomic_folder import AtomicFolder
from number_generator.system.checks import format_value
from number_generator.system.signals import Interruption
from number_generator.system.temporaries import translate_errors
from number_generator.system.threads import check_workers, ordered_map

_SPAN_BYTES = 4 << 20
_MARK = "export.json"  # what says that a folder is one of ours
_DIGITS = "0123456789"

_Parts = dict[str, Reader]


def export(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    kind: str,
    *,
    overwrite: bool = False,
    workers: int | None = None,
) -> None:
    """Write datasets that hold boxes as PNG images with the annotations that detectors and layout tools read.

    Images are written to `images/PART/`, in folders of 10,000, and beside them, or beside that folder, annotations.

    ==============  ====================================================================================================
    kind            what is written
    ==============  ====================================================================================================
    "coco"          `annotations/instances_PART.json`: a box for each character, its category the character
    "yolo"          `labels/PART/` with a text file for each image, and `data.yaml`
    "page"          an XML file beside each image: line, words, glyphs and their text, in PAGE's version of 2019-07-15
    "alto"          the same in ALTO's version 4.4
    "label-studio"  `tasks_PART.json` with a task for each image, and `config.xml`
    ==============  ====================================================================================================

    Parameters
    ----------
    sources : path_like or sequence of path_like
        Datasets that `GenericDataset.load` reads, made with `--truth boxes`. Each is a part: that of the split that it
        says it is, or "train".
    target : path_like
        The folder to write; missing parent folders are created.
    kind : {"coco", "yolo", "page", "alto", "label-studio"}
    overwrite : bool
        Whether to replace an earlier export of that name, once the new one is complete.
    workers : int, optional
        Number of threads; None means one per core.

    Raises
    ------
    SpecError
        If an argument breaks a rule, or two sources are the same part.
    DatasetNotFoundError, DatasetReadError, DatasetError
        If a source cannot be read, is not a valid dataset, or holds no boxes.
    OutputExistsError, OutputError
        If the target exists and `overwrite` is false, or cannot be written.

    Examples
    --------
    >>> from number_generator import export
    >>> export(["lines-train.h5", "lines-val.h5"], "detect", "yolo")  # doctest: +SKIP
    """
    if not isinstance(sources, (str, os.PathLike, Sequence)):
        raise SpecError(f"sources is {format_value(sources)}: give the path of a dataset, or a list of them")
    given = [sources] if isinstance(sources, (str, os.PathLike)) else list(sources)
    with ExitStack() as stack:
        parts = open_parts(given, stack)
        export_parts(parts, check_target(target), kind, overwrite=overwrite, workers=check_workers(workers))


def open_parts(sources: Sequence[str | os.PathLike[str]], stack: ExitStack) -> _Parts:
    """Open datasets that hold boxes, by the part of a split that each is; the stack closes them."""
    if not sources:
        raise SpecError("sources is empty: give at least one dataset")
    parts: _Parts = {}
    for source in sources:
        reader = stack.enter_context(open_reader(source))
        if "boxes" not in reader.truth_names:
            raise DatasetError(
                f"{os.fspath(source)}: it holds no boxes, which is what is exported: make it with --truth boxes, in a "
                "format that holds them"
            )
        recorded = reader.metadata.get("split")
        part = recorded if isinstance(recorded, str) and PART_NAME.fullmatch(recorded) else "train"
        if part in parts:
            raise SpecError(
                f"{os.fspath(source)} is the part {part!r}, as another one is: give one dataset of each part"
            )
        parts[part] = reader
    return parts


def export_parts(
    parts: _Parts,
    target: Path,
    kind: str,
    *,
    overwrite: bool,
    workers: int,
    interruption: Interruption | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> None:
    """Write an export of open datasets; `advance` is called with the number of images after each span."""
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpecError(f"the kind is {format_value(kind)}: give one of {', '.join(map(repr, KINDS))}")
    exporter = KINDS[kind].make()
    characters = _find_characters(parts)
    check_folder(target.parent)
    interruption = interruption or Interruption.installed()
    with interruption:
        folder = AtomicFolder(target, overwrite=overwrite, find_obstacle=_find_obstacle)
        interruption.temporaries.append(folder.temporary_path)
    with folder, translate_errors(target):
        (folder.temporary_path / IMAGES).mkdir()
        exporter.begin(folder, tuple(parts), characters)
        first = 0
        for part, reader in parts.items():
            for images, lines in ordered_map(_encode, _read_spans(reader, part, first), workers):
                _store(folder.temporary_path / IMAGES, images, lines)
                for line in lines:
                    exporter.add(line)
                advance(len(lines))
            first += len(reader)
        exporter.end()
        with folder.create(_MARK) as file:
            names = sorted({IMAGES, _MARK} | exporter.names)
            file.write(dump_json({"export": kind, "version": __version__, "holds": names}) + b"\n")
        folder.finish(holds_many=True)
        with interruption:
            folder.commit()


def _find_characters(parts: _Parts) -> str:
    """Return the digits, and all signs that have ink in any label, in the order of their code points."""
    signs: set[str] = set()
    for reader in parts.values():
        for span in Span(0, len(reader)).split(1 << 16):
            signs.update(*reader.labels(span.start, span.stop))
    return _DIGITS + "".join(sorted(signs - set(_DIGITS) - {" "}))


def _read_spans(reader: Reader, part: str, first: int) -> Iterator[tuple[npt.NDArray[np.uint8], Any, list[Line]]]:
    """Yield images, their sizes and their lines, a span at a time."""
    for span in reader.split(0, len(reader), _SPAN_BYTES):
        bounds = span.start, span.stop
        labels, boxes, sizes = reader.labels(*bounds), reader.truth("boxes", *bounds), reader.sizes(*bounds)
        if boxes.ndim != 3 or boxes.shape[2] != 4:
            raise DatasetError(f"its boxes have shape {boxes.shape}, not (n, characters, 4)")
        lines = [
            _make_line(number, first, part, size, label, rows)
            for number, size, label, rows in zip(range(*bounds), sizes.tolist(), labels, boxes.tolist(), strict=True)
        ]
        yield reader.images(*bounds), sizes, lines


def _make_line(number: int, first: int, part: str, size: list[int], label: str, rows: list[list[int]]) -> Line:
    height, width = size
    if len(rows) < len(label):
        raise DatasetError(f"image {number} has {len(rows)} boxes for the {len(label)} characters of {label!r}")
    name = f"{number // IMAGES_A_FOLDER:04d}/{number:09d}"
    boxes = tuple(_check_box(row, width, height) for row in rows[: len(label)])
    return Line(first + number, part, name, width, height, label, boxes)


def _check_box(row: list[int], width: int, height: int) -> Box | None:
    """Return a box within its image; None if nothing of it is."""
    left, top, right, bottom = max(row[0], 0), max(row[1], 0), min(row[2], width), min(row[3], height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _encode(read: tuple[npt.NDArray[np.uint8], Any, list[Line]]) -> tuple[list[bytes], list[Line]]:
    images, sizes, lines = read
    return encode_cut(images, sizes), lines


def _store(root: Path, images: list[bytes], lines: list[Line]) -> None:
    for image, line in zip(images, lines, strict=True):
        path = root / line.part / f"{line.name}.png"
        if line.number % IMAGES_A_FOLDER == 0 or not path.parent.is_dir():
            (root / line.part).mkdir(exist_ok=True)
            path.parent.mkdir(exist_ok=True)
        path.write_bytes(image)


def _find_obstacle(folder: Path) -> str | None:
    """Say why a folder is not an export of this package and nothing else; None if it is."""
    names = {entry.name for entry in folder.iterdir()}
    try:
        mark = json.loads((folder / _MARK).read_bytes())
        known = set(mark["holds"])
    except (OSError, ValueError, KeyError, TypeError):
        return "is a folder that this package did not export"
    strangers = names - known
    return f"holds {min(strangers)!r}, which this package did not write" if strangers else None
