"""Comparisons of recipes and settings: each trial is a training in its own process."""
