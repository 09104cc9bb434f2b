"""The files of a folder of WebDataset's shards: which it is read from, and which no writer of ours makes."""

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from number_generator.formats.schema import DESCRIPTION_FILE, is_described
from number_generator.formats.webdataset.reader import shard_files

_SHARD = re.compile(r".+-\d{6,}\.tar", re.DOTALL)


def list_source_files(path: Path) -> list[Path]:
    """List the shards, and the file of the description beside them."""
    description = path / DESCRIPTION_FILE
    return [*shard_files(path), *([description] if description.is_file() else [])]


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package."""
    shards = {name for name in names if _SHARD.fullmatch(name)}
    if not shards or DESCRIPTION_FILE not in names or not is_described(folder):
        return None
    return names - shards - {DESCRIPTION_FILE}
