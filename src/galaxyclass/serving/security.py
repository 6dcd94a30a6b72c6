"""Who may ask: the checks before any request is handled, and the headers of every answer.

- A name in the ``Host`` header that is not this machine's is refused, so that a foreign page
  cannot reach the server under its own name (DNS rebinding).
- A request that changes something is refused where a browser says that another site sent it.
- Where the server listens beyond this machine, a token is required: once in the address, then as a
  cookie, or as ``Authorization: Bearer``.
- Requests are bounded in number, in bytes and in time, each and all together.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

from galaxyclass.serving.admission import Admission, AdmittedRequest
from galaxyclass.serving.hosts import is_own_host
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.pages import refusal
from galaxyclass.serving.refusals import RefusedError

log = logging.getLogger(__name__)

AsgiMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[AsgiMessage]]
Send = Callable[[AsgiMessage], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_COOKIE, _TOKEN = "galaxyclass_token", "token"
_READING = ("GET", "HEAD", "OPTIONS")
#: For how long the rest of a refused request is read and dropped: a client that is cut off while it
#: sends does not see the answer.
_DRAINING_SECONDS = 5.0
#: The bytes of a request's body beyond which it is cut off in any case.
_DRAINED_BYTES = 1_000_000_000

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
        self._limits, self._admission = limits, Admission(limits)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        body = _Body(receive, self._limits, waits="expect" in headers)
        send_guarded = self._guarded(body, send)
        try:
            self._require_allowed(scope, headers)
            entered = None if self._token is None else self._entered(scope)
            if entered is not None:
                await entered(scope, body.receive, send_guarded)
                return
            admitted = self._admission.request(self._announced(headers))
        except RefusedError as error:
            answer = refusal(error, Headers(scope=scope).get("accept", ""))
            await answer(scope, body.receive, send_guarded)
            return
        with admitted:
            body.admitted = admitted
            try:
                await self._application(scope, body.receive, send_guarded)
            except _NotTakenError:
                log.warning("%s: the answer was not taken in time", scope["path"][:200])

    def _guarded(self, body: _Body, send: Send) -> Send:
        """Answers get the headers of every answer, and are not sent for ever."""

        async def send_guarded(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                await body.drain()
                added = [(name.encode(), text.encode()) for name, text in HEADERS.items()]
                present = {name.lower() for name, _ in message["headers"]}
                if b"cache-control" not in present:
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *added]
            try:
                async with asyncio.timeout(self._limits.seconds):
                    await send(message)
            except TimeoutError:
                raise _NotTakenError from None

        return send_guarded

    def _require_allowed(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> None:
        """Refuse who must not ask.

        Raises
        ------
        RefusedError
        """
        host = headers.get("host", "")
        if not is_own_host(host, self._host):
            raise RefusedError(
                421,
                "this server does not have that name",
                wanted="the address that the command printed",
                got=host[:200] or "no header Host",
            )
        if scope["method"] not in _READING and not _is_same_origin(headers, host):
            raise RefusedError(
                403,
                "the request was sent by a page of another site",
                hint="open this server's own page, and send it from there",
            )
        is_open = self._token is None or scope["path"].startswith("/static/")
        if not is_open and not self._is_known(scope, headers):
            raise RefusedError(
                401,
                "the token is missing, or is another one",
                hint="open the address that the command printed, which has the token; a program "
                "sends the header Authorization: Bearer TOKEN",
            )

    def _announced(self, headers: dict[str, str]) -> int:
        """The bytes that a request says it has.

        Raises
        ------
        RefusedError
            No number; or too many.
        """
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            raise RefusedError(400, "the header Content-Length is no number", got=length[:40])
        if len(length) > 18 or int(length) > self._limits.request_bytes:
            raise _too_large(self._limits, f"{length[:20]} bytes")
        return int(length)

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

    def _entered(self, scope: MutableMapping[str, Any]) -> RedirectResponse | None:
        """An answer that puts the token of an address into a cookie, and the address without."""
        query = _query(scope)
        if scope["method"] != "GET" or _TOKEN not in query:
            return None
        del query[_TOKEN]
        remaining = urlencode(query, doseq=True)
        # A path that begins with two slashes would name another host.
        path = "/" + scope["raw_path"].decode("latin-1").lstrip("/\\")
        response = RedirectResponse(path + (f"?{remaining}" if remaining else ""), status_code=303)
        response.set_cookie(_COOKIE, self._token or "", httponly=True, samesite="strict")
        return response


class _NotTakenError(Exception):
    """Who asked does not take the answer: the connection is closed."""


class _Body:
    """The body of a request, refused where it is too large or too slow.

    Attributes
    ----------
    admitted : AdmittedRequest or None
        What counts its bytes.
    """

    def __init__(self, receive: Receive, limits: Limits, *, waits: bool) -> None:
        self.admitted: AdmittedRequest | None = None
        self._waits = waits  # it is only sent when it is asked for
        self._receive, self._limits = receive, limits
        self._received, self._is_whole = 0, False
        self._end = asyncio.get_running_loop().time() + limits.seconds

    async def receive(self) -> AsgiMessage:
        """The next part.

        Raises
        ------
        RefusedError
        """
        if self._is_whole:  # what follows is only whether the client is still there
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._next()
        except TimeoutError:
            raise RefusedError(
                408,
                "the request took too long to arrive",
                wanted=f"all of it within {self._limits.seconds:g} s",
                hint="send fewer pictures at once",
            ) from None
        if self._received > self._limits.request_bytes:
            raise _too_large(self._limits, f"more, and no end at {self._received:,} bytes")
        if self.admitted is not None:
            self.admitted.reserve(self._received)
        return message

    async def drain(self) -> None:
        """Read what still comes and drop it, before an answer that did not wait for it."""
        if self._waits and not self._received:
            return
        try:
            async with asyncio.timeout(min(_DRAINING_SECONDS, self._limits.seconds)):
                while not self._is_whole and self._received < _DRAINED_BYTES:
                    await self._next()
        except TimeoutError:
            pass

    async def _next(self) -> AsgiMessage:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        return message


def _too_large(limits: Limits, got: str) -> RefusedError:
    return RefusedError(
        413,
        "the request is too large",
        wanted=f"at most {limits.request_bytes:,} bytes",
        got=got,
        hint="send fewer pictures at once",
    )


def _is_same_origin(headers: dict[str, str], host: str) -> bool:
    """Whether a request comes from a page of this server, or from no page at all."""
    origin = headers.get("origin")
    if origin is not None:
        return origin.partition("://")[2].lower() == host.lower()
    return headers.get("sec-fetch-site", "none") in ("none", "same-origin")


def _query(scope: MutableMapping[str, Any]) -> dict[str, list[str]]:
    return parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
