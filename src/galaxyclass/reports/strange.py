"""Pictures unlike those that a model knows, and galaxies that it gets most wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from galaxyclass.arrays import Doubles
from galaxyclass.data.catalog.catalog import Catalog
from galaxyclass.plots.panel import AxisScale, ChartPanel, round_numbers
from galaxyclass.recipes.preprocessing import Preprocessing
from galaxyclass.reports.examples import read_gallery
from galaxyclass.reports.parts import Figure, Gallery, ReportSection
from galaxyclass.reports.scored import ScoredModel
from galaxyclass.short import counted, percent, verb

#: Pictures of a gallery.
PICTURES = 12
#: Bins of the histogram, and its end.
_BINS, _END = 24, 3.0


@dataclass(frozen=True)
class Strangeness:
    """The out-of-distribution scores of some pictures.

    Attributes
    ----------
    images : int
    flagged : int
        How many have a score above 1.
    share : float
    median, highest : float
        Of the scores.
    """

    images: int
    flagged: int
    share: float
    median: float
    highest: float


def summarise_strangeness(scores: Doubles) -> Strangeness:
    """How many of (pictures,) scores are above 1, and so flagged.

    Examples
    --------
    >>> summarise_strangeness(np.array([0.5, 0.7, 2.0])).flagged
    1
    """
    flagged = int((scores > 1).sum())
    is_known = len(scores) > 0
    return Strangeness(
        len(scores),
        flagged,
        flagged / len(scores) if is_known else math.nan,
        float(np.median(scores)) if is_known else math.nan,
        float(scores.max()) if is_known else math.nan,
    )


def strange_section(
    scores: Doubles,
    catalog: Catalog,
    preprocessing: Preprocessing,
    caption: Callable[[int], str],
) -> ReportSection:
    """The distribution of (pictures,) out-of-distribution scores, and the strangest pictures."""
    summary = summarise_strangeness(scores)
    edges = np.linspace(0, _END, _BINS + 1)
    heights, _ = np.histogram(np.clip(scores, 0, _END - 1e-9), edges)
    top = float(heights.max(initial=1))
    panel = ChartPanel(
        AxisScale(0, _END, f"out-of-distribution score (last bar: {_END:g} or more)"),
        AxisScale(0, top * 1.05, "pictures", round_numbers(0, top)),
        "Out-of-distribution scores",
    )
    panel.columns(edges.tolist(), heights.tolist(), 0)
    panel.line((1, 1), (0, top * 1.05), dashed=True)
    strangest = np.argsort(-scores, kind="stable")[:PICTURES]
    share = (
        f"{summary.flagged:,} of {counted(summary.images, 'picture')} "
        f"({percent(summary.share, 1)}) {verb(summary.flagged, 'is')} flagged"
    )
    verdict = (
        f"{share}. About 1 % of pictures like those of its training would be, so most "
        "of these look familiar to the model."
        if summary.share <= 0.05
        else f"{share}, where about 1 % of pictures like those of its training would "
        "be: these pictures differ from what the model knows (another telescope, scale, stretch "
        "or kind of object), and its predictions for them are less reliable than its scores say."
    )
    return ReportSection(
        "strange",
        "Pictures unlike those that the model knows",
        (
            "The out-of-distribution score says how unlike a picture is to the galaxies that the "
            "model knows. Above 1 (the dashed line) a picture is flagged, and its prediction "
            "should not be believed.",
            verdict,
        ),
        (Figure("Scores of all pictures", panel.svg()),),
        galleries=(read_gallery("The strangest", catalog, strangest, preprocessing, caption),),
        numbers=asdict(summary),
    )


def extreme_gallery(
    title: str, model: ScoredModel, values: Doubles, caption: Callable[[int], str]
) -> Gallery:
    """The galaxies with the highest values, such as the largest errors.

    Parameters
    ----------
    title : str
    model : ScoredModel
    values : (galaxies,) float64
    caption : callable
        From the index of a galaxy to words.
    """
    highest = np.argsort(-values, kind="stable")[:PICTURES]
    return read_gallery(title, model.catalog, highest, model.preprocessing, caption)
