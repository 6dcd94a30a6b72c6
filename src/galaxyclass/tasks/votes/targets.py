"""`VoteTargets`: vote fractions on a decision tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.tasks.targets import Targets, mean_over_tables
from galaxyclass.trees.tree import Layout, Tree


@dataclass(frozen=True)
class VoteTargets(Targets):
    """Vote fractions on a tree.

    ``fractions`` is (galaxies, answers of the tree) float32, joint, 0..1, NaN unknown; conditional
    fractions of a table were converted. ``present[i]``: the table has a column for answer i.
    """

    kind: ClassVar[str] = "votes"

    tree: Tree
    layout: Layout
    fractions: NDArray[np.float32]
    present: NDArray[np.bool_]
    read_layout: Layout | None = None

    @property
    def table_columns(self) -> tuple[str, ...]:
        """The columns of the answers in the table."""
        return (self.read_layout or self.layout).columns

    def __len__(self) -> int:
        return len(self.fractions)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(galaxies,) whether any fraction is known."""
        return np.asarray(~np.isnan(self.fractions).all(axis=1))

    def take(self, indices: NDArray[np.int64]) -> Self:
        """The targets of some galaxies, in that order."""
        return replace(self, fractions=self.fractions[indices])

    def values(self, indices: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(galaxies, answers) float32 joint fractions of some galaxies, or of all; NaN unknown."""
        return self.fractions if indices is None else self.fractions[indices]

    def blank(self, galaxies: int) -> NDArray[np.float32]:
        """(galaxies, answers) float32 NaN."""
        return np.full((galaxies, len(self.tree.answers)), np.nan, dtype=np.float32)

    def combine(
        self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]
    ) -> NDArray[np.float32]:
        """The mean over the tables that know an answer; see `Targets.combine`."""
        return mean_over_tables(values, others)

    def same_task(self, other: Targets) -> bool:
        """Whether the others are votes on the same tree."""
        return self.kind == other.kind and self.tree == other.decision_tree

    @property
    def words(self) -> str:
        """A short description."""
        return f"vote fractions of {self.tree.title}"

    def describe(self) -> str:
        """A description in a line."""
        return (
            f"vote fractions of {self.tree.key}, layout {self.layout.name}, "
            f"{int(self.present.sum())} of {len(self.layout.columns)} columns"
        )

    def summary(self) -> dict[str, Any]:
        """A description as plain data."""
        return {
            "kind": "votes",
            "tree": self.tree.key,
            "layout": self.layout.name,
            "columns_present": int(self.present.sum()),
            "columns": len(self.layout.columns),
        }

    @property
    def decision_tree(self) -> Tree:
        """The tree."""
        return self.tree

    @property
    def joint_fractions(self) -> NDArray[np.float32]:
        """The fractions."""
        return self.fractions
