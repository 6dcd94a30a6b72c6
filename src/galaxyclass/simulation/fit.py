"""Fitting the volunteers to those of Galaxy Zoo 2.

    python -m galaxyclass.simulation.fit COUNTS VOTES CLASSIFICATIONS OUTPUT

COUNTS is a table of Galaxy Zoo 2 with a count per answer (``…_count``); VOTES the Galaxy
Challenge's table of 37 joint fractions; CLASSIFICATIONS a table of Galaxy Zoo 2's main sample with
``total_classifications``; OUTPUT the JSON file to write.

What is fitted, question by question:

1. The counts' Dirichlet-multinomial, by maximum likelihood. Its intra-class correlation says how
   alike the votes on one galaxy are; part of that is the galaxy, part the panel.
2. ``EXPLAINED`` of that variance is given to the galaxy: the impressions' sharpness is set so that
   probabilities vary that much over simulated galaxies, and their offsets so that their mean is
   that of the challenge's table. (Counts alone cannot tell the two parts from each other: any
   overdispersed panel could be a galaxy of another probability.)
3. What is left of the correlation is the panel's: the overdispersion around the probabilities.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize
from scipy.special import digamma, gammaln

from galaxyclass.simulation.impressions import impress
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.volunteers import softmax
from galaxyclass.trees import Tree, load_tree

Floats = NDArray[np.float64]

#: Share of the variance of votes that is the galaxy's. The challenge's best network explained
#: 1 - (0.07491 / 0.1639)^2 = 0.79 of what the mean vector leaves; the rest holds the noise of 40
#: votes.
EXPLAINED = 0.85
#: Simulated galaxies over which the means are taken, and the seed that draws them.
GALAXIES, SEED = 4000, 20
#: Least correlation of a panel's votes.
LEAST = 0.005


def fit_counts(counts: Floats) -> tuple[Floats, float]:
    """Maximum likelihood of a Dirichlet-multinomial.

    Parameters
    ----------
    counts : (galaxies, answers) float64
        Votes for each answer of one question; rows of zeros say nothing.

    Returns
    -------
    means : (answers,) float64
    correlation : float
        Intra-class correlation, 1 / (1 + sum of the concentrations).

    Notes
    -----
    Minka 2000, "Estimating a Dirichlet distribution", equation 53, with its gradient.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> counts = [rng.multinomial(40, p) for p in rng.dirichlet([2.0, 6.0], 4000)]
    >>> means, correlation = fit_counts(np.array(counts, float))
    >>> round(float(means[0]), 2), round(correlation, 2)
    (0.25, 0.11)
    """
    counts = counts[counts.sum(axis=1) > 0]
    totals = counts.sum(axis=1)

    def loss(logs: Floats) -> tuple[float, Floats]:
        alpha = np.exp(logs)
        whole = alpha.sum()
        value = gammaln(whole) - gammaln(totals + whole)
        value = value + (gammaln(counts + alpha) - gammaln(alpha)).sum(axis=1)
        slope = (digamma(whole) - digamma(totals + whole))[:, None]
        slope = slope + digamma(counts + alpha) - digamma(alpha)
        return -float(value.mean()), -slope.mean(axis=0) * alpha

    start = np.log(counts.sum(axis=0) / counts.sum() * 3 + 1e-3)
    found = minimize(loss, start, jac=True, method="L-BFGS-B")
    alpha = np.exp(found.x)
    return alpha / alpha.sum(), float(1 / (1 + alpha.sum()))


def calibrate(
    tree: Tree, impressions: Floats, means: Floats, correlation: Floats
) -> tuple[Floats, Floats, Floats]:
    """Sharpness, offsets and panels' correlation (steps 2 and 3 above).

    Parameters
    ----------
    tree : Tree
    impressions : (galaxies, answers) float64
    means : (answers,) float64
        Wanted mean conditional fraction of each answer.
    correlation : (questions,) float64
        Wanted intra-class correlation, galaxies and panels together.

    Returns
    -------
    sharpness : (questions,), offsets : (answers,), correlation : (questions,)
    """
    reached = np.ones((len(impressions), len(tree.answers)))
    sharpness, offsets = np.ones(len(tree.questions)), np.zeros(len(tree.answers))
    panels = np.empty(len(tree.questions))
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        asked = reached[:, parents].sum(axis=1) if parents.any() else np.ones(len(impressions))
        weights = asked / asked.sum()
        leaning, wanted = impressions[:, where], means[where]
        spread = float((wanted * (1 - wanted)).sum())

        def excess(
            log_sharpness: float,
            leaning: Floats = leaning,
            wanted: Floats = wanted,
            weights: Floats = weights,
            goal: float = EXPLAINED * correlation[index] * spread,
        ) -> float:
            scaled = np.exp(log_sharpness) * leaning
            chances = softmax(scaled + _balance(scaled, wanted, weights))
            return float((weights @ (chances - wanted) ** 2).sum()) - goal

        low, high = np.log(0.1), np.log(6.0)
        best = brentq(excess, low, high, xtol=1e-4) if excess(low) < 0 < excess(high) else high
        sharpness[index] = np.exp(best)
        scaled = sharpness[index] * leaning
        offsets[where] = _balance(scaled, wanted, weights)
        chances = softmax(scaled + offsets[where])
        reached[:, where] = asked[:, None] * chances
        explained = float((weights @ (chances - wanted) ** 2).sum())
        left = correlation[index] * spread - explained
        within = float((weights @ (chances * (1 - chances))).sum())
        panels[index] = max(left / within, LEAST)
    return sharpness, offsets, panels


def _balance(leaning: Floats, wanted: Floats, weights: Floats) -> Floats:
    """Offsets that make the weighted mean probabilities ``wanted``."""
    offsets = np.log(wanted)
    for _ in range(300):
        step = np.log(wanted / (weights @ softmax(leaning + offsets)))
        offsets = offsets + step
        if np.abs(step).max() < 1e-7:
            break
    return np.asarray(offsets - offsets.mean())


def read_counts(path: Path, tree: Tree) -> Floats:
    """(galaxies, 37) counts of a table of Galaxy Zoo 2."""
    layout = tree.layout("hart16")
    names = [column.replace("_weighted_fraction", "_count") for column in layout.columns]
    return _columns(path, names)


def read_means(path: Path, tree: Tree) -> Floats:
    """Mean conditional fraction of each answer: mean joint fraction over that of its parents.

    Each mean is over the galaxies of which it and its parents are known.
    """
    joint = _columns(path, list(tree.layout("challenge").columns))
    means = np.empty(len(tree.answers))
    for index, where in enumerate(tree.slices):
        parents = tree.parents[index]
        known = ~np.isnan(joint[:, where]).any(axis=1) & ~np.isnan(joint[:, parents]).any(axis=1)
        share = joint[known, where].mean(axis=0)
        means[where] = share / share.sum()
    return means


def _columns(path: Path, names: list[str]) -> Floats:
    from pyarrow import csv

    options = csv.ConvertOptions(include_columns=names)
    table = csv.read_csv(path, convert_options=options)
    columns = [table[name].cast("double").to_numpy() for name in names]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float64)


def fit(counts: Path, votes: Path, classifications: Path) -> dict[str, Any]:
    """Everything that ``volunteers.json`` holds (see `parse_volunteers`)."""
    tree = load_tree("galaxy_zoo_2")
    table = read_counts(counts, tree)
    total = np.array([fit_counts(table[:, where])[1] for where in tree.slices])
    means = read_means(votes, tree)
    draws = (draw_morphology(np.random.default_rng((SEED, i))) for i in range(GALAXIES))
    impressions = np.stack([impress(galaxy) for galaxy in draws])
    sharpness, offsets, panels = calibrate(tree, impressions, means, total)
    people = _columns(classifications, ["total_classifications"])[:, 0]
    questions = {
        question.code: {
            "sharpness": round(float(sharpness[index]), 4),
            "correlation": round(float(panels[index]), 4),
            "correlation_of_counts": round(float(total[index]), 4),
            "offsets": {
                answer.code: round(float(offset), 4)
                for answer, offset in zip(
                    question.answers, offsets[tree.slices[index]], strict=True
                )
            },
        }
        for index, question in enumerate(tree.questions)
    }
    return {
        "made_by": "python -m galaxyclass.simulation.fit "
        f"{counts.name} {votes.name} {classifications.name} volunteers.json",
        "panel": [round(float(p), 1) for p in np.quantile(people, np.linspace(0, 1, 21))],
        "questions": questions,
    }


if __name__ == "__main__":  # pragma: no cover - the command that made volunteers.json
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    *tables, output = map(Path, sys.argv[1:])
    output.write_text(json.dumps(fit(*tables), indent=2) + "\n", encoding="utf-8")
