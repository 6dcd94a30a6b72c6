"""Figures: one style, each one function, data in, figure out."""

from galaxyclass.plots.bars import Bar, BarGroup, grouped_bars
from galaxyclass.plots.compared import Panel, compared_curves
from galaxyclass.plots.curves import curves
from galaxyclass.plots.gallery import Tile, gallery, shrink
from galaxyclass.plots.heatmaps import correlation_map, correlation_panels
from galaxyclass.plots.style import inline_svg, save, style

__all__ = [
    "Bar",
    "BarGroup",
    "Panel",
    "Tile",
    "compared_curves",
    "correlation_map",
    "correlation_panels",
    "curves",
    "gallery",
    "grouped_bars",
    "inline_svg",
    "save",
    "shrink",
    "style",
]
