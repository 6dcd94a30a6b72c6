"""The score against size, brightness and columns of the table: where the model is weak."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from galaxyclass.arrays import Doubles
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.data.tables.cells import kind_of, numbers
from galaxyclass.errors import CatalogError, ImageError
from galaxyclass.images.channels import to_three
from galaxyclass.images.fast_cutout import read_cutout
from galaxyclass.plots.panel import AxisScale, ChartPanel
from galaxyclass.progress import Progress
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.reports.parts import Figure, ReportSection, ReportTable
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.short import counted

#: Galaxies whose pictures are measured, at most, and the side of the cutouts that are measured.
MOST_MEASURED, _SIDE = 2000, 64
#: Bins of a property, and galaxies that each needs.
_BINS, _FEWEST = 6, 15
#: What columns with numbers of votes, magnitudes, radii and redshifts are called in the surveys'
#: tables.
_KNOWN = re.compile(
    r"total[_ ]?(votes?|classifications?|count)|n_?votes|(petro|model|cmodel|auto)?mag_?(auto|r)|"
    r"petro(rad|r50|r90)_?r|(shape)?r_?e|half_light_radius|flux_radius|z|redshift|z_?spec",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ByProperty:
    """The score in bins of a property of galaxies.

    Attributes
    ----------
    name : str
    median : tuple of float
        Of the property in each bin.
    score, low, high : tuple of float
        The main score with its 95 % interval.
    simplest : tuple of float
        That of the simplest predictor.
    galaxies : tuple of int
    """

    name: str
    median: tuple[float, ...]
    score: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    simplest: tuple[float, ...]
    galaxies: tuple[int, ...]


def property_section(
    model: ScoredModel, by: Sequence[str], progress: Progress
) -> ReportSection | None:
    """The score against what is measured of the pictures, and columns of the table.

    Parameters
    ----------
    model : ScoredModel
    by : sequence of str
        Columns of the table, beside those that are known by their names.

    Raises
    ------
    CatalogError
        The table has no such column of numbers.
    """
    named = columns_of_numbers(model.catalog, by)
    drawn = np.sort(np.random.default_rng(model.seed).permutation(len(model))[:MOST_MEASURED])
    measured = measure_pictures(model.catalog, drawn, model.preprocessing, progress)
    everything = [(name, values, np.arange(len(model))) for name, values in named.items()]
    everything = [*((name, values, drawn) for name, values in measured.items()), *everything]
    figures, rows, numbers = [], [], []
    for name, values, indices in everything:
        binned = score_by_property(model.take(indices), name, values)
        if binned is None:
            continue
        figures.append(Figure(name, _panel(model, binned)))
        fields = (binned.median, binned.score, binned.low, binned.high, binned.simplest,
                  binned.galaxies)  # fmt: skip
        rows += [(name, *cells) for cells in zip(*fields, strict=True)]
        numbers.append(asdict(binned))
    if not figures:
        return None
    metric = model.task.metric
    better = "Lower" if metric.lower_is_better else "Higher"
    of_columns = f", and {counted(len(named), 'column')} of the table" if named else ""
    return ReportSection(
        "properties",
        "Which galaxies are hard?",
        (
            f"The {metric.label} of galaxies of about the same size or brightness, with 95 % "
            f"intervals. {better} is better. A slope shows which galaxies the model does worse on; "
            f"the {metric.simplest} on the same galaxies shows whether these are harder for any "
            "predictor.",
            f"Size and brightness are measured on {len(drawn):,} of the pictures{of_columns}. "
            "Size: the radius that holds half of the light above the sky's noise, as a share of "
            "half the picture's side. Brightness: the mean grey level of the middle, 0 to 1.",
        ),
        tuple(figures),
        (("dot c0", model.name), ("ring c1", metric.simplest)),
        (
            ReportTable(
                "properties",
                ("property", "median", metric.key, "low", "high", metric.simplest_key, "galaxies"),
                tuple(rows),
                "The same as a table",
            ),
        ),
        numbers={"properties": numbers},
    )


def columns_of_numbers(catalog: Catalog, by: Sequence[str]) -> dict[str, Doubles]:
    """Columns, each (galaxies,), to plot the score against: those named and those with known names.

    Raises
    ------
    CatalogError
        There is no such column, or it does not hold numbers.
    """
    other = catalog.other
    columns: dict[str, Any] = {}
    if other is not None:
        columns = dict(zip(other.column_names, other.columns, strict=True))
    numeric = [name for name in columns if kind_of(columns[name]) in ("integer", "number")]
    for name in by:
        if name not in numeric:
            raise CatalogError(
                f"{catalog.table}: no column of numbers {name!r}",
                argument="by",
                wanted=f"some of {', '.join(numeric)}" if numeric else "a table with such columns",
                got="a column of text" if name in columns else None,
            )
    chosen = dict.fromkeys([*by, *(name for name in numeric if _KNOWN.fullmatch(name))])
    return {name: numbers(columns[name])[0] for name in chosen}


def measure_pictures(
    catalog: Catalog,
    indices: NDArray[np.int64],
    preprocessing: Preprocessing,
    progress: Progress,
) -> dict[str, Doubles]:
    """Size and brightness of galaxies in their pictures; NaN where one cannot be read.

    Returns
    -------
    dict of str to (indices,) float64
    """
    settings = preprocessing.model_copy(update={"size": _SIDE})
    sizes, brightnesses = np.full((2, len(indices)), np.nan)
    for row, index in enumerate(indices.tolist()):
        try:
            cutout = read_cutout(catalog.paths[index], settings)
        except ImageError:  # it was read a moment ago: the file has gone
            continue
        sizes[row], brightnesses[row] = size_and_brightness(cutout)
        progress("measure", row + 1, len(indices))
    return {"size in the picture": sizes, "brightness": brightnesses}


def size_and_brightness(cutout: NDArray[np.uint8]) -> tuple[float, float]:
    """The half-light radius as a share of half the side, and the mean grey level of the middle.

    Parameters
    ----------
    cutout : (side, side, channels) uint8

    Returns
    -------
    size, brightness : float
        The size is NaN where no light is above that of the border.

    Examples
    --------
    >>> disc = np.zeros((64, 64, 1), np.uint8)
    >>> y, x = np.mgrid[:64, :64] - 31.5
    >>> disc[np.hypot(x, y) < 16] = 255
    >>> size, brightness = size_and_brightness(disc)
    >>> round(size, 2), brightness
    (0.36, 1.0)
    """
    grey = to_three(cutout).mean(axis=2) / 255
    side = len(grey)
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    radius = np.hypot(x, y) / (side / 2)
    border = grey[np.maximum(abs(x), abs(y)) > 0.44 * side]
    # The noise of the sky is no light of the galaxy: it would make every galaxy as large.
    sky, brightest = np.quantile(border, (0.5, 0.95))
    light = np.where(grey > brightest, grey - sky, 0).ravel()
    order = np.argsort(radius.ravel(), kind="stable")
    within = np.cumsum(light[order])
    size = math.nan
    if within[-1] > 0:
        size = float(radius.ravel()[order][np.searchsorted(within, within[-1] / 2)])
    return size, float(grey[radius < 0.25].mean())


def score_by_property(model: ScoredModel, name: str, values: Doubles) -> ByProperty | None:
    """The main score in bins of equally many galaxies by (galaxies,) values; None of too few."""
    task, known = model.task, np.isfinite(values)
    count = min(_BINS, int(known.sum()) // _FEWEST)
    if count < 2:
        return None
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, count + 1)))
    if len(edges) < 3:
        return None
    bins = np.where(known, np.digitize(values, edges[1:-1]), -1)
    columns: list[tuple[float, float, float, float, float, int]] = []
    for number in range(len(edges) - 1):
        rows = np.flatnonzero(bins == number)
        if len(rows) < _FEWEST:
            continue
        score, simplest = task.score_beside_simplest(
            model.predictions[rows], model.values[rows], seed=model.seed
        )
        median = float(np.median(values[rows]))
        columns.append((median, score.value, score.low, score.high, simplest, len(rows)))
    if len(columns) < 2:
        return None
    median_, score_, low, high, simplest_, galaxies = zip(*columns, strict=True)
    return ByProperty(name, median_, score_, low, high, simplest_, galaxies)


def _panel(model: ScoredModel, binned: ByProperty) -> str:
    ends = [*binned.low, *binned.high, *binned.simplest]
    room = 0.1 * (max(ends) - min(ends) or 1.0)
    low = 0.0 if model.task.metric.lower_is_better else max(0.0, min(ends) - room)
    spread = 0.05 * (binned.median[-1] - binned.median[0])
    x = AxisScale(binned.median[0] - spread, binned.median[-1] + spread, binned.name)
    panel = ChartPanel(
        x,
        AxisScale(low, max(ends) + room, model.task.metric.label),
        f"{model.task.metric.label} against {binned.name}",
    )
    panel.line(binned.median, binned.simplest, 1, dashed=True)
    panel.line(binned.median, binned.score, 0, dashed=False)
    notes = [counted(count, "galaxy") for count in binned.galaxies]
    panel.marks(
        binned.median, list(zip(binned.score, binned.low, binned.high, strict=True)), 0, notes
    )
    return panel.svg()
