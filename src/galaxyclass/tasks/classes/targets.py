"""What is known of galaxies: a class each."""

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

    ``classes`` are the names as written in the table; integers sort as numbers. ``rule`` is that
    by which they were made of votes (`derive_classes`); None where the table has them.
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

    def take(self, places: NDArray[np.int64]) -> Self:
        """Those of some galaxies, in that order."""
        return replace(self, labels=self.labels[places])

    def values(self, places: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """(galaxies,) int64 indices of the classes of some galaxies, or of all; -1 unknown."""
        return self.labels if places is None else self.labels[places]

    def blank(self, galaxies: int) -> NDArray[np.int64]:
        """(galaxies,) int64 -1."""
        return np.full(galaxies, -1, dtype=np.int64)

    def combine(
        self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]
    ) -> NDArray[np.int64]:
        """The class of the first table that knows one; see `Targets.combine`."""
        for places, more in others:
            values[places] = np.where(values[places] >= 0, values[places], more)
        return np.asarray(values)

    def same_task(self, other: Targets) -> bool:
        """Whether the others are of the same classes."""
        return self.kind == other.kind and self.classes == other.class_names

    @property
    def words(self) -> str:
        """What they are, in a few words."""
        return f"classes, in column {self.column!r}"

    def describe(self) -> str:
        """What they are, in a line."""
        shown = ", ".join(self.classes[:8]) + (" …" if len(self.classes) > 8 else "")
        return f"column {self.column!r}, {len(self.classes)} classes: {shown}"

    def summary(self) -> dict[str, Any]:
        """What they are, as plain data."""
        return {"kind": "class", "column": self.column, "classes": list(self.classes)}

    @property
    def strata(self) -> NDArray[np.int64]:
        """(galaxies,) the class of each: every part of a split has its share of every class."""
        return self.labels

    @property
    def class_names(self) -> tuple[str, ...]:
        """Its classes."""
        return self.classes
