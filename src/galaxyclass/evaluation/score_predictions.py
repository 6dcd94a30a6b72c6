"""Scoring predictions, whoever made them, against a table of votes or classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arguments import public
from galaxyclass.data.catalog.classes import class_names
from galaxyclass.data.catalog.roles import vote_layout
from galaxyclass.data.catalog.votes import read_votes
from galaxyclass.data.tables.cells import kind_of
from galaxyclass.errors import CatalogError, ScoreError
from galaxyclass.evaluation.join import Joined, join_tables
from galaxyclass.evaluation.read_predictions import read_outputs
from galaxyclass.short import summary
from galaxyclass.tasks.scores.bootstrap import RESAMPLES
from galaxyclass.tasks.scores.classes import ClassScores, score_classes
from galaxyclass.tasks.scores.votes import VoteScores, score_votes
from galaxyclass.tasks.votes.task import leave_out
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.read import TREES, load_tree
from galaxyclass.trees.tree import Layout, Tree


@dataclass(frozen=True)
class TableScores:
    """The scores of predictions against a table.

    Attributes
    ----------
    scores : VoteScores or ClassScores
    names : tuple of str
        What the scores are of: the table's columns of all answers in the tree's order, or the
        classes.
    matched, only_predicted, only_in_table : int
        Galaxies in both, and in one alone.
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
            f"TableScores: {self.scores.words}; {self.matched:,} galaxies in both files, "
            f"{self.only_predicted:,} only predicted, {self.only_in_table:,} only in the table"
        )


@public
def score_predictions(
    predictions: Any,
    table: Any,
    *,
    id_column: str | None = None,
    target_column: str | None = None,
    tree: Tree | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> TableScores:
    r"""Score predictions against a table of what is true.

    Rows belong together when their ids are the same text, digit by digit. Vote fractions are
    compared as joint fractions, whatever kind each of the two tables has; a cell that is empty in
    the table is unknown and does not count.

    Parameters
    ----------
    predictions, table : str, Path or a table in memory
        CSV or parquet; a pandas, polars, astropy or pyarrow table, or a mapping of columns.
    id_column : str, optional
        The id column of both, or of the one that has it. Otherwise the first column of the
        predictions (or, where the table has none of its name, the first that both have and that
        holds no value twice), and in the table the one of that name, or else the one that matches
        best.
    target_column : str, optional
        The class column of both; otherwise vote columns are scored, or else the text or integer
        column that both have.
    tree : Tree, optional
        The tree of the vote columns; otherwise any that the package ships.
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
        No id is in both (the message has ids of both), or they have nothing in common that
        could be scored.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "truth.csv").write_text("id,class\n1,disc\n2,star\n3,star\n")
    >>> _ = (folder / "predicted.csv").write_text("id,class\n2,star\n1,star\n")
    >>> result = score_predictions(folder / "predicted.csv", folder / "truth.csv")
    >>> result.scores.accuracy.value, result.matched, result.only_in_table
    (0.5, 2, 1)
    """
    both = join_tables(predictions, table, id_column)
    trees = [tree] if tree else [load_tree(name) for name in TREES]
    found = vote_layout(both.table.column_names, trees)
    mine = vote_layout(both.predictions.column_names, trees)
    notes: tuple[str, ...]
    scores: VoteScores | ClassScores
    if target_column is None and found and mine and found[0].key == mine[0].key:
        scores, notes = _score_votes(both, found[0], (found[1], mine[1]), resamples, seed)
        names = found[1].columns
    else:
        scores, names, notes = _score_classes(both, target_column, resamples, seed)
    matched = len(both.table_rows)
    return TableScores(
        scores=scores,
        names=names,
        matched=matched,
        only_predicted=both.predictions.num_rows - matched,
        only_in_table=both.table.num_rows - matched,
        notes=notes,
    )


def _score_votes(
    both: Joined, tree: Tree, layouts: tuple[Layout, Layout], resamples: int, seed: int
) -> tuple[VoteScores, tuple[str, ...]]:
    layout, my_layout = layouts
    votes = read_votes(both.table.take(both.table_rows), tree, layout)
    if votes.not_numbers or votes.out_of_range:
        raise CatalogError(
            f"{both.table_file}: some vote fractions are not numbers from 0 to 1",
            hint="`galaxyclass.validate` lists them",
        )
    target = votes.joint
    predicted = read_outputs(
        both.predictions.take(both.predictions_rows), my_layout.columns, both.predictions_file
    )
    if my_layout.kind == "conditional":
        predicted = np.asarray(joint_from_conditional(tree, predicted), dtype=np.float64)
    unpredicted: NDArray[np.bool_] = np.asarray(np.isnan(predicted).all(axis=0))
    target, notes = leave_out(target, ~unpredicted, layout.columns)
    missing = np.isnan(predicted) & ~np.isnan(target)
    if missing.any():
        notes += (
            f"{missing.any(axis=1).sum():,} galaxies have empty predictions in columns that are "
            "predicted otherwise: the scores with them are NaN.",
        )
    return score_votes(tree, predicted, target, resamples=resamples, seed=seed), notes


def _score_classes(
    both: Joined, column: str | None, resamples: int, seed: int
) -> tuple[ClassScores, tuple[str, ...], tuple[str, ...]]:
    column = column or _class_column(both)
    for table, file in (
        (both.predictions, both.predictions_file),
        (both.table, both.table_file),
    ):
        if column not in table.column_names:
            raise ScoreError(
                f"{file}: no column {column!r}", wanted=f"one of {', '.join(table.column_names)}"
            )
    called = class_names(both.predictions[column]).take(both.predictions_rows).to_pylist()
    true = class_names(both.table[column]).take(both.table_rows).to_pylist()
    names = tuple(sorted({name for name in (*called, *true) if name is not None}, key=_as_number))
    index = {name: place for place, name in enumerate(names)}
    pairs = [
        (index[mine], index[truth])
        for mine, truth in zip(called, true, strict=True)
        if mine is not None and truth is not None
    ]
    notes: tuple[str, ...] = ()
    if lost := len(true) - len(pairs):
        notes = (f"{lost:,} galaxies without a class in one of the files do not count.",)
    known = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    scores = score_classes(known[:, 0], known[:, 1], len(names), resamples=resamples, seed=seed)
    return scores, names, notes


def _class_column(both: Joined) -> str:
    """The text or integer column that both tables have, beside the ids."""
    shared: list[str] = [
        name
        for name in both.predictions.column_names
        if name not in both.id_columns
        and name in both.table.column_names
        and {kind_of(both.predictions[name]), kind_of(both.table[name])} <= {"text", "integer"}
    ]
    if len(shared) == 1:
        return shared[0]
    raise ScoreError(
        f"{both.predictions_file} and {both.table_file}: "
        + ("several columns could be the class" if shared else "nothing that could be scored"),
        wanted="the vote columns of one tree in both, or one class column of the same name",
        got=f"in both: {', '.join(shared)}"
        if shared
        else f"predictions with {', '.join(both.predictions.column_names[:5])}; "
        f"a table with {', '.join(both.table.column_names[:5])}",
        hint="name the class column" if shared else None,
    )


def _as_number(name: str) -> tuple[int, int | str]:
    digits = name.removeprefix("-")
    return (0, int(name)) if digits.isascii() and digits.isdecimal() else (1, name)
