"""Dask arrays: any images of a job, made where and when they are computed."""

import doctest
import os
import pickle
import signal
import sys

import h5py
import numpy as np
import pytest
from written import arrays_in

from number_generator import PhoneNumbers, generate_batch, generate_chunk
from number_generator.commands.generate import generate_phone_numbers
from number_generator.digits import writers
from number_generator.errors import MissingExtraError, SpecError
from number_generator.job.handwriting import Handwriting
from number_generator.job.spec import Job, RenderSpec, Span
from number_generator.system.signals import Interruption

dask = pytest.importorskip("dask")
pytest.importorskip("distributed")

from number_generator.dask import NumberJob, images, job, labels, truth  # noqa: E402 - where Dask is there

COMMAND = "generate-phone-numbers --num-images 50 --seed 3"


@pytest.fixture(autouse=True)
def _one_thread():
    """Blocks are made in this thread, but where a test says otherwise."""
    with dask.config.set(scheduler="synchronous"):
        yield


def made_by(command, folder):
    """Return all datasets of a file that a command makes, and its metadata."""
    path = folder / "made.h5"
    assert generate_phone_numbers([*command.split(), f"--output-path={path}", "--quiet"], Interruption()) == 0
    (path,) = folder.glob("made*.h5")
    with h5py.File(path) as file:
        return {name: file[name][:] for name in arrays_in(file)}, dict(file.attrs)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
def test_a_lazy_array_holds_the_images_and_labels_of_a_chunk(scheduler):
    chunk = generate_chunk(PhoneNumbers(), (5, 10), 100, count=500, seed=3, start=11)
    described = job(count=500, seed=3, start=11)

    with dask.config.set(scheduler=scheduler):
        made, told = dask.compute(images(described, chunk_images=64), labels(described, chunk_images=64))

    assert np.array_equal(made, chunk.images)
    assert np.array_equal(told.astype(str), chunk.labels)
    assert told.dtype == "S11"


def test_labels_beyond_ascii_are_utf_8():
    told = labels(job(["€5", "12:30"], count=5, seed=1), chunk_images=2).compute()

    assert [label.decode() for label in told] == ["€5", "12:30", "€5", "12:30", "€5"]


def test_a_list_gives_the_images_of_a_batch():
    lazy = images(job(["12", "3-4"], (2, 4), 60, count=2, seed=1, fit="stretch"))

    assert np.array_equal(lazy.compute(), generate_batch(["12", "3-4"], (2, 4), 60, seed=1, fit="stretch"))


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ("--truth boxes,glyphs,parameters", 7),
        ("--style natural --truth boxes,glyphs,parameters --pattern amount --label digits", 8),  # with `forms`
    ],
)
def test_arrays_are_those_of_the_file_whose_command_they_are_given(options, count, tmp_path):
    arrays, metadata = made_by(f"--num-images=50 {options}", tmp_path)
    command = metadata["command"]

    lazy = {"images": images(command), "labels": labels(command)}
    lazy |= {name: truth(command, name, chunk_images=16) for name in arrays.keys() - lazy.keys()}

    assert len(lazy) == count
    for name, array in lazy.items():
        assert np.array_equal(array.compute(), arrays[name], equal_nan=array.dtype.kind == "f"), name
        assert (array.dtype, array.shape) == (arrays[name].dtype, arrays[name].shape), name


def test_a_part_of_a_split_is_asked_for_by_name():
    command = f"{COMMAND} --split train=0.8,val=0.2"
    parts = {part: NumberJob.from_command(command, part=part) for part in ("train", "val")}

    assert {part: images(command, part=part).shape[0] for part in parts} == {"train": 40, "val": 10}
    for part, described in parts.items():
        assert np.array_equal(images(command, part=part).compute(), described.make_chunk().images)


def test_a_described_job_pickles_as_what_it_is(make_digit_dataset):
    described = job(count=50, seed=3, style="natural", digits=make_digit_dataset(28))

    again = pickle.loads(pickle.dumps(described))

    assert (type(again), again.seed, again.shape) == (NumberJob, 3, (50, 28, 100))
    assert np.array_equal(images(again).compute(), images(described).compute())


