"""One dataset of shards that were made one by one."""

import argparse

from number_generator.commands.terminal import report
from number_generator.formats.joining import index_path, index_shards
from number_generator.system.signals import Interruption


def write_index(options: argparse.Namespace, interruption: Interruption) -> None:
    """Write the file that opens as all shards together."""
    output = index_path(options.shards[0]) if options.output_path is None else options.output_path
    shards, images = index_shards(options.shards, output, overwrite=options.overwrite, interruption=interruption)
    report(f'Index of {shards} shards with {images} images written to "{output}"')
