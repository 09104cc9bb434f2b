"""Labelled lines of users: loaded, fitted to a page, and divided so that nothing is on both sides."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from number_generator import GenericDataset, fit_line
from number_generator._kernels.real_lines import FRAME
from number_generator.errors import SpecError
from number_generator.scans import real_lines
from number_generator.scans.real_lines import hold_out, load_lines


def draw_lines(count=12, seed=0):
    """Return images of several sizes with a few bars, and their labels."""
    random = np.random.default_rng(seed)
    images, labels = [], []
    for _ in range(count):
        height, width = random.integers(20, 90), random.integers(30, 400)
        image = np.full((height, width), 210, np.uint8)
        for x in random.integers(2, width - 6, 4):
            image[height // 5 : -height // 5, x : x + 4] = 40
        images.append(image)
        labels.append("".join(map(str, random.integers(0, 10, random.integers(1, 7)))))
    return images, labels


@pytest.fixture
def folder(tmp_path):
    """A folder of images of several sizes with gt.txt."""
    images, labels = draw_lines()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    rows = [f"{number}.png\t{label}\n" for number, label in enumerate(labels)]
    (tmp_path / "gt.txt").write_text("".join(rows), encoding="utf-8")
    return tmp_path


def cut(lines, number):
    """Return the ink of a line without its frame."""
    height, width = lines.sizes[number]
    start = lines.starts[number]
    framed = lines.texels[start : start + height * width].reshape(height, width)
    assert not framed[:FRAME].any()
    assert not framed[:, -FRAME:].any()
    return framed[FRAME:-FRAME, FRAME:-FRAME]


def test_lines_are_kept_as_fit_line_fits_them_from_a_folder_or_from_memory(folder):
    images, labels = draw_lines()
    lines = load_lines(folder, 28, 128)
    assert lines.labels == tuple(labels)
    for number, image in enumerate(images):
        page, ink = fit_line(image, 56, 256), cut(lines, number)
        left = (256 - ink.shape[1]) // 2
        assert np.array_equal(page[:, left : left + ink.shape[1]], 255 - ink)
        box = lines.inks[number].astype(int) - FRAME
        assert (ink[box[1] : box[3], box[0] : box[2]] >= 64).sum() == (ink >= 64).sum()
    same = load_lines(GenericDataset(images, labels), 28, 128)
    assert same == lines
    assert np.array_equal(same.texels, lines.texels)
    assert load_lines(GenericDataset(images[1:], labels[1:]), 28, 128) != lines


def test_many_lines_lie_in_a_file_without_a_name(folder, monkeypatch):
    plain = load_lines(folder, 28, 128)
    monkeypatch.setattr(real_lines, "MOST_BYTES", 1000)
    lines = load_lines(folder, 28, 128)
    assert lines.density == 1
    assert isinstance(lines.texels, np.memmap)
    assert lines == plain
    assert cut(lines, 3).shape[0] == 28


def test_some_of_the_lines_are_the_same_lines(folder):
    lines = load_lines(folder, 28, 128)
    some = lines.take([3, 0])
    assert some.labels == (lines.labels[3], lines.labels[0])
    assert np.array_equal(cut(some, 0), cut(lines, 3))


def test_a_label_that_numbers_cannot_hold_is_told_with_its_line():
    images, labels = draw_lines(3)
    labels[2] = "1a"
    with pytest.raises(SpecError, match="the label of line 2 is '1a', which holds 'a'"):
        load_lines(GenericDataset(images, labels), 28, 128)
    with pytest.raises(SpecError, match="holds no line"):
        load_lines(GenericDataset(), 28, 128)
    with pytest.raises(SpecError, match="real is 5"):
        load_lines(5, 28, 128)


def test_copies_and_lines_of_a_writer_stay_on_one_side():
    images, labels = draw_lines(40)
    images[7], images[8] = images[3], images[3]
    lines = load_lines(GenericDataset(images, labels), 28, 128)
    kept, held = hold_out(lines, 0.2)
    assert sorted(kept + held) == list(range(40))
    assert 8 <= len(held) <= 10
    assert hold_out(lines, 0.2) == (kept, held)
    writers = np.arange(40) // 5
    writers[36:] = -1
    for share in np.linspace(0, 1, 21):
        assert len({3, 7, 8} & set(hold_out(lines, share)[1])) in (0, 3)
        _, held = hold_out(dataclasses.replace(lines, writers=writers), share)
        for writer in range(8):
            together = np.flatnonzero(writers == writer)
            assert len(set(together.tolist()) & set(held)) in (0, len(together))
    assert hold_out(lines, 0.0)[1] == []