def test_the_images_do_not_depend_on_the_blocks(make_digit_dataset):
    described = job(count=50, seed=3, style="document", digits=make_digit_dataset(28))

    whole = images(described).compute()

    assert np.array_equal(images(described, chunk_images=7).compute(), whole)
    assert np.array_equal(images(described, chunk_images=7)[3:40:9].compute(), whole[3:40:9])


def test_pages_in_colour_of_any_width_are_padded_with_white():
    described = job(["1", "4821"], width="auto:200", color=True, style="natural", count=4, seed=1)

    lazy = images(described, chunk_images=1)

    assert lazy.shape == described.shape == (4, 28, 200, 3)
    chunk = generate_chunk(["1", "4821"] * 2, None, "auto:200", color=True, style="natural", seed=1)
    made = lazy.compute()
    assert np.array_equal(made[:, :, : chunk.images.shape[2]], chunk.images)
    assert (made[:, :, chunk.images.shape[2] :] == 255).all()


def test_the_graph_of_a_billion_images_is_small():
    lazy = images(job(count=10**9, seed=3))

    assert lazy.shape == (10**9, 28, 100)
    assert [layer.is_materialized() for layer in lazy.dask.layers.values()].count(False) == 1
    assert len(pickle.dumps(lazy)) < 5_000_000
    assert np.array_equal(
        lazy[987_654_321].compute(),
        generate_chunk(PhoneNumbers(), (5, 10), 100, count=1, seed=3, start=987_654_321).images[0],
    )


def test_blocks_are_of_bounded_size():
    assert images(job(count=10**9, seed=3)).chunksize == (10240, 28, 100)
    assert images(job(count=10**6, seed=3, width=65_535)).chunksize == (18, 28, 65_535)
    assert np.prod(images(job(count=10**6, seed=3, color=True)).chunksize) <= 32 * 2**20
    assert images(job(count=0, seed=3)).compute().shape == (0, 28, 100)


def test_what_is_made_without_a_seed_agrees():
    described = job(count=20)

    told = [label.decode() for label in labels(described).compute().tolist()]

    again = job(count=20, seed=described.seed)
    assert np.array_equal(images(described).compute(), images(again).compute())
    assert told == [label.decode() for label in labels(again).compute().tolist()]
    assert job(count=20).seed != described.seed


def test_a_command_without_a_seed_draws_one_for_all_or_is_refused():
    command = "generate-phone-numbers --num-images 5"

    described = NumberJob.from_command(command)

    assert np.array_equal(images(described).compute(), images(f"{command} --seed {described.seed}").compute())
    with pytest.raises(SpecError, match="has no --seed, and its images and labels would each draw another"):
        images(command)


def test_equal_jobs_have_equal_keys_and_others_have_not():
    one = images(job(count=20, seed=3))

    assert one.name == images(job(count=20, seed=3)).name
    assert one.name != images(job(count=20, seed=4)).name
    assert one.name != images(job(count=20, seed=3), chunk_images=4).name


def test_a_job_takes_its_digits(make_digit_dataset):
    digits = make_digit_dataset(12)
    spec = RenderSpec((1, 2), 40)

    lazy = images(Job(PhoneNumbers(), spec, 12, 3, Span(5, 25)), digits=digits)

    chunk = generate_chunk(PhoneNumbers(), (1, 2), 40, count=20, seed=3, start=5, digits=digits)
    assert np.array_equal(lazy.compute(), chunk.images)
    with pytest.raises(SpecError, match="the job is for digits 12 px high, and these are 28 px high"):
        images(Job(PhoneNumbers(), spec, 12, 3, Span(5, 25)))


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (lambda: images(5), "job is a int: give what"),
        (lambda: images("generate-phone-numbers --seed x"), "--seed: invalid int value: 'x'; give the options of gen"),
        (lambda: images("--seed '3"), "No closing quotation"),
        (lambda: images("--seed 3 --num-images 0"), "--num-images is 0"),
        (lambda: images(COMMAND, part="train"), "part is 'train': the command has no --split"),
        (lambda: images(f"{COMMAND} --split a=0.5,b=0.5"), "part is None and the command has --split: give one of 'a'"),
        (lambda: images(f"{COMMAND} --split a=0.5,b=0.5", part="c"), "part is 'c': give one of 'a', 'b'"),
        (lambda: images(job(count=1, seed=1), part="a"), "part is 'a', which only goes with a command"),
        (lambda: images(COMMAND, digits="mnist"), "digits are given with a command, which names its own"),
        (lambda: images(job(count=1, seed=1), chunk_images=0), "chunk_images is 0: give an integer, 1 or more"),
        (lambda: images(job(count=10**9, seed=1), chunk_images=1), "1000000000 blocks, which Dask lists one by one"),
        (lambda: truth(job(count=1, seed=1), "masks"), "name is 'masks': give one of 'boxes'"),
        (
            lambda: truth(job(count=1, seed=1), "forms"),
            "name is 'forms', and the job's style holds no letterforms",
        ),
        (lambda: job(count=-1), "count is -1"),
    ],
)
def test_an_argument_that_breaks_a_rule_is_told(wanted, message):
    with pytest.raises(SpecError, match=message):
        wanted()


