"""Images that differ in size, and images in colour, through each format of arrays and back."""

import contextlib
import json
import pickle
from dataclasses import replace
from typing import NamedTuple

import h5py
import numpy as np
import pytest
from written import FIELDS, METADATA, arrays_in, make_content

from number_generator import convert
from number_generator.digits.dataset import DigitImageDataset
from number_generator.errors import DatasetError
from number_generator.formats.joining import index_shards
from number_generator.formats.journal.file import Journal
from number_generator.formats.journal.writer import JournaledWriter
from number_generator.formats.reader import load_arrays, open_reader
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span

HEIGHT, WIDTH = 16, 28
STORAGES = [("pickle", "none"), ("hdf5", "gzip"), ("hdf5", "none"), ("npz", "none")]


class Content(NamedTuple):
    """A dataset: its header, each image at its own size, labels and truth."""

    header: DatasetHeader
    images: list
    labels: np.ndarray
    truth: dict

    @property
    def sizes(self):
        return np.array([image.shape[:2] for image in self.images], np.int32).reshape(-1, 2)

    @property
    def padded(self):
        whole = np.full(self.header.array_shape, 255, np.uint8)
        for row, image in zip(whole, self.images, strict=True):
            row[: image.shape[0], : image.shape[1]] = image
        return whole

    def chunk(self, start, stop):
        """Return a span of the dataset as workers make it: as large as its own largest image."""
        sizes = self.sizes[start:stop]
        height, width = sizes.max(axis=0)
        truth = {name: values[start:stop] for name, values in self.truth.items()}
        labels, padded = self.labels[start:stop], self.padded[start:stop, :height, :width]
        return Chunk(
            Span(start, stop),
            np.ascontiguousarray(padded),
            labels,
            truth,
            np.ascontiguousarray(sizes) if self.header.is_ragged else None,
        )


def make(count, *, widths=False, heights=False, channels=1, fields=FIELDS[:1], metadata=METADATA, seed=0):
    rng = np.random.default_rng(seed)
    _, labels, truth = make_content(count)
    is_ragged = widths or heights
    header = DatasetHeader((count, HEIGHT, WIDTH), 4, metadata, fields, is_ragged, channels)
    colours = () if channels == 1 else (channels,)
    images = [
        rng.integers(
            0,
            256,
            (rng.integers(5, HEIGHT + 1) if heights else HEIGHT, rng.integers(1, WIDTH) if widths else WIDTH, *colours),
            np.uint8,
        )
        for _ in range(count)
    ]
    return Content(header, images, labels, {field.name: truth[field.name] for field in fields})


def write(content, writer, start=0):
    """Write a dataset into an open writer, in the spans that it asks for, and commit it."""
    for span in Span(start, len(content.images)).split(length_of(writer)):
        writer.write(writer.encode(content.chunk(span.start, span.stop)))
    writer.commit()


def length_of(writer):
    """Return the length of spans that a writer takes, of which there shall be several."""
    return max(150, writer.span_multiple)


