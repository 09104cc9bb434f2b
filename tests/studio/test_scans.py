"""Scans beside what is drawn."""

import numpy as np
import pytest
from PIL import Image
from serving import unpack

from number_generator import GenericDataset
from number_generator.errors import NumberGeneratorError
from number_generator.studio.scans import Scans


def test_lines_of_a_dataset_are_shown_at_the_height_of_the_page_in_their_own_tones(tmp_path):
    GenericDataset([np.full((40, 80 + 20 * k), 100 + k, np.uint8) for k in range(5)], list("01234")).save(
        tmp_path / "lines.npz"
    )
    scans = Scans(str(tmp_path / "lines.npz"))

    about, pages = unpack(scans.draw(3, 3, 20, None))

    assert pages.shape == (3, 20, 80)
    assert (about["labels"], about["widths"], about["first"]) == (["3", "4", "0"], [70, 80, 40], 3)
    assert [int(page[10, 5]) for page in pages] == [103, 104, 100]
    about, pages = unpack(scans.draw(8, 99, 28, 100))
    assert pages.shape == (5, 28, 100)
    assert (about["labels"], about["first"]) == (["3", "4", "0", "1", "2"], 3)


def test_a_folder_of_pictures_needs_no_labels(tmp_path):
    for name in ("b.png", "a.jpg", "note.md"):
        if name.endswith("md"):
            (tmp_path / name).write_text("no picture")
        else:
            Image.new("RGB", (60, 30), "white").save(tmp_path / name)

    about, pages = unpack(Scans(str(tmp_path)).draw(0, 24, 28, 128))

    assert about["labels"] == ["a.jpg", "b.png"]
    assert (pages == 255).all()


def test_pictures_in_folders_below_are_shown_as_match_reads_them(tmp_path):
    (tmp_path / "below").mkdir()
    Image.new("L", (60, 30), 255).save(tmp_path / "below" / "c.png")

    about, _ = unpack(Scans(str(tmp_path)).draw(0, 24, 28, 128))

    assert about["labels"] == ["c.png"]


def test_a_picture_that_cannot_be_read_is_left_out_and_told(tmp_path):
    Image.new("L", (60, 30), 100).save(tmp_path / "b.png")
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    (tmp_path / "c.png").write_bytes(b"")

    about, pages = unpack(Scans(str(tmp_path)).draw(0, 24, 28, 128))

    assert (about["labels"], len(pages)) == (["b.png"], 1)
    assert [text.partition(": ")[0] for text in about["unread"]] == [
        str(tmp_path / name) for name in ("a.png", "c.png")
    ]
    about, pages = unpack(Scans(str(tmp_path)).draw(2, 1, 28, None))
    assert (about["labels"], len(pages), len(about["unread"]), about["first"]) == ([], 0, 1, 2)


def test_what_holds_no_lines_is_told(tmp_path):
    (tmp_path / "text.txt").write_text("no dataset")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "text.txt", tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(NumberGeneratorError, match=path.name) as caught:
            Scans(str(path))
        assert ("nor does the folder hold pictures" in str(caught.value)) == (path.name == "empty")
