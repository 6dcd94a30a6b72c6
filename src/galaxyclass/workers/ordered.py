"""An ordered pool of threads: results come in the order of the tasks, with bounded memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

#: Tasks per thread that may be started before their results are taken, by default. Results that are
#: ready early keep the threads busy while one task takes long, or while the consumer writes.
AHEAD = 4


def ordered_pool(
    do: Callable[[Item], Outcome],
    tasks: Iterable[Item],
    workers: int,
    begin: Callable[[], None] | None = None,
    *,
    ahead: int = 0,
    stopping: threading.Event | None = None,
) -> Generator[Outcome, None, None]:
    """Run tasks in threads and yield their results in order; close the generator to end early.

    Parameters
    ----------
    do : callable
        Called in one of the threads.
    tasks : iterable
        Read in the caller's thread, as far ahead as ``ahead`` allows.
    workers : int
        How many threads.
    begin : callable, optional
        Called once in each thread before its first task.
    ahead : int
        Tasks that may be started before their results are taken; at least `AHEAD` per thread.
    stopping : threading.Event, optional
        Set when the results of running tasks will not be taken any more: they may end early.

    Yields
    ------
    result
        Of each task, in the order of the tasks. An exception of ``do`` is raised in the task's
        turn; no thread is left running then.
    """
    pool = ThreadPoolExecutor(workers, "ordered-pool", begin)
    waiting: deque[Future[Outcome]] = deque()
    ahead = max(ahead, AHEAD * workers)
    try:
        for task in tasks:
            waiting.append(pool.submit(do, task))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        # Also when the consumer stops early (Ctrl-C): tasks that have not started are dropped.
        if stopping is not None:
            stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)
