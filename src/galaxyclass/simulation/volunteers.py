"""Simulated volunteers: panels of people who answer the questions of the tree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.simulation.morphology import Morphology
from galaxyclass.simulation.volunteer_model import impress
from galaxyclass.trees.read import load_tree
from galaxyclass.trees.tree import Tree

#: Fractions are whole millionths, so that six decimals obey the sum rules exactly.
MILLION = 1_000_000


@dataclass(frozen=True)
class Volunteers:
    """How volunteers follow their impressions; fitted by `galaxyclass.simulation.fit`.

    Attributes
    ----------
    sharpness : (11,) float64
        Factor of an impression's leanings, one per question.
    offsets : (37,) float64
        Added to the scaled leanings, one per answer.
    correlation : (11,) float64
        How alike the votes of one panel are beyond the galaxy's probabilities, 0..1: the
        intra-class correlation of a Dirichlet-multinomial of concentration 1 / correlation - 1.
    panel : (quantiles,) float64
        Number of volunteers of a galaxy, at evenly spaced quantiles from 0 to 1.
    """

    sharpness: NDArray[np.float64]
    offsets: NDArray[np.float64]
    correlation: NDArray[np.float64]
    panel: NDArray[np.float64]


@lru_cache
def load_volunteers() -> Volunteers:
    """The volunteers that were fitted to those of Galaxy Zoo 2 (see ``volunteers.json``)."""
    text = resources.files("galaxyclass.simulation").joinpath("volunteers.json").read_text("utf-8")
    return parse_volunteers(json.loads(text))


def parse_volunteers(data: Mapping[str, Any]) -> Volunteers:
    """The volunteers of the JSON that `galaxyclass.simulation.fit` writes."""
    questions = data["questions"]
    tree = load_tree("galaxy_zoo_2")
    return Volunteers(
        sharpness=np.array([questions[q.code]["sharpness"] for q in tree.questions]),
        offsets=np.array([questions[a.question]["offsets"][a.code] for a in tree.answers]),
        correlation=np.array([questions[q.code]["correlation"] for q in tree.questions]),
        panel=np.array(data["panel"], dtype=np.float64),
    )


def expect(
    impressions: NDArray[np.float64], volunteers: Volunteers | None = None
) -> NDArray[np.float64]:
    """Probability of each answer for a volunteer who is asked its question.

    Parameters
    ----------
    impressions : (..., 37) float64
        From `impress`.
    volunteers : Volunteers, optional

    Returns
    -------
    (..., 37) float64
        Conditional probabilities: those of each question sum to 1.
    """
    volunteers = volunteers or load_volunteers()
    chances = np.empty_like(impressions)
    for question, where in enumerate(load_tree("galaxy_zoo_2").slices):
        leaning = volunteers.sharpness[question] * impressions[..., where]
        chances[..., where] = softmax(leaning + volunteers.offsets[where])
    return chances


def softmax(leaning: NDArray[np.float64]) -> NDArray[np.float64]:
    """(…, answers) probabilities of log odds along the last axis."""
    odds = np.exp(leaning - leaning.max(axis=-1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


def vote(
    morphology: Morphology, rng: np.random.Generator, volunteers: Volunteers | None = None
) -> NDArray[np.float64]:
    """Votes of a panel of about 40 volunteers on a galaxy.

    Parameters
    ----------
    morphology : Morphology
    rng : numpy.random.Generator
    volunteers : Volunteers, optional
        By default those fitted to Galaxy Zoo 2.

    Returns
    -------
    (37,) float64
        Joint fractions on the tree ``galaxy_zoo_2``, in whole millionths: rounded to six decimals
        they obey the sum rules exactly.

    Examples
    --------
    >>> import numpy as np
    >>> from galaxyclass.simulation.morphology import draw_morphology
    >>> rng = np.random.default_rng(1)
    >>> fractions = vote(draw_morphology(rng), rng)
    >>> round(float(fractions[:3].sum()), 6), round(float(fractions[13:15].sum()), 6)
    (1.0, 1.0)
    """
    volunteers = volunteers or load_volunteers()
    chances = expect(impress(morphology), volunteers)
    quantiles = np.linspace(0, 1, len(volunteers.panel))
    people = round(float(np.interp(rng.random(), quantiles, volunteers.panel)))
    return _answer(load_tree("galaxy_zoo_2"), chances, volunteers.correlation, people, rng)


def _answer(
    tree: Tree,
    chances: NDArray[np.float64],
    correlation: NDArray[np.float64],
    people: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    counts = np.zeros(len(tree.answers), dtype=np.int64)
    millionths = np.zeros(len(tree.answers), dtype=np.int64)
    for index in tree.order:
        where, parents = tree.slices[index], tree.parents[index]
        asked = int(counts[parents].sum()) if parents.any() else people
        if not asked:
            continue
        alpha = chances[where] * (1 / correlation[index] - 1)
        # Below 1e-3 the gamma variates of the draw underflow to 0 / 0.
        counts[where] = rng.multinomial(asked, rng.dirichlet(np.maximum(alpha, 1e-3)))
        total = int(millionths[parents].sum()) if parents.any() else MILLION
        millionths[where] = _portion(total, counts[where])
    return millionths / MILLION


def _portion(total: int, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integers in proportion to ``counts`` that add up to ``total`` exactly."""
    parts, remainders = np.divmod(total * counts, counts.sum())
    missing = total - int(parts.sum())
    parts[np.argsort(-remainders, kind="stable")[:missing]] += 1
    return np.asarray(parts)
