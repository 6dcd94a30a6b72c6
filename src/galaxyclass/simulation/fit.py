"""Fitting the simulated volunteers to those of Galaxy Zoo 2.

    python -m galaxyclass.simulation.fit COUNTS VOTES CLASSIFICATIONS OUTPUT

COUNTS is a table of Galaxy Zoo 2 with a count per answer (``…_count``); VOTES the Galaxy
Challenge's table of 37 joint fractions; CLASSIFICATIONS a table of Galaxy Zoo 2's main sample with
``total_classifications``; OUTPUT the JSON file to write.

What is fitted, question by question:

1. The Dirichlet-multinomial of the counts, by maximum likelihood. Its intra-class correlation says
   how alike the votes on a galaxy are. Counts alone cannot say which share of it is due to the
   galaxy and which to the panel (an overdispersed panel could be a galaxy of another probability).
   ``EXPLAINED`` is the share of the galaxy; the rest is the panel's overdispersion.
2. The offsets of the impressions, so that the mean fractions over simulated galaxies are those of
   the challenge's table; and their sharpness, so that fractions vary between galaxies as in that
   table (without the variance that panels of that overdispersion and size add).
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import digamma, gammaln

from galaxyclass.arrays import Doubles
from galaxyclass.simulation.morphology import draw_morphology
from galaxyclass.simulation.volunteer_model import impress
from galaxyclass.simulation.volunteers import softmax
from galaxyclass.trees.read import load_tree
from galaxyclass.trees.tree import Tree

#: Share of the variance of votes that is due to the galaxy. The challenge's best network explained
#: 1 - (0.07491 / 0.1639)^2 = 0.79 of what the mean vector leaves; the rest holds the noise of 40
#: votes.
EXPLAINED = 0.85
#: Simulated galaxies over which the means are taken, and the seed that draws them.
GALAXIES, SEED = 4000, 20
#: Logarithms of the least and the largest sharpness.
SHARPNESS = (np.log(0.1), np.log(6.0))


def fit_counts(counts: Doubles) -> tuple[Doubles, float]:
    """Maximum likelihood of a Dirichlet-multinomial.

    Parameters
    ----------
    counts : (galaxies, answers) float64
        Votes for each answer of a question; rows of zeros are left out.

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

    def loss(logs: Doubles) -> tuple[float, Doubles]:
        alpha = np.exp(logs)
        concentration = alpha.sum()
        value = gammaln(concentration) - gammaln(totals + concentration)
        value = value + (gammaln(counts + alpha) - gammaln(alpha)).sum(axis=1)
        slope = (digamma(concentration) - digamma(totals + concentration))[:, None]
        slope = slope + digamma(counts + alpha) - digamma(alpha)
        return -float(value.mean()), -slope.mean(axis=0) * alpha

    start = np.log(counts.sum(axis=0) / counts.sum() * 3 + 1e-3)
    solution = minimize(loss, start, jac=True, method="L-BFGS-B")
    alpha = np.exp(solution.x)
    return alpha / alpha.sum(), float(1 / (1 + alpha.sum()))


@dataclass(frozen=True)
class Goal:
    """The statistics that votes on simulated galaxies should have.

    Attributes
    ----------
    means : (answers,) float64
        Mean conditional fractions.
    variances : (questions,) float64
        Variance of the conditional fractions between galaxies, summed over the answers, relative
        to that of single votes: the intra-class correlation, including the noise of few votes.
    asked : (questions,) float64
        Harmonic mean of the number of volunteers who were asked.
    correlation : (questions,) float64
        Intra-class correlation of the panels' votes.
    """

    means: Doubles
    variances: Doubles
    asked: Doubles
    correlation: Doubles


