"""LMDB, as PARSeq and PaddleOCR read it."""

from pathlib import Path

from number_generator.formats.file_format import FileFormat, Lazy
from number_generator.formats.lmdb.btree import SIGNATURE, SIGNATURE_AT

DATA_FILE = "data.mdb"


def _list_source_files(path: Path) -> list[Path]:
    return [path / DATA_FILE if path.is_dir() else path]


FORMAT = FileFormat(
    name="lmdb",
    title="LMDB",
    summary="lmdb as PARSeq and PaddleOCR read it",
    folder_phrase="an LMDB",
    is_folder=True,
    endings=(".lmdb",),
    package="lmdb",
    signatures=((SIGNATURE_AT, SIGNATURE),),
    folder_files=(DATA_FILE,),
    list_source_files=_list_source_files,
    find_strangers=Lazy("number_generator.formats.lmdb.writer:find_strangers"),
    open_reader=Lazy("number_generator.formats.lmdb.reader:LmdbReader"),
    open_writer=Lazy("number_generator.formats.lmdb.writer:LmdbWriter"),
)
