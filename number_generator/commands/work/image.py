"""One number drawn into a PNG file."""

import argparse
import os
import time
from pathlib import Path

from number_generator.commands.runs.request import parse_render_spec
from number_generator.commands.terminal import report, report_title
from number_generator.errors import SpecError
from number_generator.formats.ownership import check_option_folder
from number_generator.formats.png.single import save_png
from number_generator.formats.registry import find_format, find_other_ending
from number_generator.job.defaults import SHEET_IMAGES
from number_generator.numbers.sequences import ALPHABET, WRITTEN, FixedNumbers, pack_sequences
from number_generator.system.checks import check_seed
from number_generator.system.signals import Interruption

_LONGEST_FILE_NAME = 255  # bytes
_IN_NO_NAME = frozenset("/:*" if os.name == "nt" else "/")


def make_image(options: argparse.Namespace, interruption: Interruption) -> None:
    """Draw the number that the options give, or, with `--preview`, a contact sheet of it."""
    begun = time.perf_counter()
    sequence = options.sequence
    spec = parse_render_spec(options)
    target = _choose_target(options)
    seed = check_seed(options.seed, "--seed")
    count = 1 if options.preview is None else SHEET_IMAGES
    numbers = FixedNumbers(pack_sequences([sequence] * count))
    if options.preview is None:
        report_title("Digits sequence generator", 27)
        report(f'Synthesizing image for digits sequence "{sequence}" ...')
    # Compiled code loads once the options are known to be right.
    from number_generator.commands.work.drawing import draw_images, draw_sheet  # noqa: PLC0415 - loads compiled code

    if options.preview is not None:
        draw_sheet(options, numbers, spec, seed, count, interruption)
        return
    image = draw_images(options, numbers, spec, seed, count).images[0]
    save_png(image, Path(target), interruption)
    report(
        f'Image of dimensions {image.shape[1]} x {image.shape[0]} generated successfully at "{target}", '
        f"process took {time.perf_counter() - begun:.1f} seconds..."
    )


def _choose_target(options: argparse.Namespace) -> str:
    """Return the file to write, or raise SpecError if the sequence cannot be drawn or names no file."""
    sequence, path = options.sequence, options.output_path
    if not set(sequence) <= set(ALPHABET):
        raise SpecError(f"--sequence is {sequence!r}: give {WRITTEN}")
    # Unlike Path.is_dir, this is false where the system reports an error, such as for a name that is too long.
    if path.lower().endswith(".png") and not os.path.isdir(path):  # noqa: PTH112 - see above
        return str(path)
    if not os.path.isdir(path) and (find_other_ending(path) or find_format(path)):  # noqa: PTH112 - see above
        raise SpecError(
            f"--output-path is {path!r}, and a PNG image is written: give a name that ends in .png, or a folder"
        )
    if options.preview is None:
        check_option_folder(path, "--output-path")
        if not _IN_NO_NAME.isdisjoint(sequence):
            raise SpecError(
                f"--sequence is {sequence!r}, which makes no file name: give one with --output-path FILE.png"
            )
        if not sequence:
            raise SpecError("--sequence is empty, which makes no file name: give one with --output-path FILE.png")
        if len(f"{sequence}.png".encode()) > _LONGEST_FILE_NAME:
            raise SpecError(
                f"--sequence has {len(sequence)} digits, too many for a file name: give one with --output-path FILE.png"
            )
    return os.path.join(path, f"{sequence}.png")  # noqa: PTH118 - keeps the "./" that the command has always shown
