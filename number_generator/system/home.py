"""Paths that begin at the home folder."""

import os
from pathlib import Path
from typing import Any

from number_generator.errors import SpecError
from number_generator.system.checks import format_value


def to_path(path: Any, name: str) -> Path:
    """Return the argument `name` as a Path, with a home folder in place of `~`, or raise SpecError."""
    try:
        return Path(expand_home(path))
    except TypeError:
        raise SpecError(f"{name} is {format_value(path)}: give a path") from None


def expand_home(path: Any) -> Any:
    """Return a path with a home folder in place of a leading `~` or `~name`; return anything else as it is.

    A shell expands a word of its own, but neither `--digits=~/mine` nor an environment variable in a file of settings.
    Without a known home, and for names that merely begin with `~`, the path stays.
    """
    if not isinstance(path, (str, os.PathLike)):
        return path
    text = os.fspath(path)
    if not isinstance(text, str) or not text.startswith("~"):
        return path
    expanded = os.path.expanduser(text)  # noqa: PTH111 - no error without a known home
    return expanded if isinstance(path, str) else Path(expanded)
