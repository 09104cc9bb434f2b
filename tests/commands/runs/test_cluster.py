"""Shards made by a Dask cluster: the same files as without one, whatever becomes of its workers."""

import contextlib
import dataclasses
import json
import os
import pickle
import resource
import signal
from argparse import Namespace

import numpy as np
import pytest
from patience import PATIENCE_S

from number_generator.commands.generate import generate_phone_numbers, make_dataset_parser
from number_generator.commands.output import Output
from number_generator.commands.runs.execute import Settings
from number_generator.commands.runs.plan import make_plan
from number_generator.commands.runs.request import parse_request
from number_generator.errors import ClusterError, OutputError
from number_generator.job import metadata
from number_generator.job.spec import RENDER_VERSION
from number_generator.system.signals import Interruption

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

from number_generator.commands.runs import cluster, shard_task  # noqa: E402 - where Dask is there
from number_generator.commands.runs.shard_task import ShardTask  # noqa: E402

# A cluster takes seconds to start, and is shared.
pytestmark = pytest.mark.slow

COMMAND = ["--num-images=2600", "--seed=3", "--format=hdf5", "--quiet"]


@pytest.fixture(scope="module")
def client():
    """A client of two worker processes with a thread each, which are started again when they die.

    Dask itself does not try again what a worker had begun: the command is to do it.
    """
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False}
    ) as cluster, distributed.Client(cluster, set_as_default=False) as client:  # fmt: skip
        yield client


@pytest.fixture
def run(tmp_path, monkeypatch, client):
    """Return a runner of the command in an empty folder, at a moment that stands still."""
    client.wait_for_workers(2, timeout=PATIENCE_S)  # an earlier test may have killed one
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(metadata, "time", Namespace(time=lambda: 1e9))

    def run(*arguments, scheduler=client.scheduler.address):
        chosen = [] if scheduler is None else [f"--scheduler={scheduler}"]
        return generate_phone_numbers([*COMMAND, *arguments, *chosen], Interruption())

    return run


def content_of(folder):
    """Return the bytes of all files of a folder, hidden ones as well."""
    return {path.name: path.read_bytes() for path in folder.rglob("*")}


def find_differences(made, expected):
    """Return where files of two folders differ: their lengths and the first places, by name."""
    found = {}
    for name in made.keys() & expected.keys():
        if made[name] != expected[name]:
            count = min(len(made[name]), len(expected[name]))
            one, other = (np.frombuffer(each[name], np.uint8, count) for each in (made, expected))
            found[name] = len(made[name]), len(expected[name]), np.flatnonzero(one != other)[:20].tolist()
    return found


def after_the_first(monkeypatch, do):
    """Have something done between the first answer and the second."""
    answers = cluster.ClusterShards._collect_answers

    def watched(self, tasks):
        for number, answer in enumerate(answers(self, tasks)):
            yield answer
            if number == 0:
                do(self._client)

    monkeypatch.setattr(cluster.ClusterShards, "_collect_answers", watched)


def killed(client):
    """Kill a worker that is at work."""
    busy = next((address for address, keys in client.processing().items() if keys), None)
    pids = client.run(os.getpid)
    os.kill(pids.get(busy) or next(iter(pids.values())), signal.SIGKILL)


def dropped(client):
    """Drop all tasks, as somebody else may who has the cluster restarted."""
    client.cancel([distributed.Future(key, client) for key in client.futures], force=True)


def interrupted(client):
    raise KeyboardInterrupt


@pytest.mark.parametrize("more", [["--style=natural"], ["--resume"]])
def test_a_worker_that_is_killed_changes_no_byte(run, tmp_path, monkeypatch, more):
    options = ["--shards=16", "--truth=boxes", *more]
    assert run(*options, "--output-path=alone/set.h5", "--workers=1", scheduler=None) == 0
    after_the_first(monkeypatch, killed)

    status = run(*options, "--output-path=cluster/set.h5")

    assert status == 0
    made = content_of(tmp_path / "cluster")
    alone = content_of(tmp_path / "alone")
    assert len(made) == 17
    assert made.keys() == alone.keys()
    assert find_differences(made, alone) == {}


def test_the_parts_of_a_split_are_made_in_shards(run, tmp_path):
    options = ["--split=train=0.8,val=0.2", "--shards=2"]
    assert run(*options, "--output-path=alone/set.h5", "--workers=1", scheduler=None) == 0

    assert run(*options, "--output-path=cluster/set.h5") == 0

    assert content_of(tmp_path / "cluster") == content_of(tmp_path / "alone")


