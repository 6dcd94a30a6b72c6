"""Worker processes, for work that Python's lock keeps threads from doing at the same time.

Not `concurrent.futures.ProcessPoolExecutor`, for two reasons. Its processes import the user's
main module again, so that a script without ``if __name__ == "__main__"`` or a program on
standard input would run anew in each of them. And they outlive a parent that is killed. Those here
import one module of the package, and end with their standard input (`workers.start`).

A process first gets the job, which is the same for all processes, and then one task at a time; each
task has an answer.
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

#: Settings of a process's libraries. glibc returns the memory of each image to the system and asks
#: for it again for the next one, which takes a sixth of the time: these settings let it keep up to
#: 64 MB. Other systems ignore them.
_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}


def core_count() -> int:
    """How many cores this process may use: on a shared machine often fewer than it has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def core_shares(processes: int) -> list[tuple[int, ...]]:
    """The cores of each of some processes, which share those of this one evenly.

    Returns
    -------
    list of tuple of int
        Empty ones where there are fewer cores than processes, or the system cannot tell them apart.
    """
    if not hasattr(os, "sched_getaffinity"):
        return [()] * processes
    cores = sorted(os.sched_getaffinity(0))
    size = len(cores) // processes
    return [tuple(cores[index * size : (index + 1) * size]) for index in range(processes)]


class WorkerProcess:
    """A process that answers tasks; `end` must be called in any case.

    Parameters
    ----------
    module : str
        Its ``main`` calls `answer_tasks`.
    job : mapping
        The message that the process gets first.
    """

    def __init__(self, module: str, job: Message) -> None:
        self._process = start_process(module, _SETTINGS)
        send(self._process, job)

    def ask(self, task: Message) -> dict[str, Any]:
        """The answer to a task.

        Raises
        ------
        OSError
            The task raised it in the process.
        WorkerError
            The process died.
        """
        send(self._process, task)
        assert self._process.stdout is not None, "started with a pipe"
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise WorkerError(
                f"a worker process ended unexpectedly (exit status {self._process.wait()})",
                hint="if memory is short, use fewer `workers`; finished work is kept "
                "where the job can go on",
            )
        answer: dict[str, Any] = json.loads(line)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["text"])
        return answer

    def stop(self) -> None:
        """Kill the process; a thread that waits for its answer gets a `WorkerError`."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Kill the process and close its pipes, when no thread uses it any more."""
        self.stop()
        close_pipes(self._process)


def work_in_processes(
    module: str,
    job: Message,
    tasks: Iterable[tuple[Key, Message]],
    workers: int,
    *,
    in_thread: Callable[[Message], Message] | None = None,
) -> Generator[tuple[Key, Message], None, None]:
    """Run tasks in processes; close the generator to end early.

    Parameters
    ----------
    module : str
        Its ``main`` calls `answer_tasks`.
    job : mapping
        The first message to every process.
    tasks : iterable of (key, mapping)
        A name of the task, and its message. Read as processes become free.
    workers : int
        How many processes.
    in_thread : callable, optional
        From a task to its answer: a thread of this process replaces one of the processes, and works
        while the others start. (A second thread would wait for Python's lock.)

    Yields
    ------
    key, answer
        As tasks are done, in any order.

    Raises
    ------
    OSError
        A task raised it in its process.
    WorkerError
        A process died.
    """
    remaining = iter(tasks)
    reading, ended = threading.Lock(), threading.Event()
    done: queue.SimpleQueue[tuple[Key, Message] | BaseException | None] = queue.SimpleQueue()

    def work(answer: Callable[[Message], Message]) -> None:
        try:
            while True:
                with reading:
                    task = None if ended.is_set() else next(remaining, None)
                if task is None:
                    return
                done.put((task[0], answer(task[1])))
        except BaseException as error:  # raised again in the caller's thread
            done.put(error)
        finally:
            done.put(None)

    processes: list[WorkerProcess] = []
    threads: list[threading.Thread] = []

    def begin(answer: Callable[[Message], Message]) -> None:
        threads.append(threading.Thread(target=work, args=[answer], daemon=True))
        threads[-1].start()

    try:
        if in_thread is not None:
            begin(in_thread)
        while len(threads) < workers:
            processes.append(WorkerProcess(module, job))
            begin(processes[-1].ask)
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
        for process in processes:
            process.stop()
        for thread in threads:
            thread.join()
        for process in processes:
            process.end()


def answer_tasks(begin: Callable[[Message], Callable[[Message], Message]]) -> None:
    """Answer tasks until the input ends: the main loop of a worker process.

    The input also ends when the parent process is killed, so that no worker is left running.

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
            os._exit(1)  # nobody reads the answers any more
