"""Conversion: a dataset goes from a reader to a writer, span by span, with flat memory."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from number_generator.errors import DatasetError, SpecError
from number_generator.formats.labels import find_control, strip_line_ends
from number_generator.formats.paths import MalformedError
from number_generator.formats.reader import Reader, open_reader
from number_generator.formats.registry import (
    FORMATS,
    check_ending,
    count_files,
    describe_written,
    find_format,
    list_endings,
    list_written,
)
from number_generator.formats.schema import describe, parse_truth_fields
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader, TruthField
from number_generator.job.provenance import join_metadata
from number_generator.job.spec import PART_NAME, Span
from number_generator.system.checks import format_value
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption
from number_generator.system.threads import check_workers, ordered_map

_SPAN_BYTES = 4 * 2**20
_LABELS_A_READ = 10_000


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    file_format: str | None = None,
    labels: Sequence[str] = (),
    compression: str | None = None,
    overwrite: bool = False,
    part: str | None = None,
    shards: int | None = None,
    shard_size: int | None = None,
    workers: int | None = None,
) -> None:
    """Write a dataset in another format, with its metadata and its ground truth.

    The images stay the same to the byte, each at its own size; pickles, HDF5 files and NPZ archives hold those that
    differ in size as an array of the largest. Memory does not grow with their number, except for sources that are
    pickles, NPZ archives or IDX files, which are read into memory.

    Parameters
    ----------
    source : path_like
        Any dataset that `GenericDataset.load` reads; its content tells the format.
    target : path_like
        The file or folder to write; missing parent folders are created.
    file_format : {"pickle", "hdf5", "npz", "png", "lmdb", "webdataset", "parquet"}, optional
        None means the one that the ending of `target` stands for: .pickle, .h5, .hdf5, .npz or .lmdb.
    labels : sequence of {"json", "csv", "tesseract", "jsonl"}
        For png: which label files to write beside `gt.txt`.
    compression : {"gzip", "none"}, optional
        For hdf5: how to store the images; None means gzip.
    overwrite : bool
        Whether to replace an earlier dataset of that name, once the new one is complete.
    part : str, optional
        What webdataset and parquet name their files after; None means the source's part of a split, or "train".
    shards, shard_size : int, optional
        For webdataset and parquet: the number of files, or the most images that one holds; None means 10,000 and
        100,000 images a file.
    workers : int, optional
        Number of threads; None means one per core.

    Raises
    ------
    SpecError
        If an argument breaks a rule, or the metadata cannot be written in the format.
    MissingExtraError
        If a format needs a package that is not installed.
    DatasetNotFoundError, DatasetReadError, DatasetError
        If the source cannot be read, is not a valid dataset, or has a label that is not text on one line.
    OutputExistsError, OutputError
        If the target exists and `overwrite` is false, or cannot be written.

    Notes
    -----
    The format png holds ground truth only in its label file "jsonl". What is left out is reported as a warning through
    `logging`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from number_generator import GenericDataset, convert
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> GenericDataset(np.full((2, 28, 100), 255, np.uint8), ["", "7"]).save(folder / "lines.h5")
    >>> convert(folder / "lines.h5", folder / "lines", file_format="png")
    >>> print((folder / "lines" / "gt.txt").read_text().split()[-1])
    7
    """
    path = check_target(target)
    chosen = choose_format(path, file_format)
    count = check_workers(workers)
    with open_reader(source) as reader:
        lost = write_dataset(
            reader,
            path,
            chosen,
            labels=labels,
            compression=compression,
            overwrite=overwrite,
            part=part,
            shards=count_files(chosen, len(reader), shards, shard_size),
            workers=count,
        )
    if lost:
        logging.getLogger(__name__).warning("%s", format_losses(chosen, lost))


def format_losses(file_format: str, names: Sequence[str]) -> str:
    """Say which ground truth was left out, and why."""
    return (
        f"the ground truth ({', '.join(names)}) was left out: {file_format} holds it only with the labels "
        f"{FORMATS[file_format].truth_label_file}"
    )


def check_target(path: Any, name: str = "the target") -> Path:
    """Return the name of a file or folder as a Path, or raise SpecError."""
    try:
        os.fsencode(path)
        checked = Path(expand_home(path))
    except (TypeError, UnicodeEncodeError):
        raise SpecError(f"{name} is {path!r}: give a file name") from None
    if "\0" in str(checked):
        raise SpecError(f"{name} is {path!r}: a file name cannot hold a null character")
    return checked


def choose_format(target: Path, file_format: str | None = None) -> str:
    """Return the format to write; raise SpecError if neither the name nor the argument tells it, or if they differ."""
    of_name = find_format(target)
    if file_format in list_written():
        check_ending(target, "the target", describe_written(file_format), file_format)
    if file_format is None:
        if of_name is not None:
            return of_name
        raise SpecError(
            f"the target is {os.fspath(target)!r}, whose ending tells no format: give the format, one of "
            f"{', '.join(list_written())}, or a name that ends in {', '.join(list_endings())}"
        )
    if not isinstance(file_format, str) or file_format not in list_written():
        raise SpecError(f"the format is {format_value(file_format)}: give one of {', '.join(list_written())}")
    if of_name not in (None, file_format):
        raise SpecError(
            f"the format is {file_format!r} and the target {os.fspath(target)!r}, whose ending stands for {of_name!r}: "
            "leave the format out, or give another name"
        )
    return file_format


def write_dataset(
    reader: Reader,
    path: Path,
    file_format: str,
    *,
    metadata: dict[str, Any] | None = None,
    labels: Sequence[str] = (),
    compression: str | None = None,
    overwrite: bool = False,
    part: str | None = None,
    shards: int | None = None,
    workers: int | None = None,
    interruption: Interruption | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> tuple[str, ...]:
    """Write the content of a reader, and return the ground truth that was left out: the format cannot hold it.

    Parameters
    ----------
    reader : Reader
        Read in this thread; others encode the images.
    metadata : dict, optional
        Written instead of that of the reader.
    interruption : Interruption, optional
        Removes what is unfinished; None means that of the running command, if any.
    advance : callable
        Called with the number of images after each write.
    """
    count = len(reader)
    fields: tuple[TruthField, ...] = reader.fields
    lost: tuple[str, ...] = ()
    if not FORMATS[file_format].holds_truth(labels):
        lost, fields = reader.truth_names, ()
    _check_fields(fields)
    written = join_metadata(reader.metadata if metadata is None else metadata)
    label_length, label_bytes = _measure_labels(reader)
    is_ragged = reader.is_ragged  # before the shape, which may then be known without reading all headers
    header = DatasetHeader(reader.shape, label_length, written, fields, is_ragged, reader.channels, label_bytes)
    interruption = interruption or Interruption.installed()
    with interruption:
        writer = open_writer(
            file_format,
            path,
            header,
            overwrite=overwrite,
            compression=compression,
            labels=labels,
            part=choose_part(part, written),
            shards=shards,
        )
        interruption.temporaries.append(writer.temporary_path)
    with writer:
        # A file of arrays holds each image as large as the largest.
        is_padded = not FORMATS[file_format].is_folder
        spans = reader.split(0, count, _SPAN_BYTES, writer.span_multiple, padded=is_padded)

        def task(chunk: Chunk) -> tuple[int, Any]:
            return len(chunk.span), writer.encode(chunk)

        with closing(ordered_map(task, _read_chunks(reader, header, spans), check_workers(workers))) as results:
            for done, encoded in results:
                writer.write(encoded)
                advance(done)
        writer.finish()
        with interruption:  # for a moment, an earlier dataset is not in its place
            writer.commit()
    return lost


def _read_chunks(reader: Reader, header: DatasetHeader, spans: Iterable[range]) -> Iterator[Chunk]:
    """Yield the content of a dataset in chunks, one for each span."""
    for span in spans:
        bounds = span.start, span.stop
        labels = np.array([_encode_label(label) for label in reader.labels(*bounds)], header.label_dtype)
        truth = {
            # An HDF5 file from another machine may have another byte order.
            field.name: reader.truth(field.name, *bounds).astype(field.dtype, copy=False)
            for field in header.fields
        }
        images = reader.images(*bounds)
        yield Chunk(Span(*bounds), images, labels, truth, reader.sizes(*bounds) if header.is_ragged else None)


def _measure_labels(reader: Reader) -> tuple[int, int | None]:
    """Return the characters of the longest label, and the most bytes of one, or None if all are ASCII.

    Writers need them before they begin, so labels are read twice.
    """
    characters, most_bytes, is_ascii = 0, 0, True
    for span in Span(0, len(reader)).split(_LABELS_A_READ):
        for label in reader.labels(span.start, span.stop):
            encoded = _encode_label(label)
            characters = max(characters, len(strip_line_ends(label)))
            most_bytes = max(most_bytes, len(encoded))
            is_ascii = is_ascii and label.isascii()
    return characters, None if is_ascii else most_bytes


def _encode_label(label: str) -> bytes:
    """Return a label in UTF-8 without line ends after it, or raise DatasetError."""
    label = strip_line_ends(label)
    control = find_control(label)
    if control is not None:
        raise DatasetError(f"the label {label!r} cannot be written: labels in files hold no {control!r}")
    try:
        return label.encode()
    except UnicodeEncodeError as exc:
        raise DatasetError(
            f"the label {label!r} cannot be written: {label[exc.start]!r} is half of a character"
        ) from None


def _check_fields(fields: tuple[TruthField, ...]) -> None:
    """Reject ground truth that could not be read back: an HDF5 file of another program may hold any kind."""
    try:
        parse_truth_fields(describe(DatasetHeader((0, 1, 1), 0, {}, fields))["fields"])
    except MalformedError as exc:
        raise DatasetError(f"the ground truth cannot be written ({exc}): it is not this package's") from exc


def choose_part(part: str | None, metadata: dict[str, Any]) -> str:
    """Return the part of a split that a dataset is, or raise SpecError if `part` cannot begin a file name."""
    if part is None:
        recorded = metadata.get("split")
        return recorded if isinstance(recorded, str) and PART_NAME.fullmatch(recorded) else "train"
    if not isinstance(part, str) or not PART_NAME.fullmatch(part):
        raise SpecError(f"part is {part!r}: give letters, digits, - and _, as in train")
    return part
