"""Baselines: what can be predicted without a network, scored as a training scores itself."""

from galaxyclass.baselines.baseline import Baselines, BaselineScores, baseline
from galaxyclass.baselines.colours import Colours, colours_of, measure_colours
from galaxyclass.baselines.likeness import Likeness, like_colours
from galaxyclass.baselines.regressions import LinearColours, LogisticColours

__all__ = [
    "BaselineScores",
    "Baselines",
    "Colours",
    "Likeness",
    "LinearColours",
    "LogisticColours",
    "baseline",
    "colours_of",
    "like_colours",
    "measure_colours",
]
