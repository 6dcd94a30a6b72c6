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


class StopRequest:
    """Whether a signal asked a job to end in good order, and which.

    Attributes
    ----------
    signal : int or None
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._event = threading.Event()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def ask(self, number: int | None = None) -> None:
        """Ask the job to end."""
        self.signal = number
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the request, so many seconds at most; whether there is one."""
        return self._event.wait(seconds)


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Note SIGTERM, SIGUSR1 (which schedulers send as a warning) and Ctrl-C, and go on.

    The job looks at the request where it can end without loss. A second Ctrl-C raises
    `KeyboardInterrupt`. In other threads than the main one nothing is noted.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        if request.signal == number == signal.SIGINT:
            raise KeyboardInterrupt
        request.ask(number)

    numbers = [signal.SIGTERM, signal.SIGINT]
    if hasattr(signal, "SIGUSR1"):
        numbers.append(signal.SIGUSR1)
    before = {
        number: signal.signal(number, handle)
        for number in numbers
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def was_terminated() -> bool:
    """Whether SIGTERM arrived since `terminated_as_interrupted` was last entered."""
    return _terminated.is_set()
