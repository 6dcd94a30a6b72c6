"""`Targets`: what is known of galaxies, which a model learns and is scored by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.trees.tree import Tree

#: A row for each galaxy, as a network learns it: float32, NaN unknown; or int64, -1 unknown.
Values = NDArray[Any]


class Targets(ABC):
    """What is known of galaxies, in the order of their catalog.

    Every kind of target is a frozen dataclass of this type, beside the `Task` of that kind.

    Attributes
    ----------
    kind : str
        The kind of its task, a key of `galaxyclass.tasks.kinds.TASKS`.
    auxiliary : bool
        Whether a network can learn them as an auxiliary task.
    """

    kind: ClassVar[str]
    auxiliary: ClassVar[bool] = False

    @abstractmethod
    def __len__(self) -> int:
        """How many galaxies."""

    @property
    @abstractmethod
    def known(self) -> NDArray[np.bool_]:
        """(galaxies,) whether anything is known of each."""

    @property
    def arguments(self) -> dict[str, object]:
        """What `galaxyclass.validate` has to be given, beside the table, to find these in it."""
        return {}

    @abstractmethod
    def take(self, indices: NDArray[np.int64]) -> Self:
        """The targets of the galaxies at (n,) indices, in that order."""

    @abstractmethod
    def values(self, indices: NDArray[np.int64] | None = None) -> Values:
        """(n, …) the values of the galaxies at (n,) indices, or of all; see `Values`."""

    @abstractmethod
    def blank(self, galaxies: int) -> Values:
        """(galaxies, …) the values of galaxies without targets."""

    @abstractmethod
    def combine(self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]) -> Values:
        """One value for each image, where images are in several tables.

        Parameters
        ----------
        values : (galaxies, …)
            Of the first table that has the galaxy; may be changed.
        others : sequence of (indices (n,) int64, values (n, …))
            The values that other tables have of some of these galaxies.
        """

    @abstractmethod
    def same_task(self, other: Targets) -> bool:
        """Whether one output of a network can learn both."""

    @property
    @abstractmethod
    def words(self) -> str:
        """A short description."""

    @abstractmethod
    def describe(self) -> str:
        """A description in a line."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """A description as plain data: ``kind``, and whatever else describes them."""

    def to_bytes(self) -> bytes:
        """The bytes that enter a fingerprint of the data."""
        return self.values().tobytes()

    @property
    def strata(self) -> NDArray[np.int64]:
        """(galaxies,) the strata of a split: each part gets its share of every stratum."""
        return np.zeros(len(self), dtype=np.int64)

    @property
    def decision_tree(self) -> Tree | None:
        """The tree that they are votes on, if they are."""
        return None

    @property
    def joint_fractions(self) -> NDArray[np.float32] | None:
        """(galaxies, answers of `decision_tree`) votes as joint fractions, if they are votes."""
        return None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes; empty where the targets are not classes."""
        return ()

    @property
    def number_columns(self) -> tuple[str, ...]:
        """The columns of numbers; empty where the targets are not numbers."""
        return ()


def mean_over_tables(
    values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]
) -> NDArray[np.float32]:
    """The mean over the tables that know a value; NaN is unknown.

    Parameters
    ----------
    values, others
        As for `Targets.combine`; (galaxies, outputs) float32, and (n, outputs) of the others.

    Examples
    --------
    >>> first = np.array([[0.5, np.nan]], np.float32)
    >>> mean_over_tables(first, [(np.array([0]), np.array([[1.0, 0.25]]))]).tolist()
    [[0.75, 0.25]]
    """
    if not others:
        return np.asarray(values)
    sums = np.nan_to_num(values).astype(np.float64)
    counts = (~np.isnan(values)).astype(np.int64)
    for indices, other_values in others:
        np.add.at(sums, indices, np.nan_to_num(other_values))
        np.add.at(counts, indices, ~np.isnan(other_values))
    mean = np.full(sums.shape, np.nan, dtype=np.float32)
    np.divide(sums, counts, out=mean, where=counts > 0, casting="same_kind")
    return mean
