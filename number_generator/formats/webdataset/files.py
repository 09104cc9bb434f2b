"""The files of a folder of WebDataset's shards."""

from pathlib import Path

from number_generator.formats.schema import DESCRIPTION_FILE
from number_generator.formats.webdataset.reader import shard_files

__all__ = ["list_source_files"]


def list_source_files(path: Path) -> list[Path]:
    """List the shards, and the file of the description beside them."""
    description = path / DESCRIPTION_FILE
    return [*shard_files(path), *([description] if description.is_file() else [])]