def test_nothing_is_left_of_a_run_that_is_interrupted(run, tmp_path, monkeypatch):
    after_the_first(monkeypatch, interrupted)

    with pytest.raises(KeyboardInterrupt):
        run("--shards=16")

    assert content_of(tmp_path) == {}


def test_a_run_that_keeps_goes_on_from_the_shards_that_are_there(run, tmp_path, monkeypatch, capsys):
    options = ["--shards=8", "--resume", "--output-path=set.h5"]
    with monkeypatch.context() as patched:
        after_the_first(patched, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(*options)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("set-*")}

    assert run(*options) == 0

    assert before
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "Resumed: " in capsys.readouterr().out
    assert len(content_of(tmp_path)) == 9
    assert run(*options) == 0
    assert "is already complete at" in capsys.readouterr().out


def test_what_a_worker_cannot_write_is_told_once_with_its_name(run, client, tmp_path, capsys):
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    client.run(resource.setrlimit, resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    try:
        status = run("--shards=4")
    finally:
        client.run(resource.setrlimit, resource.RLIMIT_FSIZE, unlimited)

    assert status == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "error: shard " in line
    assert "on the worker tcp://127.0.0.1:" in line
    assert "File too large" in line
    assert content_of(tmp_path) == {}


def test_the_shards_of_another_command_are_not_replaced(run, tmp_path, capsys):
    assert run("--shards=2", "--output-path=set.h5") == 0
    before = content_of(tmp_path)

    assert run("--shards=2", "--output-path=set.h5") == 1
    assert "exists already" in capsys.readouterr().err
    assert run("--shards=2", "--output-path=set.h5", "--resume", "--seed=4") == 1
    assert "another command has made it: --seed was 3 and is 4" in capsys.readouterr().err
    assert content_of(tmp_path) == before
    assert run("--shards=2", "--output-path=set.h5", "--overwrite", "--seed=4") == 0
    assert content_of(tmp_path).keys() == before.keys()


def test_local_starts_processes_of_its_own(run, tmp_path):
    assert run("--workers=1", "--output-path=cluster/set.h5", scheduler="local") == 0

    assert run("--shards=1", "--output-path=alone/set.h5", "--workers=1", scheduler=None) == 0
    assert content_of(tmp_path / "cluster") == content_of(tmp_path / "alone")


def test_a_scheduler_is_found_by_its_file(run, client, tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text(json.dumps({"address": client.scheduler.address}))

    assert run("--shards=2", "--output-path=made/set.h5", scheduler=file) == 0

    assert len(content_of(tmp_path / "made")) == 3


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"address": "tcp://127.0.0.1:1"}'])
def test_a_file_that_leads_to_no_scheduler_is_told(text, run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "_REACHING_S", 0.5)
    file = tmp_path / "scheduler.json"
    file.write_text(text)

    assert run(scheduler=file) == 1

    assert f"error: the scheduler {file} cannot be reached: " in capsys.readouterr().err


def test_shards_are_one_for_each_thread_unless_there_are_few_or_very_many_images(client):
    def shards(*words):
        options = make_dataset_parser().parse_args(words)
        return cluster.choose_shards(options, parse_request(options), client)

    assert shards("--num-images=999") == 1
    assert shards("--num-images=5000") == 2
    assert shards("--num-images=10000000") == 10
    assert shards("--num-images=100000000000000") == 10_000
    assert shards("--num-images=10000000", "--split=a=0.8,b=0.2") == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard=0/2"], "--scheduler is local and --shard is 0/2: leave --shard out"),
        (["--format=npz"], "--scheduler is local and the format is npz: give --format hdf5"),
        (["--resume"], "--scheduler is local with --resume and without --shards"),
        (
            ["--workers=2", "--scheduler=tcp://x:1"],
            "--scheduler is tcp://x:1 and --workers is 2: the cluster has its own",
        ),
    ],
)
def test_options_that_a_cluster_cannot_follow_are_told(arguments, message, tmp_path, capsys):
    argv = [*COMMAND, f"--output-path={tmp_path}", "--scheduler=local", *arguments]

    assert generate_phone_numbers(argv, Interruption()) == 2

    assert message in capsys.readouterr().err


def test_a_scheduler_file_that_is_not_there_is_a_wrong_argument(run, tmp_path, capsys):
    assert run("--shards=2", scheduler="nope.json") == 2

    assert "--scheduler is 'nope.json', and there is no such file" in capsys.readouterr().err
    assert content_of(tmp_path) == {}


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "x://y:1", ""])
def test_a_scheduler_that_cannot_be_reached_is_told(address, run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "_REACHING_S", 0.5)

    assert run(scheduler=address) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert f"error: the scheduler {address} cannot be reached: " in line
    assert content_of(tmp_path) == {}


