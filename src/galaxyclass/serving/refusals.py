"""Requests that are refused: an HTTP status, and a message as the package's errors have it."""

from __future__ import annotations

from typing import Any

from galaxyclass.errors import GalaxyclassError


class RefusedError(GalaxyclassError):
    """A request that is refused.

    Parameters
    ----------
    status : int
        Of HTTP: 413 too large, 422 not understood, 503 too busy.
    what : str
    retry_seconds : int, optional
        When to try again.
    wanted, got, hint : str, optional
        As for `GalaxyclassError`.
    """

    def __init__(
        self, status: int, what: str, *, retry_seconds: int | None = None, **parts: str | None
    ) -> None:
        super().__init__(what, **parts)
        self.status, self.retry_seconds = status, retry_seconds


def error_json(error: GalaxyclassError) -> dict[str, Any]:
    """An error as plain data.

    Examples
    --------
    >>> error_json(GalaxyclassError("no picture", hint="send one"))
    {'error': {'what': 'no picture', 'hint': 'send one'}}
    """
    parts = {
        name: getattr(error, name)
        for name in ("what", "wanted", "got", "hint")
        if getattr(error, name) is not None
    }
    return {"error": parts}
