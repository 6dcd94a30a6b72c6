"""How undecided a prediction is: the one measure of uncertainty that galaxies are chosen by."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from galaxyclass.arrays import Doubles


def undecided(fractions: Doubles, groups: Iterable[slice]) -> Doubles:
    """The entropy of the answers to each question, weighted by who is asked; summed.

    Parameters
    ----------
    fractions : (galaxies, answers) float64
        Joint fractions or probabilities, 0..1; unknown ones (NaN) count as 0.
    groups : iterable of slice
        The answers of each question; of classes, all of them.

    Returns
    -------
    (galaxies,) float64
        Of a single question, 0 where one answer is certain, and 1 where all are equally likely;
        each further question adds at most the share of people who are asked. NaN where nothing is
        predicted.

    Examples
    --------
    >>> values = np.array([[0.5, 0.5, 0.5, 0.0], [1.0, 0.0, 0.5, 0.5], [0.0, 0.0, np.nan, 0.0]])
    >>> undecided(values, [slice(0, 2), slice(2, 4)]).tolist()
    [1.0, 1.0, nan]
    """
    total, predicted = np.zeros(len(fractions)), np.zeros(len(fractions))
    for answers in groups:
        shown = np.clip(np.nan_to_num(fractions[:, answers]), 0, 1)
        asked = shown.sum(axis=1, keepdims=True)
        share = shown / np.maximum(asked, 1e-12)
        entropy = -(shown * np.log(np.maximum(share, 1e-12))).sum(axis=1)
        total += entropy / np.log(max(shown.shape[1], 2))
        predicted += asked[:, 0]
    return np.where(predicted > 0, total, np.nan)


def relative_width(widths: Doubles) -> Doubles:
    """The mean width of intervals, each column's in units of its own mean width.

    Parameters
    ----------
    widths : (galaxies, columns) float64
        NaN where there is no interval; a column without any does not count.

    Returns
    -------
    (galaxies,) float64
        1 where a galaxy's intervals are as wide as those of the others; NaN where nothing is known.

    Examples
    --------
    >>> relative_width(np.array([[1.0, 200, np.nan], [3.0, 200, np.nan]])).tolist()
    [0.75, 1.25]
    """
    widths = widths[:, ~np.isnan(widths).all(axis=0)]
    if not widths.shape[1]:
        return np.full(len(widths), np.nan)
    return np.asarray((widths / np.maximum(np.nanmean(widths, axis=0), 1e-300)).mean(axis=1))
