"""What the tests of many maps say together: whether the maps can be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxyclass.explanation.faithfulness import MARGIN, Faithfulness
from galaxyclass.short import signed
from galaxyclass.tasks.scores.bootstrap import bootstrap_ratios, percentile_interval

#: A difference of faithfulness that is small, though it may be clear.
_LITTLE = 0.05
#: Above this rank correlation a map hardly depends on what the network has learnt.
_SAME = 0.5


@dataclass(frozen=True)
class MeanDifference:
    """How much more faithful the maps are than others, on average over galaxies.

    ``low`` and ``high`` bound the 95 % bootstrap interval over galaxies; NaN of a single galaxy.
    """

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether the maps are better, and not by chance."""
        return self.low > 0


def above_chance(
    tested: Sequence[Faithfulness], seed: int
) -> tuple[MeanDifference, MeanDifference]:
    """How much better the maps of some galaxies are than random ones, and than a central blob."""
    scores = [each.map.score for each in tested]
    return (
        mean_difference(scores, [each.random.score for each in tested], seed),
        mean_difference(scores, [each.central.score for each in tested], seed),
    )


def mean_difference(scores: Sequence[float], others: Sequence[float], seed: int) -> MeanDifference:
    """The mean difference of two scores of the same galaxies, with its interval.

    Examples
    --------
    >>> mean_difference([0.5, 0.5, 0.5], [0.25, 0.25, 0.25], 0)
    MeanDifference(value=0.25, low=0.25, high=0.25)
    """
    differences = (np.array(scores) - np.array(others))[:, None]
    if len(differences) < 2:
        return MeanDifference(float(differences[0, 0]), float("nan"), float("nan"))
    samples = bootstrap_ratios(differences, np.ones_like(differences), seed=seed)
    low, high = percentile_interval(samples)
    return MeanDifference(float(differences.mean()), float(low[0]), float(high[0]))


def judge(
    above_random: MeanDifference, above_central: MeanDifference, sanity: float | None
) -> list[str]:
    """What faithfulness and the sanity check mean: a sentence for anybody, and one of numbers.

    Examples
    --------
    >>> better, no_better = MeanDifference(0.3, 0.2, 0.4), MeanDifference(0.0, -0.1, 0.1)
    >>> for sentence in judge(better, no_better, 0.1):
    ...     print(sentence)
    Do not believe these maps: what they mark matters to the prediction no more than the middle of the picture.
    Faithfulness above that of random maps +0.300 [+0.200, +0.400], of a central blob +0.000 [-0.100, +0.100]; rank correlation with maps of random weights 0.10.
    """  # noqa: E501 - the lines are what is printed
    alone = bool(np.isnan(above_random.low))
    map_, mark = ("this map", "it marks") if alone else ("these maps", "they mark")
    known = ((above_random, "places at random"), (above_central, "the middle of the picture"))
    no_better = [other for above, other in known if not _is_better(above)]
    little_better = [other for above, other in known if above.value <= _LITTLE]
    if sanity is not None and sanity > _SAME:
        plain = (
            f"Do not believe {map_}: a network that has learnt nothing gives much the same, so "
            "they show the picture and not what the model uses."
        )
    elif no_better:
        plain = (
            f"Do not believe {map_}: what {mark} matters to the prediction no more than "
            f"{' or '.join(no_better)}."
        )
    elif little_better:
        plain = (
            f"Believe {map_} with care: what {mark} matters to the prediction only a little more "
            f"than {' or '.join(little_better)}."
        )
    else:
        plain = (
            f"You can believe {map_}: what {mark} matters more to the prediction than places at "
            "random, and than the middle of the picture."
        )
    numbers = (
        f"Faithfulness above that of random maps {_shown(above_random)}, of a central blob "
        f"{_shown(above_central)}"
    )
    if sanity is not None:
        numbers += f"; rank correlation with maps of random weights {sanity:.2f}"
    return [plain, f"{numbers}{' (one galaxy)' if alone else ''}."]


def _is_better(difference: MeanDifference) -> bool:
    """Whether maps are better than others; of a single galaxy, by more than `MARGIN`."""
    return difference.value > MARGIN if np.isnan(difference.low) else difference.is_clear


def _shown(difference: MeanDifference) -> str:
    if np.isnan(difference.low):
        return signed(difference.value, 3)
    low, high = signed(difference.low, 3), signed(difference.high, 3)
    return f"{signed(difference.value, 3)} [{low}, {high}]"
