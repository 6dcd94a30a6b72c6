"""Drawing many galaxies to files, in several processes; and what such a process does."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg

from galaxyclass.processes import core_count, serve, work_in_processes
from galaxyclass.simulation.morphology import Morphology, draw_morphology
from galaxyclass.simulation.pictures import render

#: Ids begin here, so that all have as many digits as the challenge's.
FIRST_ID = 100_001
#: JPEG quality and colour sampling of the pictures: the challenge's have these tables.
QUALITY, SAMPLING = 75, "420"
#: Galaxies after which a process reports.
LOT = 32


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


def draw_all(
    count: int, images: Path, size: int, seed: int, workers: int | None
) -> Generator[int, None, None]:
    """Write the pictures of ``count`` galaxies.

    Yields
    ------
    int
        How many more are done.

    Raises
    ------
    OSError
        A picture could not be written.
    WorkerError
        A process died.
    """
    lots = [range(first, min(first + LOT, count)) for first in range(0, count, LOT)]
    processes = min(workers or core_count(), len(lots))
    if processes == 1:
        for lot in lots:
            draw_lot(lot, images, size, seed)
            yield len(lot)
        return
    job = {"images": str(images.absolute()), "size": size, "seed": seed}
    tasks = ((len(lot), {"first": lot.start, "end": lot.stop}) for lot in lots)
    with closing(work_in_processes(__name__, job, tasks, processes)) as answers:
        for drawn, _ in answers:
            yield drawn


def main() -> None:
    """Be a drawing process: a task is a lot of galaxies, from ``first`` to before ``end``."""
    serve(_begin)


def _begin(job: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    cv2.setNumThreads(1)

    def do(task: Mapping[str, Any]) -> Mapping[str, Any]:
        lot = range(task["first"], task["end"])
        draw_lot(lot, Path(job["images"]), job["size"], job["seed"])
        return {}

    return do
