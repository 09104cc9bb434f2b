"""Writing and reading datasets."""

import io
import itertools

import h5py
import numpy as np
import pytest
from isal import igzip_lib
from PIL import Image
from workload import PAGE, is_drawn, phone_job

from number_generator import GenericDataset
from number_generator.digits.resolve import default_digits
from number_generator.formats.image_encoding import encode_png
from number_generator.formats.writer import open_writer
from number_generator.job.chunk import Chunk, DatasetHeader
from number_generator.job.spec import Span
from number_generator.rendering.engine import make_chunk

_COUNT = 20_480
_SIZE = _COUNT * PAGE
_SLICE = 1024
_FEWER = 2000  # where each image is a file of its own
_PACKAGES = {"lmdb": "lmdb", "parquet": "pyarrow"}


@pytest.fixture(scope="module")
def chunk():
    job = phone_job(_COUNT)
    return make_chunk(job, default_digits().atlas, job.span)


def _write(chunk, path, file_format="hdf5", compression=None):
    header = DatasetHeader(chunk.images.shape, 11, {})
    with open_writer(file_format, path, header, overwrite=True, compression=compression) as writer:
        writer.write(writer.encode(chunk))
        writer.commit()


def _write_by_h5py(chunk, path, rows=32):
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=chunk.images, chunks=(rows, *chunk.images.shape[1:]), compression="gzip")
        labels = chunk.labels.astype("S11")
        file.create_dataset("labels", data=labels, dtype=h5py.string_dtype("ascii", 11), chunks=(512,))


@pytest.mark.benchmark(group="writing, with the flush to disk")
@pytest.mark.parametrize(
    ("file_format", "compression"), [("pickle", "none"), ("npz", "none"), ("hdf5", "none"), ("hdf5", "gzip")]
)
def test_writer(rate, tmp_path, chunk, file_format, compression):
    path = tmp_path / "dataset"
    against = {}
    if compression == "gzip":
        some = make_chunk(phone_job(1024), default_digits().atlas, phone_job(1024).span)
        against["h5py's own gzip"] = (lambda: _write_by_h5py(some, tmp_path / "slow.h5"), 1024)
    rate(_write, chunk, path, file_format, compression, count=_COUNT, size=_SIZE, against=against)
    dataset = GenericDataset()
    dataset.load(path)
    assert (dataset[_COUNT - 3 :][0] == chunk.images[-3:]).all()


@pytest.mark.benchmark(group="writing, with the flush to disk")
@pytest.mark.parametrize(
    ("file_format", "count"), [("png", _FEWER), ("lmdb", 10_000), ("webdataset", 10_000), ("parquet", 10_000)]
)
def test_folder_writer(rate, tmp_path, chunk, file_format, count):
    pytest.importorskip(_PACKAGES.get(file_format, "PIL"))
    some = Chunk(Span(0, count), chunk.images[:count], chunk.labels[:count])
    # A new one each time: taking 2,000 files away again can take ten times as long as writing them.
    paths = (tmp_path / f"{number}" for number in itertools.count())
    rate(lambda: _write(some, next(paths), file_format), count=count, size=count * PAGE, rounds=5)
    dataset = GenericDataset()
    dataset.load(tmp_path / "0")
    assert (dataset[count - 3 :][0] == some.images[-3:]).all()


@pytest.mark.benchmark(group="encoding PNG")
def test_encode_png(rate, benchmark, chunk):
    images = chunk.images[:_FEWER]
    pillow = images[:200]
    encoded = rate(
        encode_png, images, count=_FEWER, size=_FEWER * PAGE, against={"Pillow": (lambda: _by_pillow(pillow), 200)}
    )
    assert all((np.asarray(Image.open(io.BytesIO(page))) == images[i]).all() for i, page in enumerate(encoded[:50]))
    benchmark.extra_info["bytes_per_image"] = round(sum(map(len, encoded)) / _FEWER)


