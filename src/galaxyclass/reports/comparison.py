"""Models side by side on the same galaxies: differences with paired bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from galaxyclass.plots.panel import AxisScale, MarkRow, RowMark, rows_of_marks
from galaxyclass.reports.parts import Figure, ReportSection, ReportTable
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.reports.votes import model_colour
from galaxyclass.short import signed
from galaxyclass.tasks.metric import Metric
from galaxyclass.tasks.scores.bootstrap import percentile_interval


@dataclass(frozen=True)
class PairedDifference:
    """How much better or worse a model is than the first one, on the same galaxies.

    Attributes
    ----------
    model, reference : str
        Their names.
    of : str
        What was scored: ``all``, a question, or a column of numbers.
    score, reference_score : float
    difference, low, high : float
        The model's score less the first one's, with the 95 % interval of paired resamples: each
        resample draws galaxies, and scores both models on them.
    """

    model: str
    reference: str
    of: str
    score: float
    reference_score: float
    difference: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def paired_differences(models: Sequence[ScoredModel]) -> list[PairedDifference]:
    """Each model beside the first, over all outputs and over each group of them.

    The models were scored on the same galaxies, in the same order.
    """
    first, task = models[0], models[0].task
    groups = [("all", slice(None))]
    if len(task.groups) > 1:
        # A number is a group of its own, whose title is its range.
        groups += [
            (names[0] if len(names) == 1 else title, where) for title, where, names in task.groups
        ]
    differences = []
    for title, where in groups:
        truth = [_only(model.values, where, title == "all") for model in models]
        with np.errstate(invalid="ignore"):
            scores = [
                task.main_value(model.predictions, values)
                for model, values in zip(models, truth, strict=True)
            ]
        if np.isnan(scores).all():  # not asked here, or known only beside other questions
            continue
        resampled = [
            task.resampled(model.predictions, values, seed=first.seed)
            for model, values in zip(models, truth, strict=True)
        ]
        for model, score, samples in zip(models[1:], scores[1:], resampled[1:], strict=True):
            low, high = percentile_interval((samples - resampled[0])[:, None])
            differences.append(
                PairedDifference(
                    model.name,
                    first.name,
                    title,
                    score,
                    scores[0],
                    score - scores[0],
                    float(low[0]),
                    float(high[0]),
                )
            )
    return differences


def _only(values: Any, where: slice, whole: bool) -> Any:
    """The truth of some outputs; what else is known counts as unknown."""
    if whole:
        return values
    truth = np.full(values.shape, np.nan, values.dtype)
    truth[:, where] = values[:, where]
    return truth


def comparison_section(models: Sequence[ScoredModel]) -> ReportSection:
    """The differences as a figure and a table."""
    metric, first = models[0].task.metric, models[0]
    differences = [each for each in paired_differences(models) if not math.isnan(each.difference)]
    texts = [_in_words(each, metric) for each in differences if each.of == "all"]
    largest = max(max(abs(each.low), abs(each.high)) for each in differences) or 1.0
    axis = AxisScale(-largest * 1.05, largest * 1.05, f"difference of {metric.label}")
    figures = []
    for number, model in enumerate(models[1:], 1):
        colour = model_colour(number)
        rows = [_row(each, colour) for each in differences if each.model == model.name]
        title = f"{model.name} less {first.name}"
        figures.append(Figure(title, rows_of_marks(rows, axis, title)))
    side = "left" if metric.lower_is_better else "right"
    columns = tuple(asdict(differences[0])) if differences else ()
    return ReportSection(
        "comparison",
        "The models side by side",
        (
            f"All models were scored on the same {len(first):,} galaxies. {side.capitalize()} of "
            f"the line, a model is better than {first.name}. Intervals are 95 %, from resamples in "
            "which both models see the same galaxies (paired): they are narrower than those of "
            "two separate scores, since a galaxy that is hard for one is mostly hard for both.",
            *texts,
            "Sections that begin with the name of a model are about it alone; single galaxies are "
            f"shown as {first.name} sees them.",
        ),
        tuple(figures),
        (("tick", "no difference"),),
        (
            ReportTable(
                "comparison",
                columns,
                tuple(tuple(asdict(each).values()) for each in differences),
                "The same as a table",
            ),
        ),
        numbers={"differences": list(map(asdict, differences))},
    )


def _in_words(difference: PairedDifference, metric: Metric) -> str:
    """Which of two models is better, or that the galaxies cannot tell."""
    model, reference = difference.model, difference.reference
    figures = (
        f"{metric.label} {signed(difference.difference, 4)} [{signed(difference.low, 4)}, "
        f"{signed(difference.high, 4)}]"
    )
    if not difference.is_clear:
        return (
            f"These galaxies cannot tell which of {reference} and {model} is better: {figures}, "
            "and the interval holds 0."
        )
    better = (difference.difference < 0) == metric.lower_is_better
    return f"{model} is {'better' if better else 'worse'} than {reference}: {figures}."


def _row(difference: PairedDifference, colour: int) -> MarkRow:
    value, low, high = difference.difference, difference.low, difference.high
    marks = [RowMark((0.0, math.nan, math.nan), 0, "line"), RowMark((value, low, high), colour)]
    return MarkRow(difference.of, marks, f"{value:+.4f} [{low:+.4f}, {high:+.4f}]")
