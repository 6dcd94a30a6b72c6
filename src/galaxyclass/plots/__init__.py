"""Figures: one style, each one function, data in, figure out."""

from galaxyclass.plots.curves import curves
from galaxyclass.plots.style import save, style

__all__ = ["curves", "save", "style"]
