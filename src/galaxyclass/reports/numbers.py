"""The sections of a report on numbers: predicted against true ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from galaxyclass.arrays import Doubles
from galaxyclass.plots.panel import AxisScale, ChartPanel, MarkRow, RowMark, rows_of_marks
from galaxyclass.reports.binned import Binned, bin_truth
from galaxyclass.reports.parts import Cell, Figure, ReportSection, ReportSettings, ReportTable
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.reports.votes import interval_level
from galaxyclass.short import counted, percent

#: Bins of the predicted number, with about as many galaxies in each; and points of a panel.
_BINS, _POINTS = 6, 400


def number_sections(models: Sequence[ScoredModel], settings: ReportSettings) -> list[ReportSection]:
    """Predictions against the truth, and intervals."""
    model = models[0]
    sections = [_against_truth(model, settings.seed)]
    if model.evaluation.coverage is not None:
        sections.append(_coverage(model))
    return sections


def _against_truth(model: ScoredModel, seed: int) -> ReportSection:
    generator = np.random.default_rng(seed)
    rows: list[tuple[Cell, ...]] = []
    figures, numbers, words = [], {}, []
    values = np.asarray(model.values, np.float64)
    for index, name in enumerate(model.task.names):
        predicted, true = model.predictions[:, index], values[:, index]
        known = np.isfinite(predicted) & np.isfinite(true)
        if not known.any():
            continue
        predicted, true = predicted[known], true[known]
        edges = _edges(predicted)
        binned = bin_truth(predicted[:, None], true[:, None], edges, seed=seed)
        drawn = generator.permutation(len(true))[:_POINTS]
        figures.append(Figure(name, _panel(name, predicted[drawn], true[drawn], binned)))
        error = float(np.sqrt(np.mean((predicted - true) ** 2)))
        bias = float(np.mean(predicted - true))
        words.append(
            f"{name} is off by {error:.3g} (RMSE: the typical distance from the truth), and on "
            f"average {'too large' if bias > 0 else 'too small'} by {abs(bias):.2g}."
        )
        rows += [(name, *cells) for cells in binned.rows(edges)]
        numbers[name] = {"rmse": error, "bias": bias, **asdict(binned)}
    columns = ("number", "from", "to", "mean_predicted", "mean_true", "low", "high", "galaxies")
    return ReportSection(
        "reliability",
        "Predicted against true numbers",
        (
            "Each point is a galaxy: what was predicted, and what the table has. On the diagonal "
            "the two are the same. The thick dots are means of galaxies of about the same "
            "prediction, with 95 % intervals: where they leave the diagonal, predictions of that "
            "size are too large (below it) or too small (above it) on average.",
            *words,
        ),
        tuple(figures),
        (
            ("spot c4", f"a galaxy (at most {_POINTS}, drawn at random)"),
            ("dot c0", "mean, with its 95 % interval"),
        ),
        (ReportTable("reliability", columns, tuple(rows), "The means as a table"),),
        numbers=numbers,
    )


def _edges(predicted: Doubles) -> tuple[float, ...]:
    """Ends of bins that hold about as many predictions each."""
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, _BINS + 1)))
    if len(edges) < 2:
        edges = np.array([edges[0], edges[0] + 1])
    return tuple(edges.tolist())


def _panel(name: str, predicted: Doubles, true: Doubles, binned: Binned) -> str:
    low = min(float(predicted.min()), float(true.min()))
    high = max(float(predicted.max()), float(true.max()))
    room = 0.04 * ((high - low) or 1.0)
    low, high = low - room, high + room
    panel = ChartPanel(
        AxisScale(low, high, f"predicted {name}"),
        AxisScale(low, high, f"true {name}"),
        f"Predicted and true {name}",
    )
    panel.line((low, high), (low, high), dashed=False)
    panel.dots(predicted.tolist(), true.tolist(), 4)
    notes = [
        f"predicted {x:.3g}, true {y:.3g}, {counted(count, 'galaxy')}"
        for x, y, count in zip(binned.predicted, binned.true, binned.entries, strict=True)
    ]
    panel.marks(binned.predicted, binned.intervals, 0, notes)
    return panel.svg()


def _coverage(model: ScoredModel) -> ReportSection:
    coverage = model.evaluation.coverage
    assert coverage is not None, "only then there is a section"
    level, nan = interval_level(model), math.nan
    shares = [
        (name, share)
        for name, share in zip(model.task.interval_names, coverage.answers, strict=True)
        if not math.isnan(share)
    ]
    rows = [
        MarkRow(
            name,
            [RowMark((level, nan, nan), 0, "line"), RowMark((share, nan, nan), 0)],
            percent(share, 1),
        )
        for name, share in shares
    ]
    lowest = min([level, *(share for _, share in shares)])
    axis = AxisScale(max(0.0, math.floor(10 * lowest - 0.2) / 10), 1.0, "share held")
    return ReportSection(
        "intervals",
        "Are the intervals wide enough?",
        (
            f"With a prediction the model gives an interval that is meant to hold the true number "
            f"in {percent(level)} of all cases (the line). Here it held "
            f"{percent(coverage.overall, 1)} of them. A dot left of the line: intervals there are "
            "too narrow, so the model is too sure of itself; right of it: wider than needed.",
        ),
        (Figure("By number", rows_of_marks(rows, axis, "Coverage of each number")),),
        (("dot c0", "share of true numbers inside their interval"), ("tick", "promised share")),
        (ReportTable("intervals", ("number", "coverage"), tuple(shares), "The same as a table"),),
        numbers={**asdict(coverage), "level": level},
    )
