"""Parquet files, as Hugging Face reads them."""

from collections.abc import Set as AbstractSet
from pathlib import Path

from number_generator.formats.file_format import FileFormat, Lazy

DATA = "data"
"""The folder of a dataset that holds its files."""
CARD = "README.md"
"""Hugging Face's description of a dataset, beside that folder."""

_ENDING = ".parquet"


def _matches_names(folder: Path, names: AbstractSet[str]) -> bool:
    data = folder / DATA
    if any(name.endswith(_ENDING) for name in names):
        return True
    return data.is_dir() and any(entry.name.endswith(_ENDING) for entry in data.iterdir())


FORMAT = FileFormat(
    name="parquet",
    title="Parquet",
    summary="parquet files for Hugging Face datasets",
    file_phrase="a Parquet file",
    folder_phrase="Parquet files",
    is_folder=True,
    takes_part=True,
    shard_images=100_000,
    package="pyarrow",
    signatures=((0, b"PAR1"),),
    matches_names=_matches_names,
    list_source_files=Lazy("number_generator.formats.parquet.reader:data_files"),
    find_strangers=Lazy("number_generator.formats.parquet.writer:find_strangers"),
    open_reader=Lazy("number_generator.formats.parquet.reader:ParquetReader"),
    open_writer=Lazy("number_generator.formats.parquet.writer:ParquetWriter"),
)
