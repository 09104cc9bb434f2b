"""A shard as a task of a cluster: what a worker is told, what it does, and what it answers."""

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

__all__ = ["Answer", "ShardTask", "compare_versions", "list_versions", "make_shard"]


@dataclass(frozen=True)
class Answer:
    """What has become of a shard.

    Attributes
    ----------
    images : int
        How many it holds.
    was_there : bool
        Whether an earlier task or run had made it.
    error : NumberGeneratorError or None
        Why it could not be made. It is told, and not raised there, as workers log what is raised.
    """

    images: int
    was_there: bool = False
    error: NumberGeneratorError | None = None


@dataclass(frozen=True, eq=False)
class ShardTask:
    """What a worker needs to make any shard of a part.

    Attributes
    ----------
    part : Part
        Its target is absolute: each worker has a folder of its own.
    output : Output
    overwrite : bool
    staging : Path
        A folder that is there for as long as the run lives. The shards go into it.
    is_kept : bool
        Whether shards go into their places instead, where the next run finds them.
    versions : dict
        Of whoever gives the order.
    """

    part: Part
    output: Output
    overwrite: bool
    staging: Path
    is_kept: bool
    versions: dict[str, str | int]

    @classmethod
    def of(cls, part: Part, settings: Settings, staging: Path) -> "ShardTask":
        """Give the order for the shards of a part."""
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
        """Make a shard, unless it is there.

        Raises
        ------
        ClusterError
            If the worker has another version, or does not see the folder.
        OutputError
            If the shard cannot be written.
        """
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
        # A journal is there only if a run without a cluster has left it.
        resume = self.is_kept and find_journal(path).exists()
        settings = Settings(self.output, self.overwrite, resume, 1, Interruption(), has_remains=True)
        if self._is_there(shard, path, settings):
            return Answer(len(shard.job.span), was_there=True)
        try:
            make_part(shard, path, settings, self._check_wanted)
        except OutputExistsError:
            # A worker that was taken for lost may have gone on, and made the same file.
            if not self._is_there(shard, path, settings):
                raise
        return Answer(len(shard.job.span))

    def _is_there(self, shard: Part, path: Path, settings: Settings) -> bool:
        """Tell whether a shard is whole: a file has its name only then."""
        if not self.is_kept:
            return path.exists()
        return is_complete(path, shard.header.metadata, overwrite=settings.overwrite)

    def _check_wanted(self, images: int) -> None:
        """Stop where the run has ended, and nobody would move the shard into place."""
        if not self.is_kept and not self.staging.is_dir():
            raise OutputError(f"{self.staging} has gone: the run has ended")


def make_shard(number: int, order: ShardTask) -> Answer:
    """Carry out an order for one of its shards: the task itself."""
    error: NumberGeneratorError
    try:
        return order.make(number)
    except NumberGeneratorError as exc:
        error = exc
    except MemoryError:
        error = MemoryLimitError("out of memory: give the workers more of it, or fewer threads")
    from distributed import get_worker  # noqa: PLC0415 - where a task runs, it is there

    return Answer(0, error=type(error)(f"shard {number} on the worker {get_worker().address}: {error}"))


def list_versions() -> dict[str, str | int]:
    """Give what must be the same wherever images of one job are made."""
    return {
        "number_generator": __version__,
        "the version of the pixels": RENDER_VERSION,
        "the version of the styles": STYLE_VERSION,
    }


def compare_versions(there: dict[str, str | int], here: dict[str, str | int]) -> str:
    """Say in what a worker differs from whoever gives orders; nothing, if it does not."""
    differing = [
        f"{name} is {there.get(name)} there and {here[name]} here" for name in here if there.get(name) != here[name]
    ]
    return f"{', '.join(differing)}: install the same version on both" if differing else ""
