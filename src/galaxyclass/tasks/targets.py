"""What is known of galaxies: the truth that a model learns and is scored by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from galaxyclass.trees.tree import Tree

#: For some galaxies a row each, as a network learns it: float32, NaN unknown; or int64, -1 unknown.
Values = NDArray[Any]


class Targets(ABC):
    """What is known of galaxies, in the order of their catalog.

    Every kind of target is a frozen dataclass of this type, beside the `Task` of that kind.

    Attributes
    ----------
    kind : str
        That of its task, a key of `galaxyclass.tasks.kinds.TASKS`.
    auxiliary : bool
        Whether a network can learn them beside another table's, by an output of their own.
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

    @abstractmethod
    def take(self, places: NDArray[np.int64]) -> Self:
        """Those of some galaxies, in that order."""

    @abstractmethod
    def values(self, places: NDArray[np.int64] | None = None) -> Values:
        """(galaxies, …) what a network learns of some galaxies, or of all; see `Values`."""

    @abstractmethod
    def blank(self, galaxies: int) -> Values:
        """(galaxies, …) the values of galaxies of which nothing is known."""

    @abstractmethod
    def combine(self, values: Any, others: Sequence[tuple[NDArray[np.int64], Any]]) -> Values:
        """One value for images that stand in several tables.

        Parameters
        ----------
        values : (galaxies, …)
            Of the table that has each galaxy first; may be changed.
        others : sequence of (places (n,) int64, values (n, …))
            What other tables say of some of these galaxies.
        """

    @abstractmethod
    def same_task(self, other: Targets) -> bool:
        """Whether one output of a network can learn both."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What they are, in a few words."""

    @abstractmethod
    def describe(self) -> str:
        """What they are, in a line."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """What they are, as plain data: ``kind`` and whatever tells more."""

    def to_bytes(self) -> bytes:
        """What a fingerprint of the data is made of."""
        return self.values().tobytes()

    @property
    def strata(self) -> NDArray[np.int64]:
        """(galaxies,) the groups that each part of a split has its share of."""
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
        """The classes that a galaxy has one of; empty where they are no classes."""
        return ()
