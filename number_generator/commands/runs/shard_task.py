"""One shard as a task of a cluster: what a worker receives, does and answers."""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from number_generator._version import __version__
from number_generator.commands.output import Output
from number_generator.commands.runs.execute import Settings, make_part
from number_generator.commands.runs.plan import Part
from number_generator.commands.runs.resume import find_journal, is_complete
from number_generator.errors import ClusterError, MemoryLimitError, NumberGeneratorError, OutputError, OutputExistsError
from number_generator.job.handwriting import STYLE_VERSION
from number_generator.job.spec import RENDER_VERSION
from number_generator.system.signals import Interruption


@dataclass(frozen=True)
class Answer:
    """The outcome of a task."""

    images: int  # that the shard holds
    was_there: bool = False  # whether an earlier task or run had made it
    error: NumberGeneratorError | None = None  # why it could not be made; raised on the worker, it would be logged


@dataclass(frozen=True, eq=False)
class ShardTask:
    """What a worker needs to make any shard of a part."""

    part: Part  # its target is absolute, as each worker has a working folder of its own
    output: Output
    overwrite: bool
    staging: Path  # a folder that exists as long as the run does; the shards go into it
    is_kept: bool  # whether shards go into their final places instead, where the next run finds them
    versions: dict[str, str | int]  # those of the run, see `list_versions`

    @classmethod
    def from_part(cls, part: Part, settings: Settings, staging: Path) -> "ShardTask":
        """Make the task for the shards of a part."""
        target = os.path.abspath(part.target)  # noqa: PTH100 - a text, as it is in a part
        return cls(
            dataclasses.replace(part, target=target),
            settings.output,
            settings.overwrite and settings.resume,
            staging.absolute(),
            settings.resume,
            list_versions(),
        )

    def make(self, number: int) -> Answer:
        """Make a shard, unless it is there."""
        difference = compare_versions(list_versions(), self.versions)
        if difference:
            raise ClusterError(difference)
        if not self.staging.is_dir():
            raise ClusterError(
                f"there is no folder {self.staging}: all workers must see the folder of --output-path under the same "
                "name, on a file system that they share; or the run has ended"
            )
        shard = self.part.shard(number)
        path = Path(shard.target)
        path = path if self.is_kept else self.staging / path.name
        # Only a run without a cluster leaves a journal.
        resume = self.is_kept and find_journal(path).exists()
        settings = Settings(self.output, self.overwrite, resume, 1, Interruption(), has_remains=True)
        if self._is_there(shard, path):
            return Answer(len(shard.job.span), was_there=True)
        try:
            make_part(shard, path, settings, self._check_wanted)
        except OutputExistsError:
            # A worker that was taken for lost may have continued, and made the same file.
            if not self._is_there(shard, path):
                raise
        return Answer(len(shard.job.span))

    def _is_there(self, shard: Part, path: Path) -> bool:
        """Tell whether a shard is complete: a file has its name only then."""
        if not self.is_kept:
            return path.exists()
        return is_complete(path, shard.header.metadata, overwrite=self.overwrite)

    def _check_wanted(self, images: int) -> None:
        """Stop if the run has ended, and nobody would move the shard into place."""
        if not self.is_kept and not self.staging.is_dir():
            raise OutputError(f"{self.staging} has gone: the run has ended")


def make_shard(number: int, task: ShardTask) -> Answer:
    """Make a shard on a worker; its errors are part of the answer."""
    error: NumberGeneratorError
    try:
        return task.make(number)
    except NumberGeneratorError as exc:
        error = exc
    except MemoryError:
        error = MemoryLimitError("out of memory: give the workers more memory, or fewer threads")
    from distributed import get_worker  # noqa: PLC0415 - an extra, which is there where a task runs

    return Answer(0, error=type(error)(f"shard {number} on the worker {get_worker().address}: {error}"))


def list_versions() -> dict[str, str | int]:
    """Return what must be the same wherever images of one job are made."""
    return {
        "number_generator": __version__,
        "the version of the pixels": RENDER_VERSION,
        "the version of the styles": STYLE_VERSION,
    }


def compare_versions(there: dict[str, str | int], here: dict[str, str | int]) -> str:
    """Return how the versions of a worker differ from those of the run; empty if they do not."""
    differing = [
        f"{name} is {there.get(name)} there and {here[name]} here" for name in here if there.get(name) != here[name]
    ]
    return f"{', '.join(differing)}: install the same version on both" if differing else ""
