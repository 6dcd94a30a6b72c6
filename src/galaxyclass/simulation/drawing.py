"""Drawing many galaxies to files, in several processes."""

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
from galaxyclass.simulation.rendering import render
from galaxyclass.workers.processes import answer_tasks, core_count, work_in_processes

#: Ids begin here, so that all have as many digits as the challenge's.
FIRST_ID = 100_001
#: JPEG quality and colour sampling of the images: those of the challenge's images.
QUALITY, SAMPLING = 75, "420"
#: JPEG quality of small images, whose colours are kept for every pixel.
FINE_QUALITY = 95
#: Galaxies after which a process reports.
LOT = 32


def galaxy_of(seed: int, index: int) -> tuple[Morphology, np.random.Generator]:
    """The galaxy of a number, and the generator that drew it; no other galaxies are needed."""
    rng = np.random.default_rng((seed, index))
    return draw_morphology(rng), rng


@dataclass(frozen=True)
class Job:
    """What a drawing process draws, and where to.

    ``kind`` is one of `RENDERERS`; ``folder`` has the folders that the files' names begin with.
    """

    kind: Literal["galaxies", "hundred"]
    count: int
    folder: str
    size: int
    seed: int


def draw_lot(job: Job, lot: range) -> None:
    """Write the images of some galaxies."""
    for index in lot:
        name, data = RENDERERS[job.kind](job, index)
        (Path(job.folder) / name).write_bytes(data)


def _galaxy(job: Job, index: int) -> tuple[str, bytes]:
    image = render(galaxy_of(job.seed, index)[0], job.size)
    data = simplejpeg.encode_jpeg(image, QUALITY, colorsubsampling=SAMPLING)
    return f"images/{FIRST_ID + index}.jpg", data


def _hundred_galaxy(job: Job, index: int) -> tuple[str, bytes]:
    galaxy = hundred.member(job.count, job.seed, index)
    image = render(galaxy.morphology, job.size, field=hundred.FIELD)
    data = simplejpeg.encode_jpeg(image, FINE_QUALITY, colorsubsampling="444")
    return f"{galaxy.folder}/{FIRST_ID + index}.jpg", data


#: Kind -> from the number of a galaxy to the name of its file and the image as JPEG.
RENDERERS: dict[str, Callable[[Job, int], tuple[str, bytes]]] = {
    "galaxies": _galaxy,
    "hundred": _hundred_galaxy,
}


def draw_all(job: Job, workers: int | None) -> Generator[int, None, None]:
    """Write the images of all galaxies of a job.

    Yields
    ------
    int
        Number of galaxies drawn since the last.

    Raises
    ------
    OSError
        A image could not be written.
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
    """Answer tasks as a drawing process: a task is galaxies ``first`` to ``end`` (excluded)."""
    answer_tasks(_begin)


def _begin(message: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    cv2.setNumThreads(1)
    job, parent = Job(**message), os.getppid()

    def do(task: Mapping[str, Any]) -> Mapping[str, Any]:
        for index in range(task["first"], task["end"]):
            if os.getppid() != parent:  # the parent was killed: another may use the folder by now
                os._exit(1)
            draw_lot(job, range(index, index + 1))
        return {}

    return do
