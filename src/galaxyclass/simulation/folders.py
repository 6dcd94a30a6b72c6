"""Writing a folder of simulated galaxies: pictures, votes, and the truth behind them."""

from __future__ import annotations

import csv
import multiprocessing
import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.atomic import sync_folder, translated, write_text, writing
from galaxyclass.errors import OutputError
from galaxyclass.progress import Progress, silent
from galaxyclass.simulation.morphology import Morphology, draw_morphology
from galaxyclass.simulation.pictures import SIZE, render
from galaxyclass.simulation.volunteers import vote
from galaxyclass.trees import load_tree

#: Ids begin here, so that all have as many digits as the challenge's.
FIRST_ID = 100_001
#: JPEG quality and colour sampling of the pictures: the challenge's have these tables.
QUALITY, SAMPLING = 75, "420"
#: Galaxies that a process makes before it reports; fewer than two such lots are made in-process.
LOT = 32

ID_COLUMN = "GalaxyID"


@dataclass(frozen=True)
class SimulatedFolder:
    """What `simulate` wrote: a folder of images, the votes' table and the truth's table."""

    folder: Path
    images: Path
    table: Path
    truth: Path
    count: int


def simulate(
    count: int,
    folder: str | Path,
    *,
    size: int = SIZE,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress = silent,
) -> SimulatedFolder:
    """Write simulated galaxies in the layout of the Galaxy Challenge.

    ``images/<GalaxyID>.jpg``, ``votes.csv`` (the 37 joint vote fractions) and ``truth.csv`` (the
    `Morphology` of each). The folder appears whole or not at all.

    Parameters
    ----------
    count : int
        Number of galaxies, 1 or more.
    folder : str or Path
        A new folder, or an empty one.
    size : int
        Side of the pictures in pixels; all show the same frame.
    seed : int
        The same seed gives the same galaxies, whatever ``workers``; more galaxies of the same seed
        begin with the same ones.
    workers : int, optional
        Processes at most; all cores unless told otherwise.
    progress : Progress

    Returns
    -------
    SimulatedFolder

    Raises
    ------
    OutputError
        The folder has something in it, or cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> made = simulate(3, Path(tempfile.mkdtemp()) / "sky", size=64)
    >>> sorted(path.name for path in made.images.iterdir())
    ['100001.jpg', '100002.jpg', '100003.jpg']
    """
    if count < 1 or size < 16:
        raise OutputError(
            f"cannot simulate {count} galaxies of {size} x {size} pixels",
            wanted="at least 1 galaxy of 16 x 16 pixels",
        )
    folder = Path(folder)
    with _whole(folder) as temporary:
        (temporary / "images").mkdir()
        votes, truths = [], []
        lots = [range(i, min(i + LOT, count)) for i in range(0, count, LOT)]
        for rows in _make(lots, temporary / "images", size, seed, workers):
            for fractions, morphology in rows:
                votes.append(fractions)
                truths.append(morphology)
            progress("simulate", len(votes), count)
        _write_votes(temporary / "votes.csv", votes)
        _write_truth(temporary / "truth.csv", truths)
        write_text(temporary / "README.txt", _readme(count, size, seed))
    return SimulatedFolder(
        folder, folder / "images", folder / "votes.csv", folder / "truth.csv", count
    )


Rows = list[tuple[NDArray[np.float64], Morphology]]


def _make(
    lots: list[range], images: Path, size: int, seed: int, workers: int | None
) -> Iterator[Rows]:
    processes = min(workers or os.cpu_count() or 1, len(lots))
    arguments = (lots, repeat(images), repeat(size), repeat(seed))
    if processes == 1:
        yield from map(_make_lot, *arguments)
        return
    method = "spawn" if sys.platform == "win32" else "forkserver"
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        try:
            yield from pool.map(_make_lot, *arguments)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _make_lot(lot: range, images: Path, size: int, seed: int) -> Rows:
    import simplejpeg

    rows = []
    for index in lot:
        # A generator of its own for each galaxy: it does not matter who makes it.
        rng = np.random.default_rng((seed, index))
        morphology = draw_morphology(rng)
        fractions = vote(morphology, rng)
        data = simplejpeg.encode_jpeg(render(morphology, size), QUALITY, colorsubsampling=SAMPLING)
        with translated(images):
            (images / f"{FIRST_ID + index}.jpg").write_bytes(data)
        rows.append((fractions, morphology))
    return rows


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``folder`` when all went well, and vanishes otherwise."""
    with translated(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(
                f"{folder}: something is there already",
                wanted="a new folder, or an empty one",
                todo="choose another name, or remove it",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
        temporary.mkdir()
        try:
            yield temporary
            if folder.exists():
                folder.rmdir()
            temporary.replace(folder)
            sync_folder(folder.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def _write_votes(path: Path, votes: list[NDArray[np.float64]]) -> None:
    columns = load_tree("galaxy_zoo_2").layout("challenge").columns
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([ID_COLUMN, *columns])
        for index, fractions in enumerate(votes):
            table.writerow([FIRST_ID + index, *(f"{fraction:.6f}" for fraction in fractions)])


def _write_truth(path: Path, truths: list[Morphology]) -> None:
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([ID_COLUMN, *(field.name for field in fields(Morphology))])
        for index, morphology in enumerate(truths):
            table.writerow([FIRST_ID + index, *astuple(morphology)])


def _readme(count: int, size: int, seed: int) -> str:
    return f"""{count} simulated galaxies, {size} x {size} pixels, seed {seed}: none was observed.

images/     <GalaxyID>.jpg, in the manner of the Galaxy Challenge's pictures
votes.csv   37 joint vote fractions of simulated volunteers (tree: Galaxy Zoo 2)
truth.csv   the morphology that was drawn: galaxyclass.simulation.Morphology explains the columns
"""
