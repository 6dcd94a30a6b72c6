"""How much a request may ask for."""

from __future__ import annotations

from dataclasses import dataclass

_MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What is refused, before it costs memory or time.

    Attributes
    ----------
    request_bytes, file_bytes : int
        Of a request, and of a picture in it.
    files : int
        Pictures of a request.
    pixels : int
        Of a picture that is compressed; checked by its header before it is decoded.
    waiting : int
        Pictures that wait for the network, of all requests together; beyond, a request is refused
        and may be sent again later.
    bytes_at_once : int
        Of all requests that are being answered; beyond, a request is refused before it is read.
    requests : int
        That are answered at once.
    seconds : float
        For a request to be received, again for its predictions, and for each part of an answer to
        be taken by who asked.
    header_seconds : float
        For the header of a request to be received.
    """

    request_bytes: int = 100 * _MB
    file_bytes: int = 50 * _MB
    files: int = 200
    pixels: int = 40_000_000
    waiting: int = 400
    bytes_at_once: int = 300 * _MB
    requests: int = 200
    seconds: float = 60.0
    header_seconds: float = 10.0
