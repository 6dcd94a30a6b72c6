"""The sections of a report on classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.plots.panel import AxisScale, ChartPanel, MarkRow, RowMark, rows_of_marks
from galaxyclass.reports.binned import Binned, bin_truth
from galaxyclass.reports.examples import read_gallery
from galaxyclass.reports.parts import (
    Cell,
    Figure,
    Gallery,
    ReportSection,
    ReportSettings,
    ReportTable,
)
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.short import counted, percent, verb
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL
from galaxyclass.tasks.task import Task

#: Bins of a probability.
_EDGES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
#: With more classes than this the page shows the most frequent mistakes, and not all pairs; and
#: curves of the classes with the most galaxies.
_MOST_PAIRS, _MOST_CURVES = 14, 12
#: Galaxies above a threshold from which on purity is more than chance.
_FEWEST_ABOVE = 10
#: Points of a curve, at most: what a page can hold.
_POINTS = 200
#: Mistakes that are listed; examples of each class and kind; classes that have examples.
_MISTAKES, _EXAMPLES, _MOST_EXAMPLES = 30, 4, 12


@dataclass(frozen=True)
class ClassScore:
    """How well a class is recognised; intervals are Wilson's, of the confidence 95 %.

    ``recall`` (completeness) is the share of the class's galaxies that are called so,
    ``precision`` (purity) the share of the galaxies called so that belong to the class.
    """

    name: str
    galaxies: int
    called: int
    recall: float
    recall_low: float
    recall_high: float
    precision: float
    precision_low: float
    precision_high: float


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


def class_sections(models: Sequence[ScoredModel], settings: ReportSettings) -> list[ReportSection]:
    """Confusion, scores of each class, reliability, purity, and examples of each class."""
    model = models[0]
    return [
        _each_class(models),
        _confusion(model),
        _reliability(model),
        _purity(model, settings.purity),
        _examples(model),
    ]


def class_scores(model: ScoredModel) -> list[ClassScore]:
    """The scores of each class."""
    confusion = model.report.scores.confusion
    scores = []
    for index, name in enumerate(model.task.class_names):
        right, of_class = int(confusion[index, index]), int(confusion[index].sum())
        called = int(confusion[:, index].sum())
        scores.append(
            ClassScore(name, of_class, called, *wilson(right, of_class), *wilson(right, called))
        )
    return scores


def wilson(part: int, whole: int) -> tuple[float, float, float]:
    """A share with its 95 % interval (Wilson 1927); NaN of nothing.

    Examples
    --------
    >>> [round(value, 3) for value in wilson(8, 10)]
    [0.8, 0.49, 0.943]
    """
    if not whole:
        return math.nan, math.nan, math.nan
    from scipy.stats import binomtest  # slow to import

    ends = binomtest(part, whole).proportion_ci(INTERVAL_LEVEL, method="wilson")
    return part / whole, float(ends.low), float(ends.high)


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


def _each_class(models: Sequence[ScoredModel]) -> ReportSection:
    scores = class_scores(models[0])
    rows = [
        MarkRow(
            score.name,
            [
                RowMark((score.recall, score.recall_low, score.recall_high), 0),
                RowMark((score.precision, math.nan, math.nan), 1, "hollow"),
            ],
            f"recall {percent(score.recall, 1)} of {score.galaxies:,}, "
            f"precision {percent(score.precision, 1)} of {score.called:,}",
        )
        for score in scores
        if score.galaxies
    ]
    known = [score for score in scores if score.galaxies]
    enough = [score for score in known if score.galaxies >= 30] or known
    worst = min(enough, key=lambda score: score.recall)
    few = [score.name for score in known if score.galaxies < 30]
    text = [
        "Recall (completeness): of the galaxies of a class, the share that the model calls so. "
        "Precision (purity): of the galaxies that the model calls so, the share that belong to the "
        "class. Intervals are 95 %: with few galaxies they are wide, and a difference within them "
        "may be chance.",
        f"The class that is missed most often is {worst.name}: the model finds "
        f"{percent(worst.recall)} of its {counted(worst.galaxies, 'galaxy')}.",
    ]
    if few:
        text.append(f"Fewer than 30 galaxies: {', '.join(few[:8])}. Little can be said about them.")
    columns = tuple(asdict(scores[0]))
    return ReportSection(
        "each_class",
        "Each class",
        tuple(text),
        (
            Figure(
                "Recall and precision",
                rows_of_marks(rows, AxisScale(0, 1, "share"), "Recall and precision of each class"),
            ),
        ),
        (("dot c0", "recall, with its 95 % interval"), ("ring c1", "precision")),
        (
            ReportTable(
                "classes",
                columns,
                tuple(tuple(asdict(score).values()) for score in scores),
                "The same as a table",
            ),
        ),
        numbers={"classes": list(map(asdict, scores))},
    )


def _confusion(model: ScoredModel) -> ReportSection:
    names, confusion = model.task.class_names, model.report.scores.confusion
    totals = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, totals, out=np.zeros(confusion.shape), where=totals > 0)
    off = confusion.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:_MISTAKES]
    mistakes = [
        (names[true], names[called], int(off[true, called]), float(shares[true, called]))
        for true, called in (divmod(int(index), len(names)) for index in order)
        if off[true, called]
    ]
    many = len(names) > _MOST_PAIRS
    header = ("true class", *(f"called {name}" for name in names))
    counts: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *map(int, row)) for name, row in zip(names, confusion.tolist(), strict=True)
    )
    share_rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, *map(float, row)) for name, row in zip(names, shares.tolist(), strict=True)
    )
    tables = [
        ReportTable("confusion", header, counts, "Galaxies", folded=many),
        ReportTable(
            "confusion_shares",
            header,
            share_rows,
            "Shares of the galaxies of each class",
            shaded=True,
            folded=many,
        ),
        ReportTable(
            "mistakes",
            ("true class", "called", "galaxies", "share of the class"),
            tuple(mistakes),
            "The most frequent mistakes",
            folded=not many,
        ),
    ]
    text = [
        "A row is a true class, a column what the model calls it: right answers stand on the "
        "diagonal, and everything else is a mistake of a kind. Classes that are mistaken for each "
        "other both ways look alike to the model, or to the people who labelled them."
    ]
    if mistakes:
        true, called, count, share = mistakes[0]
        text.append(
            f"The most frequent mistake: of the galaxies of {true}, {count:,} ({percent(share)}) "
            f"{verb(count, 'is')} called {called}."
        )
    return ReportSection(
        "confusion",
        "Which classes are mistaken for which?",
        tuple(text),
        tables=tuple(tables),
        numbers={"classes": list(names), "counts": confusion.tolist(), "shares": shares.tolist()},
    )


def _reliability(model: ScoredModel) -> ReportSection:
    probabilities, true = model.predictions, np.asarray(model.values)
    called = probabilities.argmax(axis=1)
    highest = probabilities.max(axis=1)
    right = (called == true).astype(np.float64)
    overall = bin_truth(highest[:, None], right[:, None], _EDGES, seed=model.seed)
    figures = [Figure("Of the class that is called", _reliability_panel("all classes", overall))]
    rows: list[tuple[Cell, ...]] = _reliability_rows("the called class", overall)
    numbers = {"called": asdict(overall)}
    for index in _largest(model)[:_MOST_CURVES]:
        name = model.task.class_names[index]
        of_class = (true == index).astype(np.float64)
        binned = bin_truth(probabilities[:, [index]], of_class[:, None], _EDGES, seed=model.seed)
        figures.append(Figure(name, _reliability_panel(name, binned)))
        rows += _reliability_rows(name, binned)
        numbers[f"class {name}"] = asdict(binned)
    weights = np.array(overall.entries) / len(true)
    gaps = np.abs(np.array(overall.true) - np.array(overall.predicted))
    error = float(np.nansum(weights * gaps))
    return ReportSection(
        "reliability",
        "Can its probabilities be believed?",
        (
            "Of all galaxies that get a probability of about 0.7, seven in ten should be what the "
            "model says. Dots on the diagonal: they are. Below it: the model is too sure; above: "
            "not sure enough.",
            f"On average the called class has a probability of {highest.mean():.3f}, and is right "
            f"in {right.mean():.3f} of the cases: {how_sure(highest, right)}. Mean distance from "
            f"the diagonal (expected calibration error): {error:.3f}.",
        ),
        tuple(figures),
        (("dot c0", "share of galaxies that are what was said, with its 95 % interval"),),
        (
            ReportTable(
                "reliability",
                ("of", "from", "to", "mean_probability", "share", "low", "high", "galaxies"),
                tuple(rows),
                "The same as a table",
            ),
        ),
        numbers={**numbers, "expected_calibration_error": error},
    )


def how_sure(probability: Doubles, right: Doubles) -> str:
    """Whether a model is as sure as it is right, as far as its galaxies can tell.

    Parameters
    ----------
    probability, right : (galaxies,) float64
        Of the class that is called, and 1 where that is the true one.

    Examples
    --------
    >>> how_sure(np.full(100, 0.9), np.repeat([1.0, 0.0], 50))
    'the model is too sure of itself'
    >>> how_sure(np.full(20, 0.7), np.repeat([1.0, 0.0], [13, 7]))
    'with 20 galaxies chance alone can make this difference'
    """
    difference = probability - right
    tendency = float(difference.mean())
    if abs(tendency) <= 1.96 * float(difference.std()) / math.sqrt(len(right)):
        return f"with {counted(len(right), 'galaxy')} chance alone can make this difference"
    return "the model is " + (
        "too sure of itself" if tendency > 0 else "less sure than it could be"
    )


def _reliability_panel(name: str, binned: Binned) -> str:
    panel = ChartPanel(
        AxisScale(0, 1, "probability"), AxisScale(0, 1, "share"), f"Reliability of {name}"
    )
    panel.line((0, 1), (0, 1), dashed=False)
    notes = [counted(count, "galaxy") for count in binned.entries]
    panel.marks(binned.predicted, binned.intervals, 0, notes)
    return panel.svg()


def _reliability_rows(name: str, binned: Binned) -> list[tuple[Cell, ...]]:
    cells = zip(binned.predicted, binned.true, binned.low, binned.high, binned.entries, strict=True)
    return [(name, *ends, *row) for ends, row in zip(pairwise(_EDGES), cells, strict=True)]


def _purity(model: ScoredModel, wanted: float) -> ReportSection:
    true = np.asarray(model.values)
    names = model.task.class_names
    curves = {
        index: purity_curve(names[index], model.predictions[:, index], true == index, wanted)
        for index in range(len(names))
    }
    figures = tuple(_purity_figure(curves[index]) for index in _largest(model)[:_MOST_CURVES])
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


def _examples(model: ScoredModel) -> ReportSection:
    true, called = np.asarray(model.values), model.predictions.argmax(axis=1)
    names, galleries = model.task.class_names, list[Gallery]()

    def caption(index: int) -> str:
        return f"{names[called[index]]} {model.predictions[index].max():.2f}"

    for index in _largest(model)[:_MOST_EXAMPLES]:
        surest = np.argsort(-model.predictions[:, index], kind="stable")
        right = surest[(true == index)[surest] & (called == index)[surest]][:_EXAMPLES]
        wrong = np.argsort(-model.predictions.max(axis=1), kind="stable")
        wrong = wrong[(true == index)[wrong] & (called != index)[wrong]][:_EXAMPLES]
        for title, chosen in (("typical", right), ("missed", wrong)):
            if len(chosen):
                galleries.append(
                    read_gallery(
                        f"{names[index]}: {title}",
                        model.catalog,
                        chosen,
                        model.preprocessing,
                        caption,
                    )
                )
    return ReportSection(
        "examples",
        "Typical and missed galaxies of each class",
        (
            "Typical: the galaxies of the class that the model is surest of. Missed: those of "
            "which it was surest that they are something else. Where these look like the other "
            "class to you too, the label may be wrong, and not the model.",
        ),
        galleries=tuple(galleries),
    )


def _largest(model: ScoredModel) -> list[int]:
    """The classes that have galaxies, those with the most first."""
    counts = model.report.scores.confusion.sum(axis=1)
    return [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]


def class_caption(task: Task, predicted: Doubles, true: int | None) -> str:
    """The class that is called, its probability, and the true one."""
    index = int(np.argmax(predicted))
    names = task.class_names
    called = f"{names[index]} {predicted[index]:.2f}"
    return called if true is None else f"{called}\ntrue: {names[int(true)]}"
