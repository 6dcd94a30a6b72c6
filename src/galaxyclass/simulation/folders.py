"""Writing a folder of simulated galaxies: images, votes, and the truth behind them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import astuple, dataclass, fields
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.io.atomic import write_text, writing, writing_folder
from galaxyclass.io.csv_text import write_rows
from galaxyclass.progress import Progress, silent
from galaxyclass.short import counted, short_path, summary
from galaxyclass.simulation.drawing import FIRST_ID, Job, draw_all, galaxy_of
from galaxyclass.simulation.morphology import Morphology
from galaxyclass.simulation.rendering import SIZE
from galaxyclass.simulation.volunteers import vote
from galaxyclass.trees.read import load_tree

ID_COLUMN = "GalaxyID"


@dataclass(frozen=True)
class SimulatedFolder:
    """The output of `simulate`: a folder of images, the table of votes and the table of truth."""

    folder: Path
    images: Path
    table: Path
    truth: Path
    count: int

    def __repr__(self) -> str:
        return summary(
            f"SimulatedFolder {short_path(self.folder)}: {counted(self.count, 'galaxy')}"
        )


@public
def simulate(
    count: int,
    *,
    output: str | Path,
    size: int = SIZE,
    workers: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> SimulatedFolder:
    """Write simulated galaxies in the layout of the Galaxy Challenge.

    ``images/<GalaxyID>.jpg``, ``votes.csv`` (the 37 joint vote fractions) and ``truth.csv`` (the
    `Morphology` of each). The folder appears whole or not at all.

    Parameters
    ----------
    count : int
        Number of galaxies, 1 or more.
    output : str or Path
        A new folder, or an empty one.
    size : int
        Side of the images in pixels; all show the same frame.
    seed : int
        The same seed gives the same galaxies, whatever ``workers``; a larger ``count`` begins with
        the same galaxies.
    workers : int, optional
        Processes that draw, at most; by default as many as there are cores.
    progress : Progress

    Returns
    -------
    SimulatedFolder

    Raises
    ------
    OutputError
        The folder has something in it, or cannot be written to.
    WorkerError
        A process that drew galaxies died.

    Examples
    --------
    >>> import tempfile
    >>> sky = simulate(3, output=Path(tempfile.mkdtemp()) / "sky", size=64)
    >>> sorted(path.name for path in sky.images.iterdir())
    ['100001.jpg', '100002.jpg', '100003.jpg']
    """
    folder = Path(output)
    with writing_folder(folder) as temporary:
        (temporary / "images").mkdir()
        galaxies = [galaxy_of(seed, index) for index in range(count)]
        votes = [vote(morphology, rng) for morphology, rng in galaxies]
        done = 0
        job = Job("galaxies", count, str(temporary.absolute()), size, seed)
        with closing(draw_all(job, workers)) as drawn:
            for count_drawn in drawn:
                done += count_drawn
                progress("simulate", done, count)
        _write_votes(temporary / "votes.csv", votes)
        _write_truth(temporary / "truth.csv", [morphology for morphology, _ in galaxies])
        write_text(temporary / "README.txt", _readme(count, size, seed))
    return SimulatedFolder(
        folder, folder / "images", folder / "votes.csv", folder / "truth.csv", count
    )


def _write_votes(path: Path, votes: list[NDArray[np.float64]]) -> None:
    columns = load_tree("galaxy_zoo_2").layout("challenge").columns
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = (
            [FIRST_ID + index, *(f"{fraction:.6f}" for fraction in fractions)]
            for index, fractions in enumerate(votes)
        )
        write_rows(file, chain([[ID_COLUMN, *columns]], rows), quote_formulas=False)


def _write_truth(path: Path, truths: list[Morphology]) -> None:
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        header = [ID_COLUMN, *(field.name for field in fields(Morphology))]
        rows = ([FIRST_ID + index, *astuple(each)] for index, each in enumerate(truths))
        write_rows(file, chain([header], rows), quote_formulas=False)


def _readme(count: int, size: int, seed: int) -> str:
    return f"""{count} simulated galaxies, {size} x {size} pixels, seed {seed}: none was observed.

images/     <GalaxyID>.jpg, in the manner of the Galaxy Challenge's images
votes.csv   37 joint vote fractions of simulated volunteers (tree: Galaxy Zoo 2)
truth.csv   the morphology that was drawn: galaxyclass.simulation.morphology explains the columns
"""
