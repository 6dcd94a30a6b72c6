"""Names under which this machine is asked."""

from __future__ import annotations

import ipaddress
import socket

#: Names of this machine, which are always allowed.
LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
