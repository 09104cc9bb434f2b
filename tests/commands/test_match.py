"""`number-generator match`: what it writes, and what it refuses."""

import re

import numpy as np
import pytest
from PIL import Image
from running import run

from number_generator import Handwriting, generate_batch
from number_generator.commands.main import main
from number_generator.matching import match

pytest.importorskip("cmaes")


@pytest.fixture
def scans(folder, monkeypatch):
    """A folder of seven scans, one of them light on dark, and one that is none; and a search of few images."""
    monkeypatch.setattr(match, "IMAGES", 24)
    monkeypatch.setattr(match, "_JUDGED", 40)
    (folder / "scans").mkdir()
    pages = generate_batch([str(number) * 3 for number in range(1, 8)], None, 100, style="document", seed=2)
    for number, page in enumerate(pages):
        Image.fromarray(255 - page if number == 3 else page).save(folder / "scans" / f"{number}.png")
    (folder / "scans" / "broken.png").write_bytes(b"nothing")
    return folder / "scans"


def match_scans(*arguments):
    return run(main, "match", "scans", "-o", "new/mine.toml", "--workers=1", "--quiet", *arguments)


def test_the_command_writes_a_style_a_report_and_paper(scans, folder, capsys):
    assert match_scans("--keep-paper=paper", "--evaluations=2") == 0

    said = capsys.readouterr().out
    assert 'written to "new/mine.toml"' in said
    assert "7 scans tell little" in said
    assert "1 pictures could not be read, such as" in said
    style, text = Handwriting.from_file("new/mine.toml"), (folder / "new" / "mine.toml").read_text()
    assert style == Handwriting.named("document")  # so few evaluations find nothing
    assert re.search(r"Distance from the scans:\s+(# )?[\d.]+", text)
    page = (folder / "new" / "mine.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and page.count("<svg") == 29 and "<script" not in page
    papered = style.replace(paper_images="paper")
    assert generate_batch(["12"], None, 60, style=papered, seed=1).shape == (1, 28, 60)

    assert match_scans("--evaluations=2", "--overwrite", "--minutes=0.00001") == 0
    assert "The time was up after" in capsys.readouterr().out
    (folder / "paper" / "mine.txt").write_text("mine")
    assert match_scans("--evaluations=1", "--overwrite", "--keep-paper=paper") == 1
    assert "holds 'mine.txt'" in capsys.readouterr().err


@pytest.mark.slow
def test_the_seed_and_the_evaluations_decide_the_style(scans, folder, capsys):
    assert match_scans("--evaluations=80") == 0
    written = (folder / "new" / "mine.toml").read_bytes()

    assert match_scans("--evaluations=80", "--overwrite") == 0

    assert (folder / "new" / "mine.toml").read_bytes() == written
    assert Handwriting.from_file("new/mine.toml") != Handwriting.named("document")


def test_mistakes_are_told_before_anything_is_drawn(scans, folder, capsys):
    (folder / "there.toml").write_text("")
    (folder / "few").mkdir()
    Image.fromarray(np.full((28, 60), 255, np.uint8)).save(folder / "few" / "a.png")
    for arguments, status, text in (
        (("scans", "-o", "mine.txt"), 2, "--output is 'mine.txt': give a file name that ends in .toml"),
        (("scans", "-o", "mine.toml", "--report=mine.pdf"), 2, "--report is 'mine.pdf'"),
        (("scans", "-o", "there.toml"), 1, "there.toml exists"),
        (("scans", "-o", "mine.toml", "--evaluations=0"), 2, "--evaluations is 0"),
        (("scans", "-o", "mine.toml", "--minutes=-1"), 2, "--minutes is -1"),
        (("scans", "-o", "mine.toml", "--style=clean"), 2, "crop is cell"),
        (("scans", "-o", "mine.toml", "--style=documnet"), 2, "did you mean 'document'"),
        (("nowhere", "-o", "mine.toml"), 2, "there is no such file"),
        (("few", "-o", "mine.toml"), 2, "0 of them show ink: give at least 5"),
    ):
        assert run(main, "match", *arguments, "--quiet") == status, arguments
        assert text in capsys.readouterr().err, arguments
    assert not (folder / "mine.toml").exists()
