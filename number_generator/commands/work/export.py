"""Datasets with boxes, exported for detectors and layout tools."""

import argparse
from contextlib import ExitStack

from number_generator.commands.terminal import report, show_progress
from number_generator.exports.export import export_parts, open_parts
from number_generator.formats.conversion import check_target
from number_generator.system.signals import Interruption
from number_generator.system.threads import check_workers


def export_datasets(options: argparse.Namespace, interruption: Interruption) -> None:
    """Write the export, and say what it holds."""
    target, workers = check_target(options.target), check_workers(options.workers, "--workers")
    with ExitStack() as stack:
        parts = open_parts(options.sources, stack)
        count = sum(map(len, parts.values()))
        with show_progress(count, quiet=options.quiet) as bar:
            export_parts(
                parts,
                target,
                options.format,
                overwrite=options.overwrite,
                workers=workers,
                interruption=interruption,
                advance=bar.update,
            )
        each = ", ".join(f"{len(reader)} of {part}" for part, reader in parts.items())
    report(f'{count} images ({each}) exported as {options.format} to "{options.target}"')
