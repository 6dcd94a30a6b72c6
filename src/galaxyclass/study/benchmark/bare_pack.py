"""The bare loop: packing without writing, the upper limit of its speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import cv2

from galaxyclass.errors import ImageError
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.workers.processes import WorkerProcess, answer_tasks, core_count


def bare_loop(
    paths: Sequence[str | Path], preprocessing: Preprocessing, workers: int | None = None
) -> float:
    """Read and cut out all images without keeping them.

    Each process calls `read_cutout` for its share of the images. They begin together, once all have
    started.

    Parameters
    ----------
    paths : sequence of str or Path
        Images that cannot be decoded are skipped.
    preprocessing : Preprocessing
    workers : int, optional
        Processes; all cores by default. 1 means this process alone.

    Returns
    -------
    float
        Seconds from the beginning until the last process is done, without their start.

    Raises
    ------
    WorkerError
        A process died.

    Examples
    --------
    >>> bare_loop([], Preprocessing(), workers=2) < 1
    True
    """
    names = [str(path) for path in paths]
    workers = max(1, min(workers or core_count(), len(names)))
    if workers == 1:
        begun = time.perf_counter()
        _loop(names, preprocessing)
        return time.perf_counter() - begun
    shares = [{"paths": names[first::workers]} for first in range(workers)]
    with ThreadPoolExecutor(workers) as pool, ExitStack() as stack:
        started = []
        for _ in range(workers):
            started.append(WorkerProcess(__name__, preprocessing.model_dump()))
            stack.callback(started[-1].end)
        # One image each, so that all processes have started and imported everything.
        list(pool.map(WorkerProcess.ask, started, [{"paths": names[:1]}] * workers))
        begun = time.perf_counter()
        list(pool.map(WorkerProcess.ask, started, shares))
        return time.perf_counter() - begun


def main() -> None:
    """Run as a process of the loop: a task is some ``paths``, its answer empty."""
    answer_tasks(_begin)


def _begin(job: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    cv2.setNumThreads(1)
    preprocessing = Preprocessing(**job)

    def do(task: Mapping[str, Any]) -> Mapping[str, Any]:
        _loop(task["paths"], preprocessing)
        return {}

    return do


def _loop(paths: Iterable[str], preprocessing: Preprocessing) -> None:
    for path in paths:
        with suppress(ImageError):
            read_cutout(path, preprocessing)
