"""What writing and reading datasets costs, whole jobs included."""

import itertools

import h5py
import numpy as np
import pytest

from number_generator import GenericDataset
from number_generator.cli import generate_phone_numbers
from number_generator.digit_datasets import default_digits
from number_generator.engine import make_chunk
from number_generator.interruption import Interruption
from number_generator.numbers import PhoneNumbers
from number_generator.sinks import open_sink
from number_generator.spec import DatasetHeader, Job, RenderSpec, Span

_COUNT = 20_480
_SIZE = _COUNT * 28 * 100


def _chunk():
    job = Job(PhoneNumbers(), RenderSpec((5, 10), 100), 28, 1, Span(0, _COUNT))
    return make_chunk(job, default_digits().atlas, job.span)


@pytest.mark.benchmark(group="writing")
@pytest.mark.parametrize("file_format", ["pickle", "hdf5"])
def test_sink(rate, tmp_path, file_format):
    chunk = _chunk()
    header = DatasetHeader(chunk.images.shape, 11, {})
    path = tmp_path / "dataset"

    def write():
        with open_sink(file_format, path, header, overwrite=True) as sink:
            sink.write(sink.encode(chunk))
            sink.commit()

    rate(write, images=_COUNT, size=_SIZE)
    assert path.stat().st_size > _COUNT


@pytest.mark.benchmark(group="writing")
def test_h5py_gzip_alone(rate, tmp_path):
    chunk = _chunk()
    path = tmp_path / "dataset.h5"

    def write():
        with h5py.File(path, "w") as file:
            file.create_dataset("images", data=chunk.images, chunks=(32, 28, 100), compression="gzip")

    rate(write, images=_COUNT, size=_SIZE, rounds=3)
    assert path.stat().st_size > _COUNT


@pytest.fixture(scope="module")
def dataset_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("reading") / "dataset.h5"
    chunk = _chunk()
    with open_sink("hdf5", path, DatasetHeader(chunk.images.shape, 11, {}), overwrite=True) as sink:
        sink.write(sink.encode(chunk))
        sink.commit()
    return path


@pytest.mark.benchmark(group="reading HDF5")
def test_slices(rate, dataset_file):
    dataset = GenericDataset()
    dataset.load(dataset_file)

    def read():
        return sum(len(dataset[start : start + 1024][1]) for start in range(0, _COUNT, 1024))

    assert rate(read, images=_COUNT, size=_SIZE) == _COUNT


@pytest.mark.benchmark(group="reading HDF5")
def test_single_random_images(rate, dataset_file):
    dataset = GenericDataset()
    dataset.load(dataset_file)
    numbers = np.random.default_rng(0).integers(0, _COUNT, 500).tolist()

    def read():
        return [dataset[number][1] for number in numbers]

    assert all(label.startswith("0") for label in rate(read, images=500, size=500 * 2800))


@pytest.mark.benchmark(group="whole command")
@pytest.mark.parametrize("file_format", ["pickle", "hdf5"])
@pytest.mark.parametrize("count", [1000, 100_000])
def test_command(rate, tmp_path, count, file_format):
    names = itertools.count()

    def command():
        path = tmp_path / f"{next(names)}.{'h5' if file_format == 'hdf5' else 'pickle'}"
        arguments = ["--num-images", str(count), "--seed", "1", "--quiet", "--output-path", str(path)]
        status = generate_phone_numbers(arguments, Interruption())
        path.unlink()
        return status

    assert rate(command, images=count, size=count * 2800, rounds=3) == 0
