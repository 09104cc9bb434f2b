"""A dataset written in another format."""

import argparse
import contextlib

from number_generator.commands.terminal import report, show_progress, tell
from number_generator.commands.work.space import SAMPLED_IMAGES, check_space
from number_generator.errors import SpecError
from number_generator.formats.conversion import check_target, choose_format, format_losses, write_dataset
from number_generator.formats.gathering import FORMAT, gather_parts
from number_generator.formats.reader import open_reader
from number_generator.formats.registry import FORMATS, check_storage, count_files
from number_generator.system.signals import Interruption
from number_generator.system.threads import check_workers


def convert_dataset(options: argparse.Namespace, interruption: Interruption) -> None:
    """Write the dataset, and say what its new format cannot hold."""
    if len(options.source) > 1:
        _gather(options, interruption)
        return
    (source,) = options.source
    target = check_target(options.target)
    file_format = choose_format(target, options.format)
    labels = tuple(kind.strip() for kind in options.labels.split(",")) if options.labels else ()
    workers = check_workers(options.workers, "--workers")
    with open_reader(source) as reader, show_progress(len(reader), quiet=options.quiet) as bar:
        check_space(
            options.target,
            file_format,
            options.compression or FORMATS[file_format].compressions[0],
            reader.array_shape,
            reader.fields,
            lambda: reader.cut_images(0, min(SAMPLED_IMAGES, len(reader))),
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


def _gather(options: argparse.Namespace, interruption: Interruption) -> None:
    """Write several datasets as the parts of one folder."""
    target = check_target(options.target)
    if options.format != FORMAT:
        raise SpecError(
            f"{len(options.source)} datasets are given to convert: only --format {FORMAT} holds several, as the parts "
            "of a split; convert the others one by one"
        )
    choose_format(target, options.format)
    check_storage(FORMAT, options.compression, options.labels.split(",") if options.labels else (), "", prefix="--")
    parts = options.part.split(",") if options.part else [None] * len(options.source)
    if len(parts) != len(options.source):
        raise SpecError(
            f"--part is {options.part!r} and {len(options.source)} datasets are given: name the part of each"
        )
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(open_reader(source)) for source in options.source]
        count = sum(map(len, readers))
        names = gather_parts(
            readers,
            target,
            parts=parts,
            shards=options.shards,
            shard_size=options.shard_size,
            overwrite=options.overwrite,
            interruption=interruption,
            advance=stack.enter_context(show_progress(count, quiet=options.quiet)).update,
            workers=check_workers(options.workers, "--workers"),
        )
    in_parts = f"in {len(names)} parts ({', '.join(names)})"
    report(f'Dataset with {count} images {in_parts} written as {FORMAT} at "{options.target}"')
