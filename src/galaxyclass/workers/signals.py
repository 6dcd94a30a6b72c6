"""SIGTERM works like Ctrl-C: running work ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_terminated = threading.Event()


@contextmanager
def stopping_with(stop: type[BaseException], *, interrupt: bool = True) -> Iterator[None]:
    """Raise ``stop`` in the main thread on SIGTERM and on Ctrl-C; other threads change nothing.

    Parameters
    ----------
    stop : type of exception
    interrupt : bool
        Whether Ctrl-C raises ``stop`` as well; otherwise its handler is not changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            _terminated.set()
        raise stop

    numbers = (signal.SIGTERM, signal.SIGINT) if interrupt else (signal.SIGTERM,)
    # Signals that the process was started to ignore, as shells start background jobs, stay
    # ignored.
    before = {
        number: signal.signal(number, handle)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM raise `KeyboardInterrupt`; `was_terminated` says whether it did."""
    _terminated.clear()
    with stopping_with(KeyboardInterrupt, interrupt=False):
        yield


def was_terminated() -> bool:
    """Whether SIGTERM arrived since `terminated_as_interrupted` was last entered."""
    return _terminated.is_set()
