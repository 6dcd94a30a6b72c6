"""How far several models agree about images without labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.reports.examples import read_gallery
from galaxyclass.reports.parts import ReportSection, ReportTable
from galaxyclass.reports.predicted import PredictedFolder
from galaxyclass.reports.strange import PICTURES
from galaxyclass.tasks.task import Task


@dataclass(frozen=True)
class Agreement:
    """How far the predictions of two models lie apart.

    Attributes
    ----------
    model, reference : str
    of : str
        The name of an output; ``all``.
    mean, reference_mean : float
        Of the predictions; NaN over all outputs.
    difference : float
        Root mean square difference.
    """

    model: str
    reference: str
    of: str
    mean: float
    reference_mean: float
    difference: float


def agreement_section(
    folders: Sequence[PredictedFolder], caption: Callable[[Task, Doubles, Any], str]
) -> ReportSection:
    """Each model beside the first, over all outputs and output by output.

    The models predicted the same images, of which some may not have been decoded.
    """
    first = folders[0]
    agreements, texts, galleries = [], [], []
    for other in folders[1:]:
        rows, reference, predictions = _side_by_side(first, other)
        squares = (predictions - reference) ** 2
        whole = _root_mean(squares)
        agreements.append(Agreement(other.name, first.name, "all", math.nan, math.nan, whole))
        agreements += [
            Agreement(
                other.name,
                first.name,
                first.task.names[index],
                float(np.nanmean(predictions[:, index])),
                float(np.nanmean(reference[:, index])),
                _root_mean(squares[:, index]),
            )
            for index in np.flatnonzero(first.task.known_mask & other.task.known_mask).tolist()
        ]
        texts.append(
            f"{other.name} and {first.name} differ by {whole:.4f} on average (root mean square)."
        )
        apart = np.argsort(-np.nan_to_num(squares).sum(axis=1), kind="stable")[:PICTURES]
        words = {
            int(rows[row]): f"{first.name}: {caption(first.task, reference[row], None)}\n"
            f"{other.name}: {caption(other.task, predictions[row], None)}"
            for row in apart.tolist()
        }
        galleries.append(
            read_gallery(
                f"Where {other.name} and {first.name} disagree most",
                first.catalog,
                rows[apart],
                first.preprocessing,
                words.__getitem__,
            )
        )
    return ReportSection(
        "agreement",
        "Do the models agree?",
        (
            "Where models disagree, at least one is wrong; where they agree, both may be. The "
            "pictures below are worth a look, or a label.",
            *texts,
        ),
        tables=(
            ReportTable(
                "agreement",
                tuple(asdict(agreements[0])),
                tuple(tuple(asdict(each).values()) for each in agreements),
                "By output",
            ),
        ),
        galleries=tuple(galleries),
        numbers={"agreement": list(map(asdict, agreements))},
    )


def _side_by_side(
    first: PredictedFolder, other: PredictedFolder
) -> tuple[NDArray[np.int64], Doubles, Doubles]:
    """The images that both models predicted.

    Returns
    -------
    rows : (images,) int64
        Of the first model's catalog.
    reference, predictions : (images, outputs) float64
        Of the first and of the other model; NaN where one of them does not know an output.
    """
    row_of = {name: row for row, name in enumerate(other.catalog.ids.values)}
    pairs = [
        (row, row_of[name]) for row, name in enumerate(first.catalog.ids.values) if name in row_of
    ]
    rows, other_rows = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    known = first.task.known_mask & other.task.known_mask
    reference = np.where(known, first.predictions[rows], np.nan)
    return rows, reference, np.where(known, other.predictions[other_rows], np.nan)


def _root_mean(squares: Doubles) -> float:
    finite = squares[~np.isnan(squares)]
    return float(np.sqrt(finite.mean())) if finite.size else math.nan
