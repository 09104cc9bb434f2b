"""Downloads published files into the user's cache, once; only complete files are used."""

import contextlib
import hashlib
import importlib
import logging
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from number_generator.digits.cache import give_to_readers, is_whole, lock_folder, make_unfinished, prepare_folder
from number_generator.digits.transfer import Transfer, TransferError
from number_generator.errors import DatasetReadError, MissingExtraError, PartMissingError
from number_generator.system.optional import import_optional

_SUMS = "SHA256SUMS"  # of the unpacked files, as `sha256sum` writes it

_ROUNDS = 3  # over all mirrors that have not refused
_PAUSE_S = 1.0  # after the first round; doubled after each one
_CHUNK_BYTES = 256 * 1024

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A published file."""

    name: str  # in the cache
    urls: tuple[str, ...]  # one per mirror, in the order in which they are tried
    sha256: str  # hexadecimal, of the downloaded file
    size: int  # bytes, approximately


def fetch_files(files: Sequence[RemoteFile], folder: Path, what: str) -> list[Path]:
    """Return files of the cache, complete and with the published SHA-256, after downloading the missing ones.

    Any number of processes and threads may call this at once: one downloads, and the others wait. Files put into
    `folder` by hand are as good as downloaded ones. Errors call them `what`, such as "the digits mnist".

    Raises
    ------
    PartMissingError
        If a file is missing and no mirror sends it; the message says how to download it by hand.
    MissingExtraError
        If a file is missing and the packages for downloading are not installed.
    OutputError
        If the cache cannot be written.
    """
    paths = [folder / file.name for file in files]
    missing = [file for file, path in zip(files, paths, strict=True) if not is_whole(path, file.sha256)]
    if not missing:
        return paths
    _check_packages(missing, folder, what)
    with prepare_folder(folder, what), lock_folder(folder):
        _download_missing(missing, folder, what)
    return paths


def unpack(archive: RemoteFile, members: Sequence[str], folder: Path, what: str) -> list[Path]:
    """Unpack members of a published zip archive into the cache; the archive itself is not kept.

    Its SHA-256 vouches for its members, whose own SHA-256 are recorded when they are unpacked. In the cache, members
    have no folder. Errors are those of `fetch_files`, and DatasetReadError if the archive lacks a member.
    """
    paths = [folder / Path(member).name for member in members]
    if _are_unpacked(paths, folder):
        return paths
    path = folder / archive.name
    if not is_whole(path, archive.sha256):
        _check_packages([archive], folder, what)
    # Under one lock, so that nobody finds neither the archive nor its members.
    with prepare_folder(folder, what), lock_folder(folder):
        if not _are_unpacked(paths, folder):
            was_there = is_whole(path, archive.sha256)
            _download_missing([archive], folder, what)
            _unpack(path, dict(zip(members, paths, strict=True)), folder)
            if not was_there:
                path.unlink()
    return paths


# --- one file


def _check_packages(missing: Sequence[RemoteFile], folder: Path, what: str) -> None:
    """Raise MissingExtraError, which says how to download by hand, if a package for downloading is missing."""
    try:
        for package in ("pooch", "requests", "filelock"):
            import_optional(package, "fetch", f"downloading {what}")
    except MissingExtraError as exc:
        raise MissingExtraError(f"{exc}; or {_describe_way_by_hand(missing, folder)}") from exc


def _download_missing(missing: Sequence[RemoteFile], folder: Path, what: str) -> None:
    """Download files, except those that the previous holder of the lock has downloaded."""
    for file in missing:
        if is_whole(folder / file.name, file.sha256):
            continue
        try:
            _download(file, folder)
        except TransferError as exc:
            raise PartMissingError(
                f"{what} are not all in {folder}, and {file.name} could not be downloaded ({exc}): try again later, or "
                f"{_describe_way_by_hand(missing, folder)}"
            ) from exc


def _download(file: RemoteFile, folder: Path) -> None:
    """Download a file from the first mirror that sends all of it, or raise TransferError with the reason of each."""
    pooch = importlib.import_module("pooch")
    mirrors, reasons = list(file.urls), dict.fromkeys(file.urls, "")
    for number in range(_ROUNDS):
        if number and mirrors:
            time.sleep(_PAUSE_S * 2 ** (number - 1))
        for url in list(mirrors):
            try:
                with _silence(pooch), make_unfinished(folder) as temporary:
                    pooch.retrieve(
                        url,
                        known_hash=f"sha256:{file.sha256}",
                        fname=file.name,
                        path=temporary,
                        downloader=partial(_receive, size=file.size),
                    )
                    give_to_readers(temporary / file.name, folder)
                    (temporary / file.name).replace(folder / file.name)
            except TransferError as exc:
                reasons[url] = str(exc)
                if exc.is_final:
                    mirrors.remove(url)
            except ValueError:  # pooch raises this for a wrong checksum
                reasons[url] = "it gave another file than the published one (its SHA-256 differs)"
                mirrors.remove(url)
            else:
                return
            _logger.info("%s was not downloaded from %s: %s", file.name, url, reasons[url])
    raise TransferError("; ".join(f"{urlsplit(url).netloc}: {reason}" for url, reason in reasons.items()))


def _receive(url: str, output_file: str, pooch: Any, *, size: int) -> None:
    """Download a URL for pooch, like its own downloader but with limits on what a server may do."""
    with _make_progress_bar(Path(url).name, size) as bar:
        transfer = Transfer(url, Path(output_file), most_bytes=2 * size)
        try:
            for _ in transfer.watch():
                bar.total = transfer.promised or size
                bar.update(transfer.received - bar.n)
        finally:
            transfer.give_up()
        bar.total = transfer.received
        bar.update(transfer.received - bar.n)


def _describe_way_by_hand(files: Sequence[RemoteFile], folder: Path) -> str:
    """Describe what to download and where to put it."""
    listed = "; ".join(f"{file.name} ({_format_size(file.size)}) from {' or '.join(file.urls)}" for file in files)
    return (
        f"download by hand {listed}, and put {'it' if len(files) == 1 else 'them'} under "
        f"{'this name' if len(files) == 1 else 'these names'} into the folder {folder} (NG_CACHE_DIR names another one)"
    )


def _format_size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


# --- archives


def _are_unpacked(paths: Sequence[Path], folder: Path) -> bool:
    """Tell whether all files are the ones that were unpacked."""
    if not (folder / _SUMS).is_file():  # nor wait for a named pipe
        return False
    try:
        lines = (folder / _SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    return all(is_whole(path, sums.get(path.name, "")) for path in paths)


def _unpack(archive: Path, members: dict[str, Path], folder: Path) -> None:
    """Write members to files, each moved into place once it is complete, and then their checksums."""
    sums = []
    with zipfile.ZipFile(archive) as opened, make_unfinished(folder) as temporary:
        for member, path in members.items():
            if member not in opened.namelist():
                raise DatasetReadError(f"{archive}: {member} is missing: it is no longer the file that was checked")
            partial, digest = temporary / path.name, hashlib.sha256()
            with opened.open(member) as source, partial.open("wb") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    target.write(chunk)
            partial.replace(path)
            sums.append(f"{digest.hexdigest()}  {path.name}\n")
        partial = temporary / _SUMS
        partial.write_text("".join(sums), encoding="utf-8")
        partial.replace(folder / _SUMS)


@contextlib.contextmanager
def _silence(pooch: Any) -> Iterator[None]:
    """Keep pooch from printing what the progress bar already shows."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _make_progress_bar(name: str, size: int) -> Any:
    """Return a progress bar on stderr; it is silent if that is not a terminal."""
    from tqdm import tqdm  # noqa: PLC0415 - loads when it is used

    tqdm.monitor_interval = 0  # its monitor thread matters only for bars that stall
    return tqdm(total=size, desc=name, unit="B", unit_scale=True, dynamic_ncols=True, disable=None)
