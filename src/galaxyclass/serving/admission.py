"""Which requests are taken in at all: what they hold in memory is bounded before it is read."""

from __future__ import annotations

import threading
from types import TracebackType

from galaxyclass.serving.limits import Limits
from galaxyclass.serving.refusals import RefusedError

#: When a refused request may be sent again, seconds.
_AGAIN = 2


class Admission:
    """Counts the requests that are being answered, and the bytes that were sent with them.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits, self._lock = limits, threading.Lock()
        self._requests = self._bytes = 0

    def request(self, announced: int) -> AdmittedRequest:
        """Take a request in.

        Parameters
        ----------
        announced : int
            The bytes that its header says will come; 0 where it does not say.

        Raises
        ------
        RefusedError
            503: too many requests, or too many bytes, are being answered.
        """
        with self._lock:
            if self._requests >= self._limits.requests:
                raise RefusedError(
                    503,
                    "too many requests are being answered",
                    wanted=f"at most {self._limits.requests:,} at once",
                    hint="send it again in a few seconds",
                    retry_seconds=_AGAIN,
                )
            self._requests += 1
        admitted = AdmittedRequest(self)
        try:
            admitted.reserve(announced)
        except RefusedError:
            admitted.end()
            raise
        return admitted

    def add(self, count: int) -> None:
        """Count bytes that come.

        Raises
        ------
        RefusedError
            503: too many; none were counted.
        """
        with self._lock:
            if count and self._bytes + count > self._limits.bytes_at_once:
                raise RefusedError(
                    503,
                    "too many pictures are being received from all who ask",
                    wanted=f"at most {self._limits.bytes_at_once:,} bytes at once",
                    got=f"{self._bytes:,} bytes, and {count:,} more",
                    hint="send them again in a few seconds",
                    retry_seconds=_AGAIN,
                )
            self._bytes += count

    def remove(self, count: int) -> None:
        """Forget a request and its bytes."""
        with self._lock:
            self._requests -= 1
            self._bytes -= count


class AdmittedRequest:
    """A request that was taken in; it is over when this context ends."""

    def __init__(self, admission: Admission) -> None:
        self._admission, self._reserved = admission, 0

    def reserve(self, received: int) -> None:
        """Count so many bytes in all for this request; what was announced is counted already.

        Raises
        ------
        RefusedError
            503: there are too many of all requests.
        """
        if received > self._reserved:
            self._admission.add(received - self._reserved)
            self._reserved = received

    def end(self) -> None:
        """Give the bytes back."""
        self._admission.remove(self._reserved)

    def __enter__(self) -> AdmittedRequest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
