"""The galaxies of a benchmark: some of a folder, or simulated ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxyclass.data.catalog.read import read_catalog
from galaxyclass.data.dataset.dataset import Dataset
from galaxyclass.images.files import find_images
from galaxyclass.io.atomic import write_text
from galaxyclass.io.csv_text import csv_text
from galaxyclass.progress import Progress
from galaxyclass.simulation.folders import simulate
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.read import load_tree


def galaxies_to_measure(
    images: Path | None, table: Path | None, count: int, work: Path, progress: Progress
) -> Dataset:
    """Some galaxies with targets.

    Parameters
    ----------
    images : Path or None
        None: simulated ones, with their votes.
    table : Path or None
        None: random votes, since their values do not affect speed.
    count : int
        Galaxies, at most.
    work : Path
        Where links to the images, or simulated galaxies, are put.
    progress : Progress

    Raises
    ------
    CatalogError
        There are no images.
    """
    if images is None:
        sky = simulate(count, output=work / "sky", progress=progress)
        return Dataset(sky.images, sky.table)
    if table is None:
        paths = find_images(images)
    else:
        paths = [Path(path) for path in read_catalog(images, table).paths if path]
    if len(paths) > count:
        linked = work / "images"
        # Spread over the folder, whose order may be that of brightness or of the sky.
        indices = np.linspace(0, len(paths) - 1, count).astype(int)
        for path in (paths[index] for index in indices.tolist()):
            link = linked / path.relative_to(images)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path.absolute())
        images = linked
    if table is None:
        table = work / "votes.csv"
        write_text(table, _random_votes(images))
    # The table may have galaxies that were not selected: no error here.
    return Dataset(images, table, skip_invalid=True)


def _random_votes(images: Path) -> str:
    tree = load_tree("galaxy_zoo_2")
    names = [path.relative_to(images).as_posix() for path in find_images(images)]
    conditional = np.empty((len(names), len(tree.answers)))
    rng = np.random.default_rng(0)
    for question in tree.slices:
        answers = question.stop - question.start
        conditional[:, question] = rng.dirichlet(np.ones(answers), len(names))
    votes = zip(names, joint_from_conditional(tree, conditional), strict=True)
    lines = ([name, *(f"{fraction:.6f}" for fraction in fractions)] for name, fractions in votes)
    header = ["path", *(f"Class{answer.code}" for answer in tree.answers)]
    return csv_text([header, *lines], quote_formulas=False)
