"""Images that differ in size or are in colour: stored each at its own size, and read from files of anybody."""

import io
import tracemalloc
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from small_dataset import FIELDS, LABELS, METADATA, TRUTH, need
from tars import write_tar
from written import write as write_chunks

from number_generator import GenericDataset, convert
from number_generator.errors import DatasetError
from number_generator.formats import conversion, encoded_reader
from number_generator.formats.conversion import write_dataset
from number_generator.formats.memory_reader import PagesReader
from number_generator.formats.reader import load_arrays, open_reader
from number_generator.formats.schema import read_description_file
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import DatasetHeader

SIZES = [(5, 6), (5, 9), (8, 3), (1, 1), (5, 6), (2, 20), (7, 7)]
COUNT = len(SIZES)
CHANNELS = pytest.mark.parametrize("channels", [1, 3])


def make_pages(channels=1, seed=0):
    """Return images of `SIZES`, every second one of few colours, which a PNG file holds without a filter."""
    random = np.random.default_rng(seed)
    shapes = [size if channels == 1 else (*size, channels) for size in SIZES]
    return [random.integers(0, 256, shape, np.uint8) * (1 if k % 2 else 0) for k, shape in enumerate(shapes)]


def write(path, file_format, pages):
    need(file_format)
    reader = PagesReader(pages, LABELS, TRUTH, FIELDS, Path("memory"))
    write_dataset(
        reader, path, file_format, metadata=METADATA, labels=("jsonl",) if file_format == "png" else (), workers=1
    )
    return path


def assert_pages(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, other)


