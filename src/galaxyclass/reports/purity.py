"""How pure and how complete a sample of one class is, by the threshold on its probability."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.plots.panel import AxisScale, ChartPanel
from galaxyclass.reports.parts import (
    Figure,
    ReportSection,
    ReportTable,
)
from galaxyclass.reports.scored import ScoredModel, classes_by_size
from galaxyclass.short import percent

#: Curves are drawn of so many classes, those with the most galaxies.
MOST_CURVES = 12
#: Galaxies above a threshold from which on purity is more than chance.
_FEWEST_ABOVE = 10
#: Points of a curve, at most: what a page can hold.
_POINTS = 200


@dataclass(frozen=True)
class PurityCurve:
    """Purity and completeness of the galaxies whose probability of a class is above a threshold.

    Attributes
    ----------
    name : str
        The class.
    thresholds, purity, completeness : tuple of float
        From the highest threshold down; purity is NaN where no galaxy is left.
    above : tuple of int
        The galaxies above each threshold.
    threshold : float or None
        The lowest threshold whose purity is the wanted one or better, with enough galaxies above
        it to tell; None: there is none.
    at_purity, at_completeness : float
        What it has there; NaN without a threshold.
    at_above : int
        The galaxies above it.
    """

    name: str
    thresholds: tuple[float, ...]
    purity: tuple[float, ...]
    completeness: tuple[float, ...]
    above: tuple[int, ...]
    threshold: float | None
    at_purity: float
    at_completeness: float
    at_above: int


def purity_curve(
    name: str,
    probabilities: Doubles,
    is_class: NDArray[np.bool_],
    wanted: float,
    *,
    fewest: int = _FEWEST_ABOVE,
) -> PurityCurve:
    """Purity and completeness of a class at every threshold that changes them.

    Parameters
    ----------
    name : str
    probabilities : (galaxies,) float64
        Of the class.
    is_class : (galaxies,) bool
    wanted : float
        The purity that a threshold is looked for.
    fewest : int
        Galaxies that are above such a threshold at least: of fewer, a purity is chance.

    Examples
    --------
    >>> is_disc = np.array([True, False, True])
    >>> curve = purity_curve("disc", np.array([0.9, 0.8, 0.3]), is_disc, 0.6, fewest=1)
    >>> curve.threshold, curve.at_completeness, curve.purity
    (0.3, 1.0, (1.0, 0.5, 0.6666666666666666))
    """
    order = np.argsort(-probabilities, kind="stable")
    sorted_probabilities, right = probabilities[order], is_class[order].cumsum()
    # Galaxies of one probability are above a threshold together.
    ends = np.append(np.flatnonzero(np.diff(sorted_probabilities)), len(order) - 1)
    thresholds, right = sorted_probabilities[ends], right[ends]
    purity = right / (ends + 1)
    completeness = right / max(int(is_class.sum()), 1)
    enough = np.flatnonzero((purity >= wanted) & (ends + 1 >= fewest))
    best = int(enough[-1]) if len(enough) and is_class.any() else None
    return PurityCurve(
        name,
        tuple(thresholds.tolist()),
        tuple(purity.tolist()),
        tuple(completeness.tolist()),
        tuple((ends + 1).tolist()),
        None if best is None else float(thresholds[best]),
        math.nan if best is None else float(purity[best]),
        math.nan if best is None else float(completeness[best]),
        0 if best is None else int(ends[best]) + 1,
    )


def purity_section(model: ScoredModel, wanted: float) -> ReportSection:
    """The curve of each class, and the threshold at which its purity is the wanted one."""
    true = np.asarray(model.values)
    names = model.task.class_names
    curves = {
        index: purity_curve(names[index], model.predictions[:, index], true == index, wanted)
        for index in range(len(names))
    }
    figures = tuple(_purity_figure(curves[index]) for index in classes_by_size(model)[:MOST_CURVES])
    rows = tuple(
        (
            curve.name,
            "none" if curve.threshold is None else curve.threshold,
            curve.at_purity,
            curve.at_completeness,
            curve.at_above,
        )
        for curve in curves.values()
    )
    without = [curve.name for curve in curves.values() if curve.threshold is None]
    text = [
        "A sample of one class is chosen by a threshold on its probability. A high one keeps the "
        "sample pure (few galaxies of other classes), but leaves many galaxies of the class out "
        f"(it is not complete). The vertical line is the lowest threshold with a purity of "
        f"{percent(wanted)} or better, and at least {_FEWEST_ABOVE} galaxies above it: of fewer, "
        "purity is chance, and is not drawn.",
        "Thresholds hold for samples in which classes are about as frequent as here: where a class "
        "is rarer, the same threshold gives a less pure sample.",
    ]
    if without:
        text.append(
            f"No threshold reaches a purity of {percent(wanted)} with {_FEWEST_ABOVE} galaxies or "
            f"more for {', '.join(without[:8])}."
        )
    return ReportSection(
        "purity",
        "A pure sample of one class",
        tuple(text),
        figures,
        (("bar c0", "purity"), ("dash c1", "completeness")),
        (
            ReportTable(
                "thresholds",
                ("class", "threshold", "purity", "completeness", "galaxies above"),
                rows,
                f"Thresholds for a purity of {percent(wanted)}",
                folded=False,
            ),
        ),
        numbers={
            "wanted_purity": wanted,
            "thresholds": [
                {
                    "class": curve.name,
                    "threshold": curve.threshold,
                    "purity": curve.at_purity,
                    "completeness": curve.at_completeness,
                    "galaxies_above": curve.at_above,
                }
                for curve in curves.values()
            ],
        },
    )


def _purity_figure(curve: PurityCurve) -> Figure:
    panel = ChartPanel(
        AxisScale(0, 1, "probability above"), AxisScale(0, 1, "share"), f"Purity of {curve.name}"
    )
    x, keep = _thinned(np.array(curve.thresholds))
    drawn = np.array(curve.above)[keep] >= _FEWEST_ABOVE
    purity = np.where(drawn, np.array(curve.purity)[keep], math.nan)
    panel.line(x, purity.tolist(), 0, dashed=False)
    panel.line(x, np.array(curve.completeness)[keep].tolist(), 1, dashed=True)
    if curve.threshold is not None:
        panel.line([curve.threshold] * 2, [0, 1], dashed=True)
    return Figure(curve.name, panel.svg())


def _thinned(values: Doubles) -> tuple[list[float], NDArray[np.int64]]:
    """At most `_POINTS` of the values, and their indices."""
    keep = np.unique(np.linspace(0, len(values) - 1, min(_POINTS, len(values))).astype(np.int64))
    return values[keep].tolist(), keep
