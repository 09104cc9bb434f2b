"""Line images without labels, from wherever they come."""

import numpy as np
import pytest
from PIL import Image

from number_generator import GenericDataset
from number_generator.errors import DatasetError, DatasetNotFoundError, DatasetReadError, SpecError
from number_generator.scans import unlabelled
from number_generator.scans.unlabelled import iterate_scans, read_scans, spread


def scan(height=40, width=90, *, light=False):
    page = np.full((height, width), 210, np.uint8)
    page[10:30, 20:24] = page[10:30, 50:54] = 60
    return 255 - page if light else page


def test_a_folder_of_pictures_needs_no_labels(tmp_path):
    (tmp_path / "below").mkdir()
    Image.fromarray(scan()).save(tmp_path / "b.jpg", quality=95)
    Image.fromarray(scan(56, 70, light=True)).save(tmp_path / "below" / "a.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not a picture")

    found = read_scans(tmp_path)

    assert [page.shape for page in found.pages] == [(28, 63), (28, 35)]
    assert (found.found, found.turned, sorted(found.heights)) == (3, 1, [40, 56])
    assert len(found.unreadable) == 1 and "bad.png" in found.unreadable[0]
    assert all(np.median(page) > 200 for page in found.pages)
    assert [page.shape for page in iterate_scans(tmp_path, 9)] == [(40, 90), (56, 70)]


def test_datasets_and_images_are_read_too(tmp_path, monkeypatch):
    images = [scan(), scan(30, 200), scan(28, 50)]
    GenericDataset(images, ["1", "2", "3"]).save(tmp_path / "lines.h5")

    assert [page.shape for page in read_scans(tmp_path / "lines.h5").pages] == [(28, 63), (28, 187), (28, 50)]
    assert len(read_scans(images)) == len(read_scans(GenericDataset(images, ["1", "2", "3"]))) == 3
    monkeypatch.setattr(unlabelled, "MOST_SCANS", 2)
    assert len(read_scans(tmp_path / "lines.h5")) == 2
    assert len(list(iterate_scans(images, 2))) == 2
    assert spread(10, 3) == [0, 3, 6]


def test_what_is_no_scan_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").write_bytes(b"no picture")
    for source, error, text in (
        (tmp_path / "nowhere", DatasetNotFoundError, "there is no such file"),
        (tmp_path / "empty", DatasetReadError, "holds no dataset"),
        (tmp_path / "bad", DatasetError, "none of its 1 pictures can be read"),
        ([], SpecError, "holds no image"),
        (5, SpecError, "give a path, or images"),
        (["x.png"], DatasetReadError, "cannot be read"),
    ):
        with pytest.raises(error, match=text):
            read_scans(source)
