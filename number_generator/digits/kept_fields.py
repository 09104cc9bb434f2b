"""Distance fields that an earlier process has measured, kept beside the kernels' machine code.

Those of the packaged digits and letterforms take a second, at each start of a command that draws a style.
"""

import contextlib
import hashlib
import logging
import secrets
import zipfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from number_generator._kernels import fields
from number_generator._kernels.machine_code import digest_processor, digest_sources, find_folders

Arrays = dict[str, npt.NDArray[Any]]

_ENDING = ".fields.npz"
_SIZES = range(2**20, 32 * 2**20)  # bytes of a file: small sets are measured quickly, and large ones would fill disks
_MOST_FILES = 6  # of which those that were not used for longest make room

_logger = logging.getLogger(__name__)


def find_or_make(name: str, inputs: Iterable[Any], make: Callable[[], Arrays]) -> Arrays:
    """Return arrays that an earlier process has kept, or make and keep them.

    Parameters
    ----------
    name : str
        What they are of.
    inputs : iterable of ndarray, int or bytes
        All that they depend on, besides the sources of this folder and of the kernels.
    make : callable
        Returns them, by name.
    """
    digest = hashlib.sha256(_digest_code().encode())
    for each in map(np.asarray, inputs):
        digest.update(repr((each.dtype.str, each.shape)).encode() + each.tobytes())
    folders = find_folders(Path(fields.__file__))
    file_name = f"{name}-{digest.hexdigest()[:24]}{_ENDING}"
    for folder in folders:
        kept = _read(folder / file_name)
        if kept is not None:
            return kept
    made = make()
    if sum(array.nbytes for array in made.values()) in _SIZES:
        any(_write(folder / file_name, made) for folder in folders)
    return made


@cache
def _digest_code() -> str:
    """Hash what the arrays are made by: sources, NumPy, and the processor, should it round differently."""
    own = digest_sources(Path(__file__).parent), digest_sources(Path(fields.__file__).parent)
    return repr((own, np.__version__, digest_processor()))


def _read(path: Path) -> Arrays | None:
    try:
        with path.open("rb") as opened, np.load(opened) as file:  # it compares checksums
            kept = dict(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as exc:
        _logger.debug("the fields in %s are not used: %s", path, exc)
        return None
    with contextlib.suppress(OSError):  # a folder that only others may write
        path.touch()
    return kept


def _write(path: Path, arrays: dict[str, Any]) -> bool:
    """Write a file, whole or not at all, and tell whether it is there."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                np.savez(file, **arrays)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _make_room(path.parent)
    except OSError as exc:  # a full disk, a quota, a deleted folder
        _logger.debug("fields are not kept in %s: %s", path, exc)
        return False
    return True


def _make_room(folder: Path) -> None:
    files = sorted(folder.glob(f"*{_ENDING}"), key=lambda path: path.stat().st_mtime)
    for path in files[:-_MOST_FILES]:
        with contextlib.suppress(OSError):
            path.unlink()
