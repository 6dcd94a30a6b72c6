"""From the numbers of a table of votes to fractions: percentages, counts, debiased, rounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from galaxyclass.data.tables.cells import as_text, is_text
from galaxyclass.short import counted
from galaxyclass.trees.algebra import joint_from_conditional, sums_and_targets
from galaxyclass.trees.tree import Layout, Tree

#: Sums of votes between these are those of percentages.
_PERCENT = (90.0, 110.0)
#: Fractions of no more decimals than this are taken for rounded.
_LEAST_DECIMALS, _MOST_DECIMALS = 2, 3
#: Cells whose decimals are counted before all are.
_FIRST = 1000


class Conversions:
    """What is done to the numbers of a table, and in how many rows.

    Attributes
    ----------
    scale : float
        100 where the table has percentages, otherwise 1.
    """

    def __init__(self) -> None:
        self.scale = 1.0
        self._started = False
        self._commas = self._percent_signs = False
        self._rounded, self._decimals, self._largest = 0, 0, 0.0
        self._lowest, self._highest, self._normalised = np.inf, 0.0, 0

    def prepare(
        self, tree: Tree, layout: Layout, raw: NDArray[np.float64], columns: Sequence[Any]
    ) -> None:
        """Look at the first rows of a table.

        Parameters
        ----------
        tree, layout
        raw : (rows, answers) float64
        columns : sequence of pyarrow arrays
            The columns of votes that the table has.
        """
        if self._started:
            return
        self._started = True
        first = [as_text(column.slice(0, _FIRST)) for column in columns if is_text(column)]
        self._commas = any(
            pc.any(pc.match_substring(text, ",")).as_py()
            and not pc.any(pc.match_substring(text, ".")).as_py()
            for text in first
        )
        self._percent_signs = any(pc.any(pc.ends_with(text, "%")).as_py() for text in first)
        if layout.kind in ("joint", "conditional"):
            for question, where in zip(tree.questions, tree.slices, strict=True):
                sums = raw[:, where].sum(axis=1)
                sums = sums[np.isfinite(sums) & (sums > 0)]
                if (layout.kind == "conditional" or not question.asked_of) and len(sums):
                    if _PERCENT[0] < np.median(sums) < _PERCENT[1]:
                        self.scale = 100.0
                    return

    def apply(
        self, tree: Tree, layout: Layout, raw: NDArray[np.float64], columns: Sequence[Any]
    ) -> NDArray[np.float64]:
        """(rows, answers) Numbers that obey the sum rules as far as rounding broke them.

        Counts and debiased fractions are divided by the sum of their question. Rounded fractions
        are, where their sum misses that of the rule by more than the layout allows, and by no more
        than half a unit of their last decimal (0.005 at most) for each number in the sum.
        """
        if layout.kind in ("counts", "debiased"):
            return self._divided(tree, raw, counts=layout.kind == "counts")
        shares = raw if layout.kind == "conditional" else None
        if shares is None:
            sums, wanted = sums_and_targets(tree, raw)
        else:
            sums = np.stack([raw[:, where].sum(axis=1) for where in tree.slices], axis=1)
            wanted = np.ones_like(sums)
        with np.errstate(invalid="ignore"):
            misses = np.abs(sums - wanted)
            # All answers 0: nobody was asked.
            broken = (misses > layout.tolerance) & ~((sums == 0) & (layout.kind == "conditional"))
        if not broken.any():
            return raw
        decimals = _decimals(columns)
        if decimals is None:
            return raw
        # With one decimal, rounding would excuse any mistake.
        decimals = max(decimals + 2 * (self.scale == 100), _LEAST_DECIMALS)
        numbers = np.array([len(question.answers) for question in tree.questions], float)
        if shares is None:
            numbers += tree.parents.sum(axis=1)
        allowed = 0.5 * 10.0**-decimals * numbers + 1e-9
        rows = broken.any(axis=1) & (~broken | (misses <= allowed)).all(axis=1)
        if not rows.any():
            return raw
        self._rounded += int(rows.sum())
        self._decimals = max(self._decimals, decimals)
        self._largest = max(self._largest, float(np.nanmax(misses[rows])))
        chosen = raw[rows]
        if shares is None:
            chosen = joint_from_conditional(tree, _by_their_sum(tree, chosen))
            chosen[np.isnan(raw[rows])] = np.nan
        else:
            chosen = _by_their_sum(tree, chosen)
        raw[rows] = chosen
        return raw

    def _divided(
        self, tree: Tree, raw: NDArray[np.float64], *, counts: bool
    ) -> NDArray[np.float64]:
        for where in tree.slices:
            sums = raw[:, where].sum(axis=1)
            sums = sums[np.isfinite(sums) & (sums > 0)]
            if len(sums):
                self._lowest = min(self._lowest, float(sums.min()))
                self._highest = max(self._highest, float(sums.max()))
        self._normalised += len(raw)
        shares = _by_their_sum(tree, raw)
        if counts:  # of how many votes they are is not known where an answer is not
            for where in tree.slices:
                shares[np.isnan(raw[:, where]).any(axis=1), where] = np.nan
        return shares

    def words(self, layout: Layout) -> Iterator[str]:
        """A sentence for each thing that was done."""
        if layout.kind == "counts" and self._normalised:
            yield (
                f"counts of votes ({layout.columns[0]} …) were divided by the number of votes for "
                f"their question, {self._lowest:,.0f} to {self._highest:,.0f}"
            )
        if layout.kind == "debiased" and self._normalised:
            yield (
                f"debiased fractions ({layout.columns[0]} …) do not sum to 1 within a question "
                f"(their sums are {self._lowest:.2f} to {self._highest:.2f}): each was divided by "
                "the sum of its question's"
            )
        if self.scale != 1:
            yield "votes in percent were divided by 100"
        elif self._percent_signs:
            yield "percentages (47.6%) were read as fractions"
        if self._commas:
            yield "decimal commas were read as points"
        if self._rounded:
            yield (
                f"the fractions of {counted(self._rounded, 'galaxy')}, rounded to {self._decimals} "
                f"decimals, miss their sums by up to {self._largest:.3g}, no more than rounding "
                "can: they were divided by their sums"
            )


def _by_their_sum(tree: Tree, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each answer divided by the sum of its question's; 0 where all are 0."""
    shares = np.array(values)
    for where in tree.slices:
        sums = values[:, where].sum(axis=1, keepdims=True)
        np.divide(values[:, where], sums, out=shares[:, where], where=sums > 0)
    return shares


