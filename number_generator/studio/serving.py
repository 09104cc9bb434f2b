"""The studio's server: on this machine alone, until a signal ends the process."""

import errno
import secrets
import socket
import threading
from typing import TYPE_CHECKING, Any

from number_generator.errors import NumberGeneratorError
from number_generator.studio.guard import Guard
from number_generator.system.optional import import_optional

if TYPE_CHECKING:
    from number_generator.studio.guard import Application

HOST = "127.0.0.1"
_TOKEN_BYTES = 32
_LONGEST_WAIT_S = 1.0  # on Windows, a signal is only handled once a wait has ended


class Server:
    """Answers at a port of this machine, in a thread of its own.

    The port is taken at once, and connections to it wait until `start`. As a context manager it gives the port back.

    Parameters
    ----------
    port : int
        0 takes any free one.

    Raises
    ------
    MissingExtraError
        If uvicorn is not installed.
    NumberGeneratorError
        If the port cannot be had.
    """

    def __init__(self, port: int) -> None:
        self._uvicorn = import_optional("uvicorn", "studio", "the studio")
        self._socket = _bind(port)
        self._token, self._ticket = (secrets.token_urlsafe(_TOKEN_BYTES) for _ in range(2))
        self._server: Any = None
        self._thread = threading.Thread(target=lambda: self._server.run([self._socket]), daemon=True)

    @property
    def port(self) -> int:
        """The port."""
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def address(self) -> str:
        """The page's address, with its token."""
        return f"http://{HOST}:{self.port}/{self._token}/"

    @property
    def address_once(self) -> str:
        """An address that leads to the page's, the first time."""
        return f"http://{HOST}:{self.port}/{self._ticket}"

    def start(self, application: "Application") -> None:
        """Begin to answer; the application's paths are those below the token."""
        config = self._uvicorn.Config(
            Guard(application, self._token, self._ticket, self.port),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = self._uvicorn.Server(config)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the server has ended; the thread of signals does nothing else, and so handles them at once."""
        while self._thread.is_alive():
            self._thread.join(_LONGEST_WAIT_S)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        """Give the port back; end the thread, if it was started, and wait for that."""
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join()
        self._socket.close()


def _bind(port: int) -> socket.socket:
    """Return a socket that listens at a port, or raise NumberGeneratorError."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # on Windows, or another program could take the port as well
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:  # the port of a studio that has just ended is free
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen()
    except OSError as exc:
        listening.close()
        reason = "in use" if exc.errno == errno.EADDRINUSE else f"not to be had ({exc.strerror})"
        raise NumberGeneratorError(
            f"port {port} of {HOST} is {reason}: give another with --port, or leave it out for a free one"
        ) from exc
    return listening
