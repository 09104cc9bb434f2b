"""A run on a Dask cluster: each shard is a task, written by the worker that makes it.

The shards go where they go without a cluster: into a staging folder beside the target, and from there into place
together; or, with `--resume`, straight into place. So all workers must see that folder. A lost worker costs only the
shards that it was making, which others make again.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from number_generator.commands.option_values import parse_split_option
from number_generator.commands.output import Output
from number_generator.commands.runs.execute import Advance, Settings, Shards
from number_generator.commands.runs.plan import Part
from number_generator.commands.runs.request import Request
from number_generator.commands.runs.shard_task import Answer, ShardTask, compare_versions, list_versions, make_shard
from number_generator.errors import ClusterError, SpecError
from number_generator.job.defaults import MAX_SHARDS
from number_generator.system.optional import import_optional

LOCAL = "local"
"""The address that means worker processes on this machine."""

_REACHING_S = 10
_SHARD_IMAGES = 1_000_000
_FEWEST_SHARD_IMAGES = 1_000
# A shard is started again when its worker is lost. After `_LOSSES` times Dask blames the shard; it is then submitted
# again, up to `_TRIES` times in all, as preemptible machines are lost all the time.
_LOSSES = 10
_TRIES = 5


def check_scheduler(options: argparse.Namespace, output: Output) -> None:
    """Raise SpecError if a cluster cannot do what the options ask for."""
    flag = f"--scheduler is {options.scheduler}"
    if options.shard is not None:
        raise SpecError(f"{flag} and --shard is {options.shard}: leave --shard out, as the cluster makes all shards")
    if output.file_format != "hdf5":
        raise SpecError(f"{flag} and the format is {output.file_format}: give --format hdf5, whose shards are tasks")
    if options.resume and options.shards is None:
        raise SpecError(
            f"{flag} with --resume and without --shards: their number depends on the number of workers, which may "
            "differ when the run is resumed; give --shards"
        )
    if options.workers is not None and options.scheduler != LOCAL:
        raise SpecError(f"{flag} and --workers is {options.workers}: the cluster has its own; leave --workers out")


def choose_shards(options: argparse.Namespace, request: Request, client: Any) -> int:
    """Choose a number of shards: at least one per thread, each of at most a million images and not too few."""
    split = parse_split_option(options)
    count = request.count if split is None else min(split.counts(request.count).values())
    threads = sum(client.nthreads().values())
    most = -(-count // _FEWEST_SHARD_IMAGES)
    return max(1, min(max(-(-count // _SHARD_IMAGES), min(threads, most)), MAX_SHARDS))


@contextlib.contextmanager
def connect(address: str, workers: int) -> Iterator[Any]:
    """Connect to a cluster whose scheduler and workers have this version, and yield the client.

    The address is that of the scheduler, such as tcp://10.0.0.1:8786; its file (`--scheduler-file`); or LOCAL, which
    starts worker processes.
    """
    distributed = _import_distributed()
    # The commands switch it off, as their processes are short-lived; but Dask's garbage would pile up.
    gc.enable()
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silence_dask())
        place = stack.enter_context(_start_local_cluster(workers)) if address == LOCAL else _reach(address)
        try:
            client = stack.enter_context(distributed.Client(place, timeout=_REACHING_S, set_as_default=False))
        except (OSError, ValueError) as exc:
            raise _unreachable_error(address, exc) from exc
        _check_versions(client)
        yield client


class ClusterShards(Shards):
    """Shards made by a cluster, whose client is a `distributed.Client`."""

    def __init__(self, parts: list[Part], settings: Settings, client: Any) -> None:
        super().__init__(parts, settings)
        self._client = client

    def _begin(self) -> None:
        super()._begin()
        # With --resume nothing goes into it. It tells workers that they see the folder, and that the run has not ended.
        self._folder = self._staging or self._open_staging()

    def run(self, advance: Advance) -> None:
        """Make all shards."""
        sent: list[Any] = []
        shards: list[Any] = []
        try:
            for part in self._parts:
                task = ShardTask.from_part(part, self._settings, self._folder.temporary_path)
                # Submitted by itself, so that it travels once to each worker, and again if it is lost.
                sent.append(self._client.submit(_return, task, pure=False))
                shards += self._client.map(make_shard, range(part.shards or 0), task=sent[-1], pure=False)
            for answer in self._collect_answers(shards):
                if answer.error is not None:
                    raise answer.error
                self.resumed += answer.images if answer.was_there and self._settings.resume else 0
                advance(answer.images)
        except BaseException:
            self._client.cancel(shards, force=True)
            raise

    def _collect_answers(self, tasks: list[Any]) -> Iterator[Answer]:
        """Yield answers as they come, and submit again what Dask gave up because too many workers were lost."""
        distributed = _import_distributed()
        tries = dict.fromkeys((task.key for task in tasks), 1)
        completed = distributed.as_completed(tasks, loop=self._client.loop)
        for task in completed:
            status = task.status
            if status in ("pending", "lost"):  # the answer was lost with its worker
                completed.add(task)
                continue
            try:
                error = task.exception()
                answer = None if error else task.result()
            except distributed.CancelledError as exc:
                where = self._client.scheduler.address
                raise ClusterError(f"the scheduler {where} has gone, or has dropped the tasks") from exc
            if answer is not None:
                yield answer
                task.release()
                continue
            is_lost = isinstance(error, distributed.scheduler.KilledWorker)
            if is_lost and tries[task.key] < _TRIES:
                tries[task.key] += 1
                task.retry()
                completed.add(task)
                continue
            why = "every worker that starts it is lost: give the workers more memory, or fewer threads"
            raise ClusterError(f"a shard cannot be made: {why if is_lost else repr(error)}") from error


def _import_distributed() -> Any:
    return import_optional("distributed", "dask", "--scheduler")


@contextlib.contextmanager
def _silence_dask() -> Iterator[None]:
    """Keep Dask from logging failures with tracebacks: the command reports them once."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _return(task: ShardTask) -> ShardTask:
    return task


