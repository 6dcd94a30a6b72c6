"""Work in several processes: how they start, share, fail and end."""

from __future__ import annotations

import subprocess
import threading
import time
from itertools import count
from typing import Any

import pytest

from galaxyclass.errors import WorkerError
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers import processes
from galaxyclass.workers.processes import WorkerProcess, work_in_processes
from galaxyclass.workers.start import start_process

#: Its processes read the images of a task, here none, and answer nothing.
MODULE = "galaxyclass.study.benchmark.bare_pack"
JOB = Preprocessing().model_dump()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The processes that are started."""
    seen: list[subprocess.Popen[Any]] = []

    def note(*arguments: Any) -> subprocess.Popen[Any]:
        seen.append(start_process(*arguments))
        return seen[-1]

    monkeypatch.setattr(processes, "start_process", note)
    return seen


def in_thread(task: Any) -> Any:
    time.sleep(0.001)
    return {"thread": threading.get_ident(), **task}


def endless() -> Any:
    return ((number, {"paths": [], "number": number}) for number in count())


def test_a_thread_works_while_processes_start_and_after(started: Any) -> None:
    work = work_in_processes(MODULE, JOB, endless(), 3, in_thread=in_thread)
    threads, order = set(), []
    until = time.monotonic() + 60
    for number, answer in work:
        order.append("thread" if answer else "process")
        if answer:
            assert answer["number"] == number
            threads.add(answer["thread"])
        if order.count("process") == 500 or time.monotonic() > until:
            work.close()
    assert order[0] == "thread"
    assert "thread" in order[order.index("process") :]
    assert order.count("process") == 500
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    assert [process.poll() is not None for process in started] == [True, True]


@pytest.mark.parametrize("function", [in_thread, None])
def test_every_task_is_done_once(started: Any, function: Any) -> None:
    tasks: list[tuple[int, dict[str, Any]]] = [(number, {"paths": []}) for number in range(300)]
    answers = list(work_in_processes(MODULE, JOB, tasks, 2, in_thread=function))
    assert sorted(key for key, _ in answers) == list(range(300))
    processes_wanted = 1 if function else 2
    assert [process.poll() is not None for process in started] == [True] * processes_wanted


def test_nothing_goes_on_once_it_is_closed(started: Any) -> None:
    done = []

    def note(task: Any) -> Any:
        done.append(task)
        return in_thread(task)

    work = work_in_processes(MODULE, JOB, endless(), 3, in_thread=note)
    for _ in range(5):
        next(work)
    work.close()
    so_far = len(done)
    time.sleep(0.05)
    assert len(done) == so_far
    assert [process.poll() is not None for process in started] == [True, True]


def test_an_error_in_the_thread_is_raised_and_ends_the_others(started: Any) -> None:
    def fail(task: Any) -> Any:
        if task["number"] >= 7:
            raise OSError(5, "strange")
        return in_thread(task)

    with pytest.raises(OSError, match="strange"):
        list(work_in_processes(MODULE, JOB, endless(), 2, in_thread=fail))
    assert [process.poll() is not None for process in started] == [True]


def test_a_process_that_dies_while_the_thread_works_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("galaxyclass.workers.start.WORKER_PROGRAM", "import sys; sys.exit(4)")
    with pytest.raises(WorkerError, match=r"exit status 4"):
        list(work_in_processes(MODULE, JOB, endless(), 2, in_thread=in_thread))


def test_a_process_is_asked_one_thing_after_the_other(started: Any) -> None:
    process = WorkerProcess(MODULE, JOB)
    try:
        assert process.ask({"paths": []}) == {}
        assert process.ask({"paths": ["no/such.jpg"]}) == {}
    finally:
        process.end()
    assert started[0].poll() is not None
    assert started[0].stdin.closed
    assert started[0].stdout.closed