def calibrate_volunteers(tree: Tree, impressions: Doubles, goal: Goal) -> tuple[Doubles, Doubles]:
    """Sharpness and offsets of impressions (step 2 above).

    Parameters
    ----------
    tree : Tree
    impressions : (galaxies, answers) float64
    goal : Goal

    Returns
    -------
    sharpness : (questions,) float64
    offsets : (answers,) float64
    """
    reached = np.ones(impressions.shape)
    sharpness, offsets = np.ones(len(tree.questions)), np.zeros(len(tree.answers))
    # The variance of a panel's mean, relative to that of single votes.
    noise = goal.correlation + (1 - goal.correlation) / goal.asked
    wanted_variances = np.maximum((goal.variances - noise) / (1 - noise), 0.01)
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        asked = reached[:, parents].sum(axis=1) if parents.any() else np.ones(len(impressions))
        weights = asked / asked.sum()
        means, leaning = goal.means[where], impressions[:, where]
        variance = wanted_variances[index] * (means * (1 - means)).sum()

        def balanced(
            log_sharpness: float,
            leaning: Doubles = leaning,
            means: Doubles = means,
            weights: Doubles = weights,
        ) -> Doubles:
            scaled = np.exp(log_sharpness) * leaning
            return softmax(scaled + _balance(scaled, means, weights))

        def excess(
            log_sharpness: float,
            means: Doubles = means,
            weights: Doubles = weights,
            variance: float = variance,
        ) -> float:
            return float((weights @ (balanced(log_sharpness) - means) ** 2).sum()) - variance

        low, high = SHARPNESS
        # Where even the largest sharpness separates galaxies too little, it is taken.
        best = brentq(excess, low, high, xtol=1e-4) if excess(low) < 0 < excess(high) else high
        sharpness[index] = np.exp(best)
        offsets[where] = _balance(sharpness[index] * leaning, means, weights)
        reached[:, where] = asked[:, None] * balanced(best)
    return sharpness, offsets


def _balance(leaning: Doubles, wanted: Doubles, weights: Doubles) -> Doubles:
    """Offsets that make the weighted mean probabilities ``wanted``."""
    offsets = np.log(wanted)
    for _ in range(300):
        step = np.log(wanted / (weights @ softmax(leaning + offsets)))
        offsets = offsets + step
        if np.abs(step).max() < 1e-7:
            break
    return np.asarray(offsets - offsets.mean())


def read_counts(path: Path, tree: Tree) -> Doubles:
    """(galaxies, 37) counts of a table of Galaxy Zoo 2."""
    layout = tree.layout("hart16")
    names = [column.replace("_weighted_fraction", "_count") for column in layout.columns]
    return _columns(path, names)


def describe_fit(tree: Tree, joint: Doubles, people: float, correlation: Doubles) -> Goal:
    """The statistics of the votes in a table of joint fractions.

    Parameters
    ----------
    tree : Tree
    joint : (galaxies, answers) float64
        NaN unknown; a question's statistics are those of the galaxies where it is known.
    people : float
        Volunteers who looked at a galaxy.
    correlation : (questions,) float64
        Of the panels' votes.
    """
    means, variances, asked = np.empty(len(tree.answers)), [], []
    for index, where in enumerate(tree.slices):
        answers, parents = joint[:, where], tree.parents[index]
        reach = joint[:, parents].sum(axis=1) if parents.any() else np.ones(len(joint))
        # Shares of very few votes are mostly rounding.
        known = ~np.isnan(answers).any(axis=1) & (reach > 0.05)
        shares = answers[known] / answers[known].sum(axis=1, keepdims=True)
        weights = reach[known] / reach[known].sum()
        mean = weights @ shares
        means[where] = mean
        variances.append(float((weights @ (shares - mean) ** 2).sum() / (mean * (1 - mean)).sum()))
        asked.append(people * float(reach[known].mean()))
    return Goal(means, np.array(variances), np.array(asked), correlation)


def _columns(path: Path, names: list[str]) -> Doubles:
    from pyarrow import csv

    options = csv.ConvertOptions(include_columns=names)
    table = csv.read_csv(path, convert_options=options)
    columns = [table[name].cast("double").to_numpy() for name in names]
    return np.asarray(np.stack(columns, axis=1), dtype=np.float64)


def fit_volunteers(counts: Path, votes: Path, classifications: Path) -> dict[str, Any]:
    """Everything that ``volunteers.json`` holds (see `parse_volunteers`)."""
    tree = load_tree("galaxy_zoo_2")
    table = read_counts(counts, tree)
    total = np.array([fit_counts(table[:, where])[1] for where in tree.slices])
    panels = (1 - EXPLAINED) * total
    joint = _columns(votes, list(tree.layout("challenge").columns))
    people = _columns(classifications, ["total_classifications"])[:, 0]
    goal = describe_fit(tree, joint, float(people.mean()), panels)
    draws = (draw_morphology(np.random.default_rng((SEED, i))) for i in range(GALAXIES))
    impressions = np.stack([impress(galaxy) for galaxy in draws])
    sharpness, offsets = calibrate_volunteers(tree, impressions, goal)
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
    output.write_text(json.dumps(fit_volunteers(*tables), indent=2) + "\n", encoding="utf-8")
