"""From the vote columns of a table to joint fractions on the tree (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from galaxyclass.data.catalog.conversions import Conversions
from galaxyclass.data.catalog.wrong_cells import WrongCells, join_cells
from galaxyclass.data.tables.cells import is_text, numbers
from galaxyclass.trees.algebra import joint_from_conditional
from galaxyclass.trees.tree import Layout, Tree

#: A fraction may leave 0 to 1 by this much: the rounding of sums and of single precision.
ROUNDING = 1e-6

#: Rows that are converted at a time: double precision takes twice the memory of the result.
ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class Votes:
    """Vote fractions as read, and the cells that were not fractions.

    Attributes
    ----------
    tree, layout
        The meaning of the columns.
    joint : (rows, answers) float32, 0..1
        NaN: unknown, not a number, or out of range.
    present : (answers,) bool
        The table has a column for the answer.
    not_numbers, out_of_range : list of WrongCells
        By answer.
    unasked : (rows, questions) bool
        Whether all answers were 0 though volunteers were, or may have been, led to the question.
    conversions : tuple of str
        What was done to the numbers of the table: counts, percentages and rounded fractions.
    counts : (rows, answers) float32, optional
        The numbers of votes as they are, where they were asked for; NaN unknown.
    """

    tree: Tree
    layout: Layout
    joint: NDArray[np.float32]
    present: NDArray[np.bool_]
    not_numbers: list[WrongCells]
    out_of_range: list[WrongCells]
    unasked: NDArray[np.bool_]
    conversions: tuple[str, ...] = ()
    counts: NDArray[np.float32] | None = None

    def take(self, rows: NDArray[np.int64]) -> Votes:
        """The rows at (n,) ascending indices."""
        return replace(
            self,
            joint=self.joint[rows],
            not_numbers=_taken(self.not_numbers, rows),
            out_of_range=_taken(self.out_of_range, rows),
            unasked=self.unasked[rows],
            counts=None if self.counts is None else self.counts[rows],
        )


def _taken(wrong: list[WrongCells], rows: NDArray[np.int64]) -> list[WrongCells]:
    taken = [cells.take(rows) for cells in wrong]
    return [cells for cells in taken if len(cells.rows)]


class VoteReader:
    """Reads the votes of a table piece by piece, so that their text is never in memory as a whole.

    Tables have 0 for every answer of a question that nobody answered. Where volunteers were led to
    the question all the same (fractions were debiased afterwards, or a few volunteers did not
    answer), these zeros are not measurements and become unknown. Question 1 of a joint table is
    exempt: it is asked of everyone, and its zeros break the sum rule.

    Parameters
    ----------
    find : callable
        From the names of the columns to the tree and layout; None where there are no votes.
    keep : str or None
        A column whose text is kept even if it has votes.
    with_counts : bool
        Keep the numbers of votes, of a layout that has them.
    """

    def __init__(
        self,
        find: Callable[[Sequence[str]], tuple[Tree, Layout] | None],
        keep: str | None,
        *,
        with_counts: bool = False,
    ) -> None:
        self._find, self._keep = find, keep
        self._with_counts = with_counts
        self._counts: list[NDArray[np.float32]] = []
        self._started = False
        self._layout: tuple[Tree, Layout] | None = None
        self._present: NDArray[np.bool_] = np.zeros(0, dtype=bool)
        self._rows = 0
        self._joint: list[NDArray[np.float32]] = []
        self._unasked: list[NDArray[np.bool_]] = []
        self._not_numbers: dict[int, list[WrongCells]] = {}
        self._out_of_range: dict[int, list[WrongCells]] = {}
        self._conversions = Conversions()

    def __call__(self, piece: Any) -> Any:
        """Read the next rows of the table, and return them without the text of the votes."""
        names = piece.column_names
        if not self._started:
            self._started, self._layout = True, self._find(names)
        if self._layout is None:
            return piece
        columns = self._layout[1].columns
        in_piece = np.array([name in names for name in columns])
        self._present = in_piece if not len(self._present) else self._present | in_piece
        for start in range(0, piece.num_rows, ROWS_AT_ONCE):
            self._read(piece.slice(start, ROWS_AT_ONCE), *self._layout, in_piece)
        for name in columns:
            if name in names and name != self._keep:
                position = names.index(name)
                piece = piece.set_column(position, name, _without_text(piece[name]))
        return piece

    def votes(self) -> Votes | None:
        """The votes that were read, once; None where the table has no votes."""
        if self._layout is None:
            return None
        tree, layout = self._layout
        joint = np.concatenate([np.empty((0, len(tree.answers)), np.float32), *self._joint])
        self._joint.clear()
        unasked = np.concatenate([np.empty((0, len(tree.questions)), bool), *self._unasked])
        self._unasked.clear()
        wrong = _joined(self._not_numbers), _joined(self._out_of_range)
        if self._with_counts:
            counts = np.concatenate([np.empty((0, len(tree.answers)), np.float32), *self._counts])
            self._counts.clear()
            return Votes(tree, layout, joint, self._present, *wrong, unasked, (), counts)
        conversions = tuple(self._conversions.words(layout))
        return Votes(tree, layout, joint, self._present, *wrong, unasked, conversions)

    def _read(self, piece: Any, tree: Tree, layout: Layout, in_piece: NDArray[np.bool_]) -> None:
        raw = np.full((piece.num_rows, len(tree.answers)), np.nan, dtype=np.float64)
        answers = np.flatnonzero(in_piece).tolist()
        wrong_cells: dict[int, NDArray[np.int64]] = {}
        for answer in answers:
            raw[:, answer], wrong_cells[answer] = numbers(piece[layout.columns[answer]])
        columns = [piece[layout.columns[answer]] for answer in answers]
        self._conversions.prepare(tree, layout, raw, columns)
        raw /= self._conversions.scale
        most = np.inf if layout.kind == "counts" else 1 + ROUNDING
        for answer, column in zip(answers, columns, strict=True):
            values = raw[:, answer]
            with np.errstate(invalid="ignore"):
                outside = np.flatnonzero((values < -ROUNDING) | (values > most) | np.isinf(values))
            values[outside] = np.nan
            for rows, by_answer in (
                (wrong_cells[answer], self._not_numbers),
                (outside, self._out_of_range),
            ):
                if len(rows):
                    name = layout.columns[answer]
                    cells = WrongCells(name, self._rows + rows, column.take(rows))
                    by_answer.setdefault(answer, []).append(cells)
        if self._with_counts:
            self._counts.append(raw.astype(np.float32))
        raw = self._conversions.apply(tree, layout, raw, columns)
        joint, unasked = _joint(tree, layout, raw, in_piece)
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
    reader = VoteReader(lambda _: (tree, layout), keep=None)
    reader(table)
    votes = reader.votes()
    assert votes is not None, "the layout was given"
    return votes


def _without_text(column: Any) -> Any:
    """A column of as many rows, with only the first cell that is not empty.

    So the table still has all of its columns, and a message can show an example of each.
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
    joint[:, ~present] = np.nan  # a missing column is unknown, even where nobody is led
    for index, where in enumerate(tree.slices):  # nobody was led there: truly 0
        unasked[:, index] &= np.isnan(joint[:, where]).all(axis=1)
    return joint, unasked


def _joined(by_answer: dict[int, list[WrongCells]]) -> list[WrongCells]:
    """The wrong cells of each answer, from all pieces of the table, answer by answer."""
    return [join_cells(by_answer[answer]) for answer in sorted(by_answer)]


def _blank_conditional(tree: Tree, raw: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Make questions whose answers are all 0 unknown, in place; (rows, questions) where."""
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