def encode(page, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(page).save(file, kind, **options)
    return file.getvalue()


def write_foreign(path, file_format, encoded):
    """Write encoded images as another program does, without a description."""
    need(file_format)
    labels = [str(number) for number in range(len(encoded))]
    if file_format == "png":
        path.mkdir()
        for number, content in enumerate(encoded):
            (path / f"{number}.png").write_bytes(content)
        (path / "gt.txt").write_text("".join(f"{label}.png\t{label}\n" for label in labels))
    elif file_format == "webdataset":
        members = {}
        for label, content in zip(labels, encoded, strict=True):
            members |= {f"{label}.jpg": content, f"{label}.txt": label.encode()}
        write_tar(path, members)
    elif file_format == "parquet":
        import pyarrow  # noqa: PLC0415 - an optional package
        import pyarrow.parquet  # noqa: PLC0415 - likewise

        images = [{"bytes": content, "path": None} for content in encoded]
        pyarrow.parquet.write_table(pyarrow.table({"image": images, "text": labels}), path)
    else:
        import lmdb  # noqa: PLC0415 - an optional package

        with lmdb.open(str(path), map_size=1 << 26) as environment, environment.begin(write=True) as transaction:
            transaction.put(b"num-samples", b"%d" % len(encoded))
            for number, content in enumerate(encoded, 1):
                transaction.put(b"image-%09d" % number, content)
                transaction.put(b"label-%09d" % number, labels[number - 1].encode())
    return path


@CHANNELS
def test_each_image_is_stored_and_read_at_its_own_size(tmp_path, folder_format, channels):
    pages = make_pages(channels)

    path = write(tmp_path / "set", folder_format, pages)

    with open_reader(path) as reader:
        assert (len(reader), reader.shape, reader.is_ragged, reader.channels) == (COUNT, (COUNT, 8, 20), True, channels)
        assert reader.sizes(0, COUNT, 2).tolist() == [list(size) for size in SIZES[::2]]
        assert_pages([reader.image(number) for number in range(COUNT)], pages)
        assert_pages(reader.cut_images(1, 6, 2), pages[1:6:2])
        padded = reader.images(2, 5)
        assert padded.shape[:3] == (3, 8, 6)
        for page, whole in zip(pages[2:5], padded, strict=True):
            np.testing.assert_array_equal(whole[: page.shape[0], : page.shape[1]], page)
            assert whole.sum(dtype=int) - page.sum(dtype=int) == 255 * (whole.size - page.size)
        assert reader.images(3, 3).shape[0] == 0
        assert (reader.labels(0, COUNT), reader.metadata) == (LABELS, METADATA)
        for name, array in TRUTH.items():
            np.testing.assert_array_equal(reader.truth(name, 0, COUNT), array)
    if folder_format == "png":
        with Image.open(path / "images" / "0000" / "000000006.png") as image:
            assert (image.size, image.mode) == ((20, 2), "L" if channels == 1 else "RGB")


@CHANNELS
def test_a_way_through_all_formats_leads_back_to_the_same_bytes(tmp_path, monkeypatch, channels):
    monkeypatch.setattr(conversion, "_SPAN_BYTES", 200)
    steps = [("webdataset", "a"), ("hdf5", "a.h5"), ("parquet", "b"), ("npz", "a.npz"), ("lmdb", "c"), ("png", "d")]
    steps += [("pickle", "a.pickle"), ("webdataset", "e")]
    first = write(tmp_path / "a", "webdataset", make_pages(channels))

    for (_, source), (file_format, target) in pairwise(steps):
        need(file_format)
        labels = ("jsonl",) if file_format == "png" else ()
        convert(tmp_path / source, tmp_path / target, file_format=file_format, labels=labels, workers=2)
        with open_reader(tmp_path / target, mapped=True) as reader:
            assert_pages(reader.iterate_images(300), make_pages(channels))

    for shard in first.glob("*.tar"):
        assert shard.read_bytes() == (tmp_path / "e" / shard.name).read_bytes()
    assert read_description_file(first) == read_description_file(tmp_path / "e")


def test_images_of_one_size_in_colour_are_an_array(tmp_path, folder_format):
    images = np.random.default_rng(1).integers(0, 256, (5, 6, 7, 3), np.uint8)
    need(folder_format)
    header = DatasetHeader(images.shape[:3], 1, {}, channels=3)
    with open_writer(folder_format, tmp_path / "set", header, overwrite=False) as writer:
        write_chunks(writer, images, np.array([b"1"] * 5))

    dataset = GenericDataset(tmp_path / "set")

    np.testing.assert_array_equal(dataset[1:4][0], images[1:4])
    np.testing.assert_array_equal(dataset[4][0], images[4])
    np.testing.assert_array_equal(dataset.get_data()[0], images)


def test_datasets_of_others_whose_images_differ_in_size_are_read(tmp_path, folder_format, monkeypatch):
    pages = make_pages()
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter
    wide = np.full((3, 40), 100, np.uint8)
    encoded = [*map(encode, pages), encode(wide, "JPEG", exif=turned), encode(np.stack([wide] * 3, axis=-1))]
    path = write_foreign(tmp_path / "set", folder_format, encoded)
    convert(path, tmp_path / "arrays.h5")
    seen = []
    read_size = encoded_reader.read_size
    monkeypatch.setattr(
        encoded_reader, "read_size", lambda content, name: seen.append(name) or read_size(content, name)
    )

    dataset = GenericDataset(path)

    assert len(dataset) == len(encoded)
    assert_pages([dataset[number][0] for number in range(COUNT)], pages)
    assert dataset[COUNT][0].shape == (40, 3)
    np.testing.assert_array_equal(dataset[-1][0], wide)  # colour becomes grey
    images, labels = dataset[1:4]
    assert_pages(images, pages[1:4])
    assert labels == ["1", "2", "3"]
    assert isinstance(dataset[[4, 4]][0], list)
    del seen[:]
    sizes = [list(size) for size in (*SIZES, (40, 3), (3, 40))]
    assert dataset.get_sizes().tolist() == sizes
    assert seen == []  # all were read before
    assert_pages([image for image, _ in dataset][:COUNT], pages)
    padded, _ = dataset.get_data(pad=True)
    assert padded.shape == (len(encoded), 40, 40)
    assert_pages(dataset.get_data()[0][:COUNT], pages)
    assert dataset.get_sizes([0, -1]).tolist() == [sizes[0], sizes[-1]]
    with h5py.File(tmp_path / "arrays.h5") as file:
        np.testing.assert_array_equal(file["images"], padded)
        assert list(zip(file["heights"], file["widths"], strict=True)) == list(map(tuple, sizes))
    with pytest.raises(DatasetError, match="differ in size"):
        load_arrays(path)


def test_datasets_of_others_whose_images_are_of_one_size_stay_arrays_and_are_read_when_needed(tmp_path, folder_format):
    images = np.random.default_rng(2).integers(0, 256, (5, 6, 7), np.uint8)
    path = write_foreign(tmp_path / "set", folder_format, list(map(encode, images)))

    with open_reader(path) as reader:
        assert reader._found_sizes[1:].max() == 0  # only the first header was read
        np.testing.assert_array_equal(reader.images(1, 3), images[1:3])
        assert (reader.is_ragged, reader.shape) == (False, images.shape)
    np.testing.assert_array_equal(GenericDataset(path)[::2][0], images[::2])
    np.testing.assert_array_equal(load_arrays(path).images, images)


def test_a_huge_image_among_small_ones_takes_little_memory(tmp_path, monkeypatch):
    pages = [np.full((10, 10 + k % 7), k % 251, np.uint8) for k in range(200)]
    pages[100] = np.full((1000, 1000), 7, np.uint8)
    path = write_foreign(tmp_path / "set", "png", list(map(encode, pages)))
    monkeypatch.setattr(conversion, "_SPAN_BYTES", 10**5)
    tracemalloc.start()
    try:
        convert(path, tmp_path / "shards", file_format="webdataset", workers=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 10 * 1000 * 1000
    assert_pages([image for image, _ in GenericDataset(tmp_path / "shards")], pages)


def test_no_image_need_be_as_high_and_as_wide_as_the_shape(tmp_path):
    pages = [np.full((9000, 1), 7, np.uint8), np.full((1, 9000), 8, np.uint8)]
    write_dataset(PagesReader(pages, ["1", "2"], {}, (), tmp_path), tmp_path / "set", "webdataset")

    with open_reader(tmp_path / "set") as reader:
        assert reader.shape == (2, 9000, 9000)
        assert_pages(reader.iterate_images(1), pages)


def test_an_image_that_is_larger_than_the_description_allows_is_refused(tmp_path):
    path = write(tmp_path / "set", "webdataset", make_pages())
    description = path / "dataset.json"
    description.write_bytes(description.read_bytes().replace(b'"shape":[7,8,20]', b'"shape":[7,8,19]'))

    with open_reader(path) as reader, pytest.raises(DatasetError, match="none is larger than 19 x 8 px"):
        reader.image(5)


@CHANNELS
def test_images_in_memory_may_differ_in_size(tmp_path, channels):
    need("lmdb")
    pages = make_pages(channels)

    dataset = GenericDataset(pages[:3], LABELS[:3])
    dataset.add_examples(np.stack([pages[0], pages[4]]), LABELS[3:5])
    dataset.add_examples(pages[5:], LABELS[5:])

    expected = [*pages[:3], pages[0], *pages[4:]]
    dataset[0][0][:] = 1  # the caller's own
    dataset[:2][0][0][:] = 1
    for each in (dataset, GenericDataset(expected, LABELS)):
        assert_pages([image for image, _ in each], expected)
        assert_pages(each[::-2][0], expected[::-2])
        assert_pages(each[[6, 0, 6]][0], [expected[6], expected[0], expected[6]])
        assert each.get_sizes(slice(0, 2)).tolist() == [[5, 6], [5, 9]]
        assert each.get_data(pad=True)[0].shape[:3] == (COUNT, 8, 20)
        assert each.get_data()[1] == LABELS
    dataset.save(tmp_path / "set.lmdb")
    assert_pages([image for image, _ in GenericDataset(tmp_path / "set.lmdb")], expected)
    with pytest.raises(DatasetError, match="5 x 0 px: add images with pixels"):
        GenericDataset([pages[0][:0, :5], pages[1]], ["1", "2"]).save(tmp_path / "none.lmdb")
