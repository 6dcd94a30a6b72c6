"""Faithfulness: whether what a map marks is what the network uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.explanation.answer_of import AnswerOf

#: Cells along a side that are hidden together, steps of a curve, and random orders.
CELLS, STEPS, RANDOM_ORDERS = 12, 10, 4
#: A map is better than another where its score is larger by more than this.
MARGIN = 0.01


@dataclass(frozen=True)
class Curves:
    """The predicted share while cells are hidden, and while they are revealed.

    Attributes
    ----------
    hidden : tuple of float
        The share of cells that are hidden (deletion), or shown (insertion).
    deletion : tuple of float
        While the most important cells are hidden first: a faithful map lets it fall fast.
    insertion : tuple of float
        While, from sky alone, the most important cells are shown first: it should rise fast.
    sense : {1.0, -1.0}
        Below 0 for a number that is smaller than that of sky alone: it rises while the galaxy is
        hidden.
    """

    hidden: tuple[float, ...]
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]
    sense: float = 1.0

    @property
    def score(self) -> float:
        """The area under insertion less that under deletion; more is better, 0 says nothing."""
        from scipy.integrate import trapezoid  # slow to import

        between = np.array(self.insertion) - np.array(self.deletion)
        return self.sense * float(trapezoid(between, self.hidden))


@dataclass(frozen=True)
class Faithfulness:
    """The curves of a map, beside those of a random map and of a central blob.

    Attributes
    ----------
    map, random, central : Curves
        Of the map itself; the mean of `RANDOM_ORDERS` random orders; of an order from the centre
        outwards.
    """

    map: Curves
    random: Curves
    central: Curves

    @property
    def is_better(self) -> bool:
        """Whether the map is better than both, by more than `MARGIN`."""
        return self.map.score > max(self.random.score, self.central.score) + MARGIN


def measure_faithfulness(
    shares: AnswerOf,
    cutout: NDArray[np.uint8],
    sky: NDArray[np.uint8],
    relevance: Doubles,
    *,
    seed: int = 0,
    sense: float = 1.0,
) -> Faithfulness:
    """Hide and reveal the cells of a cutout in the order of a map, at random, from the centre.

    Parameters
    ----------
    shares : callable
        From cutouts to the predicted share of the answer.
    cutout, sky : (side, side, channels) uint8
    relevance : (side, side) float64
        The map.
    seed : int
    sense : {1.0, -1.0}
        See `Curves`.

    Notes
    -----
    Deletion and insertion: Petsiuk et al. 2018, BMVC (RISE), section 4.1.

    Examples
    --------
    >>> cutout, sky = np.full((24, 24, 1), 255, np.uint8), np.zeros((24, 24, 1), np.uint8)
    >>> corner = np.zeros((24, 24))
    >>> corner[:6, :6] = 1
    >>> def shares(cutouts):
    ...     return cutouts[:, :6, :6].mean(axis=(1, 2, 3)) / 255
    >>> measure_faithfulness(shares, cutout, sky, corner).is_better
    True
    """
    side = len(cutout)
    cells = _cells(side)
    means = np.bincount(cells.ravel(), relevance.ravel()) / np.bincount(cells.ravel())
    rng = np.random.default_rng(seed)
    y, x = np.divmod(np.arange(CELLS**2), CELLS)
    middle = (CELLS - 1) / 2
    orders = [
        np.argsort(-means, kind="stable"),
        np.argsort(np.hypot(y - middle, x - middle), kind="stable"),
        *(rng.permutation(CELLS**2) for _ in range(RANDOM_ORDERS)),
    ]
    counts = np.round(np.linspace(0, CELLS**2, STEPS + 1)).astype(int)
    pictures = []
    for order in orders:
        rank = np.empty(CELLS**2, int)
        rank[order] = np.arange(CELLS**2)
        for count in counts.tolist():
            first = (rank < count)[cells][..., None]
            pictures += [np.where(first, sky, cutout), np.where(first, cutout, sky)]
    predicted = shares(np.stack(pictures)).reshape(len(orders), len(counts), 2)
    hidden = tuple((counts / CELLS**2).tolist())
    of_map, central, random = (
        Curves(hidden, tuple(each[:, 0].tolist()), tuple(each[:, 1].tolist()), sense)
        for each in (*predicted[:2], predicted[2:].mean(axis=0))
    )
    return Faithfulness(of_map, random, central)


def _cells(side: int) -> NDArray[np.int64]:
    """(side, side) the number of the cell of each pixel."""
    row = np.arange(side) * CELLS // side
    return np.asarray(row[:, None] * CELLS + row[None, :])
