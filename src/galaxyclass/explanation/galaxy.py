"""`ExplainedGalaxy`: a galaxy with the map of an answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.explanation.faithfulness import Faithfulness
from galaxyclass.short import summary


@dataclass(frozen=True, repr=False, eq=False)
class ExplainedGalaxy:
    """A galaxy with the map of an answer.

    Attributes
    ----------
    id : str
    share : float
        The predicted share of the answer, probability of the class, or number.
    cutout : (side, side, channels) uint8
    map : (side, side) float64
        Above 0 where the answer rests on a pixel, below 0 where it speaks against it. Of a
        number: above 0 where a pixel moves it away from that of sky alone.
    faithfulness : Faithfulness
    """

    id: str
    share: float
    cutout: NDArray[np.uint8]
    map: Doubles
    faithfulness: Faithfulness

    def __repr__(self) -> str:
        return summary(f"ExplainedGalaxy {self.id}: {self.share:.2f}")
