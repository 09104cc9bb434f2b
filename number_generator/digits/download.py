"""Published files, downloaded once into the user's cache: a file in it is whole, or it is not taken."""

import contextlib
import hashlib
import importlib
import logging
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from number_generator.digits.cache import give_to_readers, is_whole, locked, unfinished, writing
from number_generator.errors import DatasetNotFoundError, DatasetReadError, MissingExtraError
from number_generator.system.optional import import_optional

__all__ = ["RemoteFile", "fetch_files", "unpack"]

_SUMS = "SHA256SUMS"  # of what was unpacked, as `sha256sum` writes it

_ROUNDS = 3  # of all mirrors that have not said no
_PAUSE_S = 1.0  # after the first round; twice as long after the next
_TIMEOUT_S = (10.0, 30.0)  # to connect, and to send anything
_PATIENCE_S = 30.0  # a server that sends less than the least for so long is given up
_LEAST_BYTES_PER_S = 1000
_CHUNK_BYTES = 256 * 1024
_REFUSALS = (400, 401, 403, 404, 405, 410, 451)  # asking again gives the same answer

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that someone has published.

    Attributes
    ----------
    name : str
        In the cache.
    urls : tuple of str
        Of the file itself, on one mirror each, in the order in which they are tried.
    sha256 : str
        In hexadecimal, of the file as it is downloaded.
    size : int
        In bytes; at least about.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    size: int