def check(reader, content):
    """Compare all that a reader gives with what was written."""
    header, count = content.header, len(content.images)
    assert (reader.shape, reader.is_ragged, reader.channels) == (header.shape, header.is_ragged, header.channels)
    assert reader.array_shape == header.array_shape
    for start, stop, step in ((0, count, 1), (count // 3, count - 1, 7), (3, 3, 1)):
        np.testing.assert_array_equal(reader.images(start, stop, step), content.padded[start:stop:step])
        sizes = reader.sizes(start, stop, step)
        assert sizes.dtype == np.int32
        np.testing.assert_array_equal(sizes, content.sizes[start:stop:step])
        assert reader.labels(start, stop, step) == [label.decode() for label in content.labels[start:stop:step]]
    for number in (0, count // 2, count - 1):
        np.testing.assert_array_equal(reader.image(number), content.images[number])
    for name, values in content.truth.items():
        np.testing.assert_array_equal(reader.truth(name, 0, count), values)


def read_with_its_library(path, file_format):
    """Return what the library of a format finds in a file: arrays by name."""
    if file_format == "pickle":
        with path.open("rb") as file:
            found = pickle.load(file)
        return found | found.pop("truth", {})
    if file_format == "npz":
        with np.load(path) as file:
            return dict(file)
    with h5py.File(path) as file:
        return {name: file[name][()] for name in arrays_in(file)}


LAYOUTS = {
    "widths": {"widths": True},
    "sizes": {"widths": True, "heights": True},
    "heights": {"heights": True},
    "colour": {"channels": 3},
    "widths in colour": {"widths": True, "channels": 3},
}


@pytest.mark.parametrize(("file_format", "compression"), STORAGES, ids=map("-".join, STORAGES))
def test_images_of_any_size_and_colour_come_back(tmp_path, file_format, compression):
    for name, layout in LAYOUTS.items():
        content, path = make(500, **layout), tmp_path / f"{name}.{file_format}"
        with open_writer(file_format, path, content.header, overwrite=False, compression=compression) as writer:
            write(content, writer)

        found = read_with_its_library(path, file_format)
        np.testing.assert_array_equal(found["images"], content.padded)
        np.testing.assert_array_equal(found["boxes"], content.truth["boxes"])
        expected = {"widths": content.sizes[:, 1]} if content.header.is_ragged else {}
        expected |= {"heights": content.sizes[:, 0]} if "heights" in layout else {}
        assert expected.keys() == found.keys() & {"widths", "heights"}, name
        for array in expected:
            assert found[array].dtype == np.int32
            np.testing.assert_array_equal(found[array], expected[array])
        for mapped in (False, True):
            with open_reader(path, mapped=mapped) as reader:
                check(reader, content)
        raw = load_arrays(path)
        np.testing.assert_array_equal(raw.images, content.padded)
        assert (raw.sizes is not None) == content.header.is_ragged


def test_images_that_arrays_pad_are_divided_by_what_they_take_there(tmp_path):
    content = make(50, widths=True)
    with open_writer("npz", tmp_path / "set.npz", content.header, overwrite=False) as writer:
        write(content, writer)
    convert(tmp_path / "set.npz", tmp_path / "set", file_format="webdataset")
    page = HEIGHT * WIDTH
    for name, padded, are_ten in (("set.npz", False, True), ("set", True, True), ("set", False, False)):
        with open_reader(tmp_path / name) as reader:
            lengths = [len(run) for run in reader.split(0, 50, 10 * page, padded=padded)]
        assert (lengths == [10] * 5) == are_ten, name


def test_a_dataset_that_may_be_ragged_and_has_no_images_keeps_its_sizes(tmp_path):
    for file_format, compression in STORAGES:
        content, path = make(0, widths=True, channels=3), tmp_path / f"{compression}.{file_format}"
        with open_writer(file_format, path, content.header, overwrite=False, compression=compression) as writer:
            writer.commit()
        with open_reader(path) as reader:
            assert (reader.shape, reader.is_ragged, reader.channels) == ((0, HEIGHT, WIDTH), True, 3)
            assert reader.sizes(0, 0).shape == (0, 2)


@pytest.mark.parametrize(("file_format", "compression"), STORAGES, ids=map("-".join, STORAGES))
def test_a_journal_gives_the_same_file(tmp_path, file_format, compression):
    content = make(1000, **LAYOUTS["sizes"], channels=3)

    def open_one(name):
        return open_writer(file_format, tmp_path / name, content.header, overwrite=False, compression=compression)

    with open_one("whole") as writer:
        write(content, writer)
    with contextlib.closing(Journal(tmp_path / "set.journal")) as journal:
        journal.begin({})
        with JournaledWriter(open_one("set"), journal) as writer:
            length = length_of(writer)
            writer.write(writer.encode(content.chunk(0, length)))
    with (
        contextlib.closing(Journal(tmp_path / "set.journal")) as journal,
        JournaledWriter(open_one("set"), journal) as writer,
    ):
        assert writer.replay(0, lambda _: None) == length
        write(content, writer, length)

    assert (tmp_path / "set").read_bytes() == (tmp_path / "whole").read_bytes()


def test_shards_are_joined_with_their_widths(tmp_path):
    whole = make(90, widths=True, channels=3)
    paths = []
    for number, (start, stop) in enumerate([(0, 40), (40, 90)]):
        job = json.dumps({"start": start, "num_images": stop - start})
        metadata = {"shard": f"{number}/2", "job": job}
        header = replace(whole.header, shape=(stop - start, HEIGHT, WIDTH), metadata=metadata)
        paths.append(tmp_path / f"set-{number:05d}-of-00002.h5")
        truth = {name: values[start:stop] for name, values in whole.truth.items()}
        part = Content(header, whole.images[start:stop], whole.labels[start:stop], truth)
        with open_writer("hdf5", paths[-1], header, overwrite=False) as writer:
            write(part, writer)
    index_shards(paths, tmp_path / "set.h5")
    with open_reader(tmp_path / "set.h5") as reader:
        check(reader, whole)
    np.testing.assert_array_equal(load_arrays(tmp_path / "set.h5").sizes, whole.sizes)
    with h5py.File(tmp_path / "set.h5") as file:
        np.testing.assert_array_equal(file["widths"], whole.sizes[:, 1])

    with h5py.File(paths[1], "r+") as file:
        del file["widths"]
    with pytest.raises(DatasetError, match="different jobs: the shapes of the arrays differ"):
        index_shards(paths, tmp_path / "other.h5")
    with open_reader(tmp_path / "set.h5") as reader, pytest.raises(DatasetError, match="those of the other shards"):
        reader.image(60)


def save(path, **arrays):
    """Write arrays as another program may."""
    if path.suffix == ".pickle":
        path.write_bytes(pickle.dumps(arrays))
    elif path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            file.update({name: np.asarray(value, "S") if name == "labels" else value for name, value in arrays.items()})
    return path


def test_files_of_other_programs_hold_sizes_and_colour(tmp_path):
    labels, grey = ["1", "22"], np.arange(48, dtype=np.uint8).reshape(2, 4, 6)
    for ending in (".pickle", ".npz", ".h5"):
        path = tmp_path / f"set{ending}"
        with open_reader(save(path, images=grey[..., None], labels=labels)) as reader:
            assert (reader.shape, reader.channels, reader.is_ragged) == ((2, 4, 6), 1, False)
            np.testing.assert_array_equal(reader.images(0, 2), grey)
        colour = np.stack([grey] * 3, axis=-1)
        path = save(path, images=colour, labels=labels, heights=np.array([2, 4], ">u2"))
        for mapped in (False, True):
            with open_reader(path, mapped=mapped) as reader:
                assert (reader.shape, reader.channels, reader.is_ragged) == ((2, 4, 6), 3, True)
                assert reader.sizes(0, 2).tolist() == [[2, 6], [4, 6]]
                np.testing.assert_array_equal(reader.image(0), colour[0, :2])
        for wrong, words in (
            ({"widths": np.array([6, 7])}, "`widths` has 7 for image 1: it holds .* from 1 to 6; if it means"),
            ({"heights": np.array([0, 4])}, "`heights` has 0 for image 0: .* from 1 to 4;"),
            ({"widths": np.array([1.0, 2.0])}, r"`widths` is an array of float64 with shape \(2,\), not of an integer"),
            ({"widths": np.array([1, 2, 3])}, r"with shape \(3,\), not of an integer for each of 2 images"),
            ({"images": np.zeros((2, 4, 6, 4), np.uint8)}, r"shape \(n, height, width\) or \(n, height, width, 3\)"),
        ):
            save(path, **{"images": grey, "labels": labels, **wrong})
            with pytest.raises(DatasetError, match=words), open_reader(path) as reader:
                reader.sizes(1, 2) if "7 for" in words else reader.sizes(0, 2)


def test_a_pickled_list_of_images_of_several_sizes_is_padded(tmp_path):
    images = [np.full((3, 5), 7, np.uint8), np.full((4, 2), 9, np.uint8)]
    raw = load_arrays(save(tmp_path / "set.pickle", images=images, labels=["1", "2"]))
    assert (raw.images.shape, raw.sizes.tolist()) == ((2, 4, 5), [[3, 5], [4, 2]])
    assert raw.images[0, 3:].min() == raw.images[1, :, 2:].min() == 255
    np.testing.assert_array_equal(raw.images[1, :4, :2], images[1])

    row = np.zeros((1, 20_000), np.uint8)
    save(tmp_path / "set.pickle", images=[row, row.T], labels=["1", "2"])
    with pytest.raises(DatasetError, match="far more memory than its size explains"):
        load_arrays(tmp_path / "set.pickle")


def test_an_archive_that_says_that_sizes_differ_holds_them(tmp_path):
    content = make(3, widths=True)
    with open_writer("npz", tmp_path / "set.npz", content.header, overwrite=False) as writer:
        write(content, writer)
    with np.load(tmp_path / "set.npz") as file:
        np.savez(tmp_path / "less.npz", **{name: file[name] for name in file if name != "widths"})
    with pytest.raises(DatasetError, match="its images differ in size, and it has no `widths`"):
        load_arrays(tmp_path / "less.npz")


def test_digits_are_of_one_size_and_grey(tmp_path):
    digits = np.zeros((10, 8, 8), np.uint8)
    for wrong, words in (
        (
            {"images": digits, "widths": np.arange(1, 9).take(range(10), mode="clip")},
            "differ in size, from 1 x 8 px on",
        ),
        ({"images": np.stack([digits] * 3, axis=-1)}, r"shape|colour"),
    ):
        path = save(tmp_path / "digits.npz", labels=np.arange(10), **wrong)
        with pytest.raises(DatasetError, match=rf"digits\.npz: the .*({words})"):
            DigitImageDataset(path)
