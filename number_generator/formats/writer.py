"""The protocol of writers, and the function that opens one of any format."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from number_generator.errors import SpecError
from number_generator.formats.ownership import check_folder, find_obstacle
from number_generator.formats.registry import FORMATS, check_storage
from number_generator.job.chunk import Chunk, DatasetHeader

_MAX_BYTES = 2**63 - 1


class Writer(Protocol):
    """A dataset that is written chunk by chunk, in order, under a temporary name until `commit`.

    Use it as a context manager: leaving it without `commit` removes what was written.
    """

    @property
    def temporary_path(self) -> Path:
        """The file or folder that is being written."""

    @property
    def span_multiple(self) -> int:
        """All spans but the last must hold a multiple of this many images."""

    def encode(self, chunk: Chunk) -> Any:
        """Prepare a chunk for writing, as `base_writer.Encoded`; worker threads call it, many at once."""

    def write(self, encoded: Any) -> None:
        """Write what `encode` returned, chunk after chunk in order; only one thread calls it."""

    def finish(self) -> None:
        """Write what comes last, and flush everything to disk; nothing is written afterwards."""

    def commit(self) -> None:
        """Move the whole to its final name, finished first if it is not yet."""

    def __enter__(self) -> "Writer": ...

    def __exit__(self, *_: object) -> None: ...


def open_writer(
    file_format: str,
    path: Path,
    header: DatasetHeader,
    *,
    overwrite: bool,
    compression: str | None = None,
    labels: Sequence[str] = (),
    part: str = "train",
    shards: int | None = None,
) -> Writer:
    """Start to write a dataset, a file or a folder.

    Parameters
    ----------
    file_format : str
        One of `list_written`.
    path : Path
        The final name; missing parent folders are created.
    overwrite : bool
        Whether to replace an earlier file of that name once the new one is complete, or a folder that holds a dataset
        of this package and nothing else.
    compression : str, optional
        One of the format's; None means its usual one.
    labels : sequence of str
        Which of the format's label files to write.
    part : str
        Which part of a split it is; some formats name their files after it.
    shards : int, optional
        How many files a format of several files makes, see `count_files`; None means as many as it usually does.

    Raises
    ------
    OutputExistsError
        If the file or folder exists and `overwrite` is false.
    OutputError
        If the place cannot be written to, or is the folder of another dataset.
    SpecError
        If no file can hold that many images, or the format does not know the compression or the label files, or cannot
        hold the ground truth.
    MissingExtraError
        If the format needs a package that is not installed.
    """
    truth = ",".join(field.name for field in header.fields)
    compression = check_storage(file_format, compression, labels, truth)
    count, height, width = header.shape
    if math.prod(header.array_shape) > _MAX_BYTES:
        raise SpecError(
            f"{count} images of {width} x {height} px are asked for: no file can hold more than 2**63 - 1 bytes; "
            "give fewer images"
        )
    row = FORMATS[file_format]
    assert row.open_writer is not None  # noqa: S101 - callers choose among `list_written`
    options: dict[str, Any] = {}
    if len(row.compressions) > 1:
        options["compression"] = compression
    if row.label_files:
        options["labels"] = labels
    if row.takes_part:
        options["part"] = part
    if row.shard_images is not None:
        options["shards"] = shards
    if row.is_folder:
        options["find_obstacle"] = find_obstacle
    check_folder(path.parent)
    writer: Writer = row.open_writer(path, header, overwrite=overwrite, **options)
    return writer
