"""The last values that were made or used, by key: memory that does not grow."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """The values that were used last; older ones are forgotten.

    Parameters
    ----------
    most : int
        How many are kept.
    size : callable, optional
        The bytes of a value.
    bytes_kept : int
        Of all values together; the newest is kept in any case.

    Examples
    --------
    >>> squares = Remembered[int](2)
    >>> squares.put("2", 4)
    >>> squares.find("2"), squares.get("3", lambda: 9), squares.find("4")
    (4, 9, None)
    """

    def __init__(
        self, most: int, *, size: Callable[[Value], int] | None = None, bytes_kept: int = 0
    ) -> None:
        self._most, self._lock = most, threading.Lock()
        self._size, self._bytes_kept, self._bytes = size, bytes_kept, 0
        self._values: OrderedDict[str, Value] = OrderedDict()

    def find(self, key: str) -> Value | None:
        """The value; None where there is none any more."""
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: str, value: Value) -> None:
        """Remember a value."""
        with self._lock:
            if key in self._values:
                self._bytes -= self._bytes_of(self._values.pop(key))
            self._values[key] = value
            self._bytes += self._bytes_of(value)
            while len(self._values) > self._most or (
                self._bytes > self._bytes_kept and len(self._values) > 1
            ):
                self._bytes -= self._bytes_of(self._values.popitem(last=False)[1])

    def _bytes_of(self, value: Value) -> int:
        return 0 if self._size is None else self._size(value)

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        """The value; made where there is none."""
        found = self.find(key)
        if found is None:
            found = make()
            self.put(key, found)
        return found
