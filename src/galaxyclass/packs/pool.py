"""Several packing processes at once.

Not `concurrent.futures.ProcessPoolExecutor`, for two reasons. Its processes import the user's
main module again, so that a script without ``if __name__ == "__main__"`` or a program on
standard input would run anew in each of them. And they outlive a parent that is killed. Ours
import `galaxyclass.packs.worker` alone, and end with their standard input.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import galaxyclass
from galaxyclass.errors import PackError
from galaxyclass.images.inspect import Look
from galaxyclass.packs.layout import Shard
from galaxyclass.packs.shards import Task

_START = (
    "import sys; sys.path.append(sys.argv[1]); from galaxyclass.packs.worker import main; main()"
)

#: What a packing process needs of its libraries. glibc gives the memory of each image back to the
#: system and asks for it again for the next, which takes a sixth of the time: it is told to keep
#: up to 64 MB. Other systems do not know these names.
_SETTINGS = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
}


def make_in_processes(
    tasks: Iterable[Task], settings: dict[str, Any], images: Path, workers: int
) -> Generator[tuple[Shard, list[Look]], None, None]:
    """`shards.make_shard` for many shards, in ``workers`` processes.

    Yields
    ------
    Shard, list of Look
        As shards are done, in any order; their pixels are written, but not synced.

    Raises
    ------
    OSError
        A process could not write.
    PackError
        A process died.
    """
    todo = iter(tasks)
    lock = threading.Lock()
    done: queue.SimpleQueue[tuple[Shard, list[Look]] | BaseException | None] = queue.SimpleQueue()
    processes = [_start(settings, images) for _ in range(workers)]

    def serve(process: subprocess.Popen[bytes]) -> None:
        try:
            while True:
                with lock:
                    task = next(todo, None)
                if task is None:
                    return
                answer = _ask(process, {"paths": list(task.paths), "offset": task.offset})
                done.put((task.shard, [Look(*look) for look in answer["looks"]]))
        except BaseException as error:  # raised again in the caller's thread
            done.put(error)
        finally:
            done.put(None)

    threads = [threading.Thread(target=serve, args=[each], daemon=True) for each in processes]
    for thread in threads:
        thread.start()
    running = len(threads)
    try:
        while running:
            result = done.get()
            if result is None:
                running -= 1
            elif isinstance(result, BaseException):
                raise result
            else:
                yield result
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()
        for process in processes:
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None, "started with pipes"
                with suppress(BrokenPipeError):  # what was still to be sent needs no reader
                    pipe.close()


def _start(settings: dict[str, Any], images: Path) -> subprocess.Popen[bytes]:
    package = str(Path(galaxyclass.__file__).parent.parent)
    # -P: a file of the user's named like a module of Python's must not be imported.
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, package],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **_SETTINGS},
    )
    _send(process, {"settings": settings, "images": str(images.absolute())})
    return process


def _send(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin is not None, "started with a pipe"
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def _ask(process: subprocess.Popen[bytes], task: dict[str, Any]) -> dict[str, Any]:
    assert process.stdout is not None, "started with a pipe"
    try:
        _send(process, task)
        line = process.stdout.readline()
    except BrokenPipeError:
        line = b""
    if not line.endswith(b"\n"):
        raise PackError(
            f"a packing process ended unexpectedly (exit status {process.wait()})",
            todo="run the same again: what was done is kept. If memory is short, "
            "use fewer --workers",
        )
    answer: dict[str, Any] = json.loads(line)
    if "errno" in answer:
        raise OSError(answer["errno"], answer["text"])
    return answer
