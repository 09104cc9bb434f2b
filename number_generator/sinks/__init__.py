"""Places that chunks are written to, one module a format."""

from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

from number_generator.errors import SpecError
from number_generator.spec import Chunk, DatasetHeader

__all__ = ["COMPRESSIONS", "ENDINGS", "Compression", "Format", "Sink", "format_of", "open_sink"]

Format = Literal["pickle", "hdf5"]
Compression = Literal["gzip", "none"]
COMPRESSIONS: dict[Format, tuple[Compression, ...]] = {"pickle": ("none",), "hdf5": ("gzip", "none")}
"""How the images of each format can be stored, the usual way first."""
ENDINGS: dict[str, Format] = {".pickle": "pickle", ".h5": "hdf5", ".hdf5": "hdf5"}
"""Which format a file name's ending stands for; the first of a format is its usual one."""

_MAX_BYTES = 2**63 - 1


class Sink(Protocol):
    """Where the chunks of one dataset go, in order, under a temporary name until `commit`.

    Use it as a context manager: leaving it without `commit` removes what was written.
    """

    @property
    def temporary_path(self) -> Path:
        """The file that is being written."""
        ...

    @property
    def span_multiple(self) -> int:
        """Spans must hold a multiple of so many images, but for the last one."""
        ...

    def encode(self, chunk: Chunk) -> Any:
        """Prepare a chunk for writing; worker threads call it, many at once."""
        ...

    def write(self, encoded: Any) -> None:
        """Write what `encode` gave, chunk after chunk in order; one thread calls it."""
        ...

    def commit(self) -> None:
        """Flush the whole file to disk and move it to its final name."""
        ...

    def __enter__(self) -> "Sink": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def format_of(path: Path) -> Format | None:
    """Give the format that the ending of a file name stands for, or None."""
    name = path.name.lower()
    return next((file_format for ending, file_format in ENDINGS.items() if name.endswith(ending)), None)


def open_sink(
    file_format: Format,
    path: Path,
    header: DatasetHeader,
    *,
    overwrite: bool,
    compression: Compression | None = None,
) -> Sink:
    """Start a dataset file.

    Parameters
    ----------
    file_format : {"pickle", "hdf5"}
    path : Path
        The final name; folders are made, parents too.
    header : DatasetHeader
        What the dataset will hold.
    overwrite : bool
        Whether an earlier file of that name is replaced, once the new one is whole.
    compression : {"gzip", "none"}, optional
        One of the format's; None means its usual one.

    Returns
    -------
    Sink

    Raises
    ------
    OutputExistsError
        If there is such a file and `overwrite` is false.
    OutputError
        If the place cannot be written to.
    SpecError
        If no file can hold so many images, or the format does not know the compression.
    """
    known = COMPRESSIONS[file_format]
    chosen = known[0] if compression is None else compression
    if chosen not in known:
        raise SpecError(
            f"compression is {chosen!r} and the format is {file_format!r}, which knows {' and '.join(known)}: "
            "leave the compression out, or choose another format"
        )
    count, height, width = header.shape
    if count * height * width > _MAX_BYTES:
        raise SpecError(
            f"{count} images of {width} x {height} px are asked for: no file can hold more than 2**63 - 1 bytes; "
            "give fewer images"
        )
    if header.fields and file_format != "hdf5":
        raise SpecError(
            f"the format is {file_format!r}, which has no place for ground truth: choose hdf5, or leave the truth out"
        )
    if file_format == "hdf5":
        from number_generator.sinks.hdf5_file import Hdf5Sink  # noqa: PLC0415 - h5py loads when it is used

        return Hdf5Sink(path, header, overwrite=overwrite, compress=chosen == "gzip")
    from number_generator.sinks.pickle_file import PickleSink  # noqa: PLC0415 - beside its sibling

    return PickleSink(path, header, overwrite=overwrite)