def test_the_examples_in_the_docstrings_run():
    result = doctest.testmod(sys.modules["number_generator.dask"], raise_on_error=False)

    assert result.attempted > 5
    assert result.failed == 0


def test_without_dask_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    monkeypatch.delitem(sys.modules, "number_generator.dask")

    with pytest.raises(MissingExtraError, match=r"pip install '\.\[dask\]'"):
        __import__("number_generator.dask")


def test_an_array_goes_into_hdf5(tmp_path):
    described = job(count=50, seed=3)
    wanted = {"/images": images(described, chunk_images=20), "/labels": labels(described, chunk_images=20)}

    dask.array.to_hdf5(tmp_path / "all.h5", wanted, chunks=True)

    with h5py.File(tmp_path / "all.h5") as file:
        assert np.array_equal(file["images"][:], images(described).compute())
        assert np.array_equal(file["labels"][:], labels(described).compute())


@pytest.mark.filterwarnings("default")  # its own
def test_an_array_goes_into_zarr(tmp_path):
    zarr = pytest.importorskip("zarr")
    lazy = images(job(count=50, seed=3), chunk_images=20)

    lazy.to_zarr(tmp_path / "all.zarr")

    assert np.array_equal(zarr.open(tmp_path / "all.zarr")[:], lazy.compute())


def test_an_array_takes_computed_clusters_along(make_digit_dataset, monkeypatch):
    monkeypatch.setattr(writers, "compute_style_clusters", lambda images, labels: np.arange(len(labels)) % 3 * 2)
    digits = make_digit_dataset(12, per_class=6)
    style = Handwriting.named("natural").replace(writer="cluster")
    described = job(count=20, seed=3, style=style, digits=digits)
    made = images(described).compute()
    told = truth(described, "writers").compute()
    sent = pickle.dumps([images(described), truth(described, "writers")])
    monkeypatch.setattr(writers, "compute_style_clusters", None)

    again = dask.compute(*pickle.loads(sent))

    assert np.array_equal(again[0], made)
    assert np.array_equal(again[1], told)
    assert set(told) <= {-1, 0, 2, 4}


@pytest.fixture(scope="module")
def client():
    """A client of two worker processes with a thread each, which are started again when they die."""
    from distributed import Client, LocalCluster  # noqa: PLC0415 - slow

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**options, scheduler_kwargs={"dashboard": False}) as cluster, Client(cluster) as client:
        yield client


@pytest.mark.slow
def test_a_worker_that_is_killed_changes_no_byte(client):
    from distributed import as_completed, futures_of  # noqa: PLC0415 - as above

    described = job(count=400, seed=3, style="natural")
    lazy = images(described, chunk_images=10).persist(scheduler=client)
    next(as_completed(futures_of(lazy)))
    holder = next(address for address, held in client.has_what().items() if held)

    pids = client.run(os.getpid)
    os.kill(pids[holder], signal.SIGKILL)

    chunk = generate_chunk(PhoneNumbers(), None, 100, count=400, seed=3, style="natural")
    assert np.array_equal(lazy.compute(scheduler=client), chunk.images)
