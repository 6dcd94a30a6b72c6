"""Work by several threads, whose results come in order and a bounded way ahead."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

#: Tasks for each thread that may be begun or finished before their turn, unless told otherwise.
#: What is finished early covers for a task that takes long, and for a consumer that writes.
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
    """Have tasks done by threads; close the generator to end them early.

    Parameters
    ----------
    do : callable
        Called in one of the threads.
    tasks : iterable
        Taken, in the caller's thread, as there is room for their results.
    workers : int
        How many threads.
    begin : callable, optional
        Called once in each thread before its first task.
    ahead : int
        Tasks that may be begun before their turn, if that is more than `AHEAD` for each thread.
    stopping : threading.Event, optional
        Set when the results of tasks that are still at work will not be taken: they may end early.

    Yields
    ------
    result
        Of each task, in the order of the tasks. What ``do`` raises is raised here, in its turn;
        no thread is left running then.
    """
    pool = ThreadPoolExecutor(workers, "lane", begin)
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
        # Also when the consumer stops early (Ctrl-C): what is not begun is dropped.
        if stopping is not None:
            stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)
