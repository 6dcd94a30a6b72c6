"""Figures in one style: each is a function from data to a matplotlib figure."""
