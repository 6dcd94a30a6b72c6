"""`CountTargets`: how many volunteers gave each answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.tasks.scores.noise import fractions_from_counts
from galaxyclass.tasks.targets import Targets
from galaxyclass.trees.tree import Layout, Tree


@dataclass(frozen=True)
class CountTargets(Targets):
    """Numbers of votes on a tree.

    ``counts`` is (galaxies, answers of the tree) float32, NaN where the table has no column;
    ``present[i]``: the table has a column for answer i.
    """

    kind: ClassVar[str] = "counts"

    tree: Tree
    layout: Layout
    counts: NDArray[np.float32]
    present: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(galaxies,) whether anybody voted."""
        return np.asarray(np.nansum(self.counts, axis=1) > 0)

    @property
    def arguments(self) -> dict[str, object]:
        """That the numbers of votes are meant, and not their fractions."""
        return {"counts": True}

    def take(self, indices: NDArray[np.int64]) -> Self:
        """The targets of some galaxies, in that order."""
        return replace(self, counts=self.counts[indices])

    def values(self, indices: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(galaxies, answers) float32 votes of some galaxies, or of all; NaN unknown."""
        return self.counts if indices is None else self.counts[indices]

    def blank(self, galaxies: int) -> NDArray[np.float32]:
        """(galaxies, answers) float32 NaN."""
        return np.full((galaxies, len(self.tree.answers)), np.nan, dtype=np.float32)

    def combine(
        self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]
    ) -> NDArray[np.float32]:
        """The votes of all tables together: other volunteers saw the same picture."""
        for indices, other_values in others:
            total = np.nansum([values[indices], other_values], axis=0)
            unknown = np.isnan(values[indices]) & np.isnan(other_values)
            values[indices] = np.where(unknown, np.nan, total)
        return np.asarray(values)

    def same_task(self, other: Targets) -> bool:
        """Whether the others are votes counted on the same tree."""
        return self.kind == other.kind and self.tree == other.decision_tree

    @property
    def words(self) -> str:
        """A short description."""
        return f"counts of votes of {self.tree.title}"

    def describe(self) -> str:
        """A description in a line."""
        return (
            f"counts of votes of {self.tree.key}, {int(self.present.sum())} of "
            f"{len(self.layout.columns)} columns"
        )

    def summary(self) -> dict[str, Any]:
        """A description as plain data."""
        return {
            "kind": self.kind,
            "tree": self.tree.key,
            "layout": self.layout.name,
            "columns_present": int(self.present.sum()),
            "columns": len(self.layout.columns),
        }

    @property
    def table_columns(self) -> tuple[str, ...]:
        """The columns of the answers in the table."""
        return self.layout.columns

    @property
    def decision_tree(self) -> Tree:
        """The tree."""
        return self.tree

    @cached_property
    def fractions(self) -> NDArray[np.float32]:
        """(galaxies, answers) joint fractions of these counts; NaN unknown."""
        return fractions_from_counts(self.tree, self.counts).astype(np.float32)

    @property
    def joint_fractions(self) -> NDArray[np.float32]:
        """The joint fractions of these counts."""
        return self.fractions