class _DownloadError(Exception):
    """Why a mirror did not give the file; `is_final` if there is no use in asking it again."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


def fetch_files(files: Sequence[RemoteFile], folder: Path, what: str) -> list[Path]:
    """Give files of the cache, those that are not there yet downloaded.

    Any number of processes and threads may ask at once: one downloads, the others wait.

    Parameters
    ----------
    files : sequence of RemoteFile
    folder : Path
        Where they are kept; made if missing. Files that were put there by hand are as good as downloaded ones.
    what : str
        What they are, for errors, as in "the digits mnist".

    Returns
    -------
    list of Path
        Whole: of the SHA-256 that was published.

    Raises
    ------
    DatasetNotFoundError
        If a file is not there and no mirror gives it; the message tells what to put where by hand.
    MissingExtraError
        If a file is not there and the packages that download are not installed.
    OutputError
        If the cache cannot be written.
    """
    paths = [folder / file.name for file in files]
    missing = [file for file, path in zip(files, paths, strict=True) if not is_whole(path, file.sha256)]
    if not missing:
        return paths
    _check_packages(missing, folder, what)
    with writing(folder, what), locked(folder):
        _download_missing(missing, folder, what)
    return paths


def unpack(archive: RemoteFile, members: Sequence[str], folder: Path, what: str) -> list[Path]:
    """Give members of a published zip archive as files of the cache; the archive itself is not kept.

    Parameters
    ----------
    archive : RemoteFile
        Its members are whole if it is: it has a SHA-256, they have those that were written down when it was unpacked.
    members : sequence of str
        Names within the archive; in the cache they have no folder.
    folder, what
        As `fetch_files` takes them, whose errors these are too.

    Raises
    ------
    DatasetReadError
        If the archive lacks a member.
    """
    paths = [folder / Path(member).name for member in members]
    if _are_unpacked(paths, folder):
        return paths
    path = folder / archive.name
    if not is_whole(path, archive.sha256):
        _check_packages([archive], folder, what)
    # Under one lock, so that nobody finds neither the archive nor what it holds.
    with writing(folder, what), locked(folder):
        if not _are_unpacked(paths, folder):
            was_there = is_whole(path, archive.sha256)
            _download_missing([archive], folder, what)
            _unpack(path, dict(zip(members, paths, strict=True)), folder)
            if not was_there:
                path.unlink()
    return paths


# --- one file


def _check_packages(missing: Sequence[RemoteFile], folder: Path, what: str) -> None:
    """Raise MissingExtraError, with the way by hand, where files cannot be downloaded for want of a package."""
    try:
        for package in ("pooch", "requests", "filelock"):
            import_optional(package, "fetch", f"downloading {what}")
    except MissingExtraError as exc:
        raise MissingExtraError(f"{exc}; or {_by_hand(missing, folder)}") from exc


def _download_missing(missing: Sequence[RemoteFile], folder: Path, what: str) -> None:
    """Download files, but for those that whoever held the lock before has downloaded."""
    for file in missing:
        if is_whole(folder / file.name, file.sha256):
            continue
        try:
            _download(file, folder)
        except _DownloadError as exc:
            raise DatasetNotFoundError(
                f"{what} are not all in {folder}, and {file.name} could not be downloaded ({exc}): try again later, or "
                f"{_by_hand(missing, folder)}"
            ) from exc


def _download(file: RemoteFile, folder: Path) -> None:
    """Download a file from the first mirror that gives it whole, or raise _DownloadError with what each has said."""
    pooch = importlib.import_module("pooch")
    mirrors, reasons = list(file.urls), dict.fromkeys(file.urls, "")
    for number in range(_ROUNDS):
        if number and mirrors:
            time.sleep(_PAUSE_S * 2 ** (number - 1))
        for url in list(mirrors):
            try:
                with _quiet(pooch), unfinished(folder) as temporary:
                    pooch.retrieve(
                        url,
                        known_hash=f"sha256:{file.sha256}",
                        fname=file.name,
                        path=temporary,
                        downloader=_Downloader(file),
                    )
                    give_to_readers(temporary / file.name, folder)
                    (temporary / file.name).replace(folder / file.name)
            except _DownloadError as exc:
                reasons[url] = str(exc)
                if exc.is_final:
                    mirrors.remove(url)
            except ValueError:  # what pooch raises for another checksum
                reasons[url] = "it gave another file than the published one (its SHA-256 differs)"
                mirrors.remove(url)
            else:
                return
            _logger.info("%s was not downloaded from %s: %s", file.name, url, reasons[url])
    raise _DownloadError("; ".join(f"{urlsplit(url).netloc}: {reason}" for url, reason in reasons.items()))


class _Downloader:
    """What pooch calls to download a URL: as its own does, but with limits to what a server may do."""

    def __init__(self, file: RemoteFile) -> None:
        self._requests = importlib.import_module("requests")
        self._most_bytes = 2 * file.size
        self._size = file.size

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        try:
            response = self._requests.get(url, stream=True, timeout=_TIMEOUT_S)
        except self._requests.RequestException as exc:
            raise _DownloadError(_reason(exc)) from exc
        with contextlib.closing(response), Path(output_file).open("wb") as output:
            if response.status_code != 200:
                is_final = response.status_code in _REFUSALS
                raise _DownloadError(f"it answered {response.status_code} {response.reason}", is_final=is_final)
            with _progress(Path(url).name, int(response.headers.get("content-length") or self._size)) as bar:
                for chunk in self._chunks(response):
                    output.write(chunk)
                    bar.update(len(chunk))

    def _chunks(self, response: Any) -> Iterator[bytes]:
        """Give what arrives, as it was sent: a file that is gzipped by itself is not to be unpacked."""
        # read1 gives what is there; read, in urllib3 before 2.2, waits until the chunk is full.
        read = getattr(response.raw, "read1", response.raw.read)
        received, since, before = 0, time.monotonic(), 0
        while True:
            try:
                chunk = read(_CHUNK_BYTES, decode_content=False)
            # urllib3's own errors have no base class that requests names.
            except Exception as exc:
                raise _DownloadError(f"it broke off after {received} bytes ({_reason(exc)})") from exc
            if not chunk:
                break
            received += len(chunk)
            if received > self._most_bytes:
                raise _DownloadError(f"it sent more than {self._most_bytes} bytes", is_final=True)
            elapsed = time.monotonic() - since
            if elapsed > _PATIENCE_S:
                if received - before < _LEAST_BYTES_PER_S * elapsed:
                    raise _DownloadError(f"it is too slow: {received - before} bytes in {elapsed:.0f} s")
                since, before = time.monotonic(), received
            yield chunk
        promised = int(response.headers.get("content-length") or received)
        if received < promised:
            raise _DownloadError(f"it broke off after {received} of {promised} bytes")


def _reason(exc: Exception) -> str:
    """Say in a few words what went wrong on the way."""
    text = f"{type(exc).__name__}: {exc}"
    if "timed out" in text or "Timeout" in text:
        return "it did not answer in time"
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "its name is not known here: is there a connection?"
    if "refused" in text:
        return "it refused the connection"
    return " ".join(text.split())[:150]


def _by_hand(files: Sequence[RemoteFile], folder: Path) -> str:
    """Say what to download and where to put it."""
    listed = "; ".join(f"{file.name} ({_size_text(file.size)}) from {' or '.join(file.urls)}" for file in files)
    return (
        f"download by hand {listed}, and put {'it' if len(files) == 1 else 'them'} under "
        f"{'this name' if len(files) == 1 else 'these names'} into the folder {folder} (NG_CACHE_DIR names another one)"
    )


def _size_text(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


# --- archives


def _are_unpacked(paths: Sequence[Path], folder: Path) -> bool:
    """Tell whether all files are those that were once unpacked."""
    try:
        lines = (folder / _SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    return all(is_whole(path, sums.get(path.name, "")) for path in paths)


def _unpack(archive: Path, members: dict[str, Path], folder: Path) -> None:
    """Write members to files, each moved into place once it is whole, and then their checksums."""
    sums = []
    with zipfile.ZipFile(archive) as opened, unfinished(folder) as temporary:
        for member, path in members.items():
            if member not in opened.namelist():
                raise DatasetReadError(f"{archive}: it lacks {member}: it is no longer the file that was checked")
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
def _quiet(pooch: Any) -> Iterator[None]:
    """Keep pooch from printing what the progress bar shows."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _progress(name: str, size: int) -> Any:
    """Give a progress bar on stderr; silent where that is no terminal."""
    from tqdm import tqdm  # noqa: PLC0415 - loads when it is used

    tqdm.monitor_interval = 0  # its monitor thread only matters for bars that stand still
    return tqdm(total=size, desc=name, unit="B", unit_scale=True, dynamic_ncols=True, disable=None)
