"""The terminal: results on stdout, errors as one line on stderr and an exit status. Only this module prints."""

import argparse
import os
import pkgutil
import re
import sys
from typing import Any, TextIO

from number_generator._version import __version__
from number_generator.errors import NumberGeneratorError, SpecError
from number_generator.system.signals import Interruption

FAILED = 1
"""The exit status of a run that failed."""
USAGE = 2
"""The exit status of a wrong argument."""


# A value, although argparse takes all but plain negative numbers for options: -5,3 and -?\d{3}, but not --seed or -h.
_VALUE = re.compile(r"-(?!-?[A-Za-z]|-?$)")


class ArgumentParser(argparse.ArgumentParser):
    """A parser whose options take values that begin with a dash: `--sequence -5,3` means `--sequence=-5,3`."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments as `argparse` does, after joining such values to their options."""
        words: list[str] = []
        for word in sys.argv[1:] if args is None else args:
            option = self._option_string_actions.get(words[-1]) if words else None
            if option is not None and option.nargs is None and _VALUE.match(word) and "--" not in words:
                words[-1] += f"={word}"
            else:
                words.append(word)
        return super().parse_known_args(words, namespace)


def make_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of a command, with `--version` and without abbreviations."""
    parser = ArgumentParser(prog=name, description=description, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def run_guarded(parser: argparse.ArgumentParser, argv: list[str], interruption: Interruption) -> int:
    """Parse the arguments, carry the command out, and turn errors into an exit status and one line on stderr.

    The parser's default `work` names the function that carries the command out, as in "package.module:function"; it
    takes the options and the interruption, which removes unfinished files. Its module is imported only now, as it may
    be heavy, and `--help` must not wait for it.
    """
    options = parser.parse_args(argv)
    try:
        pkgutil.resolve_name(options.work)(options, interruption)
        sys.stdout.flush()
    except SpecError as exc:
        parser.print_usage(sys.stderr)
        print(f"{parser.prog}: error: {exc}", file=sys.stderr)
        return USAGE
    except NumberGeneratorError as exc:
        print(f"{parser.prog}: error: {exc}", file=sys.stderr)
        return FAILED
    except OSError as exc:
        # File errors have been translated by now, so this is stdout: its reader has gone, or its disk is full.
        # Nothing more can be written there, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"{parser.prog}: error: cannot write to standard output: {exc.strerror}", file=sys.stderr)
        return FAILED
    except MemoryError:
        print(f"{parser.prog}: error: out of memory: give fewer --workers or a smaller job", file=sys.stderr)
        return FAILED
    return 0


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print a line on stdout or another stream, whatever its encoding."""
    try:
        print(text, flush=True, file=to)
    except UnicodeEncodeError:  # a file name that the terminal cannot show
        print(text.encode("ascii", "backslashreplace").decode("ascii"), flush=True, file=to)


def say_title(title: str, rule: int) -> None:
    """Print a title between two rules of `rule` dashes."""
    say(f"{'-' * rule}\n{title}\n{'-' * rule}")


def show_progress(count: int, *, quiet: bool) -> Any:
    """Return a progress bar on stderr, with images/s and the time left; it stays hidden if stderr is not a terminal."""
    from tqdm import tqdm  # noqa: PLC0415 - every parser needs this module, and few commands a bar

    tqdm.monitor_interval = 0  # its monitor thread only matters for bars that stand still
    return tqdm(total=count, unit=" images", unit_scale=True, dynamic_ncols=True, disable=True if quiet else None)