def _start_local_cluster(workers: int) -> Any:
    """Start worker processes on this machine, of one thread each: if one is killed, the others lose nothing."""
    dask: Any = import_optional("dask", "dask", "--scheduler")
    try:
        with dask.config.set({"distributed.scheduler.allowed-failures": _LOSSES}):
            return _import_distributed().LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,  # a worker's memory does not grow, and Dask would kill it at a share of the machine's
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,  # as in `_silence_dask`, in the workers as well
            )
    except (OSError, RuntimeError) as exc:
        raise ClusterError(f"the workers of --scheduler local cannot be started: {exc}") from exc


def _reach(address: str) -> str:
    """Return the address of a scheduler that answers; a client that fails to connect could not be closed."""
    distributed = _import_distributed()
    if "://" not in address and address.endswith(".json") and not Path(address).is_file():
        raise SpecError(f"--scheduler is {address!r}, and there is no such file: check the name and the current folder")

    async def knock(place: str) -> None:
        arguments = distributed.Security().get_connection_args("client")
        await (await distributed.comm.connect(place, timeout=_REACHING_S, **arguments)).close()

    try:
        place = str(json.loads(Path(address).read_bytes())["address"]) if Path(address).is_file() else address
        asyncio.run(knock(place))
    except (OSError, ValueError, TypeError, KeyError, ImportError) as exc:
        raise _unreachable_error(address, exc) from exc
    return place


def _unreachable_error(address: str, exc: Exception) -> ClusterError:
    return ClusterError(
        f"the scheduler {address} cannot be reached: {exc}; give its address, as in tcp://10.0.0.1:8786, the file that "
        "its --scheduler-file names, or local"
    )


def _check_versions(client: Any) -> None:
    """Raise ClusterError if the scheduler or a worker has another version, or none."""

    # A nested function is pickled as code, and so runs where this package is not installed as well.
    def list_theirs() -> dict[str, str | int]:
        from number_generator.commands.runs.shard_task import list_versions  # noqa: PLC0415 - runs on the worker

        return list_versions()

    here = list_versions()
    try:
        found = {f"the worker {name}": answer for name, answer in client.run(list_theirs, on_error="return").items()}
        found["the scheduler"] = client.run_on_scheduler(list_theirs)
    except ImportError as exc:
        found = {"the scheduler": exc}
    except Exception as exc:
        raise ClusterError(f"the cluster cannot be asked for its versions: {exc!r}") from exc
    for who, there in found.items():
        if isinstance(there, Exception):
            raise ClusterError(
                f"{who} cannot load number_generator {here['number_generator']}: {there}; install it there"
            )
        difference = compare_versions(there, here)
        if difference:
            raise ClusterError(f"{who}: {difference}")
