"""`python -m number_generator`: commands that show styles and datasets, convert and build."""

import argparse
import sys

from number_generator._version import __version__
from number_generator.commands.convert import add_convert
from number_generator.commands.digits import add_digits
from number_generator.commands.index import add_index
from number_generator.commands.inspect import add_inspect
from number_generator.commands.preview import add_preview
from number_generator.commands.terminal import USAGE, run_guarded
from number_generator.system.signals import Interruption


def main(argv: list[str], interruption: Interruption) -> int:
    """Run the command that the first argument names; parameters and result are as for the functions of `generate`."""
    parser, commands = make_command_parser()
    if not argv:
        parser.print_help(sys.stderr)
        return USAGE
    if argv[0] in commands.choices:
        chosen: argparse.ArgumentParser = commands.choices[argv[0]]
        return run_guarded(chosen, argv[1:], interruption)
    parser.parse_args(argv)
    return parser.error("give a command first")


def make_command_parser() -> "tuple[argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]]":
    """Return the parser of `python -m number_generator`, and the action that holds the parsers of its commands."""
    parser = argparse.ArgumentParser(
        prog="python -m number_generator",
        description="Show styles and datasets, convert datasets, and build digits.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"number_generator {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    add_preview(commands)
    add_convert(commands)
    add_digits(commands)
    add_index(commands)
    add_inspect(commands)
    return parser, commands
