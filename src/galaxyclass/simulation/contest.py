"""Writing the hundred classes in the layout of a contest: a folder and a table for each part."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import astuple, dataclass, fields
from itertools import chain
from pathlib import Path

from galaxyclass.arguments import public
from galaxyclass.errors import ArgumentError
from galaxyclass.io.atomic import write_text, writing, writing_folder
from galaxyclass.io.csv_text import write_rows
from galaxyclass.progress import Progress, silent
from galaxyclass.short import short_path, summary
from galaxyclass.simulation.drawing import FIRST_ID, Job, draw_all
from galaxyclass.simulation.hundred import (
    CLASSES,
    HUNDRED_PARTS,
    HundredClass,
    hundred_class,
    member,
    part_counts,
)
from galaxyclass.simulation.morphology import Morphology

#: Galaxies of the whole set, and the side of their images, pixels.
COUNT, SIZE = 20_000, 64


@dataclass(frozen=True)
class SimulatedContest:
    """What `simulate_hundred` wrote: a folder with a folder and a table for each part.

    ``counts`` says how many galaxies are in ``train``, ``val`` and ``test``.
    """

    folder: Path
    truth: Path
    counts: dict[str, int]

    def __repr__(self) -> str:
        parts = ", ".join(f"{count:,} {part}" for part, count in self.counts.items())
        return summary(f"SimulatedContest {short_path(self.folder)}: {parts}")


@public
def simulate_hundred(
    count: int = COUNT,
    *,
    output: str | Path,
    size: int = SIZE,
    workers: int | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> SimulatedContest:
    """Write small images of galaxies of a hundred classes, in the layout of a contest.

    ``train/``, ``val/`` and ``test/`` hold the images; ``train.csv``, ``val.csv`` and
    ``test.csv`` their names and classes, 0 to 99 (columns image and class). ``classes.csv`` says
    what each class is (`galaxyclass.simulation.hundred`), ``truth.csv`` what each galaxy is. The
    folder appears whole or not at all, and is read by `read_catalog(folder, folder)`.

    Parameters
    ----------
    output : str or Path
        A new folder, or an empty one.
    count : int
        Number of galaxies, 20 or more: 65 % for training, 10 % for validation, 25 % for the test.
        Classes are equally frequent in each part, to one galaxy.
    size : int
        Side of the images in pixels; all show the same frame.
    seed : int
        The same seed gives the same galaxies, whatever ``workers``.
    workers : int, optional
        Processes that draw, at most; by default as many as there are cores.
    progress : Progress

    Raises
    ------
    ArgumentError
        Fewer than 20 galaxies.
    OutputError
        The folder has something in it, or cannot be written to.
    WorkerError
        A process that drew galaxies died.

    Examples
    --------
    >>> import tempfile
    >>> contest = simulate_hundred(20, output=Path(tempfile.mkdtemp()) / "hundred", size=16)
    >>> contest.counts, (contest.folder / "val.csv").read_text().splitlines()[0]
    ({'train': 13, 'val': 2, 'test': 5}, 'image,class')
    """
    if count < 20:
        raise ArgumentError(
            f"`count` cannot be {count} for a hundred classes",
            argument="count",
            wanted="20 or more: some for each part",
            got=str(count),
        )
    folder = Path(output)
    counts = part_counts(count)
    with writing_folder(folder) as temporary:
        for part in HUNDRED_PARTS:
            (temporary / part).mkdir()
        done = 0
        job = Job("hundred", count, str(temporary.absolute()), size, seed)
        with closing(draw_all(job, workers)) as drawn:
            for count_drawn in drawn:
                done += count_drawn
                progress("simulate", done, count)
        _write_tables(temporary, count, seed)
        write_text(temporary / "README.txt", _readme(counts, size, seed))
    return SimulatedContest(folder, folder / "truth.csv", counts)


def _write_tables(folder: Path, count: int, seed: int) -> None:
    rows: dict[str, list[tuple[str, int]]] = {part: [] for part in HUNDRED_PARTS}
    truths: list[tuple[object, ...]] = []
    for index in range(count):
        galaxy = member(count, seed, index)
        name, number = f"{FIRST_ID + index}.jpg", galaxy.kind.number
        rows[galaxy.folder].append((name, number))
        truths.append((name, galaxy.folder, number, *astuple(galaxy.morphology)))
    for part, part_rows in rows.items():
        _write(folder / f"{part}.csv", ["image", "class"], part_rows)
    names = [field.name for field in fields(Morphology)]
    _write(folder / "truth.csv", ["image", "part", "class", *names], truths)
    names = [field.name for field in fields(HundredClass)]
    classes = [astuple(hundred_class(number)) for number in range(CLASSES)]
    _write(folder / "classes.csv", ["class", *names[1:]], classes)


def _write(path: Path, header: list[str], rows: Iterable[tuple[object, ...]]) -> None:
    with writing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        write_rows(file, chain([header], rows), quote_formulas=False)


def _readme(counts: dict[str, int], size: int, seed: int) -> str:
    return f"""{sum(counts.values())} simulated galaxies of {CLASSES} classes, {size} x {size} \
pixels, seed {seed}: none was observed.

train/ val/ test/              images: {", ".join(f"{n} {part}" for part, n in counts.items())}
train.csv val.csv test.csv     the name of each image, and its class: 0 to {CLASSES - 1}
classes.csv                    what each class is
truth.csv                      the morphology that was drawn: galaxyclass.simulation.morphology
                               explains the columns
"""
