"""SIGTERM does what Ctrl-C does: whatever is under way ends in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_terminated = threading.Event()


@contextmanager
def stopping_with(stop: type[BaseException], *, interrupt: bool = True) -> Iterator[None]:
    """Raise ``stop`` in the main thread on SIGTERM, and on Ctrl-C too; elsewhere nothing changes.

    Parameters
    ----------
    stop : type of exception
    interrupt : bool
        Whether Ctrl-C does the same; otherwise it does what it did.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM:
            _terminated.set()
        raise stop

    numbers = (signal.SIGTERM, signal.SIGINT) if interrupt else (signal.SIGTERM,)
    # What the process was started to ignore, as a shell starts what it runs in the background, it
    # ignores still.
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
    """Let SIGTERM raise `KeyboardInterrupt`; `was_terminated` tells the two apart."""
    _terminated.clear()
    with stopping_with(KeyboardInterrupt, interrupt=False):
        yield


def was_terminated() -> bool:
    """Whether SIGTERM has come since `terminated_as_interrupted` was entered last."""
    return _terminated.is_set()
