"""Drawing many galaxies to files, in several processes; and what such a process does."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import simplejpeg

from galaxyclass.simulation import hundred
from galaxyclass.simulation.morphology import Morphology, draw_morphology
from galaxyclass.simulation.pictures import render
from galaxyclass.workers.processes import core_count, serve, work_in_processes

#: Ids begin here, so that all have as many digits as the challenge's.
FIRST_ID = 100_001
#: JPEG quality and colour sampling of the pictures: the challenge's have these tables.
QUALITY, SAMPLING = 75, "420"
#: JPEG quality of small pictures, whose colours are kept for every pixel.
FINE_QUALITY = 95
#: Galaxies after which a process reports.
LOT = 32


def galaxy_of(seed: int, index: int) -> tuple[Morphology, np.random.Generator]:
    """The galaxy of that number, and the generator that drew it: they need no others."""
    rng = np.random.default_rng((seed, index))
    return draw_morphology(rng), rng


@dataclass(frozen=True)
class Job:
    """What is drawn and where to: all that a drawing process needs to know.

    ``kind`` is one of `PICTURES`; ``folder`` has the folders that the files' names begin with.
    """

    kind: Literal["galaxies", "hundred"]
    count: int
    folder: str
    size: int
    seed: int


def draw_lot(job: Job, lot: range) -> None:
    """Write the pictures of some galaxies."""
    for index in lot:
        name, data = PICTURES[job.kind](job, index)
        (Path(job.folder) / name).write_bytes(data)


def _galaxy(job: Job, index: int) -> tuple[str, bytes]:
    picture = render(galaxy_of(job.seed, index)[0], job.size)
    data = simplejpeg.encode_jpeg(picture, QUALITY, colorsubsampling=SAMPLING)
    return f"images/{FIRST_ID + index}.jpg", data


def _of_the_hundred(job: Job, index: int) -> tuple[str, bytes]:
    galaxy = hundred.member(job.count, job.seed, index)
    picture = render(galaxy.morphology, job.size, field=hundred.FIELD)
    data = simplejpeg.encode_jpeg(picture, FINE_QUALITY, colorsubsampling="444")
    return f"{galaxy.folder}/{FIRST_ID + index}.jpg", data


#: Kind -> from the number of a galaxy to the name of its file and the picture as JPEG.
PICTURES: dict[str, Callable[[Job, int], tuple[str, bytes]]] = {
    "galaxies": _galaxy,
    "hundred": _of_the_hundred,
}


def draw_all(job: Job, workers: int | None) -> Generator[int, None, None]:
    """Write the pictures of all galaxies of a job.

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
    lots = [range(first, min(first + LOT, job.count)) for first in range(0, job.count, LOT)]
    processes = min(workers or core_count(), len(lots))
    if processes == 1:
        for lot in lots:
            draw_lot(job, lot)
            yield len(lot)
        return
    tasks = ((len(lot), {"first": lot.start, "end": lot.stop}) for lot in lots)
    with closing(work_in_processes(__name__, asdict(job), tasks, processes)) as answers:
        for drawn, _ in answers:
            yield drawn


def main() -> None:
    """Be a drawing process: a task is a lot of galaxies, from ``first`` to before ``end``."""
    serve(_begin)


def _begin(told: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    cv2.setNumThreads(1)
    job, parent = Job(**told), os.getppid()

    def do(task: Mapping[str, Any]) -> Mapping[str, Any]:
        for index in range(task["first"], task["end"]):
            if os.getppid() != parent:  # killed: the folder may be another's by now
                os._exit(1)
            draw_lot(job, range(index, index + 1))
        return {}

    return do
