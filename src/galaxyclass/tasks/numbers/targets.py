"""`NumberTargets`: measured quantities of each galaxy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.short import first_few
from galaxyclass.tasks.targets import Targets, mean_over_tables


@dataclass(frozen=True)
class NumberTargets(Targets):
    """Numbers: ``numbers`` is (galaxies, columns) float32, NaN unknown.

    ``errors`` is (galaxies, columns) float32, the standard error of each, NaN unknown; None where
    the table states none. ``missing`` are the values that stand for unknown ones, as they were
    given (``-1``, ``Bar_Length=-1``).
    """

    kind: ClassVar[str] = "numbers"

    columns: tuple[str, ...]
    numbers: NDArray[np.float32]
    errors: NDArray[np.float32] | None = None
    missing: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(galaxies,) whether any number is known."""
        return np.asarray(~np.isnan(self.numbers).all(axis=1))

    @property
    def arguments(self) -> dict[str, object]:
        """The columns, and the value of an unknown number."""
        return {"numbers": list(self.columns)} | dict(zip(["missing"], self.missing, strict=False))

    def take(self, indices: NDArray[np.int64]) -> Self:
        """The targets of some galaxies, in that order."""
        errors = None if self.errors is None else self.errors[indices]
        return replace(self, numbers=self.numbers[indices], errors=errors)

    def values(self, indices: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """(galaxies, columns) float32 numbers of some galaxies, or of all; NaN unknown."""
        return self.numbers if indices is None else self.numbers[indices]

    def blank(self, galaxies: int) -> NDArray[np.float32]:
        """(galaxies, columns) float32 NaN."""
        return np.full((galaxies, len(self.columns)), np.nan, dtype=np.float32)

    def combine(
        self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]
    ) -> NDArray[np.float32]:
        """The mean over the tables that know a number; see `Targets.combine`."""
        return mean_over_tables(values, others)

    def same_task(self, other: Targets) -> bool:
        """Whether the others are numbers of the same columns."""
        return self.kind == other.kind and self.number_columns == other.number_columns

    @property
    def words(self) -> str:
        """A short description."""
        many = "s" * (len(self.columns) > 1)
        return f"numbers, in the column{many} {first_few(self.columns)}"

    def describe(self) -> str:
        """A description in a line."""
        return self.words

    def summary(self) -> dict[str, Any]:
        """A description as plain data."""
        return {"kind": self.kind, "columns": list(self.columns), "missing": list(self.missing)}

    @property
    def number_columns(self) -> tuple[str, ...]:
        """The columns."""
        return self.columns
