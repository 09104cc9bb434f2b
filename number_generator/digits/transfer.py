"""One file from one server, within bounds of bytes and time whatever the server does."""

import contextlib
import importlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from number_generator.system.threads import starting_a_thread

_ANSWER_S = 60.0  # from the first connection to the last header, over all redirects
_TIMEOUT_S = (10.0, 30.0)  # to connect, and for any data to arrive
_PATIENCE_S = 30.0  # a server that sends too slowly for this long is given up
_LEAST_BYTES_PER_S = 1000
_TICK_S = 0.1
_CHUNK_BYTES = 256 * 1024
_FULL_CHUNK_BYTES = 16 * 1024  # where a read waits for all of it: a server of the least speed sends it in time
_MOST_REDIRECTS = 10
_LONGEST_REASON = 150
_REFUSALS = (400, 401, 403, 404, 405, 410, 451)  # asking again would give the same answer


class TransferError(Exception):
    """Why a server did not send a file; `is_final` if asking it again is useless."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Transfer:
    """A download in a thread of its own, so that it can be given up at any moment.

    Whoever reads from a server waits for as long as it sends a byte now and then: of a name, of a header, of the length
    of a chunk. Nothing but another thread bounds that.

    Parameters
    ----------
    url : str
    path : Path
        The file to write.
    most_bytes : int
        What the file may take.

    Attributes
    ----------
    received : int
        How many bytes have arrived.
    promised : int or None
        How many the server has announced; None before it has answered, or if it does not say.
    """

    def __init__(self, url: str, path: Path, *, most_bytes: int) -> None:
        self.received = 0
        self.promised: int | None = None
        self._url, self._path, self._most_bytes = url, path, most_bytes
        self._response: Any = None
        self._error: BaseException | None = None
        self._is_given_up = False
        self._has_ended = threading.Event()
        with starting_a_thread():
            threading.Thread(target=self._run, name="number_generator download", daemon=True).start()

    def watch(self) -> Iterator[None]:
        """Yield now and then, once the server has answered, until the file is complete.

        Raises
        ------
        TransferError
            If the server does not send it, or not in time.
        OSError
            If the file cannot be written.
        """
        since, before = time.monotonic(), 0
        while self._response is None and not self._has_ended.wait(_TICK_S):
            if time.monotonic() - since > _ANSWER_S:
                raise TransferError("it did not answer in time")
        since = time.monotonic()
        while not self._has_ended.wait(_TICK_S):
            yield
            elapsed, received = time.monotonic() - since, self.received
            if elapsed > _PATIENCE_S:
                if received - before < _LEAST_BYTES_PER_S * elapsed:
                    raise TransferError(f"it is too slow: {received - before} bytes in {elapsed:.0f} s")
                since, before = time.monotonic(), received
        if self._error is not None:
            raise self._error

    def give_up(self) -> None:
        """Let the thread end as soon as it can; do nothing if it has ended."""
        self._is_given_up = True
        if self._response is not None:
            with contextlib.suppress(Exception):  # not in urllib3 before 2.3, nor for a response that is closed
                self._response.raw.shutdown()

    def _run(self) -> None:
        try:
            with contextlib.closing(_open_url(self._url)) as response, self._path.open("wb") as output:
                self.promised = _read_length(response)
                self._response = response
                for chunk in self._read_chunks(response):
                    output.write(chunk)
        # It is raised in the thread that waits for this one.
        except BaseException as exc:
            self._error = exc
        finally:
            self._has_ended.set()

    def _read_chunks(self, response: Any) -> Iterator[bytes]:
        """Yield what arrives, undecoded: a file that is itself gzipped must not be unpacked."""
        # read1 returns what is there; read, in urllib3 before 2.2, waits until the chunk is full.
        read_some = getattr(response.raw, "read1", None)
        read, size = (read_some, _CHUNK_BYTES) if read_some else (response.raw.read, _FULL_CHUNK_BYTES)
        while not self._is_given_up:
            try:
                chunk = read(size, decode_content=False)
            # urllib3's own errors have no base class that requests exposes.
            except Exception as exc:
                raise TransferError(f"it broke off after {self.received} bytes ({_describe_error(exc)})") from exc
            if not chunk:
                break
            self.received += len(chunk)
            if self.received > self._most_bytes:
                raise TransferError(f"it sent more than {self._most_bytes} bytes", is_final=True)
            yield chunk
        if self.promised is not None and self.received < self.promised:
            raise TransferError(f"it broke off after {self.received} of {self.promised} bytes")


def _open_url(url: str) -> Any:
    """Return the response to a request, of which only the headers have been read, after following redirects."""
    requests: Any = importlib.import_module("requests")
    with requests.Session() as session:
        # requests would read the bodies of redirects, and unpack them, however large they are.
        session.get_redirect_target = lambda _response: None
        try:
            for _ in range(_MOST_REDIRECTS + 1):
                response = session.get(url, stream=True, timeout=_TIMEOUT_S)
                if not response.is_redirect:
                    return _check_status(response)
                response.close()
                url = urljoin(url, response.headers["location"].encode("latin-1").decode("utf-8", "replace"))
        except TransferError:
            raise
        except Exception as exc:  # urllib3's own errors, as above
            raise TransferError(_describe_error(exc)) from exc
    raise TransferError(f"it redirects more than {_MOST_REDIRECTS} times", is_final=True)


def _check_status(response: Any) -> Any:
    """Return a response, or raise TransferError if it is not the file."""
    if response.status_code == 200:
        return response
    response.close()
    reason = f"it answered {response.status_code} {response.reason}"[:_LONGEST_REASON]
    raise TransferError(reason, is_final=response.status_code in _REFUSALS)


def _read_length(response: Any) -> int | None:
    """Return the number of bytes that a server announces; None if it announces none, or nonsense."""
    text = response.headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def _describe_error(exc: Exception) -> str:
    """Describe in a few words what went wrong."""
    text = f"{type(exc).__name__}: {exc}"
    if "timed out" in text or "Timeout" in text:
        return "it did not answer in time"
    if "NameResolution" in text or "getaddrinfo" in text or "Name or service" in text:
        return "its name is not known here: is there a connection?"
    if "refused" in text:
        return "it refused the connection"
    return " ".join(text.split())[:_LONGEST_REASON]
