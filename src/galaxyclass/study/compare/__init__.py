"""Recipes and settings side by side, each trial a training in a process of its own."""
