"""Figures: one style, each one function, data in, figure out."""

from galaxyclass.plots.compared import Panel, compared_curves
from galaxyclass.plots.curves import curves
from galaxyclass.plots.style import save, style

__all__ = ["Panel", "compared_curves", "curves", "save", "style"]
