"""Listening: a socket, uvicorn, and the address to open."""

from __future__ import annotations

import socket
from asyncio import TimerHandle, Transport
from collections.abc import Callable

import h11
import uvicorn
from uvicorn import Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from galaxyclass.errors import ArgumentError
from galaxyclass.serving.limits import Limits
from galaxyclass.serving.security import Application

#: Connections at once, with or without a request, and seconds that an idle one is kept.
_CONNECTIONS, _IDLE_SECONDS = 500, 10


class TimedProtocol(H11Protocol):
    """A connection that is closed where the header of a request does not come in time.

    uvicorn waits for ever for it: a client that sends a letter a minute would keep its place.
    """

    seconds = Limits().header_seconds

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._slow: TimerHandle | None = None
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unwatch()

    def _watch(self) -> None:
        """Begin to wait where a header is missing; once, however little comes."""
        if self.conn.their_state is not h11.IDLE:
            self._unwatch()
        elif self._slow is None:
            self._slow = self.loop.call_later(self.seconds, self._close)

    def _unwatch(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _close(self) -> None:
        self._slow = None
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


def listen(
    application: Application,
    host: str,
    port: int,
    *,
    token: str | None,
    ready: Callable[[str], None] | None,
) -> None:
    """Answer requests until Ctrl-C or SIGTERM.

    Parameters
    ----------
    application : ASGI application
    host : str
    port : int
        0: any that is free.
    token : str or None
        Part of the address.
    ready : callable or None
        Called with the address once requests are answered.

    Raises
    ------
    ArgumentError
        The port is taken, or the host is none of this machine.
    """
    with _bound(host, port) as listening:
        address = _address(host, listening.getsockname()[1], token)
        server = make_server(application)
        if ready is not None:
            ready(address)  # the socket listens already: requests wait until they are answered
        server.run(sockets=[listening])


def make_server(application: Application, protocol: type[H11Protocol] = TimedProtocol) -> Server:
    """What answers requests on a socket."""
    return Server(
        uvicorn.Config(
            application,
            http=protocol,
            ws="none",
            access_log=False,
            log_level="warning",
            lifespan="off",
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=False,
        )
    )


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ArgumentError(
            f"{host}:{port}: cannot be listened on",
            argument="port",
            got=error.strerror or str(error),
            hint="choose another `port`, or 0 for any that is free",
        ) from None
    return listening


def _address(host: str, port: int, token: str | None) -> str:
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else host  # noqa: S104 - compared, not bound
    place = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    return place if token is None else f"{place}?token={token}"
