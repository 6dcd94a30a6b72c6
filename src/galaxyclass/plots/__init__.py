"""Figures: one style, each one function, data in, figure out."""