def test_workers_of_another_version_are_refused(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "list_versions", lambda: shard_task.list_versions() | {"number_generator": "9.9"})

    assert run() == 1

    assert "is 1.0.0 there and 9.9 here: install the same version on both" in capsys.readouterr().err
    assert content_of(tmp_path) == {}


def test_a_worker_of_another_version_that_comes_later_is_refused(run, monkeypatch, capsys):
    other = shard_task.list_versions() | {"the version of the pixels": 99}
    monkeypatch.setattr(cluster, "_check_versions", lambda client: None)
    monkeypatch.setattr(shard_task, "list_versions", lambda: other)

    assert run("--shards=2") == 1

    assert f"the version of the pixels is {RENDER_VERSION} there and 99 here" in capsys.readouterr().err


def test_a_cluster_without_the_package_is_refused(client, monkeypatch):
    class Bare:
        def run(self, function, on_error):
            return {"tcp://x:1": ModuleNotFoundError("No module named 'number_generator'")}

        def run_on_scheduler(self, function):
            return shard_task.list_versions()

    with pytest.raises(ClusterError, match=r"the worker tcp://x:1 cannot load number_generator .*; install it there"):
        cluster._check_versions(Bare())


def test_a_scheduler_that_goes_is_told(run, tmp_path, monkeypatch, capsys):
    after_the_first(monkeypatch, dropped)

    assert run("--shards=16") == 1

    assert "has gone, or has dropped the tasks" in capsys.readouterr().err
    assert content_of(tmp_path) == {}


def test_a_shard_whose_workers_are_all_lost_is_given_up_after_some_tries(monkeypatch):
    class Task:
        key, status, tried = "shard", "error", 1

        def exception(self):
            return distributed.scheduler.KilledWorker("shard", None, 3)

        def retry(self):
            self.tried += 1

    class Completed(list):
        def __init__(self, tasks, loop):
            super().__init__(tasks)

        add = list.append

    monkeypatch.setattr(distributed, "as_completed", Completed)
    task, client = Task(), Namespace(loop=None)
    shards = cluster.ClusterShards(Namespace(parts=[]), None, client)

    with pytest.raises(ClusterError, match="every worker that starts it is lost"):
        list(shards._collect_answers([task]))

    assert task.tried == cluster._TRIES


@pytest.fixture
def task(tmp_path):
    """A task for two shards, whose staging folder is there."""
    options = make_dataset_parser().parse_args([*COMMAND, "--shards=2", f"--output-path={tmp_path}/set.h5"])
    settings = Settings(Output(str(tmp_path / "set.h5"), "hdf5", "gzip", ()), False, False, 1, Interruption())
    staging = tmp_path / ".set.h5.0.partial"
    staging.mkdir()
    return ShardTask.from_part(make_plan(options)[0], settings, staging)


def test_a_task_can_be_carried_out_twice_by_whoever_gets_it(task):
    again = pickle.loads(pickle.dumps(task))

    first, second = task.make(1), again.make(1)

    assert (first.images, first.was_there) == (1300, False)
    assert (second.images, second.was_there) == (1300, True)
    assert [path.name for path in task.staging.iterdir()] == ["set-00001-of-00002.h5"]
    assert len(pickle.dumps(task)) < 1_100_000  # no atlas comes along


def test_a_worker_that_does_not_see_the_folder_says_so_and_makes_none(task):
    task.staging.rmdir()

    with pytest.raises(ClusterError, match="all workers must see the folder of --output-path"):
        task.make(0)

    assert not task.staging.exists()


def test_a_worker_stops_when_the_run_has_ended(task, monkeypatch):
    monkeypatch.setattr(ShardTask, "_check_wanted", lambda *_: task.staging.rename(task.staging.with_name("away")))

    with pytest.raises(OutputError):
        task.make(0)

    assert not task.staging.exists()
    monkeypatch.undo()
    with pytest.raises(OutputError, match="the run has ended"):
        task._check_wanted(5)


def test_two_workers_that_make_the_same_shard_do_not_meet(task):
    def late(self, images):
        with contextlib.suppress(StopIteration):
            next(once)
            task_again.make(0)

    once = iter([1])
    task_again = dataclasses.replace(task)
    slow = type("Slow", (ShardTask,), {"_check_wanted": late})
    slow_task = slow(**{field.name: getattr(task, field.name) for field in dataclasses.fields(task)})

    assert slow_task.make(0).images == 1300

    assert [path.name for path in task.staging.iterdir()] == ["set-00000-of-00002.h5"]
