"""The files of a folder with an LMDB: which no writer of ours makes."""

from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

from number_generator.formats.lmdb import DATA_FILE
from number_generator.formats.lmdb.btree import SIGNATURE, SIGNATURE_AT, LmdbTree
from number_generator.formats.paths import reading
from number_generator.formats.schema import COUNT_KEY, LMDB_DESCRIPTION_KEY

_OURS = {DATA_FILE, "lock.mdb"}


def find_strangers(folder: Path, names: AbstractSet[str]) -> AbstractSet[str] | None:
    """Return what is not a part of the dataset in a folder; None if there is no such dataset of this package.

    Raises
    ------
    DatasetError, DatasetReadError
        If the LMDB is damaged, so that nobody can tell.
    """
    path = folder / DATA_FILE
    if DATA_FILE not in names or not path.is_file():
        return None
    # LMDB's own library would end the process where the file is cut short.
    with reading(path, "Only a dataset that can be read is replaced"):
        with path.open("rb") as file:
            if not file.read(SIGNATURE_AT + len(SIGNATURE)).endswith(SIGNATURE):
                return None
        with closing(LmdbTree(path)) as tree:
            is_ours = None not in (tree.get(COUNT_KEY), tree.get(LMDB_DESCRIPTION_KEY))
    return names - _OURS if is_ours else None
