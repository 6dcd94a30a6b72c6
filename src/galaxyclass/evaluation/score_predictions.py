"""`score_predictions`: score a table of predictions against a table of votes or classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.data.catalog.classes import class_names
from galaxyclass.data.catalog.roles import vote_layout
from galaxyclass.data.catalog.votes import read_votes
from galaxyclass.data.tables.cells import kind_of, whole_numbers
from galaxyclass.errors import CatalogError, ScoreError
from galaxyclass.evaluation.join import Joined, join_tables
from galaxyclass.evaluation.read_predictions import read_outputs
from galaxyclass.short import counted, first_few, summary, verb
from galaxyclass.tasks.scores.bootstrap import RESAMPLES
from galaxyclass.tasks.scores.classes import ClassScores, score_classes
from galaxyclass.tasks.scores.votes import VoteScores, score_votes
from galaxyclass.tasks.votes.task import leave_out
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.read import TREES, as_tree, load_tree
from galaxyclass.trees.tree import Layout, Tree

#: Where most galaxies have a prediction beyond this, they are no fractions. Of a network that is
#: not held to 0 to 1, single ones may be.
_LARGEST = 2.0


@dataclass(frozen=True, eq=False)
class TableScores:
    """The scores of predictions against a table.

    Attributes
    ----------
    scores : VoteScores or ClassScores
    names : tuple of str
        The names of what is scored: the table's columns of all answers, in the tree's order, or
        the classes.
    matched, only_predicted, only_in_table : int
        Galaxies in both tables, and in one of them alone.
    notes : tuple of str
        What was left out of the scores, and why.
    """

    scores: VoteScores | ClassScores
    names: tuple[str, ...]
    matched: int
    only_predicted: int
    only_in_table: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return summary(
            f"TableScores: {self.scores.words}; {counted(self.matched, 'galaxy')} in both files, "
            f"{self.only_predicted:,} only predicted, {self.only_in_table:,} only in the table"
        )


@public
def score_predictions(
    predictions: Any,
    table: Any,
    *,
    id_column: str | None = None,
    target_column: str | None = None,
    tree: Tree | str | Path | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> TableScores:
    r"""Score predictions against a table of true votes or classes.

    Rows belong together when their ids are the same text, digit by digit. Vote fractions are
    compared as joint fractions, whatever kind each of the two tables has; a cell that is empty in
    the table is unknown and does not count.

    Parameters
    ----------
    predictions, table : str, Path or a table in memory
        CSV or parquet; a pandas, polars, astropy or pyarrow table, or a mapping of columns.
    id_column : str, optional
        The id column of both tables, or of the table that has it. Otherwise the first column of the
        predictions (or, where the table has none of its name, the first that both have and that
        holds no value twice), and in the table the one of that name, or else the one that matches
        best.
    target_column : str, optional
        The class column of both tables; otherwise vote columns are scored, or else the text or
        integer column that both have.
    tree : Tree, str or Path, optional
        The tree of the vote columns (`load_tree`); otherwise any that the package ships.
    resamples, seed : int
        Of the bootstrap by galaxy.

    Returns
    -------
    TableScores

    Raises
    ------
    CatalogError
        A table cannot be read; an id stands twice; a cell is not a number.
    ScoreError
        No id is in joined (the message has ids of both), or they have nothing in common that
        could be scored.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "truth.csv").write_text("id,class\n1,disc\n2,star\n3,star\n")
    >>> _ = (folder / "predicted.csv").write_text("id,class\n2,star\n1,star\n")
    >>> result = score_predictions(folder / "predicted.csv", folder / "truth.csv")
    >>> result.scores.accuracy.value, result.matched, result.only_in_table
    (0.5, 2, 1)
    """
    joined = join_tables(predictions, table, id_column)
    trees = [as_tree(tree)] if tree else [load_tree(name) for name in TREES]
    true = vote_layout(joined.table.column_names, trees)
    predicted = vote_layout(joined.predictions.column_names, trees)
    notes: tuple[str, ...]
    scores: VoteScores | ClassScores
    if target_column is None and true and predicted and true[0].key == predicted[0].key:
        scores, notes = _score_votes(joined, true[0], (true[1], predicted[1]), resamples, seed)
        names = true[1].columns
    else:
        scores, names, notes = _score_classes(joined, target_column, resamples, seed)
    matched = len(joined.table_rows)
    return TableScores(
        scores=scores,
        names=names,
        matched=matched,
        only_predicted=joined.predictions.num_rows - matched,
        only_in_table=joined.table.num_rows - matched,
        notes=notes,
    )


def _score_votes(
    joined: Joined, tree: Tree, layouts: tuple[Layout, Layout], resamples: int, seed: int
) -> tuple[VoteScores, tuple[str, ...]]:
    layout, predicted_layout = layouts
    votes = read_votes(joined.table.take(joined.table_rows), tree, layout)
    if votes.not_numbers or votes.out_of_range:
        raise CatalogError(
            f"{joined.table_file}: some vote fractions are not numbers from 0 to 1",
            argument="table",
            hint="`galaxyclass.validate` lists them",
        )
    target = votes.joint
    predicted = read_outputs(
        joined.predictions.take(joined.predictions_rows),
        predicted_layout.columns,
        joined.predictions_file,
    )
    highest = np.abs(np.nan_to_num(predicted)).max(axis=1)
    if np.mean(highest > _LARGEST) > 0.5:
        raise CatalogError(
            f"{joined.predictions_file}: the predictions are not vote fractions",
            argument="predictions",
            wanted="numbers from 0 to 1",
            got=f"{highest.max():.6g}",
            hint="divide percentages by 100",
        )
    if predicted_layout.kind != "joint":
        predicted = np.asarray(joint_from_conditional(tree, predicted), dtype=np.float64)
    unpredicted: NDArray[np.bool_] = np.asarray(np.isnan(predicted).all(axis=0))
    target, notes = leave_out(target, ~unpredicted, layout.columns)
    missing = np.isnan(predicted) & ~np.isnan(target)
    if missing.any():
        notes += (
            "Empty predictions, in columns that are predicted of others: "
            f"{counted(int(missing.any(axis=1).sum()), 'galaxy')}. The scores of these columns are "
            "NaN.",
        )
    return score_votes(tree, predicted, target, resamples=resamples, seed=seed), notes


def _score_classes(
    joined: Joined, column: str | None, resamples: int, seed: int
) -> tuple[ClassScores, tuple[str, ...], tuple[str, ...]]:
    column = column or _class_column(joined)
    for table, file in (
        (joined.predictions, joined.predictions_file),
        (joined.table, joined.table_file),
    ):
        if column not in table.column_names:
            raise ScoreError(
                f"{file}: no column {column!r}",
                argument="target_column",
                wanted=f"one of {', '.join(table.column_names)}",
            )
    predicted = class_names(joined.predictions[column]).take(joined.predictions_rows).to_pylist()
    true = class_names(joined.table[column]).take(joined.table_rows).to_pylist()
    names = tuple(
        sorted({name for name in (*predicted, *true) if name is not None}, key=_as_number)
    )
    _require_shared_names(joined, column, set(predicted) - {None}, set(true) - {None})
    index = {name: number for number, name in enumerate(names)}
    pairs = [
        (index[predicted_class], index[true_class])
        for predicted_class, true_class in zip(predicted, true, strict=True)
        if predicted_class is not None and true_class is not None
    ]
    notes: tuple[str, ...] = ()
    if lost := len(true) - len(pairs):
        notes = (
            f"{counted(lost, 'galaxy')} without a class in one of the tables {verb(lost, 'is')} "
            "not scored.",
        )
    known = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    scores = score_classes(known[:, 0], known[:, 1], len(names), resamples=resamples, seed=seed)
    return scores, names, notes


def _require_shared_names(joined: Joined, column: str, predicted: set[str], true: set[str]) -> None:
    """Refuse tables that name their classes differently: not one galaxy could be right.

    Raises
    ------
    ScoreError
    """
    if len(predicted) > 1 and len(true) > 1 and not predicted & true:
        raise ScoreError(
            f"{joined.predictions_file} and {joined.table_file} have no class in common in the "
            f"column {column!r}",
            argument="target_column",
            wanted="the same names of classes in both",
            got=f"{first_few(sorted(predicted))} are predicted; "
            f"{first_few(sorted(true))} are in the table",
            hint="name the classes of one table as the other does",
        )


def _class_column(joined: Joined) -> str:
    """The text or integer column that both tables have, beside the ids."""
    shared: list[str] = [
        name
        for name in joined.predictions.column_names
        if name not in joined.id_columns
        and name in joined.table.column_names
        and kind_of(joined.predictions[name]) in ("text", "integer")
        and kind_of(whole_numbers(joined.table[name])) in ("text", "integer")
    ]
    if len(shared) == 1:
        return shared[0]
    raise ScoreError(
        f"{joined.predictions_file} and {joined.table_file}: "
        + ("several columns could be the class" if shared else "nothing that could be scored"),
        wanted="the vote columns of one tree in both, or one class column of the same name",
        got=f"in both: {', '.join(shared)}"
        if shared
        else f"predictions with {', '.join(joined.predictions.column_names[:5])}; "
        f"a table with {', '.join(joined.table.column_names[:5])}",
        hint="name the class column" if shared else None,
    )


def _as_number(name: str) -> tuple[int, int | str]:
    digits = name.removeprefix("-")
    return (0, int(name)) if digits.isascii() and digits.isdecimal() else (1, name)
