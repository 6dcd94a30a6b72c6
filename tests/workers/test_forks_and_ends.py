"""Processes that end while threads are at work, and processes that are forked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

#: A daemon thread waits for standard input; Python would end with SIGABRT for it.
ENDING = """
import atexit, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from galaxyclass.workers.ending import end_process
threading.Thread(target=sys.stdin.buffer.readline, daemon=True).start()
threading.Thread(target=lambda: (time.sleep(0.3), print("thread"))).start()
pool = ThreadPoolExecutor()  # its idle threads are no daemons
pool.submit(time.sleep, 0)
atexit.register(print, "registered")
time.sleep(0.1)
end_process(3)
"""

#: A thread holds a lock while the process is forked; the same of a lock on a file.
FORKING = """
import os, sys, threading, time, warnings
from pathlib import Path
from galaxyclass.io.lock import close_locked, open_locked
from galaxyclass.workers.process_lock import ProcessLock
warnings.simplefilter("ignore")
lock, begun, go_on = ProcessLock(), threading.Event(), threading.Event()

def hold():
    with lock:
        begun.set()
        go_on.wait()

threading.Thread(target=hold).start()
begun.wait()
path = Path(sys.argv[1])
descriptor = open_locked(path)
if (child := os.fork()) == 0:
    with lock:
        sys.stdin.read()  # the parent's end
    os._exit(0)
go_on.set()
close_locked(descriptor)
close_locked(open_locked(path))
print("taken again")
"""


def python(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program whose standard input stays open until it ends."""
    read, write = os.pipe()
    try:
        return subprocess.run(
            [sys.executable, "-c", program, *words],
            stdin=read, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(read)
        os.close(write)


def test_a_process_ends_in_good_order_whatever_its_daemons_do() -> None:
    done = python(ENDING)
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.split() == ["thread", "registered"]


@needs_fork
def test_locks_of_a_parent_are_not_those_of_its_children(tmp_path: Path) -> None:
    program = FORKING + "\nos.kill(child, 15), os.waitpid(child, 0)\n"
    done = python(program, str(tmp_path / "lock"))
    assert (done.stdout, done.stderr) == ("taken again\n", "")


#: Parent and child read a tar and a zip that were open when the process was forked.
READING = """
import os, sys, warnings
from galaxyclass.images.containers import members, read_member
warnings.simplefilter("ignore")
paths = [path for file in sys.argv[1:] for path in members(file)]
contents = {path: read_member(path)[0] for path in paths}
child = os.fork()
same = all(read_member(path)[0] == contents[path] for _ in range(100) for path in paths)
if child == 0:
    os._exit(0 if same else 1)
print(same, os.waitpid(child, 0)[1])
"""


@needs_fork
def test_forked_processes_read_the_same_archives(tmp_path: Path) -> None:
    import random
    import tarfile
    import zipfile

    with (
        tarfile.open(tmp_path / "sky.tar", "w") as tar,
        zipfile.ZipFile(tmp_path / "sky.zip", "w") as archive,
    ):
        for number in range(20):
            picture = tmp_path / f"{number}.jpg"
            picture.write_bytes(random.Random(number).randbytes(20_000))
            tar.add(picture, picture.name)
            archive.write(picture, picture.name)
    done = python(READING, str(tmp_path / "sky.tar"), str(tmp_path / "sky.zip"))
    assert (done.stdout, done.stderr) == ("True 0\n", "")
