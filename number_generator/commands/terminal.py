"""The terminal: results on stdout, errors as one line on stderr and an exit status. Only this module prints."""

import argparse
import contextlib
import errno
import os
import pkgutil
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from number_generator._version import __version__
from number_generator.errors import NumberGeneratorError, SpecError, make_printable
from number_generator.system.signals import Interruption

FAILED = 1
"""The exit status of a run that failed."""
USAGE = 2
"""The exit status of a wrong argument."""

_LONGEST_REASON = 1000
# Of the dynamic linker
_NO_MEMORY = ("failed to map segment", "cannot allocate memory", "Cannot allocate memory")


def make_parser(name: str, description: str) -> argparse.ArgumentParser:
    """Return the parser of a command, with `--version` and without abbreviations."""
    parser = argparse.ArgumentParser(prog=name, description=description, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


class _StandardOutputError(Exception):
    """Why standard output cannot be written: its reader has gone, or its disk is full."""


def run_guarded(parser: argparse.ArgumentParser, argv: list[str], interruption: Interruption) -> int:
    """Parse the arguments, carry the command out, and turn errors into an exit status and one line on stderr.

    The parser's default `work` names the function that carries the command out, as in "package.module:function"; it
    takes the options and the interruption, which removes unfinished files. Its module is imported only now, as it may
    be heavy, and `--help` must not wait for it.
    """
    options = parser.parse_args(argv)
    try:
        pkgutil.resolve_name(options.work)(options, interruption)
        with _watch_output():
            sys.stdout.flush()
    except SpecError as exc:
        parser.print_usage(sys.stderr)
        print(f"{parser.prog}: error: {exc}", file=sys.stderr)
        return USAGE
    except NumberGeneratorError as exc:
        print(f"{parser.prog}: error: {exc}", file=sys.stderr)
        return FAILED
    except _StandardOutputError as exc:
        # Nothing more can be written there, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"{parser.prog}: error: cannot write to standard output: {exc}", file=sys.stderr)
        return FAILED
    except (OSError, ImportError, MemoryError) as exc:  # what no border has translated
        lacks_memory = _lacks_memory(exc)
        if isinstance(exc, ImportError) and not lacks_memory:
            raise
        reason = "out of memory: give fewer --workers or a smaller job" if lacks_memory else _describe(exc)
        print(f"{parser.prog}: error: {reason}", file=sys.stderr)
        return FAILED
    return 0


def _lacks_memory(error: BaseException | None) -> bool:
    """Tell whether an error is a lack of memory: a library that could not be loaded hides that in what it adds."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
            return True
        if any(words in str(error) for words in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _describe(error: BaseException) -> str:
    """Describe an error of the system on one line."""
    name, reason = getattr(error, "filename", None), getattr(error, "strerror", None) or str(error)
    place = f"{os.fsdecode(name)}: " if isinstance(name, (str, bytes)) else ""
    return make_printable(f"{place}{reason}" or type(error).__name__, _LONGEST_REASON)


def say(text: str, *, to: TextIO | None = None) -> None:
    """Print lines on stdout or another stream, whatever its encoding; other control characters are shown escaped."""
    shown = "\n".join(make_printable(line, len(line)) for line in text.split("\n"))
    with _watch_output() if to is None else contextlib.suppress(OSError):
        try:
            print(shown, flush=True, file=to)
        except UnicodeEncodeError:  # a file name that the terminal cannot show
            print(shown.encode("ascii", "backslashreplace").decode("ascii"), flush=True, file=to)


@contextlib.contextmanager
def _watch_output() -> Iterator[None]:
    """Tell the errors of standard output from those of files."""
    try:
        yield
    except OSError as exc:
        raise _StandardOutputError(exc.strerror or exc) from exc


def say_title(title: str, rule: int) -> None:
    """Print a title between two rules of `rule` dashes."""
    say(f"{'-' * rule}\n{title}\n{'-' * rule}")


def show_progress(count: int, *, quiet: bool) -> Any:
    """Return a progress bar on stderr, with images/s and the time left; it stays hidden if stderr is not a terminal."""
    from tqdm import tqdm  # noqa: PLC0415 - every parser needs this module, and few commands a bar

    tqdm.monitor_interval = 0  # its monitor thread only matters for bars that stand still
    return tqdm(total=count, unit=" images", unit_scale=True, dynamic_ncols=True, disable=True if quiet else None)
