"""A command of `generate-phone-numbers` as a text, such as datasets record it."""

import argparse
import os
import shlex
from typing import NoReturn

from number_generator.commands.generate import make_dataset_parser
from number_generator.errors import SpecError

__all__ = ["parsed_command"]

_PROGRAM = "generate-phone-numbers"


def parsed_command(text: str) -> argparse.Namespace:
    """Give the options of a command, as its parser does.

    Parameters
    ----------
    text : str
        As a shell takes it; the name of the program may be left out.

    Raises
    ------
    SpecError
        If it is no such command.
    """

    def refuse(message: str) -> NoReturn:
        raise SpecError(f"the command {text!r}: {message}; give what {_PROGRAM} takes")

    parser = make_dataset_parser()
    parser.error = refuse  # type: ignore[method-assign]  # its own ends the process
    try:
        words = shlex.split(text)
    except ValueError as exc:
        refuse(str(exc))
    if words and os.path.basename(words[0]) in (_PROGRAM, f"{_PROGRAM}.py"):  # noqa: PTH119 - as it is written
        del words[0]
    return parser.parse_args(words)
