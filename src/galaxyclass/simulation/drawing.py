"""Drawing many galaxies to files, in several processes.

Each process is told once which galaxies are its own, and says when a lot of them is done. It
imports this module alone: not the user's main module, which may be a script without ``if __name__
== "__main__"`` or come from standard input. It ends when nobody listens any more.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

import galaxyclass
from galaxyclass.errors import OutputError
from galaxyclass.simulation.morphology import Morphology, draw_morphology
from galaxyclass.simulation.pictures import render

#: Ids begin here, so that all have as many digits as the challenge's.
FIRST_ID = 100_001
#: JPEG quality and colour sampling of the pictures: the challenge's have these tables.
QUALITY, SAMPLING = 75, "420"
#: Galaxies after which a process reports.
LOT = 32

_START = (
    "import sys; sys.path.append(sys.argv[1]); from galaxyclass.simulation.drawing import work; "
    "work()"
)


def galaxy_of(seed: int, index: int) -> tuple[Morphology, np.random.Generator]:
    """The galaxy of that number, and the generator that drew it: they need no others."""
    rng = np.random.default_rng((seed, index))
    return draw_morphology(rng), rng


def draw_lot(lot: range, images: Path, size: int, seed: int) -> None:
    """Write the pictures of some galaxies."""
    for index in lot:
        picture = render(galaxy_of(seed, index)[0], size)
        data = simplejpeg.encode_jpeg(picture, QUALITY, colorsubsampling=SAMPLING)
        (images / f"{FIRST_ID + index}.jpg").write_bytes(data)


def draw_all(count: int, images: Path, size: int, seed: int, workers: int | None) -> Iterator[int]:
    """Write the pictures of ``count`` galaxies.

    Yields
    ------
    int
        How many more are done.

    Raises
    ------
    OSError
        A picture could not be written.
    OutputError
        A process died.
    """
    lots = [range(first, min(first + LOT, count)) for first in range(0, count, LOT)]
    processes = min(workers or os.cpu_count() or 1, len(lots))
    if processes == 1:
        for lot in lots:
            draw_lot(lot, images, size, seed)
            yield len(lot)
        return
    job = {"images": str(images.absolute()), "size": size, "seed": seed}
    running = [
        _start({**job, "lots": [[lot.start, lot.stop] for lot in lots[first::processes]]})
        for first in range(processes)
    ]
    reports: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threads = [threading.Thread(target=_listen, args=(p, reports), daemon=True) for p in running]
    for thread in threads:
        thread.start()
    try:
        for _ in lots:
            yield _understand(reports.get())
    finally:
        for process in running:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()
        for process in running:
            assert process.stdout is not None, "started with a pipe"
            process.stdout.close()


def _start(job: dict[str, Any]) -> subprocess.Popen[bytes]:
    package = str(Path(galaxyclass.__file__).parent.parent)
    # -P: a file of the user's named like a module of Python's must not be imported.
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", _START, package],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert process.stdin is not None, "started with a pipe"
    with process.stdin as pipe:
        pipe.write(json.dumps(job).encode())
    return process


def _listen(process: subprocess.Popen[bytes], reports: queue.SimpleQueue[bytes]) -> None:
    assert process.stdout is not None, "started with a pipe"
    for line in process.stdout:
        reports.put(line)
    if process.wait() != 0:
        reports.put(b"")


def _understand(line: bytes) -> int:
    if not line.endswith(b"\n"):
        raise OutputError(
            "a process that drew galaxies was killed, perhaps for want of memory",
            todo="use fewer: --workers 1",
        )
    report: dict[str, Any] = json.loads(line)
    if "errno" in report:
        raise OSError(report["errno"], report["text"])
    return int(report["done"])


def work() -> None:  # pragma: no cover - runs in processes that coverage does not see
    """Draw the lots that standard input tells of; a line on standard output after each."""
    # Ctrl-C reaches every process of a terminal; the one that started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    job = json.load(sys.stdin)
    for first, end in job["lots"]:
        try:
            draw_lot(range(first, end), Path(job["images"]), job["size"], job["seed"])
            report: dict[str, object] = {"done": end - first}
        except OSError as error:
            report = {"errno": error.errno, "text": error.strerror}
        try:
            sys.stdout.write(json.dumps(report) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os._exit(1)
