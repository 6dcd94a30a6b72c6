"""Losses that leave out unknown targets."""
