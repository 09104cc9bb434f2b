"""The terminal: results on stdout, errors as one line on stderr and an exit status. Only this module prints."""

import argparse
import contextlib
import errno
import os
import pkgutil
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn, TextIO

from number_generator._version import __version__
from number_generator.commands.config import OPTION, expand_config
from number_generator.errors import (
    DatasetNotFoundError,
    NumberGeneratorError,
    PartMissingError,
    SpecError,
    make_printable,
)
from number_generator.system.checks import suggest
from number_generator.system.signals import Interruption

FAILED = 1
"""The exit status of work that failed, for damaged data too."""
USAGE = 2
"""The exit status of a wrong argument, also of one that names what is not there."""


# A value, although argparse takes all but plain negative numbers for options: -5,3 and -?\d{3}, but not --seed or -h.
_VALUE = re.compile(r"-(?!-?[A-Za-z]|-?$)")

_USUAL_COLUMNS, _USUAL_ROWS = 80, 24
_HINT = "try --help"


class ArgumentParser(argparse.ArgumentParser):
    """A parser whose options take values that begin with a dash: `--sequence -5,3` means `--sequence=-5,3`.

    Its help begins with a text and, if there are any, examples; its errors take one line.
    """

    def __init__(self, *, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(formatter_class=_HelpFormatter, allow_abbrev=False, **options)
        self.examples = tuple(examples)

    def format_help(self) -> str:
        """Return the help, with the examples after the text that says what the command does."""
        if not self.examples:
            return super().format_help()
        formatter = self._get_formatter()
        needed = [action for action in self._actions if action.required or not action.option_strings]
        words = [f"{option} {name}".strip() for option, name in map(_name_argument, needed)]
        formatter.add_usage(" ".join(["%(prog)s", *words, "[OPTION ...]"]), [], [])
        formatter.add_text(self.description)
        formatter.add_text("\n".join(["examples:", *(f"  {example}" for example in self.examples)]))
        for group in self._action_groups:
            formatter.start_section(group.title)
            formatter.add_text(group.description)
            formatter.add_arguments(group._group_actions)
            formatter.end_section()
        return formatter.format_help()

    def _print_message(self, message: str, file: Any = None) -> None:
        """Print the help, also where the terminal cannot show all of its characters."""
        encoding = getattr(file, "encoding", None) or "utf-8"
        super()._print_message(message.encode(encoding, "backslashreplace").decode(encoding), file)

    def error(self, message: str) -> NoReturn:
        """End the process with one line about a wrong argument."""
        self.exit(USAGE, f"{self.prog}: error: {message}; {_HINT}\n")

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; an option that is not known may be a slip of the pen."""
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            guess = suggest(unknown[0].partition("=")[0], self._option_string_actions)
            self.error(f"unrecognized arguments: {' '.join(unknown)}: {guess}".rstrip(": "))
        return parsed

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments as `argparse` does, after joining such values to their options."""
        given = sys.argv[1:] if args is None else args
        if OPTION in self._option_string_actions:
            try:
                given = expand_config(given, self._option_string_actions)
            except SpecError as exc:
                self.error(str(exc))
        words: list[str] = []
        for word in given:
            option = self._option_string_actions.get(words[-1]) if words else None
            if option is not None and option.nargs is None and _VALUE.match(word) and "--" not in words:
                words[-1] += f"={word}"
            else:
                words.append(word)
        return super().parse_known_args(words, namespace)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Return the value of an argument; `argparse` loses that of `--sequence=--`, and makes a list of nothing."""
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            return self._get_value(action, "--")
        return super()._get_values(action, arg_strings)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """End the process after `--help` or `--version`, whose reader may have gone, or with a message on stderr."""
        try:
            sys.stdout.flush()
        except OSError:
            _discard_output()
        super().exit(status, message)


class _HelpFormatter(argparse.HelpFormatter):
    """Leaves the examples of a command as they are, a line each."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith("examples:") else super()._fill_text(text, width, indent)


def _name_argument(action: argparse.Action) -> tuple[str, str]:
    """Return the longest name of an argument's option, if it is one, and what it takes."""
    takes = str(action.metavar or "|".join(map(str, action.choices or ())))
    return max(action.option_strings, key=len, default=""), f"{takes} ..." if action.nargs == "+" else takes


_LONGEST_REASON = 1000
# Of the dynamic linker
_NO_MEMORY = ("failed to map segment", "cannot allocate memory", "Cannot allocate memory")


def make_parser(name: str, description: str, examples: Sequence[str] = ()) -> ArgumentParser:
    """Return the parser of a command, with `--version`."""
    parser = ArgumentParser(prog=name, description=description, examples=examples)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


class _StandardOutputError(Exception):
    """Why standard output cannot be written: its reader has gone, or its disk is full."""


def run_guarded(
    parser: argparse.ArgumentParser, argv: list[str], interruption: Interruption, *, isolates: bool = False
) -> int:
    """Parse the arguments, carry the command out, and turn errors into an exit status and one line on stderr.

    The parser's default `work` names the function that carries the command out, as in "package.module:function"; it
    takes the options and the interruption, which removes unfinished files. Its module is imported only now, as it may
    be heavy, and `--help` must not wait for it. If the process `isolates` what others may have made, the work that
    reads it is done in a child: see `isolation`.
    """
    options = parser.parse_args(argv)
    try:
        return _carry_out(options, interruption, isolates=isolates)
    except (SpecError, DatasetNotFoundError) as exc:
        is_usage = not isinstance(exc, PartMissingError)
        return _complain(parser, exc, USAGE if is_usage else FAILED)
    except NumberGeneratorError as exc:
        return _complain(parser, exc, FAILED)
    except BrokenPipeError:  # as in `inspect FILE | head`, which has seen enough: only such commands come here
        _discard_output()
        return FAILED
    except _StandardOutputError as exc:
        _discard_output()
        return _complain(parser, f"cannot write to standard output: {exc}", FAILED)
    except (OSError, ImportError, MemoryError) as exc:  # what no border has translated
        lacks_memory = _lacks_memory(exc)
        if isinstance(exc, ImportError) and not lacks_memory:
            raise
        reason = "out of memory: give fewer --workers or a smaller job" if lacks_memory else _describe(exc)
        return _complain(parser, reason, FAILED)


def _carry_out(options: argparse.Namespace, interruption: Interruption, *, isolates: bool) -> int:
    if isolates:
        from number_generator.commands.isolation import read_in_child  # noqa: PLC0415 - most commands read no file

        status = read_in_child(options, interruption)
        if status is not None:
            return status
    pkgutil.resolve_name(options.work)(options, interruption)
    with _watch_output():
        sys.stdout.flush()
    return 0


def _complain(parser: argparse.ArgumentParser, reason: object, status: int) -> int:
    """Print why a command has failed on stderr, which may be the closed pipe itself, and return the exit status."""
    hint = f"; {_HINT}" if status == USAGE else ""
    with contextlib.suppress(BrokenPipeError):
        print(f"{parser.prog}: error: {reason}{hint}", file=sys.stderr)
    return status


def _discard_output() -> None:
    """Direct stdout to nowhere: nothing more can be written to it, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


def report(text: str) -> None:
    """Print lines on stdout as `say` does, about a file that a command makes, also where nobody reads them any more.

    The file is the result, and it must not be missing because the reader of the lines has gone.
    """
    try:
        say(text)
    except BrokenPipeError:
        _discard_output()


@contextlib.contextmanager
def _watch_output() -> Iterator[None]:
    """Tell the errors of standard output from those of files."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        raise _StandardOutputError(exc.strerror or exc) from exc


def tell(text: str) -> None:
    """Print a line on stderr for whoever waits."""
    say(text, to=sys.stderr)


def report_title(title: str, rule: int) -> None:
    """Print a title between two rules of `rule` dashes, as `report` does."""
    report(f"{'-' * rule}\n{title}\n{'-' * rule}")


def show_progress(count: int, *, quiet: bool) -> Any:
    """Return a progress bar on stderr, with images/s and the time left; it stays hidden if stderr is not a terminal."""
    from tqdm import tqdm  # noqa: PLC0415 - every parser needs this module, and few commands a bar

    tqdm.monitor_interval = 0  # its monitor thread only matters for bars that stand still
    # A terminal that does not tell its size, as on a serial line, says 0, and tqdm would draw no bar in that.
    size = {"dynamic_ncols": True} if _has_size(sys.stderr) else {"ncols": _USUAL_COLUMNS, "nrows": _USUAL_ROWS}
    return tqdm(total=count, unit=" images", unit_scale=True, disable=True if quiet else None, **size)


def _has_size(stream: TextIO) -> bool:
    """Tell whether a stream is no terminal, or one that knows its columns and rows."""
    try:
        return all(os.get_terminal_size(stream.fileno()))
    except (OSError, ValueError):  # no terminal, or closed
        return True
