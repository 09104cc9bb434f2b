"""What a dataset is, how it was made, and statistics of its labels and pages, measured on a sample."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.commands.inspection.ink import BATCH_BYTES, PageInk, measure_ink, to_grey
from number_generator.commands.inspection.statistics import (
    Distribution,
    LabelStatistics,
    PageStatistics,
    measure_labels,
    measure_pages,
)
from number_generator.commands.inspection.warnings import find_warnings
from number_generator.commands.recorded import split_recorded
from number_generator.formats.detection import detect_format, list_source_files
from number_generator.formats.paths import reading
from number_generator.formats.ragged import group_sizes, measure_sizes
from number_generator.formats.reader import Reader
from number_generator.formats.registry import FORMATS
from number_generator.job.defaults import PACKAGED
from number_generator.job.provenance import read_options
from number_generator.scans.looks import LOOKS, measure_looks, to_page
from number_generator.scans.pictures import to_grey as to_levels

SAMPLE_IMAGES = 10_000
"""How many images are measured by default, unless they are large."""

_SAMPLE_BYTES = 256 << 20  # of images: a few seconds
_MOST_LABELS = 1_000_000
_LABELS_A_READ = 50_000
_RUN_IMAGES, _FEWEST_RUNS = 64, 16
_LOOKED = 1000  # images whose looks are measured
_SIZED_IMAGES = 16  # whose size tells about that of all


@dataclass(frozen=True, slots=True)
class Origin:
    """How a dataset was made, as far as it records that; None where it does not."""

    command: str | None = None  # of this package, that makes it again; its words are quoted for a shell
    package_version: str | None = None
    created: float | None = None  # seconds since 1970
    seed: int | None = None
    style: str | None = None
    fit: str | None = None
    digits: str | None = None  # their name or path; "packaged" for the package's own
    digits_sha256: str | None = None
    spacing_range: tuple[int, int] | None = None  # the gaps that were drawn, in px of the digit dataset
    split: str | None = None  # the part of it
    splits: str | None = None  # the split
    shard: str | None = None  # of how many, as in "0/4"
    shards: int | None = None  # that it consists of, if it is an index

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Origin:
        """Take the values that have the right type: other programs may use the same names."""

        def read_text(name: str) -> str | None:
            value = metadata.get(name)
            return value if isinstance(value, str) and value else None

        def read_integer(name: str) -> int | None:
            value = metadata.get(name)
            return value if isinstance(value, int) and not isinstance(value, bool) else None

        words = split_recorded(metadata.get("command"))
        digits = read_options(metadata).get("--digits") if words else None
        created, spacing = metadata.get("creation_timestamp"), metadata.get("spacing_range")
        is_time = isinstance(created, (int, float)) and not isinstance(created, bool) and 0 <= created < 2**40
        is_pair = isinstance(spacing, tuple) and len(spacing) == 2 and all(type(gap) is int for gap in spacing)
        return cls(
            shlex.join(words) or None,
            read_text("package_version"),
            float(created) if is_time else None,  # type: ignore[arg-type] # a number by now
            read_integer("seed"),
            read_text("style"),
            read_text("fit"),
            PACKAGED if digits == "" else digits,
            read_text("digits_sha256"),
            spacing if is_pair else None,
            read_text("split"),
            read_text("splits"),
            read_text("shard"),
            read_integer("shards"),
        )


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `inspect_dataset` found."""

    path: str
    file_format: str
    byte_count: int  # of its file or files
    count: int  # of images
    height: int  # of the largest, as the width; if the images differ in size, of those measured where nothing tells it
    width: int
    is_ragged: bool  # whether the images differ in size
    channels: int  # 1 in grey, 3 in colour
    chunk_length: int  # how many images are stored together
    truth: dict[str, tuple[int, ...]]  # by the name of each array of ground truth, the shape of an image's entry
    origin: Origin
    labels: LabelStatistics
    pages: PageStatistics
    warnings: tuple[str, ...]  # what seems wrong, in sentences
    looks: dict[str, Distribution]  # how pages look, by the names of `LOOKS`; none if that was not asked for


