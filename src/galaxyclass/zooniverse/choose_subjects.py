"""Which galaxies of a table become subjects, in which order, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.data.catalog.roles import example_of, require_column, vote_layout
from galaxyclass.data.tables.cells import as_text, can_be_id, kind_of, numbers
from galaxyclass.errors import BundleError, CatalogError
from galaxyclass.model.made_by import ModelGoneError, model_that_made
from galaxyclass.model.uncertainty import table_uncertainty
from galaxyclass.short import counted, verb
from galaxyclass.tasks.task import Task
from galaxyclass.tasks.votes.task import VoteTask
from galaxyclass.trees.read import TREES, as_tree, load_tree
from galaxyclass.trees.tree import Tree

#: The column of reasons in a table that `galaxyclass.select` wrote.
_REASON = "reason"


@dataclass(frozen=True)
class ChosenSubjects:
    """Galaxies in the order of their choice.

    ``reasons`` is why each was chosen, ``rows`` its row of the table (empty without a table), and
    ``notes`` what was left out.
    """

    paths: list[str]
    ids: list[str]
    reasons: list[str]
    rows: list[int]
    notes: tuple[str, ...]


def choose_subjects(
    table: Any,
    source: str,
    path_of: dict[str, str],
    *,
    by: str | None,
    lowest: bool,
    tree: Tree | str | Path | None,
    id_column: str | None,
    made_by: Mapping[str, Any],
) -> ChosenSubjects:
    """The galaxies of a table in the order of their choice; see `export_subjects`.

    Parameters
    ----------
    table : pyarrow.Table
    source : str
        The table's file, for messages.
    path_of : dict
        Id -> image.
    by, lowest, tree, id_column
        As for `export_subjects`.
    made_by : mapping
        The provenance of the table, as far as it is known.

    Raises
    ------
    CatalogError
        No column names the images, or there is nothing to choose by.
    """
    column = _id_column(table, source, path_of, id_column)
    names = as_text(table[column]).to_pylist()
    scores, words_of = _scores(table, source, by, tree, made_by)
    order = list(range(len(names)))
    if scores is not None:
        known = [row for row in order if np.isfinite(scores[row])]
        order = sorted(known, key=lambda row: scores[row] if lowest else -scores[row])
    seen: set[str] = set()
    rows = []
    for row in order:
        if names[row] in path_of and names[row] not in seen:
            seen.add(names[row])
            rows.append(row)
    notes = []
    if missing := len({name for name in names if name not in path_of}):
        notes.append(f"{counted(missing, 'galaxy')} of the table {verb(missing, 'has')} no image.")
    if without := len(names) - len(order):
        notes.append(f"{counted(without, 'galaxy')} {verb(without, 'has')} no {_measure(by)}.")
    if repeated := len([row for row in order if names[row] in path_of]) - len(rows):
        notes.append(f"{counted(repeated, 'row')} {verb(repeated, 'repeats')} a galaxy.")
    if others := len(path_of) - len(seen):
        notes.append(
            f"{counted(others, 'image')} {verb(others, 'is')} not in the table, or not chosen by "
            "it."
        )
    # A table that `galaxyclass.select` wrote has the reason of its own choice.
    stated = table[_REASON] if scores is None and _REASON in table.column_names else None
    reasons = [
        ("" if stated is None else str(stated[row].as_py() or ""))
        if scores is None
        else f"{words_of(scores[row])} ({rank} of {len(rows)})"
        for rank, row in enumerate(rows, 1)
    ]
    return ChosenSubjects(
        [path_of[names[row]] for row in rows],
        [names[row] for row in rows],
        reasons,
        rows,
        tuple(notes),
    )


def _id_column(table: Any, source: str, path_of: dict[str, str], chosen: str | None) -> str:
    if chosen is not None:
        require_column(table, chosen, source, "id_column")
    for name in table.column_names if chosen is None else (chosen,):
        if can_be_id(table[name]) and not path_of.keys().isdisjoint(
            as_text(table[name]).to_pylist()
        ):
            return str(name)
    first = next(iter(path_of))
    raise CatalogError(
        f"{source}: no column matches the names of the images",
        argument="id_column",
        wanted=f"ids such as {first}",
        got="; ".join(f"{name}: {example_of(table[name])}" for name in table.column_names[:4]),
    )


def _task_of(
    table: Any, source: str, tree: Tree | str | Path | None, made_by: Mapping[str, Any]
) -> Task:
    """What was predicted: as the model says that made the table, or by the columns of a tree."""
    if tree is None and "sources" in made_by:
        try:
            return model_that_made(made_by, source, beside=Path(source).parent).task
        except ModelGoneError:
            pass  # the columns may say what was predicted
        except BundleError as error:
            raise CatalogError(
                error.what,
                argument="by",
                wanted=error.wanted,
                got=error.got,
                hint="predict again with the model that is there; or name the tree by `tree`",
            ) from error
    trees = [load_tree(name) for name in TREES] if tree is None else [as_tree(tree)]
    matches = vote_layout(table.column_names, trees)
    if matches is None:
        raise CatalogError(
            f"{source}: no predicted fractions of a known tree",
            argument="by",
            wanted="the columns of a question's answers, or the model that made the predictions",
            hint="name the tree by `tree`, or a column by `by`; of classes and numbers, "
            "`galaxyclass.select` chooses, and its file is exported as it is, without `by`",
        )
    known, layout = matches
    answers = len(known.answers)
    return VoteTask(known, layout, (True,) * answers, (math.nan,) * answers)


def _measure(by: str | None) -> str:
    """What galaxies are chosen by: for a column, its name."""
    return {"uncertain": "uncertainty", "strange": "strangeness"}.get(by or "", by or "reason")


def _scores(
    table: Any,
    source: str,
    by: str | None,
    tree: Tree | str | Path | None,
    made_by: Mapping[str, Any],
) -> tuple[NDArray[np.float64] | None, Callable[[float], str]]:
    """The number that galaxies are chosen by, and such a number in words."""
    if by is None:
        return None, str
    if by == "uncertain":
        task = _task_of(table, source, tree, made_by)
        return table_uncertainty(table, task, source, partial=True), task.uncertainty_words
    column = _measure(by)
    require_column(table, column, source, "by")
    if kind_of(table[column]) not in ("integer", "number"):
        raise CatalogError(
            f"{source}: column {column!r} holds no numbers",
            argument="by",
            got=example_of(table[column]),
        )
    return numbers(table[column])[0], lambda value: f"{column} {value:.4g}"
