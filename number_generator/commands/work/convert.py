"""A dataset written in another format."""

import argparse

from number_generator.commands.terminal import report, show_progress, tell
from number_generator.commands.work.space import SAMPLED_IMAGES, check_space
from number_generator.formats.conversion import check_target, choose_format, format_losses, write_dataset
from number_generator.formats.reader import open_reader
from number_generator.formats.registry import FORMATS, count_files
from number_generator.system.signals import Interruption
from number_generator.system.threads import check_workers


def convert_dataset(options: argparse.Namespace, interruption: Interruption) -> None:
    """Write the dataset, and say what its new format cannot hold."""
    target = check_target(options.target)
    file_format = choose_format(target, options.format)
    labels = tuple(kind.strip() for kind in options.labels.split(",")) if options.labels else ()
    workers = check_workers(options.workers, "--workers")
    with open_reader(options.source) as reader, show_progress(len(reader), quiet=options.quiet) as bar:
        check_space(
            options.target,
            file_format,
            options.compression or FORMATS[file_format].compressions[0],
            reader.array_shape,
            reader.fields,
            lambda: reader.images(0, min(SAMPLED_IMAGES, len(reader))),
            labels=labels,
        )
        lost = write_dataset(
            reader,
            target,
            file_format,
            labels=labels,
            compression=options.compression,
            overwrite=options.overwrite,
            part=options.part,
            shards=count_files(file_format, len(reader), options.shards, options.shard_size, prefix="--"),
            workers=workers,
            interruption=interruption,
            advance=bar.update,
        )
        count = len(reader)
    if lost:
        tell(format_losses(file_format, lost))
    report(f'Dataset with {count} images written as {file_format} at "{options.target}"')
