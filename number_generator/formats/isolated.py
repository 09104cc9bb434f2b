"""Files that are not trusted, read in a process of their own before they are read here.

That process reads and tells only whether it could, so what it has read is read again: a file that changes in between is
not noticed.
"""

from __future__ import annotations

import json
import operator
import os
import pkgutil
import subprocess
import sys
from typing import Any

from number_generator import errors
from number_generator.errors import DatasetError, NumberGeneratorError
from number_generator.formats.paths import check_dataset
from number_generator.formats.reader import open_reader
from number_generator.system.isolation import compute_limit, describe_death, limit_process, name_paths

_PIECE_BYTES = 16 << 20
# The process finds the package, and whatever that needs, where this one finds them.
_PROCESS = """
import json, sys
sys.path[:], *task = json.load(sys.stdin)
from number_generator.formats.isolated import answer
answer(*task)
"""


def check_apart(work: str, *paths: str | os.PathLike[str], **keywords: Any) -> None:
    """Call a function with the path of each dataset in a process of its own, and raise the error that comes of it.

    Parameters
    ----------
    work : str
        The function's name, as in "package.module:function".
    *paths : path_like
        One or more; all are read by one process.
    **keywords
        For the function: numbers and texts.

    Raises
    ------
    DatasetError
        If the process crashes, does not come to an end or takes too much memory.
    NumberGeneratorError
        As the function raises it.
    """
    checked = [str(check_dataset(path)) for path in paths]
    task = json.dumps([list(map(str, sys.path)), work, checked, keywords], default=_to_plain).encode("ascii")
    command = [sys.executable, "-c", _PROCESS]
    done = subprocess.run(command, input=task, capture_output=True, check=False)  # noqa: S603 - this very program
    if done.returncode < 0:
        raise DatasetError(f"{name_paths(checked)}: {describe_death(-done.returncode)}")
    if done.returncode:
        said = done.stderr.decode(errors="replace").split("\n")
        reason = next((line for line in reversed(said) if line.strip()), f"exit status {done.returncode}")
        raise DatasetError(f"{name_paths(checked)}: reading it in a process of its own failed: {reason}")
    name, text = json.loads(done.stdout.splitlines()[-1])
    if name is not None:
        kind = getattr(errors, name, DatasetError)
        raise (kind if issubclass(kind, NumberGeneratorError) else DatasetError)(text)


def answer(work: str, paths: list[str], keywords: dict[str, Any]) -> None:
    """Do the work of `check_apart` in its process, and print what came of it: the name of an error and its text."""
    limit_process(compute_limit(paths))
    error: tuple[str | None, str] = (None, "")
    try:
        for path in paths:
            pkgutil.resolve_name(work)(path, **keywords)
    except NumberGeneratorError as exc:
        error = type(exc).__name__, str(exc)
    except MemoryError:
        error = DatasetError.__name__, f"{name_paths(paths)}: its content does not fit in memory"
    sys.stdout.write(f"\n{json.dumps(error)}\n")


def read_through(path: str) -> None:
    """Read all that a dataset of any format holds, a piece at a time."""
    with open_reader(path) as reader:
        names = [field.name for field in reader.fields]
        _ = reader.metadata
        for piece in reader.split(0, len(reader), _PIECE_BYTES):
            reader.images(piece.start, piece.stop)
            reader.labels(piece.start, piece.stop)
            for name in names:
                reader.truth(name, piece.start, piece.stop)


def _to_plain(value: Any) -> Any:
    """Return a number of another type as Python's, and what is none as text, which the function will refuse."""
    return operator.index(value) if hasattr(value, "__index__") else repr(value)
