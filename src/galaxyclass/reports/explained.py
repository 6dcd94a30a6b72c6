"""What of some galaxies' pictures their predictions rest on, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from galaxyclass.explanation.explain import Explainer
    from galaxyclass.explanation.faithfulness import Faithfulness

_COLUMNS = ("id", "group", "answer", "predicted", "map", "random", "central", "is_better")


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
    from galaxyclass.explanation.judge import above_chance, judge

    explain = _Explain(model, predictions, kind, seed)
    galleries, tested = [], list[_Explained]()
    done, total = 0, sum(len(indices) for _, indices in groups)
    for title, indices in groups:
        explained = []
        for index in indices.tolist():
            galaxy = explain(catalog, index, title)
            if galaxy is not None:
                explained.append(galaxy)
                done += 1
                progress("explain", done, total)
        pictures = tuple(galaxy.picture for galaxy in explained)
        galleries.append(Gallery(title, pictures, wide=True))
        tested += explained
    if not tested:
        return None
    above_random, above_central = above_chance([each.faithfulness for each in tested], seed)
    better = sum(each.faithfulness.is_better for each in tested)
    rows = tuple(galaxy.row for galaxy in tested)
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
        tables=(ReportTable("explained", _COLUMNS, rows, "The same as a table"),),
        galleries=tuple(galleries),
        numbers={
            "galaxies": [dict(zip(_COLUMNS, row, strict=True)) for row in rows],
            "better_than_both": better,
            "above_random": vars(above_random),
            "above_central": vars(above_central),
        },
    )


@dataclass(frozen=True)
class _Explained:
    """A galaxy in the section: its picture, its row of the table, and how good its map is."""

    picture: ReportPicture
    row: tuple[Cell, ...]
    faithfulness: Faithfulness


class _Explain:
    """Explains galaxies one by one; an explainer is kept for each output that was asked for."""

    def __init__(self, model: Model, predictions: Doubles, kind: TaskSections, seed: int) -> None:
        assert kind.explained is not None
        self.model, self.predictions, self.seed = model, predictions, seed
        self.output_of = kind.explained
        tree = model.task.decision_tree
        self.words = [answer.name for answer in tree.answers] if tree else list(model.task.names)
        self.explainers: dict[int, Explainer] = {}

    def __call__(self, catalog: Catalog, index: int, group: str) -> _Explained | None:
        """Explain a galaxy of the catalog; None where its picture cannot be read."""
        from galaxyclass.explanation.explain import Explainer
        from galaxyclass.explanation.grid import overlay

        output = self.output_of(self.model.task, self.predictions[index])
        if output not in self.explainers:
            self.explainers[output] = Explainer(self.model, output, "occlusion", self.seed)
        explainer, name = self.explainers[output], str(catalog.ids.values[index])
        try:
            cutout = read_cutout(catalog.paths[index], explainer.preprocessing)
        except ImageError:
            return None
        galaxy, answer = explainer.explain(name, cutout), self.words[output]
        tested = galaxy.faithfulness
        scores = tuple(each.score for each in (tested.map, tested.random, tested.central))
        verdict = "" if tested.is_better else ": no better than these"
        caption = (
            f"{answer} {galaxy.share:.2f}\nfaithfulness {signed(scores[0])}\n"
            f"random {signed(scores[1])}, central blob {signed(scores[2])}{verdict}"
        )
        pair = np.hstack([_plain_side(galaxy.cutout, overlay(galaxy)), overlay(galaxy)])
        return _Explained(
            ReportPicture(jpeg_uri(pair), name, caption),
            (name, group, answer, galaxy.share, *scores, str(tested.is_better)),
            tested,
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
