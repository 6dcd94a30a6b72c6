"""Keeping memory between the steps of a network, where the C library gives it back each time.

glibc takes each large block from the system and returns it when it is freed, so that every step of
a network meets fresh pages: up to a third of the time goes into their faults. Told to keep what is
freed, it hands the same pages out again. Other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8

#: What is set meanwhile: nothing is mapped by itself, nothing is trimmed, and all threads share
#: the one arena whose blocks may be of any size.
_KEEP = {_MMAP_THRESHOLD: 1 << 30, _TRIM_THRESHOLD: 1 << 30, _TOP_PAD: 64 << 20, _ARENA_MAX: 1}
#: What is set after: the thresholds that glibc comes to by itself once it has met large blocks,
#: and its defaults.
_USUAL = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20, _TOP_PAD: 128 << 10, _ARENA_MAX: 0}

_lock = threading.Lock()
_users = 0


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep freed memory in this process meanwhile, and give it back to the system after.

    It changes no result. May be entered again, also from other threads.
    """
    global _users  # noqa: PLW0603 - the allocator is the process's own, too
    libc = _glibc()
    if libc is None:  # pragma: no cover - the tests run on glibc
        yield
        return
    with _lock:
        _users += 1
        if _users == 1:
            _set(libc.mallopt, _KEEP)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _set(libc.mallopt, _USUAL)
                libc.malloc_trim(0)


def _set(mallopt: Callable[[int, int], int], options: dict[int, int]) -> None:
    for option, value in options.items():
        mallopt(option, value)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):  # pragma: no cover
        return None
    libc = ctypes.CDLL(None)
    has = all(hasattr(libc, name) for name in ("gnu_get_libc_version", "mallopt", "malloc_trim"))
    return libc if has else None
