"""The first section of a report: the score in one look, and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from galaxyclass.plots.panel import AxisScale, MarkRow, RowMark, rows_of_marks
from galaxyclass.reports.parts import Figure, ReportSection, ReportTable
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.reports.votes import model_colour, model_legend
from galaxyclass.short import counted, percent, verb
from galaxyclass.tasks.task import Task


@dataclass(frozen=True)
class MainScore:
    """The main score of a model between that of the simplest predictor and a perfect model.

    Attributes
    ----------
    model, metric : str
    score, low, high : float
    simplest : float
        Of the simplest predictor on the same galaxies.
    noise_floor : float
        Of a perfect model; NaN where it is not known.
    galaxies : int
    explained : float
        The share of the way from the simplest predictor to the best possible score; 1 is perfect.
    """

    model: str
    metric: str
    score: float
    low: float
    high: float
    simplest: float
    noise_floor: float
    galaxies: int
    explained: float


def main_score(model: ScoredModel) -> MainScore:
    """The main score of a model."""
    scores, metric = model.report.scores, model.task.metric
    score, simplest = scores.main, model.report.reference.main.value
    floor = model.report.noise["all"].value if "all" in model.report.noise else math.nan
    best = metric.error(floor) if not math.isnan(floor) else 0.0
    way = metric.error(simplest) - best
    return MainScore(
        model.name,
        metric.label,
        score.value,
        score.low,
        score.high,
        simplest,
        floor,
        scores.galaxies,
        (metric.error(simplest) - metric.error(score.value)) / way if way else math.nan,
    )


def opening_section(models: Sequence[ScoredModel]) -> ReportSection:
    """The main score of each model."""
    scores, metric = [main_score(model) for model in models], models[0].task.metric
    first = scores[0]
    direction = "0 is perfect" if metric.lower_is_better else "1 is perfect"
    text = [
        f"On {counted(first.galaxies, 'galaxy')}, {first.model} has {_article(metric.label)} "
        f"{metric.label} of {first.score:.4f} "
        f"(95 % interval {first.low:.4f} to {first.high:.4f}; {direction}). The simplest predictor "
        f"({metric.simplest}) has {first.simplest:.4f} on the same galaxies."
    ]
    trained = max(model.evaluation.galaxies_by_part.get("train", 0) for model in models)
    if trained:
        text.append(
            f"{trained:,} of these galaxies {verb(trained, 'was')} trained on: the score is too "
            "good, and says little about others."
        )
    if not math.isnan(first.noise_floor):
        text.append(_noise_floor_text(first, models[0].task))
    text += [
        f"{score.model} has {score.score:.4f} ({score.low:.4f} to {score.high:.4f})."
        for score in scores[1:]
    ]
    ends = [end for score in scores for end in (score.simplest, score.high)]
    rows = [_score_row(score, model_colour(number)) for number, score in enumerate(scores)]
    axis = AxisScale(0.0, max(ends) * 1.05 if metric.lower_is_better else 1.0, metric.label)
    legend = [*model_legend(models), ("ring c1", metric.simplest)]
    if not math.isnan(first.noise_floor):
        legend.append(("tick", "noise floor"))
    columns = tuple(asdict(first))
    return ReportSection(
        "score",
        "In short",
        tuple(text),
        (Figure(f"{metric.label}, {direction}", rows_of_marks(rows, axis, metric.label)),),
        tuple(legend),
        (
            ReportTable(
                "scores",
                columns,
                tuple(tuple(asdict(score).values()) for score in scores),
                "The same as a table",
            ),
        ),
        numbers={"scores": list(map(asdict, scores))},
    )


def _noise_floor_text(score: MainScore, task: Task) -> str:
    """How far from the simplest predictor to the noise floor a model has gone."""
    why = (
        "the numbers of the table have errors themselves"
        if task.decision_tree is None
        else "votes are a sample of volunteers"
    )
    way = (
        f"has gone {percent(score.explained)} of the way from the simplest predictor to there"
        if score.explained >= 0
        else "has learnt nothing: it is no better than the simplest predictor"
    )
    return (
        f"A perfect model would not reach 0, because {why}: its {task.metric.label} would be "
        f"about {score.noise_floor:.4f} (the noise floor). The model {way}."
    )


def _score_row(score: MainScore, colour: int) -> MarkRow:
    """The score of a model with its interval, the simplest predictor's and the noise floor."""
    marks = [RowMark((score.simplest, math.nan, math.nan), 1, "hollow")]
    if not math.isnan(score.noise_floor):
        marks.append(RowMark((score.noise_floor, math.nan, math.nan), 0, "line"))
    marks.append(RowMark((score.score, score.low, score.high), colour))
    return MarkRow(score.model, marks, f"{score.score:.4f}")


def _article(word: str) -> str:
    """The article of a label; RMSE is spoken letter by letter."""
    return "an" if word[0] in "aeiouAEFHILMNORSX" else "a"