@pytest.mark.benchmark(group="encoding PNG")
@pytest.mark.parametrize("level", [1, 6])
def test_pillows_png(rate, benchmark, chunk, level):
    images = chunk.images[:500]
    encoded = rate(_by_pillow, images, level, count=500, size=500 * PAGE, rounds=3)
    assert (np.asarray(Image.open(io.BytesIO(encoded[-1]))) == images[-1]).all()
    benchmark.extra_info["bytes_per_image"] = round(sum(map(len, encoded)) / 500)


def _by_pillow(images, level=6):
    encoded = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG", compress_level=level)
        encoded.append(file.getvalue())
    return encoded


@pytest.mark.benchmark(group="writing, with the flush to disk")
def test_h5py_gzip(rate, tmp_path, chunk):
    path = tmp_path / "dataset.h5"
    rate(_write_by_h5py, chunk, path, count=_COUNT, size=_SIZE, rounds=3)
    with h5py.File(path) as file:
        assert (file["images"][-3:] == chunk.images[-3:]).all()


@pytest.mark.benchmark(group="compressing chunks of 32 images")
@pytest.mark.parametrize("level", [0, 1, 3])
def test_compression_level(rate, benchmark, chunk, level):
    blocks = [chunk.images[i : i + 32].tobytes() for i in range(0, 4096, 32)]

    def compress():
        return [igzip_lib.compress(block, level, igzip_lib.COMP_ZLIB, 0, 10) for block in blocks]

    packed = rate(compress, count=4096, size=4096 * PAGE)
    assert all(igzip_lib.decompress(block, igzip_lib.DECOMP_ZLIB) == blocks[i] for i, block in enumerate(packed))
    benchmark.extra_info["bytes_per_image"] = round(sum(map(len, packed)) / 4096)


@pytest.fixture(scope="module")
def files(tmp_path_factory, chunk, is_smoke):
    """Write the same images without compression, and in chunks of different lengths; one will do if none is timed."""
    folder = tmp_path_factory.mktemp("reading")
    paths = {rows: folder / f"{32 if is_smoke else rows}.h5" for rows in (16, 32, 64, 128, 1024)}
    if not is_smoke:
        for rows, path in paths.items():
            _write_by_h5py(chunk, path, rows)
    _write(chunk, paths[32])  # as the package does
    paths["none"] = folder / "none.h5"
    _write(chunk, paths["none"], compression="none")
    return paths


def _opened(path):
    dataset = GenericDataset()
    dataset.load(path)
    return dataset


def _read_slices(source):
    """Read slice after slice and keep none, as a training loop does: new memory for each would cost as much again."""
    return sum(len(source[start : start + _SLICE]) for start in range(0, _COUNT, _SLICE))


@pytest.mark.benchmark(group="reading in slices of 1,024, by chunk length")
@pytest.mark.parametrize("rows", [16, 32, 64, 128, 1024, "none"])
def test_slices(rate, files, chunk, rows):
    with h5py.File(files[rows]) as file:
        images, labels = file["images"], file["labels"].asstr()
        against = {"h5py": (lambda: (_read_slices(images), _read_slices(labels)), _COUNT)}
        dataset = _opened(files[rows])
        assert (dataset[:][0] == chunk.images).all()
        rate(_read_slices, dataset, count=_COUNT, size=_SIZE, against=against, rounds=5)


@pytest.mark.benchmark(group="reading single images at random, by chunk length")
@pytest.mark.parametrize("rows", [16, 32, 64, 128, 1024, "none"])
def test_single_random_images(rate, files, chunk, rows):
    count = 40 if rows == 1024 else 200  # an image of a large chunk takes milliseconds
    numbers = np.random.default_rng(0).integers(0, _COUNT, count).tolist()
    dataset = _opened(files[rows])
    with h5py.File(files[rows]) as file:
        images, labels = file["images"], file["labels"]
        against = {"h5py": (lambda: [(images[number], labels[number]) for number in numbers], len(numbers))}
        found = rate(
            lambda: [dataset[number] for number in numbers], count=count, size=count * PAGE, against=against, rounds=5
        )
    assert is_drawn(np.stack([image for image, _ in found]))
    assert [label.encode() for _, label in found] == [chunk.labels[number] for number in numbers]
