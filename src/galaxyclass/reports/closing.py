"""The last sections of a report: learning curves, training data, limits, words to cite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxyclass.data.tables.tables import read_table
from galaxyclass.errors import GalaxyclassError
from galaxyclass.evaluation.evaluation import PART_WORDS
from galaxyclass.io.run_folder import HISTORY, run_file
from galaxyclass.model.model import Model
from galaxyclass.model.pretrained import is_pretrained
from galaxyclass.plots.panel import AxisScale, ChartPanel, round_numbers
from galaxyclass.reports.parts import Figure, ReportSection, ReportTable
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.tasks.task import Task
from galaxyclass.version import __version__

#: Headings of a model card under which its limits stand.
_LIMITS = re.compile(
    r"^#+ .*(fail|limit|not be used|out of scope).*$", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True)
class LearningCurve:
    """The main score over the epochs of a training."""

    run: str
    epochs: tuple[float, ...]
    training: tuple[float, ...]
    validation: tuple[float, ...]


def learning_section(models: Sequence[ScoredModel]) -> ReportSection | None:
    """The learning curve of each run among the models; None where there is none."""
    metric = models[0].task.metric
    curves = [
        curve
        for model in models
        for source in model.model.sources
        if (curve := learning_curve(source, metric.key)) is not None
    ]
    if not curves:
        return None
    figures = []
    for curve in curves:
        values = [*curve.training, *curve.validation]
        room = 0.1 * (max(values) - min(values) or 1.0)
        last = curve.epochs[-1]
        panel = ChartPanel(
            AxisScale(min(1.0, curve.epochs[0]), max(last, 2.0), "epoch",
                  tuple(n for n in round_numbers(1, max(last, 2.0)) if n == int(n))),
            AxisScale(max(0.0, min(values) - room), max(values) + room, metric.label),
            f"Learning curve of {curve.run}",
        )  # fmt: skip
        panel.line(curve.epochs, curve.training, 0, dashed=True)
        panel.line(curve.epochs, curve.validation, 1, dashed=False)
        if len(curve.epochs) < 3:
            panel.marks(curve.epochs, [(v, v, v) for v in curve.training], 0)
            panel.marks(curve.epochs, [(v, v, v) for v in curve.validation], 1)
        figures.append(Figure(curve.run, panel.svg()))
    side = "falls" if metric.lower_is_better else "rises"
    return ReportSection(
        "learning",
        "How it learnt",
        (
            f"The {metric.label} over the epochs of the training (an epoch is one pass over all "
            f"training galaxies). While the validation curve {side}, the model learns something "
            "that holds for other galaxies too; where it turns while the training curve goes on, "
            "the model learns the training galaxies by heart.",
        ),
        tuple(figures),
        (("bar c1", "validation galaxies"), ("dash c0", "training galaxies (augmented)")),
        (
            ReportTable(
                "learning_curves",
                ("run", "epoch", f"train_{metric.key}", f"validation_{metric.key}"),
                tuple(
                    (curve.run, *row)
                    for curve in curves
                    for row in zip(curve.epochs, curve.training, curve.validation, strict=True)
                ),
                "The same as a table",
            ),
        ),
    )


def learning_curve(run: Path, key: str) -> LearningCurve | None:
    """The learning curve of a run; None of a model without one."""
    file = None if is_pretrained(run) else run_file(run, HISTORY)
    if file is None:
        return None
    try:
        table = read_table(file)
    except GalaxyclassError:  # a run that has only begun
        return None
    names = ("epoch", f"train_{key}", f"validation_{key}")
    if not table.num_rows or not set(names) <= set(table.column_names):
        return None
    epochs, training, validation = (
        tuple(np.asarray(table[name].to_pylist(), dtype=float).tolist()) for name in names
    )
    return LearningCurve(run.name, epochs, training, validation)


def training_section(model: ScoredModel, notes: Sequence[str]) -> ReportSection:
    """What the galaxies of the report and those of the training have in common."""
    counts = model.evaluation.galaxies_by_part
    rows = tuple((name, count, PART_WORDS[name]) for name, count in counts.items())
    known = "unknown" not in counts
    first = (
        "A score says something about other galaxies only where the model was not trained on "
        "those that it is scored on. They are recognised by their id, and by their picture under "
        "another id."
    )
    trained = counts.get("train", 0)
    if not known:
        second = (
            "This model does not say which galaxies it was trained on. If any of these are among "
            "them, the scores on this page are too good: check it with the model's card."
        )
    elif trained:
        second = (
            f"{trained:,} of the galaxies on this page were trained on: its scores are too good."
        )
    else:
        second = "None of the galaxies on this page was trained on."
    return ReportSection(
        "training",
        "Was it trained on these galaxies?",
        (first, second),
        tables=(
            ReportTable(
                "parts",
                ("part", "galaxies", "meaning"),
                rows,
                "Galaxies by their part in the training",
                folded=False,
            ),
        ),
        points=tuple(notes),
        numbers={"galaxies_by_part": dict(counts), "notes": list(notes)},
    )


def limits_section(model: Model) -> ReportSection:
    """What the model must not be used for: from its card, and from what it is."""
    cutout = model.bundles[0].manifest.preprocessing
    task = model.task
    points = list(card_limits(model.card))
    points.append(
        "Pictures unlike those of its training (another telescope, filter, scale, stretch or "
        "redshift): it gives numbers for any picture, and they look plausible. Its scores hold "
        "for pictures like those on this page."
    )
    if task.class_names:
        points.append(
            "Objects of none of its classes: each gets one of them all the same. Counting classes "
            "in a sample without correcting for its mistakes."
        )
    else:
        points.append(
            "Statements about one galaxy that rest on one number: see how large the errors are."
        )
    known = task.known_mask
    if not known.all():
        names = [name for name, is_known in zip(task.names, known, strict=True) if not is_known]
        points.append(f"{', '.join(names[:10])}: it never learnt them, and leaves them empty.")
    return ReportSection(
        "limits",
        "What it must not be used for",
        (
            f"The model sees {cutout.size} × {cutout.size} pixels of each galaxy, and nothing "
            "else. Do not use it for:",
        ),
        points=tuple(points),
    )


def card_limits(card: str) -> list[str]:
    r"""The points below the heading of a model card that names its limits.

    Examples
    --------
    >>> card_limits("## Where it fails\n\n- Blurred\n  pictures.\n- Stars.\n\n## More\n\n- x")
    ['Blurred pictures.', 'Stars.']
    """
    heading = _LIMITS.search(card)
    if heading is None:
        return []
    body = re.split(r"^#", card[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    points = re.split(r"^[-*] ", body, flags=re.MULTILINE)[1:]
    return [" ".join(point.split()).replace("`", "") for point in points]


def citing_section(model: Model) -> ReportSection:
    """The words to cite."""
    sentence = (
        f"Predictions were made with galaxyclass {__version__}, model {model.name} (digest "
        f"{model.digest[:16]}), and evaluated with its report."
    )
    points = [
        sentence,
        *(f"Votes and decision tree: {source}." for source in tree_sources(model.task)),
    ]
    points.append(
        "The pictures and labels of this page belong to the surveys and projects that made them: "
        "credit them too, and the volunteers."
    )
    return ReportSection("citing", "Words to cite", points=tuple(points))


def tree_sources(task: Task) -> list[str]:
    """The publications of the tree that a task's answers or classes come from."""
    tree = task.decision_tree
    return [] if tree is None else [f"{tree.title} ({tree.reference})"]
