"""`ClassTargets`: a class for each galaxy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.tasks.targets import Targets


@dataclass(frozen=True)
class ClassTargets(Targets):
    """One class each: ``labels`` is (galaxies,) int64, an index into ``classes``; -1 unknown.

    ``classes`` are the names as written in the table; integers sort as numbers. ``rule`` is the
    rule by which they were derived from votes (`derive_classes`); None where the table has them.
    """

    kind: ClassVar[str] = "classes"
    auxiliary: ClassVar[bool] = True

    column: str
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    rule: str | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(galaxies,) whether the class is known."""
        return self.labels >= 0

    def take(self, indices: NDArray[np.int64]) -> Self:
        """The targets of some galaxies, in that order."""
        return replace(self, labels=self.labels[indices])

    def values(self, indices: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """(galaxies,) int64 class numbers of some galaxies, or of all; -1 unknown."""
        return self.labels if indices is None else self.labels[indices]

    def blank(self, galaxies: int) -> NDArray[np.int64]:
        """(galaxies,) int64 -1."""
        return np.full(galaxies, -1, dtype=np.int64)

    def combine(
        self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]
    ) -> NDArray[np.int64]:
        """The class in the first table that has one; see `Targets.combine`."""
        for indices, other_values in others:
            values[indices] = np.where(values[indices] >= 0, values[indices], other_values)
        return np.asarray(values)

    def same_task(self, other: Targets) -> bool:
        """Whether the others are of the same classes."""
        return self.kind == other.kind and self.classes == other.class_names

    @property
    def words(self) -> str:
        """A short description."""
        return f"classes, in column {self.column!r}"

    def describe(self) -> str:
        """A description in a line."""
        shown = ", ".join(self.classes[:8]) + (" …" if len(self.classes) > 8 else "")
        return f"column {self.column!r}, {len(self.classes)} classes: {shown}"

    def summary(self) -> dict[str, Any]:
        """A description as plain data."""
        return {"kind": "class", "column": self.column, "classes": list(self.classes)}

    @property
    def strata(self) -> NDArray[np.int64]:
        """(galaxies,) the classes: every part of a split gets its share of each."""
        return self.labels

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes."""
        return self.classes
