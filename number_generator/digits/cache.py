"""The user's cache: a folder of files, downloaded or put there by hand; only complete ones are used."""

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
from number_generator.system.home import expand_home
from number_generator.system.signals import Interruption

_CACHE_VARIABLE = "NG_CACHE_DIR"
_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{8}")


def find_cache_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder for downloads: `folder` if given, else that of NG_CACHE_DIR, else one in the user's cache."""
    given = folder if folder is not None else os.environ.get(_CACHE_VARIABLE)
    if given:
        return Path(expand_home(given)).absolute()
    # The folder that `platformdirs` names. It comes with `pooch`, and files put there by hand need neither.
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - no error without a known home
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        return local / "number_generator" / "number_generator" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "number_generator"
    caches = Path(os.environ.get("XDG_CACHE_HOME", "").strip())
    # The XDG Base Directory Specification: a relative path is invalid, and to be ignored.
    return (caches if caches.is_absolute() else home / ".cache") / "number_generator"


def is_whole(path: Path, sha256: str) -> bool:
    """Tell whether a file exists and has this SHA-256; a process reads an unchanged file only once."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return False
        return _compute_digest(str(path), (status.st_mtime_ns, status.st_size, status.st_ino)) == sha256
    except OSError:
        return False


@contextlib.contextmanager
def prepare_folder(folder: Path, what: str) -> Iterator[None]:
    """Make a folder of the cache, and turn errors of the system into OutputError."""
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
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other processes and threads out of a folder of the cache, and remove what a killed one has left."""
    try:
        filelock = importlib.import_module("filelock")
    except ModuleNotFoundError:
        yield  # an archive put there by hand is unpacked: two processes unpack the same
        return
    # It is held during a download: a holder is bound by the limits of a download, and a dead one no longer holds it.
    with filelock.FileLock(folder / ".lock"):
        for entry in folder.iterdir():
            if _UNFINISHED.fullmatch(entry.name):
                shutil.rmtree(entry, ignore_errors=True)
        yield


@contextlib.contextmanager
def make_unfinished(folder: Path) -> Iterator[Path]:
    """Make a folder for incomplete files in a folder of the cache; it is removed at the end, and by Ctrl-C."""
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
    """Let everyone who may read the folder read the file: only its owner may read a temporary file."""
    with contextlib.suppress(OSError):
        path.chmod(stat.S_IMODE(folder.stat().st_mode) & 0o666)


@lru_cache(maxsize=64)
def _compute_digest(path: str, status: tuple[int, int, int]) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
