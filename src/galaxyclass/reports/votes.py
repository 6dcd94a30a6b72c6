"""The sections of a report on vote fractions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from galaxyclass.arrays import Doubles
from galaxyclass.calibration.coverage import VALUE_EDGES, Coverage
from galaxyclass.calibration.files import parse_calibration
from galaxyclass.plots.panel import AxisScale, ChartPanel, MarkRow, RowMark, rows_of_marks
from galaxyclass.reports.binned import Binned, bin_truth
from galaxyclass.reports.parts import Cell, Figure, ReportSection, ReportSettings, ReportTable
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.short import counted, percent
from galaxyclass.tasks.task import Task
from galaxyclass.trees.tree import Tree

#: Bins of the predicted fraction.
_EDGES = (0.0, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 1.0)
#: Points of a panel, at most.
_POINTS = 200
#: Standard deviations around a mean between which nine of ten normal values lie.
_NINE_OF_TEN = 1.645


@dataclass(frozen=True)
class QuestionScore:
    """The scores of a question: of the model, of the simplest predictor, of a perfect model."""

    code: str
    question: str
    rmse: float
    low: float
    high: float
    simplest: float
    noise_floor: float
    entries: int


def vote_sections(models: Sequence[ScoredModel], settings: ReportSettings) -> list[ReportSection]:
    """Scores by question, predictions against the truth, reliability and intervals."""
    model = models[0]
    tree = model.task.decision_tree
    assert tree is not None, "votes have a tree"
    sections = [by_question(models, tree), against_truth(model, tree, settings.votes)]
    coverage = model.evaluation.coverage
    if coverage is not None:
        sections.append(_coverage(model, tree, coverage))
    return sections


def question_scores(model: ScoredModel, tree: Tree) -> list[QuestionScore]:
    """The scores of each question."""
    scores, reference = model.report.scores, model.report.reference
    floor = model.report.noise["all"]
    return [
        QuestionScore(
            question.code,
            question.words,
            scores.questions[index].value,
            scores.questions[index].low,
            scores.questions[index].high,
            reference.questions[index].value,
            floor.questions[index],
            sum(scores.answer_entries[tree.slices[index]]),
        )
        for index, question in enumerate(tree.questions)
    ]


def by_question(models: Sequence[ScoredModel], tree: Tree) -> ReportSection:
    """The error of each question, beside the simplest predictor and the noise floor."""
    scored = [question_scores(model, tree) for model in models]
    main = scored[0]
    rows = []
    for index, question in enumerate(main):
        if math.isnan(question.rmse):
            continue
        marks = [
            RowMark((question.noise_floor, math.nan, math.nan), 0, "line"),
            RowMark((question.simplest, math.nan, math.nan), 1, "hollow"),
        ]
        for number, of_model in enumerate(scored):
            each = of_model[index]
            marks.append(RowMark((each.rmse, each.low, each.high), model_colour(number)))
        note = (
            f"RMSE {question.rmse:.3f}, mean vector {question.simplest:.3f}, "
            f"noise floor {question.noise_floor:.3f}"
        )
        rows.append(MarkRow(f"{question.code} {question.question}", marks, note))
    highest = max(max(q.high, q.simplest) for q in main if not math.isnan(q.rmse))
    svg = rows_of_marks(
        rows, AxisScale(0.0, highest * 1.05, "RMSE (0 is perfect)"), "Error of each question"
    )
    worst = max((q for q in main if not math.isnan(q.rmse)), key=lambda q: q.rmse - q.noise_floor)
    columns = ("code", "question", "rmse", "low", "high", "simplest", "noise_floor", "entries")
    return ReportSection(
        "questions",
        "Score by question",
        (
            "The dot is the model's error (RMSE: the typical distance between a predicted and a "
            "true vote fraction) with its 95 % interval; farther left is better. The circle is the "
            "error of the mean vector, which predicts the same for every galaxy: a dot near its "
            "circle has learnt little. The line is the noise floor: the error that even a perfect "
            "model has, because each fraction is the opinion of a few dozen volunteers.",
            f"The most is left to learn about question {worst.code} ({worst.question}): its error "
            f"is {worst.rmse:.3f}, and the noise floor {worst.noise_floor:.3f}.",
        ),
        (Figure("Error of each question", svg),),
        (
            *model_legend(models),
            ("ring c1", "mean vector"),
            ("tick", "noise floor"),
        ),
        (
            ReportTable(
                "questions",
                columns,
                tuple(tuple(asdict(question)[name] for name in columns) for question in main),
                "The same as a table",
            ),
        ),
        numbers={
            model.name: list(map(asdict, of)) for model, of in zip(models, scored, strict=True)
        },
    )


def against_truth(model: ScoredModel, tree: Tree, votes: float) -> ReportSection:
    """Predicted against true fractions; ``votes`` of a galaxy, for the band of noise."""
    predictions = np.where(model.task.known_mask, model.predictions, np.nan)
    generator = np.random.default_rng(model.seed)
    rows: list[tuple[Cell, ...]] = []
    figures, numbers = [], {}
    for question, where in zip(tree.questions, tree.slices, strict=True):
        predicted, true = predictions[:, where], np.asarray(model.values[:, where], np.float64)
        binned = bin_truth(predicted, true, _EDGES, seed=model.seed)
        if not sum(binned.entries):
            continue
        title = question.title
        points = _some_points(predicted, true, generator)
        figures.append(Figure(title, _truth_panel(title, points, binned, votes)))
        rows += [(question.code, *cells) for cells in binned.rows(_EDGES)]
        numbers[question.code] = asdict(binned)
    columns = ("question", "from", "to", "mean_predicted", "mean_true", "low", "high", "entries")
    return ReportSection(
        "reliability",
        "Predicted against true fractions",
        (
            "Each point is one answer of one galaxy: how large a share of all volunteers was "
            "predicted to give it, and how large the share in the table is. The thick dots are "
            "means of all points of about the same prediction, with 95 % intervals: where they lie "
            "on the diagonal, a predicted fraction can be taken at its word (the model is "
            "reliable); below it, the model predicts too much.",
            f"Nine of ten points of a perfect model would lie in the grey band, if {votes:g} "
            "volunteers looked at each galaxy: what is outside is the model's doing, or that of "
            "the table's corrections.",
        ),
        tuple(figures),
        (
            ("spot c4", f"an answer of a galaxy (at most {_POINTS}, drawn at random)"),
            ("dot c0", "mean, with its 95 % interval"),
            ("shade", f"noise of {votes:g} votes: nine of ten"),
        ),
        (ReportTable("reliability", columns, tuple(rows), "The means as a table"),),
        numbers=numbers,
    )


def _some_points(
    predicted: Doubles, true: Doubles, generator: np.random.Generator
) -> tuple[Doubles, Doubles]:
    """Some pairs of a prediction and a truth, drawn at random."""
    known = ~np.isnan(predicted) & ~np.isnan(true)
    drawn = generator.permutation(int(known.sum()))[:_POINTS]
    return predicted[known][drawn], true[known][drawn]


def _truth_panel(title: str, points: tuple[Doubles, Doubles], binned: Binned, votes: float) -> str:
    panel = ChartPanel(
        AxisScale(0, 1, "predicted fraction"),
        AxisScale(0, 1, "true fraction"),
        f"Predicted and true fractions of question {title}",
    )
    grid = np.linspace(0, 1, 41)
    away = _NINE_OF_TEN * np.sqrt(grid * (1 - grid) / votes)
    panel.band(grid.tolist(), (grid - away).tolist(), (grid + away).tolist())
    panel.line((0, 1), (0, 1), dashed=False)
    panel.dots(points[0].tolist(), points[1].tolist(), 4)
    notes = [
        f"predicted {x:.3f}, true {y:.3f}, {counted(count, 'entry')}"
        for x, y, count in zip(binned.predicted, binned.true, binned.entries, strict=True)
    ]
    panel.marks(binned.predicted, binned.intervals, 0, notes)
    return panel.svg()


def _coverage(model: ScoredModel, tree: Tree, coverage: Coverage) -> ReportSection:
    level = interval_level(model)
    nan = math.nan
    by_question = [
        MarkRow(
            question.title,
            [RowMark((share, nan, nan), 0)],
            percent(share, 1),
        )
        for question, share in zip(tree.questions, coverage.questions, strict=True)
        if not math.isnan(share)
    ]
    by_value = [
        MarkRow(f"{low:g} to {high:g}", [RowMark((share, nan, nan), 0)], percent(share, 1))
        for (low, high), share in zip(pairwise(VALUE_EDGES), coverage.by_value, strict=True)
        if not math.isnan(share)
    ]
    for row in (*by_question, *by_value):
        row.marks[:0] = [RowMark((level, nan, nan), 0, "line")]  # type: ignore[index]
    shares = [row.marks[-1].interval[0] for row in (*by_question, *by_value)]
    axis = AxisScale(math.floor(10 * min(*shares, level) - 0.2) / 10, 1.0, "share held")
    rows = [
        *(("question", f"{q.code} {q.key}", s)
          for q, s in zip(tree.questions, coverage.questions, strict=True)),
        *(("predicted", f"{low:g} to {high:g}", s)
          for (low, high), s in zip(pairwise(VALUE_EDGES), coverage.by_value, strict=True)),
        ("galaxies", "the fifth with the most uncertain predictions", coverage.uncertain_fifth),
        ("all", "", coverage.overall),
    ]  # fmt: skip
    return ReportSection(
        "intervals",
        "Are the intervals wide enough?",
        (
            f"With a prediction the model gives an interval that is meant to hold the true "
            f"fraction in {percent(level)} of all cases (the line). Here it held "
            f"{percent(coverage.overall, 1)} of them, and {percent(coverage.uncertain_fifth, 1)} "
            f"for the fifth of the galaxies that the model is least sure of; the mean width is "
            f"{coverage.width:.3f}. A dot left of the "
            "line: intervals there are too narrow, so the model is too sure of itself; right of "
            "it: wider than needed.",
        ),
        (
            Figure("By question", rows_of_marks(by_question, axis, "Coverage of each question")),
            Figure(
                "By predicted fraction",
                rows_of_marks(by_value, axis, "Coverage by predicted fraction"),
            ),
        ),
        (("dot c0", "share of true fractions inside their interval"), ("tick", "promised share")),
        (
            ReportTable(
                "intervals", ("of", "which", "coverage"), tuple(rows), "The same as a table"
            ),
        ),
        numbers={**asdict(coverage), "level": level},
    )


def interval_level(model: ScoredModel) -> float:
    """The share of true fractions that the intervals are meant to hold."""
    bundle = model.model.bundles[0]
    calibration = parse_calibration(bundle.read_calibration(), str(bundle.calibration))
    return calibration.require_intervals().level


def vote_caption(task: Task, predicted: Doubles, true: Doubles | None) -> str:
    """The leading answers of a galaxy along the tree, a line each; (answers,) joint fractions."""
    tree = task.decision_tree
    assert tree is not None, "votes have a tree"
    lines = []
    for index in leading_path(tree, np.where(task.known_mask, predicted, np.nan)):
        answer = tree.answers[index]
        truth = "" if true is None or np.isnan(true[index]) else f" (true {true[index]:.2f})"
        lines.append(f"{answer.name} {predicted[index]:.2f}{truth}")
    return "\n".join(lines)


def vote_error_caption(task: Task, predicted: Doubles, true: Doubles) -> str:
    """The two largest errors among the (answers,) of a galaxy, a line each."""
    tree = task.decision_tree
    assert tree is not None, "votes have a tree"
    errors = np.nan_to_num(np.abs(np.where(task.known_mask, predicted, np.nan) - true), nan=-1.0)
    order = np.argsort(-errors, kind="stable")[:2].tolist()
    return "\n".join(
        f"{tree.answers[index].name} {predicted[index]:.2f} (true {true[index]:.2f})"
        for index in order
        if errors[index] >= 0
    )


def telling_answer(task: Task, predicted: Doubles) -> int:
    """The last answer on the way of most volunteers that half of all are predicted to give.

    Where there is none, the likeliest answer to the first question.
    """
    tree = task.decision_tree
    assert tree is not None, "votes have a tree"
    known = np.where(task.known_mask, predicted, np.nan)
    path = leading_path(tree, known, most=6)
    return next((index for index in reversed(path) if known[index] >= 0.5), path[0])


def leading_path(tree: Tree, predicted: Doubles, most: int = 3) -> list[int]:
    """The answers that most volunteers would give, from the first question on.

    Parameters
    ----------
    tree : Tree
    predicted : (answers,) float64
        NaN unknown.
    most : int
        How many answers.

    Examples
    --------
    >>> from galaxyclass.trees.read import load_tree
    >>> tree, votes = load_tree("galaxy_zoo_2"), np.zeros(37)
    >>> votes[tree.codes.index("1.1")], votes[tree.codes.index("7.2")] = 0.9, 0.6
    >>> [tree.answers[index].name for index in leading_path(tree, votes)]
    ['smooth', 'in between']
    """
    path: list[int] = []
    question = 0
    while len(path) < most:
        where = tree.slices[question]
        if np.isnan(predicted[where]).all():
            break
        path.append(where.start + int(np.nanargmax(predicted[where])))
        leads_to = np.flatnonzero(tree.parents[:, path[-1]])
        # Of several questions, the one that is asked of the fewest others: the next of its branch.
        following = [each for each in leads_to.tolist() if each > question]
        if not following:
            break
        question = min(following, key=lambda each: int(tree.parents[each].sum()))
    return path


def model_legend(models: Sequence[ScoredModel]) -> list[tuple[str, str]]:
    """The colour of each model."""
    return [(f"dot c{model_colour(number)}", model.name) for number, model in enumerate(models)]


def model_colour(number: int) -> int:
    """The colour of a model, the first of which has number 0; 1 is the simplest predictor's."""
    return (0, 2, 3, 5)[number % 4]
