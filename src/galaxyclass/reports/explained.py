"""What of some galaxies' pictures their predictions rest on, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.errors import ImageError
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.model.model import Model
from galaxyclass.progress import Progress
from galaxyclass.reports.examples import jpeg_uri
from galaxyclass.reports.kinds import TaskSections
from galaxyclass.reports.parts import Cell, Gallery, ReportPicture, ReportSection, ReportTable
from galaxyclass.short import counted, signed


def explained_section(
    model: Model,
    catalog: Catalog,
    predictions: Doubles,
    groups: Sequence[tuple[str, NDArray[np.int64]]],
    kind: TaskSections,
    *,
    seed: int,
    progress: Progress,
) -> ReportSection | None:
    """Occlusion maps of some galaxies, each with its faithfulness.

    Parameters
    ----------
    model : Model
    catalog : Catalog
    predictions : (galaxies, outputs) float64
    groups : sequence of (str, (galaxies,) int64)
        Titles, and the indices of the galaxies below each.
    kind : TaskSections
        It knows which output of a galaxy is explained.
    seed : int
        Of the sky, and of the random maps.
    progress : Progress

    Returns
    -------
    ReportSection or None
        None where no picture could be read.

    Raises
    ------
    BundleError
        Several models with different cutouts.
    """
    from galaxyclass.explanation.explain import Explainer, judge, mean_difference
    from galaxyclass.explanation.grid import overlay

    assert kind.explained is not None
    task = model.task
    tree = task.decision_tree
    words = [answer.name for answer in tree.answers] if tree else list(task.names)
    explainers: dict[int, Explainer] = {}
    galleries, tested = [], []
    rows: list[tuple[Cell, ...]] = []
    done, total = 0, sum(len(indices) for _, indices in groups)
    for title, indices in groups:
        pictures = []
        for index in indices.tolist():
            output = kind.explained(task, predictions[index])
            if output not in explainers:
                explainers[output] = Explainer(model, output, "occlusion", seed)
            explainer, name = explainers[output], str(catalog.ids.values[index])
            try:
                cutout = read_cutout(catalog.paths[index], explainer.preprocessing)
            except ImageError:
                continue
            galaxy = explainer.explain(name, cutout)
            found = galaxy.faithfulness
            scores = tuple(each.score for each in (found.found, found.random, found.central))
            verdict = "" if found.is_better else ": no better than these"
            caption = (
                f"{words[output]} {galaxy.share:.2f}\nfaithfulness {signed(scores[0])}\n"
                f"random {signed(scores[1])}, central blob {signed(scores[2])}{verdict}"
            )
            pair = np.hstack([_plain_side(galaxy.cutout, overlay(galaxy)), overlay(galaxy)])
            pictures.append(ReportPicture(jpeg_uri(pair), name, caption))
            rows.append((name, title, words[output], galaxy.share, *scores, str(found.is_better)))
            tested.append(found)
            done += 1
            progress("explain", done, total)
        galleries.append(Gallery(title, tuple(pictures), wide=True))
    if not tested:
        return None
    above_random, above_central = (
        mean_difference(
            [each.found.score for each in tested],
            [getattr(each, other).score for each in tested],
            seed,
        )
        for other in ("random", "central")
    )
    better = sum(each.is_better for each in tested)
    columns = ("id", "group", "answer", "predicted", "map", "random", "central", "is_better")
    return ReportSection(
        "explained",
        "What the predictions rest on",
        (
            "Squares of each picture were replaced by sky, one after the other. Blue: without this "
            "part the predicted answer falls, so it rests on it. Orange: without it the answer "
            "rises.",
            "A map can look convincing and be wrong. So each is tested: the galaxy is hidden bit "
            "by bit in the order of the map, and shown bit by bit. Faithfulness is how much more "
            "is left of the answer when it is shown than when it is hidden; beside it stand that "
            "of a random order, and of a blob that grows from the centre. A map that is no better "
            "than these two says nothing.",
            f"Better than both: {better} of {counted(len(tested), 'map')}. "
            + " ".join(judge(above_random, above_central, None)),
        ),
        tables=(ReportTable("explained", columns, tuple(rows), "The same as a table"),),
        galleries=tuple(galleries),
        numbers={
            "galaxies": [dict(zip(columns, row, strict=True)) for row in rows],
            "better_than_both": better,
            "above_random": vars(above_random),
            "above_central": vars(above_central),
        },
    )


def explained_groups(
    named: Sequence[tuple[str, Doubles]], count: int
) -> list[tuple[str, NDArray[np.int64]]]:
    """So many galaxies in all, the highest of each measure, none of them twice.

    Examples
    --------
    >>> measures = [("worst", np.array([3.0, 1, 2])), ("surest", np.array([9.0, 8, 7]))]
    >>> [(title, rows.tolist()) for title, rows in explained_groups(measures, 3)]
    [('worst', [0, 2]), ('surest', [1])]
    """
    taken: list[int] = []
    groups = []
    for number, (title, values) in enumerate(named):
        room = -(-(count - len(taken)) // (len(named) - number))
        order = np.argsort(-values, kind="stable").tolist()
        rows = [row for row in order if row not in taken and not np.isnan(values[row])][:room]
        taken += rows
        groups.append((title, np.array(rows, np.int64)))
    return [group for group in groups if len(group[1])]


def _plain_side(cutout: NDArray[np.uint8], beside: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The galaxy without its map, as large as the picture beside it, in three channels."""
    import cv2

    from galaxyclass.images.channels import to_three

    three = to_three(cutout)
    three = three.repeat(3, axis=2) if three.shape[2] == 1 else three
    side = beside.shape[1], beside.shape[0]
    return np.asarray(cv2.resize(three, side, interpolation=cv2.INTER_CUBIC), np.uint8)
