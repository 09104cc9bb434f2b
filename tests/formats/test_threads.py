"""All readers, under threads, after a fork and at the end of the interpreter: what is there, or one clear error."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import reading_together as together
import sharded
from patience import PATIENCE_S
from small_dataset import FORMATS, need

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


@pytest.fixture(scope="module", params=WAYS)
def path(request, tmp_path_factory, shards, expected):
    """The dataset in each format, in several files and parts of files where the format has them."""
    way, folder = request.param, tmp_path_factory.mktemp("stored")
    if way == "shards":
        return shards
    if way == "idx":
        return write_idx(folder, expected)
    file_format, _, compression = way.partition("-")
    need(file_format)
    with pytest.MonkeyPatch.context() as patch, open_reader(shards) as reader:
        patch.setattr(parquet_writer, "_GROUP_IMAGES", 8)
        patch.setitem(parquet_writer.ParquetWriter.__init__.__kwdefaults__, "file_images", 24)
        patch.setitem(WebDatasetWriter.__init__.__kwdefaults__, "shard_images", 24)
        labels = ("jsonl",) if file_format == "png" else ()
        write_dataset(reader, folder / "lines", file_format, compression=compression or None, labels=labels, workers=1)
    return folder / "lines"


def write_idx(folder, expected):
    digits = expected["labels"].size * [7]
    header = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in expected["images"].shape)
    (folder / "train-images-idx3-ubyte").write_bytes(header + expected["images"].tobytes())
    (folder / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + len(digits).to_bytes(4, "big") + bytes(digits))
    return folder / "train-images-idx3-ubyte"


@pytest.fixture
def content(path, expected):
    """What a reader of the dataset returns."""
    return {**expected, "labels": np.full(COUNT, "7")} if "idx" in path.name else expected


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
        failures = together.run_in_threads(lambda seed: together.read_at_random(reader, content, seed, 25))

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
def test_a_child_of_a_process_whose_threads_read_reads_what_is_there(path, content, tmp_path):
    done = run_program("fork", path, content, tmp_path)

    assert (done.returncode, done.stdout.split()) == (0, ["0"] * 3), done.stderr


def test_the_interpreter_ends_while_threads_read(path, content, tmp_path):
    done = run_program("exit", path, content, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def run_program(what, path, content, folder):
    """Run one of the programs of `reading_together`."""
    np.savez(folder / "expected.npz", **content)
    command = [sys.executable, "-W", "ignore", together.__file__, what, path, folder / "expected.npz"]
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
