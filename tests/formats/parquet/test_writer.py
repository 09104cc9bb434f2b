"""Datasets as Parquet files."""

import pytest
from written import header_of, make_content, names_in, write

from number_generator.formats.parquet.writer import ParquetWriter

parquet = pytest.importorskip("pyarrow.parquet")


@pytest.mark.parametrize(
    ("count", "rows"), [(0, [0]), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5]), (30, [10, 10, 10])]
)
def test_images_are_spread_evenly_over_parquet_files(tmp_path, count, rows):
    images, labels, _ = make_content(count)

    with ParquetWriter(tmp_path / "set", header_of(count), overwrite=False, part="a-b", shard_images=10) as writer:
        write(writer, images, labels, length=1)

    names = [f"a_b-{number:05d}-of-{len(rows):05d}.parquet" for number in range(len(rows))]
    assert names_in(tmp_path / "set") == ["data"]
    assert names_in(tmp_path / "set" / "data") == names
    assert [parquet.read_metadata(tmp_path / "set" / "data" / name).num_rows for name in names] == rows


def test_parquet_files_hold_groups_of_rows_of_bounded_size(tmp_path):
    images, labels, _ = make_content(23, 200, 5000)

    with ParquetWriter(tmp_path / "set", header_of(23, 200, 5000), overwrite=False) as writer:
        assert writer.span_multiple == 8
        write(writer, images, labels, length=2)

    metadata = parquet.read_metadata(tmp_path / "set" / "data" / "train-00000-of-00001.parquet")
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [8, 8, 7]
