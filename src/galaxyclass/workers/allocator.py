"""Keep freed memory in the process between the steps of a network (glibc only).

glibc takes each large block from the system and returns it when it is freed, so that every step of
a network gets new pages. Up to a third of the time then goes into page faults. With the settings
here glibc keeps freed blocks and uses their pages again. Other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from galaxyclass.workers.process_lock import ProcessLock

# malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8

#: Settings that keep memory: no block has a mapping of its own, nothing is trimmed, and all threads
#: share the main arena, whose blocks may have any size.
_KEEP = {_MMAP_THRESHOLD: 1 << 30, _TRIM_THRESHOLD: 1 << 30, _TOP_PAD: 64 << 20, _ARENA_MAX: 1}
#: Settings afterwards: the thresholds that glibc reaches by itself after large blocks, and its
#: defaults.
_USUAL = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 64 << 20, _TOP_PAD: 128 << 10, _ARENA_MAX: 0}

_lock = ProcessLock()
_users = 0


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep freed memory in this process inside the context, and return it to the system afterwards.

    It changes no result. Contexts can be nested, also across threads.
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
