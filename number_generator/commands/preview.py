"""`python -m number_generator preview`: its arguments."""

import argparse

from number_generator.commands.options import add_set_option
from number_generator.job.defaults import SHEET_IMAGES, SHEET_WIDTH


def add_preview(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m number_generator`."""
    text = "Draw a contact sheet, labelled images side by side, of a style or a dataset."
    parser = commands.add_parser("preview", help="draw a contact sheet", description=text, allow_abbrev=False)
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="clean, natural or document, a style file that ends in .toml, or a dataset of any format that `convert` "
        "reads",
    )
    parser.add_argument(
        "sheet",
        metavar="SHEET.png",
        help="the file to write; its folder is created if missing, and an earlier file is replaced",
    )
    parser.add_argument(
        "--count",
        type=int,
        default=SHEET_IMAGES,
        metavar="N",
        help="number of images, up to 10,000; those of a dataset are spread evenly over it (default: %(default)s)",
    )
    parser.add_argument(
        "--width",
        type=int,
        default=SHEET_WIDTH,
        metavar="PX",
        help="for a style: width of each image, in px (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="for a style: integer from 0 to 2**64 - 1; the same seed gives the same sheet (default: %(default)s)",
    )
    add_set_option(parser)
    parser.set_defaults(work="number_generator.commands.work.preview:draw_preview")
