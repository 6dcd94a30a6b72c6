"""Several processes at once, for work that threads would do one after the other.

Not `concurrent.futures.ProcessPoolExecutor`, for two reasons. Its processes import the user's
main module again, so that a script without ``if __name__ == "__main__"`` or a program on
standard input would run anew in each of them. And they outlive a parent that is killed. Ours
import one module of the package, and end with their standard input (`workers.start`).

First comes the job, which is the same for all processes, then a task at a time; each task has an
answer.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterable
from typing import Any, TypeVar

from galaxyclass.errors import WorkerError
from galaxyclass.workers.start import Message, close_pipes, only_answers, send, start_process

Key = TypeVar("Key")

#: What a process needs of its libraries. glibc gives the memory of each image back to the system
#: and asks for it again for the next, which takes a sixth of the time: it is told to keep up to
#: 64 MB. Other systems do not know these names.
_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}


def core_count() -> int:
    """How many cores this process may use: on a shared machine often fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Helper:
    """A process that answers tasks; `end` it in any case.

    Parameters
    ----------
    module : str
        Its ``main`` calls `serve`.
    job : mapping
        What it is told first.
    """

    def __init__(self, module: str, job: Message) -> None:
        self._process = start_process(module, _SETTINGS)
        send(self._process, job)

    def ask(self, task: Message) -> dict[str, Any]:
        """Its answer to a task.

        Raises
        ------
        OSError
            The process met it while it worked.
        WorkerError
            The process died.
        """
        send(self._process, task)
        assert self._process.stdout is not None, "started with a pipe"
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise WorkerError(
                f"a process that helped ended unexpectedly (exit status {self._process.wait()})",
                hint="if memory is short, use fewer `workers`; what was finished before is kept "
                "where the work can go on",
            )
        answer: dict[str, Any] = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["text"])
        return answer

    def stop(self) -> None:
        """Kill it: a thread that waits for its answer has a `WorkerError`."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Kill it and let go of what it took, when no thread asks it any more."""
        self.stop()
        close_pipes(self._process)


def work_in_processes(
    module: str,
    job: Message,
    tasks: Iterable[tuple[Key, Message]],
    workers: int,
    *,
    here: Callable[[Message], Message] | None = None,
) -> Generator[tuple[Key, Message], None, None]:
    """Have tasks done by processes; close the generator to end them early.

    Parameters
    ----------
    module : str
        Its ``main`` calls `serve`.
    job : mapping
        What all processes are told once.
    tasks : iterable of (key, mapping)
        A name for the task here, and what the process is told. Taken as processes are free.
    workers : int
        How many processes.
    here : callable, optional
        From a task to its answer: a thread of this process takes the place of one of the others,
        and begins while they start. (A second thread would wait for the first one's Python.)

    Yields
    ------
    key, answer
        As tasks are done, in any order.

    Raises
    ------
    OSError
        A process met it while it worked.
    WorkerError
        A process died.
    """
    remaining = iter(tasks)
    taking, ended = threading.Lock(), threading.Event()
    done: queue.SimpleQueue[tuple[Key, Message] | BaseException | None] = queue.SimpleQueue()

    def work(answer: Callable[[Message], Message]) -> None:
        try:
            while True:
                with taking:
                    task = None if ended.is_set() else next(remaining, None)
                if task is None:
                    return
                done.put((task[0], answer(task[1])))
        except BaseException as error:  # raised again in the caller's thread
            done.put(error)
        finally:
            done.put(None)

    helpers: list[Helper] = []
    threads: list[threading.Thread] = []

    def begin(answer: Callable[[Message], Message]) -> None:
        threads.append(threading.Thread(target=work, args=[answer], daemon=True))
        threads[-1].start()

    try:
        if here is not None:
            begin(here)
        while len(threads) < workers:
            helpers.append(Helper(module, job))
            begin(helpers[-1].ask)
        running = len(threads)
        while running:
            result = done.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        ended.set()
        for helper in helpers:
            helper.stop()
        for thread in threads:
            thread.join()
        for helper in helpers:
            helper.end()


def serve(begin: Callable[[Message], Callable[[Message], Message]]) -> None:
    """Be such a process: answer tasks until the input ends.

    The input ends also when the process that started this one is killed: nothing is left running.

    Parameters
    ----------
    begin : callable
        From the job to a function from a task to its answer.
    """
    answers = only_answers()
    do = begin(json.loads(sys.stdin.buffer.readline()))
    for line in sys.stdin.buffer:
        try:
            answer = do(json.loads(line))
        except OSError as error:
            answer = {"errno": error.errno, "text": error.strerror}
        try:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody is left to hear it
