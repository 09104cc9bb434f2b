"""TOML files that the user names: styles and jobs."""

import sys
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
