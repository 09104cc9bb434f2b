"""Tar shards of WebDataset."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from number_generator.formats.file_format import FileFormat, Lazy

BLOCK_BYTES = 512
"""What a tar file consists of: headers, and content filled up to whole blocks."""


def _matches_names(folder: Path, names: AbstractSet[str]) -> bool:
    return any(name.endswith(".tar") for name in names)


FORMAT = FileFormat(
    name="webdataset",
    title="WebDataset",
    summary="webdataset shards",
    file_phrase="a tar of WebDataset",
    folder_phrase="tars of WebDataset",
    is_folder=True,
    bytes_beside_image=3 * BLOCK_BYTES,  # a header for the image, and another with a block for the label
    takes_part=True,
    shard_images=10_000,
    reads_labels_apart=False,
    signatures=((257, b"ustar"),),
    matches_names=_matches_names,
    list_source_files=Lazy("number_generator.formats.webdataset.reader:list_source_files"),
    find_strangers=Lazy("number_generator.formats.webdataset.writer:find_strangers"),
    open_reader=Lazy("number_generator.formats.webdataset.reader:WebDatasetReader"),
    open_writer=Lazy("number_generator.formats.webdataset.writer:WebDatasetWriter"),
)
