"""Places that chunks are written to, one module a format."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

from number_generator.errors import SpecError
from number_generator.job.chunk import Chunk, DatasetHeader

__all__ = [
    "COMPRESSIONS",
    "ENDINGS",
    "FOLDER_FORMATS",
    "FORMATS",
    "LABEL_FILES",
    "Compression",
    "Format",
    "Writer",
    "find_format",
    "open_writer",
]

Format = Literal["pickle", "hdf5", "npz", "png", "lmdb", "webdataset", "parquet"]
Compression = Literal["gzip", "none"]
FORMATS: tuple[Format, ...] = ("pickle", "hdf5", "npz", "png", "lmdb", "webdataset", "parquet")
FOLDER_FORMATS: tuple[Format, ...] = ("png", "lmdb", "webdataset", "parquet")
"""Those that are written as a folder, not as a file."""
COMPRESSIONS: dict[Format, tuple[Compression, ...]] = {
    name: ("gzip", "none") if name == "hdf5" else ("none",) for name in FORMATS
}
"""How the images of each format can be stored, the usual way first; PNG is compressed by itself."""
ENDINGS: dict[str, Format] = {".pickle": "pickle", ".h5": "hdf5", ".hdf5": "hdf5", ".npz": "npz", ".lmdb": "lmdb"}
"""Which format a name's ending stands for; the first of a format is its usual one."""
LABEL_FILES = ("json", "csv", "tesseract", "jsonl")
"""What the format png can write beside `gt.txt`."""

_MAX_BYTES = 2**63 - 1


class Writer(Protocol):
    """Where the chunks of one dataset go, in order, under a temporary name until `commit`.

    Use it as a context manager: leaving it without `commit` removes what was written.
    """

    @property
    def temporary_path(self) -> Path:
        """The file or folder that is being written."""
        ...

    @property
    def span_multiple(self) -> int:
        """Spans must hold a multiple of so many images, but for the last one."""
        ...

    def encode(self, chunk: Chunk) -> Any:
        """Prepare a chunk for writing, as `base_writer.Encoded`; worker threads call it, many at once."""
        ...

    def write(self, encoded: Any) -> None:
        """Write what `encode` returned, chunk after chunk in order; only one thread calls it."""
        ...

    def finish(self) -> None:
        """Write what comes last, and flush everything to disk; nothing is written afterwards."""
        ...

    def commit(self) -> None:
        """Move the whole to its final name, finished first if it is not yet."""
        ...

    def __enter__(self) -> "Writer": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def find_format(path: Path | str) -> Format | None:
    """Give the format that the ending of a name stands for, or None."""
    name = str(path).lower()
    return next((file_format for ending, file_format in ENDINGS.items() if name.endswith(ending)), None)


def open_writer(
    file_format: Format,
    path: Path,
    header: DatasetHeader,
    *,
    overwrite: bool,
    compression: Compression | None = None,
    labels: Sequence[str] = (),
    part: str = "train",
) -> Writer:
    """Start a dataset: a file, or a folder.

    Parameters
    ----------
    file_format : {"pickle", "hdf5", "npz", "png", "lmdb", "webdataset", "parquet"}
    path : Path
        The final name; the folders that it lies in are made.
    header : DatasetHeader
        What the dataset will hold.
    overwrite : bool
        Whether an earlier file of that name is replaced, once the new one is whole; so is a folder that holds a
        dataset of this package and nothing else.
    compression : {"gzip", "none"}, optional
        One of the format's; None means its usual one.
    labels : sequence of {"json", "csv", "tesseract", "jsonl"}
        Which label files png writes beside `gt.txt`.
    part : str
        Which part of a split it is: webdataset and parquet name their files after it.

    Returns
    -------
    Writer

    Raises
    ------
    OutputExistsError
        If there is such a file or folder and `overwrite` is false.
    OutputError
        If the place cannot be written to.
    SpecError
        If no file can hold so many images, or the format does not know the compression or the label files, or has no
        place for the ground truth.
    MissingExtraError
        If the format needs a package that is not installed.
    """
    chosen = _checked_compression(file_format, compression)
    count, height, width = header.shape
    if count * height * width > _MAX_BYTES:
        raise SpecError(
            f"{count} images of {width} x {height} px are asked for: no file can hold more than 2**63 - 1 bytes; "
            "give fewer images"
        )
    _check_labels(file_format, header, labels)
    if file_format in FOLDER_FORMATS:
        return _open_folder(file_format, path, header, overwrite=overwrite, labels=labels, part=part)
    # Each format loads when it is used.
    if file_format == "pickle":
        from number_generator.formats.pickle.writer import PickleWriter  # noqa: PLC0415

        return PickleWriter(path, header, overwrite=overwrite)
    if file_format == "hdf5":
        from number_generator.formats.hdf5.writer import Hdf5Writer  # noqa: PLC0415

        return Hdf5Writer(path, header, overwrite=overwrite, compress=chosen == "gzip")
    from number_generator.formats.npz.writer import NpzWriter  # noqa: PLC0415

    return NpzWriter(path, header, overwrite=overwrite)


def _open_folder(
    file_format: Format, path: Path, header: DatasetHeader, *, overwrite: bool, labels: Sequence[str], part: str
) -> Writer:
    """Start a dataset that is a folder."""
    if file_format == "png":
        from number_generator.formats.png.writer import PngWriter  # noqa: PLC0415

        return PngWriter(path, header, overwrite=overwrite, labels=labels)
    if file_format == "lmdb":
        from number_generator.formats.lmdb.writer import LmdbWriter  # noqa: PLC0415

        return LmdbWriter(path, header, overwrite=overwrite)
    if file_format == "webdataset":
        from number_generator.formats.webdataset.writer import WebDatasetWriter  # noqa: PLC0415

        return WebDatasetWriter(path, header, overwrite=overwrite, part=part)
    from number_generator.formats.parquet.writer import ParquetWriter  # noqa: PLC0415

    return ParquetWriter(path, header, overwrite=overwrite, part=part)


def _checked_compression(file_format: Format, compression: Compression | None) -> Compression:
    """Give how a format stores the images; None means its usual way."""
    known = COMPRESSIONS[file_format]
    chosen = known[0] if compression is None else compression
    if chosen not in known:
        raise SpecError(
            f"compression is {chosen!r} and the format is {file_format!r}, which knows {' and '.join(known)}: "
            "leave the compression out, or choose another format"
        )
    return chosen


def _check_labels(file_format: Format, header: DatasetHeader, labels: Sequence[str]) -> None:
    """Raise SpecError if the format does not write such label files, or none that holds the ground truth."""
    unknown = [kind for kind in labels if kind not in LABEL_FILES]
    if unknown:
        raise SpecError(f"labels hold {unknown[0]!r}: give some of {', '.join(map(repr, LABEL_FILES))}")
    if labels and file_format != "png":
        raise SpecError(f"labels are {list(labels)} and the format is {file_format!r}: only png writes label files")
    if header.fields and file_format == "png" and "jsonl" not in labels:
        raise SpecError(
            "the format is 'png', which has a place for ground truth in metadata.jsonl alone: add 'jsonl' to labels "
            "(--labels), or leave the truth out"
        )
