"""`NumberColumn`: a quantity that is predicted, and its scale in the training galaxies."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

#: A scale in steps has at most so many of them; more values are taken for a continuous quantity.
MOST_STEPS = 50
#: Steps are equal within this share of a step: the rounding of single precision.
_ROUNDING = 1e-3


@dataclass(frozen=True)
class NumberColumn:
    """A quantity and its scale, from the known values of the training galaxies.

    Attributes
    ----------
    name : str
        The column of the training table.
    mean, spread : float
        Mean and standard deviation; NaN and 1 where training had no values.
    low, high : float
        The smallest and the largest value. Predictions stay between them.
    step : float
        The distance of neighbouring values, on a scale in steps (0, 0.25, 0.5, …); 0 of a
        continuous quantity.
    error : float
        Root mean square of the table's own errors; NaN where it states none.
    """

    name: str
    mean: float
    spread: float
    low: float
    high: float
    step: float = 0.0
    error: float = math.nan

    @property
    def known(self) -> bool:
        """Whether training had any value."""
        return not math.isnan(self.mean)

    @property
    def words(self) -> str:
        """The scale in words."""
        if not self.known:
            return "no known value"
        steps = f" in steps of {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{steps}"


def fit_column(
    name: str, values: NDArray[np.floating], errors: NDArray[np.floating] | None = None
) -> NumberColumn:
    """The scale of a quantity.

    Parameters
    ----------
    name : str
    values : (galaxies,) float
        NaN unknown.
    errors : (galaxies,) float, optional
        The standard error of each value; NaN unknown.

    Examples
    --------
    >>> fit_column("bar", np.array([0.0, 0.25, 0.25, 1.0, 0.0, np.nan, 1.0])).words
    '0 to 1 in steps of 0.25'
    >>> fit_column("z", np.array([0.01, 0.034, 0.0871])).words
    '0.01 to 0.0871'
    """
    known = np.asarray(values, np.float64)[~np.isnan(values)]
    if not len(known):
        return NumberColumn(name, math.nan, 1.0, -math.inf, math.inf)
    spread = float(known.std())
    stated = np.empty(0) if errors is None else errors[~np.isnan(errors) & ~np.isnan(values)]
    error = (
        float(np.sqrt(np.mean(np.square(stated, dtype=np.float64)))) if len(stated) else math.nan
    )
    return NumberColumn(
        name,
        float(known.mean()),
        spread if spread > 0 else 1.0,
        float(known.min()),
        float(known.max()),
        step_of(known),
        error,
    )


def step_of(values: NDArray[np.float64]) -> float:
    """The step of a scale; 0 where the values are not on one.

    Values are on a scale where there are three or more different ones, at least twice as many
    galaxies, and all differences are multiples of the smallest.

    Parameters
    ----------
    values : (galaxies,) float64
        Known ones.

    Examples
    --------
    >>> step_of(np.array([-5.0, -3, 0, 0, 4, 4, 4, -5, -3, 0])), step_of(np.array([0.1, 0.25, 0.7]))
    (1.0, 0.0)
    """
    distinct = np.unique(values)
    if not 3 <= len(distinct) <= min(MOST_STEPS, len(values) // 2):
        return 0.0
    smallest = float(np.diff(distinct).min())
    # -5, -3, 0, 4 are whole numbers though no two of them are neighbours.
    for step in (smallest, smallest / 2, smallest / 3):
        multiples = (distinct - distinct[0]) / step
        if multiples[-1] <= MOST_STEPS and np.abs(multiples - multiples.round()).max() < _ROUNDING:
            return round(step, 9)
    return 0.0


def common_column(columns: list[NumberColumn]) -> NumberColumn:
    """The scale of one quantity of several trainings: known if all know it, the mean of means.

    Examples
    --------
    >>> a, b = NumberColumn("z", 0.25, 0.125, 0.0, 1.0), NumberColumn("z", 0.75, 0.375, 0.5, 2.0)
    >>> common_column([a, b])
    NumberColumn(name='z', mean=0.5, spread=0.25, low=0.0, high=2.0, step=0.0, error=nan)
    """
    errors = [column.error for column in columns if not math.isnan(column.error)]
    return replace(
        columns[0],
        mean=float(np.mean([column.mean for column in columns])),
        spread=float(np.mean([column.spread for column in columns])),
        low=min(column.low for column in columns),
        high=max(column.high for column in columns),
        step=min(column.step for column in columns),
        error=float(np.mean(errors)) if errors else math.nan,
    )
