"""The warning that digits come out too small to read."""

import logging

import pytest

from number_generator import generate_batch, generate_chunk
from number_generator.rendering import legibility
from number_generator.training.batches import stream


@pytest.fixture(autouse=True)
def _first_time(monkeypatch):
    monkeypatch.setattr(legibility, "_judged", {})


def texts_of(caplog):
    found = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    caplog.clear()
    return found


def test_small_print_is_told_once_with_its_size_and_the_way_out(caplog):
    lines = ["0123456789"] * 300
    for style, gaps in (("clean", (100, 200)), ("natural", (100, 200)), ("document", (100, 200))):
        generate_batch(lines, gaps, 100, style=style, seed=1)
        (text,) = texts_of(caplog)
        assert "px high, where about 7 px are needed" in text
        assert "the median of the first 256 images): give wider images" in text
        generate_chunk(lines, gaps, 100, style=style, seed=2)
        assert texts_of(caplog) == []

    stream(spacing_range=(100, 200), count=2**40, seed=1).close()
    assert len(texts_of(caplog)) == 1


def test_narrow_characters_are_told_even_if_they_are_high(caplog):
    generate_batch(["0123456789" * 3] * 20, (0, 2), 100, fit="stretch", seed=1)

    (text,) = texts_of(caplog)
    assert "3.3 px a character wide, where about 5 px are needed" in text
    assert "px high" not in text


def test_one_image_is_told_without_a_median(caplog):
    generate_batch(["0123456789" * 2], (5, 10), 10, seed=1)

    (text,) = texts_of(caplog)
    assert "px are needed to read them: give wider images" in text


def test_what_can_be_read_is_not_told(caplog):
    for style, gaps in (("clean", (5, 10)), ("natural", None), ("document", None)):
        generate_batch(["0123456789"] * 20, gaps, 100, style=style, seed=1)
        generate_batch([], gaps, 100, style=style, seed=1)
        generate_batch(["", " "], gaps, 100, style=style, seed=1)
        generate_batch(["0123456789"] * 20, (100, 200), "auto", style=style, seed=1)
        stream(style=style, spacing_range=gaps, seed=1).close()
    generate_batch(["1", "11"], (5, 10), 100, seed=1)  # narrow at any size
    # Half of the lines, and fewer, may be small.
    generate_batch(["0123456789" * 9, "12", "34"] * 9, (5, 10), 100, seed=1)
    assert texts_of(caplog) == []
