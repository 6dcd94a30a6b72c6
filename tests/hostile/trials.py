"""What a trial is, and how files are mutated; each kind of trial is a module beside this one.

A trial is survived where the call ends in a result or in an error of the package itself, in a few
seconds. Every trial is drawn from a seed, so that a fault can be repeated.
"""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from galaxyclass.errors import GalaxyclassError
from galaxyclass.short import first_line

#: Seconds of processor time that a call may take, and seconds after which it hangs.
PATIENCE, HANGS = 5.0, 60


@dataclass
class Tally:
    """How many trials of a kind there were, and what the others died of."""

    kind: str
    tried: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def survived(self) -> int:
        """Trials without a fault."""
        return self.tried - len(self.faults)

    def add(self, name: str, fault: str) -> None:
        """Count a trial; ``fault`` is empty where it was survived."""
        self.tried += 1
        if fault:
            self.faults.append(f"{name}: {fault}")

    def call(self, name: str, call: Callable[[], object], *, must_fail: bool = False) -> None:
        """Count a call (see `fault_of`)."""
        self.add(name, fault_of(call, must_fail=must_fail))


class HangsError(Exception):
    """A call took too long."""


def fault_of(call: Callable[[], object], *, must_fail: bool = False) -> str:
    """What is wrong with how a call ended; nothing where it was survived.

    Parameters
    ----------
    call : callable
    must_fail : bool
        A result is a fault, too: what was given is not whole.
    """
    begun = time.process_time()
    try:
        with _alarm(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
    except HangsError:
        return f"hangs for {HANGS} s"
    except GalaxyclassError as error:
        text = str(error)  # it can be shown
        return "" if text else "an error without words"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"{type(error).__name__}: {first_line(error)}"
    if must_fail:
        return "taken without a word"
    took = time.process_time() - begun
    return f"took {took:.0f} s" if took > PATIENCE else ""


@contextmanager
def _alarm() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def hangs(*_: Any) -> None:
        raise HangsError

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mutated(data: bytes, random: np.random.Generator, other: bytes = b"") -> bytes:
    """Some bytes with one to eight faults: flipped, set, cut out, doubled, cut off or spliced."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 9))):
        if not changed:
            break
        # As often near the beginning, where the headers are, as anywhere.
        most = len(changed) if random.random() < 0.5 else min(len(changed), 128)
        place = int(random.integers(0, most))
        length = int(random.integers(1, 33))
        match int(random.integers(0, 7)):
            case 0:
                changed[place] ^= 1 << int(random.integers(0, 8))
            case 1:
                changed[place] = int(random.integers(0, 256))
            case 2:
                extreme = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x01")
                changed[place : place + 4] = extreme[int(random.integers(0, 4))]
            case 3:
                del changed[place : place + length]
            case 4:
                changed[place:place] = changed[place : place + length]
            case 5:
                del changed[max(1, place) :]
            case _:
                start = int(random.integers(0, max(1, len(other))))
                changed[place : place + length] = other[start : start + length]
    return bytes(changed)


def mutated_value(data: Any, random: np.random.Generator) -> Any:
    """Plain data (of JSON) of which one value is another, is missing, or has too much in it."""
    places = list(_places(data))
    container, key = places[int(random.integers(0, len(places)))]
    strange: list[Any] = [
        *(None, -1, 0, 10**30, 1e308, "", "x" * 5000, "\x1b[2J", [], {}, [[]], {"a": 1}, True),
        *(float("nan"), [1] * 1000, ["\ud800"], "../../../etc/passwd", "/dev/zero", -1e-300),
    ]
    if random.random() < 0.2:
        del container[key]
    else:
        container[key] = strange[int(random.integers(0, len(strange)))]
    return data


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for key in keys:
        yield data, key
        yield from _places(data[key])
