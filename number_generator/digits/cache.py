"""The user's cache: a folder of files that were downloaded, or put there by hand, each whole or not taken."""

import contextlib
import hashlib
import importlib
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from number_generator.errors import NumberGeneratorError, OutputError
from number_generator.system.signals import Interruption

__all__ = ["cache_folder", "give_to_readers", "is_whole", "locked", "unfinished", "writing"]

_CACHE_VARIABLE = "NG_CACHE_DIR"
_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{8}")


def cache_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Give the folder that downloads are kept in; it need not be there.

    Parameters
    ----------
    folder : path_like, optional
        None means what the environment variable NG_CACHE_DIR names, else `number_generator` in the system's folder
        for a user's caches.
    """
    given = folder if folder is not None else os.environ.get(_CACHE_VARIABLE)
    if given:
        return Path(os.path.expanduser(given)).absolute()  # noqa: PTH111 - no error where no home is known
    # As `platformdirs` has it, which is there only where `pooch` is: files that were put there by hand need neither.
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - likewise
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (
            (Path(local) if local else home / "AppData" / "Local") / "number_generator" / "number_generator" / "Cache"
        )
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "number_generator"
    caches = os.environ.get("XDG_CACHE_HOME", "").strip()
    return (Path(caches) if caches else home / ".cache") / "number_generator"


def is_whole(path: Path, sha256: str) -> bool:
    """Tell whether a file is there and has this SHA-256; a file that has not changed is read once in a process."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return False
        return _digest(str(path), (status.st_mtime_ns, status.st_size, status.st_ino)) == sha256
    except OSError:
        return False


@contextlib.contextmanager
def writing(folder: Path, what: str) -> Iterator[None]:
    """Make the folder of the cache, and turn the system's errors into one of ours."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except NumberGeneratorError:
        raise
    except OSError as exc:
        raise OutputError(
            f"{what} cannot be kept in {folder}: {exc.strerror or exc}; set the environment variable "
            f"{_CACHE_VARIABLE} to a folder that can be written and has room"
        ) from exc


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes and threads out of a folder of the cache, and clear what a killed one has left."""
    try:
        filelock = importlib.import_module("filelock")
    except ModuleNotFoundError:
        yield  # an archive that was put there by hand is unpacked: what two unpack is the same
        return
    # Held as long as a download takes: whoever holds it is bound by the limits above, or dead and holds it no more.
    with filelock.FileLock(folder / ".lock"):
        for entry in folder.iterdir():
            if _UNFINISHED.fullmatch(entry.name):
                shutil.rmtree(entry, ignore_errors=True)
        yield


@contextlib.contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """Give a folder in that of the cache for what is not whole yet: it is removed at the end, and by Ctrl-C."""
    temporary = folder / f".unfinished-{secrets.token_hex(4)}"
    interruption = Interruption.installed()
    with interruption:
        temporary.mkdir()
        interruption.temporaries.append(temporary)
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def give_to_readers(path: Path, folder: Path) -> None:
    """Let those read the file who may read the folder: a temporary file is its owner's alone."""
    with contextlib.suppress(OSError):
        path.chmod(stat.S_IMODE(folder.stat().st_mode) & 0o666)


@lru_cache(maxsize=64)
def _digest(path: str, status: tuple[int, int, int]) -> str:
    """Give the SHA-256 of a file."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
