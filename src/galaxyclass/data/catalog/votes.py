"""From the vote columns of a table to joint fractions on the tree (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import is_text, numbers
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.tree import Layout, Tree

#: A fraction may leave 0 to 1 by this much: the rounding of sums and of single precision.
ROUNDING = 1e-6

#: Rows that are turned into numbers at a time: as doubles they take twice what is kept of them.
ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class WrongCell:
    """Cells of one answer that are no fractions: (cells,) int64 rows, and the cells themselves."""

    answer: int
    rows: NDArray[np.int64]
    cells: Any


@dataclass(frozen=True)
class Votes:
    """Vote fractions as read, and the cells that were no fractions.

    Attributes
    ----------
    tree, layout
        What the columns mean.
    joint : (rows, answers) float32, 0..1
        NaN: unknown, not a number, or out of range.
    present : (answers,) bool
        The table has a column for the answer.
    not_numbers, out_of_range : list of WrongCell
        Answer by answer.
    unasked : (rows, questions) bool
        All answers were 0 though some volunteers were led to the question, or may have been.
    """

    tree: Tree
    layout: Layout
    joint: NDArray[np.float32]
    present: NDArray[np.bool_]
    not_numbers: list[WrongCell]
    out_of_range: list[WrongCell]
    unasked: NDArray[np.bool_]

    def take(self, rows: NDArray[np.int64]) -> Votes:
        """Some of the rows, which are in order."""
        return replace(
            self,
            joint=self.joint[rows],
            not_numbers=_taken(self.not_numbers, rows),
            out_of_range=_taken(self.out_of_range, rows),
            unasked=self.unasked[rows],
        )


def _taken(wrong: list[WrongCell], rows: NDArray[np.int64]) -> list[WrongCell]:
    some = []
    for one in wrong:
        kept = np.flatnonzero(np.isin(one.rows, rows))
        if len(kept):
            at = np.searchsorted(rows, one.rows[kept])
            some.append(WrongCell(one.answer, at, one.cells.take(kept)))
    return some


class VoteReader:
    """Reads the votes of a table that comes in pieces; their text is never there as a whole.

    Tables write 0 for every answer of a question that nobody answered. Where volunteers were led
    to it all the same (fractions were debiased afterwards, or a few of them did not answer), these
    zeros say nothing of the galaxy and become unknown. Question 1 of a joint table is exempt: it
    is asked of everyone, and its zeros break the sum rule.

    Parameters
    ----------
    find : callable
        From the names of the columns to the tree and layout; None where they are no votes.
    but : str or None
        A column whose text is kept, whatever it is.
    """

    def __init__(
        self, find: Callable[[Sequence[str]], tuple[Tree, Layout] | None], but: str | None
    ) -> None:
        self._find, self._but = find, but
        self._begun = False
        self._found: tuple[Tree, Layout] | None = None
        self._present: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._rows = 0
        self._joint: list[NDArray[np.float32]] = []
        self._unasked: list[NDArray[np.bool_]] = []
        self._not_numbers: dict[int, list[WrongCell]] = {}
        self._out_of_range: dict[int, list[WrongCell]] = {}

    def __call__(self, piece: Any) -> Any:
        """Read the next rows of the table; gives them back without the text of the votes."""
        names = piece.column_names
        if not self._begun:
            self._begun, self._found = True, self._find(names)
        if self._found is None:
            return piece
        columns = self._found[1].columns
        here = np.array([name in names for name in columns])
        self._present = here if not len(self._present) else self._present | here
        for start in range(0, piece.num_rows, ROWS_AT_ONCE):
            self._read(piece.slice(start, ROWS_AT_ONCE), *self._found, here)
        for name in columns:
            if name in names and name != self._but:
                place = names.index(name)
                piece = piece.set_column(place, name, _without_text(piece[name]))
        return piece

    def votes(self) -> Votes | None:
        """All that was read, and forgets it; None where the table has no votes."""
        if self._found is None:
            return None
        tree, layout = self._found
        joint = np.concatenate([np.empty((0, len(tree.answers)), np.float32), *self._joint])
        self._joint.clear()
        unasked = np.concatenate([np.empty((0, len(tree.questions)), bool), *self._unasked])
        self._unasked.clear()
        wrong = _whole(self._not_numbers), _whole(self._out_of_range)
        return Votes(tree, layout, joint, self._present, *wrong, unasked)

    def _read(self, piece: Any, tree: Tree, layout: Layout, here: NDArray[np.bool_]) -> None:
        raw = np.full((piece.num_rows, len(tree.answers)), np.nan, dtype=np.float64)
        for answer in np.flatnonzero(here).tolist():
            column = piece[layout.columns[answer]]
            values, wrong = numbers(column)
            with np.errstate(invalid="ignore"):
                outside = np.flatnonzero((values < -ROUNDING) | (values > 1 + ROUNDING))
            values[outside] = np.nan
            raw[:, answer] = values
            for rows, found in ((wrong, self._not_numbers), (outside, self._out_of_range)):
                if len(rows):
                    one = WrongCell(answer, self._rows + rows, column.take(rows))
                    found.setdefault(answer, []).append(one)
        joint, unasked = _joint(tree, layout, raw, here)
        self._joint.append(joint.astype(np.float32))
        self._unasked.append(unasked)
        self._rows += piece.num_rows


def read_votes(table: Any, tree: Tree, layout: Layout) -> Votes:
    """Read the columns of a layout as joint fractions; see `VoteReader`.

    Parameters
    ----------
    table : pyarrow.Table
    tree, layout
        The layout is one of the tree's; the table has some of its columns.
    """
    reader = VoteReader(lambda _: (tree, layout), but=None)
    reader(table)
    votes = reader.votes()
    assert votes is not None, "the layout was given"
    return votes


def _without_text(column: Any) -> Any:
    """A column of as many rows, of which only the first cell that is not empty is kept.

    So the table has all of its columns, and a message can show what is in them.
    """
    if not is_text(column):
        return column
    example = [cell.as_py() for cell in islice((cell for cell in column if cell.is_valid), 1)]
    empty = np.ones(len(column), dtype=bool)
    empty[:1] = not example
    codes = pa.array(np.zeros(len(column), dtype=np.int8), mask=empty)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, pa.array(example, pa.string()))])


def _joint(
    tree: Tree, layout: Layout, raw: NDArray[np.float64], present: NDArray[np.bool_]
) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    """Joint fractions, and which questions nobody answered; `raw` is changed."""
    if layout.kind == "joint":
        unasked = _blank_joint(tree, raw, layout.tolerance)
        return raw, unasked
    unasked = _blank_conditional(tree, raw)
    joint = joint_from_conditional(tree, raw)
    joint[:, ~present] = np.nan  # 0 where nobody is led is no knowledge of this table
    for index, where in enumerate(tree.slices):  # nobody was led there: truly 0
        unasked[:, index] &= np.isnan(joint[:, where]).all(axis=1)
    return joint, unasked


def _whole(found: dict[int, list[WrongCell]]) -> list[WrongCell]:
    """The wrong cells of each answer, from all pieces of the table, answer by answer."""
    return [
        WrongCell(
            answer,
            np.concatenate([one.rows for one in found[answer]]),
            pa.chunked_array([chunk for one in found[answer] for chunk in one.cells.chunks]),
        )
        for answer in sorted(found)
    ]


def _blank_conditional(tree: Tree, raw: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Make questions whose answers are all 0 unknown, in place; say which they were."""
    unasked = np.zeros((len(raw), len(tree.questions)), dtype=bool)
    for index, where in enumerate(tree.slices):
        unasked[:, index] = (raw[:, where] == 0).all(axis=1)
        raw[unasked[:, index], where] = np.nan
    return unasked


def _blank_joint(tree: Tree, raw: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """The same for joint fractions, where 0 is right if nobody was led to the question."""
    unasked = np.zeros((len(raw), len(tree.questions)), dtype=bool)
    question_of = np.repeat(
        np.arange(len(tree.questions)), [len(question.answers) for question in tree.questions]
    )
    for index in tree.order:
        parents = tree.parents[index]
        if not parents.any():
            continue
        zeros = (raw[:, tree.slices[index]] == 0).all(axis=1)
        reached = raw[:, parents].sum(axis=1)
        led_by_unasked = unasked[:, np.unique(question_of[parents])].any(axis=1)
        with np.errstate(invalid="ignore"):
            unasked[:, index] = zeros & ((reached > tolerance) | led_by_unasked)
        raw[unasked[:, index], tree.slices[index]] = np.nan
    return unasked
