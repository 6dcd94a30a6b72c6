"""A galaxy's row of a table as it is shown: questions, answers, intervals, the flag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from galaxyclass.tasks.task import Task

#: A question that fewer people are asked is folded away.
RARELY_ASKED = 0.05


@dataclass(frozen=True)
class AnswerView:
    """An answer: its value and, where it is calibrated, its interval."""

    name: str
    value: float | None
    lower: float | None = None
    upper: float | None = None
    is_first: bool = False


@dataclass(frozen=True)
class QuestionView:
    """A question, the share of people who are asked it, and its answers."""

    title: str
    asked: float
    answers: tuple[AnswerView, ...]

    @property
    def is_rare(self) -> bool:
        """Whether few people are asked."""
        return self.asked < RARELY_ASKED


@dataclass(frozen=True)
class GalaxyView:
    """What is predicted for a galaxy.

    Attributes
    ----------
    headline : tuple of str
        The likeliest answers, from the first question on.
    columns : tuple of str
        Their columns.
    questions : tuple of QuestionView
    has_bars : bool
        Whether values are fractions, which a bar can show.
    has_intervals : bool
    value_words : str
        What a value is.
    strangeness : float or None
    is_strange : bool
        Whether the prediction is not to be trusted.
    others : tuple of (str, str)
        Further columns and their cells.
    """

    headline: tuple[str, ...]
    columns: tuple[str, ...]
    questions: tuple[QuestionView, ...]
    has_bars: bool
    has_intervals: bool
    value_words: str
    strangeness: float | None
    is_strange: bool
    others: tuple[tuple[str, str], ...]


def names_to_show(task: Task, id_column: str, names: Sequence[str]) -> tuple[str, ...]:
    """The columns that a list of galaxies needs: the outputs and the flag, as far as there are."""
    outputs, label = task.columns(id_column)
    wanted = [id_column, *outputs, *([label] if label else []), "strangeness", "strange"]
    return tuple(name for name in dict.fromkeys(wanted) if name in names)


def view_of(task: Task, id_column: str, row: Mapping[str, Any]) -> GalaxyView:
    """A row of a table of predictions as it is shown.

    Parameters
    ----------
    task : Task
    id_column : str
    row : mapping
        From columns to cells. Where it lacks columns of the task, all are listed as they are.
    """
    outputs, label = task.columns(id_column)
    used = {id_column, "strangeness", "strange", *([label] if label else [])}
    questions: tuple[QuestionView, ...] = ()
    headline: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    if set(outputs) <= set(row):
        questions, headline, columns = _questions(task, outputs, row)
        used |= {*outputs, *(f"{name}_{end}" for name in outputs for end in ("lower", "upper"))}
    others = tuple(
        (name, shown_cell(cell))
        for name, cell in row.items()
        if name not in used and not name.startswith("embedding_")
    )
    answers = [answer for question in questions for answer in question.answers]
    return GalaxyView(
        headline=headline,
        columns=columns,
        questions=questions,
        has_bars=task.bounds == (0.0, 1.0),
        has_intervals=any(answer.lower is not None for answer in answers),
        value_words=task.value_words,
        strangeness=_number(row.get("strangeness")),
        is_strange=str(row.get("strange")).lower() == "true",
        others=others,
    )


def _questions(
    task: Task, outputs: Sequence[str], row: Mapping[str, Any]
) -> tuple[tuple[QuestionView, ...], tuple[str, ...], tuple[str, ...]]:
    values = np.array([_or_nan(row[name]) for name in outputs])
    joint = np.nan_to_num(task.from_shown(values[None])[0])
    tree = task.decision_tree
    shown: list[QuestionView] = []
    headline: list[str] = []
    columns: list[str] = []
    chosen: set[int] = set()
    order = range(len(task.groups)) if tree is None else tree.order
    for index in order:
        title, where, names = task.groups[index]
        parents = np.zeros(len(joint), bool) if tree is None else tree.parents[index]
        asked = float(joint[parents].sum()) if parents.any() else 1.0
        best = int(np.argmax(joint[where])) if len(names) else 0
        if not parents.any() or chosen & set(np.flatnonzero(parents).tolist()):
            chosen.add((where.start or 0) + best)
            headline.append(names[best])
            columns.append(outputs[where][best])
        answers = tuple(
            AnswerView(
                name,
                _number(row[column]),
                _number(row.get(f"{column}_lower")),
                _number(row.get(f"{column}_upper")),
                place == best,
            )
            for place, (name, column) in enumerate(zip(names, outputs[where], strict=True))
        )
        text = title if tree is None else tree.questions[index].text
        shown.append(QuestionView(text, min(asked, 1.0), answers))
    return tuple(shown), tuple(headline), tuple(columns)


def shown_cell(cell: Any) -> str:
    """A cell of a table as text.

    Examples
    --------
    >>> shown_cell(0.123456), shown_cell(None), shown_cell("M 51")
    ('0.1235', '', 'M 51')
    """
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _number(cell: Any) -> float | None:
    value = _or_nan(cell)
    return None if np.isnan(value) else value


def _or_nan(cell: Any) -> float:
    try:
        return float("nan") if cell is None else float(cell)
    except (TypeError, ValueError):
        return float("nan")
