"""Line images fitted to pages, as a dataset."""

import argparse

from number_generator.commands.terminal import report, show_progress
from number_generator.errors import SpecError
from number_generator.formats.conversion import check_target, choose_format, write_dataset
from number_generator.formats.reader import open_reader
from number_generator.scans.fitted_reader import FittedReader
from number_generator.scans.fitting import FitSpec
from number_generator.system.checks import format_value
from number_generator.system.signals import Interruption
from number_generator.system.threads import check_workers

_NAMES = {"height": "--image-height", "width": "--image-width", "contrast": "--contrast"}


def fit_dataset(options: argparse.Namespace, interruption: Interruption) -> None:
    """Write the lines, each fitted to its page."""
    target = check_target(options.output, "--output")
    file_format = choose_format(target, options.format)
    labels = tuple(kind.strip() for kind in options.labels.split(",")) if options.labels else ()
    spec, workers = _parse_spec(options), check_workers(options.workers, "--workers")
    with open_reader(options.source) as reader, show_progress(len(reader), quiet=options.quiet) as bar:
        write_dataset(
            FittedReader(reader, spec),
            target,
            file_format,
            labels=labels,
            compression=options.compression,
            overwrite=options.overwrite,
            workers=workers,
            interruption=interruption,
            advance=bar.update,
        )
        count = len(reader)
    report(f'{count} lines fitted and written as {file_format} at "{options.output}"')


def _parse_spec(options: argparse.Namespace) -> FitSpec:
    """Return how lines are fitted, or raise SpecError that names the option."""
    width = None if options.image_width == "auto" else _parse_number(options.image_width)
    contrast = None
    if options.contrast != "none":
        contrast = tuple(map(_parse_number, options.contrast.split(",")))
    try:
        return FitSpec(options.image_height, width, options.ink, contrast, options.fit, options.background)  # type: ignore[arg-type] # it checks
    except SpecError as exc:
        name, verb, rest = str(exc).partition(" is ")
        if name == "contrast":
            rest = f"{options.contrast!r}: give two percentiles from 0 to 100, the smaller one first, as 1,50, or none"
        raise SpecError(f"{_NAMES.get(name, name)}{verb}{rest}") from exc


def _parse_number(text: str) -> float | int:
    """Return a number, or raise SpecError."""
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise SpecError(
            f"{format_value(text)} is no number: give numbers, auto for the width, or none for the contrast"
        ) from None