def inspect_dataset(
    reader: Reader, path: str | os.PathLike[str], *, sample: int | None = None, looks: bool = False
) -> Inspection:
    """Inspect a dataset without reading all of it.

    Parameters
    ----------
    reader : Reader
        Opened mapped, so that memory does not grow with the dataset.
    path : path_like
        Where the dataset is.
    sample : int, optional
        How many images to measure, in runs that are spread evenly over the dataset; None means 10,000, or fewer if
        they are large. All labels are counted if there are at most a million and they can be read without the images;
        otherwise those of the sample.
    looks : bool
        Whether to measure how pages look as well, as `match` does, on at most 1,000 of them.

    Raises
    ------
    DatasetReadError, DatasetError
        If the dataset turns out to be damaged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from number_generator import GenericDataset, generate_batch
    >>> from number_generator.formats.reader import open_reader
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lines.h5"
    >>> GenericDataset(generate_batch(["123", "45"], (5, 10), 100, seed=1), ["123", "45"]).save(path)
    >>> with open_reader(path) as reader:
    ...     found = inspect_dataset(reader, path)
    >>> found.file_format, found.labels.first_digits, found.pages.blank
    ('hdf5', {'1': 1, '4': 1}, 0)
    """
    count = len(reader)
    file_format = detect_format(path)
    if sample is None:
        sample = max(1, min(SAMPLE_IMAGES, _SAMPLE_BYTES // _estimate_bytes(reader)))
    spans = sample_spans(count, sample, reader.chunk_length)
    sizes, pages, labels = _measure(reader, spans)
    height, width = reader.known_size or sizes.max(axis=0).tolist()
    is_all = sum(map(len, spans)) == count
    if not is_all and count <= _MOST_LABELS and FORMATS[file_format].reads_labels_apart:
        labels, is_all = _read_labels(reader), True
    counted = measure_labels(labels, is_all=is_all)
    return Inspection(
        os.fspath(path),
        file_format,
        _count_bytes(Path(path)),
        count,
        height,
        width,
        len(np.unique(sizes, axis=0)) > 1,
        reader.channels,
        reader.chunk_length,
        {field.name: field.shape for field in reader.fields},
        Origin.from_metadata(reader.metadata),
        counted,
        pages,
        find_warnings(counted, pages),
        _measure_looks(reader, sample) if looks else {},
    )


def sample_spans(count: int, sample: int, chunk_length: int) -> list[range]:
    """Return runs of images that are spread evenly, the first and the last image among them.

    A run consists of whole chunks, unless these are too long: reading an image means reading its chunk.
    """
    if count <= sample:
        return [range(count)] if count else []
    wanted = chunk_length * math.ceil(_RUN_IMAGES / chunk_length)
    length = min(wanted, max(1, sample // _FEWEST_RUNS))
    runs = max(1, sample // length)
    step = chunk_length if length % chunk_length == 0 else 1
    starts = [number * (count - length) // max(1, runs - 1) // step * step for number in range(runs - 1)]
    return [range(start, start + length) for start in [*starts, count - length if runs > 1 else 0]]


def spread_numbers(count: int, most: int) -> list[int]:
    """Return at most `most` image numbers that are spread evenly, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [number * (count - 1) // max(1, most - 1) for number in range(most)]


def _estimate_bytes(reader: Reader) -> int:
    """Return about how many bytes an image takes in memory, on average."""
    sizes = [reader.sizes(number, number + 1)[0] for number in spread_numbers(len(reader), _SIZED_IMAGES)]
    return max(1, sum(reader.channels * int(height) * int(width) for height, width in sizes) // max(1, len(sizes)))


def _measure(reader: Reader, spans: Sequence[range]) -> tuple[np.ndarray[Any, Any], PageStatistics, list[str]]:
    """Measure the images of some runs, and return their sizes and labels as well."""
    has_boxes = any(field.name == "boxes" and field.shape[1:] == (4,) for field in reader.fields)
    parts = [measure_ink(np.empty((0, 1, 1), np.uint8))]
    sizes = [np.empty((0, 2), np.int32)]
    boxes: list[np.ndarray[Any, Any]] = []
    labels: list[str] = []
    hashes: list[int] = []
    for span in spans:
        for run in reader.split(span.start, span.stop, BATCH_BYTES):
            bounds = run.start, run.stop
            pages, texts = reader.cut_images(*bounds), reader.labels(*bounds)
            outlines = reader.truth("boxes", *bounds).astype(np.int64) if has_boxes else None
            # Images of one size are measured together, whatever their order.
            for height, width, rows in group_sizes(measure_sizes(pages)):
                alike = np.stack([pages[row] for row in rows])
                parts.append(measure_ink(to_grey(alike)))
                sizes.append(np.full((len(rows), 2), (height, width), np.int32))
                hashes += [hash(page.tobytes()) for page in alike]
                labels += [texts[row] for row in rows]
                if outlines is not None:
                    boxes.append(outlines[rows])
    ink, measured = PageInk.join(parts), np.concatenate(sizes)
    recorded = np.concatenate(boxes) if boxes and len({part.shape[1] for part in boxes}) == 1 else None
    return measured, measure_pages(ink, labels, hashes, recorded, measured), labels


def _measure_looks(reader: Reader, sample: int) -> dict[str, Distribution]:
    """Measure how images look that are spread evenly over the dataset."""
    numbers = spread_numbers(len(reader), min(sample, _LOOKED))
    measured = measure_looks([to_page(to_levels(reader.image(number))) for number in numbers])
    named = {look.name: column[~np.isnan(column)] for look, column in zip(LOOKS, measured.T, strict=True)}
    found = {name: Distribution.of(values) for name, values in named.items()}
    return {name: distribution for name, distribution in found.items() if distribution is not None}


def _divide(spans: Sequence[range], length: int) -> Iterator[tuple[int, int]]:
    for span in spans:
        for start in range(span.start, span.stop, length):
            yield start, min(start + length, span.stop)


def _read_labels(reader: Reader) -> list[str]:
    count = len(reader)
    bounds = _divide([range(count)], _LABELS_A_READ)
    return [label for start, stop in bounds for label in reader.labels(start, stop)]


def _count_bytes(path: Path) -> int:
    """Add up the sizes of a dataset's files, without following links."""
    with reading(path, "It was there when it was opened"):
        if not path.is_dir():
            return sum(file.stat().st_size for file in list_source_files(path))
        return sum((Path(folder) / name).lstat().st_size for folder, _, names in os.walk(path) for name in names)
