"""A lock among the threads of one process, which is free again in a process that is forked.

A thread of another library may fork (`multiprocessing`, a data loader) while a thread of this
process holds a lock. In the new process nobody would ever release it.
"""

from __future__ import annotations

import os
import threading
import weakref
from types import TracebackType
from typing import Any


class ProcessLock:
    """As `threading.Lock`; each forked process begins with one that nobody holds.

    Parameters
    ----------
    reentrant : bool
        Whether a thread may take it again while it holds it.
    """

    def __init__(self, *, reentrant: bool = False) -> None:
        self._make: Any = threading.RLock if reentrant else threading.Lock
        self._lock = self._make()
        self._renewed = False
        _all.add(self)

    def acquire(self) -> None:
        """Wait for the lock, and hold it."""
        self._lock.acquire()

    def release(self) -> None:
        """Give the lock back."""
        try:
            self._lock.release()
        except RuntimeError:
            if not self._renewed:  # it was held when this process was forked
                raise

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def renew(self) -> None:
        """Forget who holds it."""
        self._lock = self._make()
        self._renewed = True


_all: weakref.WeakSet[ProcessLock] = weakref.WeakSet()


def _renew() -> None:
    for lock in list(_all):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
