"""The sections of a report on classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

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
from galaxyclass.reports.purity import MOST_CURVES, purity_section
from galaxyclass.reports.scored import ScoredModel, classes_by_size
from galaxyclass.short import counted, percent, verb
from galaxyclass.tasks.scores.bootstrap import INTERVAL_LEVEL
from galaxyclass.tasks.task import Task

#: Bins of a probability.
_EDGES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
#: With more classes than this the page shows the most frequent mistakes, and not all pairs.
_MOST_PAIRS = 14
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


def class_sections(models: Sequence[ScoredModel], settings: ReportSettings) -> list[ReportSection]:
    """Confusion, scores of each class, reliability, purity, and examples of each class."""
    model = models[0]
    return [
        _each_class(models),
        _confusion(model),
        _reliability(model),
        purity_section(model, settings.purity),
        _examples(model),
    ]


def class_errors(model: ScoredModel) -> Doubles:
    """(galaxies,) wrong ones first, the largest where the true class is the least probable."""
    of_true = np.take_along_axis(model.predictions, np.asarray(model.values)[:, None], axis=1)
    return np.asarray(model.losses + 1 - of_true[:, 0])


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
    rows: list[tuple[Cell, ...]] = [("the called class", *row) for row in overall.rows(_EDGES)]
    numbers = {"called": asdict(overall)}
    for index in classes_by_size(model)[:MOST_CURVES]:
        name = model.task.class_names[index]
        of_class = (true == index).astype(np.float64)
        binned = bin_truth(probabilities[:, [index]], of_class[:, None], _EDGES, seed=model.seed)
        figures.append(Figure(name, _reliability_panel(name, binned)))
        rows += [(name, *row) for row in binned.rows(_EDGES)]
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


def _examples(model: ScoredModel) -> ReportSection:
    true, called = np.asarray(model.values), model.predictions.argmax(axis=1)
    names, galleries = model.task.class_names, list[Gallery]()

    def caption(index: int) -> str:
        return f"{names[called[index]]} {model.predictions[index].max():.2f}"

    for index in classes_by_size(model)[:_MOST_EXAMPLES]:
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


def class_caption(task: Task, predicted: Doubles, true: int | None) -> str:
    """The class that is called, its probability, and the true one."""
    index = int(np.argmax(predicted))
    names = task.class_names
    called = f"{names[index]} ({predicted[index]:.2f})"
    return called if true is None else f"{called}\ntrue: {names[int(true)]}"
