"""Comparison: recipes and settings side by side, each trial a training in a process of its own."""

from galaxyclass.comparison.compare import Comparison, compare, read_comparison
from galaxyclass.comparison.results import Result, best_first

__all__ = ["Comparison", "Result", "best_first", "compare", "read_comparison"]
