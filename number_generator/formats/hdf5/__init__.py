"""HDF5 files in chunks, and the index that joins shards."""

from pathlib import Path

from number_generator.formats.file_format import FileFormat, Lazy

_is_index = Lazy("number_generator.formats.hdf5.index_reader:is_index")
_shard_paths = Lazy("number_generator.formats.hdf5.index_reader:shard_paths")


def _list_source_files(path: Path) -> list[Path]:
    return [path, *_shard_paths(path)] if _is_index(path) else [path]


FORMAT = FileFormat(
    name="hdf5",
    title="HDF5",
    summary="hdf5 in chunks for large datasets",
    file_phrase="an HDF5 file",
    endings=(".h5", ".hdf5"),
    compressions=("gzip", "none"),
    # What another program keeps for itself before it, a "user block", takes a power of two of at least 512 bytes.
    signatures=tuple((at, b"\x89HDF\r\n\x1a\n") for at in (0, *(512 << power for power in range(7)))),
    list_source_files=_list_source_files,
    open_reader=Lazy("number_generator.formats.hdf5.sharded:open_hdf5"),
    load_arrays=Lazy("number_generator.formats.hdf5.sharded:load"),
    open_writer=Lazy("number_generator.formats.hdf5.writer:Hdf5Writer"),
)
