"""Contact sheets of `--preview`."""

import re

import numpy as np
import pytest
from PIL import Image
from running import BOTH, PHONE, SEQUENCE, load, read_usage_error, run, run_phone
from written import names_in

from number_generator import PhoneNumbers, generate_batch, generate_chunk
from number_generator.rendering.sheet import contact_sheet

pytestmark = pytest.mark.usefixtures("folder")


@pytest.mark.parametrize("style", ["clean", "natural", "document"])
@BOTH
def test_a_preview_draws_the_sheet_and_makes_nothing_else(folder, capsys, command, needed, style):
    status = run(command, *needed, f"--style={style}", "--preview=deep/sheet.png", "--seed=5")

    said = capsys.readouterr()
    assert status == 0
    assert said.err == ""
    assert 'Contact sheet of 60 images drawn at "deep/sheet.png" (seed 5); no dataset was made' in said.out
    assert [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()] == ["deep/sheet.png"]
    with Image.open("deep/sheet.png") as sheet:
        assert (sheet.mode, sheet.format) == ("L", "PNG")
        assert min(sheet.size) > 300


def test_a_preview_shows_the_images_that_would_be_made(folder):
    shown = []

    for name in ("a", "b"):
        run(PHONE, "--num-images=3", "--style=natural", f"--preview={name}.png", "--seed=5")
        shown.append((folder / f"{name}.png").read_bytes())

    run(PHONE, "--num-images=3", "--style=natural", "--seed=5")
    images, labels, _ = load("phonenumbers-handwritten-dataset-3.pickle")
    assert shown[0] == shown[1]
    with Image.open("a.png") as sheet:
        assert np.array_equal(np.asarray(sheet), contact_sheet(images, list(labels)))


def test_a_preview_needs_no_file_name_for_the_sequence(folder):
    for sequence in ("1/2", "7" * 300):
        assert run(SEQUENCE, f"--sequence={sequence}", "--style=natural", "--preview=sheet.png") == 0

    assert names_in(folder) == ["sheet.png"]


@BOTH
def test_a_preview_that_is_no_png_is_refused(folder, capsys, command, needed):
    assert "--preview" in read_usage_error(folder, capsys, command, [*needed, "--preview=sheet.jpg"])


def test_a_sheet_shows_boxes_where_they_are_asked_for(folder):
    options = ["--num-images=12", "--dashes", "--seed=4"]

    assert run_phone(*options, "--preview=boxes.png", "--truth=boxes,glyphs") == 0
    assert run_phone(*options, "--preview=plain.png", "--truth=glyphs") == 0

    chunk = generate_chunk(PhoneNumbers(dashes=True), (5, 10), 100, count=12, seed=4, truth="boxes")
    labels = chunk.labels.tolist()
    with Image.open("boxes.png") as image:
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), contact_sheet(chunk.images, labels, boxes=chunk.truth["boxes"]))
    with Image.open("plain.png") as image:
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), contact_sheet(chunk.images, labels))
    assert names_in(folder) == ["boxes.png", "plain.png"]


def test_a_sheet_shows_own_numbers_no_more_than_there_are(folder):
    (folder / "own.txt").write_text("12\n3-4\n")

    status = run_phone("--sequences=own.txt", "--preview=sheet.png", "--seed=4", "--label=digits")

    images = generate_batch(["12", "3-4"], (5, 10), 100, seed=4)
    with Image.open("sheet.png") as image:
        assert np.array_equal(np.asarray(image), contact_sheet(images, ["12", "34"]))
    assert status == 0


@pytest.mark.parametrize("arguments", [["--truth=masks"], ["--truth=box"], ["--split=a"], ["--split=a=0.5,b=0.6"]])
def test_a_mistake_is_told_before_a_sheet_is_drawn(folder, capsys, arguments):
    assert re.search(
        arguments[0].partition("=")[0], read_usage_error(folder, capsys, PHONE, ["--preview=sheet.png", *arguments])
    )
