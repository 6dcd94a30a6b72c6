"""Who may ask: the checks before any request is handled, and the headers of every answer.

- A name in the ``Host`` header that is not this machine's is refused, so that a foreign page
  cannot reach the server under its own name (DNS rebinding).
- A request that changes something is refused where a browser says that another site sent it.
- Where the server listens beyond this machine, a token is required: once in the address, then as a
  cookie, or as ``Authorization: Bearer``.
- The body of a request is bounded in bytes and in time.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode

from galaxyclass.serving.limits import Limits
from galaxyclass.serving.refusals import RefusedError

AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

#: Names of this machine, which are always allowed.
LOOPBACK = ("localhost", "127.0.0.1", "::1")

_COOKIE, _TOKEN = "galaxyclass_token", "token"
_READING = ("GET", "HEAD", "OPTIONS")

#: Nothing from other hosts, no code in a page: a name that should be HTML stays text.
HEADERS: dict[str, str] = {
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'self'; "
    "script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Stands before an application and refuses what must not reach it.

    Parameters
    ----------
    application : ASGI application
    host : str
        What the server listens on.
    token : str or None
        What a request must know; None: everybody on this machine may ask.
    limits : Limits
    """

    def __init__(
        self, application: Application, *, host: str, token: str | None, limits: Limits
    ) -> None:
        self._application, self._host, self._token = application, host, token
        self._limits = limits

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }

        async def send_guarded(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), text.encode()) for name, text in HEADERS.items()]
                present = {name.lower() for name, _ in message["headers"]}
                if b"cache-control" not in present:
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _answer(send_guarded, *refusal)
            return
        if self._token is not None and (entered := self._entered(scope)) is not None:
            await _answer(send_guarded, 303, "", entered)
            return
        await self._application(scope, self._bounded(receive), send_guarded)

    def _refusal(
        self, scope: MutableMapping[str, Any], headers: dict[str, str]
    ) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not is_own_host(host, self._host):
            return 421, "this server does not have that name"
        if scope["method"] not in _READING and not _is_same_origin(headers, host):
            return 403, "sent by a page of another site"
        if self._token is not None and not self._is_known(scope, headers):
            return 401, "open the address that the command printed: it has the token"
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return 400, "the header Content-Length is no number"
        if int(length) > self._limits.request_bytes:
            return 413, f"a request has at most {self._limits.request_bytes:,} bytes"
        return None

    def _is_known(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> bool:
        given = [headers.get("authorization", "").removeprefix("Bearer ").strip()]
        given += _query(scope).get(_TOKEN, [])
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        if _COOKIE in cookies:
            given.append(cookies[_COOKIE].value)
        wanted = (self._token or "").encode()
        return any(hmac.compare_digest(text.encode(), wanted) for text in given)

    def _entered(self, scope: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]] | None:
        """The headers that put the token of an address into a cookie, and the address without."""
        query = _query(scope)
        if scope["method"] != "GET" or _TOKEN not in query:
            return None
        del query[_TOKEN]
        rest = urlencode(query, doseq=True)
        # A path that begins with two slashes would name another host.
        path = "/" + scope["raw_path"].decode("latin-1").lstrip("/")
        cookie = f"{_COOKIE}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        place = path + (f"?{rest}" if rest else "")
        return [(b"location", place.encode("latin-1")), (b"set-cookie", cookie.encode())]

    def _bounded(self, receive: Receive) -> Receive:
        """The body of a request, refused where it is too large or too slow."""
        most, seconds = self._limits.request_bytes, self._limits.seconds
        received, whole, end = 0, False, asyncio.get_running_loop().time() + seconds

        async def bounded() -> AsgiMessage:
            nonlocal received, whole
            if whole:  # what follows is only whether the client is still there
                return await receive()
            try:
                async with asyncio.timeout_at(end):
                    message = await receive()
            except TimeoutError:
                raise RefusedError(408, "the request took too long to arrive") from None
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if received > most:
                raise RefusedError(413, f"a request has at most {most:,} bytes")
            return message

        return bounded


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server that listens there.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_own_host(header: str, host: str) -> bool:
    """Whether a ``Host`` header names this server.

    An address in numbers cannot be a name that a foreign page has made to point here.

    Examples
    --------
    >>> is_own_host("localhost:8000", "127.0.0.1"), is_own_host("evil.example:8000", "127.0.0.1")
    (True, False)
    """
    end = "]" if header.startswith("[") else ":"
    name = header.lstrip("[").partition(end)[0].lower()
    if name in (*LOOPBACK, host.lower()):
        return True
    if is_loopback(host):
        return False
    if name in (socket.gethostname().lower(), socket.getfqdn().lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_same_origin(headers: dict[str, str], host: str) -> bool:
    """Whether a request comes from a page of this server, or from no page at all."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2].lower() == host.lower()
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _query(scope: MutableMapping[str, Any]) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)


async def _answer(
    send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    kind = (b"content-type", b"text/plain; charset=utf-8")
    await send(
        {"type": "http.response.start", "status": status, "headers": [kind, *(headers or [])]}
    )
    await send({"type": "http.response.body", "body": text.encode()})
