"""Work that begins in threads and goes on in processes; how processes start, fail and end."""

import threading
import time
from itertools import count

import pytest

from galaxyclass import processes
from galaxyclass.errors import WorkerError
from galaxyclass.processes import Helper, work_in_processes
from galaxyclass.recipes import Preprocessing

#: Its processes read the images of a task, here none, and answer nothing.
MODULE = "galaxyclass.packs.bare"
JOB = Preprocessing().model_dump()


@pytest.fixture
def started(monkeypatch):
    """The processes that are started."""
    seen = []
    start = processes._start

    def note(module):
        seen.append(start(module))
        return seen[-1]

    monkeypatch.setattr(processes, "_start", note)
    return seen


def here(task):
    time.sleep(0.001)
    return {"thread": threading.get_ident(), **task}


def endless():
    return ((number, {"paths": []}) for number in count())


def test_what_is_soon_done_starts_no_process(started):
    tasks = [(number, {"paths": [], "number": number}) for number in range(20)]
    answers = dict(work_in_processes(MODULE, JOB, tasks, 2, here=here, patience=60))
    assert sorted(answers) == list(range(20))
    assert all(answers[number]["number"] == number for number in range(20))
    assert len({answer["thread"] for answer in answers.values()}) == 2
    assert threading.get_ident() not in {answer["thread"] for answer in answers.values()}
    assert started == []


def test_processes_take_over_what_lasts(started):
    by_thread, by_process = 0, 0
    until = time.monotonic() + 60
    work = work_in_processes(MODULE, JOB, endless(), 2, here=here, patience=0.1)
    for _, answer in work:
        if answer:
            by_thread += 1
        else:
            by_process += 1
        if by_process == 500 or time.monotonic() > until:
            work.close()
    assert by_process == 500
    assert by_thread > 10
    assert [process.poll() is not None for process in started] == [True, True]


def test_nothing_goes_on_once_it_is_closed(started):
    done = []

    def note(task):
        done.append(task)
        return here(task)

    work = work_in_processes(MODULE, JOB, endless(), 3, here=note, patience=0)
    for _ in range(5):
        next(work)
    work.close()
    so_far = len(done)
    time.sleep(0.05)
    assert len(done) == so_far
    assert [process.poll() is not None for process in started] == [True] * 3


def test_an_error_in_a_thread_is_raised_and_ends_the_others():
    def fail(task):
        if task["number"] == 7:
            raise OSError(5, "strange")
        return here(task)

    tasks = ((number, {"number": number}) for number in count())
    work = work_in_processes(MODULE, JOB, tasks, 2, here=fail, patience=60)
    with pytest.raises(OSError, match="strange"):
        list(work)


def test_a_process_that_cannot_begin_says_why(tmp_path):
    job = {"settings": JOB, "images": str(tmp_path / "none.npy")}
    work = work_in_processes("galaxyclass.packs.worker", job, endless(), 1)
    with pytest.raises(FileNotFoundError):
        next(work)


def test_a_process_that_dies_while_threads_work_is_reported(monkeypatch):
    monkeypatch.setattr(processes, "_START", "import sys; sys.exit(4)")
    work = work_in_processes(MODULE, JOB, endless(), 2, here=here, patience=0)
    with pytest.raises(WorkerError, match=r"exit status 4"):
        list(work)


def test_a_process_is_asked_one_thing_after_the_other(started):
    helper = Helper(MODULE, JOB)
    try:
        assert helper.ask({"paths": []}) == {}
        assert helper.ready
        assert helper.ask({"paths": ["no/such.jpg"]}) == {}
    finally:
        helper.end()
    assert started[0].poll() is not None
    assert started[0].stdin.closed
    assert started[0].stdout.closed
