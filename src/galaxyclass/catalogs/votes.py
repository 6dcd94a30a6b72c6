"""From the vote columns of a table to joint fractions on the tree (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.catalogs.cells import numbers
from galaxyclass.trees import Layout, Tree, joint_from_conditional

#: A fraction may leave 0 to 1 by this much: the rounding of sums and of single precision.
ROUNDING = 1e-6

#: Rows that are turned into numbers at a time: as doubles they take twice what is kept of them.
_ROWS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class Votes:
    """Vote fractions as read, and the cells that were no fractions.

    Attributes
    ----------
    joint : (rows, answers) float32, 0..1
        NaN: unknown, not a number, or out of range.
    present : (answers,) bool
        The table has a column for the answer.
    not_numbers, out_of_range : list of (answer, rows)
        Index of the answer, and the (wrong rows,) int64 indices of its wrong cells.
    unasked : (rows, questions) bool
        All answers were 0 though some volunteers were led to the question, or may have been.
    """

    joint: NDArray[np.float32]
    present: NDArray[np.bool_]
    not_numbers: list[tuple[int, NDArray[np.int64]]]
    out_of_range: list[tuple[int, NDArray[np.int64]]]
    unasked: NDArray[np.bool_]


def read_votes(table: Any, tree: Tree, layout: Layout) -> Votes:
    """Read the columns of a layout as joint fractions.

    Tables write 0 for every answer of a question that nobody answered. Where volunteers were led
    to it all the same (fractions were debiased afterwards, or a few of them did not answer), these
    zeros say nothing of the galaxy and become unknown. Question 1 of a joint table is exempt: it
    is asked of everyone, and its zeros break the sum rule.

    Parameters
    ----------
    table : pyarrow.Table
    tree, layout
        The layout is one of the tree's; the table has some of its columns.
    """
    count = table.num_rows
    joint = np.empty((count, len(tree.answers)), dtype=np.float32)
    unasked = np.empty((count, len(tree.questions)), dtype=bool)
    present = np.array([name in table.column_names for name in layout.columns])
    not_numbers: dict[int, list[NDArray[np.int64]]] = {}
    out_of_range: dict[int, list[NDArray[np.int64]]] = {}
    for start in range(0, count, _ROWS_AT_ONCE):
        part = table.slice(start, _ROWS_AT_ONCE)
        rows = slice(start, start + part.num_rows)
        raw = np.full((part.num_rows, len(tree.answers)), np.nan, dtype=np.float64)
        for answer in np.flatnonzero(present).tolist():
            values, wrong = numbers(part[layout.columns[answer]])
            with np.errstate(invalid="ignore"):
                outside = np.flatnonzero((values < -ROUNDING) | (values > 1 + ROUNDING))
            values[outside] = np.nan
            raw[:, answer] = values
            if len(wrong):
                not_numbers.setdefault(answer, []).append(start + wrong)
            if len(outside):
                out_of_range.setdefault(answer, []).append(start + outside)
        joint[rows], unasked[rows] = _joint(tree, layout, raw, present)
    return Votes(joint, present, _whole(not_numbers), _whole(out_of_range), unasked)


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


def _whole(found: dict[int, list[NDArray[np.int64]]]) -> list[tuple[int, NDArray[np.int64]]]:
    """The rows of each answer, from all parts of the table, answer by answer."""
    return [(answer, np.concatenate(found[answer])) for answer in sorted(found)]


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


def cells(found: list[tuple[int, NDArray[np.int64]]]) -> Iterator[tuple[int, int]]:
    """(answer, row) of each wrong cell, answer by answer."""
    for answer, rows in found:
        for row in rows:
            yield answer, int(row)
