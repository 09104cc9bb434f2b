"""The contact sheet of a style or of a dataset."""

import argparse

from number_generator.commands.runs.request import choose_style
from number_generator.commands.terminal import report, tell
from number_generator.contact_sheets import MAX_COUNT, draw_dataset_sheet, draw_style_sheet, find_style
from number_generator.errors import SpecError
from number_generator.formats.png.single import check_png_path, save_png
from number_generator.job.defaults import HIGHEST_PAGE, LOWEST_PAGE
from number_generator.job.spec import MAX_WIDTH
from number_generator.system.checks import check_integer, check_seed
from number_generator.system.signals import Interruption


def draw_preview(options: argparse.Namespace, interruption: Interruption) -> None:
    """Draw the sheet and save it."""
    path = check_png_path(options.sheet, "SHEET.png")
    count = check_integer("--count", options.count, 1, MAX_COUNT)
    width = check_integer("--width", options.width, 1, MAX_WIDTH)
    height = options.height
    if height is not None:
        check_integer("--height", height, LOWEST_PAGE, HIGHEST_PAGE)
    seed = check_seed(options.seed, "--seed")
    style = find_style(options.source)
    for flag, given in {"--set": options.settings, "--paper": options.paper, "--color": options.color}.items():
        if style is None and given:
            raise SpecError(f"{flag} is given and SOURCE is a dataset, which has no style: leave {flag} out")
    if style is None:
        sheet = draw_dataset_sheet(options.source, count)
    else:
        from number_generator.digits.resolve import default_digits  # noqa: PLC0415 - a dataset needs no digits
        from number_generator.rendering.compilation import compile_kernels  # noqa: PLC0415 - a dataset needs no kernels

        style = choose_style(style, options)
        compile_kernels(style, tell, color=options.color, in_processes=True)
        digits = default_digits(isolated=True)
        sheet = draw_style_sheet(style, count, width, seed, digits=digits, image_height=height, color=options.color)
    save_png(sheet, path, interruption)
    report(f'Contact sheet of {sheet.shape[1]} x {sheet.shape[0]} px drawn at "{options.sheet}"')
