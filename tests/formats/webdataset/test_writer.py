"""Datasets as WebDataset's shards."""

import pytest
from written import header_of, make_content, names_in, read_webdataset, write

from number_generator.formats.webdataset.writer import WebDatasetWriter


@pytest.mark.parametrize(("count", "shards"), [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (7, 3)])
@pytest.mark.parametrize("length", [1, 2, 5, None])
def test_more_images_than_a_shard_holds_get_more_shards(tmp_path, count, shards, length):
    images, labels, _ = make_content(count)

    with WebDatasetWriter(tmp_path / "set", header_of(count), overwrite=False, part="val", shard_images=3) as writer:
        write(writer, images, labels, length=length)

    assert names_in(tmp_path / "set") == ["dataset.json", *(f"val-{number:06d}.tar" for number in range(shards))]
    assert read_webdataset(tmp_path / "set").labels == [label.decode() for label in labels.tolist()]
    for path in (tmp_path / "set").glob("*.tar"):
        assert path.stat().st_size % 10_240 == 0
