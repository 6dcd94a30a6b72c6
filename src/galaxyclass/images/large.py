"""Turns of threads to decode large images."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from galaxyclass.workers.process_lock import ProcessLock

#: Images of more pixels are decoded one at a time in a process, so that a few bytes of each of many
#: files cannot take the memory of all of them at once.
ONE_AT_A_TIME = 4_000_000


class LargeImages(threading.local):
    """Whose turn it is to decode a large image: one thread's."""

    _turn = ProcessLock()

    def __init__(self) -> None:
        self._depth, self._has_turn = 0, False

    @contextmanager
    def turns(self) -> Iterator[None]:
        """Decode; other threads go on in the end, where this one had its turn."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._has_turn and not self._depth:
                self._has_turn = False
                self._turn.release()

    def wait_if(self, pixels: int) -> None:
        """Wait until no other thread decodes a large image, if this one is about to."""
        if pixels > ONE_AT_A_TIME and not self._has_turn:
            self._turn.acquire()
            self._has_turn = True


large_images = LargeImages()
