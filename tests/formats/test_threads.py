"""All readers, under threads, after a fork and at the end of the interpreter: what is there, or one clear error."""

import os
import pickle
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
import reading_together as together
import sharded
from patience import PATIENCE_S
from small_dataset import FORMATS, is_installed, need

from number_generator import GenericDataset
from number_generator.digits.atlas import GlyphAtlas
from number_generator.errors import SpecError
from number_generator.formats.conversion import write_dataset
from number_generator.formats.parquet import writer as parquet_writer
from number_generator.formats.reader import open_reader
from number_generator.formats.webdataset.writer import WebDatasetWriter

COUNT = 120
WAYS = [*FORMATS, "hdf5-none", "idx", "shards"]


@pytest.fixture(scope="module")
def shards(tmp_path_factory, make_digits):
    """The index of a dataset in shards, which all others are made from."""
    images, labels = make_digits(12)
    job = sharded.job_of(COUNT, truth=("boxes", "parameters"), width=40)
    return sharded.write_whole(tmp_path_factory.mktemp("shards"), job, GlyphAtlas.from_digits(images, labels))


@pytest.fixture(scope="module")
def expected(shards):
    """Images, labels and ground truth."""
    with open_reader(shards) as reader:
        truth = {name: reader.truth(name, 0, COUNT) for name in reader.truth_names}
        return {"images": reader.images(0, COUNT), "labels": np.array(reader.labels(0, COUNT)), **truth}


@pytest.fixture(scope="module")
def store(tmp_path_factory, shards, expected):
    """Return a maker of the dataset in some way, in several files and parts of files where the format has them."""

    @cache
    def make(way):
        folder = tmp_path_factory.mktemp("stored")
        if way == "shards":
            return shards
        if way == "idx":
            return write_idx(folder, expected)
        file_format, _, compression = way.partition("-")
        labels = ("jsonl",) if file_format == "png" else ()
        with pytest.MonkeyPatch.context() as patch, open_reader(shards) as reader:
            patch.setattr(parquet_writer, "_GROUP_IMAGES", 8)
            patch.setitem(parquet_writer.ParquetWriter.__init__.__kwdefaults__, "file_images", 24)
            patch.setitem(WebDatasetWriter.__init__.__kwdefaults__, "shard_images", 24)
            write_dataset(
                reader, folder / "lines", file_format, compression=compression or None, labels=labels, workers=1
            )
        return folder / "lines"

    return make


@pytest.fixture(scope="module", params=WAYS)
def path(request, store):
    """The dataset in each way."""
    if request.param not in ("shards", "idx"):
        need(request.param.partition("-")[0])
    return store(request.param)


@pytest.fixture(scope="module")
def paths(store):
    """The dataset in all ways whose packages are installed, without compression where there is a choice."""
    formats = [name for name in FORMATS if name != "hdf5" and is_installed(name)]
    return [store(way) for way in (*formats, "hdf5-none", "idx", "shards")]


def write_idx(folder, expected):
    digits = expected["labels"].size * [7]
    header = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in expected["images"].shape)
    (folder / "train-images-idx3-ubyte").write_bytes(header + expected["images"].tobytes())
    (folder / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + len(digits).to_bytes(4, "big") + bytes(digits))
    return folder / "train-images-idx3-ubyte"


@pytest.fixture
def content(path, expected):
    """What a reader of the dataset returns."""
    return together.content_of(path, expected)


@pytest.fixture
def _often():
    """Let threads take turns far more often than usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_often")
def test_threads_read_what_is_there(path, content):
    with open_reader(path, mapped=True) as reader:
        failures = together.run_in_threads(lambda seed: together.read_at_random(reader, content, seed, 12))

    assert failures == []


@pytest.mark.usefixtures("_often")
def test_threads_may_be_the_first_to_open_the_files(path, content):
    with open_reader(path, mapped=True) as reader:
        pickled = pickle.dumps(reader)

    for seed in range(3):
        with pickle.loads(pickled) as copy:
            failures = together.run_in_threads(lambda number: together.read_at_random(copy, content, number, 1))

        assert failures == [], seed


@pytest.mark.usefixtures("_often")
def test_a_reader_that_is_closed_under_threads_says_so_and_returns_nothing_else(path, content):
    for _ in range(3):
        reader = open_reader(path, mapped=True)

        def read_or_close(number, reader=reader):
            if number:
                together.read_at_random(reader, content, number, 10**6)
            together.read_at_random(reader, content, number, 3)
            reader.close()

        failures = together.run_in_threads(read_or_close)

        assert len(failures) == together.THREADS - 1
        for failure in failures:
            with pytest.raises(SpecError, match="the reader is closed; open another"):
                raise failure


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_of_a_process_whose_threads_read_reads_what_is_there(paths, expected, tmp_path):
    done = run_program("fork", paths, expected, tmp_path)

    assert (done.returncode, done.stdout.split()) == (0, [f"{path}:0" for path in paths for _ in range(2)]), done.stderr


def test_the_interpreter_ends_while_threads_read(paths, expected, tmp_path):
    done = run_program("exit", paths, expected, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def run_program(what, paths, expected, folder):
    """Run one of the programs of `reading_together` on all datasets: to start it takes longer than to read them."""
    np.savez(folder / "expected.npz", **expected)
    command = [sys.executable, "-W", "ignore", together.__file__, what, folder / "expected.npz", *paths]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)


@pytest.mark.usefixtures("_often")
def test_a_dataset_moves_into_memory_while_threads_read_from_it(path, content):
    dataset = GenericDataset()
    dataset.load(path)

    def read_or_move(number):
        if not number:
            np.testing.assert_array_equal(dataset.get_data()[0], content["images"])
        for index in range(number, COUNT, 7):
            image, label = dataset[index]
            np.testing.assert_array_equal(image, content["images"][index])
            assert label == content["labels"][index]

    assert together.run_in_threads(read_or_move) == []