def _decimals(columns: Sequence[Any]) -> int | None:
    """The decimals of the cells of votes; None where some have more than rounded ones have."""
    most = 0
    for rows in (slice(0, _FIRST), slice(0, None)):
        most = 0
        for column in columns:
            cells = column[rows]
            decimals = _decimals_of_text(cells) if is_text(cells) else _decimals_of_numbers(cells)
            if decimals is None or decimals > _MOST_DECIMALS:
                return None
            most = max(most, decimals)
    return most


def _decimals_of_text(cells: Any) -> int | None:
    text = as_text(cells).drop_null()
    if pc.any(pc.match_substring_regex(text, "[eE]-?[0-9]")).as_py():
        return None
    digits = pc.replace_substring_regex(text, r"^[^.,]*([.,]|$)|[^0-9]*$", "")
    return int(pc.max(pc.utf8_length(digits)).as_py() or 0)


def _decimals_of_numbers(cells: Any) -> int | None:
    values = pc.cast(cells, pa.float64()).to_numpy(zero_copy_only=False)
    values = values[np.isfinite(values)]
    for decimals in range(_MOST_DECIMALS + 1):
        shifted = values * 10.0**decimals
        if np.all(np.abs(shifted - np.rint(shifted)) < 1e-4):
            return decimals
    return None
