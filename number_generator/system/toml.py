"""TOML files that the user names, styles and jobs: how they are read, and how values are written in them."""

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from number_generator.errors import SpecError
from number_generator.system.bounded_reading import read_bounded

_MOST_BYTES = 1 << 20


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Return the table of a TOML file, which errors call `what`; line ends may be of any system."""
    toml = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")  # the same package
    try:
        text = read_bounded(path, _MOST_BYTES, what).decode("utf-8-sig")
        table: dict[str, Any] = toml.loads(text.replace("\r\n", "\n").replace("\r", "\n"))
    except SpecError:
        raise
    except OSError as exc:
        raise SpecError(f"{what} cannot be read: {exc.strerror}; name a TOML file") from exc
    except (ValueError, RecursionError) as exc:  # bad TOML or UTF-8, or endless nesting
        raise SpecError(f"{what} is not a TOML file: {exc}") from exc
    return table


def format_toml(value: Any) -> str:
    """Return a text, a number, a truth value, a list or a table of these as TOML, on one line."""
    if isinstance(value, str):
        # JSON escapes as TOML does, but for one character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name} = {format_toml(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(format_toml, value))}]"
    return repr(value).removesuffix(".0")
