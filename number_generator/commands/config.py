"""A job in a file: the options of `generate-phone-numbers` as TOML, read before those of the command line.

Keys are the names of options. A table stands for `--set`, with a key for each parameter, or for `--split`.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from number_generator.errors import SpecError
from number_generator.system.atomic_file import open_atomic
from number_generator.system.checks import format_value, suggest
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption
from number_generator.system.toml import format_toml, read_toml

OPTION = "--config"
_NOT_IN_A_FILE = frozenset(("config", "write-config", "list-parameters", "help", "version", "preview"))
_ENDINGS = (".toml",)


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that read and write a job."""
    group = parser.add_argument_group("the job as a file")
    group.add_argument(
        OPTION,
        type=expand_home,
        metavar="JOB.toml",
        help="read options from a file: their names without the dashes in front, as in num-images = 1000; those of the "
        "command line come after them and replace them",
    )
    group.add_argument(
        "--write-config",
        type=expand_home,
        metavar="JOB.toml",
        help="only write the options given here to such a file; an earlier one is replaced",
    )


def expand_config(words: Sequence[str], options: Mapping[str, argparse.Action]) -> list[str]:
    """Return the words of a command line with those of its `--config` file in front.

    Raises
    ------
    SpecError
        If the file cannot be read, or holds what no option takes.
    """
    path = _find_path(words)
    if path is None:
        return list(words)
    table = read_toml(Path(path), f"{OPTION} {path}")
    known = {name.removeprefix("--"): action for name, action in options.items() if name.startswith("--")}
    made: list[str] = []
    for key, value in table.items():
        name = key.replace("_", "-")
        if name not in known or name in _NOT_IN_A_FILE:
            guess = suggest(name, known.keys() - _NOT_IN_A_FILE)
            raise SpecError(f"{OPTION} {path} holds {key!r}, which is no option: {guess}".rstrip(": "))
        made += _to_words(name, value, known[name], path)
    return [*made, *words]


def write_config(options: argparse.Namespace, parser: argparse.ArgumentParser, path: str) -> None:
    """Write the options that differ from their defaults to a TOML file; SpecError if its name does not end in .toml."""
    if not path.lower().endswith(_ENDINGS) or "\0" in path:  # any other file is more likely a dataset
        raise SpecError(f"--write-config is {path!r}: give a file name that ends in .toml")
    with open_atomic(Path(path), Interruption.installed(), overwrite=True) as file:
        file.write(format_config(options, parser).encode())


def format_config(options: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """Return the options that differ from their defaults as TOML."""
    lines, tables = [], []
    for action in parser._actions:
        name = max(action.option_strings, key=len, default="").removeprefix("--")
        value = getattr(options, action.dest, action.default)
        if not name or name in _NOT_IN_A_FILE or value == action.default:
            continue
        if _is_repeated(action):
            settings = [setting.partition("=") for setting in value]
            last = {key.strip(): text.strip() for key, _, text in settings}  # TOML takes a key once
            tables += ["", f"[{name}]", *(f"{key} = {_to_toml(text)}" for key, text in last.items())]
        else:
            lines.append(f"{name} = {_to_toml(value)}")
    return "".join(f"{line}\n" for line in [*lines, *tables])


def _is_repeated(action: argparse.Action) -> bool:
    """Tell whether an option may be given again and again, each time with another setting."""
    return isinstance(action, argparse._AppendAction)


def _find_path(words: Sequence[str]) -> str | None:
    """Return what the last `--config` of a command line names; None if there is none."""
    path = None
    for number, word in enumerate(words):
        if word == "--":
            break
        if word == OPTION and number + 1 < len(words):
            path = words[number + 1]
        elif word.startswith(f"{OPTION}="):
            path = word.partition("=")[2]
    return None if path is None else str(expand_home(path))


def _to_words(name: str, value: Any, action: argparse.Action, path: str) -> list[str]:
    """Return an entry of the file as words of a command line."""
    option = f"--{name}"
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise SpecError(f"{OPTION} {path}: {name} is {format_value(value)}: give true or false")
        return [option] if value else []
    if isinstance(value, dict):
        pairs = [f"{key}={_to_text(each, name, path)}" for key, each in value.items()]
        return [f"{option}={pair}" for pair in pairs] if _is_repeated(action) else [f"{option}={','.join(pairs)}"]
    if isinstance(value, list) and _is_repeated(action):
        return [f"{option}={_to_text(each, name, path)}" for each in value]
    if isinstance(value, list):
        return [f"{option}={','.join(_to_text(each, name, path) for each in value)}"]
    return [f"{option}={_to_text(value, name, path)}"]


def _to_text(value: Any, name: str, path: str) -> str:
    """Return a value as one writes it on the command line; a pair of numbers is a range."""
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return repr(value)
    if isinstance(value, list) and len(value) == 2:
        return ":".join(_to_text(each, name, path) for each in value)
    raise SpecError(f"{OPTION} {path}: {name} holds {format_value(value)}: give texts and numbers")


def _to_toml(value: Any) -> str:
    """Return a value of an option as TOML."""
    return format_toml(value if isinstance(value, int) else str(value))
