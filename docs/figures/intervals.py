"""Intervals of one width and by region, of made-up predictions that are surest near 0 and 1."""

import matplotlib.pyplot as plt
import numpy as np

from galaxyclass.plots.style import COLOURS, style

rng = np.random.default_rng(0)
LEVEL, REGIONS = 0.9, 5


def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Predicted fractions, and true ones, which differ most where neither answer is clear."""
    predicted = rng.beta(0.5, 0.9, count)
    size = 0.02 + 0.3 * np.sqrt(predicted * (1 - predicted))
    return predicted, np.clip(predicted + size * rng.normal(size=count), 0, 1)


def quantile(errors: np.ndarray) -> float:
    """The error that ceil((n + 1) * level) of n galaxies do not exceed: split conformal."""
    rank = int(np.ceil((len(errors) + 1) * LEVEL))
    return float(np.sort(errors)[min(rank, len(errors)) - 1])


seen, truth = draw(1200)
new, new_truth = draw(200_000)
edges = np.quantile(seen, np.linspace(0, 1, REGIONS + 1))
region = np.clip(np.searchsorted(edges, seen) - 1, 0, REGIONS - 1)
new_region = np.clip(np.searchsorted(edges, new) - 1, 0, REGIONS - 1)
error, new_error = abs(truth - seen), abs(new_truth - new)
one_width = quantile(error)
widths = np.array([quantile(error[region == i]) for i in range(REGIONS)])

with style():
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
    left.plot(seen, truth, ".", color="0.6", markersize=3)
    grid = np.linspace(0, 1, 400)
    by_region = widths[np.clip(np.searchsorted(edges, grid) - 1, 0, REGIONS - 1)]
    for sign in (-1, 1):
        left.plot(grid, np.clip(grid + sign * one_width, 0, 1), color=COLOURS[1], linewidth=1.5)
        left.plot(grid, np.clip(grid + sign * by_region, 0, 1), color=COLOURS[0], linewidth=1.5)
    left.set_xlabel("predicted fraction")
    left.set_ylabel("true fraction")
    held = [(new_error <= one_width), (new_error <= widths[new_region])]
    for values, colour, label in zip(
        held,
        (COLOURS[1], COLOURS[0]),
        ("one width for all", "a width for each region"),
        strict=True,
    ):
        coverage = [values[new_region == i].mean() for i in range(REGIONS)]
        right.plot(range(1, REGIONS + 1), coverage, "o-", color=colour, label=label)
    right.axhline(LEVEL, color="0.4", linestyle="--", linewidth=1)
    right.set_ylim(0.7, 1.01)
    right.set_xticks(range(1, REGIONS + 1))
    right.set_xlabel("region, by predicted fraction")
    right.set_ylabel("true fractions inside, of new galaxies")
    right.legend(fontsize=11)
plt.show()
