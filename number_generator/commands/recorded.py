"""A command of `generate-phone-numbers` as text, as datasets record it."""

import argparse
import os
import shlex
from typing import NoReturn

from number_generator.commands.generate import make_dataset_parser
from number_generator.errors import SpecError
from number_generator.job.defaults import PROGRAM


def parsed_command(text: str) -> argparse.Namespace:
    """Return the options of a command.

    Parameters
    ----------
    text : str
        The command as typed in a shell; the name of the program may be left out.

    Raises
    ------
    SpecError
        If it is not a valid command.
    """

    def reject(message: str) -> NoReturn:
        raise SpecError(f"the command {text!r}: {message}; give the options of {PROGRAM}")

    parser = make_dataset_parser()
    parser.error = reject  # type: ignore[method-assign] # argparse's own ends the process
    try:
        words = shlex.split(text)
    except ValueError as exc:
        reject(str(exc))
    if words and os.path.basename(words[0]) in (PROGRAM, f"{PROGRAM}.py"):  # noqa: PTH119 - as it is written
        del words[0]
    return parser.parse_args(words)
