"""The real lines that a run leaves out, written as a dataset of their own."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from number_generator.commands.output import Output
from number_generator.commands.runs.execute import Settings
from number_generator.commands.runs.request import Request
from number_generator.errors import NumberGeneratorError, OutputExistsError, SpecError
from number_generator.formats.conversion import write_dataset
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.memory_reader import PagesReader
from number_generator.job.defaults import LOWEST_PAGE
from number_generator.scans.real_lines import hold_out, load_lines

_PART = "held-out"


@dataclass(frozen=True)
class HeldOut:
    """Lines that a run leaves out: which ones, and where they go."""

    source: Any
    numbers: tuple[int, ...]
    metadata: dict[str, Any]
    target: str
    settings: Settings

    def write(self) -> None:
        """Write them as they are, unless they are there: other tasks of a job array may have written them."""
        if self._is_there():
            return
        dataset, output = GenericDataset(self.source), self.settings.output
        images, labels = zip(*(dataset[number] for number in self.numbers), strict=True)
        try:
            write_dataset(
                PagesReader(list(images), list(labels), {}, (), Path(self.source)),
                Path(self.target),
                output.file_format,
                labels=output.labels,
                compression=output.compression,
                overwrite=self.settings.overwrite,
                metadata=self.metadata,
                interruption=self.settings.interruption,
            )
        except OutputExistsError:
            if not self._is_there():  # written at the same time
                raise

    def check(self) -> None:
        """Raise OutputExistsError if anything else is where they go, and may not be replaced."""
        if os.path.lexists(self.target) and not self.settings.overwrite and not self._is_there():
            raise OutputExistsError(
                f"{self.target} exists already, and is not what --real-holdout {self.metadata['share']:g} leaves out: "
                "allow overwriting (--overwrite), or give another --output-path"
            )

    def _is_there(self) -> bool:
        if not os.path.lexists(self.target):
            return False
        try:
            found = GenericDataset(self.target).get_metadata()
        except NumberGeneratorError:  # it is something else
            return False
        return bool(found.get("lines_sha256") == self.metadata["lines_sha256"])


def find_held_out(request: Request, output: Output, settings: Settings, places: Sequence[str]) -> HeldOut | None:
    """Find the lines that `--real-holdout` leaves out; None if there are none. `places` are where the images go."""
    real = request.real
    if real is None or not real.holdout:
        return None
    target = output.of_part(_PART)
    if target in places:
        raise SpecError(
            f"--split has a part named {_PART!r}, and what --real-holdout leaves out goes to {target}: give the part "
            "another name"
        )
    real.check()
    lines = load_lines(real.source, LOWEST_PAGE, LOWEST_PAGE)
    _, held = hold_out(lines, real.holdout)
    if not held:
        return None
    metadata = {
        "held_out_of": os.fspath(real.source),
        "share": real.holdout,
        "lines_sha256": lines.take(held).sha256,
    }
    found = HeldOut(real.source, tuple(held), metadata, target, settings)
    found.check()
    return found
