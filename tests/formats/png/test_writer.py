"""Datasets as folders of PNG images and label files."""

import numpy as np
import pytest
from written import header_of, names_in, pixels, read, write_dataset

from number_generator.errors import DatasetError
from number_generator.formats import schema
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk
from number_generator.job.spec import Span


def test_more_images_than_a_folder_holds_get_more_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "IMAGES_A_FOLDER", 3)

    images, labels, _ = write_dataset(tmp_path / "set", "png", 8, length=2, labels=("csv", "jsonl"))

    assert {name: len(names_in(tmp_path / "set" / "images" / name)) for name in names_in(tmp_path / "set/images")} == {
        "0000": 3,  # numbers 1 and 2, and labels.csv
        "0001": 4,
        "0002": 4,
    }
    lines = (tmp_path / "set/images/0001/labels.csv").read_text().splitlines()
    assert lines == ["filename,words", *(f"{k:09d}.png,{labels[k - 1]}" for k in (3, 4, 5))]
    assert np.array_equal([pixels(image) for image in read(tmp_path / "set", "png").images], images)


@pytest.mark.parametrize("label", [b"1\t2", b"1\n", b"\r1"])
def test_a_label_that_breaks_the_lines_of_label_files_is_refused(tmp_path, label):
    images = np.zeros((1, 6, 9), np.uint8)

    with (
        pytest.raises(DatasetError, match=r"a label holds a tab or a line break, which separate labels in gt\.txt"),
        open_writer("png", tmp_path / "set", header_of(1), overwrite=False) as writer,
    ):
        writer.encode(Chunk(Span(0, 1), images, np.array([label])))

    assert names_in(tmp_path) == []
