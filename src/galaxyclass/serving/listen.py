"""Listening: a socket, uvicorn, and the address to open."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from galaxyclass.errors import ArgumentError
from galaxyclass.serving.security import Application

#: Connections at once, and seconds that an idle one is kept.
_CONNECTIONS, _IDLE_SECONDS = 200, 10


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
        config = uvicorn.Config(
            application,
            access_log=False,
            log_level="warning",
            lifespan="off",
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        if ready is not None:
            ready(address)  # the socket listens already: requests wait until they are answered
        server.run(sockets=[listening])


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
