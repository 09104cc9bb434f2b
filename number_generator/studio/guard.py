"""Who may talk to the page: whoever knows its address, in a browser that was sent to this machine by name."""

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
"""What answers requests, as ASGI (https://asgi.readthedocs.io) has it."""

_HEADERS = {
    # Nothing from elsewhere, and no script or style within the page's own text.
    b"content-security-policy": b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",  # or a link would tell the address
    b"x-content-type-options": b"nosniff",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
}
_HTTP_PORT = 80
_REFUSAL = b"This address is not the studio's: open the one that the command has printed.\n"


class Guard:
    """Lets requests through whose path begins with the token, and adds headers to what is answered.

    The token is 256 random bits in the address, which no other site can guess. Nor can one read the page under a name
    of its own that leads to this machine ("DNS rebinding"): the request names the host, and only this machine's names
    are answered. What a site sends through the user's browser names its origin, and is refused.

    Parameters
    ----------
    application : callable
        What answers, with paths as they are below the token.
    token : str
    ticket : str
        A path that leads to the token's, once: all users of a machine can read what a browser is started with.
    port : int
    """

    def __init__(self, application: Application, token: str, ticket: str, port: int) -> None:
        self._application = application
        self._token = token.encode("ascii")
        self._ticket = ticket.encode("ascii")
        endings = ("", ":80") if port == _HTTP_PORT else (f":{port}",)  # browsers leave out the usual port
        self._hosts = {f"{name}{ending}".encode("ascii") for name in ("127.0.0.1", "localhost") for ending in endings}

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        status = self._judge(scope["path"], scope["headers"])
        if status == 303:
            self._ticket = self._token  # to come without its last slash is no harm
            await _answer(status, b"", send, (b"location", b"/%s/" % self._token))
            return
        if status != 200:
            await _answer(status, _REFUSAL, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_HEADERS.items()]
            await send(message)

        below = "/" + scope["path"].split("/", 2)[2]
        await self._application({**scope, "path": below, "raw_path": below.encode()}, receive, send_guarded)

    def _judge(self, path: str, headers: Iterable[tuple[bytes, bytes]]) -> int:
        """Return the status of a request: 200 if it may pass, 303 if it has the ticket."""
        held = dict(headers)
        if held.get(b"host") not in self._hosts:
            return 421
        origin = held.get(b"origin")
        if origin is not None and origin.removeprefix(b"http://") not in self._hosts:
            return 403
        token, *rest = path.removeprefix("/").split("/", 1)  # not all begin with one: OPTIONS asks for "*"
        given = token.encode("utf-8", "surrogatepass")
        # In constant time, so that no guess is told from a better one by how long it takes.
        if not rest:
            return 303 if hmac.compare_digest(given, self._ticket) else 404
        return 200 if hmac.compare_digest(given, self._token) else 404


async def _answer(
    status: int, text: bytes, send: Callable[[Message], Awaitable[None]], *headers: tuple[bytes, bytes]
) -> None:
    """Answer a request that does not pass; it learns nothing of the page."""
    about = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text)), *headers]
    await send({"type": "http.response.start", "status": status, "headers": about})
    await send({"type": "http.response.body", "body": text})
