"""What safety and size cost: journals, shards and their index, a look inside, lazy arrays."""

import importlib.util
import itertools
import shutil

import numpy as np
import pytest
from workload import HEIGHT, PAGE, SPACING, WIDTH, is_drawn, phone_numbers

from number_generator import GenericDataset, generate_batch
from number_generator.commands import generate as cli
from number_generator.commands.inspection.inspect import inspect_dataset
from number_generator.formats.journal.writer import JournaledWriter
from number_generator.formats.reader import open_reader
from number_generator.system.signals import Interruption
from number_generator.system.threads import count_cores

_COUNT = 40_960
_SIZE = _COUNT * PAGE
_SLICE = 1024


class _EndedError(BaseException):
    """What ends a run before its dataset is moved into place."""


def _run(path, *more):
    arguments = [f"--num-images={_COUNT}", "--seed=1", "--overwrite", "--quiet", f"--output-path={path}"]
    assert cli.generate_phone_numbers([*arguments, *more], Interruption()) == 0


@pytest.mark.benchmark(group="large jobs")
def test_a_job_with_a_journal(rate, tmp_path):
    against = {"without --resume": (lambda: _run(tmp_path / "plain.h5"), _COUNT)}
    rate(_run, tmp_path / "kept.h5", "--resume", count=_COUNT, size=_SIZE, against=against, rounds=3)
    assert (tmp_path / "kept.h5").stat().st_size == (tmp_path / "plain.h5").stat().st_size


@pytest.mark.benchmark(group="large jobs")
def test_going_on_from_a_journal(rate, tmp_path, monkeypatch):
    def end(self):
        raise _EndedError

    with monkeypatch.context() as patch, pytest.raises(_EndedError):
        patch.setattr(JournaledWriter, "finish", end)
        _run(tmp_path / "begun.h5", "--resume")
    names = (tmp_path / f"{number}.h5" for number in itertools.count())

    def go_on():
        path = next(names)
        shutil.copy(tmp_path / "begun.h5.journal", f"{path}.journal")
        _run(path, "--resume")

    against = {"making it again": (lambda: _run(tmp_path / "plain.h5"), _COUNT)}
    rate(go_on, count=_COUNT, size=_SIZE, against=against, rounds=3)
    assert not list(tmp_path.glob("[0-9]*.journal"))


@pytest.fixture(scope="module")
def sharded(tmp_path_factory):
    """Return a folder with the same dataset in one file and in eight shards."""
    folder = tmp_path_factory.mktemp("shards")
    _run(folder / "one.h5")
    _run(folder / "many.h5", "--shards=8")
    return folder


def _opened(path):
    dataset = GenericDataset()
    dataset.load(path)
    return dataset


@pytest.mark.benchmark(group="large jobs")
def test_slices_of_eight_shards(rate, sharded):
    def read(dataset):
        return [dataset[start : start + _SLICE][0].shape for start in range(0, _COUNT, _SLICE)]

    one, many = _opened(sharded / "one.h5"), _opened(sharded / "many.h5")
    against = {"one file": (lambda: read(one), _COUNT)}
    rate(read, many, count=_COUNT, size=_SIZE, against=against, rounds=3)
    assert (many[_COUNT // 2][0] == one[_COUNT // 2][0]).all()


@pytest.mark.benchmark(group="large jobs")
def test_single_images_of_eight_shards(rate, sharded):
    places = np.random.default_rng(0).integers(0, _COUNT, 1000).tolist()
    one, many = _opened(sharded / "one.h5"), _opened(sharded / "many.h5")

    def read(dataset):
        return [dataset[place][1] for place in places]

    against = {"one file": (lambda: read(one), len(places))}
    assert len(rate(read, many, count=len(places), size=len(places) * PAGE, against=against, rounds=3)) == len(places)


@pytest.mark.benchmark(group="large jobs")
def test_inspection(rate, sharded):
    path = sharded / "one.h5"
    with open_reader(path, mapped=True) as reader:
        found = rate(inspect_dataset, reader, path, count=10_000, rounds=2)
    assert found is not None


@pytest.mark.skipif(importlib.util.find_spec("dask") is None, reason="it needs the extra dask")
@pytest.mark.benchmark(group="large jobs")
def test_a_lazy_array(rate):
    import dask  # noqa: PLC0415 - optional

    from number_generator.dask import images, job  # noqa: PLC0415 - optional

    workers = count_cores()
    array = images(job(phone_numbers(_COUNT), SPACING, WIDTH, count=_COUNT, seed=1), chunk_images=4096)
    sequences = phone_numbers(_COUNT)
    against = {"generate_batch": (lambda: generate_batch(sequences, SPACING, WIDTH, seed=1, workers=workers), _COUNT)}
    with dask.config.set(scheduler="threads", num_workers=workers):
        made = rate(array.compute, count=_COUNT, size=_SIZE, against=against, rounds=3)
    assert is_drawn(made.reshape(-1, HEIGHT, WIDTH))
