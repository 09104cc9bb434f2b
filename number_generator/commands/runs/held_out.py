"""The real lines that a run leaves out, written as a dataset of their own."""

import os
from pathlib import Path

from number_generator.commands.output import Output
from number_generator.commands.runs.execute import Settings
from number_generator.commands.runs.request import Request
from number_generator.formats.conversion import write_dataset
from number_generator.formats.dataset import GenericDataset
from number_generator.formats.memory_reader import PagesReader
from number_generator.job.defaults import LOWEST_PAGE
from number_generator.scans.real_lines import hold_out, load_lines

_PART = "held-out"


def write_held_out(request: Request, output: Output, settings: Settings) -> tuple[str, int] | None:
    """Write the lines that `--real-holdout` leaves out, as they are; return where they are, and their number.

    They are written before the run begins: a run that is resumed finds them.
    """
    real = request.real
    if real is None or not real.holdout:
        return None
    real.check()
    target = output.of_part(_PART)
    _, held = hold_out(load_lines(real.source, LOWEST_PAGE, LOWEST_PAGE), real.holdout)
    if not held or (settings.resume and os.path.lexists(target)):
        return (target, len(held)) if held else None
    source = GenericDataset(real.source)
    images, labels = zip(*(source[number] for number in held), strict=True)
    reader = PagesReader(list(images), list(labels), {}, (), Path(real.source))
    write_dataset(
        reader,
        Path(target),
        output.file_format,
        labels=output.labels,
        compression=output.compression,
        overwrite=settings.overwrite,
        metadata={"held_out_of": os.fspath(real.source), "share": real.holdout},
        interruption=settings.interruption,
    )
    return target, len(held)
