"""A command of `generate-phone-numbers` as text, as datasets record it."""

import argparse
import os
import shlex
from typing import NoReturn

from number_generator.commands.generate import make_dataset_parser
from number_generator.errors import SpecError
from number_generator.job.defaults import PROGRAM

_RECORDED = frozenset(
    f"--{name}"
    for name in (
        *("num-images", "min-spacing", "max-spacing", "image-width", "image-height", "format", "compression", "fit"),
        *("seed", "digits", "shard-size"),
        *("label", "labels", "truth", "split", "shards", "shard", "style", "set", "pattern", "lengths", "country"),
        *("sequences", "column", "delimiter", "order", "paper"),
        *("real", "real-share", "real-set", "real-balance", "real-holdout"),
    )
)
"""The options that a recorded command may have, each with its value in one word, beside `--dashes` and `--color`."""
_MOST_CHARACTERS = 1 << 16


def split_recorded(command: object) -> list[str]:
    """Return the words of a command as this package records it; none of anything else.

    So a command of a file names no program, output, preview or file of a style that this package would not record.
    """
    if not isinstance(command, str) or len(command) > _MOST_CHARACTERS:
        return []
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    return words if words[:1] == [PROGRAM] and all(map(_is_recorded, words[1:])) else []


def _is_recorded(word: str) -> bool:
    """Tell whether a word is an option as it is recorded."""
    name, equals, value = word.partition("=")
    if name == "--style" and value.lower().endswith(".toml"):
        return False  # the parameters themselves are recorded
    return bool(equals and name in _RECORDED) or word in ("--dashes", "--color")


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
    for word in ("-h", "--help", "--version"):  # argparse prints an answer and ends the process
        if word in words:
            reject(f"{word} makes no images")
    if words and os.path.basename(words[0]) in (PROGRAM, f"{PROGRAM}.py"):  # noqa: PTH119 - as it is written
        del words[0]
    return parser.parse_args(words)
